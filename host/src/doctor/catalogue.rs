//! What is checked, why a receiving server cares, and what to do where it is not in order.
//!
//! `docs/doctor.md` has the same table; a test holds the two together.

use serde::{Serialize, Serializer};

/// Something that a receiving server would look at, or that a probe depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Check {
    /// The resolver answers.
    ResolverAnswers,
    /// It says that what does not exist does not exist.
    ResolverHonest,
    /// It answers over TCP.
    ResolverTcp,
    /// It validates.
    ResolverDnssec,
    /// It is not one that everybody uses.
    ResolverOwn,
    /// IPv6.
    Ipv6,
    /// The source address is a public one.
    SourceAddress,
    /// It has a PTR record.
    ReverseDns,
    /// The name in it has the address.
    ForwardConfirmed,
    /// The name in it was given by a person.
    ReverseName,
    /// The EHLO name is a full name.
    EhloName,
    /// It has addresses.
    EhloResolves,
    /// It is no alias.
    EhloAlias,
    /// It has the source address.
    EhloAddress,
    /// It is the name in the PTR record.
    EhloReverse,
    /// The sender's domain takes mail.
    SenderDomain,
    /// The reverse path takes mail.
    SenderMailbox,
    /// The sender's postmaster takes mail.
    Postmaster,
    /// The sender's address for abuse takes mail.
    Abuse,
    /// SPF of the sender's domain.
    SpfSender,
    /// SPF of the EHLO name.
    SpfEhlo,
    /// Blocklists.
    Blocklist,
    /// Port 25 is open.
    Port25,
    /// Port 25 leads where it should.
    Port25Direct,
}

/// The sentences about a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which.
    pub check: Check,
    /// Its name in JSON, in kebab-case.
    pub name: &'static str,
    /// What it asks, in a few words.
    pub title: &'static str,
    /// Why anybody cares, with the document that says so.
    pub why: &'static str,
    /// What to do where it is not in order.
    pub remedy: &'static str,
}

impl Check {
    /// The sentences about it.
    pub fn entry(self) -> &'static Entry {
        let mut entries = CATALOGUE.iter();
        let entry = entries.find(|entry| entry.check == self);
        entry.expect("a test finds every check in the catalogue")
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.entry().name)
    }
}

