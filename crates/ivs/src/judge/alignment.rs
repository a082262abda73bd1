//! Whether the IDR pictures of all tracks have the same timestamps (the guide, "Configure Video Scaling and Encoding":
//! they must, or viewers see time jump when the rendition changes).

use std::collections::VecDeque;

use units::{Dts, MediaTime, Pts, Span, TrackId};

use super::finding::{Finding, Ledger, Severity, code};
use super::promised::DISCONNECTIONS;

/// Timestamps on the wire are whole milliseconds, those in a file whole ticks of each track's clock. No two pictures
/// of a track are this close.
const TOLERANCE: Span = Span::from_millis(1);

/// Instants that wait for a track which sends nothing; the oldest is forgotten then. A track that is silent for so
/// many groups of pictures has been missed otherwise long before.
const MOST_PENDING: usize = 16;

/// Most tracks that are watched: one bit each.
pub(super) const MOST_TRACKS: usize = 64;

/// An instant at which some track has an IDR picture.
#[derive(Clone, Copy, Debug)]
struct Instant {
    pts: Pts,
    /// One bit for each track that has one.
    tracks: u64,
}

/// What is known of a track when instants are compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub(super) track: TrackId,
    /// Its newest decoding time.
    pub(super) newest: Option<Dts>,
    /// It was found missing or silent, which is another matter: the others are compared without it.
    pub(super) is_silent: bool,
}

/// Compares the tracks of a stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Alignment {
    pending: VecDeque<Instant>,
    /// The newest instant that was found misaligned; what comes late for it is not counted again.
    newest_slip: Option<Pts>,
    /// Instants with an IDR picture on any track that were compared.
    pub(super) idrs: u64,
    /// Those at which a track had none.
    pub(super) misaligned: u64,
}

impl Alignment {
    /// The track at `at` has an IDR picture that is shown at `pts`.
    pub(super) fn idr(&mut self, at: usize, pts: Pts) {
        let Some(bit) = bit(at) else { return };
        let same = |other: Pts| (pts - other).abs() <= TOLERANCE;
        if let Some(instant) = self.pending.iter_mut().find(|instant| same(instant.pts)) {
            instant.tracks |= bit;
        } else if !self.newest_slip.is_some_and(same) {
            if self.pending.len() == MOST_PENDING {
                self.pending.pop_front();
            }
            self.pending.push_back(Instant { pts, tracks: bit });
        }
    }

    /// Whether an instant waits to be compared.
    pub(super) fn waits(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Compares what can be compared now: `tracks` are all tracks. A picture is never shown before it
    /// is decoded, so a track that has passed an instant has no IDR picture for it any more.
    pub(super) fn compare(&mut self, tracks: &[Progress], now: MediaTime, ledger: &mut Ledger) {
        for instant in self.compare_pending(tracks) {
            self.newest_slip = Some(instant.pts);
            let with = names(tracks, |bit| instant.tracks & bit != 0);
            let without = names(tracks, |bit| instant.tracks & bit == 0);
            let sentence = format!(
                "At {} ms there is an IDR picture on {with} and none on {without}; those of all tracks must have the \
                 same timestamp.",
                instant.pts.as_millis()
            );
            ledger.report(Finding::new(
                Severity::Disconnected,
                code::IDRS_MISALIGNED,
                now,
                sentence,
                DISCONNECTIONS,
            ));
        }
    }

    fn compare_pending(&mut self, tracks: &[Progress]) -> Vec<Instant> {
        let mut slips = Vec::new();
        let (mut idrs, mut misaligned) = (0, 0);
        self.pending.retain(|instant| {
            let mut complete = true;
            let mut passed = false;
            for (at, track) in tracks.iter().enumerate() {
                if track.is_silent || bit(at).is_none_or(|bit| instant.tracks & bit != 0) {
                    continue;
                }
                complete = false;
                passed |= track.newest.is_some_and(|newest| {
                    Span::from_nanos(newest.as_nanos()) - Span::from_nanos(instant.pts.as_nanos()) > TOLERANCE
                });
            }
            if complete {
                idrs += 1;
            } else if passed {
                idrs += 1;
                misaligned += 1;
                slips.push(*instant);
            }
            !complete && !passed
        });
        self.idrs += idrs;
        self.misaligned += misaligned;
        slips
    }
}

fn bit(at: usize) -> Option<u64> {
    1u64.checked_shl(u32::try_from(at).ok()?)
}

/// “track 1” or “tracks 0, 2”.
fn names(tracks: &[Progress], belongs: impl Fn(u64) -> bool) -> String {
    let names: Vec<String> = tracks
        .iter()
        .enumerate()
        .filter(|(at, track)| !track.is_silent && bit(*at).is_some_and(&belongs))
        .map(|(_, track)| track.track.to_string())
        .collect();
    format!("{} {}", if names.len() == 1 { "track" } else { "tracks" }, names.join(", "))
}
