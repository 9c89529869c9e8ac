//! Look-ups against a name server on loopback that says what each test wants.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::proto::rr::Name;
use vrfy_proto::evidence::{Exchange, LookupOutcome};

use super::servers::Trust;
use super::*;

use self::dns_server::{
    A, AAAA, Asked, DnsServer, FORMAT_ERROR, MX, NX_DOMAIN, REFUSED, SERV_FAIL, Say,
};

mod dns_server;
mod hostile;
mod records;
mod signatures;

/// Long enough for loopback on a busy machine, short enough to wait for.
const TIMEOUT: Duration = Duration::from_millis(700);

fn lookup_at(server: SocketAddr) -> Lookup {
    Lookup::new(LookupConfig {
        resolver: Some(server),
        timeout: TIMEOUT,
        ..LookupConfig::default()
    })
    .unwrap()
}

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

async fn report_about(
    name: &str,
    script: impl Fn(&Asked) -> Say + Send + Sync + 'static,
) -> (LookupReport, DnsServer) {
    let server = DnsServer::start(script).await;
    let report = lookup_at(server.address).look_up(&domain(name), 1).await;
    (report, server)
}

/// Two exchanges, each with an address of both families.
fn well_run(asked: &Asked) -> Say {
    let host = match asked.name.as_str() {
        "mx1.well.test" => 1,
        "mx2.well.test" => 2,
        _ => 0,
    };
    match (asked.kind, host) {
        (MX, 0) => Say::nothing().mx(&asked.name, 300, 20, "mx2.well.test").mx(
            &asked.name,
            300,
            10,
            "mx1.well.test",
        ),
        (A, 1..) => Say::nothing().address(&asked.name, 200, &format!("192.0.2.{host}")),
        (AAAA, 1..) => Say::nothing().address(&asked.name, 100, &format!("2001:db8::{host}")),
        _ => Say::code(NX_DOMAIN),
    }
}

fn fact<'a>(report: &'a LookupReport, name: &str) -> Option<&'a str> {
    let mut facts = report.facts.facts.iter();
    facts
        .find(|fact| fact.name == name)
        .map(|fact| fact.value.as_str())
}

#[tokio::test]
async fn exchanges_come_in_their_order_with_the_addresses_of_both_families() {
    let (report, server) = report_about("well.test", well_run).await;
    let exchange = |name: &str, preference, addresses: [&str; 2]| Exchange {
        name: name.to_owned(),
        preference,
        addresses: addresses.map(str::to_owned).to_vec(),
    };
    assert_eq!(report.facts.outcome, LookupOutcome::Exchanges);
    assert_eq!(
        report.facts.exchanges,
        [
            exchange("mx1.well.test", 10, ["2001:db8::1", "192.0.2.1"]),
            exchange("mx2.well.test", 20, ["2001:db8::2", "192.0.2.2"]),
        ]
    );
    assert_eq!(report.plan.exchanges.len(), 2);
    assert!(report.facts.elapsed_ms > 0);
    assert!(report.facts.started_ms > 1_000_000_000_000);
    let nothing_else = [evidence::Fact::new("dnssec", "insecure")];
    assert_eq!(report.facts.facts, nothing_else);
    assert_eq!(server.asked()[0].kind, MX, "MX is asked first");
    assert_eq!(
        server.questions(),
        [
            "A mx1.well.test",
            "A mx2.well.test",
            "AAAA mx1.well.test",
            "AAAA mx2.well.test",
            "MX well.test",
        ]
    );
}

#[tokio::test]
async fn a_report_is_good_for_the_shortest_time_to_live_in_it() {
    let (report, _server) = report_about("well.test", well_run).await;
    let valid_for = report.valid_for.as_secs_f64();
    assert!((98.0..=100.0).contains(&valid_for), "{valid_for}");
}

#[tokio::test]
async fn every_failure_of_the_mx_question_stays_what_it_is_and_asks_for_no_address() {
    for (say, outcome) in [
        (Say::code(NX_DOMAIN).soa(60, 60), LookupOutcome::NxDomain),
        (Say::code(NX_DOMAIN), LookupOutcome::NxDomain),
        (Say::code(SERV_FAIL), LookupOutcome::ServFail),
        (Say::code(REFUSED), LookupOutcome::Refused),
        (Say::silence(), LookupOutcome::TimedOut),
        (
            Say::code(FORMAT_ERROR),
            LookupOutcome::Other("the name server answered Form Error".to_owned()),
        ),
        (
            Say::nothing().mx("broken.test", 60, 0, "."),
            LookupOutcome::NullMx,
        ),
    ] {
        let (report, server) = report_about("broken.test", move |_| say.clone()).await;
        assert_eq!(report.facts.outcome, outcome);
        assert!(report.plan.exchanges.is_empty(), "{outcome:?}");
        assert!(
            server.asked().iter().all(|asked| asked.kind == MX),
            "{outcome:?}: {:?}",
            server.questions()
        );
    }
}

