//! Evidence into the contract's types.
//!
//! The contract's lists are borrowed slices, so what a list holds must stand somewhere in one
//! piece. It does so in a few vectors, filled from the leaves upwards: texts, facts and replies
//! first, then exchanges, then look-ups and attempts. Each later step takes its slices off the
//! front of the earlier vectors, in the same order in which they were filled.

use vrfy_proto::{
    evidence::{self as host, SettingValue},
    stage::Stage,
};

use super::super::bindings::exports::vrfy::policy::judge as wit;

/// Calls `call` with the evidence in the contract's types. Nothing outlives the call.
pub(crate) fn with_wit<R>(
    evidence: &host::Evidence,
    call: impl FnOnce(wit::Evidence<'_>) -> R,
) -> R {
    let leaves = Leaves::of(evidence);
    let mut rest = Rest {
        texts: &leaves.texts,
        facts: &leaves.facts,
        replies: &leaves.replies,
    };
    let tags = take(&mut rest.texts, evidence.tags.len());
    let facts = take(&mut rest.facts, evidence.facts.len());
    let exchanges: Vec<wit::Exchange<'_>> = evidence
        .lookups
        .iter()
        .flat_map(|lookup| &lookup.exchanges)
        .map(|exchange| wit::Exchange {
            name: &exchange.name,
            preference: exchange.preference,
            addresses: take(&mut rest.texts, exchange.addresses.len()),
        })
        .collect();
    let mut rest_of_exchanges = &exchanges[..];
    let lookups: Vec<wit::Lookup<'_>> = evidence
        .lookups
        .iter()
        .map(|lookup| wit::Lookup {
            started: lookup.started_ms,
            elapsed_ms: lookup.elapsed_ms,
            outcome: lookup_outcome(&lookup.outcome),
            exchanges: take(&mut rest_of_exchanges, lookup.exchanges.len()),
            facts: take(&mut rest.facts, lookup.facts.len()),
        })
        .collect();
    let attempts: Vec<_> = evidence
        .attempts
        .iter()
        .map(|one| attempt(one, &mut rest))
        .collect();
    let decoys: Vec<_> = evidence.decoys.iter().map(decoy).collect();
    let settings: Vec<_> = evidence
        .settings
        .iter()
        .map(|one| setting(one, &mut rest))
        .collect();
    call(wit::Evidence {
        address: address(&evidence.address),
        lookups: &lookups,
        attempts: &attempts,
        decoys: &decoys,
        tags,
        facts,
        clock: wit::Clock {
            now: evidence.clock.now_ms,
            probe_started: evidence.clock.probe_started_ms,
        },
        budget: wit::Budget {
            rounds_left: evidence.budget.rounds_left,
            deadline: evidence.budget.deadline_ms,
        },
        settings: &settings,
    })
}

/// What lists hold that hold no lists themselves, in the order in which they are taken.
struct Leaves<'e> {
    texts: Vec<&'e str>,
    facts: Vec<wit::FactParam<'e>>,
    replies: Vec<wit::Reply<'e>>,
}

/// What of them is not yet taken.
struct Rest<'l, 'e> {
    texts: &'l [&'e str],
    facts: &'l [wit::FactParam<'e>],
    replies: &'l [wit::Reply<'e>],
}

impl<'e> Leaves<'e> {
    fn of(evidence: &'e host::Evidence) -> Self {
        let exchanges = evidence.lookups.iter().flat_map(|lookup| &lookup.exchanges);
        let problems = evidence
            .attempts
            .iter()
            .filter_map(|attempt| attempt.tls.as_ref());
        let texts = evidence
            .tags
            .iter()
            .chain(exchanges.flat_map(|exchange| &exchange.addresses))
            .chain(problems.flat_map(|tls| &tls.problems))
            .chain(
                evidence
                    .settings
                    .iter()
                    .flat_map(|setting| match &setting.value {
                        SettingValue::Texts(texts) => &texts[..],
                        _ => &[],
                    }),
            );
        let facts = evidence
            .facts
            .iter()
            .chain(evidence.lookups.iter().flat_map(|lookup| &lookup.facts))
            .chain(evidence.attempts.iter().flat_map(|attempt| &attempt.facts));
        let replies = evidence
            .attempts
            .iter()
            .flat_map(|attempt| &attempt.replies);
        Self {
            texts: texts.map(String::as_str).collect(),
            facts: facts.map(fact).collect(),
            replies: replies.map(reply).collect(),
        }
    }
}

