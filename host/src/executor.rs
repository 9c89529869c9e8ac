//! The executor in this process: carries permits out over the network of this machine, or over a
//! simulated one.
//!
//! A permit is a walk over exchanges: connect to the first that answers, hold a session there, and
//! note for every mailbox what it showed. The next exchange is tried only where no dialogue came
//! about (no connection, greeting or EHLO refused or not answered: RFC 5321 section 5.1). From MAIL
//! on whatever happens is the policy's to weigh: an exchange that sends us away must not see us
//! again at its neighbour a moment later.
//!
//! Promises: every ask is in the report once. What it does not do: decide who is asked, or what an
//! answer means.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::time::Instant;
use vrfy_proto::attempt_view::{Place, SessionView};
use vrfy_proto::domain::Domain;
use vrfy_proto::ehlo_name::EhloName;
use vrfy_proto::evidence::{Attempt, ConnectFailure, DecoyFinding, Ending, Fact};
use vrfy_proto::limits::Limits;
use vrfy_proto::mx::PlannedExchange;
use vrfy_proto::session::{
    Hello, Pipelining, Recipient, RecipientKind, Session, SessionConfig, StartTlsUse,
};
use vrfy_proto::stage::Stage;
use vrfy_proto::timeouts::Timeouts;
use vrfy_proto::transcript::{
    Egress as HeadEgress, Ending as SessionEnding, Head, HeadRecipient, Transcript,
};

use crate::clock::Clock;
use crate::connect::{AddressGuard, Connection, Network, Sockets, connect_over};
use crate::drive::drive;
use crate::egress::Source;
use crate::exclusions::EXCLUDED;
use crate::lookup::{Lookup, LookupReport};
use crate::permit::{Ask, Asked, Executor, Permit, PermitReport};
use crate::tls::TlsClient;
use crate::words;

/// Exchanges that are tried in one round at most: enough for the usual pair with a spare or two; a
/// domain that lists more dead ones can be asked again in the next round.
pub(crate) const EXCHANGES_PER_ROUND_MAX: usize = 4;

/// Looks up and connects from this process.
pub struct InProcess<N = Sockets> {
    /// Look-ups.
    pub lookup: Lookup,
    /// Connections.
    pub network: N,
    /// Which addresses may be connected to.
    pub guard: AddressGuard,
    /// TLS.
    pub tls: TlsClient,
    /// The port of exchanges.
    pub port: u16,
    /// What to do about STARTTLS.
    pub start_tls: StartTlsUse,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// What is taken from a server at most.
    pub limits: Limits,
    /// The time.
    pub clock: Clock,
}

impl<N: Network> Executor for InProcess<N> {
    async fn look_up(&self, domain: &Domain, seed: u64) -> LookupReport {
        self.lookup.look_up(domain, seed).await
    }

    async fn execute(&self, permit: Permit) -> PermitReport {
        let mut walk = Walk::new(permit);
        while let Some(visit) = walk.next_visit() {
            let mut manner = Manner {
                hello: Hello::Ehlo,
                start_tls: self.start_tls,
            };
            let mut held = self.visit(&walk, &visit.exchange, manner).await;
            while let Some(other) = manner.after(&held.transcript)
                && !walk.has_expired()
            {
                // The connection is spoilt; the same exchange is asked once more in another manner.
                // What went wrong stays in the evidence.
                walk.note(&visit, held, After::SameExchange);
                manner = other;
                held = self.visit(&walk, &visit.exchange, manner).await;
            }
            walk.note(&visit, held, After::NextExchange);
        }
        walk.into_report()
    }
}

