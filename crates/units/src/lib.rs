//! The values every other crate speaks in: time, rate, size, bitrate, tracks, pictures, sound and access units.
//!
//! Nothing here reads a clock, does I/O or holds policy. Bare integers do not cross crate borders: a number that
//! means milliseconds, pixels or kilobits is one of these types, or carries its unit in its name.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod access_unit;
mod bitrate;
mod color;
mod picture;
mod rate;
mod secret;
mod size;
mod sound;
mod texture;
mod time;
mod track;

pub use access_unit::{
    AccessUnit, AudioConfig, EncodeStamps, FrameCounts, StreamConfig, TrackConfig, VideoConfig,
};
pub use bitrate::Kbps;
pub use color::{ColorMatrix, ColorRange, ColorSpace};
pub use picture::{PictureBytes, PixelFormat, Plane, VideoFrame, VideoFrameError};
pub use rate::{FrameRate, FrameRateError};
pub use secret::Secret;
pub use size::{Size, SizeError};
pub use sound::{AudioBlock, SAMPLE_RATE_HZ, samples_from_span, span_from_samples};
pub use texture::{EncoderPicture, Texture};
pub use time::{Clock, Dts, MediaTime, Pts, Span};
pub use track::{AudioCodec, Track, TrackId, VideoCodec, VideoProfile};
