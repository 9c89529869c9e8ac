//! Guests that misbehave, each in one way, and one that does not.
//!
//! They are written in the text form of WebAssembly and encoded when asked for, so that what is
//! hostile about each can be read in a few lines. The command line's tests write them to files with
//! [`Hostile::write`].

mod guest;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use guest::{Cause, Guest, JUDGE, Settle, encode};

/// A guest, named for what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hostile {
    /// Nothing wrong: settles every mailbox as unknown, for the reason `sample`.
    No,
    /// Nothing wrong: the same with as many memories as are allowed.
    EightMemories,
    /// `decide` never returns.
    Loops,
    /// `decide` executes `unreachable`, as a panic does.
    Traps,
    /// `decide` grows its memory without end.
    GrowsMemory,
    /// `decide` grows a table far beyond the limit.
    GrowsTable,
    /// `decide` calls itself without end.
    OverflowsStack,
    /// Returns a text of two megabytes as its reason.
    ReturnsMegabytes,
    /// Returns a text that lies outside its memory.
    ReturnsWildPointer,
    /// Returns bytes that are not UTF-8.
    ReturnsInvalidText,
    /// Returns a decision that is neither case of the variant.
    ReturnsUnknownCase,
    /// Gives nine causes.
    TooManyCauses,
    /// Points to an attempt that the evidence does not hold.
    CauseBeyondEvidence,
    /// Points to a reply that the attempt does not hold.
    ReplyBeyondEvidence,
    /// Gives a reason that is no name, with an escape sequence in it.
    ReasonIsNoName,
    /// Gives a reason that its manifest lacks.
    ReasonNotDeclared,
    /// Is 101 percent sure.
    TooConfident,
    /// Gives 33 facts.
    TooManyFacts,
    /// Gives a fact whose name is none.
    FactIsNoName,
    /// Gives a fact with a value of 2,000 bytes.
    FactTooLong,
    /// Counts its calls and would answer differently each time, if it lived on.
    KeepsState,
    /// `describe` traps.
    TrapsInDescribe,
    /// `describe` never returns.
    LoopsInDescribe,
    /// Its start function never returns.
    LoopsInStart,
    /// Its start function grows the memory without end.
    GrowsInStart,
    /// Its name is none.
    ManifestIsWrong,
    /// Its reason speaks about something that is no name.
    AboutIsWrong,
    /// The usual status of its reason is none.
    StatusIsWrong,
    /// Starts with 128 MiB of memory.
    StartsWithMemory,
    /// Starts with a table of a million elements.
    StartsWithTable,
    /// Has nine memories.
    ManyMemories,
    /// Imports WASI.
    ImportsWasi,
    /// Imports something else.
    ImportsHost,
    /// Uses threads.
    UsesThreads,
    /// A core module.
    CoreModule,
    /// The first half of a good policy.
    Truncated,
    /// A component of another world.
    OtherWorld,
    /// The next track of our interface.
    OtherVersion,
    /// Our interface with one field of another type.
    OtherTypes,
    /// A program for this machine, by its first bytes.
    NotWasm,
    /// The text form.
    TextFormat,
    /// Nothing at all.
    Empty,
}

impl Hostile {
    /// Every guest.
    pub const ALL: [Self; 42] = [
        Self::No,
        Self::EightMemories,
        Self::Loops,
        Self::Traps,
        Self::GrowsMemory,
        Self::GrowsTable,
        Self::OverflowsStack,
        Self::ReturnsMegabytes,
        Self::ReturnsWildPointer,
        Self::ReturnsInvalidText,
        Self::ReturnsUnknownCase,
        Self::TooManyCauses,
        Self::CauseBeyondEvidence,
        Self::ReplyBeyondEvidence,
        Self::ReasonIsNoName,
        Self::ReasonNotDeclared,
        Self::TooConfident,
        Self::TooManyFacts,
        Self::FactIsNoName,
        Self::FactTooLong,
        Self::KeepsState,
        Self::TrapsInDescribe,
        Self::LoopsInDescribe,
        Self::LoopsInStart,
        Self::GrowsInStart,
        Self::ManifestIsWrong,
        Self::AboutIsWrong,
        Self::StatusIsWrong,
        Self::StartsWithMemory,
        Self::StartsWithTable,
        Self::ManyMemories,
        Self::ImportsWasi,
        Self::ImportsHost,
        Self::UsesThreads,
        Self::CoreModule,
        Self::Truncated,
        Self::OtherWorld,
        Self::OtherVersion,
        Self::OtherTypes,
        Self::NotWasm,
        Self::TextFormat,
        Self::Empty,
    ];

