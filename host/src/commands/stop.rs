//! Ctrl-C: the first one ends a run in order, the second one at once.

use std::io::IsTerminal;

use tokio::sync::watch;

use crate::error::EXIT_INTERRUPTED;
use crate::output::say;

/// Watches for Ctrl-C (SIGINT) and for SIGTERM. `words` are shown at the first one.
pub(super) fn on_interrupt(words: &'static str) -> (watch::Sender<bool>, watch::Receiver<bool>) {
    let (sender, receiver) = watch::channel(false);
    let stop = sender.clone();
    tokio::spawn(async move {
        interrupted().await;
        if !words.is_empty() {
            // A line of progress may stand there, and the terminal's own ^C.
            let before = if std::io::stderr().is_terminal() {
                "\n"
            } else {
                ""
            };
            say(&format!("{before}{words}\n"));
        }
        stop.send_replace(true);
        interrupted().await;
        std::process::exit(i32::from(EXIT_INTERRUPTED));
    });
    (sender, receiver)
}

async fn interrupted() {
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminate {
            Some(signal) => signal.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}
