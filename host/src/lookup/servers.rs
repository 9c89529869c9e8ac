//! The name servers, and one question to them.
//!
//! The part of hickory-resolver above its pool of servers is left aside on purpose: it answers some
//! reserved names by itself, keeps a cache that cannot tell whether it was used, and hides the
//! response code of an alias that leads nowhere. The pool sends, sends again, waits, and turns to
//! TCP for what was truncated; what an answer means is decided here.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ProtocolConfig, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{DnsRequest, DnsRequestOptions, Message, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig, system_conf};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use vrfy_proto::mx::{DnsAnswer, MxRecord};

use super::answer::{Answer, Authenticity, Datum, Question, QuestionKind};

/// Names that a question is led through by CNAME records at most. Two are common, resolvers stop at
/// 8 to 16; a loop must end.
const ALIASES_MAX: usize = 12;

/// Questions on the wire at most. Each has a socket of its own, so that its port is hard to guess,
/// and two more when answers are slow; common limits allow a process 1,024 files.
const QUESTIONS_MAX: usize = 128;

/// An answer is kept no longer than a day, whatever it says.
const TTL_MAX: Duration = Duration::from_hours(24);

/// RFC 2308 section 5: one to three hours have been found to work well as a limit for negative
/// answers.
const NEGATIVE_TTL_MAX: Duration = Duration::from_hours(3);

/// Why no name server can be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The system's configuration could not be used.
    #[error("cannot read the name servers of this system, give one with --resolver: {0}")]
    SystemConfiguration(io::Error),
}

/// The servers to ask.
pub(super) struct Servers {
    /// All of them; the pool prefers the quick ones.
    all: Pool,
    /// Each by itself, for a second opinion after a failure; empty when there is only one.
    each: Vec<Pool>,
    /// Whether what they say about signatures counts.
    trust: Trust,
    timeout: Duration,
    permits: Semaphore,
}

/// Whether to believe a server that says it has checked signatures: a stub must not, unless the
/// way to it is secure or the operator says so (RFC 4035 section 4.9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// It was given explicitly, or runs on this machine.
    Believed,
    /// Anybody on the way can have said it.
    Ignored,
}

/// Whether the server is to hold back what its signatures do not fit (RFC 4035 section 3.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Checking {
    Wanted,
    Unwanted,
}

type Pool = NameServerPool<TokioRuntimeProvider>;

impl Servers {
    /// The servers that the system is configured to ask.
    pub(super) fn of_system(timeout: Duration) -> Result<Self, LookupError> {
        let (config, _) = system_conf::read_system_conf()
            .map_err(|error| LookupError::SystemConfiguration(io::Error::other(error)))?;
        let mut servers = config.name_servers().iter();
        let trust = match servers.all(|server| server.ip.is_loopback()) {
            true => Trust::Believed,
            false => Trust::Ignored,
        };
        Ok(Self::new(config, timeout, trust))
    }

    /// One server.
    pub(super) fn at(address: SocketAddr, timeout: Duration) -> Self {
        Self::new(
            ResolverConfig::from_name_servers(vec![name_server(address)]),
            timeout,
            Trust::Believed,
        )
    }

    /// Search domains and the local domain of the configuration are dropped.
    pub(super) fn new(config: ResolverConfig, timeout: Duration, trust: Trust) -> Self {
        let (_, _, servers) = config.into_parts();
        let each = match servers.as_slice() {
            [] | [_] => Vec::new(),
            servers => servers
                .iter()
                .map(|server| pool(vec![server.clone()], timeout / 2))
                .collect(),
        };
        // With several servers, half of the time is left for the second opinions.
        let share = if each.is_empty() {
            timeout
        } else {
            timeout / 2
        };
        Self {
            all: pool(servers, share),
            each,
            trust,
            timeout,
            permits: Semaphore::new(QUESTIONS_MAX),
        }
    }

    /// Asks, follows aliases, and says what became of it.
    pub(super) async fn ask(&self, question: Question) -> Answer {
        let _permit = self
            .permits
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let deadline = Instant::now() + self.timeout;
        let asked = timeout_at(deadline, self.follow(&question, Checking::Wanted)).await;
        let mut answer = asked.unwrap_or_else(|_| Answer::temporary(DnsAnswer::TimedOut));
        if answer.records == DnsAnswer::ServFail && self.trust == Trust::Believed {
            // SERVFAIL is also what a validating server says about a forged answer. That it has one
            // when it need not check tells the two apart; the forged answer itself is not used.
            let unchecked = self.follow(&question, Checking::Unwanted);
            if let Ok(unchecked) = timeout_at(deadline, unchecked).await
                && !unchecked.records.is_temporary()
            {
                answer.authenticity = Authenticity::Bogus;
            }
        }
        answer
    }

