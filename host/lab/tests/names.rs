//! What the lab's DNS answers: hand-made questions over plain sockets.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod client;

use std::time::Duration;

use client::lab;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use vrfy_lab::Lab;

/// Far longer than an answer takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long silence is listened to.
const SILENCE: Duration = Duration::from_millis(200);

fn question(name: &str, record_type: RecordType) -> Message {
    let mut message = Message::new(4711, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), record_type));
    message
}

/// The datagram that comes back in this time.
async fn ask_udp(lab: &Lab, name: &str, wait: Duration) -> Option<Vec<u8>> {
    ask_udp_for(lab, name, RecordType::A, wait).await
}

async fn ask_udp_for(
    lab: &Lab,
    name: &str,
    record_type: RecordType,
    wait: Duration,
) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let octets = question(name, record_type).to_vec().unwrap();
    socket.send_to(&octets, lab.resolver()).await.unwrap();
    let mut answer = vec![0; 65_535];
    let received = tokio::time::timeout(wait, socket.recv(&mut answer)).await;
    answer.truncate(received.ok()?.unwrap());
    Some(answer)
}

async fn ask(lab: &Lab, name: &str, record_type: RecordType) -> Message {
    let octets = ask_udp_for(lab, name, record_type, PATIENCE)
        .await
        .expect("it answers");
    let message = Message::from_vec(&octets).expect("it is a DNS message");
    assert_eq!(message.metadata.id, 4711);
    message
}

/// Over TCP; nothing when the connection is closed without an answer.
async fn ask_tcp(lab: &Lab, name: &str, record_type: RecordType) -> Option<Message> {
    let mut stream = TcpStream::connect(lab.resolver()).await.unwrap();
    let octets = question(name, record_type).to_vec().unwrap();
    let length = u16::try_from(octets.len()).unwrap();
    stream.write_u16(length).await.unwrap();
    stream.write_all(&octets).await.unwrap();
    let length = stream.read_u16().await.ok()?;
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await.unwrap();
    Some(Message::from_vec(&answer).unwrap())
}

/// Type, data and time to live of every answer record.
fn shown(message: &Message) -> Vec<String> {
    let line = |record: &hickory_proto::rr::Record| {
        format!("{} {} {}", record.record_type(), record.data, record.ttl)
    };
    message.answers.iter().map(line).collect()
}

#[tokio::test]
async fn mx_and_addresses_are_answered_with_the_scenarios_ttl() {
    let lab = lab(r#"
        [lab]
        ttl_s = 90
        [[domain]]
        name = "two.test"
        mx = ["20 backup.test", "10 main.test"]
        txt = ["v=spf1 -all"]
        ttl_s = 7
        [[exchange]]
        name = "main.test"
        [[exchange]]
        name = "backup.test"
        listen = "dead"
        "#)
    .await;
    let answer = ask(&lab, "two.test.", RecordType::MX).await;
    assert_eq!(
        shown(&answer),
        ["MX 20 backup.test. 7", "MX 10 main.test. 7"]
    );
    assert!(answer.metadata.authoritative && answer.metadata.recursion_available);
    let answer = ask(&lab, "MAIN.test.", RecordType::A).await;
    assert_eq!(shown(&answer), ["A 127.77.0.1 90"]);
    let answer = ask(&lab, "two.test.", RecordType::TXT).await;
    assert_eq!(shown(&answer), ["TXT v=spf1 -all 7"]);

    let answer = ask(&lab, "main.test.", RecordType::AAAA).await;
    assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
    assert_eq!(shown(&answer), [""; 0]);
    assert!(matches!(&answer.authorities[0].data, RData::SOA(soa) if soa.minimum == 90));

    let questions = lab.report().questions;
    assert_eq!(questions[0].name, "two.test");
    assert_eq!(questions[0].record_type, "MX");
    assert_eq!(questions[1].name, "main.test");
}

#[tokio::test]
async fn a_name_that_nobody_defined_does_not_exist() {
    let lab = lab("[[domain]]\nname = \"a.b.test\"").await;
    let answer = ask(&lab, "nowhere.test.", RecordType::MX).await;
    assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain);
    assert!(matches!(answer.authorities[0].data, RData::SOA(_)));
    let answer = ask(&lab, "b.test.", RecordType::MX).await;
    assert_eq!(
        answer.metadata.response_code,
        ResponseCode::NoError,
        "names lie below it"
    );
}

