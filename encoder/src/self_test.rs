//! The self-test: encode a few pictures at the rendition's settings, decode them with any decoder here, compare.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use units::{
    AccessUnit, Clock, ColorSpace, EncoderPicture, MediaTime, PixelFormat, Plane, Size, VideoCodec,
    VideoConfig, VideoFrame,
};

use crate::alignment::AlignmentWatch;
use crate::output::EncoderOutput;
use crate::pipeline::{Collector, Pipeline};
use crate::worker::{Tick, Worker, WorkerSetup, media_type};
use crate::{BackendKind, RenditionConfig};

/// Pictures that are encoded: an IDR and two that refer to it.
const PICTURES: u64 = 3;
/// No working encoder or decoder takes longer.
const LIMIT: Duration = Duration::from_secs(10);
/// Luma of the four quarters of the test picture.
const QUARTERS: [u8; 4] = [40, 90, 150, 210];
/// How far the mean of a quarter may be off, in luma codes.
const TOLERANCE: u64 = 8;

/// The self-test needs no time.
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> MediaTime {
        MediaTime::ZERO
    }
}

/// Tests `kind`. Says in words how it went, in either case.
pub(crate) fn run(kind: BackendKind, config: &RenditionConfig) -> Result<String, String> {
    if decoders(config.codec).is_empty() {
        return Err(format!("there is no {} decoder to check it with", config.codec));
    }
    let picture = test_picture(config.size).ok_or("the test picture could not be made")?;
    let pictures: Vec<_> = (0..PICTURES).map(|_| picture.clone().into()).collect();
    let (decoder_config, units) = encode(kind, config, &pictures)?;
    let (decoder, pictures) = decode_with_any(config.size, &decoder_config, &units)?;
    compare(&pictures, config.size)?;
    Ok(format!("passed its self-test, checked with {decoder}"))
}

/// Encodes `pictures` with `kind` at the settings of `config`, as many as they are and in their order, and decodes what
/// comes out. Gives the decoded pictures, I420, for the caller to compare.
///
/// # Errors
/// In words: what the encoder or the decoders did not do.
pub fn round_trip(
    kind: BackendKind,
    config: &RenditionConfig,
    pictures: &[EncoderPicture],
) -> Result<Vec<VideoFrame>, String> {
    crate::pipeline::init().map_err(|error| error.to_string())?;
    let (decoder_config, units) = encode(kind, config, pictures)?;
    let (_, decoded) = decode_with_any(config.size, &decoder_config, &units)?;
    if decoded.len() != pictures.len() {
        return Err(format!("{} of {} pictures were decoded", decoded.len(), pictures.len()));
    }
    let whole = |bytes| planar(config.size, bytes).ok_or_else(|| "a decoded picture is too short".to_owned());
    decoded.into_iter().map(whole).collect()
}

/// A decoded picture, in GStreamer's layout of I420 (design document “Raw Video Media Types”).
fn planar(size: Size, bytes: Vec<u8>) -> Option<VideoFrame> {
    let (width, height) = (usize::try_from(size.width_px()).ok()?, usize::try_from(size.height_px()).ok()?);
    let (stride, chroma_stride) = (width.next_multiple_of(4), width.div_ceil(2).next_multiple_of(4));
    let (rows, chroma_rows) = (height.next_multiple_of(2), height.div_ceil(2));
    let cb = stride * rows;
    let planes = vec![
        Plane { offset: 0, stride },
        Plane { offset: cb, stride: chroma_stride },
        Plane { offset: cb + chroma_stride * chroma_rows, stride: chroma_stride },
    ];
    let color = ColorSpace::default();
    VideoFrame::new(PixelFormat::I420, size, color, MediaTime::ZERO, planes, Arc::new(bytes)).ok()
}

