//! What the lab's DNS says: a question in, an answer or a scripted fault out. No sockets.
//!
//! It is authoritative for the whole tree: a name that no table of the scenario defines does not
//! exist, unless a defined name lies below it. Negative answers carry an SOA, so that resolvers
//! may cache them. Aliases are followed as a recursive resolver would.

use std::collections::BTreeMap;
use std::net::IpAddr;

use hickory_proto::op::{Edns, Message, MessageType, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, NS, PTR, SOA, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use crate::scenario::NamePlan;
use crate::schema::{Fault, Faults, FaultyType};

/// Aliases followed in one answer; loops end here, as they do at real resolvers.
const ALIASES_MAX: usize = 8;

/// The largest UDP answer without EDNS (RFC 1035 section 4.2.1).
const UDP_OCTETS_MAX: u16 = 512;

/// What we say that we can take over UDP; no lab answer needs more before TCP.
const EDNS_OCTETS: u16 = 1232;

/// Octets that no resolver can take for a DNS message: shorter than a header.
const GARBAGE: &[u8] = b"\xff\xff\xffno DNS";

/// How the question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

/// What to do with a question.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Send(Vec<u8>),
    /// Say nothing; over TCP keep the connection.
    Silence,
    /// Say nothing; over TCP close the connection.
    Hangup,
}

/// A question as it is counted in the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsQuestion {
    /// Lower case, without the dot at the end.
    pub name: String,
    /// `MX`, `A`, `AAAA`, …
    pub record_type: String,
    /// Whether it came over TCP.
    pub tcp: bool,
}

/// All names of a scenario.
#[derive(Debug)]
pub(crate) struct Zone {
    names: BTreeMap<String, NamePlan>,
    has_wildcards: bool,
    negative_ttl_s: u32,
}

impl Zone {
    pub(crate) fn new(names: BTreeMap<String, NamePlan>, negative_ttl_s: u32) -> Self {
        Self {
            has_wildcards: names.keys().any(|name| name.starts_with('*')),
            names,
            negative_ttl_s,
        }
    }

    /// Answers one message; also returns its question, when it has one.
    pub(crate) fn answer(
        &self,
        octets: &[u8],
        transport: Transport,
    ) -> (Option<DnsQuestion>, Outcome) {
        let Ok(request) = Message::from_vec(octets) else {
            return (None, Outcome::Hangup);
        };
        if request.metadata.message_type != MessageType::Query {
            return (None, Outcome::Hangup);
        }
        let mut reply = Message::new(0, MessageType::Response, OpCode::Query);
        reply.metadata = Metadata::response_from_request(&request.metadata);
        reply.metadata.recursion_available = true;
        reply.add_queries(request.queries.iter().cloned());
        if request.edns.is_some() {
            let mut edns = Edns::new();
            edns.set_max_payload(EDNS_OCTETS);
            reply.set_edns(edns);
        }
        let [query] = request.queries.as_slice() else {
            reply.metadata.response_code = ResponseCode::FormErr;
            return (None, encode(&reply));
        };
        let name = text_of(query.name());
        let question = DnsQuestion {
            name: name.clone(),
            record_type: query.query_type().to_string(),
            tcp: transport == Transport::Tcp,
        };
        let fault = self.fault(&name, query.query_type());
        let outcome = match fault {
            Some(Fault::TimeOut) => Outcome::Silence,
            Some(Fault::Garbage) => Outcome::Send(GARBAGE.to_vec()),
            Some(Fault::TruncatedForGood) if transport == Transport::Tcp => Outcome::Hangup,
            Some(Fault::Servfail) => failed(reply, ResponseCode::ServFail),
            Some(Fault::Refused) => failed(reply, ResponseCode::Refused),
            Some(Fault::Bogus) if !request.metadata.checking_disabled => {
                failed(reply, ResponseCode::ServFail)
            }
            Some(Fault::Lame) => {
                self.refer(&mut reply, query.name());
                encode(&reply)
            }
            Some(Fault::Truncated | Fault::TruncatedForGood) if transport == Transport::Udp => {
                encode(&reply.truncate())
            }
            Some(Fault::Nxdomain) => {
                self.deny(&mut reply, query.name(), ResponseCode::NXDomain);
                encode(&reply)
            }
            Some(Fault::NoData) => {
                self.deny(&mut reply, query.name(), ResponseCode::NoError);
                encode(&reply)
            }
            Some(Fault::WrongId) => {
                self.fill(&mut reply, query.name(), query.query_type());
                reply.metadata.id = reply.metadata.id.wrapping_add(1);
                encode(&reply)
            }
            Some(Fault::Truncated | Fault::TruncatedForGood | Fault::Bogus) | None => {
                self.fill(&mut reply, query.name(), query.query_type());
                let limit = match transport {
                    Transport::Udp => request.max_payload().max(UDP_OCTETS_MAX),
                    Transport::Tcp => u16::MAX,
                };
                encode_within(&reply, limit)
            }
        };
        (Some(question), outcome)
    }

    fn fault(&self, name: &str, record_type: RecordType) -> Option<Fault> {
        match self.plan(name)?.faults.as_ref()? {
            Faults::All(fault) => Some(*fault),
            Faults::ByType(faults) => faults.get(&faulty_type(record_type)?).copied(),
        }
    }

