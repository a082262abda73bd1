//! The Windows program under Wine beside the program for Linux, both on this machine and both with graphics in software.
//!
//! No figure here is one of a Windows PC. Side by side, of one commit and one machine, they show what the Windows build
//! does differently and whether that changes. Both programs are watched from outside in the same way, by what Linux
//! counts of their processes (proc(5)); what they report themselves stands beside it.

mod processes;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};
use units::Span;

use crate::hold::viewer::Viewer;
use crate::show;
use processes::{Costs, MARK, Watch};

/// What encodes, in both programs: the two encoders that need no hardware. The first is in the package for Windows.
const ENCODERS: [&str; 2] = ["openh264enc", "x264enc"];
/// How long each show runs for the figures of the whole chain, in seconds.
const SHOW_SECONDS: u32 = 30;
/// And for those of the start.
const START_SECONDS: u32 = 8;
/// The window doing nothing.
const WINDOW_SECONDS: u32 = 20;
/// What a program may take beyond the length of its show, to start and to end, before it counts as hanging: the first start
/// under Wine looks at hundreds of plugins.
const PATIENCE: Duration = Duration::from_secs(300);
/// Processor and memory are those from here on: before, programs start.
const SETTLED: Duration = Duration::from_secs(8);
/// How often is looked whether a window is there: the precision of that time.
const LOOK: Duration = Duration::from_millis(20);
/// What `packaging/windows/env.sh` says to Windows programs only.
const OF_WINDOWS: [&str; 5] =
    ["WINEPATH", "GST_PLUGIN_SYSTEM_PATH_1_0", "GST_REGISTRY_1_0", "GIO_MODULE_DIR", "WINEPREFIX"];

/// A program of this commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edition {
    Linux,
    Windows,
}

impl Edition {
    /// The program, and what starts it.
    fn command(self) -> Result<Command> {
        if self == Self::Linux {
            let mut command = Command::new(show::program()?);
            for name in OF_WINDOWS {
                command.env_remove(name);
            }
            return Ok(command);
        }
        let target = PathBuf::from(variable("GENLOCK_WINDOWS_TARGET")?);
        let program = target.join("x86_64-pc-windows-gnu/release/genlock.exe");
        ensure!(program.exists(), "build the program first: ./x windows build");
        let mut command = Command::new(checkout()?.join("packaging/windows/wine-run"));
        command.arg(program);
        Ok(command)
    }

    /// A path as the program knows it.
    fn path(self, path: &Path) -> Result<String> {
        let path = path.to_str().context("a path that is text")?;
        Ok(match self {
            Self::Linux => path.to_owned(),
            Self::Windows => format!("Z:{}", path.replace('/', "\\")),
        })
    }
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set: run ./x bench windows"))
}

fn checkout() -> Result<PathBuf> {
    variable("WINDOWS_CHECKOUT").map(PathBuf::from)
}

/// Start, whole chain and window of both programs, and what the Windows program weighs.
pub(crate) fn windows(folder: &Path) -> Result<Value> {
    let mut figures = Map::new();
    for (name, edition) in [("linux", Edition::Linux), ("windows_under_wine", Edition::Windows)] {
        let folder = folder.join(name);
        let mut of_edition = Map::new();
        of_edition.insert("start".into(), told(start(edition, &folder.join("start"))));
        for encoder in ENCODERS {
            of_edition.insert(encoder.into(), told(chain(edition, encoder, &folder.join(encoder))));
        }
        of_edition.insert("window".into(), told(window(edition, &folder.join("window"))));
        figures.insert(name.into(), of_edition.into());
    }
    figures.insert("package".into(), told(sizes(&checkout()?)));
    figures.insert(
        "setting".into(),
        json!({
            "canvas": "1280x720", "fps": 30, "scenes": "demo", "show_seconds": SHOW_SECONDS,
            "settled_after_seconds": SETTLED.as_secs(),
        }),
    );
    Ok(figures.into())
}

/// What installer and program weigh, as `./x windows package` left it.
fn sizes(checkout: &Path) -> Result<Value> {
    let sizes = std::fs::read(checkout.join("out/windows/sizes.json"));
    Ok(serde_json::from_slice(&sizes.context("nothing is packed: ./x windows package")?)?)
}

/// What fails says why in its place.
fn told(figures: Result<Value>) -> Value {
    figures.unwrap_or_else(|error| json!({ "could_not_be_measured": format!("{error:#}") }))
}

/// A program that runs, and what is seen of it. Dropping it ends it.
struct Running {
    child: Child,
    watch: Watch,
    begun: Instant,
    seconds: u32,
    report: PathBuf,
    log: PathBuf,
}

