//! Judges the policy by the project's replies with a known meaning, `tests/data/replies.jsonl`:
//! each in a dialogue of its own, with the status and the reason that the line expects.
//!
//! How often it is right, and by replies from outside, is what `make judge` shows; its limits are
//! held by the tests of `tests/judge`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../tests/judge/src/corpus.rs"]
mod corpus;
#[path = "../../tests/judge/src/dialogue.rs"]
mod dialogue;

use vrfy_policy_default::describe;

#[test]
fn replies_of_known_meaning_are_read_right() {
    let rows = corpus::project().unwrap_or_else(|why| panic!("{why}"));
    let reasons = describe().reasons;
    let mut wrong = String::new();
    for row in &rows {
        let (status, reason) = (row.status.as_ref().unwrap(), row.verdict.as_ref().unwrap());
        let judged = dialogue::judge(row);
        if (judged.status, &judged.reason) != (status.as_str(), reason) {
            let (place, id, code, words) = (&row.place, &row.id, row.code, row.words());
            wrong += &format!("{place} ({id}): {code} {words}\n");
            wrong += &format!("    expected {status} {reason}\n    judged   {judged}\n");
            if !reasons.iter().any(|known| known.name == *reason) {
                wrong += &format!("    `{reason}` is no reason of the policy\n");
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
