//! `./x bench`: figures as JSON on stdout, beside a peer measured in the same run. Nothing here passes or fails; the
//! tests do not depend on speed, because machines are shared and noisy.
//!
//!     ./x bench            everything
//!     ./x bench single     one rendition of 1280x720 at 30 fps, with the window open, beside ffmpeg
//!     ./x bench headless   the same without a window
//!     ./x bench ladder     1280x720, 852x480 and 640x360 at 30 fps, with the window open, beside ffmpeg
//!     ./x bench rendition  what a further rendition costs beyond its bare encoder
//!     ./x bench outputs    what a second output costs
//!     ./x bench vmaf       each received rendition of that ladder against the composed picture
//!     ./x bench idle       the window doing nothing
//!     ./x bench gpu        composing, scaling and reading back on this machine's adapter, at 1080p and 720p
//!     ./x bench hold       the next four, which run over an emulated link in a network namespace (Linux):
//!     ./x bench cable      the cable pulled for ten seconds, over RTMPS and SRT, beside ffmpeg
//!     ./x bench takeover   what is lost when a second sender takes the channel over, beside ffmpeg
//!     ./x bench loss       1, 3 and 5 % of all packets lost, beside ffmpeg
//!     ./x bench narrow     60 % of the needed rate, beside ffmpeg
//!     ./x bench windows    only when named: the Windows program under Wine, beside the one for Linux

#![allow(clippy::print_stdout, reason = "the figures are this program's result")]
#![allow(clippy::indexing_slicing, reason = "serde_json answers a missing member with null")]

mod gpu;
#[cfg(target_os = "linux")]
mod hold;
mod ladder;
mod peer;
mod received;
mod show;
mod vmaf;
#[cfg(target_os = "linux")]
mod windows;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::show::Show;

/// A name, and what takes its figures in a folder of its own.
type Bench = (&'static str, fn(&Path) -> Result<Value>);

const BENCHES: &[Bench] = &[
    ("single", |folder| single(folder, &[])),
    ("headless", |folder| single(folder, &["--headless"])),
    ("ladder", ladder::ladder),
    ("rendition", ladder::rendition),
    ("outputs", ladder::outputs),
    ("vmaf", vmaf::vmaf),
    ("idle", idle),
    ("gpu", gpu::gpu),
    #[cfg(target_os = "linux")]
    ("cable", hold::cable),
    #[cfg(target_os = "linux")]
    ("takeover", hold::takeover),
    #[cfg(target_os = "linux")]
    ("loss", hold::loss),
    #[cfg(target_os = "linux")]
    ("narrow", hold::narrow),
    #[cfg(target_os = "linux")]
    (WINDOWS, windows::windows),
];

/// Needs the tools of `./x windows` and a program that they built: taken only when it is asked for.
const WINDOWS: &str = "windows";

/// One name for those that show how a session holds.
const HOLD: (&str, [&str; 4]) = ("hold", ["cable", "takeover", "loss", "narrow"]);

fn main() -> Result<()> {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    if wanted.iter().any(|name| name == HOLD.0) {
        wanted.retain(|name| name != HOLD.0);
        wanted.extend(HOLD.1.map(String::from));
    }
    for name in &wanted {
        let names: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
        ensure!(names.contains(&name.as_str()), "no such bench: {name}; there are {}", names.join(", "));
    }
    let folder = tempfile::tempdir()?;
    let mut figures = serde_json::Map::new();
    figures.insert("machine".into(), machine());
    for (name, bench) in BENCHES {
        if (wanted.is_empty() && *name != WINDOWS) || wanted.iter().any(|wanted| wanted == name) {
            let folder = folder.path().join(name);
            std::fs::create_dir_all(&folder)?;
            figures.insert((*name).into(), bench(&folder).with_context(|| format!("bench {name}"))?);
            std::fs::remove_dir_all(&folder)?;
        }
    }
    println!("{}", serde_json::to_string_pretty(&Value::Object(figures))?);
    Ok(())
}

fn machine() -> Value {
    let model = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        text.lines().find_map(|l| l.strip_prefix("model name")?.split(": ").nth(1).map(str::to_owned))
    });
    json!({ "cpu": model, "cores": std::thread::available_parallelism().map_or(0, usize::from) })
}

/// One rendition of the demo scene, and ffmpeg encoding the same pictures with the same settings.
fn single(folder: &Path, options: &[&str]) -> Result<Value> {
    let record = folder.join("recording");
    let record = record.to_str().context("a path that is text")?;
    let show = Show::run(folder, &[&["--bitrate", "4500", "--record", record], options].concat())?;
    let stream = show.received()?;
    let raw = peer::decode(&stream, 0, folder)?;
    let peer = peer::encode(&raw, &show.renditions()?)?;
    let report = &show.report;
    let ours = show.cpu_cores()?;
    Ok(json!({
        "cpu_cores": ours,
        "ffmpeg_encoding_the_same_frames": { "cpu_cores": peer.cpu_cores, "seconds": peer.seconds },
        "cpu_ratio_to_ffmpeg": ours / peer.cpu_cores,
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

/// The window open, nothing sent, nothing recorded.
fn idle(folder: &Path) -> Result<Value> {
    let report = show::genlock(folder, &["--scenes", "demo", "--for", "20s"])?;
    Ok(json!({
        "cpu_cores": report["process"]["cpu_cores"],
        "peak_memory_mb": report["process"]["peak_memory_mb"],
    }))
}
