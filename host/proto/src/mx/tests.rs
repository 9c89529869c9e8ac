use proptest::prelude::*;

use super::*;
use crate::domain::{Domain, DomainName};

fn domain() -> DomainName {
    DomainName::parse("example.com").unwrap()
}

fn mx(preference: u16, exchange: &str) -> MxRecord {
    MxRecord {
        preference,
        exchange: exchange.to_owned(),
    }
}

fn records(records: &[(u16, &str)]) -> DnsAnswer<MxRecord> {
    DnsAnswer::Records(
        records
            .iter()
            .map(|(preference, name)| mx(*preference, name))
            .collect(),
    )
}

fn step(answer: DnsAnswer<MxRecord>) -> MxStep {
    order(&domain(), answer, 1, MxCaps::default())
}

fn candidates(answer: DnsAnswer<MxRecord>) -> Candidates {
    match step(answer) {
        MxStep::Resolve(candidates) => candidates,
        MxStep::Settled(plan) => panic!("settled as {:?}", plan.outcome),
    }
}

fn settled(answer: DnsAnswer<MxRecord>) -> MxPlan {
    match step(answer) {
        MxStep::Settled(plan) => plan,
        MxStep::Resolve(candidates) => panic!("would ask for {:?}", candidates.exchanges()),
    }
}

fn names(candidates: &Candidates) -> Vec<&str> {
    candidates
        .exchanges()
        .iter()
        .map(|candidate| candidate.name.as_str())
        .collect()
}

fn addresses(v4: &[&str], v6: &[&str]) -> AddressAnswers {
    AddressAnswers {
        v4: DnsAnswer::Records(v4.iter().map(|text| text.parse().unwrap()).collect()),
        v6: DnsAnswer::Records(v6.iter().map(|text| text.parse().unwrap()).collect()),
    }
}

#[test]
fn exchanges_are_sorted_by_preference() {
    let answer = records(&[
        (20, "b.test."),
        (0, "c.test."),
        (10, "A.test."),
        (65535, "d.test."),
    ]);
    let candidates = candidates(answer);
    assert_eq!(names(&candidates), ["c.test", "a.test", "b.test", "d.test"]);
    assert!(
        candidates
            .exchanges()
            .iter()
            .all(|candidate| !candidate.implicit)
    );
}

#[test]
fn equal_exchanges_come_first_equally_often() {
    let equals = [
        (10, "a.test."),
        (10, "b.test."),
        (10, "c.test."),
        (20, "z.test."),
    ];
    let mut first = [0; 3];
    for seed in 0..1_000 {
        let MxStep::Resolve(found) = order(&domain(), records(&equals), seed, MxCaps::default())
        else {
            panic!("exchanges expected");
        };
        assert_eq!(names(&found)[3], "z.test");
        let index = ["a.test", "b.test", "c.test"]
            .iter()
            .position(|name| *name == names(&found)[0]);
        first[index.unwrap()] += 1;
    }
    assert!(
        first.iter().all(|count| (280..=390).contains(count)),
        "{first:?}"
    );
}

#[test]
fn the_seed_alone_decides_the_order_of_equals() {
    let one = records(&[
        (10, "a.test."),
        (10, "b.test."),
        (10, "c.test."),
        (5, "d.test."),
    ]);
    let rotated = records(&[
        (10, "c.test."),
        (5, "d.test."),
        (10, "a.test."),
        (10, "b.test."),
    ]);
    for seed in [0, 1, 2, u64::MAX] {
        let plan = |answer| order(&domain(), answer, seed, MxCaps::default());
        assert_eq!(plan(one.clone()), plan(rotated.clone()));
    }
}

#[test]
fn failures_of_the_mx_question_are_settled_without_asking_for_addresses() {
    for (answer, outcome) in [
        (DnsAnswer::NxDomain, MxOutcome::NxDomain),
        (DnsAnswer::ServFail, MxOutcome::ServFail),
        (DnsAnswer::Refused, MxOutcome::Refused),
        (DnsAnswer::TimedOut, MxOutcome::TimedOut),
        (
            DnsAnswer::Other("bogus".into()),
            MxOutcome::Other("bogus".into()),
        ),
    ] {
        let plan = settled(answer);
        assert_eq!((plan.outcome, plan.exchanges), (outcome, vec![]));
    }
}

