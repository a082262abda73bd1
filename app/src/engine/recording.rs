//! The recorder thread: takes access units from a bounded queue and writes them to disk. A slow or full disk never
//! reaches back to the encoders or the stream.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use control::RecordingState;
use publish::{Gauge, Pushed, QueueLimits, SendQueue};
use record::{Options, Recorder};
use units::{AccessUnit, Clock, Span, StreamConfig, Track};

use super::fan_out::Output;
use crate::clock::SystemClock;
use crate::outcome::Failure;

/// Room for a disk that sleeps, spins up or is busy: 20 s, 256 MiB.
const LIMITS: QueueLimits =
    QueueLimits { waiting: Span::from_secs(20), bytes: 256 << 20, patience: Span::from_millis(500) };

/// How a recording is doing.
#[derive(Clone, Debug, Default)]
pub(super) struct Status {
    pub(super) state: RecordingState,
    pub(super) path: Option<PathBuf>,
    pub(super) stats: record::Stats,
    pub(super) queue: Gauge,
    /// The first thing that went wrong.
    pub(super) error: Option<String>,
    /// The file was closed in good order.
    pub(super) complete: bool,
}

/// Units with the same decoder configuration: they share a file.
struct Segment {
    config: StreamConfig,
    queue: SendQueue,
}

#[derive(Default)]
struct Inner {
    segments: VecDeque<Segment>,
    finishing: bool,
    status: Status,
}

