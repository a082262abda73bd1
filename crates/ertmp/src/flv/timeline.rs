//! From nanoseconds on the media clock to the 32-bit milliseconds of RTMP, and back.

use units::{AccessUnit, Dts};

/// The largest composition offset: 24 bits with sign.
const MAX_OFFSET_MS: i64 = 0x7F_FFFF;

/// Maps decoding times to the timestamps of one connection, which start near 0 and wrap at 2^32, after 49.7 days
/// (RTMP 1.0, section 4).
///
/// All tracks of a connection share one timeline. Both ends of every difference are rounded down to the millisecond
/// separately, so that the spans between timestamps never drift from those on the media clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeline {
    origin: Dts,
}

impl Timeline {
    /// A timeline on which `origin` is 0: the decoding time of the earliest access unit to be sent.
    pub const fn new(origin: Dts) -> Self {
        Self { origin }
    }

    /// The decoding time that is 0.
    pub const fn origin(self) -> Dts {
        self.origin
    }

    /// The timestamp of `dts` in milliseconds; 0 for everything before the origin, since a negative timestamp would
    /// look like one of 49 days.
    pub fn timestamp_ms(self, dts: Dts) -> u32 {
        let elapsed_ms = dts.as_millis().saturating_sub(self.origin.as_millis()).max(0);
        // The lower 32 bits: timestamps wrap.
        let [_, _, _, _, a, b, c, d] = elapsed_ms.to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }
}

/// The composition time offset of `unit` in milliseconds: the rounded presentation time less the rounded decoding time,
/// so that timestamp plus offset is the rounded presentation time. Cut off at the 24 bits of its field (more than two
/// hours).
pub fn composition_offset_ms(unit: &AccessUnit) -> i32 {
    let offset_ms = unit.pts.as_millis().saturating_sub(unit.dts.as_millis());
    i32::try_from(offset_ms.clamp(-MAX_OFFSET_MS, MAX_OFFSET_MS)).unwrap_or(0)
}

/// Follows timestamps through their wraps: each is taken as the one of all with the same 32 bits that is nearest to
/// the one before it (RTMP 1.0, section 4: differences are less than 2^31).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimestampUnwrapper {
    last_ms: Option<i64>,
}

impl TimestampUnwrapper {
    /// One that has seen no timestamp yet.
    pub const fn new() -> Self {
        Self { last_ms: None }
    }

    /// Milliseconds since 0 on the timeline of the first timestamp, without wraps. Negative for timestamps that lie
    /// before a first one that was small.
    pub fn unwrap_ms(&mut self, timestamp_ms: u32) -> i64 {
        let unwrapped = match self.last_ms {
            None => i64::from(timestamp_ms),
            Some(last_ms) => {
                let [_, _, _, _, a, b, c, d] = last_ms.to_be_bytes();
                let ahead = timestamp_ms.wrapping_sub(u32::from_be_bytes([a, b, c, d]));
                last_ms.saturating_add(i64::from(i32::from_be_bytes(ahead.to_be_bytes())))
            }
        };
        self.last_ms = Some(unwrapped);
        unwrapped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use units::Span;

    #[test]
    fn counts_from_the_origin_and_wraps_after_49_days() {
        let timeline = Timeline::new(Dts::from_nanos(1_500_999_999));
        assert_eq!(timeline.timestamp_ms(Dts::from_nanos(1_500_000_000)), 0);
        assert_eq!(timeline.timestamp_ms(Dts::from_nanos(1_501_000_000)), 1);
        assert_eq!(timeline.timestamp_ms(Dts::from_nanos(0)), 0, "before the origin");
        assert_eq!(timeline.timestamp_ms(Dts::from_millis(1_500 + (1 << 32) + 7)), 7);
    }

    proptest! {
        #[test]
        fn unwrapping_inverts_wrapping(
            start in 0i64..1 << 40,
            steps in proptest::collection::vec(-2_000_000_000i64..2_000_000_000, 0..50),
        ) {
            let timeline = Timeline::new(Dts::ZERO);
            let mut unwrapper = TimestampUnwrapper::new();
            let mut at = Dts::from_millis(start);
            let first = unwrapper.unwrap_ms(timeline.timestamp_ms(at));
            for step in steps {
                let next = at + Span::from_millis(step);
                if next < Dts::ZERO {
                    continue;
                }
                at = next;
                prop_assert_eq!(unwrapper.unwrap_ms(timeline.timestamp_ms(at)) - first, at.as_millis() - start);
            }
        }
    }
}
