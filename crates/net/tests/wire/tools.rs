//! Programs of others, and how to find them.
#![cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "all but ffmpeg are there on Linux only"))]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Far beyond what any of these programs needs: a hang becomes a failure.
const PATIENCE: Duration = Duration::from_secs(60);

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools")
}

/// ffmpeg 9: `GENLOCK_FFMPEG`, or where `./x tools` puts it.
pub(crate) fn ffmpeg() -> PathBuf {
    if let Some(path) = std::env::var_os("GENLOCK_FFMPEG") {
        return PathBuf::from(path);
    }
    let packages = tools().join("venv/lib");
    let found = std::fs::read_dir(&packages).into_iter().flatten().flatten().find_map(|python| {
        let binaries = python.path().join("site-packages/imageio_ffmpeg/binaries");
        let is_ffmpeg = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ffmpeg-"))
        };
        std::fs::read_dir(binaries).ok()?.flatten().map(|entry| entry.path()).find(is_ffmpeg)
    });
    found.expect("ffmpeg 9 is not installed: run `./x tools`, or set GENLOCK_FFMPEG to its path")
}

/// The folder with node-media-server: `GENLOCK_NODE_MODULES`, or where `./x tools` puts it.
pub(crate) fn node_modules() -> PathBuf {
    let path = std::env::var_os("GENLOCK_NODE_MODULES")
        .map_or_else(|| tools().join("node/node_modules"), PathBuf::from);
    assert!(
        path.join("node-media-server/package.json").exists(),
        "node-media-server is not installed: run `./x tools`, or set GENLOCK_NODE_MODULES to the folder it is in"
    );
    path.canonicalize().unwrap()
}

/// The folder into which the packages of nginx and its RTMP module are unpacked: `GENLOCK_NGINX`, or where `./x tools`
/// does that.
pub(crate) fn nginx() -> PathBuf {
    let root = std::env::var_os("GENLOCK_NGINX").map_or_else(|| tools().join("nginx"), PathBuf::from);
    assert!(
        root.join("usr/lib/nginx/modules/ngx_rtmp_module.so").exists(),
        "nginx-rtmp is not there: run `./x tools`, or set GENLOCK_NGINX to the root under which it is installed"
    );
    root.canonicalize().unwrap()
}

/// Python with the `jsonschema` package: `GENLOCK_PYTHON`, or where `./x tools` puts it.
pub(crate) fn python() -> PathBuf {
    std::env::var_os("GENLOCK_PYTHON").map_or_else(|| tools().join("venv/bin/python"), PathBuf::from)
}

/// A program that is stopped when the test is over, whatever became of it.
pub(crate) struct Program {
    child: Child,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}; run `./x tools`"));
        Self { child }
    }

    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().unwrap()
    }

    pub(crate) fn lines(&mut self) -> Lines {
        Lines::of(self.child.stdout.take().unwrap())
    }

    /// Waits for the end and returns what it wrote. Panics when it fails or takes too long.
    pub(crate) fn output(self) -> String {
        self.finish().0
    }

    /// The same of what it wrote as errors.
    pub(crate) fn errors(self) -> String {
        self.finish().1
    }

    fn finish(mut self) -> (String, String) {
        let (sender, receiver) = mpsc::sync_channel(1);
        let mut stdout = self.child.stdout.take().unwrap();
        let mut stderr = self.child.stderr.take().unwrap();
        let errors = std::thread::Builder::new().spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).map(|_| text)
        });
        let reader = std::thread::Builder::new().spawn(move || {
            let mut text = Vec::new();
            let result = stdout.read_to_end(&mut text).map(|_| text);
            sender.send(result).ok();
        });
        let text = receiver.recv_timeout(PATIENCE).expect("a program does not come to an end").unwrap();
        reader.unwrap().join().unwrap();
        let status = self.child.wait().unwrap();
        let errors = errors.unwrap().join().unwrap().unwrap_or_default();
        assert!(status.success(), "{status}: {errors}");
        (String::from_utf8_lossy(&text).into_owned(), errors)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Its own child by its own id; an error means that it has ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What a program writes, line by line, with patience.
pub(crate) struct Lines(mpsc::Receiver<String>);

impl Lines {
    fn of(stdout: ChildStdout) -> Self {
        let (sender, receiver) = mpsc::sync_channel(1_024);
        let thread = std::thread::Builder::new().spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        thread.unwrap();
        Self(receiver)
    }

    /// What follows `prefix` in the next line that begins with it.
    pub(crate) fn after(&self, prefix: &str) -> String {
        loop {
            let line = self.0.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no line “{prefix}…”"));
            if let Some(rest) = line.strip_prefix(prefix) {
                return String::from(rest);
            }
        }
    }
}
