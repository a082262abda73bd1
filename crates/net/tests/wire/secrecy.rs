//! A known key goes through every path, and is looked for in everything that was written.

use std::io::Write;
use std::sync::{Arc, Mutex};

use net::Ended;
use testkit::SyntheticStream;
use tracing_subscriber::fmt::MakeWriter;
use units::Span;

use crate::authority::Authority;
use crate::server::{Manner, Server};
use crate::show::{KEY, Show, destination};

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// On one thread, so that the log of this test is that of the whole of it.
#[tokio::test]
async fn the_stream_key_is_in_no_log_and_no_message() {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let authority = Authority::new();
    let identity = authority.issue(&["localhost"]);
    let mut written = String::new();
    for (manner, ca) in [
        (Manner::Welcoming, Some(authority.file())),
        (Manner::Refusing, Some(authority.file())),
        (Manner::Leaving, Some(authority.file())),
        (Manner::Welcoming, None),
    ] {
        let server = Server::start(manner, Some(identity.acceptor())).await;
        let url = format!("rtmps://localhost:{}/app/{KEY}?priority=7", server.address.port());
        let destination = destination(&url, ca);
        written += &format!("{destination:?}{}", destination.address);
        let mut show = Show::start(&destination);
        if show.accepted().await.is_ok() {
            let mut stream = SyntheticStream::single();
            show.send(stream.config(), &stream.take_span(Span::from_secs(1)));
            show.finish().await;
        }
        let ended = show.ended().await;
        if let Ended::Failed(failure) = &ended {
            written += &format!("{failure}{}{}", failure.done(), failure.advice());
        }
        written += &format!("{ended:?}{:?}{:?}", show.notices, show.output.stats());
    }
    let log = log.text();
    assert!(log.contains("output failed"), "the log was not caught: {log}");
    written += &log;
    assert!(!written.contains("Q9xYz"), "{written}");
}
