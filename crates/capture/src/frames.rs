//! GStreamer samples as our pictures, without copying.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSink;
use gstreamer_video::{VideoColorMatrix, VideoColorRange, VideoFormat, VideoInfo, VideoMeta};
use units::{
    Clock, ColorMatrix, ColorRange, ColorSpace, MediaTime, PixelFormat, Plane, Size, Span, VideoFrame,
};

use crate::Error;

/// Longest believable age of a picture that arrives; anything older comes from a broken time stamp.
const OLDEST: Span = Span::from_secs(2);

/// The raw formats we take as they are, in the order of preference.
pub(crate) const FORMATS: [&str; 5] = ["NV12", "I420", "BGRx", "BGRA", "RGBA"];

/// Whether the fourth byte of a four-byte pixel is alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alpha {
    /// It is: media with transparency.
    Kept,
    /// It is not, whatever the format says: desktops come as BGRA on Windows.
    Ignored,
}

/// Our name for a GStreamer format.
fn pixel_format(format: VideoFormat, alpha: Alpha) -> Option<PixelFormat> {
    match (format, alpha) {
        (VideoFormat::Nv12, _) => Some(PixelFormat::Nv12),
        (VideoFormat::I420, _) => Some(PixelFormat::I420),
        (VideoFormat::Bgrx, _) | (VideoFormat::Bgra, Alpha::Ignored) => Some(PixelFormat::Bgrx8),
        (VideoFormat::Bgra, Alpha::Kept) => Some(PixelFormat::Bgra8),
        (VideoFormat::Rgba, _) => Some(PixelFormat::Rgba8),
        _ => None,
    }
}

fn color_space(info: &VideoInfo) -> ColorSpace {
    let colorimetry = info.colorimetry();
    ColorSpace {
        matrix: match colorimetry.matrix() {
            VideoColorMatrix::Bt601 | VideoColorMatrix::Smpte240m | VideoColorMatrix::Fcc => {
                ColorMatrix::Bt601
            }
            _ => ColorMatrix::Bt709,
        },
        range: match colorimetry.range() {
            VideoColorRange::Range0_255 => ColorRange::Full,
            _ => ColorRange::Limited,
        },
    }
}

/// The picture in `sample`, over the sample's own memory.
pub(crate) fn picture(
    sample: &gst::Sample,
    alpha: Alpha,
    captured_at: MediaTime,
) -> Result<VideoFrame, Error> {
    let caps = sample.caps().ok_or_else(|| Error::Pipeline("a picture came without a description".into()))?;
    let info = VideoInfo::from_caps(caps)
        .map_err(|_| Error::Pipeline(format!("a picture of unknown form: {caps}")))?;
    let format = pixel_format(info.format(), alpha)
        .ok_or_else(|| Error::Pipeline(format!("a picture of unexpected format: {caps}")))?;
    let size = Size::new(info.width(), info.height())?;
    let buffer =
        sample.buffer_owned().ok_or_else(|| Error::Pipeline("a picture came without bytes".into()))?;
    let planes = {
        let of_info = || -> Vec<Plane> { planes(info.offset(), info.stride()) };
        buffer.meta::<VideoMeta>().map_or_else(of_info, |meta| planes(meta.offset(), meta.stride()))
    };
    let mapped = buffer
        .into_mapped_buffer_readable()
        .map_err(|_| Error::Pipeline("a picture's bytes cannot be read".into()))?;
    Ok(VideoFrame::new(format, size, color_space(&info), captured_at, planes, Arc::new(mapped))?)
}

fn planes(offsets: &[usize], strides: &[i32]) -> Vec<Plane> {
    offsets
        .iter()
        .zip(strides)
        // A negative stride (a picture upside down) becomes 0, which VideoFrame::new refuses.
        .map(|(&offset, &stride)| Plane { offset, stride: usize::try_from(stride).unwrap_or(0) })
        .collect()
}

/// When a sample that has just arrived from a live pipeline was captured: now, less the age its time stamp gives it.
pub(crate) fn captured_at(sink: &AppSink, sample: &gst::Sample, clock: &dyn Clock) -> MediaTime {
    let now = clock.now();
    let age = || {
        let stamp = sample.buffer()?.pts()?;
        let taken = sample.segment()?.downcast_ref::<gst::ClockTime>()?.to_running_time(stamp)?;
        let age = sink.current_running_time()?.checked_sub(taken)?;
        i64::try_from(age.nseconds()).ok().map(Span::from_nanos)
    };
    now - age().filter(|age| *age <= OLDEST).unwrap_or(Span::ZERO)
}

/// Caps that list the formats we take, at any size and rate.
pub(crate) fn caps() -> gst::Caps {
    gst::Caps::builder("video/x-raw").field("format", gst::List::new(FORMATS)).build()
}
