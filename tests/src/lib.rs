//! What the tests share.

pub mod hostile;
pub mod program;
pub mod servers;
