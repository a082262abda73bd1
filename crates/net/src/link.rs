//! A connection, encrypted or not, and the bytes under way on it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::socket::{self, Probe};

/// First bytes of the peer that are kept, to recognise who answered: a status line fits.
const KEPT_BYTES: usize = 64;

/// A TCP connection that remembers the first bytes that came in, and counts those that went out.
pub(crate) struct Overheard {
    stream: TcpStream,
    first: Vec<u8>,
    sent: Arc<AtomicU64>,
}

impl Overheard {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, first: Vec::with_capacity(KEPT_BYTES), sent: Arc::default() }
    }

    /// Something to ask the system about this connection with, whoever owns it later.
    pub(crate) fn probe(&self) -> Option<Probe> {
        Probe::new(&self.stream, Arc::clone(&self.sent))
    }

    fn count(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            socket::count(&self.sent, *bytes);
        }
    }

    pub(crate) fn first(&self) -> &[u8] {
        &self.first
    }
}

impl AsyncRead for Overheard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        let room = KEPT_BYTES.saturating_sub(self.first.len());
        if room > 0 {
            let fresh = buf.filled().get(before..).unwrap_or_default();
            self.first.extend(fresh.iter().take(room));
        }
        result
    }
}

impl AsyncWrite for Overheard {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.count(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.count(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A connection that RTMP can be spoken on.
pub(crate) enum Stream {
    Plain(Overheard),
    Tls(Box<TlsStream<Overheard>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// The sending side: one piece at a time.
pub(crate) struct Writer {
    half: WriteHalf<Stream>,
    piece: Vec<u8>,
    at: usize,
    /// Bytes taken by the stream that may still be in the TLS layer's own buffer.
    unflushed: usize,
}

impl Writer {
    pub(crate) fn new(half: WriteHalf<Stream>) -> Self {
        Self { half, piece: Vec::new(), at: 0, unflushed: 0 }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.at >= self.piece.len() && self.unflushed == 0
    }

    /// Takes the next piece; only while idle.
    pub(crate) fn load(&mut self, piece: Vec<u8>) {
        self.piece = piece;
        self.at = 0;
    }

    /// Writes some of the piece. Returns the bytes that have reached the system's socket. May be dropped and called
    /// again at any time without losing or repeating a byte.
    pub(crate) async fn step(&mut self) -> io::Result<usize> {
        if self.unflushed == 0 {
            let rest = self.piece.get(self.at..).unwrap_or_default();
            let written = self.half.write(rest).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.at += written;
            self.unflushed = written;
        }
        self.half.flush().await?;
        Ok(std::mem::take(&mut self.unflushed))
    }

    /// Says that nothing more will come.
    pub(crate) async fn shutdown(&mut self) -> io::Result<()> {
        self.half.shutdown().await
    }
}
