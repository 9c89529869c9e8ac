//! The cases, read from `matrix.txt`.

use anyhow::{Context as _, Result, bail};
use vrfy_tests::servers::catalogue::{Domain, Server};

/// One case a line, columns separated by bars, below the server in brackets.
const MATRIX: &str = include_str!("matrix.txt");

/// One cell of the matrix.
pub(crate) struct Case {
    pub(crate) server: Server,
    pub(crate) kind: &'static str,
    pub(crate) local_part: &'static str,
    pub(crate) domain: Domain,
    /// How the reply begins that is got by hand.
    pub(crate) reply: &'static str,
    /// Status and reason, separated by a space.
    pub(crate) verdict: &'static str,
}

impl Case {
    pub(crate) fn address(&self) -> String {
        format!("{}@{}", self.local_part, self.domain.name(self.server))
    }

    pub(crate) fn name(&self) -> String {
        format!("{}::{}", self.server.name(), self.kind)
    }
}

pub(crate) fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    let mut server = None;
    for line in MATRIX
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let heading = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'));
        if let Some(name) = heading {
            server = Server::ALL.into_iter().find(|server| server.name() == name);
            continue;
        }
        let case = server
            .context("no such server")
            .and_then(|server| case_of(server, line));
        cases.push(case.with_context(|| format!("bad line: {line}"))?);
    }
    Ok(cases)
}

fn case_of(server: Server, line: &'static str) -> Result<Case> {
    let columns: Vec<&str> = line.split('|').map(str::trim).collect();
    let [kind, mailbox, reply, verdict] = columns[..] else {
        bail!("expected four columns");
    };
    let (local_part, label) = mailbox.split_once('@').context("no mailbox")?;
    let domain = Domain::of(server).find(|domain| domain.label() == label);
    let domain = domain.context("this server has no such domain")?;
    Ok(Case {
        server,
        kind,
        local_part,
        domain,
        reply,
        verdict,
    })
}
