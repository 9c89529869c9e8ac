//! A mail server that behaves well until its script says otherwise.
//!
//! It has its own idea of the protocol and shares no code with the session that it is set against.
//! What it truly says about a recipient names that recipient; what it slips in says [`FORGED`].

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::channel::{Channel, HANDSHAKE, ServerTls};
use super::wire::Far;

/// In every reply that answers nothing.
pub const FORGED: &str = "forged";

/// Octets of a command that a server waits for at most.
const COMMAND_MAX: usize = 4096;

/// A step of the dialogue, from the server's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The connection is open.
    Greeting,
    /// EHLO or HELO in clear.
    Ehlo,
    /// STARTTLS.
    StartTls,
    /// EHLO inside of TLS.
    EhloInside,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// RSET.
    Rset,
    /// QUIT.
    Quit,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 8] = [
        Self::Greeting,
        Self::Ehlo,
        Self::StartTls,
        Self::EhloInside,
        Self::Mail,
        Self::Rcpt,
        Self::Rset,
        Self::Quit,
    ];

    /// Its name in a script.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Greeting => "greeting",
            Self::Ehlo => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::EhloInside => "EHLO inside TLS",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Rset => "RSET",
            Self::Quit => "QUIT",
        }
    }
}

/// One thing that a server does.
#[derive(Clone)]
pub enum Do {
    /// Gives the reply that a good server would give.
    Reply,
    /// Gives it octet by octet, with this wait before each.
    Trickle(Duration),
    /// Sends this octet by octet, with this wait before each, and no more.
    Trickled(Vec<u8>, Duration),
    /// Gives it, and in the same breath this.
    ReplyAnd(Vec<u8>),
    /// Sends this; `{recipient}` stands for the one in hand.
    Say(Vec<u8>),
    /// Sends this over and over, for as long as anybody listens, with this wait before each.
    Endless(Vec<u8>, Duration),
    /// Waits.
    Wait(Duration),
    /// Waits until the client has said something, and throws it away.
    Hear,
    /// Says nothing more, but reads.
    Silence,
    /// Neither says nor reads anything more.
    Sleep,
    /// Closes its direction and reads on.
    HalfClose,
    /// Closes the connection.
    Close,
    /// Closes the connection without ending TLS.
    Cut,
    /// Resets the connection.
    Reset,
    /// Shakes hands as it should.
    Secure(ServerTls),
    /// Sends this past TLS, on the bare connection.
    Bare(Vec<u8>),
    /// Sends TLS records of these types and contents, so many times over.
    Records(u32, Vec<(u8, Vec<u8>)>),
}

/// What a server does at each step; where nothing is written it replies.
#[derive(Clone, Default)]
pub struct Script {
    /// By step.
    pub acts: BTreeMap<Step, Vec<Do>>,
    /// Keywords of EHLO, beside STARTTLS.
    pub offers: Vec<&'static str>,
    /// Whether STARTTLS is among them.
    pub tls: Option<ServerTls>,
    /// Whether replies to a group of commands come in reverse.
    pub reverses: bool,
}

impl Script {
    /// A server that does nothing wrong.
    #[must_use]
    pub fn good() -> Self {
        Self {
            offers: vec!["PIPELINING", "ENHANCEDSTATUSCODES"],
            ..Self::default()
        }
    }

    /// The same, but for one step.
    #[must_use]
    pub fn at(mut self, step: Step, acts: Vec<Do>) -> Self {
        self.acts.insert(step, acts);
        self
    }

    /// The same with STARTTLS.
    #[must_use]
    pub fn with_tls(mut self, tls: &ServerTls) -> Self {
        self.tls = Some(tls.clone());
        self
    }

    /// The same with other keywords.
    #[must_use]
    pub fn offering(mut self, offers: &[&'static str]) -> Self {
        self.offers = offers.to_vec();
        self
    }
}

/// Plays the script over one connection. An error is the client's leaving.
pub async fn serve<S: Far>(stream: S, script: &Script) -> io::Result<()> {
    let mut server = Server {
        channel: Channel::Clear(stream),
        script,
        unread: Vec::new(),
    };
    let mut next = server.play(Step::Greeting, "").await?;
    while next == Next::Command {
        let mut lines = vec![server.command().await?];
        while script.reverses && server.unread.contains(&b'\n') {
            lines.push(server.command().await?);
        }
        lines.reverse();
        for line in lines {
            next = match server.step(&line) {
                Some(step) => server.play(step, &line).await?,
                None => server.refuse().await?,
            };
        }
    }
    Ok(())
}

/// What a server does after an act.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Command,
    End,
}

struct Server<'a, S> {
    channel: Channel<S>,
    script: &'a Script,
    unread: Vec<u8>,
}

