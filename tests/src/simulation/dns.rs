//! Name servers that answer from a table, each question after its time.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use vrfy::lookup::{Answer, Question, QuestionKind, Resolve};
use vrfy_proto::mx::DnsAnswer;

use super::world::Entry;

/// The name servers of a world.
pub(super) struct Names {
    entries: HashMap<(Arc<str>, QuestionKind), Mutex<Entry>>,
}

impl Names {
    pub(super) fn new(entries: &[Entry]) -> Self {
        let entries = entries.iter().map(|entry| {
            let key = (Arc::from(entry.name.as_str()), entry.kind);
            (key, Mutex::new(entry.clone()))
        });
        Self {
            entries: entries.collect(),
        }
    }
}

impl Resolve for Names {
    fn ask(&self, question: Question) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
        Box::pin(async move {
            let Some(entry) = self.entries.get(&(question.name, question.kind)) else {
                return Answer::kept_for(DnsAnswer::NxDomain, ABSENCE_KEPT);
            };
            let (takes, answer) = {
                let mut entry = entry.lock().expect("nobody panics while answering");
                let answer = match entry.fails_first {
                    0 => Answer::kept_for(entry.answer.clone(), entry.keeps),
                    _ => Answer::temporary(DnsAnswer::ServFail),
                };
                entry.fails_first = entry.fails_first.saturating_sub(1);
                (entry.takes, answer)
            };
            if !takes.is_zero() {
                tokio::time::sleep(takes).await;
            }
            answer
        })
    }
}

const ABSENCE_KEPT: Duration = Duration::from_mins(5);
