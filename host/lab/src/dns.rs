//! The sockets of the lab's DNS server: UDP and TCP on one loopback port.
//!
//! What is said is decided in `zone`. Each TCP connection is a task that ends with the lab.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

use crate::ledger::Ledger;
use crate::zone::{Outcome, Transport, Zone};

/// The largest datagram that UDP can carry.
const DATAGRAM_OCTETS_MAX: usize = 65_535;

/// Ports tried until one is free for both UDP and TCP.
const PORTS_TRIED_MAX: usize = 16;

/// A bound server that has not begun to answer.
pub(crate) struct DnsServer {
    udp: Arc<UdpSocket>,
    tcp: TcpListener,
    shared: Arc<Shared>,
}

struct Shared {
    zone: Zone,
    latency: Duration,
    ledger: Arc<Ledger>,
}

impl DnsServer {
    /// Binds the same free port of 127.0.0.1 for both transports.
    pub(crate) async fn bind(
        zone: Zone,
        latency: Duration,
        ledger: Arc<Ledger>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            zone,
            latency,
            ledger,
        });
        let mut refusal = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..PORTS_TRIED_MAX {
            let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            match UdpSocket::bind(tcp.local_addr()?).await {
                Ok(udp) => {
                    let udp = Arc::new(udp);
                    return Ok(Self { udp, tcp, shared });
                }
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// Where resolvers have to ask.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Answers until its tasks are aborted.
    pub(crate) fn serve(self, tasks: &mut JoinSet<()>) {
        tasks.spawn(serve_udp(self.udp, Arc::clone(&self.shared)));
        tasks.spawn(serve_tcp(self.tcp, self.shared));
    }
}

async fn serve_udp(socket: Arc<UdpSocket>, shared: Arc<Shared>) {
    let mut delayed = JoinSet::new();
    let mut datagram = vec![0; DATAGRAM_OCTETS_MAX];
    loop {
        // An error here is a refusal that came back for an earlier answer: the client has left.
        let Ok((length, client)) = socket.recv_from(&mut datagram).await else {
            continue;
        };
        let outcome = shared.answer(&datagram[..length], Transport::Udp);
        let Outcome::Send(octets) = outcome else {
            continue;
        };
        if shared.latency.is_zero() {
            let _ = socket.send_to(&octets, client).await;
            continue;
        }
        let socket = Arc::clone(&socket);
        let latency = shared.latency;
        delayed.spawn(async move {
            tokio::time::sleep(latency).await;
            let _ = socket.send_to(&octets, client).await;
        });
        while delayed.try_join_next().is_some() {}
    }
}

async fn serve_tcp(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, Arc::clone(&shared)));
                }
                Err(_) => tokio::time::sleep(crate::exchange::ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_connection(mut stream: TcpStream, shared: Arc<Shared>) {
    // However it ends, the client has left: there is nobody to tell.
    let _ = answer_messages(&mut stream, &shared).await;
}

async fn answer_messages(stream: &mut TcpStream, shared: &Shared) -> io::Result<()> {
    loop {
        let length = stream.read_u16().await?;
        let mut octets = vec![0; usize::from(length)];
        stream.read_exact(&mut octets).await?;
        match shared.answer(&octets, Transport::Tcp) {
            Outcome::Hangup => return Ok(()),
            Outcome::Silence => {}
            Outcome::Send(reply) => {
                tokio::time::sleep(shared.latency).await;
                let length = u16::try_from(reply.len()).map_err(io::Error::other)?;
                let mut framed = length.to_be_bytes().to_vec();
                framed.extend_from_slice(&reply);
                stream.write_all(&framed).await?;
            }
        }
    }
}

impl Shared {
    fn answer(&self, octets: &[u8], transport: Transport) -> Outcome {
        let (question, outcome) = self.zone.answer(octets, transport);
        if let Some(question) = question {
            self.ledger.record_question(question);
        }
        outcome
    }
}
