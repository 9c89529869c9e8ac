//! Sessions over loopback with servers that are a few lines each.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, BufStream};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use vrfy_proto::limits::Limits;
use vrfy_proto::session::{Recipient, RecipientKind, SessionConfig, StartTlsUse};
use vrfy_proto::stage::Stage;
use vrfy_proto::timeouts::Timeouts;
use vrfy_proto::transcript::{Ending, Violation};

use super::*;
use crate::tls::identity::{Authority, EXCHANGE, Identity, expired, params};

/// Long enough for loopback on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn config() -> SessionConfig {
    SessionConfig {
        ehlo_name: "probe.example.test".to_owned(),
        reverse_path: "probe@example.test".to_owned(),
        timeouts: Timeouts {
            quit: Duration::from_millis(200),
            ..Timeouts::default()
        },
        ..SessionConfig::default()
    }
}

fn mailbox(address: &str) -> Recipient {
    Recipient {
        address: address.to_owned(),
        kind: RecipientKind::Mailbox,
        needs_smtputf8: false,
    }
}

fn session(config: SessionConfig) -> Session {
    Session::new(config, vec![mailbox("ana@example.test")])
}

/// What a client makes of a server.
async fn talk<F>(session: Session, tls: &TlsClient, serve: impl FnOnce(Peer) -> F) -> Transcript
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (far, _) = listener.accept().await.unwrap();
    far.set_nodelay(true).unwrap();
    let serving = tokio::spawn(serve(Peer { stream: far }));
    let driven = drive(near, session, tls, EXCHANGE);
    let transcript = tokio::time::timeout(PATIENCE, driven)
        .await
        .expect("it ends");
    serving.abort();
    if let Err(error) = serving.await {
        assert!(
            error.is_cancelled(),
            "the server saw something else: {error}"
        );
    }
    transcript
}

