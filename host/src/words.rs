//! Stages, endings and look-ups in words, for records and for people.
//!
//! Promises: every case has its own words, so that five kinds of failure stay five. Nothing here
//! says what a failure means for a mailbox. What a case carries from outside is passed on as it is:
//! the output cleans it.

use vrfy_proto::evidence::{ConnectFailure, Ending, LookupOutcome};
use vrfy_proto::stage::Stage;

/// A stage as the standard writes its command.
pub const fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => "connect",
        Stage::Greeting => "the greeting",
        Stage::Ehlo => "EHLO",
        Stage::Helo => "HELO",
        Stage::StartTls => "STARTTLS",
        Stage::EhloAfterTls => "EHLO inside TLS",
        Stage::MailFrom => "MAIL FROM",
        Stage::RcptTo => "RCPT TO",
        Stage::Rset => "RSET",
        Stage::Quit => "QUIT",
    }
}

/// How an attempt ended.
pub fn ending(ending: &Ending) -> String {
    match ending {
        Ending::Completed => "held to its end".to_owned(),
        Ending::NotConnected(failure) => connect_failure(failure),
        Ending::Closed(at) => format!("the server closed the connection at {}", stage(*at)),
        Ending::TimedOut(at) => format!("our time limit ran out at {}", stage(*at)),
        Ending::ServiceClosing(at) => {
            format!("the server closed its service (421) at {}", stage(*at))
        }
        Ending::GreetingRefused => "refused at the greeting".to_owned(),
        Ending::EhloRefused => "refused at EHLO and HELO".to_owned(),
        Ending::TlsFailed(cause) => format!("TLS failed: {}", cause),
        Ending::Violation(cause) => format!("the server broke the protocol: {}", cause),
        Ending::LimitReached(limit) => format!("our limit was reached: {}", limit),
        Ending::NotAsked(cause) => format!("not asked here: {}", cause),
        Ending::Other(cause) => cause.clone(),
    }
}

/// The ending of an attempt without a session, from its words in a transcript: what [`ending`]
/// makes of it read back.
pub fn ending_without_session(words: &str) -> Ending {
    if let Some(cause) = words.strip_prefix("not asked here: ") {
        return Ending::NotAsked(cause.to_owned());
    }
    let known = [
        ConnectFailure::Refused,
        ConnectFailure::TimedOut,
        ConnectFailure::Unreachable,
    ];
    let plain = known.into_iter().find(|one| connect_failure(one) == words);
    let block = words.strip_prefix("not connected, the address is not public: ");
    let block = block.and_then(|rest| rest.strip_suffix(" (see --allow-special)"));
    let failure = match (plain, block) {
        (Some(failure), _) => failure,
        (None, Some(block)) => ConnectFailure::NotPublic(block.to_owned()),
        (None, None) => {
            let cause = words.strip_prefix("not connected: ").unwrap_or(words);
            ConnectFailure::Other(cause.to_owned())
        }
    };
    Ending::NotConnected(failure)
}

/// Why no connection came about.
pub fn connect_failure(failure: &ConnectFailure) -> String {
    match failure {
        ConnectFailure::Refused => "connection refused".to_owned(),
        ConnectFailure::TimedOut => "no answer to the connection".to_owned(),
        ConnectFailure::Unreachable => "network or host unreachable".to_owned(),
        ConnectFailure::NotPublic(block) => {
            format!("not connected, the address is not public: {block} (see --allow-special)")
        }
        ConnectFailure::Other(cause) => format!("not connected: {}", cause),
    }
}

/// What a look-up of the domain came to.
pub fn lookup_outcome(outcome: &LookupOutcome) -> String {
    match outcome {
        LookupOutcome::Exchanges => "the domain has mail exchanges".to_owned(),
        LookupOutcome::ImplicitMx => "no MX record; the domain has an address itself".to_owned(),
        LookupOutcome::NullMx => "null MX: the domain says that it takes no mail".to_owned(),
        LookupOutcome::AddressLiteral => "none needed for an address literal".to_owned(),
        LookupOutcome::SpecialUse(name) => {
            format!("none, {} is a special-use name that has no mail", name)
        }
        LookupOutcome::NxDomain => "the domain does not exist (NXDOMAIN)".to_owned(),
        LookupOutcome::NoData => "the domain has neither MX nor address records".to_owned(),
        LookupOutcome::NoUsableExchange => "no exchange of the domain has an address".to_owned(),
        LookupOutcome::NoUsableExchangeNow => {
            "no exchange of the domain has an address for now; not every answer was final"
                .to_owned()
        }
        LookupOutcome::ServFail => "the resolver failed (SERVFAIL)".to_owned(),
        LookupOutcome::Refused => "the resolver refused the query".to_owned(),
        LookupOutcome::TimedOut => "the resolver gave no answer in time".to_owned(),
        LookupOutcome::Other(cause) => cause.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_an_attempt_without_a_session_read_back() {
        for failure in [
            Ending::NotConnected(ConnectFailure::Refused),
            Ending::NotConnected(ConnectFailure::TimedOut),
            Ending::NotConnected(ConnectFailure::Unreachable),
            Ending::NotConnected(ConnectFailure::NotPublic("Private-Use".to_owned())),
            Ending::NotConnected(ConnectFailure::Other("no buffer space".to_owned())),
            Ending::NotAsked("no-source-address".to_owned()),
        ] {
            assert_eq!(ending_without_session(&ending(&failure)), failure);
        }
    }

    #[test]
    fn failures_that_differ_are_told_apart() {
        let told: std::collections::BTreeSet<String> = [
            Ending::NotConnected(ConnectFailure::Refused),
            Ending::NotConnected(ConnectFailure::TimedOut),
            Ending::NotConnected(ConnectFailure::Unreachable),
            Ending::Closed(Stage::RcptTo),
            Ending::TimedOut(Stage::RcptTo),
            Ending::ServiceClosing(Stage::RcptTo),
            Ending::GreetingRefused,
            Ending::EhloRefused,
        ]
        .iter()
        .map(ending)
        .collect();
        assert_eq!(told.len(), 8);
    }
}
