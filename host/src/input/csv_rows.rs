//! Rows of a CSV table.
//!
//! **Promises.** A record ends where its last quote is closed, but no later than [`LINE_MAX`]
//! octets after its beginning: a quote that is never closed costs the record that it opens, and the
//! lines after it are read as records of their own.

use std::collections::HashSet;
use std::io::{self, BufRead};
use std::iter;

use serde_json::Value;
use vrfy_proto::mailbox::Mailbox;

use super::csv_record::{CsvRecord, Progress};
use super::format::ADDRESS_NAMES;
use super::line_reader::{LINE_MAX, Line, LineReader};
use super::problem::RowProblem;
use super::{InputError, Row};

/// Columns that a message lists at most.
const COLUMNS_SHOWN_MAX: usize = 20;

/// Characters of a column's name that a message shows at most.
const COLUMN_NAME_SHOWN_MAX: usize = 40;

pub(super) struct CsvTable {
    columns: Vec<String>,
    address: usize,
    records: RecordReader,
}

impl CsvTable {
    /// The columns beside the address, in their order.
    pub(super) fn carried_names(&self) -> Vec<String> {
        let named = self.columns.iter().enumerate();
        let others = named.filter(|(index, _)| *index != self.address);
        others.map(|(_, name)| name.clone()).collect()
    }

    /// Reads the header, which begins on `line`, and finds the column with the address.
    pub(super) fn begin<R: BufRead>(
        source: &str,
        lines: &mut LineReader<R>,
        line: &Line,
        chosen: Option<&str>,
    ) -> Result<Self, InputError> {
        let source_name = source.to_owned();
        if line.number == 0 {
            return Err(InputError::HeaderMissing { source_name });
        }
        let mut records = RecordReader::new(delimiter(&line.bytes));
        let header = if line.is_too_long() {
            line.too_long_row().address.map(|_| Vec::new())
        } else {
            records
                .read(lines, line)
                .map_err(|error| InputError::Unreadable {
                    source_name: source_name.clone(),
                    error,
                })?
        };
        let fields = header.map_err(|problem| InputError::HeaderInvalid {
            source_name: source_name.clone(),
            problem,
        })?;
        let is_address = |field: &&String| Mailbox::parse(field.trim()).is_ok();
        if let Some(found) = fields.iter().find(is_address) {
            let found = shortened(found);
            return Err(InputError::HeaderIsData { source_name, found });
        }
        let address = address_column(source_name, &fields, chosen)?;
        Ok(Self {
            columns: unique_names(&fields),
            address,
            records,
        })
    }

    /// Reads the record that begins on `line`. Where it is bad, the lines that its quotes took in
    /// are put back: a stray quote must not swallow the addresses after it.
    pub(super) fn row<R: BufRead>(
        &mut self,
        lines: &mut LineReader<R>,
        line: &Line,
    ) -> io::Result<Row> {
        let record = self.records.read(lines, line)?;
        Ok(
            match record.and_then(|fields| self.fitting(fields, line.number)) {
                Ok(fields) => self.good_row(fields, line.number),
                Err(problem) => {
                    lines.put_back(self.records.continuation.drain(..));
                    Row::bad(line.number, &line.bytes, problem)
                }
            },
        )
    }

    fn fitting(&self, fields: Vec<String>, line: u64) -> Result<Vec<String>, RowProblem> {
        let (expected, found) = (self.columns.len(), fields.len());
        if expected == found {
            Ok(fields)
        } else {
            Err(RowProblem::FieldCount {
                line,
                expected,
                found,
            })
        }
    }

    fn good_row(&self, mut fields: Vec<String>, number: u64) -> Row {
        let address = fields.remove(self.address);
        let others = self
            .columns
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != self.address);
        let carried = others
            .map(|(_, name)| name.clone())
            .zip(fields.into_iter().map(Value::String));
        Row::good(number, &address, carried.collect())
    }
}

/// Reads records that may stretch over several lines.
struct RecordReader {
    delimiter: char,
    /// The lines after the first one that belong to the latest record.
    continuation: Vec<Line>,
}

