//! A manifest out of the contract's types, checked.

use vrfy_proto::evidence::{Fact, SettingValue};

use super::super::{
    bindings::exports::vrfy::policy::judge as wit,
    manifest::{Manifest, ManifestError, ReasonDefinition, SettingDefinition, TEXT_BYTES_MAX},
    setting_kind::{DurationRange, SettingKind},
    text,
};

/// The manifest, every rule checked, its texts for people cleaned of control characters.
pub(crate) fn manifest(manifest: wit::Manifest) -> Result<Manifest, ManifestError> {
    let mut manifest = Manifest {
        name: manifest.name,
        version: manifest.version,
        summary: manifest.summary,
        authors: manifest.authors,
        licence: manifest.licence,
        settings: manifest.settings.into_iter().map(setting).collect(),
        reasons: manifest
            .reasons
            .into_iter()
            .map(|reason| ReasonDefinition {
                name: reason.name,
                summary: reason.summary,
                about: reason.about,
                status: super::decision::status(reason.status),
            })
            .collect(),
        facts: manifest.facts.into_iter().map(fact).collect(),
    };
    manifest.check()?;
    clean(&mut manifest);
    Ok(manifest)
}

pub(super) fn fact(fact: wit::FactResult) -> Fact {
    Fact {
        name: fact.name,
        value: fact.value,
    }
}

fn clean(manifest: &mut Manifest) {
    let texts = [&mut manifest.summary, &mut manifest.licence].into_iter();
    let texts = texts
        .chain(&mut manifest.authors)
        .chain(manifest.settings.iter_mut().map(|setting| &mut setting.doc))
        .chain(
            manifest
                .reasons
                .iter_mut()
                .map(|reason| &mut reason.summary),
        )
        .chain(manifest.facts.iter_mut().map(|fact| &mut fact.value));
    for one in texts {
        *one = text::one_line(one, TEXT_BYTES_MAX);
    }
}

fn setting(definition: wit::SettingDefinition) -> SettingDefinition {
    SettingDefinition {
        key: definition.key,
        doc: definition.doc,
        kind: kind(definition.kind),
        default: match definition.default {
            wit::SettingValueResult::Flag(value) => SettingValue::Flag(value),
            wit::SettingValueResult::Integer(value) => SettingValue::Integer(value),
            wit::SettingValueResult::Text(text) => SettingValue::Text(text),
            wit::SettingValueResult::Duration(value) => SettingValue::Duration(value),
            wit::SettingValueResult::Durations(values) => SettingValue::Durations(values),
            wit::SettingValueResult::Texts(texts) => SettingValue::Texts(texts),
        },
    }
}

fn kind(kind: wit::SettingKind) -> SettingKind {
    match kind {
        wit::SettingKind::Flag => SettingKind::Flag,
        wit::SettingKind::Integer(range) => SettingKind::Integer {
            least: range.least,
            greatest: range.greatest,
        },
        wit::SettingKind::Text(bytes_max) => SettingKind::Text { bytes_max },
        wit::SettingKind::Choice(choices) => SettingKind::Choice(choices),
        wit::SettingKind::Duration(each) => SettingKind::Duration(range(each)),
        wit::SettingKind::Durations(durations) => SettingKind::Durations {
            each: range(durations.each),
            items_max: durations.items,
        },
        wit::SettingKind::Texts(items_max) => SettingKind::Texts { items_max },
    }
}

fn range(range: wit::DurationRange) -> DurationRange {
    DurationRange {
        least_ms: range.least_ms,
        greatest_ms: range.greatest_ms,
    }
}
