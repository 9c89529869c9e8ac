//! Worlds made from a seed, on a virtual clock, through the code that ships.
//!
//! ```text
//! seed ─> World ─> dispatcher ─> executor ─> session, drive ─> Wire ─> Server
//!           │          │            │                                   │
//!           │       Judge (seeded)  └─ Resolver (seeded)                │
//!           └────────── Observed <── log of all of them <───────────────┘
//!                          └─> checks ─> failures
//! ```
//!
//! Goal: whatever servers, networks, name servers and policies do, in whatever mixture, what the
//! program promises holds. Method: dispatcher, executor, look-up with its cache, drive, session and
//! evidence are the real ones; only what lies beyond them is simulated, and that writes down the
//! truth that the records are compared with.
//!
//! **Promises.** A seed is a world: run twice it comes to the same, byte for byte. The simulated
//! server shares no code with the host's parser and session, so it cannot share their faults.
//!
//! **Does not** simulate threads, TLS beyond its failures, or time that a computation takes.
//!
//! Read next: `simulation/world.rs` (what a world is), `simulation/checks.rs` (what must hold).

pub mod checks;
mod dialogue;
mod dns;
mod fate;
mod generate;
mod host;
mod judge;
mod log;
pub mod mutants;
mod network;
mod rng;
mod run;
mod server;
mod story;
mod wire;
mod world;

pub use self::checks::Failure;
pub use self::log::Observed;
pub use self::run::{Outcome, Simulator};
pub use self::world::{Row, World};
