//! A scenario: the small Internet that a file describes, checked and ready to start.
//!
//! Promises: what parses can be started; every error names its line, its column and what would be
//! allowed; the same text always gives the same addresses in the same order.
//! It opens no socket. `examples/lab/first.toml` is the place to learn the format from.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;
use std::path::Path;

use crate::answer::Answer;
use crate::schema::{ExchangeTable, Expectation, Faults, File, LabTable};
use crate::world::Builder;

/// Larger files are refused: 20 times the largest scenario that ships, and read whole.
const SCENARIO_BYTES_MAX: u64 = 1 << 20;

/// A checked description of domains, exchanges and mailboxes; `Lab::start` brings it to life.
#[derive(Debug)]
pub struct Scenario {
    pub(crate) settings: LabTable,
    pub(crate) names: BTreeMap<String, NamePlan>,
    pub(crate) exchanges: Vec<ExchangePlan>,
    pub(crate) domains: HashMap<String, DomainPlan>,
    pub(crate) addresses: Vec<KnownAddress>,
}

/// An address that the scenario speaks of, and what should come out for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAddress {
    /// `local-part@domain`, as it appears in RCPT.
    pub address: String,
    /// What a right policy says in the end; absent when the scenario leaves it open.
    pub expect: Option<Expectation>,
    /// One line on why, from the mailbox or else from its domain.
    pub about: String,
}

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("cannot read the scenario {path}: {cause}")]
    Read {
        /// As given.
        path: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The text breaks a rule of the format.
    #[error("line {line}, column {column}: {message}")]
    Text {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
        /// What is wrong and what is allowed.
        message: String,
    },
}

/// What the DNS says about one name.
#[derive(Clone, Debug, Default)]
pub(crate) struct NamePlan {
    pub(crate) mx: Vec<(u16, String)>,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) cname: Option<String>,
    pub(crate) txt: Vec<String>,
    pub(crate) ptr: Vec<String>,
    pub(crate) faults: Option<Faults>,
    pub(crate) ttl_s: u32,
}

/// One exchange, with the loopback address that is its own.
#[derive(Clone, Debug)]
pub(crate) struct ExchangePlan {
    pub(crate) name: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) table: ExchangeTable,
}

/// Who answers for a domain's mailboxes, and how.
#[derive(Debug)]
pub(crate) struct DomainPlan {
    /// Indices into `Scenario::exchanges`.
    pub(crate) exchanges: Vec<usize>,
    pub(crate) mailboxes: HashMap<String, Answer>,
    pub(crate) others: Answer,
}

impl Scenario {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// When the file cannot be read, is larger than a mebibyte or breaks a rule of the format.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ScenarioError> {
        let path = path.as_ref();
        let read_error = |cause| ScenarioError::Read {
            path: path.display().to_string(),
            cause,
        };
        let size = std::fs::metadata(path).map_err(read_error)?.len();
        if size > SCENARIO_BYTES_MAX {
            let message = format!("it has {size} bytes, at most {SCENARIO_BYTES_MAX} are allowed");
            return Err(read_error(std::io::Error::other(message)));
        }
        Self::parse(&std::fs::read_to_string(path).map_err(read_error)?)
    }

    /// Checks a scenario's text.
    ///
    /// # Errors
    /// With the line, the column and what is allowed there.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let file: File = toml::from_str(text).map_err(|error| {
            Mistake::new(error.span().unwrap_or_default(), error.message()).locate(text)
        })?;
        Builder::build(file).map_err(|mistake| mistake.locate(text))
    }

    /// Every address that the scenario names, in the order of the file.
    pub fn addresses(&self) -> &[KnownAddress] {
        &self.addresses
    }
}

/// A broken rule and the place in the text where it was broken.
#[derive(Debug)]
pub(crate) struct Mistake {
    span: Range<usize>,
    message: String,
}

impl Mistake {
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
        }
    }

    fn locate(self, text: &str) -> ScenarioError {
        let before = text.get(..self.span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        ScenarioError::Text {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: self.message.replace('\n', ", "),
        }
    }
}
