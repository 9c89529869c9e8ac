//! From the tables of a file to a scenario: who is an exchange, which names exist, who serves whom.
//!
//! The rules, in order: every `[[exchange]]` and every domain's own exchange gets a loopback
//! address; every name is defined once (a `[[host]]` may add faults to an exchange's name); an MX
//! names something that is defined; what is defined for mail is used by some domain.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use toml::Spanned;

use crate::answer::Answer;
use crate::scenario::{DomainPlan, ExchangePlan, KnownAddress, Mistake, NamePlan, Scenario};
use crate::schema::{
    BlocklistTable, BulkTable, DomainTable, ExchangeTable, File, HostTable, LabTable, Listen,
};

/// Loopback holds more, but each listener costs a file descriptor and memory.
const EXCHANGES_MAX: usize = 10_000;

/// Addresses are kept in memory with their answers; a million takes a few hundred megabytes.
const MAILBOXES_MAX: usize = 1_000_000;

/// Aliases that point to aliases; a longer chain is a loop for all practical purposes.
const ALIASES_MAX: usize = 8;

/// A preference for MX entries that give none.
const PREFERENCE_DEFAULT: u16 = 10;

/// Builds one scenario, table after table.
pub(crate) struct Builder {
    settings: LabTable,
    names: BTreeMap<String, NamePlan>,
    exchanges: Vec<ExchangePlan>,
    exchange_index: HashMap<String, usize>,
    domains: HashMap<String, DomainPlan>,
    addresses: Vec<KnownAddress>,
    /// MX entries and aliases still to be checked: their targets may follow later in the file.
    references: Vec<(String, Range<usize>)>,
    /// Addresses with the name that their PTR record holds.
    reversed: Vec<(IpAddr, String)>,
}

impl Builder {
    pub(crate) fn build(file: File) -> Result<Scenario, Mistake> {
        let mut builder = Self {
            settings: file.lab,
            names: BTreeMap::new(),
            exchanges: Vec::new(),
            exchange_index: HashMap::new(),
            domains: HashMap::new(),
            addresses: Vec::new(),
            references: Vec::new(),
            reversed: Vec::new(),
        };
        for table in file.exchange {
            let Some(name) = table.name.clone() else {
                return Err(Mistake::new(0..0, "every [[exchange]] needs a name"));
            };
            let (name, span) = valid_name(&name)?;
            builder.add_exchange(name, span, table)?;
        }
        for table in file.host {
            builder.add_host(table)?;
        }
        for table in &file.domain {
            builder.add_domain_names(table)?;
        }
        for bulk in &file.bulk {
            builder.add_bulk(bulk)?;
        }
        for table in file.blocklist {
            builder.add_blocklist(table)?;
        }
        builder.add_reversed();
        builder.check_references()?;
        for table in file.domain {
            builder.add_mailboxes(table)?;
        }
        builder.check_ipv6()?;
        Ok(Scenario {
            settings: builder.settings,
            names: builder.names,
            exchanges: builder.exchanges,
            domains: builder.domains,
            addresses: builder.addresses,
        })
    }

    fn add_exchange(
        &mut self,
        name: String,
        span: Range<usize>,
        table: ExchangeTable,
    ) -> Result<(), Mistake> {
        let index = self.exchanges.len();
        if index >= EXCHANGES_MAX {
            let message = format!("more than {EXCHANGES_MAX} exchanges");
            return Err(Mistake::new(span, message));
        }
        check_seconds(table.greylist_s, "greylist_s", &span)?;
        check_seconds(table.limit.rate_window_s, "rate_window_s", &span)?;
        let address = loopback_address(index);
        let addresses = match (table.addresses.is_empty(), table.listen) {
            (false, _) => table.addresses.clone(),
            (true, Listen::Loopback | Listen::Dead | Listen::Silent) => vec![IpAddr::V4(address)],
            (true, Listen::Ipv6) => vec![IpAddr::V6(Ipv6Addr::LOCALHOST)],
            (true, Listen::Both) => {
                vec![IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(address)]
            }
        };
        let plan = NamePlan {
            addresses,
            ttl_s: self.settings.ttl_s,
            ..NamePlan::default()
        };
        // A domain that is its own exchange brought its name along already.
        if let Some(known) = self.names.get_mut(&name) {
            if !known.addresses.is_empty() || known.cname.is_some() {
                return Err(defined_twice(&name, span));
            }
            known.addresses = plan.addresses;
        } else {
            self.names.insert(name.clone(), plan);
        }
        self.exchange_index.insert(name.clone(), index);
        self.exchanges.push(ExchangePlan {
            name,
            address,
            table,
        });
        Ok(())
    }

