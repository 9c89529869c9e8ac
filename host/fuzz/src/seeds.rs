//! Inputs to begin with, made from the data of the tests, so that they cannot drift from it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use vrfy_proto::reply::{Line, LineEnd};
use vrfy_proto::transcript::{Closed, Event, RecipientKind, Transcript};

use crate::session::{
    BREAK, CLOSE, MARK, POLL, RECIPIENTS_MAX, REPEAT, RESET, TLS_FAILED, TLS_READY, WAIT, WAKE,
};

/// A name that is good for a file, and the input.
pub type Seed = (String, Vec<u8>);

/// The seeds of the target of that name; none for a name that is none.
///
/// # Panics
///
/// Where the data of the tests cannot be read.
#[must_use]
pub fn of(target: &str) -> Vec<Seed> {
    match target {
        "reply_reader" => replies(),
        "session" => sessions(),
        "judge" => judged(),
        "transcript_text" | "attempt_view" => texts(),
        "transcript_json" => json_forms(),
        "mailbox" => addresses(),
        "list_input" => lists(),
        "mx_plan" => mx_answers(),
        _ => Vec::new(),
    }
}

/// Inputs that once broke a promise of that target. They stay.
///
/// # Panics
///
/// Where the folder cannot be read.
#[must_use]
pub fn regressions(target: &str) -> Vec<Seed> {
    let folder = tree().join("host/fuzz/regressions").join(target);
    if !folder.is_dir() {
        return Vec::new();
    }
    let paths = files(&folder);
    paths.iter().map(|path| (name(path), read(path))).collect()
}

fn tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is in the repository");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the folder can be listed").path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).expect("a file of the repository can be read")
}

fn name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// Every saved dialogue: name, text, value.
fn dialogues() -> Vec<(String, String, Transcript)> {
    let folder = tree().join("host/proto/tests/data/transcripts");
    let dialogue = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a dialogue is text");
        let transcript = Transcript::from_text(&text).expect("a dialogue can be read");
        (name(path), text, transcript)
    };
    files(&folder).iter().map(dialogue).collect()
}

fn texts() -> Vec<Seed> {
    let dialogues = dialogues().into_iter();
    dialogues
        .map(|(name, text, _)| (name, text.into_bytes()))
        .collect()
}

fn json_forms() -> Vec<Seed> {
    let dialogues = dialogues().into_iter();
    dialogues
        .map(|(name, _, transcript)| (name, transcript.to_json_lines().into_bytes()))
        .collect()
}

/// What the server of each dialogue sent, and the replies of real servers.
fn replies() -> Vec<Seed> {
    let settings = [0, 0, 0, 0, 7];
    let mut seeds = Vec::new();
    for (name, _, transcript) in dialogues() {
        let mut seed = settings.to_vec();
        for (_, event) in transcript.events() {
            if let Event::Received(line) = event {
                seed.extend(wire_form(line));
            }
        }
        seeds.push((name, seed));
    }
    let known = read(&tree().join("tests/data/replies.jsonl"));
    for (index, line) in known.split(|byte| *byte == b'\n').enumerate() {
        let Ok(reply) = serde_json::from_slice::<serde_json::Value>(line) else {
            continue; // Its last line is empty; what is no JSON fails the test of the policy.
        };
        let text = reply["text"].as_str().unwrap_or_default();
        let mut seed = settings.to_vec();
        seed.extend(format!("{} {text}\r\n", reply["code"]).bytes());
        seeds.push((format!("known-{index}"), seed));
    }
    seeds
}

fn wire_form(line: Line<'_>) -> Vec<u8> {
    let mut bytes = line.bytes.to_vec();
    bytes.resize(bytes.len() + line.dropped as usize, b'x');
    bytes.extend_from_slice(match line.end {
        LineEnd::CrLf => b"\r\n",
        LineEnd::Lf => b"\n",
        LineEnd::Missing => b"",
    });
    bytes
}

fn sessions() -> Vec<Seed> {
    let dialogues = dialogues().into_iter();
    dialogues
        .map(|(name, _, transcript)| (name, session(&transcript)))
        .collect()
}

