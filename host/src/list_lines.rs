//! Lines of the lists that operators keep in files (exclusions, tags), within limits.

use std::io::{self, BufRead, Read};

/// Longest line in bytes: the longest text that is read as a mailbox, and a comment beside it.
pub(crate) const LIST_LINE_MAX: usize = 4 * 1024;

/// What may still be read, of all lists of a kind together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) lines: u32,
    pub(crate) bytes: u64,
}

/// Why there is no next line.
#[derive(Debug)]
pub(crate) enum LineFault {
    /// The file cannot be read.
    Read(io::Error),
    /// The line of this number, from 1, is not UTF-8.
    NotUtf8(u32),
    /// The line of this number is too long.
    TooLong(u32),
    /// There is no room for a further line.
    TooManyLines,
    /// There is no room for so many bytes.
    TooLarge,
}

/// The lines of a list.
pub(crate) struct Lines<R> {
    reader: R,
    bytes: Vec<u8>,
    number: u32,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn of(reader: R) -> Self {
        Self {
            reader,
            bytes: Vec::new(),
            number: 0,
        }
    }

    /// The next line with its number, without a mark of the byte order; nothing at the end. Of a
    /// line that is too long no more is read than shows that.
    pub(crate) fn next(&mut self, room: &mut Room) -> Result<Option<(u32, &str)>, LineFault> {
        self.bytes.clear();
        let most = LIST_LINE_MAX as u64 + 1;
        let mut reader = self.reader.by_ref().take(most);
        let read = reader.read_until(b'\n', &mut self.bytes);
        let read = read.map_err(LineFault::Read)?;
        if read == 0 {
            return Ok(None);
        }
        let lines_left = room.lines.checked_sub(1);
        room.lines = lines_left.ok_or(LineFault::TooManyLines)?;
        let bytes_left = room.bytes.checked_sub(read as u64);
        room.bytes = bytes_left.ok_or(LineFault::TooLarge)?;
        self.number += 1;
        let line = self.number;
        if read > LIST_LINE_MAX {
            return Err(LineFault::TooLong(line));
        }
        let text = std::str::from_utf8(&self.bytes).map_err(|_| LineFault::NotUtf8(line))?;
        Ok(Some((line, text.strip_prefix('\u{feff}').unwrap_or(text))))
    }
}
