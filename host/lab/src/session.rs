//! One SMTP session, as a correct server would hold it where the script does not say otherwise.
//!
//! It answers every command once and in order, keeps the state of RFC 5321 section 4.1.4, never
//! takes a message, and writes down what the client should not have done. A client is excused
//! from QUIT once a scripted answer was no plain reply, after 421, and while a reply is owed.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::answer::{Answer, Repeat, Shape, Then};
use crate::certificates::Handshake;
use crate::command::{Command, Path};
use crate::exchange::{Exchange, Question};
use crate::ledger::SessionId;
use crate::report::{Ending, SinKind};
use crate::wire::{Line, Wire};

/// How long a client may be silent (RFC 5321 section 4.5.3.2.7).
const IDLE_MAX: Duration = Duration::from_secs(300);

/// How long a TLS handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(30);

/// Where an endless reply ends after all: nobody should read a quarter of a gibibyte.
const ENDLESS_OCTETS_MAX: usize = 256 << 20;

/// Repeated replies go out in pieces of about this size.
const PIECE_OCTETS: usize = 16 << 10;

/// Sent in place of a handshake by `Handshake::Broken`.
const NO_TLS: &[u8] = b"this is no TLS record\r\n";

/// One connection and everything known about it.
pub(crate) struct Session {
    exchange: Arc<Exchange>,
    wire: Wire,
    client: IpAddr,
    own_address: String,
    id: SessionId,
    /// The client's name once it has said it.
    helo: Option<String>,
    /// Keywords of the last EHLO reply, in upper case.
    offered: Vec<String>,
    tls: bool,
    transaction: Transaction,
    manners: Manners,
}

/// What MAIL began.
#[derive(Default)]
struct Transaction {
    sender: Option<String>,
    /// MAIL was sent, whatever became of it: RCPT in the same group is then no mistake.
    mail_sent: bool,
    recipients: usize,
}

/// What is held against the client, or excuses it.
#[derive(Default)]
struct Manners {
    /// The exchange did something that a client may answer by leaving.
    excused: bool,
    /// A command has no reply yet.
    owed: bool,
    refused: usize,
}

/// How the session goes on.
enum Flow {
    GoOn,
    Handshake,
    End(Ending),
}

/// What was said, as far as the session's own state depends on it.
struct Said {
    code: Option<u16>,
    octets: Vec<u8>,
    flow: Flow,
}

impl Said {
    fn accepted(&self) -> bool {
        matches!(self.code, Some(200..=299))
    }
}

impl Session {
    pub(crate) fn new(exchange: Arc<Exchange>, stream: TcpStream, client: IpAddr) -> Self {
        // Without it small replies may wait for the client's acknowledgement.
        let _ = stream.set_nodelay(true);
        let own_address = match stream.local_addr().map(|address| address.ip()) {
            Ok(IpAddr::V4(address)) => format!("[{address}]"),
            Ok(IpAddr::V6(address)) => format!("[IPv6:{address}]"),
            Err(_) => String::new(),
        };
        let id = exchange.ledger.begin_session(&exchange.name, client);
        Self {
            exchange,
            wire: Wire::new(stream),
            client,
            own_address,
            id,
            helo: None,
            offered: Vec::new(),
            tls: false,
            transaction: Transaction::default(),
            manners: Manners::default(),
        }
    }

    pub(crate) async fn run(mut self) {
        let welcome = self.exchange.enter(self.client);
        let ending = match self.talk(welcome).await {
            Ok(ending) => ending,
            Err(_) => self.client_left(),
        };
        self.exchange.leave(self.client);
        self.exchange.ledger.end_session(&self.id, ending);
    }

    async fn talk(&mut self, welcome: bool) -> io::Result<Ending> {
        self.manners.owed = true;
        let greeting = match &self.exchange.table.on.greeting {
            _ if !welcome => Answer::last_line("421 4.7.0 {host} too many sessions"),
            Some(greeting) => greeting.clone(),
            None => Answer::lines("220 {host} ESMTP ready"),
        };
        let mut flow = self
            .say("greeting", &greeting, &[], &Ahead::Greeting)
            .await?
            .flow;
        loop {
            flow = match flow {
                Flow::GoOn => self.next_command().await?,
                Flow::Handshake => self.shake_hands().await?,
                Flow::End(ending) => return Ok(ending),
            };
        }
    }

