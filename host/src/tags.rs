//! What lists say about an address: tags, and a suggestion where its domain looks mistyped.
//!
//! ```text
//! info@                    a local part at every domain (whatever stands behind a + beside it)
//! example.com              the mailboxes of a domain
//! .example.com             those of a domain and of whatever lies below it
//! ana@example.com          one mailbox
//! !ENTRY                   not this, whatever other lists say
//! ```
//!
//! Three tags have lists in the program ([`ROLE_ACCOUNT`], [`DISPOSABLE_DOMAIN`],
//! [`FREE_PROVIDER`]); an operator adds lists to them, corrects them, and makes tags of his own.
//!
//! **Promises.** A tag is what a list says and nothing else: no name is looked up for it, and
//! nothing that is asked depends on it. Tags come in the order of their names, each once. Looking
//! an address up allocates nothing but its tags and takes microseconds.
//!
//! **Does not** say what a tag means for a verdict: that is the policy's.
//!
//! Read next: `tags/entry.rs` (a line), `tags/sorted.rs` (a list), `tags/typo.rs` (suggestions);
//! `docs/tags.md` for users.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use vrfy_proto::domain::Domain;
use vrfy_proto::mailbox::Mailbox;

pub use self::entry::TagEntryProblem;
pub use self::error::TagError;
pub use self::read::{TAG_BYTES_MAX, TAG_LINES_MAX};
use self::sorted::Sorted;
use crate::list_lines::Room;
use crate::policy::is_name;

mod entry;
mod error;
mod read;
mod sorted;
#[cfg(test)]
mod tests;
mod typo;

/// The tag of local parts that name a role: `info`, `postmaster`.
pub const ROLE_ACCOUNT: &str = "role-account";

/// The tag of domains whose mailboxes are made to be thrown away.
pub const DISPOSABLE_DOMAIN: &str = "disposable-domain";

/// The tag of domains at which anybody gets a mailbox.
pub const FREE_PROVIDER: &str = "free-provider";

/// Tags of a run: each one costs every address a few searches, and a table of an operator a column.
pub const TAG_NAMES_MAX: usize = 32;

const BUILT_IN: [(&str, Sorted); 3] = [
    (
        DISPOSABLE_DOMAIN,
        Sorted::built_in(include_str!("../data/lists/disposable-domains.txt")),
    ),
    (
        FREE_PROVIDER,
        Sorted::built_in(include_str!("../data/lists/free-providers.txt")),
    ),
    (
        ROLE_ACCOUNT,
        Sorted::built_in(include_str!("../data/lists/role-accounts.txt")),
    ),
];

/// A list of the operator's, and the tag that it gives: `NAME=FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagFile {
    /// The tag.
    pub name: String,
    /// The list.
    pub path: PathBuf,
}

impl FromStr for TagFile {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, TagError> {
        match text.split_once('=') {
            Some((name, path)) if is_name(name) && !path.is_empty() => Ok(Self {
                name: name.to_owned(),
                path: PathBuf::from(path),
            }),
            _ => Err(TagError::Argument {
                text: text.to_owned(),
            }),
        }
    }
}

/// The tags of a run. Without any lists, as by default, there are none, and no suggestions.
#[derive(Clone, Debug, Default)]
pub struct Tags {
    tags: Vec<Tag>,
    suggests: bool,
}

#[derive(Clone, Debug, Default)]
struct Tag {
    name: String,
    built_in: Sorted,
    own: Sorted,
    exceptions: Sorted,
}

impl Tags {
    /// The lists of the program.
    pub fn built_in() -> Self {
        let tags = BUILT_IN.map(|(name, built_in)| Tag {
            name: name.to_owned(),
            built_in,
            ..Tag::default()
        });
        Self {
            tags: tags.into(),
            suggests: true,
        }
    }

    /// Adds the lists of the operator.
    pub fn with_files(self, files: &[TagFile]) -> Result<Self, TagError> {
        self.with(files, &mut { read::ROOM })
    }

    fn with(mut self, files: &[TagFile], room: &mut Room) -> Result<Self, TagError> {
        let mut own: BTreeMap<&str, [Vec<Box<str>>; 2]> = BTreeMap::new();
        for TagFile { name, path } in files {
            let lists = own.entry(name).or_default();
            read::file(path, room, |entry| {
                lists[usize::from(entry.is_exception)].push(entry.text);
            })?;
        }
        for (name, [entries, exceptions]) in own {
            let at = self.tags.iter().position(|tag| tag.name == name);
            let at = at.unwrap_or_else(|| {
                self.tags.push(Tag {
                    name: name.to_owned(),
                    ..Tag::default()
                });
                self.tags.len() - 1
            });
            self.tags[at].own = Sorted::of(entries);
            self.tags[at].exceptions = Sorted::of(exceptions);
        }
        if self.tags.len() > TAG_NAMES_MAX {
            return Err(TagError::TooManyNames);
        }
        self.tags.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(self)
    }

    /// The tags of a mailbox, in the order of their names.
    pub fn of(&self, mailbox: &Mailbox) -> Vec<String> {
        let tags = self.tags.iter().filter(|tag| tag.covers(mailbox));
        tags.map(|tag| tag.name.clone()).collect()
    }

    /// The address that was probably meant, where the domain looks like a big provider's mistyped
    /// and is not known as a provider's itself.
    pub fn suggestion(&self, mailbox: &Mailbox) -> Option<String> {
        let name = mailbox.domain().name().filter(|_| self.suggests)?;
        let provider = self.tags.iter().find(|tag| tag.name == FREE_PROVIDER);
        if provider.is_some_and(|tag| tag.covers(mailbox)) {
            return None;
        }
        let meant = typo::meant(&name.to_unicode())?;
        Some(format!("{}@{meant}", mailbox.local_part()))
    }
}

impl Tag {
    fn covers(&self, mailbox: &Mailbox) -> bool {
        let is_named = is_in(&self.built_in, mailbox) || is_in(&self.own, mailbox);
        is_named && !is_in(&self.exceptions, mailbox)
    }
}

/// Whether any entry of a list covers a mailbox.
fn is_in(list: &Sorted, mailbox: &Mailbox) -> bool {
    if list.is_empty() {
        return false;
    }
    let local_part = mailbox.local_part();
    let plain = local_part
        .split_once('+')
        .map_or(local_part, |(name, _)| name);
    let local = |text| entry::lower(text).chain(['@']);
    if list.has(local(local_part)) || (plain != local_part && list.has(local(plain))) {
        return true;
    }
    let name = match mailbox.domain() {
        Domain::Name(name) => name.as_str(),
        Domain::Literal(literal) => {
            let literal = literal.to_string();
            return list.has(local(local_part).chain(literal.chars()));
        }
    };
    let mut below = Some(name);
    while let Some(suffix) = below {
        if list.has(['.'].into_iter().chain(suffix.chars())) {
            return true;
        }
        below = suffix.split_once('.').map(|(_, above)| above);
    }
    list.has(name.chars()) || list.has(local(local_part).chain(name.chars()))
}
