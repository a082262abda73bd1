//! What is asked of one encoder, in terms that every back end shares.

use std::sync::Arc;

use units::{FrameRate, Kbps, Size, Span, TrackId, VideoCodec, VideoProfile};

use crate::{BackendKind, Error, RequestedSettings, interpret};

/// How much time an encoder may spend on a picture: 1 is the fastest, 7 the most careful, as NVENC counts its presets
/// P1 to P7. The back-end table says what each step means to an encoder that counts otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Preset(u8);

impl Preset {
    /// x264's `veryfast`, which everything live is measured against.
    pub const VERY_FAST: Self = Self(3);
    /// In the middle.
    pub const BALANCED: Self = Self(4);

    /// Step `step`, kept within 1 to 7.
    pub const fn new(step: u8) -> Self {
        Self(if step < 1 {
            1
        } else if step > 7 {
            7
        } else {
            step
        })
    }

    /// The step, 1 to 7.
    pub const fn step(self) -> u8 {
        self.0
    }
}

/// What an encoder gives up quality for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LatencyTuning {
    /// Each picture comes out before the next goes in: no lookahead, no reordering.
    #[default]
    Zero,
    /// No reordering, but the encoder may keep a picture or two.
    Low,
    /// The encoder may look ahead and reorder.
    Quality,
}

/// Whether the rate control looks at a picture twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Multipass {
    /// Once.
    Off,
    /// First at a quarter of the resolution.
    Quarter,
    /// Twice at full resolution.
    Full,
}

/// Which B-pictures others may refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BReference {
    /// Each.
    Each,
    /// The one in the middle between two others.
    Middle,
}

/// How closely the encoder keeps to the bitrate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RateControl {
    /// Each second has the bitrate (IVS user guide, "Video Settings": constant bitrate).
    #[default]
    Constant,
    /// The bitrate is kept on average.
    Variable {
        /// Never more than this; the bitrate itself when not given.
        most: Option<Kbps>,
    },
}

/// Settings of an encoder beyond what every rendition has. `None` leaves the choice to the back-end table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct VideoSettings {
    /// Speed against quality.
    pub preset: Option<Preset>,
    /// The preset was meant for an encoder of hardware. Software encoders, to which the same step costs a processor,
    /// then stay at the fastest live ones.
    pub for_hardware: bool,
    /// Constant or variable; constant when not given.
    pub rate_control: Option<RateControl>,
    /// Latency against quality; zero latency when not given.
    pub tuning: Option<LatencyTuning>,
    /// B-pictures between two others, 0 when not given.
    pub b_frames: Option<u8>,
    /// B-pictures that others refer to; none when not given. Only NVENC through its driver can.
    pub b_reference: Option<BReference>,
    /// Frames the rate control looks ahead.
    pub lookahead_frames: Option<u16>,
    /// Spatial and temporal adaptive quantisation.
    pub adaptive_quantisation: Option<bool>,
    /// Temporal adaptive quantisation where it differs from the spatial one.
    pub temporal_quantisation: Option<bool>,
    /// Strength of the adaptive quantisation, 1 to 15 as NVENC counts it; 8 when not given.
    pub quantisation_strength: Option<u8>,
    /// Two-pass rate control within one picture.
    pub multipass: Option<Multipass>,
    /// Length of the rate control buffer; one second when not given, never more (IVS user guide, "Video Settings":
    /// the buffer is not above the average bitrate).
    pub buffer: Option<Span>,
    /// A look at the picture before it is coded (AMF).
    pub pre_analysis: Option<bool>,
    /// Threads of a software encoder; from the picture rate when not given.
    pub threads: Option<u16>,
    /// Further options of x264 as names and values of its own, none of which may touch the rate, the order or the
    /// kinds of pictures. [`interpret`](crate::interpret) lets only such through.
    pub x264_options: Vec<(String, String)>,
}

impl VideoSettings {
    /// The tuning that applies.
    pub fn effective_tuning(&self) -> LatencyTuning {
        self.tuning.unwrap_or_default()
    }

    /// The rate control that applies.
    pub fn effective_rate_control(&self) -> RateControl {
        self.rate_control.unwrap_or_default()
    }

