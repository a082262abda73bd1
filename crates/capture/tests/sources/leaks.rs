//! Dropping a source ends everything it started.

use scene::{Color, DisplaySelector, SourceKind};

use crate::support::{XServer, context, made, run_again, source, wait_for, wait_until_running};

/// Says to the child that it is alone in its process.
const ALONE: &str = "GENLOCK_TEST_ALONE";

/// Names of the threads of this process.
fn threads() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .collect();
    names.sort();
    names
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn dropped_sources_leave_no_threads_and_no_files() {
    if std::env::var_os(ALONE).is_none() {
        run_again("leaks::dropped_sources_leave_no_threads_and_no_files", &[(ALONE, "1".as_ref())]);
        return;
    }
    let server = XServer::start();
    let folder = tempfile::tempdir().unwrap();
    let movie = ["-f", "lavfi", "-i", "testsrc=d=1", "-f", "lavfi", "-i", "sine=d=1", "-c:v", "mjpeg"];
    made(folder.path(), "movie.mkv", &movie);
    let (context, _) = context(folder.path());
    let media = |path: &str| SourceKind::Media { path: path.into(), looping: true };
    let display = DisplaySelector::Named(server.name.clone());
    let kinds = [
        (SourceKind::TestPattern { beep: true }, true),
        (SourceKind::Color { color: Color::default() }, true),
        (
            SourceKind::Display { display, show_cursor: true, show_border: false, hide_own_windows: false },
            true,
        ),
        (media("movie.mkv"), true),
        (media("absent.mkv"), false),
        (SourceKind::Camera { device: Some("absent".into()) }, false),
        (SourceKind::Image { path: "absent.png".into() }, false),
    ];
    let round = || {
        for (kind, runs) in &kinds {
            let open = capture::open(&source(kind.clone()), &context).unwrap();
            if *runs {
                wait_until_running(open.as_ref());
            }
        }
    };
    // The first round starts what GStreamer keeps for the life of the process.
    round();
    let files = open_files();
    for _ in 0..5 {
        round();
    }
    // GStreamer's pool threads end by themselves a moment after their last task.
    let ours = ["capture ", "media ", "image ", "pattern ", "microphone", "desktop "];
    wait_for("the end of our threads", || {
        let left = threads();
        left.iter().all(|name| !ours.iter().any(|own| name.starts_with(own))).then_some(())
    });
    assert!(open_files() <= files + 3, "{} files before, {} after", files, open_files());
}
