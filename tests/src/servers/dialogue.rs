//! A dialogue typed by hand: one command, one reply, no interpretation.
//!
//! It exists to say what a server answers without vrfy's own session having a part in it, so it
//! shares no code with that. It does not pipeline and it believes the server about line ends.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::root::Root;

/// How long one reply may take. Courier's tarpit takes 8 s, and the machine may be busy.
const REPLY_MAX: Duration = Duration::from_secs(25);
/// More lines in one reply are no reply of these servers.
const LINES_MAX: usize = 50;

/// Who asks, in the reverse path.
pub const SENDER: &str = "by-hand@sender.test";

/// An open dialogue.
pub struct Dialogue {
    reader: BufReader<Box<dyn Read>>,
    writer: Box<dyn Write>,
    greeting: String,
    client: Option<Child>,
}

impl Dialogue {
    /// Connects and reads the greeting.
    pub fn plain(from: Ipv4Addr, address: SocketAddr) -> Result<Self> {
        let mut dialogue = Self::without_greeting(from, address)?;
        dialogue.greeting = dialogue.read_reply()?;
        Ok(dialogue)
    }

    /// Connects and talks at once, without waiting for the greeting. Returns all that the server
    /// says until it closes; `rest` ends with QUIT, so that it does.
    pub fn early(from: Ipv4Addr, address: SocketAddr, rest: &[String]) -> Result<String> {
        let mut dialogue = Self::without_greeting(from, address)?;
        dialogue.writer.write_all(b"ehlo probe.example.test\r\n")?;
        let (mut said, mut rest) = (String::new(), rest.iter().peekable());
        loop {
            let mut line = String::new();
            // A server that refuses may close or reset at any time.
            if dialogue.reader.read_line(&mut line).unwrap_or(0) == 0 {
                return Ok(said);
            }
            said += &line;
            let is_last = line.as_bytes().get(3) == Some(&b' ');
            if let Some(command) = rest.next_if(|_| is_last) {
                let _ = dialogue
                    .writer
                    .write_all(format!("{command}\r\n").as_bytes());
            }
        }
    }

    fn without_greeting(from: Ipv4Addr, address: SocketAddr) -> Result<Self> {
        let stream = connect(from, address)
            .with_context(|| format!("cannot connect from {from} to {address}"))?;
        stream.set_read_timeout(Some(REPLY_MAX))?;
        let writer = Box::new(stream.try_clone()?);
        let reader = BufReader::new(Box::new(stream) as Box<dyn Read>);
        Ok(Self {
            reader,
            writer,
            greeting: String::new(),
            client: None,
        })
    }

    /// Connects, asks for TLS and shakes hands, all with `openssl s_client`.
    pub fn after_start_tls(root: &Root, from: Ipv4Addr, address: SocketAddr) -> Result<Self> {
        let peer = address.to_string();
        let from = format!("{from}:0");
        let command = [
            "openssl",
            "s_client",
            "-starttls",
            "smtp",
            "-quiet",
            "-bind",
            &from,
            "-connect",
            &peer,
        ];
        let mut client = root
            .command(&command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot run openssl")?;
        let writer = Box::new(client.stdin.take().expect("stdin is piped"));
        let stdout = client.stdout.take().expect("stdout is piped");
        let reader = BufReader::new(Box::new(stdout) as Box<dyn Read>);
        Ok(Self {
            reader,
            writer,
            greeting: String::new(),
            client: Some(client),
        })
    }

    /// The greeting; empty after STARTTLS, where OpenSSL has read it.
    pub fn greeting(&self) -> &str {
        &self.greeting
    }

    /// Sends one command and returns the whole reply, lines joined by a line feed.
    pub fn ask(&mut self, command: &str) -> Result<String> {
        self.writer.write_all(format!("{command}\r\n").as_bytes())?;
        self.writer.flush()?;
        self.read_reply()
            .with_context(|| format!("no reply to {command:?}"))
    }

    /// The reply to RCPT after an EHLO and a MAIL that must succeed.
    pub fn ask_recipient(&mut self, sender: &str, recipient: &str) -> Result<String> {
        let hello = self.ask("ehlo probe.example.test")?;
        ensure!(hello.starts_with("250"), "EHLO was answered {hello:?}");
        let parameter = if recipient.is_ascii() {
            ""
        } else {
            " smtputf8"
        };
        let mail = self.ask(&format!("mail from:<{sender}>{parameter}"))?;
        // Lower case: OpenSSL's client takes a line that begins with R for an order to itself.
        if !mail.starts_with("250") {
            return Ok(mail);
        }
        self.ask(&format!("rcpt to:<{recipient}>"))
    }

    fn read_reply(&mut self) -> Result<String> {
        let mut lines: Vec<String> = Vec::new();
        while lines.len() < LINES_MAX {
            let mut line = String::new();
            self.reader.read_line(&mut line)?;
            ensure!(line.ends_with('\n'), "the server closed after {lines:?}");
            let line = line.trim_end().to_owned();
            let last = line.as_bytes().get(3) != Some(&b'-');
            lines.push(line);
            if last {
                return Ok(lines.join("\n"));
            }
        }
        anyhow::bail!("a reply of more than {LINES_MAX} lines")
    }
}

/// The standard library cannot choose the source address of a connection; Tokio can.
fn connect(from: Ipv4Addr, to: SocketAddr) -> Result<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((from, 0)))?;
        tokio::time::timeout(REPLY_MAX, socket.connect(to))
            .await?
            .and_then(tokio::net::TcpStream::into_std)
    })?;
    stream.set_nonblocking(false)?;
    Ok(stream)
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        let _ = self.writer.write_all(b"quit\r\n");
        if let Some(client) = &mut self.client {
            let _ = client.kill();
            let _ = client.wait();
        }
    }
}
