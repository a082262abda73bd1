//! Keeps a device captured: tries the ways there are, notices when it goes away, shows its last picture for a second
//! and then a placeholder that names it, and gets it back when it returns.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use units::VideoFrame;

use crate::live::{Candidate, Capture, Event, Waker};
use crate::slot::{Slot, Stop};
use crate::{CaptureContext, Error, LiveSource, SourceState, placeholder};

/// A way that gives no picture in this time is given up for the next.
const FIRST_FRAME: Duration = Duration::from_secs(3);
/// How long the last picture of a device that went away is shown.
const LAST_PICTURE: Duration = Duration::from_secs(1);
/// Pauses between attempts to get a device back; the last one repeats.
pub(crate) const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(10),
];
/// How often a running device is looked after.
const LOOK: Duration = Duration::from_millis(250);

/// What is captured, and by which ways.
pub(crate) trait Plan: Send + 'static {
    /// What a person calls it: `Camera “HD Pro”`.
    fn title(&self) -> String;

    /// The ways to capture it as things are now, best first.
    ///
    /// # Errors
    /// Why it cannot be captured now.
    fn candidates(&mut self) -> Result<Vec<Candidate>, Error>;

    /// Looks whether what is captured is still what it was; called a few times a second.
    ///
    /// # Errors
    /// Why capturing must begin anew.
    fn check(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// What the person can do about it when no way gives a picture; one sentence without its full stop.
    fn advice(&self) -> Option<String> {
        None
    }

    /// How long the last picture is shown after the device went away.
    fn last_picture(&self) -> Duration {
        LAST_PICTURE
    }

    /// After how long without a picture the device counts as gone; `None` when stillness is normal.
    fn stall(&self) -> Option<Duration> {
        None
    }
}

/// A supervised device.
pub(crate) struct Supervised {
    slot: Arc<Slot>,
    stop: Arc<Stop>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl Supervised {
    /// Starts a thread of that name that keeps `plan` captured.
    pub(crate) fn start(thread: &str, plan: impl Plan, context: &CaptureContext) -> Result<Self, Error> {
        crate::elements::init()?;
        let slot = Arc::new(Slot::new("not captured yet"));
        let stop = Arc::new(Stop::default());
        let waker = Arc::new(Waker::default());
        let mut keeper = Keeper {
            plan,
            context: context.clone(),
            slot: Arc::clone(&slot),
            stop: Arc::clone(&stop),
            waker: Arc::clone(&waker),
        };
        let thread = std::thread::Builder::new().name(thread.to_owned()).spawn(move || keeper.run())?;
        Ok(Self { slot, stop, waker, thread: Some(thread) })
    }
}

impl LiveSource for Supervised {
    fn newest_frame(&self) -> Option<Arc<VideoFrame>> {
        self.slot.newest()
    }

    fn state(&self) -> SourceState {
        self.slot.state()
    }

    fn via(&self) -> String {
        self.slot.via()
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.stop.ask();
        self.waker.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a source's thread ended in a panic");
        }
    }
}

struct Keeper<P> {
    plan: P,
    context: CaptureContext,
    slot: Arc<Slot>,
    stop: Arc<Stop>,
    waker: Arc<Waker>,
}

impl<P: Plan> Keeper<P> {
    fn run(&mut self) {
        let mut failures = 0;
        while !self.stop.is_asked() {
            match self.begin() {
                Ok(capture) => {
                    failures = 0;
                    self.slot.set_state(SourceState::Running);
                    tracing::info!(source = self.plan.title(), via = self.slot.via(), "captured");
                    let why = self.keep(&capture);
                    drop(capture);
                    if self.stop.is_asked() {
                        return;
                    }
                    tracing::warn!(source = self.plan.title(), why, "went away");
                    self.lost(&why);
                    if self.stop.sleep(self.plan.last_picture()) {
                        return;
                    }
                    self.show_placeholder();
                }
                Err(why) => {
                    if self.stop.is_asked() {
                        return;
                    }
                    if failures == 0 {
                        tracing::warn!(source = self.plan.title(), %why, "is not there");
                    }
                    self.lost(&why.to_string());
                    if self.slot.newest().is_none() {
                        self.show_placeholder();
                    }
                    let pause = PAUSES.get(failures).or(PAUSES.last()).copied().unwrap_or(LAST_PICTURE);
                    failures += 1;
                    if self.stop.sleep(pause) {
                        return;
                    }
                }
            }
        }
    }

    fn lost(&self, why: &str) {
        let reason = format!("{} is not there: {why}", self.plan.title());
        self.slot.set_state(SourceState::Lost { reason });
    }

