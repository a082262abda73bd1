//! ffmpeg, doing only what encoders must do with the same frames.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::show::Rendition;

/// How much of the received picture the peer encodes again, in seconds: raw frames are large.
pub(crate) const SECONDS: u32 = 12;

/// Frames per second of every show.
const FPS: u32 = 30;

/// ffmpeg 9, or the one of the system.
pub(crate) fn ffmpeg() -> Command {
    Command::new(std::env::var("GENLOCK_FFMPEG").unwrap_or_else(|_| "ffmpeg".to_owned()))
}

/// Decodes [`SECONDS`] of a track of pictures to raw NV12 frames.
pub(crate) fn decode(stream: &Path, track: usize, folder: &Path) -> Result<PathBuf> {
    let raw = folder.join(format!("frames-{track}.nv12"));
    let decoded = ffmpeg()
        .args(["-v", "error", "-y", "-ss", "5", "-i"])
        .arg(stream)
        .args(["-map", &format!("0:v:{track}"), "-t", &SECONDS.to_string(), "-pix_fmt", "nv12"])
        .args(["-f", "rawvideo"])
        .arg(&raw)
        .status()?;
    ensure!(decoded.success(), "ffmpeg could not decode track {track} of {}", stream.display());
    Ok(raw)
}

/// What ffmpeg needed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Processor seconds per second of pictures.
    pub(crate) cpu_cores: f64,
    /// Seconds of pictures that were encoded: [`SECONDS`], or what there was.
    pub(crate) seconds: f64,
}

/// What one ffmpeg needs to encode `raw`, which has the size of the first of `renditions`, into all of them in
/// real time. What has another size is scaled from the first.
pub(crate) fn encode(raw: &Path, renditions: &[Rendition]) -> Result<Cost> {
    let canvas = renditions.first().context("a rendition")?;
    let frame_bytes = f64::from(canvas.width) * f64::from(canvas.height) * 1.5;
    let seconds = std::fs::metadata(raw)?.len() as f64 / frame_bytes / f64::from(FPS);
    ensure!(seconds >= 1.0, "{seconds:.1} s of pictures are too few to measure with");
    let mut command = ffmpeg();
    command
        .args(["-hide_banner", "-benchmark", "-y", "-readrate", "1", "-f", "rawvideo", "-pix_fmt", "nv12"])
        .args(["-s", &format!("{}x{}", canvas.width, canvas.height), "-r", &FPS.to_string(), "-i"])
        .arg(raw);
    for rendition in renditions {
        let rate = format!("{}k", rendition.kbps);
        if (rendition.width, rendition.height) != (canvas.width, canvas.height) {
            let scale = format!("scale={}:{}:flags=bicubic", rendition.width, rendition.height);
            command.args(["-vf", &scale]);
        }
        command
            .args(["-map", "0:v", "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency"])
            .args([
                "-profile:v",
                &rendition.profile,
                "-b:v",
                &rate,
                "-maxrate",
                &rate,
                "-bufsize",
                &rate,
                "-g",
                "60",
            ])
            .args(["-x264-params", "nal-hrd=cbr:scenecut=0", "-f", "flv", "/dev/null"]);
    }
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ffmpeg could not encode: {text}");
    let seconds_of = |name: &str| -> Option<f64> {
        let after = text.split(&format!("{name}=")).nth(1)?;
        after.split('s').next()?.trim().parse().ok()
    };
    let (Some(user), Some(system)) = (seconds_of("utime"), seconds_of("stime")) else {
        bail!("ffmpeg printed no benchmark: {text}");
    };
    Ok(Cost { cpu_cores: (user + system) / seconds, seconds })
}
