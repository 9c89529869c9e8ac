//! Attempts, look-ups and durations on one line, for a screen.
//!
//! Promises: what others wrote is cleaned. The words themselves are those of [`crate::words`].

use std::time::Duration;

use vrfy_proto::evidence::{Attempt, Ending, LookupOutcome};
use vrfy_proto::stage::Stage;

use super::clean::clean_capped;
use crate::words;

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
        | Stage::Quit => format!("with {}", words::stage(at)),
    }
}

/// How an attempt ended.
fn ending(ending: &Ending) -> String {
    shown(&words::ending(ending))
}

/// What a look-up of the domain came to.
pub(crate) fn lookup(outcome: &LookupOutcome) -> String {
    shown(&words::lookup_outcome(outcome))
}

/// An attempt on one line: where, when, and what came of it.
pub(crate) fn attempt(attempt: &Attempt, after: Duration) -> String {
    let mut text = match attempt.exchange_name.as_str() {
        "" => "the server".to_owned(),
        name => clean_capped(name, NAME_SHOWN_MAX),
    };
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
        at => format!("{code} to {}", words::stage(at)),
    };
    match attempt.ending {
        Ending::Completed => said,
        _ => format!("{said}, then {}", ending(&attempt.ending)),
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
    fn a_cause_from_outside_cannot_reach_the_terminal_raw() {
        let told = ending(&Ending::Violation("\x1b]0;title\x07".to_owned()));
        assert_eq!(told, "the server broke the protocol: \\x1b]0;title\\x07");
        let told = lookup(&LookupOutcome::Other("x".repeat(500)));
        assert!(told.ends_with("[... 300 more characters]"));
    }
}
