//! Who is excluded is in no permit, whatever the policy plans; the record says why.

use std::io::Write;

use super::*;

fn exclusions(text: &str) -> Arc<Exclusions> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Arc::new(Exclusions::read([file.path()]).unwrap())
}

/// The scripted judge knows nothing of exclusions and plans a probe every time.
#[tokio::test(start_paused = true)]
async fn a_policy_that_wants_to_ask_all_the_same_gets_nobody_asked() {
    let world = World::new(|_, _| 250);
    let mut around = surroundings(&world, RetryMode::Wait);
    around.exclusions = exclusions("ana@a.test");
    let rounds = around.limits.rounds as usize;
    let records = run_list(around, &["ana@a.test", "bob@a.test"]).await;
    assert_eq!(world.seen.lock().unwrap().permits, [["bob@a.test"]]);
    let lookups = &records[0].lookups;
    assert_eq!(lookups.len(), rounds);
    let LookupOutcome::Other(outcome) = &lookups[0].outcome else {
        panic!("{lookups:?}");
    };
    assert!(outcome.contains("excluded by ana@a.test"), "{outcome}");
    assert_eq!(lookups[0].facts[0].name, "excluded");
    assert_eq!(records[0].clamps[0].wish, "round");
    assert_eq!(records[1].status, RecordStatus::Deliverable);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_that_is_excluded_after_the_look_up_is_in_no_permit() {
    for text in ["mx:.a.test", "127.0.0.1"] {
        let world = World::new(|_, _| 250);
        let mut around = surroundings(&world, RetryMode::Wait);
        around.exclusions = exclusions(text);
        let records = run_list(around, &["ana@a.test"]).await;
        assert_eq!(world.seen.lock().unwrap().permits.len(), 0, "{text}");
        let facts = &records[0].lookups[0].facts;
        assert!(facts[0].value.contains("mx.a.test"), "{facts:?}");
        assert!(facts[0].value.ends_with(" line 1)"), "{facts:?}");
    }
}