/// Every check, in the order in which they are told.
pub const CATALOGUE: &[Entry] = &[
    Entry {
        check: Check::ResolverAnswers,
        name: "resolver-answers",
        title: "the resolver answers",
        why: "without DNS nobody can be asked (RFC 5321 section 5.1)",
        remedy: "name a resolver that answers this host, with --resolver or in the system's \
                 configuration",
    },
    Entry {
        check: Check::ResolverHonest,
        name: "resolver-honest",
        title: "the resolver admits what does not exist",
        why: "a resolver that invents addresses for missing names makes dead domains look alive \
              and blocklists look as if they listed everybody (RFC 2308 section 2.1)",
        remedy: "use another resolver, best one of your own that asks the authoritative servers",
    },
    Entry {
        check: Check::ResolverTcp,
        name: "resolver-tcp",
        title: "the resolver answers over TCP",
        why: "answers that do not fit into a datagram come over TCP only (RFC 7766 section 5)",
        remedy: "open TCP port 53 from this host to the resolver",
    },
    Entry {
        check: Check::ResolverDnssec,
        name: "resolver-dnssec",
        title: "the resolver validates DNSSEC",
        why: "a validating resolver does not pass on what was forged (RFC 4035 section 3.2.3)",
        remedy: "use a resolver that validates, if forged answers would harm you",
    },
    Entry {
        check: Check::ResolverOwn,
        name: "resolver-own",
        title: "the resolver is not one that everybody uses",
        why: "blocklists count the queries of a resolver, and many refuse those of public ones, so \
              that nobody looks listed there, or everybody does (RFC 5782 section 5)",
        remedy: "run a resolver of your own where you ask blocklists",
    },
    Entry {
        check: Check::Ipv6,
        name: "ipv6",
        title: "IPv6",
        why: "exchanges with an IPv6 address are asked over IPv6, and large providers refuse IPv6 \
              clients whose address has no PTR record",
        remedy: "give the IPv6 address a PTR record and examine it too, with --bind",
    },
    Entry {
        check: Check::SourceAddress,
        name: "source-address",
        title: "the source address is public",
        why: "receiving servers see the public address, and check that one",
        remedy: "name the address that the outside sees with --public-address",
    },
    Entry {
        check: Check::ReverseDns,
        name: "reverse-dns",
        title: "the source address has a name",
        why: "many servers refuse clients whose address has no PTR record (RFC 1912 section 2.1)",
        remedy: "ask whoever gave you the address to set its PTR record to the EHLO name",
    },
    Entry {
        check: Check::ForwardConfirmed,
        name: "forward-confirmed",
        title: "the name leads back to the address",
        why: "anybody can write any name into a PTR record, so servers look whether that name has \
              the address (RFC 8601 section 2.7.3, RFC 1912 section 2.1)",
        remedy: "give the name in the PTR record an A or AAAA record with the source address, or \
                 change the PTR record",
    },
    Entry {
        check: Check::ReverseName,
        name: "reverse-name",
        title: "the name is one that a person gave",
        why: "names made from the address are typical of home connections and rented machines, \
              and some servers refuse them",
        remedy: "ask whoever gave you the address for a PTR record of your own, such as the EHLO \
                 name",
    },
    Entry {
        check: Check::EhloName,
        name: "ehlo-name",
        title: "the EHLO name is a full name",
        why: "a client gives its full name, and an address literal only where it has none (RFC \
              5321 sections 2.3.5 and 4.1.1.1)",
        remedy: "give the full name of this host with --helo",
    },
    Entry {
        check: Check::EhloResolves,
        name: "ehlo-resolves",
        title: "the EHLO name has addresses",
        why: "the EHLO name must have an address record, and some servers refuse names that have \
              none (RFC 5321 section 2.3.5)",
        remedy: "give the EHLO name an A or AAAA record with the source address",
    },
    Entry {
        check: Check::EhloAlias,
        name: "ehlo-alias",
        title: "the EHLO name is no alias",
        why: "EHLO wants the primary name of the host, not an alias (RFC 5321 section 2.3.5)",
        remedy: "give the name that the CNAME record leads to with --helo, or replace the CNAME \
                 record by address records",
    },
    Entry {
        check: Check::EhloAddress,
        name: "ehlo-address",
        title: "the EHLO name has the source address",
        why: "servers may check whether the name belongs to the client (RFC 5321 section 4.1.4); \
              they should not refuse for that alone, but many count it",
        remedy: "give the EHLO name an address record with the source address, or another name \
                 with --helo",
    },
    Entry {
        check: Check::EhloReverse,
        name: "ehlo-reverse",
        title: "the EHLO name is the name of the address",
        why: "a client that calls itself what its PTR record says is easy to trust (RFC 1912 \
              section 2.1)",
        remedy: "use one name for --helo and for the PTR record",
    },
    Entry {
        check: Check::SenderDomain,
        name: "sender-domain",
        title: "the sender's domain takes mail",
        why: "many servers refuse a reverse path to which nothing can be sent back (RFC 5321 \
              section 3.3, RFC 7505 section 4.2)",
        remedy: "give the domain of --mail-from an MX record that leads to a host with an address, \
                 or use a domain that has one",
    },
    Entry {
        check: Check::SenderMailbox,
        name: "sender-mailbox",
        title: "the reverse path takes mail",
        why: "some servers ask for the reverse path while the client waits, and refuse it where it \
              does not exist",
        remedy: "create the mailbox of --mail-from, and let it take mail from <>",
    },
    Entry {
        check: Check::Postmaster,
        name: "postmaster",
        title: "postmaster takes mail",
        why: "a domain that sends must take mail for postmaster (RFC 5321 section 4.5.1); whoever \
              is troubled by the probes writes there",
        remedy: "create the mailbox postmaster, and read it",
    },
    Entry {
        check: Check::Abuse,
        name: "abuse",
        title: "abuse takes mail",
        why: "complaints go to abuse (RFC 2142 section 4)",
        remedy: "create the mailbox abuse, and read it",
    },
    Entry {
        check: Check::SpfSender,
        name: "spf-sender",
        title: "SPF of the sender's domain permits the address",
        why: "servers check whether the domain of the reverse path lets this address send (RFC \
              7208 sections 2.4 and 8)",
        remedy: "add the source address to the SPF record of the domain of --mail-from",
    },
    Entry {
        check: Check::SpfEhlo,
        name: "spf-ehlo",
        title: "SPF of the EHLO name permits the address",
        why: "servers check the EHLO name too, and with the null reverse path only that (RFC 7208 \
              sections 2.3 and 2.4)",
        remedy: "publish \"v=spf1 a -all\" at the EHLO name",
    },
    Entry {
        check: Check::Blocklist,
        name: "blocklist",
        title: "not on the blocklist",
        why: "servers that use the list refuse the clients on it (RFC 5782 section 2.1)",
        remedy: "find out why the address is listed, end the cause, and ask the list to remove it",
    },
    Entry {
        check: Check::Port25,
        name: "port-25",
        title: "port 25 is open outwards",
        why: "exchanges listen on port 25 only, and many providers block it for their customers \
              (RFC 5068 section 5)",
        remedy: "ask your provider to open outbound port 25, or probe from another network",
    },
    Entry {
        check: Check::Port25Direct,
        name: "port-25-direct",
        title: "port 25 leads to the exchange",
        why: "a provider that redirects port 25 answers in the place of every exchange, and every \
              verdict would be about the provider's server",
        remedy: "compare with another network; ask your provider to end the redirection",
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_check_has_one_entry_with_a_name_of_its_own() {
        let names: BTreeSet<&str> = CATALOGUE.iter().map(|entry| entry.name).collect();
        let checks: BTreeSet<Check> = CATALOGUE.iter().map(|entry| entry.check).collect();
        assert_eq!(names.len(), CATALOGUE.len());
        assert_eq!(checks.len(), CATALOGUE.len());
        // The last variant: the catalogue has the checks in their order, and none is missing.
        assert_eq!(CATALOGUE.len(), Check::Port25Direct as usize + 1);
        assert!(
            CATALOGUE
                .iter()
                .map(|entry| entry.check as usize)
                .eq(0..CATALOGUE.len())
        );
    }
}
