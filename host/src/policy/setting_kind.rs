//! Which values a setting may take, as a manifest declares it.
//!
//! Promises: one place decides whether a value is allowed, for defaults and for what operators
//! give.

use serde::Serialize;
use vrfy_proto::evidence::SettingValue;

use super::{duration, manifest::TEXT_BYTES_MAX};

/// Items of a list setting and choices of a choice at most, whatever a manifest declares.
pub(crate) const ITEMS_MAX: usize = 1024;

/// Which values a setting may take; bounds are inclusive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingKind {
    /// On or off.
    Flag,
    /// A whole number.
    Integer {
        /// The least value.
        least: i32,
        /// The greatest value.
        greatest: i32,
    },
    /// Free text.
    Text {
        /// Bytes at most.
        bytes_max: u32,
    },
    /// One of these texts.
    Choice(Vec<String>),
    /// A duration.
    Duration(DurationRange),
    /// A list of durations.
    Durations {
        /// Bounds of each.
        each: DurationRange,
        /// Items at most.
        items_max: u32,
    },
    /// A list of texts.
    Texts {
        /// Items at most.
        items_max: u32,
    },
}

/// Inclusive bounds of a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DurationRange {
    /// The shortest.
    pub least_ms: u32,
    /// The longest.
    pub greatest_ms: u32,
}

impl SettingKind {
    /// Whether this value is of this kind and within its range.
    pub fn allows(&self, value: &SettingValue) -> bool {
        match (self, value) {
            (Self::Flag, SettingValue::Flag(_)) => true,
            (Self::Integer { least, greatest }, SettingValue::Integer(value)) => {
                (least..=greatest).contains(&value)
            }
            (Self::Text { bytes_max }, SettingValue::Text(text)) => {
                text.len() <= (*bytes_max as usize).min(TEXT_BYTES_MAX)
            }
            (Self::Choice(choices), SettingValue::Text(text)) => choices.contains(text),
            (Self::Duration(range), SettingValue::Duration(value)) => range.contains(*value),
            (Self::Durations { each, items_max }, SettingValue::Durations(values)) => {
                values.len() <= items(*items_max) && values.iter().all(|v| each.contains(*v))
            }
            (Self::Texts { items_max }, SettingValue::Texts(texts)) => {
                texts.len() <= items(*items_max)
                    && texts.iter().all(|text| text.len() <= TEXT_BYTES_MAX)
            }
            _ => false,
        }
    }

    /// What is allowed, to follow "must be".
    pub fn allowed(&self) -> String {
        match self {
            Self::Flag => "on or off".to_owned(),
            Self::Integer { least, greatest } => {
                format!("a whole number from {least} to {greatest}")
            }
            Self::Text { bytes_max } => format!("a text of at most {bytes_max} bytes"),
            Self::Choice(choices) => format!("one of {}", choices.join(", ")),
            Self::Duration(range) => format!("a duration {}", range.allowed()),
            Self::Durations { each, items_max } => format!(
                "at most {} durations, separated by commas, each {}",
                items(*items_max),
                each.allowed()
            ),
            Self::Texts { items_max } => {
                format!("at most {} texts, separated by commas", items(*items_max))
            }
        }
    }

    /// Whether any value fits.
    pub(crate) fn allows_something(&self) -> bool {
        match self {
            Self::Integer { least, greatest } => least <= greatest,
            Self::Choice(choices) => !choices.is_empty(),
            Self::Duration(range) | Self::Durations { each: range, .. } => {
                range.least_ms <= range.greatest_ms
            }
            Self::Flag | Self::Text { .. } | Self::Texts { .. } => true,
        }
    }
}

impl DurationRange {
    fn contains(self, milliseconds: u32) -> bool {
        (self.least_ms..=self.greatest_ms).contains(&milliseconds)
    }

    fn allowed(self) -> String {
        let (least, greatest) = (
            duration::format(self.least_ms),
            duration::format(self.greatest_ms),
        );
        format!("from {least} to {greatest}")
    }
}

fn items(declared: u32) -> usize {
    (declared as usize).min(ITEMS_MAX)
}
