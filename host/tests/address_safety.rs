//! The last check before a connection: over real sockets on loopback, with an executor that is
//! given whatever a look-up or a dispatcher might let through.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use vrfy::clock::Clock;
use vrfy::connect::{AddressGuard, Sockets};
use vrfy::egress::Egress;
use vrfy::exclusions::Exclusions;
use vrfy::executor::InProcess;
use vrfy::lookup::{Answer, Datum, Lookup, Question, QuestionKind, Resolve};
use vrfy::permit::{Ask, Executor, Permit};
use vrfy::tls::TlsClient;
use vrfy_proto::domain::Domain;
use vrfy_proto::evidence::{Attempt, ConnectFailure, Ending, Fact};
use vrfy_proto::limits::Limits;
use vrfy_proto::mailbox::Mailbox;
use vrfy_proto::mx::{AddressAnswer, DnsAnswer, PlannedExchange};
use vrfy_proto::reverse_path::ReversePath;
use vrfy_proto::session::StartTlsUse;
use vrfy_proto::timeouts::Timeouts;

const ALLOWED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const FORBIDDEN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// A name server of somebody who wants to get past the check: the first answer is an address that
/// is allowed, every later one is one that is not, and none may be kept.
#[derive(Default)]
struct Rebinding {
    asked: AtomicUsize,
}

impl Resolve for Rebinding {
    fn ask(&self, question: Question) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
        let records = match question.kind {
            QuestionKind::V4 => {
                let first = self.asked.fetch_add(1, Ordering::Relaxed) == 0;
                let address = if first { ALLOWED } else { FORBIDDEN };
                DnsAnswer::Records(vec![Datum::V4(address)])
            }
            _ => DnsAnswer::NoData,
        };
        Box::pin(async { Answer::kept_for(records, Duration::ZERO) })
    }
}

/// Listeners at both addresses, on one port.
fn listeners() -> (TcpListener, TcpListener, u16) {
    for _ in 0..50 {
        let allowed = TcpListener::bind((ALLOWED, 0)).unwrap();
        let port = allowed.local_addr().unwrap().port();
        if let Ok(forbidden) = TcpListener::bind((FORBIDDEN, port)) {
            allowed.set_nonblocking(true).unwrap();
            forbidden.set_nonblocking(true).unwrap();
            return (allowed, forbidden, port);
        }
    }
    panic!("no port is free at both addresses");
}

/// How many came; nobody is served, so whoever came waits in vain.
fn visitors(listener: &TcpListener) -> usize {
    let mut count = 0;
    loop {
        match listener.accept() {
            Ok(_) => count += 1,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return count,
            Err(error) => panic!("{error}"),
        }
    }
}

fn executor(port: u16, exclusions: &str) -> InProcess {
    let mut list = tempfile::NamedTempFile::new().unwrap();
    list.write_all(exclusions.as_bytes()).unwrap();
    let short = Duration::from_millis(100);
    let clock = Clock::system();
    InProcess {
        lookup: Lookup::over(Rebinding::default(), clock),
        network: Sockets,
        guard: AddressGuard {
            allow: vec![IpAddr::V4(ALLOWED).into()],
            exclusions: Arc::new(Exclusions::read([list.path()]).unwrap()),
            ..AddressGuard::default()
        },
        tls: TlsClient::new(),
        port,
        start_tls: StartTlsUse::Never,
        timeouts: Timeouts {
            greeting: short,
            session: short,
            quit: short,
            ..Timeouts::default()
        },
        limits: Limits::default(),
        clock,
    }
}

fn exchange(addresses: &[&str]) -> PlannedExchange {
    PlannedExchange {
        name: "mx.rebind.test".to_owned(),
        preference: 10,
        implicit: false,
        addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
        address_answer: AddressAnswer::Addresses,
    }
}

/// What comes of asking one mailbox at these exchanges.
async fn ask(executor: &InProcess, exchanges: Vec<PlannedExchange>, bind: &str) -> Vec<Attempt> {
    let source = Some(bind.parse().unwrap());
    let permit = Permit {
        exchanges: Arc::new(exchanges),
        first_exchange: 0,
        asks: vec![Ask {
            probe: 0,
            mailbox: Mailbox::parse("ana@rebind.test").unwrap(),
            round: 1,
            decoy: None,
        }],
        egress: Arc::new(Egress::single(source, None, ReversePath::Null)),
        expires_in: Duration::from_mins(1),
    };
    let report = executor.execute(permit).await;
    report.asked.into_iter().next().unwrap().attempts
}

