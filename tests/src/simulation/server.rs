//! A mail server as its host's manner has it: hears lines, says replies, and writes down what it
//! said about whom.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::dialogue::{Heard, Verb, Watch};
use super::fate::{self, Said};
use super::host::{Greeting, Hello, Host, Mail, Quirk, Quit, StartTls, Turn};
use super::log::{Connection, Truth};
use super::rng::Rng;
use super::wire::{Outbox, ms};

/// What a host remembers from one session to the next.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// When each recipient was first asked.
    pub(super) first_asked: BTreeMap<String, Duration>,
    /// When the last sessions began.
    pub(super) sessions: VecDeque<Duration>,
}

/// One session of a server.
pub(super) struct Server {
    pub(super) out: Outbox,
    pub(super) watch: Watch,
    host: Arc<Host>,
    memory: Arc<Mutex<Memory>>,
    seed: u64,
    rng: Rng,
    line: Vec<u8>,
    /// Commands heard.
    commands: u64,
    /// Recipients named in the open transaction; nothing without one.
    transaction: Option<u64>,
    is_handshake: bool,
    /// From the turn on, replies are kept back until the end of what came together.
    kept_back: Option<Vec<Spoken>>,
    has_refused_order: bool,
}

/// A reply, before it is put on the way.
struct Spoken {
    code: u16,
    text: String,
    after: Duration,
    /// The recipient that it answers.
    about: Option<String>,
    /// Whether it says something about that recipient.
    counts: bool,
}

impl Server {
    pub(super) fn new(
        host: &Arc<Host>,
        memory: &Arc<Mutex<Memory>>,
        seed: u64,
        number: usize,
    ) -> Self {
        let rng = Rng::new(seed.wrapping_add(number as u64), "server");
        Self {
            out: Outbox::new(
                host.path,
                Rng::new(seed.wrapping_add(number as u64), "path"),
            ),
            watch: Watch::default(),
            host: Arc::clone(host),
            memory: Arc::clone(memory),
            seed,
            rng,
            line: Vec::new(),
            commands: 0,
            transaction: None,
            is_handshake: false,
            kept_back: None,
            has_refused_order: false,
        }
    }

    /// A connection was opened.
    pub(super) fn greet(&mut self, now: Duration, connection: &mut Connection) {
        if self.is_busy(now) {
            self.say_and_close(now, "421 4.7.0 too many sessions, try later\r\n");
            return;
        }
        let host = Arc::clone(&self.host);
        let spoken = |code, text: &str, after_ms| Spoken {
            code,
            text: text.to_owned(),
            after: ms(after_ms),
            about: None,
            counts: false,
        };
        let ready = format!("{} ESMTP", host.name);
        match host.manner.greeting {
            Greeting::Ready => self.speak(now, spoken(220, &ready, 0), connection),
            Greeting::Late(after) => self.speak(now, spoken(220, &ready, after), connection),
            Greeting::MultiLine => {
                let text = format!("220-{}\r\n220-no spam here\r\n220 ready\r\n", host.name);
                self.out.say(now, ms(0), text.as_bytes());
            }
            Greeting::Refused(code) => {
                self.speak(now, spoken(code, "no service here", 0), connection);
            }
            Greeting::Garbage => {
                let line = "HTTP/1.1 400 Bad Request\r\nServer: example\r\n\r\n";
                self.out.say(now, ms(0), line.repeat(4).as_bytes());
                self.out.close(now, ms(0));
            }
            Greeting::Silent => self.out.fall_silent(),
            Greeting::AllEarly => {
                connection.lied = true;
                let all = "220 ready\r\n250 hello\r\n250 ok\r\n250 ok\r\n250 ok\r\n221 bye\r\n";
                self.out.say(now, ms(0), all.as_bytes());
                self.out.fall_silent();
            }
        }
    }

    fn is_busy(&self, now: Duration) -> bool {
        let Some(most) = self.host.manner.sessions_max else {
            return false;
        };
        let mut memory = self.memory.lock().expect("nobody panics while serving");
        let window = now.saturating_sub(Duration::from_mins(10));
        memory.sessions.retain(|began| *began >= window);
        memory.sessions.push_back(now);
        memory.sessions.len() as u64 > most
    }

