//! The settings that an operator may change, with the reason for every default.

use crate::contract::{
    DurationRange, DurationsRange, Evidence, IntegerRange, SettingDefinition, SettingKind,
    SettingValue,
};

const SECOND: u32 = 1_000;
const MINUTE: u32 = 60 * SECOND;
const HOUR: u32 = 60 * MINUTE;

/// Greylisters usually accept after 5 minutes, a few want 15 or 30, some hours; a record of the
/// first attempt lives a day or two. So one retry for each habit, all inside a day (RFC 6647
/// section 5 asks servers to accept between 1 minute and 24 hours).
const RETRY_DELAYS: [u32; 4] = [5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR];
/// The first attempt and one for every delay.
const ATTEMPTS: i32 = 5;
/// A resolver may keep a failure for five minutes (RFC 2308 section 7.1), so that asking sooner
/// asks the cache. Outages of name servers last minutes or hours; what fails longer is broken.
const DNS_DELAYS: [u32; 3] = [6 * MINUTE, 30 * MINUTE, 2 * HOUR];
/// The first round and one after five minutes, twenty and eighty: a directory that is merely down
/// seldom says for so long, in these words, that a mailbox is not there.
const UNCHANGED_ROUNDS: i32 = 4;
/// Busy servers and rate limits count by the minute or by ten minutes; whoever is found busy again
/// counts by the hour, so the hold grows.
const LANE_HOLD_BUSY: u32 = 10 * MINUTE;
/// Reputation blocks that pass at all pass in hours, and asking meanwhile makes them worse.
const LANE_HOLD_BLOCKED: u32 = 2 * HOUR;
/// A server that has had enough recipients in one session takes more in the next; and one that
/// names a time may count from its own clock. A minute is polite and costs a list nothing.
const RETRY_LEAST: u32 = MINUTE;

/// A delay under a minute restarts the clock of some greylisters, so every default is longer.
/// Shorter ones are for servers whose habits one knows: those of a lab or of a test.
const DELAY_LEAST: u32 = SECOND;
/// No server remembers a first attempt for longer.
const DELAY_GREATEST: u32 = 7 * 24 * HOUR;
/// More rounds than this are a nuisance to the server and tell nothing new.
const ATTEMPTS_MAX: i32 = 20;

/// What an operator wants a class of mailboxes to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    Deliverable,
    Risky,
    Undeliverable,
    Unknown,
}

/// What becomes of mailboxes that take mail and are made to be thrown away. A list is a weaker
/// witness than a server, and whether such addresses are welcome is the operator's business: by
/// default they are told by their tag alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposable {
    Note,
    Risky,
}

/// The resolved settings.
#[derive(Clone, Debug)]
pub(crate) struct Settings<'a> {
    pub(crate) accept_all: Called,
    pub(crate) attempts: u32,
    pub(crate) decoy: bool,
    pub(crate) disposable: Disposable,
    pub(crate) dns_delays: &'a [u32],
    pub(crate) lane_hold_blocked: u32,
    pub(crate) lane_hold_busy: u32,
    pub(crate) mailbox_full: Called,
    pub(crate) retry_delays: &'a [u32],
    pub(crate) retry_least: u32,
    pub(crate) unchanged_rounds: usize,
}

impl<'a> Settings<'a> {
    /// Reads the settings in force. A host hands over all of them; one that is missing or of
    /// another kind keeps its default.
    pub(crate) fn of(evidence: &'a Evidence) -> Self {
        let mut settings = Self {
            accept_all: Called::Risky,
            attempts: ATTEMPTS.unsigned_abs(),
            decoy: true,
            disposable: Disposable::Note,
            dns_delays: &DNS_DELAYS,
            lane_hold_blocked: LANE_HOLD_BLOCKED,
            lane_hold_busy: LANE_HOLD_BUSY,
            mailbox_full: Called::Risky,
            retry_delays: &RETRY_DELAYS,
            retry_least: RETRY_LEAST,
            unchanged_rounds: UNCHANGED_ROUNDS.unsigned_abs() as usize,
        };
        for setting in &evidence.settings {
            settings.set(&setting.key, &setting.value);
        }
        settings
    }

    fn set(&mut self, key: &str, value: &'a SettingValue) {
        match (key, value) {
            ("accept-all", SettingValue::Text(text)) => self.accept_all = called(text),
            ("attempts", SettingValue::Integer(number)) => {
                self.attempts = u32::try_from(*number).unwrap_or(1).max(1);
            }
            ("decoy", SettingValue::Flag(on)) => self.decoy = *on,
            ("disposable", SettingValue::Text(text)) if text == "risky" => {
                self.disposable = Disposable::Risky;
            }
            ("dns-delays", SettingValue::Durations(list)) => self.dns_delays = list,
            ("lane-hold-blocked", SettingValue::Duration(ms)) => self.lane_hold_blocked = *ms,
            ("lane-hold-busy", SettingValue::Duration(ms)) => self.lane_hold_busy = *ms,
            ("mailbox-full", SettingValue::Text(text)) => self.mailbox_full = called(text),
            ("retry-delays", SettingValue::Durations(list)) => self.retry_delays = list,
            ("retry-least", SettingValue::Duration(ms)) => self.retry_least = *ms,
            ("unchanged-rounds", SettingValue::Integer(number)) => {
                self.unchanged_rounds = usize::try_from(*number).unwrap_or(1).max(1);
            }
            _ => {}
        }
    }
}

fn called(text: &str) -> Called {
    match text {
        "deliverable" => Called::Deliverable,
        "undeliverable" => Called::Undeliverable,
        "unknown" => Called::Unknown,
        _ => Called::Risky,
    }
}

