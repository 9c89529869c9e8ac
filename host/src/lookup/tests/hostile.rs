//! Name servers that are lame, cut short or say what nobody asked: a failure stays a failure, and
//! nothing is concluded from it about a domain.

use super::*;

/// Whether the report says that asking again may bring another answer, and has nobody to ask.
fn is_for_later(report: &LookupReport) -> bool {
    report
        .plan
        .exchanges
        .iter()
        .all(|exchange| exchange.addresses.is_empty())
        && report.valid_for == Duration::ZERO
        && matches!(
            report.facts.outcome,
            LookupOutcome::ServFail
                | LookupOutcome::Refused
                | LookupOutcome::TimedOut
                | LookupOutcome::NoUsableExchangeNow
                | LookupOutcome::Other(_)
        )
}

const REFERS: &str = "the name server only refers to others: it is no resolver";

#[tokio::test]
async fn a_server_that_only_refers_to_others_says_nothing_about_the_domain() {
    for zone in ["test", "", "lame.test"] {
        let (report, server) = report_about("lame.test", move |asked| match asked.kind {
            MX => Say::nothing().referral(zone, "ns.test"),
            _ => Say::nothing().address("lame.test", 60, "192.0.2.1"),
        })
        .await;
        let outcome = LookupOutcome::Other(REFERS.to_owned());
        assert_eq!(report.facts.outcome, outcome, "{zone:?}");
        assert!(is_for_later(&report));
        assert_eq!(server.questions(), ["MX lame.test"], "no fall back to A");
    }
}

#[tokio::test]
async fn a_denial_may_name_the_servers_of_its_zone() {
    let (report, _server) = report_about("empty.test", |_| {
        Say::nothing().soa(60, 60).referral("test", "ns.test")
    })
    .await;
    assert_eq!(report.facts.outcome, LookupOutcome::NoData);
    let (report, _server) = report_about("gone.test", |_| {
        Say::code(NX_DOMAIN).referral("test", "ns.test")
    })
    .await;
    assert_eq!(report.facts.outcome, LookupOutcome::NxDomain);
}

#[tokio::test]
async fn an_exchange_whose_servers_are_lame_may_be_there_later() {
    for (say, why) in [
        (Say::code(REFUSED), "refused"),
        (Say::code(SERV_FAIL), "serv-fail"),
        (Say::nothing().referral("test", "ns.test"), REFERS),
        (Say::silence(), "timed-out"),
    ] {
        let (report, _server) = report_about("lame.test", move |asked| match asked.kind {
            MX => Say::nothing().mx("lame.test", 60, 10, "mx.lame.test"),
            _ => say.clone(),
        })
        .await;
        assert_eq!(report.facts.outcome, LookupOutcome::NoUsableExchangeNow);
        assert!(is_for_later(&report));
        let value = format!("mx.lame.test {why}");
        assert_eq!(fact(&report, "exchange-without-address"), Some(&*value));
    }
}

#[tokio::test]
async fn exchanges_without_addresses_are_permanent_only_when_all_are() {
    for (second, outcome) in [
        (Say::nothing().soa(60, 60), LookupOutcome::NoUsableExchange),
        (Say::code(SERV_FAIL), LookupOutcome::NoUsableExchangeNow),
    ] {
        let (report, _server) = report_about("bare.test", move |asked| {
            match (asked.kind, asked.name.as_str()) {
                (MX, _) => Say::nothing().mx("bare.test", 60, 10, "mx1.bare.test").mx(
                    "bare.test",
                    60,
                    20,
                    "mx2.bare.test",
                ),
                (_, "mx1.bare.test") => Say::nothing().soa(60, 60),
                _ => second.clone(),
            }
        })
        .await;
        assert_eq!(report.facts.outcome, outcome);
        let value = Some("mx1.bare.test no-data");
        assert_eq!(fact(&report, "exchange-without-address"), value);
        assert_eq!(report.facts.exchanges.len(), 2, "both are evidence");
    }
}

#[tokio::test]
async fn one_family_that_fails_does_not_take_the_other_with_it() {
    for failure in [
        Say::code(SERV_FAIL),
        Say::code(REFUSED),
        Say::code(FORMAT_ERROR),
        Say::code(NX_DOMAIN),
        Say::nothing().referral("test", "ns.test"),
        Say::truncated(),
        Say::silence(),
    ] {
        for failing in [A, AAAA] {
            let failure = failure.clone();
            let (report, _server) = report_about("half.test", move |asked| {
                let name = "mx.half.test";
                match asked.kind {
                    MX => Say::nothing().mx("half.test", 60, 10, name),
                    kind if kind == failing => failure.clone(),
                    A => Say::nothing().address(name, 60, "192.0.2.1"),
                    _ => Say::nothing().address(name, 60, "2001:db8::1"),
                }
            })
            .await;
            assert_eq!(report.facts.outcome, LookupOutcome::Exchanges);
            let left = if failing == A {
                "2001:db8::1"
            } else {
                "192.0.2.1"
            };
            assert_eq!(report.facts.exchanges[0].addresses, [left]);
        }
    }
}

