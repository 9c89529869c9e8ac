//! Policies that misbehave: each becomes an error or a fault that names its cause and its remedy,
//! within the limits, and hurts no other policy of the same engine.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use vrfy::policy::{
    Allocation, DecisionRule, EngineOptions, FaultCause, FaultStage, LoadCause, Policy,
    PolicyEngine, PolicyFault, PolicyLimits, PolicyLoadError,
};
use vrfy_proto::{
    evidence::{
        Address, Attempt, Budget, Cause, Clock, Decision, Ending, Evidence, MailboxFacts, Reply,
        Status,
    },
    stage::Stage,
};
use vrfy_tests::hostile::Hostile;

/// One engine for all tests, as in the program: what one guest does must not reach another.
fn engine() -> &'static PolicyEngine {
    static ENGINE: OnceLock<PolicyEngine> = OnceLock::new();
    ENGINE.get_or_init(|| PolicyEngine::new(options()).expect("an engine"))
}

/// A description's limit that a test can wait for.
fn options() -> EngineOptions {
    EngineOptions {
        limits: PolicyLimits {
            description: Duration::from_millis(200),
            ..PolicyLimits::default()
        },
        ..EngineOptions::default()
    }
}

fn load(guest: Hostile) -> Result<Policy, PolicyLoadError> {
    Policy::load(engine(), &guest.bytes(), "hostile.wasm")
}

fn good() -> &'static Policy {
    static GOOD: OnceLock<Policy> = OnceLock::new();
    GOOD.get_or_init(|| load(Hostile::No).expect("a good policy"))
}

/// The fault of one decision. Afterwards a good policy in the same engine must still decide.
fn fault(guest: Hostile) -> PolicyFault {
    let policy = load(guest).expect("the guest loads");
    let fault = policy.decide(&evidence()).expect_err("the guest fails");
    assert_eq!(fault.stage, FaultStage::Decide);
    assert_eq!(fault.digest, policy.digest());
    good()
        .decide(&evidence())
        .expect("a good policy still decides");
    let message = fault.to_string();
    assert!(message.contains(policy.digest()), "{message}");
    assert!(!message.chars().any(char::is_control), "{message:?}");
    fault
}

/// What is wrong with a file. Afterwards a good policy in the same engine must still decide.
fn load_error(guest: Hostile) -> PolicyLoadError {
    let error = load(guest).expect_err("the guest does not load");
    good()
        .decide(&evidence())
        .expect("a good policy still decides");
    let message = error.to_string();
    assert!(
        message.starts_with("cannot use hostile.wasm as a policy: "),
        "{message}"
    );
    assert!(
        message.contains("; "),
        "a remedy follows the cause: {message}"
    );
    error
}

/// The message must contain every one of these.
fn assert_told(message: impl ToString, parts: &[&str]) {
    let message = message.to_string();
    for part in parts {
        assert!(
            message.contains(part),
            "{part:?} is not told in {message:?}"
        );
    }
}

fn assert_broken(guest: Hostile, rule: DecisionRule, parts: &[&str]) {
    let fault = fault(guest);
    assert!(
        matches!(&fault.cause, FaultCause::MalformedDecision { rule: found, .. } if *found == rule),
        "{fault:?}"
    );
    assert_eq!(fault.kind(), "malformed-decision");
    assert_told(&fault, parts);
}

/// One attempt with one reply.
fn evidence() -> Evidence {
    let reply = Reply {
        stage: Stage::RcptTo,
        code: Some(250),
        enhanced: None,
        text: "2.1.5 Ok".to_owned(),
        elapsed_ms: 12,
    };
    let attempt = Attempt {
        round: 1,
        started_ms: 1_000,
        elapsed_ms: 100,
        exchange: 0,
        exchange_name: "mx.example.com".to_owned(),
        remote_address: Some("192.0.2.1".to_owned()),
        local_address: "198.51.100.1".to_owned(),
        ehlo_name: "probe.example.net".to_owned(),
        reverse_path: String::new(),
        tls: None,
        replies: vec![reply],
        ending: Ending::Completed,
        asked_before: 0,
        refused_before: 0,
        facts: vec![],
    };
    Evidence {
        address: Address {
            given: "ana@example.com".to_owned(),
            mailbox: Ok(MailboxFacts {
                wire: "ana@example.com".to_owned(),
                local_part: "ana".to_owned(),
                domain: "example.com".to_owned(),
                unicode_domain: "example.com".to_owned(),
                needs_smtputf8: false,
            }),
        },
        lookups: vec![],
        attempts: vec![attempt],
        decoys: vec![],
        tags: vec![],
        facts: vec![],
        clock: Clock {
            now_ms: 2_000,
            probe_started_ms: 1_000,
        },
        budget: Budget {
            rounds_left: 3,
            deadline_ms: None,
        },
        settings: vec![],
    }
}

