//! How good the renditions look: VMAF by ffmpeg's libvmaf.
//!
//! The reference is the composed picture. It is had without a back door: the show carries one track more, of the
//! canvas's size and of a bitrate at which x264 loses next to nothing, and every rendition is compared with the same
//! frames of that one, scaled to its size by the scaler it was made with.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::peer::{self, ffmpeg};
use crate::show::Show;

/// Bitrate of the reference in kbps: with the rungs and the sound what a channel takes, 15 Mbps in all.
const REFERENCE_KBPS: u32 = 10_000;

/// What is judged: the ladder of the other benches.
const RUNGS: [(u32, u32, u32); 3] = [(1280, 720, 2_500), (852, 480, 1_000), (640, 360, 500)];

pub(crate) fn vmaf(folder: &Path) -> Result<Value> {
    let answer = folder.join("answer.json");
    std::fs::write(&answer, serde_json::to_vec_pretty(&configuration())?)?;
    let answer = answer.to_str().context("a path that is text")?;
    let show = Show::run(folder, &["--headless", "--no-record", "--ladder", answer])?;
    let stream = show.received()?;
    let mut renditions = Vec::new();
    for (track, (width, height, kbps)) in (1..).zip(RUNGS) {
        let mut figures = compare(&stream, track, width, height, &folder.join(format!("{track}.json")))?;
        figures["rendition"] = json!(format!("{width}x{height}"));
        figures["kbps"] = json!(kbps);
        figures["skipped_frames"] = show.each("skipped_frames").get(track).cloned().unwrap_or_default();
        renditions.push(figures);
    }
    // libvmaf gives no picture a full hundred, least of all one that stands still.
    let ceiling = compare(&stream, 0, 1280, 720, &folder.join("0.json"))?;
    Ok(json!({
        "reference_against_itself": ceiling["vmaf"],
        "reference": { "size": "1280x720", "kbps": REFERENCE_KBPS, "skipped_frames": show.each("skipped_frames").first() },
        "renditions": renditions,
    }))
}

/// A GetClientConfiguration answer with the reference ahead of the rungs.
fn configuration() -> Value {
    let reference = (1280, 720, REFERENCE_KBPS);
    let encoders: Vec<Value> = std::iter::once(reference)
        .chain(RUNGS)
        .map(|(width, height, kbps)| {
            json!({
                "type": "obs_x264",
                "width": width,
                "height": height,
                "framerate": { "numerator": 30, "denominator": 1 },
                "gpu_scale_type": "OBS_SCALE_BICUBIC",
                "canvas_index": 0,
                "bitrate_interpolation_points": [0, kbps],
                "settings": {
                    "rate_control": "CBR", "bitrate": kbps, "keyint_sec": 2, "bf": 0,
                    "preset": "veryfast", "tune": "zerolatency", "profile": "main",
                },
            })
        })
        .collect();
    json!({
        "meta": {
            "service": "IVS", "schema_version": "2025-01-25",
            "config_id": "7b0c2f5e-5a1d-4a39-8f4e-3c1d2e0f9a86",
        },
        "ingest_endpoints": [],
        "encoder_configurations": encoders,
        "audio_configurations": {
            "live": [{ "codec": "aac", "track_id": 0, "channels": 2, "settings": { "bitrate": 160 } }],
        },
    })
}

/// Mean, harmonic mean and worst frame of a track against track 0.
fn compare(stream: &Path, track: usize, width: u32, height: u32, log: &Path) -> Result<Value> {
    let graph = format!(
        "[0:v:0]scale={width}:{height}:flags=bicubic,setsar=1[reference];[0:v:{track}]setsar=1[distorted];\
         [distorted][reference]libvmaf=log_fmt=json:log_path={}:shortest=1",
        log.display()
    );
    let status = ffmpeg()
        .args(["-v", "error", "-ss", "5", "-t", &peer::SECONDS.to_string(), "-i"])
        .arg(stream)
        .args(["-filter_complex", &graph, "-an", "-f", "null", "-"])
        .status()?;
    ensure!(status.success(), "ffmpeg could not compare track {track} of {}", stream.display());
    let log: Value = serde_json::from_slice(&std::fs::read(log)?)?;
    let pooled = &log["pooled_metrics"]["vmaf"];
    Ok(json!({
        "vmaf": { "mean": pooled["mean"], "harmonic_mean": pooled["harmonic_mean"], "worst": pooled["min"] },
        "frames": log["frames"].as_array().map(Vec::len),
    }))
}