    async fn next_command(&mut self) -> io::Result<Flow> {
        let Ok(line) = tokio::time::timeout(IDLE_MAX, self.wire.read_line()).await else {
            let idle = Answer::last_line("421 4.4.2 {host} idle for too long");
            return Ok(self.say("idle", &idle, &[], &Ahead::Any).await?.flow);
        };
        let line = match line? {
            Line::Read { octets, clean } => {
                if !clean {
                    self.sin(SinKind::BadLine, &octets);
                }
                octets
            }
            Line::TooLong => {
                self.sin(SinKind::BadLine, b"a line without an end");
                let too_long = Answer::last_line("421 4.5.2 {host} line too long");
                return Ok(self.say("line", &too_long, &[], &Ahead::Any).await?.flow);
            }
            Line::Closed => return Ok(Flow::End(self.client_left())),
        };
        self.exchange.ledger.record_command(&self.id, &line);
        self.manners.owed = true;
        let command = Command::parse(&line);
        let flow = self.obey(&command, &line).await?;
        self.manners.owed = false;
        Ok(flow)
    }

    async fn obey(&mut self, command: &Command, line: &[u8]) -> io::Result<Flow> {
        let ahead = if command.may_be_followed() {
            Ahead::Group
        } else {
            Ahead::Last
        };
        let said = match command {
            Command::Ehlo(name) => return self.ehlo(name).await,
            Command::Helo(name) => return self.helo(name).await,
            Command::StartTls => return self.start_tls(line).await,
            Command::Mail(path) => return self.mail(path, line).await,
            Command::Rcpt(path) => return self.rcpt(path, line).await,
            Command::Rset => {
                self.transaction = Transaction::default();
                let answer = self.scripted("rset", "250 2.0.0 Flushed");
                self.say("rset", &answer, &[], &ahead).await?
            }
            Command::Noop => {
                self.say("noop", &Answer::lines("250 2.0.0 Ok"), &[], &ahead)
                    .await?
            }
            Command::Quit => {
                let answer = self.scripted("quit", "221 2.0.0 {host} closing");
                let said = self.say("quit", &answer, &[], &ahead).await?;
                return Ok(match said.flow {
                    Flow::GoOn => {
                        self.wire.close().await;
                        Flow::End(Ending::Quit)
                    }
                    other => other,
                });
            }
            Command::Forbidden => {
                self.sin(SinKind::ForbiddenCommand, line);
                let refusal = Answer::lines("554 5.5.1 This exchange takes no message");
                self.say("forbidden", &refusal, &[], &ahead).await?
            }
            Command::Malformed => {
                self.sin(SinKind::BadSyntax, line);
                let refusal = Answer::lines("501 5.5.4 Syntax error in the argument");
                self.say("syntax", &refusal, &[], &ahead).await?
            }
            Command::Unknown => {
                self.sin(SinKind::BadSyntax, line);
                let refusal = Answer::lines("500 5.5.2 Command not recognised");
                self.say("syntax", &refusal, &[], &ahead).await?
            }
        };
        Ok(said.flow)
    }

    async fn ehlo(&mut self, name: &str) -> io::Result<Flow> {
        let answer = self.exchange.ehlo(self.tls);
        let said = self
            .say("ehlo", &answer, &[("helo", name)], &Ahead::Last)
            .await?;
        // A refused EHLO changes nothing (RFC 5321 section 4.1.4).
        if said.accepted() {
            self.transaction = Transaction::default();
            self.helo = Some(name.to_owned());
            self.offered = keywords(&String::from_utf8_lossy(&said.octets));
        }
        Ok(said.flow)
    }

