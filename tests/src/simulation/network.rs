//! Connections to the hosts of a world, and a watch over who opens them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use vrfy::connect::{Connection as Opened, Network};
use vrfy::lookup::LookupReport;
use vrfy::permit::{Executor, Permit, PermitReport};
use vrfy_proto::domain::Domain;
use vrfy_proto::evidence::ConnectFailure;

use super::host::{Connect, Host};
use super::log::{AskSeen, AskedSeen, Connection, Log, PermitSeen};
use super::rng::Rng;
use super::server::{Memory, Server};
use super::wire::{Wire, ms};
use super::world::World;

tokio::task_local! {
    /// The permit that is being carried out.
    static PERMIT: usize;
}

/// The hosts of a world.
pub(super) struct Hosts {
    hosts: Vec<(Arc<Host>, Arc<Mutex<Memory>>)>,
    by_address: HashMap<IpAddr, usize>,
    seed: u64,
    log: Log,
}

impl Hosts {
    pub(super) fn new(world: &World, log: &Log) -> Self {
        let mut by_address = HashMap::new();
        for (index, host) in world.hosts.iter().enumerate() {
            by_address.extend(host.addresses.iter().map(|address| (*address, index)));
        }
        let hosts = world.hosts.iter().cloned();
        Self {
            hosts: hosts.map(|host| (Arc::new(host), Arc::default())).collect(),
            by_address,
            seed: world.seed,
            log: log.clone(),
        }
    }

    /// What becomes of this try, and after what time.
    fn becomes(&self, host: &Host, target: IpAddr, number: usize) -> (Connect, Duration) {
        let mut rng = Rng::new(self.seed.wrapping_add(number as u64), "connect");
        let habit = match host.connect {
            Connect::FirstAddressDead if host.addresses.first() == Some(&target) => Connect::Silent,
            Connect::FirstAddressDead => Connect::Open,
            Connect::Flaky => rng.weighted(&[
                (50, Connect::Open),
                (20, Connect::Refused),
                (10, Connect::Unreachable),
                (20, Connect::Silent),
            ]),
            habit => habit,
        };
        (habit, ms(host.path.round_trip_ms + rng.below(20)))
    }
}

impl Network for Hosts {
    type Stream = Wire;

    async fn open(
        &self,
        target: SocketAddr,
        _: Option<IpAddr>,
    ) -> Result<Opened<Wire>, ConnectFailure> {
        let host = self.by_address.get(&target.ip()).copied();
        let id = {
            let mut seen = self.log.seen();
            seen.connections.push(Connection {
                permit: PERMIT.try_with(|permit| *permit).ok(),
                target: Some(target),
                asked_at: self.log.now(),
                ..Connection::default()
            });
            seen.connections.len() - 1
        };
        let Some((host, memory)) = host.map(|index| &self.hosts[index]) else {
            return Err(ConnectFailure::Unreachable);
        };
        let (habit, takes) = self.becomes(host, target.ip(), id);
        tokio::time::sleep(takes).await;
        match habit {
            Connect::Refused => return Err(ConnectFailure::Refused),
            Connect::Unreachable => return Err(ConnectFailure::Unreachable),
            Connect::Silent => return std::future::pending().await,
            Connect::Open | Connect::FirstAddressDead | Connect::Flaky => {}
        }
        let mut server = Server::new(host, memory, self.seed, id);
        let now = self.log.now();
        let source = source_of(id);
        let mut seen = self.log.seen();
        let connection = &mut seen.connections[id];
        connection.opened = Some((now, source));
        server.greet(now, connection);
        drop(seen);
        Ok(Opened {
            stream: Wire::new(self.log.clone(), id, server),
            source: Some(source),
        })
    }
}

/// Every connection has an address of its own, so that a record says which one it speaks of.
fn source_of(id: usize) -> IpAddr {
    let network = u128::from_be_bytes([0x20, 1, 0x0d, 0xb8, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    IpAddr::V6(Ipv6Addr::from_bits(network + id as u128))
}

/// The connection that a record means.
pub(super) fn connection_of(source: &str) -> Option<usize> {
    let address: Ipv6Addr = source.parse().ok()?;
    let [first, second, third, ..] = address.segments();
    let is_ours = [first, second, third] == [0x2001, 0x0db8, 0xff00];
    let id = address.to_bits() & u128::from(u64::MAX);
    is_ours.then(|| usize::try_from(id).ok()).flatten()
}

/// The executor of a run, and the record of what it was given and gave back.
pub(super) struct Watched<E> {
    pub(super) executor: E,
    pub(super) log: Log,
}

impl<E: Executor> Executor for Watched<E> {
    async fn look_up(&self, domain: &Domain, seed: u64) -> LookupReport {
        self.executor.look_up(domain, seed).await
    }

    async fn execute(&self, permit: Permit) -> PermitReport {
        let id = {
            let mut seen = self.log.seen();
            let order = seen.next_order();
            seen.permits.push(seen_of(&permit, order, self.log.now()));
            seen.permits.len() - 1
        };
        let report = PERMIT.scope(id, self.executor.execute(permit)).await;
        let mut seen = self.log.seen();
        let permit = &mut seen.permits[id];
        permit.reported_at = Some(self.log.now());
        permit.unasked.clone_from(&report.unasked);
        permit.asked = report
            .asked
            .iter()
            .map(|asked| AskedSeen {
                probe: asked.probe,
                attempts: asked.attempts.len(),
                transcripts: asked.transcripts.clone(),
            })
            .collect();
        drop(seen);
        report
    }
}

fn seen_of(permit: &Permit, order: u64, now: Duration) -> PermitSeen {
    let names = permit
        .exchanges
        .iter()
        .map(|exchange| exchange.name.clone());
    let asks = permit.asks.iter().map(|ask| AskSeen {
        probe: ask.probe,
        mailbox: ask.mailbox.to_string(),
        round: ask.round,
        decoy: ask.decoy.clone(),
    });
    PermitSeen {
        order,
        lane: lane_of(names),
        egress: permit.egress.name.clone().unwrap_or_default(),
        granted_at: now,
        expires_in: permit.expires_in,
        asks: asks.collect(),
        reported_at: None,
        asked: Vec::new(),
        unasked: Vec::new(),
    }
}

/// The lane of these exchanges: who they are, in whatever order.
pub(super) fn lane_of(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names.join(" ")
}
