//! The tables of docs/judging.md.

use crate::baselines::BASELINES;
use crate::calibration::kinds;
use crate::corpus::{Class, Row};
use crate::leave_out;
use crate::reliability::{self, BUCKETS};
use crate::tally::{Case, Matrix, percent, wilson};

/// Where the tables begin and end in the page.
pub const MARKS: (&str, &str) = ("<!-- counted: make bless -->\n", "<!-- counted -->\n");

/// All of them, for these replies.
#[must_use]
pub fn tables(rows: &[Row]) -> String {
    let all: Vec<Case<'_>> = rows.iter().map(Case::of).collect();
    let left_out = leave_out::each(&all);
    let unseen: Vec<&Case<'_>> = left_out.iter().flat_map(|left| &left.cases).collect();
    let is_clear = |case: &&Case<'_>| !case.row.borderline;
    let clear: Vec<&Case<'_>> = all.iter().filter(is_clear).collect();
    let mut out = format!(
        "\n{} replies of {} sources; {} of them are borderline and not in the first table.\n\n",
        all.len(),
        left_out.len(),
        all.len() - clear.len()
    );
    out += "| judge | condemned wrongly | blessed wrongly | not_exists found | exists spared |\n";
    out += "|---|---|---|---|---|\n";
    let mut line = |name: &str, matrix: Matrix| {
        out += &format!(
            "| {name} | {} | {} | {:.1} % | {:.1} % |\n",
            matrix.condemned(),
            matrix.blessed(),
            matrix.found_percent(),
            matrix.spared_percent()
        );
    };
    for (name, judge) in BASELINES {
        let pairs = clear.iter().map(|case| (case.row.truth, judge(case.row)));
        line(name, Matrix::of(pairs));
    }
    line("the default policy", of(&clear));
    let unseen_clear: Vec<&Case<'_>> = unseen.iter().copied().filter(is_clear).collect();
    line("the same with the source left out", of(&unseen_clear));
    out += &reliability(&unseen);
    out += "\n| reason | words | claims | borne out | right, source left out | interval (95 %) |\n";
    out += "|---|---|---|---|---|---|\n";
    for kind in kinds(&left_out) {
        let (low, high) = kind.interval();
        out += &format!(
            "| `{}` | {} | {} % | {} % | {} of {} | {low:.0} to {high:.0} % |\n",
            kind.reason,
            if kind.is_plain { "plain" } else { "weak" },
            kind.confidence,
            kind.borne_out(),
            kind.share.right,
            kind.share.all,
        );
    }
    out + "\n"
}

fn of(cases: &[&Case<'_>]) -> Matrix {
    let pairs = cases.iter();
    Matrix::of(pairs.map(|case| (case.row.truth, case.judged.class())))
}

fn reliability(unseen: &[&Case<'_>]) -> String {
    let mut out =
        "\n| confidence | verdicts | right, source left out | interval (95 %) |\n".to_owned();
    out += "|---|---|---|---|\n";
    let shares = reliability::by_confidence(unseen.iter().copied());
    for (at, share) in shares.iter().enumerate() {
        if share.all == 0 {
            continue;
        }
        let most = BUCKETS.get(at + 1).map_or(100, |next| next - 1);
        let (low, high) = wilson(share.right, share.all);
        let right = percent(share.right, share.all);
        out += &format!(
            "| {} to {most} % | {} | {right:.1} % | {low:.0} to {high:.0} % |\n",
            BUCKETS[at], share.all
        );
    }
    let silent = unseen.iter().filter(|case| case.judged.confidence == 0);
    let nothing = silent
        .clone()
        .filter(|case| case.row.truth == Class::Nothing);
    out += &format!(
        "| 0 (unknown) | {} | {:.1} % say nothing | |\n",
        silent.clone().count(),
        percent(nothing.count(), silent.count())
    );
    out
}
