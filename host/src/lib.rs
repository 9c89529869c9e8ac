//! The library behind the program `vrfy`.
#![forbid(unsafe_code)]

pub mod connect;
pub mod record;
