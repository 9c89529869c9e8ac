//! What hostile servers do, one thing each, by name.

use std::time::Duration;

use rustls::version::{TLS12, TLS13};
use vrfy_proto::timeouts::Timeouts;

use super::channel::{ALERT, APPLICATION, HANDSHAKE, ServerTls};
use super::script::{Do, Script, Step, clear_handshake, clear_record};

/// One kind of hostility.
pub struct Behaviour {
    /// Its name.
    pub name: String,
    /// The server.
    pub script: Script,
    /// How long the client waits.
    pub timeouts: Timeouts,
}

impl Behaviour {
    fn new(name: impl Into<String>, script: Script) -> Self {
        Self {
            name: name.into(),
            script,
            timeouts: Timeouts::default(),
        }
    }

    /// With the waits of RFC 5321.
    fn patient(mut self) -> Self {
        self.timeouts = Timeouts::rfc5321();
        self
    }
}

/// Everything, in the order of the page.
#[must_use]
pub fn all() -> Vec<Behaviour> {
    let mut all = slow_ones();
    all.extend(long_ones());
    all.extend(garbage());
    all.extend(out_of_turn());
    all.extend(endings());
    all.extend(refusals());
    all.extend(handshakes());
    all.extend(certificates());
    all.extend(records_inside_of_tls());
    all.extend(ends_of_tls());
    all
}

const SECOND: Duration = Duration::from_secs(1);

fn good() -> Script {
    Script::good()
}

fn say(text: &str) -> Do {
    Do::Say(text.as_bytes().to_vec())
}

fn endless(text: &[u8]) -> Do {
    Do::Endless(text.to_vec(), Duration::ZERO)
}

fn reply_and(text: &str) -> Do {
    Do::ReplyAnd(text.as_bytes().to_vec())
}

/// A behaviour for every step in clear.
fn at_every_step(what: &str, act: &Do) -> Vec<Behaviour> {
    let tls = ServerTls::new(&TLS13, 0, b"");
    let at = |step: Step| {
        let script = good().at(step, vec![act.clone()]);
        let script = match step {
            Step::StartTls | Step::EhloInside => script.with_tls(&tls),
            // One recipient a transaction, so that there is a second one.
            Step::Rset => script.offering(&["LIMITS RCPTMAX=1"]),
            _ => script,
        };
        Behaviour::new(format!("{what} at {}", step.as_str()), script)
    };
    Step::ALL.into_iter().map(at).collect()
}

fn slow_ones() -> Vec<Behaviour> {
    let five_minutes = || vec![Do::Wait(300 * SECOND - SECOND), Do::Reply];
    let line = b"250-and so on\r\n".to_vec();
    let tls = ServerTls::new(&TLS13, 0, b"");
    let mut slow = vec![
        Behaviour::new(
            "greeting after five minutes",
            good().at(Step::Greeting, five_minutes()),
        ),
        Behaviour::new(
            "greeting after five minutes, for who waits as long",
            good().at(Step::Greeting, five_minutes()),
        )
        .patient(),
        Behaviour::new(
            "a byte every five seconds",
            good().at(Step::Greeting, vec![Do::Trickle(5 * SECOND)]),
        ),
        Behaviour::new(
            "a byte every five seconds in answer to RCPT",
            good().at(Step::Rcpt, vec![Do::Trickle(5 * SECOND)]),
        ),
        Behaviour::new(
            "a byte every second, for who waits as long",
            Step::ALL.into_iter().fold(good(), |script, step| {
                script.at(step, vec![Do::Trickle(SECOND)])
            }),
        )
        .patient(),
        Behaviour::new(
            "a line every twenty seconds",
            good().at(Step::Ehlo, vec![Do::Endless(line, 20 * SECOND)]),
        ),
        Behaviour::new(
            "never reads a command",
            good().at(Step::Greeting, vec![Do::Reply, Do::Sleep]),
        ),
        Behaviour::new(
            "a byte every five seconds of the handshake",
            good().with_tls(&tls).at(
                Step::StartTls,
                vec![
                    Do::Reply,
                    Do::Hear,
                    Do::Trickled(clear_record(HANDSHAKE, &server_hello(3)), 5 * SECOND),
                ],
            ),
        ),
    ];
    slow.extend(at_every_step("silence", &Do::Silence));
    slow
}

