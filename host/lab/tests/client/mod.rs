//! A client that knows nothing: it sends what it is told and reads lines until a reply ends.
#![allow(dead_code, reason = "every test binary uses its own part of it")]

use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vrfy_lab::{Lab, Scenario};

/// Far longer than any exchange in these tests takes; a test that hangs fails by it.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn lab(text: &str) -> Lab {
    let scenario = Scenario::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    Lab::start(scenario).await.expect("loopback has free ports")
}

/// Connects to the first address of an exchange.
pub(crate) async fn connect(lab: &Lab, exchange: &str) -> Client {
    let address = lab
        .exchange_addresses(exchange)
        .expect("the exchange exists")[0];
    connect_to(lab, address).await
}

pub(crate) async fn connect_to(lab: &Lab, address: IpAddr) -> Client {
    let stream = TcpStream::connect((address, lab.port()))
        .await
        .expect("it listens");
    Client {
        stream,
        unread: Vec::new(),
    }
}

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) unread: Vec<u8>,
}

impl Client {
    /// One reply with its line ends: lines up to one without a hyphen after its code.
    pub(crate) async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let line = self.line().await;
            reply.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return reply;
            }
        }
    }

    /// Octets up to and including the next LF, or what came before the end.
    pub(crate) async fn line(&mut self) -> String {
        let octets = loop {
            if let Some(at) = self.unread.iter().position(|&octet| octet == b'\n') {
                break self.unread.drain(..=at).collect::<Vec<u8>>();
            }
            if !self.fill().await {
                break std::mem::take(&mut self.unread);
            }
        };
        String::from_utf8_lossy(&octets).into_owned()
    }

    /// Everything until the exchange closes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.unread)
    }

    async fn fill(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.unread);
        let count = tokio::time::timeout(PATIENCE, read)
            .await
            .expect("it says something");
        matches!(count, Ok(1..))
    }

    pub(crate) async fn send(&mut self, octets: &str) {
        self.stream
            .write_all(octets.as_bytes())
            .await
            .expect("it still reads");
    }

    /// Sends a line and reads its reply.
    pub(crate) async fn ask(&mut self, line: &str) -> String {
        self.send(&format!("{line}\r\n")).await;
        self.reply().await
    }

    /// From the greeting to an open transaction; every reply on the way is good.
    pub(crate) async fn open(&mut self) {
        assert!(self.reply().await.starts_with("220 "));
        assert!(self.ask("EHLO probe.lab.test").await.starts_with("250-"));
        assert!(self.ask("MAIL FROM:<>").await.starts_with("250 "));
    }

    pub(crate) async fn quit(mut self) {
        assert!(self.ask("QUIT").await.starts_with("221 "));
        assert!(self.rest().await.is_empty());
    }

    /// True when nothing comes for a while.
    pub(crate) async fn is_silent(&mut self) -> bool {
        let while_ = Duration::from_millis(100);
        let read = self.stream.read_buf(&mut self.unread);
        tokio::time::timeout(while_, read).await.is_err()
    }
}
