//! Output: records for programs and for people.
//!
//! ```text
//! Record -> Writer --+-- JSON Lines   everything, one line a record
//!                    +-- CSV          the columns of a spreadsheet, safe to open there
//!                    +-- table        one line a record, cut to the screen
//!                    +-- person       the whole answer, to be read
//! ```
//!
//! Promises: a record reaches the sink whole, in one piece and at once, so that an interrupted run
//! leaves complete records and no half line; what others wrote is made harmless on every way out;
//! nothing is concluded, counted or left out but as the form documents. A reader that goes away is
//! told apart from a failure ([`WriteError::ReaderGone`]).
//!
//! What it does not do: sort, buffer, read clocks, or look at the environment (but for
//! [`Screen::of_stdout`] and its sibling, which are called once).
//!
//! Read next: `docs/output.md` for users; `person.rs`, `comma_separated.rs`, `sink.rs`.

mod checklist;
pub mod clean;
mod comma_separated;
mod explanation;
mod json_lines;
mod layout;
mod person;
#[cfg(test)]
mod sample;
mod screen;
mod sink;
mod table;
mod transcript;
mod words;

use std::io::{self, Write};

use vrfy_proto::evidence::Reply;

use crate::record::Record;
use table::Table;

pub use checklist::render as checklist;
pub use comma_separated::{COLUMNS, Carried, OTHER_COLUMNS, Others};
pub(crate) use layout::cut;
pub use person::{Sentences, render as person};
pub use screen::{Colour, Screen};
pub(crate) use screen::{FAINT, status_sign, status_style};
pub use sink::{Existing, OpenError, Sink};
pub use transcript::render as transcript;
pub(crate) use words::duration;

/// Writes a message to standard error. Where nobody reads that any more, there is nobody to tell.
pub fn say(text: &str) {
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// How records are written.
#[derive(Clone, Debug)]
pub enum Form {
    /// One JSON object a line; see `docs/record.schema.json`.
    JsonLines,
    /// Comma-separated values with these columns of the list behind ours.
    Csv(Carried),
    /// A table for people, laid out for this screen.
    Table(Screen),
    /// The whole answer for people, with what the reasons mean.
    Person(Screen, Sentences),
}

/// Writes records to a sink, one at a time.
#[derive(Debug)]
pub struct Writer<W> {
    sink: W,
    form: Ready,
    /// One record, put together before any of it is written.
    piece: Vec<u8>,
    begun: bool,
}

/// A [`Form`] with what it needs at every record.
#[derive(Debug)]
enum Ready {
    JsonLines,
    Csv(Carried),
    Table(Table),
    Person(Screen, Sentences),
}

impl<W: Write> Writer<W> {
    /// A writer that has written nothing yet.
    pub fn new(sink: W, form: Form) -> Self {
        let form = match form {
            Form::JsonLines => Ready::JsonLines,
            Form::Csv(carried) => Ready::Csv(carried),
            Form::Table(screen) => Ready::Table(Table::new(screen)),
            Form::Person(screen, sentences) => Ready::Person(screen, sentences),
        };
        Self {
            sink,
            form,
            piece: Vec::new(),
            begun: false,
        }
    }

    /// Writes one record, whole, and hands it on at once.
    ///
    /// # Errors
    /// [`WriteError::ReaderGone`] where nobody reads any more: end the run quietly, as a success.
    /// [`WriteError::Failed`] for everything else, such as a full disk.
    pub fn write(&mut self, record: &Record) -> Result<(), WriteError> {
        self.begin()?;
        match &self.form {
            Ready::JsonLines => {
                json_lines::append(record, &mut self.piece).map_err(io::Error::from)?;
            }
            Ready::Csv(carried) => {
                comma_separated::append(record, carried, &mut self.piece)
                    .map_err(io::Error::from)?;
            }
            Ready::Table(table) => self.piece.extend_from_slice(table.row(record).as_bytes()),
            Ready::Person(screen, sentences) => {
                let answer = person::render(record, sentences, *screen);
                self.piece.extend_from_slice(answer.as_bytes());
                if let Some(explained) = &record.explained {
                    let why = explanation::render(record, explained, sentences, *screen);
                    self.piece.extend_from_slice(why.as_bytes());
                }
                for dialogue in record.transcripts.iter().flatten() {
                    self.piece.push(b'\n');
                    let dialogue = transcript::render(dialogue, *screen);
                    self.piece.extend_from_slice(dialogue.as_bytes());
                }
            }
        }
        self.hand_on()
    }

    /// Writes what a list without a record still has, such as the names of its columns, and gives
    /// the sink back.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub fn finish(mut self) -> Result<W, WriteError> {
        if !self.begun {
            self.begin()?;
            self.hand_on()?;
        }
        Ok(self.sink)
    }

    /// What stands before the first record, and between two.
    fn begin(&mut self) -> Result<(), WriteError> {
        self.piece.clear();
        let first = !std::mem::replace(&mut self.begun, true);
        match &self.form {
            Ready::Csv(carried) if first => {
                comma_separated::append_header(carried, &mut self.piece)
                    .map_err(io::Error::from)?;
            }
            Ready::Table(table) if first => {
                self.piece.extend_from_slice(table.header().as_bytes());
            }
            Ready::Person(..) if !first => self.piece.push(b'\n'),
            _ => {}
        }
        Ok(())
    }

    fn hand_on(&mut self) -> Result<(), WriteError> {
        self.sink.write_all(&self.piece)?;
        Ok(self.sink.flush()?)
    }
}

