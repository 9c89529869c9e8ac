//! A whole session with a server that says and does anything, in any order, at any time.
//!
//! Input, in this order:
//!
//! 1. fourteen bytes of settings, see [`Setup::read`]; zero is the default of each;
//! 2. EHLO name, reverse path, and the recipients, each a text that ends with NUL;
//! 3. what happens: bytes of the server as they are, and marks of two or three bytes, the first of
//!    them [`MARK`]. A server's own byte of that value is written twice.
//!
//! So a dialogue stands in an input as it is on the wire, and a fuzzer that copies and cuts it
//! makes dialogues.
//!
//! Holds: no panic; nothing but our commands is sent, in groups that RFC 2920 allows, none during a
//! handshake and none after the end; every wait ends within the budget of the session, and a server
//! that falls silent is left; every byte is in the record or counted as dropped; no more is kept
//! than the limit; each answer belongs to the recipient who was named; SMTPUTF8 is not used where
//! nobody offered it; the record is read back from both its forms; how the bytes were split changes
//! nothing.

use std::time::Duration;

use vrfy_proto::attempt_view::{FACTS_MAX, Place, SessionView};
use vrfy_proto::evidence::Attempt;
use vrfy_proto::limits::{
    GARBAGE_LINES_DEFAULT, Limits, RECEIVED_BYTES_DEFAULT, RECIPIENTS_DEFAULT, REJECTIONS_DEFAULT,
    REPLY_BYTES_DEFAULT, REPLY_LINES_DEFAULT,
};
use vrfy_proto::session::{
    Hello, Output, Pipelining, Recipient, RecipientKind, Session, SessionConfig, StartTlsUse,
};
use vrfy_proto::timeouts::Timeouts;
use vrfy_proto::transcript::{Closed, TlsFacts, Transcript};

use crate::checks;
use crate::cursor::Cursor;

/// Begins a mark among the bytes of the server.
pub const MARK: u8 = 0xff;
/// Mark: the session is asked what it wants to do.
pub const POLL: u8 = 0;
/// Mark: so many seconds pass, by the byte that follows.
pub const WAIT: u8 = 1;
/// Mark: the server closes the connection.
pub const CLOSE: u8 = 2;
/// Mark: the server resets the connection.
pub const RESET: u8 = 3;
/// Mark: the connection is lost in another way.
pub const BREAK: u8 = 4;
/// Mark: the TLS handshake succeeds.
pub const TLS_READY: u8 = 5;
/// Mark: the TLS handshake fails.
pub const TLS_FAILED: u8 = 6;
/// Mark: time passes until the session wants to be woken.
pub const WAKE: u8 = 7;
/// Mark: the byte before this mark comes again, 64 times the byte that follows.
pub const REPEAT: u8 = 8;
/// Mark: all that came since the last command comes again, as often as the byte that follows.
pub const ECHO: u8 = 9;

/// Recipients of one session at most; more only make it slow.
pub const RECIPIENTS_MAX: usize = 12;

/// Bytes of a server at most: beyond the default limit of a session, so that it is reached.
const SERVER_BYTES_MAX: usize = 128 * 1024;

/// Bytes of a server at most that are handed over one by one as well.
const SPLIT_BYTES_MAX: usize = 2048;

/// Waits at most in which a silent server is left.
const WAKES_MAX: usize = 10;

/// Checks one input.
///
/// # Panics
///
/// Where the session does not keep its promises.
pub fn check(input: &[u8]) {
    let (transcript, _) = held(input);
    check_views(&transcript);
}

/// Holds the session that an input describes and checks its record.
///
/// # Panics
///
/// Where the session does not keep its promises.
#[must_use]
pub fn held(input: &[u8]) -> (Transcript, Limits) {
    let mut cursor = Cursor::new(input);
    let setup = Setup::read(&mut cursor);
    let limits = setup.config.limits;
    let happenings = happenings(cursor.into_rest());
    let transcript = hold(&setup, &happenings, usize::MAX);
    checks::check_memory(&transcript, limits);
    checks::check_forms(&transcript);
    checks::check_answers(&transcript);
    checks::check_manners(&transcript, limits);
    let bytes: usize = happenings.iter().map(Happening::length).sum();
    if bytes <= SPLIT_BYTES_MAX {
        let split = hold(&setup, &happenings, 1);
        assert_eq!(split, transcript, "byte by byte");
    }
    (transcript, limits)
}

