//! Who is not asked: lists of mailboxes, domains, exchanges and addresses to leave alone.
//!
//! ```text
//! ana@example.com          a mailbox; upper and lower case are the same here
//! sha256:9f86d0818...      a mailbox that the list does not name: see [`hashed_form`]
//! example.com              a domain
//! .example.com             a domain and whatever lies below it
//! mx:mx.example.net        an exchange, for every domain that it serves
//! mx:.example.net          all exchanges below a name, and the one of that name
//! 192.0.2.0/24             addresses of exchanges; one address, IPv6 and its ranges too
//! ```
//!
//! **Promises.** Lists only add up: nothing on one list takes back what stands on another. A line
//! that is not understood is an error and no entry is forgotten for it. An address is excluded in
//! every form that leads to the same place (IPv4-mapped, NAT64, 6to4, Teredo). Whoever asks three
//! times, before the look-up, after it and right before the connection, gets the same answer, and
//! the place in the list that it comes from.
//!
//! **Does not** strip tags (`ana+shop@` is another mailbox), or decide what exclusion means for a
//! verdict: that is the policy's.
//!
//! Memory is 30 to 60 octets an entry whatever it names, because names are kept as hashes; a
//! question costs a few hashes however long the lists are.
//!
//! Read next: `exclusions/entry.rs` (a line), `exclusions/read.rs` (a file).

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use sha2::{Digest, Sha256};
use vrfy_proto::address_safety;
use vrfy_proto::domain::Domain;
use vrfy_proto::mailbox::Mailbox;

pub use self::entry::EntryProblem;
use self::entry::{Entry, Reach};
pub use self::error::ExclusionError;
pub use self::read::{EXCLUSION_BYTES_MAX, EXCLUSION_LINES_MAX};

mod entry;
mod error;
mod read;
#[cfg(test)]
mod tests;

/// The name of the facts that tell of an exclusion, and of the reason not to ask.
pub const EXCLUDED: &str = "excluded";

/// Everything that is not asked.
#[derive(Debug, Default)]
pub struct Exclusions {
    files: Vec<PathBuf>,
    mailboxes: Table,
    domains: Names,
    exchanges: Names,
    ranges: Ranges,
}

/// Why something is not asked: an entry and its place. `Display` is the value of a fact
/// [`EXCLUDED`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    file: String,
    line: u32,
    entry: String,
}

impl fmt::Display for Exclusion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, entry } = self;
        write!(out, "{entry} ({file} line {line})")
    }
}

/// The form of a mailbox that is hashed for a list, and compared: the local part as RCPT TO carries
/// it but in lower case, `@`, the domain in lower-case A-labels or an address literal.
pub fn hashed_form(mailbox: &Mailbox) -> String {
    format!(
        "{}@{}",
        mailbox.local_part().to_lowercase(),
        mailbox.domain()
    )
}

impl Exclusions {
    /// The entry that excludes a mailbox, or its whole domain.
    pub fn of_mailbox(&self, mailbox: &Mailbox) -> Option<Exclusion> {
        let form = hashed_form(mailbox);
        if let Some(place) = self.mailboxes.get(&fingerprint(&form)) {
            return Some(self.exclusion(*place, form));
        }
        match mailbox.domain() {
            Domain::Name(name) => self.of_domain(name.as_str()),
            Domain::Literal(literal) => self.of_address(literal.ip()?),
        }
    }

    /// The entry that excludes a domain, in lower-case A-labels.
    pub fn of_domain(&self, name: &str) -> Option<Exclusion> {
        self.of_name(&self.domains, name, "")
    }

    /// The entry that excludes an exchange by its name, in lower-case A-labels.
    pub fn of_exchange(&self, name: &str) -> Option<Exclusion> {
        self.of_name(&self.exchanges, name, "mx:")
    }

    /// The entry that excludes an address, in any of its forms.
    pub fn of_address(&self, address: IpAddr) -> Option<Exclusion> {
        let mut forms = address_safety::forms(address);
        let (range, place) = forms.find_map(|form| self.ranges.find(form))?;
        Some(self.exclusion(place, range.to_string()))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        let names = self.domains.len() + self.exchanges.len();
        self.mailboxes.len() + names + self.ranges.places.len()
    }

