//! An egress: a source address with its EHLO name and its reverse path; and the choice among
//! several.
//!
//! Greylisting servers know a client by these and the recipient (RFC 6647 section 2), so a probe
//! keeps its egress from the first attempt to the last, and so does a domain from run to run: it
//! chooses by its name alone.
//!
//! **Promises.** Same egresses, same domain: same choice, in whatever order they are written. One
//! more or one less moves only the domains that it gets or had. An egress connects in the families
//! of addresses that it has a source for, and in no other.
//!
//! **Does not** open sockets: [`crate::connect`] binds, and the record has the address of the very
//! socket.
//!
//! Read next: `egress/file.rs` (the file), `egress/source.rs` (whether a source is ours to use).

use std::net::IpAddr;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use vrfy_proto::domain::Domain;
use vrfy_proto::ehlo_name::EhloName;
use vrfy_proto::reverse_path::ReversePath;

pub use self::file::{EGRESS_FILE_BYTES_MAX, EGRESSES_MAX, EgressFileError};
pub use self::source::{SourceError, check_sources, interface_addresses};

mod file;
mod source;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Egress {
    /// Its name in the egress file; absent where the command line says who asks.
    pub name: Option<String>,
    /// How it connects to IPv4 addresses.
    pub v4: Leg,
    /// How it connects to IPv6 addresses.
    pub v6: Leg,
    /// The reverse path for MAIL FROM.
    pub reverse_path: ReversePath,
    /// Its share of the domains, beside the weights of the others.
    pub weight: u32,
}

/// An egress within one family of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Where connections come from.
    pub source: Source,
    /// The name for EHLO. Where absent, the address literal of the connection's source address is
    /// given (RFC 5321 section 4.1.4).
    pub ehlo_name: Option<EhloName>,
}

/// Where connections come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// From the address that the system chooses.
    System,
    /// From this one.
    Address(IpAddr),
    /// There is none in this family.
    None,
}

impl Egress {
    /// The one egress of a command line: all families, or that of `source` where one is given.
    pub fn single(
        source: Option<IpAddr>,
        ehlo_name: Option<EhloName>,
        reverse_path: ReversePath,
    ) -> Self {
        let leg = |is_v6: bool| Leg {
            source: match source {
                None => Source::System,
                Some(address) if address.is_ipv6() == is_v6 => Source::Address(address),
                Some(_) => Source::None,
            },
            ehlo_name: ehlo_name.clone(),
        };
        Self {
            name: None,
            v4: leg(false),
            v6: leg(true),
            reverse_path,
            weight: 1,
        }
    }

    /// How it connects to an address.
    pub fn leg(&self, target: IpAddr) -> &Leg {
        match target {
            IpAddr::V4(_) => &self.v4,
            IpAddr::V6(_) => &self.v6,
        }
    }

    /// Whether it can connect to an address, by its family.
    pub fn reaches(&self, target: IpAddr) -> bool {
        self.leg(target).source != Source::None
    }

    /// The addresses that it binds.
    pub fn sources(&self) -> impl Iterator<Item = IpAddr> {
        [&self.v4, &self.v6]
            .into_iter()
            .filter_map(|leg| match leg.source {
                Source::Address(address) => Some(address),
                Source::System | Source::None => None,
            })
    }

    /// What makes it another client in the eyes of a server, in one text.
    pub(crate) fn identity(&self) -> String {
        let name = |leg: &Leg| leg.ehlo_name.as_ref().map(ToString::to_string);
        let (v4, v6) = (name(&self.v4), name(&self.v6));
        let mut identity = format!("{} {}", v4.clone().unwrap_or_default(), self.reverse_path);
        if v6 != v4 {
            identity += &format!(" {}", v6.unwrap_or_default());
        }
        if let Some(name) = &self.name {
            identity += &format!(" {name}");
        }
        identity
    }
}

/// Names an egress within one run.
pub type EgressId = usize;

/// The egresses of a run: one or more.
#[derive(Clone, Debug)]
pub struct Egresses {
    all: Vec<Arc<Egress>>,
}

impl From<Egress> for Egresses {
    fn from(egress: Egress) -> Self {
        Self {
            all: vec![Arc::new(egress)],
        }
    }
}

impl Egresses {
    /// Several.
    pub fn several(first: Egress, others: impl IntoIterator<Item = Egress>) -> Self {
        let mut egresses = Self::from(first);
        egresses.all.extend(others.into_iter().map(Arc::new));
        egresses
    }

