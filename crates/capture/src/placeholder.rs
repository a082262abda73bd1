//! The picture that stands in for something that is not there: it names it.

use std::sync::Arc;

use units::{ColorSpace, MediaTime, PixelFormat, Size, VideoFrame};

use crate::typesetting::{Raster, choose_font, draw_centered, wrap};
use crate::{CaptureContext, Error};

/// Dark slate: reads as "nothing here" on black and on white.
const BACKGROUND: [u8; 4] = [38, 42, 51, 255];
const LETTERS: [u8; 4] = [235, 237, 242, 255];

/// Placeholders are drawn no larger than this on their longer side; they are stretched like any picture.
const LONGEST_PX: u32 = 1280;

/// A picture with the canvas' shape that says `sentence`.
pub(crate) fn picture(context: &CaptureContext, sentence: &str) -> Option<Arc<VideoFrame>> {
    draw(context, sentence)
        .map(Arc::new)
        .inspect_err(|problem| tracing::warn!(%problem, "no placeholder could be drawn"))
        .ok()
}

fn draw(context: &CaptureContext, sentence: &str) -> Result<VideoFrame, Error> {
    let size = reduced(context.canvas)?;
    let mut raster = Raster::filled(size, BACKGROUND);
    let letters_px = (size.shortest_px() as f32 / 14.0).max(10.0);
    match choose_font(None, &context.font) {
        Ok(chosen) => {
            let text = wrap(&chosen.font, sentence, letters_px, size.width_px() as f32 * 0.85);
            draw_centered(&mut raster, &chosen.font, &text, letters_px, LETTERS);
        }
        // Without any font the plain card still says "something is missing here"; the state says what.
        Err(problem) => tracing::warn!(%problem, "the placeholder stays without words"),
    }
    let bytes = Arc::new(raster.rgba);
    Ok(VideoFrame::packed(PixelFormat::Rgba8, size, ColorSpace::default(), now(context), bytes)?)
}

fn now(context: &CaptureContext) -> MediaTime {
    context.clock.now()
}

/// `canvas`, scaled down to [`LONGEST_PX`].
fn reduced(canvas: Size) -> Result<Size, Error> {
    let longest = canvas.longest_px();
    if longest <= LONGEST_PX {
        return Ok(canvas);
    }
    let scaled = |side: u32| (u64::from(side) * u64::from(LONGEST_PX) / u64::from(longest)).max(1);
    let side = |px: u32| u32::try_from(scaled(px)).unwrap_or(LONGEST_PX);
    Ok(Size::new(side(canvas.width_px()), side(canvas.height_px()))?)
}
