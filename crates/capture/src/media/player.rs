//! One pipeline that plays one file.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks};
use scene::SourceId;
use units::{AudioBlock, Clock, MediaTime, Span};

use super::seam::Seam;
use super::{Shared, Show};
use crate::frames::{self, Alpha};
use crate::live::{Waker, ended_by};
use crate::source::SoundOutput;
use crate::{Error, elements};

/// How long before it is due a picture or a piece of sound is handed on.
pub(super) const LEAD: Span = Span::from_millis(50);
/// A file that gives nothing in this time is given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a file finished playing.
pub(super) enum Finish {
    /// It shall start anew, but its format cannot be rewound.
    Again,
    /// It is over.
    End,
}

/// The media clock less GStreamer's system clock. Both count the same monotonic nanoseconds, so this is measured once.
#[derive(Clone, Copy)]
struct ClockOffset(Span);

impl ClockOffset {
    fn measure(clock: &dyn Clock, system: &gst::Clock) -> Self {
        let reading = || {
            let before = nanos(system.time());
            let ours = clock.now();
            let after = nanos(system.time());
            // Between the two readings of theirs lies ours; the closer they are, the better.
            (after - before, ours - MediaTime::from_nanos(before + (after - before) / 2))
        };
        let best = (0..5).map(|_| reading()).min_by_key(|(width, _)| *width);
        Self(best.map_or(Span::ZERO, |(_, offset)| offset))
    }

    /// When what `sample` holds is due, on the media clock.
    fn due(self, sink: &AppSink, sample: &gst::Sample) -> Option<MediaTime> {
        let stamp = sample.buffer()?.pts()?;
        let running = sample.segment()?.downcast_ref::<gst::ClockTime>()?.to_running_time(stamp)?;
        let at = sink.base_time()? + running;
        Some(MediaTime::from_nanos(nanos(at)) + self.0)
    }
}

fn nanos(time: gst::ClockTime) -> i64 {
    i64::try_from(time.nseconds()).unwrap_or(i64::MAX)
}

/// Which streams of the file are connected, and what could not be.
#[derive(Default)]
struct Streams {
    video: bool,
    audio: bool,
    missing: Vec<String>,
}

/// A pipeline that is taken down when dropped.
pub(super) struct Player {
    pipeline: gst::Pipeline,
    bus: gst::Bus,
    waker: Arc<Waker>,
    streams: Arc<Mutex<Streams>>,
    seam: Seam,
}

/// Everything a stream's sink needs.
#[derive(Clone)]
struct Outlet {
    id: SourceId,
    shared: Arc<Shared>,
    sound: SoundOutput,
    clock: Arc<dyn Clock>,
    offset: ClockOffset,
}

impl Player {
    pub(super) fn start(show: &Show) -> Result<Self, Error> {
        let uri = gst::glib::filename_to_uri(&show.file, None)
            .map_err(|_| Error::File(format!("{} cannot be written as an address", show.file.display())))?;
        let decoder = elements::make("uridecodebin", &[("uri", uri.as_str())])?;
        let pipeline = gst::Pipeline::new();
        let unfit = |_| Error::Pipeline("the decoder does not fit into a pipeline".into());
        pipeline.add(&decoder).map_err(unfit)?;
        let system = gst::SystemClock::obtain();
        pipeline.use_clock(Some(&system));
        let bus = pipeline
            .bus()
            .ok_or_else(|| Error::Pipeline("a pipeline has no bus to tell its errors".into()))?;

        let streams = Arc::new(Mutex::new(Streams::default()));
        let outlet = Outlet {
            id: show.id,
            shared: Arc::clone(&show.shared),
            sound: Arc::clone(&show.context.sound),
            clock: Arc::clone(&show.context.clock),
            offset: ClockOffset::measure(show.context.clock.as_ref(), &system),
        };
        let seam = Seam::default();
        let (weak, connected, joined) = (pipeline.downgrade(), Arc::clone(&streams), seam.clone());
        decoder.connect_pad_added(move |decoder, pad| {
            let Some(pipeline) = weak.upgrade() else { return };
            joined.watch(pad);
            if let Err(problem) = connect(&pipeline, pad, &connected, &outlet) {
                gst::element_error!(decoder, gst::StreamError::Failed, ("{problem}"));
            }
        });
        show.waker.set_bus(Some(bus.clone()));
        Ok(Self { pipeline, bus, waker: Arc::clone(&show.waker), streams, seam })
    }

