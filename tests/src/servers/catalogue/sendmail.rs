//! sendmail: enhanced status codes in every reply, and brakes against whoever asks much.

use super::{Domain, Early, Listener, Need, Process, Server, Tls};

pub(super) const SENDMAIL: Server = Server {
    name: "sendmail",
    software: "sendmail 8.17",
    program: "/usr/libexec/sendmail/sendmail",
    need: Need::Required,
    network: 4,
    patience: "15s",
    listeners: &[
        Listener::new("main", Tls::Works, Early::Refused),
        Listener::without_tls("refusing"),
        Listener::new("plain", Tls::Absent, Early::Refused),
        Listener::new("tls-only", Tls::Works, Early::Refused),
    ],
    domains: &[
        Domain::new("exists", "main", &["ana"]),
        // Its mailboxes are in a table of their own, which has the replies.
        Domain::new("full", "main", &[]),
        Domain::new("accept-all", "main", &[""]),
        Domain::new("blocked", "main", &["ana"]),
        Domain::own("refusing"),
        Domain::foreign("relay", "main"),
        Domain::own("plain"),
        Domain::own("tls-only"),
        Domain::new("limited", "main", &["ana", "ben", "cleo", "dora", "emil"]),
        Domain::new("tarpit", "main", &["ana"]),
    ],
    domain_line: str::to_owned,
    // Recipients who end in one mailbox are one to sendmail, and it answers with the name of the
    // first: hence the details.
    mailbox_line: |local_part, domain| {
        format!("{local_part}@{domain}\tmailbox+{local_part}.{domain}")
    },
    processes: &[Process {
        name: "sendmail",
        command: &[
            "/usr/libexec/sendmail/sendmail",
            "-C",
            "/var/lib/sendmail/vrfy/sendmail.cf",
            "-bD",
            "-X",
            "@RUN@/traffic.log",
        ],
        listener: "main",
        greets: true,
    }],
};
