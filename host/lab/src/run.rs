//! `vrfy lab SCENARIO [-- COMMAND...]`: a lab around one command, or one that serves until Ctrl-C.
//!
//! The command finds the lab by environment variables; its standard streams are its own and its
//! exit status becomes ours. Breaches of manners that the lab saw are told on standard error.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::lab::{Lab, LabError};
use crate::report::Report;
use crate::scenario::Scenario;

/// A terminal sends Ctrl-C to the command too; it has this long to end in its own way. `vrfy` lets
/// open sessions go on for five seconds, and then writes what became of every address.
const GRACE: Duration = Duration::from_secs(10);

/// The name that the lab's clients give in EHLO.
const HELO: &str = "probe.lab.test";

/// Breaches told one by one; the rest is counted.
const SINS_SHOWN_MAX: usize = 10;

/// What shells report for a process that SIGINT ended, and one that SIGTERM ended.
const INTERRUPTED: u8 = 130;
const TERMINATED: u8 = 143;

/// Starts the lab and runs the command inside it; without a command, serves until interrupted.
///
/// The command's environment gets `VRFY_RESOLVER` (IP:PORT), `VRFY_PORT`, `VRFY_ALLOW_SPECIAL`
/// (ranges with commas between them), `VRFY_HELO` and an empty `VRFY_MAIL_FROM`, the null
/// reverse-path. Returns the exit code: the command's, 128 and the signal's number if a signal
/// ended it, 130 after Ctrl-C and 143 after SIGTERM if the command had to be ended for it.
///
/// # Errors
/// When the lab or the command cannot be started, or the settings cannot be printed.
pub async fn run(scenario: Scenario, command: &[OsString]) -> Result<u8, LabError> {
    let mut signals = Signals::new().map_err(|cause| LabError::Command {
        command: "the signal handlers".to_owned(),
        cause,
    })?;
    let lab = Lab::start(scenario).await?;
    let Some((program, arguments)) = command.split_first() else {
        print_settings(&lab, &mut io::stdout().lock()).map_err(LabError::Print)?;
        signals.next().await;
        lab.stop().await;
        return Ok(0);
    };
    let command_error = |cause| LabError::Command {
        command: program.to_string_lossy().into_owned(),
        cause,
    };
    let mut child = Command::new(program)
        .args(arguments)
        .envs(environment(&lab))
        .kill_on_drop(true)
        .spawn()
        .map_err(command_error)?;
    let ended = tokio::select! {
        status = child.wait() => status.map(exit_code),
        interrupt = signals.next() => end_child(&mut child, interrupt).await,
    };
    let report = lab.stop().await;
    print_sins(&report);
    ended.map_err(command_error)
}

/// What the command has to know to probe inside the lab.
pub(crate) fn environment(lab: &Lab) -> Vec<(&'static str, String)> {
    vec![
        ("VRFY_RESOLVER", lab.resolver().to_string()),
        ("VRFY_PORT", lab.port().to_string()),
        ("VRFY_ALLOW_SPECIAL", lab.special_ranges().join(",")),
        ("VRFY_HELO", HELO.to_owned()),
        ("VRFY_MAIL_FROM", String::new()),
    ]
}

#[derive(Clone, Copy, PartialEq)]
enum Interrupt {
    /// Ctrl-C: the command has got it as well.
    Terminal,
    /// SIGTERM: meant for us alone.
    Terminate,
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Interrupt {
        tokio::select! {
            _ = self.interrupt.recv() => Interrupt::Terminal,
            _ = self.terminate.recv() => Interrupt::Terminate,
        }
    }
}

async fn end_child(child: &mut Child, interrupt: Interrupt) -> io::Result<u8> {
    if interrupt == Interrupt::Terminal
        && let Ok(status) = tokio::time::timeout(GRACE, child.wait()).await
    {
        return status.map(exit_code);
    }
    child.kill().await?;
    Ok(match interrupt {
        Interrupt::Terminal => INTERRUPTED,
        Interrupt::Terminate => TERMINATED,
    })
}

fn exit_code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let signalled = || status.signal().map_or(1, |number| 128 + number);
    let code = status.code().unwrap_or_else(signalled);
    u8::try_from(code).unwrap_or(u8::MAX)
}

fn print_settings(lab: &Lab, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "The lab is running. In another shell:\n")?;
    let ranges: Vec<String> = lab
        .special_ranges()
        .iter()
        .map(|range| format!("--allow-special {range}"))
        .collect();
    writeln!(
        out,
        "  vrfy check --resolver {} --port {} {} --helo {HELO} ADDRESS\n\nor set:\n",
        lab.resolver(),
        lab.port(),
        ranges.join(" "),
    )?;
    for (name, value) in environment(lab) {
        writeln!(out, "  export {name}={value}")?;
    }
    writeln!(out, "\nAddresses and what should come out for them:\n")?;
    for known in lab.addresses() {
        let expect = known
            .expect
            .map(|expect| expect.to_string())
            .unwrap_or_default();
        let line = format!("  {:<32} {expect:<13} {}", known.address, known.about);
        writeln!(out, "{}", line.trim_end())?;
    }
    writeln!(out, "\nCtrl-C ends it.")?;
    out.flush()
}

fn print_sins(report: &Report) {
    let mut out = io::stderr().lock();
    if let Some(cause) = &report.not_accepted {
        let _ = writeln!(out, "lab: could not accept every session: {cause}");
    }
    for sin in report.sins.iter().take(SINS_SHOWN_MAX) {
        // There is nobody left to tell when standard error is gone.
        let _ = writeln!(out, "lab: {}: {:?}: {:?}", sin.exchange, sin.kind, sin.line);
    }
    if report.sins.len() > SINS_SHOWN_MAX {
        let more = report.sins.len() - SINS_SHOWN_MAX;
        let _ = writeln!(out, "lab: and {more} more breaches of manners");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_command_the_settings_and_addresses_are_printed() {
        let text = "[[domain]]\nname = \"shop.test\"\nabout = \"a shop\"\n\
                    mailboxes = [{ name = \"ana\", expect = \"deliverable\" }]";
        let lab = Lab::start(Scenario::parse(text).unwrap()).await.unwrap();
        let mut out = Vec::new();
        print_settings(&lab, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        let resolver = format!("export VRFY_RESOLVER={}\n", lab.resolver());
        assert!(out.contains(&resolver), "{out}");
        let address = format!("  {:<32} deliverable   a shop\n", "ana@shop.test");
        assert!(out.contains(&address), "{out}");
    }

    #[test]
    fn an_exit_by_signal_is_told_as_shells_do() {
        use std::os::unix::process::ExitStatusExt;
        assert_eq!(exit_code(ExitStatus::from_raw(7 << 8)), 7);
        assert_eq!(exit_code(ExitStatus::from_raw(9)), 137);
    }
}
