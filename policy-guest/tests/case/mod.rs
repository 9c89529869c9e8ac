//! Policy cases: evidence in short form, and the decision that it must lead to.
//!
//! A case file is TOML, one topic a file, many `[[case]]`s in it. This module only reads it into
//! plain values; who runs a case turns them into the types of its side, and the decision into a
//! [`Said`], whose text form is what `expect` holds. So the same files run natively and as a
//! component.
//!
//! ```toml
//! [[case]]
//! name = "a greylisted mailbox is asked again where it was greylisted"
//! mailbox = "ana@example.com"                   # the default
//! problem = "no-at-sign"                        # instead: the address is no mailbox
//! facts = ["excluded example.com"]              # of the evidence: name and value
//! tags = ["role-account"]                       # of the evidence
//! lookups = ["exchanges mx.example.com"]        # the default; or `null-mx`, `special-use test`;
//!                                               # ` | NAME VALUE` behind it is a fact
//! attempts = ["rcpt-to 451 4.7.1 Greylisted"]   # one text each, one line a reply or a fact
//! decoys = ["550 5.1.1 User unknown"]           # replies to RCPT TO; `mx2.example.com: ...`
//! settings = ["decoy=false"]                    # what the operator set
//! rounds-left = 10                              # the default
//! deadline = "24h"                              # from the begin of the probe; default: none
//! expect = "probe greylisted, wait 5m, same, ..."
//! ```
//!
//! Lines of an attempt: `round N` (default: one more than the last), `at EXCHANGE` (default: the
//! first), `ends ENDING [DETAIL]` (default: completed), and `STAGE CODE [X.Y.Z] TEXT` for a reply,
//! ` // ` standing for a line end in its text. Where the first reply is one to RCPT TO, the usual
//! ones before it are put in: it is then reply 3. Further lines: `took 45s`, how long the reply of
//! the line before took; `after 2h`, when the attempt began, from the begin of the probe;
//! `asked 9 refused 7`, of the mailboxes before this one in the session; `tls`, that TLS came
//! about; `null-path`, that MAIL FROM carried none.
//!
//! An exchange of a look-up may have a preference (`mx2.example.com:20`, default 10). A case of a
//! file `hard-*.toml` has an `id` and a `why` too, and the file a `title`: `docs/hard-cases.md` is
//! made of them.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "test support: every test uses some of it, and panics say enough"
)]

use std::fmt;
use std::fs;
use std::path::Path;

use toml::{Table, Value};

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Topic (the file's name) and sentence.
    pub name: String,
    pub mailbox: String,
    pub problem: Option<String>,
    pub tags: Vec<String>,
    /// Name and value.
    pub facts: Vec<(String, String)>,
    pub lookups: Vec<Lookup>,
    pub attempts: Vec<Attempt>,
    pub decoys: Vec<Decoy>,
    /// Key and value as an operator writes them.
    pub settings: Vec<(String, String)>,
    pub rounds_left: u32,
    /// From the begin of the probe.
    pub deadline_ms: Option<u64>,
    pub expect: String,
}

/// A look-up: the outcome's name, and either its detail or the exchanges.
#[derive(Clone, Debug)]
pub struct Lookup {
    pub outcome: String,
    pub words: Vec<String>,
    /// Name and value.
    pub facts: Vec<(String, String)>,
}

/// An attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub round: u32,
    pub exchange: String,
    pub replies: Vec<Reply>,
    pub ending: String,
    pub detail: String,
    /// Name and value.
    pub facts: Vec<(String, String)>,
    pub around: Around,
}

/// What else is known of an attempt.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// From the begin of the probe to that of the attempt.
    pub after_ms: u64,
    pub asked_before: u32,
    pub refused_before: u32,
    pub tls: bool,
    pub null_path: bool,
}

/// A reply.
#[derive(Clone, Debug)]
pub struct Reply {
    pub stage: String,
    pub code: Option<u16>,
    pub enhanced: Option<(u8, u16, u16)>,
    pub text: String,
    pub elapsed_ms: u32,
}

/// A decoy's answer.
#[derive(Clone, Debug)]
pub struct Decoy {
    pub exchange: String,
    pub reply: Reply,
}

/// Facts of a verdict that stand in its text form; the others are tested where they are made.
pub const TOLD: [&str; 4] = ["did-you-mean", "forward-path", "deferred-before", "tls"];

/// A decision in plain words.
#[derive(Clone, Debug)]
pub enum Said {
    Settle(SaidVerdict),
    Probe {
        reason: String,
        wait_ms: u32,
        exchange: String,
        decoy: String,
        hold_lane_ms: u32,
        otherwise: SaidVerdict,
    },
}

