//! From DNS answers to the ordered list of exchanges that will be tried (RFC 5321 section 5.1).
//!
//! ```text
//! Domain ── without_dns ──> MxPlan              (literals, reserved names)
//!    │
//!    └─ MX answer ── order ──> MxStep ─┬─ Settled(MxPlan)      (null MX, NXDOMAIN, SERVFAIL, ...)
//!                                      └─ Resolve(Candidates)
//!                                            │ A and AAAA answers, one pair a candidate
//!                                            └── Candidates::into_plan ──> MxPlan
//! ```
//!
//! **Promises.** Same answers, same seed: same plan, whatever the order in which DNS gave the
//! records. Lower preference first; equal preferences in an order that the seed decides. Null MX
//! (RFC 7505) gives an empty plan that says so. A temporary failure of DNS is never taken for
//! absence, and the domain's own addresses are never used while it has MX records. Whatever was
//! left out, by a cap or because it cannot be used, is in [`MxPlan::notes`].
//!
//! **Does not** ask DNS, remember time-to-live, follow aliases (the resolver does) or refuse
//! addresses that are not public ([`crate::address_safety`] knows them; whoever connects must ask
//! it).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use self::order::{Candidate, Candidates, order};
pub use self::plan::{ReservedNames, without_dns};
use crate::special_use::SpecialUse;

mod order;
mod plan;
mod shuffle;

/// Exchanges that are tried at most. Large providers publish 5 to 7; every one more costs two
/// look-ups, and anybody can publish hundreds.
pub const EXCHANGES_MAX: usize = 16;

/// Addresses that are taken at most from one exchange. Large providers publish up to 8 a family;
/// the attempts on one name should not use up the time that the next name needs.
pub const EXCHANGE_ADDRESSES_MAX: usize = 8;

/// Addresses of a whole plan at most. RFC 5321 section 5.1 asks for the ability to try all and for
/// at least two; this many dead ones already take minutes.
pub const PLAN_ADDRESSES_MAX: usize = 32;

/// Notes that are kept at most; the rest is counted by [`MxNote::NotesLeftOut`].
pub const NOTES_MAX: usize = 16;

/// Longest name kept in a note, in octets: twice what a valid name can have.
pub const NOTE_TEXT_MAX: usize = 512;

/// One MX record as DNS gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MxRecord {
    /// Lower is tried first.
    pub preference: u16,
    /// The name of the exchange, with or without the trailing dot; `.` is the root.
    pub exchange: String,
}

/// What became of one question to DNS. Absence, emptiness and the kinds of failure stay apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsAnswer<T> {
    /// At least one record of the type asked for. An empty list is read as [`DnsAnswer::NoData`].
    Records(Vec<T>),
    /// The name exists, but has no record of this type.
    NoData,
    /// The name does not exist.
    NxDomain,
    /// The server failed.
    ServFail,
    /// The server refused to answer.
    Refused,
    /// No answer came in time.
    TimedOut,
    /// Anything else, in words; treated as temporary.
    Other(String),
}

impl<T> DnsAnswer<T> {
    /// Whether asking again later may give another answer (RFC 5321 section 5.1).
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Records(_) | Self::NoData | Self::NxDomain => false,
            Self::ServFail | Self::Refused | Self::TimedOut | Self::Other(_) => true,
        }
    }

    fn records(&self) -> &[T] {
        match self {
            Self::Records(records) => records,
            _ => &[],
        }
    }
}

/// The caps of one plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MxCaps {
    /// Exchanges taken at most; at least 1 is always taken.
    pub exchanges: usize,
    /// Addresses taken at most from one exchange; at least 1 is always taken.
    pub addresses_per_exchange: usize,
    /// Addresses in the whole plan at most; at least 1 is always taken.
    pub addresses: usize,
}

impl Default for MxCaps {
    fn default() -> Self {
        Self {
            exchanges: EXCHANGES_MAX,
            addresses_per_exchange: EXCHANGE_ADDRESSES_MAX,
            addresses: PLAN_ADDRESSES_MAX,
        }
    }
}

/// What follows from the MX answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MxStep {
    /// Nothing more to ask: the plan is empty and its outcome says why.
    Settled(MxPlan),
    /// Ask for the addresses of these, then call [`Candidates::into_plan`].
    Resolve(Candidates),
}