#[tokio::test]
async fn every_fault_is_told_apart() {
    let lab = lab(r#"
        [[host]]
        name = "nxdomain.test"
        dns = "nxdomain"
        [[host]]
        name = "no-data.test"
        addresses = ["192.0.2.1"]
        dns = "no-data"
        [[host]]
        name = "servfail.test"
        dns = "servfail"
        [[host]]
        name = "refused.test"
        dns = "refused"
        [[host]]
        name = "lame.test"
        addresses = ["192.0.2.1"]
        dns = "lame"
        [[host]]
        name = "bogus.test"
        addresses = ["192.0.2.1"]
        dns = "bogus"
        [[host]]
        name = "silent.test"
        dns = "time-out"
        [[host]]
        name = "garbage.test"
        dns = "garbage"
        [[host]]
        name = "wrong-id.test"
        addresses = ["192.0.2.1"]
        dns = "wrong-id"
        "#)
    .await;
    let codes = [
        ("nxdomain.test.", ResponseCode::NXDomain),
        ("no-data.test.", ResponseCode::NoError),
        ("servfail.test.", ResponseCode::ServFail),
        ("refused.test.", ResponseCode::Refused),
        ("lame.test.", ResponseCode::NoError),
        ("bogus.test.", ResponseCode::ServFail),
    ];
    for (name, code) in codes {
        let answer = ask(&lab, name, RecordType::A).await;
        assert_eq!(answer.metadata.response_code, code, "{name}");
        assert_eq!(shown(&answer), [""; 0], "{name}");
    }
    assert_eq!(ask_udp(&lab, "silent.test.", SILENCE).await, None);
    let garbage = ask_udp(&lab, "garbage.test.", PATIENCE).await.unwrap();
    assert!(Message::from_vec(&garbage).is_err());
    let wrong = ask_udp(&lab, "wrong-id.test.", PATIENCE).await.unwrap();
    assert_eq!(Message::from_vec(&wrong).unwrap().metadata.id, 4712);
}

#[tokio::test]
async fn a_fault_can_be_of_one_record_type_only() {
    let lab = lab(
        "[[host]]\nname = \"half.test\"\naddresses = [\"192.0.2.1\"]\n\
         dns = { aaaa = \"servfail\" }",
    )
    .await;
    let answer = ask(&lab, "half.test.", RecordType::A).await;
    assert_eq!(shown(&answer), ["A 192.0.2.1 300"]);
    let answer = ask(&lab, "half.test.", RecordType::AAAA).await;
    assert_eq!(answer.metadata.response_code, ResponseCode::ServFail);
}

#[tokio::test]
async fn a_truncated_answer_is_whole_over_tcp_unless_it_is_for_good() {
    let lab = lab(r#"
        [[host]]
        name = "long.test"
        addresses = ["192.0.2.1"]
        dns = "truncated"
        [[host]]
        name = "cut.test"
        addresses = ["192.0.2.1"]
        dns = "truncated-for-good"
        "#)
    .await;
    for name in ["long.test.", "cut.test."] {
        let answer = ask(&lab, name, RecordType::A).await;
        assert!(
            answer.metadata.truncation && answer.answers.is_empty(),
            "{name}"
        );
    }
    let answer = ask_tcp(&lab, "long.test.", RecordType::A).await.unwrap();
    assert!(!answer.metadata.truncation);
    assert_eq!(shown(&answer), ["A 192.0.2.1 300"]);
    assert_eq!(ask_tcp(&lab, "cut.test.", RecordType::A).await, None);
    assert!(lab.report().questions[2].tcp);
}

#[tokio::test]
async fn an_answer_larger_than_a_datagram_is_truncated_without_a_script() {
    let addresses: Vec<String> = (1..=100).map(|n| format!("\"192.0.2.{n}\"")).collect();
    let text = format!(
        "[[host]]\nname = \"many.test\"\naddresses = [{}]",
        addresses.join(", ")
    );
    let lab = lab(&text).await;
    let answer = ask(&lab, "many.test.", RecordType::A).await;
    assert!(answer.metadata.truncation);
    let answer = ask_tcp(&lab, "many.test.", RecordType::A).await.unwrap();
    assert_eq!(answer.answers.len(), 100);
}

#[tokio::test]
async fn null_mx_and_implicit_mx_and_no_mail_at_all() {
    let lab = lab(r#"
        [[domain]]
        name = "null.test"
        mx = ["0 ."]
        [[domain]]
        name = "implicit.test"
        mx = []
        exchange = {}
        [[domain]]
        name = "nothing.test"
        mx = []
        "#)
    .await;
    let answer = ask(&lab, "null.test.", RecordType::MX).await;
    assert_eq!(shown(&answer), ["MX 0 . 300"]);
    let answer = ask(&lab, "implicit.test.", RecordType::MX).await;
    assert_eq!(shown(&answer), [""; 0]);
    let answer = ask(&lab, "implicit.test.", RecordType::A).await;
    assert_eq!(shown(&answer), ["A 127.77.0.1 300"]);
    assert!(lab.exchange_addresses("implicit.test").is_some());
    for record_type in [RecordType::MX, RecordType::A, RecordType::AAAA] {
        let answer = ask(&lab, "nothing.test.", record_type).await;
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
        assert_eq!(shown(&answer), [""; 0]);
    }
}

#[tokio::test]
async fn special_addresses_are_given_out_as_written() {
    let lab = lab(r#"
        [[domain]]
        name = "inward.test"
        mx = ["10 inside.test"]
        [[host]]
        name = "inside.test"
        addresses = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1"]
        "#)
    .await;
    let answer = ask(&lab, "inside.test.", RecordType::A).await;
    let v4 = ["A 127.0.0.1 300", "A 10.0.0.1 300", "A 169.254.169.254 300"];
    assert_eq!(shown(&answer), v4);
    let answer = ask(&lab, "inside.test.", RecordType::AAAA).await;
    assert_eq!(shown(&answer), ["AAAA ::ffff:10.0.0.1 300"]);
}

#[tokio::test]
async fn aliases_are_followed_and_a_loop_of_them_fails() {
    let lab = lab(r#"
        [[domain]]
        name = "alias.test"
        cname = "real.test"
        [[domain]]
        name = "real.test"
        [[host]]
        name = "one.test"
        cname = "two.test"
        [[host]]
        name = "two.test"
        cname = "one.test"
        "#)
    .await;
    let answer = ask(&lab, "alias.test.", RecordType::MX).await;
    assert_eq!(
        shown(&answer),
        ["CNAME real.test. 300", "MX 10 mx.real.test. 300"]
    );
    let answer = ask(&lab, "alias.test.", RecordType::CNAME).await;
    assert_eq!(shown(&answer), ["CNAME real.test. 300"]);
    let answer = ask(&lab, "one.test.", RecordType::A).await;
    assert_eq!(answer.metadata.response_code, ResponseCode::ServFail);
}

#[tokio::test]
async fn octets_that_are_no_question_stop_nothing() {
    let lab = lab("[[domain]]\nname = \"x.test\"").await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for octets in [&b""[..], b"\0", b"GET / HTTP/1.1\r\n\r\n", &[0xff; 600]] {
        socket.send_to(octets, lab.resolver()).await.unwrap();
        let mut stream = TcpStream::connect(lab.resolver()).await.unwrap();
        let length = u16::try_from(octets.len()).unwrap();
        stream.write_u16(length).await.unwrap();
        stream.write_all(octets).await.unwrap();
        assert_eq!(stream.read(&mut [0; 10]).await.unwrap(), 0, "{octets:?}");
    }
    let answer = ask(&lab, "x.test.", RecordType::MX).await;
    assert_eq!(shown(&answer), ["MX 10 mx.x.test. 300"]);
}

#[tokio::test]
async fn an_address_has_the_name_that_says_so() {
    let lab = lab(r#"
        [[host]]
        name = "a.test"
        addresses = ["192.0.2.1"]
        reverse = ["192.0.2.1", "2001:db8::1"]
        [[domain]]
        name = "b.test"
        reverse = ["192.0.2.1"]
        [[host]]
        name = "2.2.0.192.in-addr.arpa"
        dns = { ptr = "servfail" }
        "#)
    .await;
    let answer = ask(&lab, "1.2.0.192.in-addr.arpa.", RecordType::PTR).await;
    assert_eq!(shown(&answer), ["PTR a.test. 300", "PTR b.test. 300"]);
    let nibbles = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.";
    let answer = ask(&lab, nibbles, RecordType::PTR).await;
    assert_eq!(shown(&answer), ["PTR a.test. 300"]);
    let answer = ask(&lab, "2.2.0.192.in-addr.arpa.", RecordType::PTR).await;
    assert_eq!(answer.metadata.response_code, ResponseCode::ServFail);
    let answer = ask(&lab, "3.2.0.192.in-addr.arpa.", RecordType::PTR).await;
    assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain);
}

#[tokio::test]
async fn a_wildcard_answers_for_names_below_its_closest_ancestor_only() {
    let lab = lab(r#"
        [[host]]
        name = "*.wild.test"
        addresses = ["192.0.2.1"]
        [[host]]
        name = "there.wild.test"
        txt = ["x"]
        "#)
    .await;
    for name in ["a.wild.test.", "a.b.wild.test."] {
        assert_eq!(
            shown(&ask(&lab, name, RecordType::A).await),
            ["A 192.0.2.1 300"],
            "{name}"
        );
    }
    for (name, code) in [
        ("there.wild.test.", ResponseCode::NoError),
        ("wild.test.", ResponseCode::NoError),
        ("a.there.wild.test.", ResponseCode::NXDomain),
        ("tame.test.", ResponseCode::NXDomain),
    ] {
        let answer = ask(&lab, name, RecordType::A).await;
        assert_eq!(answer.metadata.response_code, code, "{name}");
        assert_eq!(shown(&answer), [""; 0], "{name}");
    }
    let everything = self::lab("[[host]]\nname = \"*\"\naddresses = [\"192.0.2.9\"]").await;
    let answer = ask(&everything, "no.such.name.", RecordType::A).await;
    assert_eq!(shown(&answer), ["A 192.0.2.9 300"]);
}

#[tokio::test]
async fn a_blocklist_has_its_test_entries_and_what_it_lists() {
    let lab = lab(r#"
        [[blocklist]]
        zone = "bl.test"
        listed = [
            { address = "192.0.2.1", answer = "127.0.0.4", txt = "why" },
            { address = "2001:db8::1" },
        ]
        [[blocklist]]
        zone = "refusing.test"
        test = false
        listed = [{ address = "192.0.2.1" }]
        others = { answer = "127.255.255.254" }
        "#)
    .await;
    let nibbles = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test.";
    let mapped = "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.test.";
    for (name, answer) in [
        ("1.2.0.192.bl.test.", "127.0.0.4"),
        (nibbles, "127.0.0.2"),
        ("2.0.0.127.bl.test.", "127.0.0.2"),
        (mapped, "127.0.0.2"),
        ("1.2.0.192.refusing.test.", "127.0.0.2"),
        ("7.2.0.192.refusing.test.", "127.255.255.254"),
        ("2.0.0.127.refusing.test.", "127.255.255.254"),
    ] {
        let found = ask(&lab, name, RecordType::A).await;
        assert_eq!(shown(&found), [format!("A {answer} 300")], "{name}");
    }
    let text = ask(&lab, "1.2.0.192.bl.test.", RecordType::TXT).await;
    assert_eq!(shown(&text), ["TXT why 300"]);
    for name in ["1.0.0.127.bl.test.", "2.2.0.192.bl.test."] {
        let answer = ask(&lab, name, RecordType::A).await;
        assert_eq!(
            answer.metadata.response_code,
            ResponseCode::NXDomain,
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_silent_exchange_neither_takes_nor_refuses_connections() {
    let lab = lab("[[domain]]\nname = \"quiet.test\"\nexchange.listen = \"silent\"").await;
    let answer = ask(&lab, "mx.quiet.test.", RecordType::A).await;
    assert_eq!(shown(&answer), ["A 127.77.0.1 300"]);
    assert_eq!(lab.exchange_addresses("mx.quiet.test"), Some(&[][..]));
    let connecting = TcpStream::connect(("127.77.0.1", lab.port()));
    assert!(tokio::time::timeout(SILENCE, connecting).await.is_err());
}