    fn show_placeholder(&self) {
        let sentence = format!("{} is not there", self.plan.title());
        self.slot.show(placeholder::picture(&self.context, &sentence));
    }

    /// Tries the ways in order until one gives a picture.
    fn begin(&mut self) -> Result<Capture, Error> {
        let mut failed: Vec<String> = Vec::new();
        for candidate in self.plan.candidates()? {
            let before = self.slot.frames();
            let attempt = Capture::start(&candidate, &self.slot, &self.context.clock, &self.waker).and_then(
                |capture| capture.first_frame(&self.slot, before, FIRST_FRAME, &self.stop).map(|()| capture),
            );
            match attempt {
                Ok(capture) => {
                    let mut via = format!("{}: {}", candidate.element, candidate.note);
                    if failed.is_empty() {
                        via.push_str("; the first choice works");
                    } else {
                        via.push_str(&format!("; chosen because {}", failed.join("; ")));
                    }
                    self.slot.set_via(via);
                    return Ok(capture);
                }
                Err(_) if self.stop.is_asked() => break,
                Err(why) => {
                    tracing::debug!(element = candidate.element, %why, "this way does not work");
                    failed.push(match why {
                        // These name the element themselves.
                        Error::MissingElement { .. } | Error::Setting { .. } => why.to_string(),
                        other => format!("{} failed: {other}", candidate.element),
                    });
                }
            }
        }
        let mut why =
            if failed.is_empty() { "there is no way to capture it".into() } else { failed.join("; ") };
        if let Some(advice) = self.plan.advice() {
            why = format!("{advice} ({why})");
        }
        Err(Error::Device(why))
    }

