//! From a seed to a world.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use vrfy::dispatch::{DispatchLimits, RetryMode};
use vrfy::lookup::{Datum, QuestionKind};
use vrfy_proto::limits::Limits;
use vrfy_proto::mx::{DnsAnswer, MxRecord};
use vrfy_proto::session::StartTlsUse;
use vrfy_proto::timeouts::Timeouts;

use super::host::{
    Connect, Greeting, Hello, Host, Mail, Manner, Path, Quirk, Quit, Rcpt, Segments, StartTls, Turn,
};
use super::rng::Rng;
use super::wire::ms;
use super::world::{Entry, Row, Temper, World};

impl World {
    /// The world of that seed.
    pub fn of_seed(seed: u64) -> Self {
        let mut rng = Rng::new(seed, "world");
        let size = rng.weighted(&[(880, 8), (100, 60), (18, 300), (2, 2_500)]);
        let rows = rng.between(1, size);
        let domains = rng.between(1, 2 + rows.min(40) / 4);
        let hosts = rng.between(1, 2 + domains * 2);
        let hosts: Vec<Host> = (0..hosts).map(|index| host(&mut rng, index)).collect();
        let mut names = Vec::new();
        for host in &hosts {
            addresses(&mut rng, &host.name, &host.addresses, &mut names);
        }
        let domains: Vec<String> = (0..domains)
            .map(|index| domain(&mut rng, index, &hosts, &mut names))
            .collect();
        let rows = list(&mut rng, rows, &domains, &hosts);
        let stops = rng.permille(120);
        Self {
            seed,
            limits: limits(&mut rng),
            retry: rng.weighted(&[
                (6, RetryMode::Wait),
                (2, RetryMode::Now),
                (2, RetryMode::Never),
            ]),
            start_tls: rng.weighted(&[
                (6, StartTlsUse::Opportunistic),
                (3, StartTlsUse::Never),
                (1, StartTlsUse::Required),
            ]),
            egresses: rng.weighted(&[(7, 1), (2, 2), (1, 5)]),
            timeouts: Timeouts::default(),
            session_limits: session_limits(&mut rng),
            reverse_path: rng
                .pick(&["probe@example.com", "probe@example.com", "<>"])
                .to_owned(),
            stop_after: stops
                .then(|| ms(rng.weighted(&[(1, 0), (5, 20_000), (4, 4_000_000)])))
                .map(|most| ms(rng.below(u64::try_from(most.as_millis()).unwrap_or(0) + 1))),
            judge: rng.weighted(&[(6, Temper::Sober), (3, Temper::Wild), (1, Temper::Stubborn)]),
            rows,
            hosts,
            names,
        }
    }
}

fn limits(rng: &mut Rng) -> DispatchLimits {
    DispatchLimits {
        sessions: rng.pick(&[1, 2, 5, 50, 300]),
        sessions_per_lane: rng.pick(&[1, 2, 2, 5]),
        sessions_per_destination: rng.pick(&[1, 2, 8]),
        mailboxes_per_session: rng.pick(&[1, 3, 10, 10, 60]),
        lookups: rng.pick(&[1, 10, 100]),
        active_probes: rng.pick(&[1, 20, 4_000]),
        rounds: rng.pick(&[1, 2, 6]),
        give_up_after: rng.pick(&[
            Duration::from_mins(1),
            Duration::from_mins(20),
            Duration::from_hours(24),
        ]),
        lane_hold: rng.pick(&[Duration::from_mins(10), Duration::from_hours(24)]),
        stop_grace: Duration::from_secs(5),
        ..DispatchLimits::default()
    }
}

fn session_limits(rng: &mut Rng) -> Limits {
    let defaults = Limits::default();
    match rng.permille(150) {
        false => defaults,
        true => Limits {
            received_bytes: rng.pick(&[1_000, 4_000, defaults.received_bytes]),
            recipients: rng.pick(&[1, 4, defaults.recipients]),
            rejections: rng.pick(&[1, 3, defaults.rejections]),
            ..defaults
        },
    }
}

