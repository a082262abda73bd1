//! What the tests of the encoder share: a clock turned by hand, pictures, a group driven to its end, and ffmpeg.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use encoder::{CanvasFrame, EncoderGroup, EncoderOutput, RenditionConfig};
use units::{
    AccessUnit, Clock, ColorSpace, FrameRate, MediaTime, PixelFormat, Plane, Size, Track, TrackId,
    VideoCodec, VideoConfig, VideoFrame,
};

/// A clock that stands still.
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> MediaTime {
        MediaTime::from_millis(12)
    }
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(Still)
}

pub(crate) fn size(width: u32, height: u32) -> Size {
    Size::new(width, height).unwrap()
}

/// A gradient that moves, with noise on it, in rows that are `padding` bytes longer than they need to be.
pub(crate) fn picture(size: Size, index: u64, padding: usize) -> Arc<VideoFrame> {
    let (width, height) = (size.width_px() as usize, size.height_px() as usize);
    let stride = width + padding;
    let mut noise = index as u32 ^ 0x9e37_79b9;
    let mut bytes = vec![0u8; stride * height * 3 / 2];
    for (row, line) in bytes.chunks_exact_mut(stride).take(height).enumerate() {
        for (column, luma) in line.iter_mut().take(width).enumerate() {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let gradient = 40 + (row + column + index as usize * 5) % 128;
            *luma = (gradient + (noise >> 28) as usize) as u8;
        }
    }
    for (place, chroma) in bytes[stride * height..].iter_mut().enumerate() {
        *chroma = 110 + ((place / 64 + index as usize) % 30) as u8;
    }
    let planes = vec![Plane { offset: 0, stride }, Plane { offset: stride * height, stride }];
    let bytes = Arc::new(bytes);
    Arc::new(
        VideoFrame::new(PixelFormat::Nv12, size, ColorSpace::default(), MediaTime::ZERO, planes, bytes)
            .unwrap(),
    )
}

pub(crate) fn frame(canvas: FrameRate, index: u64, pictures: Vec<(TrackId, Arc<VideoFrame>)>) -> CanvasFrame {
    CanvasFrame {
        index,
        pts: canvas.pts_of(index),
        composed_at: MediaTime::from_millis(10),
        rendered: index + 1,
        lagged: 3,
        pictures: pictures.into_iter().map(|(track, picture)| (track, picture.into())).collect(),
    }
}

/// Everything one rendition gave.
#[derive(Default)]
pub(crate) struct Stream {
    pub(crate) configs: Vec<Arc<VideoConfig>>,
    pub(crate) units: Vec<Arc<AccessUnit>>,
    pub(crate) slips: usize,
}

impl Stream {
    pub(crate) fn idrs(&self) -> Vec<u64> {
        self.units.iter().filter(|unit| unit.is_idr).map(|unit| unit.index).collect()
    }

    pub(crate) fn kbps(&self) -> f64 {
        let bytes: usize = self.units.iter().map(|unit| unit.data.len()).sum();
        let nanos: i64 = self.units.iter().map(|unit| unit.span.as_nanos()).sum();
        bytes as f64 * 8e6 / nanos as f64
    }

    /// The stream as annex B bytes, with the parameter sets of its decoder configuration in front.
    pub(crate) fn byte_stream(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let config = &self.configs[0];
        let sets = match config.codec {
            VideoCodec::Avc => parameter_sets(&config.decoder_config),
            VideoCodec::Hevc => hevc_parameter_sets(&config.decoder_config),
        };
        for set in sets {
            out.extend_from_slice(&[0, 0, 0, 1]);
            out.extend_from_slice(&set);
        }
        for unit in &self.units {
            for nal in nal_units(&unit.data) {
                out.extend_from_slice(&[0, 0, 0, 1]);
                out.extend_from_slice(nal);
            }
        }
        out
    }
}

/// Drives renditions over the canvas frames `frames` without skipping any; `at` is called before each is pushed.
pub(crate) fn encode(
    canvas: FrameRate,
    renditions: Vec<RenditionConfig>,
    frames: std::ops::Range<u64>,
    at: impl FnMut(&EncoderGroup, u64),
) -> Vec<Stream> {
    drive(canvas, renditions, frames, at, |size, index| picture(size, index, 0))
}

/// As [`encode`], of pictures of one's own.
pub(crate) fn encode_pictures(
    canvas: FrameRate,
    renditions: Vec<RenditionConfig>,
    frames: std::ops::Range<u64>,
    draw: impl Fn(Size, u64) -> Arc<VideoFrame>,
) -> Vec<Stream> {
    drive(canvas, renditions, frames, |_, _| {}, draw)
}

