//! An answer: what a lab exchange sends at one place of the dialogue, and what it does then.
//!
//! In a scenario an answer is written in one of four ways:
//!
//! ```toml
//! a = "unknown"                                   # one of the behaviours in `NAMED`
//! b = "550 5.7.1 not from you, {client}"          # one line, as on the wire
//! c = ["550-5.1.1 first line", "550 5.1.1 last"]  # several lines, as on the wire, never checked
//! d = { raw = '250 \xff\x00 ok\r\n' }             # octets, with \r \n \t \0 \\ and \xNN
//! ```
//!
//! The table form takes `say` (any of the first three), `raw`, or `sequence`: a list of answers of
//! which the first question gets the first, the next one the next, and the last one stays. Besides
//! these it takes `pad` (octets of a line, filled up with dots), `delay_ms` (before the first
//! octet), `repeat` (times, or `"endless"`), `line_pause_ms` (after every line) and `then`
//! (`"close"`, `"reset"`, `"silence"`).
//!
//! Nothing here judges whether an answer is good SMTP: most of the hostile ones are not.

use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A padded reply is kept whole in memory, and no reader takes a longer line.
const PADDED_OCTETS_MAX: usize = 1 << 20;

/// What an exchange says; the nth question gets the nth shape, the last shape stays.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    shapes: Vec<Shape>,
}

/// One thing said: octets with placeholders, how often, how late, and what comes after.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    pub(crate) octets: Vec<u8>,
    pub(crate) repeat: Repeat,
    pub(crate) delay: Duration,
    /// Wait after every line.
    pub(crate) line_pause: Duration,
    pub(crate) then: Then,
}

/// How often the octets of a shape are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Repeat {
    Times(u32),
    Endless,
}

/// What the exchange does when it has said its words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Then {
    #[default]
    GoOn,
    /// Closes the connection in an orderly way.
    Close,
    /// Closes it with a TCP reset.
    Reset,
    /// Says nothing more and keeps the connection until the client leaves.
    Silence,
}

impl Answer {
    /// A single shape of plain lines, for the exchange's built-in answers.
    pub(crate) fn lines(text: &str) -> Self {
        Self::from(Shape::text(text))
    }

    /// Plain lines after which the exchange closes.
    pub(crate) fn last_line(text: &str) -> Self {
        Self::from(Shape {
            then: Then::Close,
            ..Shape::text(text)
        })
    }

    /// One of the behaviours in `NAMED`.
    pub(crate) fn built_in(name: &str) -> Self {
        let shape = parse_text(name).expect("the lab's own code names behaviours that exist");
        Self::from(shape)
    }

    /// The shape for the nth question, counted from 0.
    pub(crate) fn shape(&self, nth: usize) -> &Shape {
        let last = self.shapes.len() - 1;
        &self.shapes[nth.min(last)]
    }

    /// Whether the count of questions matters.
    pub(crate) fn is_sequence(&self) -> bool {
        self.shapes.len() > 1
    }
}

impl From<Shape> for Answer {
    fn from(shape: Shape) -> Self {
        Self {
            shapes: vec![shape],
        }
    }
}

impl Shape {
    /// Lines given without their line ends become lines with them.
    fn text(text: &str) -> Self {
        let mut octets = Vec::with_capacity(text.len() + 2);
        for line in text.split('\n') {
            octets.extend_from_slice(line.as_bytes());
            octets.extend_from_slice(b"\r\n");
        }
        Self::octets(octets)
    }

    fn octets(octets: Vec<u8>) -> Self {
        Self {
            octets,
            repeat: Repeat::Times(1),
            delay: Duration::ZERO,
            line_pause: Duration::ZERO,
            then: Then::GoOn,
        }
    }

    fn wordless(then: Then) -> Self {
        Self {
            then,
            ..Self::octets(Vec::new())
        }
    }

