//! The rules of the house, held by a test: style is not argued here, it fails.
//!
//! Goal: what a reviewer would say twice is said once, by a machine. Method: every file of the tree
//! is read as text and each rule lists its findings with path and line. A rule may have exceptions;
//! they stand beside it with their reason, and one that excuses nothing any more fails too, so the
//! lists can only shrink.
//!
//! What it does not do: parse Rust. It relies on rustfmt's layout, and leaves to clippy and Cargo
//! what they can hold themselves.

#[path = "tidy/internet.rs"]
mod internet;
#[path = "tidy/layout.rs"]
mod layout;
#[path = "tidy/tree.rs"]
mod tree;

use internet::{is_real_address, is_real_name, somebodys};
use layout::{function_length, names};
use tree::{code_findings, except, files, findings, hold, root, rust_files, text_files};

/// Lines of a Rust file, its unit tests not counted.
const FILE_LINES_MAX: usize = 600;

/// Lines of a function's body, blank lines and comments not counted.
const FUNCTION_LINES_MAX: usize = 70;

/// Characters of a line of Rust.
const LINE_CHARACTERS_MAX: usize = 100;

#[test]
fn no_line_is_too_long() {
    hold(&rust_files(), &[], |file| {
        findings(file, |line| {
            let characters = line.chars().count();
            (characters > LINE_CHARACTERS_MAX).then(|| format!("{characters} characters"))
        })
    });
}

#[test]
fn no_file_is_too_long() {
    hold(&rust_files(), &[], |file| {
        let lines = file.code().lines().count();
        let is_too_long = lines > FILE_LINES_MAX;
        let finding = || (FILE_LINES_MAX, format!("{lines} lines without its tests"));
        is_too_long.then(finding).into_iter().collect()
    });
}

#[test]
fn no_function_is_too_long() {
    hold(&rust_files(), &[], |file| {
        let lines: Vec<&str> = file.text.lines().collect();
        (0..lines.len())
            .filter_map(|at| {
                let length = function_length(&lines[at..])?;
                let is_too_long = length > FUNCTION_LINES_MAX;
                is_too_long.then(|| (at + 1, format!("a function of {length} lines")))
            })
            .collect()
    });
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, so that this file does not find itself.
    let markers = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("dbg", "!("),
        concat!("#[ig", "nore"),
    ];
    hold(&text_files(), &[], |file| {
        findings(file, |line| {
            let marker = markers.iter().find(|marker| line.contains(**marker))?;
            Some(format!("the marker {marker}"))
        })
    });
}

#[test]
fn only_reserved_names_and_addresses_are_used() {
    let registry = "holds the registries of special addresses, and their borders";
    let beside = "shows that a name beside a reserved one is not reserved; nobody asks it";
    let lists = "has domains of the lists of addresses; nobody asks them, but in a lab";
    let schema = "names the dialect of JSON Schema";
    let public = "has addresses that stand for the public Internet; nothing is sent there";
    let exceptions = [
        except("Cargo.toml", "has a key that ends like a name"),
        except("LICENSE-APACHE", "names the place of the licence"),
        except("docs/record.schema.json", schema),
        except("docs/doctor.schema.json", schema),
        except("host/data/lists/", lists),
        except("host/proto/src/address_safety.rs", registry),
        except("host/proto/src/address_safety/", registry),
        except(
            "host/proto/src/enhanced_code.rs",
            "has a code with a number too many",
        ),
        except("host/proto/src/special_use.rs", beside),
        except("host/src/connect/guard.rs", public),
        except("host/tests/address_safety.rs", public),
        except(
            "host/src/connect/tests.rs",
            "shows that the anycast address of a protocol counts as public; nobody asks it",
        ),
        except("host/src/exclusions/tests.rs", beside),
        except(
            "host/src/policy/names.rs",
            "has a version with a number too many",
        ),
        except(
            "host/src/doctor/spf/macros.rs",
            "turns the labels of a reserved name round",
        ),
        except(
            "host/src/doctor/source.rs",
            "shows an address that counts as public; nobody asks it",
        ),
        except("host/src/tags/tests.rs", lists),
        except("tests/tests/command_line/tags.rs", lists),
        except("docs/rules.md", "is made of the rules"),
        except(
            "policy-guest/rules.toml",
            "names providers as the sources of rules",
        ),
        except("policy-guest/src/rules.rs", beside),
        except(
            "tests/data/replies.jsonl",
            "names pages as sources; the addresses in its texts are checked as it is read",
        ),
        except("tests/judge/src/corpus.rs", beside),
        except(
            "tests/src/servers/opensmtpd/smtpd.conf",
            "cites a known fault of a server",
        ),
        except("tests/data/policies/hard-edge.toml", "names providers"),
        except(
            "examples/lab/hard-cases.toml",
            "names providers, and answers for them",
        ),
        except("docs/hard-cases.md", "shows those cases"),
        except("tests/tests/tidy.rs", "tests this rule"),
    ];
    hold(&text_files(), &exceptions, |file| {
        findings(file, |line| {
            let found = somebodys(line)?;
            Some(format!("`{found}` may belong to somebody"))
        })
    });
}

