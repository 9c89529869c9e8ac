//! How often the default policy is right, by replies with a known meaning.

pub mod corpus;
pub mod dialogue;
