//! Why the lists of tags cannot be used.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::TAG_NAMES_MAX;
use super::entry::TagEntryProblem;
use super::read::{TAG_BYTES_MAX, TAG_LINES_MAX};
use crate::list_lines::{LIST_LINE_MAX, LineFault};

/// Why the lists of tags cannot be used. Nothing is sent then.
#[derive(Debug, Error)]
pub enum TagError {
    /// The argument is not `NAME=FILE`.
    #[error(
        "{text:?}: write NAME=FILE, with a name such as role-account: lower-case letters, digits \
         and single hyphens, at most 64 characters"
    )]
    Argument {
        /// What was written.
        text: String,
    },
    /// There are too many tags.
    #[error("there are more than {TAG_NAMES_MAX} tags; name fewer")]
    TooManyNames,
    /// The file cannot be read.
    #[error("cannot read the list {}: {error}", path.display())]
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
        problem: TagEntryProblem,
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
        "{}: all lists of tags together have more than {TAG_LINES_MAX} lines; write .example.com \
         for a domain and all that lies below it",
        path.display()
    )]
    TooManyLines {
        /// The file in which the limit was reached.
        path: PathBuf,
    },
    /// There are too many bytes.
    #[error(
        "{}: all lists of tags together have more than {TAG_BYTES_MAX} bytes",
        path.display()
    )]
    TooLarge {
        /// The file in which the limit was reached.
        path: PathBuf,
    },
}

impl TagError {
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
