//! The view of a transcript that a policy is shown: what one session showed about one mailbox.
//!
//! Promises: derived from the transcript alone, so that a saved one is judged like a live one.
//! Nothing is judged and no reply is changed; only what concerns other mailboxes is left out.
//!
//! - A reply to RCPT that cannot be about the recipient (its MAIL was refused, the transaction had
//!   no room, or the server answered what nobody had asked, so that replies may be shifted) is not
//!   among the replies; a fact `void-reply` holds it.
//! - Of the replies to RSET and QUIT only refusals are shown: success says nothing.
//! - What a server did that no field of the contract can hold is a fact: `violation` (what it broke
//!   in a reply), `inconsistent-codes` (the stage and the codes of one reply that differ),
//!   `repeated-keyword` (of a reply to EHLO), `forward-path` (of 251 and 551), `dropped-bytes` (how
//!   many, and why), `closed` and `timed-out` (where the ending says too little).

use std::time::Duration;

use crate::evidence::{Attempt, DecoyFinding, Ending, Fact, Reply, Tls};
use crate::extensions::repeated_keywords;
use crate::mailbox::Mailbox;
use crate::reply::{Reply as ReplyBytes, ReplyViolation, is_reply_line};
use crate::stage::Stage;
use crate::transcript::{
    Answer, Dropped, Ending as SessionEnding, Event, RecipientKind, Transcript, Violation, Void,
};

/// Facts that an attempt carries at most. Each is a sentence of a hostile server.
pub const FACTS_MAX: usize = 32;

/// A transcript that was read once, ready to be seen from the side of each of its recipients.
pub struct SessionView<'a> {
    transcript: &'a Transcript,
    answers: Vec<Answer>,
}

/// What the transcript does not know about the attempt.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The round, from 1.
    pub round: u32,
    /// The index of the exchange in the look-up in force.
    pub exchange: u32,
}

impl<'a> SessionView<'a> {
    /// Reads a transcript.
    pub fn new(transcript: &'a Transcript) -> Self {
        Self {
            transcript,
            answers: transcript.answers(),
        }
    }

    /// Whether the recipient of that place was answered.
    pub fn is_answered(&self, recipient: usize) -> bool {
        self.rcpt_answers(recipient)
            .any(|answer| answer.reply.is_some())
    }

    /// Whether the recipient of that place could not be asked in any session like this one.
    pub fn is_unaskable(&self, recipient: usize) -> bool {
        self.transcript
            .not_asked()
            .any(|(place, _)| place == recipient)
    }

    /// What the session showed about the mailbox of that place.
    pub fn attempt(&self, recipient: usize, place: Place) -> Attempt {
        let head = &self.transcript.head;
        let (asked_before, refused_before) = self.asked_before(recipient);
        Attempt {
            round: place.round,
            started_ms: head.started_ms,
            elapsed_ms: whole_ms(self.transcript.elapsed()),
            exchange: place.exchange,
            exchange_name: head.exchange.clone(),
            remote_address: head.remote.map(|remote| remote.ip().to_string()),
            local_address: head
                .egress
                .source
                .map(|ip| ip.to_string())
                .unwrap_or_default(),
            ehlo_name: head.egress.ehlo_name.clone(),
            reverse_path: head.egress.reverse_path.clone(),
            tls: self.transcript.tls().map(|facts| Tls {
                version: facts.version.clone(),
                cipher_suite: facts.cipher.clone(),
                problems: facts.problems.clone(),
            }),
            replies: self.replies(recipient),
            ending: self.ending(recipient),
            asked_before,
            refused_before,
            facts: self.facts(recipient),
        }
    }

    /// What the decoys of the session were answered, each with its domain.
    pub fn decoys(&self) -> Vec<(String, DecoyFinding)> {
        let head = &self.transcript.head;
        let decoys = head.recipients.iter().enumerate();
        let decoys = decoys.filter(|(_, recipient)| recipient.kind == RecipientKind::Decoy);
        let finding = |(place, recipient): (usize, &crate::transcript::HeadRecipient)| {
            let answer = self
                .rcpt_answers(place)
                .rfind(|answer| answer.reply.is_some())?;
            let reply = reply_of(answer)?;
            let (_, domain) = recipient.address.rsplit_once('@')?;
            let after = u64::from(whole_ms(answer.answered_at.unwrap_or_default()));
            let finding = DecoyFinding {
                asked_ms: head.started_ms.saturating_add(after),
                exchange_name: head.exchange.clone(),
                attempt: None,
                reply,
            };
            Some((domain.to_owned(), finding))
        };
        decoys.filter_map(finding).collect()
    }

