//! What a link promises, by example and for arbitrary traffic.

use proptest::prelude::*;

use super::*;

const fn ms(millis: i64) -> MediaTime {
    MediaTime::from_millis(millis)
}

fn drain(link: &mut Link<u32>, until: MediaTime) -> Vec<(MediaTime, u32)> {
    std::iter::from_fn(|| link.poll(until)).collect()
}

#[test]
fn a_perfect_link_hands_on_at_once() {
    let mut link = Link::new(LinkConfig::PERFECT, 1);
    assert_eq!(link.send(7, 1_500, ms(5)), Fate::Taken);
    assert_eq!(link.wake_at(), Some(ms(5)));
    assert_eq!(link.poll(ms(5)), Some((ms(5), 7)));
    assert_eq!((link.poll(ms(5)), link.wake_at()), (None, None));
}

#[test]
fn packets_wait_for_their_turn_and_for_the_delay() {
    // 1000 bytes take 8 ms at 1000 kbps.
    let config = LinkConfig::bottleneck(Kbps(1_000), Span::from_millis(16), Span::from_millis(20));
    assert_eq!(config.queue_bytes, 2_000);
    let mut link = Link::new(config, 1);
    let fates: Vec<Fate> = (0..5).map(|packet| link.send(packet, 1_000, ms(0))).collect();
    // One is being sent, two wait.
    assert_eq!(fates, [Fate::Taken, Fate::Taken, Fate::Taken, Fate::NoRoom, Fate::NoRoom]);
    assert_eq!(link.waiting_bytes(), 2_000);
    assert_eq!(drain(&mut link, ms(27)), []);
    assert_eq!(drain(&mut link, ms(100)), [(ms(28), 0), (ms(36), 1), (ms(44), 2)]);
    assert_eq!(link.figures().without_room, 2);
}

#[test]
fn a_new_rate_counts_for_what_is_left_of_a_packet() {
    let slow = LinkConfig::bottleneck(Kbps(1_000), Span::from_secs(1), Span::ZERO);
    let mut link = Link::new(slow, 1);
    link.send(0, 1_000, ms(0));
    // Half of it is sent; the other half takes four times as long.
    link.reconfigure(LinkConfig { rate: Some(Kbps(250)), ..slow }, ms(4));
    assert_eq!(drain(&mut link, ms(100)), [(ms(20), 0)]);
    // At a rate of nothing it waits for a better one.
    link.reconfigure(LinkConfig { rate: Some(Kbps(0)), ..slow }, ms(100));
    link.send(1, 1_000, ms(100));
    link.send(2, 1_000, ms(100));
    assert_eq!((link.wake_at(), drain(&mut link, ms(500))), (None, vec![]));
    link.reconfigure(LinkConfig { rate: None, ..slow }, ms(500));
    assert_eq!(drain(&mut link, ms(500)), [(ms(500), 1), (ms(500), 2)]);
    assert_eq!(link.waiting_bytes(), 0);
}

#[test]
fn a_cut_takes_what_is_under_way_with_it() {
    let config = LinkConfig::bottleneck(Kbps(1_000), Span::from_secs(1), Span::from_millis(20));
    let mut link = Link::new(config, 1);
    link.send(0, 1_000, ms(0));
    link.send(1, 1_000, ms(0));
    // The first is on the wire, the second is being sent.
    link.cut(ms(10));
    assert!(link.is_cut());
    assert_eq!(link.send(2, 1_000, ms(15)), Fate::Cut);
    assert_eq!((drain(&mut link, ms(1_000)), link.wake_at()), (vec![], None));
    link.restore(ms(1_000));
    assert_eq!(link.send(3, 1_000, ms(1_000)), Fate::Taken);
    assert_eq!(drain(&mut link, ms(2_000)), [(ms(1_028), 3)]);
    assert_eq!(link.figures().cut_off, 3);
}

#[test]
fn loss_is_what_was_asked_for() {
    for per_million in [0, 10_000, 30_000, 50_000, 1_000_000] {
        let config = LinkConfig { lost_per_million: per_million, ..LinkConfig::PERFECT };
        let mut link = Link::new(config, 42);
        for packet in 0..100_000 {
            link.send(packet, 1_200, ms(0));
        }
        let (lost, aim) = (link.figures().lost, u64::from(per_million / 10));
        // Six standard deviations of a binomial distribution are 414 at 5 %.
        assert!(lost.abs_diff(aim) <= 420, "{lost} of {aim}");
    }
}

#[derive(Clone, Debug)]
enum Op {
    Send { bytes: usize },
    Wait(i64),
    Reconfigure(LinkConfig),
    Cut,
    Restore,
}

