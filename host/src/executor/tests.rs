//! The executor over a network that says what each test wants, on tokio's paused clock: where the
//! walk over addresses and exchanges goes after each kind of trouble, and where it ends.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};
use vrfy_proto::mx::AddressAnswer;
use vrfy_proto::reverse_path::ReversePath;

use super::*;
use crate::egress::Egress;
use crate::lookup::LookupConfig;

/// What an address does.
#[derive(Clone, Copy)]
enum At {
    /// It refuses the connection.
    Refuses,
    /// No route leads there.
    Unreachable,
    /// It never answers.
    Silent,
    /// It speaks: a reply to the connection (the empty text) and to each command; without one it
    /// hangs up, and with an empty one it says nothing.
    Speaks(fn(&str) -> Option<&'static str>),
}

/// Addresses with what they do, and what was opened and said.
#[derive(Clone)]
struct World {
    at: BTreeMap<IpAddr, At>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Network for World {
    type Stream = DuplexStream;

    async fn open(
        &self,
        target: SocketAddr,
        _: Option<IpAddr>,
    ) -> Result<Connection<DuplexStream>, ConnectFailure> {
        self.seen.lock().unwrap().push(target.ip().to_string());
        let speaks = match self.at[&target.ip()] {
            At::Refuses => return Err(ConnectFailure::Refused),
            At::Unreachable => return Err(ConnectFailure::Unreachable),
            At::Silent => std::future::pending().await,
            At::Speaks(speaks) => speaks,
        };
        let (ours, theirs) = duplex(4096);
        tokio::spawn(serve(theirs, speaks, Arc::clone(&self.seen)));
        Ok(Connection {
            stream: ours,
            source: None,
        })
    }
}

async fn serve(
    stream: DuplexStream,
    speaks: fn(&str) -> Option<&'static str>,
    seen: Arc<Mutex<Vec<String>>>,
) {
    let mut stream = BufReader::new(stream);
    let mut command = String::new();
    while let Some(reply) = speaks(command.trim_end()) {
        if stream.write_all(reply.as_bytes()).await.is_err() {
            return;
        }
        command.clear();
        match stream.read_line(&mut command).await {
            Ok(1..) => seen.lock().unwrap().push(command.trim_end().to_owned()),
            _ => return,
        }
    }
}

/// A server that takes everybody.
fn takes(command: &str) -> Option<&'static str> {
    Some(match command {
        "" => "220 mx\r\n",
        "QUIT" => "221 bye\r\n",
        _ => "250 ok\r\n",
    })
}

/// Exchanges, each with its addresses and what they do.
type Exchanges<'a> = &'a [&'a [(&'a str, At)]];

fn world(exchanges: Exchanges<'_>) -> (World, Vec<PlannedExchange>) {
    let mut at = BTreeMap::new();
    let mut planned = Vec::new();
    for (number, addresses) in (1..).zip(exchanges) {
        let addresses = addresses.iter().map(|(address, what)| {
            let address: IpAddr = address.parse().unwrap();
            at.insert(address, *what);
            address
        });
        planned.push(PlannedExchange {
            name: format!("mx{number}.example.test"),
            preference: number,
            implicit: false,
            addresses: addresses.collect(),
            address_answer: AddressAnswer::Addresses,
        });
    }
    let seen = Arc::default();
    (World { at, seen }, planned)
}

/// Asks for one mailbox at these exchanges: the attempts, and what was opened and said, in order.
async fn ask(exchanges: Exchanges<'_>) -> (Vec<Attempt>, Vec<String>) {
    ask_within(exchanges, Timeouts::default().session * 20).await
}

/// Asks with a permit that ends after that time.
async fn ask_within(exchanges: Exchanges<'_>, expires_in: Duration) -> (Vec<Attempt>, Vec<String>) {
    let (network, planned) = world(exchanges);
    let seen = Arc::clone(&network.seen);
    let executor = InProcess {
        lookup: Lookup::new(LookupConfig {
            resolver: Some("127.0.0.1:53".parse().unwrap()),
            ..LookupConfig::default()
        })
        .unwrap(),
        network,
        guard: AddressGuard {
            allow: ["192.0.2.0/24", "2001:db8::/32"]
                .map(|range| range.parse().unwrap())
                .to_vec(),
            ..AddressGuard::default()
        },
        tls: TlsClient::new(),
        port: 25,
        start_tls: StartTlsUse::Opportunistic,
        timeouts: Timeouts::default(),
        limits: Limits::default(),
        clock: Clock::set_to(1_700_000_000_000),
    };
    let permit = Permit {
        exchanges: Arc::new(planned),
        first_exchange: 0,
        asks: vec![Ask {
            probe: 1,
            mailbox: "ana@example.test".parse().unwrap(),
            round: 1,
            decoy: None,
        }],
        egress: Arc::new(Egress::single(
            None,
            Some(EhloName::parse("probe.example.com").unwrap()),
            ReversePath::Null,
        )),
        expires_in,
    };
    let mut report = executor.execute(permit).await;
    let attempts = report.asked.remove(0).attempts;
    let seen = seen.lock().unwrap().clone();
    (attempts, seen)
}

