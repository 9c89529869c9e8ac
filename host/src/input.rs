//! Reading address lists: plain lines, CSV with a header, JSON Lines.
//!
//! **Promises.** Every line that is not blank and no comment, or every CSV record, becomes exactly
//! one [`Row`], in order, with the number of its line. A bad row (invalid UTF-8, a line above
//! [`LINE_MAX`], a missing field, malformed JSON, a CSV record with too few or too many fields)
//! carries its [`RowProblem`] and the next one is read. What is wrong with the list as a whole (a
//! directory, a missing file or column, another encoding) is an [`InputError`] before the first
//! row. Memory stays within a few megabytes, however long a line or a list is.
//!
//! **Formats.** By `--input-format`; else by the extension of the file: `.csv` and `.tsv` are CSV,
//! `.jsonl`, `.ndjson` and `.json` JSON Lines, `.txt`, `.lst` and `.list` plain lines; else by the
//! first line that is not blank: JSON Lines if it begins with `{`; CSV if it has no `@` and
//! contains a comma, a semicolon or a tab, or if it is just `address` or `email`; plain lines
//! otherwise.
//!
//! * *Plain lines*: one address a line, white space around it dropped. Lines that begin with `#`
//!   are comments; an address that begins so is written `"#a"@example.com`.
//! * *CSV*: the first record is the header. Its line decides between comma, semicolon and tab. The
//!   address is in the chosen column (by name, else by number from 1), else in the one named
//!   `address` or `email`, else in the only one. Fields may be quoted and contain line ends, which
//!   are read as LF. A record with a stray quote is bad, and the lines that the quote took in are
//!   read again.
//! * *JSON Lines*: one object a line, the address in the chosen field, else in `address`, else in
//!   `email`.
//!
//! In all of them a byte order mark, CRLF and blank lines are tolerated. The other columns or
//! fields are carried through in their order.
//!
//! **Does not** judge addresses: [`vrfy_proto::mailbox`] does.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde_json::Value;

use self::csv_rows::CsvTable;
pub use self::error::InputError;
pub use self::format::InputFormat;
use self::json_rows::JsonFields;
pub use self::line_reader::LINE_MAX;
use self::line_reader::{Line, LineReader};
pub use self::problem::RowProblem;

mod csv_record;
mod csv_rows;
mod error;
mod format;
mod json_rows;
mod line_reader;
mod problem;

/// Octets of a bad row that are kept to show it, at most: enough to recognise it.
pub const RAW_MAX: usize = 256;

/// Octets that are asked of the system at once: large enough that system calls cost nothing.
const READ_BUFFER: usize = 64 * 1024;

/// How a list is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputOptions {
    /// The format; found out where it is not given.
    pub format: Option<InputFormat>,
    /// The column of a CSV list (name, or number from 1) or the field of JSON Lines.
    pub column: Option<String>,
}

/// One row of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The line on which it begins, from 1.
    pub number: u64,
    /// The address as given; for a bad row the beginning of the row, for people.
    pub raw: String,
    /// The address, without white space around it, or why there is none.
    pub address: Result<String, RowProblem>,
    /// The other columns in their order; empty for bad rows.
    pub carried: Vec<(String, Value)>,
}

impl Row {
    fn good(number: u64, raw: &str, carried: Vec<(String, Value)>) -> Self {
        let address = Ok(raw.trim_ascii().to_owned());
        Self {
            number,
            raw: raw.to_owned(),
            address,
            carried,
        }
    }

    fn bad(number: u64, bytes: &[u8], problem: RowProblem) -> Self {
        let shown = &bytes[..bytes.len().min(RAW_MAX)];
        let raw = String::from_utf8_lossy(shown).into_owned();
        Self {
            number,
            raw,
            address: Err(problem),
            carried: Vec::new(),
        }
    }
}

/// Lines that are no rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Lines of nothing or white space.
    pub blank: u64,
    /// Lines that begin with `#`, in plain lists.
    pub comments: u64,
}

/// The rows of a list, read as they are asked for. After an error there is nothing more.
pub struct Rows<R> {
    source: String,
    lines: LineReader<R>,
    line: Line,
    reading: Reading,
    skipped: Skipped,
    ended: bool,
}

enum Reading {
    Lines,
    Csv(CsvTable),
    JsonLines(JsonFields),
}

