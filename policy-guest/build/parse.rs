//! Reads `rules.toml`. The fields are described at its head.
//!
//! Whatever is wrong is told with its line, the rule or provider, and what to do.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::case::Case;

/// A section of the rule file: rules of an earlier one come before those of a later one.
pub(crate) struct Section {
    /// The name of the tables in it.
    pub(crate) table: &'static str,
    /// Its place in a sentence or two, for the page about the rules.
    #[allow(
        dead_code,
        reason = "the page about the rules needs it, a build does not"
    )]
    pub(crate) about: &'static str,
}

/// Every section, in the order of precedence.
pub(crate) const SECTIONS: [Section; 7] = [
    Section {
        table: "by-provider",
        about: "What single providers and products say in words or numbers of their own.",
    },
    Section {
        table: "not-the-mailbox",
        about: "Words that plainly name us, the sender, relaying, rate, TLS, authentication, \
                greylisting or the server itself, and enhanced codes that can mean nothing else. \
                They come before the mailbox, because such texts quote its words: \"Sender address \
                rejected: User unknown\".",
    },
    Section {
        table: "the-mailbox",
        about: "Words that plainly name the mailbox. Full comes before unknown, because gateways \
                put \"5.1.1\" and \"recipient rejected\" in front of the words about quota.",
    },
    Section {
        table: "refusal-words",
        about: "Words of refusals that are not about the mailbox, too common to come before the \
                plain words about it: an answer of \"user unknown\" may well mention spammers.",
    },
    Section {
        table: "by-enhanced-code",
        about: "Codes with one meaning, where no words said more. Codes that are used for \
                everything (X.0.0, X.1.0, X.5.0, X.7.0, X.7.1, 5.4.1) have no rule on purpose.",
    },
    Section {
        table: "weak-words",
        about: "Words about a recipient that give no cause. A decoy that gets the same answer \
                overrules them.",
    },
    Section {
        table: "by-reply-code",
        about: "The reply code, and the step of the dialogue that it answered.",
    },
];

const SAYS: [&str; 5] = ["exists", "absent", "us", "server", "unclear"];

/// All that the rule file knows.
pub(crate) struct Knowledge {
    pub(crate) providers: Vec<Provider>,
    /// In the order of precedence.
    pub(crate) rules: Vec<Rule>,
}

/// A provider as it is written.
#[derive(Default)]
pub(crate) struct Provider {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) exchanges: Vec<String>,
    /// Empty, `always` or `by-domain`.
    pub(crate) accepts_unchecked: String,
    pub(crate) notes: String,
    pub(crate) source: String,
}

/// A rule as it is written.
#[derive(Default)]
pub(crate) struct Rule {
    /// An index into `SECTIONS`.
    #[allow(
        dead_code,
        reason = "the page about the rules needs it, a build does not"
    )]
    pub(crate) section: usize,
    pub(crate) id: String,
    pub(crate) says: String,
    pub(crate) reason: String,
    pub(crate) plain: bool,
    pub(crate) codes: Vec<String>,
    pub(crate) enhanced: Vec<String>,
    pub(crate) stages: Vec<String>,
    pub(crate) providers: Vec<String>,
    pub(crate) all: Vec<String>,
    pub(crate) any: Vec<String>,
    pub(crate) also: Vec<String>,
    pub(crate) none: Vec<String>,
    pub(crate) source: String,
    pub(crate) cases: Vec<Case>,
}

/// Where a thing stands in the file.
pub(crate) struct Lines<'a>(&'a str);

impl Lines<'_> {
    pub(crate) fn of(&self, span: &Range<usize>) -> usize {
        self.0[..span.start.min(self.0.len())].matches('\n').count() + 1
    }
}

/// Reads the rule file. `reasons` are the names of the policy's reasons. An error begins with the
/// line that it is about.
pub(crate) fn read(text: &str, reasons: &[&str]) -> Result<Knowledge, String> {
    let lines = Lines(text);
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| lines.of(&span));
        format!("{line}: {}", error.message())
    })?;
    let table = table.get_ref();
    for (name, value) in table {
        let known = name.get_ref() == "provider"
            || SECTIONS
                .iter()
                .any(|section| section.table == name.get_ref());
        if !known {
            return Err(format!(
                "{}: there is no section `{}`; the head of the file lists them",
                lines.of(&value.span()),
                name.get_ref()
            ));
        }
    }
    let mut knowledge = Knowledge {
        providers: Vec::new(),
        rules: Vec::new(),
    };
    for (fields, span) in entries(table, "provider", &lines)? {
        let at = lines.of(&span);
        let provider = Provider::read(fields, &lines).map_err(|why| named(at, &why))?;
        if knowledge
            .providers
            .iter()
            .any(|other| other.id == provider.id)
        {
            return Err(format!("{at}: provider `{}` is there twice", provider.id));
        }
        knowledge.providers.push(provider);
    }
    check_order(table, &lines)?;
    for (number, section) in SECTIONS.iter().enumerate() {
        for (fields, span) in entries(table, section.table, &lines)? {
            let at = lines.of(&span);
            let rule = Rule::read(fields, number, &lines).map_err(|why| named(at, &why))?;
            let check = rule.check(&knowledge, reasons);
            check.map_err(|why| format!("{at}: rule `{}`: {why}", rule.id))?;
            knowledge.rules.push(rule);
        }
    }
    Ok(knowledge)
}

