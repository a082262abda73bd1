//! A server of our own for one connection, on a free port of loopback.

use std::net::SocketAddr;

use ertmp::amf0::Value;
use ertmp::{MediaKind, RANDOM_BYTES, ServerConfig, ServerEvent, ServerSession};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What the server does with its one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Welcoming,
    /// Refuses `publish`, and repeats the stream name in its words, as servers do.
    Refusing,
    /// Accepts, then reads nothing more and keeps the connection.
    Deaf,
    /// Accepts, then hangs up.
    Leaving,
    /// Refuses `connect`.
    Closed,
    /// Refuses `publish` because of the priority in the stream name.
    Outbidding,
    /// Accepts, and asks to move to [`ELSEWHERE`] once the first media has come.
    Moving,
    /// Accepts, and throws the publisher out once the first media has come.
    Ejecting,
}

/// Where [`Manner::Moving`] asks to move to.
pub(crate) const ELSEWHERE: &str = "//127.0.0.1:1/app";

/// What came in.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) media: Vec<(MediaKind, u32, Vec<u8>)>,
    pub(crate) metadata: Vec<Value>,
    pub(crate) stream_name: String,
    pub(crate) unpublished: bool,
    pub(crate) deleted: bool,
    pub(crate) bytes: usize,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    task: JoinHandle<Received>,
}

impl Server {
    pub(crate) async fn start(manner: Manner, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            match tls {
                None => serve(stream, manner).await,
                // The client may well turn away here.
                Some(acceptor) => match acceptor.accept(stream).await {
                    Ok(stream) => serve(stream, manner).await,
                    Err(_) => Received::default(),
                },
            }
        });
        Self { address, task }
    }

    /// What had come in when the client was gone.
    pub(crate) async fn received(mut self) -> Received {
        (&mut self.task).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, manner: Manner) -> Received {
    let mut session = ServerSession::new(ServerConfig::default(), &[5; RANDOM_BYTES]);
    let mut received = Received::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let bytes = match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return received,
            Ok(bytes) => bytes,
        };
        received.bytes += bytes;
        session.handle_input(&buffer[..bytes]).unwrap();
        let mut over = None;
        while let Some(event) = session.poll_event() {
            match event {
                ServerEvent::Connect(_) if manner == Manner::Closed => {
                    session
                        .refuse_connect("NetConnection.Connect.Rejected", "The channel is closed.")
                        .unwrap();
                }
                ServerEvent::Connect(_) => session.accept_connect().unwrap(),
                ServerEvent::Publish { stream_name, .. } => {
                    received.stream_name = String::from(stream_name.expose());
                    let refusal = match manner {
                        Manner::Refusing => Some(format!("{} is in use", stream_name.expose())),
                        Manner::Outbidding => {
                            Some(String::from("[StreamTakeoverInvalidPriority] A higher priority is in use."))
                        }
                        _ => None,
                    };
                    if let Some(text) = refusal {
                        session.refuse_publish("NetStream.Publish.BadName", &text).unwrap();
                    } else {
                        session.accept_publish().unwrap();
                        over = Some(manner);
                    }
                }
                ServerEvent::Media { kind, timestamp_ms, body } => {
                    if received.media.is_empty() {
                        match manner {
                            Manner::Moving => {
                                session.request_reconnect(Some(ELSEWHERE), "Maintenance.").unwrap();
                            }

                            Manner::Ejecting => {
                                session
                                    .kick("NetStream.Publish.Rejected", "Somebody else is on air.")
                                    .unwrap();
                            }
                            _ => {}
                        }
                    }
                    received.media.push((kind, timestamp_ms, body));
                }
                ServerEvent::Metadata { value, .. } => received.metadata.push(value),
                ServerEvent::FcUnpublish { .. } => received.unpublished = true,
                ServerEvent::DeleteStream { .. } => received.deleted = true,
                _ => {}
            }
        }
        while let Some(bytes) = session.poll_output() {
            if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
                return received;
            }
        }
        match over {
            Some(Manner::Deaf) => std::future::pending().await,
            Some(Manner::Leaving) => return received,
            _ => {}
        }
    }
}

/// A server that answers everything with `answer`, whatever it is asked.
pub(crate) async fn parrot(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        let asked = stream.read(&mut buffer).await.unwrap();
        assert!(asked > 0);
        stream.write_all(answer).await.unwrap();
        // Until the client is gone, so that what it reads is the answer and not a reset.
        while stream.read(&mut buffer).await.is_ok_and(|bytes| bytes > 0) {}
    });
    address
}
