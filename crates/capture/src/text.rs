//! Words.

use std::sync::Arc;

use scene::{Color, TextAlign};
use units::{ColorSpace, PixelFormat, VideoFrame};

use crate::still::Still;
use crate::typesetting::{choose_font, color_bytes, set_text};
use crate::{CaptureContext, Error};

pub(crate) fn open(
    text: &str,
    family: Option<&str>,
    size_px: f32,
    color: Color,
    align: TextAlign,
    context: &CaptureContext,
) -> Result<Still, Error> {
    let chosen = choose_font(family, &context.font)?;
    let raster = set_text(&chosen.font, text, size_px, color_bytes(color), align)?;
    let frame = VideoFrame::packed(
        PixelFormat::Rgba8,
        raster.size,
        ColorSpace::default(),
        context.clock.now(),
        Arc::new(raster.rgba),
    )?;
    Ok(Still::new(frame, format!("drawn by Genlock in {}", chosen.how)))
}
