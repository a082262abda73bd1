//! What one program plays, or everything but that.
//!
//! Windows: `wasapi2src` in its process loopback. A program is looked for by its file name, and again when it was ended
//! and started once more; while it does not run there is silence. Elsewhere the source says that it is not available.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSinkCallbacks};
use scene::{ProgramSelector, SourceId};
use units::{AudioBlock, Span, VideoFrame};

use crate::live::{Event, Waker, ended_by};
use crate::slot::{Slot, Stop};
use crate::sound_device::Timeline;
use crate::{CaptureContext, Error, LiveSource, SourceState, elements};

/// How often the program is looked for, and whether it still runs. A program that starts is heard from then on.
const LOOK: Duration = Duration::from_secs(1);
const CHANNELS: u16 = 2;

/// Why one program cannot be heard by itself on this computer; `None` where it can.
pub(crate) fn unavailable() -> Option<String> {
    if !cfg!(windows) {
        return Some("The sound of a single program can be heard on Windows only.".into());
    }
    match elements::make("wasapi2src", &[]) {
        Ok(element) if elements::has(&element, "loopback-target-pid") => None,
        Ok(_) => Some(
            "This Windows cannot give the sound of a single program; it takes Windows 11, or Windows 10 with its \
             updates of 2021."
                .into(),
        ),
        Err(why) => Some(format!("The sound of a single program cannot be heard: {why}.")),
    }
}

/// A program whose sound is handed on while it runs.
pub(crate) struct ProgramSound {
    slot: Arc<Slot>,
    stop: Arc<Stop>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl ProgramSound {
    pub(crate) fn start(
        id: SourceId,
        wanted: &ProgramSelector,
        context: &CaptureContext,
    ) -> Result<Self, Error> {
        Self::start_with(id, wanted, context, Box::new(SystemPrograms))
    }

    fn start_with(
        id: SourceId,
        wanted: &ProgramSelector,
        context: &CaptureContext,
        programs: Box<dyn Programs>,
    ) -> Result<Self, Error> {
        elements::init()?;
        let slot = Arc::new(Slot::new("not heard yet"));
        let (stop, waker) = (Arc::new(Stop::default()), Arc::new(Waker::default()));
        let listener = Listener {
            id,
            wanted: wanted.clone(),
            programs,
            context: context.clone(),
            slot: Arc::clone(&slot),
            stop: Arc::clone(&stop),
            waker: Arc::clone(&waker),
        };
        let thread =
            std::thread::Builder::new().name("program sound".into()).spawn(move || listener.run())?;
        Ok(Self { slot, stop, waker, thread: Some(thread) })
    }
}

impl LiveSource for ProgramSound {
    fn newest_frame(&self) -> Option<Arc<VideoFrame>> {
        None
    }

    fn state(&self) -> SourceState {
        self.slot.state()
    }

    fn via(&self) -> String {
        self.slot.via()
    }
}

impl Drop for ProgramSound {
    fn drop(&mut self) {
        self.stop.ask();
        self.waker.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a program's sound ended in a panic");
        }
    }
}

/// What is known of programs, and how one is heard.
trait Programs: Send {
    /// The process that stands for a program now.
    fn find(&self, wanted: &ProgramSelector) -> Option<u32>;

    /// Whether that process still runs that program.
    fn is_running(&self, process: u32, wanted: &ProgramSelector) -> bool;

    /// The element that hears a process, and its settings.
    ///
    /// # Errors
    /// Why no process can be heard by itself here.
    fn element(&self, process: u32, all_but: bool) -> Result<gst::Element, Error>;
}

struct SystemPrograms;

impl Programs for SystemPrograms {
    #[cfg(windows)]
    fn find(&self, wanted: &ProgramSelector) -> Option<u32> {
        crate::win32::main_process(&wanted.program, wanted.title.as_deref().filter(|title| !title.is_empty()))
    }

    #[cfg(not(windows))]
    fn find(&self, _: &ProgramSelector) -> Option<u32> {
        None
    }