// ---------------------------------------------------------------------------------- good behaviour

#[test]
fn a_good_guest_decides() {
    let Ok(Decision::Settle(verdict)) = good().decide(&evidence()) else {
        panic!("it settles");
    };
    assert_eq!((verdict.status, verdict.confidence), (Status::Unknown, 1));
    assert_eq!(
        (&*verdict.reason, &verdict.because[..]),
        ("sample", &[Cause::Address][..])
    );
    assert_eq!(good().manifest().name, "sample");
    assert!(good().digest().starts_with("sha256:"));
}

#[test]
fn every_decision_gets_an_instance_of_its_own() {
    let policy = load(Hostile::KeepsState).expect("it loads");
    for _ in 0..5 {
        let Ok(Decision::Settle(verdict)) = policy.decide(&evidence()) else {
            panic!("it settles");
        };
        assert_eq!(
            verdict.confidence, 1,
            "it counts its own calls, and has one only"
        );
    }
}

#[test]
fn many_threads_decide_at_once_whatever_their_instances_need() {
    for guest in [Hostile::No, Hostile::EightMemories] {
        let policy = load(guest).expect("it loads");
        let expected = good().decide(&evidence());
        std::thread::scope(|scope| {
            for _ in 0..80 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        assert_eq!(policy.decide(&evidence()), expected);
                    }
                });
            }
        });
    }
}

#[test]
fn without_a_pool_the_limits_are_the_same() {
    let options = EngineOptions {
        allocation: Allocation::OnDemand,
        ..options()
    };
    let engine = PolicyEngine::new(options).expect("an engine");
    let fault = |guest: Hostile| {
        let policy = Policy::load(&engine, &guest.bytes(), "hostile.wasm").expect("it loads");
        policy.decide(&evidence()).expect_err("it fails").kind()
    };
    assert_eq!(fault(Hostile::GrowsMemory), "memory-limit");
    assert_eq!(fault(Hostile::GrowsTable), "table-limit");
    assert_eq!(fault(Hostile::Loops), "deadline-exceeded");
    assert_eq!(fault(Hostile::OverflowsStack), "stack-overflow");
    assert_eq!(fault(Hostile::ReturnsMegabytes), "return-too-large");
}

// -------------------------------------------------------------------------------- faults of decide

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a deadline is measured against the clock"
)]
fn an_endless_loop_is_ended_at_the_deadline() {
    let policy = load(Hostile::Loops).expect("it loads");
    let begin = Instant::now();
    let fault = policy.decide(&evidence()).expect_err("it fails");
    let elapsed = begin.elapsed();
    assert!(
        elapsed >= Duration::from_millis(90),
        "ended early, after {elapsed:?}"
    );
    assert!(
        elapsed < Duration::from_secs(5),
        "ended late, after {elapsed:?}"
    );
    assert!(
        matches!(fault.cause, FaultCause::DeadlineExceeded { .. }),
        "{fault:?}"
    );
    assert_told(
        &fault,
        &[
            "did not answer within 100ms",
            "endless loop",
            "while deciding",
        ],
    );
    assert!(
        fault
            .backtrace()
            .is_some_and(|trace| trace.contains("decide")),
        "{fault:?}"
    );
}

#[test]
fn a_trap_is_told_with_its_backtrace() {
    let fault = fault(Hostile::Traps);
    assert!(
        matches!(fault.cause, FaultCause::Trapped { .. }),
        "{fault:?}"
    );
    assert_told(&fault, &["unreachable", "report this", "backtrace"]);
    let backtrace = fault.backtrace().expect("a trap has one");
    assert!(backtrace.contains("give_up"), "{backtrace}");
}

