//! The default policy of `vrfy`: what replies, look-ups and decoys say about a mailbox.
//!
//! ```text
//! evidence ─┬─ address, look-up ──────────────────────────────┐
//!           ├─ attempts ─> reply (one reading each) ─┐        ├─> decide ─> settle or probe
//!           └─ decoys ───> accept_all ──────> found ─┴─ retry ┘
//! ```
//!
//! Promises:
//! - It is a function of its evidence: no clock, no randomness, no state, no import.
//! - A reply that speaks about us, about the sender or about the receiving system never makes a
//!   mailbox undeliverable, whatever its code.
//! - Every plan carries `otherwise`, the best verdict that the evidence allows so far, and every
//!   verdict points at what decided it.
//!
//! It does not interpret local parts and knows no domain by name: providers are told by their
//! exchanges. The same code runs natively in the tests and as a component in the host.

#[allow(
    unsafe_code,
    unnameable_types,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    reason = "generated from wit/policy.wit"
)]
mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "policy",
        additional_derives: [PartialEq, Eq],
        generate_unused_types: true,
        export_macro_name: "export_policy",
    });

    #[cfg(target_arch = "wasm32")]
    export_policy!(Policy);

    use crate::{decide, manifest};

    /// The component's face.
    pub struct Policy;

    impl exports::vrfy::policy::judge::Guest for Policy {
        fn describe() -> exports::vrfy::policy::judge::Manifest {
            manifest::describe()
        }

        fn decide(
            evidence: exports::vrfy::policy::judge::Evidence,
        ) -> exports::vrfy::policy::judge::Decision {
            decide::decide(&evidence)
        }
    }
}

#[cfg(target_arch = "wasm32")]
mod arena;

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: arena::Arena = arena::Arena::new();

mod accept_all;
mod decide;
mod dialogue;
mod explain;
mod found;
mod hint;
mod history;
mod manifest;
mod reasons;
mod reply;
mod retry;
mod rules;
mod settings;
#[cfg(not(target_arch = "wasm32"))]
pub mod study;
mod tags;
mod text;
#[cfg(not(target_arch = "wasm32"))]
mod usage;
mod verdict;

/// The contract's types, as `wit-bindgen` makes them from `wit/policy.wit`.
pub use bindings::exports::vrfy::policy::judge as contract;
pub use decide::decide;
pub use manifest::describe;
#[cfg(not(target_arch = "wasm32"))]
pub use reasons::advice;
#[cfg(not(target_arch = "wasm32"))]
pub use usage::{Usage, misplaced_cases};
