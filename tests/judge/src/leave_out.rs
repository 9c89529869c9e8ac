//! Leave one source out: what would the policy say to the replies of a source, had it never seen
//! that source?
//!
//! For each source the phrases that occur in its replies alone, and the rules that decide its
//! replies alone, are switched off, and its replies are judged again. A phrase that nobody else's
//! reply shows was perhaps written down from these very lines, so that its success on them proves
//! nothing. The result is a lower bound: rules that come from standards or from a provider's page
//! are switched off with the others, where only one source happens to show them.

use std::collections::{BTreeMap, BTreeSet};

use vrfy_policy_default::study;

use crate::corpus::Row;
use crate::tally::Case;

/// What became of a source's replies.
#[derive(Clone, Debug)]
pub struct LeftOut<'a> {
    /// Its name.
    pub source: &'a str,
    /// The phrases that only its replies have.
    pub phrases: Vec<&'static str>,
    /// The rules that decide its replies alone.
    pub rules: Vec<&'static str>,
    /// Its replies, judged without them.
    pub cases: Vec<Case<'a>>,
}

/// Every source left out in turn, in the order of their names.
#[must_use]
pub fn each<'a>(cases: &[Case<'a>]) -> Vec<LeftOut<'a>> {
    let mut sources: BTreeMap<&str, Vec<Shown<'a>>> = BTreeMap::new();
    for case in cases {
        let shown = Shown::of(case);
        let source = case.row.collection();
        sources.entry(source).or_default().push(shown);
    }
    let names: Vec<&str> = sources.keys().copied().collect();
    names
        .into_iter()
        .map(|source| {
            let others = sources.iter().filter(|(name, _)| **name != source);
            let others = || others.clone().flat_map(|(_, rows)| rows);
            let seen: BTreeSet<u16> = others().flat_map(|shown| &shown.phrases).copied().collect();
            let used: BTreeSet<&str> = others().map(|shown| shown.rule.as_str()).collect();
            leave(source, &sources[source], &seen, &used)
        })
        .collect()
}

/// A reply, what occurs in it and what decided it.
struct Shown<'a> {
    row: &'a Row,
    phrases: Vec<u16>,
    rule: String,
}

impl<'a> Shown<'a> {
    fn of(case: &Case<'a>) -> Self {
        Self {
            row: case.row,
            phrases: study::phrases_in(&case.row.words()),
            rule: case.judged.rule.clone(),
        }
    }
}

fn leave<'a>(
    source: &'a str,
    own: &[Shown<'a>],
    seen: &BTreeSet<u16>,
    used: &BTreeSet<&str>,
) -> LeftOut<'a> {
    let phrases: BTreeSet<u16> = own
        .iter()
        .flat_map(|shown| &shown.phrases)
        .copied()
        .collect();
    let phrases: Vec<u16> = phrases.difference(seen).copied().collect();
    let mine: BTreeSet<&str> = own.iter().map(|shown| shown.rule.as_str()).collect();
    let rules: Vec<&'static str> = study::rules()
        .filter(|rule| mine.contains(rule) && !used.contains(rule))
        .collect();
    let cases = study::without(&phrases, rules.clone(), || {
        own.iter().map(|shown| Case::of(shown.row)).collect()
    });
    LeftOut {
        source,
        phrases: phrases.into_iter().map(study::phrase).collect(),
        rules,
        cases,
    }
}
