//! One colour.

use std::sync::Arc;

use scene::Color;
use units::{ColorSpace, PixelFormat, Size, VideoFrame};

use crate::still::Still;
use crate::typesetting::color_bytes;
use crate::{CaptureContext, Error};

/// Side of the picture in pixels. Any size would do, scaled without a seam; two keeps 4:2:0 consumers content.
const SIDE_PX: u32 = 2;

pub(crate) fn open(color: Color, context: &CaptureContext) -> Result<Still, Error> {
    let size = Size::new(SIDE_PX, SIDE_PX)?;
    let bytes = Arc::new(color_bytes(color).repeat((SIDE_PX * SIDE_PX) as usize));
    let frame =
        VideoFrame::packed(PixelFormat::Rgba8, size, ColorSpace::default(), context.clock.now(), bytes)?;
    Ok(Still::new(frame, "drawn by Genlock".to_owned()))
}