fn host(rng: &mut Rng, index: u64) -> Host {
    let count = rng.weighted(&[(75, 1), (15, 2), (5, 3), (5, 12)]);
    let addresses = (0..count).map(|at| address(rng, index * 16 + at));
    let addresses = addresses.collect();
    Host {
        name: format!("mx{index}.hosts.test"),
        addresses,
        connect: rng.weighted(&[
            (82, Connect::Open),
            (3, Connect::Refused),
            (2, Connect::Unreachable),
            (6, Connect::Silent),
            (3, Connect::FirstAddressDead),
            (4, Connect::Flaky),
        ]),
        path: Path {
            round_trip_ms: rng.pick(&[0, 1, 30, 200, 2_000]),
            segments: rng.weighted(&[
                (55, Segments::Whole),
                (20, Segments::Split),
                (10, Segments::Octets),
                (5, Segments::Drip),
                (10, Segments::Merged),
            ]),
            loss_permille: rng.weighted(&[(85, 0), (10, 10), (5, 100)]),
            delay_permille: rng.weighted(&[(80, 0), (20, 50)]),
            write_max: rng.weighted(&[(80, None), (10, Some(7)), (10, Some(40))]),
        },
        manner: manner(rng),
    }
}

/// An address of a host; once in a while one that must never be connected to.
fn address(rng: &mut Rng, number: u64) -> IpAddr {
    let low = u8::try_from(number % 250 + 1).unwrap_or(1);
    let high = u8::try_from(number / 250 % 250).unwrap_or(0);
    if rng.permille(40) {
        let v4 = |octets: [u8; 4]| IpAddr::V4(Ipv4Addr::from(octets));
        let mapped = Ipv4Addr::from([10, 0, high, low]).to_ipv6_mapped();
        return rng.pick(&[
            v4([10, 0, high, low]),
            v4([127, 0, 0, low]),
            v4([169, 254, high, low]),
            v4([192, 168, high, low]),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
            IpAddr::V6(mapped),
        ]);
    }
    match rng.permille(500) {
        true => IpAddr::V4(Ipv4Addr::from([198, 18, high, low])),
        false => IpAddr::V6(Ipv6Addr::from([
            0x2001,
            0x0db8,
            0,
            0,
            0,
            0,
            high.into(),
            low.into(),
        ])),
    }
}

fn manner(rng: &mut Rng) -> Manner {
    let sound = sound(rng);
    if rng.permille(350) {
        return sound;
    }
    Manner {
        greeting: rng.weighted(&[
            (70, Greeting::Ready),
            (10, Greeting::MultiLine),
            (8, Greeting::Late(8_000)),
            (2, Greeting::Late(70_000)),
            (2, Greeting::Refused(554)),
            (1, Greeting::Refused(521)),
            (2, Greeting::Refused(421)),
            (2, Greeting::Garbage),
            (2, Greeting::Silent),
            (2, Greeting::AllEarly),
        ]),
        hello: rng.weighted(&[
            (85, Hello::Extended),
            (8, Hello::HeloOnly(502)),
            (3, Hello::HeloOnly(500)),
            (2, Hello::Refused(550)),
            (2, Hello::Refused(502)),
        ]),
        start_tls: rng.weighted(&[
            (85, None),
            (5, Some(StartTls::Refused)),
            (3, Some(StartTls::Garbage)),
            (3, Some(StartTls::Closes)),
            (1, Some(StartTls::Silent)),
            (3, Some(StartTls::Injected)),
        ]),
        announced: announced(rng),
        mail: rng.weighted(&[
            (88, Mail::Accepted),
            (3, Mail::Refused(550)),
            (3, Mail::Refused(451)),
            (6, Mail::OutOfOrderOnce),
        ]),
        rcpt: rng.weighted(&[
            (55, Rcpt::Honest),
            (15, Rcpt::AcceptsAll),
            (8, Rcpt::RefusesAll(550)),
            (5, Rcpt::RefusesAll(450)),
            (17, Rcpt::Greylists(300_000)),
        ]),
        too_many_after: rng.permille(120).then(|| rng.below(6)),
        too_many_enhanced: rng.permille(500),
        tarpit_ms: rng.weighted(&[(85, 0), (10, 1_000), (5, 20_000)]),
        quirk: quirk(rng),
        turn: turn(rng),
        sessions_max: rng.permille(80).then(|| rng.between(1, 4)),
        quit: rng.weighted(&[
            (85, Quit::Bye),
            (6, Quit::Closes),
            (5, Quit::Silent),
            (4, Quit::Refused),
        ]),
        ..sound
    }
}