#[tokio::test]
async fn without_mx_records_the_domain_itself_is_the_exchange() {
    let (report, server) = report_about("plain.test", |asked| match asked.kind {
        A => Say::nothing().address("plain.test", 60, "192.0.2.7"),
        _ => Say::nothing().soa(60, 60),
    })
    .await;
    assert_eq!(report.facts.outcome, LookupOutcome::ImplicitMx);
    assert!(report.plan.exchanges[0].implicit);
    assert_eq!(report.facts.exchanges[0].addresses, ["192.0.2.7"]);
    assert_eq!(
        server.questions(),
        ["A plain.test", "AAAA plain.test", "MX plain.test"]
    );
}

#[tokio::test]
async fn a_name_without_mx_and_without_addresses_has_no_data() {
    let (report, _server) = report_about("empty.test", |_| Say::nothing().soa(60, 60)).await;
    assert_eq!(report.facts.outcome, LookupOutcome::NoData);
}

#[tokio::test]
async fn mx_records_that_lead_nowhere_never_fall_back_to_the_domain_itself() {
    for (say, outcome, why) in [
        (
            Say::code(NX_DOMAIN),
            LookupOutcome::NoUsableExchange,
            "mx.dead.test nx-domain",
        ),
        (
            Say::code(SERV_FAIL),
            LookupOutcome::NoUsableExchangeNow,
            "mx.dead.test serv-fail",
        ),
    ] {
        let (report, server) = report_about("dead.test", move |asked| match asked.kind {
            MX => Say::nothing().mx("dead.test", 60, 10, "mx.dead.test"),
            _ => say.clone(),
        })
        .await;
        assert_eq!(report.facts.outcome, outcome);
        assert_eq!(fact(&report, "exchange-without-address"), Some(why));
        let questions = server.questions();
        assert!(
            !questions.contains(&"A dead.test".to_owned()),
            "{questions:?}"
        );
    }
}

