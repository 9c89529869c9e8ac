//! What the lab saw of its client: every session, every recipient, every breach of manners.
//!
//! A test reads it to show that a client behaved: `report.sins` is empty, `open_at_once_max` stays
//! under a limit, each mailbox was asked for once. Counts are complete; the lists of sessions,
//! sins and questions stop growing at the limits named in `ledger`.

use std::collections::BTreeMap;
use std::net::IpAddr;

pub use crate::zone::DnsQuestion;

/// A snapshot of everything seen so far.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// By the exchange's name; those that nobody called are there too.
    pub exchanges: BTreeMap<String, ExchangeReport>,
    /// In the order of their beginnings, over all exchanges.
    pub sessions: Vec<SessionReport>,
    /// What the client should not have done.
    pub sins: Vec<Sin>,
    /// In the order in which they came.
    pub questions: Vec<DnsQuestion>,
    /// What the system said when a session could last not be accepted; its client waited in vain.
    pub not_accepted: Option<String>,
}

impl Report {
    /// Every recipient asked for, in the order of the sessions.
    pub fn recipients(&self) -> impl Iterator<Item = &str> {
        self.sessions
            .iter()
            .flat_map(|session| session.recipients.iter().map(String::as_str))
    }
}

/// The counts of one exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExchangeReport {
    /// Connections accepted.
    pub sessions: u64,
    /// Connections open now.
    pub open: u64,
    /// The most connections that were open at once.
    pub open_at_once_max: u64,
    /// RCPT commands.
    pub recipients: u64,
}

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionReport {
    /// The exchange's name.
    pub exchange: String,
    /// Where the client came from.
    pub client: IpAddr,
    /// Command lines as received, without line ends, lossily decoded.
    pub commands: Vec<String>,
    /// The mailboxes of its RCPT commands, in order.
    pub recipients: Vec<String>,
    /// The server name that the client asked for in its TLS handshake; empty: it sent none.
    pub tls_server_name: Option<String>,
    /// How it ended.
    pub ending: Ending,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It has not ended.
    Open,
    /// The client sent QUIT and the exchange answered.
    Quit,
    /// The client closed the connection without QUIT.
    ClosedByClient,
    /// The exchange closed or broke the connection, as scripted.
    ClosedByExchange,
    /// The TLS handshake failed.
    TlsFailed,
}

/// Something that a well-behaved probe does not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sin {
    /// The exchange's name.
    pub exchange: String,
    /// What was done.
    pub kind: SinKind,
    /// The command line, or the octets that came, lossily decoded.
    pub line: String,
}

/// The ways in which a client can misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SinKind {
    /// DATA, BDAT, VRFY, EXPN, AUTH, HELP, ETRN, TURN: a probe has no use for them.
    ForbiddenCommand,
    /// Octets came before the whole greeting was sent.
    SpokeBeforeGreeting,
    /// A command came before the reply to the one before, without PIPELINING.
    SpokeBeforeReply,
    /// A command followed in one group on one that has to be the last (RFC 2920 section 3.1).
    NotLastInGroup,
    /// The connection was closed without QUIT though nothing had gone wrong.
    MissingQuit,
    /// A line ended in a bare LF, held a NUL or was too long.
    BadLine,
    /// A command that is none, or one whose argument breaks the grammar.
    BadSyntax,
    /// MAIL before EHLO or HELO, MAIL inside a transaction, RCPT without any MAIL.
    BadSequence,
    /// STARTTLS, SMTPUTF8 or another extension that was not offered.
    NotOffered,
}
