//! The examples of RFC 7208, its limits, and what breaks a record.

use proptest::prelude::*;

use super::super::dns::fixture::Zone;
use super::check::{Evaluation, Query, SpfResult, check_host};
use super::macros::{DomainSpec, Values};
use super::record::{Record, is_spf};
use super::*;

use SpfResult::{Fail, Neutral, Pass, PermError, SoftFail, TempError};

/// The zone of RFC 7208 appendix A.
const EXAMPLE: &str = "
    example.com MX 10 mail-a.example.com
    example.com MX 20 mail-b.example.com
    example.com A 192.0.2.10
    example.com A 192.0.2.11
    amy.example.com A 192.0.2.65
    bob.example.com A 192.0.2.66
    mail-a.example.com A 192.0.2.129
    mail-b.example.com A 192.0.2.130
    example.org MX 10 mail-c.example.org
    mail-c.example.org A 192.0.2.140
    10.2.0.192.in-addr.arpa PTR example.com
    11.2.0.192.in-addr.arpa PTR example.com
    65.2.0.192.in-addr.arpa PTR amy.example.com
    66.2.0.192.in-addr.arpa PTR bob.example.com
    129.2.0.192.in-addr.arpa PTR mail-a.example.com
    130.2.0.192.in-addr.arpa PTR mail-b.example.com
    140.2.0.192.in-addr.arpa PTR mail-c.example.org
    4.0.0.10.in-addr.arpa PTR bob.example.com";

async fn evaluate_for(zone: &Zone, domain: &str, local_part: &str, ip: &str) -> Evaluation {
    let query = Query {
        ip: ip.parse().unwrap(),
        local_part,
        sender_domain: domain,
        ehlo: "mail-a.example.com",
    };
    check_host(zone, query).await
}

async fn evaluate(zone: &str, domain: &str, ip: &str) -> Evaluation {
    evaluate_for(&Zone::of(zone), domain, "strong-bad", ip).await
}

async fn result(zone: &str, domain: &str, ip: &str) -> SpfResult {
    evaluate(zone, domain, ip).await.result
}

/// The result of a record of example.com, in the zone of the appendix.
async fn of_record(record: &str, ip: &str) -> SpfResult {
    let zone = format!("{EXAMPLE}\n example.com TXT {record}");
    result(&zone, "example.com", ip).await
}

#[tokio::test]
async fn the_simple_examples_of_appendix_a_1() {
    for (record, passes, fails) in [
        ("v=spf1 +all", &["198.51.100.1"][..], &[][..]),
        (
            "v=spf1 a -all",
            &["192.0.2.10", "192.0.2.11"],
            &["192.0.2.129"],
        ),
        (
            "v=spf1 a:example.org -all",
            &[],
            &["192.0.2.10", "192.0.2.140"],
        ),
        (
            "v=spf1 mx -all",
            &["192.0.2.129", "192.0.2.130"],
            &["192.0.2.10"],
        ),
        (
            "v=spf1 mx:example.org -all",
            &["192.0.2.140"],
            &["192.0.2.129"],
        ),
        (
            "v=spf1 mx mx:example.org -all",
            &["192.0.2.129", "192.0.2.130", "192.0.2.140"],
            &["192.0.2.10"],
        ),
        (
            "v=spf1 mx/30 mx:example.org/30 -all",
            &["192.0.2.128", "192.0.2.131", "192.0.2.141"],
            &["192.0.2.132", "192.0.2.144"],
        ),
        (
            "v=spf1 ptr -all",
            &["192.0.2.65", "192.0.2.10"],
            &["192.0.2.140", "10.0.0.4"],
        ),
        (
            "v=spf1 ip4:192.0.2.128/28 -all",
            &["192.0.2.129"],
            &["192.0.2.65"],
        ),
    ] {
        for ip in passes {
            assert_eq!(of_record(record, ip).await, Pass, "{record} {ip}");
        }
        for ip in fails {
            assert_eq!(of_record(record, ip).await, Fail, "{record} {ip}");
        }
    }
}

#[tokio::test]
async fn the_examples_of_appendix_a_with_several_domains() {
    let zone = format!(
        "{EXAMPLE}
        example.com TXT v=spf1 a mx -all
        example.net TXT v=spf1 ip4:192.0.2.200 -all
        example.org TXT v=spf1 include:example.com include:example.net -all
        la.example.org TXT v=spf1 redirect=example.org"
    );
    for domain in ["example.org", "la.example.org"] {
        for (ip, expected) in [
            ("192.0.2.10", Pass),
            ("192.0.2.129", Pass),
            ("192.0.2.200", Pass),
            ("192.0.2.140", Fail),
        ] {
            assert_eq!(result(&zone, domain, ip).await, expected, "{domain} {ip}");
        }
    }
}

