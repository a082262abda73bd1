//! On a link that is simulated in virtual time: pictures at 30 per second with an IDR of four times the mean every two
//! seconds, first in, first out.

use proptest::prelude::*;

use super::*;

const SOUND: Kbps = Kbps(160);
const SECOND: i64 = 1_000;

fn rung(track: u8, points: &[u32]) -> RungRates {
    let points: Vec<Kbps> = points.iter().copied().map(Kbps).collect();
    RungRates { track: TrackId(track), nominal: points.last().copied().unwrap_or_default(), points }
}

/// obs-multitrack.md 5.9: 15.7 Mbps of pictures in all, 12.44 on the lowest usable level.
fn five() -> Vec<RungRates> {
    vec![
        rung(0, &[0, 5_940, 7_200, 9_000]),
        rung(1, &[0, 4_950, 6_000, 7_500]),
        rung(2, &[0, 2_800, 3_500, 3_500]),
        rung(3, &[0, 1_000, 1_000, 1_000]),
        rung(4, &[0, 500, 500, 500]),
    ]
}

fn unnamed() -> Vec<RungRates> {
    [4_500, 2_500, 1_200]
        .iter()
        .zip(0..)
        .map(|(kbps, track)| RungRates { track: TrackId(track), nominal: Kbps(*kbps), points: Vec::new() })
        .collect()
}

struct Link {
    control: RateControl,
    now_ms: i64,
    /// When it was made, and bits still to be sent.
    queue: VecDeque<(i64, f64)>,
    written_bits: f64,
    loses_at_random: bool,
    /// Bits per second of pictures that the encoders make.
    rate: f64,
    /// How long encoders take to make what they are asked for, and what they were asked for when.
    reaction_ms: i64,
    asked: VecDeque<(i64, f64)>,
    changes: Vec<(i64, u64)>,
    overwhelmed: Vec<(i64, Kbps)>,
    worst_ms: i64,
}

impl Link {
    fn new(ladder: &[RungRates]) -> Self {
        let control = RateControl::new(ladder).unwrap();
        let rate = 1_000.0 * control.nominal as f64;
        Self {
            control,
            now_ms: 0,
            queue: VecDeque::new(),
            written_bits: 0.0,
            loses_at_random: false,
            rate,
            reaction_ms: 0,
            asked: VecDeque::new(),
            changes: Vec::new(),
            overwhelmed: Vec::new(),
            worst_ms: 0,
        }
    }

    fn waiting_ms(&self) -> i64 {
        self.queue.front().map_or(0, |(made, _)| self.now_ms - made)
    }

    /// `kbps` carried, for `millis`.
    fn run(&mut self, kbps: u64, millis: i64) {
        self.run_varying(|| kbps, millis);
    }

    /// The same where the rate is another every ten milliseconds.
    fn run_varying(&mut self, mut kbps: impl FnMut() -> u64, millis: i64) {
        let end = self.now_ms + millis;
        while self.now_ms < end {
            self.now_ms += 10;
            let kbps = kbps();
            while let Some((_, rate)) =
                self.asked.pop_front_if(|(at, _)| *at + self.reaction_ms <= self.now_ms)
            {
                self.rate = rate;
            }
            // A picture each 33 ms: three in 100 ms.
            if [0, 30, 70].contains(&(self.now_ms % 100)) {
                let is_idr = self.now_ms % (2 * SECOND) == 0;
                let share = if is_idr { 4.0 } else { 56.0 / 59.0 };
                let bits = self.rate / 30.0 * share + f64::from(SOUND.0) * 1_000.0 / 30.0;
                self.queue.push_back((self.now_ms, bits));
            }
            let mut budget = kbps as f64 * 10.0;
            while let Some((_, bits)) = self.queue.front_mut() {
                let part = bits.min(budget);
                *bits -= part;
                budget -= part;
                self.written_bits += part;
                if *bits > 0.0 {
                    break;
                }
                self.queue.pop_front();
            }
            // What the send queue does with tails of groups of pictures.
            while self.waiting_ms() > 4 * SECOND {
                self.queue.pop_front();
            }
            self.worst_ms = self.worst_ms.max(self.waiting_ms());
            if self.now_ms % 250 == 0 {
                self.observe();
            }
        }
    }

