//! Runs a world to its end on a paused clock, and checks what was seen.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use vrfy::clock::Clock;
use vrfy::connect::AddressGuard;
use vrfy::dispatch::{self, Channels, Input, Settled, Snapshot, Surroundings, Task};
use vrfy::executor::InProcess;
use vrfy::lookup::Lookup;
use vrfy::record::{InputRow, PolicyIdentity, Record, RecordStatus};
use vrfy::tls::TlsClient;

use super::checks::{self, Failure};
use super::dns::Names;
use super::judge::Chance;
use super::log::{Log, Observed};
use super::network::{Hosts, Watched};
use super::rng::hash;
use super::world::{ALLOWED, Row, World};

/// The date on which every world begins, in milliseconds since 1970.
pub(super) const STARTED_MS: u64 = 1_700_000_000_000;

/// Longer than any world may take by its own limits: a run that is not over then hangs.
const VIRTUAL_MAX: Duration = Duration::from_hours(24 * 60);

/// Runs worlds.
pub struct Simulator {
    tls: TlsClient,
}

/// What came of a world.
#[derive(Debug)]
pub struct Outcome {
    /// Addresses of its list.
    pub mailboxes: usize,
    /// Connections that were opened.
    pub sessions: usize,
    /// The time that passed in it.
    pub virtual_time: Duration,
    /// What did not hold.
    pub failures: Vec<Failure>,
}

impl Default for Simulator {
    fn default() -> Self {
        Self::new()
    }
}

impl Simulator {
    /// A simulator; the trust anchors of TLS are read once for all worlds.
    pub fn new() -> Self {
        Self {
            tls: TlsClient::new(),
        }
    }

    /// Runs the world of a seed and checks everything.
    pub fn outcome(&self, seed: u64) -> Outcome {
        outcome_of(&self.observe(World::of_seed(seed)))
    }

    /// Runs the world of a seed twice, which must come to the same, and checks everything.
    pub fn outcome_twice(&self, seed: u64) -> Outcome {
        let once = self.observe(World::of_seed(seed));
        let again = self.observe(World::of_seed(seed));
        let mut outcome = outcome_of(&once);
        if once.digest() != again.digest() {
            outcome.failures.push(Failure {
                check: "a world is the same every time",
                message: "the second run came to something else".to_owned(),
            });
        }
        outcome
    }

    /// Runs a world.
    pub fn observe(&self, world: World) -> Observed {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime of one thread needs nothing from the system");
        runtime.block_on(self.live(world))
    }

    async fn live(&self, world: World) -> Observed {
        let log = Log::new();
        let (input, receiver) = mpsc::channel(64);
        let (output, mut settled) = mpsc::channel::<Settled>(64);
        let (stop, stop_receiver) = watch::channel(false);
        let channels = Channels {
            input: receiver,
            output,
            stop: stop_receiver,
            snapshot: watch::Sender::new(Snapshot::default()),
        };
        let run = dispatch::run(self.surroundings(&world, &log), channels);
        let feeding = tokio::spawn(feed(world.rows.clone(), input));
        let stopping = tokio::spawn(stop_after(world.stop_after, stop, log.clone()));
        let collect = async {
            let mut all = Vec::new();
            while let Some(one) = settled.recv().await {
                all.push((log.now(), one));
            }
            all
        };
        let timed_run = async {
            let end = run.await;
            (log.now(), end)
        };
        let both = async { tokio::join!(timed_run, collect) };
        let lived = tokio::time::timeout(VIRTUAL_MAX, both).await;
        stopping.abort();
        let _ = stopping.await;
        feeding.abort();
        let _ = feeding.await;
        let (end, settled) = match lived {
            Ok((end, settled)) => (Some(end), settled),
            Err(_) => (None, Vec::new()),
        };
        // Tasks that were given up are dropped when they are next polled.
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        Observed {
            tasks_left: tokio::runtime::Handle::current()
                .metrics()
                .num_alive_tasks(),
            trouble: end.is_none().then(|| "the run never ends".to_owned()),
            seen: log.take(),
            world,
            settled,
            end,
        }
    }

