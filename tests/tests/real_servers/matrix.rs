//! The cases, read from `matrix.txt`.

use std::fs;

use anyhow::{Context as _, Result, bail};
use vrfy_tests::program;
use vrfy_tests::servers::catalogue::{Domain, SERVERS, Server};

/// One case a line, columns separated by bars, below the server in brackets.
const MATRIX: &str = "tests/tests/real_servers/matrix.txt";

/// One cell of the matrix.
pub(crate) struct Case {
    pub(crate) server: &'static Server,
    /// Whether it belongs to the long part.
    pub(crate) is_long: bool,
    pub(crate) kind: &'static str,
    /// Whom vrfy asks for.
    local_part: &'static str,
    /// Whom the hand asks for, where the server remembers that somebody asked.
    local_part_by_hand: &'static str,
    pub(crate) domain: &'static Domain,
    /// How the reply begins that is got by hand.
    pub(crate) reply: &'static str,
    /// How the reply begins that is got in the end: after STARTTLS, or later.
    pub(crate) final_reply: Option<&'static str>,
    /// Status and reason, separated by a space.
    pub(crate) verdict: &'static str,
    /// What must stand in vrfy's transcripts too.
    pub(crate) seen: Option<&'static str>,
}

impl Case {
    /// The address that vrfy is given.
    pub(crate) fn address(&self) -> String {
        self.address_of(self.local_part)
    }

    /// The address that is asked for by hand.
    pub(crate) fn address_by_hand(&self) -> String {
        self.address_of(self.local_part_by_hand)
    }

    /// Whether both ask for the same.
    pub(crate) fn is_shared(&self) -> bool {
        self.local_part == self.local_part_by_hand
    }

    pub(crate) fn name(&self) -> String {
        format!("{}::{}", self.server.name, self.kind)
    }

    fn address_of(&self, local_part: &str) -> String {
        format!("{local_part}@{}", self.server.domain_name(self.domain))
    }
}

pub(crate) fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    let (mut server, mut is_long) = (None, false);
    let matrix = fs::read_to_string(program::root().join(MATRIX))
        .with_context(|| format!("cannot read {MATRIX}"))?;
    // Read once, and kept as long as the program runs.
    let matrix: &'static str = matrix.leak();
    for line in matrix
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let heading = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'));
        if let Some(heading) = heading {
            let name = heading.strip_suffix(", long");
            is_long = name.is_some();
            let name = name.unwrap_or(heading);
            server = SERVERS.iter().find(|server| server.name == name);
            continue;
        }
        let case = server
            .context("no such server")
            .and_then(|server| case_of(server, is_long, line));
        cases.push(case.with_context(|| format!("bad line: {line}"))?);
    }
    Ok(cases)
}

fn case_of(server: &'static Server, is_long: bool, line: &'static str) -> Result<Case> {
    let columns: Vec<&str> = line.split('|').map(str::trim).collect();
    let (kind, mailbox, reply, verdict, seen) = match columns[..] {
        [kind, mailbox, reply, verdict] => (kind, mailbox, reply, verdict, None),
        [kind, mailbox, reply, verdict, seen] => (kind, mailbox, reply, verdict, Some(seen)),
        _ => bail!("expected four columns or five"),
    };
    let (local_part, label) = mailbox.split_once('@').context("no mailbox")?;
    let (local_part, local_part_by_hand) = local_part
        .split_once('/')
        .unwrap_or((local_part, local_part));
    let domain = server.domains.iter().find(|domain| domain.label == label);
    let domain = domain.context("this server has no such domain")?;
    let (reply, final_reply) = match reply.split_once(" -> ") {
        Some((first, last)) => (first, Some(last)),
        None => (reply, None),
    };
    Ok(Case {
        server,
        is_long,
        kind,
        local_part,
        local_part_by_hand,
        domain,
        reply,
        final_reply,
        verdict,
        seen,
    })
}
