//! Judges the policy by replies with a known meaning, each in a dialogue of its own.
//!
//! Those of `tests/data/replies.txt` are the project's. A larger file can be given from outside:
//! `VRFY_REPLIES` names it: JSON Lines with `stage`, `code`, `text`, `truth` (`exists`,
//! `not_exists`, `nothing`) and `borderline`. Every reply is put into a dialogue of its own and the
//! verdict compared with the truth. Without the variable the test says so and passes.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and only the environment reaches it"
)]

mod case;
mod native;

use serde_json::Value;
use vrfy_policy_default::decide;

/// A reply that speaks about the mailbox may be missed at most this often, in percent.
const MISSED_MAX: f64 = 3.0;
/// A verdict may contradict the truth at most this often, in percent.
const WRONG_MAX: f64 = 0.5;

const CLASSES: [&str; 3] = ["exists", "not_exists", "nothing"];

#[test]
fn replies_that_are_widely_seen_are_read_right() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/replies.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let mut wrong = String::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let [status, reason, stage, reply] = line.splitn(4, ' ').collect::<Vec<_>>()[..] else {
            panic!("a line has four parts: {line}");
        };
        let verdict = verdict_on(case::read_reply(stage, &undashed(reply)));
        if (verdict.status.as_str(), verdict.reason.as_str()) != (status, reason) {
            wrong += &format!("{line}\n    but {verdict}\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn replies_of_known_meaning_are_read_right() {
    let Some(path) = std::env::var_os("VRFY_REPLIES") else {
        println!("skipped: VRFY_REPLIES names no file of replies");
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    let mut table = [[[0_u32; 3]; 3]; 2];
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let truth = class(row["truth"].as_str().unwrap());
        let (judged, said) = judge(&row);
        let borderline = usize::from(row["borderline"].as_bool().unwrap_or(false));
        table[borderline][truth][judged] += 1;
        if truth != judged {
            let mark = if borderline == 1 { "borderline " } else { "" };
            println!(
                "{mark}{} taken for {}: {said}",
                CLASSES[truth], CLASSES[judged]
            );
            println!("    {} {}", row["id"], row["text"]);
        }
    }
    print_table("without borderline rows", &table[0]);
    print_table("borderline rows", &table[1]);
    let clear = &table[0];
    let all: u32 = clear.iter().flatten().sum();
    let condemned = clear[0][1] + clear[2][1];
    let blessed = clear[1][0] + clear[2][0];
    let wrong = percent(condemned + blessed, all);
    let missed = percent(clear[1][0] + clear[1][2], clear[1].iter().sum());
    println!("condemned {condemned}, blessed {blessed}: {wrong:.2} % of {all}");
    println!("not_exists missed: {missed:.2} %");
    assert!(
        wrong < WRONG_MAX,
        "{wrong:.2} % are condemned or blessed wrongly"
    );
    assert!(
        missed <= MISSED_MAX,
        "{missed:.2} % of not_exists are missed"
    );
}

/// The class of the final verdict on a mailbox that got this reply, and the verdict.
fn judge(row: &Value) -> (usize, String) {
    let stage = match row["stage"].as_str().unwrap() {
        "banner" => "greeting",
        "ehlo" => "ehlo",
        "mail" => "mail-from",
        // Where the source does not say, and what came after DATA, is taken as said to RCPT.
        _ => "rcpt-to",
    };
    let code = row["code"].as_u64().unwrap();
    let prefix = code.to_string();
    let lines: Vec<&str> = row["text"]
        .as_str()
        .unwrap()
        .lines()
        .map(|line| {
            let rest = line.strip_prefix(&prefix).unwrap_or(line);
            rest.trim_start_matches(['-', ' '])
        })
        .collect();
    let reply = case::read_reply(stage, &format!("{code} {}", lines.join(" // ")));
    let verdict = verdict_on(reply);
    let class = match (verdict.status.as_str(), verdict.reason.as_str()) {
        ("undeliverable", _) | (_, "unknown-user-temporary") => "not_exists",
        ("unknown", _) => "nothing",
        _ => "exists",
    };
    (self::class(class), verdict.to_string())
}

/// The verdict when this reply is all that is known and nothing can be asked again.
fn verdict_on(reply: case::Reply) -> case::SaidVerdict {
    let exchange = "mx.example.com";
    let case = case::Case {
        name: String::new(),
        mailbox: "ana@example.com".into(),
        problem: None,
        facts: Vec::new(),
        lookups: vec![case::Lookup {
            outcome: "exchanges".into(),
            words: vec![exchange.into()],
            facts: Vec::new(),
        }],
        attempts: vec![case::Attempt {
            round: 1,
            exchange: exchange.into(),
            replies: vec![reply],
            ending: "completed".into(),
            detail: String::new(),
            facts: Vec::new(),
            around: case::Around::default(),
        }],
        decoys: Vec::new(),
        settings: Vec::new(),
        rounds_left: 0,
        expect: String::new(),
    };
    match native::said(&decide(&native::evidence(&case))) {
        case::Said::Settle(verdict) => verdict,
        probe @ case::Said::Probe { .. } => panic!("no rounds are left: {probe}"),
    }
}

fn class(name: &str) -> usize {
    CLASSES.iter().position(|class| *class == name).unwrap()
}

fn percent(part: u32, whole: u32) -> f64 {
    100.0 * f64::from(part) / f64::from(whole.max(1))
}

fn print_table(title: &str, table: &[[u32; 3]; 3]) {
    println!("{title}: truth down, verdict across");
    println!(
        "{:>12} {:>8} {:>10} {:>8}",
        "", CLASSES[0], CLASSES[1], CLASSES[2]
    );
    for (truth, row) in table.iter().enumerate() {
        println!(
            "{:>12} {:>8} {:>10} {:>8}",
            CLASSES[truth], row[0], row[1], row[2]
        );
    }
}

/// `550-text` as `550 text`, in every line.
fn undashed(reply: &str) -> String {
    let (code, _) = reply.split_at(3);
    let lines = reply.split(" // ").map(|line| {
        line.strip_prefix(code)
            .map_or(line, |rest| rest.trim_start_matches(['-', ' ']))
    });
    format!("{code} {}", lines.collect::<Vec<_>>().join(" // "))
}
