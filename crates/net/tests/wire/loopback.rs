//! Against our own server half: what arrives, and what failures look like.

use ertmp::MediaKind;
use ertmp::flv::{self, Form, FourCc, Timeline};
use net::{Ended, Fault, Stage};
use testkit::SyntheticStream;
use tokio::net::TcpSocket;
use units::{Clock, Dts, Secret, Span, StreamConfig, Track};

use crate::authority::Authority;
use crate::server::{Manner, Server, parrot};
use crate::show::{self, KEY, Show, WallClock, destination};

const CLEAN: Ended = Ended::Stopped { clean: true };

/// Streams three renditions and sound to `url`, and compares every message.
async fn arrives(url: &str, authority: Option<&Authority>, server: Server, form: Form) {
    let mut stream = SyntheticStream::ladder(3);
    let config = stream.config();
    let units = stream.take_span(Span::from_secs(3));
    let mut destination = destination(url, authority.map(Authority::file));
    destination.primary_form = Some(form);
    assert_eq!(show::whole(&destination, config.clone(), &units).await, CLEAN);
    let received = server.received().await;
    assert_eq!(received.stream_name, KEY);
    assert!(received.unpublished && received.deleted);

    let mut expected: Vec<(MediaKind, u32, Vec<u8>)> = headers(&config, form);
    let timeline = Timeline::new(Dts::ZERO);
    for unit in &units {
        let timestamp = timeline.timestamp_ms(unit.dts);
        expected.push(match unit.track {
            Track::Video(_) => {
                (MediaKind::Video, timestamp, flv::coded_frame(unit, FourCc::AVC, form).unwrap())
            }
            Track::Audio(_) => {
                (MediaKind::Audio, timestamp, flv::coded_frame(unit, FourCc::AAC, Form::Legacy).unwrap())
            }
        });
    }
    let arrived: Vec<_> = received.media.iter().take(expected.len()).cloned().collect();
    assert_eq!(arrived.len(), expected.len());
    for (at, (arrived, expected)) in arrived.iter().zip(&expected).enumerate() {
        assert!(arrived == expected, "message {at} differs");
    }
    // Behind the last picture come only the ends of tracks that have one.
    let ends = if form == Form::Enhanced { 3 } else { 2 };
    assert_eq!(received.media.len(), expected.len() + ends);
}

