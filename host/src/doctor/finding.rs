//! What an examination shows.

use serde::Serialize;
use vrfy_proto::evidence::Fact;

use super::catalogue::Check;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// In order.
    Ok,
    /// Worth knowing; nothing needs to be done.
    Note,
    /// Some servers object.
    Warning,
    /// Many servers object, or probing cannot work.
    Failed,
    /// Could not be told: DNS or a server failed on the way.
    Unknown,
    /// Not asked, because of what else was seen or given.
    Skipped,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 6] = [
        Self::Ok,
        Self::Note,
        Self::Warning,
        Self::Failed,
        Self::Unknown,
        Self::Skipped,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
        }
    }
}

/// One line of the checklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked.
    pub check: Check,
    /// How it came out.
    pub outcome: Outcome,
    /// What was seen, in a sentence.
    pub seen: String,
    /// What was seen, as it came: names, addresses, records, replies.
    pub facts: Vec<Fact>,
    /// Why a receiving server cares.
    pub why: &'static str,
    /// What to do; only where there is something to do.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    /// A finding with the remedy of the catalogue where the outcome asks for one.
    pub fn new(check: Check, outcome: Outcome, seen: impl Into<String>) -> Self {
        let entry = check.entry();
        let needs_remedy = matches!(outcome, Outcome::Warning | Outcome::Failed);
        Self {
            check,
            outcome,
            seen: seen.into(),
            facts: Vec::new(),
            why: entry.why,
            remedy: needs_remedy.then(|| entry.remedy.to_owned()),
        }
    }

    /// In order.
    pub fn ok(check: Check, seen: impl Into<String>) -> Self {
        Self::new(check, Outcome::Ok, seen)
    }

    /// Not in order.
    pub fn failed(check: Check, seen: impl Into<String>) -> Self {
        Self::new(check, Outcome::Failed, seen)
    }

    /// Not quite in order.
    pub fn warning(check: Check, seen: impl Into<String>) -> Self {
        Self::new(check, Outcome::Warning, seen)
    }

    /// Could not be told.
    pub fn unknown(check: Check, seen: impl Into<String>) -> Self {
        let mut finding = Self::new(check, Outcome::Unknown, seen);
        finding.remedy = Some(AGAIN.to_owned());
        finding
    }

    /// Not asked.
    pub fn skipped(check: Check, seen: impl Into<String>) -> Self {
        Self::new(check, Outcome::Skipped, seen)
    }

    /// With what was seen as it came.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.facts.push(Fact::new(name, value));
        self
    }

    /// With a remedy that fits better than that of the catalogue.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// What to do about what could not be told.
const AGAIN: &str = "run the examination again later; if it stays so, look at the resolver first";

/// What was seen of one egress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Examined {
    /// The name of the egress in its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress: Option<String>,
    /// The address that the outside sees, as far as it is known.
    pub address: Option<String>,
    /// The EHLO name, or the address literal in its place.
    pub ehlo_name: String,
    /// The reverse path, without brackets; empty for the null path.
    pub reverse_path: String,
    /// Its checks, in the order of the catalogue.
    pub checks: Vec<Finding>,
}

/// A whole examination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Examination {
    /// How many checks failed.
    pub failed: usize,
    /// How many ended in a warning.
    pub warnings: usize,
    /// How many could not be told.
    pub unknown: usize,
    /// What holds for every egress.
    pub host: Vec<Finding>,
    /// What holds for one.
    pub egresses: Vec<Examined>,
}

impl Examination {
    /// Puts findings together and counts them.
    pub fn new(host: Vec<Finding>, egresses: Vec<Examined>) -> Self {
        let all = || {
            let of_egresses = egresses.iter().flat_map(|egress| &egress.checks);
            host.iter().chain(of_egresses)
        };
        let count = |outcome| all().filter(|finding| finding.outcome == outcome).count();
        Self {
            failed: count(Outcome::Failed),
            warnings: count(Outcome::Warning),
            unknown: count(Outcome::Unknown),
            host: host.clone(),
            egresses: egresses.clone(),
        }
    }
}