fn drive(
    canvas: FrameRate,
    renditions: Vec<RenditionConfig>,
    frames: std::ops::Range<u64>,
    mut at: impl FnMut(&EncoderGroup, u64),
    draw: impl Fn(Size, u64) -> Arc<VideoFrame>,
) -> Vec<Stream> {
    let sizes: Vec<_> = renditions.iter().map(|r| (r.track, r.size)).collect();
    let (group, receiver) = EncoderGroup::start(canvas, renditions, clock()).unwrap();
    let mut streams: Vec<Stream> = sizes.iter().map(|_| Stream::default()).collect();
    let mut take = |event| match event {
        EncoderOutput::Config(config) => streams[config.track.0 as usize].configs.push(config),
        EncoderOutput::Unit(unit) => {
            let Track::Video(track) = unit.track else { panic!("sound") };
            streams[track.0 as usize].units.push(unit);
        }
        EncoderOutput::Slip { track, .. } => streams[track.0 as usize].slips += 1,
        other => panic!("{other:?}"),
    };
    for index in frames {
        assert!(group.wait_for_room(Duration::from_secs(60)), "an encoder hangs");
        at(&group, index);
        let pictures = sizes.iter().map(|(track, size)| (*track, draw(*size, index))).collect();
        group.push(&frame(canvas, index, pictures)).unwrap();
        receiver.try_iter().for_each(&mut take);
    }
    assert!(group.finish(), "not everything came out");
    receiver.try_iter().for_each(&mut take);
    for stats in group.stats() {
        assert_eq!((stats.skipped, stats.unclaimed), (0, 0), "{stats:?}");
    }
    streams
}

pub(crate) fn nal_units(data: &[u8]) -> Vec<&[u8]> {
    let mut units = Vec::new();
    let mut rest = data;
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let (unit, next) = behind.split_at(u32::from_be_bytes(*length) as usize);
        units.push(unit);
        rest = next;
    }
    assert!(rest.is_empty());
    units
}

/// Parameter sets of an `AVCDecoderConfigurationRecord`, the sequence's first.
pub(crate) fn parameter_sets(record: &[u8]) -> Vec<Vec<u8>> {
    assert_eq!((record[0], record[4]), (1, 0xff));
    let mut sets = Vec::new();
    let mut at = 5;
    for mask in [0x1f, 0xff] {
        let count = record[at] & mask;
        at += 1;
        for _ in 0..count {
            let length = usize::from(u16::from_be_bytes([record[at], record[at + 1]]));
            sets.push(record[at + 2..at + 2 + length].to_vec());
            at += 2 + length;
        }
    }
    sets
}

/// Parameter sets of an `HEVCDecoderConfigurationRecord`, in its order.
fn hevc_parameter_sets(record: &[u8]) -> Vec<Vec<u8>> {
    assert_eq!(record[0], 1);
    let mut sets = Vec::new();
    let mut at = 23;
    for kind in 32..35u8 {
        assert_eq!(record[at], 0x80 | kind);
        let count = u16::from_be_bytes([record[at + 1], record[at + 2]]);
        at += 3;
        for _ in 0..count {
            let length = usize::from(u16::from_be_bytes([record[at], record[at + 1]]));
            sets.push(record[at + 2..at + 2 + length].to_vec());
            at += 2 + length;
        }
    }
    assert_eq!(at, record.len());
    sets
}

/// What ffprobe says of the first stream of `input`.
#[cfg(target_os = "linux")]
pub(crate) fn ffprobe(form: &str, input: Vec<u8>) -> std::collections::HashMap<String, String> {
    let arguments = ["-v", "error", "-f", form, "-show_streams", "pipe:0"];
    let (out, warnings) = pipe_through("ffprobe", &arguments, input);
    assert_eq!(warnings, "");
    let lines = String::from_utf8(out).unwrap();
    lines.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// Runs ffmpeg with `input` on its standard input; returns what it wrote to its standard output and its warnings.
pub(crate) fn ffmpeg(arguments: &[&str], input: Vec<u8>) -> (Vec<u8>, String) {
    let arguments = [&["-hide_banner", "-loglevel", "warning", "-nostdin"], arguments].concat();
    pipe_through("ffmpeg", &arguments, input)
}

fn pipe_through(program: &str, arguments: &[&str], input: Vec<u8>) -> (Vec<u8>, String) {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ffmpeg and ffprobe are on the path");
    let mut stdin = child.stdin.take().unwrap();
    let feeder = std::thread::Builder::new()
        .name("feed-ffmpeg".to_owned())
        .spawn(move || drop(std::io::Write::write_all(&mut stdin, &input)))
        .unwrap();
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
}
