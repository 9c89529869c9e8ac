//! The page of the hard cases is made of the policy cases in `hard-*.toml`: every case there has an
//! `id` that stays, and a `why`, and what it expects is what `cases.rs` holds the policy to.
//! `VRFY_BLESS=1` rewrites the page.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and has no arguments to be blessed with"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

const PAGE: &str = "docs/hard-cases.md";

const HEAD: &str = "# Hard cases

Replies, and successions of replies, of which the obvious reading is wrong, and what the default
policy makes of them. Written by `make bless` from the policy cases in
[tests/data/policies](../tests/data/policies) (the files `hard-*.toml`), which hold natively and
in the sandbox; a test fails when this page is not what they say.

**Arrives** is what the policy is shown, oldest first: a numbered line for each attempt (its
round begins at another time; what is not shown is ordinary), then what decoys were answered.
`//` is a line end. **Decision** is what `settle` records, or how `probe` asks again: the reason,
the wait, the exchange, whether a decoy is asked, how long the lane is held, and behind `else`
what is recorded if nothing more is asked. A verdict is its status, reason, confidence, deciding
rule, and the evidence that decided (`reply 0 3`: attempt 0, reply 3). Indexes count from 0.
";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files of hard cases with their titles and cases, in the order of their names.
fn files() -> Vec<(String, Table)> {
    let entries = fs::read_dir(root().join("tests/data/policies")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    paths.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    let hard = paths.iter().filter(|path| name(path).starts_with("hard-"));
    hard.map(|path| {
        let text = fs::read_to_string(path).unwrap();
        (name(path), text.parse().unwrap())
    })
    .collect()
}

fn cases(file: &Table) -> impl Iterator<Item = &Table> {
    let cases = file["case"].as_array().unwrap();
    cases.iter().map(|case| case.as_table().unwrap())
}

fn text<'a>(case: &'a Table, key: &str) -> &'a str {
    let found = case.get(key).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("a case without {key}: {case:?}"))
}

fn list<'a>(case: &'a Table, key: &str) -> Vec<&'a str> {
    let found = case.get(key).and_then(Value::as_array);
    let items = found.map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| item.as_str().unwrap()).collect()
}

/// What arrives, for a cell of a table.
fn arrives(case: &Table) -> String {
    let mut lines = Vec::new();
    for lookup in list(case, "lookups") {
        lines.push(format!("look-up: `{lookup}`"));
    }
    for (number, attempt) in list(case, "attempts").iter().enumerate() {
        let shown: Vec<String> = attempt.lines().map(|line| format!("`{line}`")).collect();
        lines.push(format!("{number}. {}", shown.join(", ")));
    }
    for decoy in list(case, "decoys") {
        lines.push(format!("decoy: `{decoy}`"));
    }
    for setting in list(case, "settings") {
        lines.push(format!("setting: `{setting}`"));
    }
    lines.join("<br>").replace('|', "\\|")
}

fn render() -> String {
    let mut page = HEAD.to_owned();
    for (_, file) in files() {
        write!(page, "\n## {}\n\n", text(&file, "title")).unwrap();
        page += "| case | arrives | decision | why |\n|---|---|---|---|\n";
        for case in cases(&file) {
            writeln!(
                page,
                "| `{}`<br>{} | {} | `{}` | {} |",
                text(case, "id"),
                text(case, "name"),
                arrives(case),
                text(case, "expect"),
                text(case, "why"),
            )
            .unwrap();
        }
    }
    page
}

#[test]
fn the_page_is_what_the_cases_say() {
    let path = root().join(PAGE);
    let expected = render();
    if std::env::var_os("VRFY_BLESS").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap();
    let difference = found.lines().zip(expected.lines()).find(|(a, b)| a != b);
    assert!(
        found == expected,
        "{PAGE} is not what tests/data/policies/hard-*.toml says; run `make bless`: {difference:#?}"
    );
}

#[test]
fn every_hard_case_has_an_id_of_its_own_and_says_why() {
    let mut ids = BTreeSet::new();
    for (name, file) in files() {
        for case in cases(&file) {
            let id = text(case, "id");
            assert!(ids.insert(id.to_owned()), "{name}: {id} is there twice");
            let why = text(case, "why");
            assert!(why.ends_with('.') && why.len() > 10, "{name}: {id}: {why}");
        }
    }
    assert!(ids.len() > 70, "only {} hard cases", ids.len());
}
