//! Counting: truth against verdict, and what a count of so few replies can show.

use std::collections::BTreeMap;

use crate::corpus::{Class, Row};
use crate::dialogue::{Judged, judge};

/// A reply with the verdict on it.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// The reply.
    pub row: &'a Row,
    /// What the policy said.
    pub judged: Judged,
}

impl<'a> Case<'a> {
    /// Judges the reply.
    #[must_use]
    pub fn of(row: &'a Row) -> Self {
        Self {
            row,
            judged: judge(row),
        }
    }

    /// Whether the verdict takes the reply for what it is.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.judged.class() == self.row.truth
    }

    /// Whether it claims something that is not so; saying nothing is not wrong.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        let class = self.judged.class();
        class != Class::Nothing && class != self.row.truth
    }
}

/// Truth down, verdict across.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Matrix([[usize; 3]; 3]);

impl Matrix {
    /// Counts pairs of truth and verdict.
    pub fn of(pairs: impl IntoIterator<Item = (Class, Class)>) -> Self {
        let mut matrix = Self::default();
        for (truth, verdict) in pairs {
            matrix.0[truth as usize][verdict as usize] += 1;
        }
        matrix
    }

    /// Counts cases.
    pub fn of_cases<'a>(cases: impl IntoIterator<Item = &'a Case<'a>>) -> Self {
        let cases = cases.into_iter();
        Self::of(cases.map(|case| (case.row.truth, case.judged.class())))
    }

    /// One cell.
    #[must_use]
    pub fn at(&self, truth: Class, verdict: Class) -> usize {
        self.0[truth as usize][verdict as usize]
    }

    /// How many replies are of this truth.
    #[must_use]
    pub fn of_truth(&self, truth: Class) -> usize {
        self.0[truth as usize].iter().sum()
    }

    /// How many replies there are.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.iter().flatten().sum()
    }

    /// Mailboxes called missing by a reply that does not say so.
    #[must_use]
    pub fn condemned(&self) -> usize {
        self.at(Class::Exists, Class::NotExists) + self.at(Class::Nothing, Class::NotExists)
    }

    /// Mailboxes called there by a reply that does not say so.
    #[must_use]
    pub fn blessed(&self) -> usize {
        self.at(Class::NotExists, Class::Exists) + self.at(Class::Nothing, Class::Exists)
    }

    /// Condemned and blessed, in percent of all.
    #[must_use]
    pub fn wrong_percent(&self) -> f64 {
        percent(self.condemned() + self.blessed(), self.total())
    }

    /// Missing mailboxes that were found, in percent.
    #[must_use]
    pub fn found_percent(&self) -> f64 {
        let found = self.at(Class::NotExists, Class::NotExists);
        percent(found, self.of_truth(Class::NotExists))
    }

    /// Existing mailboxes that were not condemned, in percent.
    #[must_use]
    pub fn spared_percent(&self) -> f64 {
        let condemned = self.at(Class::Exists, Class::NotExists);
        let all = self.of_truth(Class::Exists);
        percent(all - condemned, all)
    }
}

/// A share in percent; of nothing it is 100.
#[must_use]
pub fn percent(part: usize, whole: usize) -> f64 {
    match whole {
        0 => 100.0,
        _ => 100.0 * part as f64 / whole as f64,
    }
}

/// The interval that holds the true share with 95 % confidence (Wilson), in percent.
#[must_use]
pub fn wilson(part: usize, whole: usize) -> (f64, f64) {
    if whole == 0 {
        return (0.0, 100.0);
    }
    let (n, z) = (whole as f64, 1.96_f64);
    let share = part as f64 / n;
    let middle = share + z * z / (2.0 * n);
    let half = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    let bound = |value: f64| (100.0 * value / scale).clamp(0.0, 100.0);
    (bound(middle - half), bound(middle + half))
}

/// The cases by what `key` says of them, in its order.
pub fn by<'a, K: Ord>(
    cases: &'a [Case<'a>],
    key: impl Fn(&'a Case<'a>) -> K,
) -> BTreeMap<K, Vec<&'a Case<'a>>> {
    let mut groups: BTreeMap<K, Vec<&Case<'_>>> = BTreeMap::new();
    for case in cases {
        groups.entry(key(case)).or_default().push(case);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_as_wilson_has_it() {
        let (low, high) = wilson(9, 10);
        assert!((low - 59.6).abs() < 0.1 && (high - 98.2).abs() < 0.1);
        assert_eq!(wilson(0, 0), (0.0, 100.0));
    }

    #[test]
    fn a_matrix_counts_what_is_condemned_and_blessed() {
        use Class::{Exists, NotExists, Nothing};
        let matrix = Matrix::of([
            (Exists, NotExists),
            (Nothing, NotExists),
            (NotExists, Exists),
            (NotExists, NotExists),
            (NotExists, Nothing),
            (Nothing, Nothing),
        ]);
        assert_eq!((matrix.condemned(), matrix.blessed()), (2, 1));
        assert!((matrix.wrong_percent() - 50.0).abs() < 1e-9);
        assert!((matrix.found_percent() - 100.0 / 3.0).abs() < 1e-9);
        assert!(matrix.spared_percent() < 1e-9);
    }
}
