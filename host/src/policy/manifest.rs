//! What a policy says of itself, checked.
//!
//! Promises: a [`Manifest`] in hand keeps every rule of `wit/policy.wit`: names are names, the
//! version is a version, nothing occurs twice, no range is empty, every default is allowed by its
//! own kind and every count and length is within its limit. Texts meant for people are free of
//! control characters.
//!
//! Read next: `settings.rs` resolves what an operator gave against it.

use std::collections::BTreeSet;

use serde::Serialize;
use vrfy_proto::evidence::{Fact, SettingValue, Status};

use super::{
    names::{is_name, is_version},
    setting_kind::{ITEMS_MAX, SettingKind},
};

/// Settings of a manifest at most: what a person can still read through.
pub(crate) const SETTINGS_MAX: usize = 64;
/// Reasons of a manifest at most: several times the published registry.
pub(crate) const REASONS_MAX: usize = 256;
/// Authors, and facts, of a manifest at most.
pub(crate) const ENTRIES_MAX: usize = 64;
/// Bytes of one text of a manifest at most.
pub(crate) const TEXT_BYTES_MAX: usize = 16 * 1024;
/// Bytes of all texts of a manifest at most.
pub(crate) const MANIFEST_BYTES_MAX: usize = 256 * 1024;

/// Who a policy is, which settings it takes and which reasons it can give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// The name by which operators know it.
    pub name: String,
    /// Its semantic version.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// Who answers for it.
    pub authors: Vec<String>,
    /// An SPDX licence expression, or empty.
    pub licence: String,
    /// The settings that it takes.
    pub settings: Vec<SettingDefinition>,
    /// Every reason that it can give.
    pub reasons: Vec<ReasonDefinition>,
    /// Anything else.
    pub facts: Vec<Fact>,
}

/// A setting that an operator may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingDefinition {
    /// Its name.
    pub key: String,
    /// What it does.
    pub doc: String,
    /// Which values are allowed.
    pub kind: SettingKind,
    /// The value when the operator says nothing.
    pub default: SettingValue,
}

/// A reason that a policy can give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReasonDefinition {
    /// Its name.
    pub name: String,
    /// One sentence that an operator can act on.
    pub summary: String,
    /// Whom it speaks about: a name, or empty.
    pub about: String,
    /// The status that it usually comes with.
    pub status: Status,
}

