//! Command groups: MAIL, RCPT and RSET, one at a time or many together (RFC 2920).

use std::collections::VecDeque;

use super::Pipelining;
use super::dialogue::Dialogue;
use super::plan::{MailAnswer, Next, Plan, Transaction, Unanswered};
use super::state::{State, Waiting};
use crate::command::{Command, EncodeCommandError};
use crate::extensions::Offered;
use crate::reply::{ReplyCode, enhanced_of, is_too_many_recipients, text_of};
use crate::stage::Stage;
use crate::transcript::{Ending, Event, NotAsked};

/// Commands that are unanswered at one time. A group of this size fits into any send window, and
/// its replies into any receive window, so that neither side can block the other.
pub(super) const GROUP_COMMANDS_MAX: usize = 32;

/// Replies to MAIL that refuse its parameter, not the sender (RFC 5321 section 4.1.1.11).
const PARAMETER_REFUSED: [u16; 2] = [504, 555];

/// The command was not understood, as happens to a server that offers PIPELINING and cannot do it.
const NOT_UNDERSTOOD: [u16; 2] = [500, 502];

/// The server takes our commands to be out of order.
const BAD_SEQUENCE: u16 = 503;

/// The answers to one command group are awaited, in order.
#[derive(Debug)]
pub(super) struct ExpectGroup {
    offered: Offered,
    plan: Plan,
    unanswered: VecDeque<Asked>,
    /// The unanswered commands went out together.
    is_group: bool,
    /// Recipients whose RCPT was not understood in a group: they are asked again, one at a time.
    not_understood: Vec<usize>,
    rset_refused: bool,
    /// MAIL was called out of order once already.
    was_out_of_order: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Reset,
    Mail,
    Rcpt(usize),
}

impl ExpectGroup {
    pub(super) fn enter(offered: Offered, waiting: Waiting, dialogue: &mut Dialogue) -> State {
        let mut state = Self {
            offered,
            plan: Plan::new(waiting),
            unanswered: VecDeque::new(),
            is_group: false,
            not_understood: Vec::new(),
            rset_refused: false,
            was_out_of_order: false,
        };
        if !state.offered.smtputf8 {
            state.give_up_smtputf8(NotAsked::Smtputf8NotOffered, dialogue);
        }
        state.go_on(dialogue)
    }

    pub(super) fn handle(mut self, code: ReplyCode, dialogue: &mut Dialogue) -> State {
        match self.unanswered.pop_front() {
            Some(Asked::Reset) => self.rset_refused |= !code.is_positive(),
            Some(Asked::Mail) => self.handle_mail(code),
            Some(Asked::Rcpt(recipient)) => self.handle_rcpt(recipient, code, dialogue),
            None => {}
        }
        self.go_on(dialogue)
    }

    pub(super) fn stage(&self) -> Stage {
        match self.unanswered.front() {
            Some(Asked::Reset) => Stage::Rset,
            Some(Asked::Rcpt(_)) => Stage::RcptTo,
            Some(Asked::Mail) | None => Stage::MailFrom,
        }
    }

    fn handle_mail(&mut self, code: ReplyCode) {
        if let Some(transaction) = &mut self.plan.transaction {
            transaction.mail = match code.is_positive() {
                true => MailAnswer::Accepted,
                false => MailAnswer::Refused(code),
            };
        }
    }

    fn handle_rcpt(&mut self, recipient: usize, code: ReplyCode, dialogue: &Dialogue) {
        let Some(transaction) = &mut self.plan.transaction else {
            return;
        };
        if transaction.mail != MailAnswer::Accepted {
            return;
        }
        if self.is_group && NOT_UNDERSTOOD.contains(&code.value()) {
            self.not_understood.push(recipient);
            self.plan.count_rejection();
            return;
        }
        let (enhanced, _) = enhanced_of(code, dialogue.reply_lines());
        let texts = dialogue.reply_lines().map(|line| text_of(line.bytes));
        if is_too_many_recipients(code, enhanced, texts, transaction.answered) {
            // Only a transaction that settled somebody is followed by another for the rest: it
            // ends.
            if transaction.answered > 0 {
                transaction.again.push(recipient);
            }
            transaction.is_full = true;
            return;
        }
        transaction.answered += 1;
        if code.is_permanent() {
            self.plan.count_rejection();
        }
    }

