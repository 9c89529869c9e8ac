//! Hostile mail servers, and the executor of the program set against them.
//!
//! ```text
//! catalogue ── one behaviour each ──┐
//!                                   ├─> script ─> channel ─> wire <─ drive <─ executor <─ visit
//! mix ──────── many at random ──────┘                                                      │
//!                                                     what must hold of every report <─────┘
//! ```
//!
//! The servers are a few lines of a script over a connection in memory, so that tokio's paused
//! clock makes five minutes take no time; over loopback the same scripts are played to sockets.

pub mod catalogue;
pub mod channel;
pub mod mix;
pub mod net;
pub mod row;
pub mod script;
pub mod visit;
pub mod wire;
