//! The policy does not get worse: its figures on the project's replies are held against those of
//! `limits.txt`, and on a file of replies from outside, named by `VRFY_REPLIES`, against what it is
//! to reach.
//!
//! `VRFY_BLESS=1` writes today's figures into `limits.txt`; review the change like code.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and only the environment reaches it"
)]

use std::path::Path;

use vrfy_judge::figures::figures;
use vrfy_judge::tally::{Case, Matrix};
use vrfy_judge::{calibration, corpus, leave_out, page};

/// Condemned or blessed wrongly, in percent: fewer than this.
const WRONG_MAX: f64 = 0.5;
/// Missing mailboxes that are found, in percent: at least this.
const FOUND_MIN: f64 = 97.0;
/// Existing mailboxes that are not condemned, in percent: at least this.
const SPARED_MIN: f64 = 99.0;

#[test]
fn the_figures_on_the_projects_replies_do_not_worsen() {
    let rows = corpus::project().unwrap_or_else(|why| panic!("{why}"));
    let now = figures(&rows);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("limits.txt");
    if std::env::var_os("VRFY_BLESS").is_some() {
        let lines = now.iter().map(|f| format!("{} {:.2}\n", f.name, f.value));
        std::fs::write(&path, lines.collect::<String>()).unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let mut worse = String::new();
    for figure in &now {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(figure.name)?.strip_prefix(' '));
        let line = line.unwrap_or_else(|| panic!("limits.txt has no {}", figure.name));
        let before: f64 = line.parse().unwrap();
        if figure.is_worse_than(before) {
            worse += &format!(
                "{}: {:.2} %, was {before:.2} %\n",
                figure.name, figure.value
            );
        }
    }
    assert!(
        worse.is_empty(),
        "\n{worse}`make judge VERBOSE=1` shows why"
    );
}

#[test]
fn replies_from_outside_are_read_as_well_as_they_must() {
    let Some(path) = std::env::var_os("VRFY_REPLIES") else {
        println!("skipped: VRFY_REPLIES names no file of replies");
        return;
    };
    let mut rows = corpus::load(Path::new(&path)).unwrap_or_else(|why| panic!("{why}"));
    rows.retain(|row| !row.borderline);
    let cases: Vec<Case<'_>> = rows.iter().map(Case::of).collect();
    let matrix = Matrix::of_cases(&cases);
    let (wrong, found) = (matrix.wrong_percent(), matrix.found_percent());
    let spared = matrix.spared_percent();
    println!("{wrong:.2} % wrong, {found:.1} % found, {spared:.1} % spared");
    assert!(wrong < WRONG_MAX, "{wrong:.2} % are condemned or blessed");
    assert!(found >= FOUND_MIN, "only {found:.1} % are found");
    assert!(spared >= SPARED_MIN, "only {spared:.1} % are spared");
}

#[test]
fn no_verdict_claims_more_than_replies_bear_out_or_less_than_they_show() {
    let rows = corpus::project().unwrap_or_else(|why| panic!("{why}"));
    let cases: Vec<Case<'_>> = rows.iter().map(Case::of).collect();
    let mut wrong = String::new();
    let kinds = calibration::kinds(&leave_out::each(&cases));
    assert!(kinds.len() > 5, "{kinds:?}");
    for kind in kinds {
        let least = kind.interval().0.floor();
        let most = kind.borne_out();
        if kind.confidence > most || f64::from(kind.confidence) < least.min(WEAK) {
            wrong += &format!("{kind:?} is not between {least} and {most}\n");
        }
    }
    assert!(
        wrong.is_empty(),
        "\n{wrong}docs/judging.md says what a confidence rests on"
    );
}

/// What weak words may always claim at most: they may do better than this on the corpus, where
/// nobody plays a trick.
const WEAK: f64 = 90.0;

#[test]
fn the_page_has_todays_tables() {
    let rows = corpus::project().unwrap_or_else(|why| panic!("{why}"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/judging.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(page::MARKS.0).unwrap();
    let (old, after) = rest.split_once(page::MARKS.1).unwrap();
    let new = page::tables(&rows);
    if std::env::var_os("VRFY_BLESS").is_some() {
        let whole = [before, page::MARKS.0, &new, page::MARKS.1, after];
        std::fs::write(&path, whole.concat()).unwrap();
        return;
    }
    assert_eq!(
        old, new,
        "docs/judging.md is old: make bless, then review it"
    );
}
