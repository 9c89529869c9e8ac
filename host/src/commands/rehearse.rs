//! `vrfy rehearse`: a policy against modelled mail servers, without a network.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Duration;

use serde_json::json;

use crate::args::RehearseArgs;
use crate::clock::whole_ms;
use crate::config;
use crate::error::UserError;
use crate::policy::GivenSetting;
use crate::rehearse::{Figures, MODELS, Outcome, Rehearsal, Row, strategies};

/// The longest that one decision may take. Nobody waits for a rehearsal's decisions, and on a busy
/// machine its figures must be the same.
const DECISION: Duration = Duration::from_secs(5);

/// Runs the command.
pub async fn rehearse(args: RehearseArgs) -> anyhow::Result<u8> {
    let rehearsal = rehearsal(&args)?;
    let shown = rehearsal.clone();
    let outcome = rehearsal.run().await.map_err(UserError::from)?;
    let text = match args.json {
        true => document(&shown, &outcome)?,
        false => table(&shown, &outcome),
    };
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(0),
    }
}

fn rehearsal(args: &RehearseArgs) -> Result<Rehearsal, UserError> {
    let engine = config::engine(DECISION)?;
    let policy = config::load_policy(&engine, args.choice.policy.as_ref())?;
    let common = args
        .choice
        .settings
        .iter()
        .map(|text| GivenSetting::parse(text));
    let common: Vec<GivenSetting> = common.collect::<Result<_, _>>()?;
    // Wrong in every strategy is wrong by itself.
    crate::policy::resolve(policy.manifest(), &common)?;
    let is_built_in = args.choice.policy.is_none();
    let strategies = strategies(policy.manifest(), &common, &args.strategies, is_built_in)?;
    Ok(Rehearsal {
        policy,
        strategies,
        mailboxes: args.mailboxes as usize,
        seed: args.seed,
        rounds: args.budget.rounds,
        give_up_after: args.budget.give_up_after,
    })
}

fn document(rehearsal: &Rehearsal, outcome: &Outcome) -> anyhow::Result<String> {
    let manifest = rehearsal.policy.manifest();
    let strategies = rehearsal.strategies.iter().map(|strategy| {
        let given = strategy.given.iter();
        let given = given.map(|one| (one.key.clone(), one.value.clone().into()));
        let settings: serde_json::Map<_, serde_json::Value> = given.collect();
        json!({ "name": strategy.name, "settings": settings })
    });
    let models = MODELS.iter().map(|model| {
        json!({
            "name": model.name,
            "does": model.does,
            "source": model.source,
            "share": f64::from(model.share) / 1000.0,
        })
    });
    let document = json!({
        "policy": {
            "name": manifest.name,
            "version": manifest.version,
            "digest": rehearsal.policy.digest(),
        },
        "mailboxes": rehearsal.mailboxes,
        "seed": rehearsal.seed,
        "rounds": rehearsal.rounds,
        "give-up-after-ms": whole_ms(rehearsal.give_up_after),
        "strategies": strategies.collect::<Vec<_>>(),
        "models": models.collect::<Vec<_>>(),
        "results": outcome.rows,
        "mix": outcome.mix,
    });
    Ok(format!("{}\n", serde_json::to_string_pretty(&document)?))
}

fn table(rehearsal: &Rehearsal, outcome: &Outcome) -> String {
    let manifest = rehearsal.policy.manifest();
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} {}: {} mailboxes of each model, seed {}",
        manifest.name, manifest.version, rehearsal.mailboxes, rehearsal.seed
    );
    for strategy in &rehearsal.strategies {
        let given = strategy.given.iter();
        let given: String = given
            .map(|one| format!("  {}={}", one.key, one.value))
            .collect();
        let _ = writeln!(out, "  {}{given}", strategy.name);
    }
    let _ = writeln!(out, "\n{HEAD}");
    let mut before = None;
    for row in &outcome.rows {
        let name = row.model.filter(|name| before != Some(*name));
        before = row.model;
        line(&mut out, name.unwrap_or_default(), row);
    }
    for (at, row) in outcome.mix.iter().enumerate() {
        let name = if at == 0 { "all, by shares" } else { "" };
        line(&mut out, name, row);
    }
    out
}

/// The columns: shares of the mailboxes; then, for each mailbox, rounds, RCPT commands and
/// sessions; then the time to a verdict.
const HEAD: &str = "MODEL                STRATEGY         RIGHT  OPEN WRONG  ROUNDS  RCPT  \
                    SESS  MEDIAN    95 %";

fn line(out: &mut String, model: &str, row: &Row) {
    let figures = &row.figures;
    let Figures {
        rounds,
        recipients,
        sessions,
        ..
    } = figures;
    let [right, open, wrong] = [figures.right, figures.open, figures.wrong].map(percent);
    let [median, late] = [figures.median_ms, figures.late_ms].map(time);
    let _ = writeln!(
        out,
        "{model:<20} {:<16} {right:>5} {open:>5} {wrong:>5} {rounds:>7.1} {recipients:>5.1} \
         {sessions:>5.1} {median:>7} {late:>7}",
        row.strategy
    );
}

/// A share in percent; nothing at all is a dash, so that what is there is seen.
fn percent(share: f64) -> String {
    match share * 100.0 {
        nothing if nothing <= 0.0 => "-".to_owned(),
        all if all >= 100.0 => "100%".to_owned(),
        some => format!("{some:.1}"),
    }
}

/// A time in the two units that say most.
fn time(ms: u64) -> String {
    let seconds = ms.div_ceil(1000);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, 0) => format!("{m}m"),
        (0, m, s) => format!("{m}m{s:02}s"),
        (h, 0, _) => format!("{h}h"),
        (h, m, _) => format!("{h}h{m:02}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_at_most_two_units() {
        for (ms, text) in [
            (0, "0s"),
            (1, "1s"),
            (59_000, "59s"),
            (300_000, "5m"),
            (305_000, "5m05s"),
            (3_600_000, "1h"),
            (19_325_000, "5h22m"),
        ] {
            assert_eq!(time(ms), text);
        }
    }

    #[test]
    fn what_is_a_little_less_than_all_is_not_all() {
        assert_eq!(percent(1.0), "100%");
        assert_eq!(percent(0.999), "99.9");
        assert_eq!(percent(0.0), "-");
    }
}
