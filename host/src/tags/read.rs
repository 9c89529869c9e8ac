//! Reading lists of tags, within limits.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::TagError;
use super::entry::{self, Entry};
use crate::list_lines::{Lines, Room};

/// Lines of all lists together. The longest list of disposable domains that is published has fewer
/// than 200,000; ten times as many still are read in about two seconds.
pub const TAG_LINES_MAX: u32 = 2_000_000;

/// Bytes of all lists together: 50 for every line, twice what a domain has.
pub const TAG_BYTES_MAX: u64 = 50 * TAG_LINES_MAX as u64;

/// What may be read at first.
pub(super) const ROOM: Room = Room {
    lines: TAG_LINES_MAX,
    bytes: TAG_BYTES_MAX,
};

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
    reader: impl BufRead,
    room: &mut Room,
    mut take: impl FnMut(Entry),
) -> Result<(), TagError> {
    let mut lines = Lines::of(reader);
    while let Some((line, text)) = lines
        .next(room)
        .map_err(|fault| TagError::of(path, fault))?
    {
        match entry::parse(text) {
            Ok(Some(entry)) => take(entry),
            Ok(None) => {}
            Err(problem) => {
                let path = path.to_owned();
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
