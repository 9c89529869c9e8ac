//! Domain names in lower-case A-labels.

use std::borrow::Cow;
use std::fmt;
use std::iter;
use std::str::FromStr;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::column_at;
use super::error::ParseDomainError;
use crate::special_use::{self, SpecialUse};

/// Longest name in octets of text: 255 octets on the wire of DNS, less the length octet of the
/// first label and the empty root label (RFC 1035 section 2.3.4). RFC 5321 section 4.5.3.1.2 would
/// allow 255.
pub const DOMAIN_NAME_MAX: usize = 253;

/// Longest label in octets (RFC 1035 section 2.3.4).
pub const LABEL_MAX: usize = 63;

/// Longest text that is read as a domain, in octets. A name of [`DOMAIN_NAME_MAX`] octets may be
/// written with four octets for every one, and decomposed letters take a little more; what is
/// longer than this cannot become a name, and the cost of refusing it must not grow with it.
pub const DOMAIN_INPUT_MAX: usize = 1_280;

/// A full domain name in lower-case A-labels, without a trailing dot.
///
/// Build it with [`DomainName::parse`]; it can hold nothing invalid.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainName {
    ascii: String,
}

impl DomainName {
    /// Reads a name in any case, as A-labels, as U-labels or as a mixture.
    pub fn parse(text: &str) -> Result<Self, ParseDomainError> {
        if text.is_empty() {
            return Err(ParseDomainError::Empty);
        }
        if text.len() > DOMAIN_INPUT_MAX {
            return Err(ParseDomainError::InputTooLong { octets: text.len() });
        }
        check_written(text)?;
        let ascii = to_a_labels(text)?;
        check_lengths(text, &ascii)?;
        check_top_level(text, &ascii)?;
        Ok(Self { ascii })
    }

    /// The name as it is asked for in DNS and sent in SMTP.
    pub fn as_str(&self) -> &str {
        &self.ascii
    }

    /// The labels from left to right; there is at least one.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.ascii.split('.')
    }

    /// The name in the scripts of its labels, for people. Different names may look the same.
    pub fn to_unicode(&self) -> Cow<'_, str> {
        if has_a_label(&self.ascii) {
            unicode_of(&self.ascii)
        } else {
            Cow::Borrowed(&self.ascii)
        }
    }

    /// Whether the name is a single label (`ai`): grammatical, but hardly ever meant.
    pub fn is_single_label(&self) -> bool {
        !self.ascii.contains('.')
    }

    /// The reservation that keeps this name out of Internet mail, if there is one.
    pub fn special_use(&self) -> Option<SpecialUse> {
        special_use::find(self)
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.ascii)
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DomainName({})", self.ascii)
    }
}

impl FromStr for DomainName {
    type Err = ParseDomainError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// What can be seen before any mapping: characters, empty labels, hyphens. These checks know the
/// column, which the mapping forgets.
fn check_written(text: &str) -> Result<(), ParseDomainError> {
    let foreign = |found: &char| found.is_ascii() && !found.is_ascii_alphanumeric();
    for (offset, found) in text.char_indices() {
        let unexpected = foreign(&found) && found != '-' && found != '.';
        if unexpected || found.is_control() || found.is_whitespace() {
            return Err(ParseDomainError::UnexpectedCharacter {
                found,
                column: column_at(text, offset),
            });
        }
    }
    for (offset, label) in labels_as_written(text) {
        let column = column_at(text, offset);
        if label.is_empty() {
            return Err(
                if offset == text.len() && offset > 0 && text.chars().count() > 1 {
                    ParseDomainError::TrailingDot { column: column - 1 }
                } else {
                    ParseDomainError::EmptyLabel { column }
                },
            );
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(ParseDomainError::HyphenAtEdge {
                label: label.to_owned(),
                column,
            });
        }
    }
    Ok(())
}

/// Maps and checks by UTS #46; names in plain letters, digits and hyphens need neither.
fn to_a_labels(text: &str) -> Result<String, ParseDomainError> {
    if text.is_ascii() && !has_a_label(text) {
        return Ok(text.to_ascii_lowercase());
    }
    match uts46(text) {
        Some(ascii) => Ok(ascii),
        None => Err(blame(text)),
    }
}

fn uts46(text: &str) -> Option<String> {
    let ascii = Uts46::new()
        .to_ascii(
            text.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Ignore,
        )
        .ok()?;
    let sound = ascii
        .split('.')
        .all(|label| !label.starts_with("xn--") || is_sound(label));
    sound.then(|| ascii.into_owned())
}

/// U-labels may not have hyphens in the third and fourth place (RFC 5891 section 4.2.3.1). Plain
/// ASCII labels of that form exist (`ab--cd`), which is why the hyphen check of UTS #46 is too
/// broad.
fn is_sound(a_label: &str) -> bool {
    !unicode_of(a_label).chars().skip(2).take(2).eq("--".chars())
}

/// Finds the label that UTS #46 refused.
fn blame(text: &str) -> ParseDomainError {
    for (offset, label) in labels_as_written(text) {
        if uts46(label).is_some() {
            continue;
        }
        let (column, label) = (column_at(text, offset), label.to_owned());
        return if is_a_label(&label) {
            ParseDomainError::InvalidALabel { label, column }
        } else {
            ParseDomainError::InvalidUnicodeLabel { label, column }
        };
    }
    ParseDomainError::MixedDirections
}

/// Mapping may empty a label (it drops soft hyphens) or lengthen it, so this comes after it.
fn check_lengths(text: &str, ascii: &str) -> Result<(), ParseDomainError> {
    let written: Vec<_> = labels_as_written(text).map(|(offset, _)| offset).collect();
    for (index, label) in ascii.split('.').enumerate() {
        let column = written
            .get(index)
            .map_or(1, |offset| column_at(text, *offset));
        if label.is_empty() {
            return Err(ParseDomainError::EmptyLabel { column });
        }
        if label.len() > LABEL_MAX {
            return Err(ParseDomainError::LabelTooLong {
                label: label.to_owned(),
                octets: label.len(),
                column,
            });
        }
    }
    if ascii.len() > DOMAIN_NAME_MAX {
        return Err(ParseDomainError::TooLong {
            octets: ascii.len(),
        });
    }
    Ok(())
}

/// A top-level name is never a number (RFC 3696 section 2), and an address needs its brackets.
fn check_top_level(text: &str, ascii: &str) -> Result<(), ParseDomainError> {
    let start = ascii.rfind('.').map_or(0, |dot| dot + 1);
    let label = &ascii[start..];
    if !label.bytes().all(|octet| octet.is_ascii_digit()) {
        return Ok(());
    }
    let offset = labels_as_written(text)
        .last()
        .map_or(0, |(offset, _)| offset);
    Err(ParseDomainError::NumericTopLevel {
        label: label.to_owned(),
        column: column_at(text, offset),
    })
}

/// The labels and where they begin, split at every character that UTS #46 maps to a dot.
fn labels_as_written(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let after_dots = text
        .match_indices(is_dot)
        .map(|(offset, dot)| offset + dot.len());
    iter::once(0).chain(after_dots).map(|start| {
        (
            start,
            text[start..].split(is_dot).next().unwrap_or_default(),
        )
    })
}

fn is_dot(found: char) -> bool {
    matches!(found, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}')
}

fn has_a_label(text: &str) -> bool {
    text.split('.').any(is_a_label)
}

fn is_a_label(label: &str) -> bool {
    label
        .get(..4)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case("xn--"))
}

fn unicode_of(ascii: &str) -> Cow<'_, str> {
    Uts46::new()
        .to_unicode(
            ascii.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
        )
        .0
}
