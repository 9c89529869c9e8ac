//! Mixes: several exchanges whose servers do, at every step, whatever chance says.
//!
//! A mix is its seed. What is checked does not depend on what the servers do: every ask is reported
//! once, no session goes beyond its time or its octets, and every octet is accounted for. Where
//! each command gets no more than one reply, each mailbox is told only what was said about it.

use std::time::Duration;

use rustls::version::{TLS12, TLS13};
use vrfy_proto::timeouts::Timeouts;

use super::channel::{ALERT, APPLICATION, HANDSHAKE, ServerTls};
use super::net::Memory;
use super::script::{Do, Script, Step, clear_handshake, clear_record};
use super::visit::{Account, address, carry_out, check_answers, executor, permit, sessions};

/// Exchanges of a mix.
const EXCHANGES: u8 = 4;

/// Certificates are made once: that takes longer than a mix.
#[derive(Clone)]
pub struct Certificates {
    new: ServerTls,
    old: ServerTls,
    crowded: ServerTls,
}

impl Certificates {
    /// Makes them.
    #[must_use]
    pub fn new() -> Self {
        Self {
            new: ServerTls::new(&TLS13, 0, b""),
            old: ServerTls::new(&TLS12, 0, b""),
            crowded: ServerTls::new(&TLS13, 500, b"x"),
        }
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

/// What a mix came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Sessions that were held.
    pub sessions: usize,
    /// Mailboxes that were answered by a reply to RCPT.
    pub answered: usize,
}

/// Plays the mix of that seed.
///
/// # Panics
/// Where anything does not hold that must hold.
pub async fn play(seed: u64, certificates: &Certificates) -> Tally {
    let mut chance = Chance {
        state: seed,
        in_step: true,
    };
    let network = Memory::default();
    let addresses: Vec<_> = (0..EXCHANGES).map(address).collect();
    for address in &addresses {
        network.put(*address, chance.script(certificates));
    }
    let timeouts = match chance.below(3) {
        0 => Timeouts::rfc5321(),
        _ => Timeouts::default(),
    };
    let executor = executor(network.clone(), timeouts, &["192.0.2.0/24"]);
    let report = carry_out(&executor, permit(&addresses)).await;
    if chance.in_step {
        check_answers(&report);
    }
    let sessions = sessions(&report);
    let visits = network.visits();
    assert_eq!(visits.len(), sessions.len(), "each connection is a session");
    for ((target, meter), transcript) in visits.iter().zip(&sessions) {
        let remote = transcript.head.remote.map(|remote| remote.ip());
        assert_eq!(remote, Some(*target));
        let text = transcript.to_text();
        assert_eq!(Account::of(transcript).sum(), meter.taken(), "{text}");
    }
    let tally = Tally {
        sessions: sessions.len(),
        answered: report
            .asked
            .iter()
            .filter(|asked| !super::visit::answers(asked).is_empty())
            .count(),
    };
    drop(executor);
    network.end().await;
    tally
}

/// Chance, the same for the same seed (the generator of Steele, Lea and Flood, 2014).
struct Chance {
    state: u64,
    /// Whether every command gets one reply or none at all for ever. Otherwise a reply can be taken
    /// for the answer to another command, by the rules and without anybody being able to tell.
    in_step: bool,
}

impl Chance {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn bytes(&mut self, longest: u64) -> Vec<u8> {
        let length = self.below(longest);
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    fn time(&mut self) -> Duration {
        let most = [10, 1_000, 30_000, 300_000][self.below(4) as usize];
        Duration::from_millis(self.below(most))
    }

    /// A server that does something of its own at about a third of the steps.
    fn script(&mut self, certificates: &Certificates) -> Script {
        let mut script = Script::good();
        if self.one_in(3) {
            script = script.offering(&[]);
        }
        if self.one_in(3) {
            let tls = match self.below(3) {
                0 => &certificates.old,
                _ => &certificates.new,
            };
            script = script.with_tls(tls);
        }
        for step in Step::ALL {
            if !self.one_in(3) {
                continue;
            }
            let has_tls = script.tls.is_some();
            let acts = match step {
                Step::StartTls => self.handshake(certificates),
                _ if self.one_in(3) => vec![self.act(step, has_tls), self.act(step, has_tls)],
                _ => self.acts(),
            };
            script = script.at(step, acts);
        }
        script
    }

