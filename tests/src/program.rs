//! A run of the program `vrfy`, as a person would start it, for tests to look at.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The program that the workspace's build left beside the tests.
///
/// # Panics
/// Where it was not built: `make test` builds it first, `cargo build --package vrfy` does too.
#[must_use]
pub fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let profile = test
        .ancestors()
        .nth(2)
        .expect("tests lie in target/PROFILE/deps");
    let program = profile.join("vrfy");
    assert!(
        program.exists(),
        "{} is missing; build it first: cargo build --package vrfy",
        program.display()
    );
    program
}

/// The root of the workspace.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie in the workspace")
}

/// A run to be made.
pub struct Run {
    command: Command,
    input: Vec<u8>,
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// `vrfy` with nothing around it.
    #[must_use]
    pub fn plain() -> Self {
        let mut command = Command::new(program());
        command.current_dir(root()).env_remove("NO_COLOR");
        Self {
            command,
            input: Vec::new(),
        }
    }

    /// `vrfy` inside the lab of a scenario, such as `first`.
    #[must_use]
    pub fn in_lab(scenario: &str) -> Self {
        let file = format!("examples/lab/{scenario}.toml");
        Self::plain().args(["lab", &file, "--"]).args([program()])
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.command.env(key, value);
        self
    }

    /// What the program reads from standard input.
    #[must_use]
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// Where it cannot be started, or where what it writes is not UTF-8.
    #[must_use]
    pub fn run(mut self) -> Outcome {
        let command = self.command.stdin(Stdio::piped());
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("it was piped");
        let input = self.input;
        let writing = std::thread::spawn(move || {
            // A program that ends early does not read everything; that is its right.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().expect("the program ends");
        writing.join().expect("writing does not panic");
        Outcome {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("messages are UTF-8"),
        }
    }
}

impl Outcome {
    /// The records on standard output, one a line.
    ///
    /// # Panics
    /// Where a line is not JSON; everything is shown then.
    #[must_use]
    pub fn records(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line);
        let records: Result<Vec<Value>, _> = self.stdout.lines().map(parse).collect();
        records.unwrap_or_else(|error| panic!("not JSON Lines: {error}\n{self:#?}"))
    }

    /// The record of one address.
    ///
    /// # Panics
    /// Where there is none; everything is shown then.
    #[must_use]
    pub fn record(&self, address: &str) -> Value {
        let mut records = self.records().into_iter();
        records
            .find(|record| record["address"] == address)
            .unwrap_or_else(|| panic!("no record of {address}\n{self:#?}"))
    }

    /// Asserts the exit code, and shows everything where it is another one.
    ///
    /// # Panics
    /// Where it is another one.
    #[must_use]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Asserts that standard error holds a text.
    ///
    /// # Panics
    /// Where it does not.
    #[must_use]
    pub fn complains(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "no {text:?} in {self:#?}");
        self
    }
}
