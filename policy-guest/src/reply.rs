//! What one reply, and one attempt, says.
//!
//! A reading answers first whom the reply speaks about, then why. Positive replies are read by
//! their code; negative ones by the rules (`rules.rs`); an attempt without a reply that concerns
//! the mailbox by how it ended. Whether the reading holds is judged with the decoy's answer beside
//! it (`accept_all.rs`).

use crate::contract::{Attempt, ConnectFailure, Ending, Fact, Reply, Stage};
use crate::reasons::Reason;
use crate::rules::{self, Says};

/// What a reply or an attempt says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) says: Says,
    pub(crate) reason: Reason,
    /// It names the recipient plainly.
    pub(crate) plain: bool,
    /// The refusal is a permanent one (5yz).
    pub(crate) lasting: bool,
    /// The rule that decided; empty where none was needed.
    pub(crate) rule: &'static str,
}

impl Reading {
    const fn new(says: Says, reason: Reason) -> Self {
        Self {
            says,
            reason,
            plain: false,
            lasting: false,
            rule: "",
        }
    }
}

/// Reads a reply of `exchange`.
pub(crate) fn read(reply: &Reply, exchange: &str) -> Reading {
    let confused = Reading::new(Says::Server, Reason::ProtocolTrouble);
    match reply.code {
        // Replies to other steps, given to RCPT: the dialogue is out of step.
        Some(211 | 214 | 220 | 221 | 235) | None => confused,
        Some(251) => Reading::new(Says::Accepted, Reason::AcceptedForwarding),
        Some(252) => Reading::new(Says::Accepted, Reason::AcceptedUnverified),
        Some(200..=299) => Reading::new(Says::Accepted, Reason::Accepted),
        Some(code) => rules::find(reply, exchange).map_or(confused, |rule| Reading {
            says: rule.says,
            reason: rule.reason,
            plain: rule.plain,
            lasting: code >= 500,
            rule: rule.id,
        }),
    }
}

/// Reads an attempt to reach `mailbox` (its wire form): the index of the reply that decided, if one
/// did, and what it says.
pub(crate) fn read_attempt(attempt: &Attempt, mailbox: &str) -> (Option<usize>, Reading) {
    let replies = &attempt.replies;
    let answer = replies
        .iter()
        .rposition(|reply| matches!(reply.stage, Stage::RcptTo));
    let decisive = answer
        .or_else(|| replies.iter().rposition(is_refusal))
        .or_else(|| last_words(attempt));
    match decisive {
        Some(at) => {
            let reading = read(&replies[at], &attempt.exchange_name);
            (
                Some(at),
                in_context(reading, &replies[at], attempt, mailbox),
            )
        }
        None => (None, read_ending(&attempt.ending)),
    }
}

/// What the circumstances of a reply change about its reading. Whom it names, who was asked before,
/// and which reverse path was given are not in the reply's own words.
fn in_context(reading: Reading, reply: &Reply, attempt: &Attempt, mailbox: &str) -> Reading {
    let became = |says, reason, rule| Reading {
        says,
        reason,
        plain: false,
        rule,
        ..reading
    };
    match reading.says {
        Says::Accepted if is_inconsistent(attempt) => {
            Reading::new(Says::Server, Reason::ProtocolTrouble)
        }
        Says::Absent | Says::Exists
            if names_sender(&reply.text, attempt, mailbox, reading.plain) =>
        {
            became(Says::Us, sender_refused(attempt), "reverse-path-named")
        }
        // Servers add our address to refusals of us; weak words beside it are not about a mailbox.
        Says::Absent if !reading.plain && names(&reply.text, &attempt.local_address) => {
            became(Says::Unclear, Reason::RefusedUnclear, "our-address-named")
        }
        // Postfix says 450 of an unverified address even where the answer that it quotes is final.
        Says::Absent if names(&reply.text, QUOTED_REFUSAL) => Reading {
            lasting: true,
            ..reading
        },
        Says::Us if reading.reason == Reason::SenderRefused => {
            // The same reverse path was good enough a moment ago: it is the session that is over.
            match attempt.asked_before > 0 && reading.rule == "mail-refused" {
                true => became(Says::Server, Reason::TooManyRecipients, "asked-before"),
                false => Reading {
                    reason: sender_refused(attempt),
                    ..reading
                },
            }
        }
        // RFC 5321 section 4.5.3.1.10: 452 is for too many recipients, and 552 was.
        Says::Server | Says::Unclear
            if attempt.asked_before > 0
                && matches!(reply.code, Some(452 | 552))
                && matches!(
                    reading.reason,
                    Reason::TemporarilyRefused | Reason::RefusedUnclear
                ) =>
        {
            became(Says::Server, Reason::TooManyRecipients, "asked-before")
        }
        Says::Unclear if reply.code == Some(551) && forward_path(attempt).is_some() => {
            became(Says::Absent, Reason::MailboxMoved, "forward-path")
        }
        _ => reading,
    }
}