/// Decodes with the first decoder that can, and says which.
fn decode_with_any(
    size: Size,
    config: &VideoConfig,
    units: &[Arc<AccessUnit>],
) -> Result<(String, Vec<Vec<u8>>), String> {
    let mut failures = Vec::new();
    for decoder in decoders(config.codec) {
        match decode(&decoder, size, config, units) {
            Ok(pictures) => return Ok((decoder, pictures)),
            Err(reason) => failures.push(format!("{decoder}: {reason}")),
        }
    }
    if failures.is_empty() {
        return Err(format!("there is no {} decoder to check it with", config.codec));
    }
    Err(format!("its pictures were not decoded ({})", failures.join("; ")))
}

/// Decoders of `codec` that take pictures to system memory, software we know first.
fn decoders(codec: VideoCodec) -> Vec<String> {
    let preferred: &[&str] = match codec {
        VideoCodec::Avc => &["avdec_h264", "openh264dec"],
        VideoCodec::Hevc => &["avdec_h265", "libde265dec"],
    };
    let mut found: Vec<String> = preferred
        .iter()
        .filter(|name| gst::ElementFactory::find(name).is_some())
        .map(|name| (*name).to_owned())
        .collect();
    let kinds = gst::ElementFactoryType::DECODER | gst::ElementFactoryType::MEDIA_VIDEO;
    let caps = gst::Caps::builder(media_type(codec)).build();
    for factory in gst::ElementFactory::factories_with_type(kinds, gst::Rank::NONE) {
        let name = factory.name().to_string();
        if factory.can_sink_any_caps(&caps) && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

fn encode(
    kind: BackendKind,
    config: &RenditionConfig,
    pictures: &[EncoderPicture],
) -> Result<(Arc<VideoConfig>, Vec<Arc<AccessUnit>>), String> {
    let (events, receiver) = crossbeam_channel::bounded(64 + pictures.len());
    let setup = WorkerSetup {
        config: config.clone(),
        kind,
        divisor: 1,
        canvas: config.rate,
        clock: Arc::new(Stopped),
        events,
        heal: Arc::new(AtomicBool::new(false)),
        watch: Arc::new(AlignmentWatch::new(std::iter::once(config.track))),
        fail_after: VecDeque::new(),
    };
    let (worker, _) = Worker::start(setup).map_err(|error| error.to_string())?;
    let deadline = Instant::now() + LIMIT;
    for (index, picture) in (0..).zip(pictures) {
        while !worker.has_room() && Instant::now() < deadline {
            worker.wait_for_change(Duration::from_millis(5));
        }
        worker
            .push(Tick { index, idr: index == 0, ..Tick::default() }, Some(picture.clone()))
            .map_err(|error| error.to_string())?;
    }
    worker.end();
    let drained = worker.drain(deadline);
    let (mut decoder_config, mut units) = (None, Vec::new());
    for event in receiver.try_iter() {
        match event {
            EncoderOutput::Config(config) => decoder_config = Some(config),
            EncoderOutput::Unit(unit) => units.push(unit),
            EncoderOutput::Died { reason, .. } => return Err(reason),
            EncoderOutput::Slip { kind, .. } => return Err(format!("it {kind}")),
            EncoderOutput::AudioConfig(_) => {}
        }
    }
    if !drained {
        return Err(format!("it gave nothing back within {} seconds", LIMIT.as_secs()));
    }
    if units.len() != pictures.len() {
        return Err(format!("it made {} pictures of {}", units.len(), pictures.len()));
    }
    if units.iter().any(|unit| unit.dts.as_nanos() > unit.pts.as_nanos()) {
        return Err("it reorders pictures further than it should".to_owned());
    }
    let decoder_config = decoder_config.ok_or("it gave no parameter sets")?;
    Ok((decoder_config, units))
}

/// Four quarters of grey.
pub(crate) fn test_picture(size: Size) -> Option<Arc<VideoFrame>> {
    let (width, height) = (usize::try_from(size.width_px()).ok()?, usize::try_from(size.height_px()).ok()?);
    let mut bytes = Vec::with_capacity(width * height * 3 / 2);
    for row in 0..height {
        for side in 0..2 {
            let luma = QUARTERS.get(row * 2 / height * 2 + side).copied()?;
            bytes.resize(row * width + (side + 1) * width / 2, luma);
        }
    }
    bytes.resize(width * height * 3 / 2, 128);
    VideoFrame::packed(PixelFormat::Nv12, size, ColorSpace::default(), MediaTime::ZERO, Arc::new(bytes))
        .ok()
        .map(Arc::new)
}

fn decode(
    decoder: &str,
    size: Size,
    config: &VideoConfig,
    units: &[Arc<AccessUnit>],
) -> Result<Vec<Vec<u8>>, String> {
    let number = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let (form, parser) = match config.codec {
        VideoCodec::Avc => ("avc", "h264parse"),
        VideoCodec::Hevc => ("hvc1", "h265parse"),
    };
    let input = gst::Caps::builder(media_type(config.codec))
        .field("stream-format", form)
        .field("alignment", "au")
        .field("codec_data", gst::Buffer::from_slice(config.decoder_config.to_vec()))
        .field("width", number(size.width_px()))
        .field("height", number(size.height_px()))
        .build();
    let output = gst::Caps::builder("video/x-raw").field("format", "I420").build();
    let chain = [parser, decoder, "videoconvert"];
    let decoded = Arc::new(Collector::default());
    let pipeline =
        Pipeline::open_chain(&chain, &input, &output, decoded.clone()).map_err(|error| error.to_string())?;
    for unit in units {
        let mut buffer = gst::Buffer::from_slice(unit.data.to_vec());
        if let Some(writable) = buffer.get_mut() {
            let pts = u64::try_from(unit.pts.as_nanos()).unwrap_or(0);
            writable.set_pts(gst::ClockTime::from_nseconds(pts));
        }
        pipeline.push(buffer);
    }
    pipeline.end();
    let collected = decoded.wait(LIMIT)?;
    let side = |name| collected.caps.as_ref()?.structure(0)?.get::<i32>(name).ok()?.try_into().ok();
    let found = side("width").zip(side("height")).and_then(|(w, h)| Size::new(w, h).ok());
    let found = found.ok_or("it gave no pictures")?;
    if found != size {
        return Err(format!("the pictures are {found} and not {size}"));
    }
    Ok(collected.buffers)
}

fn compare(pictures: &[Vec<u8>], size: Size) -> Result<(), String> {
    if pictures.len() as u64 != PICTURES {
        return Err(format!("{} of {PICTURES} pictures were decoded", pictures.len()));
    }
    for bytes in pictures {
        for (quarter, expected) in QUARTERS.into_iter().enumerate() {
            let mean = quarter_mean(bytes, size, quarter).ok_or("a decoded picture is too short")?;
            if mean.abs_diff(u64::from(expected)) > TOLERANCE {
                return Err(format!("a quarter with luma {expected} came back with {mean}"));
            }
        }
    }
    Ok(())
}

/// Mean luma of quarter 0 to 3 of an I420 picture.
fn quarter_mean(bytes: &[u8], size: Size, quarter: usize) -> Option<u64> {
    let (width, height) = (usize::try_from(size.width_px()).ok()?, usize::try_from(size.height_px()).ok()?);
    // GStreamer pads rows of I420 to multiples of 4 bytes (design document “Raw Video Media Types”).
    let stride = width.next_multiple_of(4);
    let (left, top) = (quarter % 2 * width / 2, quarter / 2 * height / 2);
    let mut sum = 0u64;
    for row in top..top + height / 2 {
        let start = row * stride + left;
        sum += bytes.get(start..start + width / 2)?.iter().copied().map(u64::from).sum::<u64>();
    }
    Some(sum / (width / 2 * (height / 2)) as u64)
}
