//! A saved record: of a JSON line, or of a probe that was just made.
//!
//! Only what the evidence needs is read, so that records of other versions, with more fields or
//! fewer, can be judged too.

use serde::Deserialize;
use vrfy_proto::evidence::{Attempt, Budget, DecoyFinding, Fact, Lookup};
use vrfy_proto::mailbox::{Lengths, Mailbox};
use vrfy_proto::transcript::Transcript;

use super::Case;
use super::rebuild::{Archive, Dialogue};
use crate::dispatch::first_evidence;
use crate::exclusions::EXCLUDED;
use crate::record::{DID_YOU_MEAN, Judged, Origin, Record};

/// What is read of a record.
#[derive(Debug, Deserialize)]
pub(super) struct SavedRecord {
    pub(super) address: String,
    status: String,
    reason: String,
    #[serde(default)]
    confidence: u8,
    #[serde(default)]
    attempts: Vec<Attempt>,
    #[serde(default)]
    pub(super) mailbox: Option<String>,
    #[serde(default)]
    lookups: Vec<Lookup>,
    #[serde(default)]
    decoys: Vec<DecoyFinding>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    facts: Vec<Fact>,
    #[serde(default)]
    started: Option<String>,
    #[serde(default)]
    elapsed_ms: u64,
    #[serde(default)]
    transcripts: Option<Vec<String>>,
}

impl SavedRecord {
    /// What the record of a probe that was just made holds.
    pub(super) fn of(record: &Record) -> Self {
        Self {
            address: record.address.clone(),
            status: record.status.as_str().to_owned(),
            reason: record.reason.clone(),
            confidence: record.confidence,
            attempts: record.attempts.clone(),
            mailbox: record.mailbox.clone(),
            lookups: record.lookups.clone(),
            decoys: record.decoys.clone(),
            tags: record.tags.clone(),
            facts: record.facts.clone(),
            started: Some(record.started.clone()),
            elapsed_ms: record.elapsed_ms,
            transcripts: None,
        }
    }

    /// The dialogues of a record whose attempts were left out.
    fn dialogues(&self) -> Archive {
        let mut archive = Archive::default();
        let texts = match self.attempts.is_empty() {
            true => self.transcripts.as_deref().unwrap_or_default(),
            false => &[],
        };
        let dialogues = texts
            .iter()
            .filter_map(|text| Transcript::from_text(text).ok());
        for transcript in dialogues {
            // One that cannot be taken in tells nothing; the others may.
            let _ = archive.add(Dialogue {
                line: 0,
                transcript,
            });
        }
        archive
    }

    /// The evidence that the record was judged by.
    pub(super) fn into_case(self, origin: Origin) -> Case {
        // Where the record knows a mailbox, the operator let it be as long as it is.
        let lengths = match self.mailbox {
            Some(_) => Lengths::Sendable,
            None => Lengths::Standard,
        };
        let parsed = Mailbox::parse_within(&self.address, lengths);
        let started = self.started_ms();
        let mut evidence = first_evidence(
            &self.address,
            &parsed,
            started,
            Budget {
                rounds_left: 0,
                deadline_ms: None,
            },
        );
        evidence.clock.now_ms = started.saturating_add(self.elapsed_ms);
        if let Ok(mailbox) = &parsed {
            self.dialogues().fill(&mut evidence, &mailbox.to_string());
        }
        // That somebody is left alone was known before anything was asked, and stands nowhere else.
        if self.lookups.is_empty() && self.attempts.is_empty() {
            let excluded = self.facts.iter().filter(|fact| fact.name == EXCLUDED);
            evidence.facts.extend(excluded.cloned());
        }
        let suggestions = self.facts.iter().filter(|fact| fact.name == DID_YOU_MEAN);
        evidence.facts.extend(suggestions.cloned());
        evidence.tags = self.tags;
        if !self.lookups.is_empty() {
            evidence.lookups = self.lookups;
        }
        if !self.attempts.is_empty() {
            evidence.attempts = self.attempts;
        }
        if !self.decoys.is_empty() {
            evidence.decoys = self.decoys;
        }
        Case {
            origin,
            evidence,
            recorded: Some(Judged {
                status: self.status,
                reason: self.reason,
                confidence: self.confidence,
            }),
            elapsed_ms: self.elapsed_ms,
        }
    }

    /// When the probe began: as the record says, else with its first attempt.
    fn started_ms(&self) -> u64 {
        let told = self.started.as_deref().and_then(|text| {
            let time: jiff::Timestamp = text.parse().ok()?;
            u64::try_from(time.as_millisecond()).ok()
        });
        let first = self.attempts.first().map_or(0, |first| first.started_ms);
        told.unwrap_or(first)
    }
}
