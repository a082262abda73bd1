//! MPEG-TS by GStreamer's multiplexer: access units in, packets out.

use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks, AppSrc};
use publish::{Cause, SrtUnit, TS_PACKETS};
use tokio::sync::mpsc;
use units::{AudioConfig, StreamConfig, Track, VideoConfig};

use super::elements::make;

/// Identifier of the first track's packets; those below are for tables (ISO/IEC 13818-1, table 2-3). A pad's name carries
/// it.
const FIRST_PID: u16 = 65;

/// The multiplexer waits for every track. One that has come to a standstill for this long is ended, so that the others
/// go on.
const PATIENCE: Duration = Duration::from_millis(600);

/// What comes out.
pub(super) enum Packed {
    /// Whole packets.
    Packets(gst::Buffer),
    /// Nothing will come any more.
    End,
}

struct Lane {
    track: Track,
    pid: u16,
    source: AppSrc,
    fed: u64,
    begun: u64,
    is_over: bool,
}

/// A multiplexer under way.
pub(super) struct Multiplexer {
    pipeline: gst::Pipeline,
    lanes: Vec<Lane>,
    /// When something last came out, or went in after everything had come out.
    moved_at: Instant,
}

impl Multiplexer {
    /// One for the tracks of `config`. What comes out goes into `packed`.
    ///
    /// # Errors
    /// [`Cause::PartMissing`] when an element is not there or does not start.
    pub(super) fn start(config: &StreamConfig, packed: mpsc::UnboundedSender<Packed>) -> Result<Self, Cause> {
        let failed = |what: &str| Cause::PartMissing(format!("the multiplexer {what}"));
        let multiplexer = make("mpegtsmux")?;
        let alignment = i32::try_from(TS_PACKETS).unwrap_or(7);
        multiplexer.set_property("alignment", alignment);
        let sink = make("appsink")?.downcast::<AppSink>().map_err(|_| failed("has another end"))?;
        sink.set_property("sync", false);
        sink.set_property("async", false);
        sink.set_callbacks(callbacks(packed));
        let pipeline = gst::Pipeline::new();
        let end: &gst::Element = sink.upcast_ref();
        pipeline.add_many([&multiplexer, end]).map_err(|_| failed("can not be built"))?;
        multiplexer.link(end).map_err(|_| failed("can not be linked"))?;

        let mut lanes = Vec::new();
        let video = config.video.iter().map(|video| (Track::Video(video.track), picture_caps(video)));
        let audio = config.audio.iter().map(|audio| (Track::Audio(audio.track), sound_caps(audio)));
        for ((track, caps), pid) in video.chain(audio).zip(FIRST_PID..) {
            let source = make("appsrc")?.downcast::<AppSrc>().map_err(|_| failed("has another beginning"))?;
            source.set_format(gst::Format::Time);
            source.set_caps(Some(&caps));
            source.set_property("max-bytes", 0_u64);
            source.set_property("block", false);
            let element: &gst::Element = source.upcast_ref();
            pipeline.add(element).map_err(|_| failed("can not be built"))?;
            element
                .link_pads(Some("src"), &multiplexer, Some(&format!("sink_{pid}")))
                .map_err(|_| failed("takes no such track"))?;
            lanes.push(Lane { track, pid, source, fed: 0, begun: 0, is_over: false });
        }
        pipeline.set_state(gst::State::Playing).map_err(|_| failed("does not start"))?;
        Ok(Self { pipeline, lanes, moved_at: Instant::now() })
    }

    /// Takes a unit; false when its track was ended.
    pub(super) fn feed(&mut self, unit: SrtUnit) -> bool {
        if self.lanes.iter().all(|lane| lane.fed == lane.begun) {
            self.moved_at = Instant::now();
        }
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.track == unit.track && !lane.is_over) else {
            return false;
        };
        let mut buffer = gst::Buffer::from_mut_slice(unit.data);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(clock_time(unit.pts));
            buffer.set_dts(clock_time(unit.dts));
            buffer.set_duration(clock_time(unit.span));
            if !unit.is_idr {
                buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
            }
        }
        lane.fed += 1;
        lane.source.push_buffer(buffer).is_ok()
    }

    /// The track whose unit begins with a packet of `pid`.
    pub(super) fn begun(&mut self, pid: u16) -> Option<Track> {
        self.moved_at = Instant::now();
        let lane = self.lanes.iter_mut().find(|lane| lane.pid == pid)?;
        lane.begun += 1;
        Some(lane.track)
    }

    /// Ends a track that keeps the others waiting.
    pub(super) fn check(&mut self) {
        let waits = |lane: &Lane| lane.fed > lane.begun;
        if self.moved_at.elapsed() < PATIENCE || !self.lanes.iter().any(waits) {
            return;
        }
        for lane in self.lanes.iter_mut().filter(|lane| !lane.is_over && lane.fed == lane.begun) {
            tracing::warn!(track = ?lane.track, "a track has come to a standstill and is ended");
            lane.is_over = true;
            let _ended = lane.source.end_of_stream();
        }
        self.moved_at = Instant::now();
    }

    /// No unit will come any more.
    pub(super) fn finish(&mut self) {
        for lane in self.lanes.iter_mut().filter(|lane| !lane.is_over) {
            lane.is_over = true;
            let _ended = lane.source.end_of_stream();
        }
    }
}

impl Drop for Multiplexer {
    fn drop(&mut self) {
        let _stopped = self.pipeline.set_state(gst::State::Null);
    }
}

fn callbacks(packed: mpsc::UnboundedSender<Packed>) -> AppSinkCallbacks {
    let end = packed.clone();
    AppSinkCallbacks::builder()
        .new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            if let Some(buffer) = sample.buffer_owned() {
                packed.send(Packed::Packets(buffer)).map_err(|_| gst::FlowError::Flushing)?;
            }
            Ok(gst::FlowSuccess::Ok)
        })
        .eos(move |_| {
            let _heard = end.send(Packed::End);
        })
        .build()
}

fn clock_time(span: units::Span) -> gst::ClockTime {
    gst::ClockTime::from_nseconds(u64::try_from(span.as_nanos()).unwrap_or(0))
}

fn picture_caps(video: &VideoConfig) -> gst::Caps {
    gst::Caps::builder("video/x-h264")
        .field("stream-format", "byte-stream")
        .field("alignment", "au")
        .field("width", i32::try_from(video.size.width_px()).unwrap_or(0))
        .field("height", i32::try_from(video.size.height_px()).unwrap_or(0))
        .build()
}

fn sound_caps(audio: &AudioConfig) -> gst::Caps {
    gst::Caps::builder("audio/mpeg")
        .field("mpegversion", 4_i32)
        .field("framed", true)
        .field("stream-format", "raw")
        .field("rate", i32::try_from(audio.sample_rate_hz).unwrap_or(0))
        .field("channels", i32::from(audio.channels))
        .field("codec_data", gst::Buffer::from_slice(glib::Bytes::from(&*audio.decoder_config)))
        .build()
}
