//! The resolver that this machine is configured to ask, with a configuration of its own.
//!
//! Goal: neither search domains nor the hosts file have a say in where mail goes (RFC 5321 sections
//! 2.3.5 and 5.1). Method: the program runs in namespaces of its own, where `/etc/resolv.conf` and
//! `/etc/hosts` are ours and port 53 of loopback is a name server that writes down what it is
//! asked. Only root, or a user who may make namespaces, can do that; where neither is so the test
//! counts as skipped, and in CI that is a failure.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the root of a program: it reads the environment"
)]

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use vrfy_tests::program::Run;

const RESOLV_CONF: &str = "domain corp.test\nsearch corp.test lan.test\noptions ndots:5\n\
                           nameserver 127.0.0.1\n";
const HOSTS: &str = "127.0.0.9 intranet intranet.corp.test\n127.0.0.9 gone gone.corp.test\n";

/// Does what its name says, with the rest of the line as program and arguments.
const ENTER: &str = "mount --bind \"$1/resolv.conf\" /etc/resolv.conf && \
                     mount --bind \"$1/hosts\" /etc/hosts && ip link set lo up && shift && \
                     exec \"$@\"";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let came_to = match arguments.first().map(String::as_str) {
        Some("--inside") => inside(),
        _ => outside(),
    };
    match came_to {
        Ok(code) => code,
        Err(error) => {
            eprintln!("system resolver: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Makes the namespaces and runs this program in them.
fn outside() -> Result<ExitCode> {
    let possible = unshare(&["true"]).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        println!("system resolver: skipped, no namespaces can be made here");
        return match std::env::var_os("CI") {
            Some(_) => Ok(ExitCode::FAILURE),
            None => Ok(ExitCode::SUCCESS),
        };
    }
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("resolv.conf"), RESOLV_CONF)?;
    std::fs::write(folder.path().join("hosts"), HOSTS)?;
    let itself = std::env::current_exe()?;
    let itself = itself.to_str().context("an odd path")?;
    let folder = folder.path().to_str().context("an odd path")?;
    let status = unshare(&["sh", "-c", ENTER, "sh", folder, itself, "--inside"]).status()?;
    match status.success() {
        true => Ok(ExitCode::SUCCESS),
        false => Ok(ExitCode::FAILURE),
    }
}

fn unshare(words: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--net", "--mount"])
        .args(words);
    command
}

/// The test itself.
fn inside() -> Result<ExitCode> {
    let configuration = std::fs::read_to_string(Path::new("/etc/resolv.conf"))?;
    ensure!(configuration == RESOLV_CONF, "the namespace is not ours");
    let socket = UdpSocket::bind("127.0.0.1:53").context("port 53 of the namespace")?;
    let asked = Arc::new(Mutex::new(BTreeSet::new()));
    let heard = Arc::clone(&asked);
    std::thread::spawn(move || answer(&socket, &heard));

    let outcome = Run::plain()
        .args(["run", "-", "--quiet", "--format=jsonl"])
        .args(["--rounds=1", "--timeout=5s"])
        .input("ana@gone\nana@intranet\n")
        .run()
        .exits(0);
    for (address, found) in [("ana@gone", "nx-domain"), ("ana@intranet", "no-data")] {
        let record = outcome.record(address);
        let lookup = &record["lookups"][0];
        ensure!(
            lookup["outcome"] == found,
            "{found} was expected of {address}: {record:#}"
        );
        let exchanges = lookup["exchanges"].as_array().map(Vec::as_slice);
        let addresses = exchanges.unwrap_or_default().iter();
        let addresses = addresses.filter_map(|exchange| exchange["addresses"].as_array());
        ensure!(
            addresses.flatten().next().is_none(),
            "an address that DNS did not give: {record:#}"
        );
        ensure!(record["attempts"] == Value::Array(Vec::new()), "{record:#}");
    }
    let asked = asked.lock().expect("nobody panics with the lock").clone();
    let expected = ["A intranet", "AAAA intranet", "MX gone", "MX intranet"];
    ensure!(
        asked == BTreeSet::from(expected.map(str::to_owned)),
        "asked were {asked:?}"
    );
    println!("test neither_search_domains_nor_the_hosts_file_have_a_say ... ok");
    Ok(ExitCode::SUCCESS)
}

/// `gone` does not exist, everything else exists and has no record.
fn answer(socket: &UdpSocket, asked: &Mutex<BTreeSet<String>>) {
    let mut query = [0; 1500];
    while let Ok((length, from)) = socket.recv_from(&mut query) {
        let (name, end) = name(&query[12..length]);
        let kind = match query[12 + end + 1] {
            1 => "A",
            15 => "MX",
            28 => "AAAA",
            _ => "?",
        };
        let mut answer = query[..2].to_vec();
        let code = if name == "gone" { 3 } else { 0 };
        answer.extend([0x81, 0x80 | code, 0, 1, 0, 0, 0, 0, 0, 0]);
        answer.extend(&query[12..12 + end + 4]);
        asked
            .lock()
            .expect("nobody panics with the lock")
            .insert(format!("{kind} {name}"));
        if socket.send_to(&answer, from).is_err() {
            return;
        }
    }
}

/// The name of a question and where it ends.
fn name(question: &[u8]) -> (String, usize) {
    let mut labels = Vec::new();
    let mut at = 0;
    while question[at] != 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..end]).into_owned());
        at = end;
    }
    (labels.join("."), at + 1)
}
