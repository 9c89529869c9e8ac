//! OpenSMTPD: enhanced status codes in some replies, with meanings of its own.
//!
//! It has no greylisting of its own and cannot ask postgrey, does not know SMTPUTF8, and waits for
//! nobody.

use super::{Domain, Early, Listener, Need, Process, Server, Tls};

pub(super) const OPENSMTPD: Server = Server {
    name: "opensmtpd",
    software: "OpenSMTPD 6.8",
    program: "/usr/sbin/smtpd",
    need: Need::Required,
    network: 3,
    patience: "10s",
    listeners: &[
        Listener::without_tls("main"),
        Listener::without_tls("refusing"),
        Listener::without_tls("plain"),
        Listener::new("tls-only", Tls::Broken, Early::Unheeded),
        Listener::new("tls-offered", Tls::Broken, Early::Unheeded),
    ],
    domains: &[
        Domain::new("exists", "main", &["ana"]),
        // `ana` is a user of the system instead of an entry in a table: the replies differ.
        Domain::new("users", "main", &[]),
        Domain::new("full", "main", &["full"]),
        Domain::new("accept-all", "main", &[""]),
        Domain::new("blocked", "main", &["ana"]),
        Domain::own("refusing"),
        Domain::foreign("relay", "main"),
        Domain::own("plain"),
        Domain::own("tls-only"),
        Domain::new("tls-broken", "tls-offered", &["ana"]),
    ],
    domain_line: str::to_owned,
    mailbox_line: |local_part, domain| format!("{local_part}@{domain}: mailbox"),
    processes: &[Process {
        name: "opensmtpd",
        command: &["/usr/sbin/smtpd", "-d", "-f", "@RUN@/smtpd.conf"],
        listener: "main",
        greets: true,
    }],
};
