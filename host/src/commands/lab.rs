//! `vrfy lab SCENARIO [-- COMMAND]`: a small Internet on loopback around one command.

use vrfy_lab::{Scenario, ScenarioError};

use crate::args::LabArgs;
use crate::error::UserError;
use crate::open_files::make_room_for_lab;

/// Runs the command.
pub async fn lab(args: LabArgs) -> anyhow::Result<u8> {
    let failed = |error: &dyn std::fmt::Display| UserError::Lab(error.to_string());
    let scenario = Scenario::load(&args.scenario).map_err(|error| match error {
        ScenarioError::Text { .. } => {
            UserError::Lab(format!("{}, {error}", args.scenario.display()))
        }
        ScenarioError::Read { .. } => failed(&error),
    })?;
    make_room_for_lab();
    let code = vrfy_lab::run(scenario, &args.command).await;
    Ok(code.map_err(|error| failed(&error))?)
}
