//! What the program costs as a whole, each run a process of its own and every dialogue with a lab
//! on loopback: `make bench-load`. Arguments are the path of the program and the names of cases;
//! without names all cases are run.
//!
//! It stands here and not beside the program, so that what is measured is the program as people
//! build it, without the features that its tests switch on in its dependencies.
//!
//! Time is from the start of the process to its end. Processor time and peak memory are those of
//! `vrfy` alone: the lab lives in this process. The peak is the system's own (`VmHWM`), read every
//! few milliseconds. Every run is checked: one record for every address, with the right status.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};
use vrfy_lab::{Lab, Scenario};

/// A run that takes longer hangs.
const LONGEST: Duration = Duration::from_mins(2);

/// How often memory is read.
const SAMPLE: Duration = Duration::from_millis(5);

/// Runs of a start.
const STARTS: usize = 50;

/// Runs of everything else.
const RUNS: usize = 7;

/// A list, and the Internet that it is about.
struct Load {
    name: &'static str,
    domains: usize,
    addresses: usize,
    latency_ms: u64,
    tls: &'static str,
    arguments: &'static [&'static str],
}

/// Far more than is polite: the lab's exchanges have no limits.
const LOADS: &[Load] = &[
    Load {
        name: "load",
        domains: 500,
        addresses: 2_000,
        latency_ms: 50,
        tls: "off",
        arguments: &["--sessions=500", "--sessions-per-lane=4"],
    },
    Load {
        name: "load-polite",
        domains: 500,
        addresses: 2_000,
        latency_ms: 50,
        tls: "off",
        arguments: &[],
    },
    Load {
        name: "held-open",
        domains: 1_000,
        addresses: 1_000,
        latency_ms: 400,
        tls: "off",
        arguments: &["--sessions=1000"],
    },
    Load {
        name: "held-open-tls",
        domains: 1_000,
        addresses: 1_000,
        latency_ms: 1_000,
        tls: "good",
        arguments: &["--sessions=1000"],
    },
    Load {
        name: "long",
        domains: 500,
        addresses: 20_000,
        latency_ms: 5,
        tls: "off",
        arguments: &["--sessions=500", "--sessions-per-lane=4"],
    },
];

fn main() {
    // cargo adds `--bench`.
    let mut arguments = std::env::args().skip(1).filter(|it| it != "--bench");
    let program = arguments.next().map(PathBuf::from);
    let program = program.expect("the path of vrfy, as `make bench-load` gives it");
    let wanted: Vec<String> = arguments.collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    make_room();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let place = tempfile::tempdir().expect("a directory");
    let bench = Bench {
        program,
        place: place.path().to_owned(),
    };
    runtime.block_on(async {
        if is_wanted("start") {
            bench.measure_start().await;
        }
        for load in LOADS.iter().filter(|load| is_wanted(load.name)) {
            bench.measure_load(load).await;
        }
    });
}

/// The lab's listeners and sessions are open files.
fn make_room() {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, most).expect("a program may use its hard limit");
}

/// What is measured, and where it may write.
struct Bench {
    program: PathBuf,
    place: PathBuf,
}

impl Bench {
    /// The start of `vrfy check`: everything but the network, which a text that is no address never
    /// gets to. The first start compiles the policy.
    async fn measure_start(&self) {
        let check = || {
            let mut command = self.command();
            command.args(["check", "--json", "no address"]);
            command
        };
        println!("start of `vrfy check`, nothing compiled yet: 1 run");
        print_runs(&[Run::of(check()).await]);
        let mut runs = Vec::new();
        for _ in 0..STARTS {
            runs.push(Run::of(check()).await);
        }
        println!("start of `vrfy check`, compiled before: {STARTS} runs");
        print_runs(&runs);
    }

