//! The ordered record of a session: lines out, lines in, times, TLS, how it ended.
//!
//! Promises: complete and ordered; every byte that arrived is in a line or in a count of dropped
//! bytes; the text form ([`Transcript::to_text`]) and the JSON form ([`Transcript::to_json_lines`])
//! convert to the value and back without loss. Who was asked and what the answers were is derived
//! from the record alone ([`Transcript::answers`]), so that a saved transcript can be judged again.
//!
//! Times have a resolution of one microsecond and run from the moment the connection was open.
//!
//! Does not judge. Read next: `transcript/text.rs` for the form that people read.

mod answers;
mod ending;
mod escape;
mod json;
mod text;
mod text_parse;

#[cfg(test)]
mod forms_tests;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::command::Command;
use crate::reply::{Line, LineEnd};

pub use answers::{Answer, Void};
pub use ending::{Ending, ParseEndingError, Violation};
pub use text_parse::{ParseTranscriptError, TRANSCRIPT_BYTES_MAX};

/// Whom a session was held with, for whom, and as whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Whom it was to ask, mailboxes and decoys, in the order in which they were given.
    pub recipients: Vec<HeadRecipient>,
    /// The exchange's name; empty until the host has filled it in.
    pub exchange: String,
    /// The exchange's preference.
    pub preference: u16,
    /// Address and port connected to. Zone and flow of an IPv6 address are not kept.
    pub remote: Option<SocketAddr>,
    /// As whom it was held.
    pub egress: Egress,
    /// When it began, in milliseconds since 1970.
    pub started_ms: u64,
}

/// A recipient as the transcript knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadRecipient {
    /// The address as RCPT carries it.
    pub address: String,
    /// What it is.
    pub kind: RecipientKind,
}

/// What a recipient is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecipientKind {
    /// A mailbox that somebody asked about.
    Mailbox,
    /// A recipient that cannot exist.
    Decoy,
}

/// As whom we came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Egress {
    /// The source address.
    pub source: Option<IpAddr>,
    /// The name in EHLO.
    pub ehlo_name: String,
    /// The reverse path without brackets; empty for the null path.
    pub reverse_path: String,
}

/// What the host saw of a TLS handshake that succeeded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFacts {
    /// The protocol version, such as `TLSv1.3`.
    pub version: String,
    /// The cipher suite.
    pub cipher: String,
    /// What a strict client would object to, in kebab-case: `self-signed`, `expired`, `wrong-name`,
    /// ...
    pub problems: Vec<String>,
    /// The subject of the server's certificate.
    pub subject: Option<String>,
}

/// How the connection was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The server closed it in order.
    Orderly,
    /// It was reset.
    Reset,
    /// Anything else, as the system put it.
    Other(String),
}

/// Why a recipient was not asked in this session, though nothing else stood in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotAsked {
    /// The same address stands earlier in the list; its answer holds for both.
    Repeated,
    /// It needs SMTPUTF8, and the server does not offer that.
    Smtputf8NotOffered,
    /// It needs SMTPUTF8, and the server offered but refused that.
    Smtputf8Refused,
    /// It does not fit into a command line.
    Unsendable,
}

impl NotAsked {
    /// Every reason.
    pub const ALL: [Self; 4] = [
        Self::Repeated,
        Self::Smtputf8NotOffered,
        Self::Smtputf8Refused,
        Self::Unsendable,
    ];

    /// The name in kebab-case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Repeated => "repeated",
            Self::Smtputf8NotOffered => "smtputf8-not-offered",
            Self::Smtputf8Refused => "smtputf8-refused",
            Self::Unsendable => "unsendable",
        }
    }

    /// The reason of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// Why bytes of the server are in no line of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dropped {
    /// They came, or were still unread, when the session was over.
    AfterTheEnd,
    /// They stood in clear behind the reply to STARTTLS, in place of a handshake (RFC 3207 section
    /// 6).
    Plaintext,
    /// They were more than [`crate::limits::Limits::received_bytes`].
    ReceivedBytes,
    /// They carried TLS and no text: the handshake, tickets, alerts and the framing of records.
    Tls,
}

impl Dropped {
    /// Every reason.
    pub const ALL: [Self; 4] = [
        Self::AfterTheEnd,
        Self::Plaintext,
        Self::ReceivedBytes,
        Self::Tls,
    ];

