//! The resolver: whether it answers, whether it is honest, and what else it can.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use self::public::PUBLIC;
use super::catalogue::Check;
use super::finding::{Finding, Outcome};
use crate::lookup::{Direct, DirectAnswer, Transport, ask_directly};

mod public;

/// Servers that are examined: resolv.conf lists three at most.
const SERVERS_MAX: usize = 3;

/// A signed name that nobody may register (RFC 2606 section 3), so that asking troubles nobody.
const SIGNED: &str = "example.com";

/// What one server said.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    server: SocketAddr,
    /// About a name that exists.
    known: Direct,
    /// The same, over TCP.
    over_tcp: Direct,
    /// About names that cannot exist, each with its answer.
    missing: Vec<(String, Direct)>,
}

/// Asks every server, and judges.
pub(crate) async fn examine(
    servers: &[SocketAddr],
    asks_blocklists: bool,
    chance: u64,
    timeout: Duration,
) -> Vec<Finding> {
    let mut answers = Vec::new();
    for server in servers.iter().take(SERVERS_MAX) {
        answers.push(ask(*server, chance, timeout).await);
    }
    judge(&answers, asks_blocklists)
}

async fn ask(server: SocketAddr, chance: u64, timeout: Duration) -> Answers {
    // Nobody can register the first (RFC 6761 section 6.4); some liars leave that one alone.
    let names = ["invalid", SIGNED].map(|zone| format!("vrfy-{chance:016x}.{zone}"));
    let [first, second] = &names;
    let udp = |name| ask_directly(server, Transport::Udp, name, timeout);
    let (known, over_tcp, one, other) = tokio::join!(
        udp(SIGNED),
        ask_directly(server, Transport::Tcp, SIGNED, timeout),
        udp(first),
        udp(second)
    );
    Answers {
        server,
        known,
        over_tcp,
        missing: names.into_iter().zip([one, other]).collect(),
    }
}

fn judge(answers: &[Answers], asks_blocklists: bool) -> Vec<Finding> {
    let Some(first) = answers.first() else {
        let seen = "no name server is configured";
        let mut findings = vec![Finding::failed(Check::ResolverAnswers, seen)];
        let rest = [
            Check::ResolverHonest,
            Check::ResolverTcp,
            Check::ResolverDnssec,
            Check::ResolverOwn,
        ];
        findings.extend(rest.map(|check| Finding::skipped(check, seen)));
        return findings;
    };
    vec![
        worst(answers, answering),
        worst(answers, honest),
        worst(answers, over_tcp),
        validating(first),
        own(answers, asks_blocklists),
    ]
}

/// The finding about the server that fares worst, with what was seen of all of them.
fn worst(answers: &[Answers], judge: fn(&Answers) -> Finding) -> Finding {
    let rank = |finding: &Finding| match finding.outcome {
        Outcome::Failed => 3,
        Outcome::Warning => 2,
        Outcome::Unknown => 1,
        _ => 0,
    };
    let findings: Vec<Finding> = answers.iter().map(judge).collect();
    let seen: Vec<String> = findings
        .iter()
        .map(|finding| finding.seen.clone())
        .collect();
    let mut worst = findings[0].clone();
    for finding in findings {
        if rank(&finding) > rank(&worst) {
            worst = finding;
        }
    }
    seen.into_iter()
        .fold(worst, |finding, seen| finding.with("server", seen))
}

fn answering(answers: &Answers) -> Finding {
    let Answers { server, known, .. } = answers;
    let check = Check::ResolverAnswers;
    let took = known.took.as_millis();
    match &known.answer {
        answer if answer.is_an_answer() => {
            Finding::ok(check, format!("{server} answered in {took} ms"))
        }
        answer => Finding::failed(check, format!("{server}: {}", words(answer))),
    }
}

fn honest(answers: &Answers) -> Finding {
    let check = Check::ResolverHonest;
    let server = answers.server;
    for (name, direct) in &answers.missing {
        if direct.answer == DirectAnswer::Records {
            let seen = format!("{server} knows an address of {name}, which does not exist");
            return Finding::failed(check, seen);
        }
    }
    let mut missing = answers.missing.iter();
    match missing.find(|(_, direct)| !direct.answer.is_an_answer()) {
        Some((name, direct)) => {
            let seen = format!("{server} about {name}: {}", words(&direct.answer));
            Finding::unknown(check, seen)
        }
        None => Finding::ok(check, format!("{server} knows no address of names made up")),
    }
}

fn over_tcp(answers: &Answers) -> Finding {
    let check = Check::ResolverTcp;
    let Answers {
        server, over_tcp, ..
    } = answers;
    match &over_tcp.answer {
        // Whatever it says, it has said it over TCP.
        answer if answer.is_an_answer() || matches!(answer, DirectAnswer::Code(_)) => {
            let took = over_tcp.took.as_millis();
            Finding::ok(check, format!("{server} answered over TCP in {took} ms"))
        }
        answer => Finding::failed(check, format!("{server} over TCP: {}", words(answer))),
    }
}