struct Shared {
    inner: Mutex<Inner>,
    wake: Condvar,
    clock: Arc<SystemClock>,
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A recording that runs.
pub(super) struct Recording {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// The end of a recording that the fan-out holds.
struct Feed(Arc<Shared>);

impl Recording {
    /// Starts the thread; the file is made when the encoders have told their configuration.
    pub(super) fn start(folder: PathBuf, title: String, clock: Arc<SystemClock>) -> Result<Self, Failure> {
        let inner = Inner {
            status: Status { state: RecordingState::Recording, ..Status::default() },
            ..Inner::default()
        };
        let shared = Arc::new(Shared { inner: Mutex::new(inner), wake: Condvar::new(), clock });
        let worker = Worker { shared: shared.clone(), folder, title, recorder: None, failed: false };
        let thread = std::thread::Builder::new()
            .name("recorder".into())
            .spawn(move || worker.run())
            .map_err(|error| Failure::could_not_start("engine.thread", format!("No thread: {error}."), ""))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(super) fn feed(&self) -> Box<dyn Output> {
        Box::new(Feed(self.shared.clone()))
    }

    pub(super) fn status(&self) -> Status {
        let inner = self.shared.inner();
        let mut status = inner.status.clone();
        if let Some(segment) = inner.segments.front() {
            status.queue = segment.queue.gauge();
        }
        status
    }

    /// Asks for the end; the file is closed by its thread.
    pub(super) fn begin_finish(&self) {
        let mut inner = self.shared.inner();
        inner.finishing = true;
        if inner.status.state == RecordingState::Recording {
            inner.status.state = RecordingState::Finishing;
        }
        self.shared.wake.notify_all();
    }

    pub(super) fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

/// The primary rendition and all sound: what a person wants to keep of a ladder. The other renditions show the same in
/// less detail, and players show whichever picture comes first.
pub(super) fn kept(config: &StreamConfig) -> StreamConfig {
    StreamConfig { video: config.video.iter().take(1).cloned().collect(), audio: config.audio.clone() }
}

impl Output for Feed {
    fn begin(&mut self, config: &StreamConfig) {
        let config = kept(config);
        let mut inner = self.0.inner();
        if inner.segments.back().is_some_and(|segment| segment.config == config) {
            return;
        }
        let tracks = config
            .video
            .iter()
            .map(|video| Track::Video(video.track))
            .chain(config.audio.iter().map(|audio| Track::Audio(audio.track)));
        let queue = SendQueue::new(LIMITS, tracks);
        inner.segments.push_back(Segment { config, queue });
        self.0.wake.notify_all();
    }

    fn send(&mut self, unit: &Arc<AccessUnit>) {
        let now = self.0.clock.now();
        let mut inner = self.0.inner();
        if let Some(segment) = inner.segments.back_mut()
            && segment.queue.push(unit.clone(), None, now) == Pushed::Dropped
            && inner.status.error.is_none()
        {
            inner.status.error =
                Some("the disk takes the recording too slowly; pictures are missing in it".into());
        }
        self.0.wake.notify_all();
    }
}

/// What the thread does next.
enum Next {
    Write(Arc<AccessUnit>),
    StartFile(StreamConfig),
    CloseFile,
    End,
}

struct Worker {
    shared: Arc<Shared>,
    folder: PathBuf,
    title: String,
    recorder: Option<Recorder>,
    /// A write failed: units are taken and thrown away, so that nothing piles up.
    failed: bool,
}

impl Worker {
    fn run(mut self) {
        loop {
            match self.next() {
                Next::Write(unit) => self.write(&unit),
                Next::StartFile(config) => self.start_file(&config),
                Next::CloseFile => self.close_file(),
                Next::End => {
                    self.close_file();
                    let mut inner = self.shared.inner();
                    let state = if self.failed { RecordingState::Failed } else { RecordingState::Off };
                    inner.status.state = state;
                    self.shared.wake.notify_all();
                    return;
                }
            }
        }
    }

    /// Waits for work.
    fn next(&self) -> Next {
        let mut inner = self.shared.inner();
        loop {
            let now = self.shared.clock.now();
            let (finishing, several) = (inner.finishing, inner.segments.len() > 1);
            let mut patience = None;
            match inner.segments.front_mut() {
                Some(segment) => {
                    if self.recorder.is_none() && !self.failed {
                        return Next::StartFile(segment.config.clone());
                    }
                    let over = finishing || several;
                    let queued = if over { segment.queue.pop_at_end() } else { segment.queue.pop(now) };
                    if let Some(queued) = queued {
                        return Next::Write(queued.unit);
                    }
                    if several {
                        inner.segments.pop_front();
                        return Next::CloseFile;
                    }
                    patience = segment.queue.wake_at(now).map(|at| (at - now).to_duration());
                }
                None if finishing => return Next::End,
                None => {}
            }
            if finishing {
                return Next::End;
            }
            inner = match patience {
                Some(wait) => {
                    let wait = wait.max(Duration::from_millis(1));
                    self.shared.wake.wait_timeout(inner, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.shared.wake.wait(inner).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn start_file(&mut self, config: &StreamConfig) {
        let options = Options {
            started_unix: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
            ..Options::default()
        };
        let name = format!("{} {}", crate::wall_clock::file_stamp(SystemTime::now()), self.title);
        match Recorder::start(&self.folder, &name, config, options) {
            Ok(recorder) => {
                self.shared.inner().status.path = Some(recorder.path().to_owned());
                self.recorder = Some(recorder);
            }
            Err(error) => self.fail(&error),
        }
    }

    fn write(&mut self, unit: &AccessUnit) {
        let Some(recorder) = &mut self.recorder else { return };
        let result = recorder.write(unit);
        let stats = recorder.stats();
        self.shared.inner().status.stats = stats;
        match result {
            // A unit that does not fit the file is left out and counted; the recording goes on.
            Ok(()) | Err(record::Error::OutOfOrder { .. } | record::Error::UnknownTrack { .. }) => {}
            Err(error) => {
                self.fail(&error);
                self.close_file();
            }
        }
    }

    fn close_file(&mut self) {
        let Some(recorder) = self.recorder.take() else { return };
        match recorder.finish() {
            Ok(finished) => {
                let mut inner = self.shared.inner();
                inner.status.stats = finished.stats;
                inner.status.path = Some(finished.path);
                inner.status.complete = !self.failed;
            }
            Err(record::Error::Empty) => self.shared.inner().status.path = None,
            Err(error) => self.fail(&error),
        }
    }

    fn fail(&mut self, error: &record::Error) {
        self.failed = true;
        let mut inner = self.shared.inner();
        inner.status.state = if inner.finishing { RecordingState::Finishing } else { RecordingState::Failed };
        inner.status.error.get_or_insert(error.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(folder: &std::path::Path, seconds: i64) -> Status {
        let recording =
            Recording::start(folder.to_owned(), "Test".into(), Arc::new(SystemClock::start())).unwrap();
        let mut stream = testkit::SyntheticStream::single();
        let mut feed = recording.feed();
        feed.begin(&stream.config());
        for unit in stream.take_span(Span::from_secs(seconds)) {
            feed.send(&unit);
        }
        recording.begin_finish();
        while !recording.is_finished() {
            std::thread::yield_now();
        }
        recording.status()
    }

    #[test]
    fn what_is_fed_is_in_a_finished_file() {
        let folder = tempfile::tempdir().unwrap();
        let status = record(folder.path(), 3);
        assert_eq!((status.state, status.error.clone()), (RecordingState::Off, None));
        assert!(status.complete);
        assert!(status.stats.duration >= Span::from_millis(2900), "{status:?}");
        assert!(status.path.unwrap().exists());
    }

    #[test]
    fn a_folder_that_can_not_be_made_fails_and_blocks_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "in the way").unwrap();
        let status = record(&file.join("below"), 3);
        assert!(status.error.is_some());
        assert!(!status.complete);
    }
}
