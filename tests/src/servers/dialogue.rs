//! A dialogue typed by hand: one command, one reply, no interpretation.
//!
//! It exists to say what a server answers without vrfy's own session having a part in it, so it
//! shares no code with that. It does not pipeline and it believes the server about line ends.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::root::Root;

/// How long one reply may take. Exim's quota check starts a process, and the machine may be busy.
const REPLY_MAX: Duration = Duration::from_secs(10);
/// More lines in one reply are no reply of these servers.
const LINES_MAX: usize = 50;

/// An open dialogue.
pub struct Dialogue {
    reader: BufReader<Box<dyn Read>>,
    writer: Box<dyn Write>,
    greeting: String,
    client: Option<Child>,
}

impl Dialogue {
    /// Connects and reads the greeting.
    pub fn plain(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, REPLY_MAX)
            .with_context(|| format!("cannot connect to {address}"))?;
        stream.set_read_timeout(Some(REPLY_MAX))?;
        let writer = Box::new(stream.try_clone()?);
        let reader = BufReader::new(Box::new(stream) as Box<dyn Read>);
        let mut dialogue = Self {
            reader,
            writer,
            greeting: String::new(),
            client: None,
        };
        dialogue.greeting = dialogue.read_reply()?;
        Ok(dialogue)
    }

    /// Connects, asks for TLS and shakes hands, all with `openssl s_client`.
    pub fn after_start_tls(root: &Root, address: SocketAddr) -> Result<Self> {
        let peer = address.to_string();
        let command = [
            "openssl",
            "s_client",
            "-starttls",
            "smtp",
            "-quiet",
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
    pub fn ask_recipient(&mut self, recipient: &str) -> Result<String> {
        let hello = self.ask("ehlo probe.example.test")?;
        ensure!(hello.starts_with("250"), "EHLO was answered {hello:?}");
        let mail = self.ask("mail from:<by-hand@sender.test>")?;
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

impl Drop for Dialogue {
    fn drop(&mut self) {
        let _ = self.writer.write_all(b"quit\r\n");
        if let Some(client) = &mut self.client {
            let _ = client.kill();
            let _ = client.wait();
        }
    }
}
