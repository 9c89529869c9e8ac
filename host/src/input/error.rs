//! What is wrong with a list as a whole.

use std::io;

use thiserror::Error;

/// Why a list cannot be read. Each message names the list and the remedy.
#[derive(Debug, Error)]
pub enum InputError {
    /// There is no such file.
    #[error("the list {source_name} does not exist; check the path, or give - for standard input")]
    NotFound {
        /// The list.
        source_name: String,
    },
    /// A directory was named.
    #[error("{source_name} is a directory; name one file in it")]
    Directory {
        /// The list.
        source_name: String,
    },
    /// The system refuses to read.
    #[error("cannot read {source_name}: {error}; check its permissions and the medium")]
    Unreadable {
        /// The list.
        source_name: String,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The file is no text in UTF-8.
    #[error("{source_name} is {found}; {remedy}")]
    NotText {
        /// The list.
        source_name: String,
        /// What it is.
        found: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A CSV list without any line.
    #[error("{source_name} is empty; a CSV list begins with a header")]
    HeaderMissing {
        /// The list.
        source_name: String,
    },
    /// A CSV list whose header cannot be read.
    #[error("the header of {source_name} cannot be read: {problem}")]
    HeaderInvalid {
        /// The list.
        source_name: String,
        /// What is wrong with it.
        problem: super::RowProblem,
    },
    /// A CSV list whose first record looks like data.
    #[error(
        "{source_name} has no header: its first line holds the address {found:?}; add a line \
         before it that names the columns, such as address,name"
    )]
    HeaderIsData {
        /// The list.
        source_name: String,
        /// The address in place of a name.
        found: String,
    },
    /// The chosen column is not there.
    #[error(
        "{source_name} has no column {column:?}; choose one of its columns with --column: {columns}"
    )]
    ColumnMissing {
        /// The list.
        source_name: String,
        /// The column that was chosen.
        column: String,
        /// The columns that exist, with their numbers.
        columns: String,
    },
    /// No column was chosen, and none suggests itself.
    #[error(
        "{source_name} has no column \"address\" or \"email\"; choose one of its columns with \
         --column: {columns}"
    )]
    ColumnUnknown {
        /// The list.
        source_name: String,
        /// The columns that exist, with their numbers.
        columns: String,
    },
    /// A column was chosen, but the list is plain lines.
    #[error(
        "{source_name} is read as plain lines, which have no column {column:?}; leave --column \
         out, or add --input-format csv or jsonl"
    )]
    ColumnOfLines {
        /// The list.
        source_name: String,
        /// The column that was chosen.
        column: String,
    },
    /// One JSON array instead of one object a line.
    #[error(
        "{source_name} is a JSON array; write one object a line, for instance with jq -c '.[]'"
    )]
    JsonArray {
        /// The list.
        source_name: String,
    },
}

impl InputError {
    /// A name for this kind of error that stays the same from version to version.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "list-not-found",
            Self::Directory { .. } => "list-is-directory",
            Self::Unreadable { .. } => "list-unreadable",
            Self::NotText { .. } => "list-not-text",
            Self::HeaderMissing { .. } => "csv-header-missing",
            Self::HeaderInvalid { .. } => "csv-header-invalid",
            Self::HeaderIsData { .. } => "csv-header-is-data",
            Self::ColumnMissing { .. } => "column-missing",
            Self::ColumnUnknown { .. } => "column-unknown",
            Self::ColumnOfLines { .. } => "column-of-lines",
            Self::JsonArray { .. } => "json-array",
        }
    }
}