    /// Plays to the end. Resets `failures` once the file plays.
    pub(super) fn play(&self, show: &Show, failures: &mut usize) -> Result<Finish, Error> {
        self.set_state(gst::State::Paused)?;
        if !self.wait_for_preroll(show)? {
            return Ok(Finish::End);
        }
        let (has_video, has_audio, missing) = {
            let streams = self.streams();
            (streams.video, streams.audio, streams.missing.clone())
        };
        if !has_video && !has_audio {
            return Err(self.explained("it has neither picture nor sound that can be played"));
        }
        let mut in_segments = show.looping && self.rewind(true);
        self.set_state(gst::State::Playing)?;
        *failures = 0;
        let mut via = format!(
            "uridecodebin: {}",
            match (has_video, has_audio) {
                (true, true) => "picture and sound",
                (true, false) => "picture only",
                _ => "sound only",
            }
        );
        if !missing.is_empty() {
            via.push_str(&format!("; not decoded, because plugins are missing: {}", missing.join(", ")));
        }
        tracing::info!(source = show.title, via, "plays");
        show.started(via);

        let mut rewound_at = Instant::now();
        loop {
            let Some(message) = self.next_message(Duration::from_secs(1)) else {
                if show.stop.is_asked() {
                    return Ok(Finish::End);
                }
                continue;
            };
            match message.view() {
                gst::MessageView::SegmentDone(_) if in_segments => {
                    // Too short a file must not spin.
                    if rewound_at.elapsed() < Duration::from_millis(20)
                        && show.stop.sleep(Duration::from_millis(20))
                    {
                        return Ok(Finish::End);
                    }
                    rewound_at = Instant::now();
                    if !self.rewind(false) {
                        return Ok(Finish::Again);
                    }
                }
                gst::MessageView::Eos(_) if show.looping => {
                    // Formats that know no segments come to an end instead.
                    in_segments = self.rewind(true);
                    if !in_segments {
                        return Ok(Finish::Again);
                    }
                }
                gst::MessageView::Eos(_) => return Ok(Finish::End),
                gst::MessageView::Error(_) => {
                    let why = ended_by(&message).unwrap_or_default();
                    return Err(self.explained(&why));
                }
                gst::MessageView::Element(_) => self.note_missing(&message),
                _ if show.stop.is_asked() => return Ok(Finish::End),
                _ => {}
            }
        }
    }

    fn streams(&self) -> std::sync::MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_state(&self, state: gst::State) -> Result<(), Error> {
        if self.pipeline.set_state(state).is_ok() {
            return Ok(());
        }
        let mut why = "it does not start".to_owned();
        while let Some(message) = self.bus.pop() {
            self.note_missing(&message);
            if matches!(message.view(), gst::MessageView::Error(_)) {
                why = ended_by(&message).unwrap_or(why);
                break;
            }
        }
        Err(self.explained(&why))
    }

    fn next_message(&self, time: Duration) -> Option<gst::Message> {
        let time = gst::ClockTime::from_nseconds(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        self.bus.timed_pop_filtered(
            time,
            &[
                gst::MessageType::Error,
                gst::MessageType::Eos,
                gst::MessageType::SegmentDone,
                gst::MessageType::AsyncDone,
                gst::MessageType::Element,
                gst::MessageType::Application,
            ],
        )
    }

    /// Waits until every stream has its first piece; `false` when the source is not wanted any more.
    fn wait_for_preroll(&self, show: &Show) -> Result<bool, Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if show.stop.is_asked() {
                return Ok(false);
            }
            if Instant::now() >= deadline {
                return Err(self.explained("it does not start to play"));
            }
            let Some(message) = self.next_message(Duration::from_millis(500)) else { continue };
            match message.view() {
                gst::MessageView::AsyncDone(_) => return Ok(true),
                // A file without anything to play has no sink, and so comes to its end at once.
                gst::MessageView::Eos(_) => return Ok(true),
                gst::MessageView::Error(_) => {
                    let why = ended_by(&message).unwrap_or_default();
                    return Err(self.explained(&why));
                }
                gst::MessageView::Element(_) => self.note_missing(&message),
                _ => {}
            }
        }
    }

    /// Begins the first round, dropping what is on its way, or the next one after it.
    fn rewind(&self, flush: bool) -> bool {
        let duration = self.pipeline.query_duration::<gst::ClockTime>();
        self.pipeline.send_event(self.seam.seek(flush, duration))
    }

    /// Remembers what a "missing-plugin" message (GStreamer's pbutils library, "missing plugin messages") names.
    fn note_missing(&self, message: &gst::MessageRef) {
        if let Some(structure) = message.structure().filter(|s| s.name() == "missing-plugin") {
            let what = structure.get::<String>("name").unwrap_or_else(|_| "an unnamed decoder".into());
            tracing::warn!(what, "a media file needs a GStreamer plugin that is not installed");
            self.streams().missing.push(what);
        }
    }

    fn explained(&self, why: &str) -> Error {
        let missing = self.streams().missing.join(", ");
        if missing.is_empty() {
            Error::File(why.to_owned())
        } else {
            Error::File(format!("the GStreamer plugin for it is not installed ({missing})"))
        }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.waker.set_bus(None);
        if self.pipeline.set_state(gst::State::Null).is_err() {
            tracing::warn!("a media file's pipeline did not stop cleanly");
        }
    }
}

