//! Which server listens where, which domains it serves and which mailboxes are in them.
//!
//! Every kind of behaviour has a domain of its own, `KIND.SERVER.test`, so that what a client
//! learns of one domain (accept-all, greylisting) says nothing of the next.

use std::net::Ipv4Addr;

/// A mail server of Debian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// Enhanced status codes in every reply; refuses at RCPT whatever the cause.
    Postfix,
    /// No enhanced status codes but those that an administrator writes.
    Exim,
    /// Enhanced status codes in some replies, with meanings of its own.
    OpenSmtpd,
}

impl Server {
    /// Every server, in the order of the report.
    pub const ALL: [Self; 3] = [Self::Postfix, Self::Exim, Self::OpenSmtpd];

    /// The name in domain names and folders.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postfix => "postfix",
            Self::Exim => "exim",
            Self::OpenSmtpd => "opensmtpd",
        }
    }

    /// The daemon, as a path inside the private root folder.
    pub fn program(self) -> &'static str {
        match self {
            Self::Postfix => "/usr/lib/postfix/sbin/master",
            Self::Exim => "/usr/sbin/exim4",
            Self::OpenSmtpd => "/usr/sbin/smtpd",
        }
    }

    /// Where a listener of this server is found.
    pub fn address(self, listener: Listener) -> Ipv4Addr {
        let server = match self {
            Self::Postfix => 1,
            Self::Exim => 2,
            Self::OpenSmtpd => 3,
        };
        let listener = match listener {
            Listener::Main => 1,
            Listener::Refusing => 2,
            Listener::Plain => 3,
            Listener::TlsOnly => 4,
            Listener::TlsOffered => 5,
        };
        Ipv4Addr::new(127, 88, server, listener)
    }

    /// The name of the exchange behind a listener, with the final dot of a zone.
    pub fn exchange(self, listener: Listener) -> String {
        format!("{}.mx.{}.test.", listener.label(), self.name())
    }

    /// The configuration files: name and template.
    pub(super) fn templates(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Postfix => vec![
                ("main.cf", include_str!("postfix-main.cf")),
                ("master.cf", include_str!("postfix-master.cf")),
            ],
            Self::Exim => vec![("exim.conf", include_str!("exim.conf"))],
            Self::OpenSmtpd => vec![("smtpd.conf", include_str!("opensmtpd.conf"))],
        }
    }

    /// The tables that the configuration names: file and text.
    pub(super) fn tables(self) -> Vec<(&'static str, String)> {
        let served = || Domain::of(self).filter(|domain| *domain != Domain::Relay);
        let names = served().map(|domain| domain.name(self));
        let lines = |lines: Vec<String>| lines.join("\n") + "\n";
        let mailboxes: Vec<(Domain, &str)> = served()
            .flat_map(|domain| {
                domain
                    .mailboxes()
                    .iter()
                    .map(move |local_part| (domain, *local_part))
            })
            .collect();
        let entries = |entry: fn(&str, &str) -> String| {
            let entry =
                |(domain, local_part): &(Domain, &str)| entry(local_part, &domain.name(self));
            lines(mailboxes.iter().map(entry).collect())
        };
        match self {
            Self::Postfix => vec![
                (
                    "domains",
                    lines(names.map(|name| format!("{name} served")).collect()),
                ),
                (
                    "mailboxes",
                    entries(|local_part, domain| format!("{local_part}@{domain} box/")),
                ),
                ("recipients", include_str!("postfix-recipients").to_owned()),
            ],
            Self::Exim => vec![
                (
                    "domains",
                    lines(names.map(|name| format!("{name}: served")).collect()),
                ),
                (
                    "mailboxes",
                    entries(|local_part, domain| match local_part {
                        "" => format!("*@{domain}: box"),
                        _ => format!("{local_part}@{domain}: box"),
                    }),
                ),
            ],
            Self::OpenSmtpd => vec![
                ("domains", lines(names.collect())),
                (
                    "mailboxes",
                    entries(|local_part, domain| format!("{local_part}@{domain}: mailbox")),
                ),
                ("users", "ana 59907:59907:/var/mail\n".to_owned()),
            ],
        }
    }
}

