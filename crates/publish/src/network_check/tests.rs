use std::collections::VecDeque;
use std::sync::Arc;

use proptest::prelude::*;
use testkit::SyntheticStream;
use units::{AccessUnit, Kbps, MediaTime, Span, VideoCodec};

use super::*;

const TICK: Span = Span::from_millis(20);

fn clip() -> CheckClip {
    let mut stream = SyntheticStream::single();
    CheckClip { config: stream.config(), units: stream.take_span(Span::from_secs(2)) }
}

fn bits(units: &[Arc<AccessUnit>]) -> u64 {
    units.iter().map(|unit| unit.data.len() as u64 * 8).sum()
}

/// Lengths and types of the NAL units, which fill the data exactly.
fn nal_units(data: &[u8]) -> Vec<(usize, u8)> {
    let mut found = Vec::new();
    let mut rest = data;
    while !rest.is_empty() {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        found.push((length, rest[4] & 0x1f));
        rest = &rest[4 + length..];
    }
    found
}

#[test]
fn filler_is_one_nal_unit_behind_the_picture() {
    let unit = Arc::clone(clip().units.iter().find(|unit| unit.is_video()).unwrap());
    let before = nal_units(&unit.data);
    for bytes in [6, 7, 5_000] {
        let padded = pad(&unit, bytes);
        assert_eq!(padded.data.len(), unit.data.len() + bytes);
        let after = nal_units(&padded.data);
        assert_eq!(after[..before.len()], before[..]);
        assert_eq!(after[before.len()..], [(bytes - 4, 12)]);
        let filler = &padded.data[unit.data.len() + 5..];
        assert!(filler[..filler.len() - 1].iter().all(|byte| *byte == 0xff));
        assert_eq!(filler.last(), Some(&0x80));
    }
    assert_eq!(pad(&unit, 5).data, unit.data);
}

#[test]
fn a_clip_goes_on_without_a_gap_on_every_track() {
    let clip = clip();
    let mut player = ClipLoop::new(&clip, MediaTime::from_millis(700)).unwrap();
    let mut units = Vec::new();
    let mut now = MediaTime::from_millis(700);
    while now < MediaTime::from_millis(10_000) {
        assert!(player.next_at() <= now + Span::from_millis(40));
        units.extend(player.take(now, 6_000_000));
        now += TICK;
    }
    assert!(units.is_sorted_by_key(|unit| unit.dts));
    for is_video in [true, false] {
        let track: Vec<_> = units.iter().filter(|unit| unit.is_video() == is_video).collect();
        assert_eq!(track[0].dts.as_millis(), 700);
        for pair in track.windows(2) {
            let gap = pair[1].dts - (pair[0].dts + pair[0].span);
            assert!(gap.abs() <= Span::from_micros(1), "{gap:?}");
        }
    }
    let pictures: Vec<_> = units.iter().filter(|unit| unit.is_video()).collect();
    assert!(pictures.iter().enumerate().all(|(n, unit)| unit.index == n as u64));
    assert_eq!(pictures.iter().filter(|unit| unit.is_idr).count(), 5);
    let kbps = bits(&units) / 9_300;
    assert!((5_900..=6_100).contains(&kbps), "{kbps}");
}

#[test]
fn a_clip_that_can_not_be_filled_up_is_refused() {
    let good = clip();
    assert!(ClipLoop::new(&good, MediaTime::ZERO).is_ok());
    let refused = |clip: &CheckClip| ClipLoop::new(clip, MediaTime::ZERO).err();
    assert_eq!(refused(&CheckClip::default()), Some(ClipError::Rendition));
    let mut hevc = good.clone();
    Arc::make_mut(&mut hevc.config.video[0]).codec = VideoCodec::Hevc;
    assert_eq!(refused(&hevc), Some(ClipError::Rendition));
    let mut headless = good.clone();
    let first = headless.units.iter().position(|unit| unit.is_video()).unwrap();
    headless.units.remove(first);
    assert_eq!(refused(&headless), Some(ClipError::Start));
    let mut silent = good;
    silent.units.retain(|unit| unit.is_video());
    assert_eq!(refused(&silent), Some(ClipError::Empty));
}

/// An upload of a constant rate behind a queue that is never full.
struct Upload {
    rate: Kbps,
    /// What waits of each tick.
    queue: VecDeque<u64>,
    delivered_bits: u64,
    /// What the system says of that, four times a second.
    told_bits: u64,
    ticks: u64,
}

impl Upload {
    fn tick(&mut self, offered: Kbps) -> CheckSample {
        let per_tick = |rate: Kbps| rate.bits_per_sec() * u64::try_from(TICK.as_millis()).unwrap() / 1_000;
        self.queue.push_back(per_tick(offered));
        let mut room = per_tick(self.rate);
        while let Some(oldest) = self.queue.front_mut() {
            let leaves = room.min(*oldest);
            room -= leaves;
            *oldest -= leaves;
            self.delivered_bits += leaves;
            if *oldest > 0 {
                break;
            }
            self.queue.pop_front();
        }
        self.ticks += 1;
        if self.ticks.is_multiple_of(13) {
            self.told_bits = self.delivered_bits;
        }
        CheckSample {
            delivered_bytes: self.told_bits / 8,
            waiting: Span::from_nanos(TICK.as_nanos() * i64::try_from(self.queue.len()).unwrap()),
            delay_variation: Some(Span::from_millis(3)),
            loss: Some((self.delivered_bits / 8, 0)),
            ..CheckSample::default()
        }
    }
}