fn long_ones() -> Vec<Behaviour> {
    let many = |count: usize, line: &str| line.repeat(count).into_bytes();
    let keywords: Vec<u8> = (0..10_000)
        .flat_map(|number| format!("250-X-KEYWORD-{number}\r\n").into_bytes())
        .chain(b"250 HELP\r\n".to_vec())
        .collect();
    let long = format!("250-{}\r\n", "x".repeat(1000));
    let mut behaviours = vec![
        Behaviour::new(
            "EHLO with ten thousand keywords",
            good().at(Step::Ehlo, vec![Do::Say(keywords)]),
        ),
        Behaviour::new(
            "a reply of long lines",
            good().at(Step::Rcpt, vec![Do::Say(many(1000, &long))]),
        ),
        Behaviour::new(
            "a line of four thousand characters",
            good().at(
                Step::Rcpt,
                vec![Do::Say(
                    format!("550 5.1.1 <{{recipient}}> {}\r\n", "x".repeat(4000)).into_bytes(),
                )],
            ),
        ),
        Behaviour::new(
            "long replies to everybody",
            good().at(
                Step::Rcpt,
                vec![Do::Say(
                    format!(
                        "{}550 5.1.1 <{{recipient}}>\r\n",
                        long.replace("250", "550").repeat(50)
                    )
                    .into_bytes(),
                )],
            ),
        ),
        Behaviour::new(
            "gigabyte line of zeros",
            good().at(Step::Greeting, vec![endless(&[0; 4096])]),
        ),
    ];
    for step in [
        Step::Greeting,
        Step::Ehlo,
        Step::Mail,
        Step::Rcpt,
        Step::Quit,
    ] {
        let script = |text: &[u8]| good().at(step, vec![endless(text)]);
        let named = |what: &str| format!("{what} at {}", step.as_str());
        behaviours.push(Behaviour::new(
            named("endless multi-line"),
            script(b"250-more\r\n"),
        ));
        behaviours.push(Behaviour::new(
            named("gigabyte line"),
            script(&[b'2'; 4096]),
        ));
    }
    behaviours
}

fn garbage() -> Vec<Behaviour> {
    let at_rcpt = |name: &str, bytes: &[u8]| {
        Behaviour::new(name, good().at(Step::Rcpt, vec![Do::Say(bytes.to_vec())]))
    };
    vec![
        at_rcpt("NUL in a reply", b"550 5.1.1 <{recipient}> \0\0 gone\r\n"),
        at_rcpt(
            "control bytes in a reply",
            b"550 5.1.1 <{recipient}> \x1b[2J\x07\x08\x0b\x7f gone\r\n",
        ),
        at_rcpt("bytes that are no text", b"550 5.1.1 \xff\xfe\x80 gone\r\n"),
        at_rcpt(
            "nothing but line ends",
            b"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n",
        ),
        at_rcpt("nothing but carriage returns", &[b'\r'; 200_000]),
        at_rcpt("lone line feeds", b"550 5.1.1 <{recipient}> gone\n"),
        at_rcpt(
            "codes that differ",
            b"250-ok\r\n550 5.1.1 <{recipient}> gone\r\n",
        ),
        at_rcpt("a code of another kind: 354", b"354 go ahead\r\n"),
        at_rcpt("a code of no kind: 999", b"999 what\r\n"),
        at_rcpt("a code of no kind: 000", b"000 what\r\n"),
        at_rcpt("words without a code", b"no such user\r\n"),
        at_rcpt(
            "garbage, then an answer",
            b"\0\x01\xff\r\n550 5.1.1 <{recipient}> gone\r\n",
        ),
        Behaviour::new(
            "a web server",
            good().at(
                Step::Greeting,
                vec![say("HTTP/1.1 400 Bad Request\r\n\r\n<html>\r\n"), Do::Close],
            ),
        ),
        Behaviour::new(
            "TLS from the first byte",
            good().at(
                Step::Greeting,
                vec![Do::Say(clear_record(ALERT, &[2, 40])), Do::Close],
            ),
        ),
        Behaviour::new(
            "250 to everything",
            Step::ALL
                .into_iter()
                .filter(|step| *step != Step::Greeting)
                .fold(good(), |script, step| {
                    script.at(step, vec![say("250 ok\r\n")])
                }),
        ),
        Behaviour::new(
            "250 to everything, the connection included",
            Step::ALL.into_iter().fold(good(), |script, step| {
                script.at(step, vec![say("250 ok\r\n")])
            }),
        ),
        Behaviour::new(
            "keywords that lie",
            good().offering(&[
                "PIPELINING PIPELINING",
                "SIZE 99999999999999999999999999",
                "LIMITS RCPTMAX=0 MAILMAX=0 RCPTDOMAINMAX=-1",
                "=\u{1b}[2J",
            ]),
        ),
    ]
}

