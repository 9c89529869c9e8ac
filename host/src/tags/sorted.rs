//! A sorted list, searched where it lies.
//!
//! One entry a line in the order of its bytes. Lines that begin with `#` stand before all entries,
//! because `#` sorts before whatever an entry can begin with. So a file of the tree is a table
//! already: nothing is built when the program starts, and a search allocates nothing.

use std::borrow::Cow;
use std::cmp::Ordering;

/// A sorted list.
#[derive(Clone, Debug, Default)]
pub(super) struct Sorted {
    text: Cow<'static, str>,
}

impl Sorted {
    /// A list that is sorted already.
    pub(super) const fn built_in(text: &'static str) -> Self {
        Self {
            text: Cow::Borrowed(text),
        }
    }

    /// Sorts entries.
    pub(super) fn of(mut entries: Vec<Box<str>>) -> Self {
        entries.sort_unstable();
        entries.dedup();
        let mut text = String::with_capacity(entries.iter().map(|entry| entry.len() + 1).sum());
        for entry in entries {
            text.push_str(&entry);
            text.push('\n');
        }
        Self {
            text: Cow::Owned(text),
        }
    }

    /// Whether an entry is these characters.
    pub(super) fn has(&self, characters: impl Iterator<Item = char> + Clone) -> bool {
        let bytes = self.text.as_bytes();
        // Both are always the beginning of a line, or the end of the text.
        let (mut low, mut high) = (0, bytes.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let begin = memchr::memrchr(b'\n', &bytes[low..middle]).map_or(low, |at| low + at + 1);
            let end = memchr::memchr(b'\n', &bytes[begin..]).map_or(bytes.len(), |at| begin + at);
            // UTF-8 sorts as its characters do.
            match self.text[begin..end].chars().cmp(characters.clone()) {
                Ordering::Equal => return true,
                Ordering::Less => low = (end + 1).min(bytes.len()),
                Ordering::Greater => high = begin,
            }
        }
        false
    }

    /// Whether there is no entry, nor a comment.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    #[cfg(test)]
    /// All entries.
    pub(super) fn entries(&self) -> impl Iterator<Item = &str> {
        self.text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
    }
}
