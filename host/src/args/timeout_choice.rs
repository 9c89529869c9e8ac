//! One part of `--timeout`: a time for every step, for one step, or the waits of the standard.

use std::time::Duration;

use vrfy_proto::timeouts::Timeouts;

use super::some_time;

/// What was typed for waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutChoice {
    /// So long for every reply; connecting and QUIT keep their own where shorter.
    Every(Duration),
    /// So long for one step.
    Step(TimeoutStep, Duration),
    /// Those of RFC 5321 section 4.5.3.2.
    Rfc5321,
}

/// A step with a wait of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutStep {
    /// Opening the connection.
    Connect,
    /// The greeting.
    Greeting,
    /// EHLO and HELO.
    Ehlo,
    /// STARTTLS, and the handshake.
    StartTls,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// RSET.
    Rset,
    /// QUIT.
    Quit,
    /// The whole session.
    Session,
}

impl TimeoutStep {
    const NAMES: [(&'static str, Self); 9] = [
        ("connect", Self::Connect),
        ("greeting", Self::Greeting),
        ("ehlo", Self::Ehlo),
        ("starttls", Self::StartTls),
        ("mail", Self::Mail),
        ("rcpt", Self::Rcpt),
        ("rset", Self::Rset),
        ("quit", Self::Quit),
        ("session", Self::Session),
    ];

    fn of(self, timeouts: &mut Timeouts) -> &mut Duration {
        match self {
            Self::Connect => &mut timeouts.connect,
            Self::Greeting => &mut timeouts.greeting,
            Self::Ehlo => &mut timeouts.ehlo,
            Self::StartTls => &mut timeouts.start_tls,
            Self::Mail => &mut timeouts.mail_from,
            Self::Rcpt => &mut timeouts.rcpt_to,
            Self::Rset => &mut timeouts.rset,
            Self::Quit => &mut timeouts.quit,
            Self::Session => &mut timeouts.session,
        }
    }
}

impl TimeoutChoice {
    /// The time for every step, where one was typed; of several the last.
    pub fn every(choices: &[Self]) -> Option<Duration> {
        choices.iter().rev().find_map(|choice| match choice {
            Self::Every(time) => Some(*time),
            Self::Step(..) | Self::Rfc5321 => None,
        })
    }

    /// Reads one part.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "rfc5321" {
            return Ok(Self::Rfc5321);
        }
        let Some((name, time)) = text.split_once('=') else {
            return some_time(text).map(Self::Every);
        };
        let step = TimeoutStep::NAMES.iter().find(|(known, _)| *known == name);
        match step {
            Some((_, step)) => some_time(time).map(|time| Self::Step(*step, time)),
            None => {
                let names = TimeoutStep::NAMES.map(|(name, _)| name).join(", ");
                Err(format!("there is no such step; steps are {names}"))
            }
        }
    }

    /// The waits that come of all parts: single steps overrule what is said of all, and of two that
    /// say the same thing the later one counts. Without a time for the whole session its budget
    /// grows with the waits.
    pub fn resolve(choices: &[Self]) -> Timeouts {
        let mut timeouts = Timeouts::default();
        for choice in choices {
            match choice {
                Self::Every(every) => timeouts = every_step(*every),
                Self::Rfc5321 => timeouts = Timeouts::rfc5321(),
                Self::Step(..) => {}
            }
        }
        for choice in choices {
            if let Self::Step(step, time) = choice {
                *step.of(&mut timeouts) = *time;
            }
        }
        let is_budget = |choice: &Self| matches!(choice, Self::Step(TimeoutStep::Session, _));
        if !choices.iter().any(is_budget) {
            timeouts.session = timeouts.session.max(one_of_each(&timeouts));
        }
        timeouts
    }
}

/// One time for every reply. Connecting and QUIT keep their own where shorter.
fn every_step(every: Duration) -> Timeouts {
    let defaults = Timeouts::default();
    Timeouts {
        connect: defaults.connect.min(every),
        greeting: every,
        ehlo: every,
        start_tls: every,
        mail_from: every,
        rcpt_to: every,
        rset: every,
        quit: defaults.quit.min(every),
        session: defaults.session,
    }
}

/// A session in which every step of a dialogue over TLS is as slow as it may be.
fn one_of_each(timeouts: &Timeouts) -> Duration {
    let Timeouts {
        greeting,
        ehlo,
        start_tls,
        mail_from,
        rcpt_to,
        quit,
        ..
    } = *timeouts;
    // Two replies to EHLO; the reply to STARTTLS and its handshake.
    [
        greeting, ehlo, start_tls, start_tls, ehlo, mail_from, rcpt_to, quit,
    ]
    .into_iter()
    .fold(Duration::ZERO, Duration::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Timeouts {
        let choices: Vec<TimeoutChoice> = text
            .split(',')
            .filter(|part| !part.is_empty())
            .map(|part| TimeoutChoice::parse(part).unwrap())
            .collect();
        TimeoutChoice::resolve(&choices)
    }

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn one_time_holds_for_every_reply_and_lengthens_no_connect() {
        assert_eq!(resolved(""), Timeouts::default());
        let two = resolved("2s");
        assert_eq!(
            (two.connect, two.rcpt_to, two.quit),
            (seconds(2), seconds(2), seconds(2))
        );
        assert_eq!(two.session, Timeouts::default().session);
        let long = resolved("4m");
        assert_eq!(
            (long.connect, long.rcpt_to, long.quit),
            (seconds(15), seconds(240), seconds(5))
        );
        assert_eq!(
            long.session,
            seconds(7 * 240 + 5),
            "the budget grows with them"
        );
    }

    #[test]
    fn every_step_can_be_given_its_own_wait() {
        for (name, step) in TimeoutStep::NAMES {
            let mut timeouts = resolved(&format!("{name}=29s"));
            assert_eq!(*step.of(&mut timeouts), seconds(29), "{name}");
            *step.of(&mut timeouts) = *step.of(&mut Timeouts::default());
            assert_eq!(timeouts, Timeouts::default(), "{name} alone is changed");
        }
        let mixed = resolved("rcpt=5m,30s,rcpt=6m");
        assert_eq!(
            (mixed.rcpt_to, mixed.mail_from),
            (seconds(360), seconds(30))
        );
    }

    #[test]
    fn the_waits_of_the_standard_have_a_name() {
        assert_eq!(resolved("rfc5321"), Timeouts::rfc5321());
        let shorter = resolved("rfc5321,session=10m,quit=1s");
        assert_eq!(
            (shorter.greeting, shorter.session),
            (seconds(300), seconds(600))
        );
    }

    #[test]
    fn the_budget_of_a_session_grows_unless_it_is_given() {
        let slow = resolved("rcpt=20m");
        assert!(slow.session > seconds(1200));
        assert_eq!(resolved("rcpt=20m,session=1m").session, seconds(60));
    }

    #[test]
    fn what_is_no_step_or_no_time_says_what_is() {
        let unknown = TimeoutChoice::parse("data=5m").unwrap_err();
        assert!(unknown.contains("mail, rcpt"), "{unknown}");
        assert!(TimeoutChoice::parse("rcpt=5").unwrap_err().contains("5m"));
        assert!(TimeoutChoice::parse("rcpt=0s").is_err());
    }
}