    /// The number of B-pictures that applies: none unless reordering is allowed.
    pub fn effective_b_frames(&self) -> u8 {
        match self.effective_tuning() {
            LatencyTuning::Quality => self.b_frames.unwrap_or(0).min(4),
            LatencyTuning::Zero | LatencyTuning::Low => 0,
        }
    }

    /// The length of the rate control buffer that applies, in milliseconds, 100 to 1000.
    pub fn effective_buffer_ms(&self) -> u32 {
        let wanted = self.buffer.map_or(1000, Span::as_millis);
        u32::try_from(wanted.clamp(100, 1000)).unwrap_or(1000)
    }
}

/// One rendition of the picture: what goes to one encoder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RenditionConfig {
    /// Its number.
    pub track: TrackId,
    /// Picture size; both sides even.
    pub size: Size,
    /// Frames per second; the canvas rate divided by a whole number.
    pub rate: FrameRate,
    /// Constant bitrate.
    pub bitrate: Kbps,
    /// Code.
    pub codec: VideoCodec,
    /// Profile of the code.
    pub profile: VideoProfile,
    /// From one IDR to the next: 1 or 2 s on IVS.
    pub keyint: Span,
    /// The rest.
    pub settings: VideoSettings,
    /// The encoder to use, or `None` for the first of the fallback order that passes its self-test.
    pub backend: Option<BackendKind>,
    /// What the service asked for, of which the settings above were made: for the report, and for the encoder to try
    /// first.
    pub requested: Option<Arc<RequestedSettings>>,
}

impl RenditionConfig {
    /// An H.264 High rendition with an IDR every two seconds and default settings.
    pub fn new(track: TrackId, size: Size, rate: FrameRate, bitrate: Kbps) -> Self {
        Self {
            track,
            size,
            rate,
            bitrate,
            codec: VideoCodec::Avc,
            profile: VideoProfile::High,
            keyint: Span::from_secs(2),
            settings: VideoSettings::default(),
            backend: None,
            requested: None,
        }
    }

    /// A rendition as the service asks for it: bitrate, code, profile, keyframe interval and settings are those of
    /// `requested`, whose encoder family is tried first.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a code that is not made here, and for a request without a bitrate.
    pub fn from_request(
        track: TrackId,
        size: Size,
        rate: FrameRate,
        requested: RequestedSettings,
    ) -> Result<Self, Error> {
        let read = interpret(&requested);
        let unsupported = |what: String| Error::Unsupported { track, what };
        let codec = read
            .codec
            .ok_or_else(|| unsupported(format!("the encoder type “{}”", requested.encoder_type)))?;
        let bitrate = read.bitrate.ok_or_else(|| unsupported("a rendition without a bitrate".to_owned()))?;
        let mut config = Self::new(track, size, rate, bitrate);
        config.codec = codec;
        config.profile = read.profile.unwrap_or(config.profile);
        config.keyint = read.keyint.unwrap_or(config.keyint);
        config.settings = read.settings;
        config.requested = Some(Arc::new(requested));
        Ok(config)
    }

    /// Frames of this rendition from one IDR to the next.
    pub fn keyint_frames(&self) -> u32 {
        self.rate.frames_in(self.keyint)
    }

    /// Checks everything that does not depend on the other renditions and on the machine.
    ///
    /// # Errors
    /// The first setting that no encoder could honour.
    pub fn check(&self) -> Result<(), Error> {
        let track = self.track;
        if !self.size.is_even() {
            return Err(Error::OddSize { track, size: self.size });
        }
        // 240 Mbps is the bitrate of H.264 level 5.2 (ITU-T H.264, table A-1); below 50 kbps no rate control holds.
        if !(50..=240_000).contains(&self.bitrate.0) {
            return Err(Error::Bitrate { track, bitrate: self.bitrate });
        }
        if self.keyint <= Span::ZERO || self.keyint > Span::from_secs(60) {
            return Err(Error::KeyframeInterval { track, interval: self.keyint });
        }
        if self.codec == VideoCodec::Hevc && self.profile != VideoProfile::Main {
            let what = format!("profile {:?} of {}", self.profile, self.codec);
            return Err(Error::Unsupported { track, what });
        }
        Ok(())
    }
}

