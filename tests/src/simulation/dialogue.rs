//! Whether the client keeps to the rules: told by what it had read when it wrote.
//!
//! Own reading of RFC 5321 section 4, RFC 2920 section 3.1 and RFC 3207 section 4, in as few lines
//! as that takes, sharing nothing with the session under test.

/// What the client has been told, and what it has said.
#[derive(Debug, Default)]
pub(super) struct Watch {
    line: Vec<u8>,
    /// Lines of the reply that is not complete.
    lines: Vec<Vec<u8>>,
    /// The code of every complete reply, the greeting first.
    codes: Vec<u16>,
    /// Every command, in order.
    verbs: Vec<Verb>,
    offers: Offers,
    is_secured: bool,
    transaction: Option<Open>,
    transactions: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Ehlo,
    Helo,
    StartTls,
    Mail,
    Rcpt,
    Rset,
    Quit,
}

#[derive(Debug, Default)]
struct Offers {
    pipelining: bool,
    start_tls: bool,
    smtputf8: bool,
    rcpt_max: Option<u64>,
    mail_max: Option<u64>,
}

#[derive(Debug)]
struct Open {
    /// The place of its MAIL among the commands, from 1.
    mail: usize,
    is_null: bool,
    is_utf8: bool,
    recipients: u64,
}

/// A command, taken apart.
pub(super) struct Heard<'a> {
    pub(super) verb: Verb,
    /// The path of MAIL or RCPT, without brackets.
    pub(super) path: &'a str,
    pub(super) smtputf8: bool,
}

impl Watch {
    /// The client has read this.
    pub(super) fn read(&mut self, octets: &[u8]) {
        for octet in octets {
            if *octet != b'\n' {
                self.line.push(*octet);
                continue;
            }
            let mut line = std::mem::take(&mut self.line);
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            let Some((code, is_last)) = code_of(&line) else {
                continue;
            };
            self.lines.push(line);
            if is_last {
                self.complete(code);
            }
        }
    }

    fn complete(&mut self, code: u16) {
        let lines = std::mem::take(&mut self.lines);
        // The greeting is reply 0, so reply n answers command n, counted from 1.
        let answers = self.codes.len().checked_sub(1);
        let verb = answers.and_then(|index| self.verbs.get(index));
        self.codes.push(code);
        if verb == Some(&Verb::Ehlo) && code / 100 == 2 {
            self.offers = Offers::default();
            for line in &lines[1..] {
                self.offers.take(&String::from_utf8_lossy(&line[4..]));
            }
        }
    }

    /// The code that command had for an answer, as far as the client knows it.
    fn answer_to(&self, place: usize) -> Option<u16> {
        self.codes.get(place).copied()
    }

