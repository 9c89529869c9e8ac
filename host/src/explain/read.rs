//! Reading what was saved, recognised by its content: dialogues in their text form, dialogues in
//! their JSON form, records; also mixed, and also with other text around dialogues.
//!
//! Promises: nothing is held of records that were read; a line that cannot be read is told with its
//! number and does not stop the others.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::io::{BufRead, Read as _};

use serde_json::Value;
use vrfy_proto::mailbox::{Lengths, Mailbox};
use vrfy_proto::transcript::{ParseTranscriptError, Transcript};

use super::Case;
use super::dialogues::{Broken, Dialogues};
use super::rebuild::{Archive, DIALOGUES_BYTES_MAX, Dialogue};
use super::saved::SavedRecord;
use crate::record::Origin;

/// Bytes of a line, and of a JSON value of several lines. The record of a probe that met the worst
/// server in each of its rounds, with all dialogues, stays under it.
pub const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Something that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file's name as it was given.
    pub file: String,
    /// The line, from 1; 0 for the file as a whole.
    pub line: u64,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.what),
            line => write!(f, "{}, line {line}: {}", self.file, self.what),
        }
    }
}

/// Which mailboxes are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted(BTreeSet<String>);

impl Wanted {
    /// Only these; all where there is none.
    pub fn only(addresses: &[String]) -> Self {
        Self(addresses.iter().map(|address| as_sent(address)).collect())
    }

    fn has(&self, address: &str) -> bool {
        self.0.is_empty() || self.0.contains(&as_sent(address))
    }
}

/// The address as RCPT TO carries it, where it is one.
fn as_sent(address: &str) -> String {
    let parsed = Mailbox::parse_within(address, Lengths::Sendable);
    parsed.map_or_else(|_| address.to_owned(), |mailbox| mailbox.to_string())
}

/// The cases of one input, in their order; those of dialogues come at its end.
pub struct Cases<R> {
    reader: R,
    file: String,
    wanted: Wanted,
    number: u64,
    ready: VecDeque<Result<Case, Problem>>,
    is_over: bool,
    /// Whether anything at all was recognised.
    is_recognised: bool,
    /// Whether anything at all was given out: a case or a problem.
    has_given: bool,
    text: Dialogues,
    value: Pending,
    json: Pending,
    archive: Archive,
    /// How many mailboxes of the dialogues have had their turn.
    turns: usize,
    dialogue_bytes: usize,
}

/// Lines that belong together, until the last one is read.
#[derive(Default)]
struct Pending {
    text: String,
    lines: Vec<u64>,
}

impl Pending {
    fn push(&mut self, number: u64, line: &str) {
        self.lines.push(number);
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn first_line(&self) -> u64 {
        self.lines.first().copied().unwrap_or(0)
    }
}

impl<R: BufRead> Cases<R> {
    /// Reads from `reader`, whose name is `file`.
    pub fn new(reader: R, file: &str, wanted: Wanted) -> Self {
        Self {
            reader,
            file: file.to_owned(),
            wanted,
            number: 0,
            ready: VecDeque::new(),
            is_over: false,
            is_recognised: false,
            has_given: false,
            text: Dialogues::default(),
            value: Pending::default(),
            json: Pending::default(),
            archive: Archive::default(),
            turns: 0,
            dialogue_bytes: 0,
        }
    }

    fn tell(&mut self, line: u64, what: impl Into<String>) {
        self.is_recognised = true;
        self.ready.push_back(Err(Problem {
            file: self.file.clone(),
            line,
            what: what.into(),
        }));
    }

    /// Reads one line; false at the end.
    fn read_line(&mut self) -> std::io::Result<bool> {
        let mut bytes = Vec::new();
        let most = LINE_BYTES_MAX as u64 + 1;
        let mut rest = self.reader.by_ref().take(most);
        if rest.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(false);
        }
        self.number += 1;
        let is_whole = bytes.ends_with(b"\n") || bytes.len() <= LINE_BYTES_MAX;
        if !is_whole {
            self.skip_line()?;
            self.tell(self.number, TOO_LONG);
            return Ok(true);
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        let text = match self.number {
            1 => text.strip_prefix('\u{feff}').unwrap_or(text),
            _ => text,
        };
        self.take_line(text);
        Ok(true)
    }

    fn skip_line(&mut self) -> std::io::Result<()> {
        loop {
            let available = self.reader.fill_buf()?;
            let end = available.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(available.len(), |end| end + 1);
            let is_over = end.is_some() || available.is_empty();
            self.reader.consume(length);
            if is_over {
                return Ok(());
            }
        }
    }

