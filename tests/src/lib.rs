//! What the tests share.

pub mod hostile;
pub mod hostile_servers;
pub mod program;
pub mod servers;
pub mod simulation;
