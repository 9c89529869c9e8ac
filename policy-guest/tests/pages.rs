//! `docs/reasons.md` and `docs/rules.md` are what the policy's own data says.
//!
//! `VRFY_BLESS=1` rewrites them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[allow(dead_code, reason = "shared with the build, which uses more of it")]
#[path = "../build/case.rs"]
mod case;
#[allow(dead_code, reason = "shared with the build, which uses more of it")]
#[path = "../build/parse.rs"]
mod parse;

#[path = "page/reasons.rs"]
mod reasons;
#[path = "page/rules.rs"]
mod rules;

use std::fs;
use std::path::Path;

use vrfy_policy_default::describe;

fn knowledge() -> parse::Knowledge {
    let reasons = describe().reasons;
    let names: Vec<&str> = reasons.iter().map(|reason| reason.name.as_str()).collect();
    parse::read(include_str!("../rules.toml"), &names).unwrap()
}

#[test]
fn the_page_of_reasons_is_what_the_manifest_says() {
    hold("reasons.md", &reasons::render(&describe(), &knowledge()));
}

#[test]
fn the_page_of_rules_is_what_the_rule_file_says() {
    hold("rules.md", &rules::render(&knowledge()));
}

/// What is broken in a small rule file, and what is said of it, the line first.
const FAULTS: [(&str, &str, &str); 19] = [
    (
        "\"ab c\"",
        "\"Ab c\"",
        "12: rule `b`: `any`: write `Ab c` in lower case",
    ),
    (
        "\"ab c\"",
        "\"d e\"",
        "8: rule `b`: the phrase `d e` is there twice; drop one",
    ),
    (
        "\"ab c\"",
        "\"d e f\"",
        "8: rule `b`: drop the phrase `d e f`: it contains `d e`",
    ),
    (
        "id = \"b\"",
        "id = \"B\"",
        "8: a rule needs an `id`, a kebab-case name",
    ),
    (
        "id = \"b\"",
        "id = \"a\"",
        "8: rule `a`: is there twice; give this one another `id`",
    ),
    (
        "\"absent\"",
        "\"gone\"",
        "8: rule `b`: `says` is one of exists, absent, us, server",
    ),
    (
        "\"unknown-user\"",
        "\"gone\"",
        "8: rule `b`: no reason `gone`; src/reasons.rs has those",
    ),
    (
        "providers = [\"p\"]",
        "providers = [\"q\"]",
        "1: rule `a`: no provider `q`; add a [[provider]]",
    ),
    (
        "stages = [\"helo\"]",
        "stages = [\"data\"]",
        "8: rule `b`: no stage `data`; there are greeting",
    ),
    (
        "stages =",
        "steps =",
        "13: rule `b`: `steps`: no such field; the head of the file lists",
    ),
    (
        "any = [\"ab c\", \"d e\"]",
        "any = \"ab c\"",
        "12: rule `b`: `any`: must be a list of texts",
    ),
    (
        "source = \"s\" # b",
        "",
        "8: rule `b`: add `source`, where the knowledge comes from",
    ),
    (
        "cases = [\"550 Ab c\"]",
        "",
        "8: rule `b`: add `cases`, a reply at least that exactly",
    ),
    (
        "\"550 Ab c\"",
        "\"Ab c\"",
        "15: rule `b`: `cases`: the case `Ab c` must begin with a stage",
    ),
    (
        "\"550 Ab c\"",
        "\"250 Ab c\"",
        "15: rule `b`: `cases`: the case `250 Ab c` must begin",
    ),
    (
        "codes = [\"5yz\"] # c",
        "",
        "16: rule `c`: has no condition and would hold for every reply",
    ),
    (
        "[[the-mailbox]]",
        "[[by-mood]]",
        "8: there is no section `by-mood`; the head of the file",
    ),
    (
        "id = \"p\"",
        "id = \"p\"\nmood = \"\"",
        "25: provider `p`: `mood`: no such field",
    ),
    (
        "\"always\"",
        "\"often\"",
        "23: provider `p`: `accepts-unchecked` is `always` or",
    ),
];

/// Rules and a provider.
const SMALL: &str = r#"[[by-provider]]
id = "a"
says = "us"
reason = "blocked"
providers = ["p"]
source = "s"
cases = ["550 No"]
[[the-mailbox]]
id = "b"
says = "absent"
reason = "unknown-user"
any = ["ab c", "d e"]
stages = ["helo"]
source = "s" # b
cases = ["550 Ab c"]
[[weak-words]]
id = "c"
says = "us"
reason = "blocked"
codes = ["5yz"] # c
source = "s"
cases = ["550 No"]
[[provider]]
id = "p"
name = "P"
exchanges = ["p.test"]
accepts-unchecked = "always"
source = "s"
"#;

fn fault(file: &str) -> String {
    let error = parse::read(file, &["blocked", "unknown-user"]).err();
    error.unwrap_or_else(|| "nothing is wrong".to_owned())
}

#[test]
fn what_is_wrong_with_the_rule_file_is_told_with_its_line_and_what_to_do() {
    let good = SMALL;
    assert_eq!(fault(good), "nothing is wrong");
    for (right, wrong, told) in FAULTS {
        assert!(good.contains(right), "{right}");
        let found = fault(&good.replacen(right, wrong, 1));
        assert!(
            found.starts_with(told),
            "{wrong}\n  expected {told}\n  found    {found}"
        );
    }
}

#[test]
fn a_rule_after_its_section_is_told() {
    let lost = format!("{}[[by-provider]]\nid = \"lost\"\n", SMALL);
    let told = "29: [[by-provider]] stands after a later section; move it up to its section";
    assert_eq!(fault(&lost), told);
}

/// Fails unless `docs/NAME` has this text.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no arguments to be blessed with"
)]
fn hold(name: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(name);
    if std::env::var_os("VRFY_BLESS").is_some() {
        fs::write(&path, expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let mut lines = found.lines().zip(expected.lines()).enumerate();
    let at = lines.find(|(_, (found, expected))| found != expected);
    assert!(
        found == expected,
        "docs/{name} is not what the policy says, from line {}: {:?}; run `VRFY_BLESS=1 cargo test \
         --package vrfy-policy-default --test pages`",
        at.map_or_else(
            || found.lines().count().min(expected.lines().count()) + 1,
            |(at, _)| at + 1
        ),
        at.map(|(_, lines)| lines)
    );
}