#[test]
fn without_mx_records_the_domain_is_its_own_exchange() {
    for answer in [DnsAnswer::NoData, DnsAnswer::Records(vec![])] {
        let found = candidates(answer);
        let itself = Candidate {
            name: "example.com".into(),
            preference: 0,
            implicit: true,
        };
        assert_eq!(found.exchanges(), [itself]);
        let plan = found.into_plan(vec![addresses(&["192.0.2.1"], &[])]);
        assert_eq!(plan.outcome, MxOutcome::ImplicitMx);
        assert!(plan.exchanges[0].implicit);
    }
}

#[test]
fn the_outcome_of_an_implicit_mx_is_that_of_its_addresses() {
    for (v4, v6, outcome) in [
        (DnsAnswer::NoData, DnsAnswer::NoData, MxOutcome::NoData),
        (DnsAnswer::NxDomain, DnsAnswer::NxDomain, MxOutcome::NoData),
        (DnsAnswer::NoData, DnsAnswer::ServFail, MxOutcome::ServFail),
        (DnsAnswer::TimedOut, DnsAnswer::NoData, MxOutcome::TimedOut),
        (DnsAnswer::Refused, DnsAnswer::NoData, MxOutcome::Refused),
        (
            DnsAnswer::Other("x".into()),
            DnsAnswer::NoData,
            MxOutcome::Other("x".into()),
        ),
    ] {
        let plan = candidates(DnsAnswer::NoData).into_plan(vec![AddressAnswers { v4, v6 }]);
        assert_eq!(plan.outcome, outcome);
    }
}

#[test]
fn null_mx_settles_at_once() {
    let plan = settled(records(&[(0, ".")]));
    assert_eq!(
        (plan.outcome, plan.exchanges, plan.notes),
        (MxOutcome::NullMx, vec![], vec![])
    );
}

#[test]
fn null_mx_with_another_preference_or_repeated_is_null_mx_with_a_note() {
    let plan = settled(records(&[(10, ".")]));
    assert_eq!(plan.outcome, MxOutcome::NullMx);
    assert_eq!(plan.notes, [MxNote::NullMxPreference(10)]);
    assert_eq!(
        settled(records(&[(5, "."), (0, "")])).outcome,
        MxOutcome::NullMx
    );
}

#[test]
fn a_root_exchange_beside_real_ones_is_left_out_with_a_note() {
    let plan = candidates(records(&[(0, "."), (10, "a.test.")]))
        .into_plan(vec![addresses(&["192.0.2.1"], &[])]);
    assert_eq!(plan.outcome, MxOutcome::Exchanges);
    assert_eq!(plan.exchanges[0].name, "a.test");
    assert_eq!(plan.notes, [MxNote::RootBesideOthers { preference: 0 }]);
}

#[test]
fn exchanges_that_are_no_names_are_left_out_with_a_note() {
    let odd = [
        "192.0.2.1.",
        "2001:db8::1",
        "a b.test.",
        "-a.test",
        "a..test",
        "\\195\\188.test.",
    ];
    for exchange in odd {
        let plan = settled(records(&[(10, exchange)]));
        assert_eq!(
            plan.outcome,
            MxOutcome::NoUsableExchange { temporary: false },
            "{exchange}"
        );
        assert_eq!(plan.notes.len(), 1);
        let found = candidates(records(&[(10, exchange), (20, "a.test.")]));
        assert_eq!(names(&found), ["a.test"], "{exchange}");
    }
    let note = &settled(records(&[(10, "192.0.2.1.")])).notes[0];
    assert_eq!(
        note.to_string(),
        "MX 10 \"192.0.2.1.\" is an address, not a name, left out"
    );
}

#[test]
fn an_exchange_with_an_underscore_is_used() {
    assert_eq!(
        names(&candidates(records(&[(10, "MX_1.x.test.")]))),
        ["mx_1.x.test"]
    );
}

#[test]
fn an_exchange_listed_twice_counts_once_at_its_lowest_preference() {
    let found = candidates(records(&[(20, "a.test."), (10, "A.TEST"), (15, "b.test.")]));
    assert_eq!(names(&found), ["a.test", "b.test"]);
    assert_eq!(found.exchanges()[0].preference, 10);
}

