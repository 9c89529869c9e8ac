//! Real mail servers on loopback: Debian's Postfix, Exim and OpenSMTPD, with postgrey before two of
//! them and unbound as the resolver that knows their domains.
//!
//! What it promises: every server is a real daemon with a configuration of its own, listens on its
//! own loopback addresses at one port that was free, has greeted before [`Servers::start`] returns,
//! and is dead when [`Servers`] is dropped or the test process ends in whatever way. Nothing
//! outside the folder of `tests/tools/install-servers.sh` is read or written. One run at a time: a
//! second one waits.
//!
//! What it does not do: deliver mail, reach beyond loopback, or install anything. Starting needs
//! root or `sudo` without a password, because mail servers run as several users.
//!
//! | name | place |
//! |---|---|
//! | which server listens where, and what it serves | [`catalogue`] |
//! | the private root folder | [`root`] |
//! | one running daemon | [`daemon`] |
//! | a dialogue typed by hand, free of vrfy's own session | [`dialogue`] |

#![expect(
    clippy::disallowed_methods,
    reason = "real servers start and greylist in real time, and are where the environment says"
)]

pub mod catalogue;
pub mod daemon;
pub mod dialogue;
pub mod root;

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use anyhow::{Context, Result, bail};

use self::catalogue::{Domain, Listener, Server};
use self::daemon::{Daemon, Ready};
use self::dialogue::Dialogue;
use self::root::Root;

/// Where unbound answers.
const RESOLVER: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 1);
/// Where postgrey answers Postfix and Exim.
const POSTGREY: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 2);
/// Seconds that postgrey makes a new triplet wait. Its own default, 300, is no time for a test.
pub const GREYLIST_DELAY_S: u32 = 2;

/// All servers, running. Drop it to stop them.
pub struct Servers {
    daemons: Vec<Daemon>,
    root: Root,
    port: u16,
}

impl Servers {
    /// Starts every server that `root` holds. One that is there and does not start is an error with
    /// its log; one that is not there is left out, see [`Servers::runs`].
    pub fn start(root: Root) -> Result<Self> {
        let port = free_port()?;
        root.clear_run()?;
        write_configurations(&root, port)?;
        root.prepare_run()?;

        // All at once, then all are waited for: Postfix alone takes a second to open its ports.
        let mut daemons = vec![start_unbound(&root, port)?, start_postgrey(&root, port)?];
        for server in Server::ALL.into_iter().filter(|server| root.holds(*server)) {
            daemons.push(start_mail_server(&root, server, port)?);
        }
        for daemon in &mut daemons {
            daemon.wait_until_ready()?;
        }
        Ok(Self {
            daemons,
            root,
            port,
        })
    }

    /// Whether `server` was started.
    pub fn runs(&self, server: Server) -> bool {
        self.root.holds(server)
    }

    /// The port of every listener of every server.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What to give to `--resolver`.
    pub fn resolver(&self) -> SocketAddr {
        SocketAddr::from((RESOLVER, self.port))
    }

    /// Opens a dialogue in plain text; its greeting has been read.
    pub fn dialogue(&self, server: Server, listener: Listener) -> Result<Dialogue> {
        Dialogue::plain(SocketAddr::from((server.address(listener), self.port)))
    }

    /// Opens a dialogue after STARTTLS, with OpenSSL's client: the next command is EHLO.
    pub fn tls_dialogue(&self, server: Server, listener: Listener) -> Result<Dialogue> {
        let address = SocketAddr::from((server.address(listener), self.port));
        Dialogue::after_start_tls(&self.root, address)
    }

    /// What the daemon of `server` has logged, for the report of a failure.
    pub fn log(&self, server: Server) -> String {
        let daemon = self
            .daemons
            .iter()
            .find(|daemon| daemon.name() == server.name());
        daemon.map(Daemon::log).unwrap_or_default()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // Every one is told before the first is waited for.
        for daemon in &mut self.daemons {
            daemon.ask_to_stop();
        }
        self.daemons.clear();
        // What is left of a run is a help after a failure to start, but not after the tests.
        let _ = self.root.clear_run();
    }
}

fn start_unbound(root: &Root, port: u16) -> Result<Daemon> {
    let config = format!("{}/unbound.conf", root::run_folder("unbound"));
    let ready = Ready::Resolver(SocketAddr::from((RESOLVER, port)));
    Daemon::start(
        root,
        "unbound",
        &["/usr/sbin/unbound", "-d", "-c", &config],
        ready,
    )
}

