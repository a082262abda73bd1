use std::path::Path;
use std::time::Duration;

use record::{Form, Options, Outcome, Recorder, inspect, recover};
use units::{AccessUnit, Pts, Span, StreamConfig, Track, TrackId};

use crate::media::{
    PLAIN, Source, assert_plays, assert_told, decoded_frames, first_times, merged, packets, probe, units_of,
};

const VIDEO: Track = Track::Video(TrackId(0));
const AUDIO: Track = Track::Audio(TrackId(0));

fn options() -> Options {
    // 2026-11-21 20:14:05 UTC.
    Options { started_unix: Duration::from_secs(1_795_292_045), ..Options::default() }
}

fn record(dir: &Path, config: &StreamConfig, units: &[AccessUnit]) -> Recorder {
    let mut recorder = Recorder::start(dir, "2026-11-21 20-14-05 Test", config, options()).unwrap();
    for unit in units {
        recorder.write(unit).unwrap();
    }
    recorder
}

#[test]
fn pictures_with_b_frames_and_sound_come_out_bit_for_bit_and_in_step() {
    let dir = tempfile::tempdir().unwrap();
    for (rate, gop, frames) in [("30", 60, 210), ("30000/1001", 60, 210), ("24", 48, 168)] {
        let source = Source { rate, gop, bframes: 2, seconds: 7, ..PLAIN }.make(dir.path());
        let (config, units) = units_of(&source, Span::from_millis(123_456));
        assert!(units.iter().any(|unit| unit.composition_offset() > Span::from_millis(50)), "has B-frames");
        let recorder = record(dir.path(), &config, &units);
        let running = dir.path().join("running copy.mp4");
        std::fs::copy(recorder.path(), &running).unwrap();
        let path = recorder.finish().unwrap().path;

        assert_plays(&path);
        assert_eq!(decoded_frames(&path)[0], frames, "{rate}");
        // What ffmpeg wrote and what we wrote of it hold the same packets at the same times.
        let hashes = |path: &Path, stream: &str| -> Vec<(i64, String)> {
            let of_stream = packets(path).into_iter().filter(|line| line.starts_with(stream));
            let times = of_stream.map(|line| {
                let fields: Vec<&str> = line.split(',').map(str::trim).collect();
                (fields[2].parse().unwrap(), fields[5].to_owned())
            });
            times.collect()
        };
        assert!(hashes(&path, "0") == hashes(&source, "0"), "{rate}");
        let (ours, theirs) = (hashes(&path, "1"), hashes(&source, "1"));
        assert!(ours == theirs, "{rate}: {:?} instead of {:?}", ours.first(), theirs.first());

        let read = units_of(&path, Span::from_millis(123_456)).1;
        let essence = |unit: &AccessUnit| (unit.track, unit.pts, unit.dts, unit.is_idr, unit.data.clone());
        let of = |units: &[AccessUnit], track| -> Vec<_> {
            units.iter().filter(|unit| unit.track == track).map(essence).collect()
        };
        assert!(of(&read, VIDEO) == of(&units, VIDEO));
        assert!(of(&read, AUDIO) == of(&units, AUDIO));

        // The copy taken while it ran plays too, up to a second before its end.
        assert_plays(&running);
        assert!(frames - decoded_frames(&running)[0] <= 30);
        assert_eq!(inspect(&running).unwrap().form, Form::Fragmented);
        std::fs::remove_file(&path).unwrap();
        std::fs::remove_file(&running).unwrap();
    }
}

#[test]
fn the_file_says_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let source = Source { seconds: 4, ..PLAIN }.make(dir.path());
    let (config, units) = units_of(&source, Span::from_secs(9));
    let finished = record(dir.path(), &config, &units).finish().unwrap();
    let path = &finished.path;
    assert_eq!(path.file_name().unwrap(), "2026-11-21 20-14-05 Test.mp4");
    assert_eq!(finished.stats.fragments, 4, "one a second");
    let color = "stream=color_range,color_space,color_transfer,color_primaries";
    assert_told(path, color, "v", "tv,bt709,bt709,bt709");
    assert_told(path, "stream=codec_name,width,height,avg_frame_rate", "v", "h264,320,180,30/1");
    assert_told(path, "stream=codec_name,sample_rate,channels", "a", "aac,48000,2");
    assert_told(path, "stream=start_time,duration", "v", "0.000000,4.000000");
    assert_told(path, "format_tags=creation_time", "", "2026-11-21T20:14:05.000000Z");
    // Seeking finds the second key frame.
    let text = path.to_str().unwrap();
    let seek = ["-v", "warning", "-ss", "2.5", "-i", text, "-frames:v", "1", "-f", "null", "-"];
    assert!(crate::media::run("ffmpeg", &seek).stderr.is_empty());
    let summary = inspect(path).unwrap();
    assert_eq!((summary.form, summary.torn_bytes, summary.bytes), (Form::Plain, 0, finished.stats.bytes));
    assert_eq!(summary.tracks[0].key_frames, [Pts::ZERO, Pts::from_millis(2000)]);
    assert_eq!(summary.tracks[0].units, 120);
    assert_eq!(summary.tracks[0].gaps, []);
    assert_eq!(summary.tracks[0].end, Pts::from_millis(4000));
    assert!(!dir.path().join("2026-11-21 20-14-05 Test.journal.jsonl").exists());
}

