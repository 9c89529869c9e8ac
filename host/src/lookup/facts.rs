//! A plan as a policy is shown it.

use vrfy_proto::evidence::{Exchange, Fact, Lookup, LookupOutcome};
use vrfy_proto::mx::{AddressAnswer, MxNote, MxOutcome, MxPlan, PlannedExchange};

use super::answer::Authenticity;

/// The evidence of a look-up. `aliases` come first among the facts.
pub(super) fn lookup(
    plan: &MxPlan,
    aliases: Vec<Fact>,
    started_ms: u64,
    elapsed_ms: u32,
) -> Lookup {
    let mut facts = aliases;
    if plan.outcome == MxOutcome::UnknownLiteral {
        facts.push(Fact::new(
            "address-literal",
            "of a kind that nobody can be asked at",
        ));
    }
    facts.extend(plan.exchanges.iter().filter_map(without_address));
    facts.extend(plan.notes.iter().map(note));
    Lookup {
        started_ms,
        elapsed_ms,
        outcome: outcome(&plan.outcome),
        exchanges: plan.exchanges.iter().map(exchange).collect(),
        facts,
    }
}

/// The domain has a CNAME record (RFC 5321 section 5.1): the name that was looked up in its place.
pub(super) fn domain_alias(target: &str) -> Fact {
    Fact::new("alias", target)
}

/// An exchange has a CNAME record, which RFC 2181 section 10.3 forbids and most senders follow.
pub(super) fn exchange_alias(exchange: &str, target: &str) -> Fact {
    Fact::new("exchange-alias", format!("{exchange} {target}"))
}

/// What the resolver says about the signatures of the answers that the report was made from; `None`
/// where it said nothing that counts.
pub(super) fn dnssec(authenticity: Authenticity) -> Option<Fact> {
    let value = match authenticity {
        Authenticity::Unknown => return None,
        Authenticity::Insecure => "insecure",
        Authenticity::Secure => "secure",
        Authenticity::Bogus => "bogus",
    };
    Some(Fact::new("dnssec", value))
}

fn outcome(outcome: &MxOutcome) -> LookupOutcome {
    match outcome {
        MxOutcome::Exchanges => LookupOutcome::Exchanges,
        MxOutcome::ImplicitMx => LookupOutcome::ImplicitMx,
        MxOutcome::NullMx => LookupOutcome::NullMx,
        MxOutcome::AddressLiteral | MxOutcome::UnknownLiteral => LookupOutcome::AddressLiteral,
        MxOutcome::SpecialUse(row) => LookupOutcome::SpecialUse(row.name.to_owned()),
        MxOutcome::NxDomain => LookupOutcome::NxDomain,
        MxOutcome::NoData => LookupOutcome::NoData,
        MxOutcome::ServFail => LookupOutcome::ServFail,
        MxOutcome::Refused => LookupOutcome::Refused,
        MxOutcome::TimedOut => LookupOutcome::TimedOut,
        MxOutcome::NoUsableExchange { temporary: false } => LookupOutcome::NoUsableExchange,
        MxOutcome::NoUsableExchange { temporary: true } => LookupOutcome::NoUsableExchangeNow,
        MxOutcome::Other(what) => LookupOutcome::Other(what.clone()),
    }
}

fn exchange(planned: &PlannedExchange) -> Exchange {
    Exchange {
        name: planned.name.clone(),
        preference: planned.preference,
        addresses: planned.addresses.iter().map(ToString::to_string).collect(),
    }
}

/// Why an exchange has no address: the list of exchanges alone would not tell.
fn without_address(planned: &PlannedExchange) -> Option<Fact> {
    let why = match &planned.address_answer {
        AddressAnswer::Addresses if planned.addresses.is_empty() => "left out",
        AddressAnswer::Addresses => return None,
        AddressAnswer::NoData => "no-data",
        AddressAnswer::NxDomain => "nx-domain",
        AddressAnswer::ServFail => "serv-fail",
        AddressAnswer::Refused => "refused",
        AddressAnswer::TimedOut => "timed-out",
        AddressAnswer::Other(what) => what,
    };
    let value = format!("{} {why}", planned.name);
    Some(Fact::new("exchange-without-address", value))
}

fn note(note: &MxNote) -> Fact {
    let name = match note {
        MxNote::NullMxPreference(_) => "null-mx-preference",
        MxNote::RootBesideOthers { .. } => "null-mx-beside-others",
        MxNote::ExchangeIsAddress(_) => "exchange-is-address",
        MxNote::ExchangeIsNoName(_) => "exchange-is-no-name",
        MxNote::ExchangeRepeated(_) => "exchange-repeated",
        MxNote::ExchangesLeftOut(_) => "dropped-exchanges",
        MxNote::AddressesLeftOut { .. } => "dropped-addresses",
        MxNote::NotesLeftOut(_) => "dropped-notes",
    };
    Fact::new(name, note.to_string())
}
