//! A run of the program `vrfy`, as a person would start it, for tests to look at. A run that hangs
//! is ended after [`TIME_MAX`], and everything that it said is shown.

#![expect(
    clippy::disallowed_methods,
    reason = "whoever waits for another process has nothing but the system's clock"
)]

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

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
    input_stays_open: bool,
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// From start to end.
    pub took: Duration,
}

impl Run {
    /// `vrfy` with nothing around it.
    #[must_use]
    pub fn plain() -> Self {
        Self::of(program())
    }

    /// Another program, such as one that starts `vrfy` in surroundings of its own.
    #[must_use]
    pub fn of(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.current_dir(root()).process_group(0);
        for variable in FOREIGN {
            command.env_remove(variable);
        }
        Self {
            command,
            input: Vec::new(),
            input_stays_open: false,
        }
    }

    /// `vrfy` in a shell that has set a limit first, with these arguments of `ulimit`.
    #[must_use]
    pub fn under_limit(limit: &str) -> Self {
        let script = format!("ulimit {limit} && exec \"$0\" \"$@\"");
        Self::of("sh").args(["-c", &script]).args([program()])
    }

    /// `vrfy` inside the lab of a scenario, such as `first`.
    #[must_use]
    pub fn in_lab(scenario: &str) -> Self {
        Self::around(scenario).args([program()])
    }

    /// The lab of a scenario with nothing inside yet: the first argument is the command.
    #[must_use]
    pub fn around(scenario: &str) -> Self {
        Self::plain().args(["lab", &format!("examples/lab/{scenario}.toml"), "--"])
    }

    /// A line of bash inside the lab of a scenario; in it `$0` is `vrfy`.
    #[must_use]
    pub fn shell(scenario: &str, line: &str) -> Self {
        let run = Self::around(scenario).args(["bash", "-c", line]);
        run.args([program()])
    }

    /// A line of bash inside the lab, with a terminal of so many columns as its output.
    #[must_use]
    pub fn on_terminal(scenario: &str, columns: u16, line: &str) -> Self {
        let program = program();
        let line = line.replace("$0", &program.display().to_string());
        let line = format!("stty rows 24 cols {columns}; {line}");
        let run = Self::around(scenario).env("TERM", "xterm");
        run.args(["script", "-qefc", &line, "/dev/null"])
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

    /// Keeps standard input open behind its text, as a terminal or a slow pipe does.
    #[must_use]
    pub fn input_stays_open(mut self) -> Self {
        self.input_stays_open = true;
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// Where it cannot be started, does not end in [`TIME_MAX`], or writes what is not UTF-8;
    /// everything is shown then.
    #[must_use]
    pub fn run(self) -> Outcome {
        self.start().end()
    }

    /// Starts it.
    ///
    /// # Panics
    /// Where it cannot be started.
    #[must_use]
    pub fn start(mut self) -> Running {
        let command = self.command.stdin(Stdio::piped());
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let began = Instant::now();
        let mut child = command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("it was piped");
        let stdout = Heard::listen(child.stdout.take().expect("it was piped"));
        let stderr = Heard::listen(child.stderr.take().expect("it was piped"));
        let writing = std::thread::spawn(move || {
            // A program that ends early does not read everything; that is its right.
            let _ = stdin.write_all(&self.input);
            self.input_stays_open.then_some(stdin)
        });
        Running {
            group: Group(child.id()),
            child,
            began,
            stdout,
            stderr,
            writing,
        }
    }
}

/// What a stream has brought so far.
struct Heard {
    bytes: Arc<Mutex<Vec<u8>>>,
    reading: JoinHandle<()>,
}

impl Heard {
    fn listen(mut stream: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&bytes);
        let reading = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                let mut heard = heard.lock().expect("nobody panics with the lock");
                heard.extend_from_slice(&buffer[..count]);
            }
        });
        Self { bytes, reading }
    }

    fn text(&self) -> String {
        let bytes = self.bytes.lock().expect("nobody panics with the lock");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn whole(self) -> String {
        self.reading.join().expect("reading does not panic");
        let bytes = self.bytes.lock().expect("nobody panics with the lock");
        String::from_utf8(bytes.clone()).expect("the program writes UTF-8")
    }
}

/// A run that is under way.
pub struct Running {
    group: Group,
    child: Child,
    began: Instant,
    stdout: Heard,
    stderr: Heard,
    writing: JoinHandle<Option<ChildStdin>>,
}

impl Running {
    /// Waits until standard output, or standard error, holds a text.
    ///
    /// # Panics
    /// Where it does not come in [`TIME_MAX`].
    pub fn wait_for(&self, text: &str) {
        while !self.stdout.text().contains(text) && !self.stderr.text().contains(text) {
            self.pause(text);
        }
    }

    /// Waits until something outside of the run is so, such as the contents of a file.
    ///
    /// # Panics
    /// Where it does not become so in [`TIME_MAX`].
    pub fn wait_until(&self, is_so: impl Fn() -> bool) {
        while !is_so() {
            self.pause("what was waited for");
        }
    }

    /// Presses Ctrl-C: sends SIGINT to the program and to everything that it started.
    pub fn interrupt(&self) {
        assert!(self.group.signal("INT"), "the run has ended already");
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// As [`Run::run`].
    #[must_use]
    pub fn end(mut self) -> Outcome {
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the program is ours") {
                break status;
            }
            self.pause("its end");
        };
        let took = self.began.elapsed();
        let stdin = self.writing.join().expect("writing does not panic");
        drop(stdin);
        Outcome {
            code: status.code(),
            stdout: self.stdout.whole(),
            stderr: self.stderr.whole(),
            took,
        }
    }

    /// Waits a little; gives a run up that takes too long.
    fn pause(&self, awaited: &str) {
        if self.began.elapsed() < TIME_MAX {
            std::thread::sleep(POLL_EVERY);
            return;
        }
        let (stdout, stderr) = (self.stdout.text(), self.stderr.text());
        panic!("no {awaited:?} within {TIME_MAX:?}\n{stdout}\n--- stderr\n{stderr}");
    }
}

/// A run and everything that it started. What is left when the test is through with it is ended.
struct Group(u32);

impl Group {
    fn signal(&self, name: &str) -> bool {
        let line = format!("kill -s {name} -- -{}", self.0);
        let mut bash = Command::new("bash");
        let sent = bash.args(["-c", &line]).stderr(Stdio::null()).status();
        sent.is_ok_and(|status| status.success())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal("KILL");
    }
}

/// Longer than any run of a test takes, and short enough to see a hang for what it is.
pub const TIME_MAX: Duration = Duration::from_secs(60);

/// How often a run is looked at.
const POLL_EVERY: Duration = Duration::from_millis(10);

/// Variables of the person who runs the tests that would change what the program does.
const FOREIGN: [&str; 10] = [
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "NO_COLOR",
    "VRFY_ALLOW_SPECIAL",
    "VRFY_EXCLUDE",
    "VRFY_HELO",
    "VRFY_MAIL_FROM",
    "VRFY_PORT",
    "VRFY_RESOLVER",
];

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

    /// Asserts that standard output holds a text.
    ///
    /// # Panics
    /// Where it does not.
    #[must_use]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "no {text:?} in {self:#?}");
        self
    }
}