#[tokio::test]
async fn aliases_are_followed_within_a_response_and_recorded() {
    let (report, server) = report_about("alias.test", |asked| match asked.kind {
        MX => Say::nothing()
            .alias("alias.test", 60, "middle.test")
            .alias("middle.test", 30, "real.test")
            .mx("real.test", 60, 10, "mx.real.test"),
        A => Say::nothing()
            .alias("mx.real.test", 60, "host.real.test")
            .address("host.real.test", 60, "192.0.2.9"),
        _ => Say::nothing()
            .alias("mx.real.test", 60, "host.real.test")
            .soa(60, 60),
    })
    .await;
    assert_eq!(report.facts.outcome, LookupOutcome::Exchanges);
    assert_eq!(fact(&report, "alias"), Some("real.test"));
    assert_eq!(
        fact(&report, "exchange-alias"),
        Some("mx.real.test host.real.test")
    );
    assert_eq!(report.facts.exchanges[0].name, "mx.real.test");
    assert_eq!(report.facts.exchanges[0].addresses, ["192.0.2.9"]);
    assert!(report.valid_for <= Duration::from_secs(30));
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn an_alias_whose_target_was_left_out_is_asked_for() {
    let (report, server) = report_about("alias.test", |asked| match asked.name.as_str() {
        "alias.test" => Say::nothing().alias("alias.test", 60, "real.test"),
        _ => well_run(asked),
    })
    .await;
    assert_eq!(report.facts.outcome, LookupOutcome::Exchanges);
    assert_eq!(fact(&report, "alias"), Some("real.test"));
    let questions = server.questions();
    assert!(
        questions.contains(&"MX real.test".to_owned()),
        "{questions:?}"
    );
}

#[tokio::test]
async fn an_alias_to_a_name_that_does_not_exist_is_nxdomain() {
    let (report, _server) = report_about("alias.test", |_| {
        Say::code(NX_DOMAIN)
            .alias("alias.test", 60, "gone.test")
            .soa(60, 60)
    })
    .await;
    assert_eq!(report.facts.outcome, LookupOutcome::NxDomain);
}

#[tokio::test]
async fn aliases_that_go_round_in_circles_end() {
    let (report, _server) = report_about("loop.test", |_| {
        Say::nothing()
            .alias("loop.test", 60, "pool.test")
            .alias("pool.test", 60, "loop.test")
    })
    .await;
    let expected = LookupOutcome::Other("more than 12 aliases in a row".to_owned());
    assert_eq!(report.facts.outcome, expected);
}

#[tokio::test]
async fn a_truncated_answer_is_asked_again_over_tcp() {
    let (report, server) = report_about("well.test", |asked| {
        if asked.over_tcp {
            well_run(asked)
        } else {
            Say::truncated()
        }
    })
    .await;
    assert_eq!(report.facts.outcome, LookupOutcome::Exchanges);
    assert!(server.asked().iter().any(|asked| asked.over_tcp));
}

#[tokio::test]
async fn truncated_over_tcp_too_is_a_temporary_failure() {
    let (report, _server) = report_about("well.test", |_| Say::truncated()).await;
    assert!(
        matches!(report.facts.outcome, LookupOutcome::Other(_)),
        "{:?}",
        report.facts.outcome
    );
    assert_eq!(report.valid_for, Duration::ZERO);
}

#[tokio::test]
async fn hundreds_of_exchanges_are_cut_to_the_cap_and_counted() {
    let (report, _server) = report_about("many.test", |asked| match asked.kind {
        MX if asked.over_tcp => (0..500).fold(Say::nothing(), |say, number| {
            say.mx("many.test", 60, number, &format!("mx{number}.many.test"))
        }),
        MX => Say::truncated(),
        _ => Say::code(NX_DOMAIN).soa(60, 60),
    })
    .await;
    assert_eq!(report.facts.exchanges.len(), 16);
    assert_eq!(
        fact(&report, "dropped-exchanges"),
        Some("484 exchanges beyond our limit")
    );
}

#[tokio::test]
async fn a_second_look_up_is_answered_from_the_cache() {
    let server = DnsServer::start(well_run).await;
    let lookup = lookup_at(server.address);
    let first = lookup.look_up(&domain("well.test"), 1).await;
    let second = lookup.clone().look_up(&domain("WELL.test"), 1).await;
    assert_eq!(second.facts.elapsed_ms, 0);
    assert_eq!(second.plan, first.plan);
    assert_eq!(server.asked().len(), 5);
}

#[tokio::test]
async fn an_exchange_that_many_domains_share_is_looked_up_once() {
    let server = DnsServer::start(well_run).await;
    let lookup = lookup_at(server.address);
    lookup.look_up(&domain("one.test"), 1).await;
    let report = lookup.look_up(&domain("two.test"), 1).await;
    assert_eq!(report.facts.outcome, LookupOutcome::Exchanges);
    assert_eq!(server.asked().len(), 6);
}

#[tokio::test]
async fn absence_is_kept_as_the_soa_record_says_and_failure_is_not_kept() {
    for (say, is_kept) in [
        (Say::code(NX_DOMAIN).soa(600, 60), true),
        (Say::code(NX_DOMAIN).soa(600, 0), false),
        (Say::code(NX_DOMAIN), false),
        (Say::code(SERV_FAIL), false),
        (Say::code(REFUSED), false),
    ] {
        let what = format!("{say:?}");
        let server = DnsServer::start(move |_| say.clone()).await;
        let lookup = lookup_at(server.address);
        let first = lookup.look_up(&domain("gone.test"), 1).await;
        let questions = server.asked().len();
        let second = lookup.look_up(&domain("gone.test"), 1).await;
        assert_eq!(second.facts.elapsed_ms == 0, is_kept, "{what}");
        assert_eq!(server.asked().len() == questions, is_kept, "{what}");
        let limit = if is_kept { 60 } else { 0 };
        assert!(first.valid_for <= Duration::from_secs(limit), "{what}");
        assert_eq!(second.facts.outcome, first.facts.outcome, "{what}");
    }
}

#[tokio::test]
async fn many_who_ask_for_one_domain_at_once_share_one_look_up() {
    let server = DnsServer::start(well_run).await;
    let lookup = lookup_at(server.address);
    let mut askers = JoinSet::new();
    for _ in 0..200 {
        let lookup = lookup.clone();
        askers.spawn(async move { lookup.look_up(&domain("well.test"), 1).await });
    }
    let reports = askers.join_all().await;
    assert_eq!(reports.len(), 200);
    assert!(reports.iter().all(|report| report.plan == reports[0].plan));
    assert_eq!(server.asked().len(), 5);
}

#[tokio::test]
async fn more_domains_at_once_than_questions_on_the_wire_all_get_their_answers() {
    let server = DnsServer::start(well_run).await;
    let lookup = lookup_at(server.address);
    let mut askers = JoinSet::new();
    for number in 0..400 {
        let lookup = lookup.clone();
        let name = domain(&format!("d{number}.test"));
        askers.spawn(async move { lookup.look_up(&name, 1).await });
    }
    for report in askers.join_all().await {
        assert_eq!(report.facts.outcome, LookupOutcome::Exchanges);
    }
}

#[tokio::test]
async fn an_address_literal_needs_no_dns() {
    let (report, server) = report_about("[192.0.2.1]", well_run).await;
    assert_eq!(report.facts.outcome, LookupOutcome::AddressLiteral);
    assert_eq!(report.facts.exchanges[0].name, "[192.0.2.1]");
    assert_eq!(report.facts.exchanges[0].addresses, ["192.0.2.1"]);
    assert_eq!(report.facts.elapsed_ms, 0);
    assert!(server.asked().is_empty());
}

const RESERVED: [&str; 5] = [
    "here.localhost",
    "a.invalid",
    "b.onion",
    "c.local",
    "example.com",
];

#[tokio::test]
async fn reserved_names_are_settled_without_dns() {
    let server = DnsServer::start(well_run).await;
    let system = ResolverConfig::from_name_servers(vec![servers::name_server(server.address)]);
    let lookup = Lookup::with(
        Servers::new(system, TIMEOUT, Trust::Ignored),
        ReservedNames::Settle,
        MxCaps::default(),
        Clock::system(),
    );
    for name in RESERVED {
        let report = lookup.look_up(&domain(name), 1).await;
        let row = domain(name).name().unwrap().special_use().unwrap();
        let outcome = LookupOutcome::SpecialUse(row.name.to_owned());
        assert_eq!(report.facts.outcome, outcome);
        assert_eq!(report.facts.elapsed_ms, 0);
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn with_a_resolver_given_reserved_names_are_asked_there() {
    for name in RESERVED {
        let (report, server) = report_about(name, well_run).await;
        assert_eq!(report.facts.outcome, LookupOutcome::Exchanges, "{name}");
        assert_eq!(server.asked()[0].name, name);
    }
}

#[tokio::test]
async fn search_domains_are_never_appended() {
    let server = DnsServer::start(|_| Say::code(NX_DOMAIN)).await;
    let search = vec![Name::from_ascii("corp.test.").unwrap()];
    let mut config = ResolverConfig::from_parts(search.first().cloned(), search, Vec::new());
    config.add_name_server(servers::name_server(server.address));
    let servers = Servers::new(config, TIMEOUT, Trust::Ignored);
    let question = Question::new("intranet", QuestionKind::Mx);
    let answer = servers.ask(question).await;
    assert_eq!(answer.mx(), DnsAnswer::NxDomain);
    assert_eq!(server.questions(), ["MX intranet"]);
}

#[tokio::test]
async fn the_hosts_file_is_never_consulted() {
    let (report, server) = report_about("localhost", |_| Say::code(NX_DOMAIN)).await;
    assert_eq!(report.facts.outcome, LookupOutcome::NxDomain);
    assert_eq!(server.questions(), ["MX localhost"]);
}

#[tokio::test]
async fn one_failing_server_is_not_the_last_word_while_another_knows() {
    let good = DnsServer::start(well_run).await;
    for code in [SERV_FAIL, REFUSED] {
        let bad = DnsServer::start(move |_| Say::code(code)).await;
        let list: Vec<NameServerConfig> = [bad.address, good.address]
            .map(servers::name_server)
            .to_vec();
        let servers = Servers::new(
            ResolverConfig::from_name_servers(list),
            TIMEOUT,
            Trust::Ignored,
        );
        let question = Question::new("well.test", QuestionKind::Mx);
        let answer = servers.ask(question).await;
        assert!(matches!(answer.mx(), DnsAnswer::Records(_)), "{answer:?}");
    }
}

#[tokio::test]
async fn silence_lasts_no_longer_than_the_limit() {
    let began = Instant::now();
    let (report, _server) = report_about("well.test", |_| Say::silence()).await;
    assert_eq!(report.facts.outcome, LookupOutcome::TimedOut);
    assert!(began.elapsed() < TIMEOUT * 2, "{:?}", began.elapsed());
    assert_eq!(report.valid_for, Duration::ZERO);
}
