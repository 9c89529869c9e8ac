//! A host: an exchange as somebody runs it, with its habits and its network.

use std::net::IpAddr;

/// An exchange.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) connect: Connect,
    pub(super) manner: Manner,
    pub(super) path: Path,
}

/// What becomes of connections to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connect {
    Open,
    Refused,
    Unreachable,
    /// Nobody answers.
    Silent,
    /// One address is dead, the others are open.
    FirstAddressDead,
    /// One of these, by chance, every time anew.
    Flaky,
}

/// What the network between does with bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    /// There and back, in milliseconds.
    pub(super) round_trip_ms: u64,
    pub(super) segments: Segments,
    /// Of a thousand replies, so many never arrive, nor does anything after them.
    pub(super) loss_permille: u64,
    /// Of a thousand replies, so many come seconds later.
    pub(super) delay_permille: u64,
    /// Octets that one write takes; everything where absent.
    pub(super) write_max: Option<usize>,
}

/// How bytes are cut on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segments {
    Whole,
    /// Cut anywhere, the pieces come one after another.
    Split,
    /// One octet at a time, all at once.
    Octets,
    /// One octet at a time, each a little later.
    Drip,
    /// What is said within 200 ms comes together.
    Merged,
}

/// How a server talks.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    pub(super) greeting: Greeting,
    pub(super) hello: Hello,
    pub(super) pipelining: bool,
    pub(super) smtputf8: bool,
    pub(super) start_tls: Option<StartTls>,
    /// RCPTMAX, RCPTDOMAINMAX and MAILMAX of LIMITS.
    pub(super) announced: Option<[Option<u64>; 3]>,
    pub(super) mail: Mail,
    pub(super) rcpt: Rcpt,
    /// Recipients of a transaction after which it says that there are too many.
    pub(super) too_many_after: Option<u64>,
    /// How it says so: with an enhanced code, or with a bare 452.
    pub(super) too_many_enhanced: bool,
    /// How long it thinks about a command, in milliseconds at most.
    pub(super) thinks_ms: u64,
    /// How much longer it thinks about each further recipient.
    pub(super) tarpit_ms: u64,
    /// What it does wrong now and then, and how often of a thousand replies.
    pub(super) quirk: Option<(Quirk, u64)>,
    /// What it does at the command of that number, the greeting being 0.
    pub(super) turn: Option<(u64, Turn)>,
    /// Sessions within ten minutes after which it says 421 to the next.
    pub(super) sessions_max: Option<u64>,
    pub(super) quit: Quit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    Ready,
    MultiLine,
    /// After so many milliseconds.
    Late(u64),
    Refused(u16),
    /// A line of another protocol.
    Garbage,
    Silent,
    /// Every reply of a whole dialogue at once.
    AllEarly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hello {
    Extended,
    /// EHLO is unknown, HELO is not.
    HeloOnly(u16),
    Refused(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StartTls {
    Refused,
    /// Goes ahead, and then says something that is no handshake.
    Garbage,
    /// Goes ahead and closes.
    Closes,
    /// Goes ahead and stays silent.
    Silent,
    /// Says more in clear behind the reply.
    Injected,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mail {
    Accepted,
    Refused(u16),
    /// 503 to the first one of a session.
    OutOfOrderOnce,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rcpt {
    /// Knows its mailboxes.
    Honest,
    AcceptsAll,
    RefusesAll(u16),
    /// 450 until so many milliseconds have passed since the first time.
    Greylists(u64),
}

/// Something wrong with a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quirk {
    MultiLine,
    BareLf,
    NoText,
    NoUtf8,
    TwoCodes,
    GarbageBefore,
    Nul,
    LongLine,
    /// A second reply right behind it.
    Doubled,
    /// A second reply some milliseconds later.
    DoubledLate,
    WrongCode(u16),
}

/// Something that a server does once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Close,
    Reset,
    Silence,
    /// Half of the reply, and then the end of the connection.
    HalfThenClose,
    /// Half of the reply, and then nothing.
    HalfThenSilence,
    /// 421, and then the end.
    ServiceClosing,
    /// The reply, and behind it 421 that nobody asked for.
    AnsweredThenClosing,
    EndlessLine,
    EndlessReply,
    /// The reply, one octet every few seconds.
    Trickle,
    /// The replies to all commands that came together, the last one first.
    OutOfOrder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quit {
    Bye,
    Closes,
    Silent,
    Refused,
}
