//! Permits, lanes, rounds and times: who was asked when, and how many at once.

use std::collections::BTreeMap;
use std::time::Duration;

use vrfy::dispatch::{RetryMode, RunEnd};

use super::super::log::{DecisionSeen, Observed, PermitSeen};

pub(super) fn reported_once(observed: &Observed, found: &mut Vec<String>) {
    let most = observed.world.limits.mailboxes_per_session;
    let was_ended = observed.end.is_some_and(|(_, end)| end != RunEnd::Complete);
    for permit in &observed.seen.permits {
        let at = permit.granted_at;
        if permit.asks.is_empty() || permit.asks.len() > most {
            found.push(format!(
                "a permit at {at:?} for {} mailboxes",
                permit.asks.len()
            ));
        }
        if permit.reported_at.is_none() {
            if !was_ended {
                found.push(format!("the permit of {at:?} was never reported"));
            }
            continue;
        }
        let mut asks: Vec<u64> = permit.asks.iter().map(|ask| ask.probe).collect();
        let asked = permit.asked.iter().map(|asked| asked.probe);
        let mut reported: Vec<u64> = asked.chain(permit.unasked.iter().copied()).collect();
        asks.sort_unstable();
        reported.sort_unstable();
        if asks != reported {
            found.push(format!(
                "the permit of {at:?} was for {asks:?}, its report {reported:?}"
            ));
        }
        for asked in &permit.asked {
            if asked.attempts == 0 || asked.attempts != asked.transcripts.len() {
                let (attempts, transcripts) = (asked.attempts, asked.transcripts.len());
                found.push(format!(
                    "{attempts} attempts with {transcripts} transcripts"
                ));
            }
        }
    }
}

pub(super) fn one_at_a_time(observed: &Observed, found: &mut Vec<String>) {
    let mut spans: BTreeMap<&str, Vec<(Duration, Duration)>> = BTreeMap::new();
    for permit in &observed.seen.permits {
        for ask in &permit.asks {
            let span = (permit.granted_at, end_of(observed, permit));
            spans.entry(&ask.mailbox).or_default().push(span);
        }
    }
    for (mailbox, mut spans) in spans {
        spans.sort_unstable();
        if let Some(both) = spans.windows(2).find(|both| both[1].0 < both[0].1) {
            found.push(format!("{mailbox} is in two permits at once: {both:?}"));
        }
    }
}

pub(super) fn session_limits(observed: &Observed, found: &mut Vec<String>) {
    let limits = &observed.world.limits;
    let span = |permit: &PermitSeen| (permit.granted_at, end_of(observed, permit));
    let permits = observed.seen.permits.iter();
    let most = most_at_once(permits.clone().map(span));
    if most > limits.sessions {
        found.push(format!(
            "{most} permits at once, {} are allowed",
            limits.sessions
        ));
    }
    let per_lane = limits.sessions_per_lane;
    for (allowed, with_egress) in [(limits.sessions_per_destination, false), (per_lane, true)] {
        let mut lanes: BTreeMap<(&str, &str), Vec<(Duration, Duration)>> = BTreeMap::new();
        for permit in permits.clone() {
            let egress = if with_egress {
                permit.egress.as_str()
            } else {
                ""
            };
            let spans = lanes.entry((&permit.lane, egress)).or_default();
            spans.push(span(permit));
        }
        for (lane, spans) in lanes {
            let most = most_at_once(spans.into_iter());
            if most > allowed {
                found.push(format!("{most} permits at once to {lane:?}"));
            }
        }
    }
    let open = observed.seen.connections.iter().filter_map(|connection| {
        let (opened, _) = connection.opened?;
        Some((opened, connection.closed_at.unwrap_or(Duration::MAX)))
    });
    let most = most_at_once(open);
    if most > limits.sessions {
        found.push(format!(
            "{most} connections at once, {} are allowed",
            limits.sessions
        ));
    }
}

pub(super) fn egress_kept(observed: &Observed, found: &mut Vec<String>) {
    let mut known: BTreeMap<u64, &str> = BTreeMap::new();
    for permit in &observed.seen.permits {
        for ask in &permit.asks {
            let first = *known.entry(ask.probe).or_insert(&permit.egress);
            if first != permit.egress {
                let (mailbox, other) = (&ask.mailbox, &permit.egress);
                found.push(format!(
                    "{mailbox} is asked from {first}, then from {other}"
                ));
            }
        }
    }
}

pub(super) fn permit_ends(observed: &Observed, found: &mut Vec<String>) {
    let timeouts = &observed.world.timeouts;
    for permit in &observed.seen.permits {
        let expires = permit.granted_at + permit.expires_in;
        let latest = expires + timeouts.connect + timeouts.session;
        if let Some(reported) = permit.reported_at.filter(|reported| *reported > latest) {
            found.push(format!(
                "the permit of {:?} ends at {reported:?}",
                permit.granted_at
            ));
        }
    }
    for connection in &observed.seen.connections {
        let permit = connection.permit.map(|index| &observed.seen.permits[index]);
        let expires = permit.map(|permit| permit.granted_at + permit.expires_in);
        let asked_at = connection.asked_at;
        if expires.is_none_or(|expires| asked_at > expires) {
            found.push(format!(
                "a connection is begun at {asked_at:?}, without a permit"
            ));
        }
    }
}

/// The decision that a permit for this mailbox follows from.
fn decision_before<'a>(
    decisions: &BTreeMap<&str, Vec<&'a DecisionSeen>>,
    mailbox: &str,
    order: u64,
) -> Option<&'a DecisionSeen> {
    let before = decisions.get(mailbox)?;
    let count = before.partition_point(|decision| decision.order < order);
    before[..count].last().copied()
}