/// Which rule a manifest breaks. The remedy is the policy author's: the message names the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// A name that is none.
    #[error(
        "its {place} {name:?} is not a name; write lower-case letters and digits in groups joined \
         by single hyphens, at most 64 bytes"
    )]
    BadName {
        /// What it names.
        place: &'static str,
        /// What was found.
        name: String,
    },
    /// A version that is none.
    #[error("its version {version:?} is not a semantic version; write one such as 1.4.0")]
    BadVersion {
        /// What was found.
        version: String,
    },
    /// More entries than allowed.
    #[error("it has {count} {place}, and at most {max} are allowed; remove some")]
    TooMany {
        /// Of what.
        place: &'static str,
        /// How many.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// A text, or all texts together, longer than allowed.
    #[error("{place} has {bytes} bytes, and at most {max} are allowed; shorten it")]
    TooLong {
        /// Which text.
        place: String,
        /// How long.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Two entries with one name.
    #[error("its {place} {name:?} is declared twice; rename one of them")]
    Duplicate {
        /// Of what.
        place: &'static str,
        /// The name.
        name: String,
    },
    /// A setting that no value fits.
    #[error("its setting {key:?} allows no value ({kind}); widen the range")]
    NothingAllowed {
        /// The setting.
        key: String,
        /// The range.
        kind: String,
    },
    /// A default that its own kind forbids.
    #[error("the default of its setting {key:?} is not allowed; make it {allowed}")]
    BadDefault {
        /// The setting.
        key: String,
        /// What is.
        allowed: String,
    },
    /// Not a single reason, so that no decision could be valid.
    #[error("it declares no reason, so that no verdict of it could be valid; declare every reason")]
    NoReason,
}

impl Manifest {
    /// Whether this reason is declared.
    pub fn declares_reason(&self, name: &str) -> bool {
        self.reasons.iter().any(|reason| reason.name == name)
    }

    /// The setting of that key.
    pub fn setting(&self, key: &str) -> Option<&SettingDefinition> {
        self.settings.iter().find(|setting| setting.key == key)
    }

    /// Checks every rule; the first that is broken is told.
    pub(crate) fn check(&self) -> Result<(), ManifestError> {
        name("name", &self.name)?;
        if !is_version(&self.version) || self.version.len() > 128 {
            return Err(ManifestError::BadVersion {
                version: super::text::one_line(&self.version, 128),
            });
        }
        at_most("authors", self.authors.len(), ENTRIES_MAX)?;
        at_most("settings", self.settings.len(), SETTINGS_MAX)?;
        at_most("reasons", self.reasons.len(), REASONS_MAX)?;
        at_most("facts", self.facts.len(), ENTRIES_MAX)?;
        self.check_lengths()?;
        if self.reasons.is_empty() {
            return Err(ManifestError::NoReason);
        }
        unique("reason", self.reasons.iter().map(|reason| &*reason.name))?;
        for reason in self.reasons.iter().filter(|one| !one.about.is_empty()) {
            name("axis `about` of a reason", &reason.about)?;
        }
        unique("setting", self.settings.iter().map(|setting| &*setting.key))?;
        for fact in &self.facts {
            name("fact", &fact.name)?;
        }
        self.settings.iter().try_for_each(SettingDefinition::check)
    }

    fn check_lengths(&self) -> Result<(), ManifestError> {
        let mut total = 0;
        for text in self.texts() {
            total += text.len();
            longest("one of its texts", text.len(), TEXT_BYTES_MAX)?;
        }
        longest("all of its text together", total, MANIFEST_BYTES_MAX)
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        [&self.name, &self.version, &self.summary, &self.licence]
            .into_iter()
            .chain(&self.authors)
            .chain(
                self.reasons
                    .iter()
                    .flat_map(|reason| [&reason.name, &reason.summary, &reason.about]),
            )
            .chain(self.facts.iter().flat_map(|fact| [&fact.name, &fact.value]))
            .chain(
                self.settings
                    .iter()
                    .flat_map(|setting| [&setting.key, &setting.doc]),
            )
            .chain(self.settings.iter().flat_map(SettingDefinition::texts))
            .map(String::as_str)
    }
}

impl SettingDefinition {
    fn texts(&self) -> impl Iterator<Item = &String> {
        let choices: &[String] = match &self.kind {
            SettingKind::Choice(choices) => choices,
            _ => &[],
        };
        let default: &[String] = match &self.default {
            SettingValue::Text(text) => std::slice::from_ref(text),
            SettingValue::Texts(texts) => texts,
            _ => &[],
        };
        choices.iter().chain(default)
    }

    fn check(&self) -> Result<(), ManifestError> {
        if !self.kind.allows_something() {
            return Err(ManifestError::NothingAllowed {
                key: self.key.clone(),
                kind: self.kind.allowed(),
            });
        }
        if let SettingKind::Choice(choices) = &self.kind {
            at_most("choices of one setting", choices.len(), ITEMS_MAX)?;
        }
        if !self.kind.allows(&self.default) {
            return Err(ManifestError::BadDefault {
                key: self.key.clone(),
                allowed: self.kind.allowed(),
            });
        }
        Ok(())
    }
}

fn name(place: &'static str, text: &str) -> Result<(), ManifestError> {
    if is_name(text) {
        return Ok(());
    }
    Err(ManifestError::BadName {
        place,
        name: super::text::one_line(text, 128),
    })
}

fn unique<'n>(
    place: &'static str,
    all: impl Iterator<Item = &'n str>,
) -> Result<(), ManifestError> {
    let mut seen = BTreeSet::new();
    for one in all {
        name(place, one)?;
        if !seen.insert(one) {
            return Err(ManifestError::Duplicate {
                place,
                name: one.to_owned(),
            });
        }
    }
    Ok(())
}

fn at_most(place: &'static str, count: usize, max: usize) -> Result<(), ManifestError> {
    if count <= max {
        return Ok(());
    }
    Err(ManifestError::TooMany { place, count, max })
}

