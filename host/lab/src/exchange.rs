//! One exchange: its script, what it remembers, and how it judges a recipient.
//!
//! Sessions are in `session`; this is what they share.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::answer::Answer;
use crate::certificates::Handshake;
use crate::ledger::Ledger;
use crate::memory::{Memory, Triplet};
use crate::scenario::{DomainPlan, ExchangePlan};
use crate::schema::{ExchangeTable, LabTable};
use crate::session::Session;

/// Wait after a failed accept: it fails again at once while file descriptors are short.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A rate limit's window when the scenario gives none.
const RATE_WINDOW: Duration = Duration::from_secs(60);

/// The EHLO keywords of an ordinary server.
const OFFERS: &[&str] = &[
    "PIPELINING",
    "SIZE 10485760",
    "8BITMIME",
    "ENHANCEDSTATUSCODES",
];

/// All domains, shared by all exchanges.
pub(crate) type Domains = Arc<std::collections::HashMap<String, DomainPlan>>;

pub(crate) struct Exchange {
    index: usize,
    pub(crate) name: String,
    pub(crate) table: ExchangeTable,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) handshake: Option<Handshake>,
    latency: Duration,
    jitter: Duration,
    domains: Domains,
    memory: Mutex<Memory>,
}

/// An answer together with what its placeholders stand for besides the usual.
pub(crate) struct Judgement {
    pub(crate) answer: Answer,
    pub(crate) seconds: u64,
}

impl Judgement {
    fn plain(answer: Answer) -> Self {
        Self { answer, seconds: 0 }
    }

    fn wait(answer: Answer, rest: Duration) -> Self {
        let seconds = rest.as_secs() + u64::from(rest.subsec_nanos() > 0);
        Self { answer, seconds }
    }
}

/// A recipient as a session asks for it.
pub(crate) struct Question<'a> {
    pub(crate) client: IpAddr,
    pub(crate) sender: &'a str,
    pub(crate) recipient: &'a str,
    pub(crate) local_part: &'a str,
    pub(crate) domain: &'a str,
    /// The exchange's own address literal; it stands for the first domain by name that it serves.
    pub(crate) own_literal: &'a str,
}

impl Exchange {
    pub(crate) fn new(
        index: usize,
        plan: &ExchangePlan,
        settings: &LabTable,
        shared: (Domains, Arc<Ledger>),
        handshake: Option<Handshake>,
    ) -> Self {
        let (domains, ledger) = shared;
        let latency_ms = plan.table.latency_ms.unwrap_or(settings.latency_ms);
        let jitter_ms = plan.table.jitter_ms.unwrap_or(settings.jitter_ms);
        Self {
            index,
            name: plan.name.clone(),
            table: plan.table.clone(),
            ledger,
            handshake,
            latency: Duration::from_millis(latency_ms),
            jitter: Duration::from_millis(jitter_ms),
            domains,
            memory: Mutex::new(Memory::new(settings.seed.wrapping_add(index as u64))),
        }
    }