/// A verdict in plain words.
#[derive(Clone, Debug)]
pub struct SaidVerdict {
    pub status: String,
    pub reason: String,
    pub confidence: u8,
    pub hold_lane_ms: u32,
    /// The value of the fact `rule`, if there is one.
    pub rule: Option<String>,
    /// Name and value of the facts of [`TOLD`].
    pub facts: Vec<(String, String)>,
    /// Such as `reply 0 3`, `decoy 0`, `lookup 0`, `attempt 1`, `address`.
    pub because: Vec<String>,
}

impl fmt::Display for SaidVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}%", self.status, self.reason, self.confidence)?;
        if let Some(rule) = &self.rule {
            write!(f, " by {rule}")?;
        }
        if self.hold_lane_ms > 0 {
            write!(f, " holding {} s", self.hold_lane_ms / 1000)?;
        }
        let told = self.facts.iter();
        for (name, value) in told.filter(|(name, _)| TOLD.contains(&name.as_str())) {
            write!(f, " ({name} {value})")?;
        }
        write!(f, ", {}", self.because.join(", "))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settle(verdict) => write!(f, "settle {verdict}"),
            Self::Probe {
                reason,
                wait_ms,
                exchange,
                decoy,
                hold_lane_ms,
                otherwise,
            } => {
                write!(f, "probe {reason}, wait {}, {exchange}", duration(*wait_ms))?;
                write!(f, ", decoy {decoy}")?;
                if *hold_lane_ms > 0 {
                    write!(f, ", hold {}", duration(*hold_lane_ms))?;
                }
                write!(f, ", else {otherwise}")
            }
        }
    }
}

fn duration(ms: u32) -> String {
    match ms / 1000 {
        0 => "0".into(),
        s if s % 3600 == 0 => format!("{}h", s / 3600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

/// All cases of all files in `folder`, in the order of their names.
pub fn load(folder: &Path) -> Vec<Case> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "toml"));
    files.sort();
    files.iter().flat_map(|file| load_file(file)).collect()
}

fn load_file(file: &Path) -> Vec<Case> {
    let topic = file.file_stem().unwrap().to_string_lossy().into_owned();
    let text = fs::read_to_string(file).unwrap();
    let table: Table = text
        .parse()
        .unwrap_or_else(|error| panic!("{topic}: {error}"));
    let cases = table["case"].as_array().unwrap();
    cases
        .iter()
        .map(|case| read_case(&topic, case.as_table().unwrap()))
        .collect()
}

fn read_case(topic: &str, fields: &Table) -> Case {
    let known = [
        "name",
        "mailbox",
        "problem",
        "facts",
        "tags",
        "lookups",
        "attempts",
        "decoys",
        "settings",
        "rounds-left",
        "deadline",
        "expect",
        "id",
        "why",
    ];
    for key in fields.keys() {
        assert!(
            known.contains(&key.as_str()),
            "{topic}: no such field: {key}"
        );
    }
    let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
    let lookups =
        texts(fields, "lookups").unwrap_or_else(|| vec!["exchanges mx.example.com".into()]);
    let lookups: Vec<Lookup> = lookups.iter().map(|line| read_lookup(line)).collect();
    let first = lookups.last().and_then(|lookup| lookup.words.first());
    let exchange = first.map_or("mx.example.com", |word| preference(word).0);
    let exchange = exchange.to_owned();
    let mut attempts: Vec<Attempt> = Vec::new();
    for lines in texts(fields, "attempts").unwrap_or_default() {
        let round = attempts.last().map_or(1, |last| last.round + 1);
        attempts.push(read_attempt(&lines, round, &exchange));
    }
    let decoys = texts(fields, "decoys").unwrap_or_default();
    let settings = texts(fields, "settings").unwrap_or_default();
    Case {
        name: format!("{topic}: {}", text("name").expect("a case has a name")),
        mailbox: text("mailbox").unwrap_or_else(|| "ana@example.com".into()),
        problem: text("problem"),
        tags: texts(fields, "tags").unwrap_or_default(),
        facts: texts(fields, "facts")
            .unwrap_or_default()
            .iter()
            .map(|line| read_fact(line))
            .collect(),
        lookups,
        attempts,
        decoys: decoys
            .iter()
            .map(|line| read_decoy(line, &exchange))
            .collect(),
        settings: settings
            .iter()
            .map(|pair| pair.split_once('=').expect("a setting is key=value"))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        deadline_ms: text("deadline").map(|time| milliseconds(&time).into()),
        rounds_left: fields
            .get("rounds-left")
            .and_then(Value::as_integer)
            .map_or(10, |rounds| rounds.try_into().unwrap()),
        expect: text("expect").expect("a case expects something"),
    }
}

