//! The ledger against a plain model: a flag for each millisecond.

use proptest::prelude::*;
use units::TrackId;

use super::*;

const TOP: Track = Track::Video(TrackId(0));
const LOW: Track = Track::Video(TrackId(1));
const SOUND: Track = Track::Audio(TrackId(0));

fn at(millis: i64) -> MediaTime {
    MediaTime::from_millis(millis)
}

fn run(track: Track, from: i64, to: i64, certainty: Certainty) -> Delivered {
    Delivered { track, from: at(from), to: at(to), certainty }
}

fn told(gaps: &[Gap]) -> Vec<(Track, i64, i64, GapKind)> {
    gaps.iter().map(|gap| (gap.track, gap.from.as_millis(), gap.to.as_millis(), gap.kind)).collect()
}

#[test]
fn everything_delivered_leaves_no_gap() {
    let mut ledger = GapLedger::new([TOP, SOUND]);
    ledger.began(at(2_000));
    // Pictures of 1001/30 ms, whose lengths are rounded down, in decode order with two of each three swapped.
    let rate = units::FrameRate::new(30_000, 1_001).unwrap();
    for frame in 0..3_000_u64 {
        let shown = if frame % 3 == 1 {
            frame + 1
        } else if frame % 3 == 2 {
            frame - 1
        } else {
            frame
        };
        let from = at(2_000) + (rate.pts_of(shown) - units::Pts::ZERO);
        let to = from + rate.frame_span();
        ledger.delivered(&Delivered { track: TOP, from, to, certainty: Certainty::Confirmed });
    }
    ledger.delivered(&run(SOUND, 1_990, 102_101, Certainty::Confirmed));
    assert_eq!(ledger.gaps(), []);
    ledger.ended(at(102_000));
    assert_eq!(ledger.gaps(), []);
}

#[test]
fn an_outage_is_told_with_its_reason_and_drops_with_theirs() {
    let mut ledger = GapLedger::new([TOP, SOUND]);
    ledger.began(at(0));
    for track in [TOP, SOUND] {
        ledger.delivered(&run(track, 0, 10_000, Certainty::Confirmed));
        ledger.delivered(&run(track, 10_000, 12_500, Certainty::Written));
        ledger.delivered(&run(track, 20_000, 30_000, Certainty::Confirmed));
    }
    ledger.interrupted(at(16_000), "the cable was pulled");
    // The tail of a group of pictures.
    ledger.fell_behind(at(33_100));
    ledger.delivered(&run(TOP, 32_000, 40_000, Certainty::Confirmed));
    ledger.delivered(&run(SOUND, 30_000, 40_000, Certainty::Confirmed));
    ledger.ended(at(40_000));
    let gaps = ledger.gaps();
    assert_eq!(
        told(&gaps),
        [
            (TOP, 10_000, 12_500, GapKind::Unconfirmed),
            (TOP, 12_500, 20_000, GapKind::NotSent),
            (TOP, 30_000, 32_000, GapKind::NotSent),
            (SOUND, 10_000, 12_500, GapKind::Unconfirmed),
            (SOUND, 12_500, 20_000, GapKind::NotSent),
        ]
    );
    let reasons: Vec<&str> = gaps.iter().map(|gap| gap.why.as_str()).collect();
    assert_eq!(reasons[..3], ["the cable was pulled", "the cable was pulled", TOO_SLOW]);
    let summary = GapLedger::summary(&gaps);
    assert_eq!((summary.count, summary.total), (2, Span::from_millis(12_000)));
    assert_eq!(summary.latest.map(|gap| gap.from), Some(at(30_000)));
}