    fn add_host(&mut self, table: HostTable) -> Result<(), Mistake> {
        let (name, span) = valid_host_name(&table.name)?;
        let cname = self.alias(table.cname.as_ref())?;
        let reversed = table.reverse.iter().map(|address| (*address, name.clone()));
        self.reversed.extend(reversed);
        if let Some(known) = self.names.get_mut(&name) {
            let only_adds = table.addresses.is_empty() && cname.is_none();
            if !only_adds || !self.exchange_index.contains_key(&name) {
                return Err(defined_twice(&name, span));
            }
            known.txt.extend(table.txt);
            known.faults = table.dns;
            known.ttl_s = table.ttl_s.unwrap_or(known.ttl_s);
            return Ok(());
        }
        let plan = NamePlan {
            mx: Vec::new(),
            addresses: table.addresses,
            cname,
            txt: table.txt,
            ptr: Vec::new(),
            faults: table.dns,
            ttl_s: table.ttl_s.unwrap_or(self.settings.ttl_s),
        };
        self.names.insert(name, plan);
        Ok(())
    }

    /// The DNS side of a domain and its own exchange, when it has one.
    fn add_domain_names(&mut self, table: &DomainTable) -> Result<(), Mistake> {
        let (name, span) = valid_name(&table.name)?;
        let cname = self.alias(table.cname.as_ref())?;
        let reversed = table.reverse.iter().map(|address| (*address, name.clone()));
        self.reversed.extend(reversed);
        let wordless = table.mx.is_none() && cname.is_none() && table.addresses.is_empty();
        let unreachable = matches!(table.dns, Some(crate::schema::Faults::All(_)));
        let mx = match &table.mx {
            Some(entries) => self.mx_entries(entries)?,
            None if wordless && (table.exchange.is_some() || !unreachable) => {
                vec![(PREFERENCE_DEFAULT, format!("mx.{name}"))]
            }
            None => Vec::new(),
        };
        let own = format!("mx.{name}");
        let own_exchange = match (&table.exchange, mx.iter().any(|(_, host)| *host == own)) {
            (Some(exchange), true) => Some((own, exchange.clone())),
            (Some(exchange), false) if mx.is_empty() => Some((name.clone(), exchange.clone())),
            (Some(_), false) => {
                let message = format!("exchange is never used: no mx entry names {own}");
                return Err(Mistake::new(span, message));
            }
            (None, _) if table.mx.is_none() && !mx.is_empty() => {
                Some((own, ExchangeTable::default()))
            }
            (None, _) => None,
        };
        let plan = NamePlan {
            mx,
            addresses: table.addresses.clone(),
            cname,
            txt: table.txt.clone(),
            ptr: Vec::new(),
            faults: table.dns.clone(),
            ttl_s: table.ttl_s.unwrap_or(self.settings.ttl_s),
        };
        if self.names.insert(name.clone(), plan).is_some() {
            return Err(defined_twice(&name, span));
        }
        match own_exchange {
            Some((host, exchange)) => self.add_exchange(host, span, exchange),
            None => Ok(()),
        }
    }

