//! Lists of addresses, as people and programs write them.
//!
//! Input: a byte for the format, one for the column, one for the size of the pieces in which the
//! file is read, one for how many KiB of text a NUL in the file stands for, then the file: so a few
//! bytes make a line that is too long. Holds: no panic; every line that is neither blank nor a
//! comment is a row or belongs to one, in order, so no row is lost; of a row no more than the
//! bounds is kept; the pieces change nothing.

use std::io::{BufReader, Read};

use crate::host::input::{self, InputFormat, InputOptions, LINE_MAX, RAW_MAX, Row, Rows};

use crate::cursor::Cursor;

/// Checks one input.
///
/// # Panics
///
/// Where the reader does not keep its promises.
pub fn check(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let format = cursor.pick(&[
        None,
        Some(InputFormat::Lines),
        Some(InputFormat::Csv),
        Some(InputFormat::JsonLines),
    ]);
    let column = cursor.pick(&[None, Some("address"), Some("2"), Some("mail")]);
    let options = InputOptions {
        format,
        column: column.map(str::to_owned),
    };
    let piece = usize::from(cursor.byte()).max(1);
    let stretch = usize::from(cursor.byte()) * 1024;
    let file = stretched(cursor.into_rest(), stretch);
    // A large file in single bytes shows no more than in pieces of some size, and takes its time.
    let piece = piece * (1 + file.len() / 1024);
    let whole = read(&file, &options, file.len().max(1));
    let pieces = read(&file, &options, piece);
    assert_eq!(whole, pieces, "in pieces of {piece}");
}

/// Bytes of a file at most that was stretched: one line that is too long, and some more.
const STRETCHED_MAX: usize = LINE_MAX + LINE_MAX / 4;

/// The file with so many letters for every NUL, as long as there is room.
fn stretched(file: &[u8], count: usize) -> Vec<u8> {
    let mut stretched = Vec::with_capacity(file.len());
    for &byte in file {
        if byte == 0 && count > 0 && stretched.len() + count <= STRETCHED_MAX {
            stretched.resize(stretched.len() + count, b'x');
        } else {
            stretched.push(byte);
        }
    }
    stretched
}

/// All rows, or why the list cannot be read.
fn read(file: &[u8], options: &InputOptions, piece: usize) -> Result<Vec<Row>, String> {
    let reader = BufReader::with_capacity(piece, file);
    let rows = input::read("list", reader, options).map_err(|error| error.to_string())?;
    let mut accounting = Accounting::new(file, &rows);
    let mut found = Vec::new();
    let mut rows = rows;
    for row in rows.by_ref() {
        let row = row.expect("memory can be read");
        check_row(&row);
        accounting.take(&row);
        found.push(row);
    }
    accounting.end();
    assert!(rows.next().is_none(), "after the end nothing follows");
    let skipped = rows.skipped();
    assert!((skipped.blank + skipped.comments) as usize <= file.len());
    Ok(found)
}

fn check_row(row: &Row) {
    match &row.address {
        Ok(address) => {
            assert_eq!(address, row.raw.trim_ascii());
            assert!(row.raw.len() <= LINE_MAX);
            let _ = vrfy_proto::mailbox::Mailbox::parse(address);
        }
        Err(problem) => {
            // A replacement character has three octets where one was.
            assert!(row.raw.len() <= 3 * RAW_MAX);
            assert!(row.carried.is_empty());
            assert!(problem.line() >= row.number && problem.column() >= 1);
            assert!(!problem.code().is_empty());
            let _ = problem.to_string();
        }
    }
}

/// Follows the rows through the lines of the file, by a model of what a line is.
struct Accounting<'f> {
    /// As much of each line as is held, and whether that is all of it.
    lines: Vec<(&'f [u8], bool)>,
    format: InputFormat,
    /// The line that comes next, from 1; not known before the first row behind a header.
    next: Option<usize>,
}

impl<'f> Accounting<'f> {
    fn new<R: Read>(file: &'f [u8], rows: &Rows<BufReader<R>>) -> Self {
        let mut pieces: Vec<&[u8]> = file.split(|byte| *byte == b'\n').collect();
        if pieces.last().is_some_and(|line| line.is_empty()) {
            pieces.pop();
        }
        let held = |line: &'f [u8]| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            (&line[..line.len().min(LINE_MAX)], line.len() <= LINE_MAX)
        };
        let mut lines: Vec<_> = pieces.into_iter().map(held).collect();
        if let Some((first, _)) = lines.first_mut() {
            *first = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
        }
        let format = rows.format();
        let mut accounting = Self {
            lines,
            format,
            next: Some(1),
        };
        if format == InputFormat::Csv {
            let header = accounting.row_from(1).expect("a table has a header");
            // Where the header has quotes it may take several lines.
            let is_simple = !accounting.lines[header - 1].0.contains(&b'"');
            accounting.next = is_simple.then_some(header + 1);
        }
        accounting
    }

    /// The first line from there on that is neither blank nor a comment.
    fn row_from(&self, number: usize) -> Option<usize> {
        let is_row = |number: &usize| {
            let (line, is_whole) = self.lines[number - 1];
            let trimmed = line.trim_ascii();
            let is_comment = self.format == InputFormat::Lines && trimmed.starts_with(b"#");
            !(is_comment || is_whole && trimmed.is_empty())
        };
        (number..=self.lines.len()).find(is_row)
    }

    fn take(&mut self, row: &Row) {
        let number = usize::try_from(row.number).expect("a file in memory is small");
        assert!((1..=self.lines.len()).contains(&number));
        if let Some(next) = self.next {
            let expected = self.row_from(next);
            assert_eq!(Some(number), expected, "a row is lost or made up");
        }
        // A table's record goes over as many lines as its quotes hold line ends.
        let breaks = |text: &str| text.matches('\n').count();
        let is_record = self.format == InputFormat::Csv && row.address.is_ok();
        let carried = row.carried.iter().filter_map(|(_, value)| value.as_str());
        let spanned = breaks(&row.raw) + carried.map(breaks).sum::<usize>();
        self.next = Some(number + 1 + if is_record { spanned } else { 0 });
    }

    fn end(&self) {
        if let Some(next) = self.next {
            assert_eq!(self.row_from(next), None, "the last rows are lost");
        }
    }
}
