//! A whole stream through an output, from begin to end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use net::{Destination, Ended, Failure, Notice, Output};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;
use units::{AccessUnit, Clock, MediaTime, Secret, Span, StreamConfig};

pub(crate) const KEY: &str = "sk_eu-west-1_Q9xYzNotToBeSeen";

/// Far beyond what anything here takes on the slowest machine: a hang becomes a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// The system's monotonic clock.
pub(crate) struct WallClock(Instant);

impl WallClock {
    pub(crate) fn start() -> Arc<Self> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for WallClock {
    fn now(&self) -> MediaTime {
        MediaTime::ZERO + Span::from_duration(self.0.elapsed())
    }
}

/// Bounds that nothing here reaches: a whole clip is put in at once.
pub(crate) fn destination(url: &str, ca: Option<PathBuf>) -> Destination {
    let mut destination = Destination::new(url.parse().unwrap(), Secret::new(KEY));
    destination.ca = ca;
    destination.limits.waiting = Span::from_secs(3_600);
    destination.limits.bytes = 1 << 30;
    destination
}

pub(crate) struct Show {
    pub(crate) output: Output,
    pub(crate) notices: Vec<Notice>,
    receiver: mpsc::Receiver<Notice>,
}

impl Show {
    pub(crate) fn start(destination: &Destination) -> Self {
        let output = net::start(&Handle::current(), destination, WallClock::start()).unwrap();
        let receiver = output.events().unwrap();
        Self { output, notices: Vec::new(), receiver }
    }

    /// Waits for the service's yes.
    pub(crate) async fn accepted(&mut self) -> Result<(), Ended> {
        loop {
            let notice = timeout(PATIENCE, self.receiver.recv()).await.expect("no verdict").unwrap();
            self.notices.push(notice.clone());
            match notice {
                Notice::Accepted { .. } => return Ok(()),
                Notice::Ended(ended) => return Err(ended),
                _ => {}
            }
        }
    }

    /// Waits until this is told.
    pub(crate) async fn told(&mut self, wanted: &Notice) {
        while !self.notices.contains(wanted) {
            let notice = timeout(PATIENCE, self.receiver.recv()).await.expect("it was not told").unwrap();
            self.notices.push(notice);
        }
    }

    pub(crate) async fn ended(&mut self) -> Ended {
        let ended = timeout(PATIENCE, self.output.wait_ended()).await.expect("no end").unwrap();
        while let Ok(notice) = self.receiver.try_recv() {
            self.notices.push(notice);
        }
        ended
    }

    #[track_caller]
    pub(crate) fn expect_failure(ended: Ended) -> Failure {
        match ended {
            Ended::Failed(failure) => failure,
            other => panic!("no failure but {other:?}"),
        }
    }

    pub(crate) fn send(&self, config: StreamConfig, units: &[Arc<AccessUnit>]) {
        self.output.begin(config);
        for unit in units {
            self.output.send(Arc::clone(unit));
        }
    }

    /// Waits until everything that was sent has left, then ends the stream.
    pub(crate) async fn finish(&mut self) -> Ended {
        let drained = async {
            while self.output.ended().is_none() && self.output.stats().queue.units > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, drained).await.expect("the queue was not drained");
        self.output.stop();
        self.ended().await
    }
}

/// Streams `units` to `destination` and says good-bye.
pub(crate) async fn whole(
    destination: &Destination,
    config: StreamConfig,
    units: &[Arc<AccessUnit>],
) -> Ended {
    let mut show = Show::start(destination);
    if let Err(ended) = show.accepted().await {
        return ended;
    }
    show.send(config, units);
    show.finish().await
}