fn decisions(observed: &Observed) -> BTreeMap<&str, Vec<&DecisionSeen>> {
    let mut by_mailbox: BTreeMap<&str, Vec<&DecisionSeen>> = BTreeMap::new();
    for decision in &observed.seen.decisions {
        if let Some(mailbox) = &decision.mailbox {
            by_mailbox.entry(mailbox).or_default().push(decision);
        }
    }
    by_mailbox
}

pub(super) fn due(observed: &Observed, found: &mut Vec<String>) {
    let decisions = decisions(observed);
    for permit in &observed.seen.permits {
        for ask in &permit.asks {
            let (mailbox, at) = (&ask.mailbox, permit.granted_at);
            let decision = decision_before(&decisions, mailbox, permit.order);
            let Some(wait) = decision.and_then(|decision| Some(decision.at + decision.wait?))
            else {
                found.push(format!("{mailbox} is asked at {at:?}, and no plan says so"));
                continue;
            };
            if observed.world.retry != RetryMode::Now && at < wait {
                found.push(format!(
                    "{mailbox} is asked at {at:?}, and is due at {wait:?}"
                ));
            }
        }
    }
}

pub(super) fn holds(observed: &Observed, found: &mut Vec<String>) {
    if observed.world.retry == RetryMode::Now {
        return;
    }
    let longest = observed.world.limits.lane_hold;
    for decision in &observed.seen.decisions {
        let Some(lane) = decision.lane.as_ref().filter(|_| !decision.hold.is_zero()) else {
            continue;
        };
        let until = decision.at + decision.hold.min(longest);
        let broken = observed.seen.permits.iter().find(|permit| {
            let is_within = permit.granted_at > decision.at && permit.granted_at < until;
            permit.lane == *lane && is_within
        });
        if let Some(permit) = broken {
            let (from, at) = (decision.at, permit.granted_at);
            found.push(format!(
                "{lane} is held from {from:?} to {until:?}, asked at {at:?}"
            ));
        }
    }
}

pub(super) fn rounds(observed: &Observed, found: &mut Vec<String>) {
    let most = observed.world.limits.rounds;
    let mut last: BTreeMap<u64, u32> = BTreeMap::new();
    for permit in &observed.seen.permits {
        for ask in &permit.asks {
            let before = last.insert(ask.probe, ask.round).unwrap_or(0);
            let was_unasked = before == ask.round;
            if ask.round > most || ask.round < before || (was_unasked && ask.round == 0) {
                let mailbox = &ask.mailbox;
                found.push(format!(
                    "{mailbox} is in round {}, after {before}",
                    ask.round
                ));
            }
        }
    }
    for (_, settled) in &observed.settled {
        let attempts = settled.record.attempts.iter();
        let highest = attempts.map(|attempt| attempt.round).max().unwrap_or(0);
        if highest > most {
            found.push(format!("{} has a round {highest}", settled.record.address));
        }
    }
}

pub(super) fn gives_up(observed: &Observed, found: &mut Vec<String>) {
    let decisions = decisions(observed);
    for permit in &observed.seen.permits {
        for ask in &permit.asks {
            let decision = decision_before(&decisions, &ask.mailbox, permit.order);
            let deadline = decision.map(|one| one.started + observed.world.limits.give_up_after);
            if deadline.is_some_and(|deadline| permit.granted_at > deadline) {
                let (mailbox, at) = (&ask.mailbox, permit.granted_at);
                found.push(format!("{mailbox} is asked at {at:?}, after {deadline:?}"));
            }
        }
    }
}

pub(super) fn stops(observed: &Observed, found: &mut Vec<String>) {
    let (Some(stopped), Some((ended, end))) = (observed.seen.stopped_at, observed.end) else {
        return;
    };
    let late = observed
        .seen
        .permits
        .iter()
        .find(|permit| permit.granted_at > stopped);
    if let Some(permit) = late {
        found.push(format!(
            "stopped at {stopped:?}, asked at {:?}",
            permit.granted_at
        ));
    }
    let latest = stopped + observed.world.limits.stop_grace;
    if end != RunEnd::Complete && ended > latest {
        found.push(format!("stopped at {stopped:?}, ended at {ended:?}"));
    }
}

pub(super) fn left_over(observed: &Observed, found: &mut Vec<String>) {
    if observed.tasks_left > 0 {
        found.push(format!("{} tasks are left", observed.tasks_left));
    }
    let open = observed.seen.connections.iter();
    let open = open.filter(|one| one.opened.is_some() && one.closed_at.is_none());
    let open = open.count();
    if open > 0 {
        found.push(format!("{open} connections are open"));
    }
}

fn end_of(observed: &Observed, permit: &PermitSeen) -> Duration {
    let ended = observed.end.map_or(Duration::MAX, |(at, _)| at);
    permit.reported_at.unwrap_or(ended)
}

/// How many of these spans overlap at most; one that ends when another begins does not.
fn most_at_once(spans: impl Iterator<Item = (Duration, Duration)>) -> usize {
    let changes = spans.filter(|(from, to)| from < to);
    let mut changes: Vec<(Duration, i32)> = changes
        .flat_map(|(from, to)| [(from, 1), (to, -1)])
        .collect();
    changes.sort_unstable();
    let mut open = 0;
    let most = changes.into_iter().map(|(_, change)| {
        open += change;
        open
    });
    usize::try_from(most.max().unwrap_or(0)).unwrap_or(0)
}
