//! Reading exclusion lists, within limits.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::entry;
use super::{ExclusionError, Exclusions, Place};

/// Longest line in bytes: the longest text that is read as a mailbox, and a comment beside it.
pub const EXCLUSION_LINE_MAX: usize = 4 * 1024;

/// Lines of all lists together: at 30 to 60 octets an entry they need about a gigabyte.
pub const EXCLUSION_LINES_MAX: u32 = 20_000_000;

/// Bytes of all lists together: 100 for every line, twice what hashed entries have.
pub const EXCLUSION_BYTES_MAX: u64 = 100 * EXCLUSION_LINES_MAX as u64;

/// What may still be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) lines: u32,
    pub(super) bytes: u64,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            lines: EXCLUSION_LINES_MAX,
            bytes: EXCLUSION_BYTES_MAX,
        }
    }
}

impl Exclusions {
    /// Reads these files. The first line that is not understood ends it.
    pub fn read<P: AsRef<Path>>(
        files: impl IntoIterator<Item = P>,
    ) -> Result<Self, ExclusionError> {
        let mut exclusions = Self::default();
        let mut room = Room::default();
        for path in files {
            let path = path.as_ref();
            let file = File::open(path).map_err(|error| ExclusionError::Read {
                path: path.to_owned(),
                error,
            })?;
            exclusions.take_in(path, BufReader::new(file), &mut room)?;
        }
        Ok(exclusions)
    }

    pub(super) fn take_in(
        &mut self,
        path: &Path,
        mut reader: impl BufRead,
        room: &mut Room,
    ) -> Result<(), ExclusionError> {
        let file = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        self.files.push(path.to_owned());
        let path = || PathBuf::from(path);
        let mut bytes = Vec::new();
        for line in 1.. {
            let read = next_line(&mut reader, &mut bytes);
            let read = read.map_err(|error| ExclusionError::Read {
                path: path(),
                error,
            })?;
            if read == 0 {
                return Ok(());
            }
            room.lines = room
                .lines
                .checked_sub(1)
                .ok_or_else(|| ExclusionError::TooManyLines { path: path() })?;
            room.bytes = room
                .bytes
                .checked_sub(read as u64)
                .ok_or_else(|| ExclusionError::TooLarge { path: path() })?;
            if read > EXCLUSION_LINE_MAX {
                return Err(ExclusionError::LineTooLong { path: path(), line });
            }
            let text = std::str::from_utf8(&bytes);
            let text = text.map_err(|_| ExclusionError::NotUtf8 { path: path(), line })?;
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            match entry::parse(text) {
                Ok(Some(entry)) => self.add(entry, Place { file, line }),
                Ok(None) => {}
                Err(problem) => {
                    let path = path();
                    return Err(ExclusionError::Line {
                        path,
                        line,
                        problem,
                    });
                }
            }
        }
        Ok(())
    }
}

/// The next line with its line end, but no more of it than shows that it is too long. 0 at the end.
fn next_line(reader: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<usize> {
    bytes.clear();
    let most = EXCLUSION_LINE_MAX as u64 + 1;
    reader.by_ref().take(most).read_until(b'\n', bytes)
}