    /// Accepts sessions until its task is aborted; they end with it.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let mut sessions = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let session = Session::new(Arc::clone(&self), stream, peer.ip());
                        sessions.spawn(session.run());
                    }
                    Err(cause) => {
                        self.ledger.record_not_accepted(&cause);
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = sessions.join_next() => {}
            }
        }
    }

    /// The EHLO reply, unless the script has one of its own.
    pub(crate) fn ehlo(&self, after_tls: bool) -> Answer {
        if let Some(answer) = &self.table.on.ehlo {
            return answer.clone();
        }
        let offers = match (&self.table.offers, &self.table.offers_after_tls) {
            (_, Some(after)) if after_tls => after.clone(),
            (Some(offers), _) => offers.clone(),
            (None, _) => OFFERS.iter().map(|&offer| offer.to_owned()).collect(),
        };
        let mut lines = vec!["{host} greets {helo}".to_owned()];
        lines.extend(offers);
        if self.handshake.is_some() && !after_tls {
            lines.push("STARTTLS".to_owned());
        }
        let last = lines.len() - 1;
        let numbered: Vec<String> = lines
            .iter()
            .enumerate()
            .map(|(nth, line)| format!("250{}{line}", if nth == last { ' ' } else { '-' }))
            .collect();
        Answer::lines(&numbered.join("\n"))
    }

    /// What RCPT gets, in a transaction that already has `asked` recipients.
    pub(crate) fn judge(&self, question: &Question<'_>, asked: usize) -> Judgement {
        let now = Instant::now();
        let limit = &self.table.limit;
        if let Some(rest) = limit.rate_after.and_then(|most| {
            let window = limit
                .rate_window_s
                .map_or(RATE_WINDOW, Duration::from_secs_f64);
            self.memory().rate(question.client, most, window, now)
        }) {
            let usual = "421 4.7.0 {host} too many recipients from [{client}], \
                         try again in {seconds} seconds";
            let answer = limit
                .rate
                .clone()
                .unwrap_or_else(|| Answer::last_line(usual));
            return Judgement::wait(answer, rest);
        }
        if limit.recipients.is_some_and(|most| asked >= most) {
            return Judgement::plain(Answer::built_in("too-many"));
        }
        let served = self.served(question);
        if served.is_none() && self.table.on.rcpt.is_none() {
            return Judgement::plain(Answer::built_in("relay-denied"));
        }
        if let Some(rest) = self.greylisted(question, now) {
            let usual = "450 4.7.1 <{recipient}>: greylisted, try again in {seconds} seconds";
            let scripted = self.table.on.greylist.clone();
            return Judgement::wait(scripted.unwrap_or_else(|| Answer::lines(usual)), rest);
        }
        let answer = match (&self.table.on.rcpt, served) {
            (Some(answer), _) => answer.clone(),
            (None, Some(domain)) => domain.answer(question.local_part),
            (None, None) => Answer::built_in("relay-denied"),
        };
        Judgement::plain(answer)
    }

    fn greylisted(&self, question: &Question<'_>, now: Instant) -> Option<Duration> {
        let delay = Duration::from_secs_f64(self.table.greylist_s?);
        let triplet = Triplet {
            client: question.client,
            sender: question.sender.to_owned(),
            recipient: question.recipient.to_owned(),
        };
        self.memory().greylist(triplet, delay, now)
    }

    fn served(&self, question: &Question<'_>) -> Option<&DomainPlan> {
        let mine = |domain: &DomainPlan| domain.exchanges.contains(&self.index);
        if question.domain.eq_ignore_ascii_case(question.own_literal) {
            let served = self.domains.iter().filter(|(_, domain)| mine(domain));
            return served
                .min_by_key(|(name, _)| *name)
                .map(|(_, domain)| domain);
        }
        self.domains
            .get(question.domain)
            .filter(|domain| mine(domain))
    }

    /// The wait before the next reply.
    pub(crate) fn pause(&self) -> Duration {
        if self.jitter.is_zero() {
            return self.latency;
        }
        self.latency + self.memory().jitter(self.jitter)
    }

    /// How often this place of the script was reached before.
    pub(crate) fn asked(&self, what: String) -> usize {
        self.memory().asked(what)
    }

    /// Whether a client may open one more session.
    pub(crate) fn enter(&self, client: IpAddr) -> bool {
        let open = self.memory().enter(client);
        self.table.limit.sessions.is_none_or(|most| open <= most)
    }

    pub(crate) fn leave(&self, client: IpAddr) {
        self.memory().leave(client);
    }

    /// Never held across an await; a task that panicked leaves counts that still hold.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DomainPlan {
    /// Local parts are compared with case, `postmaster` without (RFC 5321 section 4.5.1).
    fn answer(&self, local_part: &str) -> Answer {
        let known = self.mailboxes.get(local_part).or_else(|| {
            let postmaster = local_part.eq_ignore_ascii_case("postmaster");
            postmaster.then(|| self.mailboxes.get("postmaster"))?
        });
        known.unwrap_or(&self.others).clone()
    }
}
