//! Connections: what went over them against what was written down.

use std::collections::BTreeMap;

use vrfy_proto::limits::Limit;
use vrfy_proto::reply::LineEnd;
use vrfy_proto::transcript::{Ending, Event, Transcript};

use super::super::log::{Connection, Observed};
use super::super::network::connection_of;
use super::super::world::is_allowed;

/// Every transcript that had a connection, with its place among the connections.
pub(super) fn transcripts(
    observed: &Observed,
) -> impl Iterator<Item = (usize, &Transcript)> + use<'_> {
    let asked = observed
        .seen
        .permits
        .iter()
        .flat_map(|permit| &permit.asked);
    let transcripts = asked.flat_map(|asked| &asked.transcripts);
    let placed = transcripts.filter_map(|transcript| {
        let source = transcript.head.egress.source?;
        Some((connection_of(&source.to_string())?, transcript.as_ref()))
    });
    // Shared by all mailboxes of a session: once is enough.
    placed.collect::<BTreeMap<_, _>>().into_iter()
}

/// Octets of the server that lines of the transcript account for.
pub(super) fn octets_in_lines(transcript: &Transcript) -> usize {
    let lengths = transcript.events().map(|(_, event)| match event {
        Event::Received(line) => {
            let end = match line.end {
                LineEnd::CrLf => 2,
                LineEnd::Lf => 1,
                LineEnd::Missing => 0,
            };
            line.bytes.len() + line.dropped as usize + end
        }
        _ => 0,
    });
    lengths.sum()
}

pub(super) fn octets(observed: &Observed, found: &mut Vec<String>) {
    for (id, transcript) in transcripts(observed) {
        let Some(connection) = observed.seen.connections.get(id) else {
            found.push(format!(
                "a transcript of connection {id}, which was never open"
            ));
            continue;
        };
        let (delivered, heard) = connection.plain_octets();
        if let Some(wrong) = wrong_line(transcript, delivered) {
            found.push(format!("connection {id}: {wrong}"));
        }
        let dropped: u64 = transcript
            .events()
            .map(|(_, event)| match event {
                Event::Dropped { bytes, .. } => bytes,
                _ => 0,
            })
            .sum();
        let told = octets_in_lines(transcript) as u64 + dropped;
        let read = connection.octets_read();
        if told != read as u64 {
            found.push(format!(
                "connection {id}: {read} octets read, {told} accounted for"
            ));
        }
        let mut sent = Vec::new();
        for (_, event) in transcript.events() {
            if let Event::Sent(line) = event {
                sent.extend_from_slice(line);
                sent.extend_from_slice(b"\r\n");
            }
        }
        if !sent.starts_with(heard) {
            found.push(format!(
                "connection {id}: something was sent that is not written down"
            ));
        }
    }
}

fn wrong_line(transcript: &Transcript, delivered: &[u8]) -> Option<String> {
    let mut at = 0;
    for (_, event) in transcript.events() {
        let Event::Received(line) = event else {
            continue;
        };
        let end: &[u8] = match line.end {
            LineEnd::CrLf => b"\r\n",
            LineEnd::Lf => b"\n",
            LineEnd::Missing => b"",
        };
        let rest = delivered.get(at..).unwrap_or_default();
        let behind = line.bytes.len() + line.dropped as usize;
        if !rest.starts_with(line.bytes)
            || !rest.get(behind..).is_some_and(|rest| rest.starts_with(end))
        {
            return Some(format!(
                "octet {at} and what follows stand otherwise in the transcript"
            ));
        }
        at += behind + end.len();
    }
    None
}

pub(super) fn bounds(observed: &Observed, found: &mut Vec<String>) {
    let limits = &observed.world.session_limits;
    for (id, transcript) in transcripts(observed) {
        let kept: usize = transcript
            .events()
            .map(|(_, event)| match event {
                Event::Received(line) => line.bytes.len(),
                _ => 0,
            })
            .sum();
        if kept > limits.received_bytes {
            found.push(format!("connection {id}: {kept} octets are kept"));
        }
    }
    for (id, connection) in observed.seen.connections.iter().enumerate() {
        let named = connection.answers.len();
        if named > limits.recipients {
            found.push(format!("connection {id}: {named} recipients are named"));
        }
        let is_no = |code: u16, text: &str| code / 100 == 5 && !text.contains("need MAIL");
        let answers = connection.answers.iter();
        let refused = answers
            .filter(|truth| is_no(truth.code, &truth.text))
            .count();
        if refused > limits.rejections && !connection.lied {
            found.push(format!("connection {id}: {refused} refusals are heard out"));
        }
    }
}

pub(super) fn budget(observed: &Observed, found: &mut Vec<String>) {
    let budget = observed.world.timeouts.session;
    for (id, connection) in observed.seen.connections.iter().enumerate() {
        let (Some((opened, _)), Some(closed)) = (connection.opened, connection.closed_at) else {
            continue;
        };
        if closed - opened > budget {
            found.push(format!("connection {id} is open for {:?}", closed - opened));
        }
    }
}

pub(super) fn manners(observed: &Observed, found: &mut Vec<String>) {
    for (id, connection) in observed.seen.connections.iter().enumerate() {
        let sins = connection.sins.iter();
        found.extend(sins.map(|sin| format!("connection {id}: {sin}")));
    }
    for (id, transcript) in transcripts(observed) {
        let is_in_order = matches!(
            transcript.ending(),
            Some(
                Ending::Completed
                    | Ending::GreetingRefused
                    | Ending::EhloRefused
                    | Ending::MailRefused
                    | Ending::RsetRefused
                    | Ending::TlsRequired
                    | Ending::LimitReached(
                        Limit::Recipients | Limit::Rejections | Limit::Transactions
                    )
            )
        );
        let mut events = transcript.events();
        let has_parted = events.any(|(_, event)| event == Event::Sent(b"QUIT"));
        let connection = observed.seen.connections.get(id);
        let is_told_to_go = connection.is_some_and(Connection::is_told_to_go);
        if is_in_order && !has_parted && !is_told_to_go {
            found.push(format!(
                "connection {id}: it ends in order, and without QUIT"
            ));
        }
    }
}

pub(super) fn addresses(observed: &Observed, found: &mut Vec<String>) {
    for connection in &observed.seen.connections {
        let target = connection.target.map(|target| target.ip());
        if target.is_none_or(|address| !is_allowed(address)) {
            found.push(format!("{target:?} is connected to"));
        }
    }
}
