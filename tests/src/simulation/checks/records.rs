//! Records against the list, and against what the servers said.

use std::collections::{BTreeMap, BTreeSet};

use vrfy::dispatch::{RunEnd, Settled};
use vrfy::record::Record;
use vrfy_proto::evidence::{Attempt, Reply};
use vrfy_proto::stage::Stage;

use super::super::log::{Connection, Observed, Truth};
use super::super::network::connection_of;
use super::super::world::Row;
use super::dialogues::transcripts;

pub(super) fn one_each(observed: &Observed, found: &mut Vec<String>) {
    let rows = &observed.world.rows;
    let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
    for (_, settled) in &observed.settled {
        *counts.entry(settled.index).or_default() += 1;
        let row = usize::try_from(settled.index)
            .ok()
            .and_then(|index| rows.get(index));
        let given = match row {
            Some(Row::Address(given, _)) => given.as_str(),
            Some(Row::Broken) => "",
            None => {
                found.push(format!("a record for row {}, which is none", settled.index));
                continue;
            }
        };
        if settled.record.address != given {
            let has = &settled.record.address;
            found.push(format!(
                "row {} is {given:?}, its record {has:?}",
                settled.index
            ));
        }
    }
    let repeated = counts.iter().filter(|(_, count)| **count > 1);
    found.extend(repeated.map(|(index, count)| format!("row {index} has {count} records")));
    let is_complete = observed.end.is_some_and(|(_, end)| end == RunEnd::Complete);
    if is_complete && counts.len() != rows.len() {
        let missing = (0..rows.len() as u64).find(|index| !counts.contains_key(index));
        found.push(format!(
            "{} rows, {} records, none for {missing:?}",
            rows.len(),
            counts.len()
        ));
    }
    // Whoever was judged was taken in, and must have a record however the run ended.
    let recorded: BTreeSet<&str> = observed
        .settled
        .iter()
        .filter_map(|(_, settled)| settled.record.mailbox.as_deref())
        .collect();
    let judged = observed.seen.decisions.iter();
    let judged: BTreeSet<&str> = judged.filter_map(|one| one.mailbox.as_deref()).collect();
    let without = judged.difference(&recorded);
    found.extend(without.map(|mailbox| format!("{mailbox} was judged and has no record")));
}

pub(super) fn ends(observed: &Observed, found: &mut Vec<String>) {
    found.extend(observed.trouble.clone());
    let Some((_, end)) = observed.end else {
        return;
    };
    let was_stopped = observed.seen.stopped_at.is_some();
    let is_faulted = observed
        .seen
        .decisions
        .iter()
        .any(|decision| decision.stops);
    let is_explained = match end {
        RunEnd::Complete => true,
        RunEnd::Stopped => was_stopped,
        RunEnd::PolicyFault => is_faulted,
    };
    if !is_explained {
        found.push(format!("it ended as {end:?}, for no reason"));
    }
}

pub(super) fn truth(observed: &Observed, found: &mut Vec<String>) {
    for_each_attempt(observed, |mailbox, attempt, connection, _| {
        let recorded = rcpt_replies(attempt);
        if connection.lied {
            let said = String::from_utf8_lossy(&connection.delivered);
            for reply in recorded {
                let first = reply.text.lines().next().unwrap_or_default();
                if !said.contains(first) {
                    found.push(format!("{mailbox}: {} was never said", shown(reply)));
                }
            }
            return;
        }
        let mut given = answers_about(connection, mailbox);
        for reply in recorded {
            if reply.code == Some(421) && connection.is_told_to_go() {
                continue;
            }
            let is_same =
                |truth: &&Truth| Some(truth.code) == reply.code && truth.text == reply.text;
            if !given.any(|truth| is_same(&truth)) {
                let source = &attempt.local_address;
                found.push(format!("{mailbox} at {source}: not told {}", shown(reply)));
            }
        }
    });
}

pub(super) fn nothing_lost(observed: &Observed, found: &mut Vec<String>) {
    for_each_attempt(observed, |mailbox, attempt, connection, read| {
        if connection.lied {
            return;
        }
        let told = answers_about(connection, mailbox)
            .filter(|truth| truth.counts && truth.ends_at <= read)
            .count();
        let recorded = rcpt_replies(attempt).count();
        if told > recorded {
            let source = &attempt.local_address;
            found.push(format!(
                "{mailbox} at {source}: {told} answers, {recorded} recorded"
            ));
        }
    });
}

pub(super) fn decoys(observed: &Observed, found: &mut Vec<String>) {
    let permits = observed.seen.permits.iter();
    let asked: BTreeSet<&str> = permits
        .flat_map(|permit| &permit.asks)
        .filter_map(|ask| ask.decoy.as_deref())
        .collect();
    let connections = &observed.seen.connections;
    let said: BTreeSet<(&str, u16, &str)> = connections
        .iter()
        .flat_map(|connection| &connection.answers)
        .map(|truth| (truth.recipient.as_str(), truth.code, truth.text.as_str()))
        .collect();
    let has_liars = connections.iter().any(|connection| connection.lied);
    for (_, Settled { record, .. }) in &observed.settled {
        let Some((_, domain)) = record
            .mailbox
            .as_deref()
            .and_then(|all| all.rsplit_once('@'))
        else {
            continue;
        };
        for finding in &record.decoys {
            let reply = &finding.reply;
            if reply.code == Some(421) {
                continue;
            }
            let is_told = asked.iter().any(|decoy| {
                decoy.ends_with(domain)
                    && said.contains(&(*decoy, reply.code.unwrap_or(0), reply.text.as_str()))
            });
            if !is_told && !has_liars {
                found.push(format!("no decoy at {domain} was told {}", shown(reply)));
            }
        }
    }
}

/// Every attempt that had a connection: whom it is about, its connection, and how many octets of it
/// are in lines of the transcript.
fn for_each_attempt(observed: &Observed, mut look: impl FnMut(&str, &Attempt, &Connection, usize)) {
    let read: BTreeMap<usize, usize> = transcripts(observed)
        .map(|(id, transcript)| (id, super::dialogues::octets_in_lines(transcript)))
        .collect();
    let records = observed.settled.iter().map(|(_, settled)| &settled.record);
    for Record {
        mailbox, attempts, ..
    } in records
    {
        for attempt in attempts {
            let id = connection_of(&attempt.local_address);
            let connection = id.and_then(|id| observed.seen.connections.get(id));
            if let (Some(mailbox), Some(connection), Some(id)) = (mailbox, connection, id) {
                look(
                    mailbox,
                    attempt,
                    connection,
                    read.get(&id).copied().unwrap_or(0),
                );
            }
        }
    }
}

fn rcpt_replies(attempt: &Attempt) -> impl Iterator<Item = &Reply> {
    let replies = attempt.replies.iter();
    replies.filter(|reply| reply.stage == Stage::RcptTo)
}

fn answers_about<'a>(
    connection: &'a Connection,
    mailbox: &'a str,
) -> impl Iterator<Item = &'a Truth> {
    let answers = connection.answers.iter();
    answers.filter(move |truth| truth.recipient == mailbox)
}

fn shown(reply: &Reply) -> String {
    format!(
        "{:?} {:?}",
        reply.code,
        reply.text.chars().take(80).collect::<String>()
    )
}
