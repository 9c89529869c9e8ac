//! A permit carried out against scripted servers, and what must hold of it whatever they do.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use vrfy::clock::Clock;
use vrfy::connect::{AddressGuard, Network};
use vrfy::egress::Egress;
use vrfy::executor::InProcess;
use vrfy::lookup::{Lookup, LookupConfig};
use vrfy::permit::{Ask, Asked, Executor, Permit, PermitReport};
use vrfy::tls::TlsClient;
use vrfy_proto::ehlo_name::EhloName;
use vrfy_proto::evidence::Reply;
use vrfy_proto::limits::{Limits, RECEIVED_BYTES_DEFAULT};
use vrfy_proto::mailbox::Mailbox;
use vrfy_proto::mx::{AddressAnswer, PlannedExchange};
use vrfy_proto::reply::LineEnd;
use vrfy_proto::reverse_path::ReversePath;
use vrfy_proto::session::StartTlsUse;
use vrfy_proto::stage::Stage;
use vrfy_proto::timeouts::Timeouts;
use vrfy_proto::transcript::{Dropped, Event, Transcript};

use super::script::FORGED;

/// Those who are asked for: the first exists, the second does not.
pub const MAILBOXES: [&str; 2] = ["ana@example.test", "bob@example.test"];

/// The decoy of the first.
const DECOY: &str = "decoy-4711@example.test";

/// The exchange of that place in the permit.
#[must_use]
pub fn address(place: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, place + 1))
}

/// An executor as the program has it, over that network.
///
/// # Panics
/// Where a resolver that is never asked cannot be set up.
pub fn executor<N: Network>(network: N, timeouts: Timeouts, allow: &[&str]) -> InProcess<N> {
    let allowed = allow.iter().map(|range| range.parse().expect("a range"));
    let lookup = Lookup::new(LookupConfig {
        resolver: Some("127.0.0.1:9".parse().expect("an address")),
        ..LookupConfig::default()
    });
    InProcess {
        lookup: lookup.expect("a resolver was given"),
        network,
        guard: AddressGuard {
            allow: allowed.collect(),
            ..AddressGuard::default()
        },
        tls: TlsClient::new(),
        port: 25,
        start_tls: StartTlsUse::Opportunistic,
        timeouts,
        limits: Limits::default(),
        clock: Clock::set_to(1_800_000_000_000),
    }
}

/// Leave to ask both mailboxes and a decoy at the exchanges with these addresses, in this order.
///
/// # Panics
/// Where a mailbox above is none.
#[must_use]
pub fn permit(addresses: &[IpAddr]) -> Permit {
    let exchange = |(place, address): (usize, &IpAddr)| PlannedExchange {
        name: format!("mx{place}.example.test"),
        preference: u16::try_from(place).unwrap_or(u16::MAX),
        implicit: false,
        addresses: vec![*address],
        address_answer: AddressAnswer::Addresses,
    };
    let exchanges = addresses.iter().enumerate().map(exchange).collect();
    let asks = MAILBOXES.iter().zip(0..).map(|(mailbox, probe)| Ask {
        probe,
        mailbox: Mailbox::parse(mailbox).expect("a mailbox"),
        round: 1,
        decoy: (probe == 0).then(|| DECOY.to_owned()),
    });
    Permit {
        exchanges: Arc::new(exchanges),
        first_exchange: 0,
        asks: asks.collect(),
        egress: Arc::new(Egress::single(
            None,
            Some(EhloName::parse("probe.example.test").expect("a name")),
            ReversePath::parse("probe@example.test").expect("a path"),
        )),
        expires_in: Duration::from_secs(3600),
    }
}

/// Carries the permit out, and checks what must hold of every report.
pub async fn carry_out<N: Network>(executor: &InProcess<N>, permit: Permit) -> PermitReport {
    let probes: Vec<u64> = permit.asks.iter().map(|ask| ask.probe).collect();
    let report = executor.execute(permit).await;
    let mut told: Vec<u64> = report.asked.iter().map(|asked| asked.probe).collect();
    told.extend(&report.unasked);
    told.sort_unstable();
    assert_eq!(told, probes, "every ask is in the report once");
    for asked in &report.asked {
        assert_eq!(asked.attempts.len(), asked.transcripts.len());
        for transcript in &asked.transcripts {
            check_bounds(transcript, &executor.timeouts);
        }
    }
    report
}

/// The sessions of a report in their order, each once.
#[must_use]
pub fn sessions(report: &PermitReport) -> Vec<Arc<Transcript>> {
    let mut sessions: Vec<Arc<Transcript>> = Vec::new();
    for transcript in report.asked.iter().flat_map(|asked| &asked.transcripts) {
        if !sessions.iter().any(|known| Arc::ptr_eq(known, transcript)) {
            sessions.push(Arc::clone(transcript));
        }
    }
    sessions.sort_by_key(|transcript| transcript.head.started_ms);
    sessions
}

/// The replies to RCPT that count as answers about that mailbox.
#[must_use]
pub fn answers(asked: &Asked) -> Vec<&Reply> {
    let replies = asked.attempts.iter().flat_map(|attempt| &attempt.replies);
    replies
        .filter(|reply| reply.stage == Stage::RcptTo)
        .collect()
}

/// Nothing that was slipped in is an answer, and what names somebody names the one who was asked.
pub fn check_answers(report: &PermitReport) {
    for asked in &report.asked {
        let place = usize::try_from(asked.probe).unwrap_or(usize::MAX);
        for reply in answers(asked) {
            assert!(!reply.text.contains(FORGED), "{reply:?}");
            let names_another = reply.text.contains('<')
                && !reply.text.contains(&format!("<{}>", MAILBOXES[place]));
            assert!(!names_another, "{} was told {reply:?}", MAILBOXES[place]);
        }
    }
}

fn check_bounds(transcript: &Transcript, timeouts: &Timeouts) {
    let text = || transcript.to_text();
    assert!(transcript.ending().is_some(), "no end:\n{}", text());
    assert!(
        transcript.elapsed() <= timeouts.session.max(timeouts.connect),
        "beyond its budget:\n{}",
        text()
    );
    let account = Account::of(transcript);
    let in_lines = account.kept + account.cut;
    assert!(
        in_lines <= RECEIVED_BYTES_DEFAULT as u64,
        "{in_lines} octets were taken:\n{}",
        text()
    );
}

/// Where the octets that a server sent have gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// In a line of the transcript, line ends included.
    pub kept: u64,
    /// Cut off a long line, and counted with it.
    pub cut: u64,
    /// Counted as not read.
    pub dropped: u64,
    /// Counted as TLS itself.
    pub tls: u64,
}

impl Account {
    /// That of a transcript.
    #[must_use]
    pub fn of(transcript: &Transcript) -> Self {
        let mut account = Self::default();
        for (_, event) in transcript.events() {
            match event {
                Event::Received(line) => {
                    let end = match line.end {
                        LineEnd::CrLf => 2,
                        LineEnd::Lf => 1,
                        LineEnd::Missing => 0,
                    };
                    account.kept += line.bytes.len() as u64 + end;
                    account.cut += u64::from(line.dropped);
                }
                Event::Dropped {
                    bytes,
                    why: Dropped::Tls,
                } => account.tls += bytes,
                Event::Dropped { bytes, .. } => account.dropped += bytes,
                _ => {}
            }
        }
        account
    }

    /// All of them.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.kept + self.cut + self.dropped + self.tls
    }
}