impl Running {
    /// Starts a program for so many seconds, with `folder` for what it writes.
    fn start(edition: Edition, arguments: &[&str], seconds: u32, folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let (report, log) = (folder.join("report.json"), folder.join("log"));
        let mark = folder.to_str().context("a path that is text")?.to_owned();
        let mut command = edition.command()?;
        command
            .args(arguments)
            .args(["--for", &format!("{seconds}s"), "--report", &edition.path(&report)?])
            .env(MARK, &mark)
            // GStreamer's list of plugins is made by the first start in this folder.
            .env("GST_REGISTRY_1_0", edition.path(&folder.with_file_name("registry.bin"))?)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?);
        let begun = Instant::now();
        let child = command.spawn()?;
        Ok(Self { child, watch: Watch::start(mark)?, begun, seconds, report, log })
    }

    fn is_over(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Waits for the end, and gives the program's own report and what it cost.
    fn finish(mut self) -> Result<(Value, Costs)> {
        let longest = Duration::from_secs(u64::from(self.seconds)) + PATIENCE;
        while !self.is_over()? {
            ensure!(self.begun.elapsed() < longest, "it did not end by itself: {}", self.last_words());
            std::thread::sleep(LOOK);
        }
        let costs = self.watch.costs(SETTLED);
        let report = std::fs::read(&self.report)
            .with_context(|| format!("it left no report: {}", self.last_words()))?;
        Ok((serde_json::from_slice(&report)?, costs))
    }

    fn last_words(&self) -> String {
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        let last: Vec<&str> = said.lines().rev().filter(|line| !line.trim().is_empty()).take(3).collect();
        last.join(" | ")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It is over already, unless something went wrong.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// A rehearsal of the demo scene without a window; what the ingest in it received lies in `received`.
fn rehearsal(edition: Edition, encoder: &str, seconds: u32, folder: &Path) -> Result<(Running, Viewer)> {
    let received = folder.join("received");
    std::fs::create_dir_all(&received)?;
    let viewer = Viewer::start(&received)?;
    let out = edition.path(&received)?;
    let show = ["rehearse", "--headless", "--scenes", "demo", "--canvas", "1280x720", "--fps", "30"];
    let sent = ["--bitrate", "4500", "--encoder", encoder, "--ingest-out", out.as_str()];
    let running = Running::start(edition, &[&show[..], &sent].concat(), seconds, folder)?;
    Ok((running, viewer))
}

/// From the start of the process to the first picture in the ingest's file, which is where a viewer's copy is made: with
/// nothing prepared, and again. Beside it what a program takes that only says its version, Wine's own start included.
fn start(edition: Edition, folder: &Path) -> Result<Value> {
    std::fs::create_dir_all(folder)?;
    let mut first_picture_ms = Vec::new();
    for time in ["first", "again"] {
        let (running, viewer) = rehearsal(edition, ENCODERS[0], START_SECONDS, &folder.join(time))?;
        let spawned = viewer.now() - Span::from_duration(running.begun.elapsed());
        running.finish()?;
        let end = viewer.now();
        let first = viewer.view(Span::ZERO, end).shown().next().map(|(picture, _)| picture.at - spawned);
        first_picture_ms.push(first.context("no picture arrived")?.as_millis());
    }
    let begun = Instant::now();
    let status = edition.command()?.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    ensure!(status.success(), "--version ended with {status}");
    Ok(json!({
        "first_picture_at_the_ingest_ms": { "first_start": first_picture_ms[0], "again": first_picture_ms[1] },
        "version_ms": begun.elapsed().as_millis(),
    }))
}

/// The whole chain: composing, encoding, sending, receiving.
fn chain(edition: Edition, encoder: &str, folder: &Path) -> Result<Value> {
    let (running, viewer) = rehearsal(edition, encoder, SHOW_SECONDS, folder)?;
    let spawned = viewer.now() - Span::from_duration(running.begun.elapsed());
    let (report, costs) = running.finish()?;
    let whole = viewer.view(Span::ZERO, viewer.now());
    let (first, last) = (whole.shown().next(), whole.shown().next_back());
    let (Some((first, _)), Some((last, _))) = (first, last) else { anyhow::bail!("no picture arrived") };
    let from = first.at + Span::from_duration(SETTLED);
    let settled = viewer.view(from, last.at);
    Ok(json!({
        "received_fps": settled.shown().count() as f64 / (last.at - from).as_secs_f64(),
        "first_picture_at_the_ingest_ms": (first.at - spawned).as_millis(),
        "rendered_frames": report["canvas"]["rendered_frames"],
        "lagged_frames": report["canvas"]["lagged_frames"],
        "skipped_frames": report["renditions"][0]["skipped_frames"],
        "dropped_frames": report["destination"]["dropped_frames"],
        "compose_ms": report["canvas"]["compose_ms"],
        "composition_to_wire_ms": report["destination"]["composition_to_wire_ms"],
        "encoder": report["renditions"][0]["encoder"],
        "adapter": report["canvas"]["adapter"],
        "verdict_accepted": report["ingest"]["sessions"][0]["verdict"]["accepted"],
        "costs": costs.json(),
        "own_report": report["process"],
    }))
}

/// From the start of the process to the window on the display, and the window doing nothing.
fn window(edition: Edition, folder: &Path) -> Result<Value> {
    let mut running = Running::start(edition, &["--scenes", "demo"], WINDOW_SECONDS, folder)?;
    let shown = loop {
        ensure!(!running.is_over()?, "it ended before a window was seen: {}", running.last_words());
        ensure!(running.begun.elapsed() < PATIENCE, "no window was seen");
        let search = ["search", "--onlyvisible", "--name", "^Genlock"];
        let found = Command::new("xdotool").args(search).stderr(Stdio::null()).output();
        if found.context("xdotool is needed to see windows")?.status.success() {
            break running.begun.elapsed();
        }
        std::thread::sleep(LOOK);
    };
    let (report, costs) = running.finish()?;
    Ok(json!({
        "window_shown_ms": shown.as_millis(),
        "costs": costs.json(),
        "own_report": report["process"],
    }))
}
