//! What outlives the states of a session: the settings, the record, the commands that wait to be
//! sent.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Recipient, SessionConfig, repeated};
use crate::command::{COMMAND_LINE_MAX, Command, EncodeCommandError};
use crate::reply::Line;
use crate::stage::Stage;
use crate::timeouts::Timeouts;
use crate::transcript::{
    Dropped, Egress, Ending, Event, HeadRecipient, NotAsked, RecipientKind, Transcript,
};

/// Shared by all states; each of them gets it to act with.
#[derive(Debug)]
pub(super) struct Dialogue {
    pub(super) settings: Settings,
    transcript: Transcript,
    needs_smtputf8: Vec<bool>,
    /// Commands with their CR LF that `poll_output` has not handed out.
    unsent: Vec<u8>,
    now: Duration,
    deadline: Duration,
    /// The first event that can belong to the reply which is being read.
    reply_begin: usize,
}

/// What the states need of the configuration.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) hello: super::Hello,
    pub(super) start_tls: super::StartTlsUse,
    pub(super) pipelining: super::Pipelining,
    pub(super) timeouts: Timeouts,
    pub(super) recipients_max: usize,
    pub(super) rejections_max: usize,
}

impl Dialogue {
    /// The dialogue, and the places of the recipients to ask in the order in which to ask them.
    pub(super) fn new(
        config: SessionConfig,
        recipients: Vec<Recipient>,
    ) -> (Self, VecDeque<usize>) {
        let repeated = repeated(&recipients);
        let mut transcript = Transcript::default();
        transcript.reserve();
        transcript.head.recipients.reserve(recipients.len());
        let mut waiting = VecDeque::with_capacity(recipients.len());
        let mut needs_smtputf8 = Vec::with_capacity(recipients.len());
        for (place, recipient) in recipients.into_iter().enumerate() {
            needs_smtputf8.push(recipient.needs_smtputf8 || !recipient.address.is_ascii());
            let reason = if repeated.contains(&place) {
                Some(NotAsked::Repeated)
            } else if is_sendable(&recipient.address) {
                None
            } else {
                Some(NotAsked::Unsendable)
            };
            match reason {
                Some(reason) => {
                    let recipient = place;
                    transcript.push(Duration::ZERO, Event::NotAsked { recipient, reason });
                }
                None => waiting.push_back(place),
            }
            transcript.head.recipients.push(HeadRecipient {
                address: recipient.address,
                kind: recipient.kind,
            });
        }
        // Mailbox first, decoy after it: an early ban for unknown recipients must not spoil what
        // matters.
        let listed = &transcript.head.recipients;
        waiting
            .make_contiguous()
            .sort_by_key(|place| listed[*place].kind == RecipientKind::Decoy);
        transcript.head.egress = Egress {
            source: None,
            ehlo_name: config.ehlo_name,
            reverse_path: config.reverse_path,
        };
        let dialogue = Self {
            reply_begin: transcript.event_count(),
            transcript,
            needs_smtputf8,
            unsent: Vec::new(),
            now: Duration::ZERO,
            deadline: config.timeouts.of(Stage::Greeting),
            settings: Settings {
                hello: config.hello,
                start_tls: config.start_tls,
                pipelining: config.pipelining,
                timeouts: config.timeouts,
                recipients_max: config.limits.recipients,
                rejections_max: config.limits.rejections,
            },
        };
        (dialogue, waiting)
    }

    /// Time passes; it never runs backwards.
    pub(super) fn advance_clock(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    /// From now on this stage has its whole time.
    pub(super) fn restart_clock(&mut self, stage: Stage) {
        self.deadline = self.now.saturating_add(self.settings.timeouts.of(stage));
    }

    pub(super) fn record(&mut self, event: Event<'_>) {
        self.transcript.push(self.now, event);
    }

    /// Queues a command for `poll_output`.
    pub(super) fn send(&mut self, command: Command<'_>) -> Result<(), EncodeCommandError> {
        command.encode(&mut self.unsent)
    }

    pub(super) fn send_ehlo(&mut self) -> Result<(), EncodeCommandError> {
        let name = &self.transcript.head.egress.ehlo_name;
        Command::Ehlo(name).encode(&mut self.unsent)
    }

    pub(super) fn send_helo(&mut self) -> Result<(), EncodeCommandError> {
        let name = &self.transcript.head.egress.ehlo_name;
        Command::Helo(name).encode(&mut self.unsent)
    }

    pub(super) fn send_mail(&mut self, smtputf8: bool) -> Result<(), EncodeCommandError> {
        let command = Command::MailFrom {
            reverse_path: &self.transcript.head.egress.reverse_path,
            smtputf8,
        };
        command.encode(&mut self.unsent)
    }

    pub(super) fn send_rcpt(&mut self, recipient: usize) -> Result<(), EncodeCommandError> {
        let address = &self.transcript.head.recipients[recipient].address;
        Command::RcptTo(address).encode(&mut self.unsent)
    }

    /// All queued commands, which are sent and recorded with this.
    pub(super) fn transmit(&mut self) -> Vec<u8> {
        let bytes = std::mem::take(&mut self.unsent);
        let mut begin = 0;
        for feed in memchr::memchr_iter(b'\n', &bytes) {
            self.transcript
                .push(self.now, Event::Sent(&bytes[begin..feed - 1]));
            begin = feed + 1;
        }
        bytes
    }

    /// The next line from the server belongs to another reply.
    pub(super) fn begin_reply(&mut self) {
        self.reply_begin = self.transcript.event_count();
    }

    /// The lines of the reply that is complete just now.
    pub(super) fn reply_lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.transcript.lines_from(self.reply_begin)
    }

    pub(super) fn needs_smtputf8(&self, recipient: usize) -> bool {
        self.needs_smtputf8[recipient] || !self.reverse_path().is_ascii()
    }

    pub(super) fn reverse_path(&self) -> &str {
        &self.transcript.head.egress.reverse_path
    }

    /// What follows the last `@` of a recipient's address.
    pub(super) fn domain(&self, recipient: usize) -> &str {
        let address = &self.transcript.head.recipients[recipient].address;
        address.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    pub(super) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    pub(super) fn now(&self) -> Duration {
        self.now
    }

    pub(super) fn deadline(&self) -> Duration {
        self.deadline
    }

    pub(super) fn into_transcript(
        mut self,
        ending: Ending,
        at: Duration,
        dropped: [(u64, Dropped); 3],
    ) -> Transcript {
        for (bytes, why) in dropped {
            if bytes > 0 {
                self.transcript.push(at, Event::Dropped { bytes, why });
            }
        }
        self.transcript.push(at, Event::Ended(ending));
        self.transcript
    }
}

/// Whether the address fits into a RCPT line as it is.
fn is_sendable(address: &str) -> bool {
    let mut line = Vec::with_capacity(COMMAND_LINE_MAX);
    Command::RcptTo(address).encode(&mut line).is_ok()
}
