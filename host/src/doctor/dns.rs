//! Questions to DNS as the checks ask them: by whoever answers, so that a judgement can be tested
//! without a network.

use std::future::Future;
use std::net::IpAddr;

use vrfy_proto::mx::DnsAnswer;

use crate::lookup::{Lookup, QuestionKind, Records};

/// Whoever answers questions.
pub(crate) trait Dns: Sync {
    /// Asks for the records of a name; aliases are followed.
    fn ask(&self, name: &str, kind: QuestionKind) -> impl Future<Output = Records> + Send;
}

impl Dns for Lookup {
    async fn ask(&self, name: &str, kind: QuestionKind) -> Records {
        self.records(name, kind).await
    }
}

/// Why there are no records, in words.
pub(crate) fn absence<T>(answer: &DnsAnswer<T>) -> String {
    match answer {
        DnsAnswer::Records(_) => "there are records".to_owned(),
        DnsAnswer::NoData => "no such record".to_owned(),
        DnsAnswer::NxDomain => "no such name (NXDOMAIN)".to_owned(),
        DnsAnswer::ServFail => "the resolver failed (SERVFAIL)".to_owned(),
        DnsAnswer::Refused => "the resolver refused the question (REFUSED)".to_owned(),
        DnsAnswer::TimedOut => "the resolver did not answer in time".to_owned(),
        DnsAnswer::Other(what) => what.clone(),
    }
}

/// The addresses of a name in both families, and the first failure on the way.
pub(crate) async fn addresses(dns: &impl Dns, name: &str) -> Addresses {
    let (v4, v6) = tokio::join!(
        dns.ask(name, QuestionKind::V4),
        dns.ask(name, QuestionKind::V6)
    );
    let failure = [&v4, &v6]
        .into_iter()
        .find(|records| records.answer.is_temporary())
        .map(|records| absence(&records.answer));
    let alias = v4.aliases.last().or_else(|| v6.aliases.last()).cloned();
    let mut found = v4.addresses();
    found.extend(v6.addresses());
    Addresses {
        absence: absence(&v4.answer),
        found,
        failure,
        alias,
    }
}

/// What is known of the addresses of a name.
pub(crate) struct Addresses {
    /// All of them.
    pub(crate) found: Vec<IpAddr>,
    /// Why there may be more, or some at all.
    pub(crate) failure: Option<String>,
    /// Why there is no IPv4 address.
    pub(crate) absence: String,
    /// The name at the end of the aliases.
    pub(crate) alias: Option<String>,
}

impl Addresses {
    /// The addresses with commas between them.
    pub(crate) fn text(&self) -> String {
        list(&self.found)
    }
}

/// Things with commas between them, at most [`LISTED_MAX`].
pub(crate) fn list<T: ToString>(things: &[T]) -> String {
    let mut texts: Vec<String> = things.iter().take(LISTED_MAX).map(T::to_string).collect();
    if let Some(more @ 1..) = things.len().checked_sub(LISTED_MAX) {
        texts.push(format!("and {more} more"));
    }
    texts.join(", ")
}

/// Names or addresses that a sentence holds: a stranger's zone may have thousands.
const LISTED_MAX: usize = 8;

/// The name below `zone` that stands for an address: octets of IPv4 backwards, nibbles of IPv6
/// backwards (RFC 1035 section 3.5, RFC 3596 section 2.5, RFC 5782 section 2.1).
pub(crate) fn reversed(address: IpAddr, zone: &str) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.{zone}")
        }
        IpAddr::V6(address) => nibbles(address, zone),
    }
}

/// The nibbles of an IPv6 address backwards, also where it carries an IPv4 address.
pub(crate) fn nibbles(address: std::net::Ipv6Addr, zone: &str) -> String {
    let digits = format!("{:032x}", address.to_bits());
    let mut name = String::with_capacity(64 + zone.len());
    for digit in digits.chars().rev() {
        name.push(digit);
        name.push('.');
    }
    name + zone
}

/// The name at which the PTR records of an address stand.
pub(crate) fn reverse_name(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(_) => reversed(address, "in-addr.arpa"),
        IpAddr::V6(_) => reversed(address, "ip6.arpa"),
    }
}

