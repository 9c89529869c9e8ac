//! What must hold for whatever servers answer: evidence is put together at random from the
//! project's replies, and from acceptances, silences and decoys beside them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../tests/judge/src/corpus.rs"]
mod corpus;
#[path = "../../tests/judge/src/dialogue.rs"]
mod dialogue;

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use vrfy_policy_default::contract::{
    Attempt, Cause, ConnectFailure, Decision, DecoyFinding, Ending, Evidence, Exchange, Fact, Plan,
    Reply, SettingValue, Stage, Status, Verdict,
};
use vrfy_policy_default::decide;

/// A reply of the corpus, with the dialogue before it.
struct Said {
    evidence: Evidence,
    /// What the policy makes of it alone.
    status: &'static str,
}

static CORPUS: LazyLock<Vec<Said>> = LazyLock::new(|| {
    let rows = corpus::project().unwrap_or_else(|why| panic!("{why}"));
    let said = rows.iter().map(|row| Said {
        evidence: dialogue::evidence(row),
        status: dialogue::judge(row).status,
    });
    said.collect()
});

const EXCHANGES: [(&str, u16); 3] = [
    ("mx1.example.com", 10),
    ("mx2.example.com", 10),
    ("mx3.example.com", 20),
];

/// The default policy's own limit, where the settings do not say otherwise.
const ATTEMPTS: u32 = 5;

/// How an attempt went.
#[derive(Clone, Debug)]
enum Went {
    /// It was answered as in the corpus.
    Said(Index),
    Accepted(u16),
    Garbage,
    Silent(Ending),
}

fn went() -> impl Strategy<Value = Went> {
    prop_oneof![
        6 => any::<Index>().prop_map(Went::Said),
        2 => select(vec![250, 251, 252, 221]).prop_map(Went::Accepted),
        1 => Just(Went::Garbage),
        2 => silence().prop_map(Went::Silent),
    ]
}

fn silence() -> impl Strategy<Value = Ending> {
    select(vec![
        Ending::NotConnected(ConnectFailure::TimedOut),
        Ending::NotConnected(ConnectFailure::Refused),
        Ending::Closed(Stage::Ehlo),
        Ending::TimedOut(Stage::RcptTo),
        Ending::ServiceClosing(Stage::RcptTo),
        Ending::TlsFailed("handshake".into()),
        Ending::Violation("unsolicited-reply".into()),
        Ending::NotAsked("smtputf8-not-offered".into()),
    ])
}

prop_compose! {
    fn attempt()(
        went in went(),
        exchange in 0..EXCHANGES.len(),
        same_round in any::<bool>(),
        asked in 0..10_u32,
        refused in 0..10_u32,
        null_path in prop::bool::weighted(0.1),
        wait in 0..20_000_000_u64,
        facts in vec(select(vec![
            ("inconsistent-codes", "rcpt-to 550 250"),
            ("void-reply", "mail-refused 503 need MAIL"),
            ("forward-path", "ana@example.net"),
            ("violation", "bare-lf"),
        ]), 0..2),
    ) -> (Attempt, bool, u64) {
        let mut made = match &went {
            Went::Said(index) => index.get(&CORPUS).evidence.attempts[0].clone(),
            _ => CORPUS[0].evidence.attempts[0].clone(),
        };
        match went {
            Went::Said(_) => {}
            Went::Accepted(code) => made.replies.push(rcpt(Some(code), "ok")),
            Went::Garbage => made.replies.push(rcpt(None, "hello there")),
            Went::Silent(ending) => {
                made.replies.clear();
                made.ending = ending;
            }
        }
        let facts = facts.into_iter();
        made.facts = facts.map(|(name, value)| fact(name, value)).collect();
        made.exchange = u32::try_from(exchange).unwrap();
        made.exchange_name = EXCHANGES[exchange].0.into();
        made.asked_before = asked;
        made.refused_before = refused.min(asked);
        if null_path {
            made.reverse_path.clear();
        }
        (made, same_round, wait)
    }
}

prop_compose! {
    fn evidence()(
        attempts in vec(attempt(), 1..7),
        decoys in vec((went(), 0..EXCHANGES.len()), 0..4),
        exchanges in 1..=EXCHANGES.len(),
        rounds_left in select(vec![0_u32, 10]),
    ) -> Evidence {
        let mut made = CORPUS[0].evidence.clone();
        made.attempts.clear();
        made.budget.rounds_left = rounds_left;
        made.lookups[0].exchanges = EXCHANGES[..exchanges].iter().map(exchange).collect();
        let (mut round, mut started) = (0, 0);
        for (mut attempt, same_round, wait) in attempts {
            if round == 0 || !same_round {
                round += 1;
                started += wait;
            }
            attempt.round = round;
            attempt.started = started;
            made.attempts.push(attempt);
        }
        made.clock.now = started;
        made.decoys = decoys.into_iter().filter_map(|(went, at)| decoy(&went, at)).collect();
        made
    }
}

fn exchange((name, preference): &(&str, u16)) -> Exchange {
    Exchange {
        name: (*name).into(),
        preference: *preference,
        addresses: vec!["192.0.2.1".into()],
    }
}

fn decoy(went: &Went, at: usize) -> Option<DecoyFinding> {
    let reply = match went {
        Went::Said(index) => index.get(&CORPUS).evidence.attempts[0]
            .replies
            .last()?
            .clone(),
        Went::Accepted(code) => rcpt(Some(*code), "ok"),
        Went::Garbage => rcpt(None, "hello there"),
        Went::Silent(_) => return None,
    };
    Some(DecoyFinding {
        asked: 0,
        exchange_name: EXCHANGES[at].0.into(),
        attempt: None,
        reply: Reply {
            stage: Stage::RcptTo,
            ..reply
        },
    })
}

