//! Real mail servers on loopback, with postgrey before some domains, Dovecot behind others, and
//! unbound as the resolver that knows all of them.
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
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use anyhow::{Context, Result, bail};

use self::catalogue::{Process, SERVERS, Server};
use self::daemon::{Daemon, Ready};
use self::dialogue::Dialogue;
use self::root::Root;
use crate::program;

/// Where the templates are, from the root of the workspace.
const TEMPLATES: &str = "tests/src/servers";
/// Where unbound answers.
const RESOLVER: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 1);
/// Where postgrey answers Postfix and Exim.
const POSTGREY: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 2);
/// Who asks by hand. Servers remember clients by their address.
pub const HAND: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 7);
/// Who asks before the greeting.
pub const EARLY_HAND: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 8);
/// The source address for vrfy.
pub const PROBER: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 9);
/// Seconds that postgrey makes a new triplet wait. Its own default, 300, is no time for a test.
pub const GREYLIST_DELAY_S: u32 = 2;

/// Servers, running. Drop it to stop them.
pub struct Servers {
    daemons: Vec<Daemon>,
    root: Root,
    port: u16,
}

impl Servers {
    /// Starts those of `servers` that `root` holds. One that is there and does not start is an
    /// error with its log; one that is not there is left out, see [`Servers::runs`].
    pub fn start(root: Root, servers: &[&'static Server]) -> Result<Self> {
        let port = free_port()?;
        root.clear_run()?;
        write_configurations(&root, port)?;
        root.prepare_run()?;

        // All at once, then all are waited for: Postfix alone takes a second to open its ports.
        let mut daemons = vec![start_unbound(&root, port)?, start_postgrey(&root, port)?];
        for server in servers.iter().filter(|server| root.holds(server)) {
            for process in server.processes {
                daemons.push(start_process(&root, server, process, port)?);
            }
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

    /// Whether `server` was started, or could have been.
    pub fn runs(&self, server: &Server) -> bool {
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

    /// Where a listener is.
    pub fn address(&self, server: &Server, listener: &str) -> SocketAddr {
        SocketAddr::from((server.address(listener), self.port))
    }

    /// Opens a dialogue in plain text; its greeting has been read.
    pub fn dialogue(&self, server: &Server, listener: &str) -> Result<Dialogue> {
        Dialogue::plain(HAND, self.address(server, listener))
    }

    /// Opens a dialogue after STARTTLS, with OpenSSL's client: the next command is EHLO.
    pub fn tls_dialogue(&self, server: &Server, listener: &str) -> Result<Dialogue> {
        Dialogue::after_start_tls(&self.root, HAND, self.address(server, listener))
    }

    /// What the daemons of `server` have logged, for the report of a failure.
    pub fn log(&self, server: &Server) -> String {
        let daemons = self
            .daemons
            .iter()
            .filter(|daemon| daemon.server() == server.name);
        daemons.map(Daemon::log).collect()
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
        "postgrey",
        &command,
        Ready::Connects(SocketAddr::from((POSTGREY, port))),
    )
}

fn start_process(
    root: &Root,
    server: &'static Server,
    process: &'static Process,
    port: u16,
) -> Result<Daemon> {
    let values = values_of(server, port);
    let filled = |word: &&str| fill(word, &values);
    let words: Vec<String> = process.command.iter().map(filled).collect::<Result<_>>()?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let address = SocketAddr::from((server.address(process.listener), port));
    let ready = match process.greets {
        true => Ready::Greets(address),
        false => Ready::Connects(address),
    };
    Daemon::start(root, server.name, process.name, &words, ready)
}

fn write_configurations(root: &Root, port: u16) -> Result<()> {
    let records = SERVERS.iter().map(records_of).collect();
    let resolver = [
        ("RUN".to_owned(), root::run_folder("unbound")),
        ("PORT".to_owned(), port.to_string()),
        ("ADDRESS".to_owned(), RESOLVER.to_string()),
        ("RECORDS".to_owned(), records),
    ];
    let config = fill(include_str!("servers/unbound.conf"), &resolver)?;
    root.write("unbound", "unbound.conf", &config)?;
    let about = "The data base of postgrey is here.\n";
    root.write("postgrey", "about", about)?;

    for server in SERVERS {
        let values = values_of(server, port);
        for (file, template) in templates_of(server)? {
            let text = fill(&template, &values).with_context(|| format!("template {file}"))?;
            root.write(server.name, &file, &text)?;
        }
        for (file, text) in server.tables() {
            root.write(server.name, file, &text)?;
        }
    }
    Ok(())
}

/// Names and texts of the templates of a server, all that is in its folder.
fn templates_of(server: &Server) -> Result<Vec<(String, String)>> {
    let top = program::root().join(TEMPLATES).join(server.name);
    let mut folders = vec![top.clone()];
    let mut templates = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("cannot read the templates in {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let name = path.strip_prefix(&top)?.to_string_lossy().into_owned();
            templates.push((name, text));
        }
    }
    Ok(templates)
}

/// What the placeholders of a server stand for.
fn values_of(server: &Server, port: u16) -> Vec<(String, String)> {
    let mut values = vec![
        ("RUN".to_owned(), root::run_folder(server.name)),
        ("PORT".to_owned(), port.to_string()),
        ("POSTGREY".to_owned(), format!("{POSTGREY}:{port}")),
    ];
    for listener in server.listeners {
        let address = server.address(listener.label).to_string();
        values.push((listener.placeholder(), address));
    }
    values
}

/// The MX and A records of one server, in unbound's words.
fn records_of(server: &Server) -> String {
    let mut text = String::new();
    let mut line = |record: String| {
        writeln!(text, "    local-data: \"{record}\"").expect("a string takes every write");
    };
    for listener in server.listeners {
        let exchange = server.exchange(listener.label);
        line(format!("{exchange} A {}", server.address(listener.label)));
    }
    for domain in server.domains {
        let exchange = server.exchange(domain.listener);
        line(format!("{}. MX 10 {exchange}", server.domain_name(domain)));
    }
    text
}

/// Puts values in the place of `@NAME@`. A placeholder without a value is an error: the daemon
/// would report it in its own words much later.
fn fill(template: &str, values: &[(String, String)]) -> Result<String> {
    let mut text = template.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("@{name}@"), value);
    }
    let is_name = |word: &&str| {
        word.starts_with(|first: char| first.is_ascii_uppercase())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
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
    for server in SERVERS {
        let listeners = server.listeners.iter();
        addresses.extend(listeners.map(|listener| server.address(listener.label)));
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
