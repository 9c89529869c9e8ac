//! Goal: what holds for every server, hostile ones too. Method: servers made of plausible replies,
//! garbage and random bytes are played to a pure session under a virtual clock.

#![forbid(unsafe_code)]

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use vrfy_fuzz::checks::{
    accounted_bytes, check_answers, check_forms, check_group, check_manners, check_memory,
};
use vrfy_proto::limits::Limits;
use vrfy_proto::reply::LineEnd;
use vrfy_proto::reply_reader::ReplyReader;
use vrfy_proto::session::{
    Output, Pipelining, Recipient, RecipientKind, Session, SessionConfig, StartTlsUse,
};
use vrfy_proto::transcript::{Closed, Ending, TlsFacts, Transcript};

/// One thing that happens to a session.
#[derive(Clone, Debug)]
enum Happening {
    Bytes(Vec<u8>),
    Answer(Vec<&'static str>),
    Poll,
    Wait(u64),
    TlsReady,
    TlsFailed,
    Closed(Closed),
}

proptest! {
    #[test]
    fn any_server_is_survived_and_every_session_ends(
        config in configs(),
        recipients in recipients(),
        happenings in vec(happenings(), 0..40),
    ) {
        let limits = config.limits;
        let mut player = Player::new(config, recipients);
        for happening in happenings {
            player.play(happening);
        }
        let (transcript, fed) = player.play_to_the_end();
        prop_assert!(transcript.ending().is_some());
        prop_assert_eq!(accounted_bytes(&transcript), fed);
        check_forms(&transcript);
        check_answers(&transcript);
        check_manners(&transcript, limits);
        check_memory(&transcript, limits);
    }

    #[test]
    fn groups_and_extensions_are_used_as_they_were_offered(
        config in configs(),
        recipients in recipients(),
        greeting in select(vec![220, 220, 220, 421, 450, 554]),
        replies in vec(replies(), 1..14),
    ) {
        check_offers(config, recipients, greeting, &replies)?;
    }

    #[test]
    fn splitting_the_input_changes_nothing(
        config in configs(),
        recipients in recipients(),
        flights in vec((replies(), flight(), 0..10), 1..12),
        cuts in vec(1_usize..40, 1..60),
    ) {
        let mut whole = Player::new(config.clone(), recipients.clone());
        let mut split = Player::new(config, recipients);
        for (replies, noise, chance) in flights {
            let mut flight = whole.answer(&replies);
            if chance == 0 {
                flight.extend(noise);
            }
            whole.session.handle_bytes(&flight, whole.now);
            whole.poll();
            whole.session.handle_tls_ready(&TlsFacts::default(), whole.now);
            whole.poll();
            let mut rest = &flight[..];
            for &cut in cuts.iter().cycle() {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                split.session.handle_bytes(now, split.now);
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            split.poll();
            split.session.handle_tls_ready(&TlsFacts::default(), split.now);
            split.poll();
        }
        let (whole, _) = whole.play_to_the_end();
        let (split, _) = split.play_to_the_end();
        prop_assert_eq!(whole.to_text(), split.to_text());
        prop_assert_eq!(whole, split);
    }

    #[test]
    fn the_text_of_replies_steers_nothing(
        config in configs(),
        recipients in recipients(),
        replies in vec((codes(), "[a-zA-Z :<>@\\-]{0,30}"), 40),
    ) {
        let plain = replies.iter().map(|(code, _)| format!("{code}\r\n"));
        let worded = replies.iter().map(|(code, text)| format!("{code} {text}\r\n"));
        let plain = commands_after(config.clone(), recipients.clone(), plain.collect());
        let worded = commands_after(config, recipients, worded.collect());
        prop_assert_eq!(plain, worded);
    }

    #[test]
    fn the_reader_finds_the_lines_that_are_there(
        bytes in flight(),
        cuts in vec(1_usize..40, 1..20),
    ) {
        let mut reader = ReplyReader::new(Limits::default());
        let mut lines = Vec::new();
        let mut rest = &bytes[..];
        for &cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            reader.handle_bytes(now);
            while let Some(read) = reader.poll_line() {
                lines.push((read.line.bytes.to_vec(), read.line.end));
            }
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        lines.extend(reader.take_unended().map(|line| (line.bytes.to_vec(), line.end)));
        prop_assert_eq!(lines, lines_by_hand(&bytes));
    }

    #[test]
    fn malformed_transcripts_are_errors_and_never_panics(
        text in "\\PC{0,200}",
        json in "\\PC{0,100}",
    ) {
        for prefix in ["", "S: ", "@ ", "@ tls "] {
            let text = format!("{prefix}{text}");
            if let Ok(transcript) = Transcript::from_text(&text) {
                check_forms(&transcript);
                let _ = transcript.answers();
            }
        }
        let _ = Transcript::from_json_lines(&json);
    }
}

fn configs() -> impl Strategy<Value = SessionConfig> {
    let start_tls = select(vec![
        StartTlsUse::Never,
        StartTlsUse::Opportunistic,
        StartTlsUse::Required,
    ]);
    let pipelining = select(vec![Pipelining::WhereOffered, Pipelining::Never]);
    let path = select(vec!["", "probe@example.com", "füge@example.com"]);
    (
        start_tls,
        pipelining,
        path,
        0_usize..6,
        0_usize..4,
        60_usize..4000,
    )
        .prop_map(
            |(start_tls, pipelining, reverse_path, recipients, rejections, received_bytes)| {
                SessionConfig {
                    ehlo_name: "probe.example.com".to_owned(),
                    reverse_path: reverse_path.to_owned(),
                    start_tls,
                    pipelining,
                    limits: Limits {
                        received_bytes,
                        reply_bytes: 1000,
                        reply_lines: 12,
                        garbage_lines: 3,
                        recipients,
                        rejections,
                    },
                    ..SessionConfig::default()
                }
            },
        )
}

fn recipients() -> impl Strategy<Value = Vec<Recipient>> {
    let address = select(vec![
        "ana@example.test",
        "bob@example.test",
        "\"a>b\"@example.test",
        "用户@example.test",
        "cy@other.test",
        "dan@other.test",
        "eve@x.test>\r\nDATA",
    ]);
    let kind = select(vec![RecipientKind::Mailbox, RecipientKind::Decoy]);
    let recipient = (address, kind).prop_map(|(address, kind)| Recipient {
        address: address.to_owned(),
        kind,
        needs_smtputf8: !address.is_ascii(),
    });
    vec(recipient, 0..6)
}

fn happenings() -> impl Strategy<Value = Happening> {
    prop_oneof![
        12 => replies().prop_map(Happening::Answer),
        1 => flight().prop_map(Happening::Bytes),
        8 => Just(Happening::Poll),
        1 => (0_u64..90).prop_map(Happening::Wait),
        2 => Just(Happening::TlsReady),
        1 => Just(Happening::TlsFailed),
        1 => select(vec![Closed::Orderly, Closed::Reset, Closed::Other("no route".to_owned())])
            .prop_map(Happening::Closed),
    ]
}

fn codes() -> impl Strategy<Value = u16> {
    select(vec![250, 251, 450, 452, 503, 550, 552, 555])
}

/// A reply for each of so many commands, mostly good ones.
fn replies() -> impl Strategy<Value = Vec<&'static str>> {
    let reply = prop_oneof![
        12 => select(vec!["250 ok\r\n", "250-2.1.5\r\n250 ok\r\n"]),
        6 => select(vec![
            "250-mx.test\r\n250-PIPELINING\r\n250 SMTPUTF8\r\n",
            "250-mx.test\r\n250-PIPELINING\r\n250 STARTTLS\r\n",
            "250-mx.test\r\n250-PIPELINING\r\n250 LIMITS RCPTMAX=2 RCPTDOMAINMAX=1 MAILMAX=2\r\n",
        ]),
        4 => select(vec![
            "550 5.1.1 no\r\n", "450 later\r\n", "452 4.5.3 many\r\n", "452 many\r\n",
        ]),
        1 => select(vec!["503 order\r\n", "502 what\r\n", "555 parameter\r\n", "421 bye\r\n"]),
    ];
    vec(reply, 7)
}

/// What a server may send at once: mostly lines that make sense, sometimes anything.
fn flight() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        12 => select(vec![
            "250 ok\r\n", "250 2.1.5 ok\r\n", "220 mx.test\r\n", "250-mx.test\r\n",
            "250-PIPELINING\r\n",
            "250-SMTPUTF8\r\n", "250 STARTTLS\r\n", "250 PIPELINING\r\n", "221 bye\r\n",
            "250 LIMITS RCPTMAX=1 MAILMAX=2\r\n",
        ]).prop_map(|line| line.as_bytes().to_vec()),
        6 => select(vec![
            "550 5.1.1 no\r\n", "450 4.2.0 later\r\n", "452 4.5.3 many\r\n", "452 many\r\n",
            "503 order\r\n", "502 what\r\n", "555 parameter\r\n", "421 closing\r\n",
            "354 go on\r\n", "650 odd\r\n",
            "550-a\r\n", "250 ok\n", "250\r\n", "hello\r\n", "\r\n",
        ]).prop_map(|line| line.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..30),
        1 => (1_usize..3000).prop_map(|length| vec![b'5'; length]),
    ];
    vec(line, 1..5).prop_map(|lines| lines.concat())
}