#[tokio::test]
async fn the_example_of_appendix_a_with_names_made_from_the_sender() {
    let zone = Zone::of(
        "example.com TXT v=spf1 include:mobile-users._spf.%{d} -all
        mobile-users._spf.example.com TXT v=spf1 exists:%{l1r+}.%{d}
        mary.mobile-users._spf.example.com A 127.0.0.2",
    );
    let result_of = async |local_part| {
        let evaluation = evaluate_for(&zone, "example.com", local_part, "192.0.2.1").await;
        evaluation.result
    };
    assert_eq!(result_of("mary").await, Pass);
    assert_eq!(result_of("mary+news").await, Pass);
    assert_eq!(result_of("fred").await, Fail);
}

#[tokio::test]
async fn the_example_of_appendix_a_where_several_things_must_hold() {
    let zone = format!(
        "{EXAMPLE}
        example.com TXT v=spf1 -include:ip4._spf.%{{d}} -include:ptr._spf.%{{d}} +all
        ip4._spf.example.com TXT v=spf1 -ip4:192.0.2.0/24 +all
        ptr._spf.example.com TXT v=spf1 -ptr:example.com +all"
    );
    assert_eq!(result(&zone, "example.com", "192.0.2.65").await, Pass);
    assert_eq!(result(&zone, "example.com", "192.0.2.140").await, Fail);
    assert_eq!(result(&zone, "example.com", "203.0.113.1").await, Fail);
}

#[tokio::test]
async fn the_qualifier_of_the_first_match_is_the_result() {
    assert_eq!(of_record("v=spf1 ~all", "192.0.2.1").await, SoftFail);
    assert_eq!(of_record("v=spf1 ?all", "192.0.2.1").await, Neutral);
    assert_eq!(
        of_record("v=spf1 -ip4:192.0.2.1 +all", "192.0.2.1").await,
        Fail
    );
    assert_eq!(
        of_record("v=spf1 ip4:192.0.2.7", "192.0.2.1").await,
        Neutral
    );
    assert_eq!(of_record("v=spf1", "192.0.2.1").await, Neutral);
    assert_eq!(
        of_record("V=SPF1 IP4:192.0.2.1 -ALL", "192.0.2.1").await,
        Pass
    );
    assert_eq!(
        of_record("v=spf10 +all", "192.0.2.1").await,
        SpfResult::None
    );
}

#[tokio::test]
async fn ipv6_has_its_own_networks_addresses_and_lengths() {
    let zone = "example.com TXT v=spf1 ip6:2001:db8:1::/48 a:h.example.com/24//64 -all
                h.example.com AAAA 2001:db8:2::1
                h.example.com A 192.0.2.1";
    for (ip, expected) in [
        ("2001:db8:1:5::9", Pass),
        ("2001:db8:2::ffff", Pass),
        ("2001:db8:2:1::1", Fail),
        ("192.0.2.200", Pass),
        ("198.51.100.1", Fail),
    ] {
        assert_eq!(result(zone, "example.com", ip).await, expected, "{ip}");
    }
}

#[tokio::test]
async fn a_macro_can_ask_for_the_validated_name() {
    let zone = format!("{EXAMPLE}\n example.com TXT v=spf1 exists:%{{p}} -all");
    assert_eq!(result(&zone, "example.com", "192.0.2.65").await, Pass);
    // Without a name that leads back it is `unknown`, which does not exist.
    assert_eq!(result(&zone, "example.com", "10.0.0.4").await, Fail);
}

#[tokio::test]
async fn an_included_record_matches_only_by_a_pass() {
    for (included, expected) in [
        ("v=spf1 +all", Pass),
        ("v=spf1 -all", SoftFail),
        ("v=spf1 ~all", SoftFail),
        ("v=spf1 ?all", SoftFail),
        ("v=spf1 foo", PermError),
        ("nothing", PermError),
    ] {
        let zone = format!(
            "a.test TXT v=spf1 include:b.test ~all
             b.test TXT {included}"
        );
        assert_eq!(
            result(&zone, "a.test", "192.0.2.1").await,
            expected,
            "{included}"
        );
    }
    let failing = "a.test TXT v=spf1 include:b.test ~all
                   b.test TXT servfail!";
    assert_eq!(result(failing, "a.test", "192.0.2.1").await, TempError);
}

#[tokio::test]
async fn a_redirect_counts_only_where_nothing_else_decides() {
    let zone = "a.test TXT v=spf1 ip4:192.0.2.1 redirect=b.test
                b.test TXT v=spf1 -all
                c.test TXT v=spf1 redirect=gone.test
                d.test TXT v=spf1 redirect=gone.test ?all";
    assert_eq!(result(zone, "a.test", "192.0.2.1").await, Pass);
    assert_eq!(result(zone, "a.test", "192.0.2.2").await, Fail);
    assert_eq!(result(zone, "c.test", "192.0.2.2").await, PermError);
    assert_eq!(result(zone, "d.test", "192.0.2.2").await, Neutral);
}

