//! Who was asked, and what the answer was, derived from the record alone.
//!
//! Replies belong to commands by order alone (RFC 2920 section 3.1): the first unanswered command
//! gets the next reply. A reply that comes when nothing is unanswered belongs to nobody.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::{Event, Transcript};
use crate::command::Command;
use crate::extensions::{Extension, extensions_of};
use crate::reply::{Line, LineRole, Reply, is_too_many_recipients};
use crate::stage::Stage;

/// One command, or the wait for the greeting, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What was asked.
    pub stage: Stage,
    /// For RCPT: the place of the recipient in [`super::Head::recipients`].
    pub recipient: Option<usize>,
    /// For MAIL and RCPT: the transaction they belong to, from 0.
    pub transaction: Option<usize>,
    /// The reply; none when the session ended before it was complete.
    pub reply: Option<Reply>,
    /// Why the reply to RCPT is no answer about the recipient, whatever it says.
    pub void: Option<Void>,
    /// When the command was sent.
    pub asked_at: Duration,
    /// When the reply was complete.
    pub answered_at: Option<Duration>,
}

/// Why a reply to RCPT is no answer about the recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Void {
    /// MAIL of its transaction was not accepted.
    MailRefused,
    /// The transaction had no room for one more recipient.
    TooManyRecipients,
}

impl Void {
    /// The name in kebab-case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MailRefused => "mail-refused",
            Self::TooManyRecipients => "too-many-recipients",
        }
    }
}

impl Transcript {
    /// Every command in the order in which it was sent, the greeting first, with its reply.
    ///
    /// A recipient may occur several times (asked again in another transaction): the last answer
    /// that is not void counts. A recipient that does not occur was not asked.
    #[must_use]
    pub fn answers(&self) -> Vec<Answer> {
        self.read().answers
    }

    /// Replies that no command asked for, such as 421 on a quiet connection.
    #[must_use]
    pub fn unsolicited(&self) -> Vec<(Duration, Reply)> {
        self.read().unsolicited
    }

    /// What the server offered last: after TLS if there was TLS, else before; nothing after HELO.
    #[must_use]
    pub fn extensions(&self) -> Vec<Extension> {
        let answers = self.answers();
        let hello = answers.iter().rev().find(|answer| {
            matches!(
                answer.stage,
                Stage::Ehlo | Stage::Helo | Stage::EhloAfterTls
            )
        });
        match hello {
            Some(answer) if answer.stage != Stage::Helo => {
                answer.reply.as_ref().map(extensions_of).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    fn read(&self) -> Reading<'_> {
        let mut reading = Reading::new(self);
        for (at, event) in self.events() {
            match event {
                Event::Received(line) => reading.handle_line(at, line),
                Event::Sent(line) => reading.handle_command(at, line),
                Event::TlsReady(_) => reading.secured = true,
                Event::TlsFailed(_)
                | Event::ConnectFailed(_)
                | Event::Closed(_)
                | Event::TimedOut
                | Event::NotAsked { .. }
                | Event::Dropped { .. }
                | Event::Ended(_) => {}
            }
        }
        reading.mark_void();
        reading
    }
}

/// The walk through a transcript.
struct Reading<'a> {
    places: BTreeMap<&'a str, usize>,
    answers: Vec<Answer>,
    unanswered: VecDeque<usize>,
    lines: Vec<Line<'a>>,
    unsolicited: Vec<(Duration, Reply)>,
    secured: bool,
    transactions: usize,
}

impl<'a> Reading<'a> {
    fn new(transcript: &'a Transcript) -> Self {
        let mut places = BTreeMap::new();
        for (place, recipient) in transcript.head.recipients.iter().enumerate() {
            places.entry(recipient.address.as_str()).or_insert(place);
        }
        let mut reading = Self {
            places,
            answers: Vec::new(),
            unanswered: VecDeque::new(),
            lines: Vec::new(),
            unsolicited: Vec::new(),
            secured: false,
            transactions: 0,
        };
        if transcript.connect_failure().is_none() {
            reading.ask(Duration::ZERO, Stage::Greeting);
        }
        reading
    }

    fn ask(&mut self, at: Duration, stage: Stage) -> &mut Answer {
        let index = self.answers.len();
        self.unanswered.push_back(index);
        self.answers.push(Answer {
            stage,
            recipient: None,
            transaction: None,
            reply: None,
            void: None,
            asked_at: at,
            answered_at: None,
        });
        &mut self.answers[index]
    }

    fn handle_command(&mut self, at: Duration, line: &'a [u8]) {
        let command = Command::parse(line).expect("only our commands get into a transcript");
        let stage = match command.stage() {
            Stage::Ehlo if self.secured => Stage::EhloAfterTls,
            stage => stage,
        };
        let recipient = match command {
            Command::RcptTo(address) => self.places.get(address).copied(),
            _ => None,
        };
        if let Command::MailFrom { .. } = command {
            self.transactions += 1;
        }
        let transaction = matches!(stage, Stage::MailFrom | Stage::RcptTo)
            .then(|| self.transactions.saturating_sub(1));
        let answer = self.ask(at, stage);
        answer.recipient = recipient;
        answer.transaction = transaction;
    }

    fn handle_line(&mut self, at: Duration, line: Line<'a>) {
        self.lines.push(line);
        let LineRole::Completes(_) = line.role() else {
            return;
        };
        let reply = Reply::from_lines(self.lines.drain(..)).expect("the last line completes it");
        match self.unanswered.pop_front() {
            Some(index) => {
                self.answers[index].reply = Some(reply);
                self.answers[index].answered_at = Some(at);
            }
            None => self.unsolicited.push((at, reply)),
        }
    }

    /// Says of each reply to RCPT whether it can be about the recipient at all.
    fn mark_void(&mut self) {
        let mut mail_refused = false;
        let mut answered_before = 0;
        for answer in &mut self.answers {
            let Some(reply) = &answer.reply else {
                continue;
            };
            match answer.stage {
                Stage::MailFrom => {
                    mail_refused = !reply.code.is_positive();
                    answered_before = 0;
                }
                Stage::RcptTo if mail_refused => answer.void = Some(Void::MailRefused),
                Stage::RcptTo
                    if is_too_many_recipients(
                        reply.code,
                        reply.enhanced,
                        reply.texts(),
                        answered_before,
                    ) =>
                {
                    answer.void = Some(Void::TooManyRecipients);
                }
                Stage::RcptTo => answered_before += 1,
                _ => {}
            }
        }
    }
}
