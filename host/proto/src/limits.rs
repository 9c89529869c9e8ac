//! What a session takes from a server, and how much it asks of one.
//!
//! Everything that a server sends is bounded here, by number and by name. Reaching a bound ends the
//! session with [`crate::transcript::Ending::LimitReached`]; nothing is concluded from it.

use std::fmt;

/// Bytes of one reply line that are kept; the rest is counted and dropped.
///
/// RFC 5321 section 4.5.3.1.5 allows 512 with the line end; real policy texts run to about 1,500.
pub const LINE_KEPT_MAX: usize = 2048;

/// The most that [`Limits::received_bytes`] can be set to: offsets into a transcript stay small.
pub const RECEIVED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bounds of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes taken from the server in the whole session. Default [`RECEIVED_BYTES_DEFAULT`].
    pub received_bytes: usize,
    /// Bytes of one reply, line ends included. Default [`REPLY_BYTES_DEFAULT`].
    pub reply_bytes: usize,
    /// Lines of one reply. Default [`REPLY_LINES_DEFAULT`].
    pub reply_lines: usize,
    /// Lines of the whole session that are no reply lines and are skipped. Default
    /// [`GARBAGE_LINES_DEFAULT`].
    pub garbage_lines: usize,
    /// RCPT commands of the whole session. Default [`RECIPIENTS_DEFAULT`].
    pub recipients: usize,
    /// Permanent negative replies to RCPT after which nothing more is asked. Default
    /// [`REJECTIONS_DEFAULT`].
    pub rejections: usize,
}

/// A hundred long replies, and little enough that a thousand hostile sessions fit into memory.
pub const RECEIVED_BYTES_DEFAULT: usize = 96 * 1024;
/// Far above any real EHLO reply or policy text.
pub const REPLY_BYTES_DEFAULT: usize = 64 * 1024;
/// EHLO replies of real servers stay under 40 lines, greetings under 30.
pub const REPLY_LINES_DEFAULT: usize = 256;
/// Room for a stray empty line or two of a firewall; a server of another protocol is noticed soon.
pub const GARBAGE_LINES_DEFAULT: usize = 8;
/// Half of what every server must take in one transaction (RFC 5321 section 4.5.3.1.8).
pub const RECIPIENTS_DEFAULT: usize = 50;
/// Harvest protection of common servers starts between 10 and 50 unknown recipients.
pub const REJECTIONS_DEFAULT: usize = 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            received_bytes: RECEIVED_BYTES_DEFAULT,
            reply_bytes: REPLY_BYTES_DEFAULT,
            reply_lines: REPLY_LINES_DEFAULT,
            garbage_lines: GARBAGE_LINES_DEFAULT,
            recipients: RECIPIENTS_DEFAULT,
            rejections: REJECTIONS_DEFAULT,
        }
    }
}

/// Which bound ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// [`Limits::received_bytes`].
    ReceivedBytes,
    /// [`Limits::reply_bytes`].
    ReplyBytes,
    /// [`Limits::reply_lines`].
    ReplyLines,
    /// [`Limits::recipients`].
    Recipients,
    /// [`Limits::rejections`].
    Rejections,
    /// The server's own MAILMAX (RFC 9422): no further transaction in this session.
    Transactions,
}

impl Limit {
    /// Every limit.
    pub const ALL: [Self; 6] = [
        Self::ReceivedBytes,
        Self::ReplyBytes,
        Self::ReplyLines,
        Self::Recipients,
        Self::Rejections,
        Self::Transactions,
    ];

    /// The name in kebab-case, as it stands in transcripts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReceivedBytes => "received-bytes",
            Self::ReplyBytes => "reply-bytes",
            Self::ReplyLines => "reply-lines",
            Self::Recipients => "recipients",
            Self::Rejections => "rejections",
            Self::Transactions => "transactions",
        }
    }

    /// The limit of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.as_str() == name)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
