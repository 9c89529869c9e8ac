//! A session with one exchange, without a socket and without a clock.
//!
//! It is told one thing at a time (`handle_*`, each with `now`, the time since the connection was
//! open) and asked one thing ([`Session::poll_output`]). A transcript falls out of it.
//!
//! ```text
//!   handle_bytes ───────┐                       ┌─> Transmit(bytes)
//!   handle_closed ──────┤   ┌───────────────┐   ├─> StartTls
//!   handle_timeout ─────┼──>│    Session    │──>┼─> WakeAt(time)
//!   handle_tls_ready ───┤   └───────┬───────┘   └─> Finished
//!   handle_tls_failed ──┘           └─> into_transcript
//! ```
//!
//! Promises: stages never go backwards, but for the transactions that follow each other. Every
//! reply answers exactly one command, by order; the greeting answers the connection. A reply that
//! began before a command was handed out by `poll_output` is no answer to it. Nothing but the
//! commands in [`crate::command`] is ever sent, so neither DATA nor VRFY. After `Finished` no
//! output follows. For any input it ends, because every wait has a deadline, and it never panics.
//!
//! Does not judge: a reply of any code is a successful observation.
//!
//! What the host must do: call `poll_output` after every `handle_*` and obey it until `WakeAt` or
//! `Finished`; hand over everything it reads; not read between `StartTls` and `handle_tls_ready`.
//! Read next: `session/state.rs`, one type per state.

mod dialogue;
mod group;
mod hello;
mod plan;
mod state;

use std::collections::BTreeSet;
use std::mem;
use std::time::Duration;

use crate::limits::{Limit, Limits};
use crate::reply::{LineRole, ReplyCode};
use crate::reply_reader::{Broken, ReplyReader};
use crate::timeouts::Timeouts;
use crate::transcript::{Closed, Dropped, Ending, Event, TlsFacts, Transcript, Violation};

use dialogue::Dialogue;
use state::State;

pub use crate::transcript::RecipientKind;

/// What a session is held with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionConfig {
    /// The argument of EHLO and HELO.
    pub ehlo_name: String,
    /// The reverse path without brackets; empty for the null path, which gives every recipient a
    /// transaction of its own.
    pub reverse_path: String,
    /// What to greet with.
    pub hello: Hello,
    /// What to do about STARTTLS.
    pub start_tls: StartTlsUse,
    /// Whether to send command groups to servers that offer it.
    pub pipelining: Pipelining,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// How much to take and to ask.
    pub limits: Limits,
}

/// What a session greets with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hello {
    /// EHLO, and HELO where EHLO is not known.
    #[default]
    Ehlo,
    /// HELO at once, for a server that was seen to hang up on EHLO: no extensions.
    Helo,
}

/// When TLS is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartTlsUse {
    /// Not at all.
    Never,
    /// When the server offers it; in clear when it then refuses.
    #[default]
    Opportunistic,
    /// Always: a server without it is asked nothing.
    Required,
}

/// When command groups are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pipelining {
    /// When the server offers PIPELINING.
    #[default]
    WhereOffered,
    /// Never: one command at a time.
    Never,
}

/// One to be asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The address as RCPT carries it.
    pub address: String,
    /// Mailboxes are asked first, decoys after them.
    pub kind: RecipientKind,
    /// Whether it can only be asked with SMTPUTF8.
    pub needs_smtputf8: bool,
}

/// What the host is to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write these bytes, then poll again.
    Transmit(Vec<u8>),
    /// Start the TLS handshake; tell the outcome with `handle_tls_ready` or `handle_tls_failed`.
    StartTls,
    /// Wait for bytes, but call `handle_timeout` at this time.
    WakeAt(Duration),
    /// Close the connection and take the transcript.
    Finished,
}

/// The state machine of one session.
#[derive(Debug)]
pub struct Session {
    reader: ReplyReader,
    dialogue: Dialogue,
    state: State,
    budget: Duration,
    tls_bytes: u64,
}

impl Session {
    /// A session on a connection that was opened just now.
    ///
    /// Recipients with the same address are asked once.
    #[must_use]
    pub fn new(config: SessionConfig, recipients: Vec<Recipient>) -> Self {
        let reader = ReplyReader::new(config.limits);
        let budget = config.timeouts.session;
        let (dialogue, waiting) = Dialogue::new(config, recipients);
        Self {
            reader,
            dialogue,
            state: State::greeting(waiting),
            budget,
            tls_bytes: 0,
        }
    }