    #[cfg(windows)]
    fn is_running(&self, process: u32, wanted: &ProgramSelector) -> bool {
        crate::win32::is_running(process, &wanted.program)
    }

    #[cfg(not(windows))]
    fn is_running(&self, _: u32, _: &ProgramSelector) -> bool {
        false
    }

    fn element(&self, process: u32, all_but: bool) -> Result<gst::Element, Error> {
        if let Some(why) = unavailable() {
            return Err(Error::Device(why.trim_end_matches('.').to_owned()));
        }
        hearing(process, all_but)
    }
}

/// `wasapi2src` set to hear one process and those that it started, or everything but these.
pub(crate) fn hearing(process: u32, all_but: bool) -> Result<gst::Element, Error> {
    let mode = if all_but { "exclude-process-tree" } else { "include-process-tree" };
    elements::make(
        "wasapi2src",
        &[
            ("loopback", "true"),
            ("loopback-mode", mode),
            ("loopback-target-pid", &process.to_string()),
            // The source's own timeline follows the device's clock; what is dropped or repeated here would click.
            ("slave-method", "none"),
            ("provide-clock", "false"),
        ],
    )
}

struct Listener {
    id: SourceId,
    wanted: ProgramSelector,
    programs: Box<dyn Programs>,
    context: CaptureContext,
    slot: Arc<Slot>,
    stop: Arc<Stop>,
    waker: Arc<Waker>,
}

impl Listener {
    fn run(&self) {
        let mut told = String::new();
        while !self.stop.is_asked() {
            let why = match self.begin() {
                Ok((process, hearing)) => {
                    self.slot.set_state(SourceState::Running);
                    tracing::info!(program = self.wanted.program, process, via = self.slot.via(), "heard");
                    told.clear();
                    self.keep(process, &hearing)
                }
                Err(why) => why.to_string(),
            };
            if self.stop.is_asked() {
                return;
            }
            if told != why {
                tracing::warn!(program = self.wanted.program, why, "is not heard");
                told.clone_from(&why);
            }
            let but = if self.wanted.all_but { "Everything but " } else { "" };
            let reason = format!("{but}“{}” is not heard: {why}", self.wanted.program);
            self.slot.set_state(SourceState::Lost { reason });
            if self.stop.sleep(LOOK) {
                return;
            }
        }
    }

    fn begin(&self) -> Result<(u32, Hearing), Error> {
        if self.wanted.program.is_empty() {
            return Err(Error::Parameter("the scene does not say which program".into()));
        }
        if let (false, Some(why)) = (cfg!(any(windows, test)), unavailable()) {
            return Err(Error::Device(why.trim_end_matches('.').to_owned()));
        }
        let process = self
            .programs
            .find(&self.wanted)
            .ok_or_else(|| Error::Device("it is not running; it is looked for every second".into()))?;
        let source = self.programs.element(process, self.wanted.all_but)?;
        let element = source.factory().map_or_else(String::new, |factory| factory.name().to_string());
        let hearing = self.hear(source)?;
        let whose = if self.wanted.all_but { "everything but" } else { "only" };
        self.slot.set_via(format!("{element}: {whose} {}, process {process}", self.wanted.program));
        Ok((process, hearing))
    }

    fn hear(&self, source: gst::Element) -> Result<Hearing, Error> {
        let chain = [source, elements::make("audioconvert", &[])?, self.sink().upcast()];
        let pipeline = gst::Pipeline::new();
        let unfit = |_| Error::Pipeline("the elements of a program's sound do not fit".into());
        pipeline.add_many(&chain).map_err(unfit)?;
        gst::Element::link_many(&chain).map_err(unfit)?;
        pipeline.use_clock(Some(&gst::SystemClock::obtain()));
        let bus = pipeline
            .bus()
            .ok_or_else(|| Error::Pipeline("a pipeline has no bus to tell its errors".into()))?;
        self.waker.set_bus(Some(bus.clone()));
        let hearing = Hearing { pipeline, bus, waker: Arc::clone(&self.waker) };
        if hearing.pipeline.set_state(gst::State::Playing).is_err() {
            let told = hearing.bus.pop_filtered(&[gst::MessageType::Error]).and_then(|m| ended_by(&m));
            return Err(Error::Device(told.unwrap_or_else(|| "it does not start".into())));
        }
        Ok(hearing)
    }

