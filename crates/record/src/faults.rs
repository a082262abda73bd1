//! Tests with a storage that fails at will: a kill after every single byte, a full disk, a failing sync.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use testkit::{Rendition, SyntheticStream};
use units::{AccessUnit, FrameRate, Kbps, Size, Span, StreamConfig};

use crate::recovery::{Repair, repair};
use crate::{Error, Form, Options, Reader, Recorder, Storage};

/// One thing that was done to the medium.
#[derive(Clone)]
enum Op {
    Write { offset: u64, bytes: Vec<u8> },
    Truncate(u64),
}

#[derive(Default)]
struct Medium {
    bytes: Vec<u8>,
    ops: Vec<Op>,
    syncs: usize,
    /// Bytes the disk can hold.
    room: Option<usize>,
    fail_sync: bool,
}

/// A file in memory that remembers how it was made.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Medium>>);

impl Memory {
    fn of(bytes: Vec<u8>) -> Self {
        let memory = Self::default();
        memory.0.lock().unwrap().bytes = bytes;
        memory
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().bytes.clone()
    }
}

fn apply(file: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let offset = usize::try_from(offset).unwrap();
    file.resize(file.len().max(offset + bytes.len()), 0);
    file[offset..offset + bytes.len()].copy_from_slice(bytes);
}

impl Storage for Memory {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut medium = self.0.lock().unwrap();
        let fits =
            medium.room.map_or(bytes.len(), |room| room.saturating_sub(usize::try_from(offset).unwrap()));
        let written = &bytes[..fits.min(bytes.len())];
        apply(&mut medium.bytes, offset, written);
        medium.ops.push(Op::Write { offset, bytes: written.to_vec() });
        if written.len() < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let medium = self.0.lock().unwrap();
        let start = usize::try_from(offset).unwrap();
        let from = medium.bytes.get(start..start + bytes.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        bytes.copy_from_slice(from);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut medium = self.0.lock().unwrap();
        medium.syncs += 1;
        if medium.fail_sync { Err(io::Error::other("the disk is gone")) } else { Ok(()) }
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        let mut medium = self.0.lock().unwrap();
        medium.bytes.truncate(usize::try_from(length).unwrap());
        medium.ops.push(Op::Truncate(length));
        Ok(())
    }

    fn length(&mut self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().bytes.len() as u64)
    }
}

/// Two renditions and sound for `seconds`, as few bytes as can be.
fn stream(seconds: i64) -> (StreamConfig, Vec<AccessUnit>) {
    let rendition = |width, height, fps| Rendition {
        size: Size::new(width, height).unwrap(),
        rate: FrameRate::new(fps, 1).unwrap(),
        bitrate: Kbps(1),
    };
    let mut stream = SyntheticStream::new(&[rendition(640, 360, 10), rendition(320, 180, 5)], 20);
    let units = stream.take_span(Span::from_secs(seconds));
    let small = units.iter().map(|unit| {
        let data = if unit.is_video() { unit.data.clone() } else { unit.data[..4].into() };
        AccessUnit { data, ..unit.as_ref().clone() }
    });
    (stream.config(), small.collect())
}

fn name() -> &'static Path {
    Path::new("test.mp4")
}

fn recorder(memory: &Memory, config: &StreamConfig) -> Recorder {
    Recorder::on_storage(Box::new(memory.clone()), name(), config, Options::default()).unwrap()
}

fn read(bytes: Vec<u8>) -> (Form, Vec<AccessUnit>) {
    let mut reader = Reader::on_storage(Box::new(Memory::of(bytes)), name()).unwrap();
    let units = reader.units().collect::<Result<_, _>>().unwrap();
    (reader.summary().form, units)
}

/// What must survive of a unit; numbers and stamps are not stored.
fn essence(unit: &AccessUnit) -> (units::Track, i64, i64, bool, Arc<[u8]>) {
    (unit.track, unit.pts.as_nanos(), unit.dts.as_nanos(), unit.is_idr, unit.data.clone())
}