/// How Postfix, and who copied it, begins the permanent refusal of a host that it asked.
const QUOTED_REFUSAL: &str = " said: 5";

/// Where the server says that mail for the mailbox goes, or should go (251, 551).
pub(crate) fn forward_path(attempt: &Attempt) -> Option<&Fact> {
    let mut facts = attempt.facts.iter();
    facts.find(|fact| fact.name == "forward-path")
}

/// A refused reverse path; the null one has a reason of its own, since something can be done.
fn sender_refused(attempt: &Attempt) -> Reason {
    match attempt.reverse_path.is_empty() {
        true => Reason::NullSenderRefused,
        false => Reason::SenderRefused,
    }
}

/// Whether the lines of the answer to RCPT carried several codes: an acceptance among them is none.
fn is_inconsistent(attempt: &Attempt) -> bool {
    let mut facts = attempt.facts.iter();
    facts.any(|fact| fact.name == "inconsistent-codes" && fact.value.starts_with("rcpt-to "))
}

/// Whether a text names our reverse path and not what was asked: then "user unknown" is said of our
/// sender. Its domain alone tells only where the words are weak, since it may stand for the client.
fn names_sender(text: &str, attempt: &Attempt, mailbox: &str, plain: bool) -> bool {
    if names(text, mailbox) {
        return false;
    }
    let sender = &attempt.reverse_path;
    let is_domain_named = || {
        let (own, asked) = (domain(sender), domain(mailbox));
        !plain && names(text, own) && !own.eq_ignore_ascii_case(asked) && !names(text, asked)
    };
    names(text, sender) || is_domain_named()
}

/// What follows the at sign.
pub(crate) fn domain(path: &str) -> &str {
    path.rsplit_once('@').map_or(path, |(_, domain)| domain)
}

/// Whether `text` contains `address`, in any case of letters, and not as a part of a longer name.
pub(crate) fn names(text: &str, address: &str) -> bool {
    let (text, address) = (text.as_bytes(), address.as_bytes());
    let Some(first) = address.first() else {
        return false;
    };
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let is_sign = |byte: Option<&u8>| byte.is_some_and(|byte| b"@.-_+".contains(byte));
    let is_whole = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        let after = text.get(at + address.len());
        let is_name = first.is_ascii_alphanumeric();
        !is_name || !(is_letter(before) || is_sign(before) || is_letter(after))
    };
    let mut windows = text.windows(address.len()).enumerate();
    windows.any(|(at, window)| {
        window[0].eq_ignore_ascii_case(first)
            && window.eq_ignore_ascii_case(address)
            && is_whole(at)
    })
}

/// The refusal of EHLO after which the dialogue came to no more.
fn last_words(attempt: &Attempt) -> Option<usize> {
    let last = attempt.replies.len().checked_sub(1)?;
    let reply = &attempt.replies[last];
    let is_ehlo = matches!(reply.stage, Stage::Ehlo | Stage::Helo);
    (is_ehlo && matches!(reply.code, Some(400..=599))).then_some(last)
}

/// A refusal that ends a dialogue. That of EHLO or STARTTLS does not: there is HELO, and clear
/// text.
fn is_refusal(reply: &Reply) -> bool {
    matches!(reply.code, Some(400..=599))
        && matches!(
            reply.stage,
            Stage::Connect
                | Stage::Greeting
                | Stage::Helo
                | Stage::EhloAfterTls
                | Stage::MailFrom
                | Stage::Rset
                | Stage::Other(_)
        )
        || reply.code == Some(421)
}

