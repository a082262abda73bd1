//! The studio window: egui only. `(view, state) -> commands`.
//!
//! [`Studio::ui`] paints a [`control::View`] and returns the [`control::Command`]s a person asked for. Fonts, icons and
//! colours are compiled in from `assets`; no file, socket or clock is touched. One file per panel, one per control.

mod figures;
mod focus;
mod hold_gate;
mod icon;
mod keyboard;
mod layout;
mod light;
mod palette;
mod panel;
mod pass;
mod sheet;
mod studio;
mod theme;
mod widget;

pub use pass::PreviewTexture;
pub use studio::{Studio, repaint_after};
pub use theme::{Theme, ThemeChoice};
