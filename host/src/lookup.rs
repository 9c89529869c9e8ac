//! Asks DNS for the exchanges of a domain (RFC 5321 section 5.1).
//!
//! ```text
//! Domain ── literal, reserved name ─────────────────────────────────> report
//!    └── MX ── order ──┬── nothing more to ask ─────────────────────> report
//!                      └── A and AAAA of every exchange, at once ───> report
//!            (every question: cache ── else servers ── hickory)
//! ```
//!
//! **Promises.** MX is asked first. Absence, emptiness, failure, refusal and silence stay apart:
//! see [`DnsAnswer`]. Names are absolute: neither search domains nor the hosts file have a say.
//! Answers are kept as long as DNS allows, negative ones by the SOA record (RFC 2308), temporary
//! failures not at all. Whoever asks a question that is under way waits for that answer. A
//! truncated answer is asked again over TCP. Aliases are followed and recorded. With a resolver
//! given explicitly, every name is asked there; otherwise reserved names (RFC 6761) are settled
//! without DNS.
//!
//! **Does not** validate signatures: a validating resolver answers SERVFAIL for what is forged, and
//! what it says about the rest is recorded where it can be believed. Nor does it
//! check whether addresses are public ([`crate::connect`] does, for the very address that it
//! connects to), or try again: a temporary failure is reported, and the policy says when to ask
//! again.
//!
//! Read next: `lookup/servers.rs` (what goes over the wire), `lookup/cache.rs`, `vrfy_proto::mx`.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use vrfy_proto::domain::{Domain, DomainName};
use vrfy_proto::evidence;
use vrfy_proto::mx::{
    AddressAnswers, Candidates, DnsAnswer, MxCaps, MxPlan, MxStep, ReservedNames, order,
    without_dns,
};

pub use self::answer::{Answer, Datum, Question, QuestionKind};
pub use self::direct::{Direct, DirectAnswer, Transport, ask_directly};
pub use self::records::Records;
pub use self::servers::LookupError;

use self::answer::Authenticity;
use self::cache::{Cache, Found};
use self::servers::Servers;
use crate::clock::Clock;

mod answer;
mod cache;
mod direct;
mod facts;
mod records;
mod servers;

/// How long one question may take, from the moment it is sent: a resolver that has to walk from the
/// root to a slow domain needs a few seconds, and most give up themselves after ten.
pub const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a report without any answer of DNS in it is good: an address literal or a reserved name
/// comes to the same every time, so this is no more than a reason to look again once a day.
const SETTLED_VALID_FOR: Duration = Duration::from_hours(24);

/// What a [`Lookup`] needs to know.
#[derive(Clone, Debug)]
pub struct LookupConfig {
    /// The one server to ask, for every name; without it the servers of the system are asked, and
    /// reserved names are settled without them.
    pub resolver: Option<SocketAddr>,
    /// How long one question may take. A look-up asks for MX, then for all addresses at once, so it
    /// takes at most twice as long.
    pub timeout: Duration,
    /// How much of an answer becomes part of the plan.
    pub caps: MxCaps,
    /// The time, for the evidence to say when a look-up began.
    pub clock: Clock,
}

impl Default for LookupConfig {
    fn default() -> Self {
        Self {
            resolver: None,
            timeout: LOOKUP_TIMEOUT,
            caps: MxCaps::default(),
            clock: Clock::system(),
        }
    }
}

/// Answers questions: name servers, or what takes their place in a simulation.
pub trait Resolve: Send + Sync + 'static {
    /// Asks, follows aliases, and says what became of it. Whoever asks waits as long as it takes.
    fn ask(&self, question: Question) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>>;
}

impl Resolve for Servers {
    fn ask(&self, question: Question) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
        Box::pin(Self::ask(self, question))
    }
}

/// Looks up the exchanges of domains. Clones share one cache and one set of servers.
#[derive(Clone)]
pub struct Lookup {
    shared: Arc<Shared>,
}

struct Shared {
    servers: Box<dyn Resolve>,
    cache: Cache,
    reserved: ReservedNames,
    caps: MxCaps,
    clock: Clock,
}

/// What a look-up came to.
#[derive(Clone, Debug, PartialEq)]
pub struct LookupReport {
    /// As a policy is shown it. Its exchanges are those of the plan, at the same indices.
    pub facts: evidence::Lookup,
    /// The exchanges with the addresses to connect to.
    pub plan: MxPlan,
    /// How long DNS allows to go by this report; zero when a part of it failed.
    pub valid_for: Duration,
}

impl Lookup {
    /// Reads the system's configuration, unless a resolver is given. Sends nothing yet.
    pub fn new(config: LookupConfig) -> Result<Self, LookupError> {
        let LookupConfig {
            resolver,
            timeout,
            caps,
            clock,
        } = config;
        let (servers, reserved) = match resolver {
            Some(address) => (Servers::at(address, timeout), ReservedNames::LookUp),
            None => (Servers::of_system(timeout)?, ReservedNames::Settle),
        };
        Ok(Self::with(servers, reserved, caps, clock))
    }

    /// Looks up with those who answer for the name servers; `reserved` names are theirs as well.
    pub fn over(servers: impl Resolve, clock: Clock) -> Self {
        Self::with(servers, ReservedNames::LookUp, MxCaps::default(), clock)
    }

