//! Drives a pure session from a saved transcript: the server's lines are the script, the rest is
//! compared.
//!
//! Goal: a saved transcript is a test. Method: feed what the server said, let the time pass as
//! recorded, follow every `WakeAt`, and take the transcript that comes out.

use std::time::Duration;

use vrfy_proto::reply::{Line, LineEnd};
use vrfy_proto::session::{
    Hello, Output, Pipelining, Recipient, Session, SessionConfig, StartTlsUse,
};
use vrfy_proto::stage::Stage;
use vrfy_proto::timeouts::Timeouts;
use vrfy_proto::transcript::{Event, Head, Transcript};

/// How the bytes of the server are handed over.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Split {
    /// A line at a time.
    Lines,
    /// A byte at a time.
    Bytes,
    /// All that comes between two commands at once.
    Flights,
}

/// The session's settings as the comment `# with key=value ...` of a transcript has them.
pub(crate) fn config_of(script: &Transcript) -> SessionConfig {
    let mut config = SessionConfig {
        ehlo_name: script.head.egress.ehlo_name.clone(),
        reverse_path: script.head.egress.reverse_path.clone(),
        ..SessionConfig::default()
    };
    let settings = script
        .notes()
        .iter()
        .filter_map(|note| note.strip_prefix("with "));
    for setting in settings.flat_map(|settings| settings.split(' ')) {
        let (key, value) = setting.split_once('=').expect("a setting is key=value");
        let number = || value.parse().expect("the value is a number");
        match (key, value) {
            ("hello", "helo") => config.hello = Hello::Helo,
            ("start-tls", "never") => config.start_tls = StartTlsUse::Never,
            ("start-tls", "required") => config.start_tls = StartTlsUse::Required,
            ("pipelining", "never") => config.pipelining = Pipelining::Never,
            ("timeouts", "rfc5321") => config.timeouts = Timeouts::rfc5321(),
            ("recipients", _) => config.limits.recipients = number(),
            ("rejections", _) => config.limits.rejections = number(),
            ("reply-lines", _) => config.limits.reply_lines = number(),
            ("reply-bytes", _) => config.limits.reply_bytes = number(),
            ("received-bytes", _) => config.limits.received_bytes = number(),
            ("session-seconds", _) => {
                config.timeouts.session = Duration::from_secs(number() as u64)
            }
            _ => panic!("unknown setting {setting}"),
        }
    }
    config
}

/// The recipients that a head lists.
pub(crate) fn recipients_of(head: &Head) -> Vec<Recipient> {
    let recipient = |listed: &vrfy_proto::transcript::HeadRecipient| Recipient {
        address: listed.address.clone(),
        kind: listed.kind,
        needs_smtputf8: !listed.address.is_ascii(),
    };
    head.recipients.iter().map(recipient).collect()
}

/// The transcript that a session makes of this script.
pub(crate) fn replay(script: &Transcript, split: Split) -> Transcript {
    let session = Session::new(config_of(script), recipients_of(&script.head));
    let mut player = Player {
        session,
        now: Duration::ZERO,
        flight: Vec::new(),
        split,
    };
    for (at, event) in script.events() {
        player.play(at, event);
    }
    player.send_flight();
    player.run_until(Duration::MAX);
    let mut transcript = player.session.into_transcript();
    transcript.head = script.head.clone();
    for note in script.notes() {
        transcript.add_note(note);
    }
    transcript
}

struct Player {
    session: Session,
    now: Duration,
    flight: Vec<u8>,
    split: Split,
}

