//! What a modelled exchange says, and what it remembers of us.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use super::chance::Chance;
use super::mailbox::Truth;
use super::model::{Book, Door, Greylist, Habit, Limit};

/// What is said about a recipient.
const ACCEPTED: &str = "250 2.1.5 Recipient ok";
const FULL: &str = "452 4.2.2 The mailbox is full: over quota";
const TROUBLE: &str = "451 4.3.0 Temporary system problem";

/// One exchange. Times count from the begin of the rehearsal.
#[derive(Debug)]
pub(super) struct Server {
    habit: Habit,
    mailboxes: HashMap<String, Truth>,
    chance: Chance,
    /// Recipients, or clients, that were put off: when first, and when last.
    greylisted: HashMap<String, (Duration, Duration)>,
    /// Recipients, or clients, that were let in.
    let_in: HashSet<String>,
    /// When what is limited was asked for.
    recent: VecDeque<Duration>,
    /// Until when everything is refused, and how often that happened.
    penalty: (Duration, u32),
    /// When a recipient was first looked for elsewhere.
    verified: HashMap<String, Duration>,
    /// What it was asked.
    pub(super) asked: Asked,
}

/// What a server was asked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    /// Sessions, those that it refused included.
    pub(super) sessions: u64,
    /// RCPT commands, those for decoys included.
    pub(super) recipients: u64,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry {
    /// Nobody answers.
    Silence,
    /// It is refused.
    Refusal,
    /// It is opened, and the greeting is this.
    Open(&'static str, Fate),
}

/// What becomes of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is held to its end.
    Held,
    /// It is closed at the first command.
    Closed,
    /// Every recipient has a temporary reply.
    Troubled,
}

/// What one session has come to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    pub(super) fate: Fate,
    /// Recipients of this session.
    recipients: u32,
    /// Those that are not there.
    unknown: u32,
}

impl Visit {
    pub(super) fn new(fate: Fate) -> Self {
        Self {
            fate,
            recipients: 0,
            unknown: 0,
        }
    }
}

impl Server {
    pub(super) fn new(habit: Habit, mailboxes: HashMap<String, Truth>, chance: Chance) -> Self {
        Self {
            habit,
            mailboxes,
            chance,
            greylisted: HashMap::new(),
            let_in: HashSet::new(),
            recent: VecDeque::new(),
            penalty: (Duration::ZERO, 0),
            verified: HashMap::new(),
            asked: Asked::default(),
        }
    }

    /// Somebody connects.
    pub(super) fn enter(&mut self, now: Duration) -> Entry {
        self.asked.sessions += 1;
        let limit = self.habit.limit.filter(|limit| limit.sessions);
        if let Some(reply) = limit.and_then(|limit| self.limited(limit, now)) {
            return Entry::Open(reply, Fate::Held);
        }
        match self.habit.door {
            Door::Silent(until) if now < until => Entry::Silence,
            Door::Refusing(until) if now < until => Entry::Refusal,
            Door::Greeting(reply, until) if now < until => Entry::Open(reply, Fate::Held),
            Door::Flaky(permille) if self.chance.permille(permille) => match self.chance.below(3) {
                0 => Entry::Silence,
                1 => Entry::Open(READY, Fate::Closed),
                _ => Entry::Open(READY, Fate::Troubled),
            },
            _ => Entry::Open(READY, Fate::Held),
        }
    }

    /// How long it thinks about the next recipient.
    pub(super) fn thinks(&self, visit: &Visit) -> Duration {
        self.habit.tarpit * (visit.recipients + 1)
    }

    /// Somebody asks for a recipient.
    pub(super) fn recipient(&mut self, visit: &mut Visit, address: &str, now: Duration) -> String {
        self.asked.recipients += 1;
        visit.recipients += 1;
        let truth = self.mailboxes.get(address).copied();
        if visit.fate == Fate::Troubled {
            return TROUBLE.to_owned();
        }
        let strikes = self.habit.strikes;
        if let Some(strikes) = strikes.filter(|strikes| visit.unknown >= strikes.after) {
            return strikes.reply.to_owned();
        }
        if matches!(truth, None | Some(Truth::Absent)) {
            visit.unknown += 1;
        }
        let limit = self.habit.limit.filter(|limit| !limit.sessions);
        if let Some(reply) = limit.and_then(|limit| self.limited(limit, now)) {
            return reply.to_owned();
        }
        if let Some(greylist) = self.habit.greylist
            && let Some(left) = self.put_off(greylist, address, now)
        {
            return filled(greylist.reply, left);
        }
        self.look_up(address, truth, now).to_owned()
    }

    fn look_up(&mut self, address: &str, truth: Option<Truth>, now: Duration) -> &'static str {
        let (absent, until) = match self.habit.book {
            Book::Honest(absent) => (absent, None),
            Book::AcceptsAll => return ACCEPTED,
            Book::RefusesAll(reply, until) if now < until => return reply,
            Book::RefusesAll(..) => (super::model::UNKNOWN, None),
            Book::Verifies {
                takes,
                pending,
                absent,
            } => {
                let first = *self.verified.entry(address.to_owned()).or_insert(now);
                (absent, (now - first < takes).then_some(pending))
            }
        };
        match (until, truth) {
            (Some(pending), _) => pending,
            (None, Some(Truth::Exists | Truth::Untold)) => ACCEPTED,
            (None, Some(Truth::Full)) => FULL,
            (None, Some(Truth::Absent) | None) => absent,
        }
    }

    /// The reply where too much was asked for.
    fn limited(&mut self, limit: Limit, now: Duration) -> Option<&'static str> {
        if now < self.penalty.0 {
            return Some(limit.reply);
        }
        while self.recent.front().is_some_and(|at| now - *at >= limit.per) {
            self.recent.pop_front();
        }
        if self.recent.len() < limit.count {
            self.recent.push_back(now);
            return None;
        }
        let times = self.penalty.1;
        self.penalty = (now + limit.penalty * 2_u32.pow(times.min(8)), times + 1);
        Some(limit.reply)
    }

    /// How long is left to wait, where the recipient is put off.
    fn put_off(&mut self, greylist: Greylist, address: &str, now: Duration) -> Option<Duration> {
        let key = match greylist.by_client {
            true => "client",
            false => address,
        };
        if self.let_in.contains(key) {
            return None;
        }
        let known = self.greylisted.get_mut(key);
        let known = known.filter(|(_, last)| now - *last < greylist.lifetime);
        let Some((first, last)) = known else {
            self.greylisted.insert(key.to_owned(), (now, now));
            return Some(greylist.window);
        };
        let since = match greylist.restarts {
            true => *last,
            false => *first,
        };
        let waited = now - since;
        if waited >= greylist.window {
            self.let_in.insert(key.to_owned());
            return None;
        }
        if greylist.restarts {
            *last = now;
            return Some(greylist.window);
        }
        Some(greylist.window - waited)
    }
}

/// The greeting of whoever is ready.
const READY: &str = "220 mx.rehearsal.test ESMTP";

/// A reply with the time that is left.
fn filled(reply: &str, left: Duration) -> String {
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let clock = format!("{hours:02}:{minutes:02}:{:02}", seconds % 60);
    let reply = reply.replace("{clock}", &clock);
    reply.replace("{s}", &seconds.to_string())
}
