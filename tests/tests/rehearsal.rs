//! `vrfy rehearse`, as people use it: its figures are the same every time, the page that argues
//! from them shows those of this very program (`VRFY_BLESS=1` rewrites it), and whatever is asked
//! of it wrongly is told with the remedy.

#![expect(
    clippy::disallowed_methods,
    reason = "how tests are run is told to them by variables"
)]

use serde_json::Value;
use vrfy_tests::hostile::Hostile;
use vrfy_tests::program::{Run, root};

const PAGE: &str = "docs/retries.md";

fn rehearse(arguments: &[&str]) -> Run {
    Run::plain().args(["rehearse"]).args(arguments)
}

#[test]
fn the_page_shows_what_the_program_prints() {
    let path = root().join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let printed = rehearse(&["--mailboxes", "50"]).run().exits(0).stdout;
    let (before, rest) = page.split_once("```text\n").unwrap();
    let (shown, after) = rest.split_once("```\n").unwrap();
    if shown == printed {
        return;
    }
    if std::env::var_os("VRFY_BLESS").is_some() {
        std::fs::write(&path, format!("{before}```text\n{printed}```\n{after}")).unwrap();
        return;
    }
    let pairs = shown.lines().zip(printed.lines());
    for (was, is) in pairs {
        assert_eq!(was, is, "{PAGE} is out of date; see VRFY_BLESS");
    }
    panic!("{PAGE} has other lines than the program prints; see VRFY_BLESS");
}

#[test]
fn a_seed_prints_the_same_every_time_and_another_one_does_not() {
    let print = |seed| {
        let arguments = ["--mailboxes", "10", "--json", "--seed", seed];
        rehearse(&arguments).run().exits(0).stdout
    };
    assert_eq!(print("3"), print("3"));
    assert_ne!(print("3"), print("4"));
}

#[test]
fn every_strategy_ends_within_its_budget_against_every_model() {
    let arguments = [
        "--json",
        "--mailboxes=10",
        "--rounds=4",
        "--give-up-after=2h",
        "--strategy=eager:retry-delays=1s,attempts=20",
        "--strategy=late:retry-delays=3h,attempts=20",
        "--strategy=long-hold:lane-hold-busy=5h,lane-hold-blocked=5h",
    ];
    let outcome = rehearse(&arguments).run().exits(0);
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let results = document["results"].as_array().unwrap();
    let models = document["models"].as_array().unwrap();
    assert_eq!(results.len(), 4 * models.len());
    // A round that began in time ends later by a permit and a session at most.
    let latest = (2 * 60 + 11) * 60_000;
    for result in results {
        assert!(result["most-rounds"].as_u64().unwrap() <= 4, "{result:#}");
        assert!(
            result["longest-ms"].as_u64().unwrap() <= latest,
            "{result:#}"
        );
        let share = |name: &str| result[name].as_f64().unwrap();
        let all = share("right") + share("open") + share("wrong");
        assert!((all - 1.0).abs() < 1e-9, "{result:#}");
    }
}

#[test]
fn the_default_policy_is_never_wrong_in_the_rehearsed_world() {
    let outcome = rehearse(&["--json", "--mailboxes=30", "--seed=11"])
        .run()
        .exits(0);
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let results = document["results"].as_array().unwrap();
    for result in results {
        assert_eq!(result["wrong"], 0.0, "{result:#}");
    }
}

#[test]
fn what_is_asked_wrongly_is_told_with_the_remedy() {
    for (arguments, code, words) in [
        (
            ["--strategy", "mine:retry-dleays=5m"],
            4,
            "--strategy: the strategy mine: the policy default has no setting \"retry-dleays\" \
             (did you mean \"retry-delays\"?)",
        ),
        (
            ["--strategy", "mine:attempts=0"],
            4,
            "a whole number from 1 to 20",
        ),
        (["--strategy", ":attempts=1"], 4, "write NAME:KEY=VALUE"),
        (["--strategy", "defaults:attempts=1"], 4, "is there twice"),
        (["--set", "attempts"], 4, "--set: the setting \"attempts\""),
        (["--mailboxes", "0"], 2, "1..=10000"),
    ] {
        let outcome = rehearse(&arguments).run().exits(code);
        assert_eq!(outcome.stdout, "", "{outcome:#?}");
        assert!(outcome.stderr.contains(words), "{outcome:#?}");
    }
    let names: Vec<String> = (0..20).map(|at| format!("--strategy=s{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let outcome = rehearse(&names).run().exits(4);
    assert!(outcome.stderr.contains("at most 20"), "{outcome:#?}");
}

#[test]
fn a_policy_that_fails_ends_the_rehearsal_with_its_fault() {
    let folder = tempfile::tempdir().unwrap();
    let policy = Hostile::Traps.write(folder.path()).unwrap();
    let run = rehearse(&["--mailboxes", "1", "--policy"]).args([policy]);
    let outcome = run.run().exits(6);
    assert_eq!(outcome.stdout, "", "{outcome:#?}");
    let words = "the rehearsal of strategy defaults against plain has ended";
    assert!(outcome.stderr.contains(words), "{outcome:#?}");
    assert!(outcome.stderr.contains("trap"), "{outcome:#?}");
}
