//! Single questions: names of addresses, texts, and what travels how.

use std::time::Duration;

use super::super::{DirectAnswer, Lookup, LookupConfig, QuestionKind, Transport, ask_directly};
use super::dns_server::{Asked, DnsServer, NX_DOMAIN, PTR, Say, TXT};
use vrfy_proto::mx::DnsAnswer;

const TIMEOUT: Duration = Duration::from_millis(700);

fn script(asked: &Asked) -> Say {
    match (asked.kind, asked.name.as_str()) {
        (PTR, "1.2.0.192.in-addr.arpa") => {
            Say::nothing().name_of_address(&asked.name, 60, "Mail.Example.test")
        }
        (TXT, "long.test") => {
            Say::nothing().text(&asked.name, 60, &[b"v=spf1 ip4:192.0.", b"2.1 -all\xff"])
        }
        (_, "over-tcp.test") if !asked.over_tcp => Say::silence(),
        (_, "over-tcp.test") => Say::nothing().address(&asked.name, 60, "192.0.2.1"),
        _ => Say::code(NX_DOMAIN),
    }
}

async fn lookup() -> (Lookup, DnsServer) {
    let server = DnsServer::start(script).await;
    let config = LookupConfig {
        resolver: Some(server.address),
        timeout: TIMEOUT,
        ..LookupConfig::default()
    };
    (Lookup::new(config).unwrap(), server)
}

#[tokio::test]
async fn the_name_of_an_address_is_in_lower_case() {
    let (lookup, _server) = lookup().await;
    let found = lookup
        .records("1.2.0.192.in-addr.arpa", QuestionKind::Ptr)
        .await;
    assert_eq!(found.names(), ["mail.example.test"]);
    let none = lookup
        .records("2.2.0.192.in-addr.arpa", QuestionKind::Ptr)
        .await;
    assert_eq!((none.answer, none.aliases.len()), (DnsAnswer::NxDomain, 0));
}

#[tokio::test]
async fn the_strings_of_a_text_are_joined_as_octets() {
    let (lookup, _server) = lookup().await;
    let found = lookup.records("LONG.test", QuestionKind::Txt).await;
    assert_eq!(found.texts(), [b"v=spf1 ip4:192.0.2.1 -all\xff"]);
    assert_eq!(found.addresses().len() + found.names().len(), 0);
}

#[tokio::test]
async fn a_direct_question_travels_as_it_was_told() {
    let (_, server) = lookup().await;
    let ask = |transport, name| ask_directly(server.address, transport, name, TIMEOUT);
    let over_tcp = ask(Transport::Tcp, "over-tcp.test").await;
    assert_eq!(over_tcp.answer, DirectAnswer::Records);
    let over_udp = ask(Transport::Udp, "over-tcp.test").await;
    assert_eq!(over_udp.answer, DirectAnswer::Silence);
    let missing = ask(Transport::Udp, "missing.test").await;
    assert_eq!(missing.answer, DirectAnswer::NxDomain);
    assert!(!missing.is_authentic);
}