/// Whether each track of `part` is the beginning of the same track of `all`. Returns the shortest track's end in ms.
fn assert_beginning_of(part: &[AccessUnit], all: &[AccessUnit], config: &StreamConfig) -> i64 {
    let video = config.video.iter().map(|video| units::Track::Video(video.track));
    let audio = config.audio.iter().map(|audio| units::Track::Audio(audio.track));
    let ends = video.chain(audio).map(|track| {
        let of = |units: &[AccessUnit]| -> Vec<_> {
            units.iter().filter(|unit| unit.track == track).map(essence).collect()
        };
        let (part, all) = (of(part), of(all));
        assert_eq!(part, all[..part.len()], "{track:?}");
        part.last().map_or(0, |(_, pts, ..)| pts / 1_000_000)
    });
    ends.min().unwrap()
}

#[test]
fn a_finished_recording_holds_every_unit() {
    let (config, units) = stream(7);
    let memory = Memory::default();
    let mut recorder = recorder(&memory, &config);
    for unit in &units {
        recorder.write(unit).unwrap();
    }
    let finished = recorder.finish().unwrap();
    let (form, found) = read(memory.bytes());
    assert_eq!(form, Form::Plain);
    assert_eq!(found.len(), units.len());
    assert_beginning_of(&found, &units, &config);
    assert_eq!(finished.stats.bytes, memory.bytes().len() as u64);
    assert_eq!((finished.stats.early_units, finished.stats.refused_units), (0, 0));
    assert_eq!(finished.stats.duration.as_millis(), 7018, "the last frame of sound reaches beyond");
    assert_eq!(memory.0.lock().unwrap().syncs, usize::try_from(finished.stats.fragments).unwrap() + 3);
    // Finished files are left alone.
    assert!(matches!(repair(&mut memory.clone()), Ok(Repair::NotNeeded)));
}

#[test]
fn killed_after_any_byte_all_but_two_seconds_survive() {
    let (config, units) = stream(6);
    let memory = Memory::default();
    let mut recorder = recorder(&memory, &config);
    // For each operation: how far the media had come when it was done.
    let mut fed = Vec::new();
    for unit in &units {
        recorder.write(unit).unwrap();
        fed.resize(memory.0.lock().unwrap().ops.len(), unit.pts.as_millis());
    }
    recorder.finish().unwrap();
    let ops = memory.0.lock().unwrap().ops.clone();
    let last = *fed.last().unwrap();
    fed.resize(ops.len(), last);

    let mut before = Vec::new();
    let mut cuts = 0;
    for (op, fed_ms) in ops.iter().zip(fed) {
        let Op::Write { offset, bytes } = op else { panic!("a recording without errors only writes") };
        for kept in 0..=bytes.len() {
            let mut cut = before.clone();
            apply(&mut cut, *offset, &bytes[..kept]);
            let torn = Memory::of(cut);
            let first = repair(&mut torn.clone()).unwrap();
            cuts += 1;
            match first {
                Repair::Done { .. } | Repair::NotNeeded => {}
                // Nothing was complete yet.
                Repair::NotOurs | Repair::Empty => {
                    assert!(fed_ms < 2000, "{first:?} at {fed_ms} ms");
                    continue;
                }
                Repair::Internal(error) => panic!("{error}"),
            }
            let repaired = torn.bytes();
            assert!(
                matches!(repair(&mut torn.clone()), Ok(Repair::NotNeeded)),
                "repairing again changes nothing"
            );
            assert_eq!(torn.bytes(), repaired);
            let (form, found) = read(repaired);
            assert_eq!(form, Form::Plain);
            let end_ms = assert_beginning_of(&found, &units, &config);
            assert!(fed_ms - end_ms <= 2000, "{end_ms} of {fed_ms} ms");
        }
        apply(&mut before, *offset, bytes);
    }
    assert!(cuts > 5_000, "{cuts}");
}

#[test]
fn a_repair_that_is_cut_short_itself_can_be_done_again() {
    let (config, units) = stream(4);
    let memory = Memory::default();
    let mut recorder = recorder(&memory, &config);
    for unit in &units {
        recorder.write(unit).unwrap();
    }
    let mut torn = memory.bytes();
    torn.truncate(torn.len() - 7);
    let once = Memory::of(torn.clone());
    repair(&mut once.clone()).unwrap();
    let ops = once.0.lock().unwrap().ops.clone();
    let mut before = torn;
    for op in &ops {
        let bytes = match op {
            Op::Truncate(length) => {
                before.truncate(usize::try_from(*length).unwrap());
                continue;
            }
            Op::Write { bytes, .. } => bytes,
        };
        let Op::Write { offset, .. } = op else { continue };
        for kept in 0..=bytes.len() {
            let mut cut = before.clone();
            apply(&mut cut, *offset, &bytes[..kept]);
            let again = Memory::of(cut);
            repair(&mut again.clone()).unwrap();
            assert_eq!(again.bytes(), once.bytes(), "cut at {kept}");
        }
        apply(&mut before, *offset, bytes);
    }
}

