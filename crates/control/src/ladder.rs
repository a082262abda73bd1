//! The ladder: what was asked for, what was granted, and what each encoder makes of it.

use units::{FrameRate, Kbps, Size, TrackId, VideoCodec};

/// How far the ladder is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LadderStep {
    /// Nobody was asked yet, or what was granted no longer fits what is wanted.
    #[default]
    NotAsked,
    /// The service is being asked.
    Asking {
        /// Which attempt this is, the first being 1.
        attempt: u32,
        /// Whole seconds until asking ends without an answer.
        seconds_left: u32,
    },
    /// There is an answer; every encoder is being tried with it.
    Testing,
    /// Every encoder works with it: this is what going live sends. Also when the person chose a single track.
    Granted,
    /// The service refused, or an encoder did not work; the problems and [`LadderView::notes`] say why.
    Refused,
    /// The service could not be reached, or gave no usable answer.
    Unreachable,
}

/// A setting that was asked for, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingView {
    /// Its name in the answer, such as `keyint_sec`.
    pub key: String,
    /// Its value in the answer.
    pub value: String,
    /// The encoder's property and value, such as `key-int-max = 60`, or why there is none.
    pub became: String,
    /// Whether the encoder does as asked.
    pub honoured: bool,
}

/// A rendition that was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantedRendition {
    /// Its track.
    pub track: TrackId,
    /// Its size.
    pub size: Size,
    /// Its rate.
    pub rate: FrameRate,
    /// Its code.
    pub codec: VideoCodec,
    /// Its bitrate.
    pub bitrate: Kbps,
    /// The encoder that makes it, such as `x264enc`; empty until the encoders were tried.
    pub encoder: String,
    /// Every setting of the answer, in its order.
    pub settings: Vec<SettingView>,
}

/// Requested against granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LadderView {
    /// What was asked for, in one sentence.
    pub requested: String,
    /// How far it is.
    pub step: LadderStep,
    /// Who granted it, as it stands after “by”: the service's host, “this computer” for a ladder of its own, or the
    /// name of a file.
    pub source: String,
    /// The service's name for this answer; empty without one.
    pub config_id: String,
    /// What was granted, the primary track first.
    pub granted: Vec<GrantedRendition>,
    /// What all tracks take together, sound with them.
    pub total: Kbps,
    /// Sentences worth knowing: fields we did not know, what we changed, what could not be honoured.
    pub notes: Vec<String>,
}

/// Whether the renditions keep in step, as verified at the output of the encoders on every group of pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlignmentView {
    /// Groups of pictures whose IDRs were looked at.
    pub idrs: u64,
    /// Those whose IDRs did not all show the same instant.
    pub misaligned: u64,
    /// Misaligned ones that were mended by the next IDR.
    pub healed: u64,
}
