//! Runs the program and looks at what it leaves.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_genlock"));
    // The show is headless and must not find somebody's real key.
    command.env_remove("GENLOCK_STREAM_KEY").stdin(Stdio::null());
    command
}

pub(crate) fn genlock(arguments: &[&str]) -> Output {
    program().args(arguments).output().expect("genlock runs")
}

/// A show that has ended.
pub(crate) struct Show {
    folder: TempDir,
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Show {
    pub(crate) fn rehearse(options: &[&str]) -> Self {
        Self::rehearse_with_key("sk_us-west-2_RehearsalKey", options)
    }

    pub(crate) fn rehearse_with_key(key: &str, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = program();
        command.env("GENLOCK_STREAM_KEY", key).args([
            "rehearse",
            "--headless",
            "--scenes",
            "demo",
            "--ingest-out",
        ]);
        command.arg(folder.path().join("received")).arg("--report").arg(folder.path().join("report.json"));
        if !options.contains(&"--no-record") {
            command.arg("--record").arg(folder.path().join("recording"));
        }
        Self::of(command.args(options), folder)
    }

    pub(crate) fn live(to: &str, key: &str, options: &[&str]) -> Self {
        Running::live(to, key, options).wait()
    }

    fn of(command: &mut Command, folder: TempDir) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("genlock runs");
        Running { child: Some(child), folder: Some(folder) }.wait()
    }

    fn ended(output: &Output, folder: TempDir) -> Self {
        Self {
            folder,
            exit: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub(crate) fn report(&self) -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(self.folder.path().join("report.json")).unwrap()).unwrap()
    }

    pub(crate) fn received_stream(&self) -> PathBuf {
        only_file(&self.folder.path().join("received"), "flv")
    }

    pub(crate) fn recording(&self) -> PathBuf {
        only_file(&self.folder.path().join("recording"), "mp4")
    }
}

/// A show that runs; it is ended with the value.
pub(crate) struct Running {
    child: Option<Child>,
    folder: Option<TempDir>,
}

impl Running {
    pub(crate) fn live(to: &str, key: &str, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("key");
        std::fs::write(&key_file, key).unwrap();
        let mut command = program();
        command.args(["live", "--headless", "--scenes", "demo", "--to", to, "--key-file"]).arg(&key_file);
        command.arg("--report").arg(folder.path().join("report.json"));
        if !options.contains(&"--no-record") {
            command.arg("--record").arg(folder.path().join("recording"));
        }
        command.args(options).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().expect("genlock runs");
        Self { child: Some(child), folder: Some(folder) }
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Show {
        let (child, folder) = (self.child.take().unwrap(), self.folder.take().unwrap());
        let output = child.wait_with_output().expect("genlock ends");
        Show::ended(&output, folder)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Everything a show left: its output and all its files.
pub(crate) fn everything_written(show: &Show) -> Vec<(String, Vec<u8>)> {
    let mut all = vec![
        ("stdout".to_owned(), show.stdout.clone().into_bytes()),
        ("stderr".to_owned(), show.stderr.clone().into_bytes()),
    ];
    let mut folders = vec![show.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.push((path.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
    }
    assert!(all.len() > 4, "the show left too little to look at");
    all
}

/// The one file with this extension in a folder.
pub(crate) fn only_file(folder: &Path, extension: &str) -> PathBuf {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

/// What ffmpeg complains about while it decodes all of a file.
pub(crate) fn decode_errors(file: &Path) -> String {
    let output = Command::new("ffmpeg")
        .args(["-v", "warning", "-i"])
        .arg(file)
        .args(["-f", "null", "-"])
        .output()
        .expect("ffmpeg runs; ./x tools installs it");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn duration_seconds(file: &Path) -> f64 {
    let times = packet_seconds(file, "v");
    let first = times.iter().copied().fold(f64::INFINITY, f64::min);
    let last = times.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    last - first
}

/// When the packets of a file's first video (`v`) or audio (`a`) track are shown, in the order in which they lie there
/// and in seconds of the file's own time, as ffmpeg tells them.
pub(crate) fn packet_seconds(file: &Path, kind: &str) -> Vec<f64> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-copyts", "-i"])
        .arg(file)
        .args(["-map", &format!("0:{kind}:0"), "-c", "copy", "-f", "framecrc", "-"])
        .output()
        .expect("ffmpeg runs; ./x tools installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let base =
        text.lines().find_map(|line| line.strip_prefix("#tb 0: ")?.split_once('/')).expect("a time base");
    let (over, under): (f64, f64) = (base.0.trim().parse().unwrap(), base.1.trim().parse().unwrap());
    // Track, decoding time, presentation time, duration, size, checksum.
    let shown = |line: &str| line.split(',').nth(2)?.trim().parse::<f64>().ok();
    text.lines().filter_map(shown).map(|ticks| ticks * over / under).collect()
}

/// A rehearsal ingest in a process of its own; ends with the value.
pub(crate) struct Ingest {
    child: Child,
    folder: TempDir,
    pub(crate) rtmp: String,
    pub(crate) rtmps: String,
    pub(crate) ca: PathBuf,
    pub(crate) key: String,
}

impl Ingest {
    pub(crate) fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = "sk_us-west-2_TheRightKey".to_owned();
        let mut child = program()
            .env("GENLOCK_STREAM_KEY", &key)
            .args(["ingest", "--for", "60s", "--out"])
            .arg(folder.path())
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("genlock runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addresses: serde_json::Value =
            serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line}: {e}"));
        let text = |name: &str| addresses[name].as_str().unwrap_or_default().to_owned();
        Self { child, folder, rtmp: text("rtmp"), rtmps: text("rtmps"), ca: text("ca_file").into(), key }
    }

    pub(crate) fn received_stream(&self) -> PathBuf {
        only_file(self.folder.path(), "flv")
    }
}

impl Drop for Ingest {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Bytes of a recording that are worth losing: some seconds at this bitrate.
const WORTH_LOSING: u64 = 500_000;

/// Starts a show that records, and kills it without warning once its file has grown.
pub(crate) fn record_and_kill(recording: &Path, received: &Path) {
    let mut child = program()
        .args(["rehearse", "--headless", "--scenes", "demo", "--canvas", "320x180", "--record"])
        .arg(recording)
        .arg("--ingest-out")
        .arg(received)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("genlock runs");
    let size = || -> u64 {
        let Ok(entries) = std::fs::read_dir(recording) else { return 0 };
        let is_file = |path: &Path| path.extension().is_some_and(|extension| extension == "mp4");
        entries
            .flatten()
            .filter(|e| is_file(&e.path()))
            .filter_map(|e| e.metadata().ok())
            .map(|m| m.len())
            .sum()
    };
    // A show lives in real time; the limit only keeps a broken one from hanging the tests.
    let begun = std::time::Instant::now();
    while size() < WORTH_LOSING && begun.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().expect("the show was still running");
    child.wait().unwrap();
}