    /// What follows an answer: more commands, patience, or QUIT.
    fn go_on(mut self, dialogue: &mut Dialogue) -> State {
        if !self.unanswered.is_empty() {
            return State::Group(self);
        }
        if self.rset_refused {
            return State::quit(Ending::RsetRefused, dialogue);
        }
        match self.settle_group(dialogue) {
            Ok(()) => self.fill(dialogue),
            Err(ending) => State::quit(ending, dialogue),
        }
    }

    /// Sends as much as may be sent now; the next group only follows when this one is answered, so
    /// that a reply too many can be told from an answer.
    fn fill(mut self, dialogue: &mut Dialogue) -> State {
        let most = match self.is_pipelined(dialogue) {
            true => GROUP_COMMANDS_MAX,
            false => 1,
        };
        while self.unanswered.len() < most {
            let next = self.plan.next(&self.offered, self.count(), dialogue);
            let sent = match next {
                Next::Wait => break,
                Next::Over(ending) => return State::quit(ending, dialogue),
                Next::Reset => self.send_reset(dialogue),
                Next::Mail { smtputf8 } => self.send_mail(smtputf8, dialogue),
                Next::Rcpt(recipient) => self.send_rcpt(recipient, dialogue),
            };
            if sent.is_err() {
                return State::after(sent, State::Group(self), dialogue);
            }
        }
        self.is_group = self.unanswered.len() > 1;
        State::Group(self)
    }

    fn send_reset(&mut self, dialogue: &mut Dialogue) -> Result<(), EncodeCommandError> {
        self.plan.end_transaction();
        self.unanswered.push_back(Asked::Reset);
        dialogue.send(Command::Rset)
    }

    fn send_mail(
        &mut self,
        smtputf8: bool,
        dialogue: &mut Dialogue,
    ) -> Result<(), EncodeCommandError> {
        self.plan.begin_transaction(smtputf8);
        self.unanswered.push_back(Asked::Mail);
        dialogue.send_mail(smtputf8)
    }

    fn send_rcpt(
        &mut self,
        recipient: usize,
        dialogue: &mut Dialogue,
    ) -> Result<(), EncodeCommandError> {
        self.plan.take_recipient();
        self.unanswered.push_back(Asked::Rcpt(recipient));
        dialogue.send_rcpt(recipient)
    }

    /// Draws the conclusions of a group whose every command was answered.
    fn settle_group(&mut self, dialogue: &mut Dialogue) -> Result<(), Ending> {
        let Some(transaction) = &mut self.plan.transaction else {
            return Ok(());
        };
        let again = std::mem::take(&mut transaction.again);
        let not_understood = std::mem::take(&mut self.not_understood);
        let MailAnswer::Refused(code) = transaction.mail else {
            self.offered.pipelining &= not_understood.is_empty();
            self.plan.ask_again(again);
            self.plan.ask_again(not_understood);
            return Ok(());
        };
        let Transaction {
            smtputf8, asked, ..
        } = self
            .plan
            .transaction
            .take()
            .expect("it was here a moment ago");
        if code.value() == BAD_SEQUENCE && !self.was_out_of_order {
            self.was_out_of_order = true;
            self.plan.needs_reset = true;
            self.plan.ask_again(asked);
            return Ok(());
        }
        if self.is_group && NOT_UNDERSTOOD.contains(&code.value()) {
            self.offered.pipelining = false;
            self.plan.needs_reset = true;
            self.plan.ask_again(asked);
            return Ok(());
        }
        if smtputf8 && PARAMETER_REFUSED.contains(&code.value()) {
            self.plan.ask_again(asked);
            self.give_up_smtputf8(NotAsked::Smtputf8Refused, dialogue);
            return Ok(());
        }
        Err(Ending::MailRefused)
    }

    /// Whoever needs SMTPUTF8 cannot be asked here.
    fn give_up_smtputf8(&mut self, reason: NotAsked, dialogue: &mut Dialogue) {
        self.plan.waiting.retain(|&recipient| {
            let is_lost = dialogue.needs_smtputf8(recipient);
            if is_lost {
                dialogue.record(Event::NotAsked { recipient, reason });
            }
            !is_lost
        });
    }

    fn is_pipelined(&self, dialogue: &Dialogue) -> bool {
        self.offered.pipelining && dialogue.settings.pipelining == Pipelining::WhereOffered
    }

    fn count(&self) -> Unanswered {
        let is_rcpt = |asked: &&Asked| matches!(asked, Asked::Rcpt(_));
        Unanswered {
            commands: self.unanswered.len(),
            recipients: self.unanswered.iter().filter(is_rcpt).count(),
        }
    }
}
