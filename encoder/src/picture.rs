//! Pictures as GStreamer takes them, without copying a byte.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer_video as gst_video;
use units::{ColorMatrix, ColorRange, EncoderPicture, FrameRate, PixelFormat, Size, VideoFrame};

use crate::BackendKind;

/// Keeps a picture alive for as long as an encoder reads its bytes.
struct Shared(Arc<VideoFrame>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes()
    }
}

/// Caps of NV12 pictures in BT.709, limited range: what the compositor makes.
pub(crate) fn caps(size: Size, rate: FrameRate) -> Option<gst::Caps> {
    let number = |value: u32| i32::try_from(value).ok();
    let caps = gst::Caps::builder("video/x-raw")
        .field("format", "NV12")
        .field("width", number(size.width_px())?)
        .field("height", number(size.height_px())?)
        .field("framerate", gst::Fraction::new(number(rate.numerator())?, number(rate.denominator())?))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .field("interlace-mode", "progressive")
        .field("colorimetry", "bt709")
        // Chroma as H.264 has it where nothing is said: level with the left luma samples (ITU-T H.264, figure E-1).
        .field("chroma-site", "mpeg2")
        .build();
    Some(caps)
}

/// Why `picture` can not go to an encoder of `kind` and `size`.
pub(crate) fn check(picture: &EncoderPicture, kind: BackendKind, size: Size) -> Result<(), String> {
    if picture.size() != size {
        return Err(format!("it is {} and not {size}", picture.size()));
    }
    let EncoderPicture::Memory(picture) = picture else {
        return if kind.takes_textures() {
            Ok(())
        } else {
            Err(format!(
                "it lies in the graphics adapter's memory, and {kind} takes pictures from system memory"
            ))
        };
    };
    if picture.format() != PixelFormat::Nv12 {
        return Err(format!("it is {:?} and not NV12", picture.format()));
    }
    let color = picture.color();
    if color.matrix != ColorMatrix::Bt709 || color.range != ColorRange::Limited {
        return Err(format!("its colours are {color:?} and not BT.709 in limited range"));
    }
    Ok(())
}

/// A buffer over the bytes of an NV12 picture.
///
/// # Errors
/// In words, when GStreamer refuses the layout of the planes.
pub(crate) fn wrap(picture: Arc<VideoFrame>, pts_ns: u64, span_ns: u64) -> Result<gst::Buffer, String> {
    let size = picture.size();
    let offsets = [picture.offset(0), picture.offset(1)];
    let stride = |plane| i32::try_from(picture.stride(plane)).map_err(|_| "a row is too long".to_owned());
    let strides = [stride(0)?, stride(1)?];
    let mut buffer = gst::Buffer::from_slice(Shared(picture));
    // Just made, so nobody else holds it.
    let writable = buffer.get_mut().ok_or("the buffer is shared")?;
    writable.set_pts(gst::ClockTime::from_nseconds(pts_ns));
    writable.set_duration(gst::ClockTime::from_nseconds(span_ns));
    gst_video::VideoMeta::add_full(
        writable,
        gst_video::VideoFrameFlags::empty(),
        gst_video::VideoFormat::Nv12,
        size.width_px(),
        size.height_px(),
        &offsets,
        &strides,
    )
    .map_err(|error| error.to_string())?;
    Ok(buffer)
}
