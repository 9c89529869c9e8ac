//! What is wrong with one row.

use thiserror::Error;

use super::csv_record::FIELDS_MAX;
use super::line_reader::LINE_MAX;

/// Why a row gives no address. Lines are counted from 1, columns in characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RowProblem {
    /// The line is longer than what is held.
    #[error(
        "line {line} has {octets} octets, more than the {} that are read; \
         check that its line ends are not lost",
        LINE_MAX
    )]
    LineTooLong {
        /// The line.
        line: u64,
        /// Its length.
        octets: u64,
    },
    /// The line is not UTF-8.
    #[error(
        "line {line}, column {column}: not valid UTF-8; convert the list, \
         for instance with iconv -f WINDOWS-1252 -t UTF-8"
    )]
    InvalidUtf8 {
        /// The line.
        line: u64,
        /// The first character that is not valid.
        column: usize,
    },
    /// A CSV quote that never ends.
    #[error(
        "line {line}: a quoted field is not closed within {} octets; close it, \
         or double the quotes that belong to its text",
        LINE_MAX
    )]
    QuoteNotClosed {
        /// The line on which the record begins.
        line: u64,
    },
    /// Text between a closing quote and the delimiter.
    #[error(
        "line {line}, column {column}: {found:?} follows a closing quote; double the quotes that \
         belong to the text of a field"
    )]
    TextAfterQuote {
        /// The line.
        line: u64,
        /// Where the text is.
        column: usize,
        /// Its first character.
        found: char,
    },
    /// A CSV record with more fields than any table has.
    #[error("line {line}: more than {} fields; check the delimiter", FIELDS_MAX)]
    TooManyFields {
        /// The line of the field that is one too many.
        line: u64,
    },
    /// A CSV record that does not fit the header.
    #[error(
        "line {line}: {found} fields where the header has {expected}; \
         quote fields that contain the delimiter"
    )]
    FieldCount {
        /// The line on which the record begins.
        line: u64,
        /// Fields of the header.
        expected: usize,
        /// Fields of the record.
        found: usize,
    },
    /// The line is no JSON.
    #[error("line {line}, column {column}: malformed JSON ({what}); write one object a line")]
    MalformedJson {
        /// The line.
        line: u64,
        /// Where the parser stopped.
        column: usize,
        /// What it says.
        what: String,
    },
    /// The line is JSON, but no object.
    #[error("line {line}, column 1: {found} where an object is expected; write one object a line")]
    NotAnObject {
        /// The line.
        line: u64,
        /// What is there.
        found: &'static str,
    },
    /// The object has no such field.
    #[error("line {line}: the object has no field {field}; choose another with --column")]
    FieldMissing {
        /// The line.
        line: u64,
        /// The field or fields that were looked for.
        field: String,
    },
    /// The field holds something else than a text.
    #[error("line {line}: the field {field:?} holds {found}; write the address as a string")]
    FieldNotText {
        /// The line.
        line: u64,
        /// The field.
        field: String,
        /// What is there.
        found: &'static str,
    },
}

impl RowProblem {
    /// A name for this kind of problem that stays the same from version to version.
    pub fn code(&self) -> &'static str {
        match self {
            Self::LineTooLong { .. } => "line-too-long",
            Self::InvalidUtf8 { .. } => "invalid-utf8",
            Self::QuoteNotClosed { .. } => "csv-quote-not-closed",
            Self::TextAfterQuote { .. } => "csv-text-after-quote",
            Self::TooManyFields { .. } => "csv-too-many-fields",
            Self::FieldCount { .. } => "csv-field-count",
            Self::MalformedJson { .. } => "json-malformed",
            Self::NotAnObject { .. } => "json-not-an-object",
            Self::FieldMissing { .. } => "json-field-missing",
            Self::FieldNotText { .. } => "json-field-not-text",
        }
    }

    /// The line that is at fault, from 1.
    pub fn line(&self) -> u64 {
        match self {
            Self::LineTooLong { line, .. }
            | Self::InvalidUtf8 { line, .. }
            | Self::QuoteNotClosed { line }
            | Self::TextAfterQuote { line, .. }
            | Self::TooManyFields { line }
            | Self::FieldCount { line, .. }
            | Self::MalformedJson { line, .. }
            | Self::NotAnObject { line, .. }
            | Self::FieldMissing { line, .. }
            | Self::FieldNotText { line, .. } => *line,
        }
    }

    /// Where in the line the fault is, in characters from 1; 1 where the line as a whole is at
    /// fault.
    pub fn column(&self) -> usize {
        match self {
            Self::InvalidUtf8 { column, .. }
            | Self::TextAfterQuote { column, .. }
            | Self::MalformedJson { column, .. } => *column,
            Self::LineTooLong { .. }
            | Self::QuoteNotClosed { .. }
            | Self::TooManyFields { .. }
            | Self::FieldCount { .. }
            | Self::NotAnObject { .. }
            | Self::FieldMissing { .. }
            | Self::FieldNotText { .. } => 1,
        }
    }
}
