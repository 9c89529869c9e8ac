//! One strategy against one model, from the first connection to the last verdict, on a clock that
//! jumps to whatever happens next.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use vrfy_proto::ehlo_name::EhloName;
use vrfy_proto::evidence::{Setting, Status};
use vrfy_proto::limits::Limits;
use vrfy_proto::reverse_path::ReversePath;
use vrfy_proto::session::StartTlsUse;
use vrfy_proto::timeouts::Timeouts;

use super::chance::Chance;
use super::judge::InPlace;
use super::mailbox::{Mailbox, population};
use super::model::{Habit, Model};
use super::server::Server;
use super::tally::Tally;
use super::wire::{Exchanges, Names};
use crate::clock::{Clock, UnixMs};
use crate::connect::AddressGuard;
use crate::dispatch::{
    self, Channels, DispatchLimits, Input, RetryMode, Settled, Snapshot, Surroundings, Task,
};
use crate::egress::Egress;
use crate::executor::InProcess;
use crate::judge::Judge;
use crate::lookup::Lookup;
use crate::policy::Policy;
use crate::record::{Record, RecordStatus};
use crate::tls::TlsClient;

/// The date on which every rehearsal begins: 2023-11-14T22:13:20Z.
const STARTED_MS: UnixMs = 1_700_000_000_000;

/// Longer than any rehearsal may take: the longest deadline, the longest hold, and what is under
/// way then. One that is not over is a fault of ours.
const VIRTUAL_MAX: Duration = Duration::from_hours(24 * 60);

/// What is the same for every play of a rehearsal.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) tls: TlsClient,
    pub(super) mailboxes: usize,
    pub(super) seed: u64,
    pub(super) rounds: u32,
    pub(super) give_up_after: Duration,
}

/// Plays a policy with these settings against one model; an error is the policy's fault.
pub(super) fn play(
    stage: &Stage,
    policy: Policy,
    settings: Vec<Setting>,
    model: &Model,
) -> Result<Tally, String> {
    let judge = Arc::new(InPlace::new(policy, settings));
    let tally = play_before(stage, &judge, model)?;
    judge.fault().map_or(Ok(tally), Err)
}

/// Plays whoever judges against one model.
pub(super) fn play_before<J: Judge>(
    stage: &Stage,
    judge: &Arc<J>,
    model: &Model,
) -> Result<Tally, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(|error| format!("no runtime for the rehearsal: {error}"))?;
    runtime.block_on(async {
        let mailboxes = population(model, stage.mailboxes, stage.seed);
        let exchanges = exchanges(model, &mailboxes, stage.seed);
        let surroundings = surroundings(stage, model, &mailboxes, &exchanges, judge)?;
        let run = dispatched(surroundings, &mailboxes);
        let settled = tokio::time::timeout(VIRTUAL_MAX, run).await;
        let settled = settled.map_err(|_| "the rehearsal has no end".to_owned())?;
        Ok(tally(&mailboxes, &settled, &exchanges))
    })
}

async fn dispatched<J: Judge>(
    surroundings: Surroundings<InProcess<Exchanges>, J>,
    mailboxes: &[Mailbox],
) -> Vec<Settled> {
    let (input, receiver) = mpsc::channel(64);
    let (output, mut settled) = mpsc::channel(64);
    let (_stays, stop) = watch::channel(false);
    let channels = Channels {
        input: receiver,
        output,
        stop,
        snapshot: watch::Sender::new(Snapshot::default()),
    };
    let feed = async move {
        for (index, mailbox) in (0..).zip(mailboxes) {
            let task = Task {
                index,
                given: mailbox.address.clone(),
                row: None,
            };
            if input.send(Input::Task(task)).await.is_err() {
                return;
            }
        }
    };
    let collect = async move {
        let mut all = Vec::new();
        while let Some(one) = settled.recv().await {
            all.push(one);
        }
        all
    };
    let ((), _, settled) = tokio::join!(feed, dispatch::run(surroundings, channels), collect);
    settled
}

fn surroundings<J: Judge>(
    stage: &Stage,
    model: &Model,
    mailboxes: &[Mailbox],
    exchanges: &Exchanges,
    judge: &Arc<J>,
) -> Result<Surroundings<InProcess<Exchanges>, J>, String> {
    let clock = Clock::set_to(STARTED_MS);
    let domains = mailboxes.last().map_or(0, |last| last.domain + 1);
    let names = Names::new(domains, model.backup.is_some(), model.names_fail_for);
    let helo = EhloName::parse("probe.example.com").map_err(|error| error.to_string())?;
    let egress = Egress::single(None, Some(helo), ReversePath::Null);
    let loopback = "127.0.0.0/8".parse();
    let executor = InProcess {
        lookup: Lookup::over(names, clock),
        network: exchanges.clone(),
        guard: AddressGuard {
            allow: vec![loopback.map_err(|_| "loopback is a range".to_owned())?],
            ..AddressGuard::default()
        },
        tls: stage.tls.clone(),
        port: 25,
        start_tls: StartTlsUse::Never,
        timeouts: Timeouts::default(),
        limits: Limits::default(),
        clock,
    };
    Ok(Surroundings {
        executor: Arc::new(executor),
        judge: Arc::clone(judge),
        clock,
        egresses: Arc::new(egress.into()),
        exclusions: Arc::default(),
        tags: Arc::default(),
        limits: DispatchLimits {
            rounds: stage.rounds,
            give_up_after: stage.give_up_after,
            ..DispatchLimits::default()
        },
        retry: RetryMode::Wait,
        seed: stage.seed,
        keep_transcripts: false,
        explain: false,
    })
}

/// The exchanges of all domains.
fn exchanges(model: &Model, mailboxes: &[Mailbox], seed: u64) -> Exchanges {
    let mut exchanges = Exchanges::new();
    for domain in mailboxes.chunk_by(|one, next| one.domain == next.domain) {
        let number = domain[0].domain;
        let server = |habit: Habit, place: &str| {
            let known = domain.iter().map(|one| (one.address.clone(), one.truth));
            let known: HashMap<_, _> = known.collect();
            Server::new(
                habit,
                known,
                Chance::new(seed, &format!("{place} {number}")),
            )
        };
        exchanges.add(number, false, server(model.primary, "primary"));
        if let Some(backup) = model.backup {
            exchanges.add(number, true, server(backup, "backup"));
        }
    }
    exchanges
}

fn tally(mailboxes: &[Mailbox], settled: &[Settled], exchanges: &Exchanges) -> Tally {
    let mut tally = Tally::new(exchanges.asked());
    for one in settled {
        let index = usize::try_from(one.index).unwrap_or(usize::MAX);
        let Some(mailbox) = mailboxes.get(index) else {
            continue;
        };
        let worth = mailbox.truth.worth(status(one.record.status));
        tally.add(worth, rounds(&one.record), one.record.elapsed_ms);
    }
    tally
}

fn status(status: RecordStatus) -> Option<Status> {
    match status {
        RecordStatus::Deliverable => Some(Status::Deliverable),
        RecordStatus::Undeliverable => Some(Status::Undeliverable),
        RecordStatus::Risky => Some(Status::Risky),
        RecordStatus::Unknown => Some(Status::Unknown),
        RecordStatus::Pending => None,
    }
}

/// A round begins with a look-up, and may end there.
fn rounds(record: &Record) -> u64 {
    record.lookups.len() as u64
}