/// The settings as the manifest declares them, in the order of their keys.
pub(crate) fn definitions() -> Vec<SettingDefinition> {
    let mut definitions = about_verdicts();
    definitions.extend(about_rounds());
    definitions.sort_by(|a, b| a.key.cmp(&b.key));
    definitions
}

fn about_verdicts() -> Vec<SettingDefinition> {
    let choice = |names: &[&str]| SettingKind::Choice(names.iter().map(|n| (*n).into()).collect());
    let text = |name: &str| SettingValue::Text(name.into());
    vec![
        definition(
            "accept-all",
            "What to call a mailbox at a domain whose server accepts every recipient, so that \
             acceptance proves nothing.",
            choice(&["risky", "unknown", "deliverable"]),
            text("risky"),
        ),
        definition(
            "decoy",
            "Ask for a recipient that cannot exist, to find servers that accept every recipient. \
             Without it acceptance counts for less.",
            SettingKind::Flag,
            SettingValue::Flag(true),
        ),
        definition(
            "disposable",
            "What becomes of a mailbox that takes mail at a domain that is listed as disposable: \
             `note` leaves it at the tag, `risky` calls it so.",
            choice(&["note", "risky"]),
            text("note"),
        ),
        definition(
            "mailbox-full",
            "What to call a mailbox that exists and is full.",
            choice(&["risky", "deliverable", "undeliverable"]),
            text("risky"),
        ),
    ]
}

fn about_rounds() -> Vec<SettingDefinition> {
    let hold = SettingKind::Duration(DurationRange {
        least_ms: 0,
        greatest_ms: DELAY_GREATEST,
    });
    let delays = DurationsRange {
        each: DurationRange {
            least_ms: DELAY_LEAST,
            greatest_ms: DELAY_GREATEST,
        },
        items: ATTEMPTS_MAX.unsigned_abs(),
    };
    vec![
        definition(
            "attempts",
            "How many rounds to ask at most, the first one included. Rounds whose look-up failed \
             do not count.",
            SettingKind::Integer(IntegerRange {
                least: 1,
                greatest: ATTEMPTS_MAX,
            }),
            SettingValue::Integer(ATTEMPTS),
        ),
        definition(
            "dns-delays",
            "How long to wait before each further round after the look-up failed; after the last \
             one nothing is looked up again.",
            SettingKind::Durations(delays),
            SettingValue::Durations(DNS_DELAYS.to_vec()),
        ),
        definition(
            "lane-hold-blocked",
            "How long to leave a destination alone after it refused our address or sender.",
            hold.clone(),
            SettingValue::Duration(LANE_HOLD_BLOCKED),
        ),
        definition(
            "lane-hold-busy",
            "How long to leave a destination alone after it was busy or limited our rate. Three \
             times as long each time that it is again, up to 6 hours.",
            hold,
            SettingValue::Duration(LANE_HOLD_BUSY),
        ),
        definition(
            "retry-delays",
            "How long to wait before each further round after a temporary refusal; the last one \
             repeats. An empty list means that nothing is asked again, whatever the reason.",
            SettingKind::Durations(delays),
            SettingValue::Durations(RETRY_DELAYS.to_vec()),
        ),
        definition(
            "retry-least",
            "The shortest wait where the schedule does not apply: when a reply names a time, or \
             when a new session is all that is needed.",
            SettingKind::Duration(DurationRange {
                least_ms: DELAY_LEAST,
                greatest_ms: HOUR,
            }),
            SettingValue::Duration(RETRY_LEAST),
        ),
        definition(
            "unchanged-rounds",
            "Stop after so many rounds in a row in which the server said that there is no such \
             mailbox, but under a temporary code: some are set up to say it so for ever.",
            SettingKind::Integer(IntegerRange {
                least: 1,
                greatest: ATTEMPTS_MAX,
            }),
            SettingValue::Integer(UNCHANGED_ROUNDS),
        ),
    ]
}

fn definition(key: &str, doc: &str, kind: SettingKind, default: SettingValue) -> SettingDefinition {
    SettingDefinition {
        key: key.to_owned(),
        doc: doc.to_owned(),
        kind,
        default,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_an_attempt_for_every_delay() {
        assert_eq!(ATTEMPTS.unsigned_abs() as usize, RETRY_DELAYS.len() + 1);
    }

    #[test]
    fn definitions_are_in_the_order_of_their_keys_and_their_defaults_within_range() {
        let definitions = definitions();
        assert!(definitions.is_sorted_by(|a, b| a.key < b.key));
        for definition in definitions {
            match (definition.kind, definition.default) {
                (SettingKind::Choice(names), SettingValue::Text(name)) => {
                    assert!(names.contains(&name));
                }
                (SettingKind::Integer(range), SettingValue::Integer(number)) => {
                    assert!((range.least..=range.greatest).contains(&number));
                }
                (SettingKind::Duration(range), SettingValue::Duration(ms)) => {
                    assert!((range.least_ms..=range.greatest_ms).contains(&ms));
                }
                (SettingKind::Durations(range), SettingValue::Durations(list)) => {
                    assert!(list.len() <= range.items as usize);
                    let each = range.each.least_ms..=range.each.greatest_ms;
                    assert!(list.iter().all(|ms| each.contains(ms)));
                }
                (SettingKind::Flag, SettingValue::Flag(_)) => {}
                (kind, default) => panic!("{}: {kind:?} {default:?}", definition.key),
            }
        }
    }
}
