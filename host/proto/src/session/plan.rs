//! Whom to ask next, and in which transaction.

use super::dialogue::Dialogue;
use super::state::Waiting;
use crate::extensions::Offered;
use crate::limits::Limit;
use crate::reply::ReplyCode;
use crate::transcript::Ending;

/// RCPT commands of one transaction: what every server must take (RFC 5321 section 4.5.3.1.8).
pub(super) const TRANSACTION_RECIPIENTS_MAX: usize = 100;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Reset,
    Mail {
        smtputf8: bool,
    },
    Rcpt(usize),
    /// Nothing before the unanswered commands are answered.
    Wait,
    /// Nothing at all any more.
    Over(Ending),
}

/// The recipients that wait, and what the session has asked so far.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) waiting: Waiting,
    pub(super) transaction: Option<Transaction>,
    /// The server may have a transaction open that is no longer ours: RSET comes before the next
    /// MAIL.
    pub(super) needs_reset: bool,
    recipients_asked: usize,
    rejections: usize,
    transactions: usize,
}

/// The transaction that is open, or is being opened.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) smtputf8: bool,
    pub(super) mail: MailAnswer,
    /// Everyone who was named in it, in order.
    pub(super) asked: Vec<usize>,
    /// How many of them got an answer about themselves.
    pub(super) answered: usize,
    /// The server takes no more recipients in it.
    pub(super) is_full: bool,
    /// Those whom it did not take: to be asked in the next one.
    pub(super) again: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MailAnswer {
    Awaited,
    Accepted,
    Refused(ReplyCode),
}

impl Plan {
    pub(super) fn new(waiting: Waiting) -> Self {
        Self {
            waiting,
            transaction: None,
            needs_reset: false,
            recipients_asked: 0,
            rejections: 0,
            transactions: 0,
        }
    }

    /// The next command, with so many commands and so many of them RCPT unanswered.
    pub(super) fn next(
        &self,
        offered: &Offered,
        unanswered: Unanswered,
        dialogue: &Dialogue,
    ) -> Next {
        let or_wait = |ending| match unanswered.commands {
            0 => Next::Over(ending),
            _ => Next::Wait,
        };
        let Some(&recipient) = self.waiting.front() else {
            return or_wait(Ending::Completed);
        };
        let settings = &dialogue.settings;
        if self.recipients_asked >= settings.recipients_max {
            return or_wait(Ending::LimitReached(Limit::Recipients));
        }
        // Every unanswered RCPT may turn out a rejection: the bound holds for groups too.
        if self.rejections + unanswered.recipients >= settings.rejections_max {
            return or_wait(Ending::LimitReached(Limit::Rejections));
        }
        if let Some(transaction) = &self.transaction {
            if transaction.takes(recipient, offered, dialogue) {
                return Next::Rcpt(recipient);
            }
            if unanswered.commands > 0 {
                return Next::Wait;
            }
        }
        if offered
            .mail_max
            .is_some_and(|most| self.transactions >= most)
        {
            return or_wait(Ending::LimitReached(Limit::Transactions));
        }
        if self.transaction.is_some() || self.needs_reset {
            return Next::Reset;
        }
        Next::Mail {
            smtputf8: dialogue.needs_smtputf8(recipient),
        }
    }

    pub(super) fn begin_transaction(&mut self, smtputf8: bool) {
        self.transactions += 1;
        self.transaction = Some(Transaction {
            smtputf8,
            mail: MailAnswer::Awaited,
            asked: Vec::new(),
            answered: 0,
            is_full: false,
            again: Vec::new(),
        });
    }

    /// Forgets the open transaction because RSET ends it.
    pub(super) fn end_transaction(&mut self) {
        self.transaction = None;
        self.needs_reset = false;
    }

    /// Takes the first who waits into the open transaction.
    pub(super) fn take_recipient(&mut self) {
        let recipient = self.waiting.pop_front();
        self.recipients_asked += 1;
        if let Some(transaction) = &mut self.transaction {
            transaction.asked.extend(recipient);
        }
    }

    pub(super) fn count_rejection(&mut self) {
        self.rejections += 1;
    }

    /// Puts these in front of all who wait, in their order.
    pub(super) fn ask_again(&mut self, recipients: Vec<usize>) {
        for recipient in recipients.into_iter().rev() {
            self.waiting.push_front(recipient);
        }
    }
}

/// How many commands have no answer yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unanswered {
    pub(super) commands: usize,
    pub(super) recipients: usize,
}

impl Transaction {
    /// Whether this recipient can be named in it.
    fn takes(&self, recipient: usize, offered: &Offered, dialogue: &Dialogue) -> bool {
        let most = match dialogue.reverse_path() {
            // A notification has one addressee, and servers refuse more.
            "" => 1,
            _ => offered.rcpt_max.map_or(TRANSACTION_RECIPIENTS_MAX, |most| {
                most.min(TRANSACTION_RECIPIENTS_MAX)
            }),
        };
        !self.is_full
            && self.asked.len() < most
            && self.smtputf8 == dialogue.needs_smtputf8(recipient)
            && self.takes_domain(recipient, offered, dialogue)
    }

    fn takes_domain(&self, recipient: usize, offered: &Offered, dialogue: &Dialogue) -> bool {
        let Some(most) = offered.rcpt_domain_max else {
            return true;
        };
        let mut domains: Vec<&str> = Vec::new();
        for &asked in self.asked.iter().chain([&recipient]) {
            let domain = dialogue.domain(asked);
            if !domains
                .iter()
                .any(|known| known.eq_ignore_ascii_case(domain))
            {
                domains.push(domain);
            }
        }
        domains.len() <= most
    }
}
