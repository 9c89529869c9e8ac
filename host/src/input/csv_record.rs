//! The grammar of one CSV record (RFC 4180), fed line by line.
//!
//! Why not a crate: parsers that forgive text after a closing quote join records when a quote is
//! left open, without a word, and an address is lost; and they hold a record of any length.
//!
//! **Promises.** Text after a closing quote is an error with its column. A quote inside of a field
//! that does not begin with one is ordinary text. Line ends inside of quotes become LF.

use super::problem::RowProblem;

/// Fields of one record at most. Exports of large systems have a few hundred.
pub(super) const FIELDS_MAX: usize = 1_024;

/// A record as far as it has been read.
pub(super) struct CsvRecord {
    delimiter: char,
    place: Place,
    field: String,
    fields: Vec<String>,
}

/// Whether a record ends with the line that was fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Complete,
    Quoted,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    FieldStart,
    Bare,
    Quoted,
    /// After a quote inside of quotes: it closes them, or is the first of two.
    QuoteSeen,
}

impl CsvRecord {
    pub(super) fn new(delimiter: char) -> Self {
        let place = Place::FieldStart;
        Self {
            delimiter,
            place,
            field: String::new(),
            fields: Vec::new(),
        }
    }

    /// Takes the next line; its number is for the error.
    pub(super) fn feed(&mut self, text: &str, line: u64) -> Result<Progress, RowProblem> {
        for (index, found) in text.chars().enumerate() {
            self.place = match (self.place, found) {
                (Place::FieldStart, '"') => Place::Quoted,
                (Place::Quoted, '"') => Place::QuoteSeen,
                (Place::Quoted, _) | (Place::QuoteSeen, '"') => self.keep(found, Place::Quoted),
                (_, found) if found == self.delimiter => self.end_field(line)?,
                (Place::QuoteSeen, found) => {
                    return Err(RowProblem::TextAfterQuote {
                        line,
                        column: index + 1,
                        found,
                    });
                }
                (Place::FieldStart | Place::Bare, _) => self.keep(found, Place::Bare),
            };
        }
        if self.place == Place::Quoted {
            self.field.push('\n');
            return Ok(Progress::Quoted);
        }
        self.place = self.end_field(line)?;
        Ok(Progress::Complete)
    }

    pub(super) fn into_fields(self) -> Vec<String> {
        self.fields
    }

    fn keep(&mut self, found: char, place: Place) -> Place {
        self.field.push(found);
        place
    }

    fn end_field(&mut self, line: u64) -> Result<Place, RowProblem> {
        if self.fields.len() == FIELDS_MAX {
            return Err(RowProblem::TooManyFields { line });
        }
        self.fields.push(std::mem::take(&mut self.field));
        Ok(Place::FieldStart)
    }
}
