//! The reply rules: static tables made from `rules.toml` at build time, and the search in them.
//!
//! A search costs one pass over the text, which finds all phrases of all rules, and one walk over
//! the table. Nothing is allocated. How rules are written is told at the head of
//! `rules.toml`.

use crate::contract::{EnhancedStatusCode, Reply, Stage};
use crate::reasons::Reason;
use crate::text::normalise;

mod words;

include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// Whom a reply speaks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// It takes mail for the mailbox. No rule says this; positive replies are read by their code.
    Accepted,
    /// The mailbox is there.
    Exists,
    /// The mailbox is not there, or takes no mail at all.
    Absent,
    /// Us: our address, sender, rate, or what we may do.
    Us,
    /// The receiving system, or the protocol.
    Server,
    /// It cannot be told.
    Unclear,
}

/// One rule. It holds when all of its conditions hold; an empty list is no condition.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    pub(crate) says: Says,
    pub(crate) reason: Reason,
    /// It names the recipient plainly, so that the same answer to a decoy casts no doubt on it.
    pub(crate) plain: bool,
    /// Where the knowledge comes from: a page, a standard or an observation.
    pub(crate) source: &'static str,
    digits: u16,
    codes: &'static [u16],
    enhanced: &'static [Enhanced],
    stages: &'static [At],
    /// Indices into `PROVIDERS`.
    providers: &'static [usize],
    all: &'static [u16],
    any: &'static [u16],
    also: &'static [u16],
}

/// Who runs some exchanges.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) id: &'static str,
    pub(crate) unchecked: Unchecked,
    exchanges: &'static [&'static str],
}

/// Whether a provider answers RCPT with 250 without looking for the mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unchecked {
    /// Nothing of the kind is known.
    NotKnown,
    /// Each of its customers chooses for each domain: a decoy tells.
    ByDomain,
    /// For all mailboxes: no acceptance proves anything, whatever decoys are answered.
    Always,
}

/// A pattern of enhanced status codes.
#[derive(Debug)]
struct Enhanced {
    /// 0 is any class, even one that contradicts the reply code.
    class: u16,
    subject: u16,
    /// Both ends inclusive.
    details: (u16, u16),
}

/// A step of the dialogue, without what the contract's type carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    EhloAfterTls,
    MailFrom,
    RcptTo,
    Other,
}

/// The first rule that holds for a negative reply of `exchange`; `None` for any other reply.
pub(crate) fn find(reply: &Reply, exchange: &str) -> Option<&'static Rule> {
    holding(reply, exchange).next()
}

/// Every rule that holds for a negative reply of `exchange`, in the order of precedence: the first
/// decides, the others are beaten. None for any other reply.
pub(crate) fn holding<'a>(
    reply: &'a Reply,
    exchange: &'a str,
) -> impl Iterator<Item = &'static Rule> + 'a {
    let code = reply.code.unwrap_or(0);
    let at = At::of(&reply.stage);
    let phrases = Phrases::of(&reply.text);
    phrases.candidates().filter(move |rule| {
        rule.allows_code(code)
            && (at == At::RcptTo || !matches!(rule.says, Says::Exists | Says::Absent))
            && rule.all.iter().all(|phrase| phrases.has(*phrase))
            && rule.allows_enhanced(code, reply.enhanced.as_ref())
            && (rule.stages.is_empty() || rule.stages.contains(&at))
            && rule.allows_provider(exchange)
            && rule.is_on()
    })
}

/// Every rule, in the order of precedence.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn all() -> &'static [Rule] {
    &RULES
}

impl Rule {
    /// Whether it counts: always, but where the policy is under study.
    fn is_on(&self) -> bool {
        #[cfg(not(target_arch = "wasm32"))]
        return !crate::study::is_off(self.id);
        #[cfg(target_arch = "wasm32")]
        true
    }

