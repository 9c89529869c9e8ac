//! Evidence and decisions: what crosses the line between the host and a policy.
//!
//! These are the values of the contract in `wit/policy.wit`, in Rust, without a WebAssembly
//! runtime: the host fills [`Evidence`], a policy answers with a [`Decision`]. Field names, units
//! and meanings are those of the contract, which documents them; here stands only what Rust adds.
//!
//! Promises: every value can be written as JSON and read back without loss. Nothing here judges.
//!
//! Read next: `attempt_view.rs` (a transcript becomes an [`Attempt`]), `wit/policy.wit`.

use serde::{Deserialize, Serialize};

use crate::enhanced_code::EnhancedStatusCode;
use crate::stage::Stage;

/// All that a policy is shown about one mailbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The address that was asked about.
    pub address: Address,
    /// Every look-up of this probe, oldest first.
    pub lookups: Vec<Lookup>,
    /// Every attempt, oldest first.
    pub attempts: Vec<Attempt>,
    /// What decoys of this domain were answered, oldest first.
    pub decoys: Vec<DecoyFinding>,
    /// What kind of address this is.
    pub tags: Vec<String>,
    /// Anything else known.
    pub facts: Vec<Fact>,
    /// The time.
    pub clock: Clock,
    /// What may still be spent.
    pub budget: Budget,
    /// Every setting of the policy with its resolved value.
    pub settings: Vec<Setting>,
}

/// A named value, for what has no field of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Kebab-case name.
    pub name: String,
    /// The value as text.
    pub value: String,
}

impl Fact {
    /// A fact from its two halves.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

/// The address that was asked about, valid or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// As it was given, cut at [`GIVEN_MAX`] bytes.
    pub given: String,
    /// The mailbox that it is, or why it is none.
    pub mailbox: Result<MailboxFacts, AddressProblem>,
}

/// Bytes of an address as given that a policy is shown: four times the longest legal one (RFC 5321
/// section 4.5.3.1.3), so that what was wrong with it can still be seen.
pub const GIVEN_MAX: usize = 1024;

/// A valid mailbox, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxFacts {
    /// As RCPT TO carries it.
    pub wire: String,
    /// The local part as RCPT TO carries it.
    pub local_part: String,
    /// The domain in lower case and A-labels, or a literal with its brackets.
    pub domain: String,
    /// The domain in Unicode.
    pub unicode_domain: String,
    /// Only a server with SMTPUTF8 can be asked.
    pub needs_smtputf8: bool,
}

/// Why an address is no mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressProblem {
    /// Which rule it breaks, in kebab-case.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// Where, in characters from 1.
    pub column: Option<u32>,
}

/// The time of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// This decision's instant, Unix milliseconds.
    pub now_ms: u64,
    /// When the probe began, Unix milliseconds.
    pub probe_started_ms: u64,
}

/// What the host will still spend on a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Rounds left.
    pub rounds_left: u32,
    /// Until then a round may begin, Unix milliseconds.
    pub deadline_ms: Option<u64>,
}

/// A setting and the value in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The key from the manifest.
    pub key: String,
    /// The value.
    pub value: SettingValue,
}

/// The value of a setting; durations in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingValue {
    /// On or off.
    Flag(bool),
    /// A whole number.
    Integer(i32),
    /// A text or a choice.
    Text(String),
    /// A duration.
    Duration(u32),
    /// A list of durations.
    Durations(Vec<u32>),
    /// A list of texts.
    Texts(Vec<String>),
}

/// One look-up of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookup {
    /// When it began, Unix milliseconds.
    pub started_ms: u64,
    /// How long it took.
    pub elapsed_ms: u32,
    /// What it came to.
    pub outcome: LookupOutcome,
    /// The exchanges in the order in which they are tried.
    pub exchanges: Vec<Exchange>,
    /// Anything else seen.
    pub facts: Vec<Fact>,
}

/// What a look-up of a domain came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookupOutcome {
    /// MX records name at least one exchange with an address.
    Exchanges,
    /// No MX record; the domain's own addresses are used.
    ImplicitMx,
    /// A null MX (RFC 7505).
    NullMx,
    /// An address literal.
    AddressLiteral,
    /// A special-use name.
    SpecialUse(String),
    /// NXDOMAIN.
    NxDomain,
    /// Neither MX nor address records.
    NoData,
    /// MX records, none of them usable, finally.
    NoUsableExchange,
    /// MX records, none of them usable for now.
    NoUsableExchangeNow,
    /// SERVFAIL.
    ServFail,
    /// REFUSED.
    Refused,
    /// No answer in time.
    TimedOut,
    /// Anything else.
    Other(String),
}

/// An exchange of a look-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// Its name, or an address literal.
    pub name: String,
    /// Its preference.
    pub preference: u16,
    /// Its addresses in the order in which they are tried.
    pub addresses: Vec<String>,
}