    /// Whether nothing is excluded.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn of_name(&self, names: &Names, name: &str, kind: &str) -> Option<Exclusion> {
        let (entry, place) = names.find(name)?;
        Some(self.exclusion(place, format!("{kind}{entry}")))
    }

    fn exclusion(&self, place: Place, entry: String) -> Exclusion {
        let file = self.files[place.file as usize].display().to_string();
        Exclusion {
            file: end_of(&file, FILE_SHOWN_MAX),
            line: place.line,
            entry,
        }
    }

    fn add(&mut self, entry: Entry, place: Place) {
        match entry {
            Entry::Mailbox(print) => note(&mut self.mailboxes, print, place),
            Entry::Domain(name, reach) => self.domains.add(&name, reach, place),
            Entry::Exchange(name, reach) => self.exchanges.add(&name, reach, place),
            Entry::Range(range) => self.ranges.add(range, place),
        }
    }
}

/// Where an entry stands: the index of its file, and its line from 1.
#[derive(Clone, Copy, Debug)]
struct Place {
    file: u32,
    line: u32,
}

/// Half of a SHA-256 hash: nobody has the same one by chance among billions of entries, and it
/// needs half the memory.
type Fingerprint = [u8; 16];

type Table = HashMap<Fingerprint, Place>;

fn fingerprint(text: &str) -> Fingerprint {
    let digest: [u8; 32] = Sha256::digest(text).into();
    half(digest)
}

fn half(digest: [u8; 32]) -> Fingerprint {
    let (first, _) = digest.split_at(size_of::<Fingerprint>());
    first.try_into().expect("a hash has two halves")
}

/// Of entries that say the same the first one is told.
fn note(table: &mut Table, print: Fingerprint, place: Place) {
    table.entry(print).or_insert(place);
}

/// Names, alone or with all that lies below them.
#[derive(Debug, Default)]
struct Names {
    alone: Table,
    with_below: Table,
}

impl Names {
    fn add(&mut self, name: &str, reach: Reach, place: Place) {
        let table = match reach {
            Reach::Alone => &mut self.alone,
            Reach::WithBelow => &mut self.with_below,
        };
        note(table, fingerprint(name), place);
    }

    /// The entry that covers a name, as it is written.
    fn find(&self, name: &str) -> Option<(String, Place)> {
        if self.len() == 0 {
            return None;
        }
        if let Some(place) = self.alone.get(&fingerprint(name)) {
            return Some((name.to_owned(), *place));
        }
        let mut rest = Some(name);
        while let Some(suffix) = rest {
            if let Some(place) = self.with_below.get(&fingerprint(suffix)) {
                return Some((format!(".{suffix}"), *place));
            }
            rest = suffix.split_once('.').map(|(_, above)| above);
        }
        None
    }

    fn len(&self) -> usize {
        self.alone.len() + self.with_below.len()
    }
}

/// Ranges of addresses, found by asking for each prefix length that is in use.
#[derive(Debug, Default)]
struct Ranges {
    places: HashMap<IpNet, Place>,
    /// Whether IPv6, and how many bits.
    lengths: BTreeSet<(bool, u8)>,
}

impl Ranges {
    fn add(&mut self, range: IpNet, place: Place) {
        self.lengths
            .insert((range.addr().is_ipv6(), range.prefix_len()));
        self.places.entry(range).or_insert(place);
    }

    /// The narrowest range that holds the address.
    fn find(&self, address: IpAddr) -> Option<(IpNet, Place)> {
        let lengths = self.lengths.iter().rev();
        let mut lengths = lengths.filter(|(is_v6, _)| *is_v6 == address.is_ipv6());
        lengths.find_map(|(_, length)| {
            let range = IpNet::new(address, *length).ok()?.trunc();
            Some((range, *self.places.get(&range)?))
        })
    }
}

/// The end of a long path, where it tells most.
fn end_of(text: &str, characters_max: usize) -> String {
    let count = text.chars().count();
    if count <= characters_max {
        return text.to_owned();
    }
    let end: String = text.chars().skip(count - characters_max).collect();
    format!("…{end}")
}

/// Characters of a path that a fact shows: with the entry it stays well below what a policy may
/// pass on (1,024 octets).
const FILE_SHOWN_MAX: usize = 120;