/// A server without a fault.
fn sound(rng: &mut Rng) -> Manner {
    Manner {
        greeting: Greeting::Ready,
        hello: Hello::Extended,
        pipelining: rng.permille(500),
        smtputf8: rng.permille(300),
        start_tls: None,
        announced: None,
        mail: Mail::Accepted,
        rcpt: Rcpt::Honest,
        too_many_after: None,
        too_many_enhanced: true,
        thinks_ms: rng.pick(&[0, 0, 5, 300]),
        tarpit_ms: 0,
        quirk: None,
        turn: None,
        sessions_max: None,
        quit: Quit::Bye,
    }
}

fn announced(rng: &mut Rng) -> Option<[Option<u64>; 3]> {
    let is_announced = rng.permille(100);
    let mut most = |share| rng.permille(share).then(|| rng.between(1, 8));
    is_announced.then(|| [most(700), most(200), most(300)])
}

fn quirk(rng: &mut Rng) -> Option<(Quirk, u64)> {
    let quirk = rng.weighted(&[
        (10, Quirk::MultiLine),
        (5, Quirk::BareLf),
        (5, Quirk::NoText),
        (5, Quirk::NoUtf8),
        (5, Quirk::TwoCodes),
        (5, Quirk::GarbageBefore),
        (5, Quirk::Nul),
        (5, Quirk::LongLine),
        (4, Quirk::Doubled),
        (4, Quirk::DoubledLate),
        (2, Quirk::WrongCode(354)),
        (2, Quirk::WrongCode(150)),
        (2, Quirk::WrongCode(999)),
    ]);
    let share = rng.pick(&[50, 300, 1000]);
    rng.permille(300).then_some((quirk, share))
}

fn turn(rng: &mut Rng) -> Option<(u64, Turn)> {
    let turn = rng.pick(&[
        Turn::Close,
        Turn::Reset,
        Turn::Silence,
        Turn::HalfThenClose,
        Turn::HalfThenSilence,
        Turn::ServiceClosing,
        Turn::AnsweredThenClosing,
        Turn::EndlessLine,
        Turn::EndlessReply,
        Turn::Trickle,
        Turn::OutOfOrder,
    ]);
    let at = rng.below(8);
    rng.permille(200).then_some((at, turn))
}

/// A domain with its records, as a name or as an address literal.
fn domain(rng: &mut Rng, index: u64, hosts: &[Host], names: &mut Vec<Entry>) -> String {
    let name = format!("d{index}.test");
    let mx = |preference, exchange: &str| {
        Datum::Mx(MxRecord {
            preference,
            exchange: exchange.to_owned(),
        })
    };
    let mut entry = |kind, answer, rng: &mut Rng| names.push(entry_of(rng, &name, kind, answer));
    let choice = rng.below(100);
    let answer = match choice {
        0..70 => {
            let count = rng.weighted(&[(50, 1), (30, 2), (15, 4), (5, 9)]);
            let records = (0..count).map(|_| {
                let host = rng.index(hosts.len());
                let preference = rng.pick(&[10, 10, 20, 30]);
                mx(preference, &hosts[host].name)
            });
            DnsAnswer::Records(records.collect())
        }
        70..74 => DnsAnswer::Records(vec![mx(0, ".")]),
        74..77 => DnsAnswer::NxDomain,
        77..80 => DnsAnswer::ServFail,
        80..82 => DnsAnswer::TimedOut,
        82..83 => DnsAnswer::Refused,
        83..90 => {
            let host = &hosts[rng.index(hosts.len())];
            for (kind, answer) in both_families(&host.addresses) {
                entry(kind, answer, rng);
            }
            DnsAnswer::NoData
        }
        90..93 => DnsAnswer::Records(vec![mx(10, "gone.hosts.test"), mx(20, "192.0.2.1")]),
        93..96 => DnsAnswer::Records(vec![mx(5, "gone.hosts.test"), mx(20, &hosts[0].name)]),
        96..98 => DnsAnswer::NoData,
        _ => {
            let host = &hosts[rng.index(hosts.len())];
            return match host.addresses[0] {
                IpAddr::V4(address) => format!("[{address}]"),
                IpAddr::V6(address) => format!("[IPv6:{address}]"),
            };
        }
    };
    entry(QuestionKind::Mx, answer, rng);
    name
}

