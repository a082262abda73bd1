//! `onMetaData`: what a stream consists of, told before its first frame (FLV 10.1, E.5; E-RTMP v2, "Enhancing
//! onMetaData").

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use units::{AudioConfig, FrameRate, Kbps, Size, StreamConfig, TrackId, VideoConfig};

use super::{Form, FourCc};
use crate::amf0::{self, Properties, Value, properties};
use crate::error::Error;

/// Codec id of H.264 in legacy tags.
const LEGACY_AVC: f64 = 7.0;
/// Sound format of AAC in legacy tags.
const LEGACY_AAC: f64 = 10.0;
/// What `audiosamplesize` says about AAC, whatever it is in truth: bits per sample.
const AAC_SAMPLE_BITS: f64 = 16.0;

/// A picture track as metadata tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoMetadata {
    /// The track.
    pub track: TrackId,
    /// Its codec.
    pub four_cc: FourCc,
    /// Picture size.
    pub size: Size,
    /// Frames per second.
    pub rate: FrameRate,
    /// What the encoder was asked for.
    pub bitrate: Kbps,
}

/// A sound track as metadata tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioMetadata {
    /// The track.
    pub track: TrackId,
    /// Its codec.
    pub four_cc: FourCc,
    /// Samples per second and channel.
    pub sample_rate_hz: u32,
    /// 1 or 2.
    pub channels: u8,
    /// What the encoder was asked for.
    pub bitrate: Kbps,
}

/// What `onMetaData` says.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamMetadata {
    /// How picture track 0 is packaged, which decides how its codec is named.
    pub video_form: Form,
    /// How sound track 0 is packaged, which decides how its codec is named.
    pub audio_form: Form,
    /// Name and version of this program.
    pub encoder: String,
    /// Picture tracks, in any order.
    pub video: Vec<VideoMetadata>,
    /// Sound tracks, in any order.
    pub audio: Vec<AudioMetadata>,
}

impl StreamMetadata {
    /// The metadata of a stream that is about to start. `encoder` names this program and its version.
    pub fn new(
        config: &StreamConfig,
        video_form: Form,
        audio_form: Form,
        encoder: impl Into<String>,
    ) -> Self {
        Self {
            video_form,
            audio_form,
            encoder: encoder.into(),
            video: config.video.iter().map(|config| VideoMetadata::from(&**config)).collect(),
            audio: config.audio.iter().map(|config| AudioMetadata::from(&**config)).collect(),
        }
    }

    /// The ECMA array: track 0 at the top level, the others in `videoTrackIdInfoMap` and `audioTrackIdInfoMap`, whose
    /// keys start at 1. The duration is 0, as it is for everything live.
    pub fn to_value(&self) -> Value {
        let mut top = properties([("duration", Value::from(0.0))]);
        for video in self.video.iter().filter(|video| video.track == TrackId::PRIMARY) {
            top.extend(video.members(self.video_form));
        }
        for audio in self.audio.iter().filter(|audio| audio.track == TrackId::PRIMARY) {
            top.extend(audio.members(self.audio_form));
        }
        top.push((String::from("encoder"), Value::string(self.encoder.as_str())));
        let video = self.video.iter().filter(|video| video.track != TrackId::PRIMARY);
        let video =
            video.map(|video| (format!("{}", video.track), Value::Object(video.map_members()))).collect();
        let audio = self.audio.iter().filter(|audio| audio.track != TrackId::PRIMARY);
        let audio =
            audio.map(|audio| (format!("{}", audio.track), Value::Object(audio.map_members()))).collect();
        for (name, map) in [("videoTrackIdInfoMap", video), ("audioTrackIdInfoMap", audio)] {
            let map: Properties = map;
            if !map.is_empty() {
                top.push((String::from(name), Value::Object(map)));
            }
        }
        Value::EcmaArray(top)
    }

    /// The body of a script tag in a file: `onMetaData` and the array.
    ///
    /// # Errors
    /// None in practice; the type is that of everything that encodes.
    pub fn to_script(&self) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        amf0::encode(&Value::from("onMetaData"), &mut body)?;
        amf0::encode(&self.to_value(), &mut body)?;
        Ok(body)
    }
}

impl From<&VideoConfig> for VideoMetadata {
    fn from(config: &VideoConfig) -> Self {
        Self {
            track: config.track,
            four_cc: config.codec.into(),
            size: config.size,
            rate: config.rate,
            bitrate: config.bitrate,
        }
    }
}

impl From<&AudioConfig> for AudioMetadata {
    fn from(config: &AudioConfig) -> Self {
        Self {
            track: config.track,
            four_cc: config.codec.into(),
            sample_rate_hz: config.sample_rate_hz,
            channels: config.channels,
            bitrate: config.bitrate,
        }
    }
}

impl VideoMetadata {
    /// Members for the top level.
    fn members(&self, form: Form) -> Properties {
        let is_legacy = form == Form::Legacy && self.four_cc == FourCc::AVC;
        self.described(if is_legacy { LEGACY_AVC } else { f64::from(self.four_cc.as_number()) })
    }

    /// Members for the map of tracks.
    fn map_members(&self) -> Properties {
        self.described(f64::from(self.four_cc.as_number()))
    }

    fn described(&self, codec: f64) -> Properties {
        properties([
            ("width", Value::from(f64::from(self.size.width_px()))),
            ("height", Value::from(f64::from(self.size.height_px()))),
            ("videodatarate", Value::from(f64::from(self.bitrate.0))),
            ("framerate", Value::from(self.rate.as_f64())),
            ("videocodecid", Value::from(codec)),
        ])
    }
}

impl AudioMetadata {
    /// Members for the top level.
    fn members(&self, form: Form) -> Properties {
        let is_legacy = form == Form::Legacy && self.four_cc == FourCc::AAC;
        properties([
            ("audiodatarate", Value::from(f64::from(self.bitrate.0))),
            ("audiosamplerate", Value::from(f64::from(self.sample_rate_hz))),
            ("audiosamplesize", Value::from(AAC_SAMPLE_BITS)),
            ("audiochannels", Value::from(f64::from(self.channels))),
            ("stereo", Value::from(self.channels == 2)),
            (
                "audiocodecid",
                Value::from(if is_legacy { LEGACY_AAC } else { f64::from(self.four_cc.as_number()) }),
            ),
        ])
    }

    /// Members for the map of tracks, which has names of its own.
    fn map_members(&self) -> Properties {
        properties([
            ("audiodatarate", Value::from(f64::from(self.bitrate.0))),
            ("channels", Value::from(f64::from(self.channels))),
            ("samplerate", Value::from(f64::from(self.sample_rate_hz))),
            ("audiocodecid", Value::from(f64::from(self.four_cc.as_number()))),
        ])
    }
}