    /// The code of the first line, which is what the exchange itself goes by.
    pub(crate) fn code(&self) -> Option<u16> {
        let digits = self.octets.get(..3)?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Whether a client may be held to good manners after it: one clean reply was sent.
    pub(crate) fn is_plain(&self) -> bool {
        let one_reply = !self.octets.is_empty() && self.repeat == Repeat::Times(1);
        one_reply && self.then == Then::GoOn && is_one_reply(&self.octets)
    }

    /// The octets with `{placeholders}` filled in.
    pub(crate) fn fill(&self, facts: &[(&str, &str)]) -> Vec<u8> {
        let mut filled = Vec::with_capacity(self.octets.len() + 64);
        let mut rest = self.octets.as_slice();
        while let Some(at) = rest.iter().position(|&octet| octet == b'{') {
            filled.extend_from_slice(&rest[..at]);
            rest = &rest[at..];
            let known = facts.iter().find_map(|(name, value)| {
                let after = rest[1..]
                    .strip_prefix(name.as_bytes())?
                    .strip_prefix(b"}")?;
                Some((after, value))
            });
            match known {
                Some((after, value)) => {
                    filled.extend_from_slice(value.as_bytes());
                    rest = after;
                }
                None => {
                    filled.push(b'{');
                    rest = &rest[1..];
                }
            }
        }
        filled.extend_from_slice(rest);
        filled
    }
}

/// True for `NNN-…CRLF` lines that end in one `NNN …CRLF` line, all with one code.
fn is_one_reply(octets: &[u8]) -> bool {
    let Some(body) = octets.strip_suffix(b"\r\n") else {
        return false;
    };
    let code = &octets[..octets.len().min(3)];
    let lines: Vec<&[u8]> = body.split(|&octet| octet == b'\n').collect();
    code.iter().all(u8::is_ascii_digit)
        && lines.iter().enumerate().all(|(nth, line)| {
            let separator = line.get(3).copied().unwrap_or(b' ');
            let wanted = if nth + 1 == lines.len() { b' ' } else { b'-' };
            line.starts_with(code) && separator == wanted
        })
}

/// The behaviours that a scenario can name instead of writing a reply.
///
/// Each row: name, what is said (empty: nothing), what happens then.
pub(crate) const NAMED: &[(&str, &str, Then)] = &[
    (
        "accepts",
        "250 2.1.5 <{recipient}> recipient ok",
        Then::GoOn,
    ),
    (
        "blocked",
        "550 5.7.1 Service unavailable; client [{client}] is on our blocklist",
        Then::GoOn,
    ),
    (
        "busy",
        "421 4.3.2 {host} too busy, come back later",
        Then::Close,
    ),
    ("closes", "", Then::Close),
    (
        "disabled",
        "550 5.2.1 <{recipient}>: this mailbox is disabled",
        Then::GoOn,
    ),
    (
        "forwards",
        "251 2.1.5 User not local; will forward to <{recipient}>",
        Then::GoOn,
    ),
    (
        "full",
        "452 4.2.2 <{recipient}>: mailbox is full",
        Then::GoOn,
    ),
    (
        "full-for-good",
        "552 5.2.2 <{recipient}>: over quota",
        Then::GoOn,
    ),
    (
        "local-error",
        "451 4.3.0 Requested action aborted: local error in processing",
        Then::GoOn,
    ),
    (
        "moved",
        "551 5.1.6 User not local; please try <new.{recipient}>",
        Then::GoOn,
    ),
    (
        "no-service",
        "554 5.7.1 {host}: no SMTP service for [{client}]",
        Then::GoOn,
    ),
    (
        "not-implemented",
        "502 5.5.1 Command not implemented",
        Then::GoOn,
    ),
    (
        "null-sender-refused",
        "550 5.7.1 The null reverse-path is not accepted here",
        Then::GoOn,
    ),
    (
        "rate-limited",
        "451 4.7.1 Too many recipients from [{client}], slow down",
        Then::GoOn,
    ),
    (
        "relay-denied",
        "554 5.7.1 <{recipient}>: Relay access denied",
        Then::GoOn,
    ),
    ("resets", "", Then::Reset),
    (
        "sender-refused",
        "550 5.1.8 <{sender}>: Sender address rejected",
        Then::GoOn,
    ),
    ("silence", "", Then::Silence),
    (
        "soft-unknown",
        "450 4.1.1 <{recipient}>: unverified address, not found",
        Then::GoOn,
    ),
    (
        "tls-required",
        "530 5.7.0 Must issue a STARTTLS command first",
        Then::GoOn,
    ),
    (
        "tls-unavailable",
        "454 4.7.0 TLS not available due to temporary reason",
        Then::GoOn,
    ),
    (
        "too-many",
        "452 4.5.3 Too many recipients in this transaction",
        Then::GoOn,
    ),
    (
        "unknown",
        "550 5.1.1 <{recipient}>: no such user here",
        Then::GoOn,
    ),
    (
        "unverified",
        "252 2.1.5 Cannot verify <{recipient}>, but will take the mail",
        Then::GoOn,
    ),
];

/// The behaviour of that name, or a literal line when it starts with three digits.
fn parse_text(text: &str) -> Result<Shape, String> {
    if let Some((_, said, then)) = NAMED.iter().find(|(name, _, _)| *name == text) {
        let words = if said.is_empty() {
            Shape::wordless(*then)
        } else {
            Shape::text(said)
        };
        return Ok(Shape {
            then: *then,
            ..words
        });
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits >= 3 {
        return Ok(Shape::text(text));
    }
    let names: Vec<&str> = NAMED.iter().map(|(name, _, _)| *name).collect();
    Err(format!(
        "unknown answer \"{text}\": write a reply such as \"550 5.1.1 no\" or one of {}",
        names.join(", ")
    ))
}

/// Reads `\r \n \t \0 \\ \xNN`; every other character stands for its UTF-8 octets.
fn parse_raw(text: &str) -> Result<Vec<u8>, String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            octets.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let escaped = match characters.next() {
            Some('r') => b'\r',
            Some('n') => b'\n',
            Some('t') => b'\t',
            Some('0') => 0,
            Some('\\') => b'\\',
            Some('x') => {
                let digits: String = characters.by_ref().take(2).collect();
                u8::from_str_radix(&digits, 16)
                    .map_err(|_| format!("\\x{digits} is not an octet: write two hex digits"))?
            }
            other => {
                let shown = other.map(String::from).unwrap_or_default();
                return Err(format!(
                    "unknown escape \\{shown}: use \\r \\n \\t \\0 \\\\ \\xNN"
                ));
            }
        };
        octets.push(escaped);
    }
    Ok(octets)
}

