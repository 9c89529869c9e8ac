//! What a server offers in its reply to EHLO (RFC 5321 section 4.1.1.1).
//!
//! The first line is the server's name and greeting; each further line is one extension. A line
//! that is no extension is ignored. When a keyword comes twice the last one counts.

use crate::reply::{Reply, is_reply_line, text_of};

/// One EHLO keyword with its parameters, as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The keyword in capitals.
    pub keyword: String,
    /// What followed it on the line; bytes that are not UTF-8 become replacement characters.
    pub parameters: String,
}

/// All extensions in a reply to EHLO, in order; none when the reply is not positive.
#[must_use]
pub fn extensions_of(reply: &Reply) -> Vec<Extension> {
    if !reply.code.is_positive() {
        return Vec::new();
    }
    let lines = reply.lines.iter().map(Vec::as_slice);
    keyword_lines(lines)
        .map(|(keyword, parameters)| Extension {
            keyword: String::from_utf8_lossy(keyword).to_ascii_uppercase(),
            parameters: String::from_utf8_lossy(parameters).into_owned(),
        })
        .collect()
}

/// The keywords that stand in a positive reply to EHLO more than once, in capitals, each once.
pub(crate) fn repeated_keywords(reply: &Reply) -> Vec<String> {
    if !reply.code.is_positive() {
        return Vec::new();
    }
    let lines = reply.lines.iter().map(Vec::as_slice);
    let keywords: Vec<&[u8]> = keyword_lines(lines).map(|(keyword, _)| keyword).collect();
    let is_second = |place: &usize| {
        let same = |other: &&&[u8]| other.eq_ignore_ascii_case(keywords[*place]);
        keywords[..*place].iter().filter(same).count() == 1
    };
    (0..keywords.len())
        .filter(is_second)
        .map(|place| String::from_utf8_lossy(keywords[place]).to_ascii_uppercase())
        .collect()
}

/// What a session itself acts on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offered {
    pub(crate) pipelining: bool,
    pub(crate) start_tls: bool,
    pub(crate) smtputf8: bool,
    /// RCPTMAX of LIMITS (RFC 9422): recipients in one transaction.
    pub(crate) rcpt_max: Option<usize>,
    /// RCPTDOMAINMAX of LIMITS: domains in one transaction.
    pub(crate) rcpt_domain_max: Option<usize>,
    /// MAILMAX of LIMITS: transactions in one session.
    pub(crate) mail_max: Option<usize>,
}

impl Offered {
    /// Reads the lines of a positive reply to EHLO.
    pub(crate) fn from_lines<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut offered = Self::default();
        for (keyword, parameters) in keyword_lines(lines) {
            if keyword.eq_ignore_ascii_case(b"PIPELINING") {
                offered.pipelining = true;
            } else if keyword.eq_ignore_ascii_case(b"STARTTLS") {
                offered.start_tls = true;
            } else if keyword.eq_ignore_ascii_case(b"SMTPUTF8") {
                offered.smtputf8 = true;
            } else if keyword.eq_ignore_ascii_case(b"LIMITS") {
                offered.take_limits(parameters);
            }
        }
        offered
    }

    fn take_limits(&mut self, parameters: &[u8]) {
        (self.rcpt_max, self.rcpt_domain_max, self.mail_max) = (None, None, None);
        for parameter in parameters.split(|byte| *byte == b' ') {
            let Some(equals) = memchr::memchr(b'=', parameter) else {
                continue;
            };
            let (name, value) = (&parameter[..equals], &parameter[equals + 1..]);
            let Some(value) = limit_value(value) else {
                continue;
            };
            if name.eq_ignore_ascii_case(b"RCPTMAX") {
                self.rcpt_max = Some(value);
            } else if name.eq_ignore_ascii_case(b"RCPTDOMAINMAX") {
                self.rcpt_domain_max = Some(value);
            } else if name.eq_ignore_ascii_case(b"MAILMAX") {
                self.mail_max = Some(value);
            }
        }
    }
}

/// One to six digits, the first not a zero (RFC 9422 section 4).
fn limit_value(digits: &[u8]) -> Option<usize> {
    let is_number = matches!(digits, [b'1'..=b'9', rest @ ..] if rest.len() < 6
        && rest.iter().all(u8::is_ascii_digit));
    is_number.then(|| {
        digits
            .iter()
            .fold(0, |value, digit| value * 10 + usize::from(digit - b'0'))
    })
}

/// Keyword and parameters of every line but the first that has them.
fn keyword_lines<'a>(
    lines: impl Iterator<Item = &'a [u8]>,
) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    let reply_lines = lines.filter(|line| is_reply_line(line));
    reply_lines.skip(1).filter_map(|line| {
        let text = text_of(line);
        let length = text
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
            .count();
        let (keyword, rest) = text.split_at(length);
        let is_keyword = keyword.first().is_some_and(u8::is_ascii_alphanumeric);
        match rest {
            [] if is_keyword => Some((keyword, rest)),
            [b' ', parameters @ ..] if is_keyword => Some((keyword, parameters)),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(lines: &[&str]) -> Offered {
        Offered::from_lines(lines.iter().map(|line| line.as_bytes()))
    }

    #[test]
    fn keywords_are_read_without_regard_to_case() {
        let read = offered(&[
            "250-mx.test",
            "250-PipeLining",
            "250-starttls",
            "250 SMTPUTF8",
        ]);
        assert!(read.pipelining && read.start_tls && read.smtputf8);
    }

    #[test]
    fn a_keyword_on_the_first_line_is_no_keyword() {
        assert_eq!(offered(&["250-PIPELINING", "250 HELP"]), Offered::default());
        assert_eq!(offered(&["250 PIPELINING"]), Offered::default());
    }

    #[test]
    fn garbage_in_front_of_the_first_line_does_not_make_it_a_keyword() {
        let read = offered(&["hello", "250-PIPELINING", "250 STARTTLS"]);
        assert_eq!((read.pipelining, read.start_tls), (false, true));
    }

    #[test]
    fn lines_that_are_no_extensions_are_ignored() {
        let read = offered(&[
            "250-mx.test",
            "250-",
            "250- PIPELINING",
            "250-PIPELINING=1",
            "PIPELINING",
            "250 \x01",
        ]);
        assert_eq!(read, Offered::default());
    }

    #[test]
    fn limits_are_read_and_malformed_ones_ignored() {
        let read = offered(&[
            "250-mx.test",
            "250 LIMITS RCPTMAX=5 MAILMAX=0 rcptdomainmax=1 X=2 MAILMAX",
        ]);
        assert_eq!(
            (read.rcpt_max, read.rcpt_domain_max, read.mail_max),
            (Some(5), Some(1), None)
        );
        let huge = offered(&[
            "250-mx.test",
            "250 LIMITS RCPTMAX=99999999999999999999 MAILMAX=-1",
        ]);
        assert_eq!((huge.rcpt_max, huge.mail_max), (None, None));
    }

    #[test]
    fn the_last_of_two_limits_counts() {
        let read = offered(&[
            "250-mx.test",
            "250-LIMITS RCPTMAX=5",
            "250 LIMITS MAILMAX=2",
        ]);
        assert_eq!((read.rcpt_max, read.mail_max), (None, Some(2)));
    }
}
