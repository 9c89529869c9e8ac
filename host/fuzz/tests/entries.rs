//! Goal: what libFuzzer runs is tested on every toolchain. Method: the same entry points get every
//! seed, every input that once failed, seeds that were changed, and bytes at random.

#![forbid(unsafe_code)]

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use vrfy_fuzz::host::input::LINE_MAX;
use vrfy_fuzz::{JUDGE, TARGETS, Target, list_input, seeds, session};
use vrfy_proto::transcript::Transcript;

/// Bytes that make and break the forms that are read: the mark of a session, line ends, quotes.
const TELLING: [u8; 16] = [
    0xff, 0, b'\r', b'\n', b'"', b'\\', b' ', b'-', b',', b':', b'@', b'[', b'<', b'>', b'0', b'9',
];

/// One change of an input.
#[derive(Clone, Debug)]
enum Edit {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    /// A piece of the input once more, somewhere else.
    Copy(Index, usize, Index),
    Cut(Index),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn changed_seeds_break_no_promise(
        target in any::<Index>(),
        seed in any::<Index>(),
        edits in vec(edits(), 1..8),
    ) {
        let target = TARGETS[target.index(TARGETS.len())];
        let seeds = seeds::of(target.name);
        let mut input = seeds[seed.index(seeds.len())].1.clone();
        for edit in edits {
            edit.apply(&mut input);
        }
        (target.check)(&input);
    }

    #[test]
    fn bytes_at_random_break_no_promise(
        target in any::<Index>(),
        input in vec(prop_oneof![any::<u8>(), proptest::sample::select(TELLING.to_vec())], 0..300),
    ) {
        let target = TARGETS[target.index(TARGETS.len())];
        (target.check)(&input);
    }
}

#[test]
fn every_seed_keeps_every_promise() {
    for target in TARGETS {
        let seeds = seeds::of(target.name);
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        hold(target, seeds);
    }
}

#[test]
fn a_seed_made_of_a_dialogue_is_that_dialogue() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto/tests/data/transcripts");
    let answers = |transcript: &Transcript| -> Vec<_> {
        let answers = transcript.answers().into_iter();
        answers
            .map(|answer| (answer.stage, answer.reply.map(|reply| reply.code)))
            .collect()
    };
    for (name, seed) in seeds::of("session") {
        let text = fs::read_to_string(folder.join(format!("{name}.smtp"))).unwrap();
        let dialogue = Transcript::from_text(&text).unwrap();
        let (held, _) = session::held(&seed);
        assert_eq!(answers(&held), answers(&dialogue), "{name}");
        assert_eq!(held.ending(), dialogue.ending(), "{name}");
    }
}

#[test]
fn whatever_was_found_stays_mended() {
    for target in TARGETS {
        hold(target, seeds::regressions(target.name));
    }
}

/// Each of the lines behind the quote is put back, and there are 32,000 of them.
#[test]
fn a_quote_left_open_over_many_lines_costs_what_the_lines_cost() {
    let file = [
        &b"\0\0\xff\0email,n\n\"\n"[..],
        &b"x\n".repeat(LINE_MAX / 2),
    ]
    .concat();
    list_input::check(&file);
}

#[test]
fn no_input_at_all_is_an_input() {
    for target in TARGETS {
        (target.check)(&[]);
    }
}

#[test]
fn every_entry_point_has_its_libfuzzer_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let names = TARGETS.iter().map(|target| target.name);
    for name in names.chain([JUDGE]) {
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{name}");
        let source = folder.join(format!("fuzz_targets/{name}.rs"));
        let source = fs::read_to_string(source).unwrap_or_default();
        assert!(source.contains("libfuzzer_sys::fuzz_target!"), "{name}");
    }
    let bins = manifest.matches("[[bin]]").count();
    assert_eq!(bins, TARGETS.len() + 1);
}

/// Checks them all, and names those that fail.
fn hold(target: Target, inputs: Vec<seeds::Seed>) {
    let failed: Vec<String> = inputs
        .into_iter()
        .filter(|(_, input)| {
            let check = AssertUnwindSafe(|| (target.check)(input));
            panic::catch_unwind(check).is_err()
        })
        .map(|(name, _)| name)
        .collect();
    assert!(failed.is_empty(), "{}: {failed:?}", target.name);
}

impl Edit {
    fn apply(self, input: &mut Vec<u8>) {
        if input.is_empty() {
            return;
        }
        match self {
            Self::Set(at, byte) => {
                let at = at.index(input.len());
                input[at] = byte;
            }
            Self::Insert(at, bytes) => {
                let at = at.index(input.len());
                input.splice(at..at, bytes);
            }
            Self::Remove(at, count) => {
                let at = at.index(input.len());
                let end = input.len().min(at + count);
                input.drain(at..end);
            }
            Self::Copy(from, count, to) => {
                let from = from.index(input.len());
                let end = input.len().min(from + count);
                let piece = input[from..end].to_vec();
                let to = to.index(input.len());
                input.splice(to..to, piece);
            }
            Self::Cut(at) => {
                let at = at.index(input.len());
                input.truncate(at);
            }
        }
    }
}

fn edits() -> impl Strategy<Value = Edit> {
    let byte = prop_oneof![proptest::sample::select(TELLING.to_vec()), any::<u8>()];
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), byte.clone()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        2 => (at(), vec(byte, 1..5)).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        2 => (at(), 1_usize..20).prop_map(|(at, count)| Edit::Remove(at, count)),
        2 => (at(), 1_usize..60, at()).prop_map(|(from, count, to)| Edit::Copy(from, count, to)),
        1 => at().prop_map(Edit::Cut),
    ]
}
