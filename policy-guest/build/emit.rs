//! Writes the tables as Rust source: `include!`d by `src/rules.rs`.

use std::fmt::Write;

use crate::automaton::Automaton;
use crate::parse::{Knowledge, Provider, Rule};

/// The source text of the tables that decide.
pub(crate) fn tables(knowledge: &Knowledge) -> String {
    let Knowledge { providers, rules } = knowledge;
    let phrases = phrases(rules);
    let mut out = String::new();
    let words = phrases.len().div_ceil(64);
    line(
        &mut out,
        format_args!("/// How many words of 64 bits hold one bit for every phrase."),
    );
    line(
        &mut out,
        format_args!("pub(crate) const PHRASE_WORDS: usize = {words};"),
    );
    automaton(&mut out, &Automaton::of(&phrases));
    uses(&mut out, rules, &phrases);
    line(
        &mut out,
        format_args!("/// Every rule, in the order of precedence."),
    );
    line(
        &mut out,
        format_args!("static RULES: [Rule; {}] = [", rules.len()),
    );
    for rule in rules {
        row(&mut out, rule, providers, &phrases);
    }
    line(&mut out, format_args!("];"));
    line(&mut out, format_args!("/// The phrases by their numbers."));
    line(
        &mut out,
        format_args!("#[cfg(not(target_arch = \"wasm32\"))]"),
    );
    line(
        &mut out,
        format_args!(
            "pub(crate) static PHRASES: [&str; {}] = {phrases:?};",
            phrases.len()
        ),
    );
    line(
        &mut out,
        format_args!("static PROVIDERS: [Provider; {}] = [", providers.len()),
    );
    for provider in providers {
        let unchecked = match provider.accepts_unchecked.as_str() {
            "" => "not-known",
            told => told,
        };
        line(
            &mut out,
            format_args!(
                "    Provider {{ id: {:?}, unchecked: Unchecked::{}, exchanges: &{:?} }},",
                provider.id,
                camel(unchecked),
                provider.exchanges
            ),
        );
    }
    line(&mut out, format_args!("];"));
    out
}

/// The source text of the tables for tests and reports, which no decision needs.
pub(crate) fn cases(rules: &[Rule]) -> String {
    let mut out = String::new();
    let count: usize = rules.iter().map(|rule| rule.cases.len()).sum();
    line(&mut out, format_args!("/// Every case of every rule."));
    line(
        &mut out,
        format_args!("pub(crate) static CASES: [Case; {count}] = ["),
    );
    for rule in rules {
        for case in &rule.cases {
            line(
                &mut out,
                format_args!(
                    "    Case {{ rule: {:?}, line: {}, given: {:?}, stage: {:?}, exchange: {:?}, \
                     code: {}, enhanced: {:?}, text: {:?} }},",
                    rule.id,
                    case.line,
                    case.given,
                    case.stage,
                    case.exchange,
                    case.code,
                    case.enhanced,
                    case.text
                ),
            );
        }
    }
    line(&mut out, format_args!("];"));
    out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a String takes everything");
}

/// All distinct phrases, sorted.
fn phrases(rules: &[Rule]) -> Vec<String> {
    let mut phrases: Vec<String> = rules
        .iter()
        .flat_map(|rule| [&rule.all, &rule.any, &rule.also, &rule.none])
        .flatten()
        .cloned()
        .collect();
    phrases.sort();
    phrases.dedup();
    phrases
}

/// Which rules use each phrase, and how: `rule * 4 + 0` among `any`, `+ 1` among `also`, `+ 2`
/// among `none`; and a bit for every rule that does without such a list.
fn uses(out: &mut String, rules: &[Rule], phrases: &[String]) {
    let words = rules.len().div_ceil(64);
    line(
        out,
        format_args!("/// How many words of 64 bits hold one bit for every rule."),
    );
    line(out, format_args!("const RULE_WORDS: usize = {words};"));
    let (mut starts, mut all) = (vec![0], Vec::new());
    for phrase in phrases {
        for (number, rule) in rules.iter().enumerate() {
            let lists = [&rule.any, &rule.also, &rule.none];
            let lists = lists.iter().enumerate();
            let using = lists.filter(|(_, list)| list.contains(phrase));
            all.extend(using.map(|(how, _)| number * 4 + how));
        }
        starts.push(all.len());
    }
    line(
        out,
        format_args!("static USES: [u16; {}] = {starts:?};", starts.len()),
    );
    line(
        out,
        format_args!("static USE: [u16; {}] = {all:?};", all.len()),
    );
    for (name, list) in [
        (
            "WITHOUT_ANY",
            (|rule| &rule.any) as fn(&Rule) -> &Vec<String>,
        ),
        ("WITHOUT_ALSO", |rule| &rule.also),
    ] {
        let mut bits = vec![0_u64; words];
        for (number, rule) in rules.iter().enumerate() {
            bits[number / 64] |= u64::from(list(rule).is_empty()) << (number % 64);
        }
        line(
            out,
            format_args!("const {name}: [u64; RULE_WORDS] = {bits:?};"),
        );
    }
}

