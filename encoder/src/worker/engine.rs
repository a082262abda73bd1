//! What a worker drives: a GStreamer pipeline or a session of NVENC, by the same few verbs. None of them waits for the
//! encoder.

use gstreamer as gst;
use units::{EncoderPicture, Kbps};

use crate::backend::BackendKind;
use crate::nvenc::NvencEngine;
use crate::pipeline::Pipeline;
use crate::{Error, picture};

/// A running encoder. Dropping it stops it.
pub(super) enum Engine {
    Pipeline(Pipeline),
    Nvenc(NvencEngine),
}

/// A picture as its engine takes it.
pub(super) struct Ready {
    made: Form,
    at: gst::ClockTime,
    span_ns: u64,
}

enum Form {
    Buffer(gst::Buffer),
    Picture(EncoderPicture),
}

impl Engine {
    /// Pictures that wait to enter the encoder.
    pub(super) fn waiting(&self) -> u64 {
        match self {
            Self::Pipeline(pipeline) => pipeline.waiting(),
            Self::Nvenc(nvenc) => nvenc.waiting(),
        }
    }

    /// Makes a picture ready to be pushed.
    ///
    /// # Errors
    /// In words, when it is no picture that the encoder can take.
    pub(super) fn ready(
        &self,
        picture: EncoderPicture,
        at: gst::ClockTime,
        span_ns: u64,
    ) -> Result<Ready, String> {
        let made = match (self, picture) {
            (Self::Pipeline(_), EncoderPicture::Memory(picture)) => {
                Form::Buffer(picture::wrap(picture, at.nseconds(), span_ns)?)
            }
            (Self::Pipeline(_), EncoderPicture::Texture(_)) => {
                return Err("it lies in the graphics adapter's memory".to_owned());
            }
            (Self::Nvenc(_), picture) => Form::Picture(picture),
        };
        Ok(Ready { made, at, span_ns })
    }

    /// Hands a picture to the encoder's queue, which makes it an IDR when it is told to. Returns whether it still takes
    /// any.
    pub(super) fn push(&self, Ready { made, at, span_ns }: Ready, idr: bool) -> bool {
        match (self, made) {
            (Self::Pipeline(pipeline), Form::Buffer(buffer)) => {
                if idr {
                    pipeline.force_idr(at);
                }
                pipeline.push(buffer)
            }
            (Self::Nvenc(nvenc), Form::Picture(picture)) => nvenc.push(picture, at.nseconds(), span_ns, idr),
            // Made ready by another engine than this.
            (Self::Pipeline(_), Form::Picture(_)) | (Self::Nvenc(_), Form::Buffer(_)) => false,
        }
    }

    /// Changes the bitrate between the pictures that were pushed and those that will be.
    ///
    /// # Errors
    /// [`Error::Property`] when the encoder does not take it.
    pub(super) fn set_bitrate(&self, kind: BackendKind, bitrate: Kbps) -> Result<(), Error> {
        match self {
            Self::Pipeline(pipeline) => pipeline.set(&kind.bitrate(bitrate)),
            Self::Nvenc(nvenc) => nvenc.set_bitrate(bitrate),
        }
    }

    /// Changes the bitrate from the picture of running time `at` on, which has not been pushed yet.
    pub(super) fn set_bitrate_at(&self, kind: BackendKind, bitrate: Kbps, at: gst::ClockTime) {
        match self {
            Self::Pipeline(pipeline) => pipeline.set_at(kind.bitrate(bitrate), at),
            Self::Nvenc(nvenc) => {
                if let Err(error) = nvenc.set_bitrate(bitrate) {
                    tracing::warn!(%error, "a change came too late to be refused");
                }
            }
        }
    }

    /// Stops or resumes the flow into the encoder, as an encoder does that does not keep up.
    #[cfg(test)]
    pub(super) fn hold(&self, held: bool) {
        match self {
            Self::Pipeline(pipeline) => pipeline.hold(held),
            Self::Nvenc(nvenc) => nvenc.hold(held),
        }
    }

    /// Says that nothing more will be pushed. Returns whether the encoder took it.
    pub(super) fn end(&self) -> bool {
        match self {
            Self::Pipeline(pipeline) => pipeline.end(),
            Self::Nvenc(nvenc) => nvenc.end(),
        }
    }
}