/// Takes the first `count` of what is left. The vectors are filled with exactly what is taken.
fn take<'l, T>(rest: &mut &'l [T], count: usize) -> &'l [T] {
    let (taken, left) = rest.split_at(count);
    *rest = left;
    taken
}

fn fact(fact: &host::Fact) -> wit::FactParam<'_> {
    wit::FactParam {
        name: &fact.name,
        value: &fact.value,
    }
}

fn address(address: &host::Address) -> wit::Address<'_> {
    wit::Address {
        given: &address.given,
        mailbox: match &address.mailbox {
            Ok(mailbox) => Ok(wit::Mailbox {
                wire: &mailbox.wire,
                local_part: &mailbox.local_part,
                domain: &mailbox.domain,
                unicode_domain: &mailbox.unicode_domain,
                needs_smtputf8: mailbox.needs_smtputf8,
            }),
            Err(problem) => Err(wit::AddressProblem {
                code: &problem.code,
                message: &problem.message,
                column: problem.column,
            }),
        },
    }
}

fn lookup_outcome(outcome: &host::LookupOutcome) -> wit::LookupOutcome<'_> {
    match outcome {
        host::LookupOutcome::Exchanges => wit::LookupOutcome::Exchanges,
        host::LookupOutcome::ImplicitMx => wit::LookupOutcome::ImplicitMx,
        host::LookupOutcome::NullMx => wit::LookupOutcome::NullMx,
        host::LookupOutcome::AddressLiteral => wit::LookupOutcome::AddressLiteral,
        host::LookupOutcome::SpecialUse(name) => wit::LookupOutcome::SpecialUse(name),
        host::LookupOutcome::NxDomain => wit::LookupOutcome::NxDomain,
        host::LookupOutcome::NoData => wit::LookupOutcome::NoData,
        host::LookupOutcome::NoUsableExchange => wit::LookupOutcome::NoUsableExchange,
        host::LookupOutcome::NoUsableExchangeNow => wit::LookupOutcome::NoUsableExchangeNow,
        host::LookupOutcome::ServFail => wit::LookupOutcome::ServFail,
        host::LookupOutcome::Refused => wit::LookupOutcome::Refused,
        host::LookupOutcome::TimedOut => wit::LookupOutcome::TimedOut,
        host::LookupOutcome::Other(text) => wit::LookupOutcome::Other(text),
    }
}

fn attempt<'e>(attempt: &'e host::Attempt, rest: &mut Rest<'e, 'e>) -> wit::Attempt<'e> {
    wit::Attempt {
        round: attempt.round,
        started: attempt.started_ms,
        elapsed_ms: attempt.elapsed_ms,
        exchange: attempt.exchange,
        exchange_name: &attempt.exchange_name,
        remote_address: attempt.remote_address.as_deref(),
        local_address: &attempt.local_address,
        ehlo_name: &attempt.ehlo_name,
        reverse_path: &attempt.reverse_path,
        tls: attempt.tls.as_ref().map(|tls| wit::Tls {
            version: &tls.version,
            cipher_suite: &tls.cipher_suite,
            problems: take(&mut rest.texts, tls.problems.len()),
        }),
        replies: take(&mut rest.replies, attempt.replies.len()),
        ending: ending(&attempt.ending),
        asked_before: attempt.asked_before,
        refused_before: attempt.refused_before,
        facts: take(&mut rest.facts, attempt.facts.len()),
    }
}

fn reply(reply: &host::Reply) -> wit::Reply<'_> {
    wit::Reply {
        stage: stage(reply.stage),
        code: reply.code,
        enhanced: reply.enhanced.map(|code| wit::EnhancedStatusCode {
            class: code.class,
            subject: code.subject,
            detail: code.detail,
        }),
        text: &reply.text,
        elapsed_ms: reply.elapsed_ms,
    }
}

