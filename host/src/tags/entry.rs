//! One line of a list of a tag.

use thiserror::Error;
use vrfy_proto::domain::{DomainName, ParseDomainError};
use vrfy_proto::mailbox::{Mailbox, ParseMailboxError};

/// One entry, as lists are searched for it: lower case, domains as A-labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) text: Box<str>,
    /// Whether it takes the tag away.
    pub(super) is_exception: bool,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TagEntryProblem {
    /// It is no mailbox.
    #[error("{0}; write a mailbox such as ana@example.com")]
    Mailbox(ParseMailboxError),
    /// It is no local part.
    #[error("{0}; write a local part and @, such as info@, for that name at every domain")]
    LocalPart(ParseMailboxError),
    /// It is no domain.
    #[error(
        "{text:?}: {error}; write a domain such as example.com, .example.com for what lies below \
         it too, a local part such as info@, or a mailbox; ! in front takes the tag away"
    )]
    Domain {
        /// What stands there.
        text: String,
        /// What is wrong with it.
        error: ParseDomainError,
    },
    /// A word without a dot.
    #[error("{text:?} has no dot: write {text}@ for a local part, .{text} for a whole ending")]
    Word {
        /// What stands there.
        text: String,
    },
    /// A wildcard.
    #[error("{text:?}: write .example.com for a domain and all that lies below it, without a *")]
    Wildcard {
        /// What stands there.
        text: String,
    },
}

/// Reads a line without its line end; nothing for a blank line and for a comment.
pub(super) fn parse(line: &str) -> Result<Option<Entry>, TagEntryProblem> {
    let text = without_comment(line).trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (is_exception, text) = match text.strip_prefix('!') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text),
    };
    let text = match text.strip_suffix('@') {
        // `"a@` is not at its end: whatever is quoted has a quote there.
        Some(_) => local_part(text)?,
        None if text.contains('@') => mailbox(text)?,
        None => domain(text)?,
    };
    Ok(Some(Entry {
        text: text.into(),
        is_exception,
    }))
}

/// A comment begins with `#` at the beginning of a line or behind white space; elsewhere it is a
/// letter of a local part.
fn without_comment(line: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| {
        let before = line[..*at].chars().next_back();
        before.is_none_or(char::is_whitespace)
    };
    let at = line.match_indices('#').find(begins).map(|(at, _)| at);
    &line[..at.unwrap_or(line.len())]
}

fn local_part(text: &str) -> Result<String, TagEntryProblem> {
    let mailbox = Mailbox::parse(&format!("{text}example.com"));
    let mailbox = mailbox.map_err(TagEntryProblem::LocalPart)?;
    Ok(lower(mailbox.local_part()).chain(['@']).collect())
}

fn mailbox(text: &str) -> Result<String, TagEntryProblem> {
    let mailbox = Mailbox::parse(text).map_err(TagEntryProblem::Mailbox)?;
    let domain = mailbox.domain().to_string();
    let local_part = lower(mailbox.local_part());
    Ok(local_part.chain(['@']).chain(domain.chars()).collect())
}

fn domain(text: &str) -> Result<String, TagEntryProblem> {
    let (dot, name) = match text.strip_prefix('.') {
        Some(name) => (".", name),
        None => ("", text),
    };
    if name.starts_with('*') {
        let text = beginning(text);
        return Err(TagEntryProblem::Wildcard { text });
    }
    match DomainName::parse(name) {
        Ok(name) if name.is_single_label() && dot.is_empty() => Err(TagEntryProblem::Word {
            text: beginning(text),
        }),
        Ok(name) => Ok(format!("{dot}{}", name.as_str())),
        Err(error) => Err(TagEntryProblem::Domain {
            text: beginning(text),
            error,
        }),
    }
}

/// A local part in lower case, letter by letter, as it is compared.
pub(super) fn lower(text: &str) -> impl Iterator<Item = char> + Clone {
    text.chars().flat_map(char::to_lowercase)
}

/// As much of a text as shows which one is meant.
fn beginning(text: &str) -> String {
    const SHOWN_MAX: usize = 60;
    let mut shown: String = text.chars().take(SHOWN_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
