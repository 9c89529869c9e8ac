//! The rules as the files have them.

use std::fs;

use serde::Deserialize;
use vrfy_tests::program::root;

/// One file: the rules of one section.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Section {
    pub(crate) title: String,
    /// The first letter of its rules' names.
    pub(crate) letter: char,
    /// How many rules it has.
    pub(crate) rules: usize,
    pub(crate) rule: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) id: String,
    /// What it asks, in a sentence.
    pub(crate) rule: String,
    /// How strongly: as its document has it for a client, `(server)` where it binds the other side
    /// and we survive its breach, or `practice` or `ours` where no document asks for it.
    pub(crate) level: String,
    /// Document and section.
    pub(crate) source: String,
    /// What shows it: `path::test`, a dialogue, or a policy case as `path::its name`.
    #[serde(default)]
    pub(crate) tests: Vec<String>,
    /// How it is met, where the tests do not say it.
    pub(crate) how: Option<String>,
    /// Why it is not met.
    pub(crate) exception: Option<String>,
}

/// All sections in the order of their files' names.
pub(crate) fn sections() -> Vec<Section> {
    let folder = root().join("tests/data/conformance");
    let entries = fs::read_dir(&folder).expect("the folder of the rules is in the tree");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).expect("a file of rules is UTF-8 text");
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    files.iter().map(read).collect()
}