    async fn helo(&mut self, name: &str) -> io::Result<Flow> {
        let answer = self.scripted("helo", "250 {host}");
        let said = self
            .say("helo", &answer, &[("helo", name)], &Ahead::Last)
            .await?;
        if said.accepted() {
            self.transaction = Transaction::default();
            self.offered.clear();
            self.helo = Some(name.to_owned());
        }
        Ok(said.flow)
    }

    async fn start_tls(&mut self, line: &[u8]) -> io::Result<Flow> {
        if self.tls || !self.offers("STARTTLS") {
            self.sin(SinKind::NotOffered, line);
            let refusal = Answer::lines("503 5.5.1 STARTTLS is not offered here");
            return Ok(self
                .say("starttls", &refusal, &[], &Ahead::Last)
                .await?
                .flow);
        }
        let answer = self.scripted("starttls", "220 2.0.0 Ready to start TLS");
        let said = self.say("starttls", &answer, &[], &Ahead::Last).await?;
        Ok(match (said.accepted(), said.flow) {
            (true, Flow::GoOn) => Flow::Handshake,
            (_, flow) => flow,
        })
    }

    async fn mail(&mut self, path: &Path, line: &[u8]) -> io::Result<Flow> {
        let sender = [("sender", path.mailbox.as_str())];
        if self.helo.is_none() || self.transaction.sender.is_some() {
            self.sin(SinKind::BadSequence, line);
            let refusal = Answer::lines("503 5.5.1 MAIL is out of sequence");
            return Ok(self.say("mail", &refusal, &[], &Ahead::Group).await?.flow);
        }
        self.transaction.mail_sent = true;
        if let Some(refusal) = self.parameters_refused(path, line) {
            return Ok(self
                .say("mail", &refusal, &sender, &Ahead::Group)
                .await?
                .flow);
        }
        let on = &self.exchange.table.on;
        let special = match () {
            () if !self.tls && on.clear_mail.is_some() => on.clear_mail.clone(),
            () if path.mailbox.is_empty() && on.null_sender.is_some() => on.null_sender.clone(),
            () => None,
        };
        let usual = || self.scripted("mail", "250 2.1.0 <{sender}> sender ok");
        let answer = special.unwrap_or_else(usual);
        let said = self.say("mail", &answer, &sender, &Ahead::Group).await?;
        if said.accepted() {
            self.transaction.sender = Some(path.mailbox.clone());
        }
        Ok(said.flow)
    }

    async fn rcpt(&mut self, path: &Path, line: &[u8]) -> io::Result<Flow> {
        self.exchange
            .ledger
            .record_recipient(&self.id, &path.mailbox);
        let Some(sender) = self.transaction.sender.clone() else {
            if !self.transaction.mail_sent {
                self.sin(SinKind::BadSequence, line);
            }
            let refusal = Answer::lines("503 5.5.1 RCPT needs MAIL first");
            return Ok(self.say("rcpt", &refusal, &[], &Ahead::Group).await?.flow);
        };
        let facts = [
            ("sender", sender.as_str()),
            ("recipient", path.mailbox.as_str()),
        ];
        if let Some(refusal) = self.parameters_refused(path, line) {
            return Ok(self
                .say("rcpt", &refusal, &facts, &Ahead::Group)
                .await?
                .flow);
        }
        if self
            .exchange
            .table
            .limit
            .refused
            .is_some_and(|most| self.manners.refused >= most)
        {
            let enough = Answer::last_line("421 4.7.0 {host} too many unknown recipients");
            return Ok(self.say("rcpt", &enough, &facts, &Ahead::Group).await?.flow);
        }
        let (local_part, domain) = path.split();
        let question = Question {
            client: self.client,
            sender: &sender,
            recipient: &path.mailbox,
            local_part,
            domain: &domain,
            own_literal: &self.own_address,
        };
        let judgement = self.exchange.judge(&question, self.transaction.recipients);
        let seconds = judgement.seconds.to_string();
        let [sender, recipient] = facts;
        let facts = [sender, recipient, ("seconds", seconds.as_str())];
        let said = self
            .say("rcpt", &judgement.answer, &facts, &Ahead::Group)
            .await?;
        if said.accepted() {
            self.transaction.recipients += 1;
        }
        if matches!(said.code, Some(500..=599)) {
            self.manners.refused += 1;
        }
        Ok(said.flow)
    }

