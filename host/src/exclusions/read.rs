//! Reading exclusion lists, within limits.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::entry;
use super::{ExclusionError, Exclusions, Place};
use crate::list_lines::{Lines, Room};

/// Lines of all lists together: at 30 to 60 octets an entry they need about a gigabyte.
pub const EXCLUSION_LINES_MAX: u32 = 20_000_000;

/// Bytes of all lists together: 100 for every line, twice what hashed entries have.
pub const EXCLUSION_BYTES_MAX: u64 = 100 * EXCLUSION_LINES_MAX as u64;

/// What may be read at first.
pub(super) const ROOM: Room = Room {
    lines: EXCLUSION_LINES_MAX,
    bytes: EXCLUSION_BYTES_MAX,
};

impl Exclusions {
    /// Reads these files. The first line that is not understood ends it.
    pub fn read<P: AsRef<Path>>(
        files: impl IntoIterator<Item = P>,
    ) -> Result<Self, ExclusionError> {
        let mut exclusions = Self::default();
        let mut room = ROOM;
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
        reader: impl BufRead,
        room: &mut Room,
    ) -> Result<(), ExclusionError> {
        let file = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        self.files.push(path.to_owned());
        let mut lines = Lines::of(reader);
        while let Some((line, text)) = lines
            .next(room)
            .map_err(|fault| ExclusionError::of(path, fault))?
        {
            match entry::parse(text) {
                Ok(Some(entry)) => self.add(entry, Place { file, line }),
                Ok(None) => {}
                Err(problem) => {
                    let path = path.to_owned();
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
