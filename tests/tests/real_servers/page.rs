//! The tables of `docs/real-servers.md`, made from the matrix, so that the page cannot fall behind.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result, ensure};
use vrfy_tests::program;
use vrfy_tests::servers::catalogue::{Need, SERVERS};

use crate::matrix::Case;

/// Where the page is, from the root of the workspace.
const PAGE: &str = "docs/real-servers.md";
/// What stands before and after the part that is made.
const BORDERS: [&str; 2] = ["<!-- made from the matrix -->\n", "<!-- end -->\n"];

/// Compares the page with the matrix; with `VRFY_BLESS` set it is rewritten.
pub(crate) fn check(cases: &[Case]) -> Result<()> {
    let path = program::root().join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    let [begin, end] = BORDERS;
    let (head, rest) = page.split_once(begin).context("the page has no begin")?;
    let (found, tail) = rest.split_once(end).context("the page has no end")?;
    let expected = made_from(cases);
    if std::env::var_os("VRFY_BLESS").is_some() {
        let page = format!("{head}{begin}{expected}{end}{tail}");
        return fs::write(&path, page).with_context(|| format!("cannot write {PAGE}"));
    }
    ensure!(
        found == expected,
        "{PAGE} differs from the matrix: `make bless` rewrites it\n{expected}"
    );
    Ok(())
}

fn made_from(cases: &[Case]) -> String {
    let mut text = String::from("| server | software | cases | in CI |\n|---|---|---|---|\n");
    let mut line = |row: String| writeln!(text, "{row}").expect("a string takes every write");
    for server in SERVERS {
        let own = cases.iter().filter(|case| case.server.name == server.name);
        let need = match server.need {
            Need::Required => "required",
            Need::Optional => "optional",
        };
        let (name, software) = (server.name, server.software);
        line(format!(
            "| {name} | {software} | {} | {need} |",
            own.count()
        ));
    }
    line("\n| kind | servers |\n|---|---|".to_owned());
    let mut kinds: Vec<&str> = Vec::new();
    for case in cases {
        let kind = kind_of(case);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    for kind in kinds {
        let has = |name: &str| {
            let mut own = cases.iter().filter(|case| case.server.name == name);
            own.any(|case| kind_of(case) == kind)
        };
        let names = SERVERS.iter().map(|server| server.name);
        let names: Vec<&str> = names.filter(|name| has(name)).collect();
        line(format!("| {kind} | {} |", names.join(", ")));
    }
    text
}

/// What stands before the first comma: the rest tells cases of one kind apart.
fn kind_of(case: &Case) -> &'static str {
    case.kind.split(',').next().unwrap_or(case.kind)
}
