//! The states of a session, one type each, named for what is awaited.
//!
//! ```text
//! greeting ─> EHLO ─┬─────────────────────────────────────┬─> groups ─> QUIT ─> finished
//!                   ├─> HELO ─────────────────────────────┤   (MAIL, RCPT, RSET)
//!                   └─> STARTTLS ─> handshake ─> EHLO ────┘
//! ```
//!
//! `handle` consumes a state and returns the next, so what one state knew is gone in the next
//! unless it is handed over: nothing that the server said in clear can outlive the handshake.

use std::collections::VecDeque;
use std::time::Duration;

use super::dialogue::Dialogue;
use super::group::ExpectGroup;
use super::hello::{ExpectEhlo, ExpectHandshake, ExpectHelo, ExpectStartTls, enter_clear};
use crate::command::{Command, EncodeCommandError};
use crate::reply::{ReplyClass, ReplyCode};
use crate::stage::Stage;
use crate::transcript::{Ending, TlsFacts, Violation};

/// Places of the recipients that are still to be asked.
pub(super) type Waiting = VecDeque<usize>;

#[derive(Debug)]
pub(super) enum State {
    Greeting(ExpectGreeting),
    Ehlo(ExpectEhlo),
    Helo(ExpectHelo),
    StartTls(ExpectStartTls),
    Handshake(ExpectHandshake),
    Group(ExpectGroup),
    Quit(ExpectQuit),
    /// How it ended, and when.
    Finished((Ending, Duration)),
}

/// Stands in while a step has the real state in hand.
impl Default for State {
    fn default() -> Self {
        Self::Finished((Ending::Abandoned(Stage::Connect), Duration::ZERO))
    }
}

impl State {
    pub(super) fn greeting(waiting: Waiting) -> Self {
        Self::Greeting(ExpectGreeting { waiting })
    }

    /// The state after a queued command, or the end when the command cannot be sent.
    pub(super) fn after(
        sent: Result<(), EncodeCommandError>,
        next: Self,
        dialogue: &Dialogue,
    ) -> Self {
        match sent {
            Ok(()) => next,
            Err(_) => Self::Finished((Ending::Unsendable(next.stage()), dialogue.now())),
        }
    }

    /// Says QUIT, for that reason.
    pub(super) fn quit(ending: Ending, dialogue: &mut Dialogue) -> Self {
        let sent = dialogue.send(Command::Quit);
        Self::after(sent, Self::Quit(ExpectQuit { ending }), dialogue)
    }

    /// Ends without a further word: nothing can be relied on any more.
    pub(super) fn unexpected_code(stage: Stage, dialogue: &Dialogue) -> Self {
        let ending = Ending::Violation(stage, Violation::UnexpectedCode);
        Self::Finished((ending, dialogue.now()))
    }

    pub(super) fn handle_reply(self, code: ReplyCode, dialogue: &mut Dialogue) -> Self {
        let class = code.class();
        let is_known = !matches!(
            class,
            ReplyClass::PositiveIntermediate | ReplyClass::Undefined
        );
        match self {
            // Whatever is said to QUIT, it was the last word.
            Self::Quit(quit) => Self::Finished((quit.ending, dialogue.now())),
            _ if !is_known => Self::unexpected_code(self.stage(), dialogue),
            Self::Greeting(state) => state.handle(code, dialogue),
            Self::Ehlo(state) => state.handle(code, dialogue),
            Self::Helo(state) => state.handle(code, dialogue),
            Self::StartTls(state) => state.handle(code, dialogue),
            Self::Group(state) => state.handle(code, dialogue),
            Self::Handshake(_) | Self::Finished(_) => self,
        }
    }

    pub(super) fn handle_tls_ready(self, facts: &TlsFacts, dialogue: &mut Dialogue) -> Self {
        match self {
            Self::Handshake(state) => state.handle_tls_ready(facts, dialogue),
            other => other,
        }
    }

    pub(super) fn take_handshake_request(&mut self) -> bool {
        match self {
            Self::Handshake(state) => state.take_request(),
            _ => false,
        }
    }

    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::Greeting(_) => Stage::Greeting,
            Self::Ehlo(state) => state.stage(),
            Self::Helo(_) => Stage::Helo,
            Self::StartTls(_) | Self::Handshake(_) => Stage::StartTls,
            Self::Group(state) => state.stage(),
            Self::Quit(_) | Self::Finished(_) => Stage::Quit,
        }
    }

    pub(super) fn is_handshake(&self) -> bool {
        matches!(self, Self::Handshake(_))
    }

    pub(super) fn is_finished(&self) -> bool {
        matches!(self, Self::Finished(_))
    }
}

/// The server speaks first (RFC 5321 section 3.1): nothing is sent before its last line.
#[derive(Debug)]
pub(super) struct ExpectGreeting {
    waiting: Waiting,
}

impl ExpectGreeting {
    fn handle(self, code: ReplyCode, dialogue: &mut Dialogue) -> State {
        if !code.is_positive() {
            return State::quit(Ending::GreetingRefused, dialogue);
        }
        enter_clear(self.waiting, dialogue)
    }
}

/// QUIT was said; the reason for it is what the session ended with, however QUIT itself ends.
#[derive(Debug)]
pub(super) struct ExpectQuit {
    ending: Ending,
}

impl ExpectQuit {
    pub(super) fn ending(&self) -> Ending {
        self.ending
    }
}
