//! Endings, stages, look-ups and durations in words.
//!
//! Promises: every case has its own words, so that five kinds of failure stay five. What a case
//! carries from outside is cleaned. Nothing here says what a failure means for a mailbox.

use std::time::Duration;

use vrfy_proto::evidence::{Attempt, ConnectFailure, Ending, LookupOutcome};
use vrfy_proto::stage::Stage;

use super::clean::clean_capped;

/// A stage as the standard writes its command.
pub(crate) const fn stage(stage: Stage) -> &'static str {
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

/// How a server was asked at a stage.
pub(crate) fn asked(at: Stage) -> String {
    match at {
        Stage::Connect | Stage::Greeting => "by connecting".to_owned(),
        Stage::Ehlo
        | Stage::Helo
        | Stage::StartTls
        | Stage::EhloAfterTls
        | Stage::MailFrom
        | Stage::RcptTo
        | Stage::Rset
        | Stage::Quit => format!("with {}", stage(at)),
    }
}

/// An attempt on one line: where, when, and what came of it.
pub(crate) fn attempt(attempt: &Attempt, after: Duration) -> String {
    let mut text = clean_capped(&attempt.exchange_name, NAME_SHOWN_MAX);
    if let Some(address) = &attempt.remote_address {
        text.push_str(&format!(" [{}]", clean_capped(address, NAME_SHOWN_MAX)));
    }
    if let Some(tls) = &attempt.tls {
        text.push_str(&format!(", {}", clean_capped(&tls.version, NAME_SHOWN_MAX)));
        if !tls.problems.is_empty() {
            let problems = clean_capped(&tls.problems.join(", "), NAME_SHOWN_MAX);
            text.push_str(&format!(" ({problems})"));
        }
    }
    if !after.is_zero() {
        text.push_str(&format!(", {} later", duration(after)));
    }
    let took = duration(Duration::from_millis(attempt.elapsed_ms.into()));
    format!("{text}, {took}: {}", came_to(attempt))
}

/// The last reply that was about more than leaving, and the ending where it is not the usual one.
fn came_to(attempt: &Attempt) -> String {
    let last = attempt
        .replies
        .iter()
        .rfind(|reply| !matches!(reply.stage, Stage::Rset | Stage::Quit));
    let Some(reply) = last else {
        return ending(&attempt.ending);
    };
    let code = match reply.code {
        Some(code) => format!("{code:03}"),
        None => "a reply without a code".to_owned(),
    };
    let said = match reply.stage {
        Stage::Connect | Stage::Greeting => format!("greeted with {code}"),
        at => format!("{code} to {}", stage(at)),
    };
    match attempt.ending {
        Ending::Completed => said,
        _ => format!("{said}, then {}", ending(&attempt.ending)),
    }
}

/// How an attempt ended.
pub(crate) fn ending(ending: &Ending) -> String {
    match ending {
        Ending::Completed => "held to its end".to_owned(),
        Ending::NotConnected(failure) => not_connected(failure),
        Ending::Closed(at) => format!("the server closed the connection at {}", stage(*at)),
        Ending::TimedOut(at) => format!("our time limit ran out at {}", stage(*at)),
        Ending::ServiceClosing(at) => {
            format!("the server closed its service (421) at {}", stage(*at))
        }
        Ending::GreetingRefused => "refused at the greeting".to_owned(),
        Ending::EhloRefused => "refused at EHLO and HELO".to_owned(),
        Ending::TlsFailed(cause) => format!("TLS failed: {}", shown(cause)),
        Ending::Violation(cause) => format!("the server broke the protocol: {}", shown(cause)),
        Ending::LimitReached(limit) => format!("our limit was reached: {}", shown(limit)),
        Ending::NotAsked(cause) => format!("not asked here: {}", shown(cause)),
        Ending::Other(cause) => shown(cause),
    }
}

fn not_connected(failure: &ConnectFailure) -> String {
    match failure {
        ConnectFailure::Refused => "connection refused".to_owned(),
        ConnectFailure::TimedOut => "no answer to the connection".to_owned(),
        ConnectFailure::Unreachable => "network or host unreachable".to_owned(),
        ConnectFailure::NotPublic(block) => {
            format!("not connected, the address is not public: {}", shown(block))
        }
        ConnectFailure::Other(cause) => format!("not connected: {}", shown(cause)),
    }
}

/// What a look-up of the domain came to.
pub(crate) fn lookup(outcome: &LookupOutcome) -> String {
    match outcome {
        LookupOutcome::Exchanges => "the domain has mail exchanges".to_owned(),
        LookupOutcome::ImplicitMx => "no MX record; the domain has an address itself".to_owned(),
        LookupOutcome::NullMx => "null MX: the domain says that it takes no mail".to_owned(),
        LookupOutcome::AddressLiteral => "none needed for an address literal".to_owned(),
        LookupOutcome::SpecialUse(name) => {
            format!(
                "none, {} is a special-use name that has no mail",
                shown(name)
            )
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
        LookupOutcome::Other(cause) => shown(cause),
    }
}

/// A duration in at most two units, as exact as people want to know it.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..=59 => format!("{}.{} s", seconds, duration.subsec_millis() / 100),
        60..=3599 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..=86_399 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

fn shown(text: &str) -> String {
    clean_capped(text, CAUSE_SHOWN_MAX)
}

/// Characters of a name or an address; a domain name has at most 253.
const NAME_SHOWN_MAX: usize = 256;

/// Characters of a cause in words; what is longer is a server talking.
const CAUSE_SHOWN_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_exact_as_people_want_to_know_them() {
        for (milliseconds, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_250, "1.2 s"),
            (61_000, "1 min 1 s"),
            (3_660_000, "1 h 1 min"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(duration(Duration::from_millis(milliseconds)), text);
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

    #[test]
    fn a_cause_from_outside_cannot_reach_the_terminal_raw() {
        let told = ending(&Ending::Violation("\x1b]0;title\x07".to_owned()));
        assert_eq!(told, "the server broke the protocol: \\x1b]0;title\\x07");
        let told = lookup(&LookupOutcome::Other("x".repeat(500)));
        assert!(told.ends_with("[... 300 more characters]"));
    }
}
