//! The figures that must not worsen.

use crate::corpus::Row;
use crate::leave_out;
use crate::tally::{Case, Matrix, percent};
use crate::vary;

/// A figure: its name, its value, and how far it may worsen before a test fails.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What is counted.
    pub name: &'static str,
    /// In percent.
    pub value: f64,
    /// Whether less is better.
    pub is_error: bool,
    /// In points of percent. A figure with a source left out moves with every reply that is added;
    /// the others do not.
    pub slack: f64,
}

/// Those of these replies, borderline ones left out.
#[must_use]
pub fn figures(rows: &[Row]) -> Vec<Figure> {
    let all: Vec<Case<'_>> = rows.iter().map(Case::of).collect();
    let is_clear = |case: &&Case<'_>| !case.row.borderline;
    let seen = Matrix::of_cases(all.iter().filter(is_clear));
    let left_out = leave_out::each(&all);
    let unseen = left_out.iter().flat_map(|left| &left.cases);
    let unseen = Matrix::of_cases(unseen.filter(is_clear));
    let (varied, changed) = vary::changed(rows);
    let otherwise = 100.0 - percent(varied - changed.len(), varied);
    let figure = |name, value, is_error, slack| Figure {
        name,
        value,
        is_error,
        slack,
    };
    vec![
        figure("wrong", seen.wrong_percent(), true, 0.0),
        figure("not-exists-found", seen.found_percent(), false, 0.5),
        figure("exists-spared", seen.spared_percent(), false, 0.0),
        figure("left-out-wrong", unseen.wrong_percent(), true, 0.5),
        figure("left-out-found", unseen.found_percent(), false, 2.0),
        figure("left-out-spared", unseen.spared_percent(), false, 1.0),
        figure("written-otherwise", otherwise, true, 0.02),
    ]
}

impl Figure {
    /// Whether the figure is worse than `before` by more than its slack.
    #[must_use]
    pub fn is_worse_than(&self, before: f64) -> bool {
        let worsened = match self.is_error {
            true => self.value - before,
            false => before - self.value,
        };
        worsened > self.slack + ROUNDING
    }
}

/// Figures are written with two decimals.
const ROUNDING: f64 = 0.005;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_found_and_more_wrong_is_worse() {
        let mut figure = Figure {
            name: "wrong",
            value: 1.0,
            is_error: true,
            slack: 0.5,
        };
        assert!(figure.is_worse_than(0.4));
        assert!(!figure.is_worse_than(0.5));
        assert!(!figure.is_worse_than(2.0));
        figure.is_error = false;
        assert!(figure.is_worse_than(1.6));
        assert!(!figure.is_worse_than(0.0));
    }
}
