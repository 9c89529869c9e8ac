//! The enhanced status code: `class.subject.detail` in front of a reply's text.
//!
//! Read by RFC 3463 section 2 and RFC 2034 section 4: class 2, 4 or 5; subject and detail of one to
//! three digits without leading zeros; first in the text, and followed by a space or by nothing.
//! Whether its class fits the reply's code is not asked here: [`crate::reply::Reply`] asks it. A
//! code anywhere else in the text (`(#5.1.1)`, quoted foreign replies) is not looked for.

mod registry;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use registry::{Nearness, ROWS, RegisteredCode, Topic};

/// An enhanced status code (RFC 3463).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EnhancedStatusCode {
    /// 2 success, 4 persistent transient failure, 5 permanent failure.
    pub class: u8,
    /// What the code is about, 0 to 999.
    pub subject: u16,
    /// The condition within the subject, 0 to 999.
    pub detail: u16,
}

impl EnhancedStatusCode {
    /// The code at the start of a line's text, when one stands there in its exact form.
    #[must_use]
    pub fn from_text(text: &[u8]) -> Option<Self> {
        let [class @ (b'2' | b'4' | b'5'), b'.', rest @ ..] = text else {
            return None;
        };
        let (subject, rest) = number(rest)?;
        let rest = rest.strip_prefix(b".")?;
        let (detail, rest) = number(rest)?;
        if !matches!(rest, [] | [b' ' | b'\t' | b'\r', ..]) {
            return None;
        }
        Some(Self {
            class: class - b'0',
            subject,
            detail,
        })
    }
}

impl fmt::Display for EnhancedStatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// One to three digits without a leading zero, and what follows them.
fn number(text: &[u8]) -> Option<(u16, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > 3 || (digits > 1 && text[0] == b'0') {
        return None;
    }
    let value = text[..digits]
        .iter()
        .fold(0, |value, digit| value * 10 + u16::from(digit - b'0'));
    Some((value, &text[digits..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_in_their_exact_form_are_read() {
        for code in ["5.1.1", "5.1.10", "5.7.606", "2.0.0", "4.999.999"] {
            for text in [
                code.to_owned(),
                format!("{code} some text"),
                format!("{code} "),
            ] {
                let read = EnhancedStatusCode::from_text(text.as_bytes()).unwrap();
                assert_eq!(read.to_string(), code);
            }
        }
    }

    #[test]
    fn what_only_looks_like_a_code_is_not_taken_for_one() {
        for text in [
            "",
            "5",
            "5.",
            "5.1",
            "5.1.",
            "05.1.1",
            "5.01.1",
            "5.1.01",
            "6.1.1",
            "3.0.0",
            "1.1.1",
            "5.1.1111",
            "5.1111.1",
            "5..1",
            "5.1.1.1",
            "5.1.1x",
            "5.1.1-",
            "5.1.1,",
            "-5.1.1",
            " 5.1.1",
            "(5.1.1)",
            "#5.1.1",
            "192.0.2.1",
            "5.1.1:",
            "v5.1.1",
            "5.16.50.1",
            "host mx.example.test said: 550 5.1.1",
            "550 5.1.1",
        ] {
            assert_eq!(
                EnhancedStatusCode::from_text(text.as_bytes()),
                None,
                "{text}"
            );
        }
    }
}
