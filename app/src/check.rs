//! `genlock check FILE|DIR`: read a capture or a recording back and judge it by the service's rules.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use ivs::client_configuration::ClientConfiguration;
use ivs::ladder::Promise;
use ivs::{FlvFileJudge, Judge, Rules, Severity, TrackFigures, Verdict};
use units::MediaTime;

use crate::channel;
use crate::cli::ChannelArgs;
use crate::outcome::{Exit, Failure};

/// Judges the files at `path`, by what the answer in the file `promise` promises where one is given.
///
/// # Errors
/// A path that can not be read, or an answer that promises nothing.
pub(crate) fn run(
    path: &Path,
    channel: &ChannelArgs,
    promise: Option<&Path>,
    as_json: bool,
) -> Result<Exit, Failure> {
    let rules = channel::rules(channel)?;
    let promise = promise.map(read_promise).transpose()?;
    let files = files(path)?;
    let mut accepted = true;
    for file in files {
        let judged = judge(&file, rules, promise.clone());
        accepted &= judged.as_ref().is_ok_and(|verdict| verdict.accepted);
        tell(&file, &judged, as_json);
    }
    Ok(if accepted { Exit::Done } else { Exit::Refused })
}

/// What a GetClientConfiguration answer in a file promises.
fn read_promise(path: &Path) -> Result<Promise, Failure> {
    let unusable = |why: String| {
        Failure::could_not_start(
            "check.promise",
            format!("{} promises nothing: {why}.", path.display()),
            "Give --promise a file with the answer of GetClientConfiguration, as the service or a rehearsal sent it.",
        )
    };
    let body = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let answer = ClientConfiguration::parse(&body).map_err(|error| unusable(error.to_string()))?;
    let promise = Promise::try_from(&answer).map_err(|error| unusable(error.to_string()))?;
    if promise.tracks.is_empty() { Err(unusable("it grants no video track".into())) } else { Ok(promise) }
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
fn judge(path: &Path, rules: Rules, promise: Option<Promise>) -> Result<Verdict, String> {
    match kind(path) {
        Some(Kind::Mp4) => judge_mp4(path, rules, promise),
        _ => judge_flv(path, rules, promise),
    }
}

fn judge_flv(path: &Path, rules: Rules, promise: Option<Promise>) -> Result<Verdict, String> {
    let mut judge = FlvFileJudge::new(rules);
    if let Some(promise) = promise {
        judge.promise(promise);
    }
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
fn judge_mp4(path: &Path, rules: Rules, promise: Option<Promise>) -> Result<Verdict, String> {
    let mut judge = Judge::new(rules);
    match promise {
        Some(promise) => judge.promise(promise),
        None => judge.key_unknown(),
    }
    judge.recorded();
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
    for track in &figures.tracks {
        text.push_str(&format!("  {}\n", track_sentence(track)));
    }
    if let Some(alignment) = figures.alignment {
        text.push_str(&format!(
            "  IDR pictures of all tracks agree at {} of {} instants.\n",
            alignment.idrs.saturating_sub(alignment.misaligned),
            alignment.idrs
        ));
    }
    if let Some(metrics) = figures.metrics {
        text.push_str(&format!(
            "  {} messages of performance metrics; {} IDR pictures lack some.\n",
            metrics.messages, metrics.missing
        ));
    }
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

/// One of several tracks as a person reads it.
fn track_sentence(track: &TrackFigures) -> String {
    let size = track.size_px.map_or_else(|| "no picture".into(), |[w, h]| format!("{w}x{h}"));
    let coded = [track.codec.as_deref(), track.profile.as_deref()];
    let coded: Vec<&str> = coded.into_iter().flatten().collect();
    format!(
        "track {}: {size} at {:.2} fps, {}{}{} kbps (peak {}), keyframes every {:.2} s",
        track.track,
        track.frame_rate,
        coded.join(" "),
        if coded.is_empty() { "" } else { ", " },
        track.kbps,
        track.peak_kbps,
        track.keyframes.mean_ms.unwrap_or(0) as f64 / 1000.0,
    )
}

#[cfg(test)]
mod tests {
    use ivs::{AlignmentFigures, Figures, MetricsFigures};

    use super::*;

    #[test]
    fn several_tracks_in_words() {
        let track = |id, width, height| TrackFigures {
            track: id,
            codec: Some("H.264".into()),
            size_px: Some([width, height]),
            profile: Some("Main 3.1".into()),
            frame_rate: 30.0,
            kbps: 2500,
            peak_kbps: 2900,
            ..TrackFigures::default()
        };
        let figures = Figures {
            video_size_px: Some([1280, 720]),
            tracks: vec![
                track(0, 1280, 720),
                track(1, 852, 480),
                TrackFigures { track: 2, ..Default::default() },
            ],
            alignment: Some(AlignmentFigures { idrs: 6, misaligned: 1 }),
            metrics: Some(MetricsFigures { messages: 54, missing: 2 }),
            ..Figures::default()
        };
        let said = sentences(&Verdict { accepted: true, findings: Vec::new(), figures });
        let lines: Vec<&str> = said.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "  track 0: 1280x720 at 30.00 fps, H.264 Main 3.1, 2500 kbps (peak 2900), keyframes every 0.00 s",
                "  track 1: 852x480 at 30.00 fps, H.264 Main 3.1, 2500 kbps (peak 2900), keyframes every 0.00 s",
                "  track 2: no picture at 0.00 fps, 0 kbps (peak 0), keyframes every 0.00 s",
                "  IDR pictures of all tracks agree at 5 of 6 instants.",
                "  54 messages of performance metrics; 2 IDR pictures lack some.",
            ]
        );
    }

    #[test]
    fn a_promise_is_read_from_an_answer() {
        let folder = tempfile::tempdir().unwrap();
        let answer = folder.path().join("answer.json");
        let read = |text: &str| {
            std::fs::write(&answer, text).unwrap();
            read_promise(&answer).map_err(|failure| failure.to_string())
        };
        let rendition = |width, height, kbps| {
            serde_json::json!({
                "type": "obs_x264", "width": width, "height": height,
                "framerate": { "numerator": 30, "denominator": 1 },
                "settings": { "bitrate": kbps },
            })
        };
        let good = serde_json::json!({
            "meta": { "service": "IVS", "schema_version": "2024-06-04", "config_id": "a" },
            "ingest_endpoints": [],
            "encoder_configurations": [rendition(1280, 720, 2500), rendition(640, 360, 600)],
            "audio_configurations": { "live": [], "vod": [] },
        });
        let promise = read(&good.to_string()).unwrap();
        let sizes: Vec<String> = promise.tracks.iter().map(|track| track.size.to_string()).collect();
        assert_eq!(sizes, ["1280x720", "640x360"]);
        let mut none = good.clone();
        none["encoder_configurations"] = serde_json::json!([]);
        for wrong in [none.to_string(), String::from("{"), String::from("[]")] {
            let said = read(&wrong).unwrap_err();
            assert!(said.contains("promises nothing"), "{said}");
        }
    }
}