/// One way in which a server can be reached, each at an address of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// Offers STARTTLS and insists on nothing. OpenSMTPD: does not offer it.
    Main,
    /// Refuses every client at the greeting.
    Refusing,
    /// Does not know TLS.
    Plain,
    /// Takes no MAIL before STARTTLS.
    TlsOnly,
    /// Offers STARTTLS: where [`Listener::Main`] does not.
    TlsOffered,
}

impl Listener {
    /// Every listener.
    pub const ALL: [Self; 5] = [
        Self::Main,
        Self::Refusing,
        Self::Plain,
        Self::TlsOnly,
        Self::TlsOffered,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Refusing => "refusing",
            Self::Plain => "plain",
            Self::TlsOnly => "tls-only",
            Self::TlsOffered => "tls-offered",
        }
    }

    pub(super) fn placeholder(self) -> &'static str {
        match self {
            Self::Main => "MAIN",
            Self::Refusing => "REFUSING",
            Self::Plain => "PLAIN",
            Self::TlsOnly => "TLS_ONLY",
            Self::TlsOffered => "TLS_OFFERED",
        }
    }
}

/// One domain and its behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// `ana` exists, nobody else.
    Exists,
    /// `full` exists and has no room; where a server can say so in two ways, `quota` is the other.
    Full,
    /// Every local-part is accepted.
    AcceptAll,
    /// `ana` exists; every new triplet is asked to come back (not OpenSMTPD: it cannot ask
    /// postgrey).
    Greylisted,
    /// `ana` exists, but our address is on a blocklist: said at RCPT.
    Blocked,
    /// The same, said at the greeting.
    Refusing,
    /// An MX record leads here, but the server does not serve the domain.
    Relay,
    /// `ana` exists; no STARTTLS is offered.
    Plain,
    /// `ana` exists; nothing goes without STARTTLS.
    TlsOnly,
    /// `ana` exists; STARTTLS is offered and its handshake fails (OpenSMTPD only).
    TlsBroken,
    /// `ana` is a user of the system instead of an entry in a table (OpenSMTPD only: its replies
    /// differ).
    Users,
}

impl Domain {
    const ALL: [Self; 11] = [
        Self::Exists,
        Self::Full,
        Self::AcceptAll,
        Self::Greylisted,
        Self::Blocked,
        Self::Refusing,
        Self::Relay,
        Self::Plain,
        Self::TlsOnly,
        Self::TlsBroken,
        Self::Users,
    ];

    /// The domains whose mail `server` is the exchange of.
    pub fn of(server: Server) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |domain| match domain {
            Self::Greylisted => server != Server::OpenSmtpd,
            Self::TlsBroken | Self::Users => server == Server::OpenSmtpd,
            _ => true,
        })
    }

    /// The domain name.
    pub fn name(self, server: Server) -> String {
        format!("{}.{}.test", self.label(), server.name())
    }

    /// The first label of the domain name.
    pub fn label(self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::Full => "full",
            Self::AcceptAll => "accept-all",
            Self::Greylisted => "greylisted",
            Self::Blocked => "blocked",
            Self::Refusing => "refusing",
            Self::Relay => "relay",
            Self::Plain => "plain",
            Self::TlsOnly => "tls-only",
            Self::TlsBroken => "tls-broken",
            Self::Users => "users",
        }
    }

    /// The listener that the MX record of this domain leads to.
    pub fn listener(self) -> Listener {
        match self {
            Self::Refusing => Listener::Refusing,
            Self::Plain => Listener::Plain,
            Self::TlsOnly => Listener::TlsOnly,
            Self::TlsBroken => Listener::TlsOffered,
            _ => Listener::Main,
        }
    }

    /// The local-parts of the mailboxes; the empty one stands for all.
    fn mailboxes(self) -> &'static [&'static str] {
        match self {
            Self::Full => &["full", "quota"],
            Self::AcceptAll => &[""],
            Self::Relay | Self::Users => &[],
            _ => &["ana"],
        }
    }
}
