//! The mailboxes of a rehearsal, and the truth about each.

use std::fmt::Write as _;

use vrfy_proto::evidence::Status;

use super::chance::Chance;
use super::model::Model;

/// What is true of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    /// It is there and takes mail.
    Exists,
    /// It is not there.
    Absent,
    /// It is there and full.
    Full,
    /// No server tells.
    Untold,
}

/// What a verdict is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// As the truth is.
    Right,
    /// It claims nothing, or less than could have been known.
    Open,
    /// It claims what is not true, or what nobody can know.
    Wrong,
}

impl Truth {
    pub(super) fn worth(self, status: Option<Status>) -> Worth {
        match (self, status) {
            (Self::Exists, Some(Status::Deliverable))
            | (Self::Absent, Some(Status::Undeliverable))
            | (Self::Full, Some(Status::Risky))
            | (Self::Untold, Some(Status::Risky | Status::Unknown)) => Worth::Right,
            (Self::Exists | Self::Full, Some(Status::Undeliverable))
            | (Self::Absent | Self::Full, Some(Status::Deliverable))
            | (Self::Untold, Some(Status::Deliverable | Status::Undeliverable)) => Worth::Wrong,
            (_, Some(Status::Risky | Status::Unknown) | None) => Worth::Open,
        }
    }
}

/// A mailbox that is asked about.
#[derive(Clone, Debug)]
pub(super) struct Mailbox {
    pub(super) address: String,
    /// The number of its domain.
    pub(super) domain: usize,
    pub(super) truth: Truth,
}

/// The domain of that number.
pub(super) fn domain(number: usize) -> String {
    format!("d{number}.rehearsal.test")
}

/// So many mailboxes of a model.
pub(super) fn population(model: &Model, count: usize, seed: u64) -> Vec<Mailbox> {
    let mut chance = Chance::new(seed, "mailboxes");
    let mut all = Vec::with_capacity(count);
    for number in 0..count {
        let is_absent = chance.permille(model.absent_permille);
        let is_full = chance.permille(model.full_permille);
        let truth = match (model.tells, is_absent, is_full) {
            (false, _, _) => Truth::Untold,
            (true, true, _) => Truth::Absent,
            (true, false, true) => Truth::Full,
            (true, false, false) => Truth::Exists,
        };
        let at = number / model.per_domain;
        let mut address = String::new();
        let _ = write!(address, "m{number}@{}", domain(at));
        all.push(Mailbox {
            address,
            domain: at,
            truth,
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_that_comes_true_is_still_wrong_where_nobody_can_know() {
        let worth = |status| Truth::Untold.worth(Some(status));
        assert_eq!(worth(Status::Deliverable), Worth::Wrong);
        assert_eq!(worth(Status::Undeliverable), Worth::Wrong);
        assert_eq!(worth(Status::Risky), Worth::Right);
    }

    #[test]
    fn what_claims_nothing_is_open() {
        for truth in [Truth::Exists, Truth::Absent, Truth::Full] {
            assert_eq!(truth.worth(Some(Status::Unknown)), Worth::Open);
            assert_eq!(truth.worth(None), Worth::Open);
        }
        assert_eq!(Truth::Exists.worth(Some(Status::Risky)), Worth::Open);
        assert_eq!(Truth::Full.worth(Some(Status::Risky)), Worth::Right);
    }
}
