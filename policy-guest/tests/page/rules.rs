//! The page of rules.

use std::fmt::Write;

use crate::parse::{Knowledge, Rule, SECTIONS};

const HEAD: &str = "\
# Rules

How the default policy reads a negative reply: with the rules of
[policy-guest/rules.toml](../policy-guest/rules.toml), from top to bottom; the first that holds
decides. They are compiled into the policy; a verdict names its rule in the fact `rule`, and `vrfy
explain` shows its source and the rules that it beat. This page is made from that file, and a test
holds it to it.

Positive replies need no rule: 250 accepts, 251 accepts and forwards, 252 accepts without having
looked. What a reading comes to when a decoy got the same answer is the policy's affair, not a
rule's.

## Adding a rule

Most new knowledge is a phrase: add it to `any` of the rule that it belongs to, in lower case, and
the reply that you saw to the rule's `cases`, addresses replaced by reserved ones:

```toml
any = [
    \"mailbox is full\", \"mailbox has no room left\",
]
cases = [\"552 Mailbox has no room left: <ana@example.com>\"]
```

A rule of its own is a table in the section that its knowledge belongs to; the head of the file
explains every field. Then `cargo test --package vrfy-policy-default` says whether each case is
decided by its own rule, `make bless` rewrites this page, and `make judge` says what else has
changed: how many replies of known meaning are read right, and which rules and phrases never
decide.

Choose phrases that name the thing (\"mailbox full\"), not phrases that happen to be near it
(\"full\"). What would mean something else in other servers' replies needs `providers`.

## Precedence
";

pub(crate) fn render(knowledge: &Knowledge) -> String {
    let mut out = HEAD.to_owned();
    out.push('\n');
    for (number, section) in SECTIONS.iter().enumerate() {
        let (number, table, about) = (number + 1, section.table, section.about);
        writeln!(out, "{number}. [`{table}`](#{table}): {about}").unwrap();
    }
    out += "\nWhy words come before enhanced codes: ";
    out += "[rule-precedence](../decisions/rule-precedence.md).\n";
    for (number, section) in SECTIONS.iter().enumerate() {
        write!(out, "\n## {}\n\n", section.table).unwrap();
        out += "| rule | says | reason | when | source | a case |\n|---|---|---|---|---|---|\n";
        for rule in knowledge.rules.iter().filter(|rule| rule.section == number) {
            row(&mut out, rule);
        }
    }
    providers(&mut out, knowledge);
    out
}

fn row(out: &mut String, rule: &Rule) {
    let Rule {
        id,
        says,
        reason,
        source,
        ..
    } = rule;
    let plain = if rule.plain { ", plainly" } else { "" };
    let case = cell(&rule.cases[0].given);
    let (when, source) = (when(rule), cell(source));
    writeln!(
        out,
        "| `{id}` | {says}{plain} | [`{reason}`](reasons.md) | {when} | {source} | `{case}` |"
    )
    .unwrap();
}

/// The conditions in a few words.
fn when(rule: &Rule) -> String {
    let mut parts = Vec::new();
    let lists = [
        ("", &rule.codes),
        ("", &rule.enhanced),
        ("at ", &rule.stages),
        ("from ", &rule.providers),
    ];
    for (before, list) in lists {
        if !list.is_empty() {
            parts.push(format!("{before}{}", list.join(", ")));
        }
    }
    if !rule.all.is_empty() {
        parts.push(format!("`{}`", cell(&rule.all.join("` and `"))));
    }
    match rule.any.len() {
        0 => {}
        1..=3 => parts.push(format!("`{}`", cell(&rule.any.join("` or `")))),
        _ => parts.push(format!("`{}` or another phrase", cell(&rule.any[0]))),
    }
    if !rule.none.is_empty() {
        parts.push(format!(
            "without `{}`{}",
            cell(&rule.none[0]),
            more(&rule.none)
        ));
    }
    parts.join("; ")
}

fn more(list: &[String]) -> &'static str {
    if list.len() > 1 { " and others" } else { "" }
}

fn providers(out: &mut String, knowledge: &Knowledge) {
    out.push_str(
        "\n## Providers\n\nTold by the name of the exchange. *Accepts unchecked*: `always` answers \
         RCPT with 250 without looking for the\nmailbox, so that no acceptance proves anything; \
         `by-domain` leaves that to its customers, and a decoy tells.\n\n\
         | provider | exchanges | accepts unchecked | notes | source |\n\
         |---|---|---|---|---|\n",
    );
    for one in &knowledge.providers {
        let (exchanges, source) = (one.exchanges.join("`, `"), cell(&one.source));
        let (name, notes, unchecked) = (&one.name, cell(&one.notes), &one.accepts_unchecked);
        writeln!(
            out,
            "| {name} | `{exchanges}` | {unchecked} | {notes} | {source} |"
        )
        .unwrap();
    }
}

/// Text for a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
