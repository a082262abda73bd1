use std::fs;
use std::path::Path;

use record::{Error, Options, Outcome, Recorder, recover};
use testkit::SyntheticStream;
use units::{Span, StreamConfig};

fn recording(dir: &Path, seconds: i64) -> Recorder {
    let mut stream = SyntheticStream::single();
    let mut recorder = Recorder::start(dir, "Show", &stream.config(), Options::default()).unwrap();
    for unit in stream.take_span(Span::from_secs(seconds)) {
        recorder.write(&unit).unwrap();
    }
    recorder
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_name_that_is_taken_gets_a_number() {
    let dir = tempfile::tempdir().unwrap();
    let first = recording(dir.path(), 3);
    let second = recording(dir.path(), 3);
    assert_eq!(
        names(dir.path()),
        ["Show (2).journal.jsonl", "Show (2).mp4", "Show.journal.jsonl", "Show.mp4"]
    );
    first.finish().unwrap();
    second.finish().unwrap();
    recording(dir.path(), 3).finish().unwrap();
    assert_eq!(names(dir.path()), ["Show (2).mp4", "Show (3).mp4", "Show.mp4"]);
}

#[test]
fn a_folder_that_can_not_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let config = SyntheticStream::single().config();
    let refused = Recorder::start(&file.join("in"), "Show", &config, Options::default()).err().unwrap();
    assert!(matches!(&refused, Error::Resource { .. }), "{refused}");
    assert!(refused.to_string().starts_with("could not create the folder "), "{refused}");
}

#[test]
fn a_configuration_that_can_not_be_recorded_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = SyntheticStream::single().config();
    let mut video = config.video[0].as_ref().clone();
    video.decoder_config = [1u8, 2, 3].as_slice().into();
    config.video = vec![video.into()];
    for config in [config, StreamConfig::default()] {
        let refused = Recorder::start(dir.path(), "Show", &config, Options::default()).err().unwrap();
        assert!(matches!(refused, Error::Config { .. }), "{refused}");
    }
    assert!(names(dir.path()).is_empty());
}

#[test]
fn nothing_recorded_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(recording(dir.path(), 0).finish(), Err(Error::Empty)));
    assert!(names(dir.path()).is_empty());
}

#[test]
fn the_journal_tells_how_far_it_got() {
    let dir = tempfile::tempdir().unwrap();
    let mut stream = SyntheticStream::single();
    let options = Options { keep_journal: true, ..Options::default() };
    let mut recorder = Recorder::start(dir.path(), "Show", &stream.config(), options).unwrap();
    for unit in stream.take_span(Span::from_secs(5)) {
        recorder.write(&unit).unwrap();
    }
    let fragments = recorder.stats().fragments;
    let path = recorder.finish().unwrap().path;
    let lines = fs::read_to_string(path.with_extension("journal.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["recording"]["file"], "Show.mp4");
    assert_eq!(lines[0]["recording"]["tracks"][0], "H.264 1280x720 30 fps 2500 kbps");
    let offsets: Vec<u64> = lines.iter().filter_map(|line| line["fragment"]["offset"].as_u64()).collect();
    assert!(offsets.len() >= usize::try_from(fragments).unwrap() && offsets.is_sorted());
    assert_eq!(lines.last().unwrap()["finished"]["bytes"], fs::metadata(&path).unwrap().len());
    assert!(recover(dir.path()).unwrap().is_empty(), "a journal that was kept is not a recording cut short");
}

#[test]
fn recovery_leaves_finished_running_and_foreign_files_alone() {
    let dir = tempfile::tempdir().unwrap();
    let finished = recording(dir.path(), 4).finish().unwrap().path;
    let before = fs::read(&finished).unwrap();
    for (name, bytes) in
        [("other.mp4", &b"\0\0\0\x18ftypisom\0\0\0\0isomiso5\0\0\0\x08moof"[..]), ("empty.mp4", b"")]
    {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    let running = recording(dir.path(), 4);
    let recovered = recover(dir.path()).unwrap();
    assert_eq!(recovered.len(), 1);
    assert_eq!(recovered[0].path, running.path());
    assert!(matches!(recovered[0].outcome, Outcome::Running));
    running.finish().unwrap();
    assert_eq!(fs::read(&finished).unwrap(), before);
    assert_eq!(fs::read(dir.path().join("empty.mp4")).unwrap(), b"");
    assert!(recover(dir.path()).unwrap().is_empty());
}

#[test]
fn what_was_dropped_without_finishing_is_recovered_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = recording(dir.path(), 6).path().to_owned();
    // One that was cut short before anything was in it.
    drop(recording(dir.path(), 0));
    let recovered = recover(dir.path()).unwrap();
    assert_eq!(recovered.len(), 2);
    assert!(matches!(recovered[0].outcome, Outcome::Empty));
    assert_eq!(recovered[1].path, path);
    let Outcome::Repaired { duration, cut_bytes: 0 } = recovered[1].outcome else { panic!("{recovered:?}") };
    assert!((4_000..=6_030).contains(&duration.as_millis()), "{duration:?}");
    assert_eq!(names(dir.path()), ["Show.mp4"]);
    assert!(recover(dir.path()).unwrap().is_empty());
}

#[test]
fn a_journal_without_its_recording_is_tidied_away() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("Show.journal.jsonl"), "{\"recording\"").unwrap();
    fs::write(dir.path().join("other.jsonl"), "").unwrap();
    assert!(recover(dir.path()).unwrap().is_empty());
    assert_eq!(names(dir.path()), ["other.jsonl"]);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let refused = recover(&dir.path().join("gone")).unwrap_err();
    assert!(refused.to_string().starts_with("could not read the folder "), "{refused}");
}