#[test]
fn every_dialogue_opens_with_its_reason() {
    let dialogues = files(|path| path.ends_with(".smtp"));
    assert!(!dialogues.is_empty(), "the transcripts have moved");
    hold(&dialogues, &[], |file| {
        let first = file.text.lines().next().unwrap_or_default();
        let is_sentence = first.starts_with("# ") && first.split(' ').count() > 3;
        let finding = (
            1,
            "the first line does not say why this file exists".to_owned(),
        );
        (!is_sentence).then_some(finding).into_iter().collect()
    });
}

#[test]
fn no_path_of_one_machine_is_named() {
    let places = ["/root/", "/home/", "/Users/", "/tmp/"];
    let exceptions = [except("tests/tests/tidy.rs", "lists them")];
    hold(&text_files(), &exceptions, |file| {
        findings(file, |line| {
            let place = places.iter().find(|place| line.contains(**place))?;
            Some(format!("a path under {place}"))
        })
    });
}

#[test]
fn links_of_pages_lead_somewhere() {
    hold(&files(|path| path.ends_with(".md")), &[], |file| {
        let folder = root().join(&file.path);
        let folder = folder.parent().expect("a file is in a folder");
        findings(file, |line| {
            line.split("](")
                .skip(1)
                .filter_map(|rest| rest.split(')').next())
                .map(|target| target.split('#').next().unwrap_or_default())
                .filter(|target| !target.is_empty() && !target.contains("://"))
                .find(|target| !folder.join(target).exists())
                .map(|target| format!("a link to `{target}`, which does not exist"))
        })
    });
}

#[test]
fn nobody_prints_but_the_programs_and_their_commands() {
    let macros = ["println!(", "print!(", "eprintln!(", "eprint!("];
    let sources = files(|path| {
        let is_program = path.ends_with("/main.rs") || path.starts_with("host/src/commands");
        let is_library = path.contains("/src/") && !is_program;
        path.ends_with(".rs") && is_library && !path.starts_with("tests/")
    });
    hold(&sources, &[], |file| {
        code_findings(file, |line| {
            let name = macros.iter().find(|name| line.contains(**name))?;
            Some(format!("{name}...) outside a program"))
        })
    });
}

/// What the files under some places may never name.
struct ImportRule {
    places: &'static [&'static str],
    never: &'static [&'static str],
    because: &'static str,
}