    fn rcpt_answers(&self, recipient: usize) -> impl DoubleEndedIterator<Item = &Answer> {
        self.answers.iter().filter(move |answer| {
            answer.recipient == Some(recipient) && self.void(answer).is_none()
        })
    }

    /// Why a reply to RCPT is no answer about its recipient.
    fn void(&self, answer: &Answer) -> Option<&'static str> {
        match self.transcript.ending() {
            Some(SessionEnding::Violation(_, kind @ Violation::UnsolicitedReply)) => {
                Some(kind.as_str())
            }
            _ => answer.void.map(Void::as_str),
        }
    }

    fn replies(&self, recipient: usize) -> Vec<Reply> {
        let own = |answer: &Answer| answer.recipient == Some(recipient);
        let transactions: Vec<usize> = self
            .answers
            .iter()
            .filter(|answer| own(answer))
            .filter_map(|answer| answer.transaction)
            .collect();
        let last_mail = self
            .answers
            .iter()
            .rposition(|answer| answer.stage == Stage::MailFrom);
        let concerns = |(index, answer): (usize, &Answer)| match answer.stage {
            Stage::RcptTo => own(answer) && self.void(answer).is_none(),
            // Whoever was never named was kept from it by the last transaction.
            Stage::MailFrom if transactions.is_empty() => Some(index) == last_mail,
            Stage::MailFrom => answer
                .transaction
                .is_some_and(|number| transactions.contains(&number)),
            Stage::Rset | Stage::Quit => answer
                .reply
                .as_ref()
                .is_some_and(|reply| !reply.code.is_positive()),
            _ => true,
        };
        let shown = self.answers.iter().enumerate();
        let shown = shown.filter(|(index, answer)| concerns((*index, answer)));
        shown.filter_map(|(_, answer)| reply_of(answer)).collect()
    }

    fn asked_before(&self, recipient: usize) -> (u32, u32) {
        let rcpt = self
            .answers
            .iter()
            .filter(|answer| answer.stage == Stage::RcptTo);
        let before = rcpt
            .take_while(|answer| answer.recipient != Some(recipient))
            .filter_map(|answer| answer.reply.as_ref());
        before.fold((0, 0), |(asked, refused), reply| {
            (asked + 1, refused + u32::from(!reply.code.is_positive()))
        })
    }

    fn ending(&self, recipient: usize) -> Ending {
        let not_asked = self.transcript.not_asked();
        let mut not_asked = not_asked.filter(|(place, _)| *place == recipient);
        if let Some((_, reason)) = not_asked.next() {
            return Ending::NotAsked(reason.as_str().to_owned());
        }
        match self.transcript.ending() {
            None => Ending::Other("the transcript has no end".to_owned()),
            Some(SessionEnding::Completed | SessionEnding::MailRefused) => Ending::Completed,
            Some(SessionEnding::LimitReached(_)) if self.is_answered(recipient) => {
                Ending::Completed
            }
            Some(SessionEnding::LimitReached(limit)) => Ending::LimitReached(limit.to_string()),
            Some(
                SessionEnding::Closed(stage)
                | SessionEnding::Reset(stage)
                | SessionEnding::Broken(stage),
            ) => Ending::Closed(stage),
            Some(SessionEnding::TimedOut(stage) | SessionEnding::BudgetSpent(stage)) => {
                Ending::TimedOut(stage)
            }
            Some(SessionEnding::ServiceClosing(stage)) => Ending::ServiceClosing(stage),
            Some(SessionEnding::GreetingRefused) => Ending::GreetingRefused,
            Some(SessionEnding::EhloRefused) => Ending::EhloRefused,
            Some(SessionEnding::TlsFailed) => {
                let why = self.transcript.tls_failure();
                Ending::TlsFailed(why.unwrap_or("the handshake failed").to_owned())
            }
            Some(SessionEnding::TlsRequired) => {
                Ending::TlsFailed("TLS is required here, and the server does not offer it".into())
            }
            Some(SessionEnding::Violation(_, violation)) => {
                Ending::Violation(violation.as_str().to_owned())
            }
            Some(SessionEnding::ConnectFailed) => {
                let why = self.transcript.connect_failure().unwrap_or("no connection");
                Ending::NotConnected(crate::evidence::ConnectFailure::Other(why.to_owned()))
            }
            Some(
                other @ (SessionEnding::Abandoned(_)
                | SessionEnding::RsetRefused
                | SessionEnding::Unsendable(_)),
            ) => Ending::Other(other.to_string()),
        }
    }

    fn facts(&self, recipient: usize) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut note = |name: &str, value: String| {
            let fact = Fact::new(name, value);
            if facts.len() < FACTS_MAX && !facts.contains(&fact) {
                facts.push(fact);
            }
        };
        match self.transcript.ending() {
            Some(SessionEnding::Reset(_)) => note("closed", "reset".to_owned()),
            Some(SessionEnding::BudgetSpent(_)) => note("timed-out", "session-budget".to_owned()),
            _ => {}
        }
        for answer in &self.answers {
            let Some(reply) = &answer.reply else {
                continue;
            };
            if let (Some(void), true) = (self.void(answer), answer.recipient == Some(recipient)) {
                let text = reply.text_lossy().replace('\n', " ");
                note("void-reply", format!("{void} {} {text}", reply.code));
            }
            if answer.stage != Stage::RcptTo || answer.recipient == Some(recipient) {
                for violation in &reply.violations {
                    note("violation", violation.as_str().to_owned());
                }
                if reply
                    .violations
                    .contains(&ReplyViolation::InconsistentCodes)
                {
                    note(
                        "inconsistent-codes",
                        format!("{}{}", answer.stage, codes_of(reply)),
                    );
                }
            }
            match answer.stage {
                Stage::Ehlo | Stage::EhloAfterTls => {
                    for keyword in repeated_keywords(reply) {
                        note("repeated-keyword", keyword);
                    }
                }
                Stage::RcptTo if answer.recipient == Some(recipient) => {
                    let asked = &self.transcript.head.recipients[recipient].address;
                    if let Some(path) = forward_path(reply, asked) {
                        note("forward-path", path);
                    }
                }
                _ => {}
            }
        }
        for (_, event) in self.transcript.events() {
            // What TLS takes for itself is no news about anybody.
            if let Event::Dropped { bytes, why } = event
                && why != Dropped::Tls
            {
                note("dropped-bytes", format!("{bytes} {}", why.as_str()));
            }
        }
        facts
    }
}

