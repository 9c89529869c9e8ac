//! Goal: the behaviour of a session that a saved transcript cannot show: wake-ups, half lines,
//! calls in the wrong place. Method: the session is told and asked by hand, under a virtual clock.

#![forbid(unsafe_code)]

use std::time::Duration;

use vrfy_proto::limits::Limits;
use vrfy_proto::session::{Output, Recipient, RecipientKind, Session, SessionConfig, StartTlsUse};
use vrfy_proto::stage::Stage;
use vrfy_proto::timeouts::Timeouts;
use vrfy_proto::transcript::{
    Closed, Dropped, Ending, Event, Head, TlsFacts, Transcript, Violation,
};

#[test]
fn nothing_is_sent_before_the_last_line_of_the_greeting() {
    let mut session = session(config(), 1);
    assert_eq!(session.poll_output(), Output::WakeAt(seconds(60)));
    session.handle_bytes(b"220-mx.example.test\r\n", seconds(1));
    assert_eq!(session.poll_output(), Output::WakeAt(seconds(61)));
    session.handle_bytes(b"220 ready", seconds(7));
    assert_eq!(session.poll_output(), Output::WakeAt(seconds(61)));
    session.handle_bytes(b"\r\n", seconds(7));
    assert_eq!(sent(&mut session), "EHLO probe.example.com\r\n");
    assert_eq!(session.poll_output(), Output::WakeAt(seconds(37)));
}

#[test]
fn a_byte_now_and_then_is_no_progress() {
    let mut session = asking(1);
    session.handle_bytes(b"2", seconds(20));
    session.handle_bytes(b"5", seconds(40));
    assert_eq!(session.poll_output(), Output::WakeAt(seconds(60)));
    session.handle_timeout(seconds(60));
    let transcript = finished(session);
    assert_eq!(transcript.ending(), Some(Ending::TimedOut(Stage::RcptTo)));
    assert!(
        transcript
            .to_text()
            .contains("S: 25\\{unended}\n@ timeout\n")
    );
}

#[test]
fn a_wake_up_that_comes_too_early_does_nothing() {
    let mut session = asking(1);
    session.handle_timeout(seconds(59));
    assert_eq!(session.poll_output(), Output::WakeAt(seconds(60)));
}

#[test]
fn a_server_that_never_stops_talking_is_left_when_the_budget_is_spent() {
    let mut config = config();
    config.limits.reply_lines = 100_000;
    let mut session = asking_with(config, 1);
    let budget = Timeouts::default().session;
    let mut now = Duration::ZERO;
    while now < budget {
        now += seconds(1);
        session.handle_bytes(b"250-still here\r\n", now);
    }
    let transcript = finished(session);
    assert_eq!(
        transcript.ending(),
        Some(Ending::BudgetSpent(Stage::RcptTo))
    );
}

#[test]
fn half_a_reply_that_nobody_asked_for_holds_back_the_next_command() {
    let mut session = asking(2);
    session.handle_bytes(b"250 Ok\r\n42", seconds(1));
    assert!(matches!(session.poll_output(), Output::WakeAt(_)));
    session.handle_bytes(b"1 closing\r\n", seconds(2));
    let transcript = finished(session);
    assert_eq!(
        transcript.ending(),
        Some(Ending::ServiceClosing(Stage::RcptTo))
    );
    assert_eq!(transcript.unsolicited().len(), 1);
}

#[test]
fn half_a_reply_that_nobody_asked_for_and_never_ends_is_a_violation() {
    let mut session = asking(2);
    session.handle_bytes(b"250 Ok\r\n2", seconds(1));
    let Output::WakeAt(at) = session.poll_output() else {
        panic!("the session waits");
    };
    session.handle_timeout(at);
    let ending = Ending::Violation(Stage::RcptTo, Violation::UnsolicitedReply);
    assert_eq!(finished(session).ending(), Some(ending));
}

#[test]
fn the_first_line_of_a_reply_that_nobody_asked_for_holds_back_the_next_command() {
    let mut session = asking(2);
    session.handle_bytes(b"250 Ok\r\n421-closing\r\n", seconds(1));
    assert!(matches!(session.poll_output(), Output::WakeAt(_)));
    session.handle_bytes(b"421 bye\r\n", seconds(2));
    let ending = finished(session).ending();
    assert_eq!(ending, Some(Ending::ServiceClosing(Stage::RcptTo)));
}