fn out_of_turn() -> Vec<Behaviour> {
    let early = "220 x\r\n250-x\r\n250 PIPELINING\r\n250 forged\r\n250 forged\r\n\
                 250 forged\r\n250 forged\r\n221 forged\r\n";
    let mut behaviours = vec![
        Behaviour::new(
            "all replies early",
            good().at(Step::Greeting, vec![say(early), Do::Silence]),
        ),
        Behaviour::new(
            "all replies early, with the one to EHLO",
            good().at(
                Step::Ehlo,
                vec![reply_and(
                    "250 forged\r\n250 forged\r\n250 forged\r\n250 forged\r\n",
                )],
            ),
        ),
        Behaviour::new(
            "replies out of order",
            Script {
                reverses: true,
                ..good()
            },
        ),
        Behaviour::new(
            "two replies to every RCPT",
            good().at(Step::Rcpt, vec![reply_and("250 forged\r\n")]),
        ),
        Behaviour::new(
            "two replies to every RCPT, one by one",
            good()
                .offering(&[])
                .at(Step::Rcpt, vec![reply_and("250 forged\r\n")]),
        ),
        Behaviour::new(
            "half a reply more",
            good().offering(&[]).at(Step::Mail, vec![reply_and("25")]),
        ),
        Behaviour::new(
            "goes on talking after 221",
            good().at(
                Step::Quit,
                vec![reply_and("250 forged\r\n"), endless(b"250 forged\r\n")],
            ),
        ),
    ];
    for step in [
        Step::Greeting,
        Step::Ehlo,
        Step::Mail,
        Step::Rcpt,
        Step::Quit,
    ] {
        let name = format!("a reply to a command not sent, at {}", step.as_str());
        let script = good().at(step, vec![reply_and("250 2.1.5 forged\r\n")]);
        behaviours.push(Behaviour::new(name, script));
    }
    behaviours
}

fn endings() -> Vec<Behaviour> {
    let mut behaviours = at_every_step("reset", &Do::Reset);
    behaviours.extend(at_every_step("close", &Do::Close));
    behaviours.extend(at_every_step("half close", &Do::HalfClose));
    behaviours.extend(at_every_step("421", &say("421 4.3.2 closing\r\n")));
    let half = vec![say("25"), Do::Close];
    behaviours.push(Behaviour::new(
        "half a reply, then the end",
        good().at(Step::Rcpt, half),
    ));
    behaviours
}

