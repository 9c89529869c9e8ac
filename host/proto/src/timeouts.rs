//! How long a session waits, stage by stage.
//!
//! The clock of a stage runs from its command, starts again with every complete reply line, and is
//! bounded by the budget of the session, so that a server which sends a byte now and then cannot
//! hold us for ever. A time-out is *our* limit: it never says anything about a mailbox.

use std::time::Duration;

use crate::stage::Stage;

/// One duration a stage, and one for the whole session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Opening the connection; kept by the host, which opens it.
    pub connect: Duration,
    /// The greeting.
    pub greeting: Duration,
    /// EHLO and HELO.
    pub ehlo: Duration,
    /// The reply to STARTTLS, and after it the handshake.
    pub start_tls: Duration,
    /// MAIL.
    pub mail_from: Duration,
    /// RCPT.
    pub rcpt_to: Duration,
    /// RSET.
    pub rset: Duration,
    /// QUIT: all that matters has been said by then.
    pub quit: Duration,
    /// The whole session, from the open connection to its end.
    pub session: Duration,
}

impl Timeouts {
    /// The least waits that RFC 5321 section 4.5.3.2 asks of a client that sends mail.
    ///
    /// It names five minutes for the greeting, MAIL and RCPT; the stages that it does not name get
    /// the same.
    #[must_use]
    pub const fn rfc5321() -> Self {
        let five_minutes = Duration::from_secs(300);
        Self {
            connect: five_minutes,
            greeting: five_minutes,
            ehlo: five_minutes,
            start_tls: five_minutes,
            mail_from: five_minutes,
            rcpt_to: five_minutes,
            rset: five_minutes,
            quit: Duration::from_secs(30),
            session: Duration::from_secs(3600),
        }
    }

    /// How long to wait for the server at this stage.
    #[must_use]
    pub const fn of(&self, stage: Stage) -> Duration {
        match stage {
            Stage::Connect => self.connect,
            Stage::Greeting => self.greeting,
            Stage::Ehlo | Stage::Helo | Stage::EhloAfterTls => self.ehlo,
            Stage::StartTls => self.start_tls,
            Stage::MailFrom => self.mail_from,
            Stage::RcptTo => self.rcpt_to,
            Stage::Rset => self.rset,
            Stage::Quit => self.quit,
        }
    }
}

impl Default for Timeouts {
    /// Shorter waits, for a probe.
    ///
    /// Greetings are held back for 6 to 30 seconds on purpose, and a RCPT may wait for a callout to
    /// a third server: these two get a minute each. The rest is answered by software alone.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(15),
            greeting: seconds(60),
            ehlo: seconds(30),
            start_tls: seconds(30),
            mail_from: seconds(30),
            rcpt_to: seconds(60),
            rset: seconds(20),
            quit: seconds(5),
            session: seconds(300),
        }
    }
}