fn stage(stage: Stage) -> wit::Stage<'static> {
    match stage {
        Stage::Connect => wit::Stage::Connect,
        Stage::Greeting => wit::Stage::Greeting,
        Stage::Ehlo => wit::Stage::Ehlo,
        Stage::Helo => wit::Stage::Helo,
        Stage::StartTls => wit::Stage::StartTls,
        Stage::EhloAfterTls => wit::Stage::EhloAfterTls,
        Stage::MailFrom => wit::Stage::MailFrom,
        Stage::RcptTo => wit::Stage::RcptTo,
        Stage::Rset => wit::Stage::Rset,
        Stage::Quit => wit::Stage::Quit,
    }
}

fn ending(ending: &host::Ending) -> wit::Ending<'_> {
    match ending {
        host::Ending::Completed => wit::Ending::Completed,
        host::Ending::NotConnected(failure) => wit::Ending::NotConnected(connect_failure(failure)),
        host::Ending::Closed(at) => wit::Ending::Closed(stage(*at)),
        host::Ending::TimedOut(at) => wit::Ending::TimedOut(stage(*at)),
        host::Ending::ServiceClosing(at) => wit::Ending::ServiceClosing(stage(*at)),
        host::Ending::GreetingRefused => wit::Ending::GreetingRefused,
        host::Ending::EhloRefused => wit::Ending::EhloRefused,
        host::Ending::TlsFailed(text) => wit::Ending::TlsFailed(text),
        host::Ending::Violation(text) => wit::Ending::Violation(text),
        host::Ending::LimitReached(limit) => wit::Ending::LimitReached(limit),
        host::Ending::NotAsked(why) => wit::Ending::NotAsked(why),
        host::Ending::Other(text) => wit::Ending::Other(text),
    }
}

fn connect_failure(failure: &host::ConnectFailure) -> wit::ConnectFailure<'_> {
    match failure {
        host::ConnectFailure::Refused => wit::ConnectFailure::Refused,
        host::ConnectFailure::TimedOut => wit::ConnectFailure::TimedOut,
        host::ConnectFailure::Unreachable => wit::ConnectFailure::Unreachable,
        host::ConnectFailure::NotPublic(block) => wit::ConnectFailure::NotPublic(block),
        host::ConnectFailure::Other(text) => wit::ConnectFailure::Other(text),
    }
}

fn decoy(decoy: &host::DecoyFinding) -> wit::DecoyFinding<'_> {
    wit::DecoyFinding {
        asked: decoy.asked_ms,
        exchange_name: &decoy.exchange_name,
        attempt: decoy.attempt,
        reply: reply(&decoy.reply),
    }
}

