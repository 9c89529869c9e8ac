//! Goal: the dialogue is right byte for byte, for every server in `tests/data/transcripts`. Method:
//! each file's server lines are played to a pure session; the transcript that comes out, with the
//! summary of its answers behind `--- expected`, must be the file. `VRFY_BLESS=1` rewrites the
//! files.

#![forbid(unsafe_code)]

mod dialogue;

use std::fs;
use std::path::{Path, PathBuf};

use dialogue::{Split, replay, summary};
use vrfy_proto::transcript::Transcript;

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no arguments to be blessed with"
)]
fn every_saved_dialogue_is_held_again_byte_for_byte() {
    let bless = std::env::var_os("VRFY_BLESS").is_some();
    let mut wrong = Vec::new();
    for (path, text) in scripts() {
        let script = Transcript::from_text(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut held = replay(&script, Split::Lines);
        held.set_expected(Some(summary(&held)));
        let now = held.to_text();
        if now != text && bless {
            fs::write(&path, now).unwrap();
        } else if now != text {
            wrong.push(format!(
                "{}:\n{}",
                path.display(),
                first_difference(&text, &now)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_split_of_the_input_changes_no_dialogue() {
    for (path, text) in scripts() {
        let script = Transcript::from_text(&text).unwrap();
        let by_lines = replay(&script, Split::Lines).to_text();
        for split in [Split::Bytes, Split::Flights] {
            let other = replay(&script, split).to_text();
            assert_eq!(other, by_lines, "{} by {split:?}", path.display());
        }
    }
}

#[test]
fn every_saved_dialogue_survives_both_forms() {
    for (path, text) in scripts() {
        let script = Transcript::from_text(&text).unwrap();
        assert_eq!(script.to_text(), text, "{}", path.display());
        let json = script.to_json_lines();
        assert_eq!(
            Transcript::from_json_lines(&json).unwrap(),
            script,
            "{}",
            path.display()
        );
    }
}

#[test]
fn every_saved_dialogue_says_why_it_exists() {
    let scripts = scripts();
    assert!(scripts.len() >= 30, "only {} dialogues", scripts.len());
    for (path, text) in scripts {
        assert!(text.starts_with("# "), "{}", path.display());
        assert!(!text.starts_with("# with "), "{}", path.display());
    }
}

/// Everything that a probe says begins with one of these; read as text, without our own parser.
const SAID: [&str; 7] = [
    "EHLO ",
    "HELO ",
    "STARTTLS",
    "MAIL FROM:<",
    "RCPT TO:<",
    "RSET",
    "QUIT",
];

#[test]
fn no_saved_dialogue_says_what_a_probe_never_says() {
    for (path, text) in scripts() {
        let dialogue = text.split("\n--- expected\n").next().unwrap();
        for line in dialogue.lines().filter_map(|line| line.strip_prefix("C: ")) {
            let is_ours = SAID.iter().any(|verb| line.starts_with(verb));
            let is_whole = !line.ends_with(' ') && (line.ends_with('>') || !line.contains('<'));
            let has_parameter = line.ends_with("> SMTPUTF8") && line.starts_with("MAIL ");
            assert!(
                is_ours && (is_whole || has_parameter),
                "{}: {line}",
                path.display()
            );
        }
    }
}

#[test]
fn no_saved_dialogue_speaks_before_the_greeting_or_after_421() {
    for (path, text) in scripts() {
        let dialogue = text.split("\n--- expected\n").next().unwrap();
        let (mut is_greeted, mut is_over) = (false, false);
        for line in dialogue.lines() {
            let is_ours = line.starts_with("C: ");
            assert!(
                !is_ours || (is_greeted && !is_over),
                "{}: {line}",
                path.display()
            );
            if let Some(line) = line.strip_prefix("S: ") {
                let is_last = matches!(
                    line.as_bytes(),
                    [b'0'..=b'9', _, _] | [b'0'..=b'9', _, _, b' ', ..]
                );
                is_greeted |= is_last;
                is_over |= is_last && line.starts_with("421");
            }
        }
    }
}

fn scripts() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/transcripts");
    let entries = fs::read_dir(folder).expect("the folder of the dialogues is in the repository");
    let mut scripts: Vec<(PathBuf, String)> = entries
        .map(|entry| {
            let path = entry.expect("the folder can be listed").path();
            let text = fs::read_to_string(&path).expect("a dialogue is UTF-8 text");
            (path, text)
        })
        .collect();
    scripts.sort();
    scripts
}

/// The first line that differs, as it is in the file and as it is now.
fn first_difference(text: &str, now: &str) -> String {
    let mut lines = text.lines().zip(now.lines()).enumerate();
    match lines.find(|(_, (saved, held))| saved != held) {
        Some((index, (saved, held))) => {
            format!("  line {}\n  saved: {saved}\n  held:  {held}", index + 1)
        }
        None => format!("  one ends before the other; held:\n{now}"),
    }
}
