//! The report of a crash: what the program knows of itself, and what the next start says of it.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use control::{Problem, RecordingState, Severity, View};
use desktop::crash::{self, Setup};
use desktop::{Folders, LogFiles};

use crate::wall_clock;

/// How things were last, once a show runs.
static VIEW: OnceLock<Arc<ArcSwap<View>>> = OnceLock::new();

const RECORDINGS: &str = "A recording that was running plays up to here; the next start finishes its file, and so does \
                          `genlock recover`.";

/// The present local time as a file name bears it.
pub(crate) fn stamp() -> String {
    wall_clock::file_stamp(std::time::SystemTime::now())
}

/// Watches the process from now on.
pub(crate) fn watch(folders: &Folders, log: Option<LogFiles>, shows_box: bool) {
    let system = sysinfo::System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned());
    crash::watch(Setup {
        folder: folders.logs.clone(),
        about: format!("Genlock {} for {}\n{system}", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH),
        running: Box::new(|| VIEW.get().map_or_else(|| "nothing yet".into(), |view| running(&view.load()))),
        log,
        redact: ivs::redact,
        stamp,
        shows_box,
        recordings: RECORDINGS.into(),
    });
}

/// From now on a report says how this show was doing.
pub(crate) fn follow(view: &Arc<ArcSwap<View>>) {
    let _ = VIEW.set(view.clone());
}

fn running(view: &View) -> String {
    let mut lines =
        vec![format!("Composed by {}, {} frames", view.program.adapter, view.program.rendered_frames)];
    for destination in &view.destinations {
        lines.push(format!("{}: {:?} at {}", destination.name, destination.state, destination.address));
    }
    for rendition in &view.renditions {
        lines.push(format!("{} {} by {}", rendition.size, rendition.codec, rendition.encoder.name));
    }
    if view.recording.state != RecordingState::Off {
        lines.push(format!("Recording: {:?}, {}", view.recording.state, view.recording.path));
    }
    for (_, problem) in view.problems.iter().take(5) {
        lines.push(format!("Told before: {}", problem.happened));
    }
    lines.join("\n")
}

/// What the next start says of a crash that nobody was told of.
pub(crate) fn unread(logs: &Path) -> Option<Problem> {
    let report = crash::take_unread(logs)?;
    Some(Problem {
        severity: Severity::Warning,
        code: "crash.before",
        happened: "Genlock met a failure last time that it was not made for.".into(),
        done: format!("A report that you can read is in {}.", report.display()),
        advice: "Send it to whoever helps you, if you like; no stream key is in it.".into(),
    })
}
