//! Asking with vrfy, as a user would: one `vrfy check` a server.

use std::collections::HashMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use vrfy_tests::program::Run;
use vrfy_tests::servers::catalogue::{Domain, Server};
use vrfy_tests::servers::{GREYLIST_DELAY_S, Servers};

use crate::by_hand::{Seen, tls_works};
use crate::matrix::Case;

/// The records of one server's addresses.
pub(crate) struct Records {
    by_address: HashMap<String, Value>,
}

/// Runs `vrfy check` over every address of `server`.
pub(crate) fn ask(servers: &Servers, server: Server, cases: &[Case]) -> Result<Records> {
    let cases = cases.iter().filter(|case| case.server == server);
    let addresses: Vec<String> = cases.map(Case::address).collect();
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
            "10s",
        ])
        .args(["--resolver", &servers.resolver().to_string()])
        .args(["--port", &servers.port().to_string()])
        .args(["--allow-special", "127.0.0.0/8"])
        .args([
            "--helo",
            "probe.example.test",
            "--mail-from",
            "prober@sender.test",
        ])
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
        let transcripts = transcripts(record);
        ensure!(
            verdict == case.verdict,
            "expected {:?}, got {verdict:?}\n{record:#}\n{transcripts}",
            case.verdict
        );

        let lines: String = by_hand
            .decisive
            .lines()
            .map(|line| format!("S: {line}\n"))
            .collect();
        ensure!(
            transcripts.contains(&lines),
            "{lines:?} is not in the transcripts\n{transcripts}"
        );

        let attempts = record["attempts"]
            .as_array()
            .context("a record has its attempts")?;
        if case.domain == Domain::Greylisted {
            ensure!(
                attempts.len() == 2,
                "{} attempts instead of 2",
                attempts.len()
            );
        }
        let encrypted = attempts.iter().any(|attempt| !attempt["tls"].is_null());
        let offered = tls_works(case) && !matches!(case.domain, Domain::Plain | Domain::Refusing);
        ensure!(
            encrypted == offered,
            "TLS was {encrypted} instead of {offered}\n{transcripts}"
        );
        Ok(verdict)
    }
}

fn transcripts(record: &Value) -> String {
    let transcripts = record["transcripts"].as_array().into_iter().flatten();
    transcripts
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join("\n")
}
