//! What is confirmed, how soon a dead peer is noticed, how a stream ends and the next one begins, and that stopping
//! means stopping, on real sockets.

use std::time::Duration;

use ertmp::MediaKind;
use net::{Certainty, Ended, Step};
use testkit::SyntheticStream;
use tokio::net::TcpListener;
use units::{Clock, MediaTime, Span, Track, TrackId};

use crate::authority::Authority;
use crate::server::{Manner, Received, Server};
use crate::show::{Show, WallClock, destination};

const CLEAN: Ended = Ended::Stopped { clean: true };
const TOP: Track = Track::Video(TrackId(0));

fn pictures(received: &Received) -> usize {
    let is_picture = |body: &[u8]| matches!(body, [0x93 | 0xa3, ..] | [0x96 | 0xa6, 0x03, ..]);
    received.media.iter().filter(|(kind, _, body)| *kind == MediaKind::Video && is_picture(body)).count()
}

/// Where the system tells it, everything that a peer has is confirmed at the end, over TLS as without.
#[cfg(any(target_os = "linux", windows))]
#[tokio::test(flavor = "multi_thread")]
async fn all_that_arrived_is_confirmed() {
    let authority = Authority::new();
    for tls in [false, true] {
        let acceptor = tls.then(|| authority.issue(&["127.0.0.1"]).acceptor());
        let server = Server::start(Manner::Welcoming, acceptor).await;
        let scheme = if tls { "rtmps" } else { "rtmp" };
        let url = format!("{scheme}://{}/app", server.address);
        let mut show = Show::start(&destination(&url, Some(authority.file())));
        show.accepted().await.unwrap();
        let mut stream = SyntheticStream::ladder(2);
        let config = stream.config();
        show.send(config, &stream.take_span(Span::from_secs(4)));
        assert_eq!(show.finish().await, CLEAN);
        let stats = show.output.stats();
        // Wine 10 has no SIO_TCP_INFO, Windows 10 has; that is told apart in the unit tests of the socket.
        assert!(stats.tcp.is_some() || cfg!(windows), "this system tells");
        let Some(tcp) = stats.tcp else {
            assert_eq!(pictures(&server.received().await), 240);
            continue;
        };
        assert!(tcp.sent >= stats.sent_bytes && tcp.rtt > Span::ZERO, "{tcp:?}");
        let delivered = show.output.deliveries();
        assert!(delivered.iter().all(|run| run.certainty == Certainty::Confirmed), "{delivered:?}");
        assert_eq!(delivered.len(), 3, "a run for each track: {delivered:?}");
        let top = delivered.iter().find(|run| run.track == TOP).unwrap();
        assert_eq!((top.from, top.to.as_millis()), (MediaTime::ZERO, 4_000 - 1));
        assert_eq!(pictures(&server.received().await), 240);
    }
}