fn addresses(rng: &mut Rng, name: &str, addresses: &[IpAddr], names: &mut Vec<Entry>) {
    for (kind, answer) in both_families(addresses) {
        names.push(entry_of(rng, name, kind, answer));
    }
}

fn both_families(addresses: &[IpAddr]) -> [(QuestionKind, DnsAnswer<Datum>); 2] {
    let of = |pick: fn(&IpAddr) -> Option<Datum>| {
        let data: Vec<Datum> = addresses.iter().filter_map(pick).collect();
        match data.is_empty() {
            true => DnsAnswer::NoData,
            false => DnsAnswer::Records(data),
        }
    };
    let v4 = of(|address| match address {
        IpAddr::V4(address) => Some(Datum::V4(*address)),
        IpAddr::V6(_) => None,
    });
    let v6 = of(|address| match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => Some(Datum::V6(*address)),
    });
    [(QuestionKind::V4, v4), (QuestionKind::V6, v6)]
}

fn entry_of(rng: &mut Rng, name: &str, kind: QuestionKind, answer: DnsAnswer<Datum>) -> Entry {
    Entry {
        name: name.to_owned(),
        kind,
        answer,
        takes: ms(rng.weighted(&[(40, 0), (50, 25), (8, 900), (2, 9_000)])),
        keeps: Duration::from_secs(rng.pick(&[0, 60, 3_600, 86_400])),
        fails_first: rng.weighted(&[(94, 0), (4, 1), (2, 3)]),
    }
}

fn list(rng: &mut Rng, count: u64, domains: &[String], hosts: &[Host]) -> Vec<Row> {
    let mut given: Vec<String> = Vec::new();
    let hesitates = rng.permille(150);
    let mut rows = Vec::new();
    for index in 0..count {
        let pause = match hesitates && rng.permille(200) {
            true => ms(rng.pick(&[1, 500, 30_000])),
            false => Duration::ZERO,
        };
        if rng.permille(15) {
            rows.push(Row::Broken);
            continue;
        }
        let is_repeated = !given.is_empty() && rng.permille(60);
        let address = match is_repeated {
            true => rng.pick(&given),
            false => mailbox(rng, index, domains, hosts),
        };
        let address = match rng.permille(60) {
            true => upper_domain(&address),
            false => address,
        };
        given.push(address.clone());
        rows.push(Row::Address(address, pause));
    }
    rows
}

fn mailbox(rng: &mut Rng, index: u64, domains: &[String], hosts: &[Host]) -> String {
    let domain = match rng.permille(5) {
        true => format!("{}.absent.test", hosts.len()),
        false => rng.pick(domains),
    };
    match rng.below(100) {
        0..88 => format!("u{index}@{domain}"),
        88..91 => format!("\"a b {index}\"@{domain}"),
        91..94 => format!("j\u{f6}rg{index}@{domain}"),
        94..96 => format!("{index:0>64}@{domain}"),
        96..98 => format!("u{index}+tag@{domain}"),
        98 => format!("u{index}@@{domain}"),
        _ => "no address at all".to_owned(),
    }
}

fn upper_domain(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) if !domain.starts_with('[') => {
            format!("{local}@{}", domain.to_ascii_uppercase())
        }
        _ => address.to_owned(),
    }
}
