//! The contract as Rust: generated from `wit/policy.wit` when the host is built.
//!
//! Evidence borrows (`&str`, slices), because copying it into a guest is the main cost of a
//! decision and one copy is enough; decisions own. Types used both ways therefore exist twice, with
//! the suffixes `Param` and `Result`.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "policy",
    ownership: Borrowing { duplicate_if_necessary: true },
});
