//! The send queue under any order of operations: after each one, what it promises must hold.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use publish::{Pushed, QueueLimits, Queued, SendQueue};
use testkit::SyntheticStream;
use units::{AccessUnit, Dts, MediaTime, Span, StreamConfig, Track, TrackId};

fn tracks(config: &StreamConfig) -> Vec<Track> {
    let video = config.video.iter().map(|video| Track::Video(video.track));
    video.chain(config.audio.iter().map(|audio| Track::Audio(audio.track))).collect()
}

/// What the queue must be holding, kept by the simplest means.
struct Model {
    renditions: usize,
    limits: QueueLimits,
    sent: Vec<Arc<AccessUnit>>,
    pushed: Vec<Arc<AccessUnit>>,
}

impl Model {
    fn check(&self, queue: &SendQueue) {
        let gauge = queue.gauge();
        let dropped: u64 = queue.dropped().map(|(_, dropped)| dropped.units).sum();
        assert_eq!(gauge.dropped.units, dropped);
        assert_eq!(self.pushed.len(), self.sent.len() + gauge.units + usize::try_from(dropped).unwrap());
        let bytes = |units: &[Arc<AccessUnit>]| units.iter().map(|unit| unit.data.len()).sum::<usize>();
        let dropped_bytes = usize::try_from(gauge.dropped.bytes).unwrap();
        assert_eq!(bytes(&self.pushed), bytes(&self.sent) + gauge.bytes + dropped_bytes);
        for (track, dropped) in queue.dropped() {
            if matches!(track, Track::Audio(_)) {
                assert_eq!(dropped.units, 0, "sound was dropped");
            }
        }
    }

