//! What came of the mailboxes of one play, and what several plays come to together.

use serde::Serialize;

use super::mailbox::Worth;
use super::server::Asked;

/// What came of one play.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    asked: Asked,
    right: u64,
    open: u64,
    wrong: u64,
    rounds: u64,
    most_rounds: u64,
    /// From the begin to the verdict, one for each mailbox.
    times: Vec<u64>,
}

/// What people and programs are told of a play, or of a mix of plays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Figures {
    /// Verdicts that say what is true, of all, 0 to 1.
    pub right: f64,
    /// Verdicts that claim nothing, or less than could have been known, of all, 0 to 1.
    pub open: f64,
    /// Verdicts that claim what is not true, or what nobody can know, of all, 0 to 1.
    pub wrong: f64,
    /// Rounds for each mailbox, on average.
    pub rounds: f64,
    /// RCPT commands for each mailbox, decoys included, on average.
    pub recipients: f64,
    /// Sessions for each mailbox, refused ones included, on average.
    pub sessions: f64,
    /// The time to a verdict that half of the mailboxes keep within, in milliseconds.
    pub median_ms: u64,
    /// The time to a verdict that 95 of 100 mailboxes keep within, in milliseconds.
    pub late_ms: u64,
    /// Rounds of the mailbox that had most.
    pub most_rounds: u64,
    /// The longest time to a verdict, in milliseconds.
    pub longest_ms: u64,
}

impl Tally {
    pub(super) fn new(asked: Asked) -> Self {
        Self {
            asked,
            right: 0,
            open: 0,
            wrong: 0,
            rounds: 0,
            most_rounds: 0,
            times: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, worth: Worth, rounds: u64, elapsed_ms: u64) {
        match worth {
            Worth::Right => self.right += 1,
            Worth::Open => self.open += 1,
            Worth::Wrong => self.wrong += 1,
        }
        self.rounds += rounds;
        self.most_rounds = self.most_rounds.max(rounds);
        self.times.push(elapsed_ms);
    }
}

/// The figures of plays together, each with its share.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a rehearsal are far below what a float holds exactly"
)]
pub(super) fn figures(plays: &[(u32, &Tally)]) -> Figures {
    let total: f64 = plays.iter().map(|(share, _)| f64::from(*share)).sum();
    let mean = |count: fn(&Tally) -> u64| -> f64 {
        let parts = plays.iter().map(|(share, tally)| {
            let each = tally.times.len().max(1) as f64;
            f64::from(*share) * count(tally) as f64 / each
        });
        parts.sum::<f64>() / total
    };
    Figures {
        right: mean(|tally| tally.right),
        open: mean(|tally| tally.open),
        wrong: mean(|tally| tally.wrong),
        rounds: mean(|tally| tally.rounds),
        recipients: mean(|tally| tally.asked.recipients),
        sessions: mean(|tally| tally.asked.sessions),
        median_ms: within(plays, 50),
        late_ms: within(plays, 95),
        most_rounds: most(plays, |tally| tally.most_rounds),
        longest_ms: most(plays, |tally| {
            tally.times.iter().copied().max().unwrap_or(0)
        }),
    }
}

fn most(plays: &[(u32, &Tally)], of: fn(&Tally) -> u64) -> u64 {
    let each = plays.iter().map(|(_, tally)| of(tally));
    each.max().unwrap_or(0)
}

/// The least time within which so many of a hundred mailboxes have their verdict.
fn within(plays: &[(u32, &Tally)], percent: u64) -> u64 {
    // Every play has the same number of mailboxes, so that its share is that of each of them.
    let mut times: Vec<(u64, u64)> = plays
        .iter()
        .flat_map(|(share, tally)| tally.times.iter().map(|time| (*time, u64::from(*share))))
        .collect();
    times.sort_unstable();
    let total: u64 = times.iter().map(|(_, share)| share).sum();
    let mut sum = 0;
    for (time, share) in &times {
        sum += share;
        if sum * 100 >= total * percent {
            return *time;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(times: &[u64], worth: Worth) -> Tally {
        let mut tally = Tally::new(Asked {
            sessions: 2 * times.len() as u64,
            recipients: 3 * times.len() as u64,
        });
        times.iter().for_each(|time| tally.add(worth, 1, *time));
        tally
    }

    #[test]
    fn a_mix_counts_every_play_by_its_share() {
        let quick = tally(&[1; 4], Worth::Right);
        let slow = tally(&[100; 4], Worth::Open);
        let mix = figures(&[(3, &quick), (1, &slow)]);
        assert_eq!((mix.right, mix.open, mix.wrong), (0.75, 0.25, 0.0));
        assert_eq!((mix.rounds, mix.recipients, mix.sessions), (1.0, 3.0, 2.0));
        assert_eq!((mix.median_ms, mix.late_ms), (1, 100));
    }

    #[test]
    fn a_percentile_is_a_time_that_somebody_waited() {
        let times: Vec<u64> = (1..=100).collect();
        let all = figures(&[(1, &tally(&times, Worth::Right))]);
        assert_eq!((all.median_ms, all.late_ms), (50, 95));
    }
}