fn reply_of(answer: &Answer) -> Option<Reply> {
    let reply = answer.reply.as_ref()?;
    let waited = answer
        .answered_at
        .unwrap_or_default()
        .saturating_sub(answer.asked_at);
    Some(Reply {
        stage: answer.stage,
        code: Some(reply.code.value()),
        enhanced: reply.enhanced.or_else(|| contradicting_code(reply)),
        text: reply.text_lossy(),
        elapsed_ms: whole_ms(waited),
    })
}

/// The enhanced code whose class contradicts the reply code: the contract shows both as received.
fn contradicting_code(reply: &ReplyBytes) -> Option<crate::enhanced_code::EnhancedStatusCode> {
    reply
        .violations
        .iter()
        .find_map(|violation| match violation {
            ReplyViolation::EnhancedClass(code) => Some(*code),
            _ => None,
        })
}

/// The codes of all lines, each after a space, without those that repeat the one before.
fn codes_of(reply: &ReplyBytes) -> String {
    let mut codes = String::new();
    let mut last: &[u8] = &[];
    for line in reply.lines.iter().filter(|line| is_reply_line(line)) {
        let code = &line[..3];
        if code != last {
            codes.push(' ');
            codes.push_str(&String::from_utf8_lossy(code));
            last = code;
        }
    }
    codes
}

/// The mailbox in angle brackets that 251 and 551 name, where the mail goes or should go (RFC 5321
/// section 3.4); not the one that was asked about, which some servers repeat in front of it.
fn forward_path(reply: &ReplyBytes, asked: &str) -> Option<String> {
    if ![251, 551].contains(&reply.code.value()) {
        return None;
    }
    let text = reply.text_lossy();
    let asked = Mailbox::parse(asked).ok();
    let mut paths = text
        .split('<')
        .skip(1)
        .filter_map(|rest| rest.split_once('>'));
    let other = paths.find_map(|(path, _)| {
        Mailbox::parse(path)
            .ok()
            .filter(|path| asked.as_ref() != Some(path))
    });
    other.map(|path| path.to_string())
}

