//! Macros of SPF (RFC 7208 section 7): names that are put together from who asks.

use std::fmt::Write as _;
use std::net::IpAddr;

/// Octets of a name that DNS can carry, as text (RFC 7208 section 7.3 cuts longer ones).
const NAME_MAX: usize = 253;

/// A domain-spec, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DomainSpec {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// `%%`, `%_` and `%-`.
    Escape(&'static str),
    Macro(Macro),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Macro {
    /// In lower case.
    letter: char,
    /// Whether the letter was a capital.
    escapes: bool,
    /// Parts kept, from the right; all of them where absent.
    keep: Option<usize>,
    reverses: bool,
    /// Empty for the dot.
    delimiters: String,
}

/// What macros stand for.
#[derive(Clone, Debug)]
pub(super) struct Values<'a> {
    /// The address of the client.
    pub(super) ip: IpAddr,
    /// The local part of the sender.
    pub(super) local_part: &'a str,
    /// The domain of the sender.
    pub(super) sender_domain: &'a str,
    /// The EHLO name.
    pub(super) ehlo: &'a str,
    /// The domain whose record is being read.
    pub(super) domain: &'a str,
    /// The validated name of the client, for `%{p}`.
    pub(super) validated: &'a str,
}

impl DomainSpec {
    /// Reads a domain-spec (section 7.1): a macro-string that ends in a label that can be a
    /// top-level one, or in a macro.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts = parts(text, LETTERS)?;
        if let Some(Part::Literal(last)) = parts.last() {
            let last = last.strip_suffix('.').unwrap_or(last);
            let top = last.rsplit_once('.').map(|(_, top)| top);
            if !top.is_some_and(is_top_label) {
                return Err(format!("\"{text}\" does not end like a domain name"));
            }
        }
        if parts.is_empty() {
            return Err("a domain name is missing".to_owned());
        }
        Ok(Self { parts })
    }

    /// Whether the validated name of the client is needed.
    pub(super) fn needs_validated(&self) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|part| matches!(part, Part::Macro(Macro { letter: 'p', .. })))
    }

    /// The name that it stands for; nothing where that is none that DNS can carry.
    pub(super) fn expand(&self, values: &Values<'_>) -> Option<String> {
        let mut name = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => name.push_str(text),
                Part::Escape(text) => name.push_str(text),
                Part::Macro(part) => name.push_str(&part.expand(values)),
            }
        }
        let mut name = name.strip_suffix('.').unwrap_or(&name);
        while name.len() > NAME_MAX {
            name = name.split_once('.')?.1;
        }
        is_name(name).then(|| name.to_ascii_lowercase())
    }
}

/// Whether DNS can carry this name.
pub(super) fn is_name(name: &str) -> bool {
    let legal = |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'\\' | b'"');
    let label = |label: &str| {
        let length = label.len();
        (1..=63).contains(&length) && label.bytes().all(legal)
    };
    name.len() <= NAME_MAX && name.split('.').all(label)
}

/// Checks a macro-string that is not used, such as the value of an unknown modifier.
pub(super) fn check_macro_string(text: &str) -> Result<(), String> {
    parts(text, LETTERS_OF_TEXT).map(drop)
}

/// What may stand in a name, and what may also stand in an explanation (section 7.2).
const LETTERS: &str = "slodiphv";
const LETTERS_OF_TEXT: &str = "slodiphvcrt";

fn parts(text: &str, letters: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        push_literal(&mut parts, before);
        let (end, literal) = match after.as_bytes().first() {
            Some(b'%') => (1, "%"),
            Some(b'_') => (1, " "),
            Some(b'-') => (1, "%20"),
            Some(b'{') => {
                let end = after.find('}').ok_or("a macro has no end")?;
                parts.push(Part::Macro(Macro::parse(&after[1..end], letters)?));
                (end + 1, "")
            }
            _ => return Err("a % stands by itself".to_owned()),
        };
        // What an escape stands for ends a domain-spec as a macro does.
        if !literal.is_empty() {
            parts.push(Part::Escape(literal));
        }
        rest = &after[end..];
    }
    push_literal(&mut parts, rest);
    Ok(parts)
}

fn push_literal(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Literal(text.to_owned()));
    }
}

impl Macro {
    /// Reads what stands between the braces.
    fn parse(text: &str, letters: &str) -> Result<Self, String> {
        let fault = || format!("\"%{{{text}}}\" is no macro");
        let mut characters = text.chars();
        let letter = characters.next().ok_or_else(fault)?;
        if !letters.contains(letter.to_ascii_lowercase()) {
            return Err(fault());
        }
        let rest = characters.as_str();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = rest.split_at(digits);
        let keep = match digits {
            "" => None,
            digits => Some(digits.parse().unwrap_or(usize::MAX)),
        };
        let (reverses, delimiters) = match rest.strip_prefix(['r', 'R']) {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let are_delimiters = delimiters.chars().all(|one| DELIMITERS.contains(one));
        if keep == Some(0) || !are_delimiters {
            return Err(fault());
        }
        Ok(Self {
            letter: letter.to_ascii_lowercase(),
            escapes: letter.is_ascii_uppercase(),
            keep,
            reverses,
            delimiters: delimiters.to_owned(),
        })
    }

    fn expand(&self, values: &Values<'_>) -> String {
        let value = match self.letter {
            's' => format!("{}@{}", values.local_part, values.sender_domain),
            'l' => values.local_part.to_owned(),
            'o' => values.sender_domain.to_owned(),
            'd' => values.domain.to_owned(),
            'i' => dotted(values.ip),
            'p' => values.validated.to_owned(),
            'v' if values.ip.is_ipv4() => "in-addr".to_owned(),
            'v' => "ip6".to_owned(),
            _ => values.ehlo.to_owned(),
        };
        let is_delimiter = |character: char| match self.delimiters.as_str() {
            "" => character == '.',
            delimiters => delimiters.contains(character),
        };
        let mut parts: Vec<&str> = value.split(is_delimiter).collect();
        if self.reverses {
            parts.reverse();
        }
        let keep = self.keep.unwrap_or(usize::MAX).min(parts.len());
        let joined = parts[parts.len() - keep..].join(".");
        if self.escapes {
            escaped(&joined)
        } else {
            joined
        }
    }
}

/// What may split a value (section 7.1).
const DELIMITERS: &str = ".-+,/_=";

/// The address as `%{i}` has it: IPv6 by nibbles.
fn dotted(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let digits = format!("{:032x}", ip.to_bits());
            let digits: Vec<String> = digits.chars().map(String::from).collect();
            digits.join(".")
        }
    }
}

