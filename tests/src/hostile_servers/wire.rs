//! Connections: in memory, where a reset can be told from a close and every octet that the client
//! took is counted; and over loopback.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::net::TcpStream;

/// Octets on the way in each direction: as much as a system's buffers hold.
const ON_THE_WAY_MAX: usize = 64 * 1024;

/// The server's end of a connection.
pub trait Far: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// From now on the end of this connection is a reset.
    fn end_with_reset(&self);
}

impl Far for TcpStream {
    fn end_with_reset(&self) {
        // Where it fails the connection is gone already.
        let _ = self.set_zero_linger();
    }
}

/// What is known of a connection from outside.
#[derive(Debug, Default)]
pub struct Meter {
    taken: AtomicU64,
    reset: AtomicBool,
}

impl Meter {
    /// Octets that the client has read.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

/// The client's end of a connection in memory.
#[derive(Debug)]
pub struct NearEnd {
    pipe: DuplexStream,
    meter: Arc<Meter>,
}

/// The server's end of a connection in memory.
#[derive(Debug)]
pub struct FarEnd {
    pipe: DuplexStream,
    meter: Arc<Meter>,
}

/// A connection in memory.
#[must_use]
pub fn connection() -> (NearEnd, FarEnd, Arc<Meter>) {
    let (near, far) = duplex(ON_THE_WAY_MAX);
    let meter = Arc::new(Meter::default());
    let near = NearEnd {
        pipe: near,
        meter: Arc::clone(&meter),
    };
    let far = FarEnd {
        pipe: far,
        meter: Arc::clone(&meter),
    };
    (near, far, meter)
}

impl Far for FarEnd {
    fn end_with_reset(&self) {
        self.meter.reset.store(true, Ordering::Relaxed);
    }
}

impl NearEnd {
    fn was_reset(&self) -> bool {
        self.meter.reset.load(Ordering::Relaxed)
    }
}

impl AsyncRead for NearEnd {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.pipe).poll_read(context, buffer))?;
        let read = buffer.filled().len() - before;
        if read == 0 && self.was_reset() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        self.meter.taken.fetch_add(read as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for NearEnd {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(context)
    }
}

impl AsyncRead for FarEnd {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(context, buffer)
    }
}

impl AsyncWrite for FarEnd {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(context)
    }
}
