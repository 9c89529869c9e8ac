//! The machine form of a transcript: JSON Lines, first the head, then one object an event.
//!
//! Server lines and commands are strings in the escaped form of the text (`\xNN`, `\\`), because
//! reply text is bytes and JSON strings are Unicode. Times are `at_us`, microseconds since the
//! start.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::escape::{escape, unescape};
use super::{
    Closed, Dropped, Ending, Event, HeadRecipient, NotAsked, ParseTranscriptError, RecipientKind,
    TRANSCRIPT_BYTES_MAX, TlsFacts, Transcript,
};
use crate::command::Command;
use crate::reply::{Line, LineEnd};

impl Transcript {
    /// The JSON form. [`Transcript::from_json_lines`] reads it back without loss.
    #[must_use]
    pub fn to_json_lines(&self) -> String {
        let mut out = self.head_value().to_string();
        out.push('\n');
        for (at, event) in self.events() {
            let mut object = Map::new();
            let at_us = u64::try_from(at.as_micros()).expect("made from a u64 of microseconds");
            object.insert("at_us".to_owned(), Value::from(at_us));
            fill_event(&mut object, event);
            out.push_str(&Value::Object(object).to_string());
            out.push('\n');
        }
        out
    }

    /// Reads the JSON form.
    pub fn from_json_lines(text: &str) -> Result<Self, ParseTranscriptError> {
        let fail = |line, problem| Err(ParseTranscriptError { line, problem });
        if text.len() > TRANSCRIPT_BYTES_MAX {
            return fail(1, "the transcript is larger than 4 MiB");
        }
        let mut lines = text.lines().enumerate();
        let Some((_, first)) = lines.next() else {
            return fail(1, "the head is missing");
        };
        let mut transcript = match Object::parse(first).and_then(|object| read_head(&object)) {
            Ok(transcript) => transcript,
            Err(problem) => return fail(1, problem),
        };
        let mut last = 0;
        for (index, line) in lines {
            if line.is_empty() {
                continue;
            }
            let read =
                Object::parse(line).and_then(|object| push_event(&mut transcript, &object, last));
            match read {
                Ok(at_us) => last = at_us,
                Err(problem) => return fail(index + 1, problem),
            }
        }
        Ok(transcript)
    }

    fn head_value(&self) -> Value {
        let head = &self.head;
        let recipients: Vec<Value> = head
            .recipients
            .iter()
            .map(|one| json!({ "address": one.address, "kind": one.kind.as_str() }))
            .collect();
        json!({
            "recipients": recipients,
            "exchange": head.exchange,
            "preference": head.preference,
            "remote": head.remote.map(|remote| remote.to_string()),
            "source": head.egress.source.map(|source| source.to_string()),
            "ehlo_name": head.egress.ehlo_name,
            "reverse_path": head.egress.reverse_path,
            "started_ms": head.started_ms,
            "notes": self.notes(),
            "expected": self.expected(),
        })
    }
}

fn fill_event(object: &mut Map<String, Value>, event: Event<'_>) {
    let mut set = |key: &str, value: Value| {
        object.insert(key.to_owned(), value);
    };
    let name = match event {
        Event::Received(_) => "received",
        Event::Sent(_) => "sent",
        Event::TlsReady(_) => "tls",
        Event::TlsFailed(_) => "tls-failed",
        Event::ConnectFailed(_) => "connect-failed",
        Event::Closed(Closed::Orderly) => "close",
        Event::Closed(Closed::Reset) => "reset",
        Event::Closed(Closed::Other(_)) => "broken",
        Event::TimedOut => "timeout",
        Event::NotAsked { .. } => "not-asked",
        Event::Dropped { .. } => "dropped",
        Event::Ended(_) => "ended",
    };
    set("event", Value::from(name));
    match event {
        Event::Received(line) => {
            set("line", Value::from(escape(line.bytes)));
            match line.end {
                LineEnd::CrLf => {}
                LineEnd::Lf => set("end", Value::from("lf")),
                LineEnd::Missing => set("end", Value::from("unended")),
            }
            if line.dropped > 0 {
                set("dropped", Value::from(line.dropped));
            }
        }
        Event::Sent(line) => set("line", Value::from(escape(line))),
        Event::TlsReady(facts) => {
            set("version", Value::from(facts.version.as_str()));
            set("cipher", Value::from(facts.cipher.as_str()));
            set("problems", Value::from(facts.problems.as_slice()));
            set("subject", Value::from(facts.subject.as_deref()));
        }
        Event::TlsFailed(text) | Event::ConnectFailed(text) => set("text", Value::from(text)),
        Event::Closed(Closed::Other(text)) => set("text", Value::from(text.as_str())),
        Event::NotAsked { recipient, reason } => {
            set("recipient", Value::from(recipient));
            set("reason", Value::from(reason.as_str()));
        }
        Event::Dropped { bytes, why } => {
            set("bytes", Value::from(bytes));
            set("why", Value::from(why.as_str()));
        }
        Event::Ended(ending) => set("ending", Value::from(ending.to_string())),
        Event::TimedOut | Event::Closed(Closed::Orderly | Closed::Reset) => {}
    }
}

type Parsed<T> = Result<T, &'static str>;

/// A parsed object whose fields are asked for by name and type.
struct Object(Map<String, Value>);

impl Object {
    fn parse(line: &str) -> Parsed<Self> {
        match serde_json::from_str(line) {
            Ok(Value::Object(object)) => Ok(Self(object)),
            _ => Err("the line is no JSON object"),
        }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str()
    }

    fn required_text(&self, key: &str) -> Parsed<String> {
        self.text(key).map(str::to_owned).ok_or("a text is missing")
    }

