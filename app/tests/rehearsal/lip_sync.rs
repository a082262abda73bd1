//! Measures lip-sync in a received stream: the test pattern's square turns white in the frames whose beep begins at
//! the same instant. Both are found in what ffmpeg decodes.

use std::path::Path;
use std::process::Command;

use crate::show::packet_seconds;

/// For each flash, how much later (positive) its beep begins, in milliseconds.
pub(crate) fn offsets_ms(stream: &Path, width: u32, height: u32) -> Vec<f64> {
    let flashes = flash_starts(stream, width, height);
    let beeps = beep_starts(stream);
    flashes
        .iter()
        .filter_map(|flash| {
            let nearest = beeps.iter().min_by(|a, b| (*a - flash).abs().total_cmp(&(*b - flash).abs()))?;
            let offset = (nearest - flash) * 1000.0;
            // A flash at the very edge of the stream may have lost its beep.
            (offset.abs() < 400.0).then_some(offset)
        })
        .collect()
}

fn ffmpeg(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("ffmpeg").args(["-v", "error"]).args(arguments).output().expect("ffmpeg runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Seconds at which the square turns white.
fn flash_starts(stream: &Path, width: u32, height: u32) -> Vec<f64> {
    let square = capture::flash_square(units::Size::new(width, height).unwrap());
    let inset = 4;
    let filter = format!(
        "crop={}:{}:{}:{},scale=1:1:flags=area,format=gray",
        square.side_px - 2 * inset,
        square.side_px - 2 * inset,
        square.left_px + inset,
        square.top_px + inset
    );
    let path = stream.to_str().unwrap();
    let luma = ffmpeg(&["-i", path, "-vf", &filter, "-fps_mode", "passthrough", "-f", "rawvideo", "-"]);
    // A frame is shown when its packet says, in whatever order they were coded.
    let mut times = packet_seconds(stream, "v");
    times.sort_by(f64::total_cmp);
    assert_eq!(times.len(), luma.len(), "every frame has a time");
    let white = |n: usize| luma[n] > 160;
    (1..luma.len()).filter(|n| white(*n) && !white(n - 1)).map(|n| times[n]).collect()
}

/// Seconds at which the beep begins.
fn beep_starts(stream: &Path) -> Vec<f64> {
    let path = stream.to_str().unwrap();
    let bytes = ffmpeg(&["-i", path, "-vn", "-ac", "1", "-ar", "48000", "-f", "f32le", "-"]);
    let samples: Vec<f32> =
        bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let start = packet_seconds(stream, "a")[0];
    let mut beeps = Vec::new();
    let mut quiet_since = 0;
    for (n, sample) in samples.iter().enumerate() {
        if sample.abs() > 0.05 {
            if n - quiet_since > 24_000 {
                beeps.push(start + n as f64 / 48_000.0);
            }
            quiet_since = n;
        }
    }
    beeps
}
