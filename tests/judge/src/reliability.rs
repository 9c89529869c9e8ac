//! Whether the confidence of a verdict means something: of the verdicts that claim so much, how
//! many are right?

use std::collections::BTreeMap;

use crate::tally::Case;

/// Verdicts that belong together, and how many of them are right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Right ones.
    pub right: usize,
    /// All.
    pub all: usize,
}

impl Share {
    pub(crate) fn add(&mut self, case: &Case<'_>) {
        self.all += 1;
        self.right += usize::from(case.is_right());
    }
}

/// The lower ends of the buckets of confidence, in percent.
pub const BUCKETS: [u8; 7] = [1, 50, 60, 70, 80, 90, 95];

/// The verdicts that claim something, by their confidence: one share for each of [`BUCKETS`].
pub fn by_confidence<'a>(cases: impl IntoIterator<Item = &'a Case<'a>>) -> [Share; BUCKETS.len()] {
    let mut shares = [Share::default(); BUCKETS.len()];
    for case in cases {
        let confidence = case.judged.confidence;
        if let Some(bucket) = BUCKETS.iter().rposition(|least| *least <= confidence) {
            shares[bucket].add(case);
        }
    }
    shares
}

/// All verdicts by their reason.
pub fn by_reason<'a>(cases: impl IntoIterator<Item = &'a Case<'a>>) -> BTreeMap<String, Share> {
    let mut shares: BTreeMap<String, Share> = BTreeMap::new();
    for case in cases {
        shares
            .entry(case.judged.reason.clone())
            .or_default()
            .add(case);
    }
    shares
}