/// The server's end.
struct Peer<S = TcpStream> {
    stream: S,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    async fn say(&mut self, bytes: &str) {
        self.stream.write_all(bytes.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Reads one line, which must be this one.
    async fn hear(&mut self, expected: &str) {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.push(self.stream.read_u8().await.unwrap());
        }
        assert_eq!(String::from_utf8(line).unwrap(), format!("{expected}\r\n"));
    }

    /// From EHLO to the end, one command at a time.
    async fn greet_and_accept(&mut self) {
        self.hear("EHLO probe.example.test").await;
        self.say("250 mx.example.test\r\n").await;
        self.accept().await;
    }

    async fn accept(&mut self) {
        for (command, reply) in [
            ("MAIL FROM:<probe@example.test>", "250 2.1.0 ok\r\n"),
            ("RCPT TO:<ana@example.test>", "250 2.1.5 ok\r\n"),
            ("QUIT", "221 2.0.0 bye\r\n"),
        ] {
            self.hear(command).await;
            self.say(reply).await;
        }
    }

    async fn offer_start_tls(&mut self) {
        self.say("220 mx.example.test\r\n").await;
        self.hear("EHLO probe.example.test").await;
        self.say("250-mx.example.test\r\n250 STARTTLS\r\n").await;
        self.hear("STARTTLS").await;
    }
}

impl Peer {
    async fn secure(self, identity: &Identity) -> Peer<tokio_rustls::server::TlsStream<TcpStream>> {
        let acceptor = identity.acceptor(rustls::ALL_VERSIONS);
        Peer {
            stream: acceptor.accept(self.stream).await.unwrap(),
        }
    }
}

/// Code of the reply at each stage.
fn codes(transcript: &Transcript) -> Vec<(Stage, u16)> {
    let answers = transcript.answers();
    let replies = answers.iter().filter_map(|answer| {
        let code = answer.reply.as_ref()?.code;
        Some((answer.stage, code.value()))
    });
    replies.collect()
}

const ACCEPTED: [(Stage, u16); 5] = [
    (Stage::Greeting, 220),
    (Stage::Ehlo, 250),
    (Stage::MailFrom, 250),
    (Stage::RcptTo, 250),
    (Stage::Quit, 221),
];

#[tokio::test]
async fn a_session_is_held_from_greeting_to_quit() {
    let serve = |mut peer: Peer| async move {
        peer.say("220 mx.example.test\r\n").await;
        peer.greet_and_accept().await;
    };
    let transcript = talk(session(config()), &TlsClient::new(), serve).await;
    assert_eq!(transcript.ending(), Some(Ending::Completed));
    assert_eq!(codes(&transcript), ACCEPTED);
}

#[tokio::test]
async fn bytes_that_come_one_by_one_make_the_same_replies() {
    let serve = |mut peer: Peer| async move {
        for byte in "220-mx.example.test\r\n220 ready\r\n".chars() {
            peer.say(&byte.to_string()).await;
            tokio::task::yield_now().await;
        }
        peer.greet_and_accept().await;
    };
    let transcript = talk(session(config()), &TlsClient::new(), serve).await;
    assert_eq!(codes(&transcript), ACCEPTED);
}

#[tokio::test]
async fn replies_larger_than_all_buffers_do_not_stop_a_group_of_commands() {
    // Far more than one write to a socket takes, however small its buffer is said to be.
    let count = 800;
    let domain = ["d".repeat(60).as_str(); 3].join(".");
    let recipients: Vec<Recipient> = (0..count)
        .map(|number| mailbox(&format!("{number:0>64}@{domain}.test")))
        .collect();
    let config = SessionConfig {
        limits: Limits {
            received_bytes: 8 * 1024 * 1024,
            recipients: count,
            ..Limits::default()
        },
        ..config()
    };
    // Buffers of the system as small as they get, so that each side soon waits for the other.
    let narrow = || {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(2048).unwrap();
        socket.set_recv_buffer_size(2048).unwrap();
        socket
    };
    let listener = narrow();
    listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = listener.listen(1).unwrap();
    let near = narrow()
        .connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (far, _) = listener.accept().await.unwrap();
    let text = format!("250-{}\r\n", "x".repeat(1000)).repeat(4);
    let serving = tokio::spawn(async move {
        let (read, mut write) = far.into_split();
        let mut lines = BufReader::with_capacity(16, read).lines();
        write.write_all(b"220 mx\r\n").await.unwrap();
        lines.next_line().await.unwrap();
        write
            .write_all(b"250-mx\r\n250 PIPELINING\r\n")
            .await
            .unwrap();
        // Answers in full before it reads on.
        while let Some(line) = lines.next_line().await.unwrap() {
            if line == "QUIT" {
                break;
            }
            let reply = format!("{text}250 ok\r\n");
            write.write_all(reply.as_bytes()).await.unwrap();
        }
        write.write_all(b"221 bye\r\n").await.unwrap();
    });
    let tls = TlsClient::new();
    let driven = drive(near, Session::new(config, recipients), &tls, EXCHANGE);
    let transcript = tokio::time::timeout(PATIENCE, driven)
        .await
        .expect("no deadlock");
    serving.await.unwrap();
    assert_eq!(transcript.ending(), Some(Ending::Completed));
    let answered = codes(&transcript);
    let accepted = answered
        .iter()
        .filter(|answer| **answer == (Stage::RcptTo, 250));
    assert_eq!(accepted.count(), count);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left_after_our_time() {
    let config = SessionConfig {
        timeouts: Timeouts {
            greeting: Duration::from_millis(100),
            ..Timeouts::default()
        },
        ..config()
    };
    let serve = |mut peer: Peer| async move {
        peer.stream.read_u8().await.unwrap_err();
    };
    let transcript = talk(session(config), &TlsClient::new(), serve).await;
    assert_eq!(transcript.ending(), Some(Ending::TimedOut(Stage::Greeting)));
}

#[tokio::test]
async fn closing_and_resetting_are_two_things() {
    let close = |mut peer: Peer| async move {
        peer.say("220 mx.example.test\r\n").await;
        peer.hear("EHLO probe.example.test").await;
    };
    let transcript = talk(session(config()), &TlsClient::new(), close).await;
    assert_eq!(transcript.ending(), Some(Ending::Closed(Stage::Ehlo)));

    let reset = |mut peer: Peer| async move {
        peer.say("220 mx.example.test\r\n").await;
        peer.hear("EHLO probe.example.test").await;
        peer.stream.set_zero_linger().unwrap();
    };
    let transcript = talk(session(config()), &TlsClient::new(), reset).await;
    assert_eq!(transcript.ending(), Some(Ending::Reset(Stage::Ehlo)));
}

#[tokio::test]
async fn what_was_said_before_the_close_is_heard() {
    let serve = |mut peer: Peer| async move {
        peer.say("554 mx.example.test no\r\n").await;
    };
    let transcript = talk(session(config()), &TlsClient::new(), serve).await;
    assert_eq!(codes(&transcript)[0], (Stage::Greeting, 554));
    assert_eq!(transcript.ending(), Some(Ending::GreetingRefused));
}

#[tokio::test]
async fn after_start_tls_the_session_goes_on_inside_with_what_was_seen_of_it() {
    let authority = Authority::new();
    for (identity, problems) in [
        (authority.sign(params(EXCHANGE)), ""),
        (authority.sign(expired(EXCHANGE)), "expired"),
        (authority.sign(params("other.test")), "wrong-name"),
        (Identity::self_signed(params(EXCHANGE)), "self-signed"),
    ] {
        let serve = |mut peer: Peer| async move {
            peer.offer_start_tls().await;
            peer.say("220 go ahead\r\n").await;
            let mut peer = peer.secure(&identity).await;
            peer.greet_and_accept().await;
        };
        let transcript = talk(session(config()), &authority.client(), serve).await;
        assert_eq!(transcript.ending(), Some(Ending::Completed));
        let facts = transcript.tls().unwrap();
        assert_eq!(facts.version, "TLSv1.3");
        assert_eq!(facts.problems.join(" "), problems);
        assert!(codes(&transcript).contains(&(Stage::RcptTo, 250)));
    }
}

#[tokio::test]
async fn a_server_that_ends_tls_without_a_word_has_closed_in_order() {
    let identity = Identity::self_signed(params(EXCHANGE));
    let serve = |mut peer: Peer| async move {
        peer.offer_start_tls().await;
        peer.say("220 go ahead\r\n").await;
        let mut peer = peer.secure(&identity).await;
        peer.hear("EHLO probe.example.test").await;
        // Only the connection is closed.
        peer.stream.get_mut().0.shutdown().await.unwrap();
    };
    let transcript = talk(session(config()), &TlsClient::new(), serve).await;
    let ending = Some(Ending::Closed(Stage::EhloAfterTls));
    assert_eq!(transcript.ending(), ending);
}

#[tokio::test]
async fn what_is_no_handshake_fails_tls_with_a_reason() {
    let garbage = |mut peer: Peer| async move {
        peer.offer_start_tls().await;
        peer.say("220 go ahead\r\n").await;
        let _ = peer.stream.read_u8().await;
        peer.say("454 on second thoughts, no\r\n").await;
        let _ = peer.stream.read_to_end(&mut Vec::new()).await;
    };
    let transcript = talk(session(config()), &TlsClient::new(), garbage).await;
    assert_eq!(transcript.ending(), Some(Ending::TlsFailed));
    let reason = transcript.tls_failure().unwrap();
    assert!(reason.contains("corrupt message"), "{reason}");

    let closed = |mut peer: Peer| async move {
        peer.offer_start_tls().await;
        peer.say("220 go ahead\r\n").await;
        peer.stream.read_u8().await.unwrap();
    };
    let transcript = talk(session(config()), &TlsClient::new(), closed).await;
    assert_eq!(transcript.ending(), Some(Ending::TlsFailed));
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_left_after_our_time() {
    let config = SessionConfig {
        timeouts: Timeouts {
            start_tls: Duration::from_millis(150),
            ..Timeouts::default()
        },
        start_tls: StartTlsUse::Required,
        ..config()
    };
    let serve = |mut peer: Peer| async move {
        peer.offer_start_tls().await;
        peer.say("220 go ahead\r\n").await;
        peer.stream.read_u8().await.unwrap();
        // The beginning of a record that is never completed.
        peer.stream
            .write_all(b"\x16\x03\x03\x40\x00")
            .await
            .unwrap();
        let _ = peer.stream.read_to_end(&mut Vec::new()).await;
    };
    let transcript = talk(session(config), &TlsClient::new(), serve).await;
    assert_eq!(transcript.ending(), Some(Ending::TimedOut(Stage::StartTls)));
}

#[tokio::test]
async fn plain_bytes_behind_the_reply_to_start_tls_end_the_session() {
    let serve = |mut peer: Peer| async move {
        peer.offer_start_tls().await;
        peer.say("220 go ahead\r\n250 injected\r\n").await;
        let mut rest = Vec::new();
        let _ = peer.stream.read_to_end(&mut rest).await;
        assert_eq!(rest, b"", "nothing follows STARTTLS");
    };
    let transcript = talk(session(config()), &TlsClient::new(), serve).await;
    let violation = Violation::PlaintextAfterStartTls;
    assert_eq!(
        transcript.ending(),
        Some(Ending::Violation(Stage::StartTls, violation))
    );
}

#[tokio::test]
async fn dropping_the_future_closes_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (far, _) = listener.accept().await.unwrap();
    let tls = TlsClient::new();
    let driven = drive(near, session(config()), &tls, EXCHANGE);
    let given_up = tokio::time::timeout(Duration::from_millis(50), driven).await;
    assert!(given_up.is_err());
    let mut far = BufStream::new(far);
    assert_eq!(far.read(&mut [0; 16]).await.unwrap(), 0);
}
