//! A connection: what the server says on its way to the client, cut, delayed or lost, and what the
//! client writes, handed to the server at once.
//!
//! The server answers as soon as it hears, and what it says is put on the way with the time at
//! which it arrives. So a connection needs no task of its own, and a world is one thread of events.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::host::{Path, Segments};
use super::log::Log;
use super::rng::Rng;
use super::server::Server;

/// The client's end.
pub(super) struct Wire {
    log: Log,
    id: usize,
    server: Server,
    timer: Pin<Box<Sleep>>,
    waker: Option<Waker>,
    is_broken: bool,
}

impl Wire {
    pub(super) fn new(log: Log, id: usize, server: Server) -> Self {
        Self {
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
            log,
            id,
            server,
            waker: None,
            is_broken: false,
        }
    }

    /// Hands over what has arrived; nothing where that is the end of the connection.
    fn deliver(&mut self, now: Duration, buffer: &mut ReadBuf<'_>) -> io::Result<()> {
        let before = buffer.filled().len();
        while buffer.remaining() > 0 && self.server.out.next_at().is_some_and(|at| at <= now) {
            let is_first = buffer.filled().len() == before;
            match self.server.out.queue.pop_front() {
                Some((at, Item::Octets(mut octets))) => {
                    let taken = octets.len().min(buffer.remaining());
                    buffer.put_slice(&octets[..taken]);
                    if taken < octets.len() {
                        octets.drain(..taken);
                        self.server.out.queue.push_front((at, Item::Octets(octets)));
                    }
                    if self.server.out.path.segments == Segments::Octets {
                        break;
                    }
                }
                // What came before is read first; the end stays where it is.
                Some((at, end)) if !is_first => {
                    self.server.out.queue.push_front((at, end));
                    break;
                }
                Some((at, Item::Closed)) => {
                    self.server.out.queue.push_front((at, Item::Closed));
                    break;
                }
                Some((_, Item::Reset)) => {
                    self.is_broken = true;
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
                None => break,
            }
        }
        let read = &buffer.filled()[before..];
        self.server.watch.read(read);
        let mut seen = self.log.seen();
        seen.connections[self.id].delivered.extend_from_slice(read);
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_broken {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        loop {
            let now = self.log.now();
            match self.server.out.next_at() {
                Some(at) if at <= now => return Poll::Ready(self.deliver(now, buffer)),
                Some(at) => {
                    let instant = self.log.instant_of(at);
                    self.timer.as_mut().reset(instant);
                    ready!(self.timer.as_mut().poll(context));
                }
                None => {
                    self.waker = Some(context.waker().clone());
                    return Poll::Pending;
                }
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let most = self.server.out.path.write_max.unwrap_or(octets.len());
        let written = &octets[..octets.len().min(most)];
        let (log, id) = (self.log.clone(), self.id);
        let mut seen = log.seen();
        let connection = &mut seen.connections[id];
        connection.heard.extend_from_slice(written);
        self.server.hear(written, log.now(), connection);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        Poll::Ready(Ok(written.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let now = self.log.now();
        self.log.seen().connections[self.id].closed_at = Some(now);
    }
}

/// What is on its way to the client.
#[derive(Debug)]
pub(super) enum Item {
    Octets(Vec<u8>),
    /// The end of what the server says; it stays at the front for ever.
    Closed,
    Reset,
}

/// The way from a server to the client.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: VecDeque<(Duration, Item)>,
    path: Path,
    rng: Rng,
    /// When the last thing on the way arrives.
    last: Duration,
    /// Octets that the server has said.
    pub(super) said: usize,
    is_lost: bool,
    is_over: bool,
}

impl Outbox {
    pub(super) fn new(path: Path, rng: Rng) -> Self {
        Self {
            queue: VecDeque::new(),
            path,
            rng,
            last: Duration::ZERO,
            said: 0,
            is_lost: false,
            is_over: false,
        }
    }

    fn next_at(&self) -> Option<Duration> {
        self.queue.front().map(|(at, _)| *at)
    }

    /// Whether the server can say anything more.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Says something a while after `now`.
    pub(super) fn say(&mut self, now: Duration, after: Duration, octets: &[u8]) {
        if self.is_over {
            return;
        }
        self.said += octets.len();
        self.is_lost |= self.rng.permille(self.path.loss_permille);
        if self.is_lost || octets.is_empty() {
            return;
        }
        let mut at = self.arrival(now, after);
        if self.rng.permille(self.path.delay_permille) {
            at += ms(self.rng.between(1_000, 40_000));
        }
        let length = octets.len();
        let (piece, pause_ms) = match self.path.segments {
            Segments::Whole => (length, 0),
            Segments::Merged => {
                at = ms(at.as_millis().div_ceil(200) as u64 * 200);
                (length, 0)
            }
            Segments::Split => (self.rng.between(1, length as u64) as usize, 40),
            Segments::Octets => (length.div_ceil(400), 0),
            Segments::Drip => (length.div_ceil(60), 15),
        };
        for part in octets.chunks(piece.max(1)) {
            self.queue.push_back((at, Item::Octets(part.to_vec())));
            self.last = at;
            at += ms(self.rng.below(pause_ms + 1));
        }
    }

    /// Says something octet by octet, with a pause after each.
    pub(super) fn trickle(&mut self, now: Duration, after: Duration, pause: Duration, all: &[u8]) {
        let mut at = self.arrival(now, after);
        self.said += all.len();
        for octet in all {
            if !self.is_lost && !self.is_over {
                self.queue.push_back((at, Item::Octets(vec![*octet])));
                self.last = at;
            }
            at += pause;
        }
    }

    pub(super) fn close(&mut self, now: Duration, after: Duration) {
        self.end(now, after, Item::Closed);
    }

    pub(super) fn reset(&mut self, now: Duration, after: Duration) {
        self.end(now, after, Item::Reset);
    }

    /// Says nothing more, and does not close either.
    pub(super) fn fall_silent(&mut self) {
        self.is_over = true;
    }

    fn end(&mut self, now: Duration, after: Duration, end: Item) {
        if self.is_over || self.is_lost {
            self.is_over = true;
            return;
        }
        let at = self.arrival(now, after);
        self.queue.push_back((at, end));
        self.is_over = true;
    }

    fn arrival(&self, now: Duration, after: Duration) -> Duration {
        self.last.max(now + after + ms(self.path.round_trip_ms))
    }
}

pub(super) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
