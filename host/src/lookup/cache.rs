//! Keeps answers for their time-to-live, and lets many askers share one question.
//!
//! **Promises.** At most [`ENTRIES_MAX`] questions and about [`WEIGHT_MAX`] octets of answers are
//! held. An answer is handed out no longer than its time-to-live. A question that is under way is
//! not asked again: who comes later waits for the same answer, and takes the asking over when the
//! first asker is dropped.
//!
//! **How it stays small.** Two generations: what is used moves to the young one; when that is half
//! of the limit, the old one is dropped and the young one becomes old. Nothing is ever searched
//! for.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::answer::{Answer, Question};

/// Questions held at most: three a domain (MX, A, AAAA) for some twenty thousand domains in use at
/// a time, most of which share their exchanges.
const ENTRIES_MAX: usize = 65_536;

/// Octets of answers held at most. An answer over TCP can carry thousands of long names, so a count
/// of entries alone would be no limit.
const WEIGHT_MAX: usize = 16 * 1024 * 1024;

/// The answers.
pub(super) struct Cache {
    generations: Mutex<Generations>,
}

/// An answer and where it came from.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) question: Question,
    pub(super) answer: Arc<Answer>,
    /// How long it is good from now on.
    pub(super) valid_for: Duration,
    /// Whether it was there before it was asked for.
    pub(super) was_kept: bool,
}

impl Default for Cache {
    fn default() -> Self {
        Self::with_limits(ENTRIES_MAX, WEIGHT_MAX)
    }
}

impl Cache {
    fn with_limits(entries_max: usize, weight_max: usize) -> Self {
        Self {
            generations: Mutex::new(Generations {
                young: Generation::default(),
                old: Generation::default(),
                entries_max: entries_max / 2,
                weight_max: weight_max / 2,
            }),
        }
    }

    /// The answer, if it is here and still good.
    pub(super) fn find(&self, question: &Question) -> Option<Found> {
        let slot = self.lock().live(question)?;
        let kept = slot.get()?;
        Some(kept.found(question.clone(), true))
    }

    /// The answer from here, from whoever is asking already, or from `ask`.
    pub(super) async fn find_or_ask<F>(
        &self,
        question: Question,
        ask: impl FnOnce(Question) -> F,
    ) -> Found
    where
        F: Future<Output = Answer>,
    {
        let slot = self.lock().live_or_new(&question);
        if let Some(kept) = slot.get() {
            return kept.found(question, true);
        }
        let asking = async {
            let answer = ask(question.clone()).await;
            let kept = Kept {
                until: Instant::now() + answer.ttl,
                answer: Arc::new(answer),
            };
            self.lock().settle(&question, &slot, &kept.answer);
            kept
        };
        slot.get_or_init(|| asking).await.found(question, false)
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations
            .lock()
            .expect("nobody panics while holding the cache")
    }
}

/// Filled once, by the first asker that gets to the end.
type Slot = Arc<OnceCell<Kept>>;

struct Kept {
    answer: Arc<Answer>,
    until: Instant,
}

impl Kept {
    fn found(&self, question: Question, was_kept: bool) -> Found {
        Found {
            question,
            answer: Arc::clone(&self.answer),
            valid_for: self.until.saturating_duration_since(Instant::now()),
            was_kept,
        }
    }
}

struct Generations {
    young: Generation,
    old: Generation,
    entries_max: usize,
    weight_max: usize,
}

#[derive(Default)]
struct Generation {
    slots: HashMap<Question, Slot>,
    weight: usize,
}

impl Generations {
    /// A slot that is still good, or that somebody is about to fill.
    fn live(&mut self, question: &Question) -> Option<Slot> {
        if let Some(slot) = self.young.slots.get(question) {
            return is_live(slot).then(|| Arc::clone(slot));
        }
        let (question, slot) = self.old.slots.remove_entry(question)?;
        if !is_live(&slot) {
            return None;
        }
        self.add(question, Arc::clone(&slot));
        Some(slot)
    }

    fn live_or_new(&mut self, question: &Question) -> Slot {
        if let Some(slot) = self.live(question) {
            return slot;
        }
        let slot = Slot::default();
        self.add(question.clone(), Arc::clone(&slot));
        slot
    }

    fn add(&mut self, question: Question, slot: Slot) {
        if self.young.slots.len() >= self.entries_max || self.young.weight >= self.weight_max {
            self.old = mem::take(&mut self.young);
        }
        self.young.weight += slot.get().map_or(0, |kept| kept.answer.weight());
        self.young.slots.insert(question, slot);
    }

    /// Counts an answer that has come, or forgets the question when it may not be kept.
    fn settle(&mut self, question: &Question, slot: &Slot, answer: &Answer) {
        for generation in [&mut self.young, &mut self.old] {
            let is_ours = generation
                .slots
                .get(question)
                .is_some_and(|held| Arc::ptr_eq(held, slot));
            if is_ours && answer.ttl.is_zero() {
                generation.slots.remove(question);
            } else if is_ours {
                generation.weight += answer.weight();
            }
        }
    }
}

fn is_live(slot: &Slot) -> bool {
    slot.get().is_none_or(|kept| Instant::now() < kept.until)
}

#[cfg(test)]
mod tests;
