//! A name server that answers what a test tells it to, over UDP and TCP on loopback. It writes its
//! messages by hand, so that it shares no mistake with the library that is being tested.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

pub(super) const A: u16 = 1;
pub(super) const CNAME: u16 = 5;
const NS: u16 = 2;
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
    /// The bit AD: whoever asks wants to know whether signatures were checked.
    pub(super) asks_for_proof: bool,
    /// The bit CD: signatures are not to be checked.
    pub(super) unchecked: bool,
}

/// What to say.
#[derive(Clone, Debug, Default)]
pub(super) struct Say {
    code: u8,
    answers: Vec<(String, u16, u32, Vec<u8>)>,
    soa: Option<(u32, u32)>,
    truncated: bool,
    silent: bool,
    hangs_up: bool,
    proven: bool,
    name_server: Option<(String, String)>,
    additional: Vec<(String, u16, u32, Vec<u8>)>,
    question: Option<String>,
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

    /// Over TCP: closes instead of answering. Over UDP it is silence.
    pub(super) fn hang_up() -> Self {
        Self {
            hangs_up: true,
            ..Self::silence()
        }
    }

    /// Marks the answer as truncated, whatever is in it.
    pub(super) fn cut(mut self) -> Self {
        self.truncated = true;
        self
    }

    /// Sets the bit AD.
    pub(super) fn proven(mut self) -> Self {
        self.proven = true;
        self
    }

    /// Names a server that is to be asked instead.
    pub(super) fn referral(mut self, zone: &str, server: &str) -> Self {
        self.name_server = Some((zone.to_owned(), server.to_owned()));
        self
    }

    /// An address that nobody asked for.
    pub(super) fn beside(mut self, name: &str, ttl: u32, address: &str) -> Self {
        let mut say = Self::nothing().address(name, ttl, address);
        self.additional.append(&mut say.answers);
        self
    }

    /// Repeats another question than the one that was asked.
    pub(super) fn about(mut self, name: &str) -> Self {
        self.question = Some(name.to_owned());
        self
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
        if let (Some(response), _) = respond(&buffer[..length], false, &state) {
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
                let (response, hangs_up) = respond(&query, true, &state);
                if hangs_up {
                    return;
                }
                if let Some(response) = response {
                    let length = u16::try_from(response.len()).unwrap();
                    stream.write_u16(length).await.unwrap();
                    stream.write_all(&response).await.unwrap();
                }
            }
        });
    }
}

/// The answer, if there is one, and whether to hang up.
fn respond(query: &[u8], over_tcp: bool, state: &State) -> (Option<Vec<u8>>, bool) {
    let (name, end) = decoded(query);
    let kind = u16::from_be_bytes([query[end], query[end + 1]]);
    let asked = Asked {
        name,
        kind,
        over_tcp,
        asks_for_proof: query[3] & 0x20 != 0,
        unchecked: query[3] & 0x10 != 0,
    };
    state.asked.lock().unwrap().push(asked.clone());
    let say = (state.script)(&asked);
    if say.silent {
        return (None, say.hangs_up);
    }
    let proven = if say.proven { 0x20 } else { 0 };
    let cut = if say.truncated { 2 } else { 0 };
    let flags = [0x81 | cut, 0x80 | proven | say.code];
    let mut response = query[..2].to_vec();
    response.extend(flags);
    response.extend(1_u16.to_be_bytes());
    response.extend(u16::try_from(say.answers.len()).unwrap().to_be_bytes());
    let authorities = u16::from(say.soa.is_some()) + u16::from(say.name_server.is_some());
    response.extend(authorities.to_be_bytes());
    let additional = u16::try_from(say.additional.len()).unwrap();
    response.extend(additional.to_be_bytes());
    match say.question {
        Some(other) => {
            response.extend(encoded(&other));
            response.extend(&query[end..end + 4]);
        }
        None => response.extend(&query[12..end + 4]),
    }
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
    if let Some((zone, server)) = say.name_server {
        response.extend(record(&zone, NS, 3600, &encoded(&server)));
    }
    for (name, kind, ttl, data) in say.additional {
        response.extend(record(&name, kind, ttl, &data));
    }
    (Some(response), false)
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
