//! A name server that answers what a test tells it to, over UDP and TCP on loopback. It writes its
//! messages by hand, so that it shares no mistake with the library that is being tested.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

pub(super) const A: u16 = 1;
pub(super) const CNAME: u16 = 5;
const SOA: u16 = 6;
pub(super) const PTR: u16 = 12;
pub(super) const MX: u16 = 15;
pub(super) const TXT: u16 = 16;
pub(super) const AAAA: u16 = 28;

/// Response codes.
pub(super) const NO_ERROR: u8 = 0;
pub(super) const FORMAT_ERROR: u8 = 1;
pub(super) const SERV_FAIL: u8 = 2;
pub(super) const NX_DOMAIN: u8 = 3;
pub(super) const REFUSED: u8 = 5;

/// What was asked, in the order in which it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) name: String,
    pub(super) kind: u16,
    pub(super) over_tcp: bool,
}

/// What to say.
#[derive(Clone, Debug, Default)]
pub(super) struct Say {
    code: u8,
    answers: Vec<(String, u16, u32, Vec<u8>)>,
    soa: Option<(u32, u32)>,
    truncated: bool,
    silent: bool,
}

impl Say {
    pub(super) fn code(code: u8) -> Self {
        Self {
            code,
            ..Self::default()
        }
    }

    pub(super) fn nothing() -> Self {
        Self::code(NO_ERROR)
    }

    pub(super) fn silence() -> Self {
        Self {
            silent: true,
            ..Self::default()
        }
    }

    pub(super) fn truncated() -> Self {
        Self {
            truncated: true,
            ..Self::default()
        }
    }

    /// Time-to-live of the record and its MINIMUM field.
    pub(super) fn soa(mut self, ttl: u32, minimum: u32) -> Self {
        self.soa = Some((ttl, minimum));
        self
    }

    pub(super) fn mx(mut self, name: &str, ttl: u32, preference: u16, exchange: &str) -> Self {
        let mut data = preference.to_be_bytes().to_vec();
        data.extend(encoded(exchange));
        self.answers.push((name.to_owned(), MX, ttl, data));
        self
    }

    pub(super) fn alias(mut self, name: &str, ttl: u32, target: &str) -> Self {
        let record = (name.to_owned(), CNAME, ttl, encoded(target));
        self.answers.push(record);
        self
    }

    pub(super) fn name_of_address(mut self, name: &str, ttl: u32, target: &str) -> Self {
        let record = (name.to_owned(), PTR, ttl, encoded(target));
        self.answers.push(record);
        self
    }

    /// One TXT record of several strings.
    pub(super) fn text(mut self, name: &str, ttl: u32, strings: &[&[u8]]) -> Self {
        let mut data = Vec::new();
        for string in strings {
            data.push(u8::try_from(string.len()).unwrap());
            data.extend(*string);
        }
        self.answers.push((name.to_owned(), TXT, ttl, data));
        self
    }

    pub(super) fn address(mut self, name: &str, ttl: u32, address: &str) -> Self {
        let (kind, data) = match address.parse().unwrap() {
            IpAddr::V4(address) => (A, Ipv4Addr::octets(&address).to_vec()),
            IpAddr::V6(address) => (AAAA, Ipv6Addr::octets(&address).to_vec()),
        };
        self.answers.push((name.to_owned(), kind, ttl, data));
        self
    }
}

pub(super) struct DnsServer {
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl DnsServer {
    pub(super) async fn start(script: impl Fn(&Asked) -> Say + Send + Sync + 'static) -> Self {
        let (tcp, udp) = sockets().await;
        let address = tcp.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let state = Arc::new(State {
            script: Box::new(script),
            asked: Arc::clone(&asked),
        });
        tokio::spawn(serve_udp(udp, Arc::clone(&state)));
        tokio::spawn(serve_tcp(tcp, state));
        Self { address, asked }
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// `MX example.test` and so on, sorted, over whatever transport.
    pub(super) fn questions(&self) -> Vec<String> {
        let kind = |kind| match kind {
            A => "A",
            AAAA => "AAAA",
            MX => "MX",
            _ => "?",
        };
        let mut questions: Vec<String> = self
            .asked()
            .iter()
            .map(|asked| format!("{} {}", kind(asked.kind), asked.name))
            .collect();
        questions.sort();
        questions
    }
}

struct State {
    script: Box<dyn Fn(&Asked) -> Say + Send + Sync>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// One port, free for both.
async fn sockets() -> (TcpListener, UdpSocket) {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
            return (tcp, udp);
        }
    }
}

async fn serve_udp(udp: UdpSocket, state: Arc<State>) {
    let mut buffer = [0; 1500];
    loop {
        let (length, from) = udp.recv_from(&mut buffer).await.unwrap();
        if let Some(response) = respond(&buffer[..length], false, &state) {
            udp.send_to(&response, from).await.unwrap();
        }
    }
}

async fn serve_tcp(tcp: TcpListener, state: Arc<State>) {
    loop {
        let (mut stream, _) = tcp.accept().await.unwrap();
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok(length) = stream.read_u16().await {
                let mut query = vec![0; length.into()];
                stream.read_exact(&mut query).await.unwrap();
                if let Some(response) = respond(&query, true, &state) {
                    let length = u16::try_from(response.len()).unwrap();
                    stream.write_u16(length).await.unwrap();
                    stream.write_all(&response).await.unwrap();
                }
            }
        });
    }
}

fn respond(query: &[u8], over_tcp: bool, state: &State) -> Option<Vec<u8>> {
    let (name, end) = decoded(query);
    let kind = u16::from_be_bytes([query[end], query[end + 1]]);
    let asked = Asked {
        name,
        kind,
        over_tcp,
    };
    state.asked.lock().unwrap().push(asked.clone());
    let say = (state.script)(&asked);
    if say.silent {
        return None;
    }
    let flags = [0x81 | if say.truncated { 2 } else { 0 }, 0x80 | say.code];
    let mut response = query[..2].to_vec();
    response.extend(flags);
    response.extend(1_u16.to_be_bytes());
    response.extend(u16::try_from(say.answers.len()).unwrap().to_be_bytes());
    response.extend(u16::from(say.soa.is_some()).to_be_bytes());
    response.extend(0_u16.to_be_bytes());
    response.extend(&query[12..end + 4]);
    for (name, kind, ttl, data) in say.answers {
        response.extend(record(&name, kind, ttl, &data));
    }
    if let Some((ttl, minimum)) = say.soa {
        let mut data = encoded("ns.test");
        data.extend(encoded("hostmaster.test"));
        for number in [1, 3600, 600, 86_400, minimum] {
            data.extend(u32::to_be_bytes(number));
        }
        response.extend(record("test", SOA, ttl, &data));
    }
    Some(response)
}

fn record(name: &str, kind: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let mut record = encoded(name);
    record.extend(kind.to_be_bytes());
    record.extend(1_u16.to_be_bytes());
    record.extend(ttl.to_be_bytes());
    record.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    record.extend(data);
    record
}

fn encoded(name: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        octets.push(u8::try_from(label.len()).unwrap());
        octets.extend(label.as_bytes());
    }
    octets.push(0);
    octets
}

/// The name in the question section and where it ends.
fn decoded(query: &[u8]) -> (String, usize) {
    let mut labels = Vec::new();
    let mut at = 12;
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8(query[at + 1..end].to_vec()).unwrap());
        at = end;
    }
    (labels.join("."), at + 1)
}
