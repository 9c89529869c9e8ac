//! Facts in words, for people. Nothing is concluded here: each case has one phrase.

use vrfy_proto::evidence::{ConnectFailure, Ending, LookupOutcome};
use vrfy_proto::stage::Stage;

/// What was asked at a stage, as it follows "answered".
pub fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => "the connection",
        Stage::Greeting => "with its greeting",
        Stage::Ehlo | Stage::EhloAfterTls => "EHLO",
        Stage::Helo => "HELO",
        Stage::StartTls => "STARTTLS",
        Stage::MailFrom => "MAIL FROM",
        Stage::RcptTo => "RCPT TO",
        Stage::Rset => "RSET",
        Stage::Quit => "QUIT",
    }
}

/// How an attempt ended.
pub fn ending(ending: &Ending) -> String {
    match ending {
        Ending::Completed => "the dialogue was held to its end".to_owned(),
        Ending::NotConnected(failure) => connect_failure(failure),
        Ending::Closed(at) => format!("the server hung up at {at}"),
        Ending::TimedOut(at) => format!("no answer within our time limit at {at}"),
        Ending::ServiceClosing(at) => format!("the server said 421 and closed at {at}"),
        Ending::GreetingRefused => "the server refused us with its greeting".to_owned(),
        Ending::EhloRefused => "the server refused EHLO and HELO".to_owned(),
        Ending::TlsFailed(problem) => format!("TLS failed: {problem}"),
        Ending::Violation(kind) => format!("the server broke the protocol: {kind}"),
        Ending::LimitReached(limit) => format!("the server went beyond our limit: {limit}"),
        Ending::NotAsked(why) => format!("the mailbox could not be asked here: {why}"),
        Ending::Other(words) => words.clone(),
    }
}

/// Why no connection came about.
pub fn connect_failure(failure: &ConnectFailure) -> String {
    match failure {
        ConnectFailure::Refused => "the exchange refused the connection".to_owned(),
        ConnectFailure::TimedOut => "the exchange did not answer".to_owned(),
        ConnectFailure::Unreachable => "the exchange cannot be reached".to_owned(),
        ConnectFailure::NotPublic(block) => format!(
            "the exchange's address is not public ({block}), so it was not connected to; \
             --allow-special lets it through"
        ),
        ConnectFailure::Other(words) => format!("no connection: {words}"),
    }
}

/// What a look-up came to.
pub fn lookup_outcome(outcome: &LookupOutcome) -> String {
    match outcome {
        LookupOutcome::Exchanges => "the domain has exchanges".to_owned(),
        LookupOutcome::ImplicitMx => {
            "the domain has no MX record, its own address stands in".to_owned()
        }
        LookupOutcome::NullMx => {
            "the domain says that it takes no mail (null MX, RFC 7505)".to_owned()
        }
        LookupOutcome::AddressLiteral => "the address names its host itself".to_owned(),
        LookupOutcome::SpecialUse(name) => {
            format!("the name {name} is reserved and can have no mail; it was not looked up")
        }
        LookupOutcome::NxDomain => "the domain does not exist (NXDOMAIN)".to_owned(),
        LookupOutcome::NoData => "the domain has neither MX nor address records".to_owned(),
        LookupOutcome::NoUsableExchange => {
            "none of the domain's exchanges has an address".to_owned()
        }
        LookupOutcome::NoUsableExchangeNow => {
            "none of the domain's exchanges has an address for now".to_owned()
        }
        LookupOutcome::ServFail => "the resolver could not get an answer (SERVFAIL)".to_owned(),
        LookupOutcome::Refused => "the resolver refused the question".to_owned(),
        LookupOutcome::TimedOut => "the resolver did not answer in time".to_owned(),
        LookupOutcome::Other(words) => format!("the look-up failed: {words}"),
    }
}
