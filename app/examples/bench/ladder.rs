//! What several renditions cost, and what a second output does.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::peer;
use crate::received::alignment;
use crate::show::{Rendition, Show};

/// Three renditions with the window open, beside one ffmpeg that scales and encodes the same frames into the same
/// three, and beside OBS Studio as it was measured on this kind of machine.
pub(crate) fn ladder(folder: &Path) -> Result<Value> {
    let show = Show::run(folder, &["--tracks", "3", "--no-record"])?;
    let stream = show.received()?;
    let alignment = alignment(&stream)?;
    let raw = peer::decode(&stream, 0, folder)?;
    let peer = peer::encode(&raw, &show.renditions()?)?;
    let report = &show.report;
    let ours = show.cpu_cores()?;
    Ok(json!({
        "renditions": show.each("size"),
        "bitrates_kbps": show.each("target_kbps"),
        // More than one when the machine could not keep up, and went on with a smaller ladder.
        "connections": report["destination"]["connections"],
        "cpu_cores": ours,
        "ffmpeg_encoding_the_same_three": { "cpu_cores": peer.cpu_cores, "seconds": peer.seconds },
        "cpu_ratio_to_ffmpeg": ours / peer.cpu_cores,
        "rendered_frames": report["canvas"]["rendered_frames"],
        "lagged_frames": report["canvas"]["lagged_frames"],
        "skipped_frames": show.each("skipped_frames"),
        "dropped_frames": report["destination"]["dropped_frames"],
        "idrs": { "received": alignment.idrs, "aligned": alignment.aligned },
        "composition_to_wire_ms": report["destination"]["composition_to_wire_ms"],
        "compose_ms": report["canvas"]["compose_ms"],
        "first_idr_ms": report["destination"]["first_idr_ms"],
        "peak_memory_mb": report["process"]["peak_memory_mb"],
        "encoders": show.each("encoder"),
        "adapter": report["canvas"]["adapter"],
        "obs_32_2_2_sending_the_same_three_on_this_kind_of_machine": {
            "cpu_cores": [1.73, 1.75], "lagged_share": 0.33, "idrs": { "received": 23, "aligned": 20 },
            "composition_to_wire_ms": [166, 190],
        },
        "aim": {
            "cpu_cores": 0.86, "lagged_frames": 0, "misaligned_idrs": 0, "composition_to_wire_ms": 50,
        },
    }))
}

/// Shows with one, two and three renditions, without a window, each beside the bare encoders of its renditions: frames
/// of the right size in, nothing scaled, one ffmpeg per rendition.
pub(crate) fn rendition(folder: &Path) -> Result<Value> {
    let mut steps = Vec::new();
    let mut beyond = Vec::new();
    let mut bare: Vec<(Rendition, f64)> = Vec::new();
    for tracks in ["1", "2", "3"] {
        let folder = folder.join(tracks);
        let show = Show::run(&folder, &["--headless", "--tracks", tracks, "--no-record"])?;
        let stream = show.received()?;
        let renditions = show.renditions()?;
        for (track, rendition) in renditions.iter().enumerate() {
            if bare.iter().all(|(known, _)| known != rendition) {
                let raw = peer::decode(&stream, track, &folder)?;
                bare.push((
                    rendition.clone(),
                    peer::encode(&raw, std::slice::from_ref(rendition))?.cpu_cores,
                ));
                std::fs::remove_file(raw)?;
            }
        }
        let of_encoders: f64 =
            bare.iter().filter(|(known, _)| renditions.contains(known)).map(|(_, cores)| cores).sum();
        let ours = show.cpu_cores()?;
        beyond.push(ours - of_encoders);
        steps.push(json!({
            "renditions": show.each("size"),
            "bitrates_kbps": show.each("target_kbps"),
            "cpu_cores": ours,
            "bare_encoders_cpu_cores": of_encoders,
            "beyond_bare_encoders_cpu_cores": ours - of_encoders,
            "lagged_frames": show.report["canvas"]["lagged_frames"],
            "skipped_frames": show.each("skipped_frames"),
        }));
    }
    let further: Vec<f64> =
        beyond.iter().zip(beyond.iter().skip(1)).map(|(less, more)| more - less).collect();
    let mean = further.iter().sum::<f64>() / further.len().max(1) as f64;
    Ok(json!({
        "shows": steps,
        "a_further_rendition_beyond_its_bare_encoder_cpu_cores": { "each": further, "mean": mean },
    }))
}

/// The same stream without a window, alone and with a recording of it: both outputs share the access units.
pub(crate) fn outputs(folder: &Path) -> Result<Value> {
    let recording = folder.join("recording");
    let record = recording.to_str().context("a path that is text")?;
    let cases: [(&str, &[&str]); 2] = [("stream", &["--no-record"]), ("both", &["--record", record])];
    let mut cores = [0.0, 0.0];
    for ((name, options), cores) in cases.iter().zip(&mut cores) {
        let show = Show::run(&folder.join(name), &[&["--headless", "--tracks", "3"], *options].concat())?;
        *cores = show.cpu_cores()?;
    }
    let [stream, both] = cores;
    Ok(json!({
        "stream_cpu_cores": stream,
        "stream_and_recording_cpu_cores": both,
        "second_output_cpu_cores": both - stream,
        "aim_cpu_cores": 0.03,
    }))
}
