//! What must hold in every world, one named check each.
//!
//! A check reads what was seen from outside and from the far end of every connection; it knows
//! nothing of how the program came to it. That each of them can fail is shown by
//! `simulation/mutants.rs`.

use super::log::Observed;

mod dialogues;
mod records;
mod turns;

/// Something that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The name of the check.
    pub check: &'static str,
    /// What was seen instead.
    pub message: String,
}

/// A check: what it finds, in sentences.
type Check = fn(&Observed, &mut Vec<String>);

/// Every check with its name.
pub const CHECKS: &[(&str, Check)] = &[
    ("every input reaches exactly one record", records::one_each),
    ("the run ends, and says how", records::ends),
    ("a reply is recorded for whom it was given", records::truth),
    ("no answer is lost", records::nothing_lost),
    ("decoys are no mailboxes", records::decoys),
    ("every ask is in the report once", turns::reported_once),
    ("one mailbox is asked once at a time", turns::one_at_a_time),
    (
        "no more sessions than the limits say",
        turns::session_limits,
    ),
    ("a probe keeps its egress", turns::egress_kept),
    ("a permit has an end", turns::permit_ends),
    ("nothing is asked before it is due", turns::due),
    ("a held lane is left alone", turns::holds),
    ("rounds are counted", turns::rounds),
    ("nothing begins after the time to give up", turns::gives_up),
    ("a stop is obeyed", turns::stops),
    ("nothing is left over", turns::left_over),
    ("every octet is accounted for", dialogues::octets),
    ("what is kept is bounded", dialogues::bounds),
    ("a session ends within its budget", dialogues::budget),
    ("the client keeps to the rules", dialogues::manners),
    (
        "only allowed addresses are connected to",
        dialogues::addresses,
    ),
];

/// Everything that does not hold.
pub fn all(observed: &Observed) -> Vec<Failure> {
    CHECKS
        .iter()
        .flat_map(|(name, check)| {
            let mut found = Vec::new();
            check(observed, &mut found);
            found.into_iter().map(|message| Failure {
                check: name,
                message,
            })
        })
        .collect()
}

/// The connections that a transcript was handed over for.
pub(super) fn transcribed(observed: &Observed) -> Vec<usize> {
    dialogues::transcripts(observed).map(|(id, _)| id).collect()
}
