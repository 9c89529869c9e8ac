//! The protocol of `vrfy` without the network.
#![forbid(unsafe_code)]

pub mod evidence;
pub mod stage;