/// The order of the file is the order of precedence, so that it can be read from top to bottom.
fn check_order(table: &DeTable<'_>, lines: &Lines<'_>) -> Result<(), String> {
    let mut places = Vec::new();
    for (number, section) in SECTIONS.iter().enumerate() {
        let found = entries(table, section.table, lines)?;
        places.extend(found.iter().map(|(_, span)| (span.start, number)));
    }
    places.sort_unstable();
    let lost = places.windows(2).find(|pair| pair[0].1 > pair[1].1);
    lost.map_or(Ok(()), |pair| {
        let (start, number) = pair[1];
        let line = lines.of(&(start..start));
        let table = SECTIONS[number].table;
        Err(format!(
            "{line}: [[{table}]] stands after a later section; move it up to its section"
        ))
    })
}

/// The tables of one name, with the places where they begin.
fn entries<'t>(
    table: &'t DeTable<'_>,
    name: &str,
    lines: &Lines<'_>,
) -> Result<Vec<(&'t DeTable<'t>, Range<usize>)>, String> {
    let Some(value) = table.get(name) else {
        return Ok(Vec::new());
    };
    let wrong = |span: &Range<usize>| format!("{}: write [[{name}]]", lines.of(span));
    let DeValue::Array(list) = value.get_ref() else {
        return Err(wrong(&value.span()));
    };
    list.iter()
        .map(|entry| match entry.get_ref() {
            DeValue::Table(fields) => Ok((fields, entry.span())),
            _ => Err(wrong(&entry.span())),
        })
        .collect()
}

/// Puts the line of a whole entry before an error that has none of its own.
fn named(at: usize, why: &str) -> String {
    match why.split_once(':') {
        Some((line, _)) if line.bytes().all(|b| b.is_ascii_digit()) => why.to_owned(),
        _ => format!("{at}: {why}"),
    }
}

fn id<'t>(fields: &'t DeTable<'_>, what: &str) -> Result<&'t str, String> {
    match fields.get("id").map(Spanned::get_ref) {
        Some(DeValue::String(id)) if is_name(id) => Ok(id),
        _ => Err(format!("a {what} needs an `id`, a kebab-case name")),
    }
}

