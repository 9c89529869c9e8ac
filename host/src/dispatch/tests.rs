//! The dispatcher against a scripted executor and a scripted judge, on tokio's paused clock: hours
//! of waiting take no time.

use std::sync::Mutex;
use std::time::Duration;

use vrfy_proto::evidence::{
    Attempt, Cause, DecoyChoice, DecoyFinding, Ending, Evidence, ExchangeChoice, Lookup,
    LookupOutcome, Plan, Reply, Status, Verdict,
};
use vrfy_proto::mailbox::Lengths;
use vrfy_proto::mx::{AddressAnswer, MxOutcome, MxPlan, PlannedExchange};
use vrfy_proto::reverse_path::ReversePath;
use vrfy_proto::stage::Stage;

use super::*;
use crate::clock::rfc3339;
use crate::egress::Egress;
use crate::permit::{Asked, Permit};
use crate::record::{FaultRecord, PolicyIdentity, RecordStatus};

mod egresses;
mod exclusions;

const START: UnixMs = 1_700_000_000_000;

/// An executor whose every exchange answers RCPT with the code that `answer` gives.
struct World {
    clock: Clock,
    answer: fn(&str, u32) -> u16,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    open: usize,
    most_open: usize,
    permits: Vec<Vec<String>>,
    decoys: Vec<String>,
    egresses: Vec<Egress>,
    times: Vec<UnixMs>,
}

impl World {
    fn new(answer: fn(&str, u32) -> u16) -> Arc<Self> {
        Arc::new(Self {
            clock: Clock::set_to(START),
            answer,
            seen: Mutex::default(),
        })
    }
}

impl Executor for World {
    async fn look_up(&self, domain: &Domain, _: u64) -> LookupReport {
        let missing = domain.to_string() == "missing.test";
        let exchanges = match missing {
            true => Vec::new(),
            false => vec![PlannedExchange {
                name: exchange_of(domain),
                preference: 10,
                implicit: false,
                addresses: vec!["127.0.0.1".parse().unwrap()],
                address_answer: AddressAnswer::Addresses,
            }],
        };
        let (outcome, fact) = match missing {
            true => (MxOutcome::NxDomain, LookupOutcome::NxDomain),
            false => (MxOutcome::Exchanges, LookupOutcome::Exchanges),
        };
        LookupReport {
            facts: Lookup {
                started_ms: self.clock.now(),
                elapsed_ms: 0,
                outcome: fact,
                exchanges: Vec::new(),
                facts: Vec::new(),
            },
            plan: MxPlan {
                outcome,
                exchanges,
                notes: Vec::new(),
            },
            valid_for: Duration::ZERO,
        }
    }

    async fn execute(&self, permit: Permit) -> PermitReport {
        {
            let mut seen = self.seen.lock().unwrap();
            seen.open += 1;
            seen.most_open = seen.most_open.max(seen.open);
            let asked = permit.asks.iter().map(|ask| ask.mailbox.to_string());
            seen.permits.push(asked.collect());
            seen.decoys
                .extend(permit.asks.iter().filter_map(|ask| ask.decoy.clone()));
            seen.egresses.push(Egress::clone(&permit.egress));
            seen.times.push(self.clock.now());
        }
        let started = self.clock.now();
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.seen.lock().unwrap().open -= 1;
        let exchange = &permit.exchanges[permit.first_exchange].name;
        let mut report = PermitReport::default();
        for ask in permit.asks {
            let mailbox = ask.mailbox.to_string();
            let code = (self.answer)(&mailbox, ask.round);
            if ask.decoy.is_some() {
                let finding = DecoyFinding {
                    asked_ms: started,
                    exchange_name: exchange.clone(),
                    attempt: None,
                    reply: reply(550),
                };
                report
                    .decoys
                    .push((ask.mailbox.domain().to_string(), finding));
            }
            report.asked.push(Asked {
                probe: ask.probe,
                attempts: vec![attempt(ask.round, started, exchange, code)],
                transcripts: Vec::new(),
            });
        }
        report
    }
}

/// Every domain has an exchange of its own, but those below shared.test have one together.
fn exchange_of(domain: &Domain) -> String {
    let name = domain.to_string();
    match name.ends_with(".shared.test") {
        true => "mx.shared.test".to_owned(),
        false => format!("mx.{name}"),
    }
}

fn reply(code: u16) -> Reply {
    Reply {
        stage: Stage::RcptTo,
        code: Some(code),
        enhanced: None,
        text: "scripted".to_owned(),
        elapsed_ms: 1,
    }
}

