//! `vrfy check ADDRESS...`: a few addresses, answered in the order in which they were given.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::stop;
use crate::args::CheckArgs;
use crate::config::{self, Config};
use crate::dispatch::{self, Channels, Input, Settled, Snapshot, Surroundings, Task};
use crate::error::UserError;
use crate::explain::Explainer;
use crate::output::{Form, Screen, Sentences, Sink, WriteError, Writer};
use crate::policy::Policy;
use crate::record::Record;

/// Runs the command.
pub async fn check(args: CheckArgs) -> anyhow::Result<u8> {
    let mut config = Config::resolve(&args.probe, args.retry)?;
    config.make_room(config.limits.sessions.min(args.addresses.len()));
    super::warn(&config);
    let form = match args.json {
        true => Form::JsonLines,
        false => Form::Person(Screen::of_stdout(), sentences(&config.policy)),
    };
    let mut writer = Writer::new(Sink::stdout(), form);
    let (input, input_receiver) = mpsc::channel(CHANNEL);
    let (output, mut settled) = mpsc::channel::<Settled>(CHANNEL);
    let (_stop, stop_receiver) = stop::on_interrupt("");
    let channels = Channels {
        input: input_receiver,
        output,
        stop: stop_receiver,
        snapshot: watch::Sender::new(Snapshot::default()),
    };
    let run = tokio::spawn(dispatch::run(
        Surroundings {
            explain: args.explain,
            ..surroundings(&config, args.transcript)
        },
        channels,
    ));
    tokio::spawn(async move {
        for (index, given) in (0..).zip(args.addresses) {
            let task = Task {
                index,
                given,
                row: None,
            };
            if input.send(Input::Task(task)).await.is_err() {
                return;
            }
        }
    });
    let explainer = match args.explain {
        true => Some(explainer(&config, &args.probe.choice.settings)?),
        false => None,
    };
    let mut in_order = InOrder::default();
    while let Some(Settled { index, mut record }) = settled.recv().await {
        if let Some(explainer) = &explainer {
            tokio::task::block_in_place(|| explainer.explain_record(&mut record));
        }
        for record in in_order.next(index, record) {
            match writer.write(&record) {
                Ok(()) => {}
                Err(WriteError::ReaderGone) => return Ok(0),
                Err(error) => return Err(error.into()),
            }
        }
    }
    let end = run.await?;
    match writer.finish() {
        Ok(sink) => sink.finish()?,
        Err(WriteError::ReaderGone) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(super::exit_code(end))
}

/// Inputs and records under way between the tasks of a run.
pub(super) const CHANNEL: usize = 64;

/// The surroundings of a run by this configuration.
pub(super) fn surroundings(
    config: &Config,
    keep_transcripts: bool,
) -> Surroundings<crate::executor::InProcess, crate::judge::PolicyJudge> {
    Surroundings {
        executor: Arc::clone(&config.executor),
        judge: Arc::clone(&config.judge),
        clock: config.clock,
        egresses: Arc::clone(&config.egresses),
        exclusions: Arc::clone(&config.exclusions),
        tags: Arc::clone(&config.tags),
        limits: config.limits.clone(),
        retry: config.retry,
        seed: random_seed(),
        keep_transcripts,
        explain: false,
    }
}

/// Who explains the records of a run by this configuration.
fn explainer(config: &Config, settings: &[String]) -> Result<Explainer, UserError> {
    let settings = config::settings(&config.policy, settings)?;
    Ok(Explainer::new(config.policy.clone(), settings))
}

/// What the reasons of the policy mean.
pub(super) fn sentences(policy: &Policy) -> Sentences {
    let manifest = policy.manifest();
    let reasons = manifest.reasons.iter();
    reasons
        .map(|reason| (reason.name.clone(), reason.summary.clone()))
        .collect()
}

/// A seed that differs from run to run, from the keys that the standard library draws for its maps.
pub(super) fn random_seed() -> u64 {
    use std::hash::BuildHasher;
    std::hash::RandomState::new().hash_one(0_u8)
}

/// Brings records back into the order of their inputs.
#[derive(Default)]
struct InOrder {
    next: u64,
    early: BTreeMap<u64, Record>,
}

impl InOrder {
    /// Takes a record, and gives those whose turn it is.
    fn next(&mut self, index: u64, record: Record) -> Vec<Record> {
        self.early.insert(index, record);
        let mut ready = Vec::new();
        while let Some(record) = self.early.remove(&self.next) {
            self.next += 1;
            ready.push(record);
        }
        ready
    }
}
