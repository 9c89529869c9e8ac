//! The program `vrfy`.
fn main() {}