fn attempt(round: u32, started_ms: UnixMs, exchange: &str, code: u16) -> Attempt {
    Attempt {
        round,
        started_ms,
        elapsed_ms: 1000,
        exchange: 0,
        exchange_name: exchange.to_owned(),
        remote_address: Some("127.0.0.1".to_owned()),
        local_address: "127.0.0.1".to_owned(),
        ehlo_name: "probe.example.com".to_owned(),
        reverse_path: String::new(),
        tls: None,
        replies: vec![reply(code)],
        ending: Ending::Completed,
        asked_before: 0,
        refused_before: 0,
        facts: Vec::new(),
    }
}

/// A judge by the first digit: 2 and 5 settle, 4 waits ten minutes, 421 holds the lane for an hour,
/// 554 settles and holds it too, 299 is a policy fault.
struct Digits;

impl Judge for Digits {
    async fn judge(&self, evidence: Evidence) -> Judgement {
        let last = evidence.attempts.last();
        let code = last.and_then(|attempt| attempt.replies.last()?.code);
        let nowhere = evidence
            .lookups
            .last()
            .is_some_and(|lookup| lookup.outcome == LookupOutcome::NxDomain);
        let decision = match code {
            _ if evidence.address.mailbox.is_err() => settle(Status::Undeliverable, Cause::Address),
            _ if nowhere => settle(Status::Undeliverable, Cause::Lookup(0)),
            None => probe(0, 0),
            Some(299) => {
                return Judgement {
                    by: self.identity(),
                    decision: None,
                    fault: Some(FaultRecord {
                        kind: "trapped".to_owned(),
                        message: "scripted".to_owned(),
                        digest: "sha256:0".to_owned(),
                    }),
                    stop: false,
                };
            }
            Some(200..300) => settle(Status::Deliverable, last_reply(&evidence)),
            Some(554) => {
                let mut verdict = verdict(Status::Unknown, vec![last_reply(&evidence)]);
                verdict.hold_lane_ms = 3_600_000;
                Decision::Settle(verdict)
            }
            Some(500..) => settle(Status::Undeliverable, last_reply(&evidence)),
            Some(421) => probe(60_000, 3_600_000),
            Some(_) => probe(600_000, 0),
        };
        Judgement {
            by: self.identity(),
            decision: Some(decision),
            fault: None,
            stop: false,
        }
    }

    fn identity(&self) -> Arc<PolicyIdentity> {
        Arc::new(PolicyIdentity {
            name: "digits".to_owned(),
            version: "1.0.0".to_owned(),
            digest: "sha256:0".to_owned(),
        })
    }
}

fn last_reply(evidence: &Evidence) -> Cause {
    Cause::Reply {
        attempt: u32::try_from(evidence.attempts.len() - 1).unwrap(),
        reply: 0,
    }
}

fn verdict(status: Status, because: Vec<Cause>) -> Verdict {
    Verdict {
        status,
        reason: "scripted".to_owned(),
        confidence: 90,
        because,
        hold_lane_ms: 0,
        facts: Vec::new(),
    }
}

fn settle(status: Status, cause: Cause) -> Decision {
    Decision::Settle(verdict(status, vec![cause]))
}

fn probe(wait_ms: u32, hold_lane_ms: u32) -> Decision {
    Decision::Probe(Plan {
        reason: "scripted".to_owned(),
        wait_ms,
        exchange: ExchangeChoice::Same,
        decoy: DecoyChoice::IfUnknown,
        hold_lane_ms,
        because: Vec::new(),
        otherwise: verdict(Status::Unknown, Vec::new()),
        wishes: Vec::new(),
    })
}

fn surroundings(world: &Arc<World>, retry: RetryMode) -> Surroundings<World, Digits> {
    Surroundings {
        executor: Arc::clone(world),
        judge: Arc::new(Digits),
        clock: world.clock,
        egresses: Arc::new(Egress::single(None, None, ReversePath::Null).into()),
        exclusions: Arc::default(),
        tags: Arc::default(),
        limits: DispatchLimits::default(),
        retry,
        seed: 0,
        keep_transcripts: false,
        explain: false,
    }
}

