//! Moves bytes between a connection and a [`Session`], and knows nothing about what they mean.
//!
//! ```text
//!            ┌── handle_bytes, handle_closed ──┐
//! connection │                                 │ session
//!            └── Transmit, StartTls, WakeAt <──┘
//! ```
//!
//! **Promises.** Writes what it was told, in order. Hands over everything that it reads. Reads
//! while it writes, so that a server which answers a long group of commands before it has read all
//! of it does not wait for us while we wait for it (RFC 2920 section 3.1). Keeps no buffer of its
//! own: what is read lies on the stack until the session has it. Dropping the future closes the
//! connection.
//!
//! **Does not** decide when to stop: the session does, and it has a deadline for everything.
//!
//! Read next: `vrfy_proto::session`, [`crate::tls`], [`crate::connect`].

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, sleep_until};
use vrfy_proto::session::{Output, Session};
use vrfy_proto::transcript::{Closed, Transcript};

use crate::tls::{TlsClient, TlsMeter};

/// Octets taken from the connection at a time: an EHLO reply of any server in one go.
const READ_MAX: usize = 8 * 1024;

/// Characters of an error of the system that are kept.
const ERROR_MAX: usize = 200;

/// Holds the session over the connection, from the greeting to its end. `exchange` is what TLS asks
/// for: the name of the exchange, or an address literal.
pub async fn drive<S: AsyncRead + AsyncWrite + Send + 'static>(
    stream: S,
    mut session: Session,
    tls: &TlsClient,
    exchange: &str,
) -> Transcript {
    let began = Instant::now();
    let mut pipe = Pipe::new(Box::pin(stream));
    let meter = TlsMeter::default();
    loop {
        match session.poll_output() {
            Output::Transmit(bytes) => pipe.queue(bytes),
            Output::StartTls => {
                let meter = meter.clone();
                match upgrade(pipe, &mut session, began, (tls, meter), exchange).await {
                    Some(secured) => pipe = secured,
                    None => break,
                }
            }
            Output::WakeAt(at) => {
                let moved = poll_fn(|context| {
                    pipe.poll_move(context, |read| session.handle_bytes(read, began.elapsed()))
                });
                tokio::select! {
                    // What has arrived counts, though the time may be up as well.
                    biased;
                    closed = moved => {
                        if let Some(closed) = closed {
                            session.handle_closed(&closed, began.elapsed());
                        }
                    }
                    () = sleep_until(began + at) => session.handle_timeout(began.elapsed()),
                }
            }
            Output::Finished => {
                pipe.close().await;
                break;
            }
        }
    }
    session.handle_tls_bytes(meter.octets());
    session.into_transcript()
}

/// The connection inside of TLS; nothing if that failed, or if the session did not wait for it.
async fn upgrade(
    pipe: Pipe,
    session: &mut Session,
    began: Instant,
    (tls, meter): (&TlsClient, TlsMeter),
    exchange: &str,
) -> Option<Pipe> {
    let mut handshake = pin!(async {
        let stream = pipe
            .into_stream()
            .await
            .map_err(|error| error.to_string())?;
        tls.handshake(stream, exchange, meter).await
    });
    while let Output::WakeAt(at) = session.poll_output() {
        tokio::select! {
            biased;
            done = &mut handshake => match done {
                Ok((stream, facts)) => {
                    session.handle_tls_ready(&facts, began.elapsed());
                    return Some(Pipe::new(Box::pin(stream)));
                }
                Err(reason) => {
                    session.handle_tls_failed(&reason, began.elapsed());
                    return None;
                }
            },
            () = sleep_until(began + at) => session.handle_timeout(began.elapsed()),
        }
    }
    None
}

/// A connection in clear or inside of TLS.
trait Stream: AsyncRead + AsyncWrite + Send {}

impl<S: AsyncRead + AsyncWrite + Send> Stream for S {}

/// A connection and what is still to be written to it.
struct Pipe {
    stream: Pin<Box<dyn Stream>>,
    unsent: Vec<u8>,
    write: Write,
}

enum Write {
    /// Everything has left.
    Idle,
    /// From here on, `unsent` is still to be written.
    From(usize),
    /// Written, but perhaps still in a buffer of TLS.
    Flush,
    /// The server takes no more. What it said before is still to be read, and how that ends tells
    /// more than the error here.
    Broken,
}

impl Pipe {
    fn new(stream: Pin<Box<dyn Stream>>) -> Self {
        Self {
            stream,
            unsent: Vec::new(),
            write: Write::Idle,
        }
    }

    fn queue(&mut self, bytes: Vec<u8>) {
        match self.write {
            Write::Idle | Write::Flush => {
                self.unsent = bytes;
                self.write = Write::From(0);
            }
            Write::From(_) => self.unsent.extend(bytes),
            Write::Broken => {}
        }
    }

    /// Writes what can be written, and is ready when something was read or nothing more can be.
    fn poll_move(
        &mut self,
        context: &mut Context<'_>,
        take: impl FnOnce(&[u8]),
    ) -> Poll<Option<Closed>> {
        self.poll_write(context);
        let mut buffer = [MaybeUninit::uninit(); READ_MAX];
        let mut buffer = ReadBuf::uninit(&mut buffer);
        let read = std::task::ready!(self.stream.as_mut().poll_read(context, &mut buffer));
        Poll::Ready(match read {
            Ok(()) if buffer.filled().is_empty() => Some(Closed::Orderly),
            Ok(()) => {
                take(buffer.filled());
                None
            }
            Err(error) => Some(closed(&error)),
        })
    }

    fn poll_write(&mut self, context: &mut Context<'_>) {
        loop {
            let stream = self.stream.as_mut();
            self.write = match self.write {
                Write::Idle | Write::Broken => return,
                Write::From(at) => match stream.poll_write(context, &self.unsent[at..]) {
                    Poll::Pending => return,
                    Poll::Ready(Ok(0) | Err(_)) => Write::Broken,
                    Poll::Ready(Ok(written)) if at + written < self.unsent.len() => {
                        Write::From(at + written)
                    }
                    Poll::Ready(Ok(_)) => {
                        self.unsent = Vec::new();
                        Write::Flush
                    }
                },
                Write::Flush => match stream.poll_flush(context) {
                    Poll::Pending => return,
                    Poll::Ready(Ok(())) => Write::Idle,
                    Poll::Ready(Err(_)) => Write::Broken,
                },
            };
        }
    }

    /// The bare connection, after everything queued has been written.
    async fn into_stream(mut self) -> io::Result<Pin<Box<dyn Stream>>> {
        if let Write::From(at) = self.write {
            self.stream.write_all(&self.unsent[at..]).await?;
        }
        self.stream.flush().await?;
        Ok(self.stream)
    }

    /// Says goodbye if that can be done at once; dropping the pipe does the rest.
    async fn close(&mut self) {
        poll_fn(|context| {
            self.poll_write(context);
            let _ = self.stream.as_mut().poll_shutdown(context);
            Poll::Ready(())
        })
        .await;
    }
}

fn closed(error: &io::Error) -> Closed {
    match error.kind() {
        // Servers are meant to end TLS before they close; most do not.
        io::ErrorKind::UnexpectedEof => Closed::Orderly,
        io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset => Closed::Reset,
        _ => Closed::Other(error.to_string().chars().take(ERROR_MAX).collect()),
    }
}

#[cfg(test)]
mod tests;
