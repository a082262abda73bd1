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

#[cfg(test)]
mod tests {
    use testkit::SyntheticStream;
    use units::Span;

    use super::*;

    /// 2026-01-02T03:04:05Z.
    const WALL: WallClock = WallClock { unix_nanos_at_media_zero: 1_767_323_045_000_000_000 };
    const NOW: MediaTime = MediaTime::from_millis(120);

    /// Worked examples (obs-multitrack.md 4.5), each behind its length: composed at .100, given to the encoder at .101,
    /// given back at .104, interleaved at .120.
    const TIMESTAMPS: &str = "00000081 06057d0aecffe752724e2fa62fd19cd61a93b503
        0101323032362d30312d30325430333a30343a30352e3130305a00
        0102323032362d30312d30325430333a30343a30352e3130315a00
        0103323032362d30312d30325430333a30343a30352e3130345a00
        0104323032362d30312d30325430333a30343a30352e3132305a0080";
    const SESSION_ZERO: &str =
        "0000004b 060541ca60e71c6a8b4388a377151df7bf8ac2000104323032362d30312d30325430333a30343a
        30352e3132305a0003010000030000030200000300000303000003000004000003000080";
    const RENDITION_ZERO: &str =
        "00000045 06053cf1fbc1d5101e4fb5a61eb8ce3c07b8c0000104323032362d30312d30325430333a30343a
        30352e3132305a0002010000030000030200000300000303000003000080";
    const SESSION: &str =
        "0000004a 060541ca60e71c6a8b4388a377151df7bf8ac2000104323032362d30312d30325430333a30343a
        30352e3132305a00030100000300780200000300000303000003000204000003016880";
    const RENDITION: &str =
        "00000043 06053cf1fbc1d5101e4fb5a61eb8ce3c07b8c0000104323032362d30312d30325430333a30343a
        30352e3132305a000201000003007802000003000103000003007780";

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn picture(counts: FrameCounts, is_idr: bool) -> AccessUnit {
        let mut stream = SyntheticStream::single();
        let mut unit = (*stream.find(|unit| unit.is_video() && unit.is_idr == is_idr).unwrap()).clone();
        let zero = MediaTime::ZERO;
        unit.stamps.composed_at = zero + Span::from_millis(100);
        unit.stamps.encode_requested_at = zero + Span::from_millis(101);
        unit.stamps.encode_completed_at = zero + Span::from_millis(104);
        unit.stamps.counts = counts;
        unit
    }

    #[test]
    fn the_worked_examples_come_out_byte_for_byte() {
        let mut metrics = Metrics::new(WALL);
        let counts = FrameCounts { rendered: 1_000, lagged: 7, input: 900, skipped: 5, output: 895 };
        let first = picture(counts, true);
        let measured = metrics.measure(&first, VideoCodec::Avc, 3, NOW).unwrap();
        let expected = [&hex(TIMESTAMPS), &hex(SESSION_ZERO), &hex(RENDITION_ZERO), &first.data[..]].concat();
        assert_eq!(measured.data[..], expected);
        assert_eq!(AccessUnit { data: first.data.clone(), ..measured }, first);
        // 357 other pictures and this one went out since then, and two were dropped: 360 in all.
        for _ in 0..357 {
            assert_eq!(metrics.measure(&picture(counts, false), VideoCodec::Avc, 3, NOW), None);
        }
        let counts = FrameCounts { rendered: 1_120, lagged: 7, input: 1_020, skipped: 6, output: 1_014 };
        let second = picture(counts, true);
        let measured = metrics.measure(&second, VideoCodec::Avc, 5, NOW).unwrap();
        let expected = [&hex(TIMESTAMPS), &hex(SESSION), &hex(RENDITION), &second.data[..]].concat();
        assert_eq!(measured.data[..], expected);
    }

    #[test]
    fn an_encoder_that_began_anew_counts_from_there() {
        assert_eq!(since(100, 130), 30);
        assert_eq!(since(100, 12), 12);
        assert_eq!(since(0, u64::MAX), u32::MAX);
    }
}
