//! The document a creator edits: collections of scenes of items, and what they look like at an instant.
//!
//! The slot model is that of the IVS broadcast SDK's mixed devices (IVS user guide, "IVS Broadcast SDK: Mixed
//! Devices"). Edits are values; evaluating a scene gives a [`Picture`] the compositor can draw. No clock, no I/O.

mod document;
mod picture;

pub use document::{
    AspectMode, Collection, Color, Crop, DisplaySelector, Item, ItemId, Scene, SceneId, Slot, Source, SourceId,
    SourceKind, TextAlign, Vec2, WindowSelector,
};
pub use picture::{Layer, Picture};
