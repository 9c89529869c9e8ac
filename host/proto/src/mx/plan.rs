//! The second step: addresses for the candidates, and what it all comes to.

use std::iter;
use std::net::IpAddr;

use super::order::Notes;
use super::{
    AddressAnswer, AddressAnswers, Candidate, Candidates, DnsAnswer, MxCaps, MxNote, MxOutcome,
    MxPlan, PlannedExchange,
};
use crate::domain::{AddressLiteral, Domain};

impl Candidates {
    /// Attaches the addresses: one pair of answers for each of [`Candidates::exchanges`], in their
    /// order. A candidate without answers counts as one that was not answered in time.
    pub fn into_plan(self, answers: Vec<AddressAnswers>) -> MxPlan {
        let Self {
            exchanges,
            mut notes,
            caps,
        } = self;
        let unanswered = || AddressAnswers {
            v4: DnsAnswer::TimedOut,
            v6: DnsAnswer::TimedOut,
        };
        let answers = answers.into_iter().chain(iter::repeat_with(unanswered));
        let mut room = caps.addresses.max(1);
        let mut planned = Vec::with_capacity(exchanges.len());
        for (candidate, answers) in exchanges.into_iter().zip(answers) {
            planned.push(attach(candidate, &answers, caps, &mut room, &mut notes));
        }
        MxPlan {
            outcome: outcome(&planned),
            exchanges: planned,
            notes: notes.into_vec(),
        }
    }
}

/// The plan for a domain that DNS is not asked about: an address literal or, when `reserved` says
/// so, a name of [`crate::special_use`]. Nothing for all others.
pub fn without_dns(domain: &Domain, reserved: ReservedNames) -> Option<MxPlan> {
    match domain {
        Domain::Literal(literal) => Some(for_literal(literal)),
        Domain::Name(name) => match (reserved, name.special_use()) {
            (ReservedNames::Settle, Some(row)) => {
                Some(settled(MxOutcome::SpecialUse(row), Notes::default()))
            }
            _ => None,
        },
    }
}

/// What to do with names that are reserved for a special use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReservedNames {
    /// They take no Internet mail; DNS is not asked.
    Settle,
    /// Ask like for any other name: the resolver is a private one, as in the lab.
    LookUp,
}

fn for_literal(literal: &AddressLiteral) -> MxPlan {
    let addresses: Vec<IpAddr> = literal.ip().into_iter().collect();
    if addresses.is_empty() {
        return settled(MxOutcome::UnknownLiteral, Notes::default());
    }
    let exchange = PlannedExchange {
        name: literal.to_string(),
        preference: 0,
        implicit: false,
        addresses,
        address_answer: AddressAnswer::Addresses,
    };
    MxPlan {
        outcome: MxOutcome::AddressLiteral,
        exchanges: vec![exchange],
        notes: Vec::new(),
    }
}

/// A plan without exchanges.
pub(super) fn settled(outcome: MxOutcome, notes: Notes) -> MxPlan {
    MxPlan {
        outcome,
        exchanges: Vec::new(),
        notes: notes.into_vec(),
    }
}

fn attach(
    candidate: Candidate,
    answers: &AddressAnswers,
    caps: MxCaps,
    room: &mut usize,
    notes: &mut Notes,
) -> PlannedExchange {
    let mut addresses = interleaved(answers);
    let address_answer = combined(answers);
    let cap = caps.addresses_per_exchange.max(1).min(*room);
    if addresses.len() > cap {
        let count = addresses.len() - cap;
        notes.add(MxNote::AddressesLeftOut {
            exchange: candidate.name.clone(),
            count,
        });
        addresses.truncate(cap);
    }
    *room -= addresses.len();
    let Candidate {
        name,
        preference,
        implicit,
    } = candidate;
    PlannedExchange {
        name,
        preference,
        implicit,
        addresses,
        address_answer,
    }
}

/// IPv6 and IPv4 in turn, so that a family that is unreachable here costs one attempt before the
/// other is tried (RFC 5321 section 5.2 leaves the order to us; RFC 8305 has the idea).
fn interleaved(answers: &AddressAnswers) -> Vec<IpAddr> {
    let mut v6 = answers.v6.records().iter().copied().map(IpAddr::V6);
    let mut v4 = answers.v4.records().iter().copied().map(IpAddr::V4);
    let mut addresses = Vec::new();
    loop {
        let before = addresses.len();
        addresses.extend(v6.next());
        addresses.extend(v4.next());
        if addresses.len() == before {
            return addresses;
        }
    }
}

fn combined(answers: &AddressAnswers) -> AddressAnswer {
    let (v4, v6) = (single(&answers.v4), single(&answers.v6));
    if v4 == AddressAnswer::Addresses || v6 == AddressAnswer::Addresses {
        AddressAnswer::Addresses
    } else if v4.is_temporary() {
        v4
    } else if v6.is_temporary() || v6 == AddressAnswer::NxDomain {
        v6
    } else {
        v4
    }
}

fn single<T>(answer: &DnsAnswer<T>) -> AddressAnswer {
    match answer {
        DnsAnswer::Records(records) if !records.is_empty() => AddressAnswer::Addresses,
        DnsAnswer::Records(_) | DnsAnswer::NoData => AddressAnswer::NoData,
        DnsAnswer::NxDomain => AddressAnswer::NxDomain,
        DnsAnswer::ServFail => AddressAnswer::ServFail,
        DnsAnswer::Refused => AddressAnswer::Refused,
        DnsAnswer::TimedOut => AddressAnswer::TimedOut,
        DnsAnswer::Other(what) => AddressAnswer::Other(what.clone()),
    }
}

impl AddressAnswer {
    /// Whether asking again later may give another answer.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Addresses | Self::NoData | Self::NxDomain => false,
            Self::ServFail | Self::Refused | Self::TimedOut | Self::Other(_) => true,
        }
    }
}

fn outcome(exchanges: &[PlannedExchange]) -> MxOutcome {
    let usable = exchanges
        .iter()
        .any(|exchange| !exchange.addresses.is_empty());
    match exchanges {
        [itself] if itself.implicit => implicit_outcome(&itself.address_answer),
        _ if usable => MxOutcome::Exchanges,
        _ => MxOutcome::NoUsableExchange {
            temporary: exchanges
                .iter()
                .any(|exchange| exchange.address_answer.is_temporary()),
        },
    }
}

/// The domain itself is the exchange, so its own answer is the outcome. NXDOMAIN here contradicts
/// the MX answer, by which the name exists: what is certain is that there is no address.
fn implicit_outcome(answer: &AddressAnswer) -> MxOutcome {
    match answer {
        AddressAnswer::Addresses => MxOutcome::ImplicitMx,
        AddressAnswer::NoData | AddressAnswer::NxDomain => MxOutcome::NoData,
        AddressAnswer::ServFail => MxOutcome::ServFail,
        AddressAnswer::Refused => MxOutcome::Refused,
        AddressAnswer::TimedOut => MxOutcome::TimedOut,
        AddressAnswer::Other(what) => MxOutcome::Other(what.clone()),
    }
}
