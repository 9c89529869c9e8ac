//! Replies with a known meaning: JSON Lines, a reply a line. docs/judging.md has the fields.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the tests of the policy, which use some of it"
)]

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// A reply, and what it means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Names the reply; without it `FILE:LINE`.
    #[serde(default)]
    pub id: String,
    /// Where it was found: `OWNER/REPOSITORY:PATH`, the address of a page, or `vrfy`.
    pub source: String,
    /// Who sent it, where known.
    #[serde(default)]
    pub provider: String,
    pub stage: Stage,
    pub code: u16,
    /// The enhanced code, for reading; the policy is shown the one that leads the text.
    #[serde(default)]
    pub enhanced: String,
    /// Lines joined by a newline, with or without the code before each.
    pub text: String,
    /// Its language (BCP 47).
    #[serde(default)]
    pub language: Option<String>,
    pub truth: Class,
    /// Finer than the truth; one of [`REASONS`].
    pub reason: String,
    /// Careful people can disagree about the truth.
    #[serde(default)]
    pub borderline: bool,
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    pub licence: String,
    /// The exchange that sent it, where that matters.
    #[serde(default)]
    pub exchange: Option<String>,
    /// What the policy is to say where nothing else is known: its status...
    #[serde(default)]
    pub status: Option<String>,
    /// ...and its reason.
    #[serde(default)]
    pub verdict: Option<String>,
    /// Where it stands, for errors.
    #[serde(skip)]
    pub place: String,
}

/// What a reply says about the mailbox, and what a verdict takes it for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    Exists,
    NotExists,
    Nothing,
}

/// The step that the reply answers.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Banner,
    Ehlo,
    Mail,
    Rcpt,
    /// After DATA: read as if it had been said to RCPT.
    Data,
    /// The source does not say: read as if it had been said to RCPT.
    Unknown,
}

/// What `reason` may be.
pub const REASONS: [&str; 19] = [
    "auth_required",
    "content",
    "domain_unknown",
    "greylisted",
    "ip_blocked",
    "mailbox_disabled",
    "mailbox_full",
    "network",
    "ok",
    "other",
    "policy",
    "rate_limited",
    "relay_denied",
    "sender_blocked",
    "size",
    "syntax",
    "system_error",
    "tls_required",
    "user_unknown",
];

impl Class {
    pub const ALL: [Self; 3] = [Self::Exists, Self::NotExists, Self::Nothing];