    /// Empties the queue and judges the whole of what came out.
    fn check_output(mut self, mut queue: SendQueue) {
        let newest = self.pushed.iter().map(|unit| unit.dts).max();
        let mut rest: Vec<Queued> = Vec::new();
        while let Some(queued) = queue.pop_at_end() {
            rest.push(queued);
        }
        // Bounds: what still waited and could have been dropped was young enough, and small enough in sum.
        for queued in &rest {
            if let (Track::Video(TrackId(id)), false) = (queued.unit.track, queued.unit.is_idr) {
                let share = self.limits.waiting.as_nanos() / i64::try_from(self.renditions).unwrap();
                let allowance = Span::from_nanos(share * (i64::from(id) + 1));
                assert!(newest.unwrap() - queued.unit.dts <= allowance);
            }
        }
        let bytes: usize = rest.iter().map(|queued| queued.unit.data.len()).sum();
        assert!(
            bytes <= self.limits.bytes || rest.iter().all(|queued| queued.unit.is_idr),
            "over the limit with something left to drop"
        );
        self.sent.extend(rest.into_iter().map(|queued| queued.unit));
        let mut last: BTreeMap<Track, &AccessUnit> = BTreeMap::new();
        for unit in &self.sent {
            if let Some(before) = last.insert(unit.track, unit) {
                assert!(unit.dts > before.dts, "a track went backwards");
                assert!(
                    unit.is_idr || unit.index == before.index + 1,
                    "a picture without its reference was sent"
                );
            } else {
                assert!(unit.is_idr);
            }
        }
        for unit in self.pushed.iter().filter(|unit| unit.is_idr) {
            assert!(self.sent.iter().any(|sent| Arc::ptr_eq(sent, unit)), "an IDR or sound was lost");
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    /// This many units come in.
    Push(usize),
    /// This many are asked for, this long later.
    Pop(usize, i64),
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let one = prop_oneof![
        3 => (1usize..200).prop_map(Operation::Push),
        2 => (1usize..150, 0i64..60).prop_map(|(units, millis)| Operation::Pop(units, millis)),
    ];
    prop::collection::vec(one, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn promises_hold_after_every_operation(
        operations in operations(),
        renditions in 1usize..=4,
        waiting_ms in 200i64..5_000,
        bytes in 20_000usize..8_000_000,
    ) {
        let mut stream = SyntheticStream::ladder(renditions);
        let limits = QueueLimits { waiting: Span::from_millis(waiting_ms), bytes, ..QueueLimits::default() };
        let mut queue = SendQueue::new(limits, tracks(&stream.config()));
        let mut model = Model { renditions, limits, sent: Vec::new(), pushed: Vec::new() };
        let mut now = MediaTime::ZERO;
        for operation in operations {
            match operation {
                Operation::Push(units) => {
                    for unit in stream.by_ref().take(units) {
                        now = now.max(unit.pts.at());
                        let must_stay = unit.is_idr;
                        let pushed = queue.push(Arc::clone(&unit), None, now);
                        prop_assert!(matches!(pushed, Pushed::Kept | Pushed::Dropped));
                        prop_assert!(!must_stay || pushed == Pushed::Kept);
                        model.pushed.push(unit);
                        model.check(&queue);
                    }
                }
                Operation::Pop(units, millis) => {
                    now += Span::from_millis(millis);
                    for _ in 0..units {
                        let Some(queued) = queue.pop(now) else { break };
                        model.sent.push(queued.unit);
                        model.check(&queue);
                    }
                }
            }
        }
        model.check_output(queue);
    }

    #[test]
    fn shuffled_tracks_come_out_in_decode_order(lags in prop::collection::vec(0i64..35, 3)) {
        // Every track reaches the queue with a delay of its own, below the patience.
        let mut stream = SyntheticStream::ladder(2);
        let config = stream.config();
        let mut arrivals: Vec<(MediaTime, Arc<AccessUnit>)> = stream
            .take_span(Span::from_secs(6))
            .into_iter()
            .map(|unit| {
                let lag = match unit.track { Track::Video(id) => lags[usize::from(id.0)], Track::Audio(_) => lags[2] };
                (unit.pts.at() + Span::from_millis(lag), unit)
            })
            .collect();
        arrivals.sort_by_key(|(at, _)| *at);
        let mut queue = SendQueue::new(QueueLimits::default(), tracks(&config));
        let mut sent: Vec<Dts> = Vec::new();
        for (now, unit) in arrivals {
            queue.push(unit, None, now);
            while let Some(queued) = queue.pop(now) {
                sent.push(queued.unit.dts);
            }
        }
        // Within the nanosecond that spans are rounded by.
        prop_assert!(sent.windows(2).all(|pair| pair[1] - pair[0] >= Span::from_micros(-1)));
        prop_assert_eq!(queue.gauge().dropped.units, 0);
        prop_assert!(queue.gauge().waiting <= Span::from_millis(100));
    }
}

#[test]
fn a_track_that_falls_silent_delays_the_others_by_the_patience_only() {
    let mut stream = SyntheticStream::single();
    let limits = QueueLimits::default();
    let mut queue = SendQueue::new(limits, tracks(&stream.config()));
    for unit in stream.take_span(Span::from_secs(1)).into_iter().filter(|unit| unit.is_video()) {
        let now = unit.pts.at();
        let dts = unit.dts;
        queue.push(unit, None, now);
        assert_eq!(queue.pop(now), None);
        assert_eq!(queue.wake_at(now), Some(now + limits.patience));
        assert_eq!(queue.pop(now + limits.patience).unwrap().unit.dts, dts);
    }
}

#[test]
fn the_highest_rendition_gives_way_first() {
    let mut stream = SyntheticStream::ladder(3);
    let mut queue = SendQueue::new(QueueLimits::default(), tracks(&stream.config()));
    for unit in stream.take_span(Span::from_millis(2_600)) {
        queue.push(Arc::clone(&unit), None, unit.pts.at());
    }
    let dropped: Vec<u64> = queue.dropped().map(|(_, dropped)| dropped.units).collect();
    assert!(dropped[0] > 0, "{dropped:?}");
    assert_eq!(&dropped[1..], [0, 0, 0], "2.6 s are beyond a third of four seconds, and below two thirds");
}

#[test]
fn a_picture_that_is_dropped_at_once_ages_the_others() {
    let mut stream = SyntheticStream::ladder(2);
    let limits = QueueLimits { waiting: Span::from_millis(400), ..QueueLimits::default() };
    let mut queue = SendQueue::new(limits, tracks(&stream.config()));
    let mut newest = Dts::ZERO;
    for unit in stream.take_span(Span::from_millis(300)) {
        newest = newest.max(unit.dts);
        queue.push(Arc::clone(&unit), None, unit.pts.at());
    }
    // The upper rendition has lost its group of pictures; from now on only its pictures come.
    let upper = |unit: &Arc<AccessUnit>| unit.track == Track::Video(TrackId(0));
    for unit in stream.take_span(Span::from_millis(700)).into_iter().filter(upper) {
        newest = newest.max(unit.dts);
        assert_eq!(queue.push(Arc::clone(&unit), None, unit.pts.at()), Pushed::Dropped);
    }
    while let Some(queued) = queue.pop_at_end() {
        let unit = queued.unit;
        assert!(
            unit.is_idr || newest - unit.dts <= limits.waiting,
            "{:?} of {:?} is too old",
            unit.dts,
            unit.track
        );
    }
}

#[test]
fn mistakes_of_the_caller_change_nothing() {
    let mut stream = SyntheticStream::single();
    let mut queue = SendQueue::new(QueueLimits::default(), [Track::Video(TrackId(0))]);
    let picture = stream.next().unwrap();
    let sound = stream.next().unwrap();
    assert_eq!(queue.push(Arc::clone(&picture), None, MediaTime::ZERO), Pushed::Kept);
    assert_eq!(queue.push(picture, None, MediaTime::ZERO), Pushed::OutOfOrder);
    assert_eq!(queue.push(sound, None, MediaTime::ZERO), Pushed::UnknownTrack);
    assert_eq!(queue.gauge().units, 1);
}