/// Opens a list; `-` is the standard input.
pub fn open(
    path: &Path,
    options: &InputOptions,
) -> Result<Rows<Box<dyn BufRead + Send>>, InputError> {
    if path == Path::new("-") {
        let stdin = BufReader::with_capacity(READ_BUFFER, io::stdin());
        return read("standard input", Box::new(stdin), options);
    }
    let source = path.display().to_string();
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => InputError::NotFound {
            source_name: source.clone(),
        },
        _ => InputError::Unreadable {
            source_name: source.clone(),
            error,
        },
    };
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(InputError::Directory {
            source_name: source,
        });
    }
    let mut options = options.clone();
    options.format = options.format.or_else(|| InputFormat::of_extension(path));
    read(
        &source,
        Box::new(BufReader::with_capacity(READ_BUFFER, file)),
        &options,
    )
}

/// Reads a list from anything; the name is for messages. Reads as far as the first row.
pub fn read<R: BufRead>(
    source: &str,
    reader: R,
    options: &InputOptions,
) -> Result<Rows<R>, InputError> {
    let mut rows = Rows {
        source: source.to_owned(),
        lines: LineReader::new(reader),
        line: Line::default(),
        reading: Reading::Lines,
        skipped: Skipped::default(),
        ended: false,
    };
    let begins = rows.next_line()?;
    if begins {
        format::check_is_text(source, &rows.line.bytes)?;
    }
    let found = || format::detect(&rows.line.bytes);
    let format = options.format.unwrap_or_else(found);
    match format {
        InputFormat::Lines => {
            if let Some(column) = &options.column {
                return Err(InputError::ColumnOfLines {
                    source_name: rows.source,
                    column: column.clone(),
                });
            }
        }
        InputFormat::Csv => {
            let column = options.column.as_deref();
            let table = CsvTable::begin(source, &mut rows.lines, &rows.line, column)?;
            rows.reading = Reading::Csv(table);
            return Ok(rows);
        }
        InputFormat::JsonLines => {
            if rows.line.bytes.trim_ascii_start().starts_with(b"[") {
                return Err(InputError::JsonArray {
                    source_name: rows.source,
                });
            }
            rows.reading = Reading::JsonLines(JsonFields::new(options.column.as_deref()));
        }
    }
    if begins {
        rows.lines.put_back([rows.line.clone()]);
    }
    Ok(rows)
}

impl<R> Rows<R> {
    /// The format that is read.
    pub fn format(&self) -> InputFormat {
        match self.reading {
            Reading::Lines => InputFormat::Lines,
            Reading::Csv(_) => InputFormat::Csv,
            Reading::JsonLines(_) => InputFormat::JsonLines,
        }
    }

    /// The names of the columns that are carried through: all but the address of a CSV list. JSON
    /// Lines may name others in every row, and plain lines have none.
    pub fn carried_names(&self) -> Vec<String> {
        match &self.reading {
            Reading::Csv(table) => table.carried_names(),
            Reading::Lines | Reading::JsonLines(_) => Vec::new(),
        }
    }

    /// The lines so far that are no rows.
    pub fn skipped(&self) -> Skipped {
        self.skipped
    }
}

impl<R: BufRead> Rows<R> {
    /// Moves to the next line that is not blank.
    fn next_line(&mut self) -> Result<bool, InputError> {
        let read = |error| InputError::Unreadable {
            source_name: self.source.clone(),
            error,
        };
        while self.lines.next(&mut self.line).map_err(read)? {
            if !self.line.is_blank() {
                return Ok(true);
            }
            self.skipped.blank += 1;
        }
        self.line = Line::default();
        Ok(false)
    }

    fn next_row(&mut self) -> Result<Option<Row>, InputError> {
        while self.next_line()? {
            let line = &self.line;
            let row =
                match &mut self.reading {
                    Reading::Lines if line.is_comment() => {
                        self.skipped.comments += 1;
                        continue;
                    }
                    _ if line.is_too_long() => line.too_long_row(),
                    Reading::Lines => plain_row(line),
                    Reading::JsonLines(fields) => fields.row(line),
                    Reading::Csv(table) => table.row(&mut self.lines, line).map_err(|error| {
                        InputError::Unreadable {
                            source_name: self.source.clone(),
                            error,
                        }
                    })?,
                };
            return Ok(Some(row));
        }
        Ok(None)
    }
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = Result<Row, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.next_row().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

fn plain_row(line: &Line) -> Row {
    match line.text() {
        Ok(text) => Row::good(line.number, text, Vec::new()),
        Err(problem) => Row::bad(line.number, &line.bytes, problem),
    }
}

#[cfg(test)]
mod tests;
