//! The first step: which exchanges, in which order.

use std::collections::HashSet;
use std::net::IpAddr;

use super::plan::settled;
use super::shuffle::SplitMix64;
use super::{DnsAnswer, MxCaps, MxNote, MxOutcome, MxRecord, MxStep, NOTE_TEXT_MAX, NOTES_MAX};
use crate::domain::{DOMAIN_NAME_MAX, DomainName, LABEL_MAX};

/// An exchange whose addresses are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Lower case, without a trailing dot. An absolute name: complete it from no search list.
    pub name: String,
    /// As published; 0 for an implicit MX.
    pub preference: u16,
    /// Whether this is the domain itself, for want of MX records.
    pub implicit: bool,
}

/// The exchanges whose addresses are wanted, in the order in which they will be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates {
    pub(super) exchanges: Vec<Candidate>,
    pub(super) notes: Notes,
    pub(super) caps: MxCaps,
}

impl Candidates {
    /// One or more exchanges; ask for A and AAAA of each.
    pub fn exchanges(&self) -> &[Candidate] {
        &self.exchanges
    }
}

/// Orders and caps the exchanges of an MX answer. Ask DNS for MX first, always; the answer here
/// decides whether addresses may be asked for at all.
///
/// The seed decides the order of equal preferences: take a new one for each attempt and record it.
pub fn order(domain: &DomainName, answer: DnsAnswer<MxRecord>, seed: u64, caps: MxCaps) -> MxStep {
    let outcome = match answer {
        DnsAnswer::Records(records) if !records.is_empty() => {
            return from_records(records, seed, caps);
        }
        DnsAnswer::Records(_) | DnsAnswer::NoData => return implicit(domain, caps),
        DnsAnswer::NxDomain => MxOutcome::NxDomain,
        DnsAnswer::ServFail => MxOutcome::ServFail,
        DnsAnswer::Refused => MxOutcome::Refused,
        DnsAnswer::TimedOut => MxOutcome::TimedOut,
        DnsAnswer::Other(what) => MxOutcome::Other(what),
    };
    MxStep::Settled(settled(outcome, Notes::default()))
}

fn implicit(domain: &DomainName, caps: MxCaps) -> MxStep {
    let itself = Candidate {
        name: domain.as_str().to_owned(),
        preference: 0,
        implicit: true,
    };
    MxStep::Resolve(Candidates {
        exchanges: vec![itself],
        notes: Notes::default(),
        caps,
    })
}

fn from_records(mut records: Vec<MxRecord>, seed: u64, caps: MxCaps) -> MxStep {
    let mut notes = Notes::default();
    if let Some(lowest) = null_mx(&records) {
        if lowest != 0 {
            notes.add(MxNote::NullMxPreference(lowest));
        }
        return MxStep::Settled(settled(MxOutcome::NullMx, notes));
    }
    // By name as well: servers rotate their answers, and the seed alone shall decide the order.
    records.sort_by(|a, b| (a.preference, &a.exchange).cmp(&(b.preference, &b.exchange)));
    let mut exchanges = usable(records, &mut notes);
    if exchanges.is_empty() {
        let outcome = MxOutcome::NoUsableExchange { temporary: false };
        return MxStep::Settled(settled(outcome, notes));
    }
    let mut generator = SplitMix64::new(seed);
    for equals in exchanges.chunk_by_mut(|a, b| a.preference == b.preference) {
        generator.shuffle(equals);
    }
    let cap = caps.exchanges.max(1);
    if exchanges.len() > cap {
        notes.add(MxNote::ExchangesLeftOut(exchanges.len() - cap));
        exchanges.truncate(cap);
    }
    MxStep::Resolve(Candidates {
        exchanges,
        notes,
        caps,
    })
}

/// The lowest preference of a null MX: nothing but root exchanges. More than one, or another
/// preference than 0, is against RFC 7505 section 3, but leaves no doubt about what is meant.
fn null_mx(records: &[MxRecord]) -> Option<u16> {
    let all_roots = records.iter().all(|record| is_root(&record.exchange));
    records
        .iter()
        .map(|record| record.preference)
        .min()
        .filter(|_| all_roots)
}

fn is_root(exchange: &str) -> bool {
    matches!(exchange, "." | "")
}

fn usable(records: Vec<MxRecord>, notes: &mut Notes) -> Vec<Candidate> {
    let mut seen = HashSet::new();
    let mut exchanges = Vec::new();
    for record in records {
        match exchange_name(&record) {
            Ok(name) if seen.contains(&name) => notes.add(MxNote::ExchangeRepeated(record)),
            Ok(name) => {
                seen.insert(name.clone());
                let preference = record.preference;
                exchanges.push(Candidate {
                    name,
                    preference,
                    implicit: false,
                });
            }
            Err(note) => notes.add(note),
        }
    }
    exchanges
}

/// The name to ask for, or why there is none. Underscores are no part of host names, but exchanges
/// with them resolve and get mail from everybody else, so they pass.
fn exchange_name(record: &MxRecord) -> Result<String, MxNote> {
    let text = record.exchange.as_str();
    if is_root(text) {
        return Err(MxNote::RootBesideOthers {
            preference: record.preference,
        });
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.parse::<IpAddr>().is_ok() {
        return Err(MxNote::ExchangeIsAddress(noted(record)));
    }
    let is_valid = name.len() <= DOMAIN_NAME_MAX && name.split('.').all(is_label);
    if !is_valid {
        return Err(MxNote::ExchangeIsNoName(noted(record)));
    }
    Ok(name.to_ascii_lowercase())
}

fn is_label(label: &str) -> bool {
    (1..=LABEL_MAX).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
}

/// The record with a name of bounded length.
fn noted(record: &MxRecord) -> MxRecord {
    let end = record.exchange.floor_char_boundary(NOTE_TEXT_MAX);
    MxRecord {
        preference: record.preference,
        exchange: record.exchange[..end].to_owned(),
    }
}

/// Notes up to their limit; those beyond it are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Notes {
    kept: Vec<MxNote>,
    left_out: usize,
}

impl Notes {
    pub(super) fn add(&mut self, note: MxNote) {
        if self.kept.len() < NOTES_MAX {
            self.kept.push(note);
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn into_vec(mut self) -> Vec<MxNote> {
        if self.left_out > 0 {
            self.kept.push(MxNote::NotesLeftOut(self.left_out));
        }
        self.kept
    }
}
