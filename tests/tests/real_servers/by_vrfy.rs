//! Asking with vrfy, as a user would: one `vrfy check` a server.

use std::collections::HashMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use vrfy_tests::program::Run;
use vrfy_tests::servers::catalogue::{Manner, Server, Tls};
use vrfy_tests::servers::dialogue::SENDER as HAND_SENDER;
use vrfy_tests::servers::{GREYLIST_DELAY_S, HAND, PROBER, Servers};

use crate::by_hand::Seen;
use crate::matrix::Case;

/// Who asks, in the reverse path.
const SENDER: &str = "prober@sender.test";

/// The records of one server's addresses.
pub(crate) struct Records {
    by_address: HashMap<String, Value>,
}

/// Runs `vrfy check` over every address of `server`.
pub(crate) fn ask(
    servers: &Servers,
    server: &Server,
    manner: Manner,
    cases: &[Case],
) -> Result<Records> {
    let asked = |case: &&Case| case.server.name == server.name && case.domain.manner == manner;
    let addresses: Vec<String> = cases.iter().filter(asked).map(Case::address).collect();
    if !servers.runs(server) || addresses.is_empty() {
        return Ok(Records {
            by_address: HashMap::new(),
        });
    }
    let outcome = Run::plain()
        .args(["check", "--json", "--transcript", "--retry", "wait"])
        // The greylister lets a second round pass; a third shows that something is wrong.
        .args([
            "--rounds",
            "3",
            "--give-up-after",
            "40s",
            "--timeout",
            server.patience,
        ])
        .args(["--bind", &PROBER.to_string()])
        .args(["--resolver", &servers.resolver().to_string()])
        .args(["--port", &servers.port().to_string()])
        .args(["--allow-special", "127.0.0.0/8"])
        .args([
            "--helo",
            "probe.example.test",
            "--mail-from",
            match manner {
                Manner::NullSender => "",
                Manner::Usual | Manner::Hurried => SENDER,
            },
        ])
        .args(match manner {
            Manner::Hurried => ["--per-session", "1", "--sessions-per-lane", "3"],
            Manner::Usual | Manner::NullSender => {
                ["--per-session", "10", "--sessions-per-lane", "2"]
            }
        })
        // One second more than the greylister asks for: it counts in whole seconds.
        .args(["--set", &format!("retry-delays={}s", GREYLIST_DELAY_S + 1)])
        .args(["--set", "retry-least=1s", "--set", "lane-hold-busy=1s"])
        .args(["--set", "lane-hold-blocked=1s"])
        .args(&addresses)
        .run();
    let mut by_address = HashMap::new();
    for line in outcome.stdout.lines() {
        let record: Value = serde_json::from_str(line).with_context(|| format!("record {line}"))?;
        let address = record["address"]
            .as_str()
            .context("a record has its address")?;
        by_address.insert(address.to_owned(), record);
    }
    ensure!(
        by_address.len() == addresses.len(),
        "{} records for {} addresses, exit code {:?}: {}",
        by_address.len(),
        addresses.len(),
        outcome.code,
        outcome.stderr
    );
    Ok(Records { by_address })
}

impl Records {
    /// Compares the record of `case` with the matrix and with what was seen by hand. Returns the
    /// verdict.
    pub(crate) fn check(&self, case: &Case, by_hand: &Seen) -> Result<String> {
        let record = self.by_address.get(&case.address()).context("no record")?;
        let told = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let verdict = format!("{} {}", told("status"), told("reason"));
        let transcripts = transcripts_of(record);
        ensure!(
            verdict == case.verdict,
            "expected {:?}, got {verdict:?}\n{record:#}\n{transcripts}",
            case.verdict
        );

        let lines = lines_to_see(case, by_hand);
        ensure!(
            transcripts.contains(&lines),
            "{lines:?} is not in the transcripts\n{transcripts}"
        );
        if let Some(seen) = case.seen {
            let all: String = self.by_address.values().map(transcripts_of).collect();
            ensure!(
                all.contains(&format!("S: {seen}")),
                "no server said {seen:?}\n{all}"
            );
        }

        let attempts = record["attempts"]
            .as_array()
            .context("a record has its attempts")?;
        ensure!(
            attempts.len() > 1 || !by_hand.comes_back,
            "it did not come back"
        );
        let encrypted = attempts.iter().any(|attempt| !attempt["tls"].is_null());
        let offered = case.server.listener(case.domain.listener).tls == Tls::Works;
        ensure!(
            encrypted == offered,
            "TLS was {encrypted} instead of {offered}\n{transcripts}"
        );
        Ok(verdict)
    }
}

/// What must stand in the transcripts of `case`.
fn lines_to_see(case: &Case, by_hand: &Seen) -> String {
    // The hand asked with a parameter that was not offered, which vrfy never does.
    if case.verdict.ends_with("smtputf8-needed") {
        return "smtputf8-not-offered".to_owned();
    }
    // Where the hand asked for somebody else, the words differ; a transcript escapes all but ASCII.
    if !case.is_shared() || !by_hand.decisive.is_ascii() {
        return format!("S: {}", case.reply);
    }
    let said = by_hand
        .decisive
        .replace(&HAND.to_string(), &PROBER.to_string())
        .replace(HAND_SENDER, SENDER);
    said.lines().map(|line| format!("S: {line}\n")).collect()
}

fn transcripts_of(record: &Value) -> String {
    let transcripts = record["transcripts"].as_array().into_iter().flatten();
    transcripts
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join("\n")
}