fn config() -> impl Strategy<Value = LinkConfig> {
    (
        prop::option::weighted(0.9, 0..20_000_u32),
        0..60_000_usize,
        0..200_000_i64,
        prop_oneof![Just(0), 0..50_000_i64],
        any::<bool>(),
        prop_oneof![Just(0), 0..=1_000_000_u32],
    )
        .prop_map(|(rate, queue_bytes, delay, jitter, keeps_order, lost_per_million)| LinkConfig {
            rate: rate.map(Kbps),
            queue_bytes,
            delay: Span::from_micros(delay),
            jitter: Span::from_micros(jitter),
            keeps_order,
            lost_per_million,
        })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        20 => (1..1_501_usize).prop_map(|bytes| Op::Send { bytes }),
        10 => (0..20_000_000_i64).prop_map(Op::Wait),
        1 => config().prop_map(Op::Reconfigure),
        1 => Just(Op::Cut),
        2 => Just(Op::Restore),
    ]
}

/// Carries `ops` out, looks at the link `looks` times in each wait, and checks it after each step. Returns what
/// arrived, and when.
fn run(first: LinkConfig, seed: u64, ops: &[Op], looks: i64) -> Vec<(MediaTime, u32)> {
    let mut link = Link::new(first, seed);
    let mut now = MediaTime::ZERO;
    let mut arrivals = Vec::new();
    for (serial, op) in (0..).zip(ops) {
        match op {
            Op::Send { bytes } => {
                let before = link.waiting_bytes();
                let fate = link.send(serial, *bytes, now);
                assert_eq!(fate == Fate::Cut, link.is_cut());
                if fate == Fate::NoRoom {
                    assert!(before + bytes > link.config().queue_bytes);
                }
            }
            Op::Wait(span) => {
                for look in 1..=looks {
                    arrivals.extend(drain(&mut link, now + Span::from_nanos(span * look / looks)));
                }
                now += Span::from_nanos(*span);
            }
            Op::Reconfigure(config) => link.reconfigure(*config, now),
            Op::Cut => link.cut(now),
            Op::Restore => link.restore(now),
        }
        arrivals.extend(drain(&mut link, now));
        let figures = link.figures();
        let gone = figures.without_room + figures.lost + figures.cut_off;
        assert_eq!(figures.sent, figures.arrived + gone + link.under_way() as u64);
        assert_eq!(figures.arrived, arrivals.len() as u64);
        assert!(link.wake_at().is_none_or(|at| at > now));
        assert!(arrivals.is_sorted_by_key(|(at, _)| *at));
    }
    arrivals
}

proptest! {
    #[test]
    fn the_same_arrives_however_often_it_is_looked_at(
        first in config(),
        seed in any::<u64>(),
        ops in prop::collection::vec(op(), 1..200),
        looks in 2..20_i64,
    ) {
        prop_assert_eq!(run(first, seed, &ops, 1), run(first, seed, &ops, looks));
    }

    #[test]
    fn no_packet_is_faster_than_the_link_or_slower_than_its_queue(
        rate in 100..20_000_u32,
        queue_ms in 0..2_000_i64,
        delay_ms in 0..500_i64,
        jitter_ms in 0..100_i64,
        keeps_order in any::<bool>(),
        lost_per_million in 0..200_000_u32,
        packets in prop::collection::vec((1..1_501_usize, 0..20_000_000_i64), 1..200),
    ) {
        let rate = Kbps(rate);
        let (queue, delay) = (Span::from_millis(queue_ms), Span::from_millis(delay_ms));
        let jitter = Span::from_millis(jitter_ms);
        let bottleneck = LinkConfig::bottleneck(rate, queue, delay);
        let mut link = Link::new(LinkConfig { jitter, keeps_order, lost_per_million, ..bottleneck }, 9);
        let mut now = MediaTime::ZERO;
        let mut sent = Vec::new();
        for (serial, (bytes, pause)) in (0..).zip(&packets) {
            now += Span::from_nanos(*pause);
            link.send(serial, *bytes, now);
            sent.push((now, *bytes));
        }
        let end = now + Span::from_secs(60);
        let arrivals = drain(&mut link, end);
        // How long `bytes` take; one nanosecond of rounding up.
        let takes = |bytes: usize| {
            let nanos = bytes as u64 * 8 * 1_000_000_000 / rate.bits_per_sec();
            Span::from_nanos(i64::try_from(nanos).unwrap())
        };
        let nanosecond = Span::from_nanos(1);
        for (at, serial) in &arrivals {
            let (sent_at, bytes) = sent[*serial as usize];
            let soonest = sent_at + takes(bytes) + delay;
            // The packet being sent may be one of the longest.
            let latest = soonest + queue + takes(1_500) + jitter + nanosecond;
            prop_assert!(*at >= soonest && *at <= latest, "{serial}: {soonest:?} {at:?} {latest:?}");
        }
        if keeps_order {
            prop_assert!(arrivals.is_sorted_by_key(|(_, serial)| *serial));
        }
        if jitter == Span::ZERO {
            // No stretch of time carries more than the rate.
            for (from, (began, _)) in arrivals.iter().enumerate() {
                let mut bytes = 0;
                for (at, serial) in &arrivals[from + 1..] {
                    bytes += sent[*serial as usize].1;
                    prop_assert!(*at - *began + nanosecond >= takes(bytes), "{from} {serial}");
                }
            }
        }
    }
}