impl RecordReader {
    fn new(delimiter: char) -> Self {
        Self {
            delimiter,
            continuation: Vec::new(),
        }
    }

    /// Reads the record that begins on `first`, and as many lines after it as its quotes need.
    fn read<R: BufRead>(
        &mut self,
        lines: &mut LineReader<R>,
        first: &Line,
    ) -> io::Result<Result<Vec<String>, RowProblem>> {
        self.continuation.clear();
        let mut record = CsvRecord::new(self.delimiter);
        let mut octets = first.bytes.len();
        let mut progress = feed(&mut record, first);
        while progress == Ok(Progress::Quoted) {
            let mut line = Line::default();
            let not_closed = RowProblem::QuoteNotClosed { line: first.number };
            if !lines.next(&mut line)? {
                return Ok(Err(not_closed));
            }
            octets += 1 + line.bytes.len();
            let fits = octets <= LINE_MAX && !line.is_too_long();
            progress = if fits {
                feed(&mut record, &line)
            } else {
                Err(not_closed)
            };
            self.continuation.push(line);
        }
        Ok(progress.map(|_| record.into_fields()))
    }
}

fn feed(record: &mut CsvRecord, line: &Line) -> Result<Progress, RowProblem> {
    record.feed(line.text()?, line.number)
}

/// The delimiter that occurs most often outside of quotes; a comma where none does.
fn delimiter(header: &[u8]) -> char {
    let mut quoted = false;
    let mut counts = [(',', 0), (';', 0), ('\t', 0)];
    for octet in header {
        quoted ^= *octet == b'"';
        for (delimiter, count) in &mut counts {
            *count += usize::from(!quoted && *delimiter == char::from(*octet));
        }
    }
    // The first of equals: reversed, because the last maximum is the one that is given.
    counts
        .into_iter()
        .rev()
        .max_by_key(|(_, count)| *count)
        .map_or(',', |(found, _)| found)
}

fn address_column(
    source_name: String,
    fields: &[String],
    chosen: Option<&str>,
) -> Result<usize, InputError> {
    let named = |wanted: &str| {
        let same = |field: &String| field.trim() == wanted;
        let alike = |field: &String| field.trim().eq_ignore_ascii_case(wanted);
        fields
            .iter()
            .position(same)
            .or_else(|| fields.iter().position(alike))
    };
    let Some(column) = chosen else {
        let only = (fields.len() == 1).then_some(0);
        let found = ADDRESS_NAMES.into_iter().find_map(named).or(only);
        return found.ok_or_else(|| InputError::ColumnUnknown {
            source_name,
            columns: listed(fields),
        });
    };
    let numbered = column
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_sub(1));
    let found = named(column).or_else(|| numbered.filter(|index| *index < fields.len()));
    found.ok_or_else(|| InputError::ColumnMissing {
        source_name,
        column: shortened(column),
        columns: listed(fields),
    })
}

/// Names for the columns by which they can be told apart: nameless ones get their number, repeated
/// ones a suffix.
fn unique_names(fields: &[String]) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut names = Vec::with_capacity(fields.len());
    for (index, field) in fields.iter().enumerate() {
        let base = match field.trim() {
            "" => format!("column_{}", index + 1),
            name => name.to_owned(),
        };
        let suffixed = (2..).map(|count| format!("{base}_{count}"));
        let mut candidates = iter::once(base.clone()).chain(suffixed);
        names.extend(candidates.find(|name| taken.insert(name.clone())));
    }
    names
}

/// `1 "name", 2 "mail"`, as far as it helps.
fn listed(fields: &[String]) -> String {
    let shown = fields.iter().enumerate().take(COLUMNS_SHOWN_MAX);
    let mut columns: Vec<String> = shown
        .map(|(index, field)| format!("{} {:?}", index + 1, shortened(field)))
        .collect();
    if fields.len() > COLUMNS_SHOWN_MAX {
        columns.push(format!("and {} more", fields.len() - COLUMNS_SHOWN_MAX));
    }
    columns.join(", ")
}

fn shortened(name: &str) -> String {
    name.trim().chars().take(COLUMN_NAME_SHOWN_MAX).collect()
}
