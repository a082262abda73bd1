//! A recording whose process is killed, for real.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use record::{Form, Options, Outcome, Recorder, inspect, recover};
use units::{AccessUnit, Span};

use crate::media::{PLAIN, assert_plays, decoded_frames, units_of};

const SOURCE: &str = "GENLOCK_TEST_SOURCE";

/// Not a test of its own: the process that is killed. It records the source over and over and says after each unit
/// how far it has come.
#[test]
fn child() {
    let Some(source) = std::env::var_os(SOURCE).map(PathBuf::from) else { return };
    let (config, units) = units_of(&source, Span::ZERO);
    let length = Span::from_secs(6);
    let dir = source.parent().unwrap().join("recordings");
    let mut recorder = Recorder::start(&dir, "Killed", &config, Options::default()).unwrap();
    let mut out = std::io::stdout();
    for round in 0..1000 {
        let at = Span::from_nanos(length.as_nanos() * round);
        let (start, end) = (at.as_millis(), (at + length).as_millis());
        for unit in &units {
            let unit = AccessUnit { pts: unit.pts + at, dts: unit.dts + at, ..unit.clone() };
            // Each round is six seconds of every track; what reaches over is left to the next one.
            let due = unit.dts.as_millis();
            if unit.is_video() || (start..end).contains(&due) {
                // A frame of sound may be in both.
                let _ = recorder.write(&unit);
            }
            writeln!(out, "at {}", unit.pts.as_millis()).unwrap();
        }
    }
}

#[test]
fn killed_at_any_moment_it_plays_to_two_seconds_before() {
    let dir = tempfile::tempdir().unwrap();
    let source = PLAIN.make(dir.path());
    let folder = dir.path().join("recordings");
    for (lines, finishes) in [(900, true), (2_111, false), (3_500, true)] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::child", "--nocapture"])
            .env(SOURCE, &source)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let progress =
            out.lines().map(Result::unwrap).filter_map(|line| line.strip_prefix("at ")?.parse::<i64>().ok());
        let fed_ms = progress.take(lines).max().unwrap();
        // SIGKILL on Unix, TerminateProcess on Windows.
        child.kill().unwrap();
        child.wait().unwrap();

        let path = folder.join("Killed.mp4");
        let summary = inspect(&path).unwrap();
        assert_eq!(summary.form, Form::Fragmented);
        assert!(fed_ms - summary.duration.as_millis() <= 2000, "{:?} of {fed_ms} ms", summary.duration);
        if summary.torn_bytes == 0 {
            assert_plays(&path);
        }
        if finishes {
            let recovered = recover(&folder).unwrap();
            let [found] = recovered.as_slice() else { panic!("{recovered:?}") };
            let Outcome::Repaired { duration, .. } = found.outcome else { panic!("{found:?}") };
            assert!(fed_ms - duration.as_millis() <= 2000, "{duration:?} of {fed_ms} ms");
            assert_plays(&path);
            let tracks = inspect(&path).unwrap().tracks;
            assert_eq!(decoded_frames(&path)[0], tracks[0].units);
            assert!(recover(&folder).unwrap().is_empty());
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
