//! Why an exclusion list cannot be used.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::entry::EntryProblem;
use super::read::{EXCLUSION_BYTES_MAX, EXCLUSION_LINES_MAX};
use crate::list_lines::{LIST_LINE_MAX, LineFault};

/// Why an exclusion list cannot be used. Nothing is sent then: an entry that is not understood may
/// be somebody who asked to be left alone.
#[derive(Debug, Error)]
pub enum ExclusionError {
    /// The file cannot be read.
    #[error("cannot read the exclusion list {}: {error}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A line is no entry.
    #[error("{} line {line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u32,
        /// What is wrong with it.
        problem: EntryProblem,
    },
    /// A line is not UTF-8.
    #[error("{} line {line}: it is not UTF-8", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u32,
    },
    /// A line is too long.
    #[error("{} line {line}: it has more than {LIST_LINE_MAX} bytes", path.display())]
    LineTooLong {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u32,
    },
    /// There are too many lines.
    #[error(
        "{}: all exclusion lists together have more than {EXCLUSION_LINES_MAX} lines; write ranges \
         and domains instead of single entries",
        path.display()
    )]
    TooManyLines {
        /// The file in which the limit was reached.
        path: PathBuf,
    },
    /// There are too many bytes.
    #[error(
        "{}: all exclusion lists together have more than {EXCLUSION_BYTES_MAX} bytes",
        path.display()
    )]
    TooLarge {
        /// The file in which the limit was reached.
        path: PathBuf,
    },
}

impl ExclusionError {
    /// What a fault of a line comes to in this file.
    pub(super) fn of(path: &Path, fault: LineFault) -> Self {
        let path = path.to_owned();
        match fault {
            LineFault::Read(error) => Self::Read { path, error },
            LineFault::NotUtf8(line) => Self::NotUtf8 { path, line },
            LineFault::TooLong(line) => Self::LineTooLong { path, line },
            LineFault::TooManyLines => Self::TooManyLines { path },
            LineFault::TooLarge => Self::TooLarge { path },
        }
    }
}