#[test]
fn a_full_disk_ends_the_recording_and_keeps_what_was_before() {
    let (config, units) = stream(6);
    let whole = Memory::default();
    let mut recorder_of_whole = recorder(&whole, &config);
    for unit in &units {
        recorder_of_whole.write(unit).unwrap();
    }
    for room in (2_000..whole.bytes().len()).step_by(97) {
        let memory = Memory::default();
        let mut recorder = recorder(&memory, &config);
        memory.0.lock().unwrap().room = Some(room);
        let (mut errors, mut fed_ms) = (Vec::new(), 0);
        for unit in &units {
            if let Err(error) = recorder.write(unit) {
                errors.push(error);
            } else {
                fed_ms = unit.pts.as_millis();
            }
        }
        assert!(matches!(errors.first(), Some(Error::DiskFull { .. })), "{room}: {errors:?}");
        assert!(errors.iter().skip(1).all(|error| matches!(error, Error::Stopped)));
        // Right now, unfinished, it plays to within two seconds.
        let stopped = memory.bytes();
        let fragments = recorder.stats().fragments;
        if fragments > 0 {
            let (form, found) = read(stopped.clone());
            assert_eq!(form, Form::Fragmented);
            assert!(fed_ms - assert_beginning_of(&found, &units, &config) <= 2000);
        }
        // The index may have had room, or not; either way a repair with room ends the same.
        let finished = recorder.finish();
        memory.0.lock().unwrap().room = None;
        match finished {
            Ok(_) => assert!(matches!(repair(&mut memory.clone()), Ok(Repair::NotNeeded))),
            Err(Error::Empty) => assert_eq!(fragments, 0),
            Err(error) => {
                assert!(matches!(error, Error::DiskFull { .. }), "{error}");
                assert_eq!(memory.bytes(), stopped, "nothing half-written stays");
                assert!(matches!(repair(&mut memory.clone()), Ok(Repair::Done { cut_bytes: 0, .. })));
            }
        }
    }
}

#[test]
fn a_failing_sync_ends_the_recording_too() {
    let (config, units) = stream(6);
    let memory = Memory::default();
    let mut recorder = recorder(&memory, &config);
    memory.0.lock().unwrap().fail_sync = true;
    let error = units.iter().find_map(|unit| recorder.write(unit).err()).unwrap();
    assert_eq!(error.to_string(), "could not write test.mp4: the disk is gone");
    assert!(matches!(recorder.write(&units[0]), Err(Error::Stopped)));
}

#[test]
fn zeros_where_the_last_fragment_should_be_are_cut_off() {
    let (config, units) = stream(5);
    let memory = Memory::default();
    let mut recorder = recorder(&memory, &config);
    let mut ends = Vec::new();
    for unit in &units {
        recorder.write(unit).unwrap();
        ends.push(recorder.stats().bytes);
    }
    ends.dedup();
    let mut bytes = memory.bytes();
    let last_start = usize::try_from(ends[ends.len() - 2]).unwrap();
    let moof =
        usize::try_from(u32::from_be_bytes(bytes[last_start..last_start + 4].try_into().unwrap())).unwrap();
    bytes[last_start + moof + 8..].fill(0);
    let torn = Memory::of(bytes);
    let Ok(Repair::Done { cut_bytes, .. }) = repair(&mut torn.clone()) else { panic!("not repaired") };
    assert_eq!(cut_bytes, ends[ends.len() - 1] - ends[ends.len() - 2]);
    let (_, found) = read(torn.bytes());
    assert_beginning_of(&found, &units, &config);
}

#[test]
fn a_recording_that_joins_late_begins_with_the_next_key_frame() {
    let (config, units) = stream(6);
    let memory = Memory::default();
    let mut recorder = recorder(&memory, &config);
    let joined: Vec<_> = units.iter().filter(|unit| unit.dts.as_millis() > 700).collect();
    for unit in &joined {
        recorder.write(unit).unwrap();
    }
    let finished = recorder.finish().unwrap();
    let (_, found) = read(memory.bytes());
    let first = |is_video: bool| found.iter().find(|unit| unit.is_video() == is_video).unwrap();
    assert_eq!(first(true).pts.as_millis(), 0);
    // The frame before the one that is heard when the picture begins, exactly as far before it as it was.
    let sound =
        units.iter().find(|u| !u.is_video() && (u.pts + u.span + u.span).as_millis() >= 2000).unwrap();
    assert_eq!(first(false).pts.as_nanos(), sound.pts.as_nanos() - 2_000_000_000);
    assert_eq!(finished.stats.early_units + found.len() as u64, joined.len() as u64);
    assert_eq!(finished.stats.duration.as_millis(), 4015);
}

