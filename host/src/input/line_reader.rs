//! Lines of bounded length from a reader of any length.
//!
//! **Promises.** At most [`LINE_MAX`] octets of a line are ever held; the rest is skipped as it is
//! read and counted. A byte order mark at the beginning and a CR before the LF are no part of a
//! line. Lines can be put back.

use std::collections::VecDeque;
use std::io::{self, BufRead};

use super::Row;
use super::problem::RowProblem;

/// Longest line and longest CSV record, in octets. An address has 254; the rest is room for the
/// other columns of generous exports.
pub const LINE_MAX: usize = 64 * 1024;

/// One line without its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: u64,
    /// The first [`LINE_MAX`] octets.
    pub(super) bytes: Vec<u8>,
    /// How many octets were skipped.
    skipped: u64,
}

impl Line {
    pub(super) fn is_blank(&self) -> bool {
        self.skipped == 0 && self.bytes.trim_ascii().is_empty()
    }

    pub(super) fn is_comment(&self) -> bool {
        self.bytes.trim_ascii_start().starts_with(b"#")
    }

    pub(super) fn is_too_long(&self) -> bool {
        self.skipped > 0
    }

    pub(super) fn too_long_row(&self) -> Row {
        let octets = self.bytes.len() as u64 + self.skipped;
        let problem = RowProblem::LineTooLong {
            line: self.number,
            octets,
        };
        Row::bad(self.number, &self.bytes, problem)
    }

    /// The text, or where it stops being UTF-8.
    pub(super) fn text(&self) -> Result<&str, RowProblem> {
        std::str::from_utf8(&self.bytes).map_err(|error| {
            let valid = String::from_utf8_lossy(&self.bytes[..error.valid_up_to()]);
            let column = valid.chars().count() + 1;
            RowProblem::InvalidUtf8 {
                line: self.number,
                column,
            }
        })
    }
}

pub(super) struct LineReader<R> {
    reader: R,
    number: u64,
    put_back: VecDeque<Line>,
}

impl<R> LineReader<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            number: 0,
            put_back: VecDeque::new(),
        }
    }

    /// These lines come next, before those that were put back earlier.
    pub(super) fn put_back<L>(&mut self, lines: L)
    where
        L: IntoIterator<Item = Line, IntoIter: DoubleEndedIterator>,
    {
        // Those that are here already stay where they are: there may be thousands of them.
        for line in lines.into_iter().rev() {
            self.put_back.push_front(line);
        }
    }
}

impl<R: BufRead> LineReader<R> {
    /// Reads the next line into `line`; false at the end.
    pub(super) fn next(&mut self, line: &mut Line) -> io::Result<bool> {
        if let Some(earlier) = self.put_back.pop_front() {
            *line = earlier;
            return Ok(true);
        }
        line.bytes.clear();
        line.skipped = 0;
        let mut ends_in_lf = false;
        let mut last = None;
        while !ends_in_lf {
            let available = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if available.is_empty() {
                break;
            }
            let end = memchr::memchr(b'\n', available);
            ends_in_lf = end.is_some();
            let part = &available[..end.unwrap_or(available.len())];
            last = part.last().copied().or(last);
            let kept = part.len().min(LINE_MAX - line.bytes.len());
            line.bytes.extend_from_slice(&part[..kept]);
            line.skipped += (part.len() - kept) as u64;
            let consumed = part.len() + usize::from(ends_in_lf);
            self.reader.consume(consumed);
        }
        if !ends_in_lf && line.bytes.is_empty() {
            return Ok(false);
        }
        self.number += 1;
        line.number = self.number;
        trim_ends(line, last == Some(b'\r'));
        Ok(true)
    }
}

/// Takes off the CR, wherever it was counted, and the byte order mark of the first line.
fn trim_ends(line: &mut Line, ends_in_cr: bool) {
    if ends_in_cr && line.skipped > 0 {
        line.skipped -= 1;
    } else if ends_in_cr {
        line.bytes.pop();
    }
    if line.number == 1 && line.bytes.starts_with(BYTE_ORDER_MARK) {
        line.bytes.drain(..BYTE_ORDER_MARK.len());
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
