//! Which big provider a domain was meant to be.
//!
//! A domain is compared in two parts, its first label and the ending behind it, with each of the
//! big providers: at most one slip of the fingers in each part, and not too short a name. A slip is
//! a letter too many, too few, another one, or two that changed places (a Damerau-Levenshtein
//! distance of 1). Whether the domain exists is not known here, and what exists is not always what
//! was meant; so the rules are such that a domain of somebody else's is rarely met.

use super::sorted::Sorted;

/// Characters of a name from which on a slip in it can be told from another name: `aol` and `aon`
/// are two companies.
const NAME_LEAST: usize = 5;

/// Endings that exist, and that people type for another one far more often than they mean them.
const MISTYPED: [(&str, &str); 4] = [("co", "com"), ("cm", "com"), ("om", "com"), ("ne", "net")];

const BIG_PROVIDERS: &str = include_str!("../../data/lists/big-providers.txt");

const TOP_LEVEL_DOMAINS: Sorted =
    Sorted::built_in(include_str!("../../data/lists/top-level-domains.txt"));

/// The big providers, the greatest first.
pub(super) fn big_providers() -> impl Iterator<Item = &'static str> {
    let lines = BIG_PROVIDERS.lines();
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The big provider that was meant by a domain in lower-case U-labels; of several the nearest, of
/// equally near ones the greatest.
pub(super) fn meant(domain: &str) -> Option<&'static str> {
    let ending = domain.rsplit_once('.').map_or("", |(_, last)| last);
    let domain = Domain {
        whole: domain,
        characters: domain.chars().count(),
        ending_exists: TOP_LEVEL_DOMAINS.has(ending.chars()),
    };
    let rated = big_providers().filter_map(|big| Some((domain.slips_from(big)?, big)));
    let (slips, big) = rated.min_by_key(|(slips, _)| *slips)?;
    (slips > 0).then_some(big)
}

struct Domain<'a> {
    whole: &'a str,
    characters: usize,
    ending_exists: bool,
}

impl Domain<'_> {
    /// How many slips lead from a big provider to this domain; nothing where it is another one.
    fn slips_from(&self, big: &str) -> Option<u32> {
        // Two slips change no more; this spares most comparisons.
        if self.characters.abs_diff(big.len()) > 2 {
            return None;
        }
        let (big_name, big_ending) = big.split_once('.')?;
        let Some((name, ending)) = self.whole.split_once('.') else {
            // The dot was forgotten.
            let rest = self.whole.strip_prefix(big_name)?;
            return (rest == big_ending).then_some(1);
        };
        let is_long = big_name.len() >= NAME_LEAST;
        let in_name = match name == big_name {
            true => 0,
            false if is_long && is_slip_in_name(name, big_name) => 1,
            false => return None,
        };
        let in_ending = match ending == big_ending {
            true => 0,
            false if is_long && MISTYPED.contains(&(ending, big_ending)) => 1,
            false if !self.ending_exists && is_slip(ending, big_ending) => 1,
            false => return None,
        };
        Some(in_name + in_ending)
    }
}

/// Whether one slip leads from one name to the other. The first letter is the one that people hit:
/// another one there, or one more before it, is another name.
fn is_slip_in_name(name: &str, meant: &str) -> bool {
    let [mut rest, mut rest_meant] = [name.chars(), meant.chars()];
    let begins_alike = rest.next() == rest_meant.next();
    let is_another = rest.as_str() == rest_meant.as_str() || rest.as_str() == meant;
    is_slip(name, meant) && (begins_alike || !is_another)
}

/// Whether the Damerau-Levenshtein distance is 1.
fn is_slip(one: &str, other: &str) -> bool {
    let same = one.chars().zip(other.chars()).take_while(|(a, b)| a == b);
    let same: usize = same.map(|(a, _)| a.len_utf8()).sum();
    let (one, other) = (&one[same..], &other[same..]);
    let [mut a, mut b] = [one.chars(), other.chars()];
    match (a.next(), b.next()) {
        (None, None) => false,
        (None, Some(_)) => b.as_str().is_empty(),
        (Some(_), None) => a.as_str().is_empty(),
        (Some(first), Some(second)) => {
            let [mut after_a, mut after_b] = [a.clone(), b.clone()];
            let swapped = after_a.next() == Some(second) && after_b.next() == Some(first);
            let is_swap = swapped && after_a.as_str() == after_b.as_str();
            let is_other = a.as_str() == b.as_str();
            is_other || is_swap || a.as_str() == other || one == b.as_str()
        }
    }
}
