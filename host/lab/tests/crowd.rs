//! Many sessions at once: the lab is not what a load test measures.

mod client;

use std::time::Duration;

use client::{connect, lab};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Two sockets a session and one for each exchange stay below the usual limit of 1,024 files.
const SESSIONS: usize = 300;

#[tokio::test]
async fn sessions_do_not_wait_for_each_other() {
    let lab = lab("[[bulk]]\ndomains = 60\nmailboxes = 300\nlatency_ms = 50\n\
         mix = [{ rcpt = \"accepts\", expect = \"deliverable\" }]")
    .await;
    let begun = Instant::now();
    let mut sessions = JoinSet::new();
    for number in 0..SESSIONS {
        let address = lab.addresses()[number].address.clone();
        let mut client = connect(&lab, &format!("mx{}.pool.test", number % 60 + 1)).await;
        sessions.spawn(async move {
            client.open().await;
            let reply = client.ask(&format!("RCPT TO:<{address}>")).await;
            assert!(reply.starts_with("250 2.1.5"), "{reply}");
            client.quit().await;
        });
    }
    sessions.join_all().await;
    let elapsed = begun.elapsed();
    // Five replies of 50 ms each: one after the other these sessions would take 75 seconds.
    assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
    let report = lab.stop().await;
    assert_eq!(report.sins, []);
    assert_eq!(report.recipients().count(), SESSIONS);
    let busiest = report
        .exchanges
        .values()
        .map(|counts| counts.open_at_once_max);
    assert!(busiest.max() > Some(1), "they were open at once");
}
