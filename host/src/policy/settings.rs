//! An operator's settings, resolved against a manifest before anything runs.
//!
//! Promises: every setting of the manifest gets exactly one value, in the manifest's order, and
//! that value is one that the manifest allows. Whatever does not fit is an error that names the
//! key, what was given and what is allowed; nothing is ignored and nothing is guessed.

use vrfy_proto::evidence::{Setting, SettingValue};

use super::{
    duration,
    manifest::{Manifest, SettingDefinition},
    setting_kind::SettingKind,
    text::one_line,
};

/// Bytes of a given value that a message quotes at most.
const QUOTED_MAX: usize = 120;

/// Edits between an unknown key and a known one, at most, for "did you mean".
const EDITS_MAX: usize = 3;

/// One `key=value`, as an operator gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenSetting {
    /// Before the first `=`.
    pub key: String,
    /// After it.
    pub value: String,
}

/// What is wrong with a setting that an operator gave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// No `=` in it.
    #[error("the setting {given:?} has no value; write key=value")]
    NoValue {
        /// What was given.
        given: String,
    },
    /// The policy has no such setting.
    #[error("the policy {policy} has no setting {key:?}{suggestion}; {known}")]
    UnknownKey {
        /// The policy's name.
        policy: String,
        /// What was given.
        key: String,
        /// `, did you mean "x"?`, or nothing.
        suggestion: String,
        /// Which there are.
        known: String,
    },
    /// The same setting twice.
    #[error("the setting {key:?} is given twice, as {first:?} and as {second:?}; keep one")]
    GivenTwice {
        /// The setting.
        key: String,
        /// One value.
        first: String,
        /// The other.
        second: String,
    },
    /// A value that the manifest does not allow.
    #[error("the setting {key:?} cannot be {given:?}: {problem}; it must be {allowed}")]
    BadValue {
        /// The setting.
        key: String,
        /// What was given.
        given: String,
        /// Why not.
        problem: &'static str,
        /// What may be given instead.
        allowed: String,
    },
}

impl GivenSetting {
    /// Reads `key=value`; the value may be empty and may hold further `=`.
    pub fn parse(text: &str) -> Result<Self, SettingError> {
        let (key, value) = text.split_once('=').ok_or_else(|| SettingError::NoValue {
            given: one_line(text, QUOTED_MAX),
        })?;
        Ok(Self {
            key: key.trim().to_owned(),
            value: value.to_owned(),
        })
    }
}

/// Every setting of the manifest with the value in force: the operator's, or the default.
pub fn resolve(manifest: &Manifest, given: &[GivenSetting]) -> Result<Vec<Setting>, SettingError> {
    for (index, one) in given.iter().enumerate() {
        if manifest.setting(&one.key).is_none() {
            return Err(unknown_key(manifest, &one.key));
        }
        if let Some(first) = given[..index].iter().find(|first| first.key == one.key) {
            return Err(SettingError::GivenTwice {
                key: one.key.clone(),
                first: one_line(&first.value, QUOTED_MAX),
                second: one_line(&one.value, QUOTED_MAX),
            });
        }
    }
    manifest
        .settings
        .iter()
        .map(|definition| {
            let value = match given.iter().find(|one| one.key == definition.key) {
                Some(one) => value(definition, &one.value)?,
                None => definition.default.clone(),
            };
            Ok(Setting {
                key: definition.key.clone(),
                value,
            })
        })
        .collect()
}

fn value(definition: &SettingDefinition, text: &str) -> Result<SettingValue, SettingError> {
    let bad = |problem: &'static str| SettingError::BadValue {
        key: definition.key.clone(),
        given: one_line(text, QUOTED_MAX),
        problem,
        allowed: definition.kind.allowed(),
    };
    let value = read(&definition.kind, text).map_err(bad)?;
    if !definition.kind.allows(&value) {
        return Err(bad("it is not among what is allowed"));
    }
    Ok(value)
}