#[test]
fn a_hundred_recipients_go_out_in_groups_that_fit_into_any_window() {
    let mut config = config();
    config.limits = Limits {
        recipients: 100,
        rejections: 100,
        ..Limits::default()
    };
    let mut session = session(config, 100);
    session.handle_bytes(b"220 mx\r\n", Duration::ZERO);
    sent(&mut session);
    session.handle_bytes(b"250-mx\r\n250 PIPELINING\r\n", Duration::ZERO);
    let mut groups = Vec::new();
    loop {
        let group = sent(&mut session);
        let commands = group.lines().count();
        assert!(group.len() <= 32 * 512);
        if group.starts_with("QUIT") {
            break;
        }
        groups.push(commands);
        // Four kilobytes a reply: more than some servers say about a blocklist.
        let text = "250 ok ".to_owned() + &"x".repeat(500) + "\r\n";
        session.handle_bytes(text.repeat(commands).as_bytes(), Duration::ZERO);
    }
    assert_eq!(groups, [32, 32, 32, 5]);
    session.handle_bytes(b"221 bye\r\n", Duration::ZERO);
    let transcript = finished(session);
    let answered = transcript
        .answers()
        .into_iter()
        .filter(|a| a.recipient.is_some());
    assert_eq!(answered.count(), 100);
}

#[test]
fn ten_thousand_keywords_end_with_a_named_limit() {
    let mut session = session(config(), 1);
    session.handle_bytes(b"220 mx\r\n", Duration::ZERO);
    sent(&mut session);
    session.handle_bytes("250-KEYWORD\r\n".repeat(10_000).as_bytes(), Duration::ZERO);
    let ending = finished(session).ending().unwrap();
    assert_eq!(ending.to_string(), "limit-reached reply-lines");
}

#[test]
fn a_line_of_a_megabyte_ends_with_a_named_limit() {
    let mut session = session(config(), 1);
    for _ in 0..1024 {
        session.handle_bytes(&[b'x'; 1024], Duration::ZERO);
    }
    let transcript = finished(session);
    assert_eq!(
        transcript.ending().unwrap().to_string(),
        "limit-reached received-bytes"
    );
    assert!(transcript.to_text().len() < 4096);
}

#[test]
fn plaintext_behind_starttls_is_never_read_even_in_a_later_segment() {
    let mut session = session(config(), 1);
    session.handle_bytes(b"220 mx\r\n", Duration::ZERO);
    sent(&mut session);
    session.handle_bytes(b"250-mx\r\n250 STARTTLS\r\n", Duration::ZERO);
    assert_eq!(sent(&mut session), "STARTTLS\r\n");
    session.handle_bytes(b"220 go\r\n", Duration::ZERO);
    assert_eq!(session.poll_output(), Output::StartTls);
    assert!(
        matches!(session.poll_output(), Output::WakeAt(_)),
        "asked for once"
    );
    session.handle_bytes(b"250 injected\r\n", Duration::ZERO);
    session.handle_tls_ready(&TlsFacts::default(), Duration::ZERO);
    let transcript = finished(session);
    let ending = Ending::Violation(Stage::StartTls, Violation::PlaintextAfterStartTls);
    assert_eq!(transcript.ending(), Some(ending));
    let dropped = Event::Dropped {
        bytes: 14,
        why: Dropped::Plaintext,
    };
    assert!(transcript.events().any(|(_, event)| event == dropped));
    assert!(transcript.unsolicited().is_empty());
}

#[test]
fn plaintext_behind_starttls_is_seen_even_when_no_byte_more_is_taken() {
    let replies: [&[u8]; 3] = [b"220 mx\r\n", b"250-mx\r\n250 STARTTLS\r\n", b"220 go\r\n"];
    let mut config = config();
    config.limits.received_bytes = replies.concat().len();
    let mut session = session(config, 1);
    for reply in &replies[..2] {
        session.handle_bytes(reply, Duration::ZERO);
        sent(&mut session);
    }
    session.handle_bytes(&[replies[2], b"injected"].concat(), Duration::ZERO);
    let ending = Ending::Violation(Stage::StartTls, Violation::PlaintextAfterStartTls);
    assert_eq!(finished(session).ending(), Some(ending));
}

