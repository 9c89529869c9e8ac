//! What this policy says of itself: its name, settings and reasons.

use crate::contract::Manifest;
use crate::{reasons, settings};

/// The manifest; the same at every call.
pub fn describe() -> Manifest {
    Manifest {
        name: "default".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        summary: "Asks at RCPT TO beside a decoy, retries temporary refusals on a schedule, and \
                  calls a mailbox undeliverable only on a reply that speaks about the mailbox."
            .to_owned(),
        authors: vec!["the vrfy maintainers".to_owned()],
        licence: env!("CARGO_PKG_LICENSE").to_owned(),
        settings: settings::definitions(),
        reasons: reasons::definitions(),
        facts: Vec::new(),
    }
}
