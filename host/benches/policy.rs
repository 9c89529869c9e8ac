//! What a decision of the built-in policy costs, and what it is made of:
//! `cargo bench -p vrfy --bench policy`.
//!
//! The evidence is that of one attempt at a large provider: four replies, fourteen reply lines.

use std::hint::black_box;
use std::path::PathBuf;

use criterion::{Criterion, criterion_group, criterion_main};
use vrfy::policy::{
    Allocation, EngineOptions, GivenSetting, Policy, PolicyEngine, measure::LiveInstance, resolve,
};
use vrfy_proto::{
    enhanced_code::EnhancedStatusCode,
    evidence::{
        Address, Attempt, Budget, Clock, Ending, Evidence, Exchange, Fact, Lookup, LookupOutcome,
        MailboxFacts, Reply, Tls,
    },
    stage::Stage,
};

criterion_group!(benches, load, decide);
criterion_main!(benches);

/// Compiling, and finding what was compiled before; both with all checks and `describe`.
fn load(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("policy");
    group.sample_size(20);
    let engine = engine(Allocation::Pooled, None);
    group.bench_function("load, compiling", |bencher| {
        bencher.iter(|| Policy::built_in(black_box(&engine)).expect("it loads"));
    });
    let directory = tempfile::tempdir().expect("a directory");
    let cache = directory.path().join("policies");
    let first = self::engine(Allocation::Pooled, Some(cache.clone()));
    Policy::built_in(&first).expect("it is compiled once");
    group.bench_function("load, compiled before", |bencher| {
        bencher.iter(|| Policy::built_in(black_box(&first)).expect("it loads"));
    });
    group.bench_function("start: engine and load, compiled before", |bencher| {
        bencher.iter(|| {
            let engine = self::engine(Allocation::Pooled, Some(cache.clone()));
            Policy::built_in(&engine).expect("it loads")
        });
    });
    group.finish();
}

/// A decision, and its two parts.
fn decide(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("policy");
    let pooled = Policy::built_in(&engine(Allocation::Pooled, None)).expect("it loads");
    let on_demand = Policy::built_in(&engine(Allocation::OnDemand, None)).expect("it loads");
    let evidence = evidence(&pooled);
    group.bench_function("decide, fresh instance", |bencher| {
        bencher.iter(|| pooled.decide(black_box(&evidence)).expect("it decides"));
    });
    group.bench_function("decide, fresh instance, no pool", |bencher| {
        bencher.iter(|| on_demand.decide(black_box(&evidence)).expect("it decides"));
    });
    group.bench_function("instantiate and drop", |bencher| {
        bencher.iter(|| LiveInstance::new(&pooled).expect("it starts"));
    });
    group.bench_function("call of a live instance", |bencher| {
        let mut live = LiveInstance::new(&pooled).expect("it starts");
        bencher.iter(|| live.decide(black_box(&evidence)).expect("it decides"));
    });
    group.finish();
}

fn engine(allocation: Allocation, cache: Option<PathBuf>) -> PolicyEngine {
    let options = EngineOptions {
        allocation,
        cache,
        ..EngineOptions::default()
    };
    let engine = PolicyEngine::new(options).expect("an engine");
    assert_eq!(
        engine.warnings(),
        [],
        "what is measured must be what is claimed"
    );
    engine
}

const START_MS: u64 = 1_700_000_000_000;

fn evidence(policy: &Policy) -> Evidence {
    let defaults: &[GivenSetting] = &[];
    Evidence {
        address: Address {
            given: "ana.example@example.com".to_owned(),
            mailbox: Ok(MailboxFacts {
                wire: "ana.example@example.com".to_owned(),
                local_part: "ana.example".to_owned(),
                domain: "example.com".to_owned(),
                unicode_domain: "example.com".to_owned(),
                needs_smtputf8: false,
            }),
        },
        lookups: vec![lookup()],
        attempts: vec![attempt()],
        decoys: vec![],
        tags: vec!["free-provider".to_owned()],
        facts: vec![Fact::new("provider", "example")],
        clock: Clock {
            now_ms: START_MS + 800,
            probe_started_ms: START_MS,
        },
        budget: Budget {
            rounds_left: 7,
            deadline_ms: Some(START_MS + 172_800_000),
        },
        settings: resolve(policy.manifest(), defaults).expect("defaults are allowed"),
    }
}

fn lookup() -> Lookup {
    let exchange = |index: u8, preference| Exchange {
        name: format!("alt{index}.mx.example.com"),
        preference,
        addresses: vec![format!("192.0.2.{index}"), format!("2001:db8::{index}")],
    };
    Lookup {
        started_ms: START_MS,
        elapsed_ms: 23,
        outcome: LookupOutcome::Exchanges,
        exchanges: vec![exchange(1, 5), exchange(2, 10), exchange(3, 20)],
        facts: vec![],
    }
}

fn attempt() -> Attempt {
    Attempt {
        round: 1,
        started_ms: START_MS + 25,
        elapsed_ms: 640,
        exchange: 0,
        exchange_name: "alt1.mx.example.com".to_owned(),
        remote_address: Some("192.0.2.1".to_owned()),
        local_address: "198.51.100.7".to_owned(),
        ehlo_name: "probe.example.net".to_owned(),
        reverse_path: String::new(),
        tls: Some(Tls {
            version: "TLSv1.3".to_owned(),
            cipher_suite: "TLS_AES_256_GCM_SHA384".to_owned(),
            problems: vec![],
        }),
        replies: replies(),
        ending: Ending::Completed,
        asked_before: 0,
        refused_before: 0,
        facts: vec![],
    }
}

/// One line of greeting, eight of EHLO, one of MAIL and four of RCPT.
fn replies() -> Vec<Reply> {
    let reply = |stage, code, enhanced, text: &str| Reply {
        stage,
        code: Some(code),
        enhanced,
        text: text.to_owned(),
        elapsed_ms: 120,
    };
    let code = |class, subject, detail| {
        Some(EnhancedStatusCode {
            class,
            subject,
            detail,
        })
    };
    vec![
        reply(
            Stage::Greeting,
            220,
            None,
            "mx.example.com ESMTP 4fb4d7f45d1cf-5c8b5ca7a6csi123456a12.1 - gsmtp",
        ),
        reply(
            Stage::EhloAfterTls,
            250,
            None,
            "mx.example.com at your service, [198.51.100.7]\nSIZE 157286400\n8BITMIME\n\
             ENHANCEDSTATUSCODES\nPIPELINING\nCHUNKING\nDSN\nSMTPUTF8",
        ),
        reply(
            Stage::MailFrom,
            250,
            code(2, 1, 0),
            "2.1.0 OK 4fb4d7f45d1cf-5c8b5ca7a6csi123456a12.1 - gsmtp",
        ),
        reply(
            Stage::RcptTo,
            550,
            code(5, 1, 1),
            "5.1.1 The email account that you tried to reach does not exist. Please try\n\
             5.1.1 double-checking the recipient's email address for typos or\n\
             5.1.1 unnecessary spaces. For more information, go to\n\
             5.1.1 https://support.example.com/mail/?p=NoSuchUser 4fb4d7f45d1cf-5c8b - gsmtp",
        ),
    ]
}
