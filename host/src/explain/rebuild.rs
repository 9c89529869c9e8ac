//! From saved dialogues to the evidence about each mailbox in them.
//!
//! Promises: an attempt is read by [`SessionView`], as that of a live probe is. What a dialogue
//! does not know is put in its place as a live probe would have found it: its exchanges are the
//! look-up, and dialogues that a live walk holds in one round ([`crate::executor`]) make one round.
//!
//! What cannot be rebuilt, because no dialogue has it: what the look-up came to beside the
//! exchanges that were asked, and facts of the host (`egress`, which list excludes an address).

use std::collections::BTreeMap;
use std::time::Duration;

use vrfy_proto::attempt_view::{Place, SessionView};
use vrfy_proto::command::Command;
use vrfy_proto::evidence::{Budget, DecoyFinding, Evidence, Exchange, Lookup, LookupOutcome};
use vrfy_proto::mailbox::{Lengths, Mailbox};
use vrfy_proto::transcript::{Event, HeadRecipient, RecipientKind, Transcript};

use super::Case;
use crate::clock::whole_ms;
use crate::dispatch::{add_decoys, first_evidence};
use crate::executor::{
    EXCHANGES_PER_ROUND_MAX, came_to_nothing, hung_up_on_ehlo, tls_came_to_nothing,
};
use crate::record::Origin;
use crate::words;

/// Bytes of dialogues in one input: they are held until its end, since a mailbox may occur in the
/// first and in the last. It is room for 16 of the largest dialogues that can be read, or for tens
/// of thousands of usual ones.
pub const DIALOGUES_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Between two sessions of one round passes no more time than it takes to open a connection; where
/// more has passed, the later one belongs to another round.
const WITHIN_ROUND_MAX: Duration = Duration::from_secs(10);

/// A dialogue and where it was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dialogue {
    /// Its first line, from 1.
    pub(super) line: u64,
    pub(super) transcript: Transcript,
}

/// A case for every mailbox that the dialogues ask about, in the order in which they first occur.
/// `wanted` leaves out some.
pub(super) fn cases(
    mut dialogues: Vec<Dialogue>,
    file: &str,
    wanted: impl Fn(&str) -> bool,
) -> Vec<Case> {
    for dialogue in &mut dialogues {
        name_recipients(&mut dialogue.transcript);
    }
    let mut lines: Vec<(String, u64)> = Vec::new();
    for dialogue in &dialogues {
        for recipient in &dialogue.transcript.head.recipients {
            let address = &recipient.address;
            let is_known = lines.iter().any(|(known, _)| known == address);
            if recipient.kind == RecipientKind::Mailbox && !is_known && wanted(address) {
                lines.push((address.clone(), dialogue.line));
            }
        }
    }
    let cases = lines.into_iter().map(|(address, line)| {
        let origin = Origin {
            file: file.to_owned(),
            line,
        };
        case(&address, &dialogues, origin)
    });
    cases.collect()
}

fn case(address: &str, dialogues: &[Dialogue], origin: Origin) -> Case {
    // Whatever was sent to a server could be sent.
    let parsed = Mailbox::parse_within(address, Lengths::Sendable);
    let budget = Budget {
        rounds_left: 0,
        deadline_ms: None,
    };
    let mut evidence = first_evidence(address, &parsed, 0, budget);
    fill(&mut evidence, address, dialogues);
    let elapsed_ms = evidence.clock.now_ms - evidence.clock.probe_started_ms;
    Case {
        origin,
        evidence,
        recorded: None,
        elapsed_ms,
    }
}

/// Adds what the dialogues show about the mailbox: look-up, attempts, decoys, times.
pub(super) fn fill(evidence: &mut Evidence, address: &str, dialogues: &[Dialogue]) {
    let mut own: Vec<(&Transcript, usize)> = Vec::new();
    for dialogue in dialogues {
        let transcript = &dialogue.transcript;
        let place = place_of(transcript, address);
        // A dialogue with several mailboxes is printed with the answer about each.
        let is_new = own.iter().all(|(known, _)| *known != transcript);
        own.extend(place.filter(|_| is_new).map(|place| (transcript, place)));
    }
    // Stable, so that dialogues without a time stay as they stand in the file.
    own.sort_by_key(|(transcript, _)| transcript.head.started_ms);
    let domain = evidence.address.mailbox.as_ref().ok();
    let domain = domain.map_or(String::new(), |mailbox| mailbox.domain.clone());
    let exchanges = exchanges(&own);
    let mut rounds = Rounds::default();
    for (transcript, place) in &own {
        let view = SessionView::new(transcript);
        let name = &transcript.head.exchange;
        let at = Place {
            round: rounds.round_of(transcript, &view, *place),
            exchange: index_of(&exchanges, name),
        };
        let mut attempt = view.attempt(*place, at);
        if let Some(failure) = transcript.connect_failure() {
            attempt.ending = words::ending_without_session(failure);
        }
        evidence.attempts.push(attempt);
    }
    let Some(first) = own
        .first()
        .map(|(transcript, _)| transcript.head.started_ms)
    else {
        return;
    };
    let ends = own.iter().map(|(transcript, _)| end_ms(transcript));
    let end = ends.max().unwrap_or(first);
    evidence.clock.probe_started_ms = first;
    evidence.clock.now_ms = end;
    evidence.lookups.push(Lookup {
        started_ms: first,
        elapsed_ms: 0,
        outcome: outcome(&exchanges, &domain),
        exchanges,
        facts: Vec::new(),
    });
    add_decoys(evidence, &decoys(dialogues, &domain, end));
}