#[test]
fn growing_memory_ends_at_the_limit_and_names_the_place() {
    let fault = fault(Hostile::GrowsMemory);
    let FaultCause::MemoryLimit { wanted, limit, .. } = fault.cause else {
        panic!("{fault:?}");
    };
    assert_eq!(limit, 64 * 1024 * 1024);
    assert!(wanted > limit);
    assert_told(&fault, &["67108864 are allowed", "leak", "more memory"]);
    assert!(
        fault
            .backtrace()
            .is_some_and(|trace| trace.contains("decide")),
        "{fault:?}"
    );
}

#[test]
fn growing_a_table_ends_at_the_limit() {
    let fault = fault(Hostile::GrowsTable);
    assert!(
        matches!(fault.cause, FaultCause::TableLimit { limit: 20_000, .. }),
        "{fault:?}"
    );
    assert_told(
        &fault,
        &["1000001 elements", "20000 are allowed", "report this"],
    );
}

#[test]
fn endless_recursion_ends_at_the_stack_limit() {
    let fault = fault(Hostile::OverflowsStack);
    assert!(
        matches!(fault.cause, FaultCause::StackOverflow { .. }),
        "{fault:?}"
    );
    assert_told(&fault, &["its stack of 512 KiB", "recursion"]);
}

#[test]
fn a_return_of_megabytes_is_not_even_copied() {
    let fault = fault(Hostile::ReturnsMegabytes);
    assert!(
        matches!(fault.cause, FaultCause::ReturnTooLarge { .. }),
        "{fault:?}"
    );
    assert_told(&fault, &["more than 1048576 bytes", "shorten"]);
}

#[test]
fn a_return_that_is_no_value_of_the_contract_is_told_as_such() {
    for guest in [
        Hostile::ReturnsWildPointer,
        Hostile::ReturnsInvalidText,
        Hostile::ReturnsUnknownCase,
    ] {
        let fault = fault(guest);
        assert_eq!(fault.kind(), "unreadable-return", "{guest:?}: {fault:?}");
        assert_told(&fault, &["cannot be read", "binding generator"]);
    }
}

#[test]
fn a_decision_that_breaks_a_rule_is_told_with_the_rule() {
    let cases: [(Hostile, DecisionRule, &[&str]); 9] = [
        (
            Hostile::TooManyCauses,
            DecisionRule::CauseCount,
            &["9 causes, and 8 are allowed"],
        ),
        (
            Hostile::CauseBeyondEvidence,
            DecisionRule::CauseInEvidence,
            &["attempt 7", "has 1"],
        ),
        (
            Hostile::ReplyBeyondEvidence,
            DecisionRule::CauseInEvidence,
            &["reply 99", "has 1"],
        ),
        (
            Hostile::ReasonIsNoName,
            DecisionRule::ReasonIsName,
            &["not a name", "kebab-case"],
        ),
        (
            Hostile::ReasonNotDeclared,
            DecisionRule::ReasonIsDeclared,
            &["not-declared", "declare"],
        ),
        (
            Hostile::TooConfident,
            DecisionRule::ConfidenceRange,
            &["101", "from 0 to 100"],
        ),
        (
            Hostile::TooManyFacts,
            DecisionRule::FactCount,
            &["33 facts", "32 are allowed"],
        ),
        (
            Hostile::FactIsNoName,
            DecisionRule::FactIsNamed,
            &["A rule", "kebab-case"],
        ),
        (
            Hostile::FactTooLong,
            DecisionRule::FactLength,
            &["2000 bytes", "shorten"],
        ),
    ];
    for (guest, rule, parts) in cases {
        assert_broken(guest, rule, parts);
    }
}

// ---------------------------------------------------------------------- files that are no policies

