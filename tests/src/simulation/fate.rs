//! What is true about a mailbox, by the seed of its world.

use super::host::Rcpt;
use super::rng::{Rng, hash};

/// What a server says to RCPT: code, and the text after it.
pub(super) type Said = (u16, String);

/// What an exchange says about a recipient. `known_since_ms` is how long ago it was first asked.
pub(super) fn reply_to(seed: u64, rcpt: Rcpt, recipient: &str, known_since_ms: u64) -> Said {
    let honest = || honest(seed, recipient);
    match rcpt {
        Rcpt::Honest => honest(),
        Rcpt::AcceptsAll => (250, "2.1.5 accepted".to_owned()),
        Rcpt::RefusesAll(code) => (code, format!("{}.7.1 not from you", code / 100)),
        Rcpt::Greylists(wait_ms) if known_since_ms < wait_ms => {
            (450, "4.2.0 greylisted, try later".to_owned())
        }
        Rcpt::Greylists(_) => honest(),
    }
}

fn honest(seed: u64, recipient: &str) -> Said {
    let mut rng = Rng::new(seed ^ hash(recipient.as_bytes()), "fate");
    rng.weighted(&[
        (45, (250, "2.1.5 ok".to_owned())),
        (2, (251, "2.1.5 will forward".to_owned())),
        (2, (252, "2.0.0 cannot verify".to_owned())),
        (30, (550, "5.1.1 unknown".to_owned())),
        (3, (551, "5.7.1 not local, try elsewhere".to_owned())),
        (3, (552, "5.2.2 over quota".to_owned())),
        (2, (553, "5.1.3 not a mailbox".to_owned())),
        (5, (450, "4.2.1 busy mailbox".to_owned())),
        (4, (451, "4.3.0 local error".to_owned())),
        (2, (452, "4.2.2 over quota".to_owned())),
        (2, (554, "no".to_owned())),
    ])
}
