//! Every JSON record follows the published schema, `docs/record.schema.json`.
//!
//! Method: records of every kind, with every case that a closed type has, are printed by the writer
//! that users get and held against the schema; then records that break a promise are refused by it,
//! because a schema that accepts everything would prove nothing.

use serde_json::{Value, json};
use vrfy::output::{Form, Writer};
use vrfy::record::{
    Because, Change, Clamp, Explained, FaultRecord, HOST_REASONS, InputRow, Judged, NextAsk,
    Origin, PolicyIdentity, Record, RecordStatus,
};
use vrfy_proto::enhanced_code::EnhancedStatusCode;
use vrfy_proto::evidence::{
    Attempt, Cause, ConnectFailure, DecoyFinding, Ending, Exchange, ExchangeChoice, Fact, Lookup,
    LookupOutcome, Reply, Tls,
};
use vrfy_proto::stage::Stage;

const SCHEMA: &str = include_str!("../../docs/record.schema.json");

const DIGEST: &str = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

#[test]
fn the_schema_itself_is_valid() {
    jsonschema::meta::validate(&schema()).expect("a valid JSON Schema 2020-12");
}

#[test]
fn every_field_is_described() {
    let schema = schema();
    let mut missing = Vec::new();
    collect_undescribed(&schema, "", &mut missing);
    for (name, definition) in schema["$defs"].as_object().expect("definitions") {
        if definition.get("description").is_none() {
            missing.push(format!("/$defs/{name}"));
        }
    }
    assert!(missing.is_empty(), "without a description: {missing:#?}");
}

#[test]
fn a_full_record_and_the_least_one_follow_the_schema() {
    assert_follows(&full());
    let mut least = full();
    least.because.clear();
    least.attempts.clear();
    least.mailbox = None;
    least.lookups.clear();
    least.decoys.clear();
    least.tags.clear();
    least.facts.clear();
    least.clamps.clear();
    least.fault = None;
    least.input = None;
    least.transcripts = None;
    least.explained = Some(Explained::default());
    assert_follows(&least);
    least.explained = None;
    assert_follows(&least);
}

#[test]
fn a_record_of_every_status_and_host_reason_follows_the_schema() {
    for status in RecordStatus::ALL {
        let mut record = full();
        record.status = status;
        record.due = (status == RecordStatus::Pending).then(|| "2030-01-01T00:05:00Z".to_owned());
        assert_follows(&record);
    }
    for (reason, _) in HOST_REASONS {
        let mut record = full();
        record.status = RecordStatus::Unknown;
        record.reason = reason.to_owned();
        assert_follows(&record);
    }
}

#[test]
fn every_ending_at_every_stage_follows_the_schema() {
    let text = || "in words".to_owned();
    let failures = [
        ConnectFailure::Refused,
        ConnectFailure::TimedOut,
        ConnectFailure::Unreachable,
        ConnectFailure::NotPublic(text()),
        ConnectFailure::Other(text()),
    ];
    let stages = Stage::ALL.into_iter().flat_map(|stage| {
        [
            Ending::Closed(stage),
            Ending::TimedOut(stage),
            Ending::ServiceClosing(stage),
        ]
    });
    let others = [
        Ending::Completed,
        Ending::GreetingRefused,
        Ending::EhloRefused,
        Ending::TlsFailed(text()),
        Ending::Violation(text()),
        Ending::LimitReached(text()),
        Ending::NotAsked(text()),
        Ending::Other(text()),
    ];
    let endings = failures.map(Ending::NotConnected).into_iter();
    for ending in endings.chain(stages).chain(others) {
        let mut record = full();
        record.attempts[0].ending = ending;
        assert_follows(&record);
    }
}

#[test]
fn every_outcome_of_a_look_up_follows_the_schema() {
    for outcome in [
        LookupOutcome::Exchanges,
        LookupOutcome::ImplicitMx,
        LookupOutcome::NullMx,
        LookupOutcome::AddressLiteral,
        LookupOutcome::SpecialUse("invalid".to_owned()),
        LookupOutcome::NxDomain,
        LookupOutcome::NoData,
        LookupOutcome::NoUsableExchange,
        LookupOutcome::NoUsableExchangeNow,
        LookupOutcome::ServFail,
        LookupOutcome::Refused,
        LookupOutcome::TimedOut,
        LookupOutcome::Other("in words".to_owned()),
    ] {
        let mut record = full();
        record.lookups[0].outcome = outcome;
        assert_follows(&record);
    }
}

