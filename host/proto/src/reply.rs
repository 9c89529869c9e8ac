//! What a server says: reply codes, reply lines, replies.
//!
//! Promises: code, text and line breaks are as received, and text is bytes. What is derived (the
//! enhanced status code, the violations) stands beside the bytes, never instead of them. A reply of
//! any code is a successful observation; what it means is for a policy to say.
//!
//! Does not read from anything: see [`crate::reply_reader`].

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::enhanced_code::EnhancedStatusCode;

/// The three digits of a reply, exactly as received: `000` and `999` are codes too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct ReplyCode(u16);

impl ReplyCode {
    /// The code with this value, if it has at most three digits.
    #[must_use]
    pub const fn new(value: u16) -> Option<Self> {
        if value > 999 { None } else { Some(Self(value)) }
    }

    /// The code as a number.
    #[must_use]
    pub const fn value(self) -> u16 {
        self.0
    }

    /// The meaning of the first digit (RFC 5321 section 4.2.1).
    #[must_use]
    pub const fn class(self) -> ReplyClass {
        match self.0 / 100 {
            2 => ReplyClass::PositiveCompletion,
            3 => ReplyClass::PositiveIntermediate,
            4 => ReplyClass::TransientNegative,
            5 => ReplyClass::PermanentNegative,
            _ => ReplyClass::Undefined,
        }
    }

    /// Whether the first digit is 2.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 / 100 == 2
    }

    /// Whether the first digit is 5.
    #[must_use]
    pub const fn is_permanent(self) -> bool {
        self.0 / 100 == 5
    }
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

impl From<ReplyCode> for u16 {
    fn from(code: ReplyCode) -> Self {
        code.0
    }
}

impl TryFrom<u16> for ReplyCode {
    type Error = &'static str;

    fn try_from(value: u16) -> Result<Self, Self::Error> {
        Self::new(value).ok_or("a reply code has three digits")
    }
}

/// The meaning of a code's first digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyClass {
    /// 2yz: done.
    PositiveCompletion,
    /// 3yz: go on with what belongs to the command.
    PositiveIntermediate,
    /// 4yz: not now.
    TransientNegative,
    /// 5yz: no.
    PermanentNegative,
    /// Anything else: outside the standard.
    Undefined,
}

/// How a line ended on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// CR LF, as it has to be.
    CrLf,
    /// A lone LF.
    Lf,
    /// Not at all: the connection or our patience ended first.
    Missing,
}

/// One line as received, without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The bytes that were kept.
    pub bytes: &'a [u8],
    /// How it ended.
    pub end: LineEnd,
    /// How many further bytes were not kept.
    pub dropped: u32,
}

/// What a line is within a reply. The character after the third digit decides (RFC 5321 section
/// 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineRole {
    /// `NNN-`: more lines follow.
    Continues(ReplyCode),
    /// `NNN ` or `NNN`: the last line.
    Completes(ReplyCode),
    /// No reply line.
    Garbage,
}

impl Line<'_> {
    /// What this line is within its reply; an unended line is no part of one.
    #[must_use]
    pub fn role(&self) -> LineRole {
        let &[a, b, c, ref rest @ ..] = self.bytes else {
            return LineRole::Garbage;
        };
        let is_code = a.is_ascii_digit() && b.is_ascii_digit() && c.is_ascii_digit();
        if !is_code || self.end == LineEnd::Missing {
            return LineRole::Garbage;
        }
        let digit = |byte: u8| u16::from(byte - b'0');
        let code = ReplyCode(digit(a) * 100 + digit(b) * 10 + digit(c));
        match rest.first() {
            Some(b'-') => LineRole::Continues(code),
            None | Some(b' ' | b'\t' | b'\r') => LineRole::Completes(code),
            Some(_) => LineRole::Garbage,
        }
    }
}

/// A whole reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The code of the last line, which counts (see [`ReplyViolation::InconsistentCodes`]).
    pub code: ReplyCode,
    /// All lines as received, codes included, line ends not; garbage lines stand where they stood.
    pub lines: Vec<Vec<u8>>,
    /// The first enhanced status code at the start of a line's text whose class fits the code.
    pub enhanced: Option<EnhancedStatusCode>,
    /// How the reply departs from the standard, each kind once.
    pub violations: Vec<ReplyViolation>,
}