/// Everything but the unreserved characters of RFC 3986 section 2.3 as `%XX`.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(octet));
        } else {
            let _ = write!(escaped, "%{octet:02X}");
        }
    }
    escaped
}

/// Letters, digits and inner hyphens, and not digits alone (section 7.1).
fn is_top_label(label: &str) -> bool {
    let legal = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    let is_edge = |octet: Option<u8>| octet.is_some_and(|octet| octet.is_ascii_alphanumeric());
    label.bytes().all(legal)
        && is_edge(label.bytes().next())
        && is_edge(label.bytes().next_back())
        && !label.bytes().all(|octet| octet.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of the examples in RFC 7208 section 7.4, with names that are reserved.
    fn values(ip: &str) -> Values<'static> {
        Values {
            ip: ip.parse().unwrap(),
            local_part: "strong-bad",
            sender_domain: "email.example.com",
            ehlo: "mx.example.org",
            domain: "email.example.com",
            validated: "mx.example.org",
        }
    }

    fn expanded(text: &str, ip: &str) -> String {
        let parts = parts(text, LETTERS).unwrap();
        let spec = DomainSpec { parts };
        spec.expand(&values(ip)).unwrap()
    }

    #[test]
    fn the_examples_of_the_standard_expand_as_it_says() {
        for (text, name) in [
            ("%{s}", "strong-bad@email.example.com"),
            ("%{o}", "email.example.com"),
            ("%{d}", "email.example.com"),
            ("%{d4}", "email.example.com"),
            ("%{d3}", "email.example.com"),
            ("%{d2}", "example.com"),
            ("%{d1}", "com"),
            ("%{dr}", "com.example.email"),
            ("%{d2r}", "example.email"),
            ("%{l}", "strong-bad"),
            ("%{l-}", "strong.bad"),
            ("%{lr}", "strong-bad"),
            ("%{lr-}", "bad.strong"),
            ("%{l1r-}", "strong"),
            ("%{h}", "mx.example.org"),
            ("%{p}", "mx.example.org"),
        ] {
            assert_eq!(expanded(text, "192.0.2.3"), name, "{text}");
        }
        for (text, name) in [
            (
                "%{ir}.%{v}._spf.%{d2}",
                "3.2.0.192.in-addr._spf.example.com",
            ),
            ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
            (
                "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
                "bad.strong.lp.3.2.0.192.in-addr._spf.example.com",
            ),
            (
                "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
                "3.2.0.192.in-addr.strong.lp._spf.example.com",
            ),
            (
                "%{d2}.trusted-domains.example.net",
                "example.com.trusted-domains.example.net",
            ),
        ] {
            assert_eq!(expanded(text, "192.0.2.3"), name, "{text}");
        }
        assert_eq!(
            expanded("%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01"),
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"
        );
    }

    #[test]
    fn a_capital_escapes_what_an_address_on_the_web_cannot_hold() {
        assert_eq!(
            expanded("%{S}.test", "192.0.2.3"),
            "strong-bad%40email.example.com.test"
        );
        assert_eq!(expanded("a%-b%%.test", "192.0.2.3"), "a%20b%.test");
    }

    #[test]
    fn a_long_name_loses_labels_on_the_left() {
        let long = format!("{}%{{d}}", "a234567.".repeat(40));
        let name = expanded(&long, "192.0.2.3");
        assert!(
            name.len() <= NAME_MAX && name.len() > NAME_MAX - 9,
            "{}",
            name.len()
        );
        assert!(name.ends_with("a234567.email.example.com"));
    }

    #[test]
    fn what_is_no_domain_spec_is_refused() {
        for text in [
            "",
            "test",
            "a.123",
            "a.-x",
            "a.x-",
            "a..",
            "%{z}.test",
            "%{d",
            "%{}",
            "%{d0}.test",
            "%{dx}.test",
            "%x.test",
            "%",
            "%{c}.test",
            "%{i}x",
            "%(d).test",
        ] {
            assert!(DomainSpec::parse(text).is_err(), "{text}");
        }
        for text in [
            "a.test",
            "a.test.",
            "%{d}",
            "%{D}",
            "a.%{i2r.-}",
            "_x.a.t-1",
            "a.%%",
        ] {
            assert!(DomainSpec::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_name_that_dns_cannot_carry_is_none() {
        let spec = DomainSpec::parse("%{l}.test").unwrap();
        for local_part in ["", ".", "a..b", "a b", &"x".repeat(64)] {
            let values = Values {
                local_part,
                ..values("192.0.2.3")
            };
            assert_eq!(spec.expand(&values), None, "{local_part:?}");
        }
    }
}
