//! Names and addresses that belong to somebody: tests and examples must not have any.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The first name or address in the line that may belong to somebody.
pub(crate) fn somebodys(line: &str) -> Option<&str> {
    let mut names = tokens(line, is_of_name).map(|(_, token)| token);
    // Sections of a standard are counted like addresses.
    let is_section = |before: &str| {
        let word = before.split_whitespace().next_back();
        before.contains("ection") && word.is_some_and(|word| SECTION.contains(&word))
    };
    let mut addresses = tokens(line, is_of_address)
        .filter(|(before, _)| !is_section(before))
        .map(|(_, token)| token);
    names
        .find(|token| is_real_name(token))
        .or_else(|| addresses.find(|token| is_real_address(token)))
}

/// The pieces of the line that consist of these characters, each with what stands before it.
fn tokens(line: &str, is_of: fn(char) -> bool) -> impl Iterator<Item = (&str, &str)> {
    let mut at = 0;
    line.split_inclusive(move |character| !is_of(character))
        .map(move |piece| {
            let before = &line[..at];
            at += piece.len();
            (
                before,
                piece.trim_end_matches(|character| !is_of(character)),
            )
        })
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || ['.', '-', '_'].contains(&character)
}

/// Whether this is a domain name under a top-level domain that is delegated, and not reserved for
/// examples (RFC 2606).
pub(crate) fn is_real_name(token: &str) -> bool {
    let token = token.trim_matches(['.', '-']).to_ascii_lowercase();
    let labels: Vec<&str> = token.split('.').collect();
    let [.., second, last] = labels[..] else {
        return false;
    };
    let is_example = second == "example" && ["com", "net", "org"].contains(&last);
    ENDINGS.contains(&last) && !is_example && labels.iter().all(|label| !label.is_empty())
}

fn is_of_address(character: char) -> bool {
    character.is_ascii_hexdigit() || ['.', ':'].contains(&character)
}

/// Whether this is an address of the Internet, and not one for documentation or private use.
pub(crate) fn is_real_address(token: &str) -> bool {
    let is_reversed = token.ends_with('.');
    let token = token.trim_matches('.');
    if let Ok(address) = token.parse::<Ipv4Addr>() {
        // At the beginning of a name, as in `1.2.0.192.in-addr.arpa`, an address runs backwards.
        let [a, b, c, d] = address.octets();
        if is_reversed && !is_real_address(&Ipv4Addr::new(d, c, b, a).to_string()) {
            return false;
        }
        let [first, second, ..] = address.octets();
        let is_shared = first == 100 && (64..128).contains(&second);
        let is_benchmark = first == 198 && (18..20).contains(&second);
        return !(address.is_private()
            || address.is_loopback()
            || address.is_link_local()
            || address.is_documentation()
            || is_shared
            || is_benchmark
            || address.octets()[..3] == [192, 0, 0]
            || first == 0
            || first >= 224);
    }
    let Ok(address) = token.parse::<Ipv6Addr>() else {
        return false;
    };
    let segments = address.segments();
    let is_documentation = segments[..2] == [0x2001, 0xdb8] || segments[0] == 0x3fff;
    (0x2000..0x4000).contains(&segments[0]) && !is_documentation
}

/// What stands before the number of a section, in a line that speaks of sections.
const SECTION: [&str; 4] = ["section", "sections", "Section", "and"];

/// Top-level domains that names of strangers end with. Endings that are also usual in code (`.rs`,
/// `.md`, `.at`) are left out.
const ENDINGS: [&str; 24] = [
    "com", "net", "org", "edu", "gov", "mil", "info", "biz", "io", "co", "uk", "de", "fr", "nl",
    "eu", "ru", "cn", "jp", "br", "us", "dev", "app", "cloud", "email",
];
