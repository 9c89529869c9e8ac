//! Whoever judges, and whatever the servers do: a rehearsal ends, within the budget, the same way
//! every time.

use std::sync::Arc;
use std::time::Duration;

use vrfy_proto::evidence::{
    Cause, Decision, DecoyChoice, Evidence, ExchangeChoice, Plan, Status, Verdict,
};

use super::MODELS;
use super::play::{Stage, play_before};
use super::tally::{Figures, figures};
use crate::clock::whole_ms;
use crate::judge::{Judge, Judgement};
use crate::record::PolicyIdentity;
use crate::tls::TlsClient;

/// Never content: asks again, whatever it was told.
struct Stubborn {
    wait_ms: u32,
    hold_lane_ms: u32,
    exchange: ExchangeChoice,
}

impl Judge for Stubborn {
    async fn judge(&self, _: Evidence) -> Judgement {
        let verdict = Verdict {
            status: Status::Unknown,
            reason: "stubborn".to_owned(),
            confidence: 0,
            because: vec![Cause::Address],
            hold_lane_ms: 0,
            facts: Vec::new(),
        };
        Judgement {
            by: self.identity(),
            decision: Some(Decision::Probe(Plan {
                reason: "stubborn".to_owned(),
                wait_ms: self.wait_ms,
                exchange: self.exchange,
                decoy: DecoyChoice::Always,
                hold_lane_ms: self.hold_lane_ms,
                because: vec![Cause::Address],
                otherwise: verdict,
                wishes: Vec::new(),
            })),
            fault: None,
            stop: false,
        }
    }

    fn identity(&self) -> Arc<PolicyIdentity> {
        Arc::new(PolicyIdentity {
            name: "stubborn".to_owned(),
            version: "1.0.0".to_owned(),
            digest: "sha256:0".to_owned(),
        })
    }
}

fn stage(rounds: u32, give_up_after: Duration) -> Stage {
    Stage {
        tls: TlsClient::new(),
        mailboxes: 12,
        seed: 7,
        rounds,
        give_up_after,
    }
}

/// What it comes to against every model.
fn all(stage: &Stage, judge: Stubborn) -> Vec<(&'static str, Figures)> {
    let judge = Arc::new(judge);
    let plays = MODELS.iter().map(|model| {
        let tally = play_before(stage, &judge, model).unwrap();
        (model.name, figures(&[(1, &tally)]))
    });
    plays.collect()
}

/// A round that began in time may end later, but not by more than a permit and a session last.
const UNDER_WAY: Duration = Duration::from_mins(11);

#[test]
fn whoever_always_asks_again_is_ended_by_the_rounds() {
    for (wait_ms, exchange) in [(0, ExchangeChoice::Next), (60_000, ExchangeChoice::Same)] {
        let judge = Stubborn {
            wait_ms,
            hold_lane_ms: 0,
            exchange,
        };
        for (model, figures) in all(&stage(5, Duration::from_hours(24)), judge) {
            assert_eq!(figures.most_rounds, 5, "{model}");
            assert!(figures.rounds <= 5.0, "{model}");
        }
    }
}

#[test]
fn whoever_always_asks_again_is_ended_by_the_deadline() {
    let give_up_after = Duration::from_hours(3);
    for (wait_ms, hold_lane_ms) in [(600_000, 0), (60_000, 3_000_000), (u32::MAX, 0)] {
        let judge = Stubborn {
            wait_ms,
            hold_lane_ms,
            exchange: ExchangeChoice::Planned,
        };
        let latest = whole_ms(give_up_after + UNDER_WAY);
        for (model, figures) in all(&stage(1000, give_up_after), judge) {
            assert!(figures.longest_ms <= latest, "{model}: {figures:?}");
            assert!(figures.most_rounds < 1000, "{model}: {figures:?}");
        }
    }
}

#[test]
fn a_seed_comes_to_the_same_figures_every_time() {
    let play = |seed| {
        let judge = Stubborn {
            wait_ms: 300_000,
            hold_lane_ms: 0,
            exchange: ExchangeChoice::Same,
        };
        let stage = Stage {
            seed,
            ..stage(4, Duration::from_hours(24))
        };
        all(&stage, judge)
    };
    assert_eq!(play(7), play(7));
    assert_ne!(play(7), play(8));
}