/// What a server says, step by step, to a session with the null reverse path and two mailboxes.
const REPLIES: [&str; 9] = [
    "220 mx\r\n",
    "250-mx\r\n250 STARTTLS\r\n",
    "220 go\r\n",
    "250 mx\r\n",
    "250 sender\r\n",
    "250 ana\r\n",
    "250 reset\r\n",
    "250 sender\r\n",
    "550 bob\r\n",
];

/// What is awaited before each of them, and after the last.
const STAGES: [Stage; 10] = [
    Stage::Greeting,
    Stage::Ehlo,
    Stage::StartTls,
    Stage::EhloAfterTls,
    Stage::MailFrom,
    Stage::RcptTo,
    Stage::Rset,
    Stage::MailFrom,
    Stage::RcptTo,
    Stage::Quit,
];

/// A session that heard so many of the replies, and when it wants to be woken.
fn session_after(replies: usize, timeouts: Timeouts) -> (Session, Duration) {
    let config = SessionConfig {
        reverse_path: String::new(),
        timeouts,
        ..config()
    };
    let mut session = session(config, 2);
    let mut wake_at = Duration::ZERO;
    for reply in std::iter::once("").chain(REPLIES).take(replies + 1) {
        session.handle_bytes(reply.as_bytes(), Duration::ZERO);
        wake_at = loop {
            match session.poll_output() {
                Output::Transmit(_) => {}
                Output::StartTls => {
                    session.handle_tls_ready(&TlsFacts::default(), Duration::ZERO);
                }
                Output::WakeAt(at) => break at,
                Output::Finished => panic!("the session is over after {reply:?}"),
            }
        };
    }
    (session, wake_at)
}

#[test]
fn a_connection_cut_at_any_stage_ends_there_and_takes_no_answer_back() {
    for (replies, stage) in (0..).zip(STAGES) {
        let (mut session, _) = session_after(replies, Timeouts::default());
        session.handle_closed(&Closed::Orderly, seconds(1));
        let transcript = finished(session);
        let expected = match stage {
            Stage::Quit => Ending::Completed,
            stage => Ending::Closed(stage),
        };
        assert_eq!(transcript.ending(), Some(expected));
        let answers = transcript.answers();
        let code = |place| {
            let mut own = answers
                .iter()
                .filter(|answer| answer.recipient == Some(place));
            own.find_map(|answer| Some(answer.reply.as_ref()?.code.value()))
        };
        assert_eq!(code(0), (replies > 5).then_some(250), "{stage}");
        assert_eq!(code(1), (replies > 8).then_some(550), "{stage}");
    }
}

#[test]
fn a_first_digit_that_means_nothing_ends_the_session_at_any_stage() {
    for (replies, stage) in (0..).zip(STAGES) {
        for reply in ["000 x", "120 x", "334 x", "354-x\r\n354 x", "650", "999 x"] {
            let (mut session, _) = session_after(replies, Timeouts::default());
            session.handle_bytes(format!("{reply}\r\n").as_bytes(), seconds(1));
            let transcript = finished(session);
            let expected = match stage {
                Stage::Quit => Ending::Completed,
                stage => Ending::Violation(stage, Violation::UnexpectedCode),
            };
            assert_eq!(transcript.ending(), Some(expected), "{reply} at {stage}");
            let code = transcript.answers().pop().and_then(|last| last.reply);
            assert_eq!(code.unwrap().code.to_string(), reply[..3]);
        }
    }
}

#[test]
fn every_stage_has_a_wait_of_its_own() {
    let timeouts = Timeouts {
        greeting: seconds(1),
        ehlo: seconds(2),
        start_tls: seconds(3),
        mail_from: seconds(4),
        rcpt_to: seconds(5),
        rset: seconds(6),
        quit: seconds(7),
        ..Timeouts::default()
    };
    for (replies, stage) in (0..).zip(STAGES) {
        let (mut session, wake_at) = session_after(replies, timeouts);
        assert_eq!(wake_at, timeouts.of(stage), "{stage}");
        session.handle_timeout(wake_at);
        let expected = match stage {
            Stage::Quit => Ending::Completed,
            stage => Ending::TimedOut(stage),
        };
        assert_eq!(finished(session).ending(), Some(expected));
    }
    let waits: Vec<u64> = STAGES
        .iter()
        .map(|stage| timeouts.of(*stage).as_secs())
        .collect();
    assert_eq!(waits, [1, 2, 3, 2, 4, 5, 6, 4, 5, 7]);
}