    /// Bytes came from the server.
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Duration) {
        self.dialogue.advance_clock(now);
        if !self.state.is_finished() && self.dialogue.now() >= self.budget {
            self.give_up(Ending::BudgetSpent(self.state.stage()));
        }
        self.reader.handle_bytes(bytes);
        self.read_replies();
    }

    /// The connection was lost, or closed by the server.
    pub fn handle_closed(&mut self, closed: &Closed, now: Duration) {
        self.dialogue.advance_clock(now);
        if self.state.is_finished() {
            return;
        }
        let stage = self.state.stage();
        self.record_unended();
        self.dialogue.record(Event::Closed(closed));
        self.finish(match closed {
            Closed::Orderly => Ending::Closed(stage),
            Closed::Reset => Ending::Reset(stage),
            Closed::Other(_) => Ending::Broken(stage),
        });
    }

    /// The time of `WakeAt` has come. Called too early it does nothing.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.dialogue.advance_clock(now);
        if self.state.is_finished() {
            return;
        }
        let stage = self.state.stage();
        if self.dialogue.now() >= self.budget {
            self.give_up(Ending::BudgetSpent(stage));
        } else if self.dialogue.now() >= self.dialogue.deadline() {
            let is_early = self.dialogue.has_unsent() && !self.reader.is_idle();
            self.give_up(match is_early {
                true => Ending::Violation(stage, Violation::UnsolicitedReply),
                false => Ending::TimedOut(stage),
            });
        }
    }

    /// The TLS handshake succeeded. Without a handshake under way this does nothing.
    pub fn handle_tls_ready(&mut self, facts: &TlsFacts, now: Duration) {
        self.dialogue.advance_clock(now);
        if self.state.is_handshake() {
            self.step(|state, dialogue| state.handle_tls_ready(facts, dialogue));
        }
    }

    /// The TLS handshake failed. Without a handshake under way this does nothing.
    pub fn handle_tls_failed(&mut self, reason: &str, now: Duration) {
        self.dialogue.advance_clock(now);
        if self.state.is_handshake() {
            self.dialogue.record(Event::TlsFailed(reason));
            self.finish(Ending::TlsFailed);
        }
    }

    /// So many bytes of the server were TLS and no text, in all. Whether or not a handshake came to
    /// an end, the record counts them.
    pub fn handle_tls_bytes(&mut self, bytes: u64) {
        self.tls_bytes = bytes;
    }

    /// What to do now. To be called until it says `WakeAt` or `Finished`.
    pub fn poll_output(&mut self) -> Output {
        if self.state.is_finished() {
            return Output::Finished;
        }
        // A reply that has begun cannot be the answer to a command that was not sent: it is heard
        // out first.
        if self.dialogue.has_unsent() && self.reader.is_idle() {
            return Output::Transmit(self.dialogue.transmit());
        }
        if self.state.take_handshake_request() {
            return Output::StartTls;
        }
        Output::WakeAt(self.dialogue.deadline().min(self.budget))
    }

    /// The record of the session. Before `Finished` it says that the session was abandoned.
    #[must_use]
    pub fn into_transcript(mut self) -> Transcript {
        if !self.state.is_finished() {
            self.give_up(Ending::Abandoned(self.state.stage()));
        }
        let State::Finished((ending, at)) = self.state else {
            unreachable!("finish leaves no other state");
        };
        let discarded_because = match ending {
            Ending::Violation(_, Violation::PlaintextAfterStartTls) => Dropped::Plaintext,
            _ => Dropped::AfterTheEnd,
        };
        let dropped = [
            (self.reader.excess(), Dropped::ReceivedBytes),
            (self.reader.discarded(), discarded_because),
            (self.tls_bytes, Dropped::Tls),
        ];
        self.dialogue.into_transcript(ending, at, dropped)
    }

    fn read_replies(&mut self) {
        while !self.state.is_finished() {
            if self.state.is_handshake() {
                if self.reader.unread() > 0 || self.reader.excess() > 0 {
                    self.violated(Violation::PlaintextAfterStartTls);
                }
                break;
            }
            let Some(read) = self.reader.poll_line() else {
                if self.reader.excess() > 0 {
                    self.give_up(Ending::LimitReached(Limit::ReceivedBytes));
                }
                break;
            };
            self.dialogue.record(Event::Received(read.line));
            match (read.broken, read.role) {
                (Some(Broken::Garbage), _) => self.violated(Violation::GarbageLines),
                (Some(Broken::Limit(limit)), _) => self.finish(Ending::LimitReached(limit)),
                (None, LineRole::Garbage) => {}
                (None, LineRole::Continues(_)) => self.dialogue.restart_clock(self.state.stage()),
                (None, LineRole::Completes(code)) => self.handle_reply(code),
            }
        }
        if self.state.is_finished() {
            self.reader.discard();
        }
    }

    fn handle_reply(&mut self, code: ReplyCode) {
        let stage = self.state.stage();
        if code.value() == SERVICE_CLOSING {
            self.finish(Ending::ServiceClosing(stage));
        } else if self.dialogue.has_unsent() {
            self.violated(Violation::UnsolicitedReply);
        } else {
            self.step(|state, dialogue| state.handle_reply(code, dialogue));
            self.dialogue.begin_reply();
        }
    }

    fn step(&mut self, step: impl FnOnce(State, &mut Dialogue) -> State) {
        let state = mem::take(&mut self.state);
        self.state = step(state, &mut self.dialogue);
        if !self.state.is_finished() {
            self.dialogue.restart_clock(self.state.stage());
        }
    }

    fn violated(&mut self, violation: Violation) {
        let stage = self.state.stage();
        self.state = State::Finished((Ending::Violation(stage, violation), self.dialogue.now()));
    }

    /// Ends the session because of a wait or a bound of ours; what is unread stays visible in the
    /// record.
    fn give_up(&mut self, ending: Ending) {
        self.record_unended();
        if matches!(ending, Ending::TimedOut(_) | Ending::BudgetSpent(_)) {
            self.dialogue.record(Event::TimedOut);
        }
        self.finish(ending);
    }

    /// Ends the session. What QUIT was sent for stands: how QUIT itself ends changes nothing.
    fn finish(&mut self, ending: Ending) {
        let ending = match &self.state {
            State::Finished(_) => return,
            State::Quit(quit) => quit.ending(),
            _ => ending,
        };
        self.state = State::Finished((ending, self.dialogue.now()));
    }

    fn record_unended(&mut self) {
        if let Some(line) = self.reader.take_unended() {
            self.dialogue.record(Event::Received(line));
        }
    }
}

/// The one reply that may come at any time (RFC 5321 section 3.8).
const SERVICE_CLOSING: u16 = 421;

/// The places of the recipients whose address stands in the list before.
fn repeated(recipients: &[Recipient]) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut repeated = BTreeSet::new();
    for (place, recipient) in recipients.iter().enumerate() {
        if !seen.insert(recipient.address.as_str()) {
            repeated.insert(place);
        }
    }
    repeated
}