    fn take_line(&mut self, line: &str) {
        let number = self.number;
        // A value that was printed on several lines ends with a brace in the first column, and none
        // of its lines begins with an opening one.
        if line.starts_with('{') {
            self.end_value();
        }
        if line.starts_with('{') || !self.value.lines.is_empty() {
            self.value.push(number, line);
            let is_one = self.value.lines.len() == 1;
            if self.value.text.len() > LINE_BYTES_MAX {
                self.value = Pending::default();
                self.tell(number, TOO_LONG);
            } else if line == "}" || (is_one && line.ends_with('}')) {
                self.end_value();
            }
            return;
        }
        if let Some(dialogue) = self.text.push(number, line) {
            self.keep(dialogue);
        }
        self.dialogue_bytes += line.len();
        self.check_dialogue_bytes();
    }

    /// Takes up the JSON value that was read.
    fn end_value(&mut self) {
        let pending = std::mem::take(&mut self.value);
        if pending.lines.is_empty() {
            return;
        }
        let line = pending.first_line();
        let value: Value = match serde_json::from_str(&pending.text) {
            Ok(value) => value,
            Err(error) => {
                let column = error.column();
                self.tell(
                    line,
                    format!("this is no whole JSON object (column {column})"),
                );
                return;
            }
        };
        if value.get("recipients").is_some() {
            self.end_json_dialogue();
            self.push_json(line, &value);
        } else if value.get("event").is_some() && !self.json.lines.is_empty() {
            self.push_json(line, &value);
        } else if value.get("event").is_some() {
            self.tell(
                line,
                "an event of a dialogue without the head in front of it",
            );
        } else if value.get("address").is_some() {
            self.take_record(line, value);
        } else {
            self.tell(line, "neither a record nor a part of a dialogue");
        }
    }

    fn push_json(&mut self, line: u64, value: &Value) {
        let text = value.to_string();
        self.dialogue_bytes += text.len();
        self.json.push(line, &text);
        self.check_dialogue_bytes();
    }

    fn take_record(&mut self, line: u64, value: Value) {
        match serde_json::from_value::<SavedRecord>(value) {
            Ok(record) => {
                self.is_recognised = true;
                let address = record.mailbox.as_ref().unwrap_or(&record.address);
                if self.wanted.has(address) {
                    let origin = Origin {
                        file: self.file.clone(),
                        line,
                    };
                    self.ready.push_back(Ok(record.into_case(origin)));
                }
            }
            Err(error) => self.tell(line, format!("this record cannot be read: {error}")),
        }
    }

    fn end_json_dialogue(&mut self) {
        let pending = std::mem::take(&mut self.json);
        if pending.lines.is_empty() {
            return;
        }
        let read = Transcript::from_json_lines(&pending.text);
        let read = match read {
            Ok(transcript) => Ok(Dialogue {
                line: pending.first_line(),
                transcript,
            }),
            Err(ParseTranscriptError { line, problem }) => {
                let number = pending.lines.get(line - 1).copied();
                Err((number.unwrap_or(0), problem.to_owned()))
            }
        };
        self.keep(read);
    }

    fn keep(&mut self, dialogue: Result<Dialogue, Broken>) {
        match dialogue {
            Ok(dialogue) => {
                self.is_recognised = true;
                let line = dialogue.line;
                if let Err(what) = self.archive.add(dialogue) {
                    self.tell(line, what);
                }
            }
            Err((line, what)) => self.tell(line, what),
        }
    }

    fn check_dialogue_bytes(&mut self) {
        if self.dialogue_bytes > DIALOGUES_BYTES_MAX && !self.is_over {
            self.is_over = true;
            let what = "the dialogues are larger than 64 MiB; what follows was not read";
            self.tell(self.number, what);
            self.end();
        }
    }

    /// The case of the next mailbox of the dialogues: one at a time, since each holds its evidence.
    fn next_of_dialogues(&mut self) -> Option<Case> {
        loop {
            let address = self.archive.mailbox(self.turns)?;
            self.turns += 1;
            if self.wanted.has(address) {
                return Some(self.archive.case(address, &self.file));
            }
        }
    }