fn refusals() -> Vec<Behaviour> {
    let at =
        |name: &str, step: Step, text: &str| Behaviour::new(name, good().at(step, vec![say(text)]));
    vec![
        at(
            "554 as the greeting",
            Step::Greeting,
            "554 5.7.1 no service\r\n",
        ),
        at("450 as the greeting", Step::Greeting, "450 4.7.1 later\r\n"),
        at("EHLO and HELO refused", Step::Ehlo, "502 5.5.1 what?\r\n"),
        at("MAIL refused", Step::Mail, "550 5.7.1 not you\r\n"),
        at(
            "503 to MAIL for ever",
            Step::Mail,
            "503 5.5.1 bad sequence\r\n",
        ),
        at(
            "503 to RCPT for ever",
            Step::Rcpt,
            "503 5.5.1 MAIL first\r\n",
        ),
        at(
            "too many recipients, though it is one",
            Step::Rcpt,
            "452 4.5.3 too many\r\n",
        ),
        at(
            "TLS demanded and not offered",
            Step::Mail,
            "530 5.7.0 STARTTLS first\r\n",
        ),
    ]
}

fn handshakes() -> Vec<Behaviour> {
    let good_tls = ServerTls::new(&TLS13, 0, b"");
    let go_ahead = |acts: Vec<Do>| {
        // What comes before the client's part of the handshake would be plain text.
        let mut all = vec![Do::Reply, Do::Hear];
        all.extend(acts);
        good().with_tls(&good_tls).at(Step::StartTls, all)
    };
    let ten_megabytes = u32::to_be_bytes(10 * 1024 * 1024);
    let mut certificate = server_hello(3);
    certificate.extend([11, ten_megabytes[1], ten_megabytes[2], ten_megabytes[3]]);
    let handshake = |message: &[u8]| Do::Say(clear_handshake(message));
    vec![
        Behaviour::new(
            "plain text behind the reply to STARTTLS",
            good().with_tls(&good_tls).at(
                Step::StartTls,
                vec![reply_and("250 forged\r\n"), Do::Silence],
            ),
        ),
        Behaviour::new(
            "TLS garbage",
            go_ahead(vec![say("454 forged, on second thoughts\r\n"), Do::Silence]),
        ),
        Behaviour::new(
            "endless TLS garbage",
            go_ahead(vec![endless(&[0x17; 4096])]),
        ),
        Behaviour::new(
            "a TLS alert in place of a handshake",
            go_ahead(vec![Do::Say(clear_record(ALERT, &[2, 40])), Do::Silence]),
        ),
        Behaviour::new(
            "endless TLS warnings in place of a handshake",
            go_ahead(vec![endless(&clear_record(ALERT, &[1, 90]))]),
        ),
        Behaviour::new("close in the handshake", go_ahead(vec![Do::Close])),
        Behaviour::new("reset in the handshake", go_ahead(vec![Do::Reset])),
        Behaviour::new("a stalled handshake", go_ahead(vec![Do::Sleep])),
        Behaviour::new(
            "a record that is never completed",
            go_ahead(vec![Do::Say(vec![22, 3, 3, 0x40, 0, 2]), Do::Sleep]),
        ),
        Behaviour::new(
            "TLS 1.0 only",
            go_ahead(vec![handshake(&server_hello(1)), Do::Silence]),
        ),
        Behaviour::new(
            "a certificate of 10 MB",
            go_ahead(vec![
                handshake(&certificate),
                endless(&clear_handshake(&[0; 16_000])),
            ]),
        ),
        Behaviour::new(
            "endless handshake messages",
            go_ahead(vec![endless(&clear_handshake(&[0, 0, 0, 0]))]),
        ),
    ]
}

fn certificates() -> Vec<Behaviour> {
    let secure = |tls: ServerTls| good().with_tls(&tls);
    vec![
        Behaviour::new(
            "ten thousand certificates of one byte",
            secure(ServerTls::new(&TLS13, 10_000, b"x")),
        ),
        Behaviour::new(
            "ten thousand certificates of one byte, TLS 1.2",
            secure(ServerTls::new(&TLS12, 10_000, b"x")),
        ),
        Behaviour::new(
            "a chain of certificates beyond 64 KiB",
            secure(ServerTls::new(&TLS13, 10, &[0x30; 10_000])),
        ),
    ]
}