#[test]
fn units_out_of_order_and_of_unknown_tracks_are_refused_and_the_recording_goes_on() {
    let (config, units) = stream(3);
    let memory = Memory::default();
    let mut recorder = recorder(&memory, &config);
    for unit in &units {
        recorder.write(unit).unwrap();
    }
    let refused = recorder.write(&units[0]).unwrap_err();
    assert_eq!(refused.to_string(), "a unit of video track 0 at 0 ms is out of order and was left out");
    let stranger = AccessUnit { track: units::Track::Video(units::TrackId(9)), ..units[0].clone() };
    let refused = recorder.write(&stranger).unwrap_err();
    assert_eq!(refused.to_string(), "video track 9 is not part of this recording");
    assert_eq!(recorder.finish().unwrap().stats.refused_units, 1);
    assert_eq!(read(memory.bytes()).1.len(), units.len());
}

#[test]
fn gaps_keep_their_length() {
    let (config, units) = stream(8);
    let memory = Memory::default();
    let mut recorder = recorder(&memory, &config);
    let kept: Vec<_> =
        units.iter().filter(|unit| !(2_300..5_700).contains(&unit.dts.as_millis())).cloned().collect();
    for unit in &kept {
        recorder.write(unit).unwrap();
    }
    let running = memory.bytes();
    recorder.finish().unwrap();
    let (_, found) = read(memory.bytes());
    assert_eq!(found.len(), kept.len());
    assert_beginning_of(&found, &kept, &config);
    assert_beginning_of(&read(running).1, &kept, &config);
    let summary = Reader::on_storage(Box::new(memory), name()).unwrap().summary();
    let gap = summary.tracks[0].gaps[0];
    assert_eq!((summary.tracks[0].gaps.len(), gap.from.as_millis(), gap.span.as_millis()), (1, 2300, 3400));
    assert_eq!(summary.tracks[0].key_frames.len(), 3);
    assert_eq!(
        summary.tracks[0].config,
        units::TrackConfig::Video(units::VideoConfig {
            bitrate: match &summary.tracks[0].config {
                units::TrackConfig::Video(video) => video.bitrate,
                units::TrackConfig::Audio(_) => Kbps(0),
            },
            ..config.video[0].as_ref().clone()
        })
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_damage_makes_reading_or_repairing_panic(
        finished in any::<bool>(),
        damage in proptest::collection::vec(
            (any::<prop::sample::Index>(), 1usize..9, prop_oneof![any::<u8>(), Just(0), Just(0xff), Just(0x7f)]),
            1..12,
        ),
        cut in any::<prop::sample::Index>(),
    ) {
        let (config, units) = stream(3);
        let memory = Memory::default();
        let mut recorder = recorder(&memory, &config);
        for unit in &units {
            recorder.write(unit).unwrap();
        }
        if finished {
            recorder.finish().unwrap();
        }
        let mut bytes = memory.bytes();
        let length = bytes.len();
        // Boxes lie at the head, at the beginning of each fragment, and at the end.
        let boxes = (1..length).rfind(|at| &bytes[at.saturating_sub(4)..*at] == b"traf").unwrap_or(0);
        for (i, (place, count, value)) in damage.into_iter().enumerate() {
            let start = match i % 4 {
                0 => place.index(length),
                1 => place.index(2_000.min(length)),
                2 => (boxes + place.index(100)).min(length - 1),
                _ => length - 1 - place.index(2_000.min(length)),
            };
            bytes[start..(start + count).min(length)].fill(value);
        }
        bytes.truncate(cut.index(bytes.len() * 2).max(1));
        if let Ok(mut reader) = Reader::on_storage(Box::new(Memory::of(bytes.clone())), name()) {
            reader.summary();
            for unit in reader.units() {
                let _ = unit;
            }
        }
        let _ = repair(&mut Memory::of(bytes));
    }
}