/// Runs a list to its end and gives the records in the order of the list.
async fn run_list(around: Surroundings<World, Digits>, list: &[&str]) -> Vec<Record> {
    let (input, receiver) = mpsc::channel(8);
    let (output, mut settled) = mpsc::channel(8);
    let (_stop, stop) = watch::channel(false);
    let channels = Channels {
        input: receiver,
        output,
        stop,
        snapshot: watch::Sender::new(Snapshot::default()),
    };
    let list: Vec<String> = list.iter().map(|given| (*given).to_owned()).collect();
    tokio::spawn(async move {
        for (index, given) in (0..).zip(list) {
            let task = Task {
                index,
                given,
                row: None,
            };
            input.send(Input::Task(task)).await.unwrap();
        }
    });
    let collect = async {
        let mut all = Vec::new();
        while let Some(one) = settled.recv().await {
            all.push(one);
        }
        all
    };
    let (end, mut all) = tokio::join!(run(around, channels), collect);
    assert_eq!(end, RunEnd::Complete);
    all.sort_by_key(|settled| settled.index);
    let indices: Vec<u64> = all.iter().map(|settled| settled.index).collect();
    let expected: Vec<u64> = (0..all.len() as u64).collect();
    assert_eq!(indices, expected, "every input has exactly one record");
    all.into_iter().map(|settled| settled.record).collect()
}

#[tokio::test(start_paused = true)]
async fn every_input_reaches_exactly_one_record() {
    let world = World::new(|mailbox, _| {
        if mailbox.starts_with("ana@") {
            250
        } else {
            550
        }
    });
    let list = ["ana@a.test", "bob@a.test", "no address", "x@missing.test"];
    let records = run_list(surroundings(&world, RetryMode::Wait), &list).await;
    let statuses: Vec<RecordStatus> = records.iter().map(|record| record.status).collect();
    let expected = [
        RecordStatus::Deliverable,
        RecordStatus::Undeliverable,
        RecordStatus::Undeliverable,
        RecordStatus::Undeliverable,
    ];
    assert_eq!(statuses, expected);
    assert_eq!(
        records[1].because[0].text,
        "mx.a.test answered RCPT TO: 550 scripted"
    );
    assert_eq!(
        records[3].because[0].text,
        "the domain does not exist (NXDOMAIN)"
    );
}