/// Both systems' buffers take what they can; then nothing moves, and within seconds that is the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_takes_nothing_more_is_given_up_and_what_it_may_have_is_told_apart() {
    let server = Server::start(Manner::Deaf, None).await;
    let mut show = Show::start(&destination(&format!("rtmp://{}/app", server.address), None));
    show.accepted().await.unwrap();
    let mut stream = SyntheticStream::ladder(3);
    let config = stream.config();
    show.send(config, &stream.take_span(Span::from_secs(60)));
    let failure = Show::expect_failure(show.ended().await);
    assert!(["stalled", "unacknowledged"].contains(&failure.code()), "{failure:?}");
    let delivered = show.output.deliveries();
    let end = |certainty| {
        let of = delivered.iter().filter(|run| run.track == TOP && run.certainty == certainty);
        of.map(|run| run.to).max()
    };
    if cfg!(target_os = "linux") {
        let (confirmed, written) = (end(Certainty::Confirmed).unwrap(), end(Certainty::Written).unwrap());
        assert!(MediaTime::ZERO < confirmed && confirmed < written, "{delivered:?}");
    }
    assert!(end(Certainty::Written) < Some(MediaTime::from_millis(60_000)));
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_renewed_at_a_keyframe_with_one_connection_at_a_time() {
    let first_server = Server::start(Manner::Welcoming, None).await;
    let next_server = Server::start(Manner::Welcoming, None).await;
    let mut stream = SyntheticStream::ladder(2);
    let config = stream.config();
    let mut first = Show::start(&destination(&format!("rtmp://{}/app", first_server.address), None));
    first.accepted().await.unwrap();
    first.send(config.clone(), &stream.take_span(Span::from_millis(3_000)));
    let mut waiting = destination(&format!("rtmp://{}/app", next_server.address), None);
    (waiting.waits, waiting.keep_from_keyframe) = (true, true);
    let mut next = Show::start(&waiting);
    next.output.begin(config);
    first.output.conclude();
    for unit in stream.take_span(Span::from_secs(3)) {
        first.output.send(unit.clone());
        next.output.send(unit);
    }
    assert_eq!(first.ended().await, CLEAN);
    assert_eq!(next.output.stats().step, Step::Waiting);
    next.output.proceed();
    next.accepted().await.unwrap();
    assert_eq!(next.finish().await, CLEAN);
    let (before, after) = (first_server.received().await, next_server.received().await);
    assert!(before.unpublished && before.deleted, "the service was not told that the stream ends");
    assert!(after.unpublished && after.deleted);
    // Four seconds of 30 pictures and two here, of both renditions, and none twice.
    assert_eq!((pictures(&before), pictures(&after)), (240, 120));
}

/// A peer that accepts connections and never says a word: stopping and dropping are over at once all the same.
#[tokio::test(flavor = "multi_thread")]
async fn stopping_is_over_whatever_hangs() {
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = mute.local_addr().unwrap();
    let authority = Authority::new();
    let mut hanging = Vec::new();
    for (scheme, step) in [("rtmp", Step::Greeting), ("rtmps", Step::Securing)] {
        let mut show =
            Show::start(&destination(&format!("{scheme}://{address}/app"), Some(authority.file())));
        show.told(&net::Notice::Step(step)).await;
        hanging.push(mute.accept().await.unwrap());
        let clock = WallClock::start();
        show.output.stop();
        assert_eq!(show.ended().await, CLEAN);
        // The exact bound is proved in virtual time; this one only tells it from the ten seconds of the step.
        assert!(clock.now().as_secs_f64() < 8.0);
    }
    // One that waits has nothing to hang on.
    let mut waiting = destination(&format!("rtmp://{address}/app"), None);
    waiting.waits = true;
    let mut show = Show::start(&waiting);
    show.told(&net::Notice::Step(Step::Waiting)).await;
    show.output.stop();
    assert_eq!(show.ended().await, CLEAN);
}

/// The task that does the sending does not even run here: whoever hands units over neither needs it nor waits for it.
#[test]
fn a_minute_is_taken_while_nothing_is_sent() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::start(Manner::Deaf, None));
    let mut destination = destination(&format!("rtmp://{}/app", server.address), None);
    destination.limits = publish::QueueLimits::default();
    let mut show = runtime.block_on(async {
        let mut show = Show::start(&destination);
        show.accepted().await.unwrap();
        show
    });
    let mut stream = SyntheticStream::ladder(4);
    let config = stream.config();
    show.send(config, &stream.take_span(Span::from_secs(60)));
    let stats = show.output.stats();
    assert!(stats.queue.bytes <= destination.limits.bytes && stats.queue.dropped.units > 1_000, "{stats:?}");
    assert_eq!((stats.rejected, stats.step.is_accepted()), (0, true));
    show.output.stop();
    let ended = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), show.ended()).await });
    assert!(matches!(ended, Ok(Ended::Stopped { .. })), "{ended:?}");
}