    /// Takes up whatever is under way.
    fn end(&mut self) {
        self.is_over = true;
        self.end_value();
        self.end_json_dialogue();
        if let Some(dialogue) = self.text.finish() {
            self.keep(dialogue);
        }
        if !self.is_recognised {
            self.tell(0, NOTHING_FOUND);
        }
    }
}

impl<R: BufRead> Iterator for Cases<R> {
    type Item = Result<Case, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                self.has_given = true;
                return Some(ready);
            }
            if self.is_over {
                let next = self.next_of_dialogues().map(Ok);
                if next.is_none() && !self.has_given {
                    self.tell(0, NOBODY_FOUND);
                    continue;
                }
                self.has_given = true;
                return next;
            }
            match self.read_line() {
                Ok(true) => {}
                Ok(false) => self.end(),
                Err(error) => {
                    self.tell(self.number, format!("cannot be read further: {error}"));
                    self.end();
                }
            }
        }
    }
}

const TOO_LONG: &str = "the line is longer than 16 MiB and was left out";

const NOBODY_FOUND: &str = "it has nothing about a mailbox that is wanted";

const NOTHING_FOUND: &str = "no dialogue and no record in it; give what `vrfy check --transcript`, \
                             `vrfy check --json` or `vrfy run` printed, or a transcript";

#[cfg(test)]
mod tests {
    use std::io;

    use proptest::prelude::*;

    use super::*;

    fn cases(text: &[u8]) -> Vec<Result<Case, Problem>> {
        Cases::new(text, "saved", Wanted::default()).collect()
    }

    const RECORD: &str = r#"{"address":"ana@example.com","status":"unknown","reason":"x"}"#;

    const DIALOGUE: &str = "mailbox: bo@example.com\n\nS: 220 hi\n@ ended completed\n";

    #[test]
    fn what_differs_in_form_may_stand_in_one_input() {
        let json = Transcript::from_text(DIALOGUE).unwrap().to_json_lines();
        let json = json.replace("bo@", "eve@");
        let text = format!("\u{feff}{RECORD}\r\n{DIALOGUE}{json}{RECORD}\n");
        let read = cases(text.as_bytes());
        let found: Vec<(&str, u64)> = read
            .iter()
            .map(|case| case.as_ref().unwrap())
            .map(|case| (case.evidence.address.given.as_str(), case.origin.line))
            .collect();
        assert_eq!(
            found,
            [
                ("ana@example.com", 1),
                ("ana@example.com", 9),
                ("eve@example.com", 6),
                ("bo@example.com", 2),
            ]
        );
    }

    /// Octets without end, as they would come from a device.
    struct Endless(&'static [u8], u64);

    impl io::Read for Endless {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = usize::try_from(self.1).unwrap().min(into.len());
            for (at, octet) in into[..length].iter_mut().enumerate() {
                *octet = self.0[at % self.0.len()];
            }
            self.1 -= length as u64;
            Ok(length)
        }
    }

    #[test]
    fn a_line_beyond_its_bound_is_left_out_and_told() {
        let long = Endless(b"{", LINE_BYTES_MAX as u64 + 2);
        let rest = format!("\n{RECORD}\n");
        let reader = io::BufReader::new(io::Read::chain(long, rest.as_bytes()));
        let read: Vec<_> = Cases::new(reader, "saved", Wanted::default()).collect();
        let [Err(problem), Ok(case)] = &read[..] else {
            panic!("{read:?}")
        };
        assert_eq!((problem.line, problem.what.as_str()), (1, TOO_LONG));
        assert_eq!(case.origin.line, 2);
    }

    #[test]
    fn dialogues_beyond_their_bound_end_the_reading() {
        let reader = Endless(
            b"S: 250 a line of a server\n",
            DIALOGUES_BYTES_MAX as u64 * 2,
        );
        let reader = io::BufReader::with_capacity(26 * 1024, reader);
        let read: Vec<_> = Cases::new(reader, "saved", Wanted::default()).collect();
        let told: Vec<&Problem> = read.iter().filter_map(|one| one.as_ref().err()).collect();
        assert!(
            told.iter().any(|one| one.what.contains("64 MiB")),
            "{told:?}"
        );
    }

    proptest! {
        #[test]
        fn whatever_is_read_ends_and_is_told_or_a_case(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just(RECORD.as_bytes().to_vec()),
                    Just(DIALOGUE.as_bytes().to_vec()),
                    Just(b"S: 250 2.1.5 ok".to_vec()),
                    Just(b"C: RCPT TO:<ana@example.com>".to_vec()),
                    Just(b"started-ms: 18446744073709551615".to_vec()),
                    Just(b"@ +999999999999s".to_vec()),
                    Just(b"{".to_vec()),
                    Just(b"}".to_vec()),
                    proptest::collection::vec(any::<u8>(), 0..40),
                ],
                0..12,
            ),
        ) {
            let read = cases(&pieces.join(&b'\n'));
            prop_assert!(!read.is_empty());
        }
    }
}
