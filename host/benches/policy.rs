//! What a decision of the built-in policy costs, and what it is made of:
//! `cargo bench -p vrfy --bench policy`.
//!
//! The evidence is that of one attempt at a large provider: four replies, fourteen reply lines.
//! Instructions, which are the same on every machine, are counted by the benchmark `instructions`.

use std::hint::black_box;
use std::path::PathBuf;

use criterion::{Criterion, criterion_group, criterion_main};
use vrfy::policy::{Allocation, EngineOptions, Policy, PolicyEngine, measure::LiveInstance};

mod evidence;

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
    let evidence = evidence::refused(&pooled);
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