    /// The client wrote this.
    pub(super) fn hear(&mut self, octets: &[u8], now: Duration, connection: &mut Connection) {
        if self.is_handshake {
            return;
        }
        for (index, octet) in octets.iter().enumerate() {
            if self.watch.is_handshake_next() {
                self.is_handshake = true;
                let before = connection.heard.len() - octets.len() + index;
                connection.plain = Some((connection.delivered.len(), before));
                self.shake_hands(now);
                return;
            }
            self.line.push(*octet);
            if *octet == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.handle_line(&line, now, connection);
            }
        }
        for spoken in self.kept_back.take().into_iter().flatten().rev() {
            connection.lied = true;
            self.put_on_the_way(now, &spoken, connection);
        }
    }

    fn handle_line(&mut self, line: &[u8], now: Duration, connection: &mut Connection) {
        let Some(line) = line.strip_suffix(b"\r\n") else {
            connection
                .sins
                .push("a line that ends with LF alone".to_owned());
            return;
        };
        let heard = match self.watch.write(line) {
            Ok(heard) => heard,
            Err(sin) => {
                connection.sins.push(sin);
                return;
            }
        };
        self.commands += 1;
        if self.out.is_over() {
            return;
        }
        if heard.verb == Verb::Quit {
            return self.part(now, connection);
        }
        let thinks = self.rng.below(self.host.manner.thinks_ms + 1);
        let (code, text) = self.answer(&heard, now);
        // Only replies about a recipient name it.
        let counts = text.ends_with('>');
        let named = self.watch.count(Verb::Rcpt) as u64;
        let tarpit = match heard.verb {
            Verb::Rcpt => self.host.manner.tarpit_ms * named,
            _ => 0,
        };
        let spoken = Spoken {
            code,
            text,
            after: ms(thinks + tarpit),
            about: (heard.verb == Verb::Rcpt).then(|| heard.path.to_owned()),
            counts,
        };
        self.speak(now, spoken, connection);
        if heard.verb == Verb::StartTls && code == 220 {
            self.go_ahead(now);
        }
    }

    fn answer(&mut self, heard: &Heard<'_>, now: Duration) -> Said {
        let manner = &self.host.manner;
        let said = |code, text: &str| (code, text.to_owned());
        match heard.verb {
            Verb::Ehlo => match manner.hello {
                Hello::Extended => (250, self.offers()),
                Hello::HeloOnly(code) | Hello::Refused(code) => said(code, "what?"),
            },
            Verb::Helo => match manner.hello {
                Hello::Refused(code) => said(code, "go away"),
                Hello::Extended | Hello::HeloOnly(_) => said(250, "hello"),
            },
            Verb::StartTls => match manner.start_tls {
                None => said(502, "5.5.1 not implemented"),
                Some(StartTls::Refused) => said(454, "4.7.0 TLS not available"),
                Some(_) => said(220, "go ahead"),
            },
            Verb::Mail => match manner.mail {
                Mail::Refused(code) => said(code, "sender refused"),
                Mail::OutOfOrderOnce if !self.has_refused_order => {
                    self.has_refused_order = true;
                    said(503, "5.5.1 bad sequence")
                }
                Mail::Accepted | Mail::OutOfOrderOnce => {
                    self.transaction = Some(0);
                    said(250, "2.1.0 sender ok")
                }
            },
            Verb::Rcpt => self.answer_about(heard.path, now),
            Verb::Rset => {
                self.transaction = None;
                said(250, "2.0.0 reset")
            }
            Verb::Quit => said(221, "2.0.0 bye"),
        }
    }

    fn answer_about(&mut self, recipient: &str, now: Duration) -> Said {
        let Some(named) = self.transaction else {
            return (503, "5.5.1 need MAIL".to_owned());
        };
        let manner = &self.host.manner;
        if manner.too_many_after.is_some_and(|most| named >= most) {
            let text = match manner.too_many_enhanced {
                true => "4.5.3 too many recipients",
                false => "too many recipients",
            };
            return (452, text.to_owned());
        }
        self.transaction = Some(named + 1);
        let mut memory = self.memory.lock().expect("nobody panics while serving");
        let first = memory.first_asked.entry(recipient.to_owned());
        let since = now.saturating_sub(*first.or_insert(now));
        let since_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let (code, text) = fate::reply_to(self.seed, manner.rcpt, recipient, since_ms);
        // Every reply names its recipient, so that no other can be taken for it.
        (code, format!("{text} <{recipient}>"))
    }

    /// Everything behind the code of a reply to EHLO, as further lines.
    fn offers(&self) -> String {
        let manner = &self.host.manner;
        let mut lines = vec![self.host.name.clone(), "SIZE 10240000".to_owned()];
        let mut offer = |is_offered: bool, keyword: &str| {
            lines.extend(is_offered.then(|| keyword.to_owned()));
        };
        offer(manner.pipelining, "PIPELINING");
        offer(manner.smtputf8, "SMTPUTF8");
        offer(manner.start_tls.is_some(), "STARTTLS");
        if let Some(announced) = manner.announced {
            let names = ["RCPTMAX", "RCPTDOMAINMAX", "MAILMAX"];
            let words = names.iter().zip(announced);
            let words: Vec<String> = words
                .filter_map(|(name, most)| Some(format!("{name}={}", most?)))
                .collect();
            lines.push(format!("LIMITS {}", words.join(" ")));
        }
        lines.push("8BITMIME".to_owned());
        lines.join("\n")
    }

    fn part(&mut self, now: Duration, connection: &mut Connection) {
        let spoken = |code, text: &str| Spoken {
            code,
            text: text.to_owned(),
            after: ms(0),
            about: None,
            counts: false,
        };
        match self.host.manner.quit {
            Quit::Bye => {
                self.speak(now, spoken(221, "2.0.0 bye"), connection);
                self.out.close(now, ms(0));
            }
            Quit::Closes => self.out.close(now, ms(0)),
            Quit::Silent => self.out.fall_silent(),
            Quit::Refused => self.speak(now, spoken(502, "5.5.1 stay"), connection),
        }
    }

    /// What stands between the reply to STARTTLS and the handshake.
    fn go_ahead(&mut self, now: Duration) {
        match self.host.manner.start_tls {
            Some(StartTls::Injected) => self.out.say(now, ms(0), b"250 injected\r\n"),
            Some(StartTls::Closes) => self.out.close(now, ms(0)),
            _ => {}
        }
    }

    fn shake_hands(&mut self, now: Duration) {
        if self.host.manner.start_tls == Some(StartTls::Garbage) {
            self.out
                .say(now, ms(0), b"454 4.7.0 no handshake after all\r\n");
            self.out.close(now, ms(0));
        }
        self.out.fall_silent();
    }

    fn say_and_close(&mut self, now: Duration, text: &str) {
        self.out.say(now, ms(0), text.as_bytes());
        self.out.close(now, ms(0));
    }

    /// Says a reply, unless it is the turn of something else.
    fn speak(&mut self, now: Duration, spoken: Spoken, connection: &mut Connection) {
        let turn = self.host.manner.turn;
        let turn = turn
            .filter(|(at, _)| *at == self.commands)
            .map(|(_, turn)| turn);
        if turn == Some(Turn::OutOfOrder) {
            self.kept_back.get_or_insert_default();
        }
        if let Some(kept_back) = &mut self.kept_back {
            kept_back.push(spoken);
            return;
        }
        let after = spoken.after;
        let whole = format!("{} {}\r\n", spoken.code, spoken.text.replace('\n', " "));
        let half = &whole.as_bytes()[..whole.len() / 2];
        match turn {
            None | Some(Turn::OutOfOrder) => self.put_on_the_way(now, &spoken, connection),
            Some(Turn::Close) => self.out.close(now, after),
            Some(Turn::Reset) => self.out.reset(now, after),
            Some(Turn::Silence) => self.out.fall_silent(),
            Some(Turn::HalfThenClose) => {
                self.out.say(now, after, half);
                self.out.close(now, after);
            }
            Some(Turn::HalfThenSilence) => {
                self.out.say(now, after, half);
                self.out.fall_silent();
            }
            Some(Turn::ServiceClosing) => self.close_service(now, &spoken, connection),
            Some(Turn::AnsweredThenClosing) => {
                self.put_on_the_way(now, &spoken, connection);
                self.say_and_close(now, "421 4.3.2 closing\r\n");
            }
            Some(Turn::EndlessLine) => {
                for part in 0..20 {
                    self.out.say(now, after + ms(part * 10), &[b'x'; 8192]);
                }
                self.out.fall_silent();
            }
            Some(Turn::EndlessReply) => {
                let lines = format!("{}-and more\r\n", spoken.code).repeat(700);
                self.out.say(now, after, lines.as_bytes());
                self.out.fall_silent();
            }
            Some(Turn::Trickle) => {
                self.out.trickle(now, after, ms(7_000), whole.as_bytes());
                self.note(&spoken, &spoken.text.replace('\n', " "), connection);
            }
        }
    }

    fn close_service(&mut self, now: Duration, spoken: &Spoken, connection: &mut Connection) {
        let text = "4.3.2 closing";
        self.out
            .say(now, spoken.after, format!("421 {text}\r\n").as_bytes());
        let spoken = Spoken {
            code: 421,
            text: text.to_owned(),
            after: spoken.after,
            about: spoken.about.clone(),
            counts: false,
        };
        self.note(&spoken, text, connection);
        self.out.close(now, spoken.after);
    }

    fn put_on_the_way(&mut self, now: Duration, spoken: &Spoken, connection: &mut Connection) {
        let quirk = self.host.manner.quirk;
        let quirk = quirk.filter(|(_, share)| self.rng.permille(*share));
        let form = Form::of(spoken, quirk.map(|(quirk, _)| quirk));
        self.out.say(now, spoken.after, &form.octets);
        let code = form.code;
        let noted = Spoken {
            code,
            text: String::new(),
            after: spoken.after,
            about: spoken.about.clone(),
            // A bare 452 may be about the transaction; nobody can tell.
            counts: spoken.counts && !(code == 452 && form.text.is_empty()),
        };
        self.note(&noted, &form.text, connection);
        match quirk.map(|(quirk, _)| quirk) {
            Some(Quirk::Doubled) => connection.lied = true,
            Some(Quirk::DoubledLate) => {
                connection.lied = true;
                let after = spoken.after + ms(self.rng.between(1, 300));
                self.out.say(now, after, b"250 2.0.0 once more\r\n");
            }
            _ => {}
        }
    }

    /// Writes down what was said about a recipient.
    fn note(&self, spoken: &Spoken, text: &str, connection: &mut Connection) {
        if let Some(recipient) = &spoken.about {
            connection.answers.push(Truth {
                recipient: recipient.clone(),
                code: spoken.code,
                text: text.to_owned(),
                counts: spoken.counts,
                ends_at: self.out.said,
            });
        }
    }
}

