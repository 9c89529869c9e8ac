//! How often the default policy is right, by replies with a known meaning.
//!
//! ```text
//! corpus ─> rows ─> dialogue ─> verdicts ─┬─> tally ────────> matrices
//!                       ▲                 ├─> reliability ──> what a confidence is worth
//!                       └── leave_out ────┴─> report ───────> what `make judge` prints
//! ```

pub mod baselines;
pub mod calibration;
pub mod corpus;
pub mod dialogue;
pub mod figures;
pub mod leave_out;
pub mod page;
pub mod reliability;
pub mod report;
pub mod tally;
pub mod vary;
