//! Port 25: whether it is open outwards, and whether it leads to whom it should.

use std::net::{IpAddr, SocketAddr};

use vrfy_proto::domain::Domain;
use vrfy_proto::ehlo_name::EhloName;
use vrfy_proto::evidence::{Attempt, ConnectFailure, Ending};
use vrfy_proto::mailbox::Mailbox;
use vrfy_proto::session::{Hello, Pipelining, Session, SessionConfig, StartTlsUse};
use vrfy_proto::stage::Stage;

use super::catalogue::Check;
use super::finding::{Finding, Outcome};
use super::mail::{SEED, line};
use crate::connect::connect;
use crate::drive::drive;
use crate::egress::{self, Egress};
use crate::executor::InProcess;
use crate::words;

/// Addresses of one destination that are tried: one that answers is enough.
const TRIES_MAX: usize = 4;

/// What a try at an exchange met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contact {
    /// The domain whose exchange it is.
    pub(crate) destination: String,
    /// The exchange.
    pub(crate) exchange: String,
    /// Its address, where there was a connection or a try at one.
    pub(crate) address: Option<IpAddr>,
    /// What came of it.
    pub(crate) met: Met,
}

/// What was met at port 25.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    /// A greeting of any code: somebody is there.
    Greeting(String),
    /// No connection.
    Failure(ConnectFailure),
    /// A connection, and no greeting; in words.
    NoGreeting(String),
}

impl Contact {
    /// What an attempt of a probe met; nothing where it was not made, because of an exclusion or
    /// for want of a source address.
    pub(crate) fn of(destination: &str, attempt: &Attempt) -> Option<Self> {
        let mut replies = attempt.replies.iter();
        let greeting = replies.find(|reply| reply.stage == Stage::Greeting);
        let met = match (greeting, &attempt.ending) {
            (Some(greeting), _) => Met::Greeting(line(greeting)),
            (None, Ending::NotConnected(failure)) => Met::Failure(failure.clone()),
            (None, Ending::NotAsked(_)) => return None,
            (None, ending) => Met::NoGreeting(words::ending(ending)),
        };
        Some(Self {
            destination: destination.to_owned(),
            exchange: attempt.exchange_name.clone(),
            address: attempt
                .remote_address
                .as_deref()
                .and_then(|text| text.parse().ok()),
            met,
        })
    }

    fn text(&self) -> String {
        let what = match &self.met {
            Met::Greeting(text) => text.clone(),
            Met::Failure(failure) => words::connect_failure(failure),
            Met::NoGreeting(how) => format!("connected, but no greeting: {how}"),
        };
        match self.address {
            Some(address) => format!("{} [{address}]: {what}", self.exchange),
            None => format!("{}: {what}", self.exchange),
        }
    }
}

/// Says hello and goodbye to the exchanges of a domain, until one greets. Nobody who is excluded is
/// called.
pub(crate) async fn greet(executor: &InProcess, egress: &Egress, domain: &Domain) -> Vec<Contact> {
    let exclusions = &executor.guard.exclusions;
    let anybody = Mailbox::parse(&format!("postmaster@{domain}"));
    if anybody.is_ok_and(|mailbox| exclusions.of_mailbox(&mailbox).is_some()) {
        return Vec::new();
    }
    let plan = executor.lookup.look_up(domain, SEED).await.plan;
    let exchanges = plan.exchanges.iter();
    let places = exchanges
        .filter(|exchange| exclusions.of_exchange(&exchange.name).is_none())
        .flat_map(|exchange| {
            exchange
                .addresses
                .iter()
                .map(move |one| (&exchange.name, *one))
        })
        .filter(|(_, address)| exclusions.of_address(*address).is_none())
        .filter(|(_, address)| egress.reaches(*address));
    let mut contacts = Vec::new();
    for (exchange, address) in places.take(TRIES_MAX) {
        let met = meet(executor, egress, exchange, address).await;
        let is_end = matches!(met, Met::Greeting(_));
        contacts.push(Contact {
            destination: domain.to_string(),
            exchange: exchange.clone(),
            address: Some(address),
            met,
        });
        if is_end {
            break;
        }
    }
    contacts
}