    /// The phrases of which one must be in the text.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn any(&self) -> &'static [u16] {
        self.any
    }

    fn allows_code(&self, code: u16) -> bool {
        let digit = code / 100;
        (digit < 16 && self.digits & (1 << digit) != 0) || self.codes.contains(&code)
    }

    fn allows_enhanced(&self, code: u16, enhanced: Option<&EnhancedStatusCode>) -> bool {
        if self.enhanced.is_empty() {
            return true;
        }
        enhanced.is_some_and(|found| {
            let class = u16::from(found.class);
            self.enhanced.iter().any(|pattern| {
                let (least, greatest) = pattern.details;
                pattern.subject == found.subject
                    && (least..=greatest).contains(&found.detail)
                    && (pattern.class == 0 || (pattern.class == class && class == code / 100))
            })
        })
    }

    fn allows_provider(&self, exchange: &str) -> bool {
        let mut providers = self.providers.iter().map(|at| &PROVIDERS[*at]);
        self.providers.is_empty() || providers.any(|provider| provider.has(exchange))
    }
}

/// Who runs `exchange`, as far as it is known by name.
pub(crate) fn provider_of(exchange: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.has(exchange))
}

impl Provider {
    fn has(&self, exchange: &str) -> bool {
        self.exchanges.iter().any(|end| is_under(exchange, end))
    }
}

/// Whether `name` is `domain` or a name under it.
fn is_under(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

impl At {
    fn of(stage: &Stage) -> Self {
        match stage {
            Stage::Connect | Stage::Greeting => Self::Greeting,
            Stage::Ehlo => Self::Ehlo,
            Stage::Helo => Self::Helo,
            Stage::StartTls => Self::StartTls,
            Stage::EhloAfterTls => Self::EhloAfterTls,
            Stage::MailFrom => Self::MailFrom,
            Stage::RcptTo => Self::RcptTo,
            Stage::Rset | Stage::Quit | Stage::Other(_) => Self::Other,
        }
    }
}

/// Which phrases a text contains, one bit each.
pub(crate) struct Phrases([u64; PHRASE_WORDS]);

impl Phrases {
    pub(crate) fn of(text: &str) -> Self {
        let mut found = Self([0; PHRASE_WORDS]);
        let mut state = 0;
        normalise(text, &mut |byte| {
            state = next(state, byte);
            let mut hit = HIT[state];
            while hit != 0 {
                let phrase = usize::from(PHRASE[usize::from(hit)]);
                found.0[phrase / 64] |= 1 << (phrase % 64);
                hit = HIT[usize::from(FAIL[usize::from(hit)])];
            }
        });
        #[cfg(not(target_arch = "wasm32"))]
        crate::study::mask(&mut found.0);
        found
    }

    pub(crate) fn has(&self, phrase: u16) -> bool {
        let phrase = usize::from(phrase);
        self.0[phrase / 64] & (1 << (phrase % 64)) != 0
    }

    /// The rules, in the order of precedence, whose phrases that may be there and must not be
    /// there are as they should be. A text has a few phrases, so those lead to their rules, and
    /// not each rule to its hundred phrases.
    fn candidates(&self) -> impl Iterator<Item = &'static Rule> + use<> {
        let (mut any, mut also, mut none) = (WITHOUT_ANY, WITHOUT_ALSO, [0; RULE_WORDS]);
        for phrase in bits(self.0) {
            let (first, end) = (usize::from(USES[phrase]), usize::from(USES[phrase + 1]));
            for used in &USE[first..end] {
                let rule = usize::from(used / 4);
                let uses = match used % 4 {
                    0 => &mut any,
                    1 => &mut also,
                    _ => &mut none,
                };
                uses[rule / 64] |= 1 << (rule % 64);
            }
        }
        let mut left = any;
        for (word, left) in left.iter_mut().enumerate() {
            *left &= also[word] & !none[word];
        }
        bits(left).map(|rule| &RULES[rule])
    }
}

/// The places of the bits that are set, in order.
fn bits<const WORDS: usize>(words: [u64; WORDS]) -> impl Iterator<Item = usize> {
    words.into_iter().enumerate().flat_map(|(at, word)| {
        let mut left = word;
        std::iter::from_fn(move || {
            let bit = usize::try_from(left.trailing_zeros()).ok()?;
            left &= left.checked_sub(1)?;
            Some(at * 64 + bit)
        })
    })
}