/// Connects the first picture and the first sound of the file; everything else is thrown away.
fn connect(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    streams: &Mutex<Streams>,
    outlet: &Outlet,
) -> Result<(), Error> {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let kind = caps.structure(0).map(|s| s.name().to_string()).unwrap_or_default();
    let chain = {
        let mut streams = streams.lock().unwrap_or_else(PoisonError::into_inner);
        if kind.starts_with("video/") && !streams.video {
            streams.video = true;
            video_chain(outlet)?
        } else if kind.starts_with("audio/") && !streams.audio {
            streams.audio = true;
            audio_chain(outlet)?
        } else {
            vec![elements::make("fakesink", &[("async", "false"), ("sync", "false")])?]
        }
    };
    let unfit = || Error::Pipeline(format!("what the decoder gives cannot be taken: {kind}"));
    pipeline.add_many(&chain).map_err(|_| unfit())?;
    gst::Element::link_many(&chain).map_err(|_| unfit())?;
    for element in &chain {
        element.sync_state_with_parent().map_err(|_| unfit())?;
    }
    let entrance = chain.first().and_then(|first| first.static_pad("sink")).ok_or_else(unfit)?;
    pad.link(&entrance).map_err(|_| unfit())?;
    Ok(())
}

fn video_chain(outlet: &Outlet) -> Result<Vec<gst::Element>, Error> {
    // Few whole pictures: they are large, and the decoder runs as far ahead as the queue lets it.
    let mut chain = vec![elements::make("queue", &[("max-size-buffers", "3")])?];
    // Telephones record sideways and say so in a tag.
    if elements::is_installed("videoflip") {
        chain.push(elements::make("videoflip", &[("video-direction", "auto")])?);
    }
    // Does nothing when the decoder gives a format that we take.
    chain.push(elements::make("videoconvert", &[])?);
    let outlet = outlet.clone();
    let publish = move |sink: &AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let due = outlet.offset.due(sink, &sample).unwrap_or_else(|| outlet.clock.now());
        match frames::picture(&sample, Alpha::Kept, due) {
            Ok(frame) => {
                outlet.shared.with_timeline(|timeline| timeline.push(frame));
                Ok(gst::FlowSuccess::Ok)
            }
            Err(problem) => {
                gst::element_error!(sink, gst::StreamError::Format, ("{problem}"));
                Err(gst::FlowError::Error)
            }
        }
    };
    chain.push(sink(&frames::caps(), publish).upcast());
    Ok(chain)
}

fn audio_chain(outlet: &Outlet) -> Result<Vec<gst::Element>, Error> {
    let mut chain = vec![elements::make("queue", &[])?, elements::make("audioconvert", &[])?];
    let format = if cfg!(target_endian = "little") { "F32LE" } else { "F32BE" };
    let caps = gst::Caps::builder("audio/x-raw")
        .field("format", format)
        .field("layout", "interleaved")
        .field("channels", gst::IntRange::new(1, 2))
        .build();
    let outlet = outlet.clone();
    let publish = move |sink: &AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        if let Some(block) = sound(&sample, outlet.offset.due(sink, &sample)) {
            (outlet.sound)(outlet.id, block);
        }
        Ok(gst::FlowSuccess::Ok)
    };
    chain.push(sink(&caps, publish).upcast());
    Ok(chain)
}

fn sound(sample: &gst::Sample, due: Option<MediaTime>) -> Option<AudioBlock> {
    let format = sample.caps()?.structure(0)?;
    let rate_hz = u32::try_from(format.get::<i32>("rate").ok()?).ok()?;
    let channels = u16::try_from(format.get::<i32>("channels").ok()?).ok()?;
    let bytes = sample.buffer()?.map_readable().ok()?;
    let samples = bytes.chunks_exact(4).filter_map(|b| b.try_into().ok()).map(f32::from_ne_bytes).collect();
    Some(AudioBlock { rate_hz, channels, samples, captured_at: due? })
}

/// A sink that hands on what arrives [`LEAD`] before it is due.
fn sink(
    caps: &gst::Caps,
    publish: impl FnMut(&AppSink) -> Result<gst::FlowSuccess, gst::FlowError> + Send + 'static,
) -> AppSink {
    let sink = AppSink::builder()
        .caps(caps)
        .sync(true)
        .max_buffers(1)
        .enable_last_sample(false)
        .callbacks(AppSinkCallbacks::builder().new_sample(publish).build())
        .build();
    sink.set_ts_offset(-LEAD.as_nanos());
    sink
}