/// The answer to RCPT that an attempt got.
fn answer(attempt: &Attempt) -> Option<u16> {
    let rcpt = attempt
        .replies
        .iter()
        .find(|reply| reply.stage == Stage::RcptTo);
    rcpt.and_then(|reply| reply.code)
}

#[tokio::test(start_paused = true)]
async fn the_next_address_of_an_exchange_is_tried_in_the_same_attempt() {
    for trouble in [At::Refuses, At::Unreachable, At::Silent] {
        let addresses = [("2001:db8::1", trouble), ("192.0.2.1", At::Speaks(takes))];
        let (attempts, seen) = ask(&[&addresses]).await;
        assert_eq!(seen[..2], ["2001:db8::1", "192.0.2.1"]);
        assert_eq!(attempts.len(), 1);
        assert_eq!(attempts[0].remote_address.as_deref(), Some("192.0.2.1"));
        assert_eq!(answer(&attempts[0]), Some(250));
    }
}

#[tokio::test(start_paused = true)]
async fn where_no_dialogue_came_about_the_next_exchange_is_tried() {
    let troubles: [(&str, At); 14] = [
        ("refused", At::Refuses),
        ("no route", At::Unreachable),
        ("no connection", At::Silent),
        ("no greeting", At::Speaks(|_| Some(""))),
        ("closed at once", At::Speaks(|_| None)),
        ("a 421 greeting", At::Speaks(|_| Some("421 busy\r\n"))),
        ("a 450 greeting", At::Speaks(|_| Some("450 later\r\n"))),
        ("a 554 greeting", At::Speaks(|_| Some("554 no\r\n"))),
        ("a 521 greeting", At::Speaks(|_| Some("521 no mail\r\n"))),
        ("half a greeting", At::Speaks(|_| Some("22"))),
        (
            "another protocol",
            At::Speaks(|_| Some("HTTP/1.1 400\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n")),
        ),
        (
            "EHLO and HELO refused",
            At::Speaks(|command| match command {
                "" => Some("220 mx\r\n"),
                _ => Some("550 no\r\n"),
            }),
        ),
        (
            "EHLO put off",
            At::Speaks(|command| match command {
                "" => Some("220 mx\r\n"),
                _ => Some("451 later\r\n"),
            }),
        ),
        (
            "421 to EHLO",
            At::Speaks(|command| match command {
                "" => Some("220 mx\r\n"),
                _ => Some("421 closing\r\n"),
            }),
        ),
    ];
    for (name, trouble) in troubles {
        let first = [("192.0.2.1", trouble)];
        let second = [("192.0.2.2", At::Speaks(takes))];
        let (attempts, seen) = ask(&[&first, &second]).await;
        assert_eq!(attempts.len(), 2, "{name}: {seen:?}");
        assert_eq!(answer(&attempts[0]), None, "{name}");
        assert_eq!(answer(&attempts[1]), Some(250), "{name}");
        let opened = seen.iter().filter(|one| *one == "192.0.2.1").count();
        assert_eq!(opened, 1, "{name}: {seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_connection_begins_after_the_permit_has_expired() {
    let limits = Timeouts::default();
    let mute = At::Speaks(|command| tls_then(command, Some("")));
    let good = At::Speaks(takes);
    // Where the first trouble uses the permit up, and what would have been opened then.
    let walks: [(&str, Duration, Exchanges<'_>); 3] = [
        (
            "the next address",
            limits.connect,
            &[&[("192.0.2.1", At::Silent), ("192.0.2.2", good)]],
        ),
        (
            "the same exchange in clear",
            limits.start_tls,
            &[&[("192.0.2.1", mute)]],
        ),
        (
            "the next exchange",
            limits.connect,
            &[&[("192.0.2.1", At::Silent)], &[("192.0.2.2", good)]],
        ),
    ];
    let opened = |seen: &[String]| {
        let is_address = |one: &&String| one.starts_with("192.0.2.");
        seen.iter().filter(is_address).count()
    };
    for (name, used_up, exchanges) in walks {
        let (attempts, seen) = ask_within(exchanges, used_up).await;
        assert_eq!(opened(&seen), 1, "{name}: {seen:?}");
        assert_eq!(attempts.len(), 1, "{name}");
        assert_eq!(answer(&attempts[0]), None, "{name}");
        let (attempts, seen) = ask_within(exchanges, used_up * 2).await;
        assert_eq!(opened(&seen), 2, "{name}, with time left: {seen:?}");
        let last = attempts.last().and_then(answer);
        assert_eq!(last, Some(250), "{name}, with time left");
    }
}

#[tokio::test(start_paused = true)]
async fn from_mail_on_no_other_exchange_is_tried() {
    let troubles: [(&str, At); 6] = [
        (
            "MAIL refused",
            At::Speaks(|command| mail_or(command, Some("550 no\r\n"), Some("503 no\r\n"))),
        ),
        (
            "closed at MAIL",
            At::Speaks(|command| mail_or(command, None, None)),
        ),
        (
            "RCPT refused",
            At::Speaks(|command| mail_or(command, Some("250 ok\r\n"), Some("550 no\r\n"))),
        ),
        (
            "RCPT put off",
            At::Speaks(|command| mail_or(command, Some("250 ok\r\n"), Some("450 no\r\n"))),
        ),
        (
            "421 to RCPT",
            At::Speaks(|command| mail_or(command, Some("250 ok\r\n"), Some("421 no\r\n"))),
        ),
        (
            "closed at RCPT",
            At::Speaks(|command| mail_or(command, Some("250 ok\r\n"), None)),
        ),
    ];
    for (name, trouble) in troubles {
        let first = [("192.0.2.1", trouble)];
        let second = [("192.0.2.2", At::Speaks(takes))];
        let (attempts, seen) = ask(&[&first, &second]).await;
        assert_eq!(attempts.len(), 1, "{name}");
        assert!(!seen.contains(&"192.0.2.2".to_owned()), "{name}: {seen:?}");
    }
}

fn mail_or(
    command: &str,
    mail: Option<&'static str>,
    rcpt: Option<&'static str>,
) -> Option<&'static str> {
    match command.split(' ').next() {
        Some("MAIL") => mail,
        Some("RCPT") => rcpt,
        _ => takes(command),
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_up_on_ehlo_is_asked_once_more_with_helo() {
    let knows_helo = At::Speaks(|command| match command.starts_with("EHLO ") {
        true => None,
        false => takes(command),
    });
    let (attempts, seen) = ask(&[&[("192.0.2.1", knows_helo)]]).await;
    let expected = [
        "192.0.2.1",
        "EHLO probe.example.com",
        "192.0.2.1",
        "HELO probe.example.com",
        "MAIL FROM:<>",
        "RCPT TO:<ana@example.test>",
        "QUIT",
    ];
    assert_eq!(seen, expected);
    assert_eq!(attempts[0].ending, Ending::Closed(Stage::Ehlo));
    assert_eq!(answer(&attempts[1]), Some(250));

    let knows_neither = At::Speaks(|command| command.is_empty().then_some("220 mx\r\n"));
    let (attempts, seen) = ask(&[&[("192.0.2.1", knows_neither)]]).await;
    assert_eq!(attempts.len(), 2);
    let opened = seen.iter().filter(|one| *one == "192.0.2.1").count();
    assert_eq!(opened, 2, "and no third time: {seen:?}");
}

fn tls_then(command: &str, reply: Option<&'static str>) -> Option<&'static str> {
    match command.split(' ').next() {
        Some("EHLO") => Some("250-mx\r\n250 STARTTLS\r\n"),
        Some("STARTTLS") => reply,
        _ => takes(command),
    }
}

#[tokio::test(start_paused = true)]
async fn after_tls_that_came_to_nothing_the_exchange_is_asked_once_more_in_clear() {
    for trouble in [
        At::Speaks(|command| tls_then(command, None)),
        At::Speaks(|command| tls_then(command, Some(""))),
    ] {
        let (attempts, seen) = ask(&[&[("192.0.2.1", trouble)]]).await;
        assert_eq!(attempts.len(), 2, "{seen:?}");
        assert_eq!(answer(&attempts[1]), Some(250));
        assert_eq!(seen.iter().filter(|one| *one == "STARTTLS").count(), 1);
    }
    // 421 asks us to leave.
    let closing = At::Speaks(|command| tls_then(command, Some("421 closing\r\n")));
    let (attempts, _) = ask(&[&[("192.0.2.1", closing)]]).await;
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].ending, Ending::ServiceClosing(Stage::StartTls));
}