    fn observe(&mut self) {
        let waiting = Span::from_millis(self.waiting_ms());
        let now = MediaTime::from_millis(self.now_ms);
        match self.control.observe(
            waiting,
            (self.written_bits / 8.0) as u64,
            SOUND,
            self.loses_at_random,
            now,
        ) {
            Some(RateAdvice::Bitrates(bitrates)) => {
                let sum: u64 = bitrates.iter().map(|(_, rate)| u64::from(rate.0)).sum();
                // Rounding down costs at most one kbps for each rendition.
                let lowest = self.control.floor - bitrates.len() as u64;
                assert!((lowest..=self.control.nominal).contains(&sum), "{sum} kbps");
                for (rung, (track, rate)) in self.control.ladder.iter().zip(&bitrates) {
                    assert!(rung.track == *track && rate.0 > 0 && *rate <= rung.nominal);
                }
                self.asked.push_back((self.now_ms, sum as f64 * 1_000.0));
                if self.reaction_ms == 0 {
                    self.rate = sum as f64 * 1_000.0;
                }
                self.changes.push((self.now_ms, sum));
            }
            Some(RateAdvice::Overwhelmed { sustainable }) => {
                self.overwhelmed.push((self.now_ms, sustainable));
            }
            None => {}
        }
    }

    fn sum(&self) -> u64 {
        (self.rate / 1_000.0) as u64
    }
}

#[test]
fn the_lowest_step_is_the_lowest_level_on_which_every_rendition_lives() {
    let control = RateControl::new(&five()).unwrap();
    assert_eq!((control.floor, control.nominal), (15_190, 21_500));
    let halves = RateControl::new(&unnamed()).unwrap();
    assert_eq!((halves.floor, halves.nominal), (4_100, 8_200));
    // Lists of which one is shorter than the others name no levels.
    let mut uneven = five();
    uneven[1].points.remove(1);
    assert_eq!(RateControl::new(&uneven).unwrap().floor, 21_500 / 2);
    assert!(RateControl::new(&[]).is_none());
}

#[test]
fn a_ladder_without_room_is_left_alone_and_told_when_it_does_not_fit() {
    let mut link = Link::new(&[rung(0, &[0, 2_500])]);
    link.run(2_000, 60 * SECOND);
    assert_eq!(link.changes, []);
    assert_eq!(link.overwhelmed.len(), 1);
}

#[test]
fn high_renditions_give_way_first() {
    let mut link = Link::new(&five());
    link.run(60_000, 10 * SECOND);
    assert_eq!(link.changes, []);
    link.run(20_000, 10 * SECOND);
    let bitrates = link.control.bitrates();
    assert!(bitrates[0].1 < Kbps(8_000) && bitrates[1].1 < Kbps(6_600), "{bitrates:?}");
    assert_eq!((bitrates[3].1, bitrates[4].1), (Kbps(1_000), Kbps(500)));
}

#[test]
fn down_is_fast_and_up_is_slow() {
    let mut link = Link::new(&unnamed());
    link.run(30_000, 20 * SECOND);
    link.run(6_000, 5 * SECOND);
    let (first, _) = link.changes[0];
    assert!(first - 20 * SECOND <= 2 * SECOND, "{first}");
    assert!(link.sum() + 160 < 6_000, "{:?}", link.changes);
    let lowered = link.changes.len();
    link.run(30_000, 400 * SECOND);
    assert!(link.control.is_nominal(), "{:?}", link.changes);
    for pair in link.changes[lowered - 1..].windows(2) {
        let [(before, low), (after, high)] = pair else { unreachable!() };
        assert!(after - before >= 8 * SECOND, "{:?}", link.changes);
        assert!(high - low <= 8_200 / STEPS + 5, "{:?}", link.changes);
    }
    // And what holds is kept.
    let settled = link.changes.len();
    link.run(30_000, 3_600 * SECOND);
    assert_eq!(link.changes.len(), settled);
}

#[test]
fn a_hiccup_costs_half_at_most() {
    let mut link = Link::new(&unnamed());
    link.run(30_000, 20 * SECOND);
    link.run(0, 900);
    link.run(30_000, 10 * SECOND);
    assert!(link.sum() >= 8_200 / 2, "{:?}", link.changes);
    link.run(30_000, 300 * SECOND);
    assert!(link.control.is_nominal(), "{:?}", link.changes);
}

#[test]
fn a_pause_of_less_than_half_a_second_costs_nothing() {
    for millis in (50..=450).step_by(50) {
        for begins in (0..1_000).step_by(50) {
            let mut link = Link::new(&unnamed());
            link.run(20_000, 10 * SECOND + begins);
            link.run(0, millis);
            link.run(20_000, 10 * SECOND);
            assert_eq!(link.changes, [], "{millis} ms from {begins} ms on");
        }
    }
}