#[test]
fn every_cause_follows_the_schema() {
    for cause in [
        Cause::Address,
        Cause::Lookup(0),
        Cause::Attempt(0),
        Cause::Reply {
            attempt: 0,
            reply: 0,
        },
        Cause::Decoy(0),
        Cause::Tag(0),
    ] {
        let mut record = full();
        record.because[0].cause = cause;
        record.because[0].reply = None;
        record.because[0].exchange = None;
        assert_follows(&record);
    }
}

#[test]
fn a_reply_of_any_kind_follows_the_schema() {
    let mut record = full();
    record.attempts[0].replies = Stage::ALL.map(|stage| reply(stage, "Ok")).to_vec();
    record.attempts[0].replies[0].code = None;
    record.attempts[0].replies[1].code = Some(0);
    record.attempts[0].replies[2].text = "\u{0}\u{1b}\u{9b}\u{202e}\u{fffd}\"\\\n".to_owned();
    assert_follows(&record);
}

#[test]
fn due_and_pending_come_together_or_not_at_all() {
    let mut record = json_of(&full());
    assert!(is_valid(&record));
    record["due"] = json!("2030-01-01T00:05:00Z");
    assert!(!is_valid(&record), "due without pending");
    record["status"] = json!("pending");
    assert!(is_valid(&record));
    record.as_object_mut().unwrap().remove("due");
    assert!(!is_valid(&record), "pending without due");
}

#[test]
fn what_breaks_a_promise_is_refused() {
    for (pointer, value) in [
        ("/status", json!("valid")),
        ("/reason", json!("No Such User")),
        ("/confidence", json!(101)),
        ("/confidence", json!(0.5)),
        ("/started", json!("yesterday")),
        ("/policy/digest", json!("md5:0")),
        ("/attempts/0/ending", json!("vanished")),
        ("/attempts/0/round", json!(0)),
        ("/attempts/0/replies/0/code", json!(1000)),
        ("/attempts/0/replies/0/stage", json!("data")),
        ("/because/0/cause", json!({ "reply": 1 })),
        ("/lookups/0/outcome", json!("not-found")),
        ("/input/line", json!(0)),
    ] {
        let mut record = json_of(&full());
        *record.pointer_mut(pointer).expect("a field of the record") = value;
        assert!(!is_valid(&record), "{pointer}");
    }
}

#[test]
fn a_field_that_is_missing_or_unknown_is_refused() {
    for field in [
        "address",
        "status",
        "reason",
        "confidence",
        "because",
        "attempts",
        "policy",
    ] {
        let mut record = json_of(&full());
        record.as_object_mut().unwrap().remove(field).unwrap();
        assert!(!is_valid(&record), "without {field}");
    }
    let mut record = json_of(&full());
    record["verdict"] = json!("deliverable");
    assert!(!is_valid(&record));
}

fn schema() -> Value {
    serde_json::from_str(SCHEMA).expect("JSON")
}

/// Walks through `properties` at every depth and notes those that say nothing about themselves.
fn collect_undescribed(schema: &Value, path: &str, missing: &mut Vec<String>) {
    let Value::Object(schema) = schema else {
        return;
    };
    for (key, value) in schema {
        let path = format!("{path}/{key}");
        match value {
            Value::Object(fields) if key == "properties" => {
                for (name, field) in fields {
                    let is_condition = path.starts_with("/if/") || path.starts_with("/else/");
                    // What refers to a definition is described there.
                    let is_described = ["description", "$ref"]
                        .iter()
                        .any(|key| field.get(key).is_some());
                    if !is_described && !is_condition {
                        missing.push(format!("{path}/{name}"));
                    }
                    collect_undescribed(field, &format!("{path}/{name}"), missing);
                }
            }
            Value::Array(items) => {
                for item in items {
                    collect_undescribed(item, &path, missing);
                }
            }
            other => collect_undescribed(other, &path, missing),
        }
    }
}

fn is_valid(record: &Value) -> bool {
    jsonschema::is_valid(&schema(), record)
}