#[test]
fn five_hundred_exchanges_are_capped_and_counted() {
    let many = (0..500).map(|n| mx(n, &format!("mx{n}.test."))).collect();
    let found = candidates(DnsAnswer::Records(many));
    assert_eq!(found.exchanges().len(), EXCHANGES_MAX);
    assert_eq!(names(&found)[EXCHANGES_MAX - 1], "mx15.test");
    let plan = found.into_plan(vec![]);
    assert_eq!(plan.notes, [MxNote::ExchangesLeftOut(484)]);
}

#[test]
fn five_hundred_faulty_exchanges_leave_few_notes_of_bounded_length() {
    let long = "x ".repeat(1_000);
    let many = (0..500).map(|n| mx(n, &long)).collect();
    let plan = settled(DnsAnswer::Records(many));
    assert_eq!(plan.notes.len(), NOTES_MAX + 1);
    assert_eq!(plan.notes[NOTES_MAX], MxNote::NotesLeftOut(484));
    for note in &plan.notes[..NOTES_MAX] {
        let MxNote::ExchangeIsNoName(record) = note else {
            panic!("{note}")
        };
        assert_eq!(record.exchange.len(), NOTE_TEXT_MAX);
    }
}

#[test]
fn addresses_alternate_between_families_in_the_order_of_the_resolver() {
    let answers = addresses(&["192.0.2.9", "192.0.2.1", "192.0.2.5"], &["2001:db8::9"]);
    let plan = candidates(records(&[(10, "a.test.")])).into_plan(vec![answers]);
    let shown: Vec<String> = plan.exchanges[0]
        .addresses
        .iter()
        .map(IpAddr::to_string)
        .collect();
    assert_eq!(
        shown,
        ["2001:db8::9", "192.0.2.9", "192.0.2.1", "192.0.2.5"]
    );
    assert_eq!(plan.exchanges[0].address_answer, AddressAnswer::Addresses);
}

#[test]
fn addresses_are_capped_for_each_exchange_and_for_the_plan() {
    let caps = MxCaps {
        addresses_per_exchange: 2,
        addresses: 3,
        ..MxCaps::default()
    };
    let answer = records(&[(1, "a.test."), (2, "b.test."), (3, "c.test.")]);
    let MxStep::Resolve(found) = order(&domain(), answer, 1, caps) else {
        panic!()
    };
    let three = || addresses(&["192.0.2.1", "192.0.2.2", "192.0.2.3"], &[]);
    let plan = found.into_plan(vec![three(), three(), three()]);
    let counts: Vec<usize> = plan.exchanges.iter().map(|e| e.addresses.len()).collect();
    assert_eq!(counts, [2, 1, 0]);
    let left_out = |exchange: &str, count| {
        let exchange = exchange.to_owned();
        MxNote::AddressesLeftOut { exchange, count }
    };
    let expected = [
        left_out("a.test", 1),
        left_out("b.test", 2),
        left_out("c.test", 3),
    ];
    assert_eq!(plan.notes, expected);
    assert_eq!(plan.outcome, MxOutcome::Exchanges);
}

#[test]
fn a_cap_of_zero_still_takes_one() {
    let caps = MxCaps {
        exchanges: 0,
        addresses_per_exchange: 0,
        addresses: 0,
    };
    let answer = records(&[(1, "a.test."), (2, "b.test.")]);
    let MxStep::Resolve(found) = order(&domain(), answer, 1, caps) else {
        panic!()
    };
    assert_eq!(names(&found), ["a.test"]);
    let plan = found.into_plan(vec![addresses(&["192.0.2.1", "192.0.2.2"], &[])]);
    assert_eq!(plan.exchanges[0].addresses.len(), 1);
}

