//! The steps of a dialogue, by the names that RFC 5321 gives them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A step of the dialogue. Ordered as a session goes through them; a session never goes back, but
/// for the transactions that follow one another between MAIL and RSET.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Opening the connection.
    Connect,
    /// Waiting for the greeting.
    Greeting,
    /// EHLO, before TLS.
    Ehlo,
    /// HELO, after EHLO was refused.
    Helo,
    /// STARTTLS and the handshake.
    StartTls,
    /// EHLO again, inside TLS.
    EhloAfterTls,
    /// MAIL FROM.
    MailFrom,
    /// RCPT TO.
    RcptTo,
    /// RSET between transactions.
    Rset,
    /// QUIT.
    Quit,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 10] = [
        Self::Connect,
        Self::Greeting,
        Self::Ehlo,
        Self::Helo,
        Self::StartTls,
        Self::EhloAfterTls,
        Self::MailFrom,
        Self::RcptTo,
        Self::Rset,
        Self::Quit,
    ];

    /// The name in records and transcripts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Ehlo => "ehlo",
            Self::Helo => "helo",
            Self::StartTls => "start-tls",
            Self::EhloAfterTls => "ehlo-after-tls",
            Self::MailFrom => "mail-from",
            Self::RcptTo => "rcpt-to",
            Self::Rset => "rset",
            Self::Quit => "quit",
        }
    }

    /// The stage of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == name)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_is_found_by_its_name_and_named_alike_in_json() {
        for stage in Stage::ALL {
            assert_eq!(Stage::from_name(stage.as_str()), Some(stage));
            assert_eq!(serde_json::to_value(stage).unwrap(), stage.as_str());
        }
        assert_eq!(Stage::from_name("data"), None);
    }
}
