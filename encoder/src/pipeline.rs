//! One GStreamer pipeline: `appsrc ! [converter !] encoder ! appsink`. Its streaming thread is the encoder's thread;
//! nothing else runs in it but taking the encoded picture out.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use crate::Error;
use crate::property::{self, Applied, Assignment, NotHonoured, element_name};

mod collector;

pub(crate) use collector::Collector;

/// Starts GStreamer once per process.
///
/// # Errors
/// [`Error::Framework`] when it does not start.
pub(crate) fn init() -> Result<(), Error> {
    gst::init().map_err(|error| Error::Framework(error.to_string()))
}

/// Makes an element of kind `name`.
///
/// # Errors
/// [`Error::ElementMissing`] when there is no such kind or it can not be made.
pub(crate) fn make(name: &str) -> Result<gst::Element, Error> {
    gst::ElementFactory::make(name).build().map_err(|_| Error::ElementMissing { element: name.to_owned() })
}

/// What becomes of a pipeline's output. Calls come from the pipeline's own threads.
pub(crate) trait Sink: Send + Sync {
    /// An encoded buffer, with its running time in nanoseconds where the encoder kept one.
    fn encoded(&self, running_time_ns: Option<i64>, bytes: &[u8], caps: Option<&gst::CapsRef>);
    /// The pipeline broke; nothing more will come. May be called several times.
    fn broken(&self, reason: String);
    /// Everything that was pushed before [`Pipeline::end`] has come out.
    fn ended(&self);
}

/// What to build.
pub(crate) struct Plan<'a> {
    /// Name of the encoder element.
    pub(crate) encoder: &'a str,
    /// Element that converts what the encoder does not take, put in only then.
    pub(crate) converter: &'a str,
    /// Caps of the input.
    pub(crate) input: gst::Caps,
    /// Caps wanted of the output.
    pub(crate) output: gst::Caps,
    /// Properties of the encoder.
    pub(crate) assignments: &'a [Assignment],
    /// What the table could not map, for the report.
    pub(crate) not_honoured: Vec<NotHonoured>,
    /// Breaks the pipeline after this many buffers: for tests of what happens then.
    pub(crate) fail_after: Option<i32>,
}

/// A running pipeline. Dropping it stops it.
pub(crate) struct Pipeline {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    encoder: gst::Element,
    #[cfg(test)]
    block: std::sync::Mutex<Option<gst::PadProbeId>>,
}

impl Pipeline {
    /// Builds and starts a pipeline.
    ///
    /// # Errors
    /// A missing element, a property that does not exist, or an encoder that does not start. Many encoders open only
    /// with the first picture; they fail through [`Sink::broken`].
    pub(crate) fn open(plan: Plan<'_>, sink: Arc<dyn Sink>) -> Result<(Self, Applied), Error> {
        init()?;
        let encoder = make(plan.encoder)?;
        let mut applied = Applied { element: plan.encoder.to_owned(), ..Applied::default() };
        applied.not_honoured = plan.not_honoured;
        property::set_all(&encoder, plan.assignments, &mut applied)?;

        let mut middle = Vec::new();
        if !takes(&encoder, &plan.input) {
            middle.push(make(plan.converter)?);
        }
        if let Some(count) = plan.fail_after {
            let identity = make("identity")?;
            identity.set_property("error-after", count);
            middle.push(identity);
        }
        middle.push(encoder.clone());
        let built = Self::assemble(encoder, &middle, &plan.input, &plan.output, sink)?;
        Ok((built, applied))
    }