/// Prints the record as users get it and holds it against the schema.
fn assert_follows(record: &Record) {
    let record = json_of(record);
    let validator = jsonschema::validator_for(&schema()).expect("a valid schema");
    let errors: Vec<String> = validator
        .iter_errors(&record)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{record:#}");
}

fn json_of(record: &Record) -> Value {
    let mut writer = Writer::new(Vec::new(), Form::JsonLines);
    writer.write(record).expect("a record is written");
    let line = writer.finish().expect("a vector takes everything");
    serde_json::from_slice(&line).expect("the writer writes JSON")
}

fn reply(stage: Stage, text: &str) -> Reply {
    Reply {
        stage,
        code: Some(250),
        enhanced: EnhancedStatusCode::from_text(text.as_bytes()),
        text: text.to_owned(),
        elapsed_ms: 31,
    }
}

/// A record in which nothing is absent but `due`.
fn full() -> Record {
    let accepted = reply(Stage::RcptTo, "2.1.5 Ok");
    Record {
        address: "ana@example.com".to_owned(),
        status: RecordStatus::Deliverable,
        reason: "accepted".to_owned(),
        confidence: 92,
        because: vec![Because {
            cause: Cause::Reply {
                attempt: 0,
                reply: 0,
            },
            exchange: Some("mx1.example.com".to_owned()),
            reply: Some(accepted.clone()),
            text: "mx1.example.com accepted the recipient".to_owned(),
        }],
        attempts: vec![attempt(accepted.clone())],
        policy: PolicyIdentity {
            name: "default".to_owned(),
            version: "0.1.0".to_owned(),
            digest: DIGEST.to_owned(),
        },
        mailbox: Some("ana@example.com".to_owned()),
        due: None,
        lookups: vec![lookup()],
        decoys: vec![DecoyFinding {
            asked_ms: 1_893_456_000_000,
            exchange_name: "mx1.example.com".to_owned(),
            attempt: None,
            reply: accepted,
        }],
        tags: vec!["role-account".to_owned()],
        facts: vec![Fact::new("provider", "none")],
        clamps: vec![Clamp {
            wish: "wait-ms".to_owned(),
            asked: "10".to_owned(),
            done: "60000".to_owned(),
        }],
        fault: Some(FaultRecord {
            kind: "deadline".to_owned(),
            message: "the policy gave no answer in time".to_owned(),
            digest: DIGEST.to_owned(),
        }),
        started: "2030-01-01T00:00:00.125Z".to_owned(),
        elapsed_ms: 437,
        input: Some(InputRow {
            line: 2,
            columns: serde_json::Map::from_iter([("age".to_owned(), json!(41))]),
        }),
        transcripts: Some(vec!["S: 220 mx1.example.com\n".to_owned()]),
        explained: Some(explained()),
    }
}

fn explained() -> Explained {
    let judged = |status: &str| Judged {
        status: status.to_owned(),
        reason: "no-such-user".to_owned(),
        confidence: 97,
    };
    Explained {
        origin: Some(Origin {
            file: "saved.jsonl".to_owned(),
            line: 3,
        }),
        recorded: Some(judged("pending")),
        otherwise: Some(judged("unknown")),
        next: Some(NextAsk {
            reason: "greylisted".to_owned(),
            wait_ms: 300_000,
            hold_lane_ms: 0,
            exchange: ExchangeChoice::Same,
        }),
        changes: vec![Change {
            what: "had no decoy been asked".to_owned(),
            verdict: judged("risky"),
        }],
    }
}

fn attempt(reply: Reply) -> Attempt {
    Attempt {
        round: 1,
        started_ms: 1_893_456_000_000,
        elapsed_ms: 412,
        exchange: 0,
        exchange_name: "mx1.example.com".to_owned(),
        remote_address: Some("192.0.2.25".to_owned()),
        local_address: "198.51.100.7".to_owned(),
        ehlo_name: "probe.example.net".to_owned(),
        reverse_path: String::new(),
        tls: Some(Tls {
            version: "TLSv1.3".to_owned(),
            cipher_suite: "TLS13_AES_256_GCM_SHA384".to_owned(),
            problems: vec!["self-signed".to_owned()],
        }),
        replies: vec![reply],
        ending: Ending::Completed,
        asked_before: 0,
        refused_before: 0,
        facts: vec![Fact::new("violation", "bare-line-feed")],
    }
}

fn lookup() -> Lookup {
    Lookup {
        started_ms: 1_893_456_000_000,
        elapsed_ms: 12,
        outcome: LookupOutcome::Exchanges,
        exchanges: vec![Exchange {
            name: "mx1.example.com".to_owned(),
            preference: 10,
            addresses: vec!["192.0.2.25".to_owned()],
        }],
        facts: vec![Fact::new("alias", "mail.example.com")],
    }
}