#[test]
fn what_nobody_dropped_was_not_made() {
    let mut ledger = GapLedger::new([TOP]);
    ledger.began(at(0));
    ledger.delivered(&run(TOP, 0, 10_000, Certainty::Confirmed));
    // Three pictures that the encoder skipped.
    ledger.delivered(&run(TOP, 10_100, 40_000, Certainty::Confirmed));
    ledger.delivered(&run(TOP, 40_000, 41_000, Certainty::Written));
    // Drops a second long, told once, explain what is missing while they last.
    for millis in (45_000..46_000).step_by(100) {
        ledger.fell_behind(at(millis));
    }
    assert_eq!(ledger.reasons.len(), 1);
    ledger.delivered(&run(TOP, 41_000, 45_500, Certainty::Confirmed));
    ledger.delivered(&run(TOP, 45_600, 60_000, Certainty::Confirmed));
    let gaps = ledger.gaps();
    let reasons: Vec<(i64, &str)> = gaps.iter().map(|gap| (gap.from.as_millis(), gap.why.as_str())).collect();
    assert_eq!(reasons, [(10_000, NOT_MADE), (40_000, TOO_SLOW), (45_500, TOO_SLOW)]);
    let mut quiet = GapLedger::new([TOP]);
    quiet.began(at(0));
    quiet.delivered(&run(TOP, 0, 3_000, Certainty::Written));
    assert_eq!(quiet.gaps().first().map(|gap| gap.why.as_str()), Some(NOT_CONFIRMED));
}

#[test]
fn what_is_still_under_way_is_no_gap_and_an_outage_that_lasts_is_one() {
    let mut ledger = GapLedger::new([TOP, SOUND]);
    assert_eq!(ledger.gaps_until(at(9_000)), []);
    ledger.began(at(1_000));
    ledger.began(at(0));
    ledger.delivered(&run(TOP, 1_000, 5_000, Certainty::Confirmed));
    ledger.delivered(&run(TOP, 5_033, 5_066, Certainty::Confirmed));
    assert_eq!(ledger.gaps(), []);
    let until = ledger.gaps_until(at(9_000));
    assert_eq!(
        told(&until),
        [
            (TOP, 5_000, 5_033, GapKind::NotSent),
            (TOP, 5_066, 9_000, GapKind::NotSent),
            (SOUND, 1_000, 9_000, GapKind::NotSent)
        ]
    );
}

#[test]
fn another_ladder_promises_other_tracks() {
    let mut ledger = GapLedger::new([TOP, LOW]);
    ledger.began(at(0));
    ledger.delivered(&run(TOP, 0, 30_000, Certainty::Confirmed));
    ledger.delivered(&run(LOW, 0, 10_000, Certainty::Confirmed));
    ledger.changed([TOP], at(10_000));
    ledger.changed([TOP, LOW], at(20_000));
    ledger.delivered(&run(LOW, 21_000, 30_000, Certainty::Confirmed));
    ledger.ended(at(30_000));
    assert_eq!(told(&ledger.gaps()), [(LOW, 20_000, 21_000, GapKind::NotSent)]);
}

#[test]
fn two_days_of_dropping_are_kept_within_bounds() {
    let mut ledger = GapLedger::new([TOP]);
    ledger.began(at(0));
    let days = 48 * 3_600_i64;
    for second in (0..days).step_by(2) {
        // Every group of pictures loses its tail, the odd ones a longer one.
        let kept = if second % 4 == 0 { 1_500 } else { 700 };
        ledger.delivered(&run(TOP, second * 1_000, second * 1_000 + kept, Certainty::Confirmed));
        ledger.interrupted(at(second * 1_000), "dropped");
    }
    ledger.ended(at(days * 1_000));
    let gaps = ledger.gaps();
    assert!(ledger.is_coarse() && ledger.reasons.len() == MOST_REASONS);
    assert!((RUNS_LEFT..=MOST_RUNS).contains(&gaps.len()), "{}", gaps.len());
    // What was given up are the short stretches, so that what is missing is never told too low.
    let missing = GapLedger::summary(&gaps).total;
    let truly = Span::from_millis(days / 4 * (500 + 1_300));
    let given_up = Span::from_millis((days / 2 - i64::try_from(RUNS_LEFT).unwrap()) * 700);
    assert!(missing >= truly && missing <= truly + given_up, "{missing:?} {truly:?}");
}