fn headers(config: &StreamConfig, form: Form) -> Vec<(MediaKind, u32, Vec<u8>)> {
    let sound = config
        .audio
        .iter()
        .map(|audio| (MediaKind::Audio, 0, flv::sequence_start_audio(audio, Form::Legacy).unwrap()));
    let pictures = config
        .video
        .iter()
        .map(|video| (MediaKind::Video, 0, flv::sequence_start_video(video, form).unwrap()));
    let colours = config.video.iter().filter_map(|video| flv::colour_info(video, form).unwrap());
    let colours = colours.map(|body| (MediaKind::Video, 0, body));
    sound.chain(pictures).chain(colours).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_arrives_over_rtmp() {
    for form in [Form::Legacy, Form::Enhanced] {
        let server = Server::start(Manner::Welcoming, None).await;
        let url = format!("rtmp://{}/app", server.address);
        arrives(&url, None, server, form).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_moves_from_one_server_to_another_at_a_keyframe() {
    let (old_server, new_server) =
        (Server::start(Manner::Welcoming, None).await, Server::start(Manner::Welcoming, None).await);
    let mut stream = SyntheticStream::ladder(2);
    let config = stream.config();
    let old_destination = destination(&format!("rtmp://{}/app", old_server.address), None);
    let mut old = Show::start(&old_destination);
    old.accepted().await.unwrap();
    // The service asks in the middle of a group of pictures.
    old.send(config.clone(), &stream.take_span(Span::from_millis(3_000)));
    let mut new_destination =
        old_destination.moved_to(&format!("rtmp://{}/app", new_server.address)).unwrap();
    new_destination.keep_from_keyframe = true;
    let mut new = Show::start(&new_destination);
    new.output.begin(config);
    old.output.depart();
    for unit in stream.take_span(Span::from_secs(3)) {
        old.output.send(unit.clone());
        new.output.send(unit);
    }
    assert_eq!(old.ended().await, Ended::Departed);
    new.accepted().await.unwrap();
    assert_eq!(new.finish().await, CLEAN);
    let (before, after) = (old_server.received().await, new_server.received().await);
    assert!(!before.unpublished && !before.deleted, "the end was signalled where the stream goes on");
    assert!(after.unpublished && after.deleted);
    assert_eq!(after.stream_name, KEY);
    // Four seconds of 30 pictures and two here, of both renditions, and none twice.
    let pictures = |received: &crate::server::Received| {
        let is_picture = |body: &[u8]| matches!(body, [0x93 | 0xa3, ..] | [0x96 | 0xa6, 0x03, ..]);
        received.media.iter().filter(|(kind, _, body)| *kind == MediaKind::Video && is_picture(body)).count()
    };
    assert_eq!((pictures(&before), pictures(&after)), (240, 120));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_arrives_over_rtmps_by_name_and_by_address() {
    let authority = Authority::new();
    let identity = authority.issue(&["localhost", "127.0.0.1"]);
    for host in ["localhost", "127.0.0.1"] {
        let server = Server::start(Manner::Welcoming, Some(identity.acceptor())).await;
        let url = format!("rtmps://{host}:{}/app", server.address.port());
        arrives(&url, Some(&authority), server, Form::Legacy).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_does_not_hold_gets_no_stream_key() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let cases = [
        (None, authority.issue(&["localhost"]), "tls_untrusted_issuer"),
        (Some(&stranger), authority.issue(&["localhost"]), "tls_untrusted_issuer"),
        (Some(&authority), authority.issue(&["elsewhere.example"]), "tls_wrong_name"),
        (Some(&authority), authority.issue_expired(&["localhost"]), "tls_certificate_expired"),
    ];
    for (trusted, identity, code) in cases {
        let server = Server::start(Manner::Welcoming, Some(identity.acceptor())).await;
        let url = format!("rtmps://localhost:{}/app", server.address.port());
        let mut show = Show::start(&destination(&url, trusted.map(Authority::file)));
        let failure = Show::expect_failure(show.accepted().await.unwrap_err());
        assert_eq!((failure.stage, failure.code()), (Stage::Tls, code));
        assert_eq!(failure.done(), "We closed the connection before the stream key was sent.");
        if code == "tls_wrong_name" {
            assert_eq!(
                failure.happened(),
                "The certificate shown for localhost belongs to elsewhere.example."
            );
        }
        assert_eq!(server.received().await.bytes, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_answers_in_http_is_called_one() {
    const ANSWER: &[u8] = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
    for (scheme, code, stage) in [("rtmp", "not_rtmp", Stage::Handshake), ("rtmps", "not_tls", Stage::Tls)] {
        let url = format!("{scheme}://{}/app", parrot(ANSWER).await);
        let mut show = Show::start(&destination(&url, Some(Authority::new().file())));
        let failure = Show::expect_failure(show.accepted().await.unwrap_err());
        assert_eq!((failure.code(), failure.stage, failure.fault()), (code, stage, Fault::Network));
        assert!(failure.happened().ends_with("answered like a web server (HTTP 407)."), "{failure}");
        assert!(failure.advice().starts_with("A proxy or the sign-in page"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_rtmp_to_a_tls_port_and_the_other_way_round() {
    let authority = Authority::new();
    let server = Server::start(Manner::Welcoming, Some(authority.issue(&["127.0.0.1"]).acceptor())).await;
    let mut show = Show::start(&destination(&format!("rtmp://{}/app", server.address), None));
    let failure = Show::expect_failure(show.accepted().await.unwrap_err());
    assert_eq!(
        (failure.code(), failure.advice()),
        ("not_rtmp", "Use rtmps:// instead of rtmp:// for this port.")
    );

    // An RTMP server takes a TLS greeting for a wrong version of RTMP, and ours hangs up.
    let address = parrot(&[3, 0, 0, 0, 0, 0, 0, 0]).await;
    let mut show = Show::start(&destination(&format!("rtmps://{address}/app"), Some(authority.file())));
    let failure = Show::expect_failure(show.accepted().await.unwrap_err());
    assert_eq!((failure.code(), failure.stage), ("not_tls", Stage::Tls));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_without_tls_1_2_is_refused() {
    // A fatal alert, protocol_version (RFC 8446, 6.2): how servers that only know older versions answer.
    let address = parrot(&[21, 3, 1, 0, 2, 2, 70]).await;
    let mut show =
        Show::start(&destination(&format!("rtmps://{address}/app"), Some(Authority::new().file())));
    let failure = Show::expect_failure(show.accepted().await.unwrap_err());
    assert_eq!((failure.code(), failure.stage), ("tls_refused", Stage::Tls));
    assert!(failure.happened().contains("ProtocolVersion"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there() {
    // Bound and not listening: nobody else can take the port, and whoever connects is refused.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    // `localhost` may have two addresses; both refuse.
    for host in ["127.0.0.1", "localhost"] {
        let mut show = Show::start(&destination(&format!("rtmp://{host}:{port}/app"), None));
        let failure = Show::expect_failure(show.accepted().await.unwrap_err());
        assert_eq!((failure.code(), failure.stage), ("connect_refused", Stage::Connect));
        assert_eq!(failure.happened(), format!("{host} refused the connection on port {port}."));
    }
    // RFC 6761, 6.4: this name never exists. A machine without a name service can not tell.
    let mut show = Show::start(&destination("rtmps://ingest.invalid/app", None));
    let failure = Show::expect_failure(show.accepted().await.unwrap_err());
    assert_eq!(failure.stage, Stage::Name, "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_the_person_in_the_services_words() {
    let server = Server::start(Manner::Refusing, None).await;
    let mut show = Show::start(&destination(&format!("rtmp://{}/app", server.address), None));
    let failure = Show::expect_failure(show.accepted().await.unwrap_err());
    assert_eq!(
        failure.happened(),
        "The service refused the stream: ••• is in use (NetStream.Publish.BadName)."
    );
    assert!(failure.is_refusal());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_leaves_is_noticed_at_once() {
    let server = Server::start(Manner::Leaving, None).await;
    let mut show = Show::start(&destination(&format!("rtmp://{}/app", server.address), None));
    show.accepted().await.unwrap();
    let failure = Show::expect_failure(show.ended().await);
    assert_eq!((failure.code(), failure.stage), ("closed_by_peer", Stage::Live));
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_does_not_wait_for_a_peer_that_reads_nothing() {
    let server = Server::start(Manner::Deaf, None).await;
    let mut show = Show::start(&destination(&format!("rtmp://{}/app", server.address), None));
    show.accepted().await.unwrap();
    // More than the buffers of both systems hold.
    let mut stream = SyntheticStream::ladder(3);
    let config = stream.config();
    show.send(config, &stream.take_span(Span::from_secs(60)));
    let clock = WallClock::start();
    show.output.stop();
    assert_eq!(show.ended().await, Ended::Stopped { clean: false });
    // The exact bound is proved in virtual time; this one only tells it from the ten seconds of a stall.
    assert!(clock.now().as_secs_f64() < 8.0);
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_never_waits_for_the_network() {
    let server = Server::start(Manner::Deaf, None).await;
    let mut destination = destination(&format!("rtmp://{}/app", server.address), None);
    destination.limits = publish::QueueLimits::default();
    let mut show = Show::start(&destination);
    show.accepted().await.unwrap();
    let mut stream = SyntheticStream::ladder(3);
    let config = stream.config();
    // On a thread without a runtime, as encoders are; an await in there could not even be written.
    let units = stream.take_span(Span::from_secs(60));
    tokio::task::block_in_place(|| show.send(config, &units));
    let stats = show.output.stats();
    assert!(stats.queue.dropped.units > 1_000, "{stats:?}");
    drop(server);
    show.output.stop();
    show.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_from_the_start_is_said_at_the_start() {
    let runtime = tokio::runtime::Handle::current();
    let start = |destination: &net::Destination| {
        net::start(&runtime, destination, WallClock::start()).err().map(|error| error.to_string())
    };
    let good = destination("rtmps://127.0.0.1:1/app", None);
    let mut no_key = good.clone();
    no_key.key = Secret::new("");
    assert!(start(&no_key).unwrap().starts_with("there is no stream key"));
    let mut priority = good.clone();
    priority.priority = Some(0);
    assert!(start(&priority).unwrap().contains("priority"));
    let mut ca = good;
    ca.ca = Some("/nonexistent/ca.pem".into());
    assert_eq!(start(&ca).unwrap(), "the CA file /nonexistent/ca.pem can not be read: entity not found");
}