#[test]
fn dead_exchanges_are_permanent_unless_dns_failed_for_one() {
    let answer = |v4, v6| AddressAnswers { v4, v6 };
    let dead = || answer(DnsAnswer::NxDomain, DnsAnswer::NxDomain);
    let empty = || answer(DnsAnswer::NoData, DnsAnswer::NoData);
    for (second, temporary, kept) in [
        (empty(), false, AddressAnswer::NoData),
        (dead(), false, AddressAnswer::NxDomain),
        (
            answer(DnsAnswer::NoData, DnsAnswer::NxDomain),
            false,
            AddressAnswer::NxDomain,
        ),
        (
            answer(DnsAnswer::ServFail, DnsAnswer::NoData),
            true,
            AddressAnswer::ServFail,
        ),
        (
            answer(DnsAnswer::NxDomain, DnsAnswer::TimedOut),
            true,
            AddressAnswer::TimedOut,
        ),
        (
            answer(DnsAnswer::Refused, DnsAnswer::Refused),
            true,
            AddressAnswer::Refused,
        ),
    ] {
        let found = candidates(records(&[(10, "a.test."), (20, "b.test.")]));
        let plan = found.into_plan(vec![dead(), second]);
        assert_eq!(plan.outcome, MxOutcome::NoUsableExchange { temporary });
        assert_eq!(plan.exchanges[1].address_answer, kept);
    }
}

#[test]
fn one_family_is_enough_when_dns_failed_for_the_other() {
    let mut answers = addresses(&["192.0.2.1"], &[]);
    answers.v6 = DnsAnswer::ServFail;
    let plan = candidates(records(&[(10, "a.test.")])).into_plan(vec![answers]);
    assert_eq!(plan.outcome, MxOutcome::Exchanges);
}

#[test]
fn a_candidate_without_answers_was_not_answered_in_time() {
    let plan = candidates(records(&[(10, "a.test.")])).into_plan(vec![]);
    assert_eq!(
        plan.outcome,
        MxOutcome::NoUsableExchange { temporary: true }
    );
    assert_eq!(plan.exchanges[0].address_answer, AddressAnswer::TimedOut);
}

#[test]
fn a_literal_is_planned_without_dns() {
    let literal = Domain::parse("[IPv6:2001:db8::1]").unwrap();
    let plan = without_dns(&literal, ReservedNames::LookUp).unwrap();
    assert_eq!(plan.outcome, MxOutcome::AddressLiteral);
    assert_eq!(plan.exchanges[0].name, "[IPv6:2001:db8::1]");
    assert_eq!(
        plan.exchanges[0].addresses,
        ["2001:db8::1".parse::<IpAddr>().unwrap()]
    );
    let unknown = Domain::parse("[x400:abc]").unwrap();
    let plan = without_dns(&unknown, ReservedNames::LookUp).unwrap();
    assert_eq!(
        (plan.outcome, plan.exchanges),
        (MxOutcome::UnknownLiteral, vec![])
    );
}

#[test]
fn a_reserved_name_is_settled_without_dns_unless_it_shall_be_looked_up() {
    let reserved = Domain::parse("mail.invalid").unwrap();
    let plan = without_dns(&reserved, ReservedNames::Settle).unwrap();
    assert!(matches!(plan.outcome, MxOutcome::SpecialUse(row) if row.name == "invalid"));
    assert_eq!(without_dns(&reserved, ReservedNames::LookUp), None);
    let ordinary = Domain::parse("ai").unwrap();
    assert_eq!(without_dns(&ordinary, ReservedNames::Settle), None);
}

proptest! {
    #[test]
    fn any_records_give_sorted_distinct_names_within_the_cap(
        given in prop::collection::vec((any::<u16>(), "[a-cA-C._ -]{0,6}|\\PC{0,8}"), 1..40),
        seed in any::<u64>(),
    ) {
        let given: Vec<MxRecord> =
            given.iter().map(|(preference, name)| mx(*preference, name)).collect();
        match order(&domain(), DnsAnswer::Records(given), seed, MxCaps::default()) {
            MxStep::Resolve(found) => {
                let exchanges = found.exchanges();
                prop_assert!((1..=EXCHANGES_MAX).contains(&exchanges.len()));
                prop_assert!(exchanges.is_sorted_by_key(|candidate| candidate.preference));
                let mut distinct = names(&found);
                distinct.sort_unstable();
                distinct.dedup();
                prop_assert_eq!(distinct.len(), exchanges.len());
            }
            MxStep::Settled(plan) => prop_assert!(plan.exchanges.is_empty()),
        }
    }
}
