//! Holding a track to what its key promises (the guide, "Handling Video Disconnections"): code, size, frame rate,
//! bitrate. The guide gives no tolerances; those here are ours, wide enough for what encoders do at a constant rate and
//! narrow enough for every mistake in a ladder.

use units::{Kbps, MediaTime, Span, TrackId};

use super::Picture;
use super::bitrate::RateBuffer;
use super::finding::{Finding, Ledger, Severity, code};
use super::picture::GroupOfPictures;
use crate::ladder::PromisedTrack;

pub(super) const DISCONNECTIONS: &str = "IVS user guide, Multitrack Video Broadcast Software Integration Guide, \
                                         Handling Video Disconnections";

/// Encoders miss a constant rate by a few percent, and metrics and parameter sets come on top: 2 kbps, a hundredth of
/// the lowest rung of the guide (200 kbps). Only too much is judged: congestion lowers bitrates.
const BITRATE_TOLERANCE_PERCENT: u32 = 10;

/// Two seconds of the promised rate may come early: a first group of pictures, before the encoder's rate control knows
/// what it looks at.
const BITRATE_BUFFER: Span = Span::from_secs(2);

/// A group of pictures may be this much faster: timestamps in whole milliseconds, and 59.94 for 60.
const RATE_TOLERANCE_PERCENT: f64 = 2.0;
const RATE_TOLERANCE_FPS: f64 = 0.5;

/// Too few frames are judged over this long, as encoders skip some and congestion takes the tails of groups.
const RATE_WINDOW: Span = Span::from_secs(10);

/// Fewer frames than this share of the promise are another rate: it lies in the middle between the promised one and
/// its half, which is what a wrong divisor makes.
const WRONG_RATE_BELOW: f64 = 0.75;

/// What one track is held to beyond its headers.
#[derive(Clone, Debug, Default)]
pub(super) struct PromiseWatch {
    bits: RateBuffer,
    frames: u64,
    span: Span,
}

impl PromiseWatch {
    /// A picture came.
    pub(super) fn picture(
        &mut self,
        picture: &Picture<'_>,
        promised: &PromisedTrack,
        now: MediaTime,
        ledger: &mut Ledger,
    ) {
        let limit = Kbps(promised.bitrate.0.saturating_mul(100 + BITRATE_TOLERANCE_PERCENT) / 100);
        let Some(above) =
            self.bits.add_within(limit, BITRATE_BUFFER, picture.dts.as_nanos(), picture.data.len())
        else {
            return;
        };
        let came = Kbps::from_bits_per_sec(limit.bits_per_sec().saturating_add(above));
        let sentence = format!(
            "Track {} was promised {} and reached {came}, which is more than {BITRATE_TOLERANCE_PERCENT} % above.",
            picture.track, promised.bitrate
        );
        report(sentence, now, ledger);
    }

    /// A group of pictures ended.
    pub(super) fn group(
        &mut self,
        track: TrackId,
        group: GroupOfPictures,
        promised: &PromisedTrack,
        now: MediaTime,
        ledger: &mut Ledger,
    ) {
        let rate = promised.rate.as_f64();
        if group.rate() > rate * (1.0 + RATE_TOLERANCE_PERCENT / 100.0) + RATE_TOLERANCE_FPS {
            too_fast_or_slow(track, promised, group.rate(), now, ledger);
        }
        self.frames = self.frames.saturating_add(u64::from(group.pictures));
        self.span = self.span + group.span;
        if self.span < RATE_WINDOW {
            return;
        }
        let mean = self.frames as f64 / self.span.as_secs_f64();
        (self.frames, self.span) = (0, Span::ZERO);
        if mean < rate * WRONG_RATE_BELOW {
            too_fast_or_slow(track, promised, mean, now, ledger);
        } else if mean < rate * (1.0 - RATE_TOLERANCE_PERCENT / 100.0) - RATE_TOLERANCE_FPS {
            let sentence = format!(
                "Track {track} was promised {} frames per second and had {mean:.1} over {} seconds; frames were \
                 skipped or dropped.",
                promised.rate,
                RATE_WINDOW.as_millis() / 1000
            );
            ledger.report(Finding::new(
                Severity::Warning,
                code::FRAMES_MISSING,
                now,
                sentence,
                DISCONNECTIONS,
            ));
        }
    }
}

fn too_fast_or_slow(
    track: TrackId,
    promised: &PromisedTrack,
    came: f64,
    now: MediaTime,
    ledger: &mut Ledger,
) {
    let sentence =
        format!("Track {track} was promised {} frames per second and runs at {came:.1}.", promised.rate);
    report(sentence, now, ledger);
}

/// Another code than was promised.
pub(super) fn wrong_codec(
    track: TrackId,
    promised: &PromisedTrack,
    came: &str,
    now: MediaTime,
    ledger: &mut Ledger,
) {
    let sentence = format!("Track {track} was promised in {} and comes in {came}.", promised.codec);
    report(sentence, now, ledger);
}

/// Another size than was promised.
pub(super) fn wrong_size(
    track: TrackId,
    promised: &PromisedTrack,
    came: units::Size,
    now: MediaTime,
    ledger: &mut Ledger,
) {
    let sentence = format!("Track {track} was promised as {} and comes as {came}.", promised.size);
    report(sentence, now, ledger);
}

fn report(sentence: String, now: MediaTime, ledger: &mut Ledger) {
    ledger.report(Finding::new(
        Severity::Disconnected,
        code::MEDIA_PROPERTIES,
        now,
        sentence,
        DISCONNECTIONS,
    ));
}
