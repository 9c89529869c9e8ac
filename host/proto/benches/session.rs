//! What a dialogue costs without a network: `cargo bench -p vrfy-proto`.

#![forbid(unsafe_code)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vrfy_proto::limits::Limits;
use vrfy_proto::reply_reader::ReplyReader;
use vrfy_proto::session::{Output, Recipient, RecipientKind, Session, SessionConfig};
use vrfy_proto::transcript::Transcript;

criterion_group!(benches, dialogue, views, reader);
criterion_main!(benches);

/// What a large provider says, reply by reply; each answers what the client sent before it.
const FLIGHTS: [&[u8]; 4] = [
    b"220 mx.example.test ESMTP ready when you are\r\n",
    b"250-mx.example.test at your service, [198.51.100.7]\r\n250-SIZE 157286400\r\n250-8BITMIME\r\n\
      250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-VRFY\r\n\
      250 SMTPUTF8\r\n",
    b"250 2.1.0 OK\r\n250 2.1.5 OK\r\n\
      550-5.1.1 The account that you tried to reach does not exist.\r\n\
      550 5.1.1 Please check the recipient's address for typing errors.\r\n",
    b"221 2.0.0 closing connection\r\n",
];

fn hold_dialogue(config: SessionConfig, recipients: Vec<Recipient>) -> Transcript {
    let mut session = Session::new(config, recipients);
    let mut now = Duration::ZERO;
    for flight in FLIGHTS {
        now += Duration::from_millis(50);
        session.handle_bytes(flight, now);
        if let Output::Transmit(bytes) = session.poll_output() {
            black_box(bytes);
            black_box(session.poll_output());
        }
    }
    assert_eq!(session.poll_output(), Output::Finished);
    session.into_transcript()
}

fn setting() -> (SessionConfig, Vec<Recipient>) {
    let config = SessionConfig {
        ehlo_name: "probe.example.com".to_owned(),
        reverse_path: "probe@example.com".to_owned(),
        ..SessionConfig::default()
    };
    let recipient = |address: &str, kind| Recipient {
        address: address.to_owned(),
        kind,
        needs_smtputf8: false,
    };
    let recipients = vec![
        recipient("ana@example.test", RecipientKind::Mailbox),
        recipient("zq81kd7@example.test", RecipientKind::Decoy),
    ];
    (config, recipients)
}

fn dialogue(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("session");
    group.throughput(Throughput::Elements(1));
    group.bench_function("dialogue with mailbox and decoy, pipelined", |bencher| {
        bencher.iter(|| {
            let (config, recipients) = setting();
            black_box(hold_dialogue(config, recipients))
        });
    });
    group.finish();
}

fn views(criterion: &mut Criterion) {
    let (config, recipients) = setting();
    let transcript = hold_dialogue(config, recipients);
    let text = transcript.to_text();
    let mut group = criterion.benchmark_group("transcript");
    group.throughput(Throughput::Elements(1));
    group.bench_function("answers", |bencher| {
        bencher.iter(|| black_box(&transcript).answers())
    });
    group.bench_function("to text", |bencher| {
        bencher.iter(|| black_box(&transcript).to_text())
    });
    group.bench_function("from text", |bencher| {
        bencher.iter(|| Transcript::from_text(black_box(&text)));
    });
    group.finish();
}

fn reader(criterion: &mut Criterion) {
    let replies = FLIGHTS.concat().repeat(100);
    let mut group = criterion.benchmark_group("reply reader");
    group.throughput(Throughput::Bytes(replies.len() as u64));
    for segment in [64, 1460, 16 * 1024] {
        group.bench_function(format!("segments of {segment} bytes"), |bencher| {
            bencher.iter(|| {
                let mut reader = ReplyReader::new(Limits {
                    received_bytes: usize::MAX,
                    ..Limits::default()
                });
                let mut lines = 0;
                for bytes in replies.chunks(segment) {
                    reader.handle_bytes(bytes);
                    while let Some(line) = reader.poll_line() {
                        black_box(line);
                        lines += 1;
                    }
                }
                lines
            });
        });
    }
    group.finish();
}
