//! A question to DNS and what became of it, without the wire format.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use vrfy_proto::mx::{DnsAnswer, MxRecord};

/// One question. The name is absolute, in lower case, without a trailing dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name.
    pub name: Arc<str>,
    /// The record type.
    pub kind: QuestionKind,
}

impl Question {
    pub(super) fn new(name: &str, kind: QuestionKind) -> Self {
        Self {
            name: Arc::from(name),
            kind,
        }
    }
}

/// The record type that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuestionKind {
    /// MX.
    Mx,
    /// A.
    V4,
    /// AAAA.
    V6,
    /// PTR.
    Ptr,
    /// TXT.
    Txt,
}

/// The record data that we ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Datum {
    /// Of MX.
    Mx(MxRecord),
    /// Of A.
    V4(Ipv4Addr),
    /// Of AAAA.
    V6(Ipv6Addr),
    /// Of PTR: in lower case, without the trailing dot.
    Ptr(String),
    /// Of TXT: the strings of the record, joined.
    Txt(Vec<u8>),
}

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub(super) records: DnsAnswer<Datum>,
    /// The names that the question was led to by CNAME records, in order.
    pub(super) aliases: Vec<String>,
    /// How long DNS lets it be kept; zero for what must not be kept at all.
    pub(super) ttl: Duration,
    /// What the server says about the signatures.
    pub(super) authenticity: Authenticity,
}

/// Whether an answer is what its owner signed, as far as the server says so and is to be believed
/// (RFC 4035 section 4.9.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Authenticity {
    /// Nothing was said that counts: about a failure, about absence, or by a server across a
    /// network that anybody may have a hand in.
    #[default]
    Unknown,
    /// Not marked as checked: there are no signatures, or nobody checks them.
    Insecure,
    /// Marked as checked (the bit AD, RFC 4035 section 3.2.3).
    Secure,
    /// The server fails, and has an answer when told not to check signatures.
    Bogus,
}

impl Authenticity {
    /// What two answers are worth together: no more than the worse of them, and what is unknown
    /// does not count.
    pub(super) fn with(self, other: Self) -> Self {
        let rank = |authenticity: Self| match authenticity {
            Self::Unknown => 0,
            Self::Secure => 1,
            Self::Insecure => 2,
            Self::Bogus => 3,
        };
        std::cmp::max_by_key(self, other, |authenticity| rank(*authenticity))
    }
}

impl Answer {
    /// An answer that came without aliases, and that DNS lets be kept for that long.
    pub fn kept_for(records: DnsAnswer<Datum>, ttl: Duration) -> Self {
        Self {
            records,
            aliases: Vec::new(),
            ttl,
            authenticity: Authenticity::Unknown,
        }
    }

    /// A failure that may pass: nothing to keep.
    pub fn temporary(records: DnsAnswer<Datum>) -> Self {
        Self {
            records,
            aliases: Vec::new(),
            ttl: Duration::ZERO,
            authenticity: Authenticity::Unknown,
        }
    }

    /// The name that the question was led to in the end, if it is another than the one asked for.
    pub(super) fn target(&self) -> Option<&str> {
        self.aliases.last().map(String::as_str)
    }

    pub(super) fn mx(&self) -> DnsAnswer<MxRecord> {
        self.typed(|datum| match datum {
            Datum::Mx(record) => Some(record.clone()),
            _ => None,
        })
    }

    pub(super) fn v4(&self) -> DnsAnswer<Ipv4Addr> {
        self.typed(|datum| match datum {
            Datum::V4(address) => Some(*address),
            _ => None,
        })
    }

    pub(super) fn v6(&self) -> DnsAnswer<Ipv6Addr> {
        self.typed(|datum| match datum {
            Datum::V6(address) => Some(*address),
            _ => None,
        })
    }

    /// Octets of memory that keeping it costs, roughly.
    pub(super) fn weight(&self) -> usize {
        let records = match &self.records {
            DnsAnswer::Records(records) => records.iter().map(Datum::weight).sum(),
            _ => 0,
        };
        let aliases: usize = self.aliases.iter().map(String::len).sum();
        size_of::<Self>() + records + aliases
    }

    fn typed<T>(&self, pick: impl Fn(&Datum) -> Option<T>) -> DnsAnswer<T> {
        match &self.records {
            DnsAnswer::Records(records) => {
                DnsAnswer::Records(records.iter().filter_map(pick).collect())
            }
            DnsAnswer::NoData => DnsAnswer::NoData,
            DnsAnswer::NxDomain => DnsAnswer::NxDomain,
            DnsAnswer::ServFail => DnsAnswer::ServFail,
            DnsAnswer::Refused => DnsAnswer::Refused,
            DnsAnswer::TimedOut => DnsAnswer::TimedOut,
            DnsAnswer::Other(what) => DnsAnswer::Other(what.clone()),
        }
    }
}

impl Datum {
    fn weight(&self) -> usize {
        let text = match self {
            Self::Mx(record) => record.exchange.len(),
            Self::Ptr(name) => name.len(),
            Self::Txt(text) => text.len(),
            Self::V4(_) | Self::V6(_) => 0,
        };
        size_of::<Self>() + text
    }
}
