//! Reads a rule file. The fields are described at the top of `rules/1-providers.toml`.

use toml::de::{DeArray, DeTable, DeValue};

/// A rule as it is written.
#[derive(Default)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) says: String,
    pub(crate) reason: String,
    pub(crate) plain: bool,
    pub(crate) codes: Vec<String>,
    pub(crate) enhanced: Vec<String>,
    pub(crate) stages: Vec<String>,
    pub(crate) exchanges: Vec<String>,
    pub(crate) all: Vec<String>,
    pub(crate) any: Vec<String>,
    pub(crate) none: Vec<String>,
    pub(crate) source: String,
}

/// Appends the rules in `text` to `rules`.
pub(crate) fn append(text: &str, rules: &mut Vec<Rule>) -> Result<(), String> {
    let table = DeTable::parse(text).map_err(|error| error.to_string())?;
    let list = table.get_ref().get("rule").map(|value| value.get_ref());
    let Some(DeValue::Array(list)) = list else {
        return Err("there is no [[rule]]".into());
    };
    for entry in list {
        let DeValue::Table(fields) = entry.get_ref() else {
            return Err("a rule is a table".into());
        };
        let mut rule = Rule::default();
        for (name, value) in fields {
            rule.set(name.get_ref(), value.get_ref())
                .map_err(|why| format!("rule `{}`, `{}`: {why}", rule.id, name.get_ref()))?;
        }
        rule.check()
            .map_err(|why| format!("rule `{}`: {why}", rule.id))?;
        if rules.iter().any(|other| other.id == rule.id) {
            return Err(format!("rule `{}` is there twice", rule.id));
        }
        rules.push(rule);
    }
    Ok(())
}

impl Rule {
    fn set(&mut self, name: &str, value: &DeValue<'_>) -> Result<(), String> {
        match name {
            "id" => self.id = text(value)?,
            "says" => self.says = text(value)?,
            "reason" => self.reason = text(value)?,
            "source" => self.source = text(value)?,
            "plain" => self.plain = matches!(value, DeValue::Boolean(true)),
            "codes" => self.codes = texts(value)?,
            "enhanced" => self.enhanced = texts(value)?,
            "stages" => self.stages = texts(value)?,
            "exchanges" => self.exchanges = texts(value)?,
            "all" => self.all = phrases(value)?,
            "any" => self.any = phrases(value)?,
            "none" => self.none = phrases(value)?,
            _ => return Err("no such field".into()),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        for (name, value) in [
            ("id", &self.id),
            ("says", &self.says),
            ("reason", &self.reason),
        ] {
            if value.is_empty()
                || !value
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b"-0123456789".contains(&b))
            {
                return Err(format!("`{name}` must be a kebab-case name, not `{value}`"));
            }
        }
        for list in [&self.any, &self.none] {
            let needless = list.iter().find(|phrase| {
                list.iter()
                    .any(|other| other != *phrase && phrase.contains(other.as_str()))
            });
            if let Some(phrase) = needless {
                return Err(format!(
                    "`{phrase}` is needless: it contains another phrase"
                ));
            }
        }
        if self.source.is_empty() {
            return Err("`source` must say where the rule comes from".into());
        }
        let conditions = [
            &self.codes,
            &self.enhanced,
            &self.exchanges,
            &self.all,
            &self.any,
        ];
        if conditions.iter().all(|list| list.is_empty()) {
            return Err("a rule without a condition would hold for every reply".into());
        }
        Ok(())
    }
}

fn text(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err("must be a text".into()),
    }
}

fn texts(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let list: &DeArray<'_> = match value {
        DeValue::Array(list) => list,
        _ => return Err("must be a list of texts".into()),
    };
    list.iter().map(|item| text(item.get_ref())).collect()
}

/// Phrases are matched against normalised text (`src/text.rs`): lower case, but upper case inside
/// links and host names, which is how the prefix `link:` picks those.
fn phrases(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let mut phrases = texts(value)?;
    for phrase in &mut phrases {
        if phrase.is_empty() || *phrase != phrase.to_lowercase() || phrase.contains("  ") {
            return Err(format!("`{phrase}` must be lower case with single spaces"));
        }
        if let Some(link) = phrase.strip_prefix("link:") {
            *phrase = link.to_ascii_uppercase();
        }
    }
    Ok(phrases)
}
