//! Bytes worked out by hand, and what must hold for any others.

use proptest::prelude::*;
use units::VideoCodec;

use super::*;
use crate::Error;

fn at(text: &str) -> UtcMillis {
    UtcMillis::parse(text).unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn times() -> Timestamps {
    Timestamps {
        cts: at("2026-01-02T03:04:05.100Z"),
        fer: at("2026-01-02T03:04:05.101Z"),
        ferc: at("2026-01-02T03:04:05.104Z"),
        pir: at("2026-01-02T03:04:05.120Z"),
    }
}

const SESSION: SessionCounters = SessionCounters { rendered: 120, lagged: 0, dropped: 2, output: 360 };
const RENDITION: RenditionCounters = RenditionCounters { input: 120, skipped: 1, output: 119 };

/// The payloads of obs-multitrack.md 4.5, wrapped there with a start code and the AVC type; and its lengths.
#[test]
fn golden_bytes() {
    let pir = times().pir;
    for (message, length, wrapped) in [
        (
            timestamp_message(&times()),
            125,
            "06057d0aecffe752724e2fa62fd19cd61a93b503
             0101323032362d30312d30325430333a30343a30352e3130305a00
             0102323032362d30312d30325430333a30343a30352e3130315a00
             0103323032362d30312d30325430333a30343a30352e3130345a00
             0104323032362d30312d30325430333a30343a30352e3132305a00 80",
        ),
        (
            session_message(pir, SESSION),
            65,
            "060541ca60e71c6a8b4388a377151df7bf8ac2000104323032362d30312d30325430333a30343a30352e3132305a00
             030100000300780200000300000303000003000204000003016880",
        ),
        (
            session_message(pir, SessionCounters::default()),
            65,
            "060541ca60e71c6a8b4388a377151df7bf8ac2000104323032362d30312d30325430333a30343a30352e3132305a00
             03010000030000030200000300000303000003000004000003000080",
        ),
        (
            rendition_message(pir, RENDITION),
            60,
            "06053cf1fbc1d5101e4fb5a61eb8ce3c07b8c0000104323032362d30312d30325430333a30343a30352e3132305a00
             0201000003007802000003000103000003007780",
        ),
        (
            rendition_message(pir, RenditionCounters::default()),
            60,
            "06053cf1fbc1d5101e4fb5a61eb8ce3c07b8c0000104323032362d30312d30325430333a30343a30352e3132305a00
             020100000300000302000003000003030000 03000080",
        ),
    ] {
        assert_eq!(message.len(), length);
        assert_eq!(sei_nal(VideoCodec::Avc, &message), hex(wrapped));
        // HEVC before the first slice: prefix SEI, type 39 in layer 0 (ITU-T H.265, 7.3.1.2).
        let mut prefix = hex("4e01");
        prefix.extend(&hex(wrapped)[1..]);
        assert_eq!(sei_nal(VideoCodec::Hevc, &message), prefix);
    }
}

/// The guide, "BPM SM Example" and "BPM ERM Example", field by field.
#[test]
fn the_guides_examples() {
    let pir = at("2024-03-25T15:10:34.489Z");
    let message = session_message(pir, SessionCounters { rendered: 1, lagged: 2, dropped: 3, output: 4 });
    let mut expected = hex("ca60e71c6a8b4388a377151df7bf8ac2 00 01 04");
    expected.extend(b"2024-03-25T15:10:34.489Z\0");
    expected.extend(hex("03 01 00000001 02 00000002 03 00000003 04 00000004"));
    assert_eq!(message, expected);
    let message = rendition_message(pir, RenditionCounters { input: 5, skipped: 6, output: 7 });
    let mut expected = hex("f1fbc1d5101e4fb5a61eb8ce3c07b8c0 00 01 04");
    expected.extend(b"2024-03-25T15:10:34.489Z\0");
    expected.extend(hex("02 01 00000005 02 00000006 03 00000007"));
    assert_eq!(message, expected);
}

#[test]
fn what_is_written_is_read() {
    let pir = times().pir;
    let Some(Metric::Timestamps(read_times)) = read(&timestamp_message(&times())).unwrap() else { panic!() };
    let expected = [
        (Event::Composition, times().cts),
        (Event::EncodeRequest, times().fer),
        (Event::EncodeComplete, times().ferc),
        (Event::Interleave, pir),
    ];
    assert_eq!(read_times, expected.map(|(event, time)| Timestamp { event, when: When::Utc(time) }));
    let one = vec![Timestamp { event: Event::Interleave, when: When::Utc(pir) }];
    assert_eq!(
        read(&session_message(pir, SESSION)),
        Ok(Some(Metric::Session { times: one.clone(), counters: SESSION }))
    );
    assert_eq!(
        read(&rendition_message(pir, RENDITION)),
        Ok(Some(Metric::Rendition { times: one, counters: RENDITION }))
    );
}

/// Forms that the guide allows and we never write: the other types of time, reserved bits, counters in another order.
#[test]
fn what_others_may_write_is_read() {
    let uuid = "0aecffe752724e2fa62fd19cd61a93b5";
    let mut message = hex(&format!("{uuid} f2 02 01 0000019b7c3d5e6f 03 02 fffffffffffffffe 01 09"));
    message.extend(b"2024-03-25T15:10:34Z\0");
    assert_eq!(
        read(&message).unwrap(),
        Some(Metric::Timestamps(vec![
            Timestamp { event: Event::Composition, when: When::SinceEpochMillis(0x019b_7c3d_5e6f) },
            Timestamp { event: Event::EncodeRequest, when: When::DeltaNanos(-2) },
            Timestamp { event: Event::Other(9), when: When::Utc(at("2024-03-25T15:10:34.000Z")) },
        ]))
    );
    let uuid = "f1fbc1d5101e4fb5a61eb8ce3c07b8c0";
    let message = hex(&format!("{uuid} 00 02 04 0000000000000001 f2 03 00000003 01 00000001 02 00000002"));
    let Some(Metric::Rendition { counters, .. }) = read(&message).unwrap() else { panic!() };
    assert_eq!(counters, RenditionCounters { input: 1, skipped: 2, output: 3 });
}

#[test]
fn what_is_written_wrongly_is_told() {
    let uuid = "f1fbc1d5101e4fb5a61eb8ce3c07b8c0";
    let why = |rest: &str| match read(&hex(&format!("{uuid} {rest}"))) {
        Err(Error::Malformed { why, .. }) => why,
        other => panic!("{other:?}"),
    };
    let time = "00 02 04 0000000000000001";
    assert_eq!(why(""), "it ends too early");
    assert_eq!(why("00 00 04"), "a time has a type that is not defined");
    assert_eq!(why("00 01 04 32303234"), "a time has no end");
    assert_eq!(why("00 01 04 3230323400"), "a time is not as RFC 3339 writes it");
    assert_eq!(
        why(&format!("{time} 01 01 00000001 02 00000002")),
        "it has another number of counters than the guide says"
    );
    assert_eq!(why(&format!("{time} 02 01 00000001 01 00000002 03 00000003")), "it has a counter twice");
    assert_eq!(
        why(&format!("{time} 02 01 00000001 04 00000002 03 00000003")),
        "a counter has a tag that is not defined"
    );
    assert_eq!(why(&format!("{time} 02 01 00000001 02 00000002 03 000000")), "it ends too early");
    assert_eq!(why(&format!("{time} 02 01 00000001 02 00000002 03 00000003 00")), "it goes on after its end");
    // Another's user data, and what is too short to be anybody's.
    assert_eq!(read(&hex("dc45e9bde6d948b7962cd820d923eeef 78323634")), Ok(None));
    assert_eq!(read(&hex("f1fbc1d5")), Ok(None));
}

/// NAL units behind 4-byte lengths.
fn unit(nals: &[&[u8]]) -> Vec<u8> {
    nals.iter().flat_map(|nal| [&u32::try_from(nal.len()).unwrap().to_be_bytes()[..], nal].concat()).collect()
}

fn three(codec: VideoCodec) -> Vec<Vec<u8>> {
    let pir = times().pir;
    [timestamp_message(&times()), session_message(pir, SESSION), rendition_message(pir, RENDITION)]
        .iter()
        .map(|message| sei_nal(codec, message))
        .collect()
}

#[test]
fn metrics_go_before_the_first_slice() {
    // x264's own user data, an IDR in two slices, filler.
    let x264 = sei_nal(VideoCodec::Avc, &hex("dc45e9bde6d948b7962cd820d923eeef78323634"));
    let plain = unit(&[&x264, &[0x65, 1, 2], &[0x65, 3], &[0x0c, 0xff]]);
    let with = insert_before_first_slice(VideoCodec::Avc, &plain, &three(VideoCodec::Avc)).unwrap();
    let metrics = three(VideoCodec::Avc);
    let expected =
        unit(&[&x264, &metrics[0], &metrics[1], &metrics[2], &[0x65, 1, 2], &[0x65, 3], &[0x0c, 0xff]]);
    assert_eq!(with, expected);
    let found = find_in_unit(VideoCodec::Avc, &with);
    let names: Vec<String> = found.before_first_slice.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["timestamps", "session metrics", "rendition metrics"]);
    assert!(found.own_nal_each && found.after.is_empty() && found.malformed.is_empty());
    assert_eq!(find_in_unit(VideoCodec::Avc, &plain), Found { own_nal_each: true, ..Found::default() });
}

