//! What a server did, seen by a policy: from the wire to a decision.
//!
//! Input: eight bytes that choose what else is known, the texts that a policy may be shown beside
//! the session (each ends with NUL), then the input of a [`crate::session`], whose record becomes
//! the attempts and decoys. This crate makes the evidence and checks the decision; the policy
//! runtime stands between, and only those who build it run it.
//!
//! Holds: evidence of any kind is taken by the runtime, whose edge copies it into the contract's
//! types; the built-in policy decides without a fault, twice the same; and what it decides stays
//! within the contract.

use vrfy_proto::domain::Domain;
use vrfy_proto::evidence::{
    Address, AddressProblem, Budget, Cause, Clock, ConnectFailure, Decision, Ending, Evidence,
    Exchange, Fact, Lookup, LookupOutcome, MailboxFacts, Setting, Verdict,
};
use vrfy_proto::mailbox::Mailbox;

use crate::cursor::Cursor;
use crate::session;

/// Attempts shown at most.
const ATTEMPTS_MAX: usize = 8;

/// The evidence that an input describes.
///
/// # Panics
///
/// Where the session in it does not keep its promises.
#[must_use]
pub fn evidence(input: &[u8], settings: Vec<Setting>) -> Evidence {
    let mut cursor = Cursor::new(input);
    let kind = cursor.byte();
    let list = usize::from(cursor.byte() % 5);
    let rounds = cursor.byte();
    let rounds_left = cursor.byte();
    let now_ms = u64::from(cursor.u16()) << 16;
    let ending = cursor.byte();
    let repeated = usize::from(cursor.byte() % 4);
    let text = cursor.text();
    let given = cursor.text();
    let (transcript, _) = session::held(cursor.into_rest());
    let mut attempts = session::check_views(&transcript);
    let of_one: Vec<_> = attempts.iter().take(1).cloned().collect();
    for _ in 0..repeated {
        attempts.extend(of_one.clone());
    }
    attempts.truncate(ATTEMPTS_MAX);
    for (index, attempt) in attempts.iter_mut().enumerate() {
        attempt.round = u32::from(rounds).wrapping_add(u32::try_from(index).unwrap_or(0));
        attempt.exchange = index as u32;
    }
    if let Some(attempt) = attempts.last_mut() {
        attempt.ending = other_ending(ending, &text).unwrap_or_else(|| attempt.ending.clone());
    }
    let view = vrfy_proto::attempt_view::SessionView::new(&transcript);
    let decoys = view.decoys().into_iter().map(|(_, finding)| finding);
    let facts = vec![Fact::new("provider", text.as_str()); list];
    Evidence {
        address: address(&given),
        lookups: lookups(kind, list, &text),
        decoys: decoys.collect(),
        attempts,
        tags: vec![text; list],
        facts,
        clock: Clock {
            now_ms,
            probe_started_ms: now_ms / 2,
        },
        budget: Budget {
            rounds_left: rounds_left.into(),
            deadline_ms: kind.is_multiple_of(2).then_some(now_ms.saturating_mul(2)),
        },
        settings,
    }
}

fn address(given: &str) -> Address {
    let mailbox = match Mailbox::parse(given) {
        Ok(mailbox) => Ok(MailboxFacts {
            wire: mailbox.to_string(),
            local_part: mailbox.local_part().to_owned(),
            domain: mailbox.domain().to_string(),
            unicode_domain: match mailbox.domain() {
                Domain::Name(name) => name.to_unicode().into_owned(),
                Domain::Literal(literal) => literal.to_string(),
            },
            needs_smtputf8: mailbox.needs_smtputf8(),
        }),
        Err(error) => Err(AddressProblem {
            code: error.code().to_owned(),
            message: error.to_string(),
            column: u32::try_from(error.column()).ok(),
        }),
    };
    Address {
        given: given.to_owned(),
        mailbox,
    }
}

fn lookups(kind: u8, count: usize, text: &str) -> Vec<Lookup> {
    let outcomes = [
        LookupOutcome::Exchanges,
        LookupOutcome::ImplicitMx,
        LookupOutcome::NullMx,
        LookupOutcome::AddressLiteral,
        LookupOutcome::SpecialUse(text.to_owned()),
        LookupOutcome::NxDomain,
        LookupOutcome::NoData,
        LookupOutcome::NoUsableExchange,
        LookupOutcome::NoUsableExchangeNow,
        LookupOutcome::ServFail,
        LookupOutcome::Refused,
        LookupOutcome::TimedOut,
        LookupOutcome::Other(text.to_owned()),
    ];
    let lookup = |index: usize| Lookup {
        started_ms: index as u64,
        elapsed_ms: 7,
        outcome: outcomes[(usize::from(kind) + index) % outcomes.len()].clone(),
        exchanges: (0..index)
            .map(|place| Exchange {
                name: text.to_owned(),
                preference: u16::from(kind),
                addresses: vec![text.to_owned(); place],
            })
            .collect(),
        facts: vec![Fact::new("ttl", text); index],
    };
    (0..count).map(lookup).collect()
}

/// Endings that no session has, because no connection came about.
fn other_ending(choice: u8, text: &str) -> Option<Ending> {
    let failure = match choice {
        1 => ConnectFailure::Refused,
        2 => ConnectFailure::TimedOut,
        3 => ConnectFailure::Unreachable,
        4 => ConnectFailure::NotPublic(text.to_owned()),
        5 => ConnectFailure::Other(text.to_owned()),
        6 => return Some(Ending::NotAsked(text.to_owned())),
        7 => return Some(Ending::Other(text.to_owned())),
        _ => return None,
    };
    Some(Ending::NotConnected(failure))
}

/// Checks that a decision stays within the contract.
///
/// # Panics
///
/// Where it does not.
pub fn check_decision(evidence: &Evidence, decision: &Decision) {
    let causes = match decision {
        Decision::Settle(verdict) => {
            check_verdict(verdict);
            &verdict.because
        }
        Decision::Probe(plan) => {
            assert!(!plan.reason.is_empty());
            check_verdict(&plan.otherwise);
            check_causes(evidence, &plan.otherwise.because);
            &plan.because
        }
    };
    check_causes(evidence, causes);
}

fn check_verdict(verdict: &Verdict) {
    assert!(verdict.confidence <= 100);
    assert!(!verdict.reason.is_empty());
}

fn check_causes(evidence: &Evidence, causes: &[Cause]) {
    for cause in causes {
        let (index, length) = match *cause {
            Cause::Address => continue,
            Cause::Lookup(index) => (index, evidence.lookups.len()),
            Cause::Attempt(index) => (index, evidence.attempts.len()),
            Cause::Decoy(index) => (index, evidence.decoys.len()),
            Cause::Tag(index) => (index, evidence.tags.len()),
            Cause::Reply { attempt, reply } => {
                (reply, evidence.attempts[attempt as usize].replies.len())
            }
        };
        assert!(
            (index as usize) < length,
            "{cause:?} is not in the evidence"
        );
    }
}