/// What each recipient's policy would be shown.
pub(crate) fn check_views(transcript: &Transcript) -> Vec<Attempt> {
    let view = SessionView::new(transcript);
    let place = Place {
        round: 1,
        exchange: 0,
    };
    let recipients = 0..transcript.head.recipients.len();
    let attempts = recipients.map(|recipient| {
        let attempt = view.attempt(recipient, place);
        assert!(attempt.facts.len() <= FACTS_MAX);
        assert!(attempt.refused_before <= attempt.asked_before);
        let is_shown = attempt
            .replies
            .iter()
            .any(|reply| reply.stage == vrfy_proto::stage::Stage::RcptTo);
        assert_eq!(is_shown, view.is_answered(recipient));
        let _ = view.is_unaskable(recipient);
        attempt
    });
    let attempts = attempts.collect();
    let decoys = view.decoys();
    assert!(decoys.len() <= transcript.head.recipients.len());
    attempts
}

/// What a session is held with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Its settings.
    pub config: SessionConfig,
    /// Whom to ask.
    pub recipients: Vec<Recipient>,
}

impl Setup {
    fn read(cursor: &mut Cursor<'_>) -> Self {
        let start_tls = cursor.pick(&[
            StartTlsUse::Opportunistic,
            StartTlsUse::Never,
            StartTlsUse::Required,
        ]);
        let pipelining = cursor.pick(&[Pipelining::WhereOffered, Pipelining::Never]);
        let limits = Limits {
            received_bytes: cursor.scaled(RECEIVED_BYTES_DEFAULT, 97),
            reply_bytes: cursor.scaled(REPLY_BYTES_DEFAULT, 31),
            reply_lines: cursor.scaled(REPLY_LINES_DEFAULT, 1),
            garbage_lines: cursor.scaled(GARBAGE_LINES_DEFAULT, 1),
            recipients: cursor.scaled(RECIPIENTS_DEFAULT, 1),
            rejections: cursor.scaled(REJECTIONS_DEFAULT, 1),
        };
        let mut timeouts = cursor.pick(&[Timeouts::default(), Timeouts::rfc5321()]);
        let session = cursor.scaled(0, 1);
        if session > 0 {
            timeouts.session = Duration::from_secs(session as u64);
        }
        let hello = cursor.pick(&[Hello::Ehlo, Hello::Helo]);
        let count = usize::from(cursor.byte()) % (RECIPIENTS_MAX + 1);
        let kinds = cursor.u16();
        let config = SessionConfig {
            ehlo_name: cursor.text(),
            reverse_path: cursor.text(),
            hello,
            start_tls,
            pipelining,
            timeouts,
            limits,
        };
        let recipients = (0..count).map(|index| {
            let address = cursor.text();
            Recipient {
                kind: match kinds >> index & 1 {
                    0 => RecipientKind::Mailbox,
                    _ => RecipientKind::Decoy,
                },
                needs_smtputf8: !address.is_ascii(),
                address,
            }
        });
        let recipients = recipients.collect();
        Self { config, recipients }
    }
}

/// One thing that happens to a session.
#[derive(Clone, Debug)]
enum Happening {
    Bytes(Vec<u8>),
    Poll,
    Wait(Duration),
    Wake,
    Closed(Closed),
    TlsReady,
    TlsFailed,
}

impl Happening {
    fn length(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            _ => 0,
        }
    }
}

fn happenings(stream: &[u8]) -> Vec<Happening> {
    let mut happenings = Vec::new();
    let mut bytes = Vec::new();
    let mut room = SERVER_BYTES_MAX;
    let mut cursor = Cursor::new(stream);
    while !cursor.is_empty() {
        let byte = cursor.byte();
        let mark = match byte {
            MARK => cursor.byte(),
            _ => MARK,
        };
        let happening = match mark {
            MARK => {
                bytes.push(byte);
                None
            }
            REPEAT => {
                let count = usize::from(cursor.byte()) * 64;
                let last = bytes.last().copied().unwrap_or(b'x');
                bytes.resize(bytes.len() + count.min(room), last);
                None
            }
            ECHO => {
                let count = usize::from(cursor.byte());
                let most = room / bytes.len().max(1);
                bytes = bytes.repeat(1 + count.min(most));
                None
            }
            WAIT => Some(Happening::Wait(Duration::from_secs(cursor.byte().into()))),
            WAKE => Some(Happening::Wake),
            CLOSE => Some(Happening::Closed(Closed::Orderly)),
            RESET => Some(Happening::Closed(Closed::Reset)),
            BREAK => Some(Happening::Closed(Closed::Other("no route".to_owned()))),
            TLS_READY => Some(Happening::TlsReady),
            TLS_FAILED => Some(Happening::TlsFailed),
            _ => Some(Happening::Poll),
        };
        if let Some(happening) = happening {
            bytes.truncate(room);
            room -= bytes.len();
            happenings.push(Happening::Bytes(std::mem::take(&mut bytes)));
            happenings.push(happening);
        }
    }
    bytes.truncate(room);
    happenings.push(Happening::Bytes(bytes));
    happenings
}

fn hold(setup: &Setup, happenings: &[Happening], piece: usize) -> Transcript {
    let mut player = Player::new(setup);
    for happening in happenings {
        player.play(happening, piece);
    }
    let (transcript, heard) = player.play_to_the_end();
    assert!(transcript.ending().is_some());
    assert_eq!(checks::accounted_bytes(&transcript), heard);
    transcript
}