#[test]
fn what_does_not_fit_at_the_lowest_is_told_with_what_would() {
    let mut link = Link::new(&five());
    link.run(8_000, 15 * SECOND);
    assert_eq!(link.overwhelmed, []);
    link.run(8_000, 60 * SECOND);
    let [(at, sustainable)] = link.overwhelmed[..] else { panic!("{:?}", link.overwhelmed) };
    assert!((20 * SECOND..40 * SECOND).contains(&at), "{at}");
    assert!((6_400..=6_850).contains(&sustainable.0), "{sustainable}");
    link.run(8_000, 60 * SECOND);
    assert_eq!(link.overwhelmed.len(), 2, "told again");
    link.run(60_000, 1_800 * SECOND);
    assert!(link.control.is_nominal(), "{:?}", link.changes);
}

/// What TCP carries over a path of `most` kbps and 40 ms to and back where each packet is lost with a chance, whatever is
/// sent: the window grows by 0.53 packets each time around and shrinks to 0.7 of it with a loss (RFC 9438, 4.3 and 4.6,
/// where packets and rates are so few that CUBIC does what Reno would).
fn losing(loss_percent: f64, most: u64, seed: u64) -> impl FnMut() -> u64 {
    const PACKET_BITS: f64 = 1_448.0 * 8.0;
    let (mut window, mut left, mut state) = (10.0_f64, 0, seed | 1);
    move || {
        if left == 0 {
            left = 4;
            let mut is_lost = false;
            for _ in 0..window as u32 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                is_lost |= (state >> 33) as f64 / (1_u64 << 31) as f64 * 100.0 < loss_percent;
            }
            window = if is_lost { (window * 0.7).max(2.0) } else { window + 0.53 };
            window = window.min(most as f64 * 40.0 / PACKET_BITS);
        }
        left -= 1;
        (window * PACKET_BITS / 40.0) as u64
    }
}

/// A stream of 2,500 kbps over a path that would carry 8,000 if nothing were lost: mean bitrate of `seconds`, and how long
/// media waited at worst.
fn over_a_losing_path(loss_percent: f64, loses_at_random: bool, seconds: i64, seed: u64) -> (u64, i64) {
    let unnamed = RungRates { track: TrackId(0), nominal: Kbps(2_500), points: Vec::new() };
    let mut link = Link::new(&[unnamed]);
    link.loses_at_random = loses_at_random;
    let mut path = losing(loss_percent, 8_000, seed);
    link.run_varying(&mut path, 8 * SECOND);
    let mut sum = 0;
    for _ in 0..seconds {
        link.run_varying(&mut path, SECOND);
        sum += link.sum();
    }
    (sum / seconds as u64, link.worst_ms)
}