    /// The name in kebab-case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AfterTheEnd => "after-the-end",
            Self::Plaintext => "plaintext-after-start-tls",
            Self::ReceivedBytes => "received-bytes",
            Self::Tls => "tls",
        }
    }

    /// The reason of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.as_str() == name)
    }
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A line from the server.
    Received(Line<'a>),
    /// A command line to the server, without its CR LF.
    Sent(&'a [u8]),
    /// The TLS handshake succeeded.
    TlsReady(&'a TlsFacts),
    /// The TLS handshake failed.
    TlsFailed(&'a str),
    /// No connection came about.
    ConnectFailed(&'a str),
    /// The connection was lost.
    Closed(&'a Closed),
    /// Our patience ended.
    TimedOut,
    /// A recipient could not be asked.
    NotAsked {
        /// Its place in [`Head::recipients`].
        recipient: usize,
        /// Why.
        reason: NotAsked,
    },
    /// Bytes of the server were not read.
    Dropped {
        /// How many.
        bytes: u64,
        /// Why.
        why: Dropped,
    },
    /// The session was over; nothing was sent after this.
    Ended(Ending),
}

/// The record of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// Whom, for whom, as whom. A session fills in recipients, EHLO name and reverse path; the host
    /// the rest.
    pub head: Head,
    notes: Vec<String>,
    expected: Option<String>,
    /// All lines, one after another.
    arena: Vec<u8>,
    records: Vec<Record>,
    texts: Vec<String>,
    tls: Vec<TlsFacts>,
    closed: Vec<Closed>,
}

/// An event with its bytes in the arena and its strings in their lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Record {
    at_us: u64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Received {
        span: Span,
        end: LineEnd,
        dropped: u32,
    },
    Sent(Span),
    TlsReady(u32),
    TlsFailed(u32),
    ConnectFailed(u32),
    Closed(u32),
    TimedOut,
    NotAsked(u32, NotAsked),
    Dropped(u64, Dropped),
    Ended(Ending),
}

/// A piece of the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: u32,
    length: u32,
}

impl Transcript {
    /// An empty record.
    #[must_use]
    pub fn new(head: Head) -> Self {
        Self {
            head,
            ..Self::default()
        }
    }

    /// The record of an attempt that found no connection: why, and after what time.
    #[must_use]
    pub fn of_failed_connect(head: Head, reason: &str, after: Duration) -> Self {
        let mut transcript = Self::new(head);
        transcript.push(after, Event::ConnectFailed(reason));
        transcript.push(after, Event::Ended(Ending::ConnectFailed));
        transcript
    }

    /// Everything that happened, in order, with its time since the start.
    pub fn events(
        &self,
    ) -> impl DoubleEndedIterator<Item = (Duration, Event<'_>)> + ExactSizeIterator {
        self.records
            .iter()
            .map(|record| (Duration::from_micros(record.at_us), self.event(record.kind)))
    }

    /// How the session ended. A transcript that was made by a session has this always; one that was
    /// written by hand may lack it.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        self.events().rev().find_map(|(_, event)| match event {
            Event::Ended(ending) => Some(ending),
            _ => None,
        })
    }

    /// The time of the last event.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        let last = self.records.last().map_or(0, |record| record.at_us);
        Duration::from_micros(last)
    }

    /// What was seen of TLS, when a handshake succeeded.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsFacts> {
        self.tls.last()
    }

    /// Why the connection did not come about, when it did not.
    #[must_use]
    pub fn connect_failure(&self) -> Option<&str> {
        self.events().find_map(|(_, event)| match event {
            Event::ConnectFailed(reason) => Some(reason),
            _ => None,
        })
    }

    /// The text of the handshake's failure, when it failed.
    #[must_use]
    pub fn tls_failure(&self) -> Option<&str> {
        self.events().find_map(|(_, event)| match event {
            Event::TlsFailed(reason) => Some(reason),
            _ => None,
        })
    }

    /// The recipients that could not be asked, and why.
    pub fn not_asked(&self) -> impl Iterator<Item = (usize, NotAsked)> + '_ {
        self.events().filter_map(|(_, event)| match event {
            Event::NotAsked { recipient, reason } => Some((recipient, reason)),
            _ => None,
        })
    }

    /// The comment lines in front of the head, without their `#`.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Adds a comment in front of the head. Line breaks make several, control characters are left
    /// out.
    pub fn add_note(&mut self, text: &str) {
        for line in text.split('\n') {
            let shown: String = line.chars().filter(|c| !c.is_control()).collect();
            self.notes.push(shown);
        }
    }

    /// What follows `--- expected`, byte for byte.
    #[must_use]
    pub fn expected(&self) -> Option<&str> {
        self.expected.as_deref()
    }

    /// Sets or removes what follows `--- expected`.
    pub fn set_expected(&mut self, expected: Option<String>) {
        self.expected = expected;
    }

    /// Appends an event. Times do not run backwards: an earlier one counts as that of the event
    /// before.
    pub(crate) fn push(&mut self, at: Duration, event: Event<'_>) {
        let last = self.records.last().map_or(0, |record| record.at_us);
        let at_us = u64::try_from(at.as_micros()).unwrap_or(u64::MAX).max(last);
        let kind = match event {
            Event::Received(line) => Kind::Received {
                span: self.keep(line.bytes),
                end: line.end,
                dropped: line.dropped,
            },
            Event::Sent(line) => {
                debug_assert!(Command::parse(line).is_some(), "only our commands are sent");
                Kind::Sent(self.keep(line))
            }
            Event::TlsReady(facts) => Kind::TlsReady(index_of_new(&mut self.tls, facts.clone())),
            Event::TlsFailed(text) => {
                Kind::TlsFailed(index_of_new(&mut self.texts, text.to_owned()))
            }
            Event::ConnectFailed(text) => {
                Kind::ConnectFailed(index_of_new(&mut self.texts, text.to_owned()))
            }
            Event::Closed(closed) => Kind::Closed(index_of_new(&mut self.closed, closed.clone())),
            Event::TimedOut => Kind::TimedOut,
            Event::NotAsked { recipient, reason } => {
                Kind::NotAsked(u32::try_from(recipient).unwrap_or(u32::MAX), reason)
            }
            Event::Dropped { bytes, why } => Kind::Dropped(bytes, why),
            Event::Ended(ending) => Kind::Ended(ending),
        };
        self.records.push(Record { at_us, kind });
    }

    /// Room for a dialogue of common size, so that it is recorded without growing step by step.
    pub(crate) fn reserve(&mut self) {
        self.arena.reserve(ARENA_USUAL);
        self.records.reserve(RECORDS_USUAL);
    }

    pub(crate) fn event_count(&self) -> usize {
        self.records.len()
    }

    /// The server's lines from the event of that index on.
    pub(crate) fn lines_from(&self, first: usize) -> impl Iterator<Item = Line<'_>> {
        self.records[first..]
            .iter()
            .filter_map(|record| match self.event(record.kind) {
                Event::Received(line) => Some(line),
                _ => None,
            })
    }

    fn keep(&mut self, bytes: &[u8]) -> Span {
        let narrow = |length| u32::try_from(length).expect("RECEIVED_BYTES_MAX bounds the arena");
        let span = Span {
            start: narrow(self.arena.len()),
            length: narrow(bytes.len()),
        };
        self.arena.extend_from_slice(bytes);
        span
    }

    fn bytes(&self, span: Span) -> &[u8] {
        let start = span.start as usize;
        &self.arena[start..start + span.length as usize]
    }

    fn event(&self, kind: Kind) -> Event<'_> {
        match kind {
            Kind::Received { span, end, dropped } => Event::Received(Line {
                bytes: self.bytes(span),
                end,
                dropped,
            }),
            Kind::Sent(span) => Event::Sent(self.bytes(span)),
            Kind::TlsReady(index) => Event::TlsReady(&self.tls[index as usize]),
            Kind::TlsFailed(index) => Event::TlsFailed(&self.texts[index as usize]),
            Kind::ConnectFailed(index) => Event::ConnectFailed(&self.texts[index as usize]),
            Kind::Closed(index) => Event::Closed(&self.closed[index as usize]),
            Kind::TimedOut => Event::TimedOut,
            Kind::NotAsked(recipient, reason) => Event::NotAsked {
                recipient: recipient as usize,
                reason,
            },
            Kind::Dropped(bytes, why) => Event::Dropped { bytes, why },
            Kind::Ended(ending) => Event::Ended(ending),
        }
    }
}

/// Bytes of the lines of a dialogue with one mailbox and one decoy.
const ARENA_USUAL: usize = 640;
/// Events of such a dialogue.
const RECORDS_USUAL: usize = 28;

fn index_of_new<T>(list: &mut Vec<T>, item: T) -> u32 {
    list.push(item);
    u32::try_from(list.len() - 1).expect("far fewer events than u32 counts")
}
