//! Bytes of any kind, in pieces of any size, to reply lines.
//!
//! Input: six bytes for the limits, one for the size of the pieces, then what the server sends.
//! Holds: every byte is in exactly one line or counted as dropped; the lines are those that a
//! reader of the whole text finds; the pieces change nothing; what is held is bounded.

use vrfy_proto::limits::{
    GARBAGE_LINES_DEFAULT, LINE_KEPT_MAX, Limit, Limits, RECEIVED_BYTES_DEFAULT,
    REPLY_BYTES_DEFAULT, REPLY_LINES_DEFAULT,
};
use vrfy_proto::reply::{LineEnd, LineRole, Reply};
use vrfy_proto::reply_reader::{Broken, ReadLine, ReplyReader};

use crate::cursor::Cursor;

/// A line, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    bytes: Vec<u8>,
    end: LineEnd,
    dropped: u32,
}

/// Checks one input.
///
/// # Panics
///
/// Where the reader does not keep its promises.
pub fn check(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let limits = Limits {
        received_bytes: cursor.scaled(RECEIVED_BYTES_DEFAULT, 97),
        reply_bytes: cursor.scaled(REPLY_BYTES_DEFAULT, 31),
        reply_lines: cursor.scaled(REPLY_LINES_DEFAULT, 1),
        garbage_lines: cursor.scaled(GARBAGE_LINES_DEFAULT, 1),
        ..Limits::default()
    };
    let piece = usize::from(cursor.byte()).max(1);
    let bytes = cursor.into_rest();
    let whole = read(bytes, bytes.len().max(1), limits);
    assert_eq!(whole, read(bytes, piece, limits), "in pieces of {piece}");
    let kept = &bytes[..bytes.len().min(limits.received_bytes)];
    let (found, broken) = by_hand(kept, limits);
    assert_eq!(whole, (found, broken));
}

/// Lines, and what the ended ones broke.
type Read = (Vec<Found>, Vec<Option<Broken>>);

fn read(bytes: &[u8], piece: usize, limits: Limits) -> Read {
    let mut reader = ReplyReader::new(limits);
    let mut found = Vec::new();
    let mut broken = Vec::new();
    let mut fed = 0;
    for piece in bytes.chunks(piece) {
        reader.handle_bytes(piece);
        fed += piece.len() as u64;
        while let Some(line) = reader.poll_line() {
            broken.push(line.broken);
            found.push(owned(line));
        }
        assert!(reader.unread() <= limits.received_bytes);
        assert!(reader.is_idle() <= (reader.unread() == 0));
        let held = accounted(&found) + reader.unread() as u64;
        assert_eq!(held + reader.excess() + reader.discarded(), fed);
    }
    let mut discarding = reader.clone();
    let unread = discarding.unread() as u64;
    discarding.discard();
    assert_eq!((discarding.discarded(), discarding.unread()), (unread, 0));
    if let Some(line) = reader.take_unended() {
        assert_eq!(line.role(), LineRole::Garbage);
        found.push(Found {
            bytes: line.bytes.to_vec(),
            end: line.end,
            dropped: line.dropped,
        });
    }
    assert_eq!(reader.unread(), 0);
    assert_eq!(accounted(&found) + reader.excess(), fed);
    (found, broken)
}

fn owned(read: ReadLine<'_>) -> Found {
    let line = read.line;
    assert_eq!(line.role(), read.role);
    if let LineRole::Completes(code) = read.role {
        let reply = Reply::from_lines([line]).expect("the line completes a reply");
        assert_eq!(reply.code, code);
        let _ = reply.text_lossy();
    }
    Found {
        bytes: line.bytes.to_vec(),
        end: line.end,
        dropped: line.dropped,
    }
}

fn accounted(found: &[Found]) -> u64 {
    let bytes = |line: &Found| {
        let end = match line.end {
            LineEnd::CrLf => 2,
            LineEnd::Lf => 1,
            LineEnd::Missing => 0,
        };
        line.bytes.len() as u64 + u64::from(line.dropped) + end
    };
    found.iter().map(bytes).sum()
}

/// The same from the whole text at once.
fn by_hand(bytes: &[u8], limits: Limits) -> Read {
    let mut found = Vec::new();
    let mut broken = Vec::new();
    let (mut lines, mut octets, mut garbage) = (0, 0, 0);
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (text, end) = match piece {
            [text @ .., b'\r', b'\n'] => (text, LineEnd::CrLf),
            [text @ .., b'\n'] => (text, LineEnd::Lf),
            text => (text, LineEnd::Missing),
        };
        let kept = text.len().min(LINE_KEPT_MAX);
        found.push(Found {
            bytes: text[..kept].to_vec(),
            end,
            dropped: u32::try_from(text.len() - kept).expect("an input is small"),
        });
        if end == LineEnd::Missing {
            continue;
        }
        let is_code = text.len() >= 3 && text[..3].iter().all(u8::is_ascii_digit);
        let after = text.get(3).copied().unwrap_or(b' ');
        if !is_code || !b"- \t\r".contains(&after) {
            garbage += 1;
            broken.push((garbage > limits.garbage_lines).then_some(Broken::Garbage));
            continue;
        }
        lines += 1;
        octets += piece.len();
        broken.push(if lines > limits.reply_lines {
            Some(Broken::Limit(Limit::ReplyLines))
        } else if octets > limits.reply_bytes {
            Some(Broken::Limit(Limit::ReplyBytes))
        } else {
            None
        });
        if after != b'-' {
            (lines, octets) = (0, 0);
        }
    }
    (found, broken)
}
