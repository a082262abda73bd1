//! What encoders report.

use std::fmt;
use std::sync::Arc;

use units::{AccessUnit, AudioConfig, Track, TrackId, VideoConfig};

/// How an encoder left the IDR schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlipKind {
    /// An IDR where none was scheduled.
    Unscheduled,
    /// No IDR where one was scheduled.
    Missing,
}

impl fmt::Display for SlipKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unscheduled => "made an IDR where none was scheduled",
            Self::Missing => "made no IDR where one was scheduled",
        })
    }
}

/// What comes out of an encoder group or a sound encoder.
#[derive(Clone, Debug)]
pub enum EncoderOutput {
    /// What decoders of a picture track must know from its next access unit on. Comes before the track's first unit
    /// and whenever it changes.
    Config(Arc<VideoConfig>),
    /// An encoded picture or frame of sound; per track in decoding order.
    Unit(Arc<AccessUnit>),
    /// An encoder left the IDR schedule. Already being healed: the next frame that all renditions take is an IDR.
    Slip {
        /// The rendition.
        track: TrackId,
        /// Number of the canvas frame.
        index: u64,
        /// In which way.
        kind: SlipKind,
    },
    /// An encoder broke. The others go on.
    Died {
        /// The track.
        track: Track,
        /// What it said.
        reason: String,
        /// Whether it is being started again, to come back with an IDR. When not, the ladder must be asked for anew.
        restarting: bool,
    },
    /// What decoders of a sound track must know; comes before its first frame.
    AudioConfig(Arc<AudioConfig>),
}

/// Counters and gauges of one rendition since the group started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackStats {
    /// The rendition.
    pub track: TrackId,
    /// Canvas frames that this rendition takes, whether or not they were encoded.
    pub input: u64,
    /// Of those, frames that were not encoded: queue full, encoder away, no picture, or refused by the encoder.
    pub skipped: u64,
    /// Encoded pictures.
    pub output: u64,
    /// Of those, IDRs.
    pub idrs: u64,
    /// Number of the canvas frame of its newest IDR.
    pub last_idr_index: Option<u64>,
    /// Scheduled IDRs that this rendition did not give, and IDRs it gave where none was scheduled.
    pub misaligned: u64,
    /// Departures from the IDR schedule.
    pub slips: u64,
    /// Bytes of all encoded pictures.
    pub bytes: u64,
    /// Pictures waiting to enter the encoder now.
    pub queue: u64,
    /// Pictures the queue takes before ordinary ones are skipped.
    pub queue_limit: u64,
    /// Times the encoder was started again.
    pub restarts: u64,
    /// Whether an encoder is at work now.
    pub running: bool,
    /// Encoded pictures that were thrown away because nobody took them out of the receiver.
    pub unclaimed: u64,
}
