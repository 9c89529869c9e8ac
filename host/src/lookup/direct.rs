//! One question to one name server over one transport: what a look-up hides on purpose.
//!
//! **Promises.** Nothing is kept, asked again elsewhere or sent over the other transport. The
//! response code, the DNSSEC bit and the time are those of the very response.
//!
//! **Does not** follow aliases or read the records: whether the server answers is the question.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ProtocolConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::{DnsHandle, FirstAnswer};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{DnsRequestOptions, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig, system_conf};
use tokio::time::Instant;

use super::Lookup;
use super::servers::LookupError;

/// How a question travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// One datagram each way.
    Udp,
    /// A connection.
    Tcp,
}

/// What a server did with a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Direct {
    /// The answer, or why there is none.
    pub answer: DirectAnswer,
    /// Whether the server says that it has checked the signatures (the AD bit, RFC 4035).
    pub is_authentic: bool,
    /// From the question to the answer.
    pub took: Duration,
}

/// The answer to a question for addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectAnswer {
    /// The name has such records.
    Records,
    /// The name exists, without such records.
    NoData,
    /// The name does not exist.
    NxDomain,
    /// The server answered with a response code that answers nothing.
    Code(String),
    /// No answer came in time.
    Silence,
    /// Anything else, in words.
    Failed(String),
}

impl DirectAnswer {
    /// Whether the question was answered, one way or the other.
    pub const fn is_an_answer(&self) -> bool {
        matches!(self, Self::Records | Self::NoData | Self::NxDomain)
    }
}

/// Asks this server for the IPv4 addresses of a name, with the DO bit set.
pub async fn ask_directly(
    server: SocketAddr,
    transport: Transport,
    name: &str,
    timeout: Duration,
) -> Direct {
    let began = Instant::now();
    let asked = tokio::time::timeout(timeout, ask(server, transport, name, timeout)).await;
    let (answer, is_authentic) = asked.unwrap_or((DirectAnswer::Silence, false));
    Direct {
        answer,
        is_authentic,
        took: began.elapsed(),
    }
}

async fn ask(
    server: SocketAddr,
    transport: Transport,
    name: &str,
    timeout: Duration,
) -> (DirectAnswer, bool) {
    let Ok(name) = Name::from_ascii(format!("{name}.")) else {
        let why = format!("{name:?} is not a name that DNS can carry");
        return (DirectAnswer::Failed(why), false);
    };
    let mut connection = ConnectionConfig::new(match transport {
        Transport::Udp => ProtocolConfig::Udp,
        Transport::Tcp => ProtocolConfig::Tcp,
    });
    connection.port = server.port();
    let mut options = ResolverOpts::default();
    options.timeout = timeout;
    options.attempts = 0;
    let tls = TlsConfig::new().expect("without DNS over TLS there is nothing to set up");
    let servers = vec![NameServerConfig::new(server.ip(), true, vec![connection])];
    let context = Arc::new(PoolContext::new(options, tls));
    let pool = NameServerPool::from_config(servers, context, TokioRuntimeProvider::default());
    let mut request = DnsRequestOptions::default();
    request.edns_set_dnssec_ok = true;
    let query = Query::query(name, RecordType::A);
    match pool.lookup(query, request).first_answer().await {
        Ok(response) => {
            let message = response.into_message();
            let is_authentic = message.metadata.authentic_data;
            (
                answer(message.response_code, !message.answers.is_empty()),
                is_authentic,
            )
        }
        Err(NetError::Dns(DnsError::NoRecordsFound(absent))) => {
            (answer(absent.response_code, false), false)
        }
        Err(NetError::Dns(DnsError::ResponseCode(code))) => (answer(code, false), false),
        Err(NetError::NoConnections) => {
            let why = "the server takes no connection".to_owned();
            (DirectAnswer::Failed(why), false)
        }
        Err(NetError::Timeout) => (DirectAnswer::Silence, false),
        Err(other) => (DirectAnswer::Failed(other.to_string()), false),
    }
}

fn answer(code: ResponseCode, has_records: bool) -> DirectAnswer {
    match code {
        ResponseCode::NoError if has_records => DirectAnswer::Records,
        ResponseCode::NoError => DirectAnswer::NoData,
        ResponseCode::NXDomain => DirectAnswer::NxDomain,
        ResponseCode::ServFail => DirectAnswer::Code("SERVFAIL".to_owned()),
        ResponseCode::Refused => DirectAnswer::Code("REFUSED".to_owned()),
        other => DirectAnswer::Code(other.to_string()),
    }
}

impl Lookup {
    /// The name servers that this system is configured to ask, in order.
    pub fn system_servers() -> Result<Vec<SocketAddr>, LookupError> {
        let (config, _) = system_conf::read_system_conf()
            .map_err(|error| LookupError::SystemConfiguration(std::io::Error::other(error)))?;
        let (_, _, servers) = config.into_parts();
        let addresses = servers.iter().map(|server| {
            let port = server.connections.first().map_or(53, |first| first.port);
            SocketAddr::new(server.ip, port)
        });
        Ok(addresses.collect())
    }
}
