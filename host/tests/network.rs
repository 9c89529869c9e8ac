//! Look-up, connection, TLS and session together, against the exchanges of the lab: what is seen of
//! each, before any policy has a say.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::task::JoinSet;
use vrfy::connect::{AddressGuard, connect};
use vrfy::drive::drive;
use vrfy::lookup::{Lookup, LookupConfig};
use vrfy::tls::TlsClient;
use vrfy_lab::{Lab, Scenario, SinKind};
use vrfy_proto::domain::Domain;
use vrfy_proto::session::{Recipient, RecipientKind, Session, SessionConfig};
use vrfy_proto::stage::Stage;
use vrfy_proto::timeouts::Timeouts;
use vrfy_proto::transcript::Transcript;

/// Longer than the waits in the scenarios that are meant to be sat out.
const WAIT: Duration = Duration::from_millis(1200);

#[derive(Clone)]
struct Client {
    lookup: Lookup,
    tls: TlsClient,
    guard: AddressGuard,
    port: u16,
}

impl Client {
    fn of(lab: &Lab) -> Self {
        let lookup = Lookup::new(LookupConfig {
            resolver: Some(lab.resolver()),
            timeout: WAIT,
            ..LookupConfig::default()
        });
        let ranges = lab.special_ranges();
        Self {
            lookup: lookup.unwrap(),
            tls: TlsClient::with_extra_roots(lab.authority().cloned()).unwrap(),
            guard: AddressGuard {
                allow: ranges.iter().map(|range| range.parse().unwrap()).collect(),
                ..AddressGuard::default()
            },
            port: lab.port(),
        }
    }

    /// One line on what is seen of a domain.
    async fn see(self, name: String) -> String {
        let domain = Domain::parse(&name).unwrap();
        let report = self.lookup.look_up(&domain, 1).await;
        let mut seen = format!("{name}: {:?}", report.facts.outcome);
        for exchange in report.plan.exchanges {
            for address in exchange.addresses {
                let target = SocketAddr::new(address, self.port);
                match connect(target, None, WAIT, &self.guard).await {
                    Ok(stream) => {
                        let session = session(&name);
                        let transcript = drive(stream, session, &self.tls, &exchange.name).await;
                        return seen + &summary(&transcript);
                    }
                    Err(failure) => seen += &format!(", {failure:?}"),
                }
            }
        }
        seen
    }
}

fn session(domain: &str) -> Session {
    let config = SessionConfig {
        ehlo_name: "probe.example.test".to_owned(),
        reverse_path: "probe@example.test".to_owned(),
        timeouts: Timeouts {
            greeting: WAIT,
            ehlo: WAIT,
            start_tls: WAIT,
            mail_from: WAIT,
            rcpt_to: WAIT,
            quit: WAIT,
            session: 4 * WAIT,
            ..Timeouts::default()
        },
        ..SessionConfig::default()
    };
    let recipient = Recipient {
        address: format!("ana@{domain}"),
        kind: RecipientKind::Mailbox,
        needs_smtputf8: false,
    };
    Session::new(config, vec![recipient])
}

fn summary(transcript: &Transcript) -> String {
    let ending = transcript.ending().expect("every session ends");
    let mut summary = format!(", {ending}");
    if let Some(facts) = transcript.tls() {
        summary += &format!(", {} [{}]", facts.version, facts.problems.join(" "));
    }
    let answers = transcript.answers();
    let rcpt = answers.iter().find(|answer| answer.stage == Stage::RcptTo);
    if let Some(reply) = rcpt.and_then(|answer| answer.reply.as_ref()) {
        summary += &format!(", {}", reply.code.value());
    }
    summary
}

