//! A running lab: sockets bound, tasks started, and the way to stop it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::certificates::{Authority, CertificateError};
use crate::dns::DnsServer;
use crate::exchange::Exchange;
use crate::ledger::Ledger;
use crate::report::Report;
use crate::scenario::{ExchangePlan, KnownAddress, Scenario};
use crate::schema::{Listen, TlsMode};
use crate::zone::Zone;

/// Ports tried until one is free on every exchange's address.
const PORTS_TRIED_MAX: usize = 16;

/// How long `stop` waits for sessions that are ending.
const DRAIN_MAX: Duration = Duration::from_secs(1);

/// How often `stop` looks whether they have ended.
const DRAIN_STEP: Duration = Duration::from_millis(5);

/// Holds the common port while the lab runs, so that no other lab is given the same one.
/// No exchange has this address, and nothing listens there.
const ANCHOR: Ipv4Addr = Ipv4Addr::new(127, 76, 0, 1);

/// A small Internet on loopback; it ends when dropped, or in good order with [`Lab::stop`].
pub struct Lab {
    resolver: SocketAddr,
    port: u16,
    addresses: Vec<KnownAddress>,
    /// Name and where it listens.
    exchanges: Vec<(String, Vec<IpAddr>)>,
    authority: Option<Authority>,
    ledger: Arc<Ledger>,
    tasks: JoinSet<()>,
    _anchor: TcpSocket,
}

/// Why a lab cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A socket cannot be had.
    #[error("cannot listen on {what}: {cause}{}", hint(.cause))]
    Listen {
        /// The address or what it is for.
        what: String,
        /// What the system said.
        cause: io::Error,
    },
    /// Keys or certificates.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The command of `vrfy lab SCENARIO -- COMMAND` cannot be run.
    #[error("cannot run {command}: {cause}")]
    Command {
        /// Its first word.
        command: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The list of addresses cannot be printed.
    #[error("cannot print the lab's settings: {0}")]
    Print(io::Error),
}

/// `EMFILE` and `ENFILE`: too many open files, in the process and in the system.
pub(crate) fn hint(cause: &io::Error) -> &'static str {
    match cause.raw_os_error() {
        Some(23 | 24) => "; every exchange and every session is one: raise `ulimit -n`",
        _ => "",
    }
}

impl Lab {
    /// Binds every socket of the scenario and begins to answer.
    ///
    /// Must be called inside a tokio runtime with time and I/O enabled.
    ///
    /// # Errors
    /// When a socket cannot be bound or a certificate cannot be made.
    pub async fn start(scenario: Scenario) -> Result<Self, LabError> {
        let names = scenario
            .exchanges
            .iter()
            .map(|exchange| exchange.name.clone());
        let ledger = Arc::new(Ledger::new(names));
        let ports = bind_exchanges(&scenario.exchanges).await?;
        let mut tasks = JoinSet::new();
        let resolver = start_dns(&scenario, &ledger, &mut tasks).await?;
        let encrypts = |plan: &ExchangePlan| plan.table.tls != TlsMode::Off;
        let authority = if scenario.exchanges.iter().any(encrypts) {
            Some(Authority::new()?)
        } else {
            None
        };
        let domains = Arc::new(scenario.domains);
        let mut exchanges = Vec::with_capacity(scenario.exchanges.len());
        for (index, (plan, listeners)) in scenario.exchanges.iter().zip(ports.listeners).enumerate()
        {
            let own_addresses = listening_addresses(plan);
            exchanges.push((plan.name.clone(), own_addresses));
            let handshake = match &authority {
                Some(authority) => authority.handshake(plan.table.tls, &plan.name)?,
                None => None,
            };
            let shared = (Arc::clone(&domains), Arc::clone(&ledger));
            let exchange = Exchange::new(index, plan, &scenario.settings, shared, handshake);
            let exchange = Arc::new(exchange);
            for listener in listeners {
                tasks.spawn(Arc::clone(&exchange).serve(listener));
            }
        }
        let silent = ports.silent;
        tasks.spawn(async move {
            let () = std::future::pending().await;
            drop(silent);
        });
        Ok(Self {
            resolver,
            port: ports.port,
            addresses: scenario.addresses,
            exchanges,
            authority,
            ledger,
            tasks,
            _anchor: ports.anchor,
        })
    }

    /// Where the lab's DNS answers, over UDP and TCP.
    pub fn resolver(&self) -> SocketAddr {
        self.resolver
    }

    /// The port on which every exchange listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Every address that the scenario names, in the order of its file.
    pub fn addresses(&self) -> &[KnownAddress] {
        &self.addresses
    }

