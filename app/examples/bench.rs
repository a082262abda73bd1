//! `./x bench`: figures as JSON on stdout, beside a peer measured in the same run. Nothing here passes or fails; the
//! tests do not depend on speed, because machines are shared and noisy.
//!
//!     ./x bench            everything
//!     ./x bench single     one rendition of 1280x720 at 30 fps, with the window open, beside ffmpeg
//!     ./x bench headless   the same without a window
//!     ./x bench idle       the window doing nothing

#![allow(clippy::print_stdout, reason = "the figures are this program's result")]
#![allow(clippy::indexing_slicing, reason = "serde_json answers a missing member with null")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

/// How long each show runs, in seconds; the first seconds include the start.
const SHOW_SECONDS: u32 = 30;
/// How much of the received picture the peer encodes again, in seconds: raw frames are large.
const PEER_SECONDS: u32 = 12;

fn main() -> Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    let folder = tempfile::tempdir()?;
    let mut figures = serde_json::Map::new();
    figures.insert("machine".into(), machine());
    for (name, options) in [("single", &[][..]), ("headless", &["--headless"][..])] {
        if wants(name) {
            figures.insert(name.into(), single(&folder.path().join(name), options)?);
        }
    }
    if wants("idle") {
        figures.insert("idle".into(), idle(&folder.path().join("idle"))?);
    }
    ensure!(figures.len() > 1, "no such bench: {}; there are single, headless and idle", wanted.join(", "));
    println!("{}", serde_json::to_string_pretty(&Value::Object(figures))?);
    Ok(())
}

fn genlock() -> Result<PathBuf> {
    // The example lies in target/release/examples, the program beside that folder.
    let here = std::env::current_exe()?;
    let program = here.parent().and_then(Path::parent).context("an example has a folder")?.join("genlock");
    ensure!(program.exists(), "build the program first: cargo build --release");
    Ok(program)
}

fn machine() -> Value {
    let model = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        text.lines().find_map(|l| l.strip_prefix("model name")?.split(": ").nth(1).map(str::to_owned))
    });
    json!({ "cpu": model, "cores": std::thread::available_parallelism().map_or(0, usize::from) })
}

/// One rendition of the demo scene, and ffmpeg encoding the same pictures with the same settings.
fn single(folder: &Path, options: &[&str]) -> Result<Value> {
    std::fs::create_dir_all(folder)?;
    let report_file = folder.join("report.json");
    let received = folder.join("received");
    let status = Command::new(genlock()?)
        .args(["rehearse", "--scenes", "demo", "--canvas", "1280x720", "--fps", "30", "--encoder", "x264enc"])
        .args(["--bitrate", "4500", "--for", &format!("{SHOW_SECONDS}s")])
        .arg("--record")
        .arg(folder.join("recording"))
        .arg("--report")
        .arg(&report_file)
        .arg("--ingest-out")
        .arg(&received)
        .args(options)
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "genlock rehearse ended with {status}");
    let report: Value = serde_json::from_slice(&std::fs::read(&report_file)?)?;
    let stream = newest(&received, "flv")?;
    let peer = peer_encode(&stream, folder)?;
    let ours = report["process"]["cpu_cores"].as_f64().context("the report has cpu_cores")?;
    let theirs = peer["cpu_cores"].as_f64().context("the peer has cpu_cores")?;
    Ok(json!({
        "cpu_cores": ours,
        "ffmpeg_encoding_the_same_frames": peer,
        "cpu_ratio_to_ffmpeg": ours / theirs,
        "composition_to_wire_ms": report["destination"]["composition_to_wire_ms"],
        "compose_ms": report["canvas"]["compose_ms"],
        "lagged_frames": report["canvas"]["lagged_frames"],
        "rendered_frames": report["canvas"]["rendered_frames"],
        "skipped_frames": report["renditions"][0]["skipped_frames"],
        "dropped_frames": report["destination"]["dropped_frames"],
        "first_idr_ms": report["destination"]["first_idr_ms"],
        "peak_memory_mb": report["process"]["peak_memory_mb"],
        "encoder": report["renditions"][0]["encoder"],
        "adapter": report["canvas"]["adapter"],
        "obs_32_2_2_on_this_kind_of_machine": {
            "cpu_cores": 1.08, "composition_to_wire_ms": 166, "lagged_share": 0.33, "memory_mb": 360
        },
    }))
}

/// Decodes the received stream to raw frames, then measures only their encoding.
fn peer_encode(stream: &Path, folder: &Path) -> Result<Value> {
    let ffmpeg = std::env::var("GENLOCK_FFMPEG").unwrap_or_else(|_| "ffmpeg".to_owned());
    let raw = folder.join("frames.nv12");
    let decoded = Command::new(&ffmpeg)
        .args(["-v", "error", "-y", "-ss", "5", "-i"])
        .arg(stream)
        .args(["-t", &PEER_SECONDS.to_string(), "-an", "-pix_fmt", "nv12", "-f", "rawvideo"])
        .arg(&raw)
        .status()?;
    ensure!(decoded.success(), "ffmpeg could not decode {}", stream.display());
    let output = Command::new(&ffmpeg)
        .args(["-hide_banner", "-benchmark", "-y", "-readrate", "1", "-f", "rawvideo", "-pix_fmt", "nv12"])
        .args(["-s", "1280x720", "-r", "30", "-i"])
        .arg(&raw)
        .args(["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-profile:v", "main"])
        .args(["-b:v", "4500k", "-maxrate", "4500k", "-bufsize", "4500k", "-g", "60"])
        .args(["-x264-params", "nal-hrd=cbr:scenecut=0", "-f", "flv", "/dev/null"])
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    std::fs::remove_file(&raw)?;
    ensure!(output.status.success(), "ffmpeg could not encode: {text}");
    let seconds_of = |name: &str| -> Option<f64> {
        let after = text.split(&format!("{name}=")).nth(1)?;
        after.split('s').next()?.trim().parse().ok()
    };
    let (Some(user), Some(system)) = (seconds_of("utime"), seconds_of("stime")) else {
        bail!("ffmpeg printed no benchmark: {text}");
    };
    Ok(json!({ "cpu_cores": (user + system) / f64::from(PEER_SECONDS), "seconds": PEER_SECONDS }))
}

/// The window open, nothing sent, nothing recorded.
fn idle(folder: &Path) -> Result<Value> {
    std::fs::create_dir_all(folder)?;
    let report_file = folder.join("report.json");
    let status = Command::new(genlock()?)
        .args(["--scenes", "demo", "--for", "20s", "--report"])
        .arg(&report_file)
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "genlock ended with {status}");
    let report: Value = serde_json::from_slice(&std::fs::read(&report_file)?)?;
    Ok(json!({
        "cpu_cores": report["process"]["cpu_cores"],
        "peak_memory_mb": report["process"]["peak_memory_mb"],
    }))
}

fn newest(folder: &Path, extension: &str) -> Result<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    files.sort();
    files.pop().with_context(|| format!("no .{extension} in {}", folder.display()))
}
