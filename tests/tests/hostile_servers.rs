//! Hostile servers, one by one, against the executor of the program.
//!
//! Goal: for each of them it is known what ends it, by name; every octet that was taken is
//! accounted for; nothing is concluded about a mailbox that was not said about it; and whoever is
//! asked next gets an answer. Method: the scripts of `vrfy_tests::hostile_servers` over
//! connections in memory, on a clock that only moves when everybody waits. What comes of it is the
//! table in `docs/hostile-servers.md`; `VRFY_BLESS=1` rewrites it.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use vrfy::permit::Permit;
use vrfy_proto::mx::PlannedExchange;
use vrfy_proto::timeouts::Timeouts;
use vrfy_tests::hostile_servers::catalogue::{self, Behaviour};
use vrfy_tests::hostile_servers::net::Memory;
use vrfy_tests::hostile_servers::row::{Row, play, play_over_sockets};
use vrfy_tests::hostile_servers::script::{Do, Script, Step};
use vrfy_tests::hostile_servers::visit::{address, answers, carry_out, executor, permit, sessions};
use vrfy_tests::program::root;

const PAGE: &str = "docs/hostile-servers.md";
const HEAD: &str = "| server | session ends with | ended by | answers | next exchange |\n\
                    |---|---|---|---|---|\n";

#[tokio::test(start_paused = true)]
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no arguments to be blessed with"
)]
async fn every_hostile_server_is_ended_by_what_the_page_says() {
    let mut table = HEAD.to_owned();
    for behaviour in catalogue::all() {
        table += &line(&play(&behaviour).await);
    }
    let path = root().join(PAGE);
    let page = fs::read_to_string(&path).expect("the page is there");
    let (before, rest) = page.split_once(HEAD).expect("the page has the table");
    let end = rest.find("\n\n").map_or(rest.len(), |end| end + 1);
    let now = format!("{before}{table}{}", &rest[end..]);
    if now == page {
        return;
    }
    if std::env::var_os("VRFY_BLESS").is_some() {
        fs::write(&path, now).expect("the page can be written");
        return;
    }
    for (was, is) in rest[..end].lines().zip(table[HEAD.len()..].lines()) {
        assert_eq!(was, is, "{PAGE} is out of date; see VRFY_BLESS");
    }
    panic!("{PAGE} has other lines than there are servers; see VRFY_BLESS");
}

/// The exchanges with the replies to the sessions that were held there, and what became of all.
async fn ask(network: &Memory, permit: Permit) -> (Vec<String>, Vec<Option<u16>>) {
    let executor = executor(network.clone(), Timeouts::default(), &PUBLIC);
    let report = carry_out(&executor, permit).await;
    let held = sessions(&report);
    let held = held.iter().map(|session| session.head.exchange.clone());
    let codes = report.asked.iter().flat_map(answers);
    (held.collect(), codes.map(|reply| reply.code).collect())
}

const PUBLIC: [&str; 2] = ["192.0.2.0/24", "2001:db8::/32"];

#[tokio::test(start_paused = true)]
async fn the_next_address_answers_where_the_first_cannot_be_reached() {
    let network = Memory::default();
    network.put(address(0), Script::good());
    let mut permit = permit(&[address(0)]);
    let exchange = PlannedExchange {
        // Nobody is at the first two.
        addresses: vec![
            "2001:db8::7".parse().expect("an address"),
            address(7),
            address(0),
        ],
        ..permit.exchanges[0].clone()
    };
    permit.exchanges = Arc::new(vec![exchange]);
    let (held, codes) = ask(&network, permit).await;
    assert_eq!(held, ["mx0.example.test"], "in the same attempt");
    assert_eq!(codes, [Some(250), Some(550)]);
}

#[tokio::test(start_paused = true)]
async fn the_next_exchange_follows_each_cause_that_lets_no_dialogue_come_about() {
    let say = |text: &str| vec![Do::Say(text.as_bytes().to_vec())];
    let causes = [
        (Step::Greeting, say("450 4.7.1 later\r\n")),
        (Step::Greeting, say("554 5.7.1 no\r\n")),
        (Step::Greeting, say("421 4.3.2 busy\r\n")),
        (Step::Greeting, vec![Do::Close]),
        (Step::Greeting, vec![Do::Reset]),
        (Step::Greeting, vec![Do::Silence]),
        (Step::Greeting, say(&"\0\r\n".repeat(20))),
        (Step::Ehlo, say("451 4.3.0 later\r\n")),
        (Step::Ehlo, say("550 5.7.1 no\r\n")),
        (Step::Ehlo, say("421 4.3.2 busy\r\n")),
        (Step::Ehlo, vec![Do::Close]),
        (Step::Ehlo, vec![Do::Silence]),
    ];
    for (number, (step, acts)) in causes.into_iter().enumerate() {
        let network = Memory::default();
        network.put(address(0), Script::good().at(step, acts));
        network.put(address(1), Script::good());
        let (held, codes) = ask(&network, permit(&[address(0), address(1)])).await;
        assert_eq!(held.last().map(String::as_str), Some("mx1.example.test"));
        assert_eq!(codes, [Some(250), Some(550)], "cause {number}");
        network.end().await;
    }
    // Nobody is there; and after an answer to RCPT there is nothing to go on for.
    for (first, expected) in [(None, 2), (Some(Script::good()), 1)] {
        let network = Memory::default();
        network.put(address(1), Script::good());
        if let Some(first) = first {
            network.put(address(0), first);
        }
        let (held, codes) = ask(&network, permit(&[address(0), address(1)])).await;
        assert_eq!((held.len(), codes.len()), (expected, 2));
        network.end().await;
    }
}

/// Those that need no patience, over sockets of this machine: they end as they do in memory.
#[tokio::test]
async fn over_sockets_the_same_servers_are_ended_by_the_same() {
    for behaviour in catalogue::all() {
        let expected = in_memory(&behaviour);
        if expected.took > PATIENCE {
            continue;
        }
        let row = play_over_sockets(&behaviour).await;
        assert_eq!(lost(&row.endings), lost(&expected.endings), "{row:?}");
        assert_eq!(row.answered, expected.answered, "{row:?}");
        assert_eq!(row.next_asked, expected.next_asked, "{row:?}");
    }
}

/// What takes longer, takes the time of a limit of ours.
const PATIENCE: Duration = Duration::from_millis(500);

fn in_memory(behaviour: &Behaviour) -> Row {
    // A thread of its own, since this one has a runtime on the system's clock.
    let paused = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build();
        runtime
            .expect("a runtime can be made")
            .block_on(play(behaviour))
    };
    let joined = thread::scope(|scope| scope.spawn(paused).join());
    joined.expect("it holds in memory")
}

/// A system that has unread octets of ours sends a reset where it was told to close.
fn lost(endings: &str) -> String {
    endings
        .replace("reset ", "lost ")
        .replace("closed ", "lost ")
}

fn line(row: &Row) -> String {
    let next = if row.next_asked { "asked" } else { "" };
    let cells = [&row.name, &row.endings, &row.by, &row.answered];
    let cells = cells.map(|cell| cell.replace('|', "\\|"));
    format!("| {} | {next} |\n", cells.join(" | "))
}

#[test]
fn no_behaviour_is_there_twice() {
    let mut names: Vec<String> = catalogue::all().into_iter().map(name).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

fn name(behaviour: Behaviour) -> String {
    behaviour.name
}
