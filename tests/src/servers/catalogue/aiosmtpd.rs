//! aiosmtpd: a library, whose users write the replies. It does not pipeline.

use super::{Domain, Listener, Need, Process, Server};

pub(super) const AIOSMTPD: Server = Server {
    name: "aiosmtpd",
    software: "aiosmtpd 1.4.3",
    program: "/usr/lib/python3/dist-packages/aiosmtpd/smtp.py",
    need: Need::Required,
    network: 6,
    patience: "10s",
    listeners: &[
        Listener::with_tls("main"),
        Listener::without_tls("plain"),
        Listener::with_tls("tls-only"),
    ],
    domains: &[
        Domain::new("exists", "main", &["ana", "jos\u{e9}"]),
        Domain::new("full", "main", &["full"]),
        Domain::new("accept-all", "main", &[]),
        Domain::new("greylisted", "main", &["ana"]),
        Domain::new("broken", "main", &["ana"]),
        Domain::foreign("relay", "main"),
        Domain::own("plain"),
        Domain::own("tls-only"),
    ],
    domain_line: str::to_owned,
    mailbox_line: |local_part, domain| format!("{local_part}@{domain}"),
    processes: &[Process {
        name: "aiosmtpd",
        command: &[
            "/usr/bin/env",
            "--chdir=@RUN@",
            "/usr/bin/python3",
            "-B",
            "server.py",
            "@PORT@",
            "cert.pem",
            "key.pem",
            "@MAIN@",
            "@PLAIN@",
            "@TLS_ONLY@",
        ],
        listener: "main",
        greets: true,
    }],
};
