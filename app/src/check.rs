//! `genlock check FILE|DIR`: read a capture or a recording back and judge it by the service's rules.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use ivs::{FlvFileJudge, Judge, Rules, Severity, Verdict};
use units::MediaTime;

use crate::channel;
use crate::cli::ChannelArgs;
use crate::outcome::{Exit, Failure};

/// # Errors
/// A path that can not be read.
pub(crate) fn run(path: &Path, channel: &ChannelArgs, as_json: bool) -> Result<Exit, Failure> {
    let rules = channel::rules(channel)?;
    let files = files(path)?;
    let mut accepted = true;
    for file in files {
        let judged = judge(&file, rules);
        accepted &= judged.as_ref().is_ok_and(|verdict| verdict.accepted);
        tell(&file, &judged, as_json);
    }
    Ok(if accepted { Exit::Done } else { Exit::Refused })
}

/// The file itself, or the captures and recordings in a folder.
fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |why: String| {
        Failure::could_not_start(
            "check.path",
            format!("{} can not be checked: {why}.", path.display()),
            "Name a .flv or .mp4 file, or a folder that holds some.",
        )
    };
    if !path.is_dir() {
        return File::open(path)
            .map(|_| vec![path.to_owned()])
            .map_err(|error| unreadable(error.to_string()));
    }
    let entries = std::fs::read_dir(path).map_err(|error| unreadable(error.to_string()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_file() && kind(path).is_some())
        .collect();
    files.sort();
    if files.is_empty() { Err(unreadable("there is no .flv or .mp4 file in it".into())) } else { Ok(files) }
}

#[derive(Clone, Copy)]
enum Kind {
    Flv,
    Mp4,
}

fn kind(path: &Path) -> Option<Kind> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    match extension.as_str() {
        "flv" => Some(Kind::Flv),
        "mp4" | "m4v" | "mov" => Some(Kind::Mp4),
        _ => None,
    }
}

/// The verdict on one file, or why it is none that can be judged.
fn judge(path: &Path, rules: Rules) -> Result<Verdict, String> {
    match kind(path) {
        Some(Kind::Mp4) => judge_mp4(path, Judge::new(rules)),
        _ => judge_flv(path, FlvFileJudge::new(rules)),
    }
}

fn judge_flv(path: &Path, mut judge: FlvFileJudge) -> Result<Verdict, String> {
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    let mut piece = vec![0; 256 * 1024];
    loop {
        let read = file.read(&mut piece).map_err(|error| error.to_string())?;
        if read == 0 {
            return Ok(judge.finish());
        }
        judge
            .push(piece.get(..read).unwrap_or_default())
            .map_err(|error| format!("it is not a sound FLV file: {error}"))?;
    }
}

/// A file has no protocol; whether the channel takes plain RTMP is not its business.
fn judge_mp4(path: &Path, mut judge: Judge) -> Result<Verdict, String> {
    judge.published(MediaTime::ZERO);
    let mut reader = record::Reader::open(path).map_err(|error| error.to_string())?;
    let config = reader.config();
    for video in &config.video {
        judge.track_config(&units::TrackConfig::Video(video.as_ref().clone()), MediaTime::ZERO);
    }
    for audio in &config.audio {
        judge.track_config(&units::TrackConfig::Audio(audio.as_ref().clone()), MediaTime::ZERO);
    }
    let mut now = MediaTime::ZERO;
    for unit in reader.units() {
        let unit = unit.map_err(|error| error.to_string())?;
        now = now.max(MediaTime::from_nanos(unit.dts.as_nanos()));
        judge.tick(now);
        judge.access_unit(&unit, now);
        while judge.poll().is_some() {}
    }
    Ok(judge.finish(now))
}

fn tell(path: &Path, judged: &Result<Verdict, String>, as_json: bool) {
    let mut out = std::io::stdout().lock();
    let path = path.display();
    let _ = match judged {
        _ if as_json => {
            let (verdict, error) = (judged.as_ref().ok(), judged.as_ref().err());
            writeln!(
                out,
                "{}",
                serde_json::json!({ "file": path.to_string(), "verdict": verdict, "error": error })
            )
        }
        Ok(verdict) => write!(out, "{path}: {}", sentences(verdict)),
        Err(why) => {
            let sentence = format!("{path} can not be judged: {why}.");
            writeln!(std::io::stderr().lock(), "{sentence}")
        }
    };
}

/// A verdict as a person reads it.
pub(crate) fn sentences(verdict: &Verdict) -> String {
    let figures = &verdict.figures;
    let size = figures.video_size_px.map_or_else(|| "no picture".into(), |[w, h]| format!("{w}x{h}"));
    let mut text = format!(
        "{}: {size} at {:.2} fps, {} kbps (peak {}), keyframes every {:.2} s, sound {} kbps, {:.1} s.\n",
        if verdict.accepted { "would be accepted" } else { "would be refused" },
        figures.frame_rate,
        figures.video_kbps,
        figures.video_peak_kbps,
        figures.keyframes.mean_ms.unwrap_or(0) as f64 / 1000.0,
        figures.audio_kbps,
        figures.duration_ms as f64 / 1000.0,
    );
    for counted in &verdict.findings {
        let finding = &counted.finding;
        let word = match finding.severity {
            Severity::Refused => "refused",
            Severity::Disconnected => "disconnected",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let times = if counted.count > 1 { format!(" ({} times)", counted.count) } else { String::new() };
        text.push_str(&format!("  {word}: {}{times} [{}]\n", finding.sentence, finding.code.name));
    }
    text
}