fn validating(answers: &Answers) -> Finding {
    let check = Check::ResolverDnssec;
    let server = answers.server;
    if answers.known.is_authentic {
        let seen = format!("{server} says that it has checked the signatures of {SIGNED} (AD)");
        return Finding::ok(check, seen);
    }
    let seen = format!("{server} does not say that it has checked signatures (no AD)");
    Finding::new(check, Outcome::Note, seen)
}

fn own(answers: &[Answers], asks_blocklists: bool) -> Finding {
    let check = Check::ResolverOwn;
    let is_public = |answers: &&Answers| PUBLIC.contains(&answers.server.ip().to_canonical());
    if let Some(public) = answers.iter().find(is_public) {
        let seen = format!("{} is a public resolver", public.server.ip());
        return match asks_blocklists {
            true => Finding::warning(check, seen),
            false => Finding::new(check, Outcome::Note, seen),
        };
    }
    let server = answers[0].server.ip();
    let is_stub = |address: IpAddr| address.is_loopback();
    if is_stub(server) {
        let seen = format!("{server} is on this host; whom it asks cannot be seen from here");
        return Finding::new(check, Outcome::Note, seen);
    }
    Finding::ok(
        check,
        format!("{server} is none of the public resolvers that we know"),
    )
}

fn words(answer: &DirectAnswer) -> String {
    match answer {
        DirectAnswer::Records => "there are records".to_owned(),
        DirectAnswer::NoData => "no such record".to_owned(),
        DirectAnswer::NxDomain => "no such name (NXDOMAIN)".to_owned(),
        DirectAnswer::Code(code) => format!("answered {code}"),
        DirectAnswer::Silence => "no answer in time".to_owned(),
        DirectAnswer::Failed(why) => why.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct(answer: DirectAnswer) -> Direct {
        Direct {
            answer,
            is_authentic: false,
            took: Duration::from_millis(7),
        }
    }

    fn answers(server: &str) -> Answers {
        let missing = ["x.invalid", "x.example.com"];
        Answers {
            server: SocketAddr::new(server.parse().unwrap(), 53),
            known: direct(DirectAnswer::Records),
            over_tcp: direct(DirectAnswer::Records),
            missing: missing
                .map(|name| (name.to_owned(), direct(DirectAnswer::NxDomain)))
                .to_vec(),
        }
    }

    fn outcomes(answers: &[Answers], asks_blocklists: bool) -> Vec<Outcome> {
        let findings = judge(answers, asks_blocklists);
        findings.iter().map(|finding| finding.outcome).collect()
    }

    #[test]
    fn a_sane_resolver_is_in_order_and_the_rest_is_noted() {
        use Outcome::{Note, Ok};
        assert_eq!(
            outcomes(&[answers("192.0.2.53")], true),
            [Ok, Ok, Ok, Note, Ok]
        );
        let mut validating = answers("192.0.2.53");
        validating.known.is_authentic = true;
        assert_eq!(outcomes(&[validating], true), [Ok; 5]);
        assert_eq!(outcomes(&[answers("127.0.0.53")], true)[4], Note);
        let seen = &judge(&[answers("192.0.2.53")], true)[0].seen;
        assert!(seen.contains("7 ms"), "{seen}");
    }

    #[test]
    fn an_invented_address_is_a_lie_and_no_answer_is_none() {
        let mut liar = answers("192.0.2.53");
        liar.missing[1].1 = direct(DirectAnswer::Records);
        assert_eq!(
            outcomes(&[answers("192.0.2.54"), liar], true)[1],
            Outcome::Failed
        );
        let mut mute = answers("192.0.2.53");
        mute.missing[0].1 = direct(DirectAnswer::Silence);
        assert_eq!(outcomes(&[mute], true)[1], Outcome::Unknown);
    }

    #[test]
    fn failures_are_told_with_the_server_and_the_code() {
        let mut broken = answers("192.0.2.53");
        broken.known = direct(DirectAnswer::Code("SERVFAIL".to_owned()));
        broken.over_tcp = direct(DirectAnswer::Code("SERVFAIL".to_owned()));
        let findings = judge(&[answers("192.0.2.54"), broken.clone()], true);
        assert_eq!(findings[0].outcome, Outcome::Failed);
        assert!(
            findings[0]
                .seen
                .contains("192.0.2.53:53: answered SERVFAIL"),
            "{findings:?}"
        );
        assert_eq!(findings[0].facts.len(), 2);
        assert_eq!(findings[2].outcome, Outcome::Ok);
        broken.over_tcp = direct(DirectAnswer::Silence);
        assert_eq!(judge(&[broken], true)[2].outcome, Outcome::Failed);
    }

    #[test]
    fn a_public_resolver_matters_where_blocklists_are_asked() {
        let public = PUBLIC[0].to_string();
        assert_eq!(outcomes(&[answers(&public)], true)[4], Outcome::Warning);
        assert_eq!(outcomes(&[answers(&public)], false)[4], Outcome::Note);
    }

    #[test]
    fn without_a_server_nothing_else_is_asked() {
        use Outcome::{Failed, Skipped};
        assert_eq!(
            outcomes(&[], true),
            [Failed, Skipped, Skipped, Skipped, Skipped]
        );
    }
}