struct Player {
    session: Session,
    now: Duration,
    fed: u64,
    /// Commands that the server has not answered; the connection itself asks for the greeting.
    unanswered: usize,
}

impl Player {
    fn new(config: SessionConfig, recipients: Vec<Recipient>) -> Self {
        Self {
            session: Session::new(config, recipients),
            now: Duration::ZERO,
            fed: 0,
            unanswered: 1,
        }
    }

    /// What a server says that has such a reply to each command.
    fn answer(&mut self, replies: &[&str]) -> Vec<u8> {
        let count = std::mem::take(&mut self.unanswered);
        let replies = replies.iter().cycle().take(count);
        replies.flat_map(|reply| reply.bytes()).collect()
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.fed += bytes.len() as u64;
        self.session.handle_bytes(bytes, self.now);
    }

    fn play(&mut self, happening: Happening) {
        match happening {
            Happening::Bytes(bytes) => self.hear(&bytes),
            Happening::Answer(replies) => {
                let bytes = self.answer(&replies);
                self.hear(&bytes);
            }
            Happening::Poll => {
                self.poll();
            }
            Happening::Wait(seconds) => {
                self.now += Duration::from_secs(seconds);
                self.session.handle_timeout(self.now);
            }
            Happening::TlsReady => self
                .session
                .handle_tls_ready(&TlsFacts::default(), self.now),
            Happening::TlsFailed => self.session.handle_tls_failed("no", self.now),
            Happening::Closed(closed) => self.session.handle_closed(&closed, self.now),
        }
    }

