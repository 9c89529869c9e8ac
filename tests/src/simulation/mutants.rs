//! Faults put into what was seen, one for each check: a check that does not notice its fault checks
//! nothing.

use std::time::Duration;

use vrfy::dispatch::RunEnd;
use vrfy_proto::stage::Stage;

use super::log::Observed;

/// A fault: changes what was seen, and says whether there was anything to change.
type Fault = fn(&mut Observed) -> bool;

/// Each with the name of the check that must notice it.
pub const FAULTS: &[(&str, &str, Fault)] = &[
    (
        "a record is lost",
        "every input reaches exactly one record",
        lose_record,
    ),
    (
        "a record comes twice",
        "every input reaches exactly one record",
        repeat_record,
    ),
    (
        "it stops for no reason",
        "the run ends, and says how",
        stop_for_nothing,
    ),
    (
        "replies are exchanged",
        "a reply is recorded for whom it was given",
        exchange_replies,
    ),
    (
        "a code is changed",
        "a reply is recorded for whom it was given",
        change_code,
    ),
    (
        "an answer is left out",
        "no answer is lost",
        leave_answer_out,
    ),
    (
        "a decoy is made up",
        "decoys are no mailboxes",
        make_decoy_up,
    ),
    (
        "an ask is not reported",
        "every ask is in the report once",
        forget_ask,
    ),
    (
        "a mailbox is asked twice",
        "one mailbox is asked once at a time",
        ask_twice,
    ),
    (
        "sessions do not end",
        "no more sessions than the limits say",
        never_end,
    ),
    (
        "the egress changes",
        "a probe keeps its egress",
        change_egress,
    ),
    (
        "a permit outlives itself",
        "a permit has an end",
        outlive_permit,
    ),
    (
        "a retry comes early",
        "nothing is asked before it is due",
        come_early,
    ),
    ("a hold is broken", "a held lane is left alone", break_hold),
    ("a round too many", "rounds are counted", round_too_many),
    (
        "it never gives up",
        "nothing begins after the time to give up",
        never_give_up,
    ),
    ("it goes on after a stop", "a stop is obeyed", go_on),
    ("a task is left", "nothing is left over", leave_task),
    (
        "a connection stays open",
        "nothing is left over",
        leave_connection,
    ),
    (
        "an octet is lost",
        "every octet is accounted for",
        lose_octet,
    ),
    (
        "a line is changed",
        "every octet is accounted for",
        change_line,
    ),
    ("too much is kept", "what is kept is bounded", keep_too_much),
    (
        "a session is too long",
        "a session ends within its budget",
        take_too_long,
    ),
    ("the client sins", "the client keeps to the rules", sin),
    (
        "a private address",
        "only allowed addresses are connected to",
        connect_inside,
    ),
];

fn lose_record(observed: &mut Observed) -> bool {
    let is_complete = observed.end.is_some_and(|(_, end)| end == RunEnd::Complete);
    is_complete && observed.settled.pop().is_some()
}

fn repeat_record(observed: &mut Observed) -> bool {
    let Some((at, settled)) = observed.settled.pop() else {
        return false;
    };
    let again = vrfy::dispatch::Settled {
        index: settled.index,
        record: settled.record.clone(),
    };
    observed.settled.extend([(at, settled), (at, again)]);
    true
}

fn stop_for_nothing(observed: &mut Observed) -> bool {
    let is_unexplained = observed.seen.stopped_at.is_none();
    observed.end = observed.end.map(|(at, _)| (at, RunEnd::Stopped));
    is_unexplained && observed.end.is_some()
}

/// The places of honest replies to RCPT: record, attempt, reply.
fn honest_replies(observed: &Observed) -> Vec<(usize, usize, usize)> {
    let mut places = Vec::new();
    for (record, (_, settled)) in observed.settled.iter().enumerate() {
        for (attempt, one) in settled.record.attempts.iter().enumerate() {
            let id = super::network::connection_of(&one.local_address);
            let connection = id.and_then(|id| observed.seen.connections.get(id));
            if connection.is_none_or(|connection| connection.lied) {
                continue;
            }
            let replies = one.replies.iter().enumerate();
            let replies = replies.filter(|(_, reply)| reply.stage == Stage::RcptTo);
            places.extend(replies.map(|(reply, _)| (record, attempt, reply)));
        }
    }
    places
}