fn read_ending(ending: &Ending) -> Reading {
    let reason = match ending {
        Ending::NotConnected(ConnectFailure::NotPublic(_)) => Reason::NoPublicExchange,
        Ending::NotConnected(_) => Reason::Unreachable,
        Ending::TimedOut(_) => Reason::TimedOut,
        Ending::TlsFailed(_) => Reason::TlsFailed,
        // Not offered, or offered and refused.
        Ending::NotAsked(why) if why.starts_with("smtputf8-") => Reason::Smtputf8Needed,
        Ending::NotAsked(why) if why == "excluded" => Reason::Excluded,
        Ending::NotAsked(why) if why == "no-source-address" => Reason::NoSourceAddress,
        Ending::Completed
        | Ending::EhloRefused
        | Ending::Violation(_)
        | Ending::LimitReached(_) => Reason::ProtocolTrouble,
        Ending::Closed(_)
        | Ending::ServiceClosing(_)
        | Ending::GreetingRefused
        | Ending::NotAsked(_)
        | Ending::Other(_) => Reason::ServerTrouble,
    };
    Reading::new(Says::Server, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_within_a_longer_one_is_not_named() {
        assert!(names("550 <probe@example.org>: no", "probe@example.org"));
        assert!(names("domain EXAMPLE.org.", "example.org"));
        for text in [
            "x.probe@example.org",
            "ana@example.org",
            "mx.example.org",
            "example.organic",
        ] {
            assert!(
                !names(text, "example.org") && !names(text, "probe@example.org"),
                "{text}"
            );
        }
        assert!(!names("192.0.2.22 is listed", "192.0.2.2"));
        assert!(names("mx said: 550 no", QUOTED_REFUSAL));
        assert!(!names("anything", ""));
    }
    use crate::contract::EnhancedStatusCode;

    fn rcpt(line: &str) -> Reading {
        let (code, text) = line.split_once(' ').unwrap();
        let enhanced = text.split(' ').next().and_then(|word| {
            let mut parts = word.split('.').map(str::parse);
            let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
            Some(EnhancedStatusCode {
                class: u8::try_from(class.ok()?).ok()?,
                subject: subject.ok()?,
                detail: detail.ok()?,
            })
        });
        let reply = Reply {
            stage: Stage::RcptTo,
            code: code.parse().ok(),
            enhanced,
            text: text.to_owned(),
            elapsed_ms: 0,
        };
        read(&reply, "mx.example.com")
    }

    #[track_caller]
    fn says(line: &str, says: Says, reason: Reason) {
        let reading = rcpt(line);
        assert_eq!(
            (reading.says, reading.reason),
            (says, reason),
            "{line}: {}",
            reading.rule
        );
    }

    #[test]
    fn words_about_the_sender_beat_words_about_the_recipient() {
        says(
            "550 5.1.1 Sender address rejected: User unknown",
            Says::Us,
            Reason::SenderRefused,
        );
        says(
            "550 5.1.0 your sender domain is on a blocklist",
            Says::Us,
            Reason::SenderRefused,
        );
    }

    #[test]
    fn words_about_us_beat_codes_about_the_recipient() {
        says(
            "550 5.1.1 mailbox unavailable, your IP is listed",
            Says::Us,
            Reason::Blocked,
        );
        says(
            "550 5.7.1 Service refused, client blocked using a list",
            Says::Us,
            Reason::Blocked,
        );
        says(
            "550 5.1.1 relay access denied",
            Says::Us,
            Reason::RelayDenied,
        );
    }

    #[test]
    fn full_beats_unknown_under_any_code() {
        says(
            "550 5.1.1 recipient overquota",
            Says::Exists,
            Reason::MailboxFull,
        );
        says("452 4.2.2 Mailbox full", Says::Exists, Reason::MailboxFull);
        says(
            "554 5.7.1 user is over quota",
            Says::Exists,
            Reason::MailboxFull,
        );
    }

    #[test]
    fn a_full_system_is_no_full_mailbox() {
        says(
            "452 4.3.1 Insufficient system storage",
            Says::Server,
            Reason::ServerTrouble,
        );
    }

    #[test]
    fn a_limit_on_the_recipient_proves_the_recipient() {
        let text = "450 4.2.1 The user is receiving mail at a rate that prevents more";
        says(text, Says::Exists, Reason::MailboxBusy);
    }

    #[test]
    fn the_relay_table_of_postfix_is_about_users() {
        says(
            "550 5.1.1 User unknown in relay recipient table",
            Says::Absent,
            Reason::UnknownUser,
        );
    }

    #[test]
    fn an_enhanced_code_of_another_class_counts_for_nothing() {
        says(
            "450 5.1.1 try later",
            Says::Server,
            Reason::TemporarilyRefused,
        );
        says(
            "550 4.2.1 nothing more",
            Says::Unclear,
            Reason::RefusedUnclear,
        );
    }

    #[test]
    fn too_many_recipients_is_never_a_verdict() {
        says(
            "550 5.5.3 Too many recipients",
            Says::Server,
            Reason::TooManyRecipients,
        );
    }

    #[test]
    fn bare_security_codes_are_unclear() {
        says("550 5.7.1 no", Says::Unclear, Reason::RefusedUnclear);
        says("571 no", Says::Unclear, Reason::RefusedUnclear);
    }

    #[test]
    fn accepted_without_a_check_is_not_simply_accepted() {
        says("250 OK", Says::Accepted, Reason::Accepted);
        says("252 will try", Says::Accepted, Reason::AcceptedUnverified);
        says("221 bye", Says::Server, Reason::ProtocolTrouble);
    }

    #[test]
    fn words_in_the_mailbox_or_a_link_trip_no_rule() {
        let text = "550 5.7.1 <spam.quota@example.com> no https://example.com/user-unknown";
        says(text, Says::Unclear, Reason::RefusedUnclear);
    }
}