impl<N: Network> InProcess<N> {
    /// Tries the addresses of an exchange in turn, and holds a session with the first that
    /// answers.
    async fn visit(&self, walk: &Walk, exchange: &PlannedExchange, manner: Manner) -> Held {
        let started_ms = self.clock.now();
        let began = Instant::now();
        let mut unmade = Unmade::default();
        for address in self.guard_exchange(exchange, &mut unmade) {
            // Many dead addresses take long, and no session begins after the permit has expired.
            if unmade.failure.is_some() && walk.has_expired() {
                break;
            }
            let target = SocketAddr::new(*address, self.port);
            let Some(bind) = self.source(walk, target, &mut unmade) else {
                continue;
            };
            let timeout = self.timeouts.connect;
            match connect_over(&self.network, target, bind, timeout, &self.guard).await {
                Ok(connection) => {
                    let start = Start {
                        target,
                        started_ms,
                        manner,
                    };
                    let held = self.hold(walk, exchange, connection, start).await;
                    let facts = unmade.facts;
                    return Held { facts, ..held };
                }
                Err(why) => unmade.failure = Some(why),
            }
        }
        let ending = unmade.ending();
        let recipients = walk
            .recipients()
            .into_iter()
            .map(|recipient| HeadRecipient {
                address: recipient.address,
                kind: recipient.kind,
            });
        let head = Head {
            recipients: recipients.collect(),
            exchange: exchange.name.clone(),
            preference: exchange.preference,
            remote: None,
            egress: HeadEgress {
                source: None,
                ehlo_name: String::new(),
                reverse_path: walk.permit.egress.reverse_path.address(),
            },
            started_ms,
        };
        Held {
            transcript: Transcript::of_failed_connect(
                head,
                &words::ending(&ending),
                began.elapsed(),
            ),
            ending: Some(ending),
            facts: unmade.facts,
        }
    }

    /// The addresses of an exchange, unless it is excluded by its name.
    fn guard_exchange<'a>(
        &self,
        exchange: &'a PlannedExchange,
        unmade: &mut Unmade,
    ) -> &'a [IpAddr] {
        match self.guard.exclusions.of_exchange(&exchange.name) {
            None => &exchange.addresses,
            Some(exclusion) => {
                unmade.exclude(format!("{}: {exclusion}", exchange.name));
                &[]
            }
        }
    }

    /// The source address to bind, or that the system is to choose one; nothing where the target is
    /// excluded, or the egress has no source in its family.
    fn source(
        &self,
        walk: &Walk,
        target: SocketAddr,
        unmade: &mut Unmade,
    ) -> Option<Option<IpAddr>> {
        let target = target.ip();
        if let Some(exclusion) = self.guard.excluded(target) {
            unmade.exclude(format!("{target}: {exclusion}"));
            return None;
        }
        match walk.permit.egress.leg(target).source {
            Source::System => Some(None),
            Source::Address(source) => Some(Some(source)),
            Source::None => {
                unmade.lacks_source(target);
                None
            }
        }
    }

    /// Holds one session to its end.
    async fn hold(
        &self,
        walk: &Walk,
        exchange: &PlannedExchange,
        connection: Connection<N::Stream>,
        start: Start,
    ) -> Held {
        let egress = &walk.permit.egress;
        let Connection { stream, source } = connection;
        let literal =
            || EhloName::of_source(source.unwrap_or_else(|| start.target.ip())).to_string();
        let ehlo_name = egress.leg(start.target.ip()).ehlo_name.as_ref();
        let config = SessionConfig {
            ehlo_name: ehlo_name.map_or_else(literal, ToString::to_string),
            reverse_path: egress.reverse_path.address(),
            hello: start.manner.hello,
            start_tls: start.manner.start_tls,
            pipelining: Pipelining::WhereOffered,
            timeouts: self.timeouts,
            limits: self.limits,
        };
        let session = Session::new(config, walk.recipients());
        let mut transcript = drive(stream, session, &self.tls, &exchange.name).await;
        transcript.head.exchange = exchange.name.clone();
        transcript.head.preference = exchange.preference;
        transcript.head.remote = Some(start.target);
        transcript.head.egress.source = source;
        transcript.head.started_ms = start.started_ms;
        Held {
            transcript,
            ending: None,
            facts: Vec::new(),
        }
    }
}

/// Why no connection to an exchange came about, address by address.
#[derive(Default)]
struct Unmade {
    failure: Option<ConnectFailure>,
    facts: Vec<Fact>,
}

impl Unmade {
    fn exclude(&mut self, what: String) {
        self.facts.push(Fact::new(EXCLUDED, what));
    }

    fn lacks_source(&mut self, target: IpAddr) {
        let told = self.facts.iter().any(|fact| fact.name == NO_SOURCE);
        if !told {
            let family = if target.is_ipv6() { "IPv6" } else { "IPv4" };
            self.facts.push(Fact::new(NO_SOURCE, family));
        }
    }