#[test]
fn a_file_that_is_no_component_of_our_world_is_told_before_it_is_compiled() {
    let cases: [(Hostile, &str, &[&str]); 13] = [
        (Hostile::Empty, "empty", &["it is empty", "build"]),
        (
            Hostile::NotWasm,
            "not-wasm",
            &["native program", ".wasm file"],
        ),
        (
            Hostile::TextFormat,
            "text-format",
            &["text form", "wasm-tools parse"],
        ),
        (
            Hostile::CoreModule,
            "core-module",
            &["core module", "component new"],
        ),
        (
            Hostile::Truncated,
            "truncated",
            &["cut off", "download it again"],
        ),
        (
            Hostile::ImportsWasi,
            "imports",
            &["wasi:clocks/wall-clock@0.2.0", "--stub-wasi"],
        ),
        (
            Hostile::ImportsHost,
            "imports",
            &["imports log", "evidence"],
        ),
        (Hostile::UsesThreads, "feature-off", &["threads", "wasm32"]),
        (
            Hostile::OtherWorld,
            "other-world",
            &["wasi:http/incoming-handler", "vrfy:policy/policy"],
        ),
        (
            Hostile::OtherVersion,
            "other-version",
            &["judge@0.2.0", "judge@0.1.0", "WIT files"],
        ),
        (
            Hostile::OtherTypes,
            "other-types",
            &["other types", "WIT files"],
        ),
        (
            Hostile::StartsWithMemory,
            "memory-limit",
            &["134217728 bytes", "initial memory"],
        ),
        (
            Hostile::StartsWithTable,
            "table-limit",
            &["1000000 elements", "20000"],
        ),
    ];
    for (guest, kind, parts) in cases {
        let error = load_error(guest);
        assert_eq!(error.kind(), kind, "{guest:?}: {error}");
        assert_told(&error, parts);
    }
}

#[test]
fn more_memories_than_allowed_cannot_be_loaded() {
    let error = load_error(Hostile::ManyMemories);
    assert_told(&error, &["memories", "8"]);
}

#[test]
fn a_manifest_that_breaks_a_rule_is_told_with_the_place() {
    let error = load_error(Hostile::ManifestIsWrong);
    assert!(matches!(error.cause, LoadCause::Manifest(_)), "{error:?}");
    assert_told(&error, &["its name \"Not A Name\"", "lower-case"]);
    let error = load_error(Hostile::AboutIsWrong);
    assert!(matches!(error.cause, LoadCause::Manifest(_)), "{error:?}");
    assert_told(
        &error,
        &["about", "reason", "\"The Mailbox\"", "lower-case"],
    );
}

#[test]
fn a_guest_that_fails_while_it_is_loaded_is_a_fault_with_its_stage() {
    let cases = [
        (Hostile::TrapsInDescribe, FaultStage::Describe, "trapped"),
        (
            Hostile::StatusIsWrong,
            FaultStage::Describe,
            "unreadable-return",
        ),
        (
            Hostile::LoopsInDescribe,
            FaultStage::Describe,
            "deadline-exceeded",
        ),
        (
            Hostile::LoopsInStart,
            FaultStage::Instantiate,
            "deadline-exceeded",
        ),
        (
            Hostile::GrowsInStart,
            FaultStage::Instantiate,
            "memory-limit",
        ),
    ];
    for (guest, stage, kind) in cases {
        let error = load_error(guest);
        let LoadCause::Fault(fault) = &error.cause else {
            panic!("{guest:?}: {error:?}");
        };
        assert_eq!((fault.stage, fault.kind()), (stage, kind), "{guest:?}");
    }
}

#[test]
fn every_guest_becomes_an_error_or_a_fault_and_none_a_verdict() {
    let harmless = [Hostile::No, Hostile::EightMemories, Hostile::KeepsState];
    for guest in Hostile::ALL {
        let verdict = load(guest)
            .ok()
            .and_then(|policy| policy.decide(&evidence()).ok());
        assert_eq!(verdict.is_some(), harmless.contains(&guest), "{guest:?}");
    }
}

#[test]
fn cutting_a_policy_anywhere_or_changing_a_byte_never_harms_the_host() {
    let whole = Hostile::No.bytes();
    let changed = (0..whole.len()).step_by(7).map(|at| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        bytes
    });
    let cut = (0..whole.len()).step_by(97).map(|at| whole[..at].to_vec());
    for bytes in changed.chain(cut) {
        if let Ok(policy) = Policy::load(engine(), &bytes, "hostile.wasm") {
            let _ = policy.decide(&evidence());
        }
    }
    good()
        .decide(&evidence())
        .expect("a good policy still decides");
}
