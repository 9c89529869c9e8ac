//! The library behind the program `vrfy`: everything that it does, for other programs and tests.
//!
//! The map and the flow are in `ARCHITECTURE.md`. A run goes through [`dispatch::run`]; what it is
//! fed with comes from [`input`], what it needs from [`config`], and what comes out is a
//! [`record::Record`] for [`output`].
#![forbid(unsafe_code)]

pub mod args;
pub mod clock;
pub mod commands;
pub mod config;
pub mod connect;
pub mod dispatch;
pub mod doctor;
pub mod drive;
pub mod egress;
pub mod error;
pub mod exclusions;
pub mod executor;
pub mod explain;
pub mod input;
pub mod judge;
mod list_lines;
pub mod lookup;
pub mod open_files;
pub mod output;
pub mod permit;
pub mod policy;
pub mod progress;
pub mod record;
pub mod rehearse;
pub mod tags;
pub mod tls;
pub mod words;
