//! Haraka: plugins say everything; the enhanced status codes are its own guess.

use super::{Domain, Listener, Need, Process, Server};

pub(super) const HARAKA: Server = Server {
    name: "haraka",
    software: "Haraka 3.1.1 on node 18",
    program: "/opt/haraka/node_modules/Haraka/bin/haraka",
    need: Need::Optional,
    network: 7,
    patience: "10s",
    listeners: &[
        Listener::with_tls("main"),
        Listener::without_tls("refusing"),
        Listener::with_tls("hang-up"),
    ],
    domains: &[
        Domain::new("exists", "main", &["ana", "jos\u{e9}"]),
        Domain::new("full", "main", &["full"]),
        Domain::new("accept-all", "main", &[]),
        Domain::own("refusing"),
        Domain::foreign("relay", "main"),
        Domain::new("tarpit", "main", &["ana"]),
        Domain::own("hang-up"),
    ],
    domain_line: str::to_owned,
    mailbox_line: |local_part, domain| format!("{local_part}@{domain}"),
    processes: &[Process {
        name: "haraka",
        command: &[
            "/usr/bin/node",
            "/opt/haraka/node_modules/Haraka/bin/haraka",
            "-c",
            "@RUN@",
        ],
        // The last that it opens.
        listener: "hang-up",
        greets: true,
    }],
};