    /// The special-purpose ranges that a client has to allow to reach the exchanges.
    pub fn special_ranges(&self) -> Vec<&'static str> {
        let all = || self.exchanges.iter().flat_map(|(_, addresses)| addresses);
        let v6 = all().any(IpAddr::is_ipv6);
        let mut ranges = vec!["127.0.0.0/8"];
        if v6 {
            ranges.push("::1/128");
        }
        ranges
    }

    /// Where an exchange listens; empty for dead ones, absent for names that are no exchange.
    pub fn exchange_addresses(&self, name: &str) -> Option<&[IpAddr]> {
        let known = self.exchanges.iter().find(|(known, _)| known == name);
        known.map(|(_, addresses)| addresses.as_slice())
    }

    /// The certificate of the lab's authority, when some exchange has TLS.
    pub fn authority(&self) -> Option<&CertificateDer<'static>> {
        self.authority.as_ref().map(Authority::certificate)
    }

    /// Everything seen so far; sessions that are open have the ending `Open`.
    pub fn report(&self) -> Report {
        self.ledger.report()
    }

    /// Lets sessions that are ending do so, closes everything, and tells what was seen.
    pub async fn stop(mut self) -> Report {
        let drained = async {
            while self.ledger.open_sessions() > 0 {
                tokio::time::sleep(DRAIN_STEP).await;
            }
        };
        // Sessions that outlast it are cut off: their clients did not leave.
        let _ = tokio::time::timeout(DRAIN_MAX, drained).await;
        self.tasks.shutdown().await;
        self.ledger.report()
    }
}

async fn start_dns(
    scenario: &Scenario,
    ledger: &Arc<Ledger>,
    tasks: &mut JoinSet<()>,
) -> Result<SocketAddr, LabError> {
    let zone = Zone::new(scenario.names.clone(), scenario.settings.ttl_s);
    let latency = Duration::from_millis(scenario.settings.dns_latency_ms);
    let refused = |cause| LabError::Listen {
        what: "127.0.0.1 for DNS".to_owned(),
        cause,
    };
    let server = DnsServer::bind(zone, latency, Arc::clone(ledger))
        .await
        .map_err(refused)?;
    let address = server.address().map_err(refused)?;
    server.serve(tasks);
    Ok(address)
}

/// The common port, what holds it, and the listeners of every exchange.
struct Ports {
    port: u16,
    anchor: TcpSocket,
    listeners: Vec<Vec<TcpListener>>,
    silent: Vec<(TcpListener, TcpStream)>,
}

async fn bind_exchanges(exchanges: &[ExchangePlan]) -> Result<Ports, LabError> {
    let mut tries = 1;
    loop {
        let (anchor, port) = hold_port().map_err(|cause| LabError::Listen {
            what: ANCHOR.to_string(),
            cause,
        })?;
        match bind_all(exchanges, port).await {
            Ok((listeners, silent)) => {
                return Ok(Ports {
                    port,
                    anchor,
                    listeners,
                    silent,
                });
            }
            Err(LabError::Listen { cause, .. })
                if cause.kind() == io::ErrorKind::AddrInUse && tries < PORTS_TRIED_MAX =>
            {
                tries += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

fn hold_port() -> io::Result<(TcpSocket, u16)> {
    let anchor = TcpSocket::new_v4()?;
    anchor.bind(SocketAddr::from((ANCHOR, 0)))?;
    let port = anchor.local_addr()?.port();
    Ok((anchor, port))
}

/// The listeners of every exchange, and what keeps the silent ones silent.
type Bound = (Vec<Vec<TcpListener>>, Vec<(TcpListener, TcpStream)>);

async fn bind_all(exchanges: &[ExchangePlan], port: u16) -> Result<Bound, LabError> {
    let mut all = Vec::with_capacity(exchanges.len());
    let mut silent = Vec::new();
    for plan in exchanges {
        let mut own = Vec::new();
        for address in listening_addresses(plan) {
            let bound = TcpListener::bind((address, port)).await;
            own.push(bound.map_err(|cause| LabError::Listen {
                what: format!("{address} port {port}"),
                cause,
            })?);
        }
        if plan.table.listen == Listen::Silent {
            let kept = keep_silent(SocketAddr::from((plan.address, port))).await;
            silent.push(kept.map_err(|cause| LabError::Listen {
                what: format!("{} port {port}", plan.address),
                cause,
            })?);
        }
        all.push(own);
    }
    Ok((all, silent))
}

/// A listener that has room for one connection, and that connection: the kernel drops whatever
/// else wants to connect, without a word.
async fn keep_silent(address: SocketAddr) -> io::Result<(TcpListener, TcpStream)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(address)?;
    let listener = socket.listen(0)?;
    let only = TcpStream::connect(address).await?;
    Ok((listener, only))
}

fn listening_addresses(plan: &ExchangePlan) -> Vec<IpAddr> {
    let v4 = IpAddr::V4(plan.address);
    let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
    match plan.table.listen {
        Listen::Loopback => vec![v4],
        Listen::Dead | Listen::Silent => Vec::new(),
        Listen::Ipv6 => vec![v6],
        Listen::Both => vec![v6, v4],
    }
}
