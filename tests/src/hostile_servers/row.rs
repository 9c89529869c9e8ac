//! One behaviour set against the executor, and what came of it in a line of a table.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use vrfy::connect::Sockets;
use vrfy::executor::InProcess;
use vrfy::permit::PermitReport;
use vrfy::tls::TLS_OVERHEAD_MAX;
use vrfy_proto::limits::{Limit, Limits};
use vrfy_proto::stage::Stage;
use vrfy_proto::timeouts::Timeouts;
use vrfy_proto::transcript::{Closed, Ending, Event, Transcript, Violation};

use super::catalogue::Behaviour;
use super::net::Memory;
use super::script::{Script, serve};
use super::visit::{
    Account, address, answers, carry_out, check_answers, executor, permit, sessions,
};

/// What came of a behaviour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// How the sessions with the server ended, one after the other.
    pub endings: String,
    /// What ended them.
    pub by: String,
    /// Codes that the two mailboxes were answered, in the end.
    pub answered: String,
    /// Whether the next exchange was asked.
    pub next_asked: bool,
    /// How long the longest session took.
    pub took: Duration,
}

/// Plays a behaviour at the first of two exchanges, the second of which behaves well; then asks
/// once more where everything is well.
///
/// # Panics
/// Where anything does not hold that must hold of every server.
pub async fn play(behaviour: &Behaviour) -> Row {
    let network = Memory::default();
    network.put(address(0), behaviour.script.clone());
    network.put(address(1), Script::good());
    let executor = executor(network.clone(), behaviour.timeouts, &["192.0.2.0/24"]);
    let report = carry_out(&executor, permit(&[address(0), address(1)])).await;
    if !behaviour.script.reverses {
        check_answers(&report);
    }
    check_account(behaviour, &network, &report);
    let row = row(behaviour, &report);
    ask_again(&executor).await;
    drop(executor);
    network.end().await;
    row
}

/// The same over sockets on loopback, where a lost connection is a close or a reset as the system
/// likes.
///
/// # Panics
/// Where anything does not hold that must hold of every server.
pub async fn play_over_sockets(behaviour: &Behaviour) -> Row {
    let (port, servers) = listen([behaviour.script.clone(), Script::good()]).await;
    let mut executor = executor(Sockets, behaviour.timeouts, &["127.78.0.0/24"]);
    executor.port = port;
    let report = carry_out(&executor, permit(&[loopback(0), loopback(1)])).await;
    if !behaviour.script.reverses {
        check_answers(&report);
    }
    drop(servers);
    row(behaviour, &report)
}

/// Two servers at the same port of two addresses.
async fn listen(scripts: [Script; 2]) -> (u16, JoinSet<()>) {
    let (first, second) = loop {
        let first = TcpListener::bind((loopback(0), 0)).await;
        let first = first.expect("loopback has free ports");
        let port = first.local_addr().expect("it is bound").port();
        if let Ok(second) = TcpListener::bind((loopback(1), port)).await {
            break (first, second);
        }
    };
    let port = first.local_addr().expect("it is bound").port();
    let mut servers = JoinSet::new();
    for (listener, script) in [first, second].into_iter().zip(scripts) {
        servers.spawn(async move {
            let mut sessions = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let script = script.clone();
                // Its only error is that the client has left.
                sessions.spawn(async move { serve(stream, &script).await.unwrap_or(()) });
            }
        });
    }
    (port, servers)
}

/// A line about a report.
fn row(behaviour: &Behaviour, report: &PermitReport) -> Row {
    let sessions = sessions(report);
    let here: Vec<&Arc<Transcript>> = sessions.iter().filter(|one| is_first(one)).collect();
    let texts = |text: &dyn Fn(&Transcript) -> String| {
        let mut texts: Vec<String> = here.iter().map(|one| text(one)).collect();
        texts.dedup();
        texts.join(", then ")
    };
    let answered = report.asked.iter().map(|asked| {
        let last = answers(asked).last().copied();
        last.and_then(|reply| reply.code)
            .map_or_else(|| "nothing".to_owned(), |code| code.to_string())
    });
    Row {
        name: behaviour.name.clone(),
        endings: texts(&|one| ending(one).to_string()),
        by: texts(&|one| by(one, &behaviour.timeouts)),
        answered: answered.collect::<Vec<String>>().join(", "),
        next_asked: sessions.iter().any(|one| !is_first(one)),
        took: sessions
            .iter()
            .map(|one| one.elapsed())
            .max()
            .unwrap_or_default(),
    }
}

