//! The library behind the program `vrfy`.
#![forbid(unsafe_code)]

pub mod connect;
pub mod drive;
pub mod input;
pub mod lookup;
pub mod output;
pub mod policy;
pub mod progress;
pub mod record;
pub mod tls;