/// ITU-T H.265, 7.4.2.4.4: prefix SEI goes before the first slice, which may be an IDR_W_RADL (19) or IDR_N_LP (20).
#[test]
fn metrics_of_hevc() {
    for slice in [[19 << 1, 1, 0xaf], [20 << 1, 1, 0xaf]] {
        let plain = unit(&[&[35 << 1, 1, 0x50], &slice, &[38 << 1, 1, 0xff]]);
        let with = insert_before_first_slice(VideoCodec::Hevc, &plain, &three(VideoCodec::Hevc)).unwrap();
        assert!(with.starts_with(&unit(&[&[35 << 1, 1, 0x50], &three(VideoCodec::Hevc)[0]])));
        let found = find_in_unit(VideoCodec::Hevc, &with);
        assert_eq!((found.before_first_slice.len(), found.after.len()), (3, 0));
        // Read as AVC it is another unit, and still no reason to fail.
        find_in_unit(VideoCodec::Avc, &with);
    }
}

/// OBS Studio puts them at the end (obs-multitrack.md 4.2); others may put all into one NAL unit.
#[test]
fn metrics_in_other_places_are_found_there() {
    let mut nals: Vec<Vec<u8>> = vec![vec![0x65, 1, 2]];
    nals.extend(three(VideoCodec::Avc));
    let nals: Vec<&[u8]> = nals.iter().map(Vec::as_slice).collect();
    let found = find_in_unit(VideoCodec::Avc, &unit(&nals));
    assert_eq!((found.before_first_slice.len(), found.after.len(), found.own_nal_each), (0, 3, true));
    let suffix: Vec<u8> = [&[40 << 1, 1], &three(VideoCodec::Hevc)[1][2..]].concat();
    let found = find_in_unit(VideoCodec::Hevc, &unit(&[&[19 << 1, 1, 2], &suffix]));
    assert_eq!(found.after.len(), 1);
    let [first, second] = [&three(VideoCodec::Avc)[0], &three(VideoCodec::Avc)[1]];
    let both: Vec<u8> = [&first[..first.len() - 1], &second[1..]].concat();
    let found = find_in_unit(VideoCodec::Avc, &unit(&[&both, &[0x65, 1]]));
    assert_eq!((found.before_first_slice.len(), found.own_nal_each), (2, false));
    let broken = sei_nal(VideoCodec::Avc, &hex("f1fbc1d5101e4fb5a61eb8ce3c07b8c0"));
    assert_eq!(find_in_unit(VideoCodec::Avc, &unit(&[&broken, &[0x65, 1]])).malformed.len(), 1);
}

