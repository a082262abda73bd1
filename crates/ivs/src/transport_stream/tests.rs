//! The reader against a small writer, whole and with everything that can go wrong on the way.

mod writer;

use proptest::prelude::*;
use testkit::{audio_specific_config, avc_decoder_configuration};
use units::{FrameRate, Size};

use super::*;
use writer::{AUDIO_PID, VIDEO_PID, Writer, adts_frame, annex_b};

fn read(bytes: &[u8], piece: usize) -> Vec<Item> {
    let mut reader = Reader::new();
    let mut items = Vec::new();
    for piece in bytes.chunks(piece) {
        reader.push(piece);
        items.extend(core::iter::from_fn(|| reader.next_item()));
    }
    reader.finish();
    items.extend(core::iter::from_fn(|| reader.next_item()));
    items
}

fn troubles(items: &[Item]) -> Vec<Trouble> {
    items
        .iter()
        .filter_map(|item| match item {
            Item::Trouble(trouble) => Some(trouble.clone()),
            _ => None,
        })
        .collect()
}

fn record() -> Vec<u8> {
    avc_decoder_configuration(Size::new(640, 360).unwrap(), FrameRate::new(30, 1).unwrap())
}

/// A parameter set behind its length, and what follows it.
fn set(bytes: &[u8]) -> (&[u8], &[u8]) {
    let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    bytes[2..].split_at(length)
}

/// The sequence and the picture parameter set of [`record`].
fn sets() -> [Vec<u8>; 2] {
    let record = record();
    let (sps, rest) = set(&record[6..]);
    let (pps, _) = set(&rest[1..]);
    [sps.to_vec(), pps.to_vec()]
}

/// What is sent at a time of a picture or of some frames of sound.
#[derive(Clone, Debug)]
enum Unit {
    Picture { is_idr: bool, slice: Vec<u8>, pts_ticks: u64, dts_ticks: u64 },
    Sound { frames: Vec<Vec<u8>>, pts_ticks: u64 },
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    // Without zeros there is nothing that a start code could be seen in.
    prop::collection::vec(1u8..=255, 1..900)
}

fn units() -> impl Strategy<Value = Vec<Unit>> {
    let picture = (any::<bool>(), bytes(), 0u64..3).prop_map(|(is_idr, slice, delay)| Unit::Picture {
        is_idr,
        slice,
        pts_ticks: delay * 3000,
        dts_ticks: 0,
    });
    let sound = prop::collection::vec(bytes(), 1..4).prop_map(|frames| Unit::Sound { frames, pts_ticks: 0 });
    prop::collection::vec(prop_oneof![picture, sound], 1..12).prop_map(|mut units| {
        for (at, unit) in (0u64..).zip(&mut units) {
            match unit {
                Unit::Picture { pts_ticks, dts_ticks, .. } => {
                    *dts_ticks = 90_000 + at * 3000;
                    *pts_ticks += *dts_ticks;
                }
                Unit::Sound { pts_ticks, .. } => *pts_ticks = 90_000 + at * 3000,
            }
        }
        units
    })
}

