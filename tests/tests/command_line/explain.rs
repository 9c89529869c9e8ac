//! `vrfy explain`: what was saved is judged as it was judged live, and the reasons are told.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use vrfy_lab::Scenario;
use vrfy_proto::transcript::Transcript;
use vrfy_tests::hostile::Hostile;
use vrfy_tests::program::{Outcome, Run, root};

use crate::QUICK;

/// Status, reason and rule of a record.
fn verdict(record: &Value) -> (String, String, Option<String>) {
    let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
    let facts = record["facts"].as_array().unwrap();
    let rule = facts.iter().find(|fact| fact["name"] == "rule");
    let rule = rule.and_then(|rule| rule["value"].as_str());
    (text("status"), text("reason"), rule.map(str::to_owned))
}

fn by_mailbox(records: Vec<Value>) -> BTreeMap<String, Value> {
    let of = |record: &Value| record["mailbox"].as_str().unwrap_or_default().to_owned();
    records
        .into_iter()
        .map(|record| (of(&record), record))
        .collect()
}

struct Saved {
    folder: TempDir,
}

impl Saved {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn explain(path: &PathBuf) -> Run {
    Run::plain().args(["explain"]).args([path])
}

/// Everything that the first scenario has, with all retries.
fn first_run() -> Outcome {
    let scenario = Scenario::load(root().join("examples/lab/first.toml")).unwrap();
    let known = scenario.addresses().iter();
    let addresses: Vec<String> = known.map(|known| known.address.clone()).collect();
    let run = Run::in_lab("first").args(["check", "--json", "--transcript", "--retry=wait"]);
    run.args(QUICK).args(addresses).run().exits(0)
}

#[test]
fn saved_records_and_dialogues_are_judged_as_the_live_probe_was() {
    let live = first_run();
    let saved = Saved::new();
    let records = saved.file("records.jsonl", &live.stdout);
    let again = explain(&records)
        .args(["--json"])
        .args(&QUICK[..3])
        .run()
        .exits(0);
    let (live, again) = (live.records(), again.records());
    assert_eq!(live.len(), again.len());
    for (live, again) in live.iter().zip(&again) {
        assert_eq!(verdict(live), verdict(again), "{live:#}\n{again:#}");
        let recorded = &again["explained"]["recorded"];
        assert_eq!(recorded["status"], live["status"], "{again:#}");
    }

    let live = by_mailbox(live);
    let dialogues: Vec<String> = live
        .values()
        .filter_map(|record| record["transcripts"].as_array())
        .flatten()
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect();
    let json: String = dialogues
        .iter()
        .map(|text| Transcript::from_text(text).unwrap().to_json_lines())
        .collect();
    let text = saved.file("dialogues.txt", &dialogues.join("\n"));
    let json = saved.file("dialogues.jsonl", &json);
    for path in [text, json] {
        let again = explain(&path)
            .args(["--json"])
            .args(&QUICK[..3])
            .run()
            .exits(0);
        let again = by_mailbox(again.records());
        assert!(again.len() > 25, "{}", again.len());
        for (mailbox, record) in &again {
            let live = &live[mailbox];
            assert_eq!(verdict(live), verdict(record), "{live:#}\n{record:#}");
            let rounds = |record: &Value| {
                let attempts = record["attempts"].as_array().unwrap().iter();
                attempts
                    .map(|one| one["round"].as_u64())
                    .collect::<Vec<_>>()
            };
            assert_eq!(rounds(live), rounds(record), "{live:#}\n{record:#}");
        }
    }
}

#[test]
fn what_check_prints_is_explained_as_it_was_saved() {
    let run = Run::in_lab("first").args(["check", "--transcript"]);
    let printed = run
        .args(["nobody@ordinary.test", "ana@accept-all.test", "x"])
        .run()
        .exits(0);
    let saved = Saved::new();
    let path = saved.file("saved.txt", &printed.stdout);
    let told = explain(&path).run().exits(0);
    for line in [
        "✗ nobody@ordinary.test is undeliverable\n",
        "! ana@accept-all.test is risky\n",
        "  Decided   the reply to RCPT TO in the only attempt\n",
        "  Rule      unknown-user\n",
        "  Changes   had the reply been 450, not 550: risky (unknown-user-temporary, ",
        "with --set accept-all=unknown: unknown (accept-all, 0 percent sure)\n",
        "had no decoy been asked: deliverable (accept-all-unknown, ",
    ] {
        assert!(told.stdout.contains(line), "no {line:?} in {told:#?}");
    }
    assert_eq!(told.stdout.matches("percent sure\n\n").count(), 2);
    let one = explain(&path)
        .args(["--address=ana@accept-all.test"])
        .run()
        .exits(0);
    assert!(!one.stdout.contains("nobody@"), "{one:#?}");
    let set = explain(&path)
        .args(["--json", "--set=accept-all=unknown"])
        .run();
    let set = by_mailbox(set.exits(0).records());
    assert_eq!(set["ana@accept-all.test"]["status"], "unknown");
}

#[test]
fn a_broken_line_is_told_and_stops_nobody_else() {
    let run = Run::in_lab("first").args(["check", "--json", "nobody@ordinary.test"]);
    let record = run.run().exits(0).stdout;
    let pretty: Value = serde_json::from_str(&record).unwrap();
    let half = &record[..record.len() / 2];
    let text = format!("{half}\n{record}{{\"event\": \"sent\"}}\n{{}}\n{pretty:#}\n");
    let told = Run::plain()
        .args(["explain", "--json", "-"])
        .input(text)
        .run();
    let told = told.exits(3);
    assert_eq!(told.records().len(), 2, "{told:#?}");
    for problem in [
        "vrfy: -, line 1: this is no whole JSON object",
        "vrfy: -, line 3: an event of a dialogue without the head",
        "vrfy: -, line 4: neither a record nor a part of a dialogue",
    ] {
        assert!(told.stderr.contains(problem), "no {problem:?} in {told:#?}");
    }
}

#[test]
fn a_file_without_evidence_says_what_is_expected() {
    let saved = Saved::new();
    let path = saved.file("list.txt", "ana@example.com\n");
    let told = explain(&path).run().exits(3);
    assert!(
        told.stderr.contains("no dialogue and no record in it"),
        "{told:#?}"
    );
    let missing = saved.folder.path().join("missing.txt");
    let told = explain(&missing).run().exits(3);
    assert!(told.stderr.contains("cannot read"), "{told:#?}");
}

#[test]
fn a_dialogue_that_was_cut_out_by_hand_is_enough() {
    let text = "S: 220 hi\nC: EHLO probe.example.com\nS: 250 hi\nC: MAIL FROM:<p@example.com>\n\
                S: 250 ok\nC: RCPT TO:<ana@example.com>\nS: 550 5.1.1 <p@example.com>: who?\n";
    let told = Run::plain()
        .args(["explain", "-"])
        .input(text)
        .run()
        .exits(0);
    for line in [
        "? ana@example.com stays unknown\n",
        "  Asked     the server, with RCPT TO\n",
        "  Rule      reverse-path-named\n",
        "  Source    the text names our reverse path",
        "  Beaten    x-1-1, unknown-user: ",
    ] {
        assert!(told.stdout.contains(line), "no {line:?} in {told:#?}");
    }
}

#[test]
fn a_later_transaction_that_is_refused_is_about_the_session() {
    let text = "mailbox: ana@example.com\nmailbox: bob@example.com\n\
                exchange: mx.example.com\nreverse-path: <p@example.com>\n\n\
                S: 220 hi\nC: EHLO probe.example.com\nS: 250 hi\nC: MAIL FROM:<p@example.com>\n\
                S: 250 ok\nC: RCPT TO:<ana@example.com>\nS: 250 ok\nC: RSET\nS: 250 ok\n\
                C: MAIL FROM:<p@example.com>\nS: 550 no more\nC: QUIT\nS: 221 bye\n\
                @ ended mail-refused\n";
    let saved = Saved::new();
    let path = saved.file("later.txt", text);
    let told = explain(&path).args(["--json"]).run().exits(0).records();
    let told = by_mailbox(told);
    let of = |address: &str| verdict(&told[address]);
    assert_eq!(of("ana@example.com").0, "deliverable");
    let (status, reason, rule) = of("bob@example.com");
    assert_eq!(
        (status.as_str(), reason.as_str(), rule.as_deref()),
        ("unknown", "too-many-recipients", Some("asked-before"))
    );
}

#[test]
fn a_file_about_others_says_so() {
    let record = r#"{"address":"ana@example.com","status":"unknown","reason":"interrupted"}"#;
    let run = Run::plain().args(["explain", "--address=bo@example.com", "-"]);
    let told = run.input(record).run().exits(3);
    assert!(told.stderr.contains("nothing about a mailbox"), "{told:#?}");
}

/// A policy that knows no explaining facts has its causes and its reason to tell.
#[test]
fn any_policy_can_be_asked() {
    let record = Run::in_lab("first").args(["check", "--json", "nobody@ordinary.test"]);
    let record = record.run().exits(0).stdout;
    let saved = Saved::new();
    let path = saved.file("saved.jsonl", &record);
    let told = |guest: Hostile| {
        let policy = guest.write(saved.folder.path()).unwrap();
        explain(&path)
            .args(["--policy"])
            .args([&policy])
            .run()
            .exits(0)
            .stdout
    };
    let knows_nothing = told(Hostile::No);
    for line in [
        "  the record says otherwise: undeliverable",
        "  Decided   the address itself",
    ] {
        assert!(
            knows_nothing.contains(line),
            "no {line:?} in {knows_nothing}"
        );
    }
    let traps = told(Hostile::Traps);
    assert!(traps.contains("policy-fault"), "{traps}");
    assert!(traps.contains("  Fault  "), "{traps}");
}

#[test]
fn programs_get_the_explanation_too() {
    let run = Run::in_lab("first").args(["check", "--explain", "--json"]);
    let run = run
        .args(["nobody@ordinary.test", "ana@greylist.test"])
        .run();
    let records = by_mailbox(run.exits(0).records());
    let schema = std::fs::read_to_string(root().join("docs/record.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    for record in records.values() {
        if let Err(error) = schema.validate(record) {
            panic!("{error} at {}\n{record:#}", error.instance_path());
        }
        let facts = record["facts"].as_array().unwrap();
        let is_sourced = facts.iter().any(|fact| fact["name"] == "rule-source");
        assert!(is_sourced, "{record:#}");
    }
    let pending = &records["ana@greylist.test"]["explained"];
    assert_eq!(pending["next"]["reason"], "greylisted", "{pending:#}");
    assert_eq!(pending["otherwise"]["status"], "unknown", "{pending:#}");
}

#[test]
fn a_live_probe_is_explained_at_once() {
    let run = Run::in_lab("first").args(["check", "--explain"]);
    let told = run
        .args(["nobody@ordinary.test", "ana@greylist.test"])
        .run()
        .exits(0);
    for line in [
        "\n  Why\n  Decided   the reply to RCPT TO in the only attempt\n",
        "  Rule      unknown-user\n",
        "  Words     \"no such user\"\n",
        "  Source    ",
        "  Decoy     it was refused as a recipient that is not there",
        "  Beaten    x-1-1, which says the same\n",
        "            code-5yz, refused-unclear: The server refuses and does not tell",
        "  Next      with budget left, the policy would ask again in 1 min 0 s: greylisted\n",
        "            if nobody asks again: unknown (greylisted, 0 percent sure)\n",
    ] {
        assert!(told.stdout.contains(line), "no {line:?} in {told:#?}");
    }
    assert!(!told.stdout.contains("Noted"), "{told:#?}");
}