impl Reply {
    /// The reply that these lines are, when the last of them completes one.
    pub fn from_lines<'a>(lines: impl IntoIterator<Item = Line<'a>>) -> Option<Self> {
        let lines: Vec<Line<'a>> = lines.into_iter().collect();
        let LineRole::Completes(code) = lines.last()?.role() else {
            return None;
        };
        let (enhanced, mismatch) = enhanced_of(code, lines.iter().copied());
        let mut violations: Vec<ReplyViolation> = Vec::new();
        let mut note = |violation| {
            if !violations.contains(&violation) {
                violations.push(violation);
            }
        };
        for line in &lines {
            match line.role() {
                LineRole::Garbage => note(ReplyViolation::GarbageLine),
                LineRole::Continues(other) | LineRole::Completes(other) if other != code => {
                    note(ReplyViolation::InconsistentCodes);
                }
                LineRole::Continues(_) | LineRole::Completes(_) => {}
            }
            if line.end == LineEnd::Lf {
                note(ReplyViolation::BareLf);
            }
            if line.dropped > 0 {
                note(ReplyViolation::TruncatedLine);
            }
        }
        if let Some(code) = mismatch {
            note(ReplyViolation::EnhancedClass(code));
        }
        Some(Self {
            code,
            lines: lines.iter().map(|line| line.bytes.to_vec()).collect(),
            enhanced,
            violations,
        })
    }

    /// The text of every line, without codes, as bytes.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.iter().map(|line| text_of(line))
    }

    /// The text of all lines, joined by line feeds; bytes that are not UTF-8 become replacement
    /// characters.
    #[must_use]
    pub fn text_lossy(&self) -> String {
        let mut joined = String::new();
        for (index, text) in self.texts().enumerate() {
            if index > 0 {
                joined.push('\n');
            }
            joined.push_str(&String::from_utf8_lossy(text));
        }
        joined
    }
}

/// What a server did wrong within one reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplyViolation {
    /// A line ended with LF alone (RFC 5321 section 2.3.8).
    BareLf,
    /// An enhanced status code whose class is not the code's first digit: kept here, not to be
    /// trusted.
    EnhancedClass(EnhancedStatusCode),
    /// A line among the reply's that is no reply line.
    GarbageLine,
    /// Not all lines carry one code (RFC 5321 section 4.2.1).
    InconsistentCodes,
    /// A line longer than [`crate::limits::LINE_KEPT_MAX`].
    TruncatedLine,
}

impl ReplyViolation {
    /// The name in kebab-case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BareLf => "bare-lf",
            Self::EnhancedClass(_) => "enhanced-class",
            Self::GarbageLine => "garbage-line",
            Self::InconsistentCodes => "inconsistent-codes",
            Self::TruncatedLine => "truncated-line",
        }
    }
}

/// The text of a line: what follows code and separator, or the whole of a garbage line.
#[must_use]
pub fn text_of(line: &[u8]) -> &[u8] {
    match is_reply_line(line) {
        true => line.get(4..).unwrap_or_default(),
        false => line,
    }
}

/// Whether a line that ended is one of a reply.
pub(crate) fn is_reply_line(line: &[u8]) -> bool {
    let ended = Line {
        bytes: line,
        end: LineEnd::CrLf,
        dropped: 0,
    };
    ended.role() != LineRole::Garbage
}

/// The first enhanced code that fits, and the first that does not when none fits.
pub(crate) fn enhanced_of<'a>(
    code: ReplyCode,
    lines: impl Iterator<Item = Line<'a>>,
) -> (Option<EnhancedStatusCode>, Option<EnhancedStatusCode>) {
    let mut mismatch = None;
    for line in lines {
        if line.role() == LineRole::Garbage {
            continue;
        }
        let Some(enhanced) = EnhancedStatusCode::from_text(text_of(line.bytes)) else {
            continue;
        };
        if u16::from(enhanced.class) == code.value() / 100 {
            return (Some(enhanced), None);
        }
        mismatch.get_or_insert(enhanced);
    }
    (None, mismatch)
}

/// Whether a reply to RCPT says that the transaction is full, and so nothing about the recipient.
///
/// RFC 5321 section 4.5.3.1.10 has 452 for it, which may also mean a full disk, and warns of 552,
/// which may also mean a full mailbox; Exim says 552 and Courier 431 or 531. So without an enhanced
/// code 452 counts, and another code with these words, and both only after another recipient of the
/// transaction was answered: whoever is asked first in the next one gets an answer that counts.
pub(crate) fn is_too_many_recipients<'a>(
    code: ReplyCode,
    enhanced: Option<EnhancedStatusCode>,
    mut texts: impl Iterator<Item = &'a [u8]>,
    answered_before: usize,
) -> bool {
    let is_said = |text: &[u8]| {
        let mut windows = text.windows(TOO_MANY_RECIPIENTS.len());
        windows.any(|window| window.eq_ignore_ascii_case(TOO_MANY_RECIPIENTS))
    };
    match enhanced {
        Some(enhanced) => enhanced.class != 2 && (enhanced.subject, enhanced.detail) == (5, 3),
        None if answered_before == 0 || code.is_positive() || code.value() == 421 => false,
        None => code.value() == 452 || texts.any(is_said),
    }
}