/// Packets of `units`, and the items they are.
fn write(units: &[Unit], video_has_length: bool) -> (Vec<[u8; PACKET_BYTES]>, Vec<Item>) {
    let mut writer = Writer::new();
    let mut items = Vec::new();
    let nanos = |ticks: u64| i64::try_from(ticks * 100_000 / 9).unwrap();
    writer.tables(&[(0x1b, VIDEO_PID), (0x0f, AUDIO_PID)]);
    let [sps, pps] = sets();
    let (mut has_video, mut has_audio) = (false, false);
    for unit in units {
        match unit {
            Unit::Picture { is_idr, slice, pts_ticks, dts_ticks } => {
                let mut nal = vec![if *is_idr { 0x65 } else { 0x41 }];
                nal.extend_from_slice(slice);
                let coded = annex_b(&[&[9, 0xf0], &sps, &pps, &nal]);
                writer.picture(&coded, *pts_ticks, *dts_ticks, video_has_length);
                if !core::mem::replace(&mut has_video, true) {
                    items.push(Item::VideoConfig { track: TrackId(0), record: record() });
                }
                let mut data = (nal.len() as u32).to_be_bytes().to_vec();
                data.extend_from_slice(&nal);
                let (pts, dts) = (Pts::from_nanos(nanos(*pts_ticks)), Dts::from_nanos(nanos(*dts_ticks)));
                items.push(Item::Picture { track: TrackId(0), dts, pts, is_idr: *is_idr, data });
            }
            Unit::Sound { frames, pts_ticks } => {
                let coded: Vec<u8> = frames.iter().flat_map(|frame| adts_frame(frame)).collect();
                writer.sound(&coded, *pts_ticks);
                if !core::mem::replace(&mut has_audio, true) {
                    let config = audio_specific_config();
                    items.push(Item::AudioConfig { track: TrackId(0), config });
                }
                for (count, frame) in (0i64..).zip(frames) {
                    let pts = Pts::from_nanos(nanos(*pts_ticks) + count * 1024 * 1_000_000_000 / 48_000);
                    items.push(Item::Sound { track: TrackId(0), pts, data: frame.clone() });
                }
            }
        }
    }
    (writer.packets, items)
}

/// The same items, each track in its order: a picture without a length ends where the next one begins.
fn by_track(items: &[Item]) -> [Vec<Item>; 2] {
    let is_sound = |item: &&Item| matches!(item, Item::Sound { .. } | Item::AudioConfig { .. });
    [
        items.iter().filter(is_sound).cloned().collect(),
        items.iter().filter(|item| !is_sound(item)).cloned().collect(),
    ]
}

#[test]
fn a_wrap_of_the_clock_is_counted_over() {
    let mut writer = Writer::new();
    writer.tables(&[(0x1b, VIDEO_PID)]);
    let [sps, pps] = sets();
    let end = 1u64 << 33;
    for at in 0..4u64 {
        let coded = annex_b(&[&sps, &pps, &[0x65, 1, 2, 3]]);
        let ticks = (end - 6000 + at * 3000) % end;
        writer.picture(&coded, ticks, ticks, true);
    }
    let times: Vec<i64> = read(&writer.bytes(), 1316)
        .iter()
        .filter_map(|item| match item {
            Item::Picture { pts, .. } => Some(pts.as_nanos()),
            _ => None,
        })
        .collect();
    let steps: Vec<i64> = times.windows(2).map(|pair| (pair[1] - pair[0] + 500_000) / 1_000_000).collect();
    assert_eq!(steps, [33, 33, 33]);
}

