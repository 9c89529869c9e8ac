//! EHLO, HELO, STARTTLS: from the greeting to the first transaction.

use super::dialogue::Dialogue;
use super::group::ExpectGroup;
use super::state::{State, Waiting};
use super::{Hello, StartTlsUse};
use crate::command::Command;
use crate::extensions::Offered;
use crate::reply::ReplyCode;
use crate::stage::Stage;
use crate::transcript::{Ending, Event, TlsFacts};

/// Replies to EHLO after which HELO is worth a try: they say that EHLO itself is not known (RFC
/// 5321 sections 3.2 and 4.1.4); 550 is what some old servers say for it.
const EHLO_UNKNOWN: [u16; 5] = [500, 501, 502, 504, 550];

/// Whether the connection is inside TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channel {
    Clear,
    Secured,
}

/// The first command after the greeting.
pub(super) fn enter_clear(waiting: Waiting, dialogue: &mut Dialogue) -> State {
    match dialogue.settings.hello {
        Hello::Ehlo => ExpectEhlo::enter(Channel::Clear, waiting, dialogue),
        Hello::Helo => ExpectHelo::enter(Channel::Clear, waiting, dialogue),
    }
}

#[derive(Debug)]
pub(super) struct ExpectEhlo {
    channel: Channel,
    waiting: Waiting,
}

impl ExpectEhlo {
    fn enter(channel: Channel, waiting: Waiting, dialogue: &mut Dialogue) -> State {
        let sent = dialogue.send_ehlo();
        State::after(sent, State::Ehlo(Self { channel, waiting }), dialogue)
    }

    pub(super) fn handle(self, code: ReplyCode, dialogue: &mut Dialogue) -> State {
        if !code.is_positive() {
            if !EHLO_UNKNOWN.contains(&code.value()) {
                return State::quit(Ending::EhloRefused, dialogue);
            }
            return ExpectHelo::enter(self.channel, self.waiting, dialogue);
        }
        let offered = Offered::from_lines(dialogue.reply_lines().map(|line| line.bytes));
        match (self.channel, dialogue.settings.start_tls) {
            // Offered again inside TLS, it is not used again (RFC 3207 section 4.2).
            (Channel::Secured, _) | (Channel::Clear, StartTlsUse::Never) => {
                ExpectGroup::enter(offered, self.waiting, dialogue)
            }
            (Channel::Clear, _) if offered.start_tls => {
                let sent = dialogue.send(Command::StartTls);
                let next = ExpectStartTls {
                    offered,
                    waiting: self.waiting,
                };
                State::after(sent, State::StartTls(next), dialogue)
            }
            (Channel::Clear, StartTlsUse::Opportunistic) => {
                ExpectGroup::enter(offered, self.waiting, dialogue)
            }
            (Channel::Clear, StartTlsUse::Required) => State::quit(Ending::TlsRequired, dialogue),
        }
    }

    pub(super) fn stage(&self) -> Stage {
        match self.channel {
            Channel::Clear => Stage::Ehlo,
            Channel::Secured => Stage::EhloAfterTls,
        }
    }
}

#[derive(Debug)]
pub(super) struct ExpectHelo {
    channel: Channel,
    waiting: Waiting,
}

impl ExpectHelo {
    fn enter(channel: Channel, waiting: Waiting, dialogue: &mut Dialogue) -> State {
        let sent = dialogue.send_helo();
        State::after(sent, State::Helo(Self { channel, waiting }), dialogue)
    }

    pub(super) fn handle(self, code: ReplyCode, dialogue: &mut Dialogue) -> State {
        if !code.is_positive() {
            return State::quit(Ending::EhloRefused, dialogue);
        }
        let is_required = dialogue.settings.start_tls == StartTlsUse::Required;
        if is_required && self.channel == Channel::Clear {
            return State::quit(Ending::TlsRequired, dialogue);
        }
        ExpectGroup::enter(Offered::default(), self.waiting, dialogue)
    }
}

/// The reply to STARTTLS. What was offered in clear is kept only in case the server refuses.
#[derive(Debug)]
pub(super) struct ExpectStartTls {
    offered: Offered,
    waiting: Waiting,
}

impl ExpectStartTls {
    pub(super) fn handle(self, code: ReplyCode, dialogue: &mut Dialogue) -> State {
        if code.is_positive() {
            return State::Handshake(ExpectHandshake {
                is_requested: false,
                waiting: self.waiting,
            });
        }
        match dialogue.settings.start_tls {
            StartTlsUse::Required => State::quit(Ending::TlsRequired, dialogue),
            StartTlsUse::Opportunistic | StartTlsUse::Never => {
                ExpectGroup::enter(self.offered, self.waiting, dialogue)
            }
        }
    }
}

/// The handshake, which the host makes.
#[derive(Debug)]
pub(super) struct ExpectHandshake {
    is_requested: bool,
    waiting: Waiting,
}

impl ExpectHandshake {
    /// Whether the host is to be asked for the handshake: once.
    pub(super) fn take_request(&mut self) -> bool {
        !std::mem::replace(&mut self.is_requested, true)
    }

    pub(super) fn handle_tls_ready(self, facts: &TlsFacts, dialogue: &mut Dialogue) -> State {
        dialogue.record(Event::TlsReady(facts));
        dialogue.begin_reply();
        ExpectEhlo::enter(Channel::Secured, self.waiting, dialogue)
    }
}