/// The same, and what else a policy is shown.
fn judged() -> Vec<Seed> {
    let known = [0, 1, 1, 6, 0x19, 0x7a, 0, 0];
    let dialogues = dialogues().into_iter().map(|(name, _, transcript)| {
        let mut seed = known.to_vec();
        seed.extend(b"text\0");
        let first = transcript.head.recipients.first();
        seed.extend(first.iter().flat_map(|one| one.address.bytes()));
        seed.push(0);
        seed.extend(session(&transcript));
        (name, seed)
    });
    dialogues.collect()
}

/// The input in which the server does what it did in this dialogue.
fn session(script: &Transcript) -> Vec<u8> {
    let head = &script.head;
    let setting = |name: &str| {
        let notes = script.notes().iter();
        let mut settings = notes
            .filter_map(|note| note.strip_prefix("with "))
            .flat_map(|settings| settings.split(' '));
        settings
            .find_map(|setting| setting.strip_prefix(name)?.strip_prefix('='))
            .map(str::to_owned)
    };
    let scaled = |name: &str, step: usize| {
        let value = setting(name).and_then(|value| value.parse::<usize>().ok());
        value.map_or(0, |value| byte(value / step + 1))
    };
    let mut input = vec![
        match setting("start-tls").as_deref() {
            Some("never") => 1,
            Some("required") => 2,
            _ => 0,
        },
        u8::from(setting("pipelining").is_some()),
        scaled("received-bytes", 97),
        scaled("reply-bytes", 31),
        scaled("reply-lines", 1),
        0,
        scaled("recipients", 1),
        scaled("rejections", 1),
        u8::from(setting("timeouts").is_some()),
        scaled("session-seconds", 1),
        u8::from(setting("hello").is_some()),
    ];
    let recipients = head.recipients.iter().take(RECIPIENTS_MAX);
    let decoys = recipients.clone().enumerate();
    let decoys = decoys.filter(|(_, one)| one.kind == RecipientKind::Decoy);
    input.push(byte(recipients.len()));
    let kinds = decoys.fold(0_u16, |bits, (place, _)| bits | 1 << place);
    input.extend(kinds.to_be_bytes());
    for text in [&head.egress.ehlo_name, &head.egress.reverse_path]
        .into_iter()
        .chain(recipients.map(|one| &one.address))
    {
        input.extend(text.bytes());
        input.push(0);
    }
    let mut now = Duration::ZERO;
    for (at, event) in script.events() {
        let mut seconds = usize::try_from((at - now).as_millis().div_ceil(1000)).unwrap_or(0);
        now = at;
        while seconds > 0 {
            input.extend([MARK, WAIT, byte(seconds)]);
            seconds -= seconds.min(255);
        }
        push_event(&mut input, event);
    }
    input
}

fn push_event(input: &mut Vec<u8>, event: Event<'_>) {
    match event {
        Event::Received(line) => {
            for byte in wire_form(line) {
                input.push(byte);
                if byte == MARK {
                    input.push(MARK);
                }
            }
        }
        Event::Sent(_) => input.extend([MARK, POLL]),
        Event::TlsReady(_) => input.extend([MARK, POLL, MARK, TLS_READY, MARK, POLL]),
        Event::TlsFailed(_) => input.extend([MARK, POLL, MARK, TLS_FAILED]),
        Event::Closed(Closed::Orderly) => input.extend([MARK, CLOSE]),
        Event::Closed(Closed::Reset) => input.extend([MARK, RESET]),
        Event::Closed(Closed::Other(_)) => input.extend([MARK, BREAK]),
        Event::TimedOut => input.extend([MARK, WAKE]),
        Event::Dropped { bytes, .. } => {
            let times = byte(usize::try_from(bytes).unwrap_or(0).div_ceil(64));
            input.extend([b'x', MARK, REPEAT, times]);
        }
        Event::ConnectFailed(_) | Event::NotAsked { .. } | Event::Ended(_) => {}
    }
}