    /// The client writes this line. Gives what it is, or what is wrong with it.
    pub(super) fn write<'a>(&mut self, line: &'a [u8]) -> Result<Heard<'a>, String> {
        let heard = parse(line)?;
        let shown = String::from_utf8_lossy(line).into_owned();
        let place = self.verbs.len() + 1;
        let wrong = self.wrong_with(&heard, place, line);
        self.verbs.push(heard.verb);
        match heard.verb {
            Verb::Mail => {
                self.transactions += 1;
                self.transaction = Some(Open {
                    mail: place,
                    is_null: heard.path.is_empty(),
                    is_utf8: heard.smtputf8,
                    recipients: 0,
                });
            }
            Verb::Rcpt => {
                if let Some(open) = &mut self.transaction {
                    open.recipients += 1;
                }
            }
            Verb::Rset => self.transaction = None,
            Verb::Ehlo | Verb::Helo | Verb::StartTls | Verb::Quit => {}
        }
        match wrong {
            Some(wrong) => Err(format!("{shown:?} {wrong}")),
            None => Ok(heard),
        }
    }

    fn wrong_with(&self, heard: &Heard<'_>, place: usize, line: &[u8]) -> Option<&'static str> {
        let unanswered = place.saturating_sub(self.codes.len());
        let is_grouped = |verb: &Verb| matches!(verb, Verb::Mail | Verb::Rcpt | Verb::Rset);
        if self.codes.is_empty() {
            return Some("before the greeting");
        }
        if self.codes.contains(&421) {
            return Some("after 421");
        }
        if self.codes.len() > place {
            return Some("after a reply that nobody asked for");
        }
        if self.verbs.contains(&Verb::Quit) {
            return Some("after QUIT");
        }
        if unanswered > 0 {
            let before = &self.verbs[place - 1 - unanswered..];
            if !self.offers.pipelining {
                return Some("before the answer to the command before it");
            }
            if !is_grouped(&heard.verb) || !before.iter().all(is_grouped) {
                return Some("in a group of commands");
            }
        }
        let greeted = self.codes[0] / 100 == 2;
        if !greeted && heard.verb != Verb::Quit {
            return Some("after a greeting that refuses");
        }
        let is_utf8 = self.transaction.as_ref().is_some_and(|open| open.is_utf8);
        if !(line.is_ascii() || heard.smtputf8 || is_utf8) {
            return Some("with octets that only SMTPUTF8 allows");
        }
        self.out_of_order(heard, place)
    }

    fn out_of_order(&self, heard: &Heard<'_>, place: usize) -> Option<&'static str> {
        let last_hello = self.verbs.iter().rposition(|verb| is_hello(*verb));
        let hello_code = last_hello.and_then(|index| self.answer_to(index + 1));
        let is_welcome = hello_code.is_some_and(|code| code / 100 == 2);
        match heard.verb {
            Verb::Ehlo if place == 1 => None,
            Verb::Ehlo if self.is_secured => None,
            Verb::Ehlo => Some("a second time"),
            // On a new connection, where the last one was lost over EHLO.
            Verb::Helo if place == 1 => None,
            Verb::Helo if last_hello == Some(place - 2) && !is_welcome => None,
            Verb::Helo => Some("though EHLO was not refused"),
            Verb::Quit => None,
            _ if !is_welcome => Some("before a hello was accepted"),
            Verb::StartTls if self.offers.start_tls && self.transactions == 0 => None,
            Verb::StartTls => Some("though it is not offered"),
            Verb::Mail => self.wrong_mail(heard),
            Verb::Rcpt => self.wrong_rcpt(),
            Verb::Rset => None,
        }
    }

    fn wrong_mail(&self, heard: &Heard<'_>) -> Option<&'static str> {
        if heard.smtputf8 && !self.offers.smtputf8 {
            return Some("with SMTPUTF8, which is not offered");
        }
        let most = self.offers.mail_max.unwrap_or(u64::MAX);
        if self.transactions >= most {
            return Some("beyond MAILMAX");
        }
        let open = self.transaction.as_ref();
        let is_refused = open
            .and_then(|open| self.answer_to(open.mail))
            .is_some_and(|code| code / 100 != 2);
        (open.is_some() && !is_refused).then_some("within a transaction")
    }

    fn wrong_rcpt(&self) -> Option<&'static str> {
        let Some(open) = &self.transaction else {
            return Some("without MAIL");
        };
        let mail = self.answer_to(open.mail);
        if mail.is_some_and(|code| code / 100 != 2) {
            return Some("after MAIL was refused");
        }
        let most = match open.is_null {
            true => 1,
            false => self.offers.rcpt_max.unwrap_or(100).min(100),
        };
        (open.recipients >= most).then_some("beyond the recipients of one transaction")
    }

    /// The server went ahead with STARTTLS: what follows is the handshake.
    pub(super) fn is_handshake_next(&self) -> bool {
        let last = self.verbs.last() == Some(&Verb::StartTls);
        let answer = self.answer_to(self.verbs.len());
        last && answer.is_some_and(|code| code / 100 == 2)
    }

    /// How often the client has said that.
    pub(super) fn count(&self, verb: Verb) -> usize {
        self.verbs.iter().filter(|said| **said == verb).count()
    }
}

impl Offers {
    fn take(&mut self, line: &str) {
        let mut words = line.split(' ');
        match words.next().unwrap_or_default() {
            "PIPELINING" => self.pipelining = true,
            "STARTTLS" => self.start_tls = true,
            "SMTPUTF8" => self.smtputf8 = true,
            "LIMITS" => {
                for word in words {
                    match word.split_once('=') {
                        Some(("RCPTMAX", most)) => self.rcpt_max = most.parse().ok(),
                        Some(("MAILMAX", most)) => self.mail_max = most.parse().ok(),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

fn is_hello(verb: Verb) -> bool {
    matches!(verb, Verb::Ehlo | Verb::Helo)
}

/// The code of a reply line, and whether it is the last of its reply.
fn code_of(line: &[u8]) -> Option<(u16, bool)> {
    let digits = line.get(..3)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = std::str::from_utf8(digits).ok()?.parse().ok()?;
    match line.get(3) {
        Some(b'-') => Some((code, false)),
        None | Some(b' ' | b'\t' | b'\r') => Some((code, true)),
        Some(_) => None,
    }
}

/// Reads a line in the one form that is allowed for each command.
fn parse(line: &[u8]) -> Result<Heard<'_>, String> {
    let wrong = |what: &str| Err(format!("{:?} {what}", String::from_utf8_lossy(line)));
    let Ok(text) = std::str::from_utf8(line) else {
        return wrong("is no UTF-8");
    };
    // RFC 5321 section 4.5.3.1.4, with the end of the line; RFC 6531 section 3.4.
    if line.len() + 2 > 512 + 10 || (line.len() + 2 > 512 && !text.ends_with(" SMTPUTF8")) {
        return wrong("is too long");
    }
    if text.chars().any(char::is_control) {
        return wrong("has a control character");
    }
    let simple = |verb| {
        Ok(Heard {
            verb,
            path: "",
            smtputf8: false,
        })
    };
    match text {
        "STARTTLS" => return simple(Verb::StartTls),
        "RSET" => return simple(Verb::Rset),
        "QUIT" => return simple(Verb::Quit),
        _ => {}
    }
    if text
        .strip_prefix("EHLO ")
        .is_some_and(|name| !name.is_empty())
    {
        return simple(Verb::Ehlo);
    }
    if text
        .strip_prefix("HELO ")
        .is_some_and(|name| !name.is_empty())
    {
        return simple(Verb::Helo);
    }
    let (verb, rest) = match (
        text.strip_prefix("MAIL FROM:<"),
        text.strip_prefix("RCPT TO:<"),
    ) {
        (Some(rest), _) => (Verb::Mail, rest),
        (_, Some(rest)) => (Verb::Rcpt, rest),
        _ => return wrong("is none of our commands"),
    };
    let Some((path, parameters)) = rest.rsplit_once('>') else {
        return wrong("has no end of its path");
    };
    match (verb, parameters) {
        (_, "") | (Verb::Mail, " SMTPUTF8") => Ok(Heard {
            verb,
            path,
            smtputf8: !parameters.is_empty(),
        }),
        _ => wrong("has parameters that nobody asked for"),
    }
}
