//! The protocol of `vrfy` without the network.
#![forbid(unsafe_code)]