/// What sendmail, Postfix, Exim and Courier say in any case of letters.
const TOO_MANY_RECIPIENTS: &[u8] = b"too many recipients";

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(lines: &[&str]) -> Option<Reply> {
        Reply::from_lines(lines.iter().map(|line| Line {
            bytes: line.as_bytes(),
            end: LineEnd::CrLf,
            dropped: 0,
        }))
    }

    fn role(line: &str) -> LineRole {
        Line {
            bytes: line.as_bytes(),
            end: LineEnd::CrLf,
            dropped: 0,
        }
        .role()
    }

    #[test]
    fn the_character_after_the_third_digit_decides() {
        let code = ReplyCode(250);
        for last in [
            "250",
            "250 ",
            "250 ok",
            "250 -x",
            "250 250-x",
            "250\tok",
            "250\r",
        ] {
            assert_eq!(role(last), LineRole::Completes(code), "{last:?}");
        }
        for more in ["250-", "250-ok", "250-234 x", "250--"] {
            assert_eq!(role(more), LineRole::Continues(code), "{more:?}");
        }
        for garbage in [
            "",
            "2",
            "25",
            "25x ok",
            "2500",
            "250x",
            " 250 ok",
            "HTTP/1.1 400",
            "25",
            "²50 x",
        ] {
            assert_eq!(role(garbage), LineRole::Garbage, "{garbage:?}");
        }
    }

    #[test]
    fn any_three_digits_are_a_code() {
        for text in ["000", "120", "571", "650", "999"] {
            assert_eq!(reply(&[text]).unwrap().code.to_string(), text);
        }
        assert_eq!(ReplyCode::new(1000), None);
        assert_eq!(ReplyCode(471).class(), ReplyClass::TransientNegative);
        assert_eq!(ReplyCode(0).class(), ReplyClass::Undefined);
    }

    #[test]
    fn the_last_code_counts_and_the_mismatch_is_seen() {
        let reply = reply(&["550-5.1.1 no", "250 2.1.5 yes"]).unwrap();
        assert_eq!(reply.code.value(), 250);
        assert_eq!(reply.enhanced.unwrap().to_string(), "2.1.5");
        assert_eq!(reply.violations, [ReplyViolation::InconsistentCodes]);
        assert_eq!(reply.lines.len(), 2);
    }

    #[test]
    fn lines_without_a_last_one_are_no_reply() {
        assert_eq!(reply(&[]), None);
        assert_eq!(reply(&["250-a", "250-b"]), None);
        assert_eq!(reply(&["250-a", "hello"]), None);
    }

    #[test]
    fn the_first_enhanced_code_that_fits_is_taken_from_any_line() {
        let first = reply(&["550-5.1.1 a", "550 5.7.1 b"]).unwrap();
        assert_eq!(first.enhanced.unwrap().to_string(), "5.1.1");
        let last = reply(&["550-a", "550 5.1.1 b"]).unwrap();
        assert_eq!(last.enhanced.unwrap().to_string(), "5.1.1");
        let only_first = reply(&["550-5.1.1 a", "550 b"]).unwrap();
        assert_eq!(only_first.enhanced.unwrap().to_string(), "5.1.1");
        let fitting = reply(&["550-4.2.2 a", "550 5.1.1 b"]).unwrap();
        assert_eq!(fitting.enhanced.unwrap().to_string(), "5.1.1");
        assert!(fitting.violations.is_empty());
    }

    #[test]
    fn an_enhanced_code_of_another_class_is_kept_aside() {
        for (line, code) in [
            ("450 5.1.1 x", "5.1.1"),
            ("550 4.2.2 x", "4.2.2"),
            ("550 2.1.5 x", "2.1.5"),
        ] {
            let reply = reply(&[line]).unwrap();
            assert_eq!(reply.enhanced, None);
            let [ReplyViolation::EnhancedClass(kept)] = reply.violations[..] else {
                panic!("{:?}", reply.violations);
            };
            assert_eq!(kept.to_string(), code);
        }
    }

    #[test]
    fn text_is_bytes_and_is_shown_lossily() {
        let line = Line {
            bytes: b"550 caf\xe9\x00",
            end: LineEnd::Lf,
            dropped: 7,
        };
        let reply = Reply::from_lines([line]).unwrap();
        assert_eq!(reply.texts().collect::<Vec<_>>(), [b"caf\xe9\x00"]);
        assert_eq!(reply.text_lossy(), "caf\u{fffd}\0");
        assert_eq!(
            reply.violations,
            [ReplyViolation::BareLf, ReplyViolation::TruncatedLine]
        );
    }

    #[test]
    fn too_many_recipients_is_told_from_a_full_disk_and_a_full_mailbox() {
        let too_many = |line: &str, answered| {
            let reply = reply(&[line]).unwrap();
            is_too_many_recipients(reply.code, reply.enhanced, reply.texts(), answered)
        };
        assert!(too_many("452 4.5.3 x", 0));
        assert!(too_many("552 5.5.3 x", 0));
        assert!(too_many("452 x", 1));
        assert!(!too_many("452 x", 0));
        assert!(!too_many("452 4.2.2 x", 1));
        assert!(!too_many("552 5.2.2 x", 1));
        assert!(!too_many("552 x", 1));
        assert!(too_many("552 too many recipients", 1));
        assert!(too_many("431 Too many recipients.", 1));
        assert!(!too_many("552 too many recipients", 0));
        assert!(!too_many("552 5.2.2 too many recipients", 1));
        assert!(!too_many("250 not too many recipients", 1));
        assert!(!too_many("421 too many recipients", 1));
    }
}
