//! A small Internet on loopback.
#![forbid(unsafe_code)]