    /// A list as RFC 5782 describes it: one name for each address.
    fn add_blocklist(&mut self, table: BlocklistTable) -> Result<(), Mistake> {
        let (zone, span) = valid_name(&table.zone)?;
        let ttl_s = self.settings.ttl_s;
        let plan = |answer: Ipv4Addr, txt: Option<String>| NamePlan {
            addresses: vec![IpAddr::V4(answer)],
            txt: txt.into_iter().collect(),
            ttl_s,
            ..NamePlan::default()
        };
        let empty = NamePlan {
            ttl_s,
            ..NamePlan::default()
        };
        let mut entries = vec![(zone.clone(), empty)];
        if table.test {
            let listed = Ipv4Addr::new(127, 0, 0, 2);
            for address in [IpAddr::V4(listed), IpAddr::V6(listed.to_ipv6_mapped())] {
                let txt = Some("test entry".to_owned());
                entries.push((name_below(address, &zone), plan(listed, txt)));
            }
        }
        for line in table.listed {
            let name = name_below(line.address, &zone);
            entries.push((name, plan(line.answer, line.txt)));
        }
        if let Some(others) = table.others {
            // A wildcard holds below its closest name that exists, so there is one below each.
            let mut above = BTreeSet::from([zone.clone()]);
            for (name, _) in &entries {
                let mut rest = name.as_str();
                while let Some((_, parent)) = rest.split_once('.')
                    && parent.len() > zone.len()
                {
                    above.insert(parent.to_owned());
                    rest = parent;
                }
            }
            let wildcards = above.iter().map(|name| format!("*.{name}"));
            entries.extend(wildcards.map(|name| (name, plan(others.answer, others.txt.clone()))));
        }
        for (name, plan) in entries {
            if self.names.insert(name.clone(), plan).is_some() {
                return Err(defined_twice(&name, span));
            }
        }
        Ok(())
    }

    fn add_reversed(&mut self) {
        for (address, name) in std::mem::take(&mut self.reversed) {
            let zone = match address {
                IpAddr::V4(_) => "in-addr.arpa",
                IpAddr::V6(_) => "ip6.arpa",
            };
            let ttl_s = self.settings.ttl_s;
            let plan = self.names.entry(name_below(address, zone));
            let plan = plan.or_insert_with(|| NamePlan {
                ttl_s,
                ..NamePlan::default()
            });
            plan.ptr.push(name);
        }
    }

    fn mx_entries(&mut self, entries: &[Spanned<String>]) -> Result<Vec<(u16, String)>, Mistake> {
        entries.iter().map(|entry| self.mx_entry(entry)).collect()
    }

    fn mx_entry(&mut self, entry: &Spanned<String>) -> Result<(u16, String), Mistake> {
        let text = entry.get_ref().trim();
        let (preference, host) = match text.split_once(' ') {
            None => (PREFERENCE_DEFAULT, text),
            Some((number, host)) => {
                let preference = number.parse().map_err(|_| {
                    let message = format!("the preference \"{number}\" is no number up to 65535");
                    Mistake::new(entry.span(), message)
                })?;
                (preference, host.trim())
            }
        };
        if host == "." {
            return Ok((preference, ".".to_owned()));
        }
        let host = check_name(host).map_err(|why| Mistake::new(entry.span(), why))?;
        self.references.push((host.clone(), entry.span()));
        Ok((preference, host))
    }

    fn alias(&mut self, target: Option<&Spanned<String>>) -> Result<Option<String>, Mistake> {
        let Some(target) = target else {
            return Ok(None);
        };
        let (name, span) = valid_name(target)?;
        self.references.push((name.clone(), span));
        Ok(Some(name))
    }

    fn check_references(&self) -> Result<(), Mistake> {
        let undefined = self
            .references
            .iter()
            .find(|(name, _)| !self.names.contains_key(name));
        match undefined {
            None => Ok(()),
            Some((name, span)) => Err(Mistake::new(
                span.clone(),
                format!(
                    "{name} is not defined: add an [[exchange]] or a [[host]] of that name; \
                     dns = \"nxdomain\" in a [[host]] makes a name that does not exist"
                ),
            )),
        }
    }

