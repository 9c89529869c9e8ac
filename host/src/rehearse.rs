//! Rehearsals: a policy against modelled mail servers, without a network.
//!
//! ```text
//! catalogue ─> Model ─> exchanges, names, mailboxes with their truth
//!                            │
//! strategy ─> policy <─> dispatcher, executor, session (those that ship) ─> records ─> Figures
//! ```
//!
//! Goal: what a retry strategy is worth, and what it costs others, before anybody is asked. Method:
//! the real program on a clock that jumps to the next thing that happens; only what lies beyond it
//! is modelled. So waits are clamped, lanes held and budgets ended as they are in a real run.
//!
//! **Promises.** The same policy, strategies, mailboxes and seed come to the same figures, on every
//! machine. Nothing is sent anywhere.
//!
//! **Does not** say how common each kind of server is: the mix is ours, and its shares are shown.
//!
//! Read next: `rehearse/catalogue.rs` (the models and their sources), `rehearse/play.rs`.

use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

pub use self::catalogue::MODELS;
pub use self::model::Model;
use self::play::{Stage, play};
pub use self::strategy::{STRATEGIES_MAX, Strategy, StrategyError, strategies};
pub use self::tally::Figures;
use self::tally::{Tally, figures};
use crate::policy::Policy;
use crate::tls::TlsClient;

mod catalogue;
mod chance;
mod judge;
mod mailbox;
mod model;
mod play;
mod server;
mod strategy;
mod tally;
#[cfg(test)]
mod tests;
mod wire;

/// What is rehearsed.
#[derive(Clone)]
pub struct Rehearsal {
    /// Who judges.
    pub policy: Policy,
    /// With which settings, each in turn.
    pub strategies: Vec<Strategy>,
    /// Mailboxes of every model.
    pub mailboxes: usize,
    /// Decides who is there, and what fails.
    pub seed: u64,
    /// Rounds of one mailbox at most, as for `vrfy run`.
    pub rounds: u32,
    /// How long after its begin a mailbox may still be asked, as for `vrfy run`.
    pub give_up_after: Duration,
}

/// What came of a rehearsal.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// One for each model and strategy, models in the order of the catalogue, in each the
    /// strategies in the order in which they were given.
    pub rows: Vec<Row>,
    /// One for each strategy: all models together, by their shares.
    pub mix: Vec<Row>,
}

/// The figures of one strategy.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Row {
    /// The model; absent for the mix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<&'static str>,
    /// The strategy.
    pub strategy: String,
    /// What it came to.
    #[serde(flatten)]
    pub figures: Figures,
}

/// The policy failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rehearsal of strategy {strategy} against {model} has ended: {fault}")]
pub struct RehearsalError {
    /// With these settings,
    pub strategy: String,
    /// against this model,
    pub model: &'static str,
    /// by this.
    pub fault: String,
}

impl Rehearsal {
    /// Plays every strategy against every model, as many at once as the runtime's threads for
    /// blocking work allow.
    pub async fn run(self) -> Result<Outcome, RehearsalError> {
        let stage = Arc::new(Stage {
            tls: TlsClient::new(),
            mailboxes: self.mailboxes,
            seed: self.seed,
            rounds: self.rounds,
            give_up_after: self.give_up_after,
        });
        let mut plays = Vec::new();
        for model in MODELS {
            for strategy in &self.strategies {
                let (stage, settings) = (Arc::clone(&stage), strategy.settings.clone());
                let policy = self.policy.clone();
                let task =
                    tokio::task::spawn_blocking(move || play(&stage, policy, settings, model));
                plays.push((model, strategy.name.clone(), task));
            }
        }
        let mut tallies = Vec::new();
        for (model, strategy, task) in plays {
            let played = match task.await {
                Ok(played) => played,
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(error) => Err(error.to_string()),
            };
            let tally = played.map_err(|fault| RehearsalError {
                strategy: strategy.clone(),
                model: model.name,
                fault,
            })?;
            tallies.push((model, strategy, tally));
        }
        Ok(outcome(&self.strategies, &tallies))
    }
}

fn outcome(strategies: &[Strategy], tallies: &[(&'static Model, String, Tally)]) -> Outcome {
    let rows = tallies.iter().map(|(model, strategy, tally)| Row {
        model: Some(model.name),
        strategy: strategy.clone(),
        figures: figures(&[(1, tally)]),
    });
    let mix = strategies.iter().map(|strategy| {
        let own = tallies.iter().filter(|(_, name, _)| *name == strategy.name);
        let own: Vec<_> = own.map(|(model, _, tally)| (model.share, tally)).collect();
        Row {
            model: None,
            strategy: strategy.name.clone(),
            figures: figures(&own),
        }
    });
    Outcome {
        rows: rows.collect(),
        mix: mix.collect(),
    }
}
