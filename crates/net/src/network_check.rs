//! Carrying out a network check: a clip at a rising rate through an output of its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ivs::Protocol;
use publish::{
    CheckClip, CheckPhase, CheckSample, ClipLoop, Ended, Failure, NetworkCheck, Recommendation, Stats, Step,
};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval};
use units::{Clock, Kbps, Span};

use crate::{Destination, Error, Output, output};

/// How often units are handed over and the connection is looked at.
const TICK: Duration = Duration::from_millis(20);

/// What asks the service to take a stream without showing it to anybody (IVS user guide, multitrack integration guide,
/// "Connect Using Enhanced RTMP").
const TEST_ARGUMENT: (&str, &str) = ("bandwidthtest", "1");

/// Where to, and how much.
#[derive(Clone, Debug)]
pub struct CheckConfig {
    /// The ingest; stream key and authority as for a stream.
    pub destination: Destination,
    /// Whether to say that it is a test, so that no viewer sees it. Only the person can know whether to.
    pub test_argument: bool,
    /// The most to send: more than the channel allows is refused by the service, more than the stream will need proves
    /// nothing.
    pub ceiling: Kbps,
    /// How long, 10 to 15 s; at least 4 s.
    pub lasting: Span,
    /// What is sent, made heavier as needed.
    pub clip: CheckClip,
}

/// How far a check is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CheckProgress {
    /// How far the connection is.
    pub step: Step,
    /// What is being sent for; [`CheckPhase::Rising`] before anything is sent.
    pub phase: CheckPhase,
    /// How much is over, 0 to 1.
    pub fraction: f32,
    /// What is sent at this moment.
    pub rate: Kbps,
}

/// Why a check found nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckFailure {
    /// It was called off.
    Cancelled,
    /// The connection failed, or the service refused or ended the stream.
    Connection(Failure),
}

struct Shared {
    output: Output,
    progress: Mutex<CheckProgress>,
    outcome: watch::Sender<Option<Result<Recommendation, CheckFailure>>>,
}

impl Shared {
    fn progress(&self) -> MutexGuard<'_, CheckProgress> {
        // Progress is a plain value; there is no half-written state.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first outcome stays.
    fn settle(&self, outcome: Result<Recommendation, CheckFailure>) {
        self.outcome.send_if_modified(|settled| {
            let is_first = settled.is_none();
            if is_first {
                *settled = Some(outcome);
            }
            is_first
        });
    }
}

/// A check under way, or done. Dropping it calls it off.
pub struct RunningCheck {
    shared: Arc<Shared>,
    task: AbortHandle,
}

impl RunningCheck {
    /// How far it is.
    pub fn progress(&self) -> CheckProgress {
        *self.shared.progress()
    }

    /// What it found, or why nothing; `None` while it goes on. The stream ends within two seconds of that.
    pub fn outcome(&self) -> Option<Result<Recommendation, CheckFailure>> {
        self.shared.outcome.borrow().clone()
    }

    /// Waits for the outcome; `None` when the runtime was shut down before.
    pub async fn wait(&self) -> Option<Result<Recommendation, CheckFailure>> {
        let mut outcome = self.shared.outcome.subscribe();
        let outcome = outcome.wait_for(Option::is_some).await.ok()?;
        outcome.clone()
    }

    /// Calls it off: the outcome is [`CheckFailure::Cancelled`] unless there was one, the stream ends within two seconds.
    pub fn cancel(&self) {
        self.task.abort();
        self.shared.output.stop();
        self.shared.settle(Err(CheckFailure::Cancelled));
    }
}

