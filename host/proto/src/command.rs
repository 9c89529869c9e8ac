//! The commands of a probe, and no others.
//!
//! There is no way to say DATA, BDAT, VRFY, EXPN, HELP, NOOP or AUTH with these types. The exact
//! forms are those of RFC 5321 sections 3.3 and 4.1.1: no space around the colon, angle brackets
//! always, CR LF.

use thiserror::Error;

use crate::stage::Stage;

/// Bytes of a command line with its end (RFC 5321 section 4.5.3.1.4).
pub const COMMAND_LINE_MAX: usize = 512;

/// What SMTPUTF8 adds to that: its own parameter (RFC 6531 section 3.4).
pub const SMTPUTF8_EXTRA_MAX: usize = 10;

/// One command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// `EHLO name`.
    Ehlo(&'a str),
    /// `HELO name`.
    Helo(&'a str),
    /// `STARTTLS`.
    StartTls,
    /// `MAIL FROM:<path>`; the null reverse path is the empty string.
    MailFrom {
        /// The reverse path without its brackets.
        reverse_path: &'a str,
        /// Whether to add the parameter SMTPUTF8.
        smtputf8: bool,
    },
    /// `RCPT TO:<mailbox>`, the mailbox without its brackets.
    RcptTo(&'a str),
    /// `RSET`.
    Rset,
    /// `QUIT`.
    Quit,
}

/// The command cannot be sent as one line. Ours to fix, never the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EncodeCommandError {
    /// CR, LF, NUL or another control character in an argument would end the line or hide in it.
    #[error("the argument of a command has a control character in it")]
    ControlCharacter,
    /// The line would be longer than [`COMMAND_LINE_MAX`].
    #[error("the command line would have more than {COMMAND_LINE_MAX} bytes")]
    TooLong,
}

impl<'a> Command<'a> {
    /// Appends the line with its CR LF; on an error nothing is appended.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeCommandError> {
        let (before, argument, after) = self.parts();
        if argument.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(EncodeCommandError::ControlCharacter);
        }
        let is_utf8 = !argument.is_ascii() || matches!(self, Self::MailFrom { smtputf8: true, .. });
        let extra = if is_utf8 { SMTPUTF8_EXTRA_MAX } else { 0 };
        let length = before.len() + argument.len() + after.len() + 2;
        if length > COMMAND_LINE_MAX + extra {
            return Err(EncodeCommandError::TooLong);
        }
        out.reserve(length);
        for part in [before, argument, after, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        Ok(())
    }

    /// The command that this line is, without its CR LF; only the exact forms are known.
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?;
        if line.bytes().any(|byte| byte.is_ascii_control()) {
            return None;
        }
        match line {
            "STARTTLS" => return Some(Self::StartTls),
            "RSET" => return Some(Self::Rset),
            "QUIT" => return Some(Self::Quit),
            _ => {}
        }
        if let Some(name) = line.strip_prefix("EHLO ") {
            return Some(Self::Ehlo(name));
        }
        if let Some(name) = line.strip_prefix("HELO ") {
            return Some(Self::Helo(name));
        }
        if let Some(path) = line.strip_prefix("RCPT TO:<") {
            return path.strip_suffix('>').map(Self::RcptTo);
        }
        let path = line.strip_prefix("MAIL FROM:<")?;
        let (path, smtputf8) = match path.strip_suffix("> SMTPUTF8") {
            Some(path) => (path, true),
            None => (path.strip_suffix('>')?, false),
        };
        Some(Self::MailFrom {
            reverse_path: path,
            smtputf8,
        })
    }

    /// The stage that the reply to this command belongs to; EHLO is taken for the first one.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        match self {
            Self::Ehlo(_) => Stage::Ehlo,
            Self::Helo(_) => Stage::Helo,
            Self::StartTls => Stage::StartTls,
            Self::MailFrom { .. } => Stage::MailFrom,
            Self::RcptTo(_) => Stage::RcptTo,
            Self::Rset => Stage::Rset,
            Self::Quit => Stage::Quit,
        }
    }

    fn parts(&self) -> (&'static str, &'a str, &'static str) {
        match *self {
            Self::Ehlo(name) => ("EHLO ", name, ""),
            Self::Helo(name) => ("HELO ", name, ""),
            Self::StartTls => ("STARTTLS", "", ""),
            Self::MailFrom {
                reverse_path,
                smtputf8: false,
            } => ("MAIL FROM:<", reverse_path, ">"),
            Self::MailFrom {
                reverse_path,
                smtputf8: true,
            } => ("MAIL FROM:<", reverse_path, "> SMTPUTF8"),
            Self::RcptTo(mailbox) => ("RCPT TO:<", mailbox, ">"),
            Self::Rset => ("RSET", "", ""),
            Self::Quit => ("QUIT", "", ""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(command: Command<'_>) -> String {
        let mut out = Vec::new();
        command.encode(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn mail(reverse_path: &str, smtputf8: bool) -> Command<'_> {
        Command::MailFrom {
            reverse_path,
            smtputf8,
        }
    }

    #[test]
    fn every_command_has_its_exact_form_and_is_read_back() {
        for (command, line) in [
            (Command::Ehlo("probe.example.com"), "EHLO probe.example.com"),
            (Command::Helo("[192.0.2.1]"), "HELO [192.0.2.1]"),
            (Command::StartTls, "STARTTLS"),
            (mail("", false), "MAIL FROM:<>"),
            (mail("", true), "MAIL FROM:<> SMTPUTF8"),
            (mail("p@example.com", false), "MAIL FROM:<p@example.com>"),
            (
                Command::RcptTo("\"a>b\"@x.test"),
                "RCPT TO:<\"a>b\"@x.test>",
            ),
            (Command::RcptTo("用户@x.test"), "RCPT TO:<用户@x.test>"),
            (Command::Rset, "RSET"),
            (Command::Quit, "QUIT"),
        ] {
            assert_eq!(encoded(command), format!("{line}\r\n"));
            assert_eq!(Command::parse(line.as_bytes()), Some(command));
        }
    }

    #[test]
    fn commands_that_a_probe_never_sends_cannot_be_read_either() {
        for line in [
            "DATA",
            "BDAT 3",
            ".",
            "VRFY a",
            "EXPN a",
            "HELP",
            "NOOP",
            "AUTH PLAIN",
            "RSET x",
            "ehlo x",
            "RCPT TO:a@x.test",
            "MAIL FROM: <>",
            "MAIL FROM:<> SIZE=1",
            "",
        ] {
            assert_eq!(Command::parse(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn an_argument_that_would_end_the_line_is_refused() {
        let mut out = Vec::new();
        for address in [
            "a@x.test>\r\nRCPT TO:<b@x.test",
            "a\n@x.test",
            "a\0@x.test",
            "a\x7f@x.test",
        ] {
            assert_eq!(
                Command::RcptTo(address).encode(&mut out),
                Err(EncodeCommandError::ControlCharacter)
            );
        }
        assert!(out.is_empty());
    }

    #[test]
    fn a_command_line_has_at_most_512_bytes() {
        let fits = "a".repeat(COMMAND_LINE_MAX - "RCPT TO:<>\r\n".len());
        assert_eq!(encoded(Command::RcptTo(&fits)).len(), COMMAND_LINE_MAX);
        let over = format!("{fits}a");
        let refused = Command::RcptTo(&over).encode(&mut Vec::new());
        assert_eq!(refused, Err(EncodeCommandError::TooLong));
    }
}