    fn poll(&mut self) -> Option<Duration> {
        loop {
            match self.session.poll_output() {
                Output::Transmit(bytes) => {
                    check_group(&bytes);
                    self.unanswered += bytes.iter().filter(|byte| **byte == b'\n').count();
                }
                Output::StartTls => {}
                Output::WakeAt(at) => return Some(at),
                Output::Finished => {
                    assert_eq!(self.session.poll_output(), Output::Finished);
                    return None;
                }
            }
        }
    }

    /// The server falls silent; every wake-up is followed.
    fn play_to_the_end(mut self) -> (Transcript, u64) {
        let mut wakes = 0;
        while let Some(at) = self.poll() {
            wakes += 1;
            assert!(wakes < 10, "a silent server is left after a few waits");
            self.now = self.now.max(at);
            self.session.handle_timeout(self.now);
        }
        (self.session.into_transcript(), self.fed)
    }
}

/// Holds a dialogue in which every command gets one reply, and looks at each command with what the
/// server offered before it; then at how the session took its leave.
fn check_offers(
    mut config: SessionConfig,
    recipients: Vec<Recipient>,
    greeting: u16,
    replies: &[Vec<&'static str>],
) -> Result<(), TestCaseError> {
    config.limits.received_bytes = 100_000;
    let may_group = config.pipelining == Pipelining::WhereOffered;
    let mut session = Session::new(config, recipients);
    let mut replies = replies
        .iter()
        .flatten()
        .copied()
        .chain(std::iter::repeat("250 ok\r\n"));
    let (mut offers, mut sent, mut secured) = (Vec::new(), Vec::new(), false);
    session.handle_bytes(format!("{greeting} mx\r\n").as_bytes(), Duration::ZERO);
    loop {
        match session.poll_output() {
            Output::Transmit(bytes) => {
                let group = String::from_utf8(bytes).expect("addresses are UTF-8 here");
                let lines: Vec<&str> = group.split_terminator("\r\n").collect();
                let grouped = lines.len() > 1;
                prop_assert!(
                    !grouped || (may_group && offers.contains(&"PIPELINING")),
                    "{}",
                    group
                );
                for line in lines {
                    check_offered(line, &offers, secured, &sent)?;
                    sent.push(line.to_owned());
                    let reply = replies.next().expect("there is always another one");
                    if line.starts_with("EHLO ") || line.starts_with("HELO ") {
                        offers = keywords_by_hand(line, reply);
                    }
                    session.handle_bytes(reply.as_bytes(), Duration::ZERO);
                }
            }
            Output::StartTls => {
                offers.clear();
                secured = true;
                session.handle_tls_ready(&TlsFacts::default(), Duration::ZERO);
            }
            Output::WakeAt(_) => prop_assert!(false, "everything was answered: {:?}", sent),
            Output::Finished => break,
        }
    }
    let ending = session
        .into_transcript()
        .ending()
        .expect("every session ends");
    let relied_on = !matches!(ending, Ending::ServiceClosing(_) | Ending::Violation(..));
    prop_assert_eq!(
        sent.last().is_some_and(|last| last == "QUIT"),
        relied_on,
        "{}",
        ending
    );
    let quits = sent.iter().filter(|line| *line == "QUIT").count();
    prop_assert!(quits <= 1);
    Ok(())
}

fn check_offered(
    line: &str,
    offers: &[&str],
    secured: bool,
    sent: &[String],
) -> Result<(), TestCaseError> {
    let has_mail = sent.iter().any(|line| line.starts_with("MAIL "));
    let is_fine = match line.split(' ').next() {
        Some("EHLO" | "HELO") => !has_mail,
        Some("STARTTLS") => line == "STARTTLS" && !secured && offers.contains(&"STARTTLS"),
        Some("MAIL") => line.ends_with('>') || offers.contains(&"SMTPUTF8"),
        Some("RCPT") => line.ends_with('>') && has_mail,
        _ => line == "QUIT" || line == "RSET",
    };
    prop_assert!(is_fine, "{} after {:?} with {:?}", line, sent, offers);
    Ok(())
}

/// What a reply to EHLO offers, without the session's own reader.
fn keywords_by_hand(command: &str, reply: &'static str) -> Vec<&'static str> {
    if command.starts_with("HELO ") || !reply.starts_with("250") {
        return Vec::new();
    }
    let lines = reply.split_terminator("\r\n").skip(1);
    lines
        .filter_map(|line| line[4..].split(' ').next())
        .collect()
}

/// All that a session sends to a server that has these replies after its greeting.
fn commands_after(
    mut config: SessionConfig,
    recipients: Vec<Recipient>,
    replies: Vec<String>,
) -> Vec<u8> {
    config.limits.received_bytes = 100_000;
    config.start_tls = StartTlsUse::Never;
    let mut session = Session::new(config, recipients);
    session.handle_bytes(b"220 mx.test\r\n", Duration::ZERO);
    let mut replies = replies.into_iter();
    let mut commands = Vec::new();
    while let Output::Transmit(bytes) = session.poll_output() {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let reply = match line {
                b"EHLO probe.example.com\r\n" => {
                    "250-mx\r\n250-SMTPUTF8\r\n250 PIPELINING\r\n".to_owned()
                }
                _ => replies.next().unwrap_or_default(),
            };
            session.handle_bytes(reply.as_bytes(), Duration::ZERO);
        }
        commands.extend(bytes);
    }
    commands
}

fn lines_by_hand(bytes: &[u8]) -> Vec<(Vec<u8>, LineEnd)> {
    let mut lines = Vec::new();
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (text, end) = match piece {
            [text @ .., b'\r', b'\n'] => (text, LineEnd::CrLf),
            [text @ .., b'\n'] => (text, LineEnd::Lf),
            text => (text, LineEnd::Missing),
        };
        lines.push((text[..text.len().min(2048)].to_vec(), end));
    }
    lines
}
