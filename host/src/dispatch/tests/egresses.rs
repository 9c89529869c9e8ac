//! Several egresses: who asks is chosen by the domain and kept; a destination counts them together.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;

use super::*;
use crate::egress::Egresses;

fn egresses(text: &str) -> Arc<Egresses> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Arc::new(Egresses::load(file.path()).unwrap())
}

/// So many egresses with addresses of the loopback.
fn several(count: usize) -> Arc<Egresses> {
    let table = |n: usize| {
        format!(
            "[[egress]]\nname = \"e{n}\"\nsource-v4 = \"127.0.0.{n}\"\n\
             helo = \"e{n}.example.com\"\nmail-from = \"probe{n}@example.com\"\n"
        )
    };
    egresses(&(1..=count).map(table).collect::<String>())
}

fn names(seen: &Seen) -> Vec<String> {
    let names = seen.egresses.iter().map(|egress| egress.name.clone());
    names.map(Option::unwrap).collect()
}

#[tokio::test(start_paused = true)]
async fn a_retry_has_the_same_egress_reverse_path_and_recipients_in_the_same_order() {
    for number in 0..10 {
        let world = World::new(|_, round| if round == 1 { 450 } else { 250 });
        let mut around = surroundings(&world, RetryMode::Wait);
        around.egresses = several(5);
        let list = ["cy", "ana", "bob"].map(|name| format!("{name}@d{number}.test"));
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        run_list(around, &list).await;
        let seen = world.seen.lock().unwrap();
        let egresses: BTreeSet<String> = names(&seen).into_iter().collect();
        assert_eq!(egresses.len(), 1, "{egresses:?}");
        let again: Vec<&String> = seen.permits.iter().flatten().skip(list.len()).collect();
        assert_eq!(again, list, "{:?}", seen.permits);
    }
}

#[tokio::test(start_paused = true)]
async fn another_run_asks_a_domain_from_the_same_egress_with_the_same_decoy() {
    let run = async || {
        let world = World::new(|_, _| 250);
        let mut around = surroundings(&world, RetryMode::Wait);
        around.egresses = several(3);
        around.seed = 4_711;
        let list: Vec<String> = (0..20)
            .map(|number| format!("ana@d{number}.test"))
            .collect();
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        run_list(around, &list).await;
        let seen = world.seen.lock().unwrap();
        let permits = seen.permits.iter().map(|permit| permit[0].clone());
        let asked: HashMap<String, String> = permits.zip(names(&seen)).collect();
        let decoys: BTreeSet<String> = seen.decoys.iter().cloned().collect();
        (asked, decoys)
    };
    let (asked, decoys) = run().await;
    assert_eq!(run().await, (asked.clone(), decoys.clone()));
    assert_eq!(decoys.len(), 20);
    let used: BTreeSet<&String> = asked.values().collect();
    assert_eq!(used.len(), 3, "twenty domains use every egress");
}

#[test]
fn a_decoy_is_another_one_for_each_domain_and_egress() {
    let domains = ["a.test", "b.test"].map(|name| Domain::parse(name).unwrap());
    let mut decoys = BTreeSet::new();
    for egress in several(3).iter() {
        for domain in &domains {
            let secret = egress.identity();
            decoys.insert(vrfy_proto::decoy::local_part(secret.as_bytes(), domain));
        }
    }
    assert_eq!(decoys.len(), 6);
}

/// Domains that share an exchange, as the customers of a provider do.
fn shared(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("ana@d{number}.shared.test"))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn more_egresses_do_not_open_more_sessions_than_a_destination_is_used_to() {
    for (egresses, most) in [(1, 2), (2, 4), (8, 4)] {
        let world = World::new(|_, _| 250);
        let mut around = surroundings(&world, RetryMode::Wait);
        around.egresses = several(egresses);
        around.limits.mailboxes_per_session = 1;
        let list = shared(60);
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        let records = run_list(around, &list).await;
        assert_eq!(records.len(), list.len());
        let seen = world.seen.lock().unwrap();
        assert_eq!(seen.most_open, most, "{egresses} egresses");
    }
}

/// A refusal that is about us is not got round by asking from another address (RFC 5321 section
/// 4.2.1: the same request is not to be repeated).
#[tokio::test(start_paused = true)]
async fn a_destination_that_refuses_us_is_left_alone_by_every_egress() {
    let world = World::new(|mailbox, _| match mailbox.contains("@d0.") {
        true => 554,
        false => 250,
    });
    let mut around = surroundings(&world, RetryMode::Wait);
    around.egresses = several(8);
    around.limits.mailboxes_per_session = 1;
    around.limits.sessions_per_lane = 1;
    around.limits.sessions_per_destination = 1;
    let list = shared(30);
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    run_list(around, &list).await;
    let seen = world.seen.lock().unwrap();
    let refused = seen.permits.iter().position(|permit| permit[0] == list[0]);
    let refused = refused.unwrap();
    let next = seen.times.get(refused + 1).expect("somebody came after it");
    assert!(next - seen.times[refused] >= 3_600_000, "{:?}", seen.times);
    let used: BTreeSet<String> = names(&seen).into_iter().collect();
    assert!(used.len() > 4, "{used:?}");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_but_the_list_and_one_decoy_a_domain() {
    let world = World::new(
        |mailbox, round| match mailbox.starts_with("ana@") && round < 3 {
            true => 450,
            false => 550,
        },
    );
    let mut around = surroundings(&world, RetryMode::Wait);
    around.egresses = several(3);
    let list: Vec<String> = (0..5)
        .flat_map(|number| ["ana", "bob"].map(|name| format!("{name}@d{number}.test")))
        .collect();
    let texts: Vec<&str> = list.iter().map(String::as_str).collect();
    run_list(around, &texts).await;
    let seen = world.seen.lock().unwrap();
    assert!(
        seen.permits
            .iter()
            .flatten()
            .all(|asked| list.contains(asked))
    );
    let decoys: BTreeSet<&String> = seen.decoys.iter().collect();
    let domains: BTreeSet<&str> = decoys
        .iter()
        .map(|decoy| decoy.rsplit_once('@').unwrap().1)
        .collect();
    assert_eq!((decoys.len(), domains.len()), (5, 5), "{decoys:?}");
}