fn exchange_replies(observed: &mut Observed) -> bool {
    let places = honest_replies(observed);
    let text = |(record, attempt, reply): (usize, usize, usize)| {
        observed.settled[record].1.record.attempts[attempt].replies[reply].clone()
    };
    let both = places.iter().enumerate().find_map(|(index, one)| {
        let others = places[index + 1..].iter();
        let mut others =
            others.filter(|other| text(**other).text != text(*one).text && other.0 != one.0);
        Some((*one, *others.next()?))
    });
    let Some((one, other)) = both else {
        return false;
    };
    let (first, second) = (text(one), text(other));
    observed.settled[one.0].1.record.attempts[one.1].replies[one.2] = second;
    observed.settled[other.0].1.record.attempts[other.1].replies[other.2] = first;
    true
}

fn change_code(observed: &mut Observed) -> bool {
    let Some((record, attempt, reply)) = honest_replies(observed).pop() else {
        return false;
    };
    let reply = &mut observed.settled[record].1.record.attempts[attempt].replies[reply];
    reply.code = Some(299);
    true
}

fn leave_answer_out(observed: &mut Observed) -> bool {
    let places = honest_replies(observed);
    let is_told = |(record, attempt, reply): &(usize, usize, usize)| {
        let record = &observed.settled[*record].1.record;
        let text = &record.attempts[*attempt].replies[*reply].text;
        record
            .mailbox
            .as_ref()
            .is_some_and(|mailbox| text.contains(mailbox.as_str()))
    };
    let Some((record, attempt, reply)) = places.into_iter().find(is_told) else {
        return false;
    };
    observed.settled[record].1.record.attempts[attempt]
        .replies
        .remove(reply);
    true
}

fn make_decoy_up(observed: &mut Observed) -> bool {
    let has_liars = observed.seen.connections.iter().any(|one| one.lied);
    let records = observed.settled.iter_mut();
    let mut decoys = records.flat_map(|(_, settled)| &mut settled.record.decoys);
    let Some(decoy) = decoys.next().filter(|_| !has_liars) else {
        return false;
    };
    "no such words".clone_into(&mut decoy.reply.text);
    true
}

fn forget_ask(observed: &mut Observed) -> bool {
    let mut permits = observed.seen.permits.iter_mut();
    permits.any(|permit| permit.asked.pop().is_some())
}

fn ask_twice(observed: &mut Observed) -> bool {
    let long = |permit: &&super::log::PermitSeen| {
        permit.reported_at.is_some_and(|at| at > permit.granted_at)
    };
    let Some(at) = observed
        .seen
        .permits
        .iter()
        .position(|permit| long(&permit))
    else {
        return false;
    };
    let permit = &observed.seen.permits[at];
    let again = super::log::PermitSeen {
        order: permit.order,
        lane: permit.lane.clone(),
        egress: permit.egress.clone(),
        granted_at: permit.granted_at,
        expires_in: permit.expires_in,
        asks: permit.asks.clone(),
        reported_at: permit.reported_at,
        asked: Vec::new(),
        unasked: permit.asks.iter().map(|ask| ask.probe).collect(),
    };
    observed.seen.permits.push(again);
    true
}

fn never_end(observed: &mut Observed) -> bool {
    let is_enough = observed.seen.permits.len() > observed.world.limits.sessions;
    for permit in &mut observed.seen.permits {
        permit.reported_at = Some(Duration::from_hours(100_000));
    }
    is_enough
}

fn change_egress(observed: &mut Observed) -> bool {
    let permits = &observed.seen.permits;
    let probes: Vec<u64> = permits.iter().map(|one| one.asks[0].probe).collect();
    let is_again = |(at, probe): (usize, &u64)| probes[..at].contains(probe).then_some(at);
    let again = probes.iter().enumerate().find_map(is_again);
    let permit = again.map(|at| &mut observed.seen.permits[at]);
    permit.map(|permit| permit.egress.push('x')).is_some()
}