/// What the look-ups for one domain came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MxOutcome {
    /// MX records lead to at least one address.
    Exchanges,
    /// There is no MX record, but the domain has addresses of its own.
    ImplicitMx,
    /// The domain says that it takes no mail (RFC 7505).
    NullMx,
    /// The mailbox names its address itself.
    AddressLiteral,
    /// The mailbox has an address literal of a kind that nobody can be asked at.
    UnknownLiteral,
    /// The domain is reserved; DNS was not asked.
    SpecialUse(SpecialUse),
    /// The domain does not exist.
    NxDomain,
    /// The domain has neither MX records nor addresses.
    NoData,
    /// The server failed on the domain itself.
    ServFail,
    /// The server refused to answer about the domain itself.
    Refused,
    /// Nothing was heard about the domain itself in time.
    TimedOut,
    /// There are MX records, but none leads to an address.
    NoUsableExchange {
        /// Whether at least one exchange may become usable when DNS answers again.
        temporary: bool,
    },
    /// Anything else, in words.
    Other(String),
}

/// The exchanges of one domain in the order in which they are tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MxPlan {
    /// What the look-ups came to.
    pub outcome: MxOutcome,
    /// In order of use, those without an address too: their answers are evidence. Empty when the
    /// outcome was settled without them.
    pub exchanges: Vec<PlannedExchange>,
    /// What was faulty or left out; at most [`NOTES_MAX`] and one that counts the rest.
    pub notes: Vec<MxNote>,
}

/// One exchange of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedExchange {
    /// Lower case, without a trailing dot; for a literal, the literal.
    pub name: String,
    /// As published; 0 for an implicit MX and for a literal.
    pub preference: u16,
    /// Whether this is the domain itself, for want of MX records.
    pub implicit: bool,
    /// Families in turn, each in the resolver's order, after the caps; may be empty.
    pub addresses: Vec<IpAddr>,
    /// What the look-up of the addresses came to.
    pub address_answer: AddressAnswer,
}

/// What became of the two questions for the addresses of one exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressAnswers {
    /// The answer for A.
    pub v4: DnsAnswer<Ipv4Addr>,
    /// The answer for AAAA.
    pub v6: DnsAnswer<Ipv6Addr>,
}

/// Both address answers in one: any address wins, then any temporary failure, then absence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressAnswer {
    /// At least one address.
    Addresses,
    /// The name exists without addresses.
    NoData,
    /// The name does not exist.
    NxDomain,
    /// The server failed on at least one of the questions.
    ServFail,
    /// The server refused at least one of the questions.
    Refused,
    /// At least one of the questions was not answered in time.
    TimedOut,
    /// Anything else, in words.
    Other(String),
}

/// Something worth knowing about the published records. `Display` is a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MxNote {
    /// A null MX with a preference other than 0; taken as null MX all the same.
    NullMxPreference(u16),
    /// A root exchange beside real ones, which RFC 7505 section 3 forbids; it is left out.
    RootBesideOthers {
        /// Its preference.
        preference: u16,
    },
    /// An address where a name must be; it is left out.
    ExchangeIsAddress(MxRecord),
    /// Something that is no host name; it is left out.
    ExchangeIsNoName(MxRecord),
    /// An exchange listed twice; only its lowest preference counts.
    ExchangeRepeated(MxRecord),
    /// Exchanges beyond the cap.
    ExchangesLeftOut(usize),
    /// Addresses of one exchange beyond a cap.
    AddressesLeftOut {
        /// The exchange.
        exchange: String,
        /// How many.
        count: usize,
    },
    /// Notes beyond [`NOTES_MAX`].
    NotesLeftOut(usize),
}

impl fmt::Display for MxNote {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NullMxPreference(preference) => {
                write!(out, "null MX with preference {preference} instead of 0")
            }
            Self::RootBesideOthers { preference } => {
                write!(
                    out,
                    "null MX (preference {preference}) beside other exchanges, left out"
                )
            }
            Self::ExchangeIsAddress(MxRecord {
                preference,
                exchange,
            }) => {
                write!(
                    out,
                    "MX {preference} {exchange:?} is an address, not a name, left out"
                )
            }
            Self::ExchangeIsNoName(MxRecord {
                preference,
                exchange,
            }) => {
                write!(
                    out,
                    "MX {preference} {exchange:?} is no host name, left out"
                )
            }
            Self::ExchangeRepeated(MxRecord {
                preference,
                exchange,
            }) => {
                write!(out, "MX {preference} {exchange:?} is listed more than once")
            }
            Self::ExchangesLeftOut(count) => write!(out, "{count} exchanges beyond our limit"),
            Self::AddressesLeftOut { exchange, count } => {
                write!(out, "{count} addresses of {exchange} beyond our limit")
            }
            Self::NotesLeftOut(count) => write!(out, "{count} more notes"),
        }
    }
}

#[cfg(test)]
mod tests;
