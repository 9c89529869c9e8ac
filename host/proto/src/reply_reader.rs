//! From bytes to reply lines.
//!
//! Promises: every byte received is in exactly one place, a line that was handed out or the unread
//! rest, or it was counted as dropped. Splitting the input differently changes nothing. Reading
//! goes forward, one line at a time, so that two replies in one segment stay two. Memory, lines and
//! bytes are bounded by [`Limits`].
//!
//! Does not judge, and does not know which command a reply belongs to: see [`crate::session`].

use crate::limits::{LINE_KEPT_MAX, Limit, Limits, RECEIVED_BYTES_MAX};
use crate::reply::{Line, LineEnd, LineRole};

/// Owns what the server sent and nobody has read yet, for the life of a session.
#[derive(Clone, Debug)]
pub struct ReplyReader {
    limits: Limits,
    buffer: Vec<u8>,
    /// Everything in front of it was handed out.
    start: usize,
    /// Everything in front of it holds no line end.
    scanned: usize,
    received: usize,
    /// Beyond [`Limits::received_bytes`].
    excess: u64,
    discarded: u64,
    reply_lines: usize,
    reply_bytes: usize,
    garbage_lines: usize,
}

/// One line, and what it does to the reply that is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLine<'a> {
    /// The line.
    pub line: Line<'a>,
    /// What it is within its reply.
    pub role: LineRole,
    /// The bound that it broke, if it broke one; nothing more should be read then.
    pub broken: Option<Broken>,
}

/// Why a line was one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// More garbage than [`Limits::garbage_lines`].
    Garbage,
    /// A reply larger than allowed.
    Limit(Limit),
}

impl ReplyReader {
    /// A reader for one session.
    #[must_use]
    pub fn new(mut limits: Limits) -> Self {
        limits.received_bytes = limits.received_bytes.min(RECEIVED_BYTES_MAX);
        Self {
            limits,
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            received: 0,
            excess: 0,
            discarded: 0,
            reply_lines: 0,
            reply_bytes: 0,
            garbage_lines: 0,
        }
    }

    /// Takes what arrived. Bytes beyond [`Limits::received_bytes`] are counted and dropped.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        let room = self.limits.received_bytes - self.received;
        let (kept, over) = bytes.split_at(bytes.len().min(room));
        self.excess += over.len() as u64;
        self.received += kept.len();
        self.buffer.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(kept);
    }

    /// The next complete line, if one is here.
    pub fn poll_line(&mut self) -> Option<ReadLine<'_>> {
        let Some(offset) = memchr::memchr(b'\n', &self.buffer[self.scanned..]) else {
            self.scanned = self.buffer.len();
            return None;
        };
        let feed = self.scanned + offset;
        let begin = self.start;
        self.start = feed + 1;
        self.scanned = self.start;
        let ended = &self.buffer[begin..feed];
        let line = match ended.strip_suffix(b"\r") {
            Some(bytes) => kept(bytes, LineEnd::CrLf),
            None => kept(ended, LineEnd::Lf),
        };
        let role = line.role();
        let broken = match role {
            LineRole::Garbage => {
                self.garbage_lines += 1;
                (self.garbage_lines > self.limits.garbage_lines).then_some(Broken::Garbage)
            }
            LineRole::Continues(_) | LineRole::Completes(_) => {
                self.reply_lines += 1;
                self.reply_bytes += feed + 1 - begin;
                self.limits.broken_by(self.reply_lines, self.reply_bytes)
            }
        };
        if let LineRole::Completes(_) = role {
            self.reply_lines = 0;
            self.reply_bytes = 0;
        }
        Some(ReadLine { line, role, broken })
    }

    /// The unread rest as a line without an end, for the moment when nothing more will come.
    pub fn take_unended(&mut self) -> Option<Line<'_>> {
        let begin = self.start;
        self.start = self.buffer.len();
        self.scanned = self.start;
        let rest = &self.buffer[begin..];
        (!rest.is_empty()).then(|| kept(rest, LineEnd::Missing))
    }

    /// Drops the unread rest; the bytes count as [`ReplyReader::discarded`].
    pub fn discard(&mut self) {
        self.discarded += self.unread() as u64;
        self.buffer.clear();
        self.start = 0;
        self.scanned = 0;
    }

    /// How many bytes are here that belong to no line yet.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Whether nothing is here: no unread byte and no reply that was begun.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.unread() == 0 && self.reply_lines == 0
    }

    /// How many bytes were dropped because [`Limits::received_bytes`] was reached.
    #[must_use]
    pub fn excess(&self) -> u64 {
        self.excess
    }

    /// How many bytes were dropped by [`ReplyReader::discard`].
    #[must_use]
    pub fn discarded(&self) -> u64 {
        self.discarded
    }
}

impl Limits {
    fn broken_by(&self, lines: usize, bytes: usize) -> Option<Broken> {
        if lines > self.reply_lines {
            Some(Broken::Limit(Limit::ReplyLines))
        } else if bytes > self.reply_bytes {
            Some(Broken::Limit(Limit::ReplyBytes))
        } else {
            None
        }
    }
}

fn kept(bytes: &[u8], end: LineEnd) -> Line<'_> {
    let (head, rest) = bytes.split_at(bytes.len().min(LINE_KEPT_MAX));
    let dropped = u32::try_from(rest.len()).expect("RECEIVED_BYTES_MAX fits u32");
    Line {
        bytes: head,
        end,
        dropped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_longer_than_the_standard_allows_stays_one_line() {
        for (octets, dropped) in [(510, 0), (511, 0), (2048, 0), (2049, 1), (4096, 2048)] {
            let mut reader = ReplyReader::new(Limits::default());
            let mut bytes = vec![b'x'; octets];
            bytes[..4].copy_from_slice(b"550 ");
            bytes.extend_from_slice(b"\r\n250 next\r\n");
            reader.handle_bytes(&bytes);
            let first = reader.poll_line().expect("a whole line is here");
            assert_eq!(first.line.bytes.len() + dropped, octets);
            assert_eq!(first.line.dropped as usize, dropped, "{octets}");
            let second = reader.poll_line().expect("and another one");
            assert_eq!(second.line.bytes, b"250 next");
            assert!(reader.poll_line().is_none());
            assert_eq!((reader.excess(), reader.discarded()), (0, 0));
        }
    }

    #[test]
    fn bytes_beyond_the_bound_and_bytes_that_nobody_reads_are_counted_apart() {
        let mut reader = ReplyReader::new(Limits {
            received_bytes: 10,
            ..Limits::default()
        });
        reader.handle_bytes(b"250 ok\r\n25");
        reader.handle_bytes(b"0 too much\r\n");
        assert!(reader.poll_line().is_some());
        assert!(reader.poll_line().is_none());
        reader.discard();
        assert_eq!((reader.excess(), reader.discarded()), (12, 2));
    }
}
