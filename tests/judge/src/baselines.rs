//! What simple judges make of the same replies: what the rules must be better than.

use crate::corpus::{Class, Row, Stage};

/// A judge and its name.
pub type Baseline = (&'static str, fn(&Row) -> Class);

/// All of them.
pub const BASELINES: [Baseline; 3] = [
    ("stage and first digit", first_digit),
    ("enhanced code, then first digit", enhanced_code),
    ("a dozen English phrases", phrases),
];

/// After RCPT 2yz is a mailbox, 5yz is none.
fn first_digit(row: &Row) -> Class {
    match (row.stage, row.code / 100) {
        (Stage::Banner | Stage::Ehlo | Stage::Mail, _) => Class::Nothing,
        (_, 2) => Class::Exists,
        (_, 5) => Class::NotExists,
        _ => Class::Nothing,
    }
}

/// What RFC 3463 says of the code that leads the text.
fn enhanced_code(row: &Row) -> Class {
    let Some((class, subject, detail)) = row.leading_code() else {
        return first_digit(row);
    };
    match (class, subject, detail) {
        (2, ..) | (_, 2, 2) => Class::Exists,
        (_, 1, 7 | 8) => Class::Nothing,
        (5, 1, _) | (5, 2, 1) => Class::NotExists,
        _ => Class::Nothing,
    }
}

/// The phrases that come to mind.
fn phrases(row: &Row) -> Class {
    let text = row.words().to_lowercase();
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    if has(&[
        "mailbox full",
        "mailbox is full",
        "over quota",
        "quota exceeded",
    ]) {
        return Class::Exists;
    }
    let missing = [
        "user unknown",
        "unknown user",
        "no such user",
        "user not found",
        "does not exist",
        "invalid recipient",
        "mailbox unavailable",
        "mailbox not found",
    ];
    match has(&missing) && row.code >= 500 {
        true => Class::NotExists,
        false => Class::Nothing,
    }
}