fn automaton(out: &mut String, automaton: &Automaton) {
    let states = automaton.label.len();
    line(
        out,
        format_args!("static ROOT: [u16; 256] = {:?};", automaton.root()),
    );
    line(
        out,
        format_args!("static MASK: [u32; {states}] = {:?};", automaton.masks()),
    );
    line(
        out,
        format_args!("static LABEL: [u8; {states}] = {:?};", automaton.label),
    );
    line(
        out,
        format_args!(
            "static CHILD: [u16; {}] = {:?};",
            states + 1,
            automaton.child
        ),
    );
    line(
        out,
        format_args!("static FAIL: [u16; {states}] = {:?};", automaton.fail),
    );
    line(
        out,
        format_args!("static HIT: [u16; {states}] = {:?};", automaton.hit),
    );
    line(
        out,
        format_args!("static PHRASE: [u16; {states}] = {:?};", automaton.phrase),
    );
}

fn row(out: &mut String, rule: &Rule, providers: &[Provider], phrases: &[String]) {
    let numbers = |list: &[String]| -> Vec<usize> {
        list.iter()
            .map(|phrase| {
                phrases
                    .binary_search(phrase)
                    .expect("every phrase was collected")
            })
            .collect()
    };
    let (digits, exact) = codes(rule);
    let enhanced: Vec<String> = rule.enhanced.iter().map(|p| pattern(rule, p)).collect();
    let stages: Vec<String> = rule
        .stages
        .iter()
        .map(|s| format!("At::{}", camel(s)))
        .collect();
    line(out, format_args!("    Rule {{"));
    line(out, format_args!("        id: {:?},", rule.id));
    line(
        out,
        format_args!("        says: Says::{},", camel(&rule.says)),
    );
    line(
        out,
        format_args!("        reason: Reason::{},", camel(&rule.reason)),
    );
    line(out, format_args!("        plain: {},", rule.plain));
    line(out, format_args!("        source: {:?},", rule.source));
    line(out, format_args!("        digits: {digits:#b},"));
    line(out, format_args!("        codes: &{exact:?},"));
    line(
        out,
        format_args!("        enhanced: &[{}],", enhanced.join(", ")),
    );
    line(
        out,
        format_args!("        stages: &[{}],", stages.join(", ")),
    );
    let own: Vec<usize> = (0..providers.len())
        .filter(|at| rule.providers.contains(&providers[*at].id))
        .collect();
    line(out, format_args!("        providers: &{own:?},"));
    line(out, format_args!("        all: &{:?},", numbers(&rule.all)));
    line(out, format_args!("        any: &{:?},", numbers(&rule.any)));
    line(
        out,
        format_args!("        also: &{:?},", numbers(&rule.also)),
    );
    line(out, format_args!("    }},"));
}

/// A bit for every first digit that is allowed whole (`5yz`), and the codes allowed one by one.
/// A rule that names no code allows every negative one.
fn codes(rule: &Rule) -> (u16, Vec<u16>) {
    if rule.codes.is_empty() {
        return (0b11_0000, Vec::new());
    }
    let mut digits = 0;
    let mut exact = Vec::new();
    for code in &rule.codes {
        match code.strip_suffix("yz") {
            Some(digit) => digits |= 1 << number(rule, digit),
            None => exact.push(number(rule, code)),
        }
    }
    (digits, exact)
}

/// `x.7.*`: `x` is either class, `*` every detail.
fn pattern(rule: &Rule, pattern: &str) -> String {
    let parts: Vec<&str> = pattern.split('.').collect();
    let [class, subject, detail] = parts[..] else {
        panic!("rule `{}`: `{pattern}` is no enhanced code", rule.id);
    };
    let class = if class == "x" { 0 } else { number(rule, class) };
    let (least, greatest) = match (detail, detail.split_once('-')) {
        ("*", _) => (0, 999),
        (_, Some((least, greatest))) => (number(rule, least), number(rule, greatest)),
        _ => (number(rule, detail), number(rule, detail)),
    };
    let subject = number(rule, subject);
    format!("Enhanced {{ class: {class}, subject: {subject}, details: ({least}, {greatest}) }}")
}

fn number(rule: &Rule, digits: &str) -> u16 {
    digits
        .parse()
        .unwrap_or_else(|_| panic!("rule `{}`: `{digits}` is no number", rule.id))
}

/// `unknown-user` to `UnknownUser`.
fn camel(kebab: &str) -> String {
    kebab
        .split('-')
        .map(|group| group[..1].to_ascii_uppercase() + &group[1..])
        .collect()
}