    fn number(&self, key: &str) -> Parsed<u64> {
        self.0
            .get(key)
            .and_then(Value::as_u64)
            .ok_or("a whole number is missing")
    }

    fn optional_number(&self, key: &str) -> Parsed<u64> {
        match self.0.get(key) {
            None => Ok(0),
            Some(_) => self.number(key),
        }
    }

    fn optional_text(&self, key: &str) -> Parsed<Option<&str>> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or("a text is of another type"),
        }
    }

    fn texts(&self, key: &str) -> Parsed<Vec<String>> {
        self.list(key)?
            .iter()
            .map(|text| {
                text.as_str()
                    .map(str::to_owned)
                    .ok_or("a list holds more than texts")
            })
            .collect()
    }

    fn list(&self, key: &str) -> Parsed<&[Value]> {
        match self.0.get(key) {
            Some(Value::Array(list)) => Ok(list),
            _ => Err("a list is missing"),
        }
    }
}

fn read_head(object: &Object) -> Parsed<Transcript> {
    let mut transcript = Transcript::default();
    for recipient in object.list("recipients")? {
        let field = |key: &str| recipient.get(key).and_then(Value::as_str);
        transcript.head.recipients.push(HeadRecipient {
            address: field("address")
                .ok_or("a recipient has an address")?
                .to_owned(),
            kind: match field("kind") {
                Some("mailbox") => RecipientKind::Mailbox,
                Some("decoy") => RecipientKind::Decoy,
                _ => return Err("a recipient is a mailbox or a decoy"),
            },
        });
    }
    let head = &mut transcript.head;
    head.exchange = object.required_text("exchange")?;
    head.preference =
        u16::try_from(object.number("preference")?).map_err(|_| "the preference is 0 to 65535")?;
    if let Some(remote) = object.optional_text("remote")? {
        head.remote = Some(remote.parse().map_err(|_| "remote is ADDRESS:PORT")?);
    }
    if let Some(source) = object.optional_text("source")? {
        head.egress.source = Some(source.parse().map_err(|_| "source is an IP address")?);
    }
    head.egress.ehlo_name = object.required_text("ehlo_name")?;
    head.egress.reverse_path = object.required_text("reverse_path")?;
    head.started_ms = object.number("started_ms")?;
    for note in object.texts("notes")? {
        transcript.add_note(&note);
    }
    transcript.set_expected(object.optional_text("expected")?.map(str::to_owned));
    Ok(transcript)
}

/// Appends the event and returns its time.
fn push_event(transcript: &mut Transcript, object: &Object, last: u64) -> Parsed<u64> {
    let at_us = object.number("at_us")?;
    if at_us < last {
        return Err("the time runs backwards");
    }
    let at = Duration::from_micros(at_us);
    let name = object.text("event").ok_or("the event has no name")?;
    match name {
        "received" | "sent" => push_line(transcript, at, object)?,
        "tls" => {
            let facts = TlsFacts {
                version: object.required_text("version")?,
                cipher: object.required_text("cipher")?,
                problems: object.texts("problems")?,
                subject: object.optional_text("subject")?.map(str::to_owned),
            };
            transcript.push(at, Event::TlsReady(&facts));
        }
        "tls-failed" => transcript.push(at, Event::TlsFailed(&object.required_text("text")?)),
        "connect-failed" => {
            transcript.push(at, Event::ConnectFailed(&object.required_text("text")?))
        }
        "close" => transcript.push(at, Event::Closed(&Closed::Orderly)),
        "reset" => transcript.push(at, Event::Closed(&Closed::Reset)),
        "broken" => {
            let closed = Closed::Other(object.required_text("text")?);
            transcript.push(at, Event::Closed(&closed));
        }
        "timeout" => transcript.push(at, Event::TimedOut),
        "not-asked" => {
            let recipient = usize::try_from(object.number("recipient")?).unwrap_or(usize::MAX);
            if recipient >= transcript.head.recipients.len() {
                return Err("the head lists no such recipient");
            }
            let reason = object.text("reason").and_then(NotAsked::from_name);
            let event = Event::NotAsked {
                recipient,
                reason: reason.ok_or("there is no such reason")?,
            };
            transcript.push(at, event);
        }
        "dropped" => {
            let bytes = object.number("bytes")?;
            let why = object.text("why").and_then(Dropped::from_name);
            let why = why.ok_or("there is no such reason to drop bytes")?;
            transcript.push(at, Event::Dropped { bytes, why });
        }
        "ended" => {
            let ending = Ending::parse(&object.required_text("ending")?);
            transcript.push(
                at,
                Event::Ended(ending.map_err(|_| "there is no such ending")?),
            );
        }
        _ => return Err("there is no such event"),
    }
    Ok(at_us)
}

fn push_line(transcript: &mut Transcript, at: Duration, object: &Object) -> Parsed<()> {
    let escaped = object.required_text("line")?;
    let bytes = unescape(escaped.as_bytes()).ok_or("a backslash begins neither \\\\ nor \\xNN")?;
    if object.text("event") == Some("sent") {
        Command::parse(&bytes).ok_or("this is no command that a session sends")?;
        transcript.push(at, Event::Sent(&bytes));
        return Ok(());
    }
    if bytes.contains(&b'\n') {
        return Err("a line of the server holds a line feed");
    }
    let end = match object.optional_text("end")? {
        None => LineEnd::CrLf,
        Some("lf") => LineEnd::Lf,
        Some("unended") => LineEnd::Missing,
        Some(_) => return Err("a line ends with lf or unended, or with CR LF"),
    };
    let dropped = u32::try_from(object.optional_number("dropped")?)
        .map_err(|_| "the count of dropped bytes is too large")?;
    transcript.push(
        at,
        Event::Received(Line {
            bytes: &bytes,
            end,
            dropped,
        }),
    );
    Ok(())
}
