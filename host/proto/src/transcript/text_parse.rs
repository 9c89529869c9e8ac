//! Reading the text form back. Every error names its line.

use std::time::Duration;

use thiserror::Error;

use super::escape::{unescape, unescape_text};
use super::text::EXPECTED_MARK;
use super::{
    Closed, Dropped, Ending, Event, HeadRecipient, NotAsked, RecipientKind, TlsFacts, Transcript,
};
use crate::command::Command;
use crate::reply::{Line, LineEnd};

/// Bytes of a saved transcript that are read. A session with the default limits stays under a
/// quarter of it, even if every byte is escaped.
pub const TRANSCRIPT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A saved transcript cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub struct ParseTranscriptError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Transcript {
    /// Reads the text form.
    pub fn from_text(text: &str) -> Result<Self, ParseTranscriptError> {
        if text.len() > TRANSCRIPT_BYTES_MAX {
            return Err(ParseTranscriptError {
                line: 1,
                problem: "the transcript is larger than 4 MiB",
            });
        }
        let mut parsing = Parsing::default();
        let mut rest = text;
        let mut number = 0;
        while !rest.is_empty() {
            number += 1;
            let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
            rest = after;
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line == EXPECTED_MARK {
                parsing.transcript.set_expected(Some(rest.to_owned()));
                break;
            }
            parsing
                .handle_line(line)
                .map_err(|problem| ParseTranscriptError {
                    line: number,
                    problem,
                })?;
        }
        Ok(parsing.transcript)
    }
}

type Parsed<T> = Result<T, &'static str>;

const BAD_ESCAPE: &str = "a backslash begins neither \\\\ nor \\xNN, or the bytes are not UTF-8";

/// The transcript so far.
#[derive(Default)]
struct Parsing {
    transcript: Transcript,
    now: Duration,
    has_events: bool,
}

impl Parsing {
    fn handle_line(&mut self, line: &str) -> Parsed<()> {
        if line.is_empty() {
            return Ok(());
        }
        if let Some(comment) = line.strip_prefix('#') {
            if !self.has_events {
                let note = comment.strip_prefix(' ').unwrap_or(comment);
                self.transcript.add_note(note);
            }
            return Ok(());
        }
        let (key, value) = match line.strip_prefix("@ ") {
            Some(event) => ("@", event),
            None => line
                .split_once(':')
                .ok_or("the line begins with none of S:, C:, @, # and no name of the head")?,
        };
        let value = match key {
            "@" => value,
            _ => value.strip_prefix(' ').unwrap_or(value),
        };
        match key {
            "S" => self.push_received(value),
            "C" => self.push_sent(value),
            "@" => self.handle_event(value),
            _ if self.has_events => Err("a line of the head stands behind the first event"),
            _ => self.handle_head(key, value),
        }
    }

    fn handle_head(&mut self, key: &str, value: &str) -> Parsed<()> {
        let head = &mut self.transcript.head;
        match key {
            "mailbox" | "decoy" => head.recipients.push(HeadRecipient {
                address: unescape_text(value).ok_or(BAD_ESCAPE)?,
                kind: match key {
                    "decoy" => RecipientKind::Decoy,
                    _ => RecipientKind::Mailbox,
                },
            }),
            "exchange" => head.exchange = unescape_text(value).ok_or(BAD_ESCAPE)?,
            "preference" => {
                head.preference = value.parse().map_err(|_| "the preference is 0 to 65535")?;
            }
            "remote" => {
                head.remote = Some(value.parse().map_err(|_| "remote is ADDRESS:PORT")?);
            }
            "source" => {
                head.egress.source = Some(value.parse().map_err(|_| "source is an IP address")?);
            }
            "ehlo-name" => head.egress.ehlo_name = unescape_text(value).ok_or(BAD_ESCAPE)?,
            "reverse-path" => {
                let path = value
                    .strip_prefix('<')
                    .and_then(|path| path.strip_suffix('>'))
                    .ok_or("the reverse path stands in angle brackets")?;
                head.egress.reverse_path = unescape_text(path).ok_or(BAD_ESCAPE)?;
            }
            "started-ms" => {
                head.started_ms = value.parse().map_err(|_| "started-ms is a number")?;
            }
            _ => return Err("the head has no such name"),
        }
        Ok(())
    }