async fn meet(executor: &InProcess, egress: &Egress, exchange: &str, address: IpAddr) -> Met {
    let target = SocketAddr::new(address, executor.port);
    let timeouts = executor.timeouts;
    let leg = egress.leg(address);
    let source = match leg.source {
        egress::Source::Address(source) => Some(source),
        egress::Source::System | egress::Source::None => None,
    };
    let connected = connect(target, source, timeouts.connect, &executor.guard).await;
    let stream = match connected {
        Ok(stream) => stream,
        Err(failure) => return Met::Failure(failure),
    };
    let source = stream.local_addr().map_or(address, |local| local.ip());
    let ehlo_name = match &leg.ehlo_name {
        Some(name) => name.to_string(),
        None => EhloName::of_source(source).to_string(),
    };
    let config = SessionConfig {
        ehlo_name,
        hello: Hello::default(),
        reverse_path: String::new(),
        start_tls: StartTlsUse::Never,
        pipelining: Pipelining::WhereOffered,
        timeouts,
        limits: executor.limits,
    };
    let session = Session::new(config, Vec::new());
    let transcript = drive(stream, session, &executor.tls, exchange).await;
    let answers = transcript.answers();
    let greeting = answers
        .iter()
        .find(|answer| answer.stage == Stage::Greeting);
    match greeting.and_then(|answer| answer.reply.as_ref()) {
        Some(reply) => {
            let text = reply.text_lossy().replace('\n', " ");
            Met::Greeting(format!("{} {text}", reply.code))
        }
        None => Met::NoGreeting("the connection ended or our time limit ran out".to_owned()),
    }
}

/// Judges what was met. `own` are our own addresses: what listens there shows nothing.
pub(crate) fn judge(contacts: &[Contact], own: &[IpAddr]) -> [Finding; 2] {
    let is_own = |contact: &&Contact| contact.address.is_some_and(|one| own.contains(&one));
    let others: Vec<&Contact> = contacts.iter().filter(|contact| !is_own(contact)).collect();
    let finding = match others.as_slice() {
        [] => Finding::skipped(
            Check::Port25,
            "no exchange of others is known to try; name a domain with --target",
        ),
        others => open(others),
    };
    let finding = contacts.iter().fold(finding, |finding, contact| {
        finding.with("contact", contact.text())
    });
    [finding, direct(&others)]
}

fn open(contacts: &[&Contact]) -> Finding {
    let check = Check::Port25;
    let greeted = contacts
        .iter()
        .find(|contact| matches!(contact.met, Met::Greeting(_)));
    if let Some(contact) = greeted {
        return Finding::ok(check, contact.text());
    }
    let all = |is: fn(&ConnectFailure) -> bool| {
        contacts
            .iter()
            .all(|contact| matches!(&contact.met, Met::Failure(why) if is(why)))
    };
    let text = contacts[0].text();
    if all(|why| matches!(why, ConnectFailure::NotPublic(_))) {
        return Finding::unknown(check, text).remedy("name another domain with --target");
    }
    let both = "compare with a domain that surely listens, with --target; if that is no better, \
                ask your provider to open outbound port 25, or probe from another network";
    let seen = if all(|why| matches!(why, ConnectFailure::TimedOut)) {
        format!("silence, as where a provider blocks the port: {text}")
    } else if all(|why| matches!(why, ConnectFailure::Refused)) {
        format!("refused, by the exchange or by somebody on the way: {text}")
    } else {
        text
    };
    Finding::failed(check, seen).remedy(both)
}

fn direct(contacts: &[&Contact]) -> Finding {
    let check = Check::Port25Direct;
    let greeted: Vec<(&Contact, String)> = contacts
        .iter()
        .filter_map(|contact| match &contact.met {
            Met::Greeting(text) => Some((*contact, greeting_name(text)?)),
            _ => None,
        })
        .collect();
    let Some((first, name)) = greeted.first() else {
        return Finding::skipped(check, "no exchange has greeted with its name");
    };
    let same_elsewhere = greeted.iter().find(|(other, other_name)| {
        other.destination != first.destination
            && other.address != first.address
            && !is_kin(&other.exchange, &first.exchange)
            && other_name == name
    });
    if let Some((other, _)) = same_elsewhere {
        let seen = format!(
            "{} and {} both greet as {name}",
            first.exchange, other.exchange
        );
        return Finding::warning(check, seen);
    }
    let stranger = greeted
        .iter()
        .find(|(contact, name)| !is_kin(&contact.exchange, name));
    match stranger {
        None => Finding::ok(check, format!("{} greets as {name}", first.exchange)),
        Some((contact, name)) => {
            let seen = format!(
                "{} greets as {name}; if that is a name of your provider, port 25 is redirected",
                contact.exchange
            );
            let more = "name a second domain with --target: a redirected port greets with one \
                        name everywhere";
            Finding::new(check, Outcome::Note, seen).remedy(more)
        }
    }
}

/// The name that a greeting begins with (RFC 5321 section 4.2).
fn greeting_name(greeting: &str) -> Option<String> {
    let name = greeting.get(4..)?.split_whitespace().next()?;
    name.contains('.')
        .then(|| name.trim_end_matches('.').to_ascii_lowercase())
}