/// The text as a value of that kind, its range not yet checked.
fn read(kind: &SettingKind, text: &str) -> Result<SettingValue, &'static str> {
    const NO_DURATION: &str =
        "it is not a duration, which is a number with a unit such as 250ms, 30s, 5m, 1h30m or 2d";
    match kind {
        SettingKind::Flag => flag(text.trim()).map(SettingValue::Flag),
        SettingKind::Integer { .. } => {
            let number = text
                .trim()
                .parse()
                .map_err(|_| "it is not a whole number")?;
            Ok(SettingValue::Integer(number))
        }
        SettingKind::Text { .. } => Ok(SettingValue::Text(text.to_owned())),
        SettingKind::Choice(_) => Ok(SettingValue::Text(text.trim().to_owned())),
        SettingKind::Duration(_) => {
            let milliseconds = duration::parse(text.trim()).ok_or(NO_DURATION)?;
            Ok(SettingValue::Duration(milliseconds))
        }
        SettingKind::Durations { .. } => {
            let all = items(text).map(duration::parse).collect::<Option<_>>();
            all.map(SettingValue::Durations).ok_or(NO_DURATION)
        }
        SettingKind::Texts { .. } => Ok(SettingValue::Texts(
            items(text).map(str::to_owned).collect(),
        )),
    }
}

/// The items of a list; an empty text is an empty list.
fn items(text: &str) -> impl Iterator<Item = &str> {
    let is_empty = text.trim().is_empty();
    text.split(',').map(str::trim).filter(move |_| !is_empty)
}

fn flag(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" => Ok(true),
        "false" | "off" | "no" => Ok(false),
        _ => Err("it is neither true, on, yes nor false, off, no"),
    }
}

fn unknown_key(manifest: &Manifest, key: &str) -> SettingError {
    let keys: Vec<&str> = manifest
        .settings
        .iter()
        .map(|setting| &*setting.key)
        .collect();
    let suggestion = nearest(&keys, key)
        .map(|near| format!(" (did you mean {near:?}?)"))
        .unwrap_or_default();
    let known = if keys.is_empty() {
        "it takes no settings at all: remove this one".to_owned()
    } else {
        format!("it takes {}", keys.join(", "))
    };
    SettingError::UnknownKey {
        policy: manifest.name.clone(),
        key: one_line(key, QUOTED_MAX),
        suggestion,
        known,
    }
}

/// The key with the fewest edits, if these are few for its length.
fn nearest<'k>(keys: &[&'k str], key: &str) -> Option<&'k str> {
    if key.len() > super::names::NAME_MAX {
        return None;
    }
    let key = key.to_ascii_lowercase().replace('_', "-");
    keys.iter()
        .map(|known| (edits(known.as_bytes(), key.as_bytes()), *known))
        .filter(|(count, known)| *count <= EDITS_MAX.min(known.len() / 2))
        .min()
        .map(|(_, known)| known)
}