    fn push(&mut self, event: Event<'_>) {
        self.has_events = true;
        self.transcript.push(self.now, event);
    }

    fn push_received(&mut self, value: &str) -> Parsed<()> {
        let (value, end) = if let Some(value) = value.strip_suffix("\\{lf}") {
            (value, LineEnd::Lf)
        } else if let Some(value) = value.strip_suffix("\\{unended}") {
            (value, LineEnd::Missing)
        } else {
            (value, LineEnd::CrLf)
        };
        let (value, dropped) = match value.strip_suffix('}').and_then(|v| v.rsplit_once("\\{+")) {
            Some((value, dropped)) => (
                value,
                dropped
                    .parse()
                    .map_err(|_| "the count of dropped bytes is a number")?,
            ),
            None => (value, 0),
        };
        let bytes = unescape(value.as_bytes()).ok_or(BAD_ESCAPE)?;
        if bytes.contains(&b'\n') {
            return Err("a line of the server holds a line feed");
        }
        self.push(Event::Received(Line {
            bytes: &bytes,
            end,
            dropped,
        }));
        Ok(())
    }

    fn push_sent(&mut self, value: &str) -> Parsed<()> {
        let bytes = unescape(value.as_bytes()).ok_or(BAD_ESCAPE)?;
        Command::parse(&bytes).ok_or("this is no command that a session sends")?;
        self.push(Event::Sent(&bytes));
        Ok(())
    }

    fn handle_event(&mut self, value: &str) -> Parsed<()> {
        let (name, argument) = value.split_once(' ').unwrap_or((value, ""));
        if let Some(time) = name.strip_prefix('+') {
            let passed =
                parse_seconds(time).ok_or("the time is +SECONDSs, with up to six decimals")?;
            self.now = self.now.saturating_add(passed);
            return Ok(());
        }
        match name {
            "close" => self.push(Event::Closed(&Closed::Orderly)),
            "reset" => self.push(Event::Closed(&Closed::Reset)),
            "broken" => {
                let text = unescape_text(argument).ok_or(BAD_ESCAPE)?;
                self.push(Event::Closed(&Closed::Other(text)));
            }
            "connect-failed" => {
                let text = unescape_text(argument).ok_or(BAD_ESCAPE)?;
                self.push(Event::ConnectFailed(&text));
            }
            "tls-failed" => {
                let text = unescape_text(argument).ok_or(BAD_ESCAPE)?;
                self.push(Event::TlsFailed(&text));
            }
            "tls" => self.push(Event::TlsReady(&parse_tls(argument)?)),
            "timeout" => self.push(Event::TimedOut),
            "not-asked" => {
                let (recipient, reason) =
                    parse_not_asked(argument).ok_or("not-asked has a number and a reason")?;
                if recipient >= self.transcript.head.recipients.len() {
                    return Err("the head lists no such recipient");
                }
                self.push(Event::NotAsked { recipient, reason });
            }
            "dropped" => {
                let (bytes, why) =
                    parse_dropped(argument).ok_or("dropped has a number of bytes and a reason")?;
                self.push(Event::Dropped { bytes, why });
            }
            "ended" => {
                let ending = Ending::parse(argument).map_err(|_| "there is no such ending")?;
                self.push(Event::Ended(ending));
            }
            _ => return Err("there is no such event"),
        }
        Ok(())
    }
}

fn parse_not_asked(argument: &str) -> Option<(usize, NotAsked)> {
    let (recipient, reason) = argument.split_once(' ')?;
    Some((recipient.parse().ok()?, NotAsked::from_name(reason)?))
}