/// What decoys at the domain were answered by then, in any of the dialogues.
fn decoys(dialogues: &[Dialogue], domain: &str, by_ms: u64) -> Vec<DecoyFinding> {
    let found = dialogues.iter().flat_map(|dialogue| {
        let found = SessionView::new(&dialogue.transcript).decoys();
        found.into_iter()
    });
    let mut found: Vec<DecoyFinding> = found
        .filter(|(of, finding)| of == domain && finding.asked_ms <= by_ms)
        .map(|(_, finding)| finding)
        .collect();
    found.sort_by_key(|finding| finding.asked_ms);
    found
}

fn end_ms(transcript: &Transcript) -> u64 {
    let elapsed = whole_ms(transcript.elapsed());
    transcript.head.started_ms.saturating_add(elapsed)
}

fn place_of(transcript: &Transcript, address: &str) -> Option<usize> {
    transcript.head.recipients.iter().position(|recipient| {
        recipient.kind == RecipientKind::Mailbox && recipient.address == address
    })
}

/// A dialogue that was cut out by hand may lack its head: whoever was named in RCPT was asked
/// about, and we were who we said we were.
fn name_recipients(transcript: &mut Transcript) {
    if !transcript.head.recipients.is_empty() {
        return;
    }
    let mut named: Vec<String> = Vec::new();
    let mut egress = transcript.head.egress.clone();
    for (_, event) in transcript.events() {
        let Event::Sent(line) = event else { continue };
        match Command::parse(line) {
            Some(Command::RcptTo(path)) if named.iter().all(|known| known != path) => {
                named.push(path.to_owned());
            }
            Some(Command::MailFrom { reverse_path, .. }) => {
                egress.reverse_path = reverse_path.to_owned();
            }
            Some(Command::Ehlo(name) | Command::Helo(name)) => egress.ehlo_name = name.to_owned(),
            _ => {}
        }
    }
    let recipients = named.into_iter().map(|address| HeadRecipient {
        address,
        kind: RecipientKind::Mailbox,
    });
    transcript.head.recipients = recipients.collect();
    transcript.head.egress = egress;
}

/// The exchanges that were asked, as a look-up would have listed them.
fn exchanges(own: &[(&Transcript, usize)]) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for (transcript, _) in own {
        let head = &transcript.head;
        let remote = head.remote.map(|remote| remote.ip().to_string());
        let known = exchanges
            .iter_mut()
            .find(|known| known.name == head.exchange);
        match known {
            Some(known) => {
                let new = remote.filter(|remote| !known.addresses.contains(remote));
                known.addresses.extend(new);
            }
            None => exchanges.push(Exchange {
                name: head.exchange.clone(),
                preference: head.preference,
                addresses: remote.into_iter().collect(),
            }),
        }
    }
    exchanges.sort_by_key(|exchange| exchange.preference);
    exchanges
}

fn index_of(exchanges: &[Exchange], name: &str) -> u32 {
    let index = exchanges.iter().position(|exchange| exchange.name == name);
    index
        .and_then(|index| u32::try_from(index).ok())
        .unwrap_or(0)
}

fn outcome(exchanges: &[Exchange], domain: &str) -> LookupOutcome {
    match exchanges {
        _ if domain.starts_with('[') => LookupOutcome::AddressLiteral,
        [only] if only.name == domain && only.preference == 0 => LookupOutcome::ImplicitMx,
        _ => LookupOutcome::Exchanges,
    }
}

/// Counts rounds as a live walk makes them.
#[derive(Default)]
struct Rounds {
    round: u32,
    /// How often each exchange was asked in this round.
    visits: BTreeMap<String, usize>,
    /// Whether the walk goes on to the next exchange, whether to the same one in another manner,
    /// and until when.
    onward: (bool, bool),
    ended_ms: u64,
}

impl Rounds {
    fn round_of(&mut self, transcript: &Transcript, view: &SessionView<'_>, place: usize) -> u32 {
        let head = &transcript.head;
        let (to_next, to_same) = self.onward;
        let is_prompt = head.started_ms <= self.ended_ms.saturating_add(whole_ms(WITHIN_ROUND_MAX));
        let has_room = self.visits.len() < EXCHANGES_PER_ROUND_MAX;
        let goes_on = match self.visits.get(&head.exchange) {
            None => to_next && has_room,
            // In clear after TLS, and with HELO after EHLO: each once.
            Some(visits) => to_same && *visits <= 2,
        };
        if self.round == 0 || !is_prompt || !goes_on {
            self.round += 1;
            self.visits.clear();
        }
        *self.visits.entry(head.exchange.clone()).or_default() += 1;
        let is_open = !view.is_answered(place);
        self.onward = (
            is_open && (came_to_nothing(transcript) || view.is_unaskable(place)),
            is_open && (tls_came_to_nothing(transcript) || hung_up_on_ehlo(transcript)),
        );
        self.ended_ms = end_ms(transcript);
        self.round
    }
}