/// Calls `set` with every field, and says of an error where it stands.
fn for_each_field(
    fields: &DeTable<'_>,
    who: &str,
    lines: &Lines<'_>,
    mut set: impl FnMut(&str, &DeValue<'_>) -> Result<(), String>,
) -> Result<(), String> {
    for (name, value) in fields {
        let told = |why| {
            let line = lines.of(&value.span());
            format!("{line}: {who}: `{}`: {why}", name.get_ref())
        };
        set(name.get_ref(), value.get_ref()).map_err(told)?;
    }
    Ok(())
}

impl Provider {
    fn read(fields: &DeTable<'_>, lines: &Lines<'_>) -> Result<Self, String> {
        let who = format!("provider `{}`", id(fields, "provider")?);
        let mut made = Self::default();
        for_each_field(fields, &who, lines, |name, value| {
            match name {
                "id" => made.id = text(value)?,
                "name" => made.name = text(value)?,
                "exchanges" => made.exchanges = texts(value)?,
                "accepts-unchecked" => made.accepts_unchecked = text(value)?,
                "notes" => made.notes = text(value)?,
                "source" => made.source = text(value)?,
                _ => return Err("no such field; the head of the file lists them".into()),
            }
            Ok(())
        })?;
        if !["", "always", "by-domain"].contains(&made.accepts_unchecked.as_str()) {
            return Err(format!(
                "{who}: `accepts-unchecked` is `always` or `by-domain`"
            ));
        }
        if made.name.is_empty() || made.source.is_empty() || made.exchanges.is_empty() {
            return Err(format!("{who} needs `name`, `exchanges` and `source`"));
        }
        let upper = made
            .exchanges
            .iter()
            .find(|name| **name != name.to_lowercase());
        match upper {
            Some(name) => Err(format!("{who}: write `{name}` in lower case")),
            None => Ok(made),
        }
    }
}

impl Rule {
    fn read(fields: &DeTable<'_>, section: usize, lines: &Lines<'_>) -> Result<Self, String> {
        let who = format!("rule `{}`", id(fields, "rule")?);
        let mut made = Self {
            section,
            ..Self::default()
        };
        for_each_field(fields, &who, lines, |name, value| {
            match name {
                "id" => made.id = text(value)?,
                "says" => made.says = text(value)?,
                "reason" => made.reason = text(value)?,
                "source" => made.source = text(value)?,
                "plain" => made.plain = matches!(value, DeValue::Boolean(true)),
                "codes" => made.codes = texts(value)?,
                "enhanced" => made.enhanced = texts(value)?,
                "stages" => made.stages = texts(value)?,
                "providers" => made.providers = texts(value)?,
                "all" => made.all = phrases(value)?,
                "any" => made.any = phrases(value)?,
                "also" => made.also = phrases(value)?,
                "none" => made.none = phrases(value)?,
                "cases" => made.cases = cases(value, lines)?,
                _ => return Err("no such field; the head of the file lists them".into()),
            }
            Ok(())
        })?;
        Ok(made)
    }

    fn check(&self, before: &Knowledge, reasons: &[&str]) -> Result<(), String> {
        if before.rules.iter().any(|other| other.id == self.id) {
            return Err("is there twice; give this one another `id`".into());
        }
        if !SAYS.contains(&self.says.as_str()) {
            return Err(format!("`says` is one of {}", SAYS.join(", ")));
        }
        if !reasons.contains(&self.reason.as_str()) {
            let reason = &self.reason;
            return Err(format!(
                "no reason `{reason}`; src/reasons.rs has those that there are"
            ));
        }
        for id in &self.providers {
            if !before.providers.iter().any(|provider| provider.id == *id) {
                return Err(format!(
                    "no provider `{id}`; add a [[provider]] with that `id`"
                ));
            }
        }
        for stage in &self.stages {
            if !crate::case::STAGES.contains(&stage.as_str()) {
                let stages = crate::case::STAGES.join(", ");
                return Err(format!("no stage `{stage}`; there are {stages}"));
            }
        }
        for list in [&self.all, &self.any, &self.also, &self.none] {
            check_phrases(list)?;
        }
        if !self.also.is_empty() && self.any.is_empty() {
            return Err("`also` needs an `any`; one list alone is an `any`".into());
        }
        if self.source.is_empty() {
            return Err("add `source`, where the knowledge comes from".into());
        }
        if self.cases.is_empty() {
            return Err("add `cases`, a reply at least that exactly this rule must decide".into());
        }
        let conditions = [
            &self.codes,
            &self.enhanced,
            &self.providers,
            &self.all,
            &self.any,
        ];
        if conditions.iter().all(|list| list.is_empty()) {
            return Err("has no condition and would hold for every reply; add one".into());
        }
        Ok(())
    }
}

/// No phrase is there twice, or contains another of its list, which makes it needless.
fn check_phrases(list: &[String]) -> Result<(), String> {
    for (at, phrase) in list.iter().enumerate() {
        if list[..at].contains(phrase) {
            return Err(format!("the phrase `{phrase}` is there twice; drop one"));
        }
        let other = list
            .iter()
            .find(|other| *other != phrase && phrase.contains(other.as_str()));
        if let Some(other) = other {
            return Err(format!("drop the phrase `{phrase}`: it contains `{other}`"));
        }
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !name.is_empty() && name.bytes().all(allowed)
}

fn text(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err("must be a text in quotes".into()),
    }
}

fn list<'v>(value: &'v DeValue<'_>) -> Result<&'v DeArray<'v>, String> {
    match value {
        DeValue::Array(list) => Ok(list),
        _ => Err("must be a list of texts, `[\"...\", \"...\"]`".into()),
    }
}

fn texts(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    list(value)?
        .iter()
        .map(|item| text(item.get_ref()))
        .collect()
}

fn cases(value: &DeValue<'_>, lines: &Lines<'_>) -> Result<Vec<Case>, String> {
    let read =
        |item: &Spanned<DeValue<'_>>| Case::read(&text(item.get_ref())?, lines.of(&item.span()));
    list(value)?.iter().map(read).collect()
}

/// Phrases are matched against normalised text (`src/text.rs`): lower case, but upper case inside
/// links and host names, which is how the prefix `link:` picks those.
fn phrases(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let mut phrases = texts(value)?;
    for phrase in &mut phrases {
        if phrase.is_empty() || *phrase != phrase.to_lowercase() || phrase.contains("  ") {
            return Err(format!("write `{phrase}` in lower case with single spaces"));
        }
        if let Some(link) = phrase.strip_prefix("link:") {
            *phrase = link.to_ascii_uppercase();
        }
    }
    Ok(phrases)
}