#[test]
fn changed_parameter_sets_are_told_again() {
    let mut writer = Writer::new();
    writer.tables(&[(0x1b, VIDEO_PID)]);
    let [sps, pps] = sets();
    let larger = avc_decoder_configuration(Size::new(1280, 720).unwrap(), FrameRate::new(30, 1).unwrap());
    let (larger_sps, _) = set(&larger[6..]);
    for (at, sps) in [&*sps, &*sps, larger_sps].into_iter().enumerate() {
        let ticks = 3000 * at as u64;
        writer.picture(&annex_b(&[sps, &pps, &[0x65, 1]]), ticks, ticks, false);
    }
    let items = read(&writer.bytes(), 7);
    let records: Vec<_> = items
        .iter()
        .filter_map(|item| match item {
            Item::VideoConfig { record, .. } => Some(record.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(records, [record(), larger]);
}

#[test]
fn a_frame_of_sound_may_be_cut_by_packets() {
    let frames = [vec![1u8; 300], vec![2u8; 300], vec![3u8; 300]];
    let coded: Vec<u8> = frames.iter().flat_map(|frame| adts_frame(frame)).collect();
    let mut writer = Writer::new();
    writer.tables(&[(0x0f, AUDIO_PID)]);
    writer.sound(&coded[..400], 90_000);
    // The time is that of the third frame, the first that begins here.
    writer.sound(&coded[400..], 90_000 + 2 * 1920);
    let heard: Vec<_> = read(&writer.bytes(), 188)
        .into_iter()
        .filter_map(|item| match item {
            Item::Sound { pts, data, .. } => Some((pts.as_nanos() / 1000, data)),
            _ => None,
        })
        .collect();
    let [first, second, third] = frames;
    assert_eq!(heard, [(1_000_000, first), (1_021_333, second), (1_042_666, third)]);
}

#[test]
fn other_codes_and_other_tracks_are_named_once() {
    let mut writer = Writer::new();
    for _ in 0..3 {
        writer.tables(&[(0x24, 0x200), (0x11, 0x201), (0x86, 0x202), (0x02, 0x203)]);
    }
    let items = read(&writer.bytes(), 188);
    let named: Vec<_> = items
        .iter()
        .map(|item| match item {
            Item::OtherCodec { is_picture, track, name } => (*is_picture, track.0, *name),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(named, [(true, 0, "H.265"), (false, 0, "AAC in LATM"), (true, 1, "MPEG-2")]);
}

#[test]
fn a_table_with_a_wrong_checksum_is_not_believed() {
    let mut writer = Writer::new();
    writer.tables(&[(0x1b, VIDEO_PID)]);
    let mut bytes = writer.bytes();
    // The stream type in the programme map.
    let at = bytes.iter().rposition(|byte| *byte == 0x1b).unwrap();
    bytes[at] = 0x02;
    assert_eq!(troubles(&read(&bytes, 1000)), [Trouble::Table(writer::PMT_PID)]);
}

#[test]
fn garbage_before_and_between_packets_is_stepped_over() {
    let units = [Unit::Picture { is_idr: true, slice: vec![7; 50], pts_ticks: 1, dts_ticks: 1 }];
    let (packets, items) = write(&units, true);
    let mut bytes = vec![SYNC, 1, 2];
    bytes.extend(packets.concat());
    bytes.extend([0x11; 70]);
    bytes.extend(packets.concat());
    let told = read(&bytes, 64);
    assert_eq!(troubles(&told)[..2], [Trouble::LostSync(3), Trouble::LostSync(70)]);
    assert!(items.iter().all(|item| told.contains(item)));
}

proptest! {
    #[test]
    fn what_is_written_is_read(units in units(), has_length in any::<bool>(), piece in 1usize..2000) {
        let (packets, items) = write(&units, has_length);
        let told = read(&packets.concat(), piece);
        prop_assert_eq!(by_track(&told), by_track(&items));
    }

    #[test]
    fn the_size_of_pieces_makes_no_difference(
        units in units(), damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(), piece in 1usize..600
    ) {
        let mut bytes = write(&units, false).0.concat();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        prop_assert_eq!(read(&bytes, piece), read(&bytes, bytes.len().max(1)));
    }

    #[test]
    fn lost_packets_lose_units_and_spoil_none(
        units in units(), has_length in any::<bool>(), lost in prop::collection::vec(any::<prop::sample::Index>(), 1..5)
    ) {
        // A picture without a length is known to be whole by what follows, so the last one stays.
        let mut units = units;
        let tail = write(&units, has_length).0.len();
        units.push(Unit::Picture { is_idr: false, slice: vec![1], pts_ticks: 200_000, dts_ticks: 200_000 });
        let (mut packets, items) = write(&units, has_length);
        for at in lost {
            // So do the tables: without them there is nothing to say.
            let at = 2 + at.index(tail - 2);
            if at < packets.len() - 1 {
                packets.remove(at);
            }
        }
        for item in read(&packets.concat(), 1316) {
            match item {
                Item::Picture { .. } | Item::Sound { .. } => prop_assert!(items.contains(&item), "{item:?}"),
                Item::Trouble(trouble) => {
                    let expected = matches!(trouble, Trouble::Missing(_) | Trouble::Pes(_) | Trouble::Adts(_) | Trouble::Untimed(_));
                    prop_assert!(expected, "{trouble:?}");
                }
                _ => {}
            }
        }
    }

    #[test]
    fn anything_is_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..3000), piece in 1usize..400) {
        let whole: Vec<u8> = bytes.chunks(187).flat_map(|body| core::iter::once(SYNC).chain(body.iter().copied())).collect();
        prop_assert!(read(&whole, piece).len() <= whole.len());
        prop_assert!(read(&bytes, piece).len() <= bytes.len().max(1));
    }
}
