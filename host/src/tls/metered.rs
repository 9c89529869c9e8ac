//! A bound on what TLS may carry beside text.
//!
//! What comes out of TLS is bounded by the session. What goes in is not: a server can send tickets,
//! key updates and alerts for as long as it likes, or put every letter into a record of its own,
//! and nothing of it ever reaches the session. The library bounds single messages and some of
//! their kinds (64 KiB a handshake message; one HelloRequest, 32 key updates and 4 warnings in a
//! row), but not their sum.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Octets of TLS at most that are not text of the server: handshake, tickets, alerts, framing. A
/// session's 96 KiB of text with one octet to a record take 2.2 MiB of it, and no server but a
/// hostile one comes near that.
pub const TLS_OVERHEAD_MAX: u64 = 4 * 1024 * 1024;

/// How many octets of a connection were TLS and no text. Clones share the count, so that it can be
/// read whatever became of the connection.
#[derive(Clone, Debug, Default)]
pub struct TlsMeter {
    octets: Arc<AtomicU64>,
}

/// A connection that TLS is read from, as long as the allowance lasts.
struct Metered<S> {
    stream: S,
    meter: TlsMeter,
}

/// A connection inside of TLS. Text that comes out of it is given back to the allowance.
pub struct Secured<S> {
    stream: TlsStream<Metered<S>>,
    meter: TlsMeter,
}

/// Shakes hands over a connection.
pub(super) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    connector: &TlsConnector,
    name: ServerName<'static>,
    stream: S,
    meter: TlsMeter,
) -> io::Result<Secured<S>> {
    let metered = Metered {
        stream,
        meter: meter.clone(),
    };
    let stream = connector.connect(name, metered).await?;
    Ok(Secured { stream, meter })
}

impl TlsMeter {
    /// Octets so far.
    pub fn octets(&self) -> u64 {
        self.octets.load(Ordering::Relaxed)
    }

    fn came(&self, octets: usize) {
        self.octets.fetch_add(octets as u64, Ordering::Relaxed);
    }

    /// So many of those that came were text.
    fn were_text(&self, octets: usize) {
        self.octets.fetch_sub(octets as u64, Ordering::Relaxed);
    }
}

impl<S> Secured<S> {
    /// What the library knows of the connection.
    pub(super) fn facts(&self) -> &ClientConnection {
        self.stream.get_ref().1
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.meter.octets() >= TLS_OVERHEAD_MAX {
            let what = format!("more than {TLS_OVERHEAD_MAX} octets of TLS that are no text");
            return Poll::Ready(Err(io::Error::other(what)));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.meter.came(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Secured<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.meter.were_text(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Secured<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