/// Plays the host of a session, and checks each of its wishes.
struct Player {
    session: Session,
    budget: Duration,
    now: Duration,
    wake: Option<Duration>,
    heard: u64,
    /// Whether a line of the server has ended: nothing is sent before.
    has_greeted: bool,
    in_handshake: bool,
    start_tls_sent: bool,
    finished: bool,
    /// The last bytes heard, in capitals, to find the offer of SMTPUTF8.
    recent: Vec<u8>,
    has_offered_smtputf8: bool,
}

impl Player {
    fn new(setup: &Setup) -> Self {
        Self {
            session: Session::new(setup.config.clone(), setup.recipients.clone()),
            budget: setup.config.timeouts.session,
            now: Duration::ZERO,
            wake: None,
            heard: 0,
            has_greeted: false,
            in_handshake: false,
            start_tls_sent: false,
            finished: false,
            recent: Vec::new(),
            has_offered_smtputf8: false,
        }
    }

    fn play(&mut self, happening: &Happening, piece: usize) {
        match happening {
            Happening::Bytes(bytes) => {
                for piece in bytes.chunks(piece) {
                    self.hear(piece);
                }
            }
            Happening::Poll => self.poll(),
            Happening::Wait(time) => self.pass_until(self.now + *time),
            Happening::Wake => {
                self.poll();
                self.pass_until(self.wake.unwrap_or(self.now).max(self.now));
            }
            Happening::Closed(closed) => {
                self.session.handle_closed(closed, self.now);
                self.poll();
                assert!(self.finished, "a lost connection ends the session");
            }
            Happening::TlsReady => {
                let facts = TlsFacts::default();
                self.session.handle_tls_ready(&facts, self.now);
                self.in_handshake = false;
            }
            Happening::TlsFailed => {
                self.session.handle_tls_failed("no", self.now);
                if self.in_handshake {
                    self.poll();
                    assert!(self.finished, "a failed handshake ends the session");
                }
            }
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.heard += bytes.len() as u64;
        self.has_greeted |= bytes.contains(&b'\n');
        if !self.has_offered_smtputf8 {
            self.recent.extend(bytes.to_ascii_uppercase());
            let offer: &[u8] = b"SMTPUTF8";
            self.has_offered_smtputf8 = memchr::memmem::find(&self.recent, offer).is_some();
            let old = self.recent.len().saturating_sub(offer.len());
            self.recent.drain(..old);
        }
        self.session.handle_bytes(bytes, self.now);
    }

    fn pass_until(&mut self, time: Duration) {
        self.now = time;
        self.session.handle_timeout(time);
        if time >= self.budget {
            self.poll();
            assert!(self.finished, "the budget ends every session");
        }
    }

    fn poll(&mut self) {
        loop {
            let output = self.session.poll_output();
            assert!(!self.finished || output == Output::Finished);
            match output {
                Output::Transmit(bytes) => self.check_sent(&bytes),
                Output::StartTls => {
                    assert!(self.start_tls_sent && !self.in_handshake);
                    self.start_tls_sent = false;
                    self.in_handshake = true;
                }
                Output::WakeAt(at) => {
                    assert!(at <= self.budget, "a wait goes beyond the budget");
                    self.wake = Some(at);
                    return;
                }
                Output::Finished => {
                    self.finished = true;
                    self.wake = None;
                    return;
                }
            }
        }
    }

    fn check_sent(&mut self, bytes: &[u8]) {
        assert!(self.has_greeted, "the server speaks first");
        assert!(!self.in_handshake, "nothing is sent during a handshake");
        checks::check_group(bytes);
        self.start_tls_sent |= bytes == b"STARTTLS\r\n";
        for line in bytes.split(|byte| *byte == b'\n') {
            let is_path = line.starts_with(b"MAIL ") || line.starts_with(b"RCPT ");
            let is_smtputf8 = !line.is_ascii() || line.ends_with(b"> SMTPUTF8\r");
            assert!(!is_path || !is_smtputf8 || self.has_offered_smtputf8);
        }
    }

    /// The server falls silent; every wake-up is followed.
    fn play_to_the_end(mut self) -> (Transcript, u64) {
        self.poll();
        let mut wakes = 0;
        while let Some(at) = self.wake {
            wakes += 1;
            assert!(wakes < WAKES_MAX, "a silent server is left");
            self.pass_until(self.now.max(at));
            self.poll();
        }
        assert!(self.finished);
        // What comes later changes nothing, and is counted.
        self.hear(b"250 late\r\n");
        self.session
            .handle_tls_ready(&TlsFacts::default(), self.now);
        self.session.handle_closed(&Closed::Reset, self.now);
        self.poll();
        (self.session.into_transcript(), self.heard)
    }
}
