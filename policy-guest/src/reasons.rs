//! The reasons that this policy gives, as data: one row each. docs/reasons.md is made of it.
//!
//! A row's status is what a verdict with that reason says unless a setting or the evidence says
//! otherwise, and its confidence is that of the plain case. Where the status is unknown nothing is
//! claimed, hence a confidence of 0.

use crate::contract::{ReasonDefinition, Status};

macro_rules! reasons {
    ($(
        $variant:ident $name:literal $about:ident $status:ident $confidence:literal
        $summary:literal
        $advice:literal
    )+) => {
        /// Why a verdict or a plan is what it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Reason { $($variant),+ }

        /// Every reason, in the order of its names.
        const ROWS: &[Row] = &[$(Row {
            name: $name,
            about: About::$about,
            status: Status::$status,
            confidence: $confidence,
            summary: $summary,
            #[cfg(not(target_arch = "wasm32"))]
            advice: $advice,
        }),+];
    };
}

struct Row {
    name: &'static str,
    about: About,
    status: Status,
    confidence: u8,
    summary: &'static str,
    /// What an operator can do. For the page.
    #[cfg(not(target_arch = "wasm32"))]
    advice: &'static str,
}

/// Whom a reason speaks about. Only what is about the mailbox or its domain claims anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// The mailbox.
    Mailbox,
    /// Its domain.
    Domain,
    /// Our address, sender, reputation or settings.
    Us,
    /// What the server can or will do for now.
    Load,
    /// How the asking went.
    Dialogue,
}

impl About {
    fn name(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::Domain => "domain",
            Self::Us => "us",
            Self::Load => "load",
            Self::Dialogue => "dialogue",
        }
    }
}