    fn surroundings(
        &self,
        world: &World,
        log: &Log,
    ) -> Surroundings<Watched<InProcess<Hosts>>, Chance> {
        let clock = Clock::set_to(STARTED_MS);
        let allow = ALLOWED.map(|range| range.parse().expect("a range is written as one"));
        let executor = InProcess {
            lookup: Lookup::over(Names::new(&world.names), clock),
            network: Hosts::new(world, log),
            guard: AddressGuard {
                allow: allow.to_vec(),
                ..AddressGuard::default()
            },
            tls: self.tls.clone(),
            port: 25,
            start_tls: world.start_tls,
            timeouts: world.timeouts,
            limits: world.session_limits,
            clock,
        };
        Surroundings {
            executor: Arc::new(Watched {
                executor,
                log: log.clone(),
            }),
            judge: Arc::new(Chance {
                seed: world.seed,
                temper: world.judge,
                log: log.clone(),
            }),
            clock,
            egresses: Arc::new(world.egresses()),
            exclusions: Arc::default(),
            tags: Arc::default(),
            limits: world.limits.clone(),
            retry: world.retry,
            seed: world.seed,
            // The text of all dialogues costs a third of the time of a world.
            keep_transcripts: world.seed.is_multiple_of(4),
            explain: false,
        }
    }
}

fn outcome_of(observed: &Observed) -> Outcome {
    let connections = observed.seen.connections.iter();
    Outcome {
        mailboxes: observed.world.rows.len(),
        sessions: connections.filter(|one| one.opened.is_some()).count(),
        virtual_time: observed.end.map_or(VIRTUAL_MAX, |(at, _)| at),
        failures: checks::all(observed),
    }
}

impl Observed {
    /// A number for everything that was recorded: the same for the same world.
    fn digest(&self) -> u64 {
        let mut text = format!("{:?} {}\n", self.end, self.seen.connections.len());
        for (at, settled) in &self.settled {
            let record = serde_json::to_string(&settled.record).expect("a record is JSON");
            text += &format!("{at:?} {} {record}\n", settled.index);
        }
        for connection in &self.seen.connections {
            // What TLS writes is never the same twice.
            let (read, written) = connection.plain_octets();
            let (opened, closed) = (connection.opened, connection.closed_at);
            text += &format!("{:?} {opened:?} {closed:?}", connection.asked_at);
            text += &format!(" {:x} {:x}\n", hash(read), hash(written));
        }
        hash(text.as_bytes())
    }
}

async fn feed(rows: Vec<Row>, input: mpsc::Sender<Input>) {
    for (index, row) in (0..).zip(rows) {
        let next = match row {
            Row::Address(given, pause) => {
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
                Input::Task(Task {
                    index,
                    given,
                    row: None,
                })
            }
            Row::Broken => Input::Broken {
                index,
                record: Box::new(broken(index)),
            },
        };
        if input.send(next).await.is_err() {
            return;
        }
    }
}

async fn stop_after(after: Option<Duration>, stop: watch::Sender<bool>, log: Log) {
    if let Some(after) = after {
        tokio::time::sleep(after).await;
        log.seen().stopped_at = Some(log.now());
        stop.send_replace(true);
    }
    // The sender has to stay: without it the run would stop.
    std::future::pending().await
}

fn broken(index: u64) -> Record {
    Record {
        address: String::new(),
        status: RecordStatus::Unknown,
        reason: "input-invalid".to_owned(),
        confidence: 0,
        because: Vec::new(),
        attempts: Vec::new(),
        policy: PolicyIdentity {
            name: "chance".to_owned(),
            version: "1.0.0".to_owned(),
            digest: "sha256:0".to_owned(),
        },
        mailbox: None,
        due: None,
        lookups: Vec::new(),
        decoys: Vec::new(),
        tags: Vec::new(),
        facts: Vec::new(),
        clamps: Vec::new(),
        fault: None,
        started: vrfy::clock::rfc3339(STARTED_MS),
        elapsed_ms: 0,
        input: Some(InputRow {
            line: index + 1,
            columns: serde_json::Map::new(),
        }),
        transcripts: None,
        explained: None,
    }
}