    /// Checks that everything a path needs was offered.
    fn parameters_refused(&self, path: &Path, line: &[u8]) -> Option<Answer> {
        let unoffered = path.parameters.iter().any(|parameter| {
            let keyword = parameter.split('=').next().unwrap_or_default();
            let needed = if keyword.eq_ignore_ascii_case("BODY") {
                "8BITMIME"
            } else {
                keyword
            };
            !self.offers(needed)
        });
        if unoffered {
            self.sin(SinKind::NotOffered, line);
            return Some(Answer::lines("555 5.5.4 Parameter not recognised"));
        }
        if !path.mailbox.is_ascii() && !self.offers("SMTPUTF8") {
            self.sin(SinKind::NotOffered, line);
            return Some(Answer::lines(
                "553 5.6.7 Non-ASCII addresses are not permitted",
            ));
        }
        None
    }

    async fn shake_hands(&mut self) -> io::Result<Flow> {
        if self.wire.drop_unread() {
            self.sin(SinKind::NotLastInGroup, b"octets behind STARTTLS, in clear");
        }
        let excused = std::mem::replace(&mut self.manners.excused, true);
        let acceptor = match &self.exchange.handshake {
            Some(Handshake::Real(acceptor)) => acceptor.clone(),
            Some(Handshake::Stalls) => {
                self.wire.outwait().await;
                return Ok(Flow::End(Ending::TlsFailed));
            }
            Some(Handshake::Broken) | None => {
                self.wire.hear().await?;
                self.wire.write(NO_TLS).await?;
                self.wire.close().await;
                return Ok(Flow::End(Ending::TlsFailed));
            }
        };
        let Some(stream) = self.wire.take_clear() else {
            return Ok(Flow::End(Ending::TlsFailed));
        };
        let accepted = tokio::time::timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await;
        let Ok(Ok(stream)) = accepted else {
            return Ok(Flow::End(Ending::TlsFailed));
        };
        let server_name = stream
            .get_ref()
            .1
            .server_name()
            .unwrap_or_default()
            .to_owned();
        self.exchange.ledger.record_tls(&self.id, &server_name);
        self.wire.set_tls(stream);
        // Nothing said in clear counts any more (RFC 3207 section 4.2).
        self.tls = true;
        self.helo = None;
        self.offered.clear();
        self.transaction = Transaction::default();
        self.manners.excused = excused;
        Ok(Flow::GoOn)
    }

    /// Waits, looks at what the client has sent ahead, and sends an answer.
    async fn say(
        &mut self,
        place: &str,
        answer: &Answer,
        facts: &[(&str, &str)],
        ahead: &Ahead,
    ) -> io::Result<Said> {
        let recipient = facts.iter().find(|(name, _)| *name == "recipient");
        let nth = if answer.is_sequence() {
            let recipient = recipient.map_or("", |(_, value)| value);
            self.exchange.asked(format!("{place} {recipient}"))
        } else {
            0
        };
        let shape = answer.shape(nth);
        let code = shape.code();
        self.manners.excused |= !shape.is_plain() || code == Some(421);
        let pause = self.exchange.pause() + shape.delay;
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let client = self.client.to_string();
        let helo = self.helo.clone().unwrap_or_default();
        let mut known = facts.to_vec();
        known.extend([
            ("host", self.exchange.name.as_str()),
            ("client", client.as_str()),
            ("helo", helo.as_str()),
        ]);
        let octets = shape.fill(&known);
        self.send(&octets, shape, ahead).await?;
        self.manners.owed = octets.is_empty();
        let flow = match shape.then {
            Then::GoOn => Flow::GoOn,
            Then::Close => {
                self.wire.close().await;
                Flow::End(Ending::ClosedByExchange)
            }
            Then::Reset => {
                self.wire.reset();
                Flow::End(Ending::ClosedByExchange)
            }
            Then::Silence => {
                self.wire.outwait().await;
                Flow::End(self.client_left())
            }
        };
        Ok(Said { code, octets, flow })
    }

