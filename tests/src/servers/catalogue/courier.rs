//! Courier: hardly any enhanced status codes, and reply codes that no standard has.

use super::{Domain, Listener, Manner, Need, Process, Server};

pub(super) const COURIER: Server = Server {
    name: "courier",
    software: "Courier 1.0",
    program: "/usr/lib/courier/courier/modules/esmtp/courieresmtpd",
    need: Need::Required,
    network: 5,
    // A refused recipient takes 8 s, the next one 16 s.
    patience: "30s",
    listeners: &[
        Listener::with_tls("main"),
        Listener::without_tls("plain"),
        Listener::with_tls("tls-only"),
        Listener::with_tls("blocked"),
        Listener::with_tls("tarpit"),
        Listener::with_tls("one"),
    ],
    domains: &[
        Domain::new("exists", "main", &["ana", "jos\u{e9}"]),
        Domain::new("accept-all", "main", &[""]),
        Domain::foreign("relay", "main"),
        Domain::own("plain"),
        Domain::own("tls-only"),
        Domain::own("blocked"),
        Domain::new("limited", "main", &["ana", "ben", "cleo", "dora", "emil"]),
        Domain::own("tarpit"),
        Domain::new("one", "one", &["ana", "ben", "cleo"]).asked(Manner::Hurried),
    ],
    domain_line: str::to_owned,
    mailbox_line: |local_part, domain| match local_part {
        "" => format!("all {domain}"),
        _ => format!("user {local_part}@{domain}"),
    },
    processes: &[
        listen("courier", "main", &[LISTEN, SCRIPT, "@MAIN@", "TARPIT=0"]),
        listen(
            "courier-plain",
            "plain",
            &[LISTEN, SCRIPT, "@PLAIN@", "TARPIT=0", "TLS_CERTFILE="],
        ),
        listen(
            "courier-tls-only",
            "tls-only",
            &[
                LISTEN,
                SCRIPT,
                "@TLS_ONLY@",
                "TARPIT=0",
                "ESMTP_TLS_REQUIRED=1",
            ],
        ),
        listen(
            "courier-blocked",
            "blocked",
            &[
                LISTEN,
                SCRIPT,
                "@BLOCKED@",
                "TARPIT=0",
                "BLOCK='554 Client blocked using zen.example'",
            ],
        ),
        listen("courier-tarpit", "tarpit", &[LISTEN, SCRIPT, "@TARPIT@"]),
        listen(
            "courier-one",
            "one",
            &[LISTEN, SCRIPT, "@ONE@", "TARPIT=0", "PER_CLIENT=1"],
        ),
    ],
};

const LISTEN: &str = "/bin/sh";
const SCRIPT: &str = "@RUN@/listen.sh";

const fn listen(
    name: &'static str,
    listener: &'static str,
    command: &'static [&'static str],
) -> Process {
    Process {
        name,
        command,
        listener,
        greets: true,
    }
}