fn is_first(transcript: &Transcript) -> bool {
    transcript.head.exchange == "mx0.example.test"
}

fn ending(transcript: &Transcript) -> Ending {
    transcript.ending().expect("every session ends")
}

/// Every octet that the client took is in a transcript, or counted there.
fn check_account(behaviour: &Behaviour, network: &Memory, report: &PermitReport) {
    let sessions = sessions(report);
    let visits = network.visits();
    assert_eq!(visits.len(), sessions.len(), "each connection is a session");
    for ((target, meter), transcript) in visits.iter().zip(&sessions) {
        let remote = transcript.head.remote.map(|remote| remote.ip());
        assert_eq!(remote, Some(*target));
        let (taken, account) = (meter.taken(), Account::of(transcript));
        let text = transcript.to_text();
        assert_eq!(account.sum(), taken, "{}:\n{text}", behaviour.name);
        let bound = TLS_OVERHEAD_MAX + READ_AHEAD_MAX;
        assert!(account.tls <= bound, "{}: {taken} octets", behaviour.name);
    }
}

/// Octets that a connection may have taken beyond a bound before the bound is looked at.
const READ_AHEAD_MAX: u64 = 64 * 1024;

async fn ask_again(executor: &InProcess<Memory>) {
    let report = carry_out(executor, permit(&[address(1)])).await;
    let codes: Vec<Option<u16>> = report
        .asked
        .iter()
        .flat_map(answers)
        .map(|reply| reply.code)
        .collect();
    assert_eq!(codes, [Some(250), Some(550)], "a good server is heard");
}

/// Which limit, which rule or whose doing ended a session.
fn by(transcript: &Transcript, timeouts: &Timeouts) -> String {
    let ended = ending(transcript);
    let seconds = |name: &str, time: Duration| format!("`{name}`, {} s", time.as_secs());
    match ended {
        Ending::TimedOut(stage) => seconds(timeout_name(stage), timeouts.of(stage)),
        Ending::BudgetSpent(_) => seconds("Timeouts::session", timeouts.session),
        Ending::LimitReached(limit) => limit_text(limit),
        Ending::Violation(_, Violation::GarbageLines) => {
            format!(
                "`Limits::garbage_lines`, {}",
                Limits::default().garbage_lines
            )
        }
        Ending::Violation(_, Violation::PlaintextAfterStartTls) => {
            "RFC 3207 section 4.2".to_owned()
        }
        Ending::Violation(..) => "RFC 5321 section 4.2".to_owned(),
        Ending::TlsFailed => {
            let reason = transcript.tls_failure().unwrap_or_default();
            format!("TLS: {reason}")
        }
        Ending::Broken(_) => transcript
            .events()
            .find_map(|(_, event)| match event {
                Event::Closed(Closed::Other(what)) => Some(format!("TLS: {what}")),
                _ => None,
            })
            .unwrap_or_default(),
        _ => "the server".to_owned(),
    }
}

fn timeout_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => "Timeouts::connect",
        Stage::Greeting => "Timeouts::greeting",
        Stage::Ehlo | Stage::Helo | Stage::EhloAfterTls => "Timeouts::ehlo",
        Stage::StartTls => "Timeouts::start_tls",
        Stage::MailFrom => "Timeouts::mail_from",
        Stage::RcptTo => "Timeouts::rcpt_to",
        Stage::Rset => "Timeouts::rset",
        Stage::Quit => "Timeouts::quit",
    }
}

fn limit_text(limit: Limit) -> String {
    let limits = Limits::default();
    match limit {
        Limit::ReceivedBytes => {
            format!("`Limits::received_bytes`, {} octets", limits.received_bytes)
        }
        Limit::ReplyBytes => format!("`Limits::reply_bytes`, {} octets", limits.reply_bytes),
        Limit::ReplyLines => format!("`Limits::reply_lines`, {}", limits.reply_lines),
        Limit::Recipients => format!("`Limits::recipients`, {}", limits.recipients),
        Limit::Rejections => format!("`Limits::rejections`, {}", limits.rejections),
        Limit::Transactions => "the server's own MAILMAX (RFC 9422)".to_owned(),
    }
}

/// An address on loopback, for exchanges behind sockets.
fn loopback(place: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 78, 0, place + 1))
}