/// Whether two addresses are the same, however they are written.
pub(crate) fn same(one: IpAddr, other: IpAddr) -> bool {
    one.to_canonical() == other.to_canonical()
}

#[cfg(test)]
pub(crate) mod fixture {
    //! A zone that is written down.

    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use vrfy_proto::mx::MxRecord;

    use super::*;
    use crate::lookup::Datum;

    /// Lines such as `mail.test A 192.0.2.1`; the value of an alias is followed, and `NAME TYPE
    /// servfail!` makes a question fail. Every other name does not exist.
    #[derive(Default)]
    pub(crate) struct Zone {
        lines: Vec<(String, String, String)>,
        asked: Mutex<BTreeMap<String, usize>>,
    }

    impl Zone {
        pub(crate) fn of(text: &str) -> Self {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let lines = lines.map(|line| {
                let (name, rest) = line.split_once(' ').unwrap();
                let (kind, value) = rest.trim().split_once(' ').unwrap();
                (name.to_owned(), kind.to_owned(), value.trim().to_owned())
            });
            Self {
                lines: lines.collect(),
                asked: Mutex::default(),
            }
        }

        /// How often a question was asked, such as `mail.test A`.
        pub(crate) fn asked(&self, question: &str) -> usize {
            let asked = self.asked.lock().unwrap();
            asked.get(question).copied().unwrap_or(0)
        }

        fn values(&self, name: &str, kind: &str) -> Vec<&str> {
            let lines = self.lines.iter();
            let wanted = lines.filter(|(owner, of, _)| owner == name && of == kind);
            wanted.map(|(_, _, value)| value.as_str()).collect()
        }
    }

    impl Dns for Zone {
        async fn ask(&self, name: &str, kind: QuestionKind) -> Records {
            let name = name.to_ascii_lowercase();
            let question = format!("{name} {}", kind.as_str());
            *self.asked.lock().unwrap().entry(question).or_default() += 1;
            let mut owner = name;
            let mut aliases = Vec::new();
            while let Some(target) = self.values(&owner, "CNAME").first() {
                owner = (*target).to_owned();
                aliases.push(owner.clone());
            }
            let values = self.values(&owner, kind.as_str());
            let exists = self
                .lines
                .iter()
                .any(|(known, _, _)| *known == owner || known.ends_with(&format!(".{owner}")));
            let answer = match values.as_slice() {
                ["servfail!"] => DnsAnswer::ServFail,
                [] if exists => DnsAnswer::NoData,
                [] => DnsAnswer::NxDomain,
                values => {
                    DnsAnswer::Records(values.iter().map(|value| data(kind, value)).collect())
                }
            };
            Records { answer, aliases }
        }
    }

    fn data(kind: QuestionKind, value: &str) -> Datum {
        match kind {
            QuestionKind::V4 => Datum::V4(value.parse().unwrap()),
            QuestionKind::V6 => Datum::V6(value.parse().unwrap()),
            QuestionKind::Ptr => Datum::Ptr(value.to_owned()),
            QuestionKind::Txt => Datum::Txt(value.as_bytes().to_vec()),
            QuestionKind::Mx => {
                let (preference, exchange) = value.split_once(' ').unwrap();
                Datum::Mx(MxRecord {
                    preference: preference.parse().unwrap(),
                    exchange: exchange.to_owned(),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_turned_round_below_a_zone() {
        let name = |text: &str, zone| reversed(text.parse().unwrap(), zone);
        assert_eq!(name("192.0.2.99", "bl.test"), "99.2.0.192.bl.test");
        assert_eq!(name("::ffff:192.0.2.99", "bl.test"), "99.2.0.192.bl.test");
        assert_eq!(
            name("2001:db8::567:89ab", "ip6.arpa"),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
        );
        assert_eq!(
            reverse_name("192.0.2.1".parse().unwrap()),
            "1.2.0.192.in-addr.arpa"
        );
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        assert_eq!(list(&[1, 2]), "1, 2");
        let many: Vec<usize> = (0..LISTED_MAX + 2).collect();
        assert!(list(&many).ends_with("7, and 2 more"), "{}", list(&many));
    }
}
