//! Pictures that we fetch ourselves instead of a GStreamer element, as a source for the same pipeline.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSrc, AppSrcCallbacks};
use units::FrameRate;

use crate::Error;

/// A picture of four bytes per pixel: blue, green, red, and one without meaning. Rows follow without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Painted {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bgrx: Vec<u8>,
}

impl Painted {
    /// Whether every pixel is black.
    #[cfg(any(windows, test))]
    pub(crate) fn is_black(&self) -> bool {
        self.bgrx.chunks_exact(4).all(|pixel| matches!(pixel, [0, 0, 0, _]))
    }
}

/// Fetches the picture as it is now.
pub(crate) type Painter = Arc<dyn Fn() -> Result<Painted, Error> + Send + Sync>;

/// An element that gives what `painter` fetches, `rate` times a second; an error ends it, with its words.
pub(crate) fn source(painter: &Painter, rate: FrameRate) -> Result<gst::Element, Error> {
    crate::elements::init()?;
    let painter = Arc::clone(painter);
    let pause = Duration::from_secs_f64(1.0 / rate.as_f64());
    let (mut next, mut size) = (Instant::now(), None);
    let need_data = move |source: &AppSrc, _: u32| {
        // Called by the element's own thread, which has nothing else to do than to wait for the next picture.
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        next = (next + pause).max(Instant::now());
        let picture = match painter() {
            Ok(picture) => picture,
            Err(why) => {
                gst::element_error!(source, gst::ResourceError::Read, ("{why}"));
                return;
            }
        };
        if size != Some((picture.width, picture.height)) {
            size = Some((picture.width, picture.height));
            source.set_caps(Some(&caps(&picture, rate)));
        }
        // Refused when the pipeline ends, which is when nobody wants it any more.
        let _ = source.push_buffer(gst::Buffer::from_slice(picture.bgrx));
    };
    let source = AppSrc::builder()
        .is_live(true)
        .do_timestamp(true)
        .format(gst::Format::Time)
        .callbacks(AppSrcCallbacks::builder().need_data(need_data).build())
        .build();
    Ok(source.upcast())
}

fn caps(picture: &Painted, rate: FrameRate) -> gst::Caps {
    let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    gst::Caps::builder("video/x-raw")
        .field("format", "BGRx")
        .field("width", number(picture.width))
        .field("height", number(picture.height))
        .field("framerate", gst::Fraction::new(number(rate.numerator()), number(rate.denominator())))
        .build()
}
