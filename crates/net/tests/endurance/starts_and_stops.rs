//! An output per stream, two hundred streams in a row, to one rehearsal ingest.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ingest::{Ending, Ingest, IngestConfig};
use net::{Destination, Ended, Notice};
use testkit::SyntheticStream;
use tokio::runtime::Handle;
use tokio::time::timeout;
use units::{Clock, MediaTime, Span};

use crate::footprint::Footprint;

/// Streams that are measured.
const STREAMS: usize = 200;
/// Streams before that, which fill caches, start workers, and let the allocator find its size.
const WARM_UP: usize = 40;
/// What the process may grow by over all of [`STREAMS`]. The ingest keeps a report of each session, a few kilobytes; a
/// stream that was not let go of would hold its clip of a hundred kilobytes, or the certificates of the system.
const GROWTH_KIB: u64 = 3 * 1024;
/// Far beyond what anything here takes on the slowest machine: a hang becomes a failure.
const PATIENCE: Duration = Duration::from_secs(60);

struct WallClock(Instant);

impl Clock for WallClock {
    fn now(&self) -> MediaTime {
        MediaTime::ZERO + Span::from_duration(self.0.elapsed())
    }
}

/// One stream from the first connection to the closed one.
async fn stream_once(destination: &Destination, clock: &Arc<dyn Clock>) {
    let output = net::start(&Handle::current(), destination, Arc::clone(clock)).unwrap();
    let mut events = output.events().unwrap();
    loop {
        match timeout(PATIENCE, events.recv()).await.expect("no verdict").unwrap() {
            Notice::Accepted { .. } => break,
            Notice::Ended(ended) => panic!("{ended:?}"),
            _ => {}
        }
    }
    let mut stream = SyntheticStream::single();
    output.begin(stream.config());
    for unit in stream.take_span(Span::from_millis(400)) {
        output.send(unit);
    }
    let drained = async {
        while output.ended().is_none() && output.stats().queue.units > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, drained).await.expect("the queue was not drained");
    output.stop();
    let ended = timeout(PATIENCE, output.wait_ended()).await.expect("no end").unwrap();
    assert_eq!(ended, Ended::Stopped { clean: true });
}

/// Waits until all `sessions` have ended, and what held their sockets and files has let go of them, which is a moment
/// later: until there are no more threads and handles than `idle` ones. Gives what is there in the end.
async fn settled(ingest: &Ingest, sessions: usize, idle: Option<Footprint>) -> Option<Footprint> {
    timeout(PATIENCE, ingest.wait_for_reports(sessions as u64)).await.expect("not all sessions ended");
    let begin = Instant::now();
    loop {
        let now = Footprint::now();
        let is_idle = idle
            .zip(now)
            .is_none_or(|(idle, now)| (idle.threads, idle.handles) == (now.threads, now.handles));
        if is_idle || begin.elapsed() > PATIENCE {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn two_hundred(address: impl Fn(&Ingest) -> String, ca: impl Fn(&Ingest) -> Option<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(WallClock(Instant::now()));
    let config = IngestConfig { out_dir: Some(folder.path().to_owned()), ..IngestConfig::default() };
    let ingest = ingest::start(config, Arc::clone(&clock)).await.unwrap();
    let mut destination = Destination::new(address(&ingest).parse().unwrap(), ingest.stream_key());
    destination.ca = ca(&ingest);
    let idle = Footprint::now();
    for _ in 0..WARM_UP {
        stream_once(&destination, &clock).await;
    }
    let before = settled(&ingest, WARM_UP, idle).await;
    for _ in 0..STREAMS {
        stream_once(&destination, &clock).await;
    }
    let after = settled(&ingest, WARM_UP + STREAMS, idle).await;
    if let (Some(idle), Some(before), Some(after)) = (idle, before, after) {
        assert_eq!((after.threads, after.handles), (idle.threads, idle.handles));
        let grown = after.resident_kib.saturating_sub(before.resident_kib);
        assert!(grown <= GROWTH_KIB, "{grown} KiB more: {before:?}, {after:?}");
    }
    let reports = timeout(PATIENCE, ingest.stop()).await.expect("the ingest did not stop");
    assert_eq!(reports.len(), WARM_UP + STREAMS);
    for report in reports {
        assert!(report.said_goodbye && report.ending == Ending::Publisher, "{report:?}");
        assert!(report.video_messages >= 12, "{report:?}");
    }
}

/// The threads that do what blocks go when they have nothing to do, so that those that stay can be counted.
fn run(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).thread_keep_alive(Duration::from_millis(1)).enable_all();
    runtime.build().unwrap().block_on(test);
}

#[test]
fn two_hundred_streams_over_rtmp_leave_nothing_behind() {
    run(two_hundred(|ingest| ingest.addresses().rtmp.clone(), |_| None));
}

#[test]
fn two_hundred_streams_over_rtmps_leave_nothing_behind() {
    run(two_hundred(|ingest| ingest.addresses().rtmps.clone(), |ingest| ingest.addresses().ca_file.clone()));
}