/// Why a record could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Whoever read the output has closed it: `head` has its ten lines. No failure of ours.
    #[error("nobody reads the output any more")]
    ReaderGone,
    /// The sink failed.
    #[error("cannot write a record: {0}")]
    Failed(#[source] io::Error),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::Failed(error),
        }
    }
}

/// A reply on one line, code first.
fn reply_line(reply: &Reply) -> String {
    let text = reply.text.replace('\n', " ");
    match reply.code {
        Some(code) => format!("{code:03} {text}"),
        None => format!("(no code) {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts how often it was written to; fails as told.
    #[derive(Default)]
    struct Probe {
        pieces: Vec<Vec<u8>>,
        failure: Option<io::ErrorKind>,
    }

    impl Write for Probe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some(kind) = self.failure {
                return Err(kind.into());
            }
            self.pieces.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn text_of(form: Form, records: &[Record]) -> String {
        let mut writer = Writer::new(Vec::new(), form);
        for record in records {
            writer.write(record).unwrap();
        }
        String::from_utf8(writer.finish().unwrap()).unwrap()
    }

    #[test]
    fn every_record_is_handed_on_at_once_and_in_one_piece() {
        let mut writer = Writer::new(Probe::default(), Form::JsonLines);
        writer.write(&sample::accepted()).unwrap();
        writer.write(&sample::refused()).unwrap();
        assert_eq!(writer.sink.pieces.len(), 2);
        assert!(
            writer
                .sink
                .pieces
                .iter()
                .all(|piece| piece.ends_with(b"}\n"))
        );
    }

    #[test]
    fn a_list_without_records_still_names_its_columns() {
        let header = text_of(Form::Csv(Carried::default()), &[]);
        assert!(header.starts_with("\"address\",\"status\","), "{header}");
        assert!(text_of(Form::Table(Screen::PAGE), &[]).starts_with("STATUS"));
        assert_eq!(text_of(Form::JsonLines, &[]), "");
    }

    #[test]
    fn columns_are_named_once() {
        let records = [sample::accepted(), sample::refused()];
        let csv = text_of(Form::Csv(Carried::default()), &records);
        assert_eq!(csv.matches("\"confidence\"").count(), 1);
        assert_eq!(csv.lines().count(), 3);
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        let sink = Probe {
            failure: Some(io::ErrorKind::BrokenPipe),
            ..Probe::default()
        };
        let gone = Writer::new(sink, Form::JsonLines).write(&sample::accepted());
        assert!(matches!(gone, Err(WriteError::ReaderGone)));
    }

    #[test]
    fn a_full_disk_is_a_failure_that_names_itself() {
        let sink = Probe {
            failure: Some(io::ErrorKind::StorageFull),
            ..Probe::default()
        };
        let full = Writer::new(sink, Form::JsonLines)
            .write(&sample::accepted())
            .unwrap_err();
        assert_eq!(full.to_string(), "cannot write a record: no storage space");
    }

    #[test]
    fn answers_of_several_addresses_are_set_apart_and_dialogues_follow_their_answer() {
        let mut first = sample::accepted();
        first.transcripts = Some(vec!["S: 220 mx1.example.com\n".to_owned()]);
        let form = Form::Person(Screen::PAGE, Sentences::default());
        let text = text_of(form, &[first, sample::refused()]);
        assert!(
            text.contains("\n\nS: 220 mx1.example.com\n\n✗ nobody@"),
            "{text}"
        );
    }
}
