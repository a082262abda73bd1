//! What the tests of this crate share: a clock, a place where sound goes, an X server of their own, bounded waits.

#[cfg(target_os = "linux")]
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
#[cfg(target_os = "linux")]
use std::process::Stdio;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use capture::{CaptureContext, LiveSource, SourceState};
use scene::{Source, SourceId, SourceKind};
use units::{AudioBlock, Clock, FrameRate, MediaTime, Size, VideoFrame};
#[cfg(target_os = "linux")]
use x11rb::connection::Connection as _;
#[cfg(target_os = "linux")]
use x11rb::protocol::xproto::{ConnectionExt as _, CreateWindowAux, PropMode, Window, WindowClass};
#[cfg(target_os = "linux")]
use x11rb::rust_connection::RustConnection;
#[cfg(target_os = "linux")]
use x11rb::wrapper::ConnectionExt as _;

/// The system's monotonic clock, zero when the test begins.
pub(crate) struct RealClock(Instant);

impl Default for RealClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for RealClock {
    fn now(&self) -> MediaTime {
        MediaTime::from_nanos(i64::try_from(self.0.elapsed().as_nanos()).unwrap())
    }
}

/// Everything that was heard.
pub(crate) type Heard = Arc<Mutex<Vec<(SourceId, AudioBlock)>>>;

/// A context of 320x180 at 30 frames per second, and what is heard through it.
pub(crate) fn context(base_folder: &Path) -> (CaptureContext, Heard) {
    let heard = Heard::default();
    let into = Arc::clone(&heard);
    let context = CaptureContext {
        clock: Arc::new(RealClock::default()),
        canvas: Size::new(320, 180).unwrap(),
        rate: FrameRate::FPS_30,
        base_folder: base_folder.to_owned(),
        sound: Arc::new(move |id, block| into.lock().unwrap().push((id, block))),
        font: Arc::from([]),
    };
    (context, heard)
}

pub(crate) fn source(kind: SourceKind) -> Source {
    Source { id: SourceId(7), name: "under test".into(), kind, muted: false, gain: 1.0, delay_ms: 0 }
}

/// Waits until `done` gives something, at most a minute: a bound against hanging, not a measure of speed.
pub(crate) fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = done() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::park_timeout(Duration::from_millis(3));
    }
}

pub(crate) fn wait_until_running(source: &dyn LiveSource) {
    wait_for("a running source", || match source.state() {
        SourceState::Running => Some(()),
        SourceState::Lost { reason } => panic!("lost: {reason}"),
        _ => None,
    });
}

pub(crate) fn lost_reason(source: &dyn LiveSource) -> Option<String> {
    match source.state() {
        SourceState::Lost { reason } => Some(reason),
        _ => None,
    }
}

/// Blue, green and red of a pixel of a four-byte picture, whatever their order in memory.
pub(crate) fn bgr(frame: &VideoFrame, x: usize, y: usize) -> [u8; 3] {
    let row = frame.row(0, y);
    let pixel = &row[x * 4..x * 4 + 3];
    match frame.format() {
        units::PixelFormat::Rgba8 => [pixel[2], pixel[1], pixel[0]],
        units::PixelFormat::Bgrx8 | units::PixelFormat::Bgra8 => [pixel[0], pixel[1], pixel[2]],
        other => panic!("{other:?} has no four-byte pixels"),
    }
}

/// Makes a file with ffmpeg.
pub(crate) fn made(folder: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y"])
        .args(arguments)
        .arg(&path)
        .status()
        .expect("ffmpeg is installed");
    assert!(status.success());
    path
}

/// A child that does not outlive the test.
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a test of this file again in a child process with that environment, and fails as it fails. For libraries that
/// find their server through the environment, which a test must not change for its neighbours.
#[cfg(target_os = "linux")]
pub(crate) fn run_again(test: &str, environment: &[(&str, &std::ffi::OsStr)]) {
    let mut child = Killed(
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .envs(environment.iter().copied())
            .spawn()
            .unwrap(),
    );
    let status = wait_for("the end of the test", || child.0.try_wait().unwrap());
    assert!(status.success(), "{test} failed in its own environment: {status}");
}

/// An X server of 400x300 pixels on a display number that was free.
#[cfg(target_os = "linux")]
pub(crate) struct XServer {
    _process: Killed,
    pub(crate) name: String,
}

#[cfg(target_os = "linux")]
impl XServer {
    pub(crate) fn start() -> Self {
        let mut process = Killed(
            Command::new("Xvfb")
                .args(["-displayfd", "1", "-screen", "0", "400x300x24", "-nolisten", "tcp", "-noreset"])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("Xvfb is installed"),
        );
        let mut number = String::new();
        BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut number).unwrap();
        let name = format!(":{}", number.trim());
        assert!(name.len() > 1, "Xvfb says which display it took");
        Self { _process: process, name }
    }

    pub(crate) fn connect(&self) -> (RustConnection, Window) {
        let (connection, screen) = x11rb::connect(Some(&self.name)).unwrap();
        let root = connection.setup().roots[screen].root;
        (connection, root)
    }
}

/// Shows a window of one colour with a title and a class, not decorated and not moved by anyone.
#[cfg(target_os = "linux")]
pub(crate) fn show_window(
    connection: &RustConnection,
    root: Window,
    [x, y, width, height]: [i16; 4],
    rgb: u32,
    title: &str,
) -> Window {
    let window = connection.generate_id().unwrap();
    let aux = CreateWindowAux::new().background_pixel(rgb).override_redirect(1);
    let (width, height) = (width.unsigned_abs(), height.unsigned_abs());
    connection
        .create_window(
            x11rb::COPY_DEPTH_FROM_PARENT,
            window,
            root,
            x,
            y,
            width,
            height,
            0,
            WindowClass::INPUT_OUTPUT,
            x11rb::COPY_FROM_PARENT,
            &aux,
        )
        .unwrap();
    let string = x11rb::protocol::xproto::AtomEnum::STRING;
    let (name, class) =
        (x11rb::protocol::xproto::AtomEnum::WM_NAME, x11rb::protocol::xproto::AtomEnum::WM_CLASS);
    connection.change_property8(PropMode::REPLACE, window, name, string, title.as_bytes()).unwrap();
    connection.change_property8(PropMode::REPLACE, window, class, string, b"painter\0Painter\0").unwrap();
    connection.map_window(window).unwrap();
    connection.flush().unwrap();
    connection.get_input_focus().unwrap().reply().unwrap();
    window
}
