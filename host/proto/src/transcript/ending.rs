//! Why a session ended, in words that say who did it and where.

use std::fmt;

use thiserror::Error;

use crate::limits::Limit;
use crate::stage::Stage;

/// Why a session ended. None of these says anything about a mailbox; the answers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The host gave the session up before its end.
    Abandoned(Stage),
    /// The time of the whole session was spent.
    BudgetSpent(Stage),
    /// The connection broke for another reason than a close or a reset.
    Broken(Stage),
    /// The server closed the connection in order, but too early.
    Closed(Stage),
    /// Everything that could be asked was asked.
    Completed,
    /// There was no connection.
    ConnectFailed,
    /// EHLO was refused, or EHLO and HELO.
    EhloRefused,
    /// The greeting was 4yz or 5yz.
    GreetingRefused,
    /// A bound of ours, or the server's own number of transactions, was reached.
    LimitReached(Limit),
    /// MAIL was refused: nobody could be asked after that.
    MailRefused,
    /// The connection was reset.
    Reset(Stage),
    /// RSET was refused: the state of the server is not known after that.
    RsetRefused,
    /// The server said 421.
    ServiceClosing(Stage),
    /// The server did not answer in our time.
    TimedOut(Stage),
    /// The TLS handshake failed; nothing can be said on this connection any more.
    TlsFailed,
    /// TLS was required, and the server does not offer it or refused it.
    TlsRequired,
    /// Our own settings hold something that cannot be sent.
    Unsendable(Stage),
    /// The server broke the protocol so that no reply can be relied on any more.
    Violation(Stage, Violation),
}

/// What the server did so that the session could not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Violation {
    /// More lines that are no reply lines than are skipped.
    GarbageLines,
    /// Plain bytes behind the reply to STARTTLS, in place of a handshake.
    PlaintextAfterStartTls,
    /// A reply whose first digit cannot answer the command.
    UnexpectedCode,
    /// A reply that no command asked for.
    UnsolicitedReply,
}

impl Violation {
    /// Every violation.
    pub const ALL: [Self; 4] = [
        Self::GarbageLines,
        Self::PlaintextAfterStartTls,
        Self::UnexpectedCode,
        Self::UnsolicitedReply,
    ];

    /// The name in kebab-case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GarbageLines => "garbage-lines",
            Self::PlaintextAfterStartTls => "plaintext-after-start-tls",
            Self::UnexpectedCode => "unexpected-code",
            Self::UnsolicitedReply => "unsolicited-reply",
        }
    }

    /// The violation of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|violation| violation.as_str() == name)
    }
}