    /// Sends a reply; what comes slowly is watched for a client that does not wait for its end.
    async fn send(&mut self, octets: &[u8], shape: &Shape, ahead: &Ahead) -> io::Result<()> {
        let mut impatient = self.check_sent_ahead(ahead).await;
        if octets.is_empty() {
            return Ok(());
        }
        let trickle = Duration::from_millis(self.exchange.table.trickle_ms);
        let times = match shape.repeat {
            Repeat::Times(times) => times as usize,
            Repeat::Endless => ENDLESS_OCTETS_MAX / octets.len(),
        };
        if trickle.is_zero() && shape.line_pause.is_zero() {
            return self.send_at_once(octets, times).await;
        }
        for line in (0..times).flat_map(|_| octets.split_inclusive(|&octet| octet == b'\n')) {
            impatient = impatient || self.check_sent_ahead(ahead).await;
            if trickle.is_zero() {
                self.wire.write(line).await?;
            }
            for octet in line.iter().filter(|_| !trickle.is_zero()) {
                tokio::time::sleep(trickle).await;
                self.wire.write(&[*octet]).await?;
            }
            tokio::time::sleep(shape.line_pause).await;
        }
        Ok(())
    }

    async fn send_at_once(&mut self, octets: &[u8], times: usize) -> io::Result<()> {
        let at_once = (PIECE_OCTETS / octets.len()).clamp(1, times.max(1));
        let piece = octets.repeat(at_once);
        for _ in 0..times / at_once {
            self.wire.write(&piece).await?;
        }
        self.wire.write(&octets.repeat(times % at_once)).await
    }

    /// Whether the client has said something that should have waited; that is written down.
    async fn check_sent_ahead(&mut self, ahead: &Ahead) -> bool {
        let pipelining = self.offers("PIPELINING");
        let octets = self.wire.sent_ahead().await;
        let kind = match ahead {
            _ if octets.is_empty() => return false,
            Ahead::Any => return false,
            Ahead::Group if pipelining => return false,
            Ahead::Greeting => SinKind::SpokeBeforeGreeting,
            Ahead::Last if pipelining => SinKind::NotLastInGroup,
            Ahead::Group | Ahead::Last => SinKind::SpokeBeforeReply,
        };
        let octets = octets.to_vec();
        self.sin(kind, &octets);
        true
    }

    fn client_left(&mut self) -> Ending {
        if !self.manners.excused && !self.manners.owed {
            self.sin(SinKind::MissingQuit, b"");
        }
        Ending::ClosedByClient
    }

    fn scripted(&self, place: &str, usual: &str) -> Answer {
        let on = &self.exchange.table.on;
        let scripted = match place {
            "helo" => &on.helo,
            "starttls" => &on.starttls,
            "mail" => &on.mail,
            "rset" => &on.rset,
            "quit" => &on.quit,
            _ => &None,
        };
        scripted.clone().unwrap_or_else(|| Answer::lines(usual))
    }

    fn offers(&self, keyword: &str) -> bool {
        self.offered
            .iter()
            .any(|offered| offered.eq_ignore_ascii_case(keyword))
    }

    fn sin(&self, kind: SinKind, line: &[u8]) {
        self.exchange.ledger.record_sin(&self.id, kind, line);
    }
}

/// What may have arrived before a reply goes out.
enum Ahead {
    /// Nothing: the client has to wait for the greeting.
    Greeting,
    /// More commands of a group, with PIPELINING.
    Group,
    /// Nothing: the command has to be the last of its group.
    Last,
    /// The connection ends anyway.
    Any,
}

/// The keywords of an EHLO reply: the first word of every line but the first.
fn keywords(reply: &str) -> Vec<String> {
    let lines = reply.lines().skip(1);
    lines
        .filter_map(|line| {
            line.get(4..)?
                .split(' ')
                .next()
                .map(str::to_ascii_uppercase)
        })
        .collect()
}