#[tokio::test]
async fn what_breaks_the_grammar_spoils_the_whole_record() {
    for term in [
        "foo",
        "all:x.test",
        "include",
        "include:",
        "exists",
        "ip4",
        "ip4:192.0.2",
        "ip4:192.0.2.1/33",
        "ip4:192.0.2.1/08",
        "ip6:192.0.2.1",
        "ip6:2001:db8::/129",
        "a:",
        "a/33",
        "a/x",
        "a//129",
        "mx:test",
        "ptr:",
        "ptr/24",
        "redirect=",
        "redirect=a.test redirect=b.test",
        "exp=a.test exp=a.test",
        "x=%{",
        "a:%{x}",
        "-",
        "ip4:\u{a0}",
    ] {
        let record = format!("v=spf1 ip4:192.0.2.1 {term}");
        let found = of_record(&record, "192.0.2.1").await;
        assert_eq!(found, PermError, "{term}");
    }
    for term in [
        "unknown=%{c}x",
        "exp=e.%{d}",
        "a:h.test//64",
        "mx/24",
        "ip4:192.0.2.1/0",
        "  ",
    ] {
        let record = format!("v=spf1 ip4:192.0.2.1 {term}");
        assert_eq!(of_record(&record, "192.0.2.1").await, Pass, "{term}");
    }
}

#[tokio::test]
async fn two_records_are_an_error_and_text_of_others_is_not_counted() {
    let two = "a.test TXT v=spf1 +all
               a.test TXT v=spf1 -all";
    let evaluation = evaluate(two, "a.test", "192.0.2.1").await;
    assert_eq!(evaluation.result, PermError);
    assert!(evaluation.why.contains("2 SPF records"), "{evaluation:?}");
    let one = "a.test TXT v=spf1 +all
               a.test TXT some-verification=123";
    assert_eq!(result(one, "a.test", "192.0.2.1").await, Pass);
}

#[tokio::test]
async fn of_many_records_a_few_are_told() {
    let lines: Vec<String> = (0..40)
        .map(|n| format!("a.test TXT v=spf1 ip4:192.0.2.{n}"))
        .collect();
    let evaluation = evaluate(&lines.join("\n"), "a.test", "192.0.2.1").await;
    assert_eq!(
        (evaluation.result, evaluation.records.len()),
        (PermError, 11)
    );
    assert!(evaluation.why.contains("40 SPF records"), "{evaluation:?}");
}

#[tokio::test]
async fn the_eleventh_term_that_asks_dns_is_one_too_many() {
    let zone = |count: usize| {
        let terms: Vec<String> = (0..count).map(|n| format!("a:h{n}.test")).collect();
        let hosts: Vec<String> = (0..count)
            .map(|n| format!("h{n}.test A 192.0.2.9"))
            .collect();
        format!(
            "a.test TXT v=spf1 {} +all\n{}",
            terms.join(" "),
            hosts.join("\n")
        )
    };
    assert_eq!(result(&zone(10), "a.test", "192.0.2.1").await, Pass);
    let evaluation = evaluate(&zone(11), "a.test", "192.0.2.1").await;
    assert_eq!((evaluation.result, evaluation.lookups), (PermError, 11));
    let circle = "a.test TXT v=spf1 include:b.test -all
                  b.test TXT v=spf1 include:a.test -all";
    assert_eq!(result(circle, "a.test", "192.0.2.1").await, PermError);
}

#[tokio::test]
async fn the_third_question_without_an_answer_is_one_too_many() {
    let two = "a.test TXT v=spf1 a:x.test exists:y.test +all";
    assert_eq!(result(two, "a.test", "192.0.2.1").await, Pass);
    let three = "a.test TXT v=spf1 a:x.test exists:y.test mx:z.test +all";
    assert_eq!(result(three, "a.test", "192.0.2.1").await, PermError);
}

#[tokio::test]
async fn an_mx_with_more_than_ten_exchanges_is_an_error() {
    let zone = |count: usize| {
        let lines = (0..count).map(|n| format!("m.test MX {n} h{n}.test\nh{n}.test A 192.0.2.{n}"));
        let lines: Vec<String> = lines.collect();
        format!("a.test TXT v=spf1 mx:m.test -all\n{}", lines.join("\n"))
    };
    assert_eq!(result(&zone(10), "a.test", "192.0.2.9").await, Pass);
    assert_eq!(result(&zone(11), "a.test", "192.0.2.9").await, PermError);
}