fn parse_dropped(argument: &str) -> Option<(u64, Dropped)> {
    let (bytes, why) = argument.split_once(' ')?;
    Some((bytes.parse().ok()?, Dropped::from_name(why)?))
}

fn parse_tls(argument: &str) -> Parsed<TlsFacts> {
    let mut facts = TlsFacts::default();
    for word in argument.split(' ').filter(|word| !word.is_empty()) {
        let (key, value) = word
            .split_once('=')
            .ok_or("the facts about TLS are key=value")?;
        let value = unescape_text(value).ok_or(BAD_ESCAPE)?;
        match key {
            "version" => facts.version = value,
            "cipher" => facts.cipher = value,
            "problem" => facts.problems.push(value),
            "subject" => facts.subject = Some(value),
            _ => return Err("there is no such fact about TLS"),
        }
    }
    Ok(facts)
}

/// Reads `30s`, `0.05s`.
fn parse_seconds(text: &str) -> Option<Duration> {
    let text = text.strip_suffix('s')?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 6 || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let micros: u32 = format!("{fraction:0<6}").parse().ok()?;
    Some(Duration::new(whole.parse().ok()?, micros * 1000))
}

#[cfg(test)]
mod tests {
    use super::super::text::seconds;
    use super::*;

    fn problem(text: &str) -> String {
        Transcript::from_text(text).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_the_line() {
        assert_eq!(
            problem("# why\nS: 220 hi\nC: DATA\n"),
            "line 3: this is no command that a session sends"
        );
        assert_eq!(problem("mailbox: a\\x\n").split(':').next(), Some("line 1"));
        assert_eq!(problem("\n\nhello\n").split(':').next(), Some("line 3"));
    }

    #[test]
    fn malformed_lines_are_errors() {
        for line in [
            "X: y",
            "@ nothing",
            "@ +5",
            "@ +s",
            "@ +1.1234567s",
            "@ +-1s",
            "@ dropped x received-bytes",
            "@ dropped 3",
            "@ dropped 3 because",
            "@ ended never",
            "@ not-asked x repeated",
            "@ not-asked 1 because",
            "@ not-asked 0 repeated",
            "@ tls version",
            "@ tls colour=red",
            "preference: 70000",
            "remote: here",
            "source: 192.0.2.1:25",
            "reverse-path: a@x.test",
            "started-ms: -1",
            "S: \\{lf",
            "S: \\{+x}",
            "S: a\\x0ab",
            "C: EHLO a\\x0d\\x0aDATA",
            "C: RCPT TO:a@x.test",
            "started-ms: 1 ",
        ] {
            assert!(Transcript::from_text(line).is_err(), "{line}");
        }
        assert!(Transcript::from_text("S: 220 x\nmailbox: a@x.test\n").is_err());
    }

    #[test]
    fn a_transcript_beyond_its_limit_is_refused() {
        let huge = "#".repeat(TRANSCRIPT_BYTES_MAX + 1);
        assert_eq!(
            problem(&huge),
            "line 1: the transcript is larger than 4 MiB"
        );
    }

    #[test]
    fn seconds_are_written_and_read_to_the_microsecond() {
        for (micros, text) in [
            (0, "0s"),
            (30_000_000, "30s"),
            (50_000, "0.05s"),
            (1_000_001, "1.000001s"),
        ] {
            let time = Duration::from_micros(micros);
            assert_eq!(seconds(time), text);
            assert_eq!(parse_seconds(text), Some(time));
        }
    }

    #[test]
    fn line_ends_of_other_systems_are_taken() {
        let transcript =
            Transcript::from_text("# why\r\nmailbox: a@x.test\r\nS: 220 hi\r\n").unwrap();
        assert_eq!(transcript.notes(), ["why"]);
        assert_eq!(transcript.head.recipients[0].address, "a@x.test");
        assert_eq!(transcript.events().count(), 1);
    }
}
