//! One attempt at capturing through one GStreamer element: source, what it needs, and a sink that publishes every
//! picture it is given.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks};
use units::{Clock, FrameRate};

use crate::frames::{self, Alpha};
use crate::painted::{self, Painter};
use crate::slot::{Slot, Stop};
use crate::{Error, elements};

/// One way of capturing a device.
pub(crate) struct Candidate {
    /// The source element, or what a person calls the way where we paint ourselves.
    pub(crate) element: &'static str,
    /// Fetches the pictures in place of an element.
    pub(crate) painter: Option<(Painter, FrameRate)>,
    /// Settings without which the element does not capture what it should.
    pub(crate) settings: Vec<(&'static str, String)>,
    /// Settings that are given where the element has them.
    pub(crate) wishes: Vec<(&'static str, String)>,
    /// What is asked of the source's pictures.
    pub(crate) filter: Option<gst::Caps>,
    /// Elements between the filter and us.
    pub(crate) then: &'static [&'static str],
    /// What the fourth byte of a pixel means.
    pub(crate) alpha: Alpha,
    /// What is captured and how, for people.
    pub(crate) note: String,
}

/// Makes sure that a thread waiting for a pipeline's messages can be woken to end.
#[derive(Default)]
pub(crate) struct Waker {
    bus: Mutex<Option<gst::Bus>>,
}

impl Waker {
    /// Names the bus that the thread waits for.
    pub(crate) fn set_bus(&self, bus: Option<gst::Bus>) {
        *self.bus.lock().unwrap_or_else(PoisonError::into_inner) = bus;
    }

    /// Wakes the thread, if it waits.
    pub(crate) fn wake(&self) {
        if let Some(bus) = self.bus.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            let message = gst::message::Application::new(gst::Structure::new_empty("wake"));
            // A bus that is being taken down refuses messages, and its reader is on the way out anyway.
            let _ = bus.post(message);
        }
    }
}

/// What ended a wait.
pub(crate) enum Event {
    /// The time is over, or somebody wants the thread's attention.
    Look,
    /// The pipeline broke or came to its end, for this reason.
    Ended(String),
}

/// A pipeline that plays until it is dropped.
pub(crate) struct Capture {
    pipeline: gst::Pipeline,
    bus: gst::Bus,
    waker: Arc<Waker>,
}

impl Capture {
    /// Builds and starts the pipeline; pictures go to `slot`.
    pub(crate) fn start(
        candidate: &Candidate,
        slot: &Arc<Slot>,
        clock: &Arc<dyn Clock>,
        waker: &Arc<Waker>,
    ) -> Result<Self, Error> {
        let settings: Vec<(&str, &str)> =
            candidate.settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let source = match &candidate.painter {
            Some((painter, rate)) => painted::source(painter, *rate)?,
            None => elements::make(candidate.element, &settings)?,
        };
        for (property, value) in candidate.wishes.iter().filter(|(name, _)| elements::has(&source, name)) {
            elements::set(&source, property, value)?;
        }
        let mut chain = vec![source];
        if let Some(filter) = &candidate.filter {
            let capsfilter = elements::make("capsfilter", &[])?;
            capsfilter.set_property("caps", filter);
            chain.push(capsfilter);
        }
        for name in candidate.then {
            chain.push(elements::make(name, &[])?);
        }
        chain.push(publisher(candidate.alpha, slot, clock).upcast());

        let pipeline = gst::Pipeline::new();
        let unfit = |_| Error::Pipeline(format!("{} does not fit to what follows it", candidate.element));
        pipeline.add_many(&chain).map_err(unfit)?;
        gst::Element::link_many(&chain).map_err(unfit)?;
        // A real-time clock of our own choice: sound devices elsewhere must not pace pictures.
        pipeline.use_clock(Some(&gst::SystemClock::obtain()));
        let bus = pipeline
            .bus()
            .ok_or_else(|| Error::Pipeline("a pipeline has no bus to tell its errors".into()))?;
        waker.set_bus(Some(bus.clone()));
        let capture = Self { pipeline, bus, waker: Arc::clone(waker) };
        if capture.pipeline.set_state(gst::State::Playing).is_err() {
            let why = capture.pending_error().unwrap_or_else(|| "it does not start".to_owned());
            return Err(Error::Device(why));
        }
        Ok(capture)
    }

    fn pending_error(&self) -> Option<String> {
        let message = self.bus.pop_filtered(&[gst::MessageType::Error])?;
        ended_by(&message)
    }

    /// Waits for the next thing that happens, at most `time`.
    pub(crate) fn wait(&self, time: Duration) -> Event {
        let time = gst::ClockTime::from_nseconds(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        let kinds = [gst::MessageType::Error, gst::MessageType::Eos, gst::MessageType::Application];
        match self.bus.timed_pop_filtered(time, &kinds) {
            Some(message) => ended_by(&message).map_or(Event::Look, Event::Ended),
            None => Event::Look,
        }
    }

    /// Waits until `slot` has a frame more than `before`.
    pub(crate) fn first_frame(
        &self,
        slot: &Slot,
        before: u64,
        patience: Duration,
        stop: &Stop,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + patience;
        while slot.frames() == before {
            if let Event::Ended(why) = self.wait(Duration::from_millis(20)) {
                return Err(Error::Device(why));
            }
            if stop.is_asked() {
                return Err(Error::Device("it was not wanted any more".into()));
            }
            if Instant::now() >= deadline {
                return Err(Error::Device(format!("it gave no picture within {} s", patience.as_secs())));
            }
        }
        Ok(())
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.waker.set_bus(None);
        if self.pipeline.set_state(gst::State::Null).is_err() {
            tracing::warn!("a capture pipeline did not stop cleanly");
        }
    }
}

/// Why a pipeline cannot go on, if `message` says that it cannot.
pub(crate) fn ended_by(message: &gst::MessageRef) -> Option<String> {
    match message.view() {
        gst::MessageView::Error(problem) => {
            if let Some(detail) = problem.debug() {
                tracing::debug!(source = ?message.src().map(GstObjectExt::name), %detail, "a pipeline failed");
            }
            Some(problem.error().to_string().trim_end_matches('.').to_owned())
        }
        gst::MessageView::Eos(_) => Some("its pictures came to an end".to_owned()),
        _ => None,
    }
}

/// A sink that puts every picture into `slot` at once.
fn publisher(alpha: Alpha, slot: &Arc<Slot>, clock: &Arc<dyn Clock>) -> AppSink {
    let (slot, clock) = (Arc::clone(slot), Arc::clone(clock));
    let publish = move |sink: &AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let captured_at = frames::captured_at(sink, &sample, clock.as_ref());
        match frames::picture(&sample, alpha, captured_at) {
            Ok(frame) => {
                slot.publish(frame);
                Ok(gst::FlowSuccess::Ok)
            }
            Err(problem) => {
                gst::element_error!(sink, gst::StreamError::Format, ("{problem}"));
                Err(gst::FlowError::Error)
            }
        }
    };
    AppSink::builder()
        .caps(&frames::caps())
        .sync(false)
        .max_buffers(1)
        .drop(true)
        .enable_last_sample(false)
        .callbacks(AppSinkCallbacks::builder().new_sample(publish).build())
        .build()
}