    fn with(servers: impl Resolve, reserved: ReservedNames, caps: MxCaps, clock: Clock) -> Self {
        Self {
            shared: Arc::new(Shared {
                servers: Box::new(servers),
                cache: Cache::default(),
                reserved,
                caps,
                clock,
            }),
        }
    }

    /// Finds out where mail for this domain goes. The seed decides the order of exchanges of equal
    /// preference. Call it inside of a tokio runtime; dropping the future gives the look-up up.
    pub async fn look_up(&self, domain: &Domain, seed: u64) -> LookupReport {
        let started_ms = self.shared.clock.now();
        let began = Instant::now();
        let mut sources = Sources::default();
        let plan = match without_dns(domain, self.shared.reserved) {
            Some(plan) => plan,
            None => {
                let name = domain
                    .name()
                    .expect("an address literal is settled without DNS");
                self.gather(name, seed, &mut sources).await
            }
        };
        let Sources {
            mut aliases,
            valid_for,
            asked,
            authenticity,
            mx_is_unproven,
        } = sources;
        let is_more_than_was_said = mx_is_unproven && authenticity == Authenticity::Secure;
        if !is_more_than_was_said {
            aliases.extend(facts::dnssec(authenticity));
        }
        let elapsed_ms = if asked {
            // At least 1, because 0 says that nothing was asked.
            u32::try_from(began.elapsed().as_millis())
                .unwrap_or(u32::MAX)
                .max(1)
        } else {
            0
        };
        LookupReport {
            facts: facts::lookup(&plan, aliases, started_ms, elapsed_ms),
            plan,
            valid_for,
        }
    }

    async fn gather(&self, domain: &DomainName, seed: u64, sources: &mut Sources) -> MxPlan {
        let question = Question::new(domain.as_str(), QuestionKind::Mx);
        let found = self.ask(question).await;
        sources.count(&found);
        sources.mx_is_unproven = found.answer.authenticity == Authenticity::Unknown;
        sources
            .aliases
            .extend(found.answer.target().map(facts::domain_alias));
        match order(domain, found.answer.mx(), seed, self.shared.caps) {
            MxStep::Settled(plan) => plan,
            MxStep::Resolve(candidates) => {
                let answers = self.ask_addresses(&candidates, sources).await;
                candidates.into_plan(answers)
            }
        }
    }

    /// Asks for A and AAAA of all candidates at the same time.
    async fn ask_addresses(
        &self,
        candidates: &Candidates,
        sources: &mut Sources,
    ) -> Vec<AddressAnswers> {
        let unanswered = || (DnsAnswer::TimedOut, DnsAnswer::TimedOut);
        let mut answers: Vec<(DnsAnswer<Ipv4Addr>, DnsAnswer<Ipv6Addr>)> = candidates
            .exchanges()
            .iter()
            .map(|_| unanswered())
            .collect();
        let mut aliases = vec![None; answers.len()];
        let mut take = |index: usize, found: &Found| {
            sources.count(found);
            match found.question.kind {
                QuestionKind::V4 => answers[index].0 = found.answer.v4(),
                _ => answers[index].1 = found.answer.v6(),
            }
            if let Some(target) = found.answer.target() {
                aliases[index] = Some(target.to_owned());
            }
        };
        let mut under_way = JoinSet::new();
        for (index, candidate) in candidates.exchanges().iter().enumerate() {
            for kind in [QuestionKind::V4, QuestionKind::V6] {
                let question = Question::new(&candidate.name, kind);
                if let Some(found) = self.shared.cache.find(&question) {
                    take(index, &found);
                    continue;
                }
                let lookup = self.clone();
                under_way.spawn(async move { (index, lookup.ask(question).await) });
            }
        }
        while let Some(joined) = under_way.join_next().await {
            // A question that could not be carried out stays unanswered.
            if let Ok((index, found)) = joined {
                take(index, &found);
            }
        }
        for (candidate, target) in candidates.exchanges().iter().zip(aliases) {
            if let (false, Some(target)) = (candidate.implicit, target) {
                sources
                    .aliases
                    .push(facts::exchange_alias(&candidate.name, &target));
            }
        }
        answers
            .into_iter()
            .map(|(v4, v6)| AddressAnswers { v4, v6 })
            .collect()
    }

    async fn ask(&self, question: Question) -> Found {
        let servers = &self.shared.servers;
        self.shared
            .cache
            .find_or_ask(question, |question| servers.ask(question))
            .await
    }
}

/// Where the answers of a report came from.
struct Sources {
    aliases: Vec<evidence::Fact>,
    valid_for: Duration,
    /// Whether at least one answer did not come from the cache.
    asked: bool,
    /// That of the worst answer.
    authenticity: Authenticity,
    /// Whether nothing is known about the signatures of the MX answer, as of every denial.
    mx_is_unproven: bool,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            aliases: Vec::new(),
            valid_for: SETTLED_VALID_FOR,
            asked: false,
            authenticity: Authenticity::Unknown,
            mx_is_unproven: false,
        }
    }
}

impl Sources {
    fn count(&mut self, found: &Found) {
        self.asked |= !found.was_kept;
        self.valid_for = self.valid_for.min(found.valid_for);
        self.authenticity = self.authenticity.with(found.answer.authenticity);
    }
}

#[cfg(test)]
mod tests;