fn setting<'e>(setting: &'e host::Setting, rest: &mut Rest<'e, 'e>) -> wit::Setting<'e> {
    wit::Setting {
        key: &setting.key,
        value: match &setting.value {
            SettingValue::Flag(value) => wit::SettingValueParam::Flag(*value),
            SettingValue::Integer(value) => wit::SettingValueParam::Integer(*value),
            SettingValue::Text(text) => wit::SettingValueParam::Text(text),
            SettingValue::Duration(value) => wit::SettingValueParam::Duration(*value),
            SettingValue::Durations(values) => wit::SettingValueParam::Durations(values),
            SettingValue::Texts(texts) => {
                wit::SettingValueParam::Texts(take(&mut rest.texts, texts.len()))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use vrfy_proto::enhanced_code::EnhancedStatusCode;

    use super::*;

    /// Numbers that never come twice, so that a value in the wrong place is seen.
    struct Names(u32);

    impl Names {
        fn next(&mut self) -> String {
            self.0 += 1;
            format!("n{}", self.0)
        }

        fn list(&mut self, length: usize) -> Vec<String> {
            (0..length).map(|_| self.next()).collect()
        }

        fn facts(&mut self, length: usize) -> Vec<host::Fact> {
            (0..length)
                .map(|_| host::Fact::new(self.next(), self.next()))
                .collect()
        }

        fn reply(&mut self) -> host::Reply {
            host::Reply {
                stage: Stage::ALL[self.0 as usize % Stage::ALL.len()],
                code: Some(250),
                enhanced: Some(EnhancedStatusCode {
                    class: 2,
                    subject: 1,
                    detail: 5,
                }),
                text: self.next(),
                elapsed_ms: self.0,
            }
        }

        fn lookup(&mut self, exchanges: usize) -> host::Lookup {
            host::Lookup {
                started_ms: 1,
                elapsed_ms: 2,
                outcome: host::LookupOutcome::Other(self.next()),
                exchanges: (0..exchanges)
                    .map(|index| host::Exchange {
                        name: self.next(),
                        preference: 10,
                        addresses: self.list(index),
                    })
                    .collect(),
                facts: self.facts(exchanges),
            }
        }

        fn attempt(&mut self, replies: usize, tls: bool) -> host::Attempt {
            host::Attempt {
                round: 1,
                started_ms: 1,
                elapsed_ms: 2,
                exchange: 0,
                exchange_name: self.next(),
                remote_address: Some(self.next()),
                local_address: self.next(),
                ehlo_name: self.next(),
                reverse_path: self.next(),
                tls: tls.then(|| host::Tls {
                    version: self.next(),
                    cipher_suite: self.next(),
                    problems: self.list(2),
                }),
                replies: (0..replies).map(|_| self.reply()).collect(),
                ending: host::Ending::Other(self.next()),
                asked_before: 3,
                refused_before: 4,
                facts: self.facts(replies),
            }
        }
    }

    fn evidence() -> host::Evidence {
        evidence_of(&[0, 3, 1], &[(2, true), (0, false), (4, true)], &[2, 3])
    }

    /// Evidence with so many exchanges in each look-up, so many replies in each attempt and
    /// whether it had TLS, and so many texts in the first and the last setting of texts.
    fn evidence_of(
        lookups: &[usize],
        attempts: &[(usize, bool)],
        texts: &[usize; 2],
    ) -> host::Evidence {
        let mut names = Names(0);
        let setting = |key: String, value| host::Setting { key, value };
        host::Evidence {
            address: host::Address {
                given: names.next(),
                mailbox: Err(host::AddressProblem {
                    code: names.next(),
                    message: names.next(),
                    column: Some(7),
                }),
            },
            lookups: lookups.iter().map(|count| names.lookup(*count)).collect(),
            attempts: attempts
                .iter()
                .map(|(replies, tls)| names.attempt(*replies, *tls))
                .collect(),
            decoys: vec![host::DecoyFinding {
                asked_ms: 9,
                exchange_name: names.next(),
                attempt: Some(1),
                reply: names.reply(),
            }],
            tags: names.list(2),
            facts: names.facts(2),
            clock: host::Clock {
                now_ms: 11,
                probe_started_ms: 10,
            },
            budget: host::Budget {
                rounds_left: 5,
                deadline_ms: Some(12),
            },
            settings: vec![
                setting(names.next(), SettingValue::Texts(names.list(texts[0]))),
                setting(names.next(), SettingValue::Text(names.next())),
                setting(names.next(), SettingValue::Durations(vec![1, 2])),
                setting(names.next(), SettingValue::Texts(names.list(texts[1]))),
                setting(names.next(), SettingValue::Integer(-1)),
                setting(names.next(), SettingValue::Duration(3)),
                setting(names.next(), SettingValue::Flag(true)),
            ],
        }
    }

    fn names_of(facts: &[wit::FactParam<'_>]) -> Vec<String> {
        facts
            .iter()
            .flat_map(|fact| [fact.name.to_owned(), fact.value.to_owned()])
            .collect()
    }

    fn names_in(facts: &[host::Fact]) -> Vec<String> {
        facts
            .iter()
            .flat_map(|fact| [fact.name.clone(), fact.value.clone()])
            .collect()
    }

    #[test]
    fn every_list_holds_what_it_held() {
        check_lists(&evidence());
        check_settings(&evidence());
    }

    proptest! {
        #[test]
        fn every_list_of_any_length_holds_what_it_held(
            lookups in vec(0_usize..5, 0..4),
            attempts in vec((0_usize..6, any::<bool>()), 0..5),
            texts in [0_usize..5, 0_usize..5],
        ) {
            let host = evidence_of(&lookups, &attempts, &texts);
            check_lists(&host);
            check_settings(&host);
        }
    }

    fn check_lists(host: &host::Evidence) {
        with_wit(host, |wit| {
            assert_eq!(wit.tags, host.tags);
            assert_eq!(names_of(wit.facts), names_in(&host.facts));
            assert_eq!(wit.lookups.len(), host.lookups.len());
            for (wit, host) in wit.lookups.iter().zip(&host.lookups) {
                assert_eq!(names_of(wit.facts), names_in(&host.facts));
                assert_eq!(wit.exchanges.len(), host.exchanges.len());
                for (wit, host) in wit.exchanges.iter().zip(&host.exchanges) {
                    assert_eq!(wit.name, host.name);
                    assert_eq!(wit.addresses, host.addresses);
                }
            }
            assert_eq!(wit.attempts.len(), host.attempts.len());
            for (wit, host) in wit.attempts.iter().zip(&host.attempts) {
                assert_eq!(names_of(wit.facts), names_in(&host.facts));
                assert_eq!(wit.exchange_name, host.exchange_name);
                assert_eq!(wit.remote_address, host.remote_address.as_deref());
                assert_eq!(wit.tls.is_some(), host.tls.is_some());
                for (wit, host) in wit.tls.iter().zip(&host.tls) {
                    assert_eq!(wit.problems, host.problems);
                }
                let texts: Vec<_> = wit.replies.iter().map(|reply| reply.text).collect();
                let expected: Vec<_> = host.replies.iter().map(|reply| &*reply.text).collect();
                assert_eq!(texts, expected);
            }
        });
    }

    /// Every setting keeps its kind and value.
    fn check_settings(host: &host::Evidence) {
        with_wit(host, |wit| {
            assert_eq!(wit.settings.len(), host.settings.len());
            for (wit, host) in wit.settings.iter().zip(&host.settings) {
                assert_eq!(wit.key, host.key);
                match (&wit.value, &host.value) {
                    (wit::SettingValueParam::Texts(a), SettingValue::Texts(b)) => assert_eq!(a, b),
                    (wit::SettingValueParam::Text(a), SettingValue::Text(b)) => assert_eq!(a, b),
                    (wit::SettingValueParam::Durations(a), SettingValue::Durations(b)) => {
                        assert_eq!(a, b);
                    }
                    (wit::SettingValueParam::Duration(a), SettingValue::Duration(b)) => {
                        assert_eq!(a, b);
                    }
                    (wit::SettingValueParam::Integer(a), SettingValue::Integer(b)) => {
                        assert_eq!(a, b);
                    }
                    (wit::SettingValueParam::Flag(a), SettingValue::Flag(b)) => assert_eq!(a, b),
                    (wit, host) => panic!("{wit:?} is not {host:?}"),
                }
            }
        });
    }

    #[test]
    fn numbers_and_times_arrive() {
        let host = evidence();
        with_wit(&host, |wit| {
            assert_eq!((wit.clock.now, wit.clock.probe_started), (11, 10));
            assert_eq!((wit.budget.rounds_left, wit.budget.deadline), (5, Some(12)));
            let problem = wit.address.mailbox.as_ref().expect_err("it is none");
            assert_eq!(problem.column, Some(7));
            assert_eq!((wit.decoys[0].asked, wit.decoys[0].attempt), (9, Some(1)));
            let reply = &wit.attempts[0].replies[0];
            let code = reply.enhanced.expect("it has one");
            assert_eq!(
                (reply.code, code.class, code.subject, code.detail),
                (Some(250), 2, 1, 5)
            );
        });
    }
}
