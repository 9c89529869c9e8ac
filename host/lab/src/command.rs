//! What a client says: one command line, read by the lab's own strict grammar.
//!
//! It shares nothing with the host's writer of commands, so that neither can hide the other's
//! mistakes. Exactly the forms of RFC 5321 section 4.1.1 are taken; everything else is `Malformed`.

/// A command line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Ehlo(String),
    Helo(String),
    StartTls,
    Mail(Path),
    Rcpt(Path),
    Rset,
    Noop,
    Quit,
    /// A verb that a probe never uses.
    Forbidden,
    /// A known verb with an argument that breaks its grammar.
    Malformed,
    /// No verb of SMTP.
    Unknown,
}

/// The path of MAIL or RCPT and the parameters behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// Without its brackets; empty for the null reverse-path.
    pub(crate) mailbox: String,
    pub(crate) parameters: Vec<String>,
}

const FORBIDDEN: &[&str] = &[
    "AUTH", "BDAT", "DATA", "ETRN", "EXPN", "HELP", "TURN", "VRFY",
];

impl Command {
    /// Reads a line without its line end.
    pub(crate) fn parse(line: &[u8]) -> Self {
        let Ok(line) = std::str::from_utf8(line) else {
            return Self::Malformed;
        };
        let (verb, argument) = match line.split_once(' ') {
            Some((verb, argument)) => (verb, Some(argument)),
            None => (line, None),
        };
        let verb = verb.to_ascii_uppercase();
        match (verb.as_str(), argument) {
            ("EHLO", Some(name)) if is_client_name(name) => Self::Ehlo(name.to_owned()),
            ("HELO", Some(name)) if is_client_name(name) => Self::Helo(name.to_owned()),
            ("MAIL", Some(argument)) => {
                Path::parse(argument, "FROM:<").map_or(Self::Malformed, Self::Mail)
            }
            ("RCPT", Some(argument)) => match Path::parse(argument, "TO:<") {
                Some(path) if !path.mailbox.is_empty() => Self::Rcpt(path),
                _ => Self::Malformed,
            },
            ("STARTTLS", None) => Self::StartTls,
            ("RSET", None) => Self::Rset,
            ("QUIT", None) => Self::Quit,
            ("NOOP", _) => Self::Noop,
            (known, _) if FORBIDDEN.contains(&known) => Self::Forbidden,
            ("EHLO" | "HELO" | "MAIL" | "RCPT" | "STARTTLS" | "RSET" | "QUIT", _) => {
                Self::Malformed
            }
            _ => Self::Unknown,
        }
    }

    /// Whether more commands may follow it in one group (RFC 2920 section 3.1).
    pub(crate) fn may_be_followed(&self) -> bool {
        matches!(self, Self::Mail(_) | Self::Rcpt(_) | Self::Rset)
    }
}

impl Path {
    fn parse(argument: &str, prefix: &str) -> Option<Self> {
        let head = argument.get(..prefix.len())?;
        if !head.eq_ignore_ascii_case(prefix) {
            return None;
        }
        let rest = &argument[prefix.len()..];
        let end = closing_bracket(rest)?;
        let mailbox = &rest[..end];
        let after = &rest[end + 1..];
        let parameters: Vec<String> = match after.strip_prefix(' ') {
            Some(parameters) => parameters.split(' ').map(str::to_owned).collect(),
            None if after.is_empty() => Vec::new(),
            None => return None,
        };
        let clean = !mailbox.chars().any(char::is_control);
        let has_domain = mailbox.is_empty() || mailbox.rfind('@').is_some_and(|at| at > 0);
        let named = parameters.iter().all(|parameter| !parameter.is_empty());
        (clean && has_domain && named).then(|| Self {
            mailbox: mailbox.to_owned(),
            parameters,
        })
    }

    /// Local part and lower-case domain.
    pub(crate) fn split(&self) -> (&str, String) {
        match self.mailbox.rsplit_once('@') {
            Some((local_part, domain)) => (local_part, domain.to_ascii_lowercase()),
            None => (&self.mailbox, String::new()),
        }
    }
}

/// The first `>` outside of a quoted local part.
fn closing_bracket(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, octet) in text.bytes().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(at),
            b' ' | b'<' if !quoted => return None,
            _ => {}
        }
    }
    None
}

/// A domain or an address literal: one word of printable ASCII (RFC 5321 section 4.1.1.1).
fn is_client_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(mailbox: &str, parameters: &[&str]) -> Path {
        Path {
            mailbox: mailbox.to_owned(),
            parameters: parameters.iter().map(|&one| one.to_owned()).collect(),
        }
    }

    #[test]
    fn a_path_is_taken_only_in_the_exact_form() {
        let good = [
            ("MAIL FROM:<>", Command::Mail(path("", &[]))),
            ("mail from:<a@x.test>", Command::Mail(path("a@x.test", &[]))),
            (
                "MAIL FROM:<a@x.test> SMTPUTF8 BODY=8BITMIME",
                Command::Mail(path("a@x.test", &["SMTPUTF8", "BODY=8BITMIME"])),
            ),
            (
                "RCPT TO:<\"a> b\\\"@\"@x.test>",
                Command::Rcpt(path("\"a> b\\\"@\"@x.test", &[])),
            ),
        ];
        for (line, command) in good {
            assert_eq!(Command::parse(line.as_bytes()), command, "{line}");
        }
        let bad = [
            "MAIL FROM: <a@x.test>",
            "MAIL FROM:a@x.test",
            "MAIL FROM:<a@x.test",
            "MAIL FROM:<a@x.test>x",
            "MAIL FROM:<a@x.test>  SMTPUTF8",
            "MAIL FROM:<a>",
            "RCPT TO:<>",
            "RCPT TO:<a b@x.test>",
            "RCPT TO:<@x.test>",
            "RCPT",
            "RSET now",
            "EHLO",
            "EHLO two words",
        ];
        for line in bad {
            assert_eq!(
                Command::parse(line.as_bytes()),
                Command::Malformed,
                "{line}"
            );
        }
    }

    #[test]
    fn verbs_that_a_probe_never_uses_are_known_for_it() {
        for line in [
            "DATA",
            "vrfy ana",
            "EXPN list",
            "AUTH PLAIN",
            "BDAT 0 LAST",
            "HELP",
        ] {
            assert_eq!(
                Command::parse(line.as_bytes()),
                Command::Forbidden,
                "{line}"
            );
        }
        assert_eq!(Command::parse(b"GET / HTTP/1.1"), Command::Unknown);
        assert_eq!(Command::parse(b"RCPT TO:<\xff@x.test>"), Command::Malformed);
    }

    #[test]
    fn the_domain_begins_after_the_last_at_sign() {
        let quoted = path("\"a@b\"@X.Test", &[]);
        assert_eq!(quoted.split(), ("\"a@b\"", "x.test".to_owned()));
    }
}
