//! Which server listens where, which domains it serves and which mailboxes are in them.
//!
//! Every kind of behaviour has a domain of its own, `KIND.SERVER.test`, so that what a client
//! learns of one domain (accept-all, greylisting) says nothing of the next. Every setting of a
//! server that acts before RCPT has a listener of its own.
//!
//! The servers are data, one file each in `catalogue/`. Whatever is in the folder of their name
//! beside this file is a template of their configuration, and the `prepare.sh` in it runs as root
//! inside the private root folder, in the folder of the server, before it starts.

mod aiosmtpd;
mod courier;
mod exim;
mod haraka;
mod opensmtpd;
mod postfix;
mod sendmail;

use std::net::Ipv4Addr;

/// Every server, in the order of the report.
pub const SERVERS: &[Server] = &[
    postfix::POSTFIX,
    exim::EXIM,
    opensmtpd::OPENSMTPD,
    sendmail::SENDMAIL,
    courier::COURIER,
    aiosmtpd::AIOSMTPD,
    haraka::HARAKA,
];

/// A mail server.
#[derive(Debug)]
pub struct Server {
    /// The name in domain names and folders.
    pub name: &'static str,
    /// Name and version for people: those of Debian 12, unless it is not from there.
    pub software: &'static str,
    /// The file without which it is not installed, inside the private root folder.
    pub program: &'static str,
    /// Whether CI may go without it.
    pub need: Need,
    /// The third number of its addresses.
    network: u8,
    /// How long `vrfy` waits for a reply: longer than the server delays one.
    pub patience: &'static str,
    /// Its listeners; the first is the one whose greeting says that it has started.
    pub listeners: &'static [Listener],
    /// The domains whose exchange it is.
    pub domains: &'static [Domain],
    /// A line of the file `domains` for each domain that is served.
    pub(super) domain_line: fn(&str) -> String,
    /// A line of the file `mailboxes` for a local-part (empty for all) and its domain.
    pub(super) mailbox_line: fn(&str, &str) -> String,
    /// What to start, in this order.
    pub(super) processes: &'static [Process],
}

/// Whether a server must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Debian has it: without it the tests fail in CI.
    Required,
    /// It comes from a registry that a machine may not reach: it may be skipped.
    Optional,
}

/// A process that a server consists of.
#[derive(Debug)]
pub(super) struct Process {
    /// The name of its output.
    pub(super) name: &'static str,
    /// Program and arguments, with placeholders.
    pub(super) command: &'static [&'static str],
    /// The listener that it opens.
    pub(super) listener: &'static str,
    /// Whether that listener greets at once.
    pub(super) greets: bool,
}

/// One way in which a server can be reached, each at an address of its own.
#[derive(Debug)]
pub struct Listener {
    /// Its name.
    pub label: &'static str,
    /// What it does about STARTTLS.
    pub tls: Tls,
    /// What it does about a client that talks before the greeting.
    pub early: Early,
}

/// What a listener does about STARTTLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// It does not know it, or never comes to it.
    Absent,
    /// It offers it, and it works.
    Works,
    /// It offers it, and every handshake fails.
    Broken,
}

/// What a listener does about a client that talks before the greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Early {
    /// It does not look.
    Unheeded,
    /// It refuses the client.
    Refused,
}

/// One domain and its behaviour.
#[derive(Debug)]
pub struct Domain {
    /// The first label of its name.
    pub label: &'static str,
    /// The listener that its MX record leads to.
    pub listener: &'static str,
    /// The local-parts that the table `mailboxes` has; the empty one stands for all.
    mailboxes: &'static [&'static str],
    /// Whether the table `domains` has it.
    served: bool,
    /// How `vrfy` is to ask.
    pub manner: Manner,
}

/// How `vrfy` asks, where its usual manner does not meet the setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Mailboxes share a session.
    Usual,
    /// With the null reverse path.
    NullSender,
    /// A session for each mailbox, and all at once.
    Hurried,
}

impl Manner {
    /// Every manner.
    pub const ALL: [Self; 3] = [Self::Usual, Self::NullSender, Self::Hurried];
}

impl Server {
    /// Finds a listener.
    ///
    /// # Panics
    /// Where there is none: the catalogue contradicts itself.
    pub fn listener(&self, label: &str) -> &'static Listener {
        let listener = self.listeners.iter().find(|known| known.label == label);
        listener.unwrap_or_else(|| panic!("{} has no listener {label}", self.name))
    }

    /// Where a listener of this server is found.
    pub fn address(&self, label: &str) -> Ipv4Addr {
        let mut places = (1..).zip(self.listeners);
        let place = places.find(|(_, listener)| listener.label == label);
        let (number, _) = place.unwrap_or_else(|| panic!("{} has no listener {label}", self.name));
        Ipv4Addr::new(127, 88, self.network, number)
    }

    /// The name of the exchange behind a listener, with the final dot of a zone.
    pub fn exchange(&self, label: &str) -> String {
        format!("{label}.mx.{}.test.", self.name)
    }

    /// The name of a domain.
    pub fn domain_name(&self, domain: &Domain) -> String {
        format!("{}.{}.test", domain.label, self.name)
    }

    /// The tables that the configuration names: file and text.
    pub(super) fn tables(&self) -> [(&'static str, String); 2] {
        let (mut domains, mut mailboxes) = (String::new(), String::new());
        for domain in self.domains {
            let name = self.domain_name(domain);
            if domain.served {
                domains += &((self.domain_line)(&name) + "\n");
            }
            for local_part in domain.mailboxes {
                mailboxes += &((self.mailbox_line)(local_part, &name) + "\n");
            }
        }
        [("domains", domains), ("mailboxes", mailboxes)]
    }
}

impl Listener {
    /// The word that stands for its address in a template.
    pub(super) fn placeholder(&self) -> String {
        self.label.to_uppercase().replace('-', "_")
    }

    /// It offers STARTTLS, which works.
    const fn with_tls(label: &'static str) -> Self {
        Self::new(label, Tls::Works, Early::Unheeded)
    }

    /// It does not offer STARTTLS.
    const fn without_tls(label: &'static str) -> Self {
        Self::new(label, Tls::Absent, Early::Unheeded)
    }

    const fn new(label: &'static str, tls: Tls, early: Early) -> Self {
        Self { label, tls, early }
    }
}

impl Domain {
    /// A domain with some mailboxes.
    const fn new(
        label: &'static str,
        listener: &'static str,
        mailboxes: &'static [&'static str],
    ) -> Self {
        Self {
            label,
            listener,
            mailboxes,
            served: true,
            manner: Manner::Usual,
        }
    }

    /// The same, asked in another manner.
    const fn asked(self, manner: Manner) -> Self {
        Self { manner, ..self }
    }

    /// A domain behind the listener of its own name, where `ana` exists.
    const fn own(label: &'static str) -> Self {
        Self::new(label, label, &["ana"])
    }

    /// A domain that an MX record leads here, and that the tables do not have.
    const fn foreign(label: &'static str, listener: &'static str) -> Self {
        Self {
            label,
            listener,
            mailboxes: &[],
            served: false,
            manner: Manner::Usual,
        }
    }
}
