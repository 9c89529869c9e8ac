//! Goal: both forms hold every value. Method: arbitrary heads and events are written and read back.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{
    Closed, Dropped, Egress, Ending, Event, Head, HeadRecipient, NotAsked, RecipientKind, TlsFacts,
    Transcript,
};
use crate::limits::Limit;
use crate::reply::{Line, LineEnd};
use crate::stage::Stage;

/// An event that owns what it says.
#[derive(Clone, Debug)]
enum Owned {
    Received(Vec<u8>, LineEnd, u32),
    Sent(&'static str),
    TlsReady(TlsFacts),
    TlsFailed(String),
    ConnectFailed(String),
    Closed(Closed),
    TimedOut,
    NotAsked(NotAsked),
    Dropped(u64, Dropped),
    Ended(Ending),
}

proptest! {
    #[test]
    fn every_transcript_survives_both_forms(transcript in transcripts()) {
        let text = transcript.to_text();
        let from_text = Transcript::from_text(&text);
        prop_assert_eq!(from_text.as_ref(), Ok(&transcript));
        let events = text.split("\n--- expected\n").next().unwrap_or_default();
        prop_assert!(events.lines().filter(|line| !line.starts_with('#')).all(is_printable));
        let json = transcript.to_json_lines();
        let from_json = Transcript::from_json_lines(&json);
        prop_assert_eq!(from_json.as_ref(), Ok(&transcript));
        let _ = transcript.answers();
    }

    #[test]
    fn a_damaged_json_form_is_an_error_or_another_transcript(
        transcript in transcripts(),
        place in any::<prop::sample::Index>(),
        byte in b' '..b'~',
    ) {
        let mut json = transcript.to_json_lines().into_bytes();
        let place = place.index(json.len());
        json[place] = byte;
        if let Ok(other) = Transcript::from_json_lines(&String::from_utf8_lossy(&json)) {
            prop_assert_eq!(Transcript::from_text(&other.to_text()), Ok(other));
        }
    }
}

fn is_printable(line: &str) -> bool {
    line.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn transcripts() -> impl Strategy<Value = Transcript> {
    let notes = vec(any::<String>(), 0..3);
    let events = vec((0_u64..u64::MAX / 64, events()), 0..20);
    (heads(), notes, option::of(any::<String>()), events).prop_map(
        |(head, notes, expected, events)| {
            let mut transcript = Transcript::new(head);
            for note in notes {
                transcript.add_note(&note);
            }
            transcript.set_expected(expected);
            let mut at = 0;
            for (passed, event) in events {
                at += passed;
                push(&mut transcript, Duration::from_micros(at), &event);
            }
            transcript
        },
    )
}

fn push(transcript: &mut Transcript, at: Duration, event: &Owned) {
    let event = match event {
        Owned::Received(bytes, end, dropped) => Event::Received(Line {
            bytes,
            end: *end,
            dropped: *dropped,
        }),
        Owned::Sent(line) => Event::Sent(line.as_bytes()),
        Owned::TlsReady(facts) => Event::TlsReady(facts),
        Owned::TlsFailed(text) => Event::TlsFailed(text),
        Owned::ConnectFailed(text) => Event::ConnectFailed(text),
        Owned::Closed(closed) => Event::Closed(closed),
        Owned::TimedOut => Event::TimedOut,
        Owned::NotAsked(_) if transcript.head.recipients.is_empty() => return,
        Owned::NotAsked(reason) => Event::NotAsked {
            recipient: transcript.head.recipients.len() - 1,
            reason: *reason,
        },
        Owned::Dropped(bytes, why) => Event::Dropped {
            bytes: *bytes,
            why: *why,
        },
        Owned::Ended(ending) => Event::Ended(*ending),
    };
    transcript.push(at, event);
}

fn heads() -> impl Strategy<Value = Head> {
    let kind = select(vec![RecipientKind::Mailbox, RecipientKind::Decoy]);
    let recipient =
        (any::<String>(), kind).prop_map(|(address, kind)| HeadRecipient { address, kind });
    let remote = option::of((any::<IpAddr>(), any::<u16>()).prop_map(SocketAddr::from));
    let egress = (
        option::of(any::<IpAddr>()),
        any::<String>(),
        any::<String>(),
    );
    let exchange = (any::<String>(), any::<u16>());
    (vec(recipient, 0..4), exchange, remote, egress, any::<u64>()).prop_map(
        |(
            recipients,
            (exchange, preference),
            remote,
            (source, ehlo_name, reverse_path),
            started_ms,
        )| Head {
            recipients,
            exchange,
            preference,
            remote,
            egress: Egress {
                source,
                ehlo_name,
                reverse_path,
            },
            started_ms,
        },
    )
}

fn events() -> impl Strategy<Value = Owned> {
    let line = vec(
        any::<u8>().prop_filter("a line ends at its line feed", |byte| *byte != b'\n'),
        0..60,
    );
    let end = select(vec![LineEnd::CrLf, LineEnd::Lf, LineEnd::Missing]);
    let received = (line, end, any::<u32>());
    let sent = select(vec![
        "EHLO a.example",
        "RCPT TO:<ana@example.test>",
        "RSET",
        "MAIL FROM:<> SMTPUTF8",
    ]);
    let closed = prop_oneof![
        Just(Closed::Orderly),
        Just(Closed::Reset),
        any::<String>().prop_map(Closed::Other),
    ];
    let ending = select(vec![
        Ending::Completed,
        Ending::TimedOut(Stage::RcptTo),
        Ending::LimitReached(Limit::ReplyBytes),
    ]);
    prop_oneof![
        4 => received.prop_map(|(line, end, dropped)| Owned::Received(line, end, dropped)),
        2 => sent.prop_map(Owned::Sent),
        1 => tls_facts().prop_map(Owned::TlsReady),
        1 => any::<String>().prop_map(Owned::TlsFailed),
        1 => any::<String>().prop_map(Owned::ConnectFailed),
        1 => closed.prop_map(Owned::Closed),
        1 => Just(Owned::TimedOut),
        1 => select(NotAsked::ALL.to_vec()).prop_map(Owned::NotAsked),
        1 => (any::<u64>(), select(Dropped::ALL.to_vec()))
            .prop_map(|(bytes, why)| Owned::Dropped(bytes, why)),
        1 => ending.prop_map(Owned::Ended),
    ]
}

fn tls_facts() -> impl Strategy<Value = TlsFacts> {
    let texts = (any::<String>(), any::<String>(), vec(any::<String>(), 0..3));
    (texts, option::of(any::<String>())).prop_map(|((version, cipher, problems), subject)| {
        TlsFacts {
            version,
            cipher,
            problems,
            subject,
        }
    })
}