    /// A try that failed tells more than an address that was left out.
    fn ending(&mut self) -> Ending {
        let left_out = self.facts.first().map(|fact| fact.name.clone());
        match (self.failure.take(), left_out) {
            (Some(failure), _) => Ending::NotConnected(failure),
            (None, Some(reason)) => Ending::NotAsked(reason),
            (None, None) => {
                let what = "the exchange has no address".to_owned();
                Ending::NotConnected(ConnectFailure::Other(what))
            }
        }
    }
}

/// The name of the fact, and of the reason not to ask, where the egress has no source address of
/// the family of the exchange's address.
const NO_SOURCE: &str = "no-source-address";

/// What a session begins with.
struct Start {
    target: SocketAddr,
    started_ms: u64,
    manner: Manner,
}

/// How a session begins.
#[derive(Clone, Copy)]
struct Manner {
    hello: Hello,
    start_tls: StartTlsUse,
}

impl Manner {
    /// How the same exchange is asked once more after this session, if it is: in clear after TLS
    /// came to nothing (RFC 7435), with HELO after it hung up on EHLO. Each happens once, because
    /// neither is taken back.
    fn after(self, transcript: &Transcript) -> Option<Self> {
        if self.start_tls == StartTlsUse::Opportunistic && tls_came_to_nothing(transcript) {
            return Some(Self {
                start_tls: StartTlsUse::Never,
                ..self
            });
        }
        let helo_is_worth_a_try =
            self.hello == Hello::Ehlo && self.start_tls != StartTlsUse::Required;
        (helo_is_worth_a_try && hung_up_on_ehlo(transcript)).then_some(Self {
            hello: Hello::Helo,
            ..self
        })
    }
}

/// A session that was held, or the try at one.
struct Held {
    transcript: Transcript,
    /// Where no connection came about: why.
    ending: Option<Ending>,
    /// What the transcript does not know.
    facts: Vec<Fact>,
}

/// Where the walk goes after a session that brought no answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    SameExchange,
    NextExchange,
}

/// An exchange on the way.
struct Visit {
    index: usize,
    exchange: PlannedExchange,
}

/// The walk over the exchanges of one permit.
struct Walk {
    permit: Permit,
    expires: Instant,
    /// Indices of asks that have no answer yet.
    open: Vec<usize>,
    /// Indices of the exchanges that are still to be tried, the next one last.
    ahead: Vec<usize>,
    visits: usize,
    attempts: Vec<Vec<Attempt>>,
    transcripts: Vec<Vec<Arc<Transcript>>>,
    decoys: Vec<(String, DecoyFinding)>,
}

impl Walk {
    fn new(permit: Permit) -> Self {
        let count = permit.exchanges.len();
        let ahead = (0..count).map(|step| (permit.first_exchange + step) % count);
        let ahead = ahead.filter(|index| !permit.exchanges[*index].addresses.is_empty());
        let mut ahead: Vec<usize> = ahead.take(EXCHANGES_PER_ROUND_MAX).collect();
        ahead.reverse();
        Self {
            expires: Instant::now() + permit.expires_in,
            open: (0..permit.asks.len()).collect(),
            ahead,
            visits: 0,
            attempts: permit.asks.iter().map(|_| Vec::new()).collect(),
            transcripts: permit.asks.iter().map(|_| Vec::new()).collect(),
            decoys: Vec::new(),
            permit,
        }
    }

    /// The next exchange, while anybody is without an answer and the permit holds.
    fn next_visit(&mut self) -> Option<Visit> {
        if self.open.is_empty() || (self.visits > 0 && self.has_expired()) {
            return None;
        }
        let index = self.ahead.pop()?;
        self.visits += 1;
        Some(Visit {
            index,
            exchange: self.permit.exchanges[index].clone(),
        })
    }

    fn has_expired(&self) -> bool {
        Instant::now() >= self.expires
    }

    /// Whom the next session is to ask: the open mailboxes, and their decoys.
    fn recipients(&self) -> Vec<Recipient> {
        let asks = || self.open.iter().map(|index| &self.permit.asks[*index]);
        let mailboxes = asks().map(|ask: &Ask| Recipient {
            address: ask.mailbox.to_string(),
            kind: RecipientKind::Mailbox,
            needs_smtputf8: ask.mailbox.needs_smtputf8(),
        });
        let decoys = asks()
            .filter_map(|ask| ask.decoy.clone())
            .map(|address| Recipient {
                address,
                kind: RecipientKind::Decoy,
                needs_smtputf8: false,
            });
        mailboxes.chain(decoys).collect()
    }