/// Fills the last line up with dots; its line end counts too.
fn padded(mut octets: Vec<u8>, wanted: usize) -> Vec<u8> {
    let missing = wanted.saturating_sub(octets.len());
    if missing > 0 {
        let end = if octets.ends_with(b"\r\n") { 2 } else { 0 };
        let at = octets.len() - end;
        octets.splice(at..at, std::iter::repeat_n(b'.', missing));
    }
    octets
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnswerVisitor)
    }
}

struct AnswerVisitor;

impl<'de> Visitor<'de> for AnswerVisitor {
    type Value = Answer;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a behaviour's name, a reply line, a list of lines, or a table")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Answer, E> {
        parse_text(text).map(Answer::from).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut lines: A) -> Result<Answer, A::Error> {
        let mut text = Vec::new();
        while let Some(line) = lines.next_element::<String>()? {
            text.push(line);
        }
        if text.is_empty() {
            return Err(A::Error::custom("a reply has at least one line"));
        }
        Ok(Answer::lines(&text.join("\n")))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Answer, A::Error> {
        AnswerTable::deserialize(MapAccessDeserializer::new(map))?
            .into_answer()
            .map_err(A::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerTable {
    say: Option<Answer>,
    raw: Option<String>,
    sequence: Option<Vec<Answer>>,
    pad: Option<usize>,
    repeat: Option<RepeatText>,
    delay_ms: Option<u64>,
    line_pause_ms: Option<u64>,
    then: Option<Then>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RepeatText {
    Times(u32),
    Word(EndlessWord),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum EndlessWord {
    Endless,
}

impl AnswerTable {
    fn into_answer(self) -> Result<Answer, String> {
        let shapes = match (self.say, self.raw, self.sequence) {
            (Some(say), None, None) => say.shapes,
            (None, Some(raw), None) => vec![Shape::octets(parse_raw(&raw)?)],
            (None, None, Some(all)) => all.into_iter().flat_map(|one| one.shapes).collect(),
            (None, None, None) => vec![Shape::wordless(Then::GoOn)],
            _ => return Err("give only one of say, raw and sequence".to_owned()),
        };
        if shapes.is_empty() {
            return Err("a sequence has at least one answer".to_owned());
        }
        let pad = self.pad.unwrap_or(0);
        if pad > PADDED_OCTETS_MAX {
            return Err(format!("pad = {pad}: at most {PADDED_OCTETS_MAX} octets"));
        }
        let shapes = shapes
            .into_iter()
            .map(|shape| Shape {
                repeat: match &self.repeat {
                    None => shape.repeat,
                    Some(RepeatText::Times(times)) => Repeat::Times(*times),
                    Some(RepeatText::Word(EndlessWord::Endless)) => Repeat::Endless,
                },
                delay: self.delay_ms.map_or(shape.delay, Duration::from_millis),
                line_pause: self
                    .line_pause_ms
                    .map_or(shape.line_pause, Duration::from_millis),
                then: self.then.unwrap_or(shape.then),
                octets: padded(shape.octets, pad),
            })
            .collect();
        Ok(Answer { shapes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Holder {
        a: Answer,
    }

    fn answer(text: &str) -> Result<Answer, String> {
        toml::from_str::<Holder>(&format!("a = {text}"))
            .map(|holder| holder.a)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_name_stands_for_its_reply() {
        let unknown = answer("\"unknown\"").unwrap();
        let said = unknown.shape(0).fill(&[("recipient", "a@x.test")]);
        assert_eq!(said, b"550 5.1.1 <a@x.test>: no such user here\r\n");
        assert_eq!(unknown.shape(0).code(), Some(550));
    }

    #[test]
    fn every_named_behaviour_is_one_reply_or_no_words() {
        for (name, said, then) in NAMED {
            let shape = parse_text(name).unwrap();
            assert_eq!(shape.then, *then, "{name}");
            let words = said.is_empty() || is_one_reply(&shape.octets);
            assert!(words, "{name}");
        }
    }

    #[test]
    fn an_unknown_name_is_told_what_there_is() {
        let error = answer("\"acepts\"").unwrap_err();
        assert!(error.contains("unknown answer \"acepts\""), "{error}");
        assert!(error.contains("accepts, blocked, busy"), "{error}");
    }

    #[test]
    fn lines_go_out_as_written_even_when_their_codes_differ() {
        let mismatched = answer("[\"550-no\", \"250 yes\"]").unwrap();
        assert_eq!(mismatched.shape(0).octets, b"550-no\r\n250 yes\r\n");
        assert!(!mismatched.shape(0).is_plain());
        assert!(
            answer("[\"550-no\", \"550 no\"]")
                .unwrap()
                .shape(0)
                .is_plain()
        );
    }

    #[test]
    fn raw_octets_need_not_be_text() {
        let raw = answer(r"{ raw = '25\x30 \xff\0\\\r\n', then = 'close' }").unwrap();
        assert_eq!(raw.shape(0).octets, b"250 \xff\0\\\r\n");
        assert_eq!(raw.shape(0).then, Then::Close);
        assert!(
            answer(r"{ raw = '\q' }")
                .unwrap_err()
                .contains("unknown escape")
        );
        assert!(
            answer(r"{ raw = '\xg0' }")
                .unwrap_err()
                .contains("not an octet")
        );
    }

    #[test]
    fn the_last_answer_of_a_sequence_stays() {
        let twice = answer("{ sequence = [\"450 4.7.1 later\", \"accepts\"] }").unwrap();
        let codes: Vec<_> = (0..4).map(|nth| twice.shape(nth).code()).collect();
        assert_eq!(codes, [Some(450), Some(250), Some(250), Some(250)]);
        assert!(
            answer("{ sequence = [] }")
                .unwrap_err()
                .contains("at least one")
        );
    }

    #[test]
    fn a_table_names_one_source_of_words() {
        let error = answer("{ say = \"unknown\", raw = 'x' }").unwrap_err();
        assert!(
            error.contains("only one of say, raw and sequence"),
            "{error}"
        );
        let error = answer("{ sya = \"unknown\" }").unwrap_err();
        assert!(error.contains("unknown field `sya`"), "{error}");
    }

    #[test]
    fn what_is_no_placeholder_stays_as_it_is() {
        let shape = Shape::text("250 {} {who} {host}");
        let said = shape.fill(&[("host", "mx.test")]);
        assert_eq!(said, b"250 {} {who} mx.test\r\n");
    }

    #[test]
    fn a_padded_line_has_so_many_octets_with_its_end() {
        let long = answer("{ say = \"550 no\", pad = 20 }").unwrap();
        assert_eq!(long.shape(0).octets, b"550 no............\r\n");
        let error = answer("{ say = \"550 no\", pad = 2_000_000 }").unwrap_err();
        assert!(error.contains("at most 1048576 octets"), "{error}");
    }

    #[test]
    fn the_manual_explains_every_named_behaviour() {
        let manual = include_str!("../README.md");
        for (name, said, _) in NAMED {
            let row = format!("| `{name}` | {} |", if said.is_empty() { "" } else { said });
            let row = row.replace("|  |", "| (nothing) |");
            assert!(
                manual.contains(&row),
                "host/lab/README.md lacks this row:\n{row}"
            );
        }
    }

    #[test]
    fn endless_and_counted_repetition_are_told_apart() {
        let endless = answer("{ say = \"250-more\", repeat = \"endless\" }").unwrap();
        assert_eq!(endless.shape(0).repeat, Repeat::Endless);
        let twice = answer("{ say = \"250-more\", repeat = 2 }").unwrap();
        assert_eq!(twice.shape(0).repeat, Repeat::Times(2));
    }
}