impl<S: Far> Server<'_, S> {
    /// The next line from the client, without its end.
    async fn command(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.unread.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.unread.len() > COMMAND_MAX {
                return Err(io::Error::other("a command without end"));
            }
            if self.channel.read(&mut self.unread).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn step(&self, line: &str) -> Option<Step> {
        let verb = line.split([' ', ':']).next().unwrap_or_default();
        match verb {
            "EHLO" | "HELO" if self.channel.is_secure() => Some(Step::EhloInside),
            "EHLO" | "HELO" => Some(Step::Ehlo),
            "STARTTLS" => Some(Step::StartTls),
            "MAIL" => Some(Step::Mail),
            "RCPT" => Some(Step::Rcpt),
            "RSET" => Some(Step::Rset),
            "QUIT" => Some(Step::Quit),
            _ => None,
        }
    }

    async fn refuse(&mut self) -> io::Result<Next> {
        self.channel.write(b"500 5.5.1 what?\r\n").await?;
        Ok(Next::Command)
    }

    async fn play(&mut self, step: Step, line: &str) -> io::Result<Next> {
        let script = self.script;
        let usual = usual(step, script);
        let acts = script.acts.get(&step).unwrap_or(&usual);
        for act in acts {
            if self.act(act, step, line).await? == Next::End {
                return Ok(Next::End);
            }
        }
        match step {
            Step::Quit => Ok(Next::End),
            _ => Ok(Next::Command),
        }
    }

    async fn act(&mut self, act: &Do, step: Step, line: &str) -> io::Result<Next> {
        let reply = self.reply(step, line);
        match act {
            Do::Reply => self.channel.write(&reply).await?,
            Do::Trickle(pause) => self.trickle(&reply, *pause).await?,
            Do::Trickled(bytes, pause) => {
                self.trickle(bytes, *pause).await?;
                return self.hear_out().await;
            }
            Do::ReplyAnd(more) => {
                let both = [reply, more.clone()].concat();
                self.channel.write(&both).await?;
            }
            Do::Say(bytes) => self.channel.write(&filled(bytes, line)).await?,
            Do::Endless(bytes, pause) => loop {
                if !pause.is_zero() {
                    tokio::time::sleep(*pause).await;
                }
                self.channel.write(bytes).await?;
            },
            Do::Wait(time) => tokio::time::sleep(*time).await,
            Do::Hear => {
                self.channel.read(&mut Vec::new()).await?;
            }
            Do::Silence => return self.hear_out().await,
            Do::Sleep => std::future::pending().await,
            Do::HalfClose => {
                self.channel.half_close().await?;
                return self.hear_out().await;
            }
            Do::Close => {
                self.channel.half_close().await?;
                return Ok(Next::End);
            }
            Do::Cut => {
                self.channel.bare()?.shutdown().await?;
                return Ok(Next::End);
            }
            Do::Reset => {
                self.channel.end_with_reset();
                return Ok(Next::End);
            }
            Do::Secure(tls) => {
                self.unread.clear();
                self.channel.secure(tls).await?;
            }
            Do::Bare(bytes) => self.channel.bare()?.write_all(bytes).await?,
            Do::Records(times, records) => {
                let raw = self.channel.take_records()?;
                for _ in 0..*times {
                    for (kind, content) in records {
                        raw.send(*kind, content).await?;
                    }
                }
            }
        }
        Ok(Next::Command)
    }

    async fn trickle(&mut self, bytes: &[u8], pause: Duration) -> io::Result<()> {
        for octet in bytes {
            tokio::time::sleep(pause).await;
            self.channel.write(&[*octet]).await?;
        }
        Ok(())
    }

    /// Reads until the client leaves.
    async fn hear_out(&mut self) -> io::Result<Next> {
        let mut heard = Vec::new();
        while self.channel.read(&mut heard).await? > 0 {
            heard.clear();
        }
        Ok(Next::End)
    }

    fn reply(&self, step: Step, line: &str) -> Vec<u8> {
        let recipient = argument(line);
        let text = match step {
            Step::Greeting => "220 mx.example.test ESMTP".to_owned(),
            Step::Ehlo | Step::EhloInside => return self.ehlo(),
            Step::StartTls => "220 2.0.0 go ahead".to_owned(),
            Step::Mail => "250 2.1.0 ok".to_owned(),
            Step::Rcpt if recipient.starts_with("ana@") => {
                format!("250 2.1.5 <{recipient}> is here")
            }
            Step::Rcpt => format!("550 5.1.1 <{recipient}> is not here"),
            Step::Rset => "250 2.0.0 ok".to_owned(),
            Step::Quit => "221 2.0.0 bye".to_owned(),
        };
        (text + "\r\n").into_bytes()
    }

    fn ehlo(&self) -> Vec<u8> {
        let mut text = "250-mx.example.test\r\n".to_owned();
        if self.script.tls.is_some() && !self.channel.is_secure() {
            text += "250-STARTTLS\r\n";
        }
        for offer in &self.script.offers {
            text += &format!("250-{offer}\r\n");
        }
        (text + "250 HELP\r\n").into_bytes()
    }
}

fn usual(step: Step, script: &Script) -> Vec<Do> {
    match (step, &script.tls) {
        (Step::StartTls, Some(tls)) => vec![Do::Reply, Do::Secure(tls.clone())],
        _ => vec![Do::Reply],
    }
}

/// What stands between the brackets of a command.
fn argument(line: &str) -> &str {
    let inside = line.split_once('<').map_or("", |(_, rest)| rest);
    inside.split('>').next().unwrap_or_default()
}

fn filled(bytes: &[u8], line: &str) -> Vec<u8> {
    let mut filled = Vec::new();
    let mut rest = bytes;
    while let Some(at) = position(rest, PLACE) {
        filled.extend_from_slice(&rest[..at]);
        filled.extend_from_slice(argument(line).as_bytes());
        rest = &rest[at + PLACE.len()..];
    }
    filled.extend_from_slice(rest);
    filled
}

/// Stands for the recipient in hand.
const PLACE: &[u8] = b"{recipient}";

fn position(bytes: &[u8], of: &[u8]) -> Option<usize> {
    bytes.windows(of.len()).position(|window| window == of)
}

/// A TLS handshake message in a record, unsealed, as before keys are agreed on.
#[must_use]
pub fn clear_handshake(message: &[u8]) -> Vec<u8> {
    clear_record(HANDSHAKE, message)
}

/// A TLS record, unsealed.
#[must_use]
pub fn clear_record(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes();
    [[kind, 3, 3].as_slice(), &length, content].concat()
}