    /// Builds and starts a pipeline of elements with their default properties: for decoding in self-tests.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn open_chain(
        names: &[&str],
        input: &gst::Caps,
        output: &gst::Caps,
        sink: Arc<dyn Sink>,
    ) -> Result<Self, Error> {
        init()?;
        let middle = names.iter().map(|name| make(name)).collect::<Result<Vec<_>, _>>()?;
        let Some(first) = middle.first().cloned() else {
            return Err(Error::ElementMissing { element: String::new() });
        };
        Self::assemble(first, &middle, input, output, sink)
    }

    fn assemble(
        encoder: gst::Element,
        middle: &[gst::Element],
        input: &gst::Caps,
        output: &gst::Caps,
        sink: Arc<dyn Sink>,
    ) -> Result<Self, Error> {
        let source = gst_app::AppSrc::builder()
            .caps(input)
            .format(gst::Format::Time)
            .is_live(true)
            .stream_type(gst_app::AppStreamType::Stream)
            .block(false)
            .max_bytes(0)
            .property("emit-signals", false)
            .build();
        let taker = gst_app::AppSink::builder()
            .caps(output)
            .sync(false)
            .async_(false)
            .property("emit-signals", false)
            .property("enable-last-sample", false)
            .callbacks(callbacks(&sink))
            .build();
        let mut chain = vec![source.clone().upcast::<gst::Element>()];
        chain.extend_from_slice(middle);
        chain.push(taker.upcast());

        let name = element_name(&encoder);
        let failed = |reason: String| Error::Open { element: name.clone(), reason };
        let pipeline = gst::Pipeline::new();
        pipeline.add_many(&chain).map_err(|error| failed(error.to_string()))?;
        gst::Element::link_many(&chain)
            .map_err(|_| failed("it does not take this input or make this output".to_owned()))?;
        let first_error = watch(&pipeline, sink);
        let built = Self {
            pipeline,
            source,
            encoder,
            #[cfg(test)]
            block: std::sync::Mutex::default(),
        };
        if built.pipeline.set_state(gst::State::Playing).is_err() {
            return Err(failed(first_error().unwrap_or_else(|| "it gives no reason".to_owned())));
        }
        Ok(built)
    }

    /// Buffers that wait to enter the encoder.
    pub(crate) fn waiting(&self) -> u64 {
        // Since GStreamer 1.20; we need 1.22.
        self.source.property::<u64>("current-level-buffers")
    }

    /// Bytes that wait to enter the encoder.
    pub(crate) fn waiting_bytes(&self) -> u64 {
        self.source.current_level_bytes()
    }

    /// Asks that the first picture at or after running time `at` is an IDR. To be called before that picture is
    /// pushed: encoders look requests up when a picture arrives, so the answer does not depend on timing.
    pub(crate) fn force_idr(&self, at: gst::ClockTime) {
        let event =
            gstreamer_video::UpstreamForceKeyUnitEvent::builder().running_time(at).all_headers(true).build();
        self.encoder.send_event(event);
    }

    /// Hands a buffer to the encoder's queue; never blocks. Returns whether the pipeline still takes any.
    pub(crate) fn push(&self, buffer: gst::Buffer) -> bool {
        self.source.push_buffer(buffer).is_ok()
    }

    /// Sets a property of the running encoder.
    ///
    /// # Errors
    /// [`Error::Property`] when it does not take it.
    pub(crate) fn set(&self, assignment: &Assignment) -> Result<(), Error> {
        property::set(&self.encoder, assignment).map(drop)
    }

    /// Sets a property of the running encoder between the pictures before running time `at` and those from it on, in
    /// the encoder's own thread. To be called before the first picture from `at` on is pushed.
    pub(crate) fn set_at(&self, assignment: Assignment, at: gst::ClockTime) {
        let Some(pad) = self.encoder.static_pad("sink") else { return };
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            if info.buffer().and_then(|buffer| buffer.pts()).is_some_and(|pts| pts < at) {
                return gst::PadProbeReturn::Ok;
            }
            if let Some(error) =
                pad.parent_element().and_then(|encoder| property::set(&encoder, &assignment).err())
            {
                tracing::warn!(%error, "a change came too late to be refused");
            }
            gst::PadProbeReturn::Remove
        });
    }

    /// Stops or resumes the flow into the encoder, as an encoder does that does not keep up.
    /// Not by pausing: a paused live source refuses buffers in some versions of GStreamer.
    #[cfg(test)]
    pub(crate) fn hold(&self, held: bool) {
        let pad = self.source.static_pad("src").unwrap();
        let mut block = self.block.lock().unwrap();
        if let Some(block) = block.take() {
            pad.remove_probe(block);
        }
        if held {
            let kind = gst::PadProbeType::BLOCK | gst::PadProbeType::BUFFER;
            *block = pad.add_probe(kind, |_, _| gst::PadProbeReturn::Ok);
        }
    }

    /// Says that nothing more will be pushed. [`Sink::ended`] tells when everything has come out. Returns whether
    /// the pipeline took it.
    pub(crate) fn end(&self) -> bool {
        self.source.end_of_stream().is_ok()
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        if let Some(bus) = self.pipeline.bus() {
            bus.unset_sync_handler();
        }
        if self.pipeline.set_state(gst::State::Null).is_err() {
            tracing::warn!(encoder = element_name(&self.encoder), "the encoder does not stop");
        }
    }
}

fn takes(encoder: &gst::Element, caps: &gst::Caps) -> bool {
    encoder.static_pad("sink").is_none_or(|pad| pad.pad_template_caps().can_intersect(caps))
}

fn callbacks(sink: &Arc<dyn Sink>) -> gst_app::AppSinkCallbacks {
    let (encoded, ended) = (sink.clone(), sink.clone());
    gst_app::AppSinkCallbacks::builder()
        .new_sample(move |output| {
            let sample = output.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            let Some(buffer) = sample.buffer() else { return Ok(gst::FlowSuccess::Ok) };
            let running_time = sample
                .segment()
                .and_then(|segment| segment.downcast_ref::<gst::ClockTime>())
                .and_then(|segment| segment.to_running_time_full(buffer.pts()?))
                .map(signed_nanos);
            let map = buffer.map_readable().map_err(|_| gst::FlowError::Error)?;
            encoded.encoded(running_time, &map, sample.caps());
            Ok(gst::FlowSuccess::Ok)
        })
        .eos(move |_| ended.ended())
        .build()
}

fn signed_nanos(time: gst::Signed<gst::ClockTime>) -> i64 {
    let nanos = |time: gst::ClockTime| i64::try_from(time.nseconds()).unwrap_or(i64::MAX);
    match time {
        gst::Signed::Positive(time) => nanos(time),
        gst::Signed::Negative(time) => -nanos(time),
    }
}

/// Passes errors on as they happen, from whichever thread they happen in. The returned function tells the first one.
fn watch(pipeline: &gst::Pipeline, sink: Arc<dyn Sink>) -> impl Fn() -> Option<String> + use<> {
    let first = Arc::new(std::sync::OnceLock::<String>::new());
    let known = first.clone();
    if let Some(bus) = pipeline.bus() {
        bus.set_sync_handler(move |_, message| {
            if let gst::MessageView::Error(error) = message.view() {
                let reason = match error.debug() {
                    Some(debug) => format!("{} ({debug})", error.error()),
                    None => error.error().to_string(),
                };
                tracing::warn!(%reason, "an encoder broke");
                known.get_or_init(|| reason.clone());
                sink.broken(reason);
            }
            gst::BusSyncReply::Drop
        });
    }
    move || first.get().cloned()
}