    async fn follow(&self, question: &Question, checking: Checking) -> Answer {
        let Ok(name) = Name::from_ascii(format!("{}.", question.name)) else {
            // Longer than a name in DNS can be: nobody can have registered it.
            return Answer::temporary(DnsAnswer::Other("not a name that DNS can carry".to_owned()));
        };
        let mut trail = Trail::new(name, question.kind);
        loop {
            let response = self.response(&trail, checking).await;
            if let Some(mut answer) = trail.take(response) {
                if self.trust == Trust::Ignored {
                    answer.authenticity = Authenticity::Unknown;
                }
                return answer;
            }
        }
    }

    /// One server's failure is not the last word while there are others.
    async fn response(&self, trail: &Trail, checking: Checking) -> Response {
        let mut response = self.ask_pool(&self.all, trail, checking).await;
        for pool in &self.each {
            if !response.is_worth_a_second_opinion() {
                break;
            }
            response = self.ask_pool(pool, trail, checking).await;
        }
        response
    }

    async fn ask_pool(&self, pool: &Pool, trail: &Trail, checking: Checking) -> Response {
        let query = Query::query(trail.name.clone(), trail.kind.record_type());
        let mut request = DnsRequest::from_query(query, DnsRequestOptions::default());
        // RFC 6840 section 5.7: AD in a question asks for AD in the answer, and for no signatures.
        request.metadata.authentic_data = self.trust == Trust::Believed;
        request.metadata.checking_disabled = checking == Checking::Unwanted;
        match pool.send(request).first_answer().await {
            Ok(response) => Response::Message(Box::new(response.into_message())),
            Err(error) => Response::from(error),
        }
    }
}