fn whole_ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Place = Place {
        round: 1,
        exchange: 0,
    };

    fn transcript(dialogue: &str) -> Transcript {
        let head = "mailbox: ana@example.test\nmailbox: bob@example.test\n\
                    decoy: zq81@example.test\nexchange: mx.example.test\nstarted-ms: 1000\n\n";
        Transcript::from_text(&format!("{head}{dialogue}")).unwrap()
    }

    const OPENED: &str = "S: 220 mx.example.test ESMTP\nC: EHLO probe.example.test\n\
                          S: 250 mx.example.test\nC: MAIL FROM:<p@example.test>\n";

    fn stages(attempt: &Attempt) -> Vec<(Stage, u16)> {
        let replies = attempt.replies.iter();
        replies
            .map(|reply| (reply.stage, reply.code.unwrap()))
            .collect()
    }

    #[test]
    fn a_mailbox_is_shown_its_own_replies_and_none_of_the_others() {
        let transcript = transcript(&format!(
            "{OPENED}S: 250 2.1.0 ok\nC: RCPT TO:<ana@example.test>\nS: 550 5.1.1 no\n\
             C: RCPT TO:<bob@example.test>\n@ +2s\nS: 250 2.1.5 ok\n\
             C: RCPT TO:<zq81@example.test>\nS: 550 5.1.1 no\nC: QUIT\nS: 221 bye\n\
             @ ended completed\n"
        ));
        let view = SessionView::new(&transcript);
        let bob = view.attempt(1, FIRST);
        let expected = [
            (Stage::Greeting, 220),
            (Stage::Ehlo, 250),
            (Stage::MailFrom, 250),
            (Stage::RcptTo, 250),
        ];
        assert_eq!(stages(&bob), expected);
        assert_eq!((bob.asked_before, bob.refused_before), (1, 1));
        assert_eq!(bob.replies[3].elapsed_ms, 2000);
        assert_eq!(bob.ending, Ending::Completed);
        let decoys = view.decoys();
        assert_eq!(decoys[0].0, "example.test");
        assert_eq!(decoys[0].1.asked_ms, 3000);
        assert_eq!(decoys[0].1.reply.code, Some(550));
    }

    #[test]
    fn a_reply_to_rcpt_after_a_refused_mail_is_not_about_the_mailbox() {
        let transcript = transcript(&format!(
            "{OPENED}C: RCPT TO:<ana@example.test>\nS: 550 5.7.1 go away\n\
             S: 503 5.5.1 need MAIL\nC: QUIT\nS: 221 bye\n@ ended mail-refused\n"
        ));
        let view = SessionView::new(&transcript);
        let ana = view.attempt(0, FIRST);
        assert!(!view.is_answered(0));
        assert_eq!(stages(&ana).last(), Some(&(Stage::MailFrom, 550)));
        let void = Fact::new("void-reply", "mail-refused 503 5.5.1 need MAIL");
        assert_eq!(ana.facts, [void]);
    }

    #[test]
    fn after_an_unsolicited_reply_no_answer_counts() {
        let transcript = transcript(&format!(
            "{OPENED}S: 250 ok\nC: RCPT TO:<ana@example.test>\nS: 250 ok\nS: 550 no\n\
             @ ended violation quit unsolicited-reply\n"
        ));
        let view = SessionView::new(&transcript);
        assert!(!view.is_answered(0));
        let ana = view.attempt(0, FIRST);
        assert_eq!(
            ana.facts,
            [Fact::new("void-reply", "unsolicited-reply 250 ok")]
        );
        assert_eq!(
            ana.ending,
            Ending::Violation("unsolicited-reply".to_owned())
        );
    }

    /// The facts about a mailbox whose RCPT got these lines.
    fn facts_of(lines: &str) -> Vec<Fact> {
        let transcript = transcript(&format!(
            "{OPENED}S: 250 ok\nC: RCPT TO:<ana@example.test>\n{lines}\n\
             C: QUIT\nS: 221 bye\n@ ended completed\n"
        ));
        SessionView::new(&transcript).attempt(0, FIRST).facts
    }

    #[test]
    fn the_forward_path_of_251_and_551_is_a_fact() {
        let path = |path: &str| [Fact::new("forward-path", path)];
        for (lines, expected) in [
            (
                "S: 251 2.1.5 will forward to <ana@new.test>",
                "ana@new.test",
            ),
            (
                "S: 551 not local; please try <\"a b\"@NEW.test>",
                "\"a b\"@new.test",
            ),
            (
                "S: 551 <ana@example.test> has moved to <ana@new.test>",
                "ana@new.test",
            ),
            ("S: 551-moved\nS: 551 <ana@new.test>", "ana@new.test"),
        ] {
            assert_eq!(facts_of(lines), path(expected), "{lines}");
        }
        for lines in [
            "S: 251 will forward",
            "S: 251 will forward to <nobody>",
            "S: 551 <ana@example.test> is not here",
            "S: 551 try <ana@new.test",
            "S: 250 <ana@new.test> ok",
            "S: 550 not <ana@new.test>",
        ] {
            assert_eq!(facts_of(lines), [], "{lines}");
        }
    }

    #[test]
    fn what_a_reply_breaks_is_told_to_the_policy() {
        let violation = |name: &str| Fact::new("violation", name);
        assert_eq!(facts_of("S: 250 ok\\{lf}"), [violation("bare-lf")]);
        assert_eq!(
            facts_of("S: 550-no\nS: 550-no\nS: 250 yes"),
            [
                violation("inconsistent-codes"),
                Fact::new("inconsistent-codes", "rcpt-to 550 250")
            ]
        );
    }

    #[test]
    fn keywords_before_and_after_tls_are_shown_and_repeated_ones_told() {
        let transcript = transcript(
            "S: 220 mx.example.test\nC: EHLO probe.example.test\nS: 250-mx.example.test\n\
             S: 250-SIZE\nS: 250-STARTTLS\nS: 250 size 10\nC: STARTTLS\nS: 220 go\n\
             @ tls version=TLSv1.3 cipher=x\nC: EHLO probe.example.test\n\
             S: 250-mx.example.test\nS: 250 PIPELINING\n@ close\n@ ended closed mail-from\n",
        );
        let ana = SessionView::new(&transcript).attempt(0, FIRST);
        let lists = ana
            .replies
            .iter()
            .filter(|reply| matches!(reply.stage, Stage::Ehlo | Stage::EhloAfterTls));
        let lists: Vec<(Stage, &str)> = lists
            .map(|reply| (reply.stage, reply.text.as_str()))
            .collect();
        assert_eq!(
            lists,
            [
                (Stage::Ehlo, "mx.example.test\nSIZE\nSTARTTLS\nsize 10"),
                (Stage::EhloAfterTls, "mx.example.test\nPIPELINING"),
            ]
        );
        assert_eq!(ana.facts, [Fact::new("repeated-keyword", "SIZE")]);
    }

    #[test]
    fn bytes_that_were_dropped_are_told_with_the_reason() {
        let transcript = transcript(&format!(
            "{OPENED}S: 354 go on\n@ dropped 7 after-the-end\n@ dropped 9 received-bytes\n\
             @ ended violation mail-from unexpected-code\n"
        ));
        let ana = SessionView::new(&transcript).attempt(0, FIRST);
        let dropped = |value: &str| Fact::new("dropped-bytes", value);
        assert_eq!(
            ana.facts,
            [dropped("7 after-the-end"), dropped("9 received-bytes")]
        );
    }

    #[test]
    fn an_enhanced_code_that_contradicts_the_code_is_shown_as_received() {
        let transcript = transcript(&format!(
            "{OPENED}S: 250 ok\nC: RCPT TO:<ana@example.test>\nS: 450 5.1.1 later\n\
             @ close\n@ ended closed rcpt-to\n"
        ));
        let ana = SessionView::new(&transcript).attempt(0, FIRST);
        let reply = ana.replies.last().unwrap();
        assert_eq!(reply.enhanced.unwrap().to_string(), "5.1.1");
        assert_eq!(ana.facts, [Fact::new("violation", "enhanced-class")]);
        assert_eq!(ana.ending, Ending::Closed(Stage::RcptTo));
    }
}
