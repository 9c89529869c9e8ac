//! The text form of a transcript, which people read, save, send and replay.
//!
//! ```text
//! # Why this file exists; any number of comment lines.
//! mailbox: ana@example.test
//! decoy: zq81@example.test
//! exchange: mx.example.test
//! preference: 10
//! remote: 192.0.2.1:25
//! source: 198.51.100.7
//! ehlo-name: probe.example.com
//! reverse-path: <>
//! started-ms: 1700000000000
//!
//! S: 220 mx.example.test ESMTP
//! C: EHLO probe.example.com
//! @ +30s
//! @ close
//! @ ended closed ehlo
//! --- expected
//! (anything, kept as it is)
//! ```
//!
//! `S:` is a line of the server, `C:` one of ours, `@ +` is time that passed since the event
//! before, any other `@` an event. Bytes outside printable ASCII are `\xNN`, a backslash is `\\`. A
//! server line that did not end with CR LF has a mark at its end: `\{lf}` for a lone LF,
//! `\{unended}` for none; `\{+17}` says that 17 further bytes of it were dropped. Bytes that are in
//! no line are counted with the reason, as in `@ dropped 17 after-the-end`. Head lines that say
//! nothing are left out. Comments may stand anywhere; those in front of the first event are kept.

use std::fmt::Write as _;
use std::time::Duration;

use super::escape::{escape, escape_into, escape_word};
use super::{Closed, Event, RecipientKind, TlsFacts, Transcript};
use crate::reply::{Line, LineEnd};

/// The line in front of what is expected.
pub(super) const EXPECTED_MARK: &str = "--- expected";

impl Transcript {
    /// The text form. [`Transcript::from_text`] reads it back without loss.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for note in self.notes() {
            out.push_str(if note.is_empty() { "#" } else { "# " });
            out.push_str(note);
            out.push('\n');
        }
        self.write_head(&mut out);
        out.push('\n');
        let mut last = Duration::ZERO;
        for (at, event) in self.events() {
            if at > last {
                let _ = writeln!(out, "@ +{}", seconds(at - last));
                last = at;
            }
            write_event(&mut out, event);
            out.push('\n');
        }
        if let Some(expected) = self.expected() {
            out.push_str(EXPECTED_MARK);
            out.push('\n');
            out.push_str(expected);
        }
        out
    }

    fn write_head(&self, out: &mut String) {
        let head = &self.head;
        let mut line = |key: &str, value: &str| {
            let _ = writeln!(out, "{key}: {value}");
        };
        for recipient in &head.recipients {
            line(
                recipient.kind.as_str(),
                &escape(recipient.address.as_bytes()),
            );
        }
        if !head.exchange.is_empty() {
            line("exchange", &escape(head.exchange.as_bytes()));
        }
        if head.preference != 0 {
            line("preference", &head.preference.to_string());
        }
        if let Some(remote) = head.remote {
            line("remote", &remote.to_string());
        }
        if let Some(source) = head.egress.source {
            line("source", &source.to_string());
        }
        if !head.egress.ehlo_name.is_empty() {
            line("ehlo-name", &escape(head.egress.ehlo_name.as_bytes()));
        }
        let path = escape(head.egress.reverse_path.as_bytes());
        line("reverse-path", &format!("<{path}>"));
        if head.started_ms != 0 {
            line("started-ms", &head.started_ms.to_string());
        }
    }
}

impl RecipientKind {
    /// The name in transcripts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::Decoy => "decoy",
        }
    }
}

/// Seconds with as many decimals as needed, down to a microsecond.
pub(super) fn seconds(time: Duration) -> String {
    let fraction = format!("{:06}", time.subsec_micros());
    match fraction.trim_end_matches('0') {
        "" => format!("{}s", time.as_secs()),
        fraction => format!("{}.{fraction}s", time.as_secs()),
    }
}

fn write_event(out: &mut String, event: Event<'_>) {
    let _ = match event {
        Event::Received(line) => {
            out.push_str("S: ");
            write_line(out, line);
            Ok(())
        }
        Event::Sent(line) => {
            out.push_str("C: ");
            escape_into(out, line);
            Ok(())
        }
        Event::TlsReady(facts) => {
            write_tls(out, facts);
            Ok(())
        }
        Event::TlsFailed(text) => write!(out, "@ tls-failed {}", escape(text.as_bytes())),
        Event::ConnectFailed(text) => write!(out, "@ connect-failed {}", escape(text.as_bytes())),
        Event::Closed(Closed::Orderly) => write!(out, "@ close"),
        Event::Closed(Closed::Reset) => write!(out, "@ reset"),
        Event::Closed(Closed::Other(text)) => write!(out, "@ broken {}", escape(text.as_bytes())),
        Event::TimedOut => write!(out, "@ timeout"),
        Event::NotAsked { recipient, reason } => {
            write!(out, "@ not-asked {recipient} {}", reason.as_str())
        }
        Event::Dropped { bytes, why } => write!(out, "@ dropped {bytes} {}", why.as_str()),
        Event::Ended(ending) => write!(out, "@ ended {ending}"),
    };
}

fn write_line(out: &mut String, line: Line<'_>) {
    escape_into(out, line.bytes);
    if line.dropped > 0 {
        let _ = write!(out, "\\{{+{}}}", line.dropped);
    }
    out.push_str(match line.end {
        LineEnd::CrLf => "",
        LineEnd::Lf => "\\{lf}",
        LineEnd::Missing => "\\{unended}",
    });
}

fn write_tls(out: &mut String, facts: &TlsFacts) {
    out.push_str("@ tls");
    let mut word = |key: &str, value: &str| {
        let _ = write!(out, " {key}={}", escape_word(value));
    };
    word("version", &facts.version);
    word("cipher", &facts.cipher);
    for problem in &facts.problems {
        word("problem", problem);
    }
    if let Some(subject) = &facts.subject {
        word("subject", subject);
    }
}
