//! An output per stream, two hundred streams in a row, to one rehearsal ingest.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ingest::{Ending, Ingest, IngestConfig, SrtDoor};
use ivs::Protocol;
use net::{Destination, Ended, Notice};
use testkit::{Footprint, SyntheticStream};
use tokio::runtime::Handle;
use tokio::time::timeout;
use units::{Clock, MediaTime, Secret, Span};

/// Streams that are measured.
const STREAMS: usize = 200;
/// Streams before that, which fill caches, start workers, and let libraries find their size.
const WARM_UP: usize = 40;
/// What libraries keep for themselves once they have been used. A stream that leaves one behind leaves two hundred.
const KEPT_HANDLES: usize = 1;
/// What the process may keep of each stream: the ingest's report is some kilobytes. A clip that was not let go of is a
/// hundred.
const KEPT_KIB_PER_STREAM: u64 = 8;
/// Of SRT: nothing is lost on loopback, and each stream waits so long for that.
const LATENCY: Span = Span::from_millis(40);
const PASSPHRASE: &str = "endurance-passphrase";
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

async fn two_hundred(destination: impl Fn(&Ingest) -> Destination) {
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(WallClock(Instant::now()));
    let config = IngestConfig {
        out_dir: Some(folder.path().to_owned()),
        srt: Some(SrtDoor { port: 0, passphrase: Some(Secret::new(PASSPHRASE)), latency: LATENCY }),
        ..IngestConfig::default()
    };
    let ingest = ingest::start(config, Arc::clone(&clock)).await.unwrap();
    let destination = destination(&ingest);
    let idle = Footprint::now().and_then(Footprint::settled);
    // The next stream begins when the ingest has seen the end of the last one, which frees the channel.
    let over = async |sessions: usize| {
        timeout(PATIENCE, ingest.wait_for_reports(sessions as u64)).await.expect("a session did not end")
    };
    for round in 0..WARM_UP {
        stream_once(&destination, &clock).await;
        over(round + 1).await;
    }
    let settled = || {
        let idle = idle?;
        Footprint::settled(Footprint { handles: idle.handles + KEPT_HANDLES, ..idle })
    };
    let before = settled();
    for round in 0..STREAMS {
        stream_once(&destination, &clock).await;
        over(WARM_UP + round + 1).await;
    }
    if let (Some(idle), Some(before), Some(after)) = (idle, before, settled()) {
        let all = format!("{idle:?}, {before:?}, {after:?}");
        assert!(after.threads <= idle.threads, "{all}");
        assert!(after.handles <= idle.handles + KEPT_HANDLES, "{all}");
        let kept_kib = after.held_kib.saturating_sub(before.held_kib);
        assert!(kept_kib <= KEPT_KIB_PER_STREAM * STREAMS as u64, "{kept_kib} KiB more: {all}");
    }
    let reports = timeout(PATIENCE, ingest.stop()).await.expect("the ingest did not stop");
    assert_eq!(reports.len(), WARM_UP + STREAMS);
    for report in reports {
        assert!(report.video_messages >= 12, "{report:?}");
        // SRT has no word for it.
        let is_srt = report.protocol == Protocol::Srt;
        assert!(is_srt || report.said_goodbye && report.ending == Ending::Publisher, "{report:?}");
    }
}

/// The threads that do what blocks go when they have nothing to do, so that those that stay can be counted.
fn run(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).thread_keep_alive(Duration::from_millis(1)).enable_all();
    runtime.build().unwrap().block_on(test);
}

fn destination(address: &str, ingest: &Ingest) -> Destination {
    let mut destination = Destination::new(address.parse().unwrap(), ingest.stream_key());
    destination.srt_latency = Some(LATENCY);
    destination.ca.clone_from(&ingest.addresses().ca_file);
    destination
}

#[test]
fn two_hundred_streams_over_rtmp_leave_nothing_behind() {
    run(two_hundred(|ingest| destination(&ingest.addresses().rtmp, ingest)));
}

#[test]
fn two_hundred_streams_over_rtmps_leave_nothing_behind() {
    run(two_hundred(|ingest| destination(&ingest.addresses().rtmps, ingest)));
}

#[test]
fn two_hundred_streams_over_srt_leave_nothing_behind() {
    run(two_hundred(|ingest| {
        let address = format!("{}?passphrase={PASSPHRASE}", ingest.addresses().srt.as_ref().unwrap());
        destination(&address, ingest)
    }));
}