const IMPORT_RULES: &[ImportRule] = &[
    ImportRule {
        places: &["host/proto/src/"],
        never: &[
            "tokio",
            "hickory",
            "hickory_resolver",
            "wasmtime",
            "clap",
            "rand",
            "std::fs",
            "std::env",
            "std::process",
            "std::thread",
            "TcpStream",
            "TcpListener",
            "UdpSocket",
            "Instant",
            "SystemTime",
            "std::{",
        ],
        because: "the protocol is pure: no runtime, socket, file, clock or chance",
    },
    ImportRule {
        places: &["policy-guest/src/"],
        never: &[
            "std::fs",
            "std::env",
            "std::net",
            "std::process",
            "std::thread",
            "Instant",
            "SystemTime",
            "std::{",
        ],
        because: "a policy is a function of its evidence",
    },
    ImportRule {
        places: &["host/lab/"],
        never: &["vrfy_proto"],
        because: "the lab must not share a parser, and so a bug, with the host",
    },
    ImportRule {
        places: &["host/src/record.rs"],
        never: &["crate"],
        because: "a record is a value that everybody may know",
    },
    ImportRule {
        places: &["host/src/lookup.rs", "host/src/lookup/"],
        never: &[
            "crate::connect",
            "crate::tls",
            "crate::drive",
            "crate::policy",
            "crate::dispatch",
            "crate::record",
            "crate::output",
            "crate::progress",
            "vrfy_proto::session",
        ],
        because: "a look-up knows names and addresses, and no session",
    },
    ImportRule {
        places: &[
            "host/src/connect.rs",
            "host/src/connect/",
            "host/src/tls.rs",
            "host/src/tls/",
            "host/src/drive.rs",
            "host/src/drive/",
        ],
        never: &[
            "crate::lookup",
            "crate::policy",
            "crate::dispatch",
            "crate::record",
            "crate::output",
            "crate::progress",
        ],
        because: "whoever moves bytes judges nothing",
    },
    ImportRule {
        places: &["host/src/doctor.rs", "host/src/doctor/"],
        never: &[
            "crate::args",
            "crate::policy",
            "crate::dispatch",
            "crate::judge",
            "crate::record",
            "crate::output",
            "crate::progress",
        ],
        because: "an examination knows neither policies nor how it is printed",
    },
    ImportRule {
        places: &["host/src/policy.rs", "host/src/policy/"],
        never: &[
            "crate::lookup",
            "crate::connect",
            "crate::tls",
            "crate::drive",
            "crate::dispatch",
            "crate::output",
            "crate::progress",
            "tokio::net",
            "hickory_resolver",
        ],
        because: "the runtime of policies sees evidence and nothing else",
    },
    ImportRule {
        places: &["host/src/input.rs", "host/src/input/"],
        never: &[
            "crate::lookup",
            "crate::connect",
            "crate::tls",
            "crate::drive",
            "crate::dispatch",
            "crate::policy",
            "crate::output",
            "crate::progress",
            "tokio",
        ],
        because: "a list is read without knowing what becomes of it",
    },
    ImportRule {
        places: &[
            "host/src/output.rs",
            "host/src/output/",
            "host/src/progress.rs",
        ],
        never: &[
            "crate::lookup",
            "crate::connect",
            "crate::tls",
            "crate::drive",
            "crate::dispatch",
            "crate::policy",
            "crate::input",
            "tokio",
            "Instant",
            "SystemTime",
        ],
        because: "output prints what is recorded and concludes nothing",
    },
    ImportRule {
        places: &["host/src/dispatch.rs", "host/src/dispatch/"],
        never: &["clap", "crate::args", "crate::output", "crate::progress"],
        because: "dispatch knows neither the command line nor how records look",
    },
];

#[test]
fn modules_import_what_they_may() {
    for rule in IMPORT_RULES {
        let sources = files(|path| {
            path.ends_with(".rs") && rule.places.iter().any(|place| path.starts_with(place))
        });
        // A module that is not there breaks no rule.
        if sources.is_empty() {
            continue;
        }
        hold(&sources, &[], |file| {
            code_findings(file, |line| {
                let name = rule.never.iter().find(|name| names(line, name))?;
                Some(format!("`{name}`: {}", rule.because))
            })
        });
    }
}

#[test]
fn only_the_command_line_names_clap() {
    let allowed = ["host/src/main.rs", "host/src/args", "host/src/config"];
    let sources = files(|path| {
        let is_allowed = allowed.iter().any(|place| path.starts_with(place));
        path.ends_with(".rs") && path.starts_with("host/src/") && !is_allowed
    });
    hold(&sources, &[], |file| {
        code_findings(file, |line| names(line, "clap").then(|| "clap".to_owned()))
    });
}

#[test]
fn rules_find_what_they_forbid() {
    assert!(is_real_name("mail.somebody.com"));
    assert!(is_real_name("somebody.co.uk"));
    for name in [
        "mx.example.com",
        "example.org",
        "a.test",
        "x.invalid",
        "main.rs",
        "e.g",
        ".com",
    ] {
        assert!(!is_real_name(name), "{name}");
    }
    assert!(is_real_address("8.8.8.8"));
    assert!(is_real_address("8.8.8.8."));
    assert!(is_real_address("2a00::1"));
    for address in [
        "192.0.2.1",
        "127.0.0.53",
        "10.0.0.1",
        "1.2.0.192.",
        "::1",
        "2001:db8::1",
        "4.2.0",
        "12:30",
    ] {
        assert!(!is_real_address(address), "{address}");
    }
    assert!(names("use tokio::net::TcpStream;", "tokio"));
    assert!(!names("let tokio_like = 1;", "tokio"));
    assert!(!names("use vrfy_policy;", "policy"));
    let function = [
        "    pub(crate) fn f(",
        "        a: u8,",
        "    ) -> u8 {",
        "        // why",
        "        a",
        "    }",
    ];
    assert_eq!(function_length(&function), Some(1));
    assert_eq!(function_length(&["fn f() {}"]), Some(0));
    assert_eq!(function_length(&["    fn f();", "}"]), None);
}