    /// The mail side of a domain, once all names are known.
    fn add_mailboxes(&mut self, table: DomainTable) -> Result<(), Mistake> {
        let (name, _) = valid_name(&table.name)?;
        let mut mailboxes = HashMap::new();
        for mailbox in table.mailboxes {
            let local_part = mailbox.name.get_ref().clone();
            let hostile = local_part.is_empty() || local_part.chars().any(char::is_control);
            if hostile {
                let message = "a mailbox name has at least one character and no control ones";
                return Err(Mistake::new(mailbox.name.span(), message));
            }
            let about = if mailbox.about.is_empty() {
                &table.about
            } else {
                &mailbox.about
            };
            self.addresses.push(KnownAddress {
                address: format!("{local_part}@{name}"),
                expect: mailbox.expect,
                about: about.clone(),
            });
            let answer = mailbox.rcpt.unwrap_or_else(|| Answer::built_in("accepts"));
            if mailboxes.insert(local_part, answer).is_some() {
                let message = "this mailbox is listed twice";
                return Err(Mistake::new(mailbox.name.span(), message));
            }
        }
        let plan = DomainPlan {
            exchanges: self.exchanges_of(&name),
            mailboxes,
            others: table.others.unwrap_or_else(|| Answer::built_in("unknown")),
        };
        self.domains.insert(name, plan);
        Ok(())
    }

    /// The exchanges that take mail for a domain: its MX targets, else the name itself.
    fn exchanges_of(&self, domain: &str) -> Vec<usize> {
        let domain = self.follow(domain);
        let mx = self.names.get(domain).map_or(&[][..], |plan| &plan.mx);
        let hosts: Vec<&str> = if mx.is_empty() {
            vec![domain]
        } else {
            mx.iter().map(|(_, host)| host.as_str()).collect()
        };
        hosts
            .into_iter()
            .filter_map(|host| self.exchange_index.get(self.follow(host)).copied())
            .collect()
    }

    /// The name at the end of a chain of aliases.
    fn follow<'a>(&'a self, name: &'a str) -> &'a str {
        let mut current = name;
        for _ in 0..ALIASES_MAX {
            match self
                .names
                .get(current)
                .and_then(|plan| plan.cname.as_deref())
            {
                Some(target) => current = target,
                None => break,
            }
        }
        current
    }

    fn check_ipv6(&self) -> Result<(), Mistake> {
        let count = self
            .exchanges
            .iter()
            .filter(|exchange| matches!(exchange.table.listen, Listen::Ipv6 | Listen::Both))
            .count();
        if count > 1 {
            let message = "only one exchange can listen on ::1, because all share one port";
            return Err(Mistake::new(0..0, message));
        }
        Ok(())
    }

    fn add_bulk(&mut self, bulk: &BulkTable) -> Result<(), Mistake> {
        let domains = *bulk.domains.get_ref();
        let mailboxes = *bulk.mailboxes.get_ref();
        let share = *bulk.domains_per_exchange.get_ref();
        if domains == 0 || share == 0 {
            let message = "domains and domains_per_exchange are at least 1";
            return Err(Mistake::new(bulk.domains.span(), message));
        }
        if self.addresses.len() + mailboxes > MAILBOXES_MAX {
            let message = format!("more than {MAILBOXES_MAX} mailboxes");
            return Err(Mistake::new(bulk.mailboxes.span(), message));
        }
        let first_exchange = self.exchanges.len();
        for number in 0..domains.div_ceil(share) {
            let mut table = bulk.exchange.clone();
            table.latency_ms = bulk.latency_ms.or(table.latency_ms);
            let name = numbered(&bulk.exchange_name, number + 1, &bulk.domains)?;
            self.add_exchange(name, bulk.domains.span(), table)?;
        }
        let mut names = Vec::with_capacity(domains);
        for number in 0..domains {
            let name = numbered(&bulk.name, number + 1, &bulk.domains)?;
            let exchange = first_exchange + number / share;
            let plan = NamePlan {
                mx: vec![(PREFERENCE_DEFAULT, self.exchanges[exchange].name.clone())],
                ttl_s: self.settings.ttl_s,
                ..NamePlan::default()
            };
            if self.names.insert(name.clone(), plan).is_some() {
                return Err(defined_twice(&name, bulk.domains.span()));
            }
            let domain = DomainPlan {
                exchanges: vec![exchange],
                mailboxes: HashMap::new(),
                others: Answer::built_in("unknown"),
            };
            self.domains.insert(name.clone(), domain);
            names.push(name);
        }
        self.add_bulk_mailboxes(bulk, &names);
        Ok(())
    }

