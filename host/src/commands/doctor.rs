//! `vrfy doctor`: a checklist of what a receiving server would look at.

use std::io::{self, Write as _};

use super::check::random_seed;
use crate::args::DoctorArgs;
use crate::config;
use crate::error::EXIT_EXAMINATION;
use crate::output::{Screen, checklist};

/// Runs the command.
pub async fn doctor(args: DoctorArgs) -> anyhow::Result<u8> {
    let doctor = config::doctor(&args, random_seed())?;
    let examination = doctor.examine().await;
    let text = match args.json {
        true => format!("{}\n", serde_json::to_string_pretty(&examination)?),
        false => checklist(&examination, args.explain, Screen::of_stdout()),
    };
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
        _ => {}
    }
    Ok(match examination.failed {
        0 => 0,
        _ => EXIT_EXAMINATION,
    })
}