    /// A sink that hands every piece of sound on, stamped by when it arrived: its last sample was heard just now.
    fn sink(&self) -> AppSink {
        let caps = gst::Caps::builder("audio/x-raw")
            .field("format", if cfg!(target_endian = "little") { "F32LE" } else { "F32BE" })
            .field("layout", "interleaved")
            .field("channels", i32::from(CHANNELS))
            .build();
        let (id, sound) = (self.id, Arc::clone(&self.context.sound));
        let clock = Arc::clone(&self.context.clock);
        let mut timeline: Option<(u32, Timeline)> = None;
        let hand_on = move |sink: &AppSink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            let rate = sample.caps().and_then(|caps| caps.structure(0)?.get::<i32>("rate").ok());
            let rate_hz = rate.and_then(|rate| u32::try_from(rate).ok()).filter(|rate| *rate > 0);
            let map = sample.buffer().and_then(|buffer| buffer.map_readable().ok());
            let (Some(rate_hz), Some(map)) = (rate_hz, map) else { return Ok(gst::FlowSuccess::Ok) };
            let samples: Vec<f32> =
                map.chunks_exact(4).filter_map(|b| b.try_into().ok()).map(f32::from_ne_bytes).collect();
            let frames = samples.len() / usize::from(CHANNELS);
            let (_, timeline) = match &mut timeline {
                Some(known) if known.0 == rate_hz => known,
                other => other.insert((rate_hz, Timeline::new(rate_hz))),
            };
            let nanos = i64::try_from(frames).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
            let length = Span::from_nanos(nanos / i64::from(rate_hz));
            let captured_at = timeline.place(clock.now() - length, frames);
            if frames > 0 {
                sound(id, AudioBlock { rate_hz, channels: CHANNELS, samples, captured_at });
            }
            Ok(gst::FlowSuccess::Ok)
        };
        AppSink::builder()
            .caps(&caps)
            .sync(false)
            .enable_last_sample(false)
            .callbacks(AppSinkCallbacks::builder().new_sample(hand_on).build())
            .build()
    }

    /// Stays with a program until it ends or is not wanted any more; returns why.
    fn keep(&self, process: u32, hearing: &Hearing) -> String {
        loop {
            match hearing.wait(LOOK) {
                Event::Ended(why) => return why,
                Event::Look if self.stop.is_asked() => return String::new(),
                Event::Look if !self.programs.is_running(process, &self.wanted) => {
                    return "it was ended; it is looked for every second".into();
                }
                Event::Look => {}
            }
        }
    }
}

/// A pipeline that hears until it is dropped.
struct Hearing {
    pipeline: gst::Pipeline,
    bus: gst::Bus,
    waker: Arc<Waker>,
}