#[tokio::test(start_paused = true)]
async fn an_address_beyond_the_usual_lengths_is_asked_only_where_the_operator_wants_it() {
    let world = World::new(|_, _| 250);
    let long = format!("{}@a.test", "a".repeat(65));
    let records = run_list(surroundings(&world, RetryMode::Wait), &[&long]).await;
    assert_eq!(records[0].status, RecordStatus::Undeliverable);
    let said = &records[0].because[0].text;
    assert!(said.contains("65 octets, more than the 64"), "{said}");
    assert!(world.seen.lock().unwrap().permits.is_empty());

    let mut around = surroundings(&world, RetryMode::Wait);
    around.limits.lengths = Lengths::Sendable;
    let records = run_list(around, &[&long]).await;
    assert_eq!(records[0].status, RecordStatus::Deliverable);
    assert_eq!(world.seen.lock().unwrap().permits, [[long]]);
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_named_twice_is_asked_once_and_answered_twice() {
    let world = World::new(|_, _| 250);
    let list = ["ana@a.test", "ana@A.TEST"];
    let records = run_list(surroundings(&world, RetryMode::Wait), &list).await;
    assert_eq!(records.len(), 2);
    assert_eq!(records[1].address, "ana@A.TEST");
    assert_eq!(world.seen.lock().unwrap().permits, [["ana@a.test"]]);
}

#[tokio::test(start_paused = true)]
async fn a_later_attempt_waits_until_it_is_due() {
    let world = World::new(|_, round| if round == 1 { 450 } else { 250 });
    let records = run_list(surroundings(&world, RetryMode::Wait), &["ana@a.test"]).await;
    assert_eq!(records[0].status, RecordStatus::Deliverable);
    assert_eq!(records[0].attempts.len(), 2);
    let times = world.seen.lock().unwrap().times.clone();
    assert!(times[1] - times[0] >= 600_000, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn without_waiting_a_later_attempt_is_pending_with_its_due_time() {
    let world = World::new(|_, _| 450);
    let records = run_list(surroundings(&world, RetryMode::Never), &["ana@a.test"]).await;
    assert_eq!(records[0].status, RecordStatus::Pending);
    let ended = START + records[0].elapsed_ms;
    let due: jiff::Timestamp = records[0].due.as_ref().unwrap().parse().unwrap();
    let wait = u64::try_from(due.as_millisecond()).unwrap() - ended;
    assert!((599_000..=600_000).contains(&wait), "{wait}");
}

#[tokio::test(start_paused = true)]
async fn asking_at_once_is_recorded_as_a_clamp() {
    let world = World::new(|_, round| if round == 1 { 450 } else { 250 });
    let records = run_list(surroundings(&world, RetryMode::Now), &["ana@a.test"]).await;
    assert_eq!(records[0].status, RecordStatus::Deliverable);
    assert_eq!(records[0].clamps[0].wish, "wait-ms");
    assert!(records[0].elapsed_ms < 60_000);
}

#[tokio::test(start_paused = true)]
async fn when_the_rounds_are_spent_the_otherwise_of_the_plan_is_recorded() {
    let world = World::new(|_, _| 450);
    let around = surroundings(&world, RetryMode::Wait);
    let rounds = around.limits.rounds as usize;
    let records = run_list(around, &["ana@a.test"]).await;
    assert_eq!(records[0].status, RecordStatus::Unknown);
    assert_eq!(records[0].attempts.len(), rounds);
    assert_eq!(records[0].clamps.last().unwrap().wish, "rounds");
}

#[tokio::test(start_paused = true)]
async fn a_plan_beyond_the_deadline_ends_the_probe() {
    let world = World::new(|_, _| 450);
    let mut around = surroundings(&world, RetryMode::Wait);
    around.limits.give_up_after = Duration::from_mins(15);
    let records = run_list(around, &["ana@a.test"]).await;
    assert_eq!(records[0].attempts.len(), 2);
    assert!(records[0].elapsed_ms < 900_000);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_after_the_time_to_give_up_however_long_the_lane() {
    let world = World::new(|_, _| 250);
    let mut around = surroundings(&world, RetryMode::Wait);
    around.limits.give_up_after = Duration::from_secs(10);
    around.limits.sessions_per_lane = 1;
    around.limits.mailboxes_per_session = 1;
    let list: Vec<String> = (0..40).map(|number| format!("u{number}@a.test")).collect();
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    let records = run_list(around, &list).await;
    let latest = world.seen.lock().unwrap().times.last().copied().unwrap();
    assert!(latest <= START + 10_000, "{latest}");
    let last = &records[39];
    assert_eq!(last.status, RecordStatus::Unknown);
    assert_eq!(
        last.clamps[0].done,
        "none, its turn came after the deadline"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lane_never_has_more_sessions_than_its_limit() {
    let world = World::new(|_, _| 250);
    let mut around = surroundings(&world, RetryMode::Wait);
    around.limits.mailboxes_per_session = 3;
    let list: Vec<String> = (0..40).map(|number| format!("u{number}@a.test")).collect();
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    let records = run_list(around, &list).await;
    assert_eq!(records.len(), 40);
    let seen = world.seen.lock().unwrap();
    assert_eq!(seen.most_open, 2);
    assert!(seen.permits.iter().all(|permit| permit.len() <= 3));
}

#[tokio::test(start_paused = true)]
async fn all_lanes_together_never_have_more_sessions_than_the_limit() {
    let world = World::new(|_, _| 250);
    let mut around = surroundings(&world, RetryMode::Wait);
    around.limits.sessions = 5;
    let list: Vec<String> = (0..40)
        .map(|number| format!("ana@d{number}.test"))
        .collect();
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    run_list(around, &list).await;
    assert_eq!(world.seen.lock().unwrap().most_open, 5);
}

#[tokio::test(start_paused = true)]
async fn one_decoy_is_asked_for_all_mailboxes_of_a_domain() {
    let world = World::new(|_, _| 250);
    let list: Vec<String> = (0..25).map(|number| format!("u{number}@a.test")).collect();
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    let records = run_list(surroundings(&world, RetryMode::Wait), &list).await;
    let seen = world.seen.lock().unwrap();
    assert!(seen.permits.len() > 1);
    assert_eq!(seen.decoys.len(), 1);
    assert!(records.iter().all(|record| record.decoys.len() == 1));
}

#[tokio::test(start_paused = true)]
async fn a_held_lane_is_left_alone_by_all_its_mailboxes() {
    let world = World::new(|mailbox, round| match (mailbox, round) {
        ("busy@a.test", 1) => 421,
        _ => 250,
    });
    let around = one_at_a_time(surroundings(&world, RetryMode::Wait));
    let records = run_list(around, &["one@a.test", "busy@a.test", "two@a.test"]).await;
    let deliverable = |record: &Record| record.status == RecordStatus::Deliverable;
    assert!(records.iter().all(deliverable));
    let seen = world.seen.lock().unwrap();
    let busy = first_permit_of(&seen, "busy@a.test");
    let held = seen.times[busy] + 3_600_000;
    assert!(seen.times[busy + 1..].iter().all(|time| *time >= held));
}

#[tokio::test(start_paused = true)]
async fn a_verdict_can_hold_the_lane_too() {
    let world = World::new(|mailbox, _| {
        if mailbox.starts_with("blocked") {
            554
        } else {
            250
        }
    });
    let around = one_at_a_time(surroundings(&world, RetryMode::Wait));
    run_list(around, &["one@a.test", "blocked@a.test", "two@a.test"]).await;
    let seen = world.seen.lock().unwrap();
    let blocked = first_permit_of(&seen, "blocked@a.test");
    let held = seen.times[blocked] + 3_600_000;
    assert!(seen.times[blocked + 1..].iter().all(|time| *time >= held));
}

#[tokio::test(start_paused = true)]
async fn a_held_lane_makes_its_mailboxes_pending_for_who_does_not_wait() {
    let world = World::new(|mailbox, _| {
        if mailbox.starts_with("busy") {
            421
        } else {
            250
        }
    });
    let around = one_at_a_time(surroundings(&world, RetryMode::Never));
    let records = run_list(around, &["one@a.test", "busy@a.test", "two@a.test"]).await;
    assert_eq!(records[1].status, RecordStatus::Pending);
    let seen = world.seen.lock().unwrap();
    assert_eq!(
        first_permit_of(&seen, "busy@a.test"),
        seen.permits.len() - 1
    );
    let asked = seen.permits.concat();
    for (record, mailbox) in [(&records[0], "one@a.test"), (&records[2], "two@a.test")] {
        let expected = match asked.iter().any(|one| one == mailbox) {
            true => RecordStatus::Deliverable,
            false => RecordStatus::Pending,
        };
        assert_eq!(record.status, expected, "{mailbox}");
    }
}

/// One session with one mailbox at a time, so that a hold can come between two of them.
fn one_at_a_time(mut around: Surroundings<World, Digits>) -> Surroundings<World, Digits> {
    around.limits.mailboxes_per_session = 1;
    around.limits.sessions_per_lane = 1;
    around
}

/// Which permit asked the mailbox first. Decisions are made side by side, so the order of a list
/// is not the order in which its mailboxes are asked.
fn first_permit_of(seen: &Seen, mailbox: &str) -> usize {
    let asks = |permit: &Vec<String>| permit.iter().any(|asked| asked == mailbox);
    seen.permits.iter().position(asks).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_policy_fault_is_recorded_and_the_rest_of_the_list_goes_on() {
    let world = World::new(|mailbox, _| if mailbox.starts_with("bad") { 299 } else { 250 });
    let list = ["bad@a.test", "ana@b.test"];
    let records = run_list(surroundings(&world, RetryMode::Wait), &list).await;
    assert_eq!(records[0].status, RecordStatus::Unknown);
    assert_eq!(records[0].reason, "policy-fault");
    assert_eq!(records[0].fault.as_ref().unwrap().kind, "trapped");
    assert_eq!(records[1].status, RecordStatus::Deliverable);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_run_records_what_was_open_and_asks_nothing_more() {
    let world = World::new(|_, _| 450);
    let around = surroundings(&world, RetryMode::Wait);
    let (input, receiver) = mpsc::channel(8);
    let (output, mut settled) = mpsc::channel(8);
    let (stopper, stop) = watch::channel(false);
    let channels = Channels {
        input: receiver,
        output,
        stop,
        snapshot: watch::Sender::new(Snapshot::default()),
    };
    let task = Task {
        index: 0,
        given: "ana@a.test".to_owned(),
        row: None,
    };
    input.send(Input::Task(task)).await.unwrap();
    let stopping = async {
        // In the middle of the wait for the second attempt.
        tokio::time::sleep(Duration::from_mins(5)).await;
        stopper.send_replace(true);
    };
    let (end, (), record) = tokio::join!(run(around, channels), stopping, settled.recv());
    assert_eq!(end, RunEnd::Stopped);
    let record = record.unwrap().record;
    assert_eq!(record.status, RecordStatus::Pending);
    let ended = rfc3339(START + 300_000);
    assert!(
        record.due.unwrap() > ended,
        "due when the policy said, not when we stopped"
    );
    assert_eq!(world.seen.lock().unwrap().permits.len(), 1);
}
