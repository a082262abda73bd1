//! What a canvas looks like at one instant: the compositor's input.

use crate::{AspectMode, Color, Crop, ItemId, SourceId, Vec2};

/// One source drawn once. All values are final: animated, clamped and sorted.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The item it stands for.
    pub item: ItemId,
    /// Whose newest frame is drawn.
    pub source: SourceId,
    /// Corner the picture grows away from, in canvas pixels.
    pub position: Vec2,
    /// Extent in canvas pixels; negative mirrors.
    pub size: Vec2,
    /// How pictures of another shape are placed.
    pub aspect: AspectMode,
    /// Colour of the free part of a fitted slot.
    pub fill_color: Color,
    /// 0 to 1.
    pub alpha: f32,
    /// Cut off the picture first.
    pub crop: Crop,
}

/// A canvas at one instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// From the back to the front, over black.
    pub layers: Vec<Layer>,
    /// A second set of layers, composed by itself over black and laid over the first with this share (0 to 1): a
    /// fade between scenes.
    pub fade: Option<(Vec<Layer>, f32)>,
}