/// A reply as it goes over the wire, and as it is to be read.
struct Form {
    octets: Vec<u8>,
    code: u16,
    text: String,
}

/// Octets of a line that the host keeps: a promise of its, in `LIMITS.md`.
const LINE_KEPT: usize = 2048;

impl Form {
    fn of(spoken: &Spoken, quirk: Option<Quirk>) -> Self {
        let mut code = spoken.code;
        let mut lines: Vec<String> = spoken.text.split('\n').map(str::to_owned).collect();
        let mut end = "\r\n";
        let mut first_code = None;
        let (mut before, mut behind, mut tail) = ("", "", Vec::new());
        match quirk {
            Some(Quirk::MultiLine) => lines.insert(0, "well".to_owned()),
            Some(Quirk::BareLf) => end = "\n",
            Some(Quirk::NoText) => lines = vec![String::new()],
            Some(Quirk::NoUtf8) => tail = vec![b' ', 0xff, 0xfe],
            Some(Quirk::TwoCodes) => {
                lines.insert(0, "first".to_owned());
                first_code = Some(if code == 250 { 550 } else { 250 });
            }
            Some(Quirk::GarbageBefore) => before = "*** filtered ***",
            Some(Quirk::Nul) => tail = vec![0, b'x'],
            Some(Quirk::LongLine) => tail = vec![b'y'; 3000],
            Some(Quirk::Doubled) => behind = "250 2.0.0 once more\r\n",
            Some(Quirk::WrongCode(other)) => code = other,
            Some(Quirk::DoubledLate) | None => {}
        }
        let mut octets = Vec::new();
        let mut texts: Vec<String> = Vec::new();
        if !before.is_empty() {
            octets.extend_from_slice(format!("{before}{end}").as_bytes());
            texts.push(before.to_owned());
        }
        let last = lines.len() - 1;
        for (index, text) in lines.iter().enumerate() {
            let shown = if index == 0 {
                first_code.unwrap_or(code)
            } else {
                code
            };
            let separator = match (index < last, text.is_empty() && tail.is_empty()) {
                (true, _) => "-",
                (false, true) => "",
                (false, false) => " ",
            };
            let mut line = format!("{shown:03}{separator}{text}").into_bytes();
            if index == last {
                line.extend_from_slice(&tail);
            }
            let kept = &line[..line.len().min(LINE_KEPT)];
            let text = kept.get(4..).unwrap_or_default();
            texts.push(String::from_utf8_lossy(text).into_owned());
            octets.extend_from_slice(&line);
            octets.extend_from_slice(end.as_bytes());
        }
        octets.extend_from_slice(behind.as_bytes());
        Self {
            octets,
            code,
            text: texts.join("\n"),
        }
    }
}
