//! A record: what is told about one address, and the shape of every JSON line.
//!
//! Promises: field names and meanings are those of `docs/record.schema.json`; every input line
//! reaches exactly one record. What it does not do: conclude anything. Status, reason and
//! confidence are the policy's, carried here.
//!
//! Read next: `output.rs` (how records are printed), `dispatch.rs` (where they come from).

use serde::Serialize;
use vrfy_proto::evidence::{
    Attempt, Cause, DecoyFinding, ExchangeChoice, Fact, Lookup, Reply, Status, Verdict,
};

/// What is told about one address.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// The address as it was given.
    pub address: String,
    /// What it came to.
    pub status: RecordStatus,
    /// Why, in kebab-case: a reason of the policy, or one of [`HOST_REASONS`].
    pub reason: String,
    /// How sure the policy is, 0 to 100 percent. 0 for what no policy judged.
    pub confidence: u8,
    /// What decided, the decisive piece of evidence first.
    pub because: Vec<Because>,
    /// Every attempt, oldest first, with its raw replies.
    pub attempts: Vec<Attempt>,
    /// The policy that decided.
    pub policy: PolicyIdentity,
    /// The mailbox as RCPT TO carries it; absent where the address is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<String>,
    /// When the next attempt is due, RFC 3339 in UTC; present exactly where the status is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Every look-up of the domain, oldest first.
    pub lookups: Vec<Lookup>,
    /// What decoys at this domain were answered.
    pub decoys: Vec<DecoyFinding>,
    /// What lists say about the address, in the order of their names.
    pub tags: Vec<String>,
    /// What else the policy wants recorded.
    pub facts: Vec<Fact>,
    /// Where the host did less than a plan asked for.
    pub clamps: Vec<Clamp>,
    /// The policy fault, where the policy failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultRecord>,
    /// When the probe began, RFC 3339 in UTC.
    pub started: String,
    /// From begin to end, in milliseconds.
    pub elapsed_ms: u64,
    /// Where in the list the address stood; absent for an address of the command line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<InputRow>,
    /// The dialogues in their text form, one an attempt; present only where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcripts: Option<Vec<String>>,
    /// What explaining found; present only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explained: Option<Explained>,
}

/// What explaining a verdict found, beside the facts that the policy gives.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Explained {
    /// Where the evidence was saved; absent for a probe that was just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// What a saved record said; absent where none was saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Judged>,
    /// What the policy says if nothing more is asked; present where the record is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Judged>,
    /// What the policy would ask next, if it would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<NextAsk>,
    /// What would change the verdict, and to what.
    pub changes: Vec<Change>,
}

/// Where evidence was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The file's name as it was given; `-` is standard input.
    pub file: String,
    /// The line at which the evidence begins, from 1.
    pub line: u64,
}

/// A verdict in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// The status.
    pub status: String,
    /// The reason.
    pub reason: String,
    /// The confidence, 0 to 100 percent.
    pub confidence: u8,
}

impl Judged {
    /// A verdict in short.
    pub fn of(verdict: &Verdict) -> Self {
        Self {
            status: verdict.status.as_str().to_owned(),
            reason: verdict.reason.clone(),
            confidence: verdict.confidence,
        }
    }
}

/// What a policy would ask next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NextAsk {
    /// Why.
    pub reason: String,
    /// After how long, in milliseconds.
    pub wait_ms: u32,
    /// For how long the whole destination would be left alone, in milliseconds.
    pub hold_lane_ms: u32,
    /// Where.
    pub exchange: ExchangeChoice,
}

/// Something that would change the verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What would have to be otherwise, for people.
    pub what: String,
    /// The verdict then.
    pub verdict: Judged,
}

/// What a record says about an address: a policy's status, or that the policy wants to ask later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordStatus {
    /// See [`Status::Deliverable`].
    Deliverable,
    /// See [`Status::Undeliverable`].
    Undeliverable,
    /// See [`Status::Risky`].
    Risky,
    /// See [`Status::Unknown`].
    Unknown,
    /// The policy asked for a later attempt, and the operator chose not to wait.
    Pending,
}

impl RecordStatus {
    /// Every status, in the order in which they are listed to people.
    pub const ALL: [Self; 5] = [
        Self::Deliverable,
        Self::Undeliverable,
        Self::Risky,
        Self::Unknown,
        Self::Pending,
    ];

    /// The name in records and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deliverable => "deliverable",
            Self::Undeliverable => "undeliverable",
            Self::Risky => "risky",
            Self::Unknown => "unknown",
            Self::Pending => "pending",
        }
    }
}

impl From<Status> for RecordStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Deliverable => Self::Deliverable,
            Status::Undeliverable => Self::Undeliverable,
            Status::Risky => Self::Risky,
            Status::Unknown => Self::Unknown,
        }
    }
}

/// The fact that suggests the address that was probably meant.
pub const DID_YOU_MEAN: &str = "did-you-mean";

/// The fact that names what is wrong with a row of the list, in kebab-case.
pub const INPUT_PROBLEM: &str = "input-problem";

/// The fact that tells what is wrong with a row of the list, and where.
pub const INPUT_MESSAGE: &str = "input-message";

/// Reasons that the host gives itself, where no policy has judged.
pub const HOST_REASONS: [(&str, &str); 3] = [
    (
        "input-invalid",
        "the row of the list holds no address; see `facts` for what is wrong with it",
    ),
    (
        "policy-fault",
        "the policy failed; see `fault` for the cause and the remedy",
    ),
    (
        "interrupted",
        "the run was stopped before this address was settled",
    ),
];

/// A cause of the verdict, with the evidence that it points to.
#[derive(Clone, Debug, Serialize)]
pub struct Because {
    /// Where it stands in the evidence.
    pub cause: Cause,
    /// The exchange that gave the reply, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<String>,
    /// The reply, where the cause is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<Reply>,
    /// One line for people.
    pub text: String,
}

/// Which policy decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyIdentity {
    /// Name from its manifest.
    pub name: String,
    /// Version from its manifest.
    pub version: String,
    /// `sha256:` and the digest of the component's bytes in hexadecimal.
    pub digest: String,
}

/// A policy fault as it is recorded.
#[derive(Clone, Debug, Serialize)]
pub struct FaultRecord {
    /// Its kind in kebab-case.
    pub kind: String,
    /// Cause and remedy, for people.
    pub message: String,
    /// The digest of the component that failed.
    pub digest: String,
}

/// Something that a plan asked for and the host did not do, or did differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Clamp {
    /// What was asked for, such as `wait-ms`.
    pub wish: String,
    /// What the plan said.
    pub asked: String,
    /// What was done.
    pub done: String,
}

/// Where in a list an address stood.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InputRow {
    /// Line number, from 1.
    pub line: u64,
    /// The other columns, carried through.
    pub columns: serde_json::Map<String, serde_json::Value>,
}
