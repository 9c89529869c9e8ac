//! The one owner of what the lab has seen; `report` is what it gives out.
//!
//! Every exchange and the DNS server write to it from their own tasks, so it holds a lock, which
//! is never held across an await.

use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::lab::hint;
use crate::report::{Ending, Report, SessionReport, Sin, SinKind};
use crate::zone::DnsQuestion;

/// Sessions kept with their commands; enough for every test, bounded for long servings.
const SESSIONS_MAX: usize = 20_000;

/// Commands kept of one session: a probe needs about ten, a busy one some hundreds.
const COMMANDS_MAX: usize = 1_000;

/// Sins kept: whoever has that many is known well enough.
const SINS_MAX: usize = 1_000;

/// DNS questions kept: three for each of the sessions.
const QUESTIONS_MAX: usize = 3 * SESSIONS_MAX;

/// Octets kept of one line.
const LINE_OCTETS_MAX: usize = 1_000;

/// Collects what is seen.
#[derive(Debug)]
pub(crate) struct Ledger {
    report: Mutex<Report>,
}

/// Where a session's record is; absent when the list was full at its beginning.
#[derive(Clone, Debug)]
pub(crate) struct SessionId {
    exchange: String,
    index: Option<usize>,
}

impl Ledger {
    pub(crate) fn new(exchanges: impl Iterator<Item = String>) -> Self {
        let report = Report {
            exchanges: exchanges.map(|name| (name, Default::default())).collect(),
            ..Report::default()
        };
        Self {
            report: Mutex::new(report),
        }
    }

    pub(crate) fn report(&self) -> Report {
        self.lock().clone()
    }

    pub(crate) fn open_sessions(&self) -> u64 {
        self.lock()
            .exchanges
            .values()
            .map(|counts| counts.open)
            .sum()
    }

    pub(crate) fn record_question(&self, question: DnsQuestion) {
        let mut report = self.lock();
        if report.questions.len() < QUESTIONS_MAX {
            report.questions.push(question);
        }
    }

    pub(crate) fn record_not_accepted(&self, cause: &io::Error) {
        self.lock().not_accepted = Some(format!("{cause}{}", hint(cause)));
    }

    pub(crate) fn begin_session(&self, exchange: &str, client: IpAddr) -> SessionId {
        let mut report = self.lock();
        let counts = report.exchanges.entry(exchange.to_owned()).or_default();
        counts.sessions += 1;
        counts.open += 1;
        counts.open_at_once_max = counts.open_at_once_max.max(counts.open);
        let index = report.sessions.len();
        let kept = index < SESSIONS_MAX;
        if kept {
            report.sessions.push(SessionReport {
                exchange: exchange.to_owned(),
                client,
                commands: Vec::new(),
                recipients: Vec::new(),
                tls_server_name: None,
                ending: Ending::Open,
            });
        }
        SessionId {
            exchange: exchange.to_owned(),
            index: kept.then_some(index),
        }
    }

    pub(crate) fn record_command(&self, session: &SessionId, line: &[u8]) {
        self.change(session, |record| {
            if record.commands.len() < COMMANDS_MAX {
                record.commands.push(shown(line));
            }
        });
    }

    pub(crate) fn record_recipient(&self, session: &SessionId, mailbox: &str) {
        let mut report = self.lock();
        if let Some(counts) = report.exchanges.get_mut(&session.exchange) {
            counts.recipients += 1;
        }
        drop(report);
        self.change(session, |record| {
            if record.recipients.len() < COMMANDS_MAX {
                record.recipients.push(mailbox.to_owned());
            }
        });
    }

    pub(crate) fn record_tls(&self, session: &SessionId, server_name: &str) {
        self.change(session, |record| {
            record.tls_server_name = Some(server_name.to_owned());
        });
    }

    pub(crate) fn record_sin(&self, session: &SessionId, kind: SinKind, line: &[u8]) {
        let mut report = self.lock();
        if report.sins.len() < SINS_MAX {
            let exchange = session.exchange.clone();
            let line = shown(line);
            report.sins.push(Sin {
                exchange,
                kind,
                line,
            });
        }
    }

    pub(crate) fn end_session(&self, session: &SessionId, ending: Ending) {
        if let Some(counts) = self.lock().exchanges.get_mut(&session.exchange) {
            counts.open -= 1;
        }
        self.change(session, |record| record.ending = ending);
    }

    fn change(&self, session: &SessionId, change: impl FnOnce(&mut SessionReport)) {
        let mut report = self.lock();
        if let Some(record) = session.index.and_then(|at| report.sessions.get_mut(at)) {
            change(record);
        }
    }

    /// A task that panicked leaves counts behind that are still worth reading.
    fn lock(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shown(octets: &[u8]) -> String {
    String::from_utf8_lossy(&octets[..octets.len().min(LINE_OCTETS_MAX)]).into_owned()
}