    fn handshake(&mut self, certificates: &Certificates) -> Vec<Do> {
        let act = match self.below(12) {
            0 => Do::Secure(certificates.crowded.clone()),
            1 => Do::Say(clear_handshake(&self.bytes(300))),
            2 => Do::Say(clear_record(ALERT, &[2, 40])),
            3 => Do::Endless(clear_record(ALERT, &[1, 90]), Duration::ZERO),
            4 => Do::Say(self.bytes(300)),
            5 => Do::Wait(self.time()),
            6 => Do::Close,
            7 => Do::Reset,
            8 => Do::Sleep,
            _ => Do::Secure(certificates.new.clone()),
        };
        let is_in_turn = !matches!(act, Do::Secure(_)) && !self.one_in(4);
        match is_in_turn {
            true => vec![Do::Reply, Do::Hear, act],
            false => vec![Do::Reply, act],
        }
    }

    /// What keeps replies and commands in step.
    fn acts(&mut self) -> Vec<Do> {
        match self.below(10) {
            0 => vec![Do::Trickle(self.time() / 16)],
            1 => vec![Do::Silence],
            2 => vec![Do::Sleep],
            3 => vec![Do::HalfClose],
            4 => vec![Do::Close],
            5 => vec![Do::Cut],
            6 => vec![Do::Reset],
            _ => vec![Do::Wait(self.time()), Do::Reply],
        }
    }

    /// Anything.
    fn act(&mut self, step: Step, has_tls: bool) -> Do {
        self.in_step = false;
        match self.below(18) {
            0 => Do::Trickle(self.time() / 16),
            1 => Do::ReplyAnd(b"250 2.1.5 forged\r\n".to_vec()),
            2 => Do::Say(self.reply()),
            3 => Do::Say(self.bytes(4000)),
            4 => Do::Endless(self.reply(), Duration::ZERO),
            5 => Do::Endless(b"250-more\r\n".to_vec(), self.time()),
            6 => Do::Endless(self.bytes(100), self.time() / 4),
            7 => Do::Wait(self.time()),
            8 => Do::Silence,
            9 => Do::Sleep,
            10 => Do::HalfClose,
            11 => Do::Close,
            12 => Do::Cut,
            13 => Do::Reset,
            14 if has_tls && step > Step::StartTls => self.records(),
            15 if has_tls && step > Step::StartTls => Do::Bare(self.bytes(200)),
            _ => Do::Reply,
        }
    }

    fn records(&mut self) -> Do {
        let times = [1, 3, 40, u32::MAX][self.below(4) as usize];
        let record = match self.below(5) {
            0 => (HANDSHAKE, vec![0, 0, 0, 0]),
            1 => (HANDSHAKE, vec![24, 0, 0, 1, 0]),
            2 => (APPLICATION, Vec::new()),
            3 => (APPLICATION, self.reply()),
            _ => (HANDSHAKE, self.bytes(60)),
        };
        Do::Records(times, vec![record])
    }

    /// Something that looks like a reply.
    fn reply(&mut self) -> Vec<u8> {
        let code = match self.below(4) {
            0 => self.below(1000),
            1 => [250, 251, 252, 354][self.below(4) as usize],
            2 => [421, 450, 451, 452][self.below(4) as usize],
            _ => [550, 551, 552, 554][self.below(4) as usize],
        };
        let between = [" ", "-", "", "\t"][self.below(4) as usize];
        let end = ["\r\n", "\r\n", "\r\n", "\n", "\r", ""][self.below(6) as usize];
        let text = ["5.1.1 no such user", "ok", "\0\x1b[2J", "4.7.1 later"][self.below(4) as usize];
        format!("{code:03}{between}{text}{end}").into_bytes()
    }
}
