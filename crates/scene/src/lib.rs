//! The document a creator edits: collections of scenes of items, and what they look like at an instant.
//!
//! The slot model is that of the IVS broadcast SDK's mixed devices (IVS user guide, "IVS Broadcast SDK: Mixed
//! Devices"). Edits are values; evaluating a scene gives a [`Picture`] the compositor can draw. No clock, no I/O.

mod animation;
mod demo;
mod document;
mod edit;
mod history;
mod json;
mod picture;
mod seen;
mod stage;
mod verify;

pub use animation::{AnimationId, Easing, Ended};
pub use document::{
    AspectMode, Collection, Color, Crop, DisplaySelector, Item, ItemId, ProgramSelector, Scene, SceneId,
    Slot, Source, SourceId, SourceKind, TextAlign, Vec2, WindowSelector,
};
pub use edit::{Edit, EditError, SlotChange};
pub use history::History;
pub use json::{FORMAT_VERSION, Loaded, Notice, ReadError, from_json, to_json};
pub use picture::{Layer, Picture};
pub use stage::{Evaluated, Stage, Transition, TransitionStyle};
pub use verify::{Violation, limits};
