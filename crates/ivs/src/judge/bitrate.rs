//! Measuring bitrates in media time.

use units::{Kbps, Span};

use crate::limits::MAX_RATE_BUFFER;

const NANOS_PER_SEC: u128 = 1_000_000_000;

/// A buffer that fills with the stream and drains at the limit. A stream of constant rate never fills it further than
/// one second: the guide lets the encoder's buffer hold that much ([`MAX_RATE_BUFFER`]). So it is exceeded exactly by
/// streams that no constant rate at or below the limit could have made, after a second at twice the limit, after ten
/// seconds at a tenth above it. The guide gives no window of its own.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RateBuffer {
    /// Bits times nanoseconds, so that draining is exact.
    level: u128,
    newest: Option<i64>,
    /// When the buffer was last empty, in nanoseconds of media time.
    busy_since: i64,
}

impl RateBuffer {
    /// Adds `bytes` with the decoding time `at_nanos`. `Some(bits per second above the limit)` when more has come
    /// than the limit allows.
    pub(super) fn add(&mut self, limit: Kbps, at_nanos: i64, bytes: usize) -> Option<u64> {
        self.add_within(limit, MAX_RATE_BUFFER.value, at_nanos, bytes)
    }

    /// The same with a buffer that holds `buffer` of the stream.
    pub(super) fn add_within(
        &mut self,
        limit: Kbps,
        buffer: Span,
        at_nanos: i64,
        bytes: usize,
    ) -> Option<u64> {
        let buffer = buffer.as_nanos().max(1);
        let limit = u128::from(limit.bits_per_sec());
        let newest = self.newest.map_or(at_nanos, |newest| newest.max(at_nanos));
        let elapsed = newest.saturating_sub(self.newest.unwrap_or(newest));
        self.newest = Some(newest);
        self.level = self.level.saturating_sub(limit * u128::from(elapsed.unsigned_abs()));
        if self.level == 0 {
            self.busy_since = newest;
        }
        self.level = self.level.saturating_add(bytes as u128 * 8 * NANOS_PER_SEC);
        let capacity = limit * u128::from(buffer.unsigned_abs());
        if self.level <= capacity {
            return None;
        }
        let busy = newest.saturating_sub(self.busy_since).max(buffer);
        let above = self.level / u128::from(busy.unsigned_abs());
        // Start anew, so that a stream that stays above is counted once per second and not once per picture.
        self.level = 0;
        Some(u64::try_from(above).unwrap_or(u64::MAX).max(1))
    }
}

/// Bytes over media time: the mean, and the highest second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Throughput {
    pub(super) bytes: u64,
    second_began: Option<i64>,
    second_bytes: u64,
    peak_bytes: u64,
}

impl Throughput {
    pub(super) fn add(&mut self, at_nanos: i64, bytes: usize) {
        let second_began = *self.second_began.get_or_insert(at_nanos);
        if at_nanos.saturating_sub(second_began) >= 1_000_000_000 {
            self.second_began = Some(at_nanos);
            self.second_bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(bytes as u64);
        self.second_bytes = self.second_bytes.saturating_add(bytes as u64);
        self.peak_bytes = self.peak_bytes.max(self.second_bytes);
    }

    /// Mean bitrate when the stream covers `span`; zero for no span.
    pub(super) fn mean_over(&self, span: Span) -> Kbps {
        let nanos = u128::from(span.as_nanos().max(0).unsigned_abs());
        if nanos == 0 {
            return Kbps(0);
        }
        let bits_per_sec = u128::from(self.bytes) * 8 * NANOS_PER_SEC / nanos;
        Kbps::from_bits_per_sec(u64::try_from(bits_per_sec).unwrap_or(u64::MAX))
    }

    /// Most bits in a second.
    pub(super) fn peak(&self) -> Kbps {
        Kbps::from_bits_per_sec(self.peak_bytes.saturating_mul(8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Seconds until a stream of `kbps` in 30 frames per second exceeds a limit of 1000 kbps, within a minute.
    fn exceeds_after(kbps: usize, first_frame_bytes: usize) -> Option<(i64, u64)> {
        let mut buffer = RateBuffer::default();
        (0..1800i64).find_map(|frame| {
            let bytes = if frame == 0 { first_frame_bytes } else { kbps * 1000 / 8 / 30 };
            buffer.add(Kbps(1000), frame * 1_000_000_000 / 30, bytes).map(|above| (frame / 30, above))
        })
    }

    #[test]
    fn constant_rates_at_the_limit_pass_and_above_it_do_not() {
        assert_eq!(exceeds_after(1000, 0), None);
        // A first picture as large as the encoder's buffer may be, then less.
        assert_eq!(exceeds_after(980, 120_000), None);
        let (second, above) = exceeds_after(1100, 0).unwrap();
        assert!((9..=11).contains(&second) && (90_000..=110_000).contains(&above), "{second} {above}");
        let (second, above) = exceeds_after(2000, 0).unwrap();
        assert!(second <= 1 && (900_000..=1_100_000).contains(&above), "{second} {above}");
    }

    proptest! {
        #[test]
        fn any_times_and_sizes_are_taken(units in proptest::collection::vec((any::<i64>(), 0usize..1 << 40), 0..40)) {
            let (mut buffer, mut throughput) = (RateBuffer::default(), Throughput::default());
            for (at, bytes) in units {
                buffer.add(Kbps(8500), at, bytes);
                throughput.add(at, bytes);
            }
            let _ = (throughput.mean_over(Span::from_secs(3)), throughput.peak());
        }
    }
}
