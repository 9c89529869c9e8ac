//! From saved dialogues to the evidence about each mailbox in them.
//!
//! Promises: an attempt is read by [`SessionView`], as that of a live probe is. What a dialogue
//! does not know is put in its place as a live probe would have found it: its exchanges are the
//! look-up, and dialogues that a live walk holds in one round ([`crate::executor`]) make one round.
//!
//! What cannot be rebuilt, because no dialogue has it: what the look-up came to beside the
//! exchanges that were asked, and facts of the host (`egress`, which list excludes an address).

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
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

/// Recipients of a dialogue. A session has fifty mailboxes and as many decoys at most.
pub(super) const RECIPIENTS_MAX: usize = 1_000;

/// Dialogues about one mailbox. A probe has a hundred rounds at most, in each of which four
/// exchanges are asked, each of them up to three times.
pub(super) const DIALOGUES_OF_MAILBOX_MAX: usize = 1_200;

/// Answers to decoys that a case has at most, the newest ones: more than a domain's exchanges give
/// in a probe.
const DECOYS_MAX: usize = 32;

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

/// Dialogues, and who is asked about in them.
#[derive(Default)]
pub(super) struct Archive {
    dialogues: Vec<Dialogue>,
    /// Dialogues by a number that equal ones share.
    known: HashMap<u64, Vec<usize>>,
    /// For each mailbox its dialogues, with its place among their recipients.
    mailboxes: HashMap<String, Vec<(usize, usize)>>,
    /// The mailboxes in the order in which they first occur.
    order: Vec<String>,
    /// What decoys were answered, by their domain.
    decoys: HashMap<String, Vec<DecoyFinding>>,
}

impl Archive {
    /// Takes a dialogue in; tells what is wrong with one that is beyond a bound.
    pub(super) fn add(&mut self, mut dialogue: Dialogue) -> Result<(), &'static str> {
        name_recipients(&mut dialogue.transcript);
        let recipients = &dialogue.transcript.head.recipients;
        if recipients.is_empty() {
            return Err("the dialogue names no recipient; put `mailbox: ADDRESS` in front of it");
        }
        if recipients.len() > RECIPIENTS_MAX {
            return Err("the dialogue has more than 1,000 recipients");
        }
        // A dialogue with several mailboxes is printed with the answer about each.
        let mut hasher = DefaultHasher::new();
        dialogue.transcript.to_text().hash(&mut hasher);
        let alike = self.known.entry(hasher.finish()).or_default();
        let is_same = |at: &usize| self.dialogues[*at].transcript == dialogue.transcript;
        if alike.iter().any(is_same) {
            return Ok(());
        }
        let index = self.dialogues.len();
        alike.push(index);
        let mut is_full = false;
        for (place, recipient) in recipients.iter().enumerate() {
            if recipient.kind == RecipientKind::Mailbox {
                let own = self.mailboxes.entry(recipient.address.clone());
                if matches!(own, Entry::Vacant(_)) {
                    self.order.push(recipient.address.clone());
                }
                let own = own.or_default();
                // Named twice, it was asked once: its first place has the answer.
                let is_new = own.last().is_none_or(|(last, _)| *last != index);
                if is_new && own.len() < DIALOGUES_OF_MAILBOX_MAX {
                    own.push((index, place));
                } else {
                    is_full |= is_new;
                }
            }
        }
        for (domain, finding) in SessionView::new(&dialogue.transcript).decoys() {
            self.decoys.entry(domain).or_default().push(finding);
        }
        self.dialogues.push(dialogue);
        match is_full {
            true => Err("more than 1,200 dialogues are about one mailbox; this one was left out"),
            false => Ok(()),
        }
    }

    /// The mailboxes in the order in which they first occur.
    pub(super) fn mailbox(&self, index: usize) -> Option<&str> {
        self.order.get(index).map(String::as_str)
    }

    /// The case of one of them.
    pub(super) fn case(&self, address: &str, file: &str) -> Case {
        // Whatever was sent to a server could be sent.
        let parsed = Mailbox::parse_within(address, Lengths::Sendable);
        let budget = Budget {
            rounds_left: 0,
            deadline_ms: None,
        };
        let mut evidence = first_evidence(address, &parsed, 0, budget);
        self.fill(&mut evidence, address);
        let own = self.mailboxes.get(address).and_then(|own| own.first());
        let line = own.map_or(0, |(index, _)| self.dialogues[*index].line);
        let clock = &evidence.clock;
        Case {
            origin: Origin {
                file: file.to_owned(),
                line,
            },
            elapsed_ms: clock.now_ms.saturating_sub(clock.probe_started_ms),
            evidence,
            recorded: None,
        }
    }

    /// Adds what the dialogues show about the mailbox: look-up, attempts, decoys, times.
    pub(super) fn fill(&self, evidence: &mut Evidence, address: &str) {
        let own = self.mailboxes.get(address).map_or(&[][..], Vec::as_slice);
        let own = own.iter().map(|(index, place)| {
            let dialogue = &self.dialogues[*index];
            (&dialogue.transcript, *place)
        });
        let mut own: Vec<(&Transcript, usize)> = own.collect();
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
        add_decoys(evidence, &self.decoys(&domain, end));
    }

    /// What decoys at the domain were answered by then, in any of the dialogues; the newest ones.
    fn decoys(&self, domain: &str, by_ms: u64) -> Vec<DecoyFinding> {
        let found = self.decoys.get(domain).into_iter().flatten();
        let mut found: Vec<&DecoyFinding> = found.filter(|one| one.asked_ms <= by_ms).collect();
        found.sort_by_key(|finding| finding.asked_ms);
        let newest = found.len().saturating_sub(DECOYS_MAX);
        found[newest..].iter().copied().cloned().collect()
    }
}