#[test]
fn the_waits_of_rfc_5321_can_be_had() {
    let timeouts = Timeouts::rfc5321();
    for stage in STAGES.into_iter().filter(|stage| *stage != Stage::Quit) {
        assert!(timeouts.of(stage) >= seconds(300), "{stage}");
    }
}

#[test]
fn helo_follows_every_code_that_says_that_ehlo_is_unknown() {
    for code in [500, 501, 502, 504, 550] {
        let mut session = session(config(), 2);
        session.handle_bytes(b"220 mx\r\n", Duration::ZERO);
        sent(&mut session);
        session.handle_bytes(format!("{code} what\r\n").as_bytes(), Duration::ZERO);
        assert_eq!(sent(&mut session), "HELO probe.example.com\r\n", "{code}");
        session.handle_bytes(b"250-mx\r\n250 PIPELINING\r\n", Duration::ZERO);
        let mail = sent(&mut session);
        assert_eq!(mail, "MAIL FROM:<probe@example.com>\r\n", "no extensions");
    }
    for code in [421, 450, 451, 452, 503, 554] {
        let mut session = session(config(), 1);
        session.handle_bytes(b"220 mx\r\n", Duration::ZERO);
        sent(&mut session);
        session.handle_bytes(format!("{code} no\r\n").as_bytes(), Duration::ZERO);
        if code != 421 {
            assert_eq!(sent(&mut session), "QUIT\r\n", "{code}");
        }
        assert!(!session.into_transcript().to_text().contains("C: HELO"));
    }
}

#[test]
fn news_about_tls_without_a_handshake_changes_nothing() {
    let mut session = asking(1);
    session.handle_tls_ready(&TlsFacts::default(), seconds(5));
    session.handle_tls_failed("no", seconds(5));
    assert_eq!(session.poll_output(), Output::WakeAt(seconds(60)));
    assert_eq!(session.into_transcript().tls(), None);
}

#[test]
fn what_was_offered_in_clear_is_forgotten_inside_tls() {
    let mut config = config();
    config.start_tls = StartTlsUse::Required;
    let mut session = session(config, 2);
    session.handle_bytes(b"220 mx\r\n", Duration::ZERO);
    sent(&mut session);
    session.handle_bytes(
        b"250-mx\r\n250-PIPELINING\r\n250 STARTTLS\r\n",
        Duration::ZERO,
    );
    sent(&mut session);
    session.handle_bytes(b"220 go\r\n", Duration::ZERO);
    assert_eq!(session.poll_output(), Output::StartTls);
    session.handle_tls_ready(&TlsFacts::default(), Duration::ZERO);
    assert_eq!(sent(&mut session), "EHLO probe.example.com\r\n");
    session.handle_bytes(b"250-mx\r\n250 SIZE 10\r\n", Duration::ZERO);
    assert_eq!(sent(&mut session), "MAIL FROM:<probe@example.com>\r\n");
    let extensions = session.into_transcript().extensions();
    let keywords: Vec<&str> = extensions.iter().map(|e| e.keyword.as_str()).collect();
    assert_eq!(keywords, ["SIZE"]);
}

#[test]
fn settings_that_cannot_be_sent_end_the_session_and_are_never_sent() {
    for (ehlo_name, reverse_path, stage) in [
        ("a\r\nDATA", "", Stage::Ehlo),
        ("probe.example.com", "a>\r\nDATA", Stage::MailFrom),
        ("probe.example.com", &"x".repeat(600), Stage::MailFrom),
    ] {
        let config = SessionConfig {
            ehlo_name: ehlo_name.to_owned(),
            reverse_path: reverse_path.to_owned(),
            ..SessionConfig::default()
        };
        let mut session = session(config, 1);
        session.handle_bytes(b"220 mx\r\n", Duration::ZERO);
        while let Output::Transmit(_) = session.poll_output() {
            session.handle_bytes(b"250 ok\r\n", Duration::ZERO);
        }
        let transcript = finished(session);
        assert_eq!(transcript.ending(), Some(Ending::Unsendable(stage)));
        assert!(!transcript.to_text().contains("\nC: DATA"));
    }
}

#[test]
fn a_session_that_the_host_gives_up_says_so_and_keeps_what_came() {
    let mut session = asking(1);
    session.handle_bytes(b"25", seconds(1));
    let transcript = session.into_transcript();
    assert_eq!(transcript.ending(), Some(Ending::Abandoned(Stage::RcptTo)));
    assert!(
        transcript
            .to_text()
            .contains("S: 25\\{unended}\n@ ended abandoned rcpt-to\n")
    );
}

