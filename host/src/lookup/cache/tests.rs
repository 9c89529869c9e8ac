//! The cache by itself, on a clock that only moves when a test says so.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;
use tokio::time::advance;
use vrfy_proto::mx::{DnsAnswer, MxRecord};

use super::super::answer::{Authenticity, Datum, QuestionKind};
use super::*;

fn question(name: &str) -> Question {
    Question::new(name, QuestionKind::Mx)
}

fn answer(ttl_s: u64) -> Answer {
    Answer {
        records: DnsAnswer::NoData,
        aliases: Vec::new(),
        ttl: Duration::from_secs(ttl_s),
        authenticity: Authenticity::Unknown,
    }
}

async fn ask(cache: &Cache, name: &str, ttl_s: u64) -> Found {
    cache
        .find_or_ask(question(name), |_| async move { answer(ttl_s) })
        .await
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_for_its_time_to_live_and_no_longer() {
    let cache = Cache::default();
    let first = ask(&cache, "a.test", 60).await;
    assert!(!first.was_kept);
    assert_eq!(first.valid_for, Duration::from_secs(60));

    advance(Duration::from_secs(59)).await;
    let second = ask(&cache, "a.test", 60).await;
    assert!(second.was_kept);
    assert_eq!(second.valid_for, Duration::from_secs(1));

    advance(Duration::from_secs(1)).await;
    assert!(cache.find(&question("a.test")).is_none());
    assert!(!ask(&cache, "a.test", 60).await.was_kept);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_time_to_live_is_not_kept_but_shared() {
    let cache = Arc::new(Cache::default());
    let asked = Arc::new(AtomicUsize::new(0));
    let mut askers = JoinSet::new();
    for _ in 0..10 {
        let (cache, asked) = (Arc::clone(&cache), Arc::clone(&asked));
        askers.spawn(async move {
            let slow = |_| async {
                asked.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_secs(1)).await;
                answer(0)
            };
            cache.find_or_ask(question("a.test"), slow).await
        });
    }
    let found = askers.join_all().await;
    assert!(found.iter().all(|found| !found.was_kept));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert!(cache.find(&question("a.test")).is_none());
    assert!(cache.lock().young.slots.is_empty());
}

#[tokio::test(start_paused = true)]
async fn when_the_asker_goes_away_a_waiter_takes_over() {
    let cache = Arc::new(Cache::default());
    let never = {
        let cache = Arc::clone(&cache);
        tokio::spawn(async move {
            cache
                .find_or_ask(question("a.test"), |_| std::future::pending())
                .await
        })
    };
    tokio::task::yield_now().await;
    let waiter = {
        let cache = Arc::clone(&cache);
        tokio::spawn(async move { ask(&cache, "a.test", 60).await })
    };
    tokio::task::yield_now().await;
    never.abort();
    assert_eq!(*waiter.await.unwrap().answer, answer(60));
}

#[tokio::test(start_paused = true)]
async fn the_number_of_entries_is_limited_and_what_is_used_stays() {
    let cache = Cache::with_limits(20, WEIGHT_MAX);
    ask(&cache, "used.test", 60).await;
    for number in 0..1000 {
        ask(&cache, &format!("d{number}.test"), 60).await;
        assert!(ask(&cache, "used.test", 60).await.was_kept, "{number}");
    }
    let generations = cache.lock();
    assert!(generations.young.slots.len() + generations.old.slots.len() <= 20);
}

#[tokio::test(start_paused = true)]
async fn the_size_of_all_answers_together_is_limited() {
    let record = || {
        Datum::Mx(MxRecord {
            preference: 10,
            exchange: "x".repeat(250),
        })
    };
    let large = || Answer {
        records: DnsAnswer::Records((0..100).map(|_| record()).collect()),
        ..answer(60)
    };
    let limit = 10 * large().weight();
    let cache = Cache::with_limits(ENTRIES_MAX, limit);
    for number in 0..100 {
        let question = question(&format!("d{number}.test"));
        cache.find_or_ask(question, |_| async { large() }).await;
    }
    let generations = cache.lock();
    let held: usize = [&generations.young, &generations.old]
        .into_iter()
        .flat_map(|generation| generation.slots.values())
        .filter_map(|slot| slot.get())
        .map(|kept| kept.answer.weight())
        .sum();
    assert!(held <= limit + large().weight(), "{held} of {limit}");
    assert!(held >= limit / 2, "{held} of {limit}");
}