    /// The bytes of the file.
    pub fn bytes(self) -> Vec<u8> {
        match self {
            Self::CoreModule => Guest::default().core(),
            Self::Truncated => {
                let mut whole = Self::No.bytes();
                whole.truncate(whole.len() / 2);
                whole
            }
            Self::OtherWorld => component("", "wasi:http/incoming-handler@0.2.0"),
            Self::ImportsWasi => {
                let import = r#"(import "wasi:clocks/wall-clock@0.2.0" (instance))"#;
                component(import, JUDGE)
            }
            Self::ImportsHost => component(r#"(import "log" (func))"#, JUDGE),
            Self::ManyMemories => {
                let module = "(core module (memory 1)) (core instance (instantiate 0))";
                let more = "(core instance (instantiate 0))".repeat(8);
                component(&format!("{module} {more}"), JUDGE)
            }
            Self::UsesThreads => component("(core module (memory 1 1 shared))", JUDGE),
            Self::OtherVersion => {
                let wit = guest::WIT.replace("@0.1.0;", "@0.2.0;");
                let core = Guest::default().core_text().replace("@0.1.0#", "@0.2.0#");
                encode(&core, &wit)
            }
            Self::OtherTypes => {
                let wit = guest::WIT.replace("confidence: u8", "confidence: u16");
                encode(&Guest::default().core_text(), &wit)
            }
            Self::NotWasm => b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec(),
            Self::TextFormat => b"(component)\n".to_vec(),
            Self::Empty => Vec::new(),
            _ => self.guest().component(),
        }
    }

    /// Writes it as a file into a directory and returns its path.
    pub fn write(self, directory: &Path) -> io::Result<PathBuf> {
        let path = directory.join(format!("{self:?}.wasm"));
        fs::write(&path, self.bytes())?;
        Ok(path)
    }

    /// The guest, for those that are whole components of our world.
    fn guest(self) -> Guest {
        let settle = Settle::default();
        match self {
            Self::EightMemories => Guest::with(
                "(memory 1) (memory 1) (memory 1) (memory 1) (memory 1) (memory 1) (memory 1)",
            ),
            Self::TrapsInDescribe => Guest::describing("unreachable"),
            Self::LoopsInDescribe => Guest::describing("(loop $on (br $on)) unreachable"),
            Self::LoopsInStart => Guest::with("(func $run (loop $on (br $on))) (start $run)"),
            Self::GrowsInStart => Guest::with(
                "(func $run (loop $on (br_if $on (i32.ne (i32.const -1) (memory.grow \
                 (i32.const 16)))))) (start $run)",
            ),
            Self::AboutIsWrong => Guest {
                taxonomy: ("The Mailbox", 3),
                ..Guest::default()
            },
            Self::StatusIsWrong => Guest {
                taxonomy: ("mailbox", 4),
                ..Guest::default()
            },
            Self::ManifestIsWrong => Guest {
                name: "Not A Name",
                ..Guest::default()
            },
            Self::StartsWithMemory => Guest {
                pages: 2048,
                ..Guest::default()
            },
            Self::StartsWithTable => Guest::with("(table 1000000 funcref)"),
            Self::KeepsState => Guest {
                more: "(global $calls (mut i32) (i32.const 0))",
                ..Guest::deciding(
                    "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                     (i32.store8 offset=16 (i32.const DECISION) (global.get $calls))
                     (i32.const DECISION)",
                )
            },
            _ => match self.body() {
                Some(body) => body,
                None => Guest::settling(self.settle(settle)),
            },
        }
    }

    /// The guest, for those whose `decide` never answers.
    fn body(self) -> Option<Guest> {
        Some(match self {
            Self::Loops => Guest::deciding("(loop $on (br $on)) unreachable"),
            Self::Traps => Guest {
                more: "(func $give_up (result i32) unreachable)",
                ..Guest::deciding("(call $give_up)")
            },
            Self::GrowsMemory => Guest::deciding(
                "(loop $on (drop (memory.grow (i32.const 16))) (br $on)) unreachable",
            ),
            Self::GrowsTable => Guest {
                more: "(table $t 1 funcref)",
                ..Guest::deciding(
                    "(drop (table.grow $t (ref.null func) (i32.const 1000000))) unreachable",
                )
            },
            Self::OverflowsStack => Guest {
                more: "(func $deeper (param i32) (result i32)
                    (i32.add (call $deeper (local.get 0)) (i32.const 1)))",
                ..Guest::deciding("(call $deeper (i32.const 0))")
            },
            _ => return None,
        })
    }

    /// The verdict, for those that answer.
    fn settle(self, good: Settle) -> Settle {
        match self {
            Self::ReturnsMegabytes => Settle {
                reason_at: Some((0, 2 * 1024 * 1024)),
                ..good
            },
            Self::ReturnsWildPointer => Settle {
                reason_at: Some((0xffff_fff0, 64)),
                ..good
            },
            Self::ReturnsInvalidText => Settle {
                reason: b"\xff\xfe".to_vec(),
                ..good
            },
            Self::ReturnsUnknownCase => Settle { case: 7, ..good },
            Self::TooManyCauses => Settle {
                because: vec![Cause::Address; 9],
                ..good
            },
            Self::CauseBeyondEvidence => Settle {
                because: vec![Cause::Attempt(7)],
                ..good
            },
            Self::ReplyBeyondEvidence => Settle {
                because: vec![Cause::Reply(0, 99)],
                ..good
            },
            Self::ReasonIsNoName => Settle {
                reason: b"\x1b[2J Not a name".to_vec(),
                ..good
            },
            Self::ReasonNotDeclared => Settle {
                reason: b"not-declared".to_vec(),
                ..good
            },
            Self::TooConfident => Settle {
                confidence: 101,
                ..good
            },
            Self::TooManyFacts => Settle {
                facts: vec![("rule", String::new()); 33],
                ..good
            },
            Self::FactIsNoName => Settle {
                facts: vec![("A rule", String::new())],
                ..good
            },
            Self::FactTooLong => Settle {
                facts: vec![("rule", "x".repeat(2000))],
                ..good
            },
            _ => good,
        }
    }
}

/// A component with this inside that exports an empty instance by this name.
fn component(inside: &str, export: &str) -> Vec<u8> {
    let text = format!(
        r#"(component {inside}
            (component $empty) (instance $i (instantiate $empty))
            (export "{export}" (instance $i)))"#
    );
    wat::parse_str(text).expect("the text is WebAssembly")
}
