//! Which format a list has. The rule is on the page of [`super`].

use std::path::Path;

use super::InputError;

/// The formats of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputFormat {
    /// One address a line.
    Lines,
    /// A table with a header.
    Csv,
    /// One JSON object a line.
    JsonLines,
}

impl InputFormat {
    /// Every format, for help texts.
    pub const ALL: [Self; 3] = [Self::Lines, Self::Csv, Self::JsonLines];

    /// The name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    /// The format that the extension of a file promises.
    pub fn of_extension(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" | "tsv" => Some(Self::Csv),
            "jsonl" | "ndjson" | "json" => Some(Self::JsonLines),
            "txt" | "lst" | "list" => Some(Self::Lines),
            _ => None,
        }
    }
}

/// The format that the first line suggests.
pub(super) fn detect(first: &[u8]) -> InputFormat {
    let first = first.trim_ascii();
    if first.starts_with(b"{") {
        return InputFormat::JsonLines;
    }
    let has = |wanted: &[u8]| first.iter().any(|octet| wanted.contains(octet));
    let is_table = has(b",;\t") && !has(b"@") && !first.starts_with(b"#");
    let is_only_column = ADDRESS_NAMES
        .iter()
        .any(|name| first.eq_ignore_ascii_case(name.as_bytes()));
    if is_table || is_only_column {
        InputFormat::Csv
    } else {
        InputFormat::Lines
    }
}

/// Refuses what is plainly no text, with a better word than a million bad rows.
pub(super) fn check_is_text(source: &str, first: &[u8]) -> Result<(), InputError> {
    let known = NOT_TEXT.iter().find(|(magic, ..)| first.starts_with(magic));
    match known {
        None => Ok(()),
        Some((_, found, remedy)) => Err(InputError::NotText {
            source_name: source.to_owned(),
            found,
            remedy,
        }),
    }
}

/// Names of the column or field with the address where none is chosen, the better one first.
pub(super) const ADDRESS_NAMES: [&str; 2] = ["address", "email"];

const NOT_TEXT: [(&[u8], &str, &str); 4] = [
    (
        b"\xff\xfe",
        "text in UTF-16",
        "convert it with iconv -f UTF-16 -t UTF-8",
    ),
    (
        b"\xfe\xff",
        "text in UTF-16",
        "convert it with iconv -f UTF-16 -t UTF-8",
    ),
    (
        b"PK\x03\x04",
        "a spreadsheet or an archive",
        "export or unpack it as CSV in UTF-8",
    ),
    (
        b"\x1f\x8b",
        "compressed",
        "decompress it, for instance with gzip -dc LIST | vrfy run -",
    ),
];