/// The edit distance: insertions, deletions and substitutions of one byte.
fn edits(one: &[u8], other: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, byte) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other_byte) in other.iter().enumerate() {
            let substituted = diagonal + usize::from(byte != other_byte);
            diagonal = row[column + 1];
            row[column + 1] = substituted.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::{super::manifest::tests::manifest, *};

    fn resolved(pairs: &[&str]) -> Result<Vec<Setting>, SettingError> {
        let given: Vec<_> = pairs
            .iter()
            .map(|pair| GivenSetting::parse(pair))
            .collect::<Result<_, _>>()?;
        resolve(&manifest(), &given)
    }

    fn one(pair: &str) -> SettingValue {
        let key = pair.split('=').next().unwrap();
        let all = resolved(&[pair]).unwrap();
        all.into_iter()
            .find(|setting| setting.key == key)
            .unwrap()
            .value
    }

    fn message(pair: &str) -> String {
        resolved(&[pair]).unwrap_err().to_string()
    }

    #[test]
    fn without_settings_every_default_is_in_force_in_the_order_of_the_manifest() {
        let all = resolved(&[]).unwrap();
        let expected: Vec<_> = manifest()
            .settings
            .into_iter()
            .map(|definition| Setting {
                key: definition.key,
                value: definition.default,
            })
            .collect();
        assert_eq!(all, expected);
    }

    #[test]
    fn every_kind_is_read() {
        for text in ["false", "off", "no", "OFF"] {
            assert_eq!(one(&format!("decoy={text}")), SettingValue::Flag(false));
        }
        assert_eq!(one("attempts=9"), SettingValue::Integer(9));
        assert_eq!(one("note=a=b"), SettingValue::Text("a=b".to_owned()));
        assert_eq!(
            one("accept-all=unknown"),
            SettingValue::Text("unknown".to_owned())
        );
        assert_eq!(one("hold=1m30s"), SettingValue::Duration(90_000));
        assert_eq!(
            one("delays=5m, 1h"),
            SettingValue::Durations(vec![300_000, 3_600_000])
        );
        assert_eq!(
            one("domains=a.example,b.example"),
            SettingValue::Texts(vec!["a.example".to_owned(), "b.example".to_owned()])
        );
    }

    #[test]
    fn an_empty_list_can_be_given() {
        assert_eq!(one("delays="), SettingValue::Durations(vec![]));
        assert_eq!(one("domains= "), SettingValue::Texts(vec![]));
    }

    #[test]
    fn an_unknown_key_is_told_with_the_nearest_and_all_known_ones() {
        assert_eq!(
            message("atempts=3"),
            "the policy sample has no setting \"atempts\" (did you mean \"attempts\"?); it takes \
             decoy, attempts, note, accept-all, hold, delays, domains"
        );
        assert!(message("accept_all=risky").contains("did you mean \"accept-all\""));
        assert!(!message("zzzzzz=1").contains("did you mean"));
    }

    #[test]
    fn a_policy_without_settings_says_so() {
        let mut manifest = manifest();
        manifest.settings.clear();
        let given = [GivenSetting::parse("a=b").unwrap()];
        let message = resolve(&manifest, &given).unwrap_err().to_string();
        assert!(message.contains("takes no settings at all"), "{message}");
    }

    #[test]
    fn a_bad_value_is_told_with_what_is_allowed() {
        assert_eq!(
            message("attempts=10"),
            "the setting \"attempts\" cannot be \"10\": it is not among what is allowed; it must \
             be a whole number from 1 to 9"
        );
        assert!(message("attempts=many").contains("not a whole number"));
        assert!(message("decoy=maybe").contains("it must be on or off"));
        assert!(message("note=123456789").contains("a text of at most 8 bytes"));
        assert!(message("accept-all=fine").contains("one of risky, unknown"));
        assert!(message("hold=90").contains("a number with a unit"));
        assert!(message("hold=2h").contains("from 1m to 1h"));
        assert!(message("delays=5m,6m,7m,8m").contains("at most 3 durations"));
        assert!(message("delays=5m,").contains("not a duration"));
        assert!(message("domains=a,b,c").contains("at most 2 texts"));
    }

    #[test]
    fn a_setting_given_twice_is_an_error() {
        let error = resolved(&["attempts=3", "attempts=4"]).unwrap_err();
        assert!(matches!(error, SettingError::GivenTwice { .. }));
    }

    #[test]
    fn a_setting_without_a_value_is_an_error() {
        assert!(message("decoy").contains("write key=value"));
    }

    #[test]
    fn a_long_value_is_quoted_in_part_and_without_control_characters() {
        let message = message(&format!("attempts=\u{1b}[2J{}", "9".repeat(10_000)));
        assert!(message.len() < 400, "{}", message.len());
        assert!(!message.chars().any(char::is_control));
    }
}