fn end_ms(transcript: &Transcript) -> u64 {
    let elapsed = whole_ms(transcript.elapsed());
    transcript.head.started_ms.saturating_add(elapsed)
}

/// A dialogue that was cut out by hand may lack its head: whoever was named in RCPT was asked
/// about, and we were who we said we were.
fn name_recipients(transcript: &mut Transcript) {
    if !transcript.head.recipients.is_empty() {
        return;
    }
    let mut named = HashSet::new();
    let mut recipients = Vec::new();
    let mut egress = transcript.head.egress.clone();
    for (_, event) in transcript.events() {
        let Event::Sent(line) = event else { continue };
        match Command::parse(line) {
            Some(Command::RcptTo(path)) if named.insert(path.to_owned()) => {
                recipients.push(HeadRecipient {
                    address: path.to_owned(),
                    kind: RecipientKind::Mailbox,
                });
            }
            Some(Command::MailFrom { reverse_path, .. }) => {
                egress.reverse_path = reverse_path.to_owned();
            }
            Some(Command::Ehlo(name) | Command::Helo(name)) => egress.ehlo_name = name.to_owned(),
            _ => {}
        }
    }
    transcript.head.recipients = recipients;
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

#[cfg(test)]
mod tests {
    use vrfy_proto::evidence::{ConnectFailure, Ending};

    use super::*;

    const OPENED: &str = "S: 220 mx\nC: EHLO probe.example.com\nS: 250 mx\n\
                          C: MAIL FROM:<p@example.com>\nS: 250 ok\n";

    fn dialogue(head: &str, events: &str) -> Dialogue {
        let text = format!("mailbox: ana@example.test\n{head}\n{events}");
        Dialogue {
            line: 1,
            transcript: Transcript::from_text(&text).unwrap(),
        }
    }

    fn at(exchange: &str, started_s: u64, events: &str) -> Dialogue {
        let head = format!("exchange: {exchange}\nstarted-ms: {started_s}000\n");
        dialogue(&head, events)
    }

    fn case(dialogues: impl IntoIterator<Item = Dialogue>) -> Case {
        let mut archive = Archive::default();
        for dialogue in dialogues {
            archive.add(dialogue).unwrap();
        }
        archive.case("ana@example.test", "saved.txt")
    }

    fn rounds(case: &Case) -> Vec<u32> {
        let attempts = case.evidence.attempts.iter();
        attempts.map(|attempt| attempt.round).collect()
    }

    const DEAD: &str = "@ connect-failed connection refused\n@ ended connect-failed\n";

    fn answered(reply: &str) -> String {
        format!("{OPENED}C: RCPT TO:<ana@example.test>\nS: {reply}\n@ ended completed\n")
    }

    #[test]
    fn an_exchange_that_cannot_be_reached_and_the_next_one_are_one_round() {
        let case = case([
            at("mx1.example.test", 10, DEAD),
            at("mx2.example.test", 11, &answered("451 later")),
            at("mx2.example.test", 12, &answered("250 ok")),
        ]);
        assert_eq!(rounds(&case), [1, 1, 2]);
        let attempts = &case.evidence.attempts;
        assert_eq!(
            attempts[0].ending,
            Ending::NotConnected(ConnectFailure::Refused)
        );
        assert_eq!((attempts[1].exchange, attempts[2].exchange), (1, 1));
        assert_eq!(case.evidence.lookups[0].exchanges.len(), 2);
    }

    #[test]
    fn the_same_exchange_anew_or_much_later_is_another_round() {
        let again = case([
            at("mx1.example.test", 10, DEAD),
            at("mx1.example.test", 11, DEAD),
        ]);
        assert_eq!(rounds(&again), [1, 2]);
        let later = case([
            at("mx1.example.test", 10, DEAD),
            at("mx2.example.test", 400, DEAD),
        ]);
        assert_eq!(rounds(&later), [1, 2]);
    }

    #[test]
    fn dialogues_are_put_in_the_order_of_their_times_and_taken_once() {
        let second = at("mx1.example.test", 400, &answered("250 ok"));
        let first = at("mx1.example.test", 10, &answered("451 later"));
        let case = case([second.clone(), first, second]);
        assert_eq!(rounds(&case), [1, 2]);
        let code = |at: usize| case.evidence.attempts[at].replies.last().unwrap().code;
        assert_eq!((code(0), code(1)), (Some(451), Some(250)));
    }

    #[test]
    fn a_dialogue_without_a_head_is_about_whoever_it_names() {
        let text = answered("550 5.1.1 <p@example.com>: unknown");
        let mut archive = Archive::default();
        let transcript = Transcript::from_text(&text).unwrap();
        let added = archive.add(Dialogue {
            line: 4,
            transcript,
        });
        assert_eq!(added, Ok(()));
        assert_eq!(archive.mailbox(0), Some("ana@example.test"));
        let case = archive.case("ana@example.test", "saved.txt");
        let attempt = &case.evidence.attempts[0];
        assert_eq!(attempt.reverse_path, "p@example.com");
        assert_eq!(attempt.ehlo_name, "probe.example.com");
        assert_eq!(case.origin.line, 4);
    }

    #[test]
    fn dialogues_beyond_a_bound_are_told() {
        let mailboxes: String = (0..RECIPIENTS_MAX)
            .map(|number| format!("mailbox: a{number}@example.test\n"))
            .collect();
        let mut archive = Archive::default();
        assert!(archive.add(dialogue(&mailboxes, OPENED)).is_err());
        for second in 0..DIALOGUES_OF_MAILBOX_MAX as u64 {
            assert_eq!(archive.add(at("mx.example.test", second, OPENED)), Ok(()));
        }
        let last = DIALOGUES_OF_MAILBOX_MAX as u64;
        assert!(archive.add(at("mx.example.test", last, OPENED)).is_err());
    }
}