#[tokio::test]
async fn the_names_of_an_address_beyond_the_tenth_are_not_looked_at() {
    let names: Vec<String> = (0..12)
        .map(|n| format!("1.2.0.192.in-addr.arpa PTR h{n}.a.test\nh{n}.a.test A 192.0.2.7"))
        .collect();
    let zone = Zone::of(&format!("a.test TXT v=spf1 ptr -all\n{}", names.join("\n")));
    let evaluation = evaluate_for(&zone, "a.test", "x", "192.0.2.1").await;
    assert_eq!(evaluation.result, Fail);
    assert_eq!(
        (zone.asked("h9.a.test A"), zone.asked("h10.a.test A")),
        (1, 0)
    );
}

#[tokio::test]
async fn failures_of_dns_are_temporary_errors_except_for_names_of_addresses() {
    for record in ["a:x.test", "mx:x.test", "exists:x.test"] {
        let zone = format!(
            "a.test TXT v=spf1 {record} +all
             x.test A servfail!
             x.test MX servfail!"
        );
        assert_eq!(
            result(&zone, "a.test", "192.0.2.1").await,
            TempError,
            "{record}"
        );
    }
    let zone = "a.test TXT v=spf1 ptr ~all
                1.2.0.192.in-addr.arpa PTR servfail!";
    assert_eq!(result(zone, "a.test", "192.0.2.1").await, SoftFail);
    assert_eq!(
        result("a.test TXT servfail!", "a.test", "192.0.2.1").await,
        TempError
    );
}

#[tokio::test]
async fn the_finding_tells_the_record_the_term_and_what_to_do() {
    let zone = Zone::of(
        "a.test TXT v=spf1 include:b.test -all
         b.test TXT v=spf1 ip4:192.0.2.1 -all",
    );
    let identity = Identity {
        check: Check::SpfSender,
        domain: "a.test",
        local_part: "probe",
        ehlo: "mail.a.test",
    };
    let pass = examine(&zone, identity, "192.0.2.1".parse().unwrap()).await;
    assert_eq!(pass.outcome, Outcome::Ok);
    for part in ["pass", "include:b.test", "ip4:192.0.2.1"] {
        assert!(pass.seen.contains(part), "{pass:?}");
    }
    let records: Vec<&str> = pass
        .facts
        .iter()
        .filter(|fact| fact.name == "record")
        .map(|fact| fact.value.as_str())
        .collect();
    assert_eq!(records.len(), 2, "{pass:?}");
    let fail = examine(&zone, identity, "192.0.2.2".parse().unwrap()).await;
    assert_eq!(fail.outcome, Outcome::Failed);
    assert!(fail.seen.contains("\"-all\" of a.test"), "{fail:?}");
    assert!(fail.remedy.is_some());
}

#[tokio::test]
async fn a_missing_record_is_a_warning_for_the_sender_and_a_note_for_the_name() {
    let zone = Zone::of("a.test A 192.0.2.1");
    let mut identity = Identity {
        check: Check::SpfSender,
        domain: "a.test",
        local_part: "probe",
        ehlo: "a.test",
    };
    let ip = "192.0.2.1".parse().unwrap();
    assert_eq!(examine(&zone, identity, ip).await.outcome, Outcome::Warning);
    identity.check = Check::SpfEhlo;
    assert_eq!(examine(&zone, identity, ip).await.outcome, Outcome::Note);
}

/// Terms as others write them, and everything between.
const TERMS: &str = "v=spf1( {1,2}[+~?-]?(all|a|mx|ptr|include|exists|ip4|ip6|redirect=|exp=|x=)\
                     [:/]{0,2}[%{}a-z0-9.:/_-]{0,12}){0,6}";

proptest! {
    #[test]
    fn whatever_a_record_holds_it_is_read_or_refused(
        text in prop_oneof![TERMS, "v=spf1 \\PC{0,60}"],
        bytes in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        for record in [text.into_bytes(), [b"v=spf1 ".to_vec(), bytes].concat()] {
            prop_assert!(is_spf(&record) || record.len() < 6 || record[6] != b' ');
            if is_spf(&record) {
                let _ = Record::parse(&record);
            }
        }
    }

    #[test]
    fn whatever_a_macro_makes_is_a_name_or_none(
        text in "(%\\{[slodiphvSLODIPHV][0-9]{0,3}r?[.+,/_=-]{0,2}\\}|[a-z.%_-]{0,5}){1,6}",
        local_part in "\\PC{0,80}",
        ip in any::<IpAddr>(),
    ) {
        let Ok(spec) = DomainSpec::parse(&text) else {
            return Ok(());
        };
        let name = spec.expand(&Values {
            ip,
            local_part: &local_part,
            sender_domain: "email.example.com",
            ehlo: "mx.example.org",
            domain: "email.example.com",
            validated: "unknown",
        });
        if let Some(name) = name {
            prop_assert!(name.len() <= 253 && name.split('.').all(|label| {
                (1..=63).contains(&label.len())
            }), "{name}");
        }
    }
}