fn texts(fields: &Table, key: &str) -> Option<Vec<String>> {
    let list = fields.get(key)?.as_array().expect("a list of texts");
    Some(
        list.iter()
            .map(|item| item.as_str().unwrap().to_owned())
            .collect(),
    )
}

fn read_lookup(line: &str) -> Lookup {
    let mut parts = line.split(" | ");
    let mut words = parts.next().unwrap().split(' ').map(str::to_owned);
    Lookup {
        outcome: words.next().unwrap(),
        words: words.collect(),
        facts: parts.map(read_fact).collect(),
    }
}

/// The name and the preference of an exchange.
pub fn preference(word: &str) -> (&str, u16) {
    let parts = word
        .rsplit_once(':')
        .and_then(|(name, number)| Some((name, number.parse().ok()?)));
    parts.unwrap_or((word, 10))
}

/// Milliseconds of `45s`, `5m` or `2h`.
pub fn milliseconds(text: &str) -> u32 {
    let (number, unit) = text.split_at(text.len() - 1);
    let unit = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => panic!("{text} is no duration"),
    };
    number.parse::<u32>().unwrap() * unit
}

fn read_fact(line: &str) -> (String, String) {
    let (name, value) = line.split_once(' ').expect("a fact is a name and a value");
    (name.to_owned(), value.to_owned())
}

fn read_decoy(line: &str, exchange: &str) -> Decoy {
    let named = line
        .split_once(": ")
        .filter(|(name, _)| name.contains('.') && !name.contains(' '));
    let (exchange, reply) = named.unwrap_or((exchange, line));
    Decoy {
        exchange: exchange.to_owned(),
        reply: read_reply("rcpt-to", reply),
    }
}

fn read_attempt(lines: &str, round: u32, exchange: &str) -> Attempt {
    let mut attempt = Attempt {
        round,
        exchange: exchange.to_owned(),
        replies: Vec::new(),
        ending: "completed".into(),
        detail: String::new(),
        facts: Vec::new(),
        around: Around::default(),
    };
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "round" => attempt.round = rest.parse().unwrap(),
            "at" => attempt.exchange = rest.into(),
            "fact" => {
                let (name, value) = rest.split_once(' ').expect("a fact is a name and a value");
                attempt.facts.push((name.into(), value.into()));
            }
            "ends" => {
                let (ending, detail) = rest.split_once(' ').unwrap_or((rest, ""));
                attempt.ending = ending.into();
                attempt.detail = detail.into();
            }
            "tls" => attempt.around.tls = true,
            "null-path" => attempt.around.null_path = true,
            "after" => attempt.around.after_ms = milliseconds(rest).into(),
            "took" => attempt.replies.last_mut().unwrap().elapsed_ms = milliseconds(rest),
            "asked" => {
                let (asked, refused) = rest.split_once(" refused ").expect("`asked 9 refused 7`");
                attempt.around.asked_before = asked.parse().unwrap();
                attempt.around.refused_before = refused.parse().unwrap();
            }
            stage => attempt.replies.push(read_reply(stage, rest)),
        }
    }
    if attempt
        .replies
        .first()
        .is_some_and(|reply| reply.stage == "rcpt-to")
    {
        let usual = [
            ("greeting", "220 ready"),
            ("ehlo", "250 hello"),
            ("mail-from", "250 ok"),
        ];
        let usual = usual.map(|(stage, reply)| read_reply(stage, reply));
        attempt.replies.splice(0..0, usual);
    }
    attempt
}

/// `CODE [X.Y.Z] TEXT`; a code of `-` is none.
pub fn read_reply(stage: &str, line: &str) -> Reply {
    let (code, text) = line.split_once(' ').unwrap_or((line, ""));
    let text = text.replace(" // ", "\n");
    let enhanced = text.split([' ', '\n']).next().and_then(|word| {
        let parts: Vec<&str> = word.split('.').collect();
        let [class, subject, detail] = parts[..] else {
            return None;
        };
        Some((
            class.parse().ok()?,
            subject.parse().ok()?,
            detail.parse().ok()?,
        ))
    });
    Reply {
        stage: stage.into(),
        code: code.parse().ok(),
        enhanced,
        text,
        elapsed_ms: 20,
    }
}
