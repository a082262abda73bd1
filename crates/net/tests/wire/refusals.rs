//! What a server can say no to, and at which moment; and its wish that the publisher moves.

use net::{Ended, Notice, Stage};
use testkit::SyntheticStream;
use units::Span;

use crate::server::{ELSEWHERE, Manner, Server};
use crate::show::{Show, destination};

async fn show_to(manner: Manner) -> (Server, Show) {
    let server = Server::start(manner, None).await;
    let show = Show::start(&destination(&format!("rtmp://{}/app", server.address), None));
    (server, show)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connect_ends_before_anything_is_published() {
    let (server, mut show) = show_to(Manner::Closed).await;
    let failure = Show::expect_failure(show.accepted().await.unwrap_err());
    assert_eq!((failure.code(), failure.stage), ("refused_by_service", Stage::Publish));
    assert!(failure.is_refusal() && failure.happened().contains("The channel is closed."), "{failure}");
    let received = server.received().await;
    assert_eq!((received.stream_name.as_str(), received.media.len()), ("", 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_of_a_refused_takeover_arrives() {
    let (server, mut show) = show_to(Manner::Outbidding).await;
    let failure = Show::expect_failure(show.accepted().await.unwrap_err());
    assert!(failure.is_refusal() && failure.happened().contains("a higher priority"), "{failure}");
    assert!(format!("{:?}", failure.cause).contains("StreamTakeoverInvalidPriority"), "{failure:?}");
    assert_eq!(server.received().await.media.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_is_thrown_out_learns_why() {
    let (_server, mut show) = show_to(Manner::Ejecting).await;
    show.accepted().await.unwrap();
    let mut stream = SyntheticStream::single();
    show.send(stream.config(), &stream.take_span(Span::from_secs(2)));
    let failure = Show::expect_failure(show.ended().await);
    assert_eq!((failure.code(), failure.stage), ("ended_by_service", Stage::Live));
    assert!(failure.happened().contains("Somebody else is on air."), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_to_move_is_told_and_the_stream_goes_on() {
    let server = Server::start(Manner::Moving, None).await;
    let mut destination = destination(&format!("rtmp://{}/app", server.address), None);
    // Who speaks no Enhanced RTMP is not asked.
    destination.multitrack = true;
    let mut show = Show::start(&destination);
    show.accepted().await.unwrap();
    let mut stream = SyntheticStream::single();
    let units = stream.take_span(Span::from_secs(3));
    show.send(stream.config(), &units);
    show.told(&Notice::ReconnectRequested { tc_url: Some(String::from(ELSEWHERE)) }).await;
    assert_eq!(show.finish().await, Ended::Stopped { clean: true });
    let received = server.received().await;
    assert!(received.unpublished);
    assert!(received.media.len() >= units.len(), "{} of {}", received.media.len(), units.len());
}