reasons! {
    AcceptAll "accept-all" Domain Risky 50
        "The server accepts every recipient, a decoy included, so that acceptance proves nothing."
        "Treat the address as unproven; `accept-all` sets what it is called."
    AcceptAllUnknown "accept-all-unknown" Mailbox Deliverable 70
        "The mailbox was accepted, and no decoy's answer tells whether everything is."
        "Ask again later, when the server may answer a decoy."
    Accepted "accepted" Mailbox Deliverable 95
        "The server accepts the mailbox and refuses a decoy."
        "Nothing. Mail may still be refused after DATA, or bounce."
    AcceptedForwarding "accepted-forwarding" Mailbox Deliverable 90
        "The server accepts the mailbox and will forward its mail (251)."
        "Nothing. Whether the forward arrives cannot be known."
    AcceptedUnverified "accepted-unverified" Mailbox Risky 40
        "The server takes mail for the mailbox without having checked that it exists (252)."
        "Treat the address as unproven."
    AcceptsUnchecked "accepts-unchecked" Domain Risky 50
        "The provider accepts every recipient at its edge, so that acceptance proves nothing."
        "Treat the address as unproven: no probe can tell mailboxes there apart."
    AddressInvalid "address-invalid" Mailbox Undeliverable 100
        "The address breaks the grammar of mailboxes, so no server can be asked for it."
        "Correct the address; the message names the rule and the place."
    AnswersDiffer "answers-differ" Mailbox Risky 50
        "The mailbox was accepted once and refused as unknown once: the server contradicts itself."
        "Treat the address as unproven, and ask again in some days."
    AuthRequired "auth-required" Us Unknown 0
        "The server wants us to authenticate; probably it is no exchange for mail from outside."
        "Check the domain's MX records: this server is meant for its own users."
    Blocked "blocked" Us Unknown 0
        "The server refuses our address: check blocklists, reverse DNS and reputation."
        "Run `vrfy doctor`; ask to be delisted, or ask from another address."
    DisposableDomain "disposable-domain" Domain Risky 80
        "The server accepts the mailbox, and its domain gives out mailboxes to be thrown away."
        "Decide whether you want such addresses; the setting `disposable` names them."
    DnsFailure "dns-failure" Dialogue Unknown 0
        "The domain's look-up failed in a way that may pass."
        "Ask again later; if it stays, `vrfy doctor` checks the resolver."
    DomainNotServed "domain-not-served" Domain Undeliverable 85
        "The server says that the domain does not exist there or takes no mail."
        "Remove the address unless the domain's MX records changed lately."
    Excluded "excluded" Us Unknown 0
        "The mailbox, its domain, its exchange or their address is on an exclusion list."
        "Nothing is asked on purpose; the fact `excluded` names the list."
    FirstAttempt "first-attempt" Dialogue Unknown 0
        "Nothing was asked yet."
        "Nothing: it is the reason of the first plan, and of no verdict of a finished probe."
    Greylisted "greylisted" Load Unknown 0
        "The server defers unknown clients and wants to be asked again later."
        "Give retries time: `retry-delays`, and `--give-up-after` beyond them."
    HostTakesNoMail "host-takes-no-mail" Domain Unknown 0
        "Every exchange that could be asked says that its host takes no mail (521, RFC 7504)."
        "Remove the address, or ask again in some days if its domain is moving."
    MailboxAbandoned "mailbox-abandoned" Mailbox Risky 80
        "The mailbox exists, is full and has long been: nobody seems to read it."
        "Remove the address, unless its owner is known to have another way to it."
    MailboxBusy "mailbox-busy" Mailbox Deliverable 85
        "The mailbox exists and gets mail faster than its limit allows."
        "Nothing. Space messages to it out."
    MailboxDisabled "mailbox-disabled" Mailbox Undeliverable 93
        "The mailbox is disabled, suspended or expired, and takes no mail."
        "Remove the address."
    MailboxFormRefused "mailbox-form-refused" Mailbox Undeliverable 80
        "The server does not take addresses of that form (length, characters, syntax)."
        "Remove the address: a mailbox of that form cannot be there."
    MailboxFull "mailbox-full" Mailbox Risky 93
        "The mailbox exists and is full."
        "Ask again in some days; a mailbox that stays full is abandoned."
    MailboxMoved "mailbox-moved" Mailbox Undeliverable 85
        "The mailbox has moved elsewhere and its mail is not forwarded."
        "Ask the owner for the new address."
    MailboxRestricted "mailbox-restricted" Mailbox Risky 65
        "The mailbox exists and takes mail from some senders only."
        "It takes mail from members or known senders only; mail from others will bounce."
    MailboxUnavailable "mailbox-unavailable" Mailbox Risky 70
        "The mailbox exists and takes no mail for now."
        "Ask again in some days."
    NoDomain "no-domain" Domain Undeliverable 98
        "The domain does not exist (NXDOMAIN)."
        "Correct the domain: it is misspelt or gone."
    NoExchange "no-exchange" Domain Undeliverable 95
        "The domain has no exchange: no MX record with an address, and no address of its own."
        "Correct the domain, or remove the address."
    NoMailDomain "no-mail-domain" Domain Undeliverable 99
        "The domain says that it takes no mail (null MX, RFC 7505)."
        "Remove the address: the domain says so itself."
    NoPublicExchange "no-public-exchange" Domain Unknown 0
        "The domain's exchanges have no public address, or that of this machine; nothing was asked."
        "Nothing can be asked: the domain's records point into private networks."
    NoSourceAddress "no-source-address" Us Unknown 0
        "No egress has a source address of the family that the exchange has: add one."
        "Give an egress an address of the missing family."
    NullSenderRefused "null-sender-refused" Us Unknown 0
        "The server refuses the null reverse path: set one that takes mail (--mail-from)."
        "Give `--mail-from` an address whose domain has MX and SPF records and takes mail."
    PolicyRefused "policy-refused" Us Unknown 0
        "The server refuses for a policy of its own that does not speak about the mailbox."
        "Read the reply: a link in it often says what the server wants."
    ProtocolTrouble "protocol-trouble" Dialogue Unknown 0
        "The dialogue broke the protocol, or the server did not understand a command."
        "Keep the transcript (`--transcript`), and report it if the server looks right."
    RateLimited "rate-limited" Load Unknown 0
        "The server limits how often we may ask: lower the rate for this destination."
        "Lower the rate and the sessions for this destination."
    RefusedAlike "refused-alike" Us Unknown 0
        "The server refuses a decoy with the same words and names no cause: it may refuse us."
        "Ask from another address or with another reverse path, then compare."
    RefusedUnclear "refused-unclear" Dialogue Unknown 0
        "The server refuses and does not tell whether it means the mailbox or us."
        "Read the reply; if its words recur, add them to the rules."
    RelayDenied "relay-denied" Domain Unknown 0
        "The server does not serve the domain (relay denied): perhaps a stale MX record."
        "Check the domain's MX records; ask its other exchanges."
    SenderRefused "sender-refused" Us Unknown 0
        "The server refuses our reverse path: check its domain's MX, SPF and reputation."
        "Choose a `--mail-from` whose domain has MX and SPF records and takes mail."
    ServerTrouble "server-trouble" Load Unknown 0
        "The server has trouble of its own, or takes no mail now."
        "Ask again later."
    Smtputf8Needed "smtputf8-needed" Mailbox Risky 60
        "The local part is not ASCII and no exchange offers SMTPUTF8."
        "The address works from and to servers with SMTPUTF8 only."
    SpecialUseDomain "special-use-domain" Domain Undeliverable 99
        "The domain is a special-use name that can have no mail (RFC 6761)."
        "Remove the address: such domains are for tests and documentation."
    TemporarilyRefused "temporarily-refused" Load Unknown 0
        "The server refuses for now without saying why."
        "Ask again later; give retries time."
    TimedOut "timed-out" Dialogue Unknown 0
        "The server did not answer within our time limits."
        "Ask again later, with longer `--timeout`s for slow servers."
    TlsFailed "tls-failed" Dialogue Unknown 0
        "TLS was wanted and could not be established."
        "Ask again; `--tls` says what is asked for."
    TlsRequired "tls-required" Us Unknown 0
        "The server speaks only over TLS: allow STARTTLS."
        "Allow STARTTLS (`--tls`)."
    TooManyRecipients "too-many-recipients" Load Unknown 0
        "The server would take no further recipient in that session; the mailbox was not judged."
        "Ask again in another session; fewer mailboxes a session avoid it."
    UnknownUser "unknown-user" Mailbox Undeliverable 97
        "The server says that there is no such mailbox."
        "Remove the address."
    UnknownUserTemporary "unknown-user-temporary" Mailbox Risky 60
        "The server says that it knows no such mailbox, but only ever with a temporary code."
        "Ask again in some days before you remove it."
    Unreachable "unreachable" Dialogue Unknown 0
        "No exchange of the domain could be reached."
        "Ask again later; check port 25 with `vrfy doctor`."
}