impl Ending {
    /// The first word of the text form: which ending it is, without its details.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Abandoned(_) => "abandoned",
            Self::BudgetSpent(_) => "budget-spent",
            Self::Broken(_) => "broken",
            Self::Closed(_) => "closed",
            Self::Completed => "completed",
            Self::ConnectFailed => "connect-failed",
            Self::EhloRefused => "ehlo-refused",
            Self::GreetingRefused => "greeting-refused",
            Self::LimitReached(_) => "limit-reached",
            Self::MailRefused => "mail-refused",
            Self::Reset(_) => "reset",
            Self::RsetRefused => "rset-refused",
            Self::ServiceClosing(_) => "service-closing",
            Self::TimedOut(_) => "timed-out",
            Self::TlsFailed => "tls-failed",
            Self::TlsRequired => "tls-required",
            Self::Unsendable(_) => "unsendable",
            Self::Violation(..) => "violation",
        }
    }

    /// The stage at which it ended, where the ending itself does not name it already.
    #[must_use]
    pub const fn stage(self) -> Option<Stage> {
        match self {
            Self::Abandoned(stage)
            | Self::BudgetSpent(stage)
            | Self::Broken(stage)
            | Self::Closed(stage)
            | Self::Reset(stage)
            | Self::ServiceClosing(stage)
            | Self::TimedOut(stage)
            | Self::Unsendable(stage)
            | Self::Violation(stage, _) => Some(stage),
            Self::Completed
            | Self::ConnectFailed
            | Self::EhloRefused
            | Self::GreetingRefused
            | Self::LimitReached(_)
            | Self::MailRefused
            | Self::RsetRefused
            | Self::TlsFailed
            | Self::TlsRequired => None,
        }
    }

    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Result<Self, ParseEndingError> {
        let words: Vec<&str> = text.split(' ').collect();
        let with_stage = |make: fn(Stage) -> Self, stage: &str| {
            Stage::from_name(stage).map(make).ok_or(ParseEndingError)
        };
        match *words.as_slice() {
            ["completed"] => Ok(Self::Completed),
            ["connect-failed"] => Ok(Self::ConnectFailed),
            ["ehlo-refused"] => Ok(Self::EhloRefused),
            ["greeting-refused"] => Ok(Self::GreetingRefused),
            ["mail-refused"] => Ok(Self::MailRefused),
            ["rset-refused"] => Ok(Self::RsetRefused),
            ["tls-failed"] => Ok(Self::TlsFailed),
            ["tls-required"] => Ok(Self::TlsRequired),
            ["abandoned", stage] => with_stage(Self::Abandoned, stage),
            ["budget-spent", stage] => with_stage(Self::BudgetSpent, stage),
            ["broken", stage] => with_stage(Self::Broken, stage),
            ["closed", stage] => with_stage(Self::Closed, stage),
            ["reset", stage] => with_stage(Self::Reset, stage),
            ["service-closing", stage] => with_stage(Self::ServiceClosing, stage),
            ["timed-out", stage] => with_stage(Self::TimedOut, stage),
            ["unsendable", stage] => with_stage(Self::Unsendable, stage),
            ["limit-reached", limit] => Limit::from_name(limit)
                .map(Self::LimitReached)
                .ok_or(ParseEndingError),
            ["violation", stage, violation] => {
                match (Stage::from_name(stage), Violation::from_name(violation)) {
                    (Some(stage), Some(violation)) => Ok(Self::Violation(stage, violation)),
                    _ => Err(ParseEndingError),
                }
            }
            _ => Err(ParseEndingError),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::LimitReached(limit) => write!(f, " {limit}"),
            Self::Violation(stage, violation) => write!(f, " {stage} {}", violation.as_str()),
            _ => match self.stage() {
                Some(stage) => write!(f, " {stage}"),
                None => Ok(()),
            },
        }
    }
}

/// The text names no ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no such ending")]
pub struct ParseEndingError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_is_read_back_from_its_text() {
        let mut endings = vec![
            Ending::Completed,
            Ending::ConnectFailed,
            Ending::EhloRefused,
            Ending::GreetingRefused,
            Ending::MailRefused,
            Ending::RsetRefused,
            Ending::TlsFailed,
            Ending::TlsRequired,
        ];
        endings.extend(Limit::ALL.map(Ending::LimitReached));
        for stage in Stage::ALL {
            endings.extend([
                Ending::Abandoned(stage),
                Ending::BudgetSpent(stage),
                Ending::Broken(stage),
                Ending::Closed(stage),
                Ending::Reset(stage),
                Ending::ServiceClosing(stage),
                Ending::TimedOut(stage),
                Ending::Unsendable(stage),
            ]);
            endings.extend(Violation::ALL.map(|kind| Ending::Violation(stage, kind)));
        }
        for ending in endings {
            assert_eq!(Ending::parse(&ending.to_string()), Ok(ending));
        }
    }

    #[test]
    fn a_text_that_names_no_ending_is_an_error() {
        for text in [
            "",
            "done",
            "closed",
            "closed data",
            "completed quit",
            "violation quit",
            "limit-reached x",
        ] {
            assert_eq!(Ending::parse(text), Err(ParseEndingError), "{text}");
        }
    }
}