/// Whether two host names lie in one domain, as far as two labels show it.
fn is_kin(one: &str, other: &str) -> bool {
    fn tail(name: &str) -> Vec<&str> {
        name.rsplit('.').take(2).collect()
    }
    one == other || tail(one) == tail(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(destination: &str, exchange: &str, address: &str, met: Met) -> Contact {
        Contact {
            destination: destination.to_owned(),
            exchange: exchange.to_owned(),
            address: Some(address.parse().unwrap()),
            met,
        }
    }

    fn greeting(name: &str) -> Met {
        Met::Greeting(format!("220 {name} ESMTP ready"))
    }

    fn outcomes(contacts: &[Contact], own: &[IpAddr]) -> [Outcome; 2] {
        judge(contacts, own).map(|finding| finding.outcome)
    }

    #[test]
    fn a_greeting_of_the_exchange_is_in_order() {
        let met = greeting("mx.a.test");
        let contacts = [contact("a.test", "mx.a.test", "192.0.2.1", met)];
        assert_eq!(outcomes(&contacts, &[]), [Outcome::Ok, Outcome::Ok]);
    }

    #[test]
    fn a_refusal_and_silence_fail_and_are_told_apart() {
        let of = |failure| {
            let contacts = [contact(
                "a.test",
                "mx.a.test",
                "192.0.2.1",
                Met::Failure(failure),
            )];
            judge(&contacts, &[])
        };
        let [refused, skipped] = of(ConnectFailure::Refused);
        assert_eq!(
            (refused.outcome, skipped.outcome),
            (Outcome::Failed, Outcome::Skipped)
        );
        assert!(refused.seen.starts_with("refused"), "{refused:?}");
        let [silent, _] = of(ConnectFailure::TimedOut);
        assert_eq!(silent.outcome, Outcome::Failed);
        assert!(silent.seen.starts_with("silence"), "{silent:?}");
        let [inward, _] = of(ConnectFailure::NotPublic("Loopback".to_owned()));
        assert_eq!(inward.outcome, Outcome::Unknown);
    }

    #[test]
    fn one_exchange_that_greets_is_enough() {
        let contacts = [
            contact(
                "a.test",
                "mx1.a.test",
                "192.0.2.1",
                Met::Failure(ConnectFailure::TimedOut),
            ),
            contact("a.test", "mx2.a.test", "192.0.2.2", greeting("mx2.a.test")),
        ];
        assert_eq!(outcomes(&contacts, &[]), [Outcome::Ok, Outcome::Ok]);
    }

    #[test]
    fn the_same_greeting_from_different_exchanges_is_a_redirection() {
        let contacts = [
            contact(
                "a.test",
                "mx.a.test",
                "192.0.2.1",
                greeting("relay.provider.test"),
            ),
            contact(
                "b.test",
                "mx.b.test",
                "192.0.2.2",
                greeting("relay.provider.test"),
            ),
        ];
        assert_eq!(outcomes(&contacts, &[]), [Outcome::Ok, Outcome::Warning]);
        // One alone may simply be called so.
        assert_eq!(outcomes(&contacts[..1], &[]), [Outcome::Ok, Outcome::Note]);
    }

    #[test]
    fn two_domains_at_one_provider_are_no_redirection() {
        let contacts = [
            contact(
                "a.test",
                "mx1.provider.test",
                "192.0.2.1",
                greeting("in.provider.test"),
            ),
            contact(
                "b.test",
                "mx2.provider.test",
                "192.0.2.2",
                greeting("in.provider.test"),
            ),
        ];
        assert_eq!(outcomes(&contacts, &[]), [Outcome::Ok, Outcome::Ok]);
    }

    #[test]
    fn our_own_server_shows_nothing_about_the_way_out() {
        let own = "192.0.2.1".parse().unwrap();
        let contacts = [contact("a.test", "a.test", "192.0.2.1", greeting("a.test"))];
        assert_eq!(
            outcomes(&contacts, &[own]),
            [Outcome::Skipped, Outcome::Skipped]
        );
        assert_eq!(outcomes(&[], &[]), [Outcome::Skipped, Outcome::Skipped]);
    }

    #[test]
    fn the_name_in_a_greeting_is_its_first_word() {
        assert_eq!(
            greeting_name("220 MX.a.test ESMTP").as_deref(),
            Some("mx.a.test")
        );
        assert_eq!(
            greeting_name("220-mx-1.a.test ESMTP").as_deref(),
            Some("mx-1.a.test")
        );
        assert_eq!(greeting_name("220 ESMTP"), None);
        assert_eq!(greeting_name("220"), None);
    }
}