/// What one session, or one try at a session, showed about a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The round it belongs to, from 1.
    pub round: u32,
    /// When it began, Unix milliseconds.
    pub started_ms: u64,
    /// How long it took.
    pub elapsed_ms: u32,
    /// Index of the exchange in the look-up then in force.
    pub exchange: u32,
    /// The name of that exchange.
    pub exchange_name: String,
    /// The address connected to.
    pub remote_address: Option<String>,
    /// The source address; empty without a connection.
    pub local_address: String,
    /// The name given in EHLO.
    pub ehlo_name: String,
    /// The reverse path; empty for the null path.
    pub reverse_path: String,
    /// Facts about TLS.
    pub tls: Option<Tls>,
    /// The replies that concern this mailbox, in order.
    pub replies: Vec<Reply>,
    /// How it ended.
    pub ending: Ending,
    /// Mailboxes asked before this one in the session.
    pub asked_before: u32,
    /// How many of those were refused.
    pub refused_before: u32,
    /// Anything else seen.
    pub facts: Vec<Fact>,
}

/// What was seen of TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// Protocol version.
    pub version: String,
    /// Cipher suite.
    pub cipher_suite: String,
    /// What a strict client would object to.
    pub problems: Vec<String>,
}

/// One reply, unprocessed but for its decoding from bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// What it answers.
    pub stage: Stage,
    /// The code as received.
    pub code: Option<u16>,
    /// The leading enhanced status code.
    pub enhanced: Option<EnhancedStatusCode>,
    /// The text, lines joined by a line feed.
    pub text: String,
    /// How long it took.
    pub elapsed_ms: u32,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Held to its end.
    Completed,
    /// No connection.
    NotConnected(ConnectFailure),
    /// Closed or reset by the server.
    Closed(Stage),
    /// Our time limit.
    TimedOut(Stage),
    /// 421.
    ServiceClosing(Stage),
    /// The greeting was not 220.
    GreetingRefused,
    /// EHLO and HELO refused.
    EhloRefused,
    /// TLS failed where it was required.
    TlsFailed(String),
    /// The server broke the protocol.
    Violation(String),
    /// One of our limits.
    LimitReached(String),
    /// This mailbox could not be asked here.
    NotAsked(String),
    /// Anything else.
    Other(String),
}

/// Why no connection came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectFailure {
    /// Connection refused.
    Refused,
    /// No answer in time.
    TimedOut,
    /// Network or host unreachable.
    Unreachable,
    /// Not a public address; the name of the block.
    NotPublic(String),
    /// Anything else.
    Other(String),
}

/// What a decoy was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecoyFinding {
    /// When, Unix milliseconds.
    pub asked_ms: u64,
    /// Where.
    pub exchange_name: String,
    /// In which attempt of this probe.
    pub attempt: Option<u32>,
    /// The reply.
    pub reply: Reply,
}

/// What a policy says is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The probe is over.
    Settle(Verdict),
    /// Ask, or ask again.
    Probe(Plan),
}

/// The conclusion about a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What it comes to.
    pub status: Status,
    /// Why, in kebab-case.
    pub reason: String,
    /// How sure, 0 to 100 percent.
    pub confidence: u8,
    /// What led to it, the decisive one first.
    pub because: Vec<Cause>,
    /// How long to leave the lane alone.
    pub hold_lane_ms: u32,
    /// What else the policy wants recorded.
    pub facts: Vec<Fact>,
}

/// What is said about a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It exists and takes mail.
    Deliverable,
    /// It, or mail at its domain, does not exist.
    Undeliverable,
    /// It may take mail, but something speaks against relying on it.
    Risky,
    /// The evidence does not tell.
    Unknown,
}

impl Status {
    /// Every status, in the order in which they are listed to people.
    pub const ALL: [Self; 4] = [
        Self::Deliverable,
        Self::Undeliverable,
        Self::Risky,
        Self::Unknown,
    ];

    /// The name in records and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deliverable => "deliverable",
            Self::Undeliverable => "undeliverable",
            Self::Risky => "risky",
            Self::Unknown => "unknown",
        }
    }
}

/// A piece of evidence that led to a decision; indices point into the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The address itself.
    Address,
    /// A look-up.
    Lookup(u32),
    /// An attempt as a whole.
    Attempt(u32),
    /// A reply of an attempt.
    Reply {
        /// Index of the attempt.
        attempt: u32,
        /// Index of the reply in it.
        reply: u32,
    },
    /// A decoy's answer.
    Decoy(u32),
    /// A tag.
    Tag(u32),
}

/// What to ask next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Why, in kebab-case.
    pub reason: String,
    /// How long to wait.
    pub wait_ms: u32,
    /// Where to begin.
    pub exchange: ExchangeChoice,
    /// Whether to ask a decoy.
    pub decoy: DecoyChoice,
    /// How long to leave the lane alone.
    pub hold_lane_ms: u32,
    /// What led to it.
    pub because: Vec<Cause>,
    /// The verdict if the budget ends first.
    pub otherwise: Verdict,
    /// Further wishes.
    pub wishes: Vec<Fact>,
}

/// Where the next round begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExchangeChoice {
    /// The host's order.
    Planned,
    /// The exchange of the last attempt.
    Same,
    /// The one after it.
    Next,
}

/// Whether a decoy is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecoyChoice {
    /// None.
    None,
    /// One, unless a fresh answer is known.
    IfUnknown,
    /// One in any case.
    Always,
}