fn outlive_permit(observed: &mut Observed) -> bool {
    let mut permits = observed.seen.permits.iter_mut();
    let Some(permit) = permits.find(|permit| permit.reported_at.is_some()) else {
        return false;
    };
    permit.reported_at = Some(permit.granted_at + Duration::from_hours(1));
    true
}

fn come_early(observed: &mut Observed) -> bool {
    let is_waiting = observed.world.retry != vrfy::dispatch::RetryMode::Now;
    for decision in &mut observed.seen.decisions {
        decision.wait = decision.wait.map(|wait| wait + Duration::from_hours(1_000));
    }
    is_waiting && !observed.seen.permits.is_empty()
}

fn break_hold(observed: &mut Observed) -> bool {
    if observed.world.retry == vrfy::dispatch::RetryMode::Now {
        return false;
    }
    let permits = &observed.seen.permits;
    let decisions = &mut observed.seen.decisions;
    let broken = decisions.iter_mut().find(|decision| {
        let lane = decision.lane.as_deref();
        permits.iter().any(|permit| {
            let is_soon = permit.granted_at > decision.at
                && permit.granted_at < decision.at + Duration::from_secs(600);
            lane == Some(permit.lane.as_str()) && is_soon
        })
    });
    let Some(decision) = broken else {
        return false;
    };
    decision.hold = Duration::from_hours(1);
    true
}

fn round_too_many(observed: &mut Observed) -> bool {
    let most = observed.world.limits.rounds;
    let asks = observed
        .seen
        .permits
        .iter_mut()
        .flat_map(|permit| &mut permit.asks);
    asks.last().map(|ask| ask.round = most + 1).is_some()
}

fn never_give_up(observed: &mut Observed) -> bool {
    let late = observed.world.limits.give_up_after * 2;
    let last = observed.seen.permits.last_mut();
    last.map(|permit| permit.granted_at += late).is_some()
}

fn go_on(observed: &mut Observed) -> bool {
    let first = observed
        .seen
        .permits
        .iter()
        .map(|permit| permit.granted_at)
        .max();
    let first = first.filter(|at| !at.is_zero());
    observed.seen.stopped_at = first.map(|at| at.saturating_sub(Duration::from_millis(1)));
    first.is_some()
}

fn leave_task(observed: &mut Observed) -> bool {
    observed.tasks_left += 1;
    true
}

fn leave_connection(observed: &mut Observed) -> bool {
    let mut open = observed.seen.connections.iter_mut();
    let open = open.find(|connection| connection.opened.is_some());
    open.map(|connection| connection.closed_at = None).is_some()
}

/// A connection whose transcript was handed over, and whose octets are all plain.
fn written_down(observed: &Observed) -> Option<usize> {
    let mut transcripts = super::checks::transcribed(observed).into_iter();
    transcripts.find(|id| {
        let connection = &observed.seen.connections[*id];
        connection.plain.is_none() && connection.delivered.len() > 10
    })
}

fn lose_octet(observed: &mut Observed) -> bool {
    let Some(id) = written_down(observed) else {
        return false;
    };
    observed.seen.connections[id].delivered.push(b'x');
    true
}

fn change_line(observed: &mut Observed) -> bool {
    let Some(id) = written_down(observed) else {
        return false;
    };
    observed.seen.connections[id].delivered[5] ^= 1;
    true
}

fn keep_too_much(observed: &mut Observed) -> bool {
    observed.world.session_limits.received_bytes = 3;
    written_down(observed).is_some()
}

fn take_too_long(observed: &mut Observed) -> bool {
    let mut closed = observed.seen.connections.iter_mut();
    let closed = closed.find(|connection| connection.opened.is_some());
    let Some(connection) = closed else {
        return false;
    };
    connection.closed_at = connection.closed_at.map(|at| at + Duration::from_secs(301));
    true
}

fn sin(observed: &mut Observed) -> bool {
    let connection = observed.seen.connections.last_mut();
    connection
        .map(|connection| connection.sins.push("\"DATA\" is sent".to_owned()))
        .is_some()
}

fn connect_inside(observed: &mut Observed) -> bool {
    let connection = observed.seen.connections.last_mut();
    let inside = "10.0.0.1:25".parse().ok();
    connection
        .map(|connection| connection.target = inside)
        .is_some()
}