impl Player {
    fn play(&mut self, at: Duration, event: Event<'_>) {
        if at > self.now {
            self.send_flight();
            self.run_until(at);
            self.now = at;
        }
        match event {
            Event::Received(line) => {
                self.flight.extend(wire_form(line));
                if let Split::Lines = self.split {
                    self.send_flight();
                }
            }
            Event::Dropped { bytes, .. } => {
                let bytes = usize::try_from(bytes).expect("a test fits into memory");
                self.flight.extend(vec![b'x'; bytes]);
            }
            Event::Sent(_) => {
                self.send_flight();
                self.poll();
            }
            Event::TlsReady(facts) => {
                self.send_flight();
                self.poll();
                self.session.handle_tls_ready(facts, self.now);
            }
            Event::TlsFailed(reason) => {
                self.send_flight();
                self.poll();
                self.session.handle_tls_failed(reason, self.now);
            }
            Event::Closed(closed) => {
                self.send_flight();
                self.poll();
                self.session.handle_closed(closed, self.now);
            }
            Event::ConnectFailed(_) => panic!("there is no session without a connection"),
            Event::TimedOut | Event::NotAsked { .. } | Event::Ended(_) => {}
        }
    }

    fn send_flight(&mut self) {
        let flight = std::mem::take(&mut self.flight);
        match self.split {
            Split::Bytes => {
                for byte in flight {
                    self.session.handle_bytes(&[byte], self.now);
                }
            }
            Split::Lines | Split::Flights if flight.is_empty() => {}
            Split::Lines | Split::Flights => self.session.handle_bytes(&flight, self.now),
        }
    }

    /// Takes what the session wants to do now; the time of its next wake-up, if it is not over.
    fn poll(&mut self) -> Option<Duration> {
        loop {
            match self.session.poll_output() {
                Output::Transmit(bytes) => {
                    assert!(bytes.ends_with(b"\r\n"), "whole lines are sent")
                }
                Output::StartTls => {}
                Output::WakeAt(at) => return Some(at),
                Output::Finished => {
                    assert_eq!(self.session.poll_output(), Output::Finished);
                    return None;
                }
            }
        }
    }

    fn run_until(&mut self, end: Duration) {
        while let Some(at) = self.poll() {
            if at > end {
                return;
            }
            self.now = self.now.max(at);
            self.session.handle_timeout(self.now);
        }
    }
}

fn wire_form(line: Line<'_>) -> Vec<u8> {
    let mut bytes = line.bytes.to_vec();
    bytes.resize(bytes.len() + line.dropped as usize, b'x');
    bytes.extend_from_slice(match line.end {
        LineEnd::CrLf => b"\r\n",
        LineEnd::Lf => b"\n",
        LineEnd::Missing => b"",
    });
    bytes
}

/// What the record says in the end, in lines: every answer, what nobody asked for, who was not
/// asked.
pub(crate) fn summary(transcript: &Transcript) -> String {
    let mut out = String::new();
    let address = |place: usize| transcript.head.recipients[place].address.as_str();
    let mut asked = Vec::new();
    for answer in transcript.answers() {
        out.push_str(answer.stage.as_str());
        if let Some(place) = answer.recipient {
            asked.push(place);
            out.push_str(&format!(" {}", address(place)));
        }
        assert_eq!(answer.recipient.is_some(), answer.stage == Stage::RcptTo);
        match &answer.reply {
            None => out.push_str(": unanswered"),
            Some(reply) => {
                out.push_str(&format!(": {}", reply.code));
                if let Some(enhanced) = reply.enhanced {
                    out.push_str(&format!(" {enhanced}"));
                }
                for violation in &reply.violations {
                    out.push_str(&format!(" [{}]", violation.as_str()));
                }
            }
        }
        if let Some(void) = answer.void {
            out.push_str(&format!(" (void: {})", void.as_str()));
        }
        out.push('\n');
    }
    for (_, reply) in transcript.unsolicited() {
        out.push_str(&format!("unsolicited: {}\n", reply.code));
    }
    for (place, reason) in transcript.not_asked() {
        asked.push(place);
        out.push_str(&format!(
            "cannot be asked: {} ({})\n",
            address(place),
            reason.as_str()
        ));
    }
    for place in 0..transcript.head.recipients.len() {
        if !asked.contains(&place) {
            out.push_str(&format!("unasked: {}\n", address(place)));
        }
    }
    out
}