#[test]
fn the_three_ways_to_lose_a_connection_have_three_names() {
    for (closed, ending) in [
        (Closed::Orderly, Ending::Closed(Stage::RcptTo)),
        (Closed::Reset, Ending::Reset(Stage::RcptTo)),
        (
            Closed::Other("no route".to_owned()),
            Ending::Broken(Stage::RcptTo),
        ),
    ] {
        let mut session = asking(1);
        session.handle_closed(&closed, seconds(3));
        session.handle_closed(&closed, seconds(4));
        let transcript = finished(session);
        assert_eq!(transcript.ending(), Some(ending));
        assert_eq!(transcript.elapsed(), seconds(3));
    }
}

#[test]
fn an_attempt_without_a_connection_has_a_transcript_too() {
    let failed = Transcript::of_failed_connect(Head::default(), "connection refused", seconds(1));
    assert_eq!(failed.ending(), Some(Ending::ConnectFailed));
    assert_eq!(failed.connect_failure(), Some("connection refused"));
    assert!(failed.answers().is_empty());
    assert_eq!(Transcript::from_text(&failed.to_text()), Ok(failed.clone()));
    assert_eq!(
        Transcript::from_json_lines(&failed.to_json_lines()),
        Ok(failed)
    );
}

#[test]
fn a_clock_that_runs_backwards_does_no_harm() {
    let mut session = asking(1);
    session.handle_bytes(b"250 Ok\r\n", seconds(9));
    session.handle_timeout(seconds(2));
    assert_eq!(sent(&mut session), "QUIT\r\n");
    assert_eq!(session.poll_output(), Output::WakeAt(seconds(14)));
}

#[test]
fn answers_know_when_they_were_asked_and_when_they_came() {
    let mut session = asking(1);
    session.handle_bytes(b"550 5.1.1 no\r\n", seconds(4));
    sent(&mut session);
    session.handle_bytes(b"221 bye\r\n", seconds(5));
    let answers = finished(session).answers();
    let stages: Vec<Stage> = answers.iter().map(|answer| answer.stage).collect();
    assert_eq!(
        stages,
        [
            Stage::Greeting,
            Stage::Ehlo,
            Stage::MailFrom,
            Stage::RcptTo,
            Stage::Quit
        ]
    );
    let rcpt = &answers[3];
    assert_eq!(
        (rcpt.asked_at, rcpt.answered_at),
        (seconds(0), Some(seconds(4)))
    );
    assert_eq!((rcpt.recipient, rcpt.transaction), (Some(0), Some(0)));
    assert_eq!(
        rcpt.reply.as_ref().unwrap().enhanced.unwrap().to_string(),
        "5.1.1"
    );
}

fn config() -> SessionConfig {
    SessionConfig {
        ehlo_name: "probe.example.com".to_owned(),
        reverse_path: "probe@example.com".to_owned(),
        ..SessionConfig::default()
    }
}

fn session(config: SessionConfig, mailboxes: usize) -> Session {
    let recipient = |number| Recipient {
        address: format!("user{number}@example.test"),
        kind: RecipientKind::Mailbox,
        needs_smtputf8: false,
    };
    Session::new(config, (0..mailboxes).map(recipient).collect())
}

/// A session that has just sent its first RCPT, one command at a time.
fn asking(mailboxes: usize) -> Session {
    asking_with(config(), mailboxes)
}

fn asking_with(config: SessionConfig, mailboxes: usize) -> Session {
    let mut session = session(config, mailboxes);
    for (reply, command) in [
        ("220 mx\r\n", "EHLO probe.example.com\r\n"),
        ("250 mx\r\n", "MAIL FROM:<probe@example.com>\r\n"),
        ("250 Ok\r\n", "RCPT TO:<user0@example.test>\r\n"),
    ] {
        session.handle_bytes(reply.as_bytes(), Duration::ZERO);
        assert_eq!(sent(&mut session), command);
    }
    session
}

fn sent(session: &mut Session) -> String {
    match session.poll_output() {
        Output::Transmit(bytes) => String::from_utf8(bytes).expect("commands are ASCII here"),
        other => panic!("nothing is sent but {other:?}"),
    }
}

fn finished(mut session: Session) -> Transcript {
    assert_eq!(session.poll_output(), Output::Finished);
    session.into_transcript()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
