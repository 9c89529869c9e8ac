//! The connection under a session: lines in, octets out, in clear or under TLS.
//!
//! Unread octets live here as long as the connection does, so that a group of commands in one
//! segment is neither lost nor mistaken for patience.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// Command lines may have 512 octets, some more with extensions; ours may have plenty.
const LINE_OCTETS_MAX: usize = 8_192;

/// Octets asked for at a time: commands are short.
const READ_OCTETS: usize = 1_024;

/// How long an ended connection waits for the client to close, so that no reset eats the reply.
const LINGER: Duration = Duration::from_secs(2);

pub(crate) struct Wire {
    stream: Stream,
    unread: Vec<u8>,
}

enum Stream {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// While a handshake has the connection, and after one failed.
    Gone,
}

/// A line, or why there is none.
#[derive(Debug, PartialEq)]
pub(crate) enum Line {
    /// Without its line end; `clean` when that was CRLF and no NUL is in it.
    Read {
        octets: Vec<u8>,
        clean: bool,
    },
    TooLong,
    Closed,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream: Stream::Clear(stream),
            unread: Vec::new(),
        }
    }

    pub(crate) async fn read_line(&mut self) -> io::Result<Line> {
        loop {
            if let Some(at) = self.unread.iter().position(|&octet| octet == b'\n') {
                let mut octets: Vec<u8> = self.unread.drain(..=at).collect();
                octets.pop();
                let crlf = octets.last() == Some(&b'\r');
                if crlf {
                    octets.pop();
                }
                let clean = crlf && !octets.contains(&0) && !octets.contains(&b'\r');
                return Ok(Line::Read { octets, clean });
            }
            if self.unread.len() > LINE_OCTETS_MAX {
                return Ok(Line::TooLong);
            }
            if self.fill().await? == 0 {
                return Ok(Line::Closed);
            }
        }
    }

    /// What the client has sent already, without waiting for more.
    pub(crate) async fn sent_ahead(&mut self) -> &[u8] {
        loop {
            let enough = self.unread.len() > LINE_OCTETS_MAX;
            let mut fill = pin!(self.fill());
            let read = poll_fn(|context| match fill.as_mut().poll(context) {
                Poll::Ready(Ok(count)) => Poll::Ready(count),
                Poll::Ready(Err(_)) | Poll::Pending => Poll::Ready(0),
            });
            if enough || read.await == 0 {
                break;
            }
        }
        &self.unread
    }

    /// Forgets what was sent ahead, as a server must before TLS; says whether there was any.
    pub(crate) fn drop_unread(&mut self) -> bool {
        let any = !self.unread.is_empty();
        self.unread.clear();
        any
    }

    /// Waits until the client says something, whatever it is.
    pub(crate) async fn hear(&mut self) -> io::Result<()> {
        self.fill().await.map(drop)
    }

    /// Cancelling it loses nothing: octets are either here or still in the socket.
    async fn fill(&mut self) -> io::Result<usize> {
        self.unread.reserve(READ_OCTETS);
        match &mut self.stream {
            Stream::Clear(stream) => stream.read_buf(&mut self.unread).await,
            Stream::Tls(stream) => stream.read_buf(&mut self.unread).await,
            Stream::Gone => Ok(0),
        }
    }

    pub(crate) async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Clear(stream) => stream.write_all(octets).await,
            Stream::Tls(stream) => {
                stream.write_all(octets).await?;
                stream.flush().await
            }
            Stream::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Gives the connection to a handshake; until `set_tls` nothing can be read or written.
    pub(crate) fn take_clear(&mut self) -> Option<TcpStream> {
        match std::mem::replace(&mut self.stream, Stream::Gone) {
            Stream::Clear(stream) => Some(stream),
            other => {
                self.stream = other;
                None
            }
        }
    }

    pub(crate) fn set_tls(&mut self, stream: TlsStream<TcpStream>) {
        self.stream = Stream::Tls(Box::new(stream));
    }

    /// Reads and forgets until the client closes.
    pub(crate) async fn outwait(&mut self) {
        loop {
            self.unread.clear();
            match self.fill().await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }

    /// Ends our side in an orderly way and gives the client a moment to do the same.
    pub(crate) async fn close(&mut self) {
        let closed = match &mut self.stream {
            Stream::Clear(stream) => stream.shutdown().await,
            Stream::Tls(stream) => stream.shutdown().await,
            Stream::Gone => return,
        };
        if closed.is_ok() {
            let _ = tokio::time::timeout(LINGER, self.outwait()).await;
        }
        self.stream = Stream::Gone;
    }

    /// Breaks the connection: the client gets a TCP reset.
    pub(crate) fn reset(&mut self) {
        let socket = match &self.stream {
            Stream::Clear(stream) => Some(stream),
            Stream::Tls(stream) => Some(stream.get_ref().0),
            Stream::Gone => None,
        };
        if let Some(socket) = socket {
            // If the option cannot be set the client sees an orderly close, which is near enough.
            let _ = socket.set_zero_linger();
        }
        self.stream = Stream::Gone;
    }
}