#[tokio::test]
async fn the_address_that_is_checked_is_the_one_connected_to_whatever_dns_says_next() {
    let (allowed, forbidden, port) = listeners();
    let executor = executor(port, "");
    let domain = Domain::parse("rebind.test").unwrap();
    let first = executor.look_up(&domain, 1).await.plan.exchanges;
    let second = executor.look_up(&domain, 1).await.plan.exchanges;
    assert_eq!(first[0].addresses, [IpAddr::V4(ALLOWED)]);
    assert_eq!(second[0].addresses, [IpAddr::V4(FORBIDDEN)]);

    // By now the name means the forbidden address; the permit has the one that was looked up.
    let attempts = ask(&executor, first, "127.0.0.9").await;
    assert_eq!(attempts[0].remote_address.as_deref(), Some("127.0.0.2"));
    assert_eq!(attempts[0].local_address, "127.0.0.9");
    assert_eq!((visitors(&allowed), visitors(&forbidden)), (1, 0));

    let attempts = ask(&executor, second, "127.0.0.9").await;
    let Ending::NotConnected(ConnectFailure::NotPublic(block)) = &attempts[0].ending else {
        panic!("{attempts:?}");
    };
    assert!(block.starts_with("Loopback"), "{block}");
    assert_eq!((visitors(&allowed), visitors(&forbidden)), (0, 0));
}

#[tokio::test]
async fn an_excluded_exchange_or_address_is_not_connected_to_even_with_a_permit() {
    for (list, entry) in [
        ("mx:.rebind.test", "mx.rebind.test: mx:.rebind.test ("),
        ("127.0.0.2", "127.0.0.2: 127.0.0.2/32 ("),
    ] {
        let (allowed, _forbidden, port) = listeners();
        let executor = executor(port, list);
        let attempts = ask(&executor, vec![exchange(&["127.0.0.2"])], "127.0.0.9").await;
        assert_eq!(attempts[0].ending, Ending::NotAsked("excluded".to_owned()));
        let fact = &attempts[0].facts[0];
        assert_eq!(fact.name, "excluded");
        assert!(fact.value.starts_with(entry), "{fact:?}");
        assert_eq!(visitors(&allowed), 0, "{list}");
    }
}

#[tokio::test]
async fn an_address_beside_an_excluded_one_is_connected_to() {
    let (allowed, _forbidden, port) = listeners();
    let executor = executor(port, "127.0.0.4");
    let addresses = exchange(&["127.0.0.4", "127.0.0.2"]);
    let attempts = ask(&executor, vec![addresses], "127.0.0.9").await;
    assert_eq!(attempts[0].remote_address.as_deref(), Some("127.0.0.2"));
    assert!(attempts[0].facts.iter().any(|fact| fact.name == "excluded"));
    assert_eq!(visitors(&allowed), 1);
    // A try that failed tells more than what was left out.
    let addresses = exchange(&["127.0.0.4", "10.0.0.1"]);
    let attempts = ask(&executor, vec![addresses], "127.0.0.9").await;
    let ending = &attempts[0].ending;
    assert!(
        matches!(ending, Ending::NotConnected(ConnectFailure::NotPublic(_))),
        "{ending:?}"
    );
}

#[tokio::test]
async fn an_egress_tries_no_address_of_a_family_that_it_has_no_source_for() {
    let (allowed, _forbidden, port) = listeners();
    let executor = executor(port, "");
    let attempts = ask(&executor, vec![exchange(&["127.0.0.2"])], "::1").await;
    let not_asked = Ending::NotAsked("no-source-address".to_owned());
    assert_eq!(attempts[0].ending, not_asked);
    assert_eq!(attempts[0].facts[0].value, "IPv4");
    assert_eq!(visitors(&allowed), 0);

    let both = vec![exchange(&["2001:db8::1", "127.0.0.2"])];
    let attempts = ask(&executor, both, "127.0.0.9").await;
    assert_eq!(attempts[0].remote_address.as_deref(), Some("127.0.0.2"));
    let fact = Fact::new("no-source-address", "IPv6");
    assert!(attempts[0].facts.contains(&fact), "{attempts:?}");
    assert_eq!(visitors(&allowed), 1);
}

#[tokio::test]
async fn our_own_address_is_recorded_and_not_connected_to() {
    let (allowed, _forbidden, port) = listeners();
    let mut executor = executor(port, "");
    // 1.2.3.4 stands for a public address of this machine; nothing is ever sent there.
    executor.guard.own.push("1.2.3.4".parse().unwrap());
    let addresses = exchange(&["1.2.3.4"]);
    let attempts = ask(&executor, vec![addresses], "127.0.0.9").await;
    let Ending::NotConnected(ConnectFailure::NotPublic(what)) = &attempts[0].ending else {
        panic!("{attempts:?}");
    };
    assert_eq!(what, "own address of this machine (1.2.3.4)");
    assert_eq!(visitors(&allowed), 0);
}
