//! What is told of DNSSEC: no more than the resolver says, and only where it can be believed.

use super::*;

fn dnssec(report: &LookupReport) -> Option<&str> {
    fact(report, "dnssec")
}

/// Answers of [`well_run`], those of the given kinds marked as checked.
fn marked(kinds: &'static [u16]) -> impl Fn(&Asked) -> Say + Send + Sync {
    move |asked| {
        let say = well_run(asked);
        match kinds.contains(&asked.kind) {
            true => say.proven(),
            false => say,
        }
    }
}

#[tokio::test]
async fn a_report_is_secure_when_every_answer_in_it_was_checked() {
    for (kinds, expected) in [
        (&[MX, A, AAAA][..], "secure"),
        (&[MX, A], "insecure"),
        (&[A, AAAA], "insecure"),
        (&[], "insecure"),
    ] {
        let (report, server) = report_about("well.test", marked(kinds)).await;
        assert_eq!(report.facts.outcome, LookupOutcome::Exchanges);
        assert_eq!(dnssec(&report), Some(expected), "{kinds:?}");
        let asked = server.asked();
        let asks_rightly = |asked: &Asked| asked.asks_for_proof && !asked.unchecked;
        assert!(asked.iter().all(asks_rightly), "{asked:?}");
    }
}

#[tokio::test]
async fn every_link_of_an_alias_counts() {
    for (proven, expected) in [(true, "secure"), (false, "insecure")] {
        let (report, _server) = report_about("alias.test", move |asked| {
            if asked.name != "alias.test" {
                return marked(&[MX, A, AAAA])(asked);
            }
            let say = Say::nothing().alias("alias.test", 60, "well.test");
            if proven { say.proven() } else { say }
        })
        .await;
        assert_eq!(report.facts.outcome, LookupOutcome::Exchanges);
        assert_eq!(dnssec(&report), Some(expected));
    }
}

#[tokio::test]
async fn a_forged_answer_is_a_failure_that_may_pass_and_is_not_used() {
    let (report, server) = report_about("forged.test", |asked| match asked.unchecked {
        true => Say::nothing().mx("forged.test", 60, 10, "mx.evil.test"),
        false => Say::code(SERV_FAIL),
    })
    .await;
    assert_eq!(report.facts.outcome, LookupOutcome::ServFail);
    assert_eq!(dnssec(&report), Some("bogus"));
    assert!(report.plan.exchanges.is_empty());
    assert_eq!(report.valid_for, Duration::ZERO);
    let asked = server.asked();
    assert!(asked.iter().all(|asked| asked.kind == MX), "{asked:?}");
}

#[tokio::test]
async fn forged_addresses_are_not_connected_to() {
    let (report, _server) =
        report_about("well.test", |asked| match (asked.kind, asked.unchecked) {
            (MX, _) => Say::nothing()
                .mx("well.test", 60, 10, "mx1.well.test")
                .proven(),
            (_, true) => well_run(asked),
            (_, false) => Say::code(SERV_FAIL),
        })
        .await;
    assert_eq!(report.facts.outcome, LookupOutcome::NoUsableExchangeNow);
    assert_eq!(dnssec(&report), Some("bogus"));
    assert!(report.plan.exchanges[0].addresses.is_empty());
}

#[tokio::test]
async fn a_failure_that_remains_without_checking_is_just_a_failure() {
    let (report, _server) = report_about("broken.test", |_| Say::code(SERV_FAIL)).await;
    assert_eq!(report.facts.outcome, LookupOutcome::ServFail);
    assert_eq!(dnssec(&report), None);
}

#[tokio::test]
async fn of_what_is_absent_nothing_is_told() {
    for say in [
        Say::code(NX_DOMAIN).soa(60, 60).proven(),
        Say::nothing().soa(60, 60).proven(),
    ] {
        let (report, _server) = report_about("gone.test", move |_| say.clone()).await;
        assert_eq!(dnssec(&report), None);
    }
    // That there is no MX record may be forged, whatever is said about the address.
    let (report, _server) = report_about("plain.test", |asked| match asked.kind {
        A => Say::nothing()
            .address("plain.test", 60, "192.0.2.7")
            .proven(),
        _ => Say::nothing().soa(60, 60).proven(),
    })
    .await;
    assert_eq!(report.facts.outcome, LookupOutcome::ImplicitMx);
    assert_eq!(dnssec(&report), None);
}

#[tokio::test]
async fn what_a_server_across_the_network_says_of_signatures_does_not_count() {
    let server = DnsServer::start(marked(&[MX, A, AAAA])).await;
    let system = ResolverConfig::from_name_servers(vec![servers::name_server(server.address)]);
    let servers = Servers::new(system, TIMEOUT, Trust::Ignored);
    let lookup = Lookup::over(servers, Clock::system());
    let report = lookup.look_up(&domain("well.test"), 1).await;
    assert_eq!(report.facts.outcome, LookupOutcome::Exchanges);
    assert_eq!(dnssec(&report), None);
    assert!(server.asked().iter().all(|asked| !asked.asks_for_proof));
}

#[tokio::test]
async fn a_kept_answer_keeps_what_was_said_of_its_signatures() {
    let server = DnsServer::start(marked(&[MX, A, AAAA])).await;
    let lookup = lookup_at(server.address);
    for _ in 0..2 {
        let report = lookup.look_up(&domain("well.test"), 1).await;
        assert_eq!(dnssec(&report), Some("secure"));
    }
}