/// ServerHello of TLS 1.2 (minor version 3) or older, with a suite that is offered.
fn server_hello(minor: u8) -> Vec<u8> {
    let mut message = vec![2, 0, 0, 38, 3, minor];
    message.extend([7; 32]);
    message.extend([0, 0xcc, 0xa9, 0]);
    message
}

/// Behaves like this at MAIL, inside of TLS.
fn inside(tls: &ServerTls, acts: Vec<Do>) -> Script {
    good().with_tls(tls).at(Step::Mail, acts)
}

/// Records of one type and content, so many times.
fn records(times: u32, kind: u8, content: &[u8]) -> Do {
    Do::Records(times, vec![(kind, content.to_vec())])
}

const FOR_EVER: u32 = u32::MAX;

fn records_inside_of_tls() -> Vec<Behaviour> {
    let new = ServerTls::new(&TLS13, 0, b"");
    let old = ServerTls::new(&TLS12, 0, b"");
    let (hello_request, key_update) = ([0, 0, 0, 0], [24, 0, 0, 1, 0]);
    let ticket = [
        4, 0, 0, 15, 0, 0, 0x1c, 0x20, 0, 0, 0, 0, 1, 1, 0, 1, 7, 0, 0,
    ];
    let renegotiates = |times| records(times, HANDSHAKE, &hello_request);
    let for_ever = |kind, content: &[u8]| inside(&new, vec![records(FOR_EVER, kind, content)]);
    vec![
        Behaviour::new("TLS 1.2", good().with_tls(&old)),
        Behaviour::new("TLS 1.3", good().with_tls(&new)),
        Behaviour::new(
            "renegotiation, once",
            inside(&old, vec![renegotiates(1), Do::Reply]),
        ),
        Behaviour::new(
            "renegotiation for ever",
            inside(&old, vec![renegotiates(FOR_EVER)]),
        ),
        Behaviour::new("key updates for ever", for_ever(HANDSHAKE, &key_update)),
        Behaviour::new(
            "key updates for ever, and a byte now and then",
            inside(
                &new,
                vec![Do::Records(FOR_EVER, {
                    let mut some = vec![(HANDSHAKE, key_update.to_vec()); 30];
                    some.push((APPLICATION, b"2".to_vec()));
                    some
                })],
            ),
        ),
        Behaviour::new("empty records for ever", for_ever(APPLICATION, b"")),
        Behaviour::new("tickets for ever", for_ever(HANDSHAKE, &ticket)),
        Behaviour::new("text of one byte to a record", for_ever(APPLICATION, b"2")),
        Behaviour::new(
            "lines for ever inside TLS",
            for_ever(APPLICATION, b"250-more\r\n"),
        ),
        Behaviour::new(
            "gigabyte line inside TLS",
            inside(&new, vec![endless(&[b'2'; 4096])]),
        ),
    ]
}

fn ends_of_tls() -> Vec<Behaviour> {
    let new = ServerTls::new(&TLS13, 0, b"");
    let bare = |bytes: &[u8]| inside(&new, vec![Do::Bare(bytes.to_vec()), Do::Silence]);
    let offers_again = "250-x\r\n250-STARTTLS\r\n250 HELP\r\n";
    vec![
        Behaviour::new(
            "a TLS alert in the dialogue",
            inside(&new, vec![records(1, ALERT, &[2, 80]), Do::Silence]),
        ),
        Behaviour::new(
            "a record that does not open",
            bare(&clear_record(APPLICATION, &[7; 64])),
        ),
        Behaviour::new("plain text inside TLS", bare(b"250 forged\r\n")),
        Behaviour::new("close without ending TLS", inside(&new, vec![Do::Cut])),
        Behaviour::new(
            "half a reply, then the end without ending TLS",
            good()
                .with_tls(&new)
                .at(Step::Rcpt, vec![say("250"), Do::Cut]),
        ),
        Behaviour::new("reset inside TLS", inside(&new, vec![Do::Reset])),
        Behaviour::new(
            "STARTTLS offered inside TLS",
            good()
                .with_tls(&new)
                .at(Step::EhloInside, vec![say(offers_again)]),
        ),
    ]
}