    /// Notes what a session showed about every open mailbox.
    fn note(&mut self, visit: &Visit, held: Held, after: After) {
        let transcript = Arc::new(held.transcript);
        let view = SessionView::new(&transcript);
        let goes_on = after == After::SameExchange || came_to_nothing(&transcript);
        // The order of recipients is that of `recipients`, so a place is a place among the open.
        let answered: Vec<bool> = (0..self.open.len())
            .map(|place| view.is_answered(place))
            .collect();
        let progress = answered.contains(&true);
        let cut_short = matches!(transcript.ending(), Some(SessionEnding::LimitReached(_)));
        let (mut still_open, mut again) = (Vec::new(), Vec::new());
        for (place, index) in self.open.iter().copied().enumerate() {
            let unaskable = view.is_unaskable(place);
            if !answered[place] && !unaskable && progress && cut_short {
                again.push(index);
                continue;
            }
            let at = Place {
                round: self.permit.asks[index].round,
                exchange: u32::try_from(visit.index).unwrap_or(u32::MAX),
            };
            let mut attempt = view.attempt(place, at);
            if let Some(ending) = &held.ending {
                attempt.ending = ending.clone();
            }
            attempt.facts.extend(held.facts.iter().cloned());
            let egress = self.permit.egress.name.as_ref();
            attempt
                .facts
                .extend(egress.map(|name| Fact::new("egress", name)));
            self.attempts[index].push(attempt);
            self.transcripts[index].push(Arc::clone(&transcript));
            if !answered[place] && (goes_on || unaskable) {
                still_open.push(index);
            }
        }
        self.decoys.extend(view.decoys());
        if !again.is_empty() {
            // A bound ended the session, not the exchange: a new session there goes on.
            self.ahead.push(visit.index);
            still_open.extend(again);
        }
        self.open = still_open;
    }

    fn into_report(self) -> PermitReport {
        let mut report = PermitReport {
            decoys: self.decoys,
            ..PermitReport::default()
        };
        let asks = self
            .permit
            .asks
            .iter()
            .zip(self.attempts)
            .zip(self.transcripts);
        for ((ask, attempts), transcripts) in asks {
            if attempts.is_empty() {
                report.unasked.push(ask.probe);
            } else {
                report.asked.push(Asked {
                    probe: ask.probe,
                    attempts,
                    transcripts,
                });
            }
        }
        report
    }
}

/// Whether a session ended at STARTTLS or in the handshake. Plaintext that somebody slipped in
/// behind STARTTLS is a violation, and no reason to go on in clear.
pub(crate) fn tls_came_to_nothing(transcript: &Transcript) -> bool {
    match transcript.ending() {
        Some(SessionEnding::TlsFailed) => true,
        // 421 asks us to leave.
        Some(SessionEnding::Violation(..) | SessionEnding::ServiceClosing(_)) | None => false,
        Some(ending) => ending.stage() == Some(Stage::StartTls),
    }
}

/// Whether the server greeted and then hung up on EHLO, as some old ones do.
pub(crate) fn hung_up_on_ehlo(transcript: &Transcript) -> bool {
    let ending = transcript.ending();
    matches!(
        ending,
        Some(SessionEnding::Closed(Stage::Ehlo) | SessionEnding::Reset(Stage::Ehlo))
    )
}

/// Whether a session ended before a dialogue about anybody could begin.
pub(crate) fn came_to_nothing(transcript: &Transcript) -> bool {
    let before_mail = |stage: Stage| stage < Stage::MailFrom;
    match transcript.ending() {
        Some(
            SessionEnding::ConnectFailed
            | SessionEnding::GreetingRefused
            | SessionEnding::EhloRefused
            | SessionEnding::TlsFailed
            | SessionEnding::TlsRequired,
        ) => true,
        // These end a session wherever they are met, and the stage may be that of a command which
        // was still to be sent.
        Some(SessionEnding::LimitReached(_) | SessionEnding::Violation(..)) => {
            let answers = transcript.answers();
            answers.iter().all(|answer| before_mail(answer.stage))
        }
        Some(ending) => ending.stage().is_some_and(before_mail),
        None => false,
    }
}

#[cfg(test)]
mod tests;
