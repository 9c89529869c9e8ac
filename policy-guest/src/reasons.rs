//! The reasons that this policy gives, as data: one row each.
//!
//! A row's status is what a verdict with that reason says unless a setting or the evidence says
//! otherwise, and its confidence is that of the plain case. Where the status is unknown nothing is
//! claimed, hence a confidence of 0.

use crate::contract::{ReasonDefinition, Status};

macro_rules! reasons {
    ($($variant:ident $name:literal $status:ident $confidence:literal $summary:literal)+) => {
        /// Why a verdict or a plan is what it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Reason { $($variant),+ }

        /// Every reason, in the order of its names.
        const ROWS: &[Row] = &[$(Row {
            name: $name,
            status: Status::$status,
            confidence: $confidence,
            summary: $summary,
        }),+];
    };
}

struct Row {
    name: &'static str,
    status: Status,
    confidence: u8,
    summary: &'static str,
}

reasons! {
    AcceptAll "accept-all" Risky 50
        "The server accepts every recipient, a decoy included, so that acceptance proves nothing."
    AcceptAllUnknown "accept-all-unknown" Deliverable 70
        "The mailbox was accepted, and no decoy's answer tells whether everything is."
    Accepted "accepted" Deliverable 95
        "The server accepts the mailbox and refuses a decoy."
    AcceptedForwarding "accepted-forwarding" Deliverable 90
        "The server accepts the mailbox and will forward its mail (251)."
    AcceptedUnverified "accepted-unverified" Risky 40
        "The server takes mail for the mailbox without having checked that it exists (252)."
    AcceptsUnchecked "accepts-unchecked" Risky 50
        "The provider accepts every recipient at its edge, so that acceptance proves nothing."
    AddressInvalid "address-invalid" Undeliverable 100
        "The address breaks the grammar of mailboxes, so no server can be asked for it."
    AnswersDiffer "answers-differ" Risky 50
        "The mailbox was accepted once and refused as unknown once: the server contradicts itself."
    AuthRequired "auth-required" Unknown 0
        "The server wants us to authenticate; probably it is no exchange for mail from outside."
    Blocked "blocked" Unknown 0
        "The server refuses our address: check blocklists, reverse DNS and reputation."
    DisposableDomain "disposable-domain" Risky 80
        "The server accepts the mailbox, and its domain gives out mailboxes to be thrown away."
    DnsFailure "dns-failure" Unknown 0
        "The domain's look-up failed in a way that may pass."
    DomainNotServed "domain-not-served" Undeliverable 75
        "The server says that the domain does not exist there or takes no mail."
    Excluded "excluded" Unknown 0
        "The mailbox, its domain, its exchange or their address is on an exclusion list."
    FirstAttempt "first-attempt" Unknown 0
        "Nothing was asked yet."
    Greylisted "greylisted" Unknown 0
        "The server defers unknown clients and wants to be asked again later."
    HostTakesNoMail "host-takes-no-mail" Unknown 0
        "Every exchange that could be asked says that its host takes no mail (521, RFC 7504)."
    MailboxBusy "mailbox-busy" Deliverable 85
        "The mailbox exists and gets mail faster than its limit allows."
    MailboxDisabled "mailbox-disabled" Undeliverable 90
        "The mailbox is disabled, suspended or expired, and takes no mail."
    MailboxFormRefused "mailbox-form-refused" Undeliverable 80
        "The server does not take addresses of that form (length, characters, syntax)."
    MailboxFull "mailbox-full" Risky 85
        "The mailbox exists and is full."
    MailboxMoved "mailbox-moved" Undeliverable 85
        "The mailbox has moved elsewhere and its mail is not forwarded."
    MailboxRestricted "mailbox-restricted" Risky 65
        "The mailbox exists and takes mail from some senders only."
    MailboxUnavailable "mailbox-unavailable" Risky 55
        "The mailbox exists and takes no mail for now."
    NoDomain "no-domain" Undeliverable 98
        "The domain does not exist (NXDOMAIN)."
    NoExchange "no-exchange" Undeliverable 95
        "The domain has no exchange: no MX record with an address, and no address of its own."
    NoMailDomain "no-mail-domain" Undeliverable 99
        "The domain says that it takes no mail (null MX, RFC 7505)."
    NoPublicExchange "no-public-exchange" Unknown 0
        "The domain's exchanges have no public address, or that of this machine; nothing was asked."
    NoSourceAddress "no-source-address" Unknown 0
        "No egress has a source address of the family that the exchange has: add one."
    NullSenderRefused "null-sender-refused" Unknown 0
        "The server refuses the null reverse path: set one that takes mail (--mail-from)."
    PolicyRefused "policy-refused" Unknown 0
        "The server refuses for a policy of its own that does not speak about the mailbox."
    ProtocolTrouble "protocol-trouble" Unknown 0
        "The dialogue broke the protocol, or the server did not understand a command."
    RateLimited "rate-limited" Unknown 0
        "The server limits how often we may ask: lower the rate for this destination."
    RefusedAlike "refused-alike" Unknown 0
        "The server refuses a decoy with the same words and names no cause: it may refuse us."
    RefusedUnclear "refused-unclear" Unknown 0
        "The server refuses and does not tell whether it means the mailbox or us."
    RelayDenied "relay-denied" Unknown 0
        "The server does not serve the domain (relay denied): perhaps a stale MX record."
    SenderRefused "sender-refused" Unknown 0
        "The server refuses our reverse path: check its domain's MX, SPF and reputation."
    ServerTrouble "server-trouble" Unknown 0
        "The server has trouble of its own, or takes no mail now."
    Smtputf8Needed "smtputf8-needed" Risky 60
        "The local part is not ASCII and no exchange offers SMTPUTF8."
    SpecialUseDomain "special-use-domain" Undeliverable 99
        "The domain is a special-use name that can have no mail (RFC 6761)."
    TemporarilyRefused "temporarily-refused" Unknown 0
        "The server refuses for now without saying why."
    TimedOut "timed-out" Unknown 0
        "The server did not answer within our time limits."
    TlsFailed "tls-failed" Unknown 0
        "TLS was wanted and could not be established."
    TlsRequired "tls-required" Unknown 0
        "The server speaks only over TLS: allow STARTTLS."
    TooManyRecipients "too-many-recipients" Unknown 0
        "The server would take no further recipient in that session; the mailbox was not judged."
    UnknownUser "unknown-user" Undeliverable 97
        "The server says that there is no such mailbox."
    UnknownUserTemporary "unknown-user-temporary" Risky 60
        "The server says that it knows no such mailbox, but only ever with a temporary code."
    Unreachable "unreachable" Unknown 0
        "No exchange of the domain could be reached."
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
        })
        .collect()
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
    fn every_reason_has_a_sentence() {
        for row in ROWS {
            assert!(
                row.summary.ends_with('.') && row.summary.len() > 20,
                "{}",
                row.name
            );
        }
    }
}
