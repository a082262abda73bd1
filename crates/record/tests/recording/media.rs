//! Media made by ffmpeg, and ffmpeg's judgement of what we wrote.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use record::Reader;
use units::{AccessUnit, Dts, Pts, Span, StreamConfig, Track, TrackId, VideoConfig};

pub(crate) fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output();
    output.unwrap_or_else(|error| panic!("{program} is needed by this test: {error}"))
}

/// A test picture and a tone, H.264 with `bframes` B-frames and an IDR every two seconds, AAC-LC 48 kHz.
pub(crate) struct Source<'a> {
    pub(crate) size: &'a str,
    pub(crate) rate: &'a str,
    pub(crate) gop: u32,
    pub(crate) bframes: u32,
    pub(crate) seconds: u32,
    /// H.265 instead of H.264.
    pub(crate) hevc: bool,
}

/// 320x180 at 30 frames per second for 6 s without B-frames: what most tests begin with.
pub(crate) const PLAIN: Source =
    Source { size: "320x180", rate: "30", gop: 60, bframes: 0, seconds: 6, hevc: false };

impl Source<'_> {
    pub(crate) fn make(&self, dir: &Path) -> PathBuf {
        let path = dir.join(format!("source {} {}.mp4", self.size, self.rate.replace('/', "-")));
        let Self { size, rate, gop, bframes, seconds, hevc } = self;
        let video = if *hevc {
            format!(
                "-c:v libx265 -tag:v hvc1 -preset ultrafast \
                 -x265-params log-level=none:keyint={gop}:min-keyint={gop}:scenecut=0:bframes={bframes}:open-gop=0"
            )
        } else {
            format!(
                "-c:v libx264 -preset ultrafast -bf {bframes} -b_strategy 0 -g {gop} -keyint_min {gop} \
                 -sc_threshold 0"
            )
        };
        let arguments = format!(
            "-v error -y -f lavfi -i testsrc2=size={size}:rate={rate}:duration={seconds} \
             -f lavfi -i sine=frequency=440:sample_rate=48000:duration={seconds} \
             {video} -pix_fmt yuv420p -b:v 400k -c:a aac -ac 2 -b:a 96k"
        );
        let mut arguments: Vec<&str> = arguments.split_whitespace().collect();
        let text = path.to_str().unwrap();
        arguments.push(text);
        let made = run("ffmpeg", &arguments);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        path
    }
}

/// Units and configuration of a file, on a media clock that is `at` when its first picture is shown.
pub(crate) fn units_of(path: &Path, at: Span) -> (StreamConfig, Vec<AccessUnit>) {
    let mut reader = Reader::open(path).unwrap();
    let config = reader.config();
    let units = reader.units().map(|unit| {
        let unit = unit.unwrap();
        AccessUnit { pts: unit.pts + at, dts: unit.dts + at, ..unit }
    });
    (config, units.collect())
}

/// The streams of several files as one: renditions 0, 1, ... and the sound of the first.
pub(crate) fn merged(files: &[PathBuf], at: Span) -> (StreamConfig, Vec<AccessUnit>) {
    let (mut config, mut units) = units_of(&files[0], at);
    for (id, file) in (1u8..).zip(&files[1..]) {
        let (other, more) = units_of(file, at);
        config.video.push(Arc::new(VideoConfig { track: TrackId(id), ..other.video[0].as_ref().clone() }));
        let more = more.into_iter().filter(AccessUnit::is_video);
        units.extend(more.map(|unit| AccessUnit { track: Track::Video(TrackId(id)), ..unit }));
    }
    units.sort_by_key(|unit| unit.dts);
    (config, units)
}

/// ffmpeg decodes all of a file and has nothing to say about it.
pub(crate) fn assert_plays(path: &Path) {
    let text = path.to_str().unwrap();
    let played = run("ffmpeg", &["-v", "warning", "-i", text, "-map", "0", "-f", "null", "-"]);
    assert_eq!(String::from_utf8_lossy(&played.stderr), "", "{text}");
    assert!(played.status.success());
}

/// The decoded frames of each stream of a file.
pub(crate) fn decoded_frames(path: &Path) -> Vec<u64> {
    let text = path.to_str().unwrap();
    // Each frame once, as it is: none is repeated or dropped to keep a rate.
    let arguments =
        ["-v", "error", "-i", text, "-map", "0", "-fps_mode", "passthrough", "-f", "framecrc", "-"];
    let decoded = run("ffmpeg", &arguments);
    assert!(decoded.status.success(), "{}", String::from_utf8_lossy(&decoded.stderr));
    let mut frames: Vec<u64> = Vec::new();
    for line in String::from_utf8(decoded.stdout).unwrap().lines().filter(|line| !line.starts_with('#')) {
        let stream: usize = line.split(',').next().unwrap().trim().parse().unwrap();
        frames.resize(frames.len().max(stream + 1), 0);
        frames[stream] += 1;
    }
    frames
}

/// What ffprobe tells of a file; `None` where `./x tools` does not install it: on Windows. The files are the same bytes.
pub(crate) fn probe(path: &Path, entries: &str, select: &str) -> Option<String> {
    if cfg!(windows) {
        return None;
    }
    let text = path.to_str().unwrap();
    let mut arguments = vec!["-v", "error", "-show_entries", entries, "-of", "csv=p=0"];
    if !select.is_empty() {
        arguments.extend(["-select_streams", select]);
    }
    arguments.push(text);
    Some(String::from_utf8(run("ffprobe", &arguments).stdout).unwrap().trim().to_owned())
}

/// ffprobe tells exactly this.
#[track_caller]
pub(crate) fn assert_told(path: &Path, entries: &str, select: &str, wanted: &str) {
    if let Some(told) = probe(path, entries, select) {
        assert_eq!(told, wanted, "{}", path.display());
    }
}

/// What ffmpeg finds in a file without decoding it: for each packet its stream, time and hash.
pub(crate) fn packets(path: &Path) -> Vec<String> {
    let text = path.to_str().unwrap();
    let arguments = ["-v", "warning", "-i", text, "-map", "0", "-c", "copy", "-f", "framemd5", "-"];
    let hashed = run("ffmpeg", &arguments);
    assert_eq!(String::from_utf8_lossy(&hashed.stderr), "", "{text}");
    let lines = String::from_utf8(hashed.stdout).unwrap();
    lines.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

/// When the first unit of each kind is decoded, and whether one is.
pub(crate) fn first_times(units: &[AccessUnit], track: Track) -> Option<(Pts, Dts)> {
    units.iter().find(|unit| unit.track == track).map(|unit| (unit.pts, unit.dts))
}