#[test]
fn several_renditions_are_several_tracks() {
    let dir = tempfile::tempdir().unwrap();
    let large = Source { bframes: 2, seconds: 5, ..PLAIN }.make(dir.path());
    let small = Source { size: "160x90", rate: "15", gop: 30, seconds: 5, ..PLAIN }.make(dir.path());
    let (config, units) = merged(&[large, small], Span::from_secs(3));
    let path = record(dir.path(), &config, &units).finish().unwrap().path;
    assert_plays(&path);
    let frames = decoded_frames(&path);
    assert_eq!(frames[..2], [150, 75]);
    assert_told(&path, "stream=start_time", "v", "0.000000\n0.000000");
}

#[test]
fn sound_keeps_its_distance_to_the_picture() {
    let dir = tempfile::tempdir().unwrap();
    let source = Source { size: "160x90", bframes: 2, seconds: 4, ..PLAIN }.make(dir.path());
    let (config, units) = units_of(&source, Span::from_secs(1));
    for late in [-15_000_000, 0, 40_000_000, 333_000_000] {
        let shifted = units.iter().map(|unit| {
            let late = Span::from_nanos(if unit.track == AUDIO { late } else { 0 });
            AccessUnit { pts: unit.pts + late, dts: unit.dts + late, ..unit.clone() }
        });
        let mut shifted: Vec<_> = shifted.collect();
        shifted.sort_by_key(|unit| unit.dts);
        let recorder = record(dir.path(), &config, &shifted);
        let running = dir.path().join("copy.mp4");
        std::fs::copy(recorder.path(), &running).unwrap();
        let path = recorder.finish().unwrap().path;
        // Of the sound before the first picture, what reaches into it is kept, and one frame more for the decoder.
        let start = first_times(&shifted, VIDEO).unwrap().0;
        let heard = shifted
            .iter()
            .find(|unit| unit.track == AUDIO && unit.pts + unit.span + unit.span > start)
            .unwrap();
        for file in [&path, &running] {
            let (_, read) = units_of(file, Span::ZERO);
            let distance = first_times(&read, AUDIO).unwrap().0 - first_times(&read, VIDEO).unwrap().0;
            // To the nearest sample of 20.8 µs.
            assert!((distance - (heard.pts - start)).abs() <= Span::from_micros(11), "{late}: {distance:?}");
        }
        assert_told(&path, "stream=start_time", "v", "0.000000");
        if let Some(told) = probe(&path, "stream=start_time", "a") {
            let expected = (heard.pts - start).as_secs_f64().max(0.0);
            assert!((told.parse::<f64>().unwrap() - expected).abs() < 1e-4, "{told} instead of {expected}");
        }
        assert_plays(&path);
        assert_plays(&running);
    }
}

#[test]
fn a_file_cut_anywhere_plays_after_recovery() {
    let dir = tempfile::tempdir().unwrap();
    let source = Source { bframes: 2, ..PLAIN }.make(dir.path());
    let (config, units) = units_of(&source, Span::from_secs(1));
    let recorder = record(dir.path(), &config, &units);
    let bytes = std::fs::read(recorder.path()).unwrap();
    let fragments = recorder.stats().fragments;
    assert!(fragments >= 5);
    recorder.finish().unwrap();
    let folder = dir.path().join("cut");
    std::fs::create_dir(&folder).unwrap();
    for part in 3..=10 {
        let length = bytes.len() * part / 10;
        let path = folder.join(format!("{part}.mp4"));
        std::fs::write(&path, &bytes[..length]).unwrap();
    }
    let recovered = recover(&folder).unwrap();
    assert_eq!(recovered.len(), 8);
    for found in &recovered {
        let Outcome::Repaired { duration, .. } = &found.outcome else { panic!("{found:?}") };
        assert_plays(&found.path);
        let frames = decoded_frames(&found.path)[0];
        let summary = inspect(&found.path).unwrap();
        assert_eq!((summary.form, summary.tracks[0].units), (Form::Plain, frames));
        assert!((summary.duration - *duration).abs() <= Span::from_micros(1), "{summary:?}");
    }
    assert!(recover(&folder).unwrap().is_empty(), "nothing is left to do");
}

#[test]
fn sound_alone_can_be_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let source = Source { size: "160x90", seconds: 3, ..PLAIN }.make(dir.path());
    let (mut config, mut units) = units_of(&source, Span::from_secs(1));
    config.video.clear();
    units.retain(|unit| unit.track == AUDIO);
    let path = record(dir.path(), &config, &units).finish().unwrap().path;
    assert_plays(&path);
    assert_eq!(inspect(&path).unwrap().tracks[0].units, units.len() as u64);
}

#[test]
fn h265_is_recorded_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let source = Source { bframes: 2, seconds: 4, hevc: true, ..PLAIN }.make(dir.path());
    let (config, units) = units_of(&source, Span::from_secs(1));
    assert_eq!(config.video[0].codec, units::VideoCodec::Hevc);
    let path = record(dir.path(), &config, &units).finish().unwrap().path;
    assert_plays(&path);
    assert_eq!(decoded_frames(&path)[0], 120);
    assert_told(&path, "stream=codec_name,codec_tag_string", "v", "hevc,hvc1");
}