fn rcpt(code: Option<u16>, text: &str) -> Reply {
    Reply {
        stage: Stage::RcptTo,
        code,
        enhanced: None,
        text: text.into(),
        elapsed_ms: 20,
    }
}

fn fact(name: &str, value: &str) -> Fact {
    Fact {
        name: name.into(),
        value: value.into(),
    }
}

/// What is recorded if nothing more is asked.
fn verdict(decision: &Decision) -> &Verdict {
    match decision {
        Decision::Settle(verdict) => verdict,
        Decision::Probe(Plan { otherwise, .. }) => otherwise,
    }
}

fn is_there(evidence: &Evidence, cause: &Cause) -> bool {
    let at = |index: u32| usize::try_from(index).unwrap();
    match cause {
        Cause::Address => true,
        Cause::Lookup(index) => at(*index) < evidence.lookups.len(),
        Cause::Attempt(index) => at(*index) < evidence.attempts.len(),
        Cause::Reply(reference) => evidence
            .attempts
            .get(at(reference.attempt))
            .is_some_and(|attempt| at(reference.reply) < attempt.replies.len()),
        Cause::Decoy(index) => at(*index) < evidence.decoys.len(),
        Cause::Tag(index) => at(*index) < evidence.tags.len(),
    }
}

fn longest_wait(evidence: &Evidence) -> u32 {
    let hint_greatest = 6 * 3_600_000;
    let values = evidence
        .settings
        .iter()
        .map(|setting| match &setting.value {
            SettingValue::Duration(ms) => *ms,
            SettingValue::Durations(list) => list.iter().copied().max().unwrap_or(0),
            _ => 0,
        });
    values.max().unwrap_or(0).max(hint_greatest)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 3_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_decision_is_sound(evidence in evidence()) {
        let decision = decide(&evidence);
        let verdict = verdict(&decision);
        prop_assert!((1..=8).contains(&verdict.because.len()), "{verdict:?}");
        for cause in &verdict.because {
            prop_assert!(is_there(&evidence, cause), "{cause:?}");
        }
        prop_assert!(verdict.confidence <= 100);
        prop_assert_eq!(verdict.confidence == 0, verdict.status == Status::Unknown);
        if let Decision::Probe(plan) = &decision {
            prop_assert!(plan.wait_ms <= longest_wait(&evidence), "{}", plan.wait_ms);
            prop_assert!(evidence.budget.rounds_left > 0);
            prop_assert!(evidence.attempts.last().unwrap().round < ATTEMPTS);
        }
        prop_assert_eq!(&decision, &decide(&evidence));
    }

    #[test]
    fn replies_that_are_not_about_the_mailbox_never_condemn_nor_bless(
        said in vec((any::<Index>(), 0..EXCHANGES.len()), 1..6),
        decoys in vec((went(), 0..EXCHANGES.len()), 0..4),
    ) {
        let silent: Vec<&Said> = CORPUS.iter().filter(|said| said.status == "unknown").collect();
        let mut evidence = CORPUS[0].evidence.clone();
        evidence.attempts.clear();
        evidence.lookups[0].exchanges = EXCHANGES.iter().map(exchange).collect();
        for (round, (index, at)) in (1..).zip(said) {
            let mut attempt = index.get(&silent).evidence.attempts[0].clone();
            attempt.round = round;
            attempt.started = u64::from(round) * 3_600_000;
            attempt.exchange_name = EXCHANGES[at].0.into();
            evidence.attempts.push(attempt);
        }
        evidence.decoys = decoys.into_iter().filter_map(|(went, at)| decoy(&went, at)).collect();
        let decision = decide(&evidence);
        let status = verdict(&decision).status;
        prop_assert!(
            matches!(status, Status::Unknown | Status::Risky),
            "{decision:?}"
        );
    }

    #[test]
    fn a_silent_round_never_turns_a_verdict_into_its_opposite(
        evidence in evidence(),
        silence in silence(),
        at in 0..EXCHANGES.len(),
    ) {
        let before = verdict(&decide(&evidence)).status;
        let mut longer = evidence.clone();
        let last = evidence.attempts.last().unwrap();
        longer.attempts.push(Attempt {
            round: last.round + 1,
            exchange_name: EXCHANGES[at].0.into(),
            replies: Vec::new(),
            ending: silence,
            asked_before: 0,
            refused_before: 0,
            facts: Vec::new(),
            ..last.clone()
        });
        let after = verdict(&decide(&longer)).status;
        let opposite = [Status::Deliverable, Status::Undeliverable];
        prop_assert!(
            before == after || !(opposite.contains(&before) && opposite.contains(&after)),
            "{before:?} became {after:?}"
        );
    }

    #[test]
    fn whatever_a_server_repeats_the_rounds_come_to_an_end(
        went in attempt(),
        decoy_went in went(),
        exchanges in 1..=EXCHANGES.len(),
    ) {
        let mut evidence = CORPUS[0].evidence.clone();
        evidence.attempts.clear();
        evidence.budget.rounds_left = 100;
        evidence.lookups[0].exchanges = EXCHANGES[..exchanges].iter().map(exchange).collect();
        let (attempt, ..) = went;
        let mut rounds = 0;
        let mut now = 0;
        loop {
            rounds += 1;
            prop_assert!(rounds <= ATTEMPTS, "still asking after {rounds} rounds");
            let mut attempt = attempt.clone();
            attempt.round = rounds;
            attempt.started = now;
            evidence.attempts.push(attempt);
            evidence.decoys.extend(decoy(&decoy_went, 0));
            match decide(&evidence) {
                Decision::Settle(_) => break,
                Decision::Probe(plan) => now += u64::from(plan.wait_ms),
            }
            evidence.clock.now = now;
        }
    }
}