    pub fn name(self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::NotExists => "not_exists",
            Self::Nothing => "nothing",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Row {
    /// The collection that it comes from: what its lines share is one person's choice of replies.
    pub fn collection(&self) -> &str {
        if let Some((_, rest)) = self.source.split_once("://") {
            return rest.split('/').next().unwrap_or(rest);
        }
        self.source.split(':').next().unwrap_or(&self.source)
    }

    /// The text without the code before each line, as a session hands it over.
    pub fn words(&self) -> String {
        let code = format!("{:03}", self.code);
        let lines = self.text.lines().map(|line| {
            let rest = line.strip_prefix(&code).unwrap_or(line);
            match rest.len() < line.len() {
                true => rest.trim_start_matches(['-', ' ']),
                false => line,
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The enhanced code that leads the text.
    pub fn leading_code(&self) -> Option<(u8, u16, u16)> {
        let words = self.words();
        let word = words.split([' ', '\n']).next()?;
        let mut parts = word.split('.');
        let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || !["2", "4", "5"].contains(&class) {
            return None;
        }
        Some((
            class.parse().ok()?,
            subject.parse().ok()?,
            detail.parse().ok()?,
        ))
    }
}

/// The project's replies.
pub fn project_path() -> PathBuf {
    let mut folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    while !folder.join("tests/data").is_dir() {
        folder = folder.parent().expect("the package is in the tree");
    }
    folder.join("tests/data/replies.jsonl")
}

/// Reads the project's replies and holds them to its rules.
pub fn project() -> Result<Vec<Row>, String> {
    let path = project_path();
    let text = fs::read_to_string(&path).map_err(|why| format!("{}: {why}", path.display()))?;
    let mut rows = parse("tests/data/replies.jsonl", &text)?;
    let mut seen = HashMap::new();
    for row in &mut rows {
        row.language.get_or_insert_with(|| "en".to_owned());
        let place = &row.place;
        let wrong = |what: &str| Err(format!("{place}: {what}"));
        if row.status.is_none() || row.verdict.is_none() {
            return wrong("`status` and `verdict` must say what the policy is to conclude");
        }
        if !["documented", "observed", "written"].contains(&row.kind.as_str()) {
            return wrong("`kind` must be observed, documented or written");
        }
        if let Some(address) = somebodys(&row.text) {
            return wrong(&format!(
                "`{address}` may belong to somebody: use a reserved one, as ana@example.com or \
                 192.0.2.1"
            ));
        }
        let key = (row.stage, row.code, row.words());
        if let Some(first) = seen.insert(key, place.clone()) {
            return wrong(&format!("the same reply stands at {first}"));
        }
    }
    Ok(rows)
}

/// Reads a file of replies from outside.
pub fn load(path: &Path) -> Result<Vec<Row>, String> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|why| format!("{name}: {why}"))?;
    parse(&name, &text)
}

fn parse(name: &str, text: &str) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    let mut ids = HashMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let place = format!("{name}:{number}");
        let mut row: Row =
            serde_json::from_str(line).map_err(|why| format!("{place}: {why}\n    {line}"))?;
        let wrong = |what: String| Err(format!("{place}: {what}"));
        if !(200..600).contains(&row.code) {
            return wrong(format!("`code` must be 200 to 599, not {}", row.code));
        }
        if !REASONS.contains(&row.reason.as_str()) {
            let reasons = REASONS.join(", ");
            return wrong(format!("`{}` is no reason; they are {reasons}", row.reason));
        }
        if row.source.is_empty() || row.text.is_empty() {
            return wrong("`source` and `text` must not be empty".to_owned());
        }
        if row.id.is_empty() {
            row.id.clone_from(&place);
        }
        if let Some(first) = ids.insert(row.id.clone(), place.clone()) {
            return wrong(format!("the id {} is taken by {first}", row.id));
        }
        row.place = place;
        rows.push(row);
    }
    match rows.is_empty() {
        true => Err(format!("{name}: there is no reply in it")),
        false => Ok(rows),
    }
}

/// A mailbox or an IPv4 address in the text that is not reserved for examples.
fn somebodys(text: &str) -> Option<String> {
    let is_of = |c: char| c.is_ascii_alphanumeric() || ".-_@+=".contains(c);
    let words = text.split(|c| !is_of(c)).map(|word| word.trim_matches('.'));
    words
        .filter(|word| match word.split_once('@') {
            Some((local, domain)) if !local.is_empty() && domain.contains('.') => {
                !is_reserved(domain)
            }
            _ => word
                .parse()
                .is_ok_and(|address: std::net::Ipv4Addr| !is_for_examples(address)),
        })
        .map(str::to_owned)
        .next()
}

fn is_reserved(domain: &str) -> bool {
    let domain = domain.to_ascii_lowercase();
    let tops = ["example", "test", "invalid", "localhost"];
    let is_top = tops
        .iter()
        .any(|top| domain.rsplit('.').next() == Some(top));
    let names = ["example.com", "example.net", "example.org"];
    is_top
        || names.iter().any(|name| {
            domain
                .strip_suffix(name)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
}

fn is_for_examples(address: std::net::Ipv4Addr) -> bool {
    address.is_documentation()
        || address.is_private()
        || address.is_loopback()
        || address.octets()[0] == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = concat!(
        r#"{"source":"vrfy","stage":"rcpt","code":550,"text":"no","#,
        r#""truth":"nothing","reason":"policy"}"#
    );

    #[test]
    fn an_error_names_the_line() {
        let unknown = GOOD.replace("\"reason\"", "\"raeson\"");
        let text = format!("{GOOD}\n\n{unknown}\n");
        let error = parse("file", &text).unwrap_err();
        assert!(
            error.starts_with("file:3: unknown field `raeson`"),
            "{error}"
        );
        let error = parse("file", &GOOD.replace("550", "55")).unwrap_err();
        assert!(error.starts_with("file:1: `code`"), "{error}");
        let error = parse("file", &GOOD.replace("policy", "mood")).unwrap_err();
        assert!(error.starts_with("file:1: `mood`"), "{error}");
        assert!(parse("file", "\n").is_err());
    }

    #[test]
    fn addresses_of_others_are_found() {
        let others = ["550 <joe@strangers.test.com>: no", "from [198.41.0.4]: no"];
        for text in others {
            assert!(somebodys(text).is_some(), "{text}");
        }
        for text in [
            "<ana@mx.example.com>: no",
            "[192.0.2.7], 5.1.1 v4.3.2.1x no@",
        ] {
            assert_eq!(somebodys(text), None, "{text}");
        }
    }

    #[test]
    fn the_code_before_a_line_is_no_word() {
        let mut row = parse("file", GOOD).unwrap().remove(0);
        row.text = "550-5.1.1 first\n550 second\n5501 third".into();
        assert_eq!(row.words(), "5.1.1 first\nsecond\n1 third");
        assert_eq!(row.leading_code(), Some((5, 1, 1)));
    }
}
