//! The limit of open files: a session is a socket, and many systems begin a program with 1,024.
//!
//! **Promises.** The limit is only ever raised, and only as far as the administrator's own (hard)
//! limit allows. Where that is not enough, the run is made smaller and says so, because a
//! connection that our own machine refuses would look in the evidence like trouble at the exchange.
//!
//! **Does not** count what is open: the dispatcher does, by sessions.
//!
//! Read next: `dispatch/limits.rs`, `lookup/servers.rs`.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use thiserror::Error;

/// Files beside sessions, at most: 128 questions to DNS with three sockets each while answers are
/// slow, and 64 for the list, the output, the cache, the runtime and what was open before us.
const BESIDE_SESSIONS: u64 = 3 * 128 + 64;

/// What the lab may have open: a listener for each of its exchanges, and the sessions of a client
/// that uses all it may.
const LAB_MAX: u64 = 32_768;

/// The limit does not allow as many sessions as were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the limit of open files ({allowed}) allows {room} sessions at once, not {wanted}: \
     going on with {room}; raise it to {needed} (ulimit -Hn, or LimitNOFILE of a service)"
)]
pub struct TooFew {
    /// Sessions asked for.
    pub wanted: usize,
    /// Sessions that there is room for.
    pub room: usize,
    /// Files that may be open.
    pub allowed: u64,
    /// Files that would have to be allowed.
    pub needed: u64,
}

/// Makes room for so many sessions. The error says how many there is room for instead.
pub fn make_room(sessions: usize) -> Result<(), TooFew> {
    let needed = sessions as u64 + BESIDE_SESSIONS;
    let allowed = raise(needed);
    match room(allowed) {
        room if room >= sessions => Ok(()),
        room => Err(TooFew {
            wanted: sessions,
            room,
            allowed,
            needed,
        }),
    }
}

/// Makes room for a lab, as far as that is possible: what is missing shows when it listens.
pub fn make_room_for_lab() {
    raise(LAB_MAX);
}

/// Raises the limit to what is needed, or as far as it goes, and says what is allowed then.
fn raise(needed: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let before = limit.current.unwrap_or(u64::MAX);
    let reachable = limit.maximum.unwrap_or(u64::MAX).min(needed);
    if before >= reachable {
        return before;
    }
    let raised = Rlimit {
        current: Some(reachable),
        ..limit
    };
    // Some systems have a bound of their own below the limit that they report.
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => reachable,
        Err(_) => before,
    }
}

/// The sessions for which so many files are room: what is left beside everything else, or a quarter
/// of few; everything else seldom needs its most.
fn room(allowed: u64) -> usize {
    let sessions = allowed.saturating_sub(BESIDE_SESSIONS).max(allowed / 4);
    usize::try_from(sessions).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::DispatchLimits;

    #[test]
    fn the_usual_limit_of_1024_files_is_enough_for_the_default() {
        assert!(room(1_024) >= DispatchLimits::default().sessions);
    }

    #[test]
    fn a_limit_that_is_too_low_leaves_room_for_fewer_sessions_but_for_one_at_least() {
        assert_eq!(room(1_448), 1_000);
        assert_eq!(room(1_447), 999);
        assert_eq!(room(256), 64);
        assert_eq!(room(0), 1);
        assert_eq!(room(u64::MAX), usize::try_from(u64::MAX - 448).unwrap());
        let rooms: Vec<usize> = (0..2_000).map(room).collect();
        assert!(rooms.is_sorted());
    }

    #[test]
    fn the_limit_is_raised_as_far_as_is_needed_and_never_lowered() {
        let before = getrlimit(Resource::Nofile);
        let maximum = before.maximum.unwrap_or(1 << 20);
        // One less than is possible: whatever runs beside this test has enough.
        let lower = Rlimit {
            current: Some(maximum - 1),
            ..before
        };
        setrlimit(Resource::Nofile, lower).unwrap();
        assert_eq!(raise(0), maximum - 1);
        assert_eq!(getrlimit(Resource::Nofile), lower);
        assert_eq!(raise(maximum), maximum);
        assert_eq!(getrlimit(Resource::Nofile).current, Some(maximum));
    }

    #[test]
    fn what_is_said_names_the_numbers_and_the_remedy() {
        let too_few = TooFew {
            wanted: 1_000,
            room: 576,
            allowed: 1_024,
            needed: 1_448,
        };
        let said = too_few.to_string();
        for part in ["1024", "576", "1000", "1448", "ulimit"] {
            assert!(said.contains(part), "{part} in {said}");
        }
    }
}
