//! The network of a rehearsal: connections to modelled exchanges, and names that lead to them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};
use tokio::time::Instant;
use vrfy_proto::evidence::ConnectFailure;
use vrfy_proto::mx::{DnsAnswer, MxRecord};

use super::mailbox::domain;
use super::server::{Asked, Entry, Fate, Server, Visit};
use crate::connect::{Connection, Network};
use crate::lookup::{Answer, Datum, Question, QuestionKind, Resolve};

/// There and back.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// Octets under way in each direction; more than any dialogue has.
const UNDER_WAY_MAX: usize = 16 * 1024;

/// What every session seems to come from.
const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// The exchanges of a rehearsal, by address.
#[derive(Clone, Debug)]
pub(super) struct Exchanges {
    by_address: HashMap<IpAddr, Arc<Mutex<Server>>>,
    began: Instant,
}

/// The address of an exchange of that domain. Loopback, so that nothing could leave if it tried.
fn address_of(domain: usize, is_backup: bool) -> Ipv4Addr {
    let number = u32::try_from(domain * 2 + usize::from(is_backup)).unwrap_or(u32::MAX);
    Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 0).to_bits() | number)
}

impl Exchanges {
    /// None yet. The rehearsal begins now.
    pub(super) fn new() -> Self {
        Self {
            by_address: HashMap::new(),
            began: Instant::now(),
        }
    }

    pub(super) fn add(&mut self, domain: usize, is_backup: bool, server: Server) {
        let address = IpAddr::V4(address_of(domain, is_backup));
        self.by_address
            .insert(address, Arc::new(Mutex::new(server)));
    }

    /// What all of them were asked.
    pub(super) fn asked(&self) -> Asked {
        let servers = self.by_address.values();
        servers.fold(Asked::default(), |sum, server| {
            let asked = lock(server).asked;
            Asked {
                sessions: sum.sessions + asked.sessions,
                recipients: sum.recipients + asked.recipients,
            }
        })
    }
}

impl Network for Exchanges {
    type Stream = DuplexStream;

    async fn open(
        &self,
        target: SocketAddr,
        _: Option<IpAddr>,
    ) -> Result<Connection<DuplexStream>, ConnectFailure> {
        let server = self.by_address.get(&target.ip());
        let server = Arc::clone(server.ok_or(ConnectFailure::Unreachable)?);
        tokio::time::sleep(ROUND_TRIP).await;
        let entry = lock(&server).enter(self.began.elapsed());
        let (greeting, fate) = match entry {
            Entry::Silence => return std::future::pending().await,
            Entry::Refusal => return Err(ConnectFailure::Refused),
            Entry::Open(greeting, fate) => (greeting, fate),
        };
        let (ours, theirs) = duplex(UNDER_WAY_MAX);
        let began = self.began;
        tokio::spawn(async move {
            // An end that comes early is the client's affair; it notes it.
            let _ = talk(theirs, &server, greeting, fate, began).await;
        });
        Ok(Connection {
            stream: ours,
            source: Some(SOURCE),
        })
    }
}

/// Holds one session, as a server.
async fn talk(
    stream: DuplexStream,
    server: &Mutex<Server>,
    greeting: &str,
    fate: Fate,
    began: Instant,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut visit = Visit::new(fate);
    say(&mut stream, greeting).await?;
    let mut line = String::new();
    while !greeting.starts_with("421") && stream.read_line(&mut line).await? > 0 {
        if fate == Fate::Closed {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let reply = match verb.as_str() {
            _ if !greeting.starts_with("220") && verb != "QUIT" => "503 5.5.1 Not now".to_owned(),
            "EHLO" | "HELO" => "250 mx.rehearsal.test".to_owned(),
            "RCPT" => {
                let address = line.split(['<', '>']).nth(1).unwrap_or_default();
                let thinks = lock(server).thinks(&visit);
                tokio::time::sleep(thinks).await;
                lock(server).recipient(&mut visit, address, began.elapsed())
            }
            "QUIT" => "221 2.0.0 Bye".to_owned(),
            _ => "250 2.0.0 Ok".to_owned(),
        };
        say(&mut stream, &reply).await?;
        if verb == "QUIT" || reply.starts_with("421") {
            return Ok(());
        }
        line.clear();
    }
    Ok(())
}

async fn say(stream: &mut BufReader<DuplexStream>, reply: &str) -> std::io::Result<()> {
    tokio::time::sleep(ROUND_TRIP).await;
    stream.write_all(format!("{reply}\r\n").as_bytes()).await
}

fn lock(server: &Mutex<Server>) -> MutexGuard<'_, Server> {
    server.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The name servers of a rehearsal.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// By name: the answer, and until when the name servers fail.
    answers: HashMap<(String, QuestionKind), DnsAnswer<Datum>>,
    fail_for: Duration,
    began: Instant,
}

impl Names {
    /// Names of so many domains, with a backup each or without.
    pub(super) fn new(domains: usize, has_backup: bool, fail_for: Duration) -> Self {
        let mut answers = HashMap::new();
        for number in 0..domains {
            let places = [false, true].into_iter().take(1 + usize::from(has_backup));
            let mut records = Vec::new();
            for is_backup in places {
                let place = if is_backup { "mx2" } else { "mx1" };
                let exchange = format!("{place}.{}", domain(number));
                let address = Datum::V4(address_of(number, is_backup));
                let key = (exchange.clone(), QuestionKind::V4);
                answers.insert(key, DnsAnswer::Records(vec![address]));
                records.push(Datum::Mx(MxRecord {
                    preference: if is_backup { 20 } else { 10 },
                    exchange,
                }));
            }
            let key = (domain(number), QuestionKind::Mx);
            answers.insert(key, DnsAnswer::Records(records));
        }
        Self {
            answers,
            fail_for,
            began: Instant::now(),
        }
    }
}

impl Resolve for Names {
    fn ask(&self, question: Question) -> Pin<Box<dyn Future<Output = Answer> + Send + '_>> {
        Box::pin(async move {
            tokio::time::sleep(ROUND_TRIP).await;
            if self.began.elapsed() < self.fail_for {
                return Answer::temporary(DnsAnswer::ServFail);
            }
            let found = self
                .answers
                .get(&(question.name.to_string(), question.kind));
            let answer = found.cloned().unwrap_or(DnsAnswer::NoData);
            Answer::kept_for(answer, KEPT_FOR)
        })
    }
}

/// How long an answer may be kept.
const KEPT_FOR: Duration = Duration::from_mins(5);