    /// The egress of that number.
    pub fn get(&self, id: EgressId) -> &Arc<Egress> {
        &self.all[id]
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Egress> {
        self.all.iter().map(AsRef::as_ref)
    }

    /// The egress for a domain, among those that reach one of these addresses; among all where none
    /// does. Of two egresses a domain always prefers the same one, so that the choice holds when a
    /// third one comes or goes (rendezvous hashing).
    pub fn choose(&self, domain: &Domain, targets: &[IpAddr]) -> EgressId {
        let reaches = |egress: &Egress| targets.iter().any(|target| egress.reaches(*target));
        let nobody = !self.iter().any(reaches);
        let candidates = self.iter().enumerate();
        let candidates = candidates.filter(|(_, egress)| nobody || reaches(egress));
        let distances = candidates.map(|(id, egress)| (id, distance(egress, domain)));
        let nearest = distances.min_by(|(_, one), (_, other)| one.total_cmp(other));
        nearest.map_or(0, |(id, _)| id)
    }
}

/// How far a domain is from an egress: evenly spread over its weight. The nearest of several is
/// each with the probability of its weight.
fn distance(egress: &Egress, domain: &Domain) -> f64 {
    let mut hash = Sha256::new();
    hash.update(CONTEXT);
    hash.update(egress.name.as_deref().unwrap_or_default());
    hash.update([0]);
    hash.update(domain.to_string());
    let digest: [u8; 32] = hash.finalize().into();
    let (first, _) = digest.split_at(4);
    let number = u32::from_be_bytes(first.try_into().expect("it has four octets"));
    let between_0_and_1 = (f64::from(number) + 0.5) / (f64::from(u32::MAX) + 1.0);
    -between_0_and_1.ln() / f64::from(egress.weight)
}

/// Keeps these hashes apart from all others. Fixed for ever: greylisting outlives a release.
const CONTEXT: &[u8] = b"vrfy egress 1\0";

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn egress(name: &str, sources: &[&str], weight: u32) -> Egress {
        let sources: Vec<IpAddr> = sources.iter().map(|text| text.parse().unwrap()).collect();
        let leg = |is_v6: bool| Leg {
            source: sources
                .iter()
                .find(|source| source.is_ipv6() == is_v6)
                .map_or(Source::None, |source| Source::Address(*source)),
            ehlo_name: None,
        };
        Egress {
            name: Some(name.to_owned()),
            v4: leg(false),
            v6: leg(true),
            reverse_path: ReversePath::Null,
            weight,
        }
    }

    fn pool(all: &[Egress]) -> Egresses {
        Egresses {
            all: all.iter().cloned().map(Arc::new).collect(),
        }
    }

    fn choice<'a>(pool: &'a Egresses, domain: &str, targets: &[&str]) -> &'a str {
        let targets: Vec<IpAddr> = targets.iter().map(|text| text.parse().unwrap()).collect();
        let id = pool.choose(&Domain::parse(domain).unwrap(), &targets);
        pool.get(id).name.as_deref().unwrap()
    }

    const V4: &[&str] = &["192.0.2.1"];
    const V6: &[&str] = &["2001:db8::1"];

    #[test]
    fn a_domain_keeps_its_egress_whatever_else_is_in_the_file() {
        let [a, b, c] = ["a", "b", "c"].map(|name| egress(name, V4, 1));
        let two = pool(&[a.clone(), b.clone()]);
        let three = pool(&[c, b, a]);
        let mut moved = 0;
        for number in 0..300 {
            let domain = format!("d{number}.test");
            let before = choice(&two, &domain, V4);
            let after = choice(&three, &domain, V4);
            assert!(after == before || after == "c", "{domain}");
            moved += usize::from(after == "c");
        }
        assert!(
            (70..130).contains(&moved),
            "{moved} of 300 moved to the third"
        );
        // Fixed for ever: what is greylisted today is asked again tomorrow, by another version.
        let fixed = [
            "a.test", "b.test", "c.test", "d.test", "e.test", "f.test", "g.test",
        ];
        let fixed = fixed.map(|name| choice(&three, name, V4));
        assert_eq!(fixed, ["a", "b", "a", "a", "c", "c", "b"]);
    }

    #[test]
    fn a_weight_is_a_share_of_the_domains() {
        let pool = pool(&[egress("one", V4, 1), egress("three", V4, 3)]);
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for number in 0..1_000 {
            let name = choice(&pool, &format!("d{number}.test"), V4);
            *counts.entry(name).or_default() += 1;
        }
        assert!((200..300).contains(&counts["one"]), "{counts:?}");
    }

    #[test]
    fn an_egress_that_cannot_reach_a_domain_is_chosen_only_where_none_can() {
        let pool = pool(&[egress("four", V4, 1), egress("six", V6, 1)]);
        for number in 0..50 {
            let domain = format!("d{number}.test");
            assert_eq!(choice(&pool, &domain, &["198.51.100.1"]), "four");
            assert_eq!(choice(&pool, &domain, &["2001:db8:1::1"]), "six");
        }
        let both = &["198.51.100.1", "2001:db8:1::1"];
        let all: Vec<&str> = (0..50)
            .map(|number| choice(&pool, &format!("d{number}.test"), both))
            .collect();
        assert!(all.contains(&"four") && all.contains(&"six"));
    }

    #[test]
    fn where_no_egress_reaches_a_domain_one_is_chosen_that_says_so() {
        let pool = pool(&[egress("four", V4, 1)]);
        assert_eq!(choice(&pool, "d.test", &["2001:db8:1::1"]), "four");
    }

    #[test]
    fn a_source_address_decides_the_family() {
        let path = ReversePath::Null;
        let v4 = Egress::single(Some("192.0.2.1".parse().unwrap()), None, path.clone());
        let (four, six) = (
            "198.51.100.1".parse().unwrap(),
            "2001:db8::1".parse().unwrap(),
        );
        assert!(v4.reaches(four) && !v4.reaches(six));
        let any = Egress::single(None, None, path);
        assert!(any.reaches(four) && any.reaches(six));
        assert_eq!(any.sources().count(), 0);
    }

    #[test]
    fn who_differs_in_anything_that_a_server_sees_differs_in_identity() {
        let [a, b] = ["a", "b"].map(|name| egress(name, V4, 1));
        assert_ne!(a.identity(), b.identity());
        let mut named = a.clone();
        named.v6.ehlo_name = Some(EhloName::parse("probe6.example.com").unwrap());
        assert_ne!(a.identity(), named.identity());
        let plain = Egress::single(
            None,
            Some(EhloName::parse("probe.example.com").unwrap()),
            ReversePath::Null,
        );
        assert_eq!(plain.identity(), "probe.example.com <>");
    }
}
