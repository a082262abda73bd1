//! A network check against the server half of our own protocol crate.

use std::sync::Arc;
use std::time::{Duration, Instant};

use net::{
    CheckClip, CheckConfig, CheckFailure, CheckPhase, ClipError, Error, Failure, Stage, check_network,
};
use testkit::SyntheticStream;
use tokio::runtime::Handle;
use tokio::time::timeout;
use units::{Clock, Kbps, MediaTime, Span};

use crate::server::{Manner, Server};
use crate::show::{KEY, destination};

/// Far beyond what anything here takes on the slowest machine: a hang becomes a failure.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many seconds of media pass in one.
const HASTE: i64 = 8;

/// A clock in a hurry, so that a check of seconds is over in less.
struct HastyClock(Instant);

impl Clock for HastyClock {
    fn now(&self) -> MediaTime {
        MediaTime::from_nanos(Span::from_duration(self.0.elapsed()).as_nanos() * HASTE)
    }
}

fn clock() -> Arc<HastyClock> {
    Arc::new(HastyClock(Instant::now()))
}

fn config(server: &Server, test_argument: bool) -> CheckConfig {
    let mut stream = SyntheticStream::single();
    let clip = CheckClip { config: stream.config(), units: stream.take_span(Span::from_secs(2)) };
    let destination = destination(&format!("rtmp://{}/app", server.address), None);
    CheckConfig { destination, test_argument, ceiling: Kbps(6_000), lasting: Span::from_secs(4), clip }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_sends_a_valid_stream_and_recommends_two_thirds_of_what_got_through() {
    let server = Server::start(Manner::Welcoming, None).await;
    let check = check_network(&Handle::current(), config(&server, true), clock()).unwrap();
    let found = timeout(PATIENCE, check.wait()).await.expect("it ends").unwrap().unwrap();
    assert!(found.carries > Kbps(0), "{found:?}");
    assert_eq!(found.recommended_total.0, found.carries.0 * 2 / 3);
    let progress = check.progress();
    assert_eq!((progress.phase, progress.fraction), (CheckPhase::Done, 1.0));
    let received = server.received().await;
    assert_eq!(received.stream_name, format!("{KEY}?bandwidthtest=1"));
    assert!(received.deleted && received.unpublished, "it ends in good order");
    assert!(received.media.len() > 100, "{}", received.media.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_test_argument_is_sent_only_when_asked_for() {
    let server = Server::start(Manner::Welcoming, None).await;
    let check = check_network(&Handle::current(), config(&server, false), clock()).unwrap();
    while check.progress().rate == Kbps(0) {
        tokio::task::yield_now().await;
    }
    check.cancel();
    assert_eq!(check.outcome(), Some(Err(CheckFailure::Cancelled)));
    let received = timeout(PATIENCE, server.received()).await.expect("the stream ends");
    assert_eq!(received.stream_name, KEY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_told_as_for_a_stream() {
    let server = Server::start(Manner::Refusing, None).await;
    let check = check_network(&Handle::current(), config(&server, true), clock()).unwrap();
    let outcome = timeout(PATIENCE, check.wait()).await.expect("it ends").unwrap();
    let Err(CheckFailure::Connection(Failure { stage, .. })) = &outcome else { panic!("{outcome:?}") };
    assert_eq!(*stage, Stage::Publish);
    assert!(!format!("{outcome:?}").contains(KEY), "{outcome:?}");
}

#[tokio::test]
async fn a_clip_that_can_not_be_sent_is_refused_before_anything_is_sent() {
    let server = Server::start(Manner::Welcoming, None).await;
    let config = CheckConfig { clip: CheckClip::default(), ..config(&server, true) };
    let refused = check_network(&Handle::current(), config, clock()).err();
    assert!(matches!(refused, Some(Error::Clip(ClipError::Rendition))), "{refused:?}");
}

#[tokio::test]
async fn what_nobody_shall_see_is_not_sent_where_viewers_would() {
    let server = Server::start(Manner::Welcoming, None).await;
    let mut config = config(&server, true);
    config.destination.address = "srt://127.0.0.1:9000".parse().unwrap();
    let refused = check_network(&Handle::current(), config, clock()).err();
    assert!(matches!(refused, Some(Error::TestNeedsRtmp)), "{refused:?}");
}
