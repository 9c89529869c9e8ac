//! Values of the host to values of the contract and back: the edge of the sandbox.
//!
//! Promises: [`with_wit`] is total and copies no text, only the frame around it; [`decision`] and
//! [`manifest`] trust nothing: what comes out of them keeps every rule of `wit/policy.wit`.
//!
//! Read next: `convert/evidence.rs` (in), `convert/decision.rs` and `convert/manifest.rs` (out).

mod decision;
mod evidence;
mod manifest;

pub(crate) use decision::decision;
pub(crate) use evidence::with_wit;
pub(crate) use manifest::manifest;
