//! The program `vrfy`. Everything it does is in the library; here an outcome becomes an exit code.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use vrfy::args::{Args, Command};
use vrfy::commands;
use vrfy::error::UserError;
use vrfy::output::say;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(&format!("vrfy: {}\n", message(&error)));
            let code = error.downcast_ref().map_or(1, UserError::exit_code);
            ExitCode::from(code)
        }
    }
}

/// An error and its causes, as far as it does not tell them itself.
fn message(error: &anyhow::Error) -> String {
    let mut message = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !message.contains(&cause) {
            message.push_str(": ");
            message.push_str(&cause);
        }
    }
    message
}

fn run(args: Args) -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Decisions run on these threads; more than the cores would only wait for each other.
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build()?;
    let code = runtime.block_on(async {
        match args.command {
            Command::Check(args) => commands::check::check(args).await,
            Command::Run(args) => commands::run::run(args).await,
            Command::Explain(args) => commands::explain::explain(&args),
            Command::Policy(args) => commands::policy::policy(&args),
            Command::Rehearse(args) => commands::rehearse::rehearse(args).await,
            Command::Doctor(args) => commands::doctor::doctor(*args).await,
            Command::Lab(args) => commands::lab::lab(args).await,
        }
    });
    // A thread that is blocked reading a terminal must not keep the program from ending.
    runtime.shutdown_background();
    code
}

/// Threads for decisions, and for what little else may block.
const BLOCKING_THREADS_MAX: usize = 8;
