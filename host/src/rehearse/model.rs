//! A model of a mail server: a domain as somebody runs it, as data.
//!
//! The models themselves stand in `rehearse/catalogue.rs`, each with its source; what they do when
//! they are asked is `rehearse/server.rs`.

use std::time::Duration;

/// For longer than any rehearsal lasts.
pub(super) const FOR_EVER: Duration = Duration::MAX;

/// A kind of domain.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Its name: kebab-case, unique in the catalogue.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub does: &'static str,
    /// Who is known to do so, and by what.
    pub source: &'static str,
    /// Its share of the mix, in thousandths. A part of ours, not a measurement of the Internet.
    pub share: u32,
    /// Mailboxes that are asked at one domain of this kind.
    pub(super) per_domain: usize,
    /// Of a thousand mailboxes, so many are not there.
    pub(super) absent_permille: u64,
    /// Of a thousand mailboxes that are there, so many are full.
    pub(super) full_permille: u64,
    /// Whether asking can tell mailboxes apart at all.
    pub(super) tells: bool,
    /// How long after the begin its name servers fail.
    pub(super) names_fail_for: Duration,
    /// The exchange that is asked first.
    pub(super) primary: Habit,
    /// The one that is asked second, where there is one.
    pub(super) backup: Option<Habit>,
}

/// How one exchange behaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habit {
    pub(super) door: Door,
    pub(super) greylist: Option<Greylist>,
    pub(super) limit: Option<Limit>,
    pub(super) strikes: Option<Strikes>,
    pub(super) book: Book,
    /// How long it thinks about each recipient of a session more than about the one before.
    pub(super) tarpit: Duration,
}

/// What becomes of a connection. Times count from the begin of the rehearsal.
#[derive(Clone, Copy, Debug)]
pub(super) enum Door {
    Open,
    /// Nobody answers, until then.
    Silent(Duration),
    /// Connections are refused, until then.
    Refusing(Duration),
    /// The greeting is this reply, until then.
    Greeting(&'static str, Duration),
    /// Of a thousand sessions so many fail: no answer, a closed connection, or a temporary reply.
    Flaky(u64),
}

/// Putting off whoever is not known yet (RFC 6647).
#[derive(Clone, Copy, Debug)]
pub(super) struct Greylist {
    /// Who comes back after so long is let in.
    pub(super) window: Duration,
    /// Who does not come back within this time is forgotten.
    pub(super) lifetime: Duration,
    /// Whether one that was let in is known for all recipients.
    pub(super) by_client: bool,
    /// Whether the time counts from the last try, so that asking early makes it longer.
    pub(super) restarts: bool,
    /// The reply; `{s}` stands for the seconds left, `{clock}` for the time left as 00:05:00.
    pub(super) reply: &'static str,
}

/// How much is taken from one client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    /// So many recipients, or sessions,
    pub(super) count: usize,
    /// in so long.
    pub(super) per: Duration,
    /// Whether sessions are counted, and refused in the greeting, and not recipients.
    pub(super) sessions: bool,
    /// How long whoever asks for more is refused everything; doubles each time.
    pub(super) penalty: Duration,
    /// What is said then.
    pub(super) reply: &'static str,
}

/// What happens after too many unknown recipients in one session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strikes {
    pub(super) after: u32,
    /// Said to everything from then on; one that begins with 421 closes.
    pub(super) reply: &'static str,
}

/// What is said to a recipient.
#[derive(Clone, Copy, Debug)]
pub(super) enum Book {
    /// What is there is accepted, what is not has this reply.
    Honest(&'static str),
    /// Everything is accepted.
    AcceptsAll,
    /// Everything has this reply until then; then it is honest.
    RefusesAll(&'static str, Duration),
    /// Asks elsewhere first, which takes a while.
    Verifies {
        takes: Duration,
        pending: &'static str,
        absent: &'static str,
    },
}

/// The usual words for a mailbox that is not there.
pub(super) const UNKNOWN: &str = "550 5.1.1 Recipient address rejected: User unknown";

/// An exchange without any trouble.
pub(super) const PLAIN: Habit = Habit {
    door: Door::Open,
    greylist: None,
    limit: None,
    strikes: None,
    book: Book::Honest(UNKNOWN),
    tarpit: Duration::ZERO,
};

/// A domain without any trouble.
pub(super) const ORDINARY: Model = Model {
    name: "",
    does: "",
    source: "",
    share: 0,
    per_domain: 5,
    absent_permille: 300,
    full_permille: 0,
    tells: true,
    names_fail_for: Duration::ZERO,
    primary: PLAIN,
    backup: None,
};
