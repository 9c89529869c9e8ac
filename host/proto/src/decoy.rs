//! The local part of a decoy: a recipient that cannot exist, asked beside the real one.
//!
//! **Promises.** Same secret, same domain: same decoy, in every attempt and every run, because a
//! new one each time would be greylisted for ever. Different domains or secrets: unrelated decoys.
//! It has [`DECOY_LENGTH_MIN`] to [`DECOY_LENGTH_MAX`] lower-case letters and digits and begins
//! with a letter, so that every server takes its form; it is drawn from more than 2^100
//! possibilities by SHA-256, so that nobody has it by chance, and whoever sees one learns nothing
//! about the others as long as the secret is kept.
//!
//! **Does not** hide that it is a decoy from a reader, and cannot stop a server from creating a
//! mailbox for it once it was asked about. Mix the egress into the secret to have one for each.

use sha2::{Digest, Sha256};

use crate::domain::Domain;

/// Shortest decoy: long enough that its letters and digits are never in use by chance.
pub const DECOY_LENGTH_MIN: usize = 20;

/// Longest decoy: within the strictest limits that large providers set for local parts (30).
pub const DECOY_LENGTH_MAX: usize = 24;

/// The local part of the decoy for a domain. The secret is the operator's: any length, 16 random
/// octets or more to be unpredictable.
pub fn local_part(secret: &[u8], domain: &Domain) -> String {
    let mut hash = Sha256::new();
    hash.update(CONTEXT);
    hash.update((secret.len() as u64).to_be_bytes());
    hash.update(secret);
    hash.update(domain.to_string());
    let digest: [u8; 32] = hash.finalize().into();
    let [length, first, rest @ ..] = digest;
    let span = DECOY_LENGTH_MAX - DECOY_LENGTH_MIN + 1;
    let length = DECOY_LENGTH_MIN + usize::from(length) % span;
    let mut decoy = String::with_capacity(DECOY_LENGTH_MAX);
    decoy.push(pick(first, LETTERS));
    decoy.extend(
        rest.iter()
            .take(length - 1)
            .map(|octet| pick(*octet, LETTERS_AND_DIGITS)),
    );
    decoy
}

/// An octet is no multiple of the alphabet; the unevenness costs less than half a bit a character.
fn pick(octet: u8, alphabet: &[u8]) -> char {
    char::from(alphabet[usize::from(octet) % alphabet.len()])
}

/// Keeps these hashes apart from all others that the same secret may be used for.
const CONTEXT: &[u8] = b"vrfy decoy 1\0";
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const LETTERS_AND_DIGITS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::mailbox::Mailbox;

    fn decoy(secret: &[u8], domain: &str) -> String {
        local_part(secret, &Domain::parse(domain).unwrap())
    }

    #[test]
    fn the_decoy_of_a_domain_stays_the_same() {
        let first = decoy(b"secret", "example.com");
        assert_eq!(first, decoy(b"secret", "EXAMPLE.com"));
        // Fixed for ever: servers greylist by it, and caches of other versions hold it.
        assert_eq!(first, "vgvthpr6khahafbl7h8yu");
    }

    #[test]
    fn other_domains_and_other_secrets_have_other_decoys() {
        let domains = (0..1_000).map(|n| decoy(b"secret", &format!("d{n}.test")));
        let secrets = (0..1_000u32).map(|n| decoy(&n.to_be_bytes(), "example.com"));
        let all: HashSet<String> = domains.chain(secrets).collect();
        assert_eq!(all.len(), 2_000);
    }

    #[test]
    fn the_border_between_secret_and_domain_cannot_be_moved() {
        assert_ne!(
            decoy(b"a", "b.test"),
            decoy(b"ab", ".test".trim_start_matches('.'))
        );
        assert_ne!(decoy(b"", "example.com"), decoy(b"example", "com"));
    }

    #[test]
    fn every_decoy_is_a_plain_local_part() {
        for n in 0..1_000 {
            let decoy = decoy(b"secret", &format!("d{n}.test"));
            assert!(
                (DECOY_LENGTH_MIN..=DECOY_LENGTH_MAX).contains(&decoy.len()),
                "{decoy}"
            );
            assert!(
                decoy.starts_with(|c: char| c.is_ascii_lowercase()),
                "{decoy}"
            );
            let mailbox = Mailbox::parse(&format!("{decoy}@example.com")).unwrap();
            assert_eq!(mailbox.local_part(), decoy);
        }
    }

    #[test]
    fn all_lengths_occur() {
        let lengths: HashSet<usize> = (0..200)
            .map(|n| decoy(b"secret", &format!("d{n}.test")).len())
            .collect();
        assert_eq!(lengths.len(), DECOY_LENGTH_MAX - DECOY_LENGTH_MIN + 1);
    }
}
