//! Reading lists of tags, within limits.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::TagError;
use super::entry::{self, Entry};

/// Longest line in bytes: the longest text that is read as a mailbox, and a comment beside it.
pub const TAG_LINE_MAX: usize = 4 * 1024;

/// Lines of all lists together. The longest list of disposable domains that is published has fewer
/// than 200,000; ten times as many still are read in about two seconds.
pub const TAG_LINES_MAX: u32 = 2_000_000;

/// Bytes of all lists together: 50 for every line, twice what a domain has.
pub const TAG_BYTES_MAX: u64 = 50 * TAG_LINES_MAX as u64;

/// What may still be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) lines: u32,
    pub(super) bytes: u64,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            lines: TAG_LINES_MAX,
            bytes: TAG_BYTES_MAX,
        }
    }
}

/// Reads a file. The first line that is not understood ends it.
pub(super) fn file(path: &Path, room: &mut Room, take: impl FnMut(Entry)) -> Result<(), TagError> {
    let open = File::open(path).map_err(|error| TagError::Read {
        path: path.to_owned(),
        error,
    })?;
    lines(path, BufReader::new(open), room, take)
}

pub(super) fn lines(
    path: &Path,
    mut reader: impl BufRead,
    room: &mut Room,
    mut take: impl FnMut(Entry),
) -> Result<(), TagError> {
    let path = || path.to_owned();
    let mut bytes = Vec::new();
    for line in 1.. {
        let read = next_line(&mut reader, &mut bytes);
        let read = read.map_err(|error| TagError::Read {
            path: path(),
            error,
        })?;
        if read == 0 {
            break;
        }
        let lines_left = room.lines.checked_sub(1);
        room.lines = lines_left.ok_or_else(|| TagError::TooManyLines { path: path() })?;
        let bytes_left = room.bytes.checked_sub(read as u64);
        room.bytes = bytes_left.ok_or_else(|| TagError::TooLarge { path: path() })?;
        if read > TAG_LINE_MAX {
            return Err(TagError::LineTooLong { path: path(), line });
        }
        let text = std::str::from_utf8(&bytes);
        let text = text.map_err(|_| TagError::NotUtf8 { path: path(), line })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match entry::parse(text) {
            Ok(Some(entry)) => take(entry),
            Ok(None) => {}
            Err(problem) => {
                let path = path();
                return Err(TagError::Line {
                    path,
                    line,
                    problem,
                });
            }
        }
    }
    Ok(())
}

/// The next line with its line end, but no more of it than shows that it is too long. 0 at the end.
fn next_line(reader: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<usize> {
    bytes.clear();
    let most = TAG_LINE_MAX as u64 + 1;
    reader.by_ref().take(most).read_until(b'\n', bytes)
}
