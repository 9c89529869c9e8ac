//! Builds Rust policies.
#![forbid(unsafe_code)]