fn byte(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// The addresses of the example list, and forms that are rare.
fn addresses() -> Vec<Seed> {
    let list = read(&tree().join("examples/addresses.txt"));
    let list = String::from_utf8(list).expect("the example list is text");
    let listed = list.lines().map(str::to_owned);
    let rare = RARE_ADDRESSES.iter().map(|text| (*text).to_owned());
    let named = listed.chain(rare).enumerate();
    named
        .map(|(index, text)| (format!("address-{index}"), text.into_bytes()))
        .collect()
}

/// One for each rule of the grammar.
const RARE_ADDRESSES: [&str; 26] = [
    "\"a b\"@example.test",
    "\"a\\\"b\\\\\"@example.test",
    "\"ab\"@example.test",
    "ana+tag@EXAMPLE.test",
    "postMaster@example.test",
    "用户@例え.test",
    "ana@xn--bcher-kva.test",
    "ana@bücher。test",
    "ana@faß.test",
    "ana@[192.0.2.1]",
    "ana@[IPv6:2001:db8::1]",
    "ana@[x-new:abc]",
    "@a.test,@b.test:ana@c.test",
    "<ana@example.test>",
    "ana(comment)@example.test",
    ".ana@example.test",
    "ana..b@example.test",
    "ana@example.test.",
    "ana@-example.test",
    "ana@192.0.2.1",
    "ana@xn--",
    "ana@xn--a.test",
    "\u{5d0}\u{5d1}@\u{5d0}\u{5d1}.test",
    "ana\u{200d}b@example.test",
    "[IPv6:::ffff:192.0.2.1]",
    "<>",
];

/// The example list in each format, and files that are hard to read.
fn lists() -> Vec<Seed> {
    let list = read(&tree().join("examples/addresses.txt"));
    let text = String::from_utf8_lossy(&list);
    let addresses: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let mut csv = "address,note\n".to_owned();
    let mut json = String::new();
    for address in &addresses {
        csv.push_str(&format!("\"{}\",\"x\ny\"\n", address.replace('"', "\"\"")));
        let object = serde_json::json!({ "address": address, "note": 1 });
        json.push_str(&format!("{object}\n"));
    }
    let files = [
        ("long-lines", &b"ana@x.test\n\0\n#\0\0\nbob@x.test\n"[..]),
        ("plain", text.as_bytes()),
        ("table", csv.as_bytes()),
        ("objects", json.as_bytes()),
        ("quote-left-open", b"email;n\n\"a;1\nb@x.test;2\n"),
        ("byte-order-mark", b"\xef\xbb\xbfa@x.test\r\n\r\nb@x.test"),
        ("tabs", b"mail\tname\r\na@x.test\t\"\"\"q\"\"\"\r\n"),
        (
            "bad-json",
            b"{\"email\":\"a@x.test\"}\n{\"email\":1}\n[]\n{\n",
        ),
        ("latin", b"a@x.test\nj\xf6rg@x.test\n"),
    ];
    let seed = |(name, file): (&str, &[u8])| {
        let seed = [&[0, 0, 5, 64], file].concat();
        (name.to_owned(), seed)
    };
    files.into_iter().map(seed).collect()
}

fn mx_answers() -> Vec<Seed> {
    let names: [&[&str]; 6] = [
        &["."],
        &["mx1.example.test.", "mx2.example.test.", "MX1.example.test"],
        &["192.0.2.1", "-x.test", "a_b.test", "."],
        &["mx.example.test"],
        &[],
        &["a.test"; 40],
    ];
    let seed = |(index, names): (usize, &[&str])| {
        let mut seed = vec![9, 0, 0, 0, 0, 0, 0, 0, byte(index), 0, 0, 0];
        for (preference, name) in names.iter().enumerate() {
            seed.extend([0, byte(preference % 3 * 10)]);
            seed.extend(name.bytes());
            seed.push(0);
        }
        seed.extend([1, 1, 0, 0x29, 0x39, 0x02, 0x51]);
        (format!("answer-{index}"), seed)
    };
    names.into_iter().enumerate().map(seed).collect()
}