#[test]
fn a_file_says_it_in_milliseconds_of_the_recording() {
    let mut ledger = GapLedger::new([TOP, SOUND]);
    ledger.began(at(5_000));
    ledger.delivered(&run(TOP, 5_000, 7_000, Certainty::Confirmed));
    ledger.delivered(&run(TOP, 7_000, 8_000, Certainty::Written));
    ledger.delivered(&run(SOUND, 4_000, 9_500, Certainty::Confirmed));
    ledger.interrupted(at(8_000), "“gone”\n");
    ledger.ended(at(9_500));
    let clock = WallClock { unix_nanos_at_media_zero: 1_700_000_000_000_000_000 };
    let text = ledger.to_json(LedgerAnchor { zero: at(4_000), clock });
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json["began_ms"], &json["ended_ms"]), (&json!(1_000), &json!(5_500)));
    assert_eq!((&json["missing_ms"], &json["times_with_gaps"]), (&json!(2_500), &json!(1)));
    let expected = json!({
        "media": "video", "track": 0, "from_ms": 3_000, "to_ms": 4_000, "from_unix_ms": 1_700_000_007_000_i64,
        "kind": "unconfirmed", "why": "“gone”\n",
    });
    assert_eq!(json["gaps"][0], expected);
    assert_eq!(json["gaps"][1]["kind"], "not_sent");
}

#[derive(Clone, Debug)]
enum Operation {
    Deliver { track: usize, from: i64, lasting: i64, is_confirmed: bool },
    Interrupt(i64),
    End(i64),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        12 => (0usize..3, 0i64..1_000, 0i64..200, any::<bool>())
            .prop_map(|(track, from, lasting, is_confirmed)| Operation::Deliver { track, from, lasting, is_confirmed }),
        1 => (0i64..1_000).prop_map(Operation::Interrupt),
        1 => (500i64..1_200).prop_map(Operation::End),
    ]
}

proptest! {
    /// After each operation, every millisecond is in exactly the gap the model says, and in no other.
    #[test]
    fn agrees_with_a_flag_for_each_millisecond(
        began in 0i64..400,
        operations in prop::collection::vec(operation(), 1..60),
    ) {
        let tracks = [TOP, LOW, SOUND];
        let mut ledger = GapLedger::new(tracks);
        ledger.began(at(began));
        let mut flags = vec![[None; 1_300]; 3];
        let mut ended = None;
        for operation in operations {
            match operation {
                Operation::Deliver { track, from, lasting, is_confirmed } => {
                    let certainty = if is_confirmed { Certainty::Confirmed } else { Certainty::Written };
                    ledger.delivered(&run(tracks[track], from, from + lasting, certainty));
                    let range = usize::try_from(from).unwrap()..usize::try_from(from + lasting).unwrap();
                    for flag in &mut flags[track][range] {
                        *flag = (*flag).max(Some(certainty));
                    }
                }
                Operation::Interrupt(millis) if millis % 2 == 0 => ledger.interrupted(at(millis), "why"),
                Operation::Interrupt(millis) => ledger.fell_behind(at(millis)),
                Operation::End(millis) => {
                    ledger.ended(at(millis));
                    ended.get_or_insert(millis);
                }
            }
            let end = ended.unwrap_or(1_250).max(began);
            let gaps = ledger.gaps_until(at(1_250));
            for (number, track) in tracks.iter().enumerate() {
                let gaps: Vec<&Gap> = gaps.iter().filter(|gap| gap.track == *track).collect();
                prop_assert!(gaps.iter().all(|gap| gap.from < gap.to));
                prop_assert!(gaps.windows(2).all(|pair| pair[0].to <= pair[1].from));
                for millis in 0..1_300_i64 {
                    let within: Vec<GapKind> = gaps
                        .iter()
                        .filter(|gap| gap.from <= at(millis) && at(millis) < gap.to)
                        .map(|gap| gap.kind)
                        .collect();
                    let expected = match flags[number][usize::try_from(millis).unwrap()] {
                        _ if millis < began || millis >= end => None,
                        Some(Certainty::Confirmed) => None,
                        Some(Certainty::Written) => Some(GapKind::Unconfirmed),
                        None => Some(GapKind::NotSent),
                    };
                    prop_assert_eq!(within, expected.into_iter().collect::<Vec<_>>(), "{:?} at {}", track, millis);
                }
            }
            let total = GapLedger::summary(&gaps).total.as_millis();
            prop_assert!(total <= 1_250);
        }
    }
}