fn start_postgrey(root: &Root, port: u16) -> Result<Daemon> {
    let command = [
        "/usr/sbin/postgrey",
        &format!("--inet={POSTGREY}:{port}"),
        &format!("--dbdir={}/data", root::run_folder("postgrey")),
        "--user=postgrey",
        "--group=postgrey",
        &format!("--delay={GREYLIST_DELAY_S}"),
        // Every triplet waits, however well known the client has become in this run.
        "--auto-whitelist-clients=0",
        "--whitelist-clients=/dev/null",
        "--whitelist-recipients=/dev/null",
    ];
    Daemon::start(
        root,
        "postgrey",
        &command,
        Ready::Connects(SocketAddr::from((POSTGREY, port))),
    )
}

fn start_mail_server(root: &Root, server: Server, port: u16) -> Result<Daemon> {
    let folder = root::run_folder(server.name());
    let exim_config = format!("{folder}/exim.conf");
    let opensmtpd_config = format!("{folder}/smtpd.conf");
    let command: Vec<&str> = match server {
        Server::Postfix => vec![server.program(), "-d", "-c", &folder],
        Server::Exim => vec![server.program(), "-C", &exim_config, "-bdf"],
        Server::OpenSmtpd => vec![server.program(), "-d", "-f", &opensmtpd_config],
    };
    let ready = Ready::Greets(SocketAddr::from((server.address(Listener::Main), port)));
    Daemon::start(root, server.name(), &command, ready)
}

fn write_configurations(root: &Root, port: u16) -> Result<()> {
    let write = |server: &str, file: &str, template: &str, more: &[(&str, String)]| {
        let mut values = vec![
            ("RUN", root::run_folder(server)),
            ("PORT", port.to_string()),
        ];
        values.extend_from_slice(more);
        root.write(server, file, &fill(template, &values)?)
    };

    let records = Server::ALL.into_iter().map(records_of).collect();
    let resolver = [("ADDRESS", RESOLVER.to_string()), ("RECORDS", records)];
    write(
        "unbound",
        "unbound.conf",
        include_str!("servers/unbound.conf"),
        &resolver,
    )?;
    write(
        "postgrey",
        "about",
        "The data base of postgrey is here.\n",
        &[],
    )?;

    for server in Server::ALL {
        let mut values = vec![("POSTGREY", format!("{POSTGREY}:{port}"))];
        for listener in Listener::ALL {
            values.push((listener.placeholder(), server.address(listener).to_string()));
        }
        for (file, template) in server.templates() {
            write(server.name(), file, template, &values)?;
        }
        for (file, text) in server.tables() {
            root.write(server.name(), file, &text)?;
        }
    }
    Ok(())
}

/// The MX and A records of one server, in unbound's words.
fn records_of(server: Server) -> String {
    let mut text = String::new();
    let mut line = |record: String| {
        writeln!(text, "    local-data: \"{record}\"").expect("a string takes every write");
    };
    for listener in Listener::ALL {
        line(format!(
            "{} A {}",
            server.exchange(listener),
            server.address(listener)
        ));
    }
    for domain in Domain::of(server) {
        let exchange = server.exchange(domain.listener());
        line(format!("{}. MX 10 {exchange}", domain.name(server)));
    }
    text
}

/// Puts values in the place of `@NAME@`. A placeholder without a value is an error: the daemon
/// would report it in its own words much later.
fn fill(template: &str, values: &[(&str, String)]) -> Result<String> {
    let mut text = template.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("@{name}@"), value);
    }
    let is_name = |word: &&str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    };
    let leftover = text.split('@').find(is_name);
    match leftover {
        Some(name) => bail!("a configuration template names @{name}@, which has no value"),
        None => Ok(text),
    }
}

/// A port that is free at every address that is going to be used.
fn free_port() -> Result<u16> {
    /// More refusals in a row mean that something other than chance takes the ports.
    const TRIES_MAX: u32 = 20;
    let mut addresses = vec![RESOLVER, POSTGREY];
    for server in Server::ALL {
        addresses.extend(Listener::ALL.map(|listener| server.address(listener)));
    }
    for _ in 0..TRIES_MAX {
        let first = TcpListener::bind((RESOLVER, 0)).context("cannot listen on loopback")?;
        let port = first.local_addr()?.port();
        drop(first);
        let free = |address: &Ipv4Addr| TcpListener::bind((*address, port)).is_ok();
        if addresses.iter().all(free) && UdpSocket::bind((RESOLVER, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free at all of {addresses:?}")
}