impl Drop for RunningCheck {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Begins a check on `runtime`. Like [`crate::start`] it reads certificates here.
///
/// # Errors
/// What is wrong with the destination or the clip before anything is sent.
pub fn check_network(
    runtime: &Handle,
    config: CheckConfig,
    clock: Arc<dyn Clock>,
) -> Result<RunningCheck, Error> {
    let CheckConfig { mut destination, test_argument, ceiling, lasting, clip } = config;
    if test_argument {
        if destination.address.protocol() == Protocol::Srt {
            return Err(Error::TestNeedsRtmp);
        }
        let (name, value) = TEST_ARGUMENT;
        destination.address = destination.address.with_argument(name, value)?;
    }
    // Found out before connecting; played from when the service says yes.
    ClipLoop::new(&clip, clock.now())?;
    destination.multitrack = false;
    destination.ladder = Vec::new();
    destination.keep_from_keyframe = false;
    destination.waits = false;
    let output = output::start(runtime, &destination, Arc::clone(&clock))?;
    output.begin(clip.config.clone());
    let floor = clip.config.bitrate();
    let progress =
        CheckProgress { step: Step::Resolving, phase: CheckPhase::Rising, fraction: 0.0, rate: Kbps(0) };
    let shared =
        Arc::new(Shared { output, progress: Mutex::new(progress), outcome: watch::Sender::new(None) });
    let check = Check { shared: Arc::clone(&shared), clock, clip, floor, ceiling, lasting };
    let task = runtime.spawn(check.run()).abort_handle();
    Ok(RunningCheck { shared, task })
}

struct Check {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    clip: CheckClip,
    floor: Kbps,
    ceiling: Kbps,
    lasting: Span,
}

impl Check {
    async fn run(self) {
        let outcome = self.measure().await;
        self.shared.output.stop();
        self.shared.settle(outcome);
    }

    async fn measure(&self) -> Result<Recommendation, CheckFailure> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut sending: Option<(NetworkCheck, ClipLoop)> = None;
        loop {
            ticks.tick().await;
            match self.shared.output.ended() {
                None => {}
                Some(Ended::Failed(failure)) => return Err(CheckFailure::Connection(failure)),
                Some(_) => return Err(CheckFailure::Cancelled),
            }
            let (stats, now) = (self.shared.output.stats(), self.clock.now());
            self.shared.progress().step = stats.step;
            if !stats.step.is_accepted() {
                continue;
            }
            let (check, clip) = match &mut sending {
                Some(sending) => sending,
                None => {
                    let Ok(clip) = ClipLoop::new(&self.clip, now) else {
                        return Err(CheckFailure::Cancelled);
                    };
                    let check = NetworkCheck::new(self.floor, self.ceiling, self.lasting, now);
                    sending.insert((check, clip))
                }
            };
            // Before more is handed over: that would wait here through no fault of the upload.
            check.observe(&sample(&stats), now);
            let rate = check.rate(now);
            {
                let mut progress = self.shared.progress();
                progress.phase = check.phase();
                progress.fraction = check.fraction(now);
                progress.rate = rate;
            }
            if check.phase() == CheckPhase::Done {
                return Ok(check.recommendation());
            }
            for unit in clip.take(now, rate.bits_per_sec()) {
                self.shared.output.send(unit);
            }
        }
    }
}

/// What the output's figures say. What TCP sent for the first time has left this computer; what a socket took may still
/// wait in it.
fn sample(stats: &Stats) -> CheckSample {
    let tcp_loss = stats.tcp.map(|tcp| (tcp.sent, tcp.retransmitted));
    let delivered = stats.tcp.map(|tcp| tcp.sent.saturating_sub(tcp.retransmitted)).filter(|sent| *sent > 0);
    CheckSample {
        delivered_bytes: delivered.unwrap_or(stats.sent_bytes),
        waiting: stats.queue.waiting,
        // Without the system's word this would be RTMP's acknowledgements, which come as seldom as the peer likes.
        unconfirmed: if stats.tcp.is_some() { stats.unconfirmed } else { Span::ZERO },
        delay_variation: stats.tcp.map(|tcp| tcp.rtt_variation),
        loss: stats.srt.map(|srt| (srt.sent, srt.lost)).or(tcp_loss),
    }
}
