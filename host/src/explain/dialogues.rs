//! Dialogues in their text form, found among other text: what `vrfy check --transcript` prints,
//! saved as it is, holds answers for people and dialogues in turn.
//!
//! A dialogue begins with a line of its head, of the server, of ours, or an event, and ends where
//! another begins or where, behind a blank line, other text follows. Other text that is not set
//! apart by a blank line is taken for a broken line, so that nothing is dropped without a word.

use vrfy_proto::transcript::{ParseTranscriptError, TRANSCRIPT_BYTES_MAX, Transcript};

use super::rebuild::Dialogue;

/// A broken dialogue: the line, and what is wrong with it.
pub(super) type Broken = (u64, String);

/// Finds dialogues in lines that it is given one after another.
#[derive(Default)]
pub(super) struct Dialogues {
    text: String,
    first_line: u64,
    has_events: bool,
    is_blank_before: bool,
    /// Behind `--- expected`: what follows is no dialogue.
    is_over: bool,
}

impl Dialogues {
    /// Takes a line, and gives the dialogue that it ends.
    pub(super) fn push(&mut self, number: u64, line: &str) -> Option<Result<Dialogue, Broken>> {
        if self.is_over {
            return None;
        }
        if line == EXPECTED_MARK {
            self.is_over = true;
            return self.finish();
        }
        let kind = Kind::of(line);
        let begins_anew = match kind {
            Kind::Head => self.has_events,
            Kind::Other => self.has_events && self.is_blank_before,
            Kind::Event | Kind::Comment | Kind::Blank => false,
        };
        let ended = if begins_anew { self.finish() } else { None };
        let is_outside = self.text.is_empty();
        if is_outside && !matches!(kind, Kind::Head | Kind::Event) {
            return ended;
        }
        if is_outside {
            self.first_line = number;
        }
        self.has_events |= kind == Kind::Event;
        self.is_blank_before = kind == Kind::Blank;
        // A dialogue beyond its bound is not kept whole, and is refused when it is read.
        if self.text.len() <= TRANSCRIPT_BYTES_MAX {
            self.text.push_str(line);
            self.text.push('\n');
        }
        ended
    }

    /// The dialogue under way, at the end of the input.
    pub(super) fn finish(&mut self) -> Option<Result<Dialogue, Broken>> {
        if self.text.is_empty() {
            return None;
        }
        let first = self.first_line;
        let read = Transcript::from_text(&self.text);
        *self = Self {
            is_over: self.is_over,
            ..Self::default()
        };
        Some(match read {
            Ok(transcript) => Ok(Dialogue {
                line: first,
                transcript,
            }),
            Err(ParseTranscriptError { line, problem }) => {
                Err((first + line as u64 - 1, problem.to_owned()))
            }
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Head,
    Event,
    Comment,
    Blank,
    Other,
}

impl Kind {
    fn of(line: &str) -> Self {
        let key = line.split_once(':').map(|(key, _)| key);
        match key {
            _ if line.is_empty() => Self::Blank,
            _ if line.starts_with("@ ") => Self::Event,
            _ if line.starts_with('#') => Self::Comment,
            Some("S" | "C") => Self::Event,
            Some(key) if HEAD.contains(&key) => Self::Head,
            _ => Self::Other,
        }
    }
}

/// The names of the head's lines; see `vrfy_proto::transcript`.
const HEAD: [&str; 9] = [
    "mailbox",
    "decoy",
    "exchange",
    "preference",
    "remote",
    "source",
    "ehlo-name",
    "reverse-path",
    "started-ms",
];

/// What stands in front of a test's expectation.
const EXPECTED_MARK: &str = "--- expected";

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "mailbox: ana@example.test\nexchange: mx.example.test\n\n\
                         S: 220 hi\n@ +1s\n@ ended closed greeting\n";
    const SECOND: &str = "mailbox: bob@example.test\n\nS: 421 no\n";

    fn found(text: &str) -> Vec<Result<(u64, String), Broken>> {
        let mut dialogues = Dialogues::default();
        let mut found: Vec<_> = (1..)
            .zip(text.lines())
            .filter_map(|(number, line)| dialogues.push(number, line))
            .collect();
        found.extend(dialogues.finish());
        let found = found.into_iter().map(|one| {
            one.map(|dialogue| {
                let mailbox = &dialogue.transcript.head.recipients[0].address;
                (dialogue.line, mailbox.clone())
            })
        });
        found.collect()
    }

    fn mailbox(line: u64, name: &str) -> Result<(u64, String), Broken> {
        Ok((line, format!("{name}@example.test")))
    }

    #[test]
    fn dialogues_that_follow_one_another_are_told_apart() {
        assert_eq!(
            found(&format!("{FIRST}{SECOND}")),
            [mailbox(1, "ana"), mailbox(7, "bob")]
        );
    }

    #[test]
    fn answers_for_people_around_dialogues_are_passed_over() {
        let text =
            format!("✓ a is deliverable\n  Why: x\n\n{FIRST}\n? b stays\n\n{SECOND}\nBye.\n");
        assert_eq!(found(&text), [mailbox(4, "ana"), mailbox(13, "bob")]);
    }

    #[test]
    fn a_broken_line_is_told_with_its_number_and_does_not_stop_the_next_dialogue() {
        let broken = FIRST.replace("@ +1s", "@ +x");
        let problem = "the time is +SECONDSs, with up to six decimals".to_owned();
        assert_eq!(
            found(&format!("{broken}{SECOND}")),
            [Err((5, problem)), mailbox(7, "bob")]
        );
        let broken = FIRST.replace("@ +1s", "250 without its S");
        assert!(matches!(found(&broken)[..], [Err((5, _))]));
    }

    #[test]
    fn what_a_test_expects_is_no_dialogue() {
        assert_eq!(
            found(&format!(
                "{FIRST}--- expected\nmailbox: eve@example.test\nS: 2\n"
            )),
            [mailbox(1, "ana")]
        );
    }

    #[test]
    fn a_dialogue_beyond_its_bound_is_refused() {
        let line = format!("S: 250 {}\n", "x".repeat(1000));
        let text = format!("{FIRST}{}", line.repeat(TRANSCRIPT_BYTES_MAX / 1000));
        let told = found(&text);
        assert!(matches!(&told[..], [Err((1, why))] if why.contains("larger than 4 MiB")));
    }
}
