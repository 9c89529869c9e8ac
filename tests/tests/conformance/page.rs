//! The page that people read.

use crate::section::{Rule, Section};

const HEAD: &str = "\
# Conformance

Which rules of the standards bind a client that looks an address up, asks its exchanges as far as
RCPT TO and never sends a message; and which test shows each of them.

Written by `make bless` from [tests/data/conformance](../tests/data/conformance); a test fails when
a rule is missing, when a test that is named here does not exist, or when this page is not what the
files say.

**Level** is that of the document for a client. *(server)* marks what the other side owes us: the
test shows that we survive its breach. *practice* is what servers do without a document; *ours*
follows from being a probe. **Shown by** names test functions, dialogues (`.smtp`) and policy cases
(in quotes). A rule is *held*, or it is an *exception* with its reason.
";

/// The whole page.
pub(crate) fn render(sections: &[Section]) -> String {
    let rules = || sections.iter().flat_map(|section| &section.rule);
    let exceptions = rules().filter(|rule| rule.exception.is_some()).count();
    let held = rules().count() - exceptions;
    let mut page = HEAD.to_owned();
    page += &format!(
        "\n{} rules: {held} held, {exceptions} exceptions.\n",
        rules().count()
    );
    for section in sections {
        page += &format!("\n## {}\n\n", section.title);
        page += "| id | rule | level, source | shown by | status |\n|---|---|---|---|---|\n";
        for rule in &section.rule {
            page += &row(rule);
        }
    }
    page
}

fn row(rule: &Rule) -> String {
    let tests: Vec<String> = rule.tests.iter().map(|test| link(test)).collect();
    let status = match &rule.exception {
        Some(why) => format!("exception: {why}"),
        None => "held".to_owned(),
    };
    let how = rule.how.as_ref().map(|how| format!("; {how}"));
    let source = match rule.source.as_str() {
        "-" => String::new(),
        source => format!(", {source}"),
    };
    format!(
        "| {} | {} | {}{source} | {} | {status}{} |\n",
        rule.id,
        rule.rule,
        rule.level,
        tests.join("<br>"),
        how.unwrap_or_default()
    )
}

/// The test by its own name, leading to its file.
fn link(test: &str) -> String {
    let (path, name) = match test.split_once("::") {
        Some((path, name)) if path.ends_with(".rs") => (path, name.to_owned()),
        Some((path, name)) => (path, format!("\"{name}\"")),
        None => (test, test.rsplit('/').next().unwrap_or(test).to_owned()),
    };
    format!("[{name}](../{path})")
}
