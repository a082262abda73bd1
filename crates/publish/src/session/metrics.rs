//! Broadcast performance metrics (IVS multitrack integration guide, "Broadcast Performance Metrics"): counted per
//! rendition, put in front of its IDRs at the moment they are interleaved.
//!
//! Every rendition has its own series of differences, so the counters of the session are told once per rendition, over
//! the same spans of time; a receiver takes one of them and does not add them up. The first IDR of a rendition tells
//! zeros and begins the count, as the guide wants: its figures belong to a segment that was never sent.

use std::collections::BTreeMap;

use ivs::metrics::{
    RenditionCounters, SessionCounters, Timestamps, UtcMillis, insert_before_first_slice, rendition_message,
    sei_nal, session_message, timestamp_message,
};
use units::{AccessUnit, FrameCounts, MediaTime, Track, VideoCodec};

use super::config::WallClock;

/// Totals at the last IDR of a rendition.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    counts: FrameCounts,
    /// Pictures of all renditions that the network did not take.
    dropped: u64,
    /// Pictures of all renditions that were to be sent, those included.
    output: u64,
}

#[derive(Debug)]
pub(crate) struct Metrics {
    wall: WallClock,
    /// Pictures of all renditions handed to RTMP.
    sent: u64,
    told: BTreeMap<Track, Totals>,
    missing: u64,
}

impl Metrics {
    pub(crate) const fn new(wall: WallClock) -> Self {
        Self { wall, sent: 0, told: BTreeMap::new(), missing: 0 }
    }

    /// IDRs that went out without.
    pub(crate) const fn missing(&self) -> u64 {
        self.missing
    }

    /// Counts a picture that is interleaved at `now`, and gives a copy with metrics when it is an IDR. `dropped`
    /// pictures were dropped since the start.
    pub(crate) fn measure(
        &mut self,
        unit: &AccessUnit,
        codec: VideoCodec,
        dropped: u64,
        now: MediaTime,
    ) -> Option<AccessUnit> {
        self.sent += 1;
        if !unit.is_idr {
            return None;
        }
        let totals = Totals { counts: unit.stamps.counts, dropped, output: self.sent + dropped };
        let nals = self.messages(unit, totals, now).map(|message| sei_nal(codec, &message));
        match insert_before_first_slice(codec, &unit.data, &nals) {
            Ok(data) => {
                self.told.insert(unit.track, totals);
                Some(AccessUnit { data: data.into(), ..unit.clone() })
            }
            Err(_) => {
                self.missing += 1;
                None
            }
        }
    }

    /// In the order of the guide.
    fn messages(&self, unit: &AccessUnit, totals: Totals, now: MediaTime) -> [Vec<u8>; 3] {
        let utc = |at: MediaTime| UtcMillis::from_unix_nanos(self.wall.unix_nanos(at));
        let stamps = &unit.stamps;
        let pir = utc(now);
        let timestamps = Timestamps {
            cts: utc(stamps.composed_at),
            fer: utc(stamps.encode_requested_at),
            ferc: utc(stamps.encode_completed_at),
            pir,
        };
        let (session, rendition) = match self.told.get(&unit.track) {
            None => (SessionCounters::default(), RenditionCounters::default()),
            Some(told) => {
                let (new, old) = (&totals.counts, &told.counts);
                let session = SessionCounters {
                    rendered: since(old.rendered, new.rendered),
                    lagged: since(old.lagged, new.lagged),
                    dropped: since(told.dropped, totals.dropped),
                    output: since(told.output, totals.output),
                };
                let rendition = RenditionCounters {
                    input: since(old.input, new.input),
                    skipped: since(old.skipped, new.skipped),
                    output: since(old.output, new.output),
                };
                (session, rendition)
            }
        };
        [timestamp_message(&timestamps), session_message(pir, session), rendition_message(pir, rendition)]
    }
}

/// What was counted from `old` to `new`. A total that went back began anew, with an encoder that was restarted.
fn since(old: u64, new: u64) -> u32 {
    u32::try_from(new.checked_sub(old).unwrap_or(new)).unwrap_or(u32::MAX)
}