#[tokio::test]
async fn an_exchange_that_is_an_address_is_neither_looked_up_nor_used() {
    for (literal, name) in [
        ("192.0.2.1", "exchange-is-address"),
        ("127.0.0.1", "exchange-is-address"),
        // A colon is no letter of a host name, whatever else it is.
        ("::1", "exchange-is-no-name"),
    ] {
        let (report, server) = report_about("literal.test", move |asked| match asked.kind {
            MX => Say::nothing().mx("literal.test", 60, 10, literal),
            _ => Say::nothing().address(&asked.name, 60, "192.0.2.1"),
        })
        .await;
        assert_eq!(report.facts.outcome, LookupOutcome::NoUsableExchange);
        let note = fact(&report, name).unwrap_or_default();
        assert!(note.ends_with("left out"), "{:?}", report.facts.facts);
        assert_eq!(server.questions(), ["MX literal.test"]);
    }
}

#[tokio::test]
async fn aliases_that_come_one_by_one_end_at_the_same_limit() {
    let (report, server) = report_about("n0.test", |asked| {
        let number: u32 = asked.name[1..asked.name.len() - 5].parse().unwrap();
        Say::nothing().alias(&asked.name, 60, &format!("n{}.test", number + 1))
    })
    .await;
    let outcome = LookupOutcome::Other("more than 12 aliases in a row".to_owned());
    assert_eq!(report.facts.outcome, outcome);
    assert!(is_for_later(&report));
    assert_eq!(server.asked().len(), 13);
}

#[tokio::test]
async fn a_truncated_answer_is_never_used_in_part() {
    for over_tcp in [Say::hang_up(), Say::silence(), Say::truncated()] {
        let (report, server) = report_about("cut.test", move |asked| match asked.over_tcp {
            true => over_tcp.clone(),
            false => Say::nothing().mx("cut.test", 60, 10, "mx.cut.test").cut(),
        })
        .await;
        assert!(is_for_later(&report), "{:?}", report.facts);
        let asked = server.asked();
        assert!(asked.iter().all(|asked| asked.kind == MX), "{asked:?}");
        assert!(asked.iter().any(|asked| asked.over_tcp), "{asked:?}");
    }
}

#[tokio::test]
async fn records_that_nobody_asked_for_are_not_taken() {
    let (report, server) = report_about("well.test", |asked| match asked.kind {
        MX => Say::nothing()
            .mx("well.test", 60, 10, "mx1.well.test")
            .mx("other.test", 60, 1, "mx.evil.test")
            .address("mx1.well.test", 60, "203.0.113.1")
            .beside("mx1.well.test", 60, "203.0.113.2"),
        _ => well_run(asked)
            .address("mx.evil.test", 60, "203.0.113.3")
            .beside("mx1.well.test", 60, "203.0.113.4"),
    })
    .await;
    assert_eq!(report.facts.exchanges.len(), 1);
    let addresses = ["2001:db8::1", "192.0.2.1"];
    assert_eq!(report.facts.exchanges[0].addresses, addresses);
    assert_eq!(server.asked().len(), 3, "addresses are asked for by name");
}

#[tokio::test]
async fn an_answer_to_another_question_is_no_answer() {
    let (report, _server) =
        report_about("well.test", |asked| well_run(asked).about("other.test")).await;
    assert!(is_for_later(&report), "{:?}", report.facts);
}

#[tokio::test]
async fn hundreds_of_addresses_are_cut_to_the_caps_and_counted() {
    let (report, _server) = report_about("wide.test", |asked| match asked.kind {
        MX => (0..6).fold(Say::nothing(), |say, number| {
            say.mx("wide.test", 60, number, &format!("mx{number}.wide.test"))
        }),
        A if asked.over_tcp => (1..=500_u16).fold(Say::nothing(), |say, number| {
            let [high, low] = number.to_be_bytes();
            say.address(&asked.name, 60, &format!("10.0.{high}.{low}"))
        }),
        A => Say::truncated(),
        _ => Say::nothing().soa(60, 60),
    })
    .await;
    let counts: Vec<usize> = report
        .facts
        .exchanges
        .iter()
        .map(|one| one.addresses.len())
        .collect();
    assert_eq!(counts, [8, 8, 8, 8, 0, 0]);
    let dropped: Vec<&str> = report
        .facts
        .facts
        .iter()
        .filter(|fact| fact.name == "dropped-addresses")
        .map(|fact| fact.value.as_str())
        .collect();
    assert_eq!(dropped.len(), 6);
    assert_eq!(
        dropped[0],
        "492 addresses of mx0.wide.test beyond our limit"
    );
    assert_eq!(
        dropped[5],
        "500 addresses of mx5.wide.test beyond our limit"
    );
}