/// The automaton's next state.
fn next(mut state: usize, byte: u8) -> usize {
    let bit = 1 << (byte % 32);
    while state != 0 {
        if MASK[state] & bit != 0 {
            let first = usize::from(CHILD[state]);
            let end = usize::from(CHILD[state + 1]);
            if let Some(child) = LABEL[first..end].iter().position(|label| *label == byte) {
                return first + child;
            }
        }
        state = usize::from(FAIL[state]);
    }
    usize::from(ROOT[usize::from(byte)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slow way to the same answer.
    fn contained(text: &str) -> Vec<&'static str> {
        let mut bytes = Vec::new();
        normalise(text, &mut |byte| bytes.push(byte));
        let text = String::from_utf8(bytes).unwrap();
        PHRASES
            .into_iter()
            .filter(|phrase| text.contains(*phrase))
            .collect()
    }

    fn found(text: &str) -> Vec<&'static str> {
        let bits = Phrases::of(text);
        let numbers = 0..u16::try_from(PHRASES.len()).unwrap();
        numbers
            .filter(|n| bits.has(*n))
            .map(|n| PHRASES[usize::from(n)])
            .collect()
    }

    #[test]
    fn every_phrase_is_found_alone_and_in_the_midst_of_others() {
        for phrase in PHRASES {
            let written = phrase.replace('@', "user@example.com");
            if phrase != phrase.to_lowercase() {
                continue; // Inside links; the next test has one.
            }
            assert!(found(&written).contains(&phrase), "{phrase}");
        }
        let all = PHRASES.join(" ");
        assert_eq!(found(&all), contained(&all));
    }

    #[test]
    fn phrases_that_overlap_are_all_found() {
        let text =
            "Sorry, no such user unknown user mailbox full: https://example.com/x?p=OverQuota";
        let found = found(text);
        for phrase in [
            "no such user",
            "user unknown",
            "unknown user",
            "mailbox full",
            "OVERQUOTA",
        ] {
            assert!(found.contains(&phrase), "{phrase}: {found:?}");
        }
        assert_eq!(found, contained(text));
    }

    #[test]
    fn a_suffix_of_an_exchange_ends_at_a_dot() {
        assert!(is_under("mx1.example.com", "example.com"));
        assert!(is_under("example.com", "example.com"));
        assert!(!is_under("mx.notexample.com", "example.com"));
    }

    #[test]
    fn every_rule_has_a_source() {
        assert!(RULES.iter().all(|rule| rule.source.len() > 6));
    }

    #[test]
    fn every_negative_reply_meets_a_rule() {
        for code in 400..600 {
            let reply = Reply {
                stage: Stage::RcptTo,
                code: Some(code),
                enhanced: None,
                text: String::new(),
                elapsed_ms: 0,
            };
            assert!(find(&reply, "mx.example.com").is_some(), "{code}");
        }
    }

    #[test]
    fn the_rules_that_were_beaten_follow_the_one_that_decides() {
        let reply = Reply {
            stage: Stage::RcptTo,
            code: Some(550),
            enhanced: Some(EnhancedStatusCode {
                class: 5,
                subject: 1,
                detail: 1,
            }),
            text: "5.1.1 Sender address rejected: User unknown".into(),
            elapsed_ms: 0,
        };
        let found: Vec<&str> = holding(&reply, "mx.example.com")
            .map(|rule| rule.id)
            .collect();
        let at = |id| found.iter().position(|found| *found == id);
        assert_eq!(found.first(), Some(&"sender-named"));
        assert!(
            at("unknown-user") < at("x-1-1") && at("x-1-1") < at("code-5yz"),
            "{found:?}"
        );
        assert_eq!(found.last(), Some(&"code-5yz"));
        let accepted = Reply {
            code: Some(250),
            ..reply
        };
        assert_eq!(holding(&accepted, "mx.example.com").count(), 0);
    }

    #[test]
    fn no_reply_before_rcpt_speaks_about_a_mailbox() {
        for stage in [
            Stage::Greeting,
            Stage::Ehlo,
            Stage::MailFrom,
            Stage::Other(String::new()),
        ] {
            let reply = Reply {
                stage,
                code: Some(550),
                enhanced: Some(EnhancedStatusCode {
                    class: 5,
                    subject: 1,
                    detail: 1,
                }),
                text: "5.1.1 User unknown, mailbox full".into(),
                elapsed_ms: 0,
            };
            let rule = find(&reply, "mx.example.com").unwrap();
            assert!(matches!(rule.says, Says::Us | Says::Server), "{rule:?}");
        }
    }
}