impl Hearing {
    fn wait(&self, time: Duration) -> Event {
        let time = gst::ClockTime::from_nseconds(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        let kinds = [gst::MessageType::Error, gst::MessageType::Eos, gst::MessageType::Application];
        let message = self.bus.timed_pop_filtered(time, &kinds);
        message.and_then(|message| ended_by(&message)).map_or(Event::Look, Event::Ended)
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.waker.set_bus(None);
        if self.pipeline.set_state(gst::State::Null).is_err() {
            tracing::warn!("a program's sound did not stop cleanly");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Instant;

    use units::{Clock, FrameRate, MediaTime, Size};

    use super::*;

    struct RealClock(Instant);

    impl Clock for RealClock {
        fn now(&self) -> MediaTime {
            MediaTime::from_nanos(i64::try_from(self.0.elapsed().as_nanos()).unwrap())
        }
    }

    type Heard = Arc<Mutex<Vec<AudioBlock>>>;

    fn context() -> (CaptureContext, Heard) {
        let heard = Heard::default();
        let into = Arc::clone(&heard);
        let context = CaptureContext {
            clock: Arc::new(RealClock(Instant::now())),
            canvas: Size::new(320, 180).unwrap(),
            rate: FrameRate::FPS_30,
            base_folder: ".".into(),
            sound: Arc::new(move |_, block| into.lock().unwrap().push(block)),
            font: Arc::from([]),
        };
        (context, heard)
    }

    fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !done() {
            assert!(Instant::now() < deadline, "{what} did not happen");
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    /// A program whose process number is set by hand, 0 while it does not run; its sound is a tone of 44100 Hz.
    struct Made(Arc<AtomicU32>);

    impl Programs for Made {
        fn find(&self, wanted: &ProgramSelector) -> Option<u32> {
            assert_eq!(wanted.program, "game.exe");
            Some(self.0.load(Ordering::SeqCst)).filter(|process| *process != 0)
        }

        fn is_running(&self, process: u32, _: &ProgramSelector) -> bool {
            self.0.load(Ordering::SeqCst) == process
        }

        fn element(&self, _: u32, all_but: bool) -> Result<gst::Element, Error> {
            assert!(!all_but);
            elements::make("audiotestsrc", &[("is-live", "true"), ("volume", "0.5")])
        }
    }

    #[test]
    fn a_program_is_heard_while_it_runs_and_found_again() {
        let (context, heard) = context();
        let process = Arc::new(AtomicU32::new(0));
        let wanted = ProgramSelector { program: "game.exe".into(), ..ProgramSelector::default() };
        let made = Box::new(Made(Arc::clone(&process)));
        let source = ProgramSound::start_with(SourceId(3), &wanted, &context, made).unwrap();
        let is_lost =
            |words: &str| matches!(source.state(), SourceState::Lost { reason } if reason.contains(words));

        wait_for("the wait", || is_lost("“game.exe” is not heard: it is not running"));
        assert!(heard.lock().unwrap().is_empty(), "silence is nothing");
        for number in [4711, 4712] {
            process.store(number, Ordering::SeqCst);
            wait_for("the program", || source.state() == SourceState::Running);
            assert_eq!(source.via(), format!("audiotestsrc: only game.exe, process {number}"));
            heard.lock().unwrap().clear();
            wait_for("its sound", || heard.lock().unwrap().len() > 20);
            process.store(0, Ordering::SeqCst);
            wait_for("its end", || is_lost("is not heard"));
        }
        drop(source);
        let heard = heard.lock().unwrap();
        assert!(heard.iter().all(|block| (block.rate_hz, block.channels) == (44_100, 2)));
        assert!(heard.iter().flat_map(|block| &block.samples).any(|sample| sample.abs() > 0.3));
        let late = heard.iter().find(|block| block.captured_at > context.clock.now());
        assert!(late.is_none(), "no sound comes from the future");
    }

    #[test]
    fn where_it_cannot_be_heard_a_sentence_says_why() {
        let (context, _) = context();
        let nameless = ProgramSound::start(SourceId(3), &ProgramSelector::default(), &context).unwrap();
        wait_for(
            "the reason",
            || matches!(nameless.state(), SourceState::Lost { reason } if reason.ends_with("does not say which program")),
        );
        if cfg!(windows) {
            // The element shows these settings from the first Windows on that can do it.
            if let Ok(element) = hearing(4711, true) {
                let mode = element.property_value("loopback-mode").serialize().unwrap();
                assert_eq!(mode, "exclude-process-tree");
                assert_eq!(element.property::<u32>("loopback-target-pid"), 4711);
                assert_eq!(unavailable(), None);
            } else {
                assert!(unavailable().is_some());
            }
        } else {
            assert_eq!(
                unavailable().as_deref(),
                Some("The sound of a single program can be heard on Windows only.")
            );
        }
    }
}