fn longest(place: &str, bytes: usize, max: usize) -> Result<(), ManifestError> {
    if bytes <= max {
        return Ok(());
    }
    Err(ManifestError::TooLong {
        place: place.to_owned(),
        bytes,
        max,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{super::setting_kind::DurationRange, *};

    /// A manifest with one setting of every kind.
    pub(crate) fn manifest() -> Manifest {
        let minutes = DurationRange {
            least_ms: 60_000,
            greatest_ms: 3_600_000,
        };
        let setting = |key: &str, kind, default| SettingDefinition {
            key: key.to_owned(),
            doc: "What it does.".to_owned(),
            kind,
            default,
        };
        Manifest {
            name: "sample".to_owned(),
            version: "1.2.3".to_owned(),
            summary: "For tests.".to_owned(),
            authors: vec!["Ana <ana@example.com>".to_owned()],
            licence: "MIT".to_owned(),
            settings: vec![
                setting("decoy", SettingKind::Flag, SettingValue::Flag(true)),
                setting(
                    "attempts",
                    SettingKind::Integer {
                        least: 1,
                        greatest: 9,
                    },
                    SettingValue::Integer(4),
                ),
                setting(
                    "note",
                    SettingKind::Text { bytes_max: 8 },
                    SettingValue::Text(String::new()),
                ),
                setting(
                    "accept-all",
                    SettingKind::Choice(vec!["risky".to_owned(), "unknown".to_owned()]),
                    SettingValue::Text("risky".to_owned()),
                ),
                setting(
                    "hold",
                    SettingKind::Duration(minutes),
                    SettingValue::Duration(60_000),
                ),
                setting(
                    "delays",
                    SettingKind::Durations {
                        each: minutes,
                        items_max: 3,
                    },
                    SettingValue::Durations(vec![300_000]),
                ),
                setting(
                    "domains",
                    SettingKind::Texts { items_max: 2 },
                    SettingValue::Texts(vec![]),
                ),
            ],
            reasons: vec![ReasonDefinition {
                name: "accepted".to_owned(),
                summary: "The server said yes.".to_owned(),
                about: "mailbox".to_owned(),
                status: Status::Deliverable,
            }],
            facts: vec![],
        }
    }

    fn broken(change: impl FnOnce(&mut Manifest)) -> ManifestError {
        let mut manifest = manifest();
        change(&mut manifest);
        manifest.check().expect_err("a rule is broken")
    }

    #[test]
    fn a_manifest_within_every_rule_passes() {
        assert_eq!(manifest().check(), Ok(()));
    }

    #[test]
    fn whom_a_reason_speaks_about_may_be_new_or_left_open() {
        for about in ["", "the-weather"] {
            let mut manifest = manifest();
            about.clone_into(&mut manifest.reasons[0].about);
            assert_eq!(manifest.check(), Ok(()), "{about:?}");
        }
    }

    #[test]
    fn names_and_version_are_checked() {
        assert!(matches!(
            broken(|m| m.name = "My Policy".to_owned()),
            ManifestError::BadName { place: "name", .. }
        ));
        assert!(matches!(
            broken(|m| m.settings[0].key = "De-Coy".to_owned()),
            ManifestError::BadName {
                place: "setting",
                ..
            }
        ));
        assert!(matches!(
            broken(|m| m.reasons[0].name = "with space".to_owned()),
            ManifestError::BadName {
                place: "reason",
                ..
            }
        ));
        assert!(matches!(
            broken(|m| m.reasons[0].about = "The Mailbox".to_owned()),
            ManifestError::BadName {
                place: "axis `about` of a reason",
                ..
            }
        ));
        assert!(matches!(
            broken(|m| m.facts.push(Fact::new("Home", "x"))),
            ManifestError::BadName { place: "fact", .. }
        ));
        assert!(matches!(
            broken(|m| m.version = "1.2".to_owned()),
            ManifestError::BadVersion { .. }
        ));
    }

    #[test]
    fn the_message_of_a_bad_name_carries_no_control_characters() {
        let message = broken(|m| m.name = "\u{1b}[2J".to_owned()).to_string();
        assert!(!message.chars().any(char::is_control), "{message:?}");
    }

    #[test]
    fn nothing_is_declared_twice() {
        assert!(matches!(
            broken(|m| m.settings[1].key = "decoy".to_owned()),
            ManifestError::Duplicate {
                place: "setting",
                ..
            }
        ));
        assert!(matches!(
            broken(|m| m.reasons.push(m.reasons[0].clone())),
            ManifestError::Duplicate {
                place: "reason",
                ..
            }
        ));
    }

    #[test]
    fn without_a_reason_no_verdict_could_be_valid() {
        assert_eq!(broken(|m| m.reasons.clear()), ManifestError::NoReason);
    }

    #[test]
    fn every_count_and_length_has_its_limit() {
        assert!(matches!(
            broken(|m| m.settings = vec![m.settings[0].clone(); SETTINGS_MAX + 1]),
            ManifestError::TooMany {
                place: "settings",
                count: 65,
                max: 64
            }
        ));
        assert!(matches!(
            broken(|m| m.reasons = vec![m.reasons[0].clone(); REASONS_MAX + 1]),
            ManifestError::TooMany {
                place: "reasons",
                ..
            }
        ));
        assert!(matches!(
            broken(|m| m.summary = "x".repeat(TEXT_BYTES_MAX + 1)),
            ManifestError::TooLong { .. }
        ));
        assert!(matches!(
            broken(|m| m.authors = vec!["x".repeat(TEXT_BYTES_MAX); 17]),
            ManifestError::TooLong {
                max: MANIFEST_BYTES_MAX,
                ..
            }
        ));
    }

    #[test]
    fn a_default_obeys_its_own_kind() {
        for (index, value) in [
            (0, SettingValue::Integer(1)),
            (1, SettingValue::Integer(10)),
            (2, SettingValue::Text("123456789".to_owned())),
            (3, SettingValue::Text("deliverable".to_owned())),
            (4, SettingValue::Duration(59_999)),
            (5, SettingValue::Durations(vec![60_000; 4])),
            (6, SettingValue::Texts(vec![String::new(); 3])),
        ] {
            let error = broken(|m| m.settings[index].default = value.clone());
            assert!(
                matches!(error, ManifestError::BadDefault { .. }),
                "{value:?}"
            );
        }
    }

    #[test]
    fn a_kind_that_allows_nothing_is_refused() {
        for kind in [
            SettingKind::Integer {
                least: 2,
                greatest: 1,
            },
            SettingKind::Choice(vec![]),
            SettingKind::Duration(DurationRange {
                least_ms: 2,
                greatest_ms: 1,
            }),
        ] {
            let error = broken(|m| m.settings[0].kind = kind.clone());
            assert!(
                matches!(error, ManifestError::NothingAllowed { .. }),
                "{kind:?}"
            );
        }
    }
}