/// Looks at every domain of a shipped scenario at the same time, and expects to see these lines
/// among others. The lab must have seen a client that keeps to the rules.
async fn expect(scenario: &str, expected: &[&str]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/lab");
    let scenario = Scenario::load(path.join(scenario)).unwrap();
    let lab = Lab::start(scenario).await.unwrap();
    let client = Client::of(&lab);
    let domains: BTreeSet<String> = lab
        .addresses()
        .iter()
        .filter_map(|known| Some(known.address.rsplit_once('@')?.1.to_owned()))
        .collect();
    let mut under_way = JoinSet::new();
    for domain in domains {
        under_way.spawn(client.clone().see(domain));
    }
    let seen = under_way.join_all().await.join("\n");
    for line in expected {
        assert!(
            seen.lines().any(|one| one == *line),
            "{line}\nis not in\n{seen}"
        );
    }
    let mut sins = lab.stop().await.sins;
    // After a fault of the server, such as 354 to RCPT, nothing can be relied on: the session ends
    // without QUIT, on purpose.
    sins.retain(|sin| sin.kind != SinKind::MissingQuit);
    assert!(sins.is_empty(), "{sins:?}");
}

#[tokio::test]
async fn ordinary_exchanges_and_look_ups_of_every_kind() {
    let expected = [
        "ordinary.test: Exchanges, completed, 250",
        "helo-only.test: Exchanges, completed, 250",
        "tarpit.test: Exchanges, completed, 250",
        "greylist.test: Exchanges, completed, 450",
        "busy.test: Exchanges, service-closing greeting",
        "no-service.test: Exchanges, greeting-refused",
        "drops.test: Exchanges, closed rcpt-to",
        "several.test: Exchanges, Refused, completed, 250",
        "implicit.test: ImplicitMx, completed, 250",
        "null-mx.test: NullMx",
        "gone.test: NxDomain",
        "servfail.test: ServFail",
        "dead.test: Exchanges, Refused",
        "inward.test: Exchanges, NotPublic(\"Private-Use (10.0.0.0/8, RFC 1918)\")",
    ];
    expect("first.toml", &expected).await;
}

#[tokio::test]
async fn tls_of_every_kind() {
    let expected = [
        "good.test: Exchanges, completed, TLSv1.3 [], 250",
        "required.test: Exchanges, completed, TLSv1.3 [], 250",
        "expired.test: Exchanges, completed, TLSv1.3 [expired], 250",
        "self-signed.test: Exchanges, completed, TLSv1.3 [self-signed], 250",
        "wrong-name.test: Exchanges, completed, TLSv1.3 [wrong-name], 250",
        "broken.test: Exchanges, tls-failed",
        "stalls.test: Exchanges, timed-out start-tls",
        "unavailable.test: Exchanges, completed, 250",
        "injected.test: Exchanges, violation start-tls plaintext-after-start-tls",
    ];
    expect("tls.toml", &expected).await;
}

#[tokio::test]
async fn hostile_servers_and_hostile_answers_of_dns() {
    let expected = [
        "silent.test: Exchanges, timed-out greeting",
        "trickle.test: Exchanges, timed-out greeting",
        "web.test: Exchanges, closed greeting",
        "early.test: Exchanges, violation ehlo unsolicited-reply",
        "endless-greeting.test: Exchanges, limit-reached reply-lines",
        "endless-line.test: Exchanges, limit-reached received-bytes",
        "resets-at-mail.test: Exchanges, reset mail-from",
        "half.test: Exchanges, closed rcpt-to",
        "unfinished.test: Exchanges, timed-out rcpt-to",
        "long-line.test: Exchanges, completed, 550",
        "dead-name.test: NoUsableExchange",
        "null-and-real.test: Exchanges, completed, 250",
        "loop.test: ServFail",
        "dns-refused.test: Refused",
        "dns-lame.test: Other(\"the name server only refers to others: it is no resolver\")",
        "dns-bogus.test: ServFail",
        "dns-silent.test: TimedOut",
        "dns-garbage.test: TimedOut",
        "dns-wrong-id.test: TimedOut",
        "dns-truncated.test: Exchanges, completed, 250",
        "dns-cut.test: Other(\"truncated, and truncated over TCP too\")",
    ];
    expect("hostile.toml", &expected).await;
}
