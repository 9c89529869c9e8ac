//! The default policy of `vrfy`.