#[test]
fn units_that_make_no_sense_are_refused() {
    let insert = |unit: &[u8]| insert_before_first_slice(VideoCodec::Avc, unit, &three(VideoCodec::Avc));
    for broken in
        [&[][..], &[0, 0, 0], &[0, 0, 0, 9, 0x65], &unit(&[&[0x65, 1]])[..5], &unit(&[&[6, 5], &[]])]
    {
        assert!(insert(broken).is_err(), "{broken:?}");
    }
    // A good beginning does not help: the unit would be cut short at the peer.
    let mut cut = unit(&[&[0x65, 1]]);
    cut.extend([0, 0, 0, 9, 1]);
    assert!(insert(&cut).is_err());
}

#[test]
fn times_as_text() {
    for (millis, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1970-01-01T00:00:00.000Z"),
        (1_711_379_434_489, "2024-03-25T15:10:34.489Z"),
        (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (i64::MAX, "9999-12-31T23:59:59.999Z"),
    ] {
        assert_eq!(UtcMillis(millis).rfc3339(), text);
    }
    assert_eq!(UtcMillis::from_unix_nanos(1_999_999), UtcMillis(1));
    assert_eq!(UtcMillis::parse("2024-03-25T15:10:34.4899999Z"), Some(UtcMillis(1_711_379_434_489)));
    assert_eq!(UtcMillis::parse("2024-03-25t15:10:34.4z"), Some(UtcMillis(1_711_379_434_400)));
    for wrong in [
        "",
        "Z",
        "2024-03-25T15:10:34",
        "2024-03-25T15:10:34.Z",
        "2024-3-25T15:10:34Z",
        "2024-03-25T24:00:00Z",
        "2024-02-30T00:00:00Z",
        "+024-03-25T15:10:34Z",
        "2024-03-25T15:10:34.1a2Z",
        "2024-03-25T15:60:34Z",
        "2024-03-25-01T15:10:34Z",
        "20240325T151034Z",
    ] {
        assert_eq!(UtcMillis::parse(wrong), None, "{wrong}");
    }
}

fn any_codec() -> impl Strategy<Value = VideoCodec> {
    prop_oneof![Just(VideoCodec::Avc), Just(VideoCodec::Hevc)]
}

proptest! {
    #[test]
    fn any_time_reads_back(millis in 0i64..253_402_300_800_000) {
        let text = UtcMillis(millis).rfc3339();
        prop_assert_eq!(text.len(), 24);
        prop_assert_eq!(UtcMillis::parse(&text), Some(UtcMillis(millis)));
    }

    #[test]
    fn any_metric_reads_back_from_its_unit(
        codec in any_codec(),
        times in prop::array::uniform4(0i64..253_402_300_800_000),
        session in prop::array::uniform4(any::<u32>()),
        rendition in prop::array::uniform3(any::<u32>()),
    ) {
        let [cts, fer, ferc, pir] = times.map(UtcMillis);
        let [rendered, lagged, dropped, output] = session;
        let session = SessionCounters { rendered, lagged, dropped, output };
        let [input, skipped, output] = rendition;
        let rendition = RenditionCounters { input, skipped, output };
        let nals: Vec<Vec<u8>> = [
            timestamp_message(&Timestamps { cts, fer, ferc, pir }),
            session_message(pir, session),
            rendition_message(pir, rendition),
        ].iter().map(|message| sei_nal(codec, message)).collect();
        for nal in &nals {
            // No start code can be seen in it.
            prop_assert!(!nal.windows(3).any(|bytes| bytes[0] == 0 && bytes[1] == 0 && bytes[2] < 3));
            prop_assert_eq!(nal.last(), Some(&0x80));
        }
        let slice: &[u8] = if codec == VideoCodec::Avc { &[0x65, 7] } else { &[19 << 1, 1, 7] };
        let with = insert_before_first_slice(codec, &unit(&[slice]), &nals).unwrap();
        let found = find_in_unit(codec, &with);
        prop_assert!(found.own_nal_each && found.after.is_empty() && found.malformed.is_empty());
        let [Metric::Timestamps(times), Metric::Session { counters, .. }, Metric::Rendition { counters: of, .. }] =
            found.before_first_slice.as_slice() else { panic!("{found:?}") };
        let read: Vec<When> = times.iter().map(|time| time.when).collect();
        prop_assert_eq!(read, [cts, fer, ferc, pir].map(When::Utc));
        prop_assert_eq!((*counters, *of), (session, rendition));
    }

    /// What was there is there still, in its order, with the metrics between.
    #[test]
    fn inserting_changes_nothing_else(
        codec in any_codec(),
        nals in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..6), 0..8),
    ) {
        let nals: Vec<&[u8]> = nals.iter().map(Vec::as_slice).collect();
        let plain = unit(&nals);
        let metrics = three(codec);
        let Ok(with) = insert_before_first_slice(codec, &plain, &metrics) else { return Ok(()) };
        let metrics: Vec<&[u8]> = metrics.iter().map(Vec::as_slice).collect();
        let block = unit(&metrics);
        let at = with.windows(block.len()).position(|part| part == block).unwrap();
        prop_assert_eq!([&with[..at], &with[at + block.len()..]].concat(), plain);
        prop_assert_eq!(find_in_unit(codec, &with).before_first_slice.len(), 3);
    }

    #[test]
    fn payloads_of_any_length_are_wrapped(codec in any_codec(), payload in prop::collection::vec(0u8..4, 0..700)) {
        let nal = sei_nal(codec, &payload);
        prop_assert!(!nal.windows(3).any(|bytes| bytes[0] == 0 && bytes[1] == 0 && bytes[2] < 3));
        let header = if codec == VideoCodec::Avc { 1 } else { 2 };
        // Without every 3 that follows two zeros of the NAL unit.
        let (mut rbsp, mut zeros) = (Vec::new(), 0);
        for byte in &nal[header..] {
            if zeros < 2 || *byte != 3 {
                rbsp.push(*byte);
            }
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
        }
        let many = payload.len() / 255;
        prop_assert_eq!(rbsp[0], 5);
        prop_assert!(rbsp[1..=many].iter().all(|byte| *byte == 255));
        prop_assert_eq!(usize::from(rbsp[1 + many]), payload.len() % 255);
        prop_assert_eq!(&rbsp[2 + many..rbsp.len() - 1], &payload[..]);
    }

    #[test]
    fn anything_is_looked_through(codec in any_codec(), unit in prop::collection::vec(any::<u8>(), 0..300)) {
        find_in_unit(codec, &unit);
        let _ = read(&unit);
        let _ = insert_before_first_slice(codec, &unit, &three(codec));
    }

    #[test]
    fn a_cut_message_is_malformed(cut in 16usize..65, byte in any::<u8>()) {
        let mut message = session_message(times().pir, SESSION);
        message.truncate(cut);
        prop_assert!(read(&message).is_err());
        message.push(byte);
        let _ = read(&message);
    }
}