/// Runs a check; what it found, how long it took, the longest wait in the queue.
fn run(rate: Kbps, floor: Kbps, ceiling: Kbps) -> (Recommendation, Span, Span) {
    let began = MediaTime::from_millis(500);
    let mut now = began;
    let mut check = NetworkCheck::new(floor, ceiling, Span::from_secs(12), now);
    let mut upload = Upload { rate, queue: VecDeque::new(), delivered_bits: 0, told_bits: 0, ticks: 0 };
    let mut longest = Span::ZERO;
    while check.phase() != CheckPhase::Done {
        let offered = check.rate(now);
        assert!((check.floor()..=check.ceiling()).contains(&offered), "{offered}");
        let sample = upload.tick(offered);
        longest = longest.max(sample.waiting);
        now += TICK;
        check.observe(&sample, now);
        assert!((0.0..=1.0).contains(&check.fraction(now)));
        assert!(now - began < Span::from_secs(16), "it ends");
    }
    (check.recommendation(), now - began, longest)
}

#[test]
fn an_upload_is_measured_and_half_as_much_again_is_kept_free() {
    let (found, lasted, longest) = run(Kbps(9_000), Kbps(800), Kbps(30_000));
    assert!((8_100..=9_000).contains(&found.carries.0), "{}", found.carries);
    assert!(!found.is_at_least);
    assert_eq!(found.recommended_total.0, found.carries.0 * 2 / 3);
    assert!((Span::from_secs(12)..=Span::from_secs(15)).contains(&lasted), "{lasted:?}");
    assert!(longest < Span::from_millis(1_500), "{longest:?}");
    assert_eq!((found.jitter, found.loss_percent), (Span::from_millis(3), Some(0.0)));
    assert_eq!(found.sentences.len(), 2, "{:?}", found.sentences);
    assert!(found.sentences[1].contains("50 % more bandwidth"), "{:?}", found.sentences);
}

#[test]
fn an_upload_beyond_the_ceiling_is_said_to_carry_at_least_that() {
    let (found, lasted, _) = run(Kbps(100_000), Kbps(800), Kbps(8_500));
    assert!(found.is_at_least);
    assert!((8_400..=8_600).contains(&found.carries.0), "{}", found.carries);
    assert_eq!(lasted, Span::from_secs(12));
    assert!(found.sentences[0].contains("everything that was tried"), "{:?}", found.sentences);
}

#[test]
fn loss_and_varying_delay_are_told() {
    let found = Recommendation::new(Kbps(3_000), false, Span::from_millis(250), Some(2.5));
    assert_eq!(found.recommended_total, Kbps(2_000));
    assert!(found.sentences[2].starts_with("2.5 % of the packets"), "{:?}", found.sentences);
    assert!(found.sentences[3].contains("250 ms"), "{:?}", found.sentences);
}

proptest! {
    /// Whatever the upload carries, what is said is never more, and not much less.
    #[test]
    fn what_is_said_to_be_carried_is_carried(rate in 300u32..60_000, ceiling in 4_000u32..40_000) {
        let (found, ..) = run(Kbps(rate), Kbps(800), Kbps(ceiling));
        prop_assert!(found.carries.0 <= rate + rate / 50, "{} of {rate}", found.carries);
        let could = rate.min(ceiling);
        prop_assert!(found.carries.0 >= could * 8 / 10, "{} of {could}", found.carries);
        prop_assert_eq!(found.recommended_total.0, u32::try_from(u64::from(found.carries.0) * 100 / 150).unwrap());
    }

    /// No sequence of figures upsets it, and it always ends.
    #[test]
    fn no_figures_upset_it(samples in prop::collection::vec((any::<u64>(), -10i64..5_000, 0i64..3_000, any::<Option<(u64, u64)>>()), 1..200)) {
        let mut now = MediaTime::ZERO;
        let mut check = NetworkCheck::new(Kbps(0), Kbps(0), Span::ZERO, now);
        for (delivered_bytes, waiting, unconfirmed, loss) in samples {
            now += Span::from_millis(50);
            let (waiting, unconfirmed) = (Span::from_millis(waiting), Span::from_millis(unconfirmed));
            check.observe(&CheckSample { delivered_bytes, waiting, unconfirmed, loss, delay_variation: None }, now);
            let _found = check.recommendation();
            prop_assert!((check.floor()..=check.ceiling()).contains(&check.rate(now)));
        }
        check.observe(&CheckSample::default(), now + Span::from_secs(60));
        prop_assert_eq!(check.phase(), CheckPhase::Done);
    }
}
