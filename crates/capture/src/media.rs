//! A media file with picture, sound or both.
//!
//! The file plays by GStreamer's system clock, which is mapped to the media clock once; picture and sound are handed
//! on [`player::LEAD`] before they are due, with the instant they are due as `captured_at`, so lip-sync is that of the
//! file. Looping joins the end to the beginning by segment seeks, without a gap.

mod player;
mod seam;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use scene::SourceId;
use units::{Clock, MediaTime, Pts, VideoFrame};

use crate::live::Waker;
use crate::slot::{Slot, Stop};
use crate::supervisor::PAUSES;
use crate::{CaptureContext, Error, LiveSource, SourceState, elements, path, placeholder};
use player::{Finish, Player};

/// Most pictures that wait for their time: more than [`player::LEAD`] holds at 120 per second.
const WAITING: usize = 8;

/// Pictures that are due soon, and the one that is due now.
#[derive(Default)]
struct Timeline {
    shown: Option<Arc<VideoFrame>>,
    coming: VecDeque<Arc<VideoFrame>>,
}

impl Timeline {
    fn push(&mut self, frame: VideoFrame) {
        if self.coming.len() >= WAITING {
            self.shown = self.coming.pop_front();
        }
        self.coming.push_back(Arc::new(frame));
    }

    fn at(&mut self, time: MediaTime) -> Option<Arc<VideoFrame>> {
        while self.coming.front().is_some_and(|frame| frame.captured_at() <= time) {
            self.shown = self.coming.pop_front();
        }
        self.shown.clone()
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// What the player's threads write and readers read.
struct Shared {
    timeline: Mutex<Timeline>,
    /// Placeholder, state and way of capturing; its frame is shown while there is none in the timeline.
    slot: Slot,
}

impl Shared {
    fn with_timeline<T>(&self, act: impl FnOnce(&mut Timeline) -> T) -> T {
        // Each step leaves the timeline whole, so a panic elsewhere does not make it unusable.
        act(&mut self.timeline.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An open media file.
pub(crate) struct Media {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    stop: Arc<Stop>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl Media {
    pub(crate) fn open(
        id: SourceId,
        path: &str,
        looping: bool,
        context: &CaptureContext,
    ) -> Result<Self, Error> {
        elements::init()?;
        let shared = Arc::new(Shared { timeline: Mutex::default(), slot: Slot::new("not opened yet") });
        let stop = Arc::new(Stop::default());
        let waker = Arc::new(Waker::default());
        let show = Show {
            id,
            title: format!("Media file “{}”", path::short_name(path)),
            file: path::resolve(&context.base_folder, path),
            looping,
            context: context.clone(),
            shared: Arc::clone(&shared),
            stop: Arc::clone(&stop),
            waker: Arc::clone(&waker),
        };
        let thread = std::thread::Builder::new().name("media file".into()).spawn(move || show.run())?;
        Ok(Self { shared, clock: Arc::clone(&context.clock), stop, waker, thread: Some(thread) })
    }
}

impl LiveSource for Media {
    fn newest_frame(&self) -> Option<Arc<VideoFrame>> {
        self.frame_at(self.clock.now().to_pts())
    }

    fn frame_at(&self, pts: Pts) -> Option<Arc<VideoFrame>> {
        self.shared.with_timeline(|timeline| timeline.at(pts.at())).or_else(|| self.shared.slot.newest())
    }

    fn state(&self) -> SourceState {
        self.shared.slot.state()
    }

    fn via(&self) -> String {
        self.shared.slot.via()
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        self.stop.ask();
        self.waker.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a media file's thread ended in a panic");
        }
    }
}

/// The thread that keeps a file playing.
struct Show {
    id: SourceId,
    title: String,
    file: PathBuf,
    looping: bool,
    context: CaptureContext,
    shared: Arc<Shared>,
    stop: Arc<Stop>,
    waker: Arc<Waker>,
}

impl Show {
    fn run(&self) {
        let mut failures = 0;
        while !self.stop.is_asked() {
            let finish = path::check(&self.file)
                .and_then(|()| Player::start(self))
                .and_then(|player| player.play(self, &mut failures));
            match finish {
                _ if self.stop.is_asked() => return,
                Ok(Finish::Again) => {
                    // A file too short to play must not keep a core busy.
                    if self.stop.sleep(Duration::from_millis(20)) {
                        return;
                    }
                }
                Ok(Finish::End) => {
                    if self.stop.sleep(player::LEAD.to_duration()) {
                        return;
                    }
                    self.shared.with_timeline(Timeline::clear);
                    self.shared.slot.set_state(SourceState::Ended);
                    while !self.stop.sleep(Duration::from_secs(3600)) {}
                    return;
                }
                Err(why) => {
                    if failures == 0 {
                        tracing::warn!(source = self.title, %why, "cannot be played");
                    }
                    self.lost(&why);
                    let pause = PAUSES.get(failures).or(PAUSES.last()).copied().unwrap_or_default();
                    failures += 1;
                    if self.stop.sleep(pause) {
                        return;
                    }
                }
            }
        }
    }

    fn lost(&self, why: &Error) {
        let reason = format!("{} cannot be played: {why}", self.title);
        let sentence = format!("{} cannot be played", self.title);
        self.shared.slot.set_state(SourceState::Lost { reason });
        self.shared.slot.show(placeholder::picture(&self.context, &sentence));
        self.shared.with_timeline(Timeline::clear);
    }

    fn started(&self, via: String) {
        self.shared.slot.set_via(via);
        self.shared.slot.set_state(SourceState::Running);
        self.shared.slot.show(None);
    }
}