pub(super) fn name_server(address: SocketAddr) -> NameServerConfig {
    let connections = [ProtocolConfig::Udp, ProtocolConfig::Tcp].map(|protocol| {
        let mut connection = ConnectionConfig::new(protocol);
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.to_vec())
}

fn pool(servers: Vec<NameServerConfig>, timeout: Duration) -> Pool {
    let mut options = ResolverOpts::default();
    options.timeout = timeout;
    options.max_active_requests = QUESTIONS_MAX;
    let tls = TlsConfig::new().expect("without DNS over TLS there is nothing to set up");
    let context = Arc::new(PoolContext::new(options, tls));
    NameServerPool::from_config(servers, context, TokioRuntimeProvider::default())
}

/// What came back for one name.
enum Response {
    Message(Box<Message>),
    Absent { exists: bool, ttl: Duration },
    Failed(DnsAnswer<Datum>),
}

impl Response {
    fn is_worth_a_second_opinion(&self) -> bool {
        match self {
            Self::Message(message) => code_failure(message.response_code).is_some(),
            Self::Absent { .. } | Self::Failed(DnsAnswer::TimedOut) => false,
            Self::Failed(_) => true,
        }
    }
}

impl From<NetError> for Response {
    fn from(error: NetError) -> Self {
        match error {
            // Neither an answer nor the SOA record of a denial, but the names of other servers
            // (RFC 2308 section 2.2): whoever was asked does not look names up for others. Nothing
            // is known of the name.
            NetError::Dns(DnsError::NoRecordsFound(absent))
                if absent.response_code == ResponseCode::NoError
                    && absent.soa.is_none()
                    && absent.ns.is_some() =>
            {
                Self::Failed(DnsAnswer::Other(
                    "the name server only refers to others: it is no resolver".to_owned(),
                ))
            }
            NetError::Dns(DnsError::NoRecordsFound(absent)) => Self::Absent {
                exists: absent.response_code != ResponseCode::NXDomain,
                ttl: negative_ttl(absent.negative_ttl),
            },
            NetError::Dns(DnsError::ResponseCode(code)) => Self::Failed(
                code_failure(code)
                    .unwrap_or_else(|| DnsAnswer::Other(format!("answered {code} as an error"))),
            ),
            NetError::Timeout => Self::Failed(DnsAnswer::TimedOut),
            NetError::Truncated => Self::Failed(DnsAnswer::Other(
                "truncated, and truncated over TCP too".to_owned(),
            )),
            other => Self::Failed(DnsAnswer::Other(other.to_string())),
        }
    }
}

/// What a response code says, unless it is one of the two that answer the question.
fn code_failure(code: ResponseCode) -> Option<DnsAnswer<Datum>> {
    match code {
        ResponseCode::NoError | ResponseCode::NXDomain => None,
        ResponseCode::ServFail => Some(DnsAnswer::ServFail),
        ResponseCode::Refused => Some(DnsAnswer::Refused),
        other => Some(DnsAnswer::Other(format!(
            "the name server answered {other}"
        ))),
    }
}

/// Where a question has been led so far.
struct Trail {
    name: Name,
    kind: QuestionKind,
    aliases: Vec<String>,
    ttl: Duration,
    /// Whether all responses so far were marked as checked.
    secure: bool,
}

impl Trail {
    fn new(name: Name, kind: QuestionKind) -> Self {
        Self {
            name,
            kind,
            aliases: Vec::new(),
            ttl: TTL_MAX,
            secure: true,
        }
    }

    /// The answer, or nothing when the name that the trail leads to must be asked for by itself.
    fn take(&mut self, response: Response) -> Option<Answer> {
        let message = match response {
            Response::Message(message) => message,
            Response::Absent { exists, ttl } => return Some(self.absent(exists, ttl)),
            Response::Failed(failure) => return Some(Answer::temporary(failure)),
        };
        if let Some(failure) = code_failure(message.response_code) {
            return Some(Answer::temporary(failure));
        }
        self.secure &= message.authentic_data;
        let known = self.aliases.len();
        while let Some(alias) = self.alias_in(&message) {
            if self.aliases.len() >= ALIASES_MAX {
                let what = format!("more than {ALIASES_MAX} aliases in a row");
                return Some(Answer::temporary(DnsAnswer::Other(what)));
            }
            self.ttl = self.ttl.min(positive_ttl(alias.1));
            self.name = alias.0;
            self.aliases.push(text(&self.name));
        }
        let records = self.records_in(&message);
        if !records.is_empty() {
            return Some(self.answer(DnsAnswer::Records(records), self.ttl));
        }
        let soa_ttl = soa_ttl(&message);
        match message.response_code {
            ResponseCode::NXDomain => Some(self.absent(false, negative_ttl(soa_ttl))),
            // Led on, but nothing said about the name at the end: its server must be asked.
            _ if self.aliases.len() > known && soa_ttl.is_none() => None,
            _ => Some(self.absent(true, negative_ttl(soa_ttl))),
        }
    }

    /// The library keeps nothing of a denial but its time-to-live.
    fn absent(&mut self, exists: bool, ttl: Duration) -> Answer {
        let records = if exists {
            DnsAnswer::NoData
        } else {
            DnsAnswer::NxDomain
        };
        Answer {
            authenticity: Authenticity::Unknown,
            ..self.answer(records, self.ttl.min(ttl))
        }
    }

    fn answer(&mut self, records: DnsAnswer<Datum>, ttl: Duration) -> Answer {
        Answer {
            records,
            aliases: std::mem::take(&mut self.aliases),
            ttl,
            authenticity: match self.secure {
                true => Authenticity::Secure,
                false => Authenticity::Insecure,
            },
        }
    }

    /// The CNAME record of the name in hand, unless what was asked for stands beside it.
    fn alias_in(&self, message: &Message) -> Option<(Name, u32)> {
        let wanted = self.kind.record_type();
        let here = || {
            message
                .answers
                .iter()
                .filter(|record| record.name == self.name)
        };
        if here().any(|record| record.record_type() == wanted) {
            return None;
        }
        here().find_map(|record| match &record.data {
            RData::CNAME(target) => Some((target.0.clone(), record.ttl)),
            _ => None,
        })
    }

    fn records_in(&mut self, message: &Message) -> Vec<Datum> {
        let mut data = Vec::new();
        for record in &message.answers {
            if let (true, Some(datum)) = (record.name == self.name, self.kind.datum(record)) {
                self.ttl = self.ttl.min(positive_ttl(record.ttl));
                data.push(datum);
            }
        }
        data
    }
}

impl QuestionKind {
    fn record_type(self) -> RecordType {
        match self {
            Self::Mx => RecordType::MX,
            Self::V4 => RecordType::A,
            Self::V6 => RecordType::AAAA,
            Self::Ptr => RecordType::PTR,
            Self::Txt => RecordType::TXT,
        }
    }

    fn datum(self, record: &Record) -> Option<Datum> {
        match (self, &record.data) {
            (Self::Mx, RData::MX(mx)) => Some(Datum::Mx(MxRecord {
                preference: mx.preference,
                exchange: mx.exchange.to_ascii(),
            })),
            (Self::V4, RData::A(address)) => Some(Datum::V4(address.0)),
            (Self::V6, RData::AAAA(address)) => Some(Datum::V6(address.0)),
            (Self::Ptr, RData::PTR(name)) => Some(Datum::Ptr(text(&name.0))),
            (Self::Txt, RData::TXT(strings)) => Some(Datum::Txt(strings.txt_data.concat())),
            _ => None,
        }
    }
}

/// Lower case, without the trailing dot.
fn text(name: &Name) -> String {
    let text = name.to_ascii().to_ascii_lowercase();
    text.strip_suffix('.').map(str::to_owned).unwrap_or(text)
}

/// RFC 2181 section 8: with the highest bit set, zero is meant.
fn positive_ttl(seconds: u32) -> Duration {
    let seconds = i32::try_from(seconds).map_or(0, i32::unsigned_abs);
    Duration::from_secs(seconds.into()).min(TTL_MAX)
}

/// RFC 2308 section 5: without an SOA record a negative answer is not kept.
fn negative_ttl(soa: Option<u32>) -> Duration {
    soa.map_or(Duration::ZERO, positive_ttl)
        .min(NEGATIVE_TTL_MAX)
}

/// RFC 2308 section 5: the lesser of the record's own time-to-live and its MINIMUM field.
fn soa_ttl(message: &Message) -> Option<u32> {
    message
        .authorities
        .iter()
        .find_map(|record| match &record.data {
            RData::SOA(soa) => Some(record.ttl.min(soa.minimum)),
            _ => None,
        })
}