    /// Puts the records, or the proof that there are none, into the reply.
    fn fill(&self, reply: &mut Message, owner: &Name, record_type: RecordType) {
        reply.metadata.authoritative = true;
        let mut owner = owner.clone();
        for _ in 0..=ALIASES_MAX {
            let name = text_of(&owner);
            let Some(plan) = self.plan(&name) else {
                let code = if self.has_names_below(&name) {
                    ResponseCode::NoError
                } else {
                    ResponseCode::NXDomain
                };
                return self.deny(reply, &owner, code);
            };
            if let Some(target) = plan.cname.as_deref().and_then(name_of) {
                let alias = RData::CNAME(CNAME(target.clone()));
                reply.add_answer(Record::from_rdata(owner, plan.ttl_s, alias));
                if record_type == RecordType::CNAME {
                    return;
                }
                owner = target;
                continue;
            }
            let records = records(plan, record_type);
            if records.is_empty() {
                return self.deny(reply, &owner, ResponseCode::NoError);
            }
            for data in records {
                reply.add_answer(Record::from_rdata(owner.clone(), plan.ttl_s, data));
            }
            return;
        }
        reply.metadata.response_code = ResponseCode::ServFail;
    }

    /// What is known of a name: by itself, or by the wildcard at its closest ancestor that exists
    /// (RFC 4592 section 3.3).
    fn plan(&self, name: &str) -> Option<&NamePlan> {
        let own = self.names.get(name);
        if own.is_some() || !self.has_wildcards || self.has_names_below(name) {
            return own;
        }
        let mut rest = name;
        while let Some((_, parent)) = rest.split_once('.') {
            let wildcard = self.names.get(&format!("*.{parent}"));
            let exists = self.names.contains_key(parent) || self.has_names_below(parent);
            if wildcard.is_some() || exists {
                return wildcard;
            }
            rest = parent;
        }
        self.names.get("*")
    }

    /// A name without records of its own exists when others end in it (RFC 8020).
    fn has_names_below(&self, name: &str) -> bool {
        let suffix = format!(".{name}");
        self.names.keys().any(|known| known.ends_with(&suffix))
    }

    fn refer(&self, reply: &mut Message, owner: &Name) {
        let zone = owner.trim_to(1);
        let server = RData::NS(NS(zone.clone()));
        reply.add_authority(Record::from_rdata(zone, self.negative_ttl_s, server));
    }

    fn deny(&self, reply: &mut Message, owner: &Name, code: ResponseCode) {
        reply.metadata.authoritative = true;
        reply.metadata.response_code = code;
        let zone = owner.trim_to(1);
        let ttl = self.negative_ttl_s;
        let soa = SOA::new(zone.clone(), zone.clone(), 1, 3600, 600, 86_400, ttl);
        reply.add_authority(Record::from_rdata(zone, ttl, RData::SOA(soa)));
    }
}

fn records(plan: &NamePlan, record_type: RecordType) -> Vec<RData> {
    let mx = plan
        .mx
        .iter()
        .filter_map(|(preference, host)| Some(RData::MX(MX::new(*preference, name_of(host)?))));
    let v4 = plan.addresses.iter().filter_map(|address| match address {
        IpAddr::V4(address) => Some(RData::A(A(*address))),
        IpAddr::V6(_) => None,
    });
    let v6 = plan.addresses.iter().filter_map(|address| match address {
        IpAddr::V6(address) => Some(RData::AAAA(AAAA(*address))),
        IpAddr::V4(_) => None,
    });
    let txt = plan.txt.iter().map(|text| {
        let chunks = text.as_bytes().chunks(255).collect();
        RData::TXT(TXT::from_bytes(chunks))
    });
    let ptr = plan
        .ptr
        .iter()
        .filter_map(|name| Some(RData::PTR(PTR(name_of(name)?))));
    match record_type {
        RecordType::PTR => ptr.collect(),
        RecordType::MX => mx.collect(),
        RecordType::A => v4.collect(),
        RecordType::AAAA => v6.collect(),
        RecordType::TXT => txt.collect(),
        RecordType::ANY => mx.chain(v4).chain(v6).chain(txt).chain(ptr).collect(),
        _ => Vec::new(),
    }
}

fn faulty_type(record_type: RecordType) -> Option<FaultyType> {
    match record_type {
        RecordType::MX => Some(FaultyType::Mx),
        RecordType::A => Some(FaultyType::A),
        RecordType::AAAA => Some(FaultyType::Aaaa),
        RecordType::TXT => Some(FaultyType::Txt),
        RecordType::PTR => Some(FaultyType::Ptr),
        RecordType::CNAME => Some(FaultyType::Cname),
        _ => None,
    }
}

fn text_of(name: &Name) -> String {
    let text = name.to_ascii().to_ascii_lowercase();
    text.strip_suffix('.').map(str::to_owned).unwrap_or(text)
}

/// The scenario has checked its names; what still is no name is left out of the answer.
fn name_of(text: &str) -> Option<Name> {
    let mut name = Name::from_ascii(text).ok()?;
    name.set_fqdn(true);
    Some(name)
}

fn failed(mut reply: Message, code: ResponseCode) -> Outcome {
    reply.metadata.response_code = code;
    encode(&reply)
}

fn encode(reply: &Message) -> Outcome {
    reply.to_vec().map_or(Outcome::Silence, Outcome::Send)
}

fn encode_within(reply: &Message, limit: u16) -> Outcome {
    match encode(reply) {
        Outcome::Send(octets) if octets.len() > usize::from(limit) => encode(&reply.truncate()),
        outcome => outcome,
    }
}
