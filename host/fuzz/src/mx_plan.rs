//! Answers of DNS, which whoever owns a domain writes, to a plan.
//!
//! Input: a byte for the kind of answer, eight for the seed, three for the caps; then the records,
//! each two bytes of preference and a name that ends with NUL, until an empty name; then for every
//! exchange two bytes that choose the answers for its addresses. Holds: the caps; no name that
//! cannot be asked for; bounded notes; the order in which the records came changes nothing.

use std::net::{Ipv4Addr, Ipv6Addr};

use vrfy_proto::domain::{DOMAIN_NAME_MAX, DomainName};
use vrfy_proto::mx::{
    AddressAnswers, DnsAnswer, MxCaps, MxNote, MxPlan, MxRecord, MxStep, NOTE_TEXT_MAX, NOTES_MAX,
    order,
};

use crate::cursor::Cursor;

/// Records at most; more only make it slow.
const RECORDS_MAX: usize = 300;

/// Checks one input.
///
/// # Panics
///
/// Where the plan does not keep its promises.
pub fn check(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let kind = cursor.byte();
    let seed = (0..8).fold(0, |seed, _| seed << 8 | u64::from(cursor.byte()));
    let caps = MxCaps {
        exchanges: cursor.scaled(MxCaps::default().exchanges, 1),
        addresses_per_exchange: cursor.scaled(MxCaps::default().addresses_per_exchange, 1),
        addresses: cursor.scaled(MxCaps::default().addresses, 1),
    };
    let records = records(&mut cursor);
    let choices = cursor.into_rest();
    let forwards = plan(answer(kind, records.clone()), seed, caps, choices);
    let mut turned = records;
    turned.reverse();
    let backwards = plan(answer(kind, turned), seed, caps, choices);
    assert_eq!(forwards, backwards, "the order of the records counts");
    check_plan(&forwards, caps);
}

fn records(cursor: &mut Cursor<'_>) -> Vec<MxRecord> {
    let mut records = Vec::new();
    while records.len() < RECORDS_MAX && !cursor.is_empty() {
        let preference = cursor.u16();
        let exchange = cursor.text();
        if exchange.is_empty() && preference != 0 {
            break;
        }
        records.push(MxRecord {
            preference,
            exchange,
        });
    }
    records
}

fn answer<T>(kind: u8, records: Vec<T>) -> DnsAnswer<T> {
    match kind % 12 {
        0 => DnsAnswer::NoData,
        1 => DnsAnswer::NxDomain,
        2 => DnsAnswer::ServFail,
        3 => DnsAnswer::Refused,
        4 => DnsAnswer::TimedOut,
        5 => DnsAnswer::Other("lame".to_owned()),
        _ => DnsAnswer::Records(records),
    }
}

fn plan(answer: DnsAnswer<MxRecord>, seed: u64, caps: MxCaps, choices: &[u8]) -> MxPlan {
    let domain = DomainName::parse("example.test").expect("it is a name");
    match order(&domain, answer, seed, caps) {
        MxStep::Settled(plan) => {
            assert!(plan.exchanges.is_empty());
            plan
        }
        MxStep::Resolve(candidates) => {
            let count = candidates.exchanges().len();
            assert!((1..=caps.exchanges.max(1)).contains(&count));
            let mut cursor = Cursor::new(choices);
            let answers = (0..count).map(|_| addresses(&mut cursor)).collect();
            candidates.into_plan(answers)
        }
    }
}

fn addresses(cursor: &mut Cursor<'_>) -> AddressAnswers {
    let v4 = cursor.byte();
    let v6 = cursor.byte();
    let count = u16::from(v4 >> 4);
    AddressAnswers {
        v4: answer(
            v4,
            (0..count)
                .map(|n| Ipv4Addr::from(0xc000_0200 + u32::from(n)))
                .collect(),
        ),
        v6: answer(
            v6,
            (0..u16::from(v6 >> 4))
                .map(|n| Ipv6Addr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, n]))
                .collect(),
        ),
    }
}

fn check_plan(plan: &MxPlan, caps: MxCaps) {
    assert!(plan.exchanges.len() <= caps.exchanges.max(1));
    let mut total = 0;
    let mut last = 0;
    for exchange in &plan.exchanges {
        assert!(exchange.addresses.len() <= caps.addresses_per_exchange.max(1));
        assert!(exchange.preference >= last, "a worse exchange comes first");
        last = exchange.preference;
        total += exchange.addresses.len();
        assert!((1..=DOMAIN_NAME_MAX).contains(&exchange.name.len()));
        assert!(exchange.name.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(!exchange.name.ends_with('.'));
    }
    assert!(total <= caps.addresses.max(1));
    assert!(plan.notes.len() <= NOTES_MAX + 1);
    for note in &plan.notes {
        if let MxNote::ExchangeIsAddress(record) | MxNote::ExchangeIsNoName(record) = note {
            assert!(record.exchange.len() <= NOTE_TEXT_MAX);
        }
        assert!(!note.to_string().chars().any(char::is_control));
    }
}
