//! The same reply, written otherwise: what the policy must not depend on.
//!
//! Servers differ in case, punctuation, line breaks, and in whether they quote the mailbox, their
//! name, a link or a queue id. None of this changes what a reply means, so none may change what it
//! is taken for. Unlike the replies themselves, the variations were written by nobody.

use crate::corpus::Row;
use crate::dialogue::{MAILBOX, judge};

/// A way to write a reply otherwise: its name, and what it makes of the words behind the leading
/// enhanced code.
type Variation = (&'static str, fn(&str) -> String);

const VARIATIONS: [Variation; 13] = [
    ("in capitals", |text| text.to_uppercase()),
    ("in small letters", |text| text.to_lowercase()),
    ("without its last stop", |text| {
        text.trim_end_matches(['.', '!', ' ']).to_owned()
    }),
    ("with a last stop", |text| {
        format!("{}.", text.trim_end_matches(['.', '!', ' ']))
    }),
    ("on one line", |text| text.replace('\n', " ")),
    ("on two lines", two_lines),
    ("with wide spaces", |text| text.replace(' ', "  ")),
    ("behind the mailbox", |text| format!("<{MAILBOX}>: {text}")),
    ("before the mailbox", |text| format!("{text} <{MAILBOX}>")),
    ("behind a host name", |text| {
        format!("mx1.example.com: {text}")
    }),
    ("before a host name", |text| {
        format!("{text} - mx1.example.com")
    }),
    ("before a link", |text| {
        format!("{text} https://example.com/help/spam?p=full")
    }),
    ("before a queue id", |text| {
        format!("{text} [4Xq7Zt2kR0z9 - a1b2c3d4e5]")
    }),
];

/// A reply whose class a variation changes.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The variation.
    pub name: &'static str,
    /// The reply, written so.
    pub row: Row,
    /// What it is taken for now, in words.
    pub judged: String,
    /// What it was taken for.
    pub before: String,
}

/// How many varied replies were judged, and those that are taken for something else.
#[must_use]
pub fn changed(rows: &[Row]) -> (usize, Vec<Changed>) {
    let mut changed = Vec::new();
    for row in rows {
        let before = judge(row);
        for (name, vary) in VARIATIONS {
            let mut varied = row.clone();
            varied.text = rewritten(row, vary);
            let judged = judge(&varied);
            if judged.class() != before.class() {
                changed.push(Changed {
                    name,
                    row: varied,
                    judged: judged.to_string(),
                    before: before.to_string(),
                });
            }
        }
    }
    (rows.len() * VARIATIONS.len(), changed)
}

fn rewritten(row: &Row, vary: fn(&str) -> String) -> String {
    let words = row.words();
    match row.leading_code() {
        None => vary(&words),
        Some((class, subject, detail)) => {
            let code = format!("{class}.{subject}.{detail}");
            let rest = words.strip_prefix(&code).unwrap_or(&words);
            format!("{code} {}", vary(rest.trim_start()))
        }
    }
}

/// Broken at the space next to its middle.
fn two_lines(text: &str) -> String {
    let middle = text.len() / 2;
    let spaces = text.match_indices(' ').map(|(at, _)| at);
    match spaces.min_by_key(|at| at.abs_diff(middle)) {
        Some(at) => format!("{}\n{}", &text[..at], &text[at + 1..]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leading_code_stays_in_front() {
        let line = r#"{"source":"vrfy","stage":"rcpt","code":550,"text":"550 5.1.1 No such user","#;
        let line = format!(r#"{line}"truth":"not_exists","reason":"user_unknown"}}"#);
        let row: Row = serde_json::from_str(&line).unwrap();
        let behind = rewritten(&row, |text| format!("<{MAILBOX}>: {text}"));
        assert_eq!(behind, "5.1.1 <ana@example.com>: No such user");
        assert_eq!(rewritten(&row, two_lines), "5.1.1 No such\nuser");
    }
}