    /// Stays with a capture until it breaks or is not wanted any more; returns why.
    fn keep(&mut self, capture: &Capture) -> String {
        let (mut seen, mut seen_at) = (self.slot.frames(), Instant::now());
        loop {
            if let Event::Ended(why) = capture.wait(LOOK) {
                return why;
            }
            if self.stop.is_asked() {
                return String::new();
            }
            if let Err(why) = self.plan.check() {
                return why.to_string();
            }
            let frames = self.slot.frames();
            if frames != seen {
                (seen, seen_at) = (frames, Instant::now());
            } else if self.plan.stall().is_some_and(|limit| seen_at.elapsed() > limit) {
                return "it sends no pictures any more".to_owned();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::Alpha;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use units::{Clock, FrameRate, MediaTime, PixelFormat, Size};

    struct RealClock(Instant);

    impl Clock for RealClock {
        fn now(&self) -> MediaTime {
            MediaTime::from_nanos(i64::try_from(self.0.elapsed().as_nanos()).unwrap())
        }
    }

    fn context() -> CaptureContext {
        CaptureContext {
            clock: Arc::new(RealClock(Instant::now())),
            canvas: Size::new(320, 180).unwrap(),
            rate: FrameRate::FPS_30,
            base_folder: ".".into(),
            sound: Arc::new(|_, _| ()),
            font: Arc::from([]),
        }
    }

    /// A device that is absent, gives ten pictures, and so on in turn; its first way never works.
    struct Flaky {
        attempts: Arc<AtomicUsize>,
        last_picture: Duration,
    }

    impl Plan for Flaky {
        fn title(&self) -> String {
            "Camera “Flaky”".into()
        }

        fn last_picture(&self) -> Duration {
            self.last_picture
        }

        fn candidates(&mut self) -> Result<Vec<Candidate>, Error> {
            if self.attempts.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
                return Err(Error::Device("it is unplugged".into()));
            }
            let way = |element, settings| Candidate {
                painter: None,
                element,
                settings,
                wishes: vec![("no-such-wish", "1".to_owned())],
                filter: None,
                then: &["videoconvert"],
                alpha: Alpha::Ignored,
                note: "made up".into(),
            };
            let live = vec![("is-live", "true".to_owned()), ("num-buffers", "10".to_owned())];
            Ok(vec![way("nosuchcamerasrc", vec![]), way("videotestsrc", live)])
        }
    }

    fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !done() {
            assert!(Instant::now() < deadline, "{what} did not happen");
            std::thread::yield_now();
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    fn is_placeholder(source: &Supervised) -> bool {
        // The canvas's size, which what the device gives does not have.
        source.newest_frame().is_some_and(|frame| frame.size() == context().canvas)
    }

    fn is_lost(source: &Supervised) -> bool {
        matches!(source.state(), SourceState::Lost { .. })
    }

    #[test]
    fn a_device_that_comes_and_goes_is_named_and_got_back() {
        let attempts = Arc::new(AtomicUsize::new(0));
        let flaky = Flaky { attempts: Arc::clone(&attempts), last_picture: LAST_PICTURE };
        let source = Supervised::start("flaky", flaky, &context()).unwrap();

        wait_for("the placeholder at the start", || is_placeholder(&source));
        wait_for("the first picture", || source.state() == SourceState::Running);
        let via = source.via();
        assert!(via.starts_with("videotestsrc: made up; chosen because"), "{via}");
        assert!(via.contains("nosuchcamerasrc is not installed"), "{via}");
        wait_for("the end of its pictures", || is_lost(&source));
        wait_for("the placeholder a second later", || is_placeholder(&source));
        wait_for("its return", || source.state() == SourceState::Running);
        drop(source);
        let after = attempts.load(Ordering::SeqCst);
        assert!(after >= 4, "absent, there, absent, there: {after}");
    }

    #[test]
    fn the_last_picture_stays_while_it_shall_and_the_end_does_not_wait_for_it() {
        let attempts = Arc::new(AtomicUsize::new(0));
        let flaky = Flaky { attempts, last_picture: Duration::from_secs(3600) };
        let source = Supervised::start("flaky", flaky, &context()).unwrap();
        let reason = |source: &Supervised| match source.state() {
            SourceState::Lost { reason } => reason,
            other => other.to_string(),
        };
        wait_for("the loss", || is_lost(&source));
        assert_eq!(reason(&source), "Camera “Flaky” is not there: it is unplugged");
        wait_for("its return", || source.state() == SourceState::Running);
        wait_for("the end of its pictures", || is_lost(&source));
        assert_eq!(reason(&source), "Camera “Flaky” is not there: its pictures came to an end");
        assert!(!is_placeholder(&source), "the last picture stays");
    }

    /// A window that we paint ourselves: its size is set by hand, 0 while it is closed.
    struct ByHand {
        side: Arc<AtomicUsize>,
    }

    impl Plan for ByHand {
        fn title(&self) -> String {
            "Window “Painted”".into()
        }

        fn candidates(&mut self) -> Result<Vec<Candidate>, Error> {
            let side = Arc::clone(&self.side);
            let painter = move || match side.load(Ordering::SeqCst) {
                0 => Err(Error::Device("it was closed".into())),
                side => {
                    let (width, height) = (u32::try_from(side).unwrap(), 20);
                    Ok(crate::painted::Painted { width, height, bgrx: [1, 2, 3, 0].repeat(side * 20) })
                }
            };
            Ok(vec![Candidate {
                element: "by hand",
                painter: Some((Arc::new(painter), FrameRate::FPS_30)),
                settings: Vec::new(),
                wishes: Vec::new(),
                filter: Some(crate::display::at_rate(FrameRate::FPS_30)),
                then: &[],
                alpha: Alpha::Ignored,
                note: "painted".into(),
            }])
        }

        fn advice(&self) -> Option<String> {
            Some("open it".into())
        }
    }

    #[test]
    fn what_we_paint_ourselves_goes_the_same_way() {
        let side = Arc::new(AtomicUsize::new(30));
        let context = context();
        let source = Supervised::start("painted", ByHand { side: Arc::clone(&side) }, &context).unwrap();
        wait_for("the first picture", || source.state() == SourceState::Running);
        let frame = source.newest_frame().unwrap();
        assert_eq!((frame.size(), frame.format()), (Size::new(30, 20).unwrap(), PixelFormat::Bgrx8));
        assert_eq!(frame.row(0, 19)[116..119], [1, 2, 3]);
        assert!(source.via().starts_with("by hand: painted; the first choice"), "{}", source.via());
        side.store(50, Ordering::SeqCst);
        wait_for("the new size", || source.size() == Size::new(50, 20).ok());
        assert_eq!(source.state(), SourceState::Running, "a new size is no loss");
        assert!(source.newest_frame().unwrap().captured_at() <= context.clock.now());
        side.store(0, Ordering::SeqCst);
        wait_for("the loss", || is_lost(&source));
        wait_for("the advice", || {
            matches!(source.state(), SourceState::Lost { reason }
                if reason == "Window “Painted” is not there: open it (by hand failed: it was closed)")
        });
        side.store(40, Ordering::SeqCst);
        wait_for("its return", || source.size() == Size::new(40, 20).ok());
    }

    #[test]
    fn only_black_is_noticed() {
        let picture = |bgrx: &[u8]| crate::painted::Painted { width: 1, height: 2, bgrx: bgrx.to_vec() };
        assert!(picture(&[0, 0, 0, 255, 0, 0, 0, 0]).is_black());
        assert!(!picture(&[0, 0, 0, 255, 0, 1, 0, 0]).is_black());
    }
}