#[test]
fn a_path_that_loses_at_random_is_used_for_what_it_carries_in_the_mean() {
    let over = |loss_percent: f64, loses_at_random: bool| {
        let runs = (0..24).map(|n| over_a_losing_path(loss_percent, loses_at_random, 60, 38 * n));
        let (bitrates, worst): (Vec<u64>, Vec<i64>) = runs.unzip();
        (bitrates.iter().sum::<u64>() / 24, worst.into_iter().max().unwrap())
    };
    // One of a hundred: some 3,500 kbps in the mean, and at times a third of that.
    let ((plain, _), (told, worst)) = (over(1.0, false), over(1.0, true));
    assert!(told >= 2_300 && told >= plain + 200, "{told} kbps, and {plain} if it is not told");
    assert!(worst < 1_000, "{worst} ms waited");
    // Where the mean is too little, too, the bitrates still go down to what there is.
    for loss_percent in [2.0, 3.0, 5.0] {
        let (plain, told) = (over(loss_percent, false), over(loss_percent, true));
        assert!(
            told.0 + 10 >= plain.0 && told.1 <= plain.1 + 100,
            "{loss_percent} %: {told:?}, not {plain:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Any link that carries the lowest step with a margin: it settles, and then it is quiet.
    #[test]
    fn settles_and_stays(has_points in any::<bool>(), loses in any::<bool>(), carried in 0u64..100) {
        let ladder = if has_points { five() } else { unnamed() };
        let mut link = Link::new(&ladder);
        link.loses_at_random = loses;
        let (floor, nominal) = (link.control.floor, link.control.nominal);
        // From a little over the lowest step to well over the nominal.
        let kbps = floor * 108 / 100 + u64::from(SOUND.0) + (nominal - floor / 2) * carried / 100;
        link.run(kbps, 120 * SECOND);
        let before = link.changes.len();
        link.worst_ms = 0;
        link.run(kbps, 3_600 * SECOND);
        prop_assert_eq!(&link.overwhelmed, &[]);
        // A step that failed is tried after one, two, four, eight minutes and then every sixteen; each try is a handful
        // of changes.
        let changes = &link.changes[before..];
        prop_assert!(changes.len() <= 48, "{} changes at {kbps} kbps: {changes:?}", changes.len());
        let late: Vec<_> = changes.iter().filter(|(at, _)| *at > 1_920 * SECOND).collect();
        prop_assert!(late.len() <= 14, "{} late changes at {kbps} kbps: {late:?}", late.len());
        // And no try costs a picture: the queue of five renditions drops from 800 ms on.
        prop_assert!(link.worst_ms < 800, "{} ms waited at {kbps} kbps", link.worst_ms);
        // What the link carries is used, but for a margin.
        prop_assert!(link.sum() + u64::from(SOUND.0) >= (kbps * 75 / 100).min(nominal), "{} of {kbps}", link.sum());
    }

    /// A link that carried everything loses up to two fifths of what is needed, swings about what is left, and comes
    /// back, while encoders take their time: the queue stays under a second throughout, the bitrates do not swing
    /// with the link, and come back with it.
    #[test]
    fn a_link_that_loses_part_of_its_rate_keeps_the_queue_under_a_second(
        left_percent in 60u64..=95,
        jitter_percent in 0u64..=20,
        reaction_ms in prop::sample::select(vec![0i64, 100, 200, 300]),
        begins_ms in 0i64..2_000,
        seed in any::<u64>(),
    ) {
        let mut link = Link::new(&unnamed());
        link.reaction_ms = reaction_ms;
        let need = link.control.nominal + u64::from(SOUND.0);
        let mut chance = seed | 1;
        // Each tenth of a second another rate around the mean: what Wi-Fi beside a microwave oven does.
        let swinging = |mean: u64| {
            let (mut left, mut now) = (0, mean);
            move || {
                if left == 0 {
                    left = 10;
                    chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let swing = mean * jitter_percent / 100;
                    now = mean - swing + (chance >> 33) % (2 * swing + 1);
                }
                left -= 1;
                now
            }
        };
        link.run_varying(swinging(need * 3), 10 * SECOND + begins_ms);
        prop_assert_eq!(&link.changes, &[]);
        link.worst_ms = 0;
        let low = need * left_percent / 100;
        link.run_varying(swinging(low), 60 * SECOND);
        prop_assert!(link.worst_ms < 1_000, "{} ms waited", link.worst_ms);
        let settled = link.changes.len();
        link.worst_ms = 0;
        link.run_varying(swinging(low), 600 * SECOND);
        let changes = &link.changes[settled..];
        prop_assert!(link.worst_ms < 1_000, "{} ms waited later", link.worst_ms);
        // In ten minutes a step that failed is tried after one, two and four.
        let downs = changes.windows(2).filter(|pair| pair[1].1 < pair[0].1).count();
        prop_assert!(downs <= 6, "{downs} times down: {changes:?}");
        prop_assert!(link.sum() + u64::from(SOUND.0) >= low * 70 / 100, "{} of {low}", link.sum());
        // It comes back: every step up once, and none down again.
        let settled = link.changes.len();
        link.run_varying(swinging(need * 3), 1_400 * SECOND);
        prop_assert!(link.control.is_nominal(), "{:?}", &link.changes[settled..]);
        let back = &link.changes[settled..];
        prop_assert!(back.is_sorted_by(|a, b| a.1 < b.1), "{back:?}");
    }

    /// Whatever a link does: no step below the lowest usable, none above the nominal (checked at every change), up by
    /// one step at a time and never soon after a change.
    #[test]
    fn no_link_breaks_the_rules(
        has_points in any::<bool>(),
        loses in any::<bool>(),
        spells in prop::collection::vec((0u64..30_000, 100i64..40_000), 1..25),
    ) {
        let ladder = if has_points { five() } else { unnamed() };
        let mut link = Link::new(&ladder);
        link.loses_at_random = loses;
        let mut last = (0, link.control.nominal);
        let most = link.control.nominal / STEPS + 400;
        for (kbps, millis) in spells {
            let seen = link.changes.len();
            link.run(kbps, millis / 10 * 10);
            for (at, sum) in &link.changes[seen..] {
                if *sum > last.1 {
                    prop_assert!(at - last.0 >= 8 * SECOND && sum - last.1 <= most);
                }
                prop_assert_ne!(*sum, last.1);
                last = (*at, *sum);
            }
        }
    }

    #[test]
    fn nothing_observed_can_break_it(
        seen in prop::collection::vec((any::<i64>(), any::<u64>(), any::<u32>(), 0i64..100_000), 1..200),
    ) {
        let mut control = RateControl::new(&unnamed()).unwrap();
        let mut now = MediaTime::ZERO;
        for (waiting, written, sound, later) in seen {
            now += Span::from_millis(later);
            let written = written >> 4;
            control.observe(Span::from_nanos(waiting), written, Kbps(sound), written % 3 == 0, now);
            prop_assert!(control.step <= control.top);
        }
    }
}
