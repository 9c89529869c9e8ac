//! Records to test with: one of each kind that looks different.

use serde_json::Value;
use vrfy_proto::enhanced_code::EnhancedStatusCode;
use vrfy_proto::evidence::{
    Attempt, Cause, ConnectFailure, DecoyFinding, Ending, Exchange, Lookup, LookupOutcome, Reply,
    Tls,
};
use vrfy_proto::stage::Stage;

use crate::record::{Because, Clamp, FaultRecord, InputRow, PolicyIdentity, Record, RecordStatus};

/// Digest of the policy of every sample.
pub(crate) const DIGEST: &str =
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// Accepted, and the decoy was not.
pub(crate) fn accepted() -> Record {
    let reply = reply(Stage::RcptTo, 250, "2.1.5 Ok");
    let mut record = heard(
        "ana@example.com",
        RecordStatus::Deliverable,
        "accepted",
        reply,
    );
    record.confidence = 92;
    record.attempts[0].tls = Some(Tls {
        version: "TLSv1.3".to_owned(),
        cipher_suite: "TLS_AES_256_GCM_SHA384".to_owned(),
        problems: Vec::new(),
    });
    record.decoys.push(DecoyFinding {
        asked_ms: STARTED_MS,
        exchange_name: "mx1.example.com".to_owned(),
        attempt: Some(0),
        reply: self::reply(Stage::RcptTo, 550, "5.1.1 User unknown"),
    });
    record
}

/// Refused with a reply of two lines.
pub(crate) fn refused() -> Record {
    let text = "5.1.1 <nobody@example.com>: Recipient address rejected:\n\
                User unknown in virtual mailbox table";
    let reply = reply(Stage::RcptTo, 550, text);
    let status = RecordStatus::Undeliverable;
    let mut record = heard("nobody@example.com", status, "no-such-user", reply);
    record.confidence = 97;
    record
}

/// Greylisted twice, to be asked again later than the policy wished.
pub(crate) fn greylisted() -> Record {
    let reply = reply(
        Stage::RcptTo,
        450,
        "4.2.0 Greylisted, see you in 300 seconds",
    );
    let mut record = heard("bo@example.com", RecordStatus::Pending, "greylisted", reply);
    let mut second = record.attempts[0].clone();
    second.round = 2;
    second.started_ms += 60_000;
    record.attempts.push(second);
    record.due = Some("2030-01-01T00:05:00Z".to_owned());
    record.clamps.push(Clamp {
        wish: "wait-ms".to_owned(),
        asked: "10".to_owned(),
        done: "60000".to_owned(),
    });
    record
}

/// Nothing was reached.
pub(crate) fn unreachable() -> Record {
    let reply = reply(Stage::RcptTo, 0, "");
    let mut record = heard(
        "eve@example.org",
        RecordStatus::Unknown,
        "unreachable",
        reply,
    );
    record.confidence = 80;
    record.attempts[0].replies.clear();
    record.attempts[0].remote_address = None;
    record.attempts[0].ending = Ending::NotConnected(ConnectFailure::TimedOut);
    record.because = vec![Because {
        cause: Cause::Attempt(0),
        exchange: Some("mx1.example.com".to_owned()),
        reply: None,
        text: "no answer to the connection to mx1.example.com".to_owned(),
    }];
    record
}

/// A domain that says that it takes no mail.
pub(crate) fn null_mx() -> Record {
    let mut record = unreachable();
    record.address = "any@example.net".to_owned();
    record.status = RecordStatus::Undeliverable;
    record.reason = "null-mx".to_owned();
    record.attempts.clear();
    record.lookups[0].outcome = LookupOutcome::NullMx;
    record.lookups[0].exchanges.clear();
    record.because[0] = Because {
        cause: Cause::Lookup(0),
        exchange: None,
        reply: None,
        text: "example.net publishes a null MX".to_owned(),
    };
    record
}

/// A policy that failed.
pub(crate) fn faulty() -> Record {
    let mut record = unreachable();
    record.reason = "policy-fault".to_owned();
    record.confidence = 0;
    record.because.clear();
    record.fault = Some(FaultRecord {
        kind: "deadline".to_owned(),
        message: "the policy ran for 100 ms without an answer; look for a loop in `decide`, or \
                  choose another policy with --policy"
            .to_owned(),
        digest: DIGEST.to_owned(),
    });
    record
}

/// A record with these other columns in its row.
pub(crate) fn with_columns(columns: Value) -> Record {
    let Value::Object(columns) = columns else {
        panic!("columns are an object");
    };
    let mut record = refused();
    record.input = Some(InputRow { line: 2, columns });
    record
}

const STARTED_MS: u64 = 1_893_456_000_000;

/// A reply as it was received.
pub(crate) fn reply(stage: Stage, code: u16, text: &str) -> Reply {
    let enhanced = EnhancedStatusCode::from_text(text.as_bytes());
    Reply {
        stage,
        code: Some(code),
        enhanced,
        text: text.to_owned(),
        elapsed_ms: 31,
    }
}

fn heard(address: &str, status: RecordStatus, reason: &str, reply: Reply) -> Record {
    let exchange = "mx1.example.com".to_owned();
    let attempt = Attempt {
        round: 1,
        started_ms: STARTED_MS,
        elapsed_ms: 412,
        exchange: 0,
        exchange_name: exchange.clone(),
        remote_address: Some("192.0.2.25".to_owned()),
        local_address: "198.51.100.7".to_owned(),
        ehlo_name: "probe.example.net".to_owned(),
        reverse_path: String::new(),
        tls: None,
        replies: vec![
            self::reply(Stage::Greeting, 220, "mx1.example.com"),
            reply.clone(),
        ],
        ending: Ending::Completed,
        asked_before: 0,
        refused_before: 0,
        facts: Vec::new(),
    };
    let lookup = Lookup {
        started_ms: STARTED_MS,
        elapsed_ms: 12,
        outcome: LookupOutcome::Exchanges,
        exchanges: vec![Exchange {
            name: exchange.clone(),
            preference: 10,
            addresses: vec!["192.0.2.25".to_owned()],
        }],
        facts: Vec::new(),
    };
    Record {
        address: address.to_owned(),
        status,
        reason: reason.to_owned(),
        confidence: 0,
        because: vec![Because {
            cause: Cause::Reply {
                attempt: 0,
                reply: 1,
            },
            exchange: Some(exchange),
            text: format!("mx1.example.com to RCPT TO: {}", super::reply_line(&reply)),
            reply: Some(reply),
        }],
        attempts: vec![attempt],
        policy: PolicyIdentity {
            name: "default".to_owned(),
            version: "0.1.0".to_owned(),
            digest: DIGEST.to_owned(),
        },
        mailbox: Some(address.to_owned()),
        due: None,
        lookups: vec![lookup],
        decoys: Vec::new(),
        tags: Vec::new(),
        facts: Vec::new(),
        clamps: Vec::new(),
        fault: None,
        started: "2030-01-01T00:00:00Z".to_owned(),
        elapsed_ms: 437,
        input: None,
        transcripts: None,
        explained: None,
    }
}