/// What the renditions of one group share, once they have been checked against each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ladder {
    /// For each rendition, in the order given: it takes every so manieth canvas frame.
    pub(crate) divisors: Vec<u32>,
    /// Least common multiple of the divisors: frames that every rendition takes.
    pub(crate) alignment: u64,
    /// Canvas frames from one IDR to the next, a multiple of the alignment.
    pub(crate) interval: u64,
}

impl Ladder {
    /// Checks that the renditions can be locked to a canvas at `canvas` frames per second and to each other.
    ///
    /// # Errors
    /// The first rendition that can not, with the reason.
    pub(crate) fn check(canvas: FrameRate, renditions: &[RenditionConfig]) -> Result<Self, Error> {
        let Some(first) = renditions.first() else { return Err(Error::NoRenditions) };
        let mut divisors = Vec::with_capacity(renditions.len());
        let mut alignment = 1u64;
        for (place, rendition) in renditions.iter().enumerate() {
            rendition.check()?;
            let track = rendition.track;
            if renditions.iter().take(place).any(|other| other.track == track) {
                return Err(Error::DuplicateTrack { track });
            }
            if rendition.keyint != first.keyint {
                let (expected, found) = (first.keyint, rendition.keyint);
                return Err(Error::KeyframeIntervalDiffers { track, expected, found });
            }
            let divisor = canvas.divisor_to(rendition.rate).ok_or(Error::RateDoesNotDivide {
                track,
                canvas,
                rate: rendition.rate,
            })?;
            divisors.push(divisor);
            alignment = least_common_multiple(alignment, u64::from(divisor));
        }
        let wanted = u64::from(canvas.frames_in(first.keyint));
        // 59.94 and 29.97 frames per second: 119.88 frames are 120, and the half rate has exactly 60 of them.
        let interval = ((wanted + alignment / 2) / alignment).max(1) * alignment;
        Ok(Self { divisors, alignment, interval })
    }
}

fn least_common_multiple(a: u64, b: u64) -> u64 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    a / x.max(1) * b
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendition(track: u8, rate: FrameRate) -> RenditionConfig {
        RenditionConfig::new(TrackId(track), Size::new(640, 360).unwrap(), rate, Kbps(1000))
    }

    #[test]
    fn divided_rates_lock() {
        let sixty = FrameRate::new(60_000, 1001).unwrap();
        let thirty = FrameRate::new(30_000, 1001).unwrap();
        let ladder = Ladder::check(sixty, &[rendition(0, sixty), rendition(1, thirty)]).unwrap();
        assert_eq!(ladder, Ladder { divisors: vec![1, 2], alignment: 2, interval: 120 });
    }

    #[test]
    fn what_can_not_be_locked_is_refused_with_the_reason() {
        let canvas = FrameRate::FPS_60;
        let odd_rate = rendition(0, FrameRate::new(25, 1).unwrap());
        let refused = Ladder::check(canvas, &[odd_rate]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "track 0 wants 25 frames per second, which is not the canvas rate of 60 divided by a whole number"
        );
        let mut other = rendition(1, canvas);
        other.keyint = Span::from_secs(1);
        let refused = Ladder::check(canvas, &[rendition(0, canvas), other]).unwrap_err();
        assert!(matches!(refused, Error::KeyframeIntervalDiffers { .. }));
        assert_eq!(Ladder::check(canvas, &[]), Err(Error::NoRenditions));
        let twice = [rendition(3, canvas), rendition(3, canvas)];
        assert_eq!(Ladder::check(canvas, &twice), Err(Error::DuplicateTrack { track: TrackId(3) }));
        let mut odd = rendition(0, canvas);
        odd.size = Size::new(853, 480).unwrap();
        assert!(matches!(odd.check(), Err(Error::OddSize { .. })));
        let mut hevc = rendition(0, canvas);
        hevc.codec = VideoCodec::Hevc;
        let refused = hevc.check().unwrap_err();
        assert_eq!(refused.to_string(), "track 0: profile High of H.265 is not supported");
        hevc.profile = VideoProfile::Main;
        hevc.check().unwrap();
    }
}