impl Reason {
    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The name that verdicts and plans carry.
    pub(crate) fn name(self) -> &'static str {
        self.row().name
    }

    /// What a verdict says in the plain case.
    pub(crate) fn status(self) -> Status {
        self.row().status
    }

    /// How sure a verdict is in the plain case.
    pub(crate) fn confidence(self) -> u8 {
        self.row().confidence
    }
}

/// Name, status and confidence of every reason in the plain case.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn plain_cases() -> impl Iterator<Item = (&'static str, Status, u8)> {
    ROWS.iter()
        .map(|row| (row.name, row.status, row.confidence))
}

/// The reasons as the manifest declares them.
pub(crate) fn definitions() -> Vec<ReasonDefinition> {
    ROWS.iter()
        .map(|row| ReasonDefinition {
            name: row.name.to_owned(),
            summary: row.summary.to_owned(),
            about: row.about.name().to_owned(),
            status: row.status,
        })
        .collect()
}

/// What an operator can do about each reason, by its name.
#[cfg(not(target_arch = "wasm32"))]
pub fn advice() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROWS.iter().map(|row| (row.name, row.advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case_sorted_and_unique() {
        assert!(ROWS.is_sorted_by(|a, b| a.name < b.name));
        for row in ROWS {
            let groups = row.name.split('-').all(|group| {
                !group.is_empty()
                    && group
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            });
            assert!(groups, "{}", row.name);
        }
    }

    #[test]
    fn a_reason_claims_something_exactly_when_it_has_a_confidence() {
        for row in ROWS {
            assert_eq!(
                row.confidence == 0,
                row.status == Status::Unknown,
                "{}",
                row.name
            );
        }
    }

    #[test]
    fn only_what_is_about_the_mailbox_or_its_domain_claims_anything() {
        for row in ROWS {
            let silent = !matches!(row.about, About::Mailbox | About::Domain);
            assert!(!silent || row.status == Status::Unknown, "{}", row.name);
        }
    }

    #[test]
    fn every_reason_has_a_sentence_and_advice() {
        for row in ROWS {
            for text in [row.summary, row.advice] {
                let is_sentence = text.ends_with(['.', ')']) && text.len() > 10;
                assert!(is_sentence, "{}: {text}", row.name);
            }
        }
    }
}