    async fn measure_load(&self, load: &Load) {
        let Load {
            name,
            domains,
            addresses,
            latency_ms,
            tls,
            arguments,
        } = load;
        println!(
            "{name}: {addresses} addresses at {domains} domains, {latency_ms} ms before a reply, \
             TLS {tls}, {arguments:?}: {RUNS} runs"
        );
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            runs.push(self.run(load).await);
        }
        print_runs(&runs);
        print_row("files open", &runs, |run| run.files as f64);
        print_row("addresses/s", &runs, |run| {
            *addresses as f64 / run.time.as_secs_f64()
        });
    }

    async fn run(&self, load: &Load) -> Run {
        let scenario = Scenario::parse(&load.scenario()).expect("a good scenario");
        let known = scenario.addresses();
        let expected: HashMap<String, String> = known
            .iter()
            .map(|known| (known.address.clone(), known.expect))
            .map(|(address, expect)| (address, expect.expect("every line expects").to_string()))
            .collect();
        let list: Vec<&str> = known.iter().map(|known| known.address.as_str()).collect();
        fs::write(self.place.join("list"), list.join("\n")).expect("the list is written");
        let lab = Lab::start(scenario).await.expect("the lab starts");
        let mut command = self.command();
        command
            .env("VRFY_RESOLVER", lab.resolver().to_string())
            .env("VRFY_PORT", lab.port().to_string())
            .env("VRFY_ALLOW_SPECIAL", lab.special_ranges().join(","))
            .env("VRFY_HELO", "probe.lab.test")
            .args(["run", "list", "--quiet", "--force", "--output=records"])
            .args(["--format=jsonl", "--retry=never"])
            .args(load.arguments);
        let run = Run::of(command).await;
        let sins = lab.stop().await.sins;
        assert_eq!(sins, [], "the lab saw bad manners");
        assert_records(&self.place.join("records"), expected);
        run
    }

    /// The program, with a home of its own.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .current_dir(&self.place)
            .env_clear()
            .env("HOME", &self.place)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        command
    }
}

impl Load {
    /// Of every four mailboxes of a domain one does not exist.
    fn scenario(&self) -> String {
        let Self {
            domains,
            addresses,
            latency_ms,
            tls,
            ..
        } = self;
        let exists = "{ rcpt = \"accepts\", expect = \"deliverable\" }";
        let unknown = "{ rcpt = \"unknown\", expect = \"undeliverable\" }";
        format!(
            "[[bulk]]\ndomains = {domains}\nmailboxes = {addresses}\nlatency_ms = {latency_ms}\n\
             exchange = {{ tls = \"{tls}\" }}\nmix = [{exists}, {exists}, {exists}, {unknown}]"
        )
    }
}

/// Every address has one record, with its status; nothing else has one.
fn assert_records(records: &Path, mut expected: HashMap<String, String>) {
    let records = fs::read_to_string(records).expect("there are records");
    for line in records.lines() {
        let record: serde_json::Value = serde_json::from_str(line).expect("a record is JSON");
        let address = record["address"].as_str().unwrap_or_default();
        let status = expected.remove(address);
        assert_eq!(record["status"].as_str(), status.as_deref(), "{record:#}");
    }
    assert_eq!(expected, HashMap::new(), "addresses without a record");
}

/// What one run of the program took.
struct Run {
    time: Duration,
    processor: Duration,
    memory_kib: u64,
    files: usize,
}

impl Run {
    async fn of(mut command: Command) -> Self {
        let before = processor_time_of_children();
        let began = Instant::now();
        let mut child = command.spawn().expect("the program starts");
        let (mut memory_kib, mut files) = (0, 0);
        let status = loop {
            tokio::select! {
                status = child.wait() => break status.expect("the program ends"),
                () = sleep(SAMPLE) => {
                    memory_kib = peak_memory_kib(&child).unwrap_or(0).max(memory_kib);
                    files = open_files(&child).unwrap_or(0).max(files);
                }
            }
            assert!(began.elapsed() < LONGEST, "the program hangs");
        };
        let time = began.elapsed();
        assert!(status.success(), "{status}");
        Self {
            time,
            processor: processor_time_of_children().saturating_sub(before),
            memory_kib,
            files,
        }
    }
}

fn peak_memory_kib(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id()?)).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn open_files(child: &Child) -> Option<usize> {
    let files = fs::read_dir(format!("/proc/{}/fd", child.id()?)).ok()?;
    Some(files.count())
}

/// User and system time of all children that have ended.
fn processor_time_of_children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("a Linux system");
    // The fields behind the name, which ends with the last parenthesis; the 16th and 17th of all.
    let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
    let ticks = fields.split_whitespace().skip(13).take(2);
    let ticks: u64 = ticks
        .map(|ticks| ticks.parse::<u64>().expect("a number"))
        .sum();
    Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second())
}

fn print_runs(runs: &[Run]) {
    print_row("time, ms", runs, |run| run.time.as_secs_f64() * 1_000.0);
    print_row("processor, ms", runs, |run| {
        run.processor.as_secs_f64() * 1_000.0
    });
    print_row("peak, MiB", runs, |run| run.memory_kib as f64 / 1_024.0);
}

/// The median, the least and the most.
fn print_row(name: &str, runs: &[Run], value: impl Fn(&Run) -> f64) {
    let mut values: Vec<f64> = runs.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    let (least, most) = (values[0], values[values.len() - 1]);
    let median = values[values.len() / 2];
    println!("  {name:<14} {median:>9.1}   ({least:.1} to {most:.1})");
}