    /// Deals the mailboxes out to the domains like cards, each round shifted by one in the mix.
    fn add_bulk_mailboxes(&mut self, bulk: &BulkTable, names: &[String]) {
        for number in 0..*bulk.mailboxes.get_ref() {
            let name = &names[number % names.len()];
            let mixed = (number + number / names.len()) % bulk.mix.len().max(1);
            let (answer, expect) = match bulk.mix.get(mixed) {
                Some(line) => (line.rcpt.clone(), line.expect),
                None => (Answer::built_in("accepts"), None),
            };
            let local_part = bulk.mailbox.replace("{n}", &(number + 1).to_string());
            self.addresses.push(KnownAddress {
                address: format!("{local_part}@{name}"),
                expect,
                about: String::new(),
            });
            let domain = self
                .domains
                .get_mut(name)
                .expect("the domain was just added");
            domain.mailboxes.insert(local_part, answer);
        }
    }
}

/// The nth address of 127.77.0.0/16, leaving out .0 and .255.
fn loopback_address(index: usize) -> Ipv4Addr {
    let third = u8::try_from(index / 254).expect("EXCHANGES_MAX keeps it below 256");
    let fourth = u8::try_from(index % 254 + 1).expect("a remainder of 254 fits");
    Ipv4Addr::new(127, 77, third, fourth)
}

/// The address backwards below a zone: octets of IPv4, nibbles of IPv6.
fn name_below(address: IpAddr, zone: &str) -> String {
    let labels: Vec<String> = match address {
        IpAddr::V4(address) => address.octets().iter().map(u8::to_string).collect(),
        IpAddr::V6(address) => format!("{:032x}", address.to_bits())
            .chars()
            .map(String::from)
            .collect(),
    };
    let labels: Vec<String> = labels.into_iter().rev().collect();
    format!("{}.{zone}", labels.join("."))
}

/// A name that may be a wildcard: `*.x.test`, or `*` for every name that is not defined.
fn valid_host_name(name: &Spanned<String>) -> Result<(String, Range<usize>), Mistake> {
    match name.get_ref().strip_prefix('*') {
        Some("") => Ok(("*".to_owned(), name.span())),
        Some(below) if below.starts_with('.') => match check_name(&below[1..]) {
            Ok(lower) => Ok((format!("*.{lower}"), name.span())),
            Err(why) => Err(Mistake::new(name.span(), why)),
        },
        _ => valid_name(name),
    }
}

fn valid_name(name: &Spanned<String>) -> Result<(String, Range<usize>), Mistake> {
    match check_name(name.get_ref()) {
        Ok(lower) => Ok((lower, name.span())),
        Err(why) => Err(Mistake::new(name.span(), why)),
    }
}

/// A lower-case host name without a dot at its end.
fn check_name(name: &str) -> Result<String, String> {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let label_ok = |label: &str| {
        let legal = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(legal)
    };
    if name.len() <= 253 && name.split('.').all(label_ok) {
        return Ok(name);
    }
    Err(format!(
        "\"{name}\" is no host name: labels of letters, digits, - and _, at most 63 each; \
         write others as xn--…"
    ))
}

fn numbered(pattern: &str, number: usize, place: &Spanned<usize>) -> Result<String, Mistake> {
    let name = pattern.replace("{n}", &number.to_string());
    check_name(&name).map_err(|why| Mistake::new(place.span(), why))
}

fn check_seconds(value: Option<f64>, key: &str, span: &Range<usize>) -> Result<(), Mistake> {
    const SECONDS_MAX: f64 = 86_400.0;
    match value {
        Some(seconds) if !(0.0..=SECONDS_MAX).contains(&seconds) => {
            let message = format!("{key} = {seconds}: write seconds from 0 to {SECONDS_MAX}");
            Err(Mistake::new(span.clone(), message))
        }
        _ => Ok(()),
    }
}

fn defined_twice(name: &str, span: Range<usize>) -> Mistake {
    Mistake::new(span, format!("{name} is defined twice"))
}
