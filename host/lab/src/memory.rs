//! What an exchange remembers from one session to the next.
//!
//! Greylisting by (client, sender, recipient), recipients by client and time window, sessions by
//! client, and how often each scripted sequence was asked. It reads no clock: `now` is given.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

/// Entries of one kind; a lab that serves for days forgets all at once rather than grow.
const ENTRIES_MAX: usize = 200_000;

/// Who asks for whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Triplet {
    pub(crate) client: IpAddr,
    pub(crate) sender: String,
    pub(crate) recipient: String,
}

#[derive(Debug, Default)]
pub(crate) struct Memory {
    first_seen: HashMap<Triplet, Instant>,
    windows: HashMap<IpAddr, (Instant, usize)>,
    open: HashMap<IpAddr, usize>,
    asked: HashMap<String, usize>,
    random: u64,
}

impl Memory {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: seed,
            ..Self::default()
        }
    }

    /// How long a triplet still has to wait; nothing when its time has come.
    pub(crate) fn greylist(
        &mut self,
        triplet: Triplet,
        delay: Duration,
        now: Instant,
    ) -> Option<Duration> {
        forget_when_full(&mut self.first_seen);
        let first = *self.first_seen.entry(triplet).or_insert(now);
        let waited = now.saturating_duration_since(first);
        delay.checked_sub(waited).filter(|rest| !rest.is_zero())
    }

    /// Counts one recipient of a client; how long it has to wait when it is one too many.
    pub(crate) fn rate(
        &mut self,
        client: IpAddr,
        limit: usize,
        window: Duration,
        now: Instant,
    ) -> Option<Duration> {
        forget_when_full(&mut self.windows);
        let (begun, count) = self.windows.entry(client).or_insert((now, 0));
        if now.saturating_duration_since(*begun) >= window {
            (*begun, *count) = (now, 0);
        }
        *count += 1;
        let waited = now.saturating_duration_since(*begun);
        (*count > limit).then(|| window.saturating_sub(waited))
    }

    /// Counts one more open session of a client; the count includes it.
    pub(crate) fn enter(&mut self, client: IpAddr) -> usize {
        let open = self.open.entry(client).or_default();
        *open += 1;
        *open
    }

    pub(crate) fn leave(&mut self, client: IpAddr) {
        if let Some(open) = self.open.get_mut(&client) {
            *open -= 1;
            if *open == 0 {
                self.open.remove(&client);
            }
        }
    }

    /// How often this was asked before.
    pub(crate) fn asked(&mut self, what: String) -> usize {
        forget_when_full(&mut self.asked);
        let count = self.asked.entry(what).or_default();
        *count += 1;
        *count - 1
    }

    /// The next delay between zero and `most`: the same seed gives the same series.
    pub(crate) fn jitter(&mut self, most: Duration) -> Duration {
        // The generator known as splitmix64: one addition and a mixing function.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let share = (mixed >> 32) as u32;
        most.mul_f64(f64::from(share) / f64::from(u32::MAX))
    }
}

fn forget_when_full<K, V>(entries: &mut HashMap<K, V>) {
    if entries.len() >= ENTRIES_MAX {
        entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn triplet(sender: &str, recipient: &str) -> Triplet {
        Triplet {
            client: CLIENT,
            sender: sender.to_owned(),
            recipient: recipient.to_owned(),
        }
    }

    #[test]
    fn a_triplet_passes_when_its_time_has_come_and_not_before() {
        let mut memory = Memory::new(1);
        let start = Instant::now();
        let delay = Duration::from_secs(3);
        let second = Duration::from_secs(1);
        let mut ask = |at| memory.greylist(triplet("", "a@x.test"), delay, start + at);
        assert_eq!(ask(Duration::ZERO), Some(delay));
        assert_eq!(ask(2 * second), Some(second));
        assert_eq!(ask(3 * second), None);
        assert_eq!(ask(9 * second), None);
    }

    #[test]
    fn another_sender_or_recipient_starts_anew() {
        let mut memory = Memory::new(1);
        let start = Instant::now();
        let delay = Duration::from_secs(3);
        memory.greylist(triplet("", "a@x.test"), delay, start);
        let later = start + delay;
        assert_eq!(memory.greylist(triplet("", "a@x.test"), delay, later), None);
        let other = memory.greylist(triplet("b@y.test", "a@x.test"), delay, later);
        assert_eq!(other, Some(delay));
        let other = memory.greylist(triplet("", "b@x.test"), delay, later);
        assert_eq!(other, Some(delay));
    }

    #[test]
    fn a_rate_limit_ends_with_its_window() {
        let mut memory = Memory::new(1);
        let start = Instant::now();
        let window = Duration::from_secs(10);
        let mut ask = |seconds| {
            let now = start + Duration::from_secs(seconds);
            memory.rate(CLIENT, 2, window, now)
        };
        assert_eq!(ask(0), None);
        assert_eq!(ask(1), None);
        assert_eq!(ask(4), Some(Duration::from_secs(6)));
        assert_eq!(ask(10), None);
    }

    #[test]
    fn jitter_repeats_with_its_seed_and_stays_within_its_bound() {
        let most = Duration::from_millis(50);
        let series = |seed| {
            let mut memory = Memory::new(seed);
            (0..100).map(|_| memory.jitter(most)).collect::<Vec<_>>()
        };
        assert_eq!(series(7), series(7));
        assert_ne!(series(7), series(8));
        assert!(series(7).iter().all(|delay| *delay <= most));
        assert!(series(7).iter().any(|delay| *delay > most / 2));
    }
}
