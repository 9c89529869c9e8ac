//! The models: kinds of domains, each with what it does and who is known to do so.
//!
//! "Observed" is what operators and replies show without a document that says so. The shares are a
//! mix of ours, in which trouble is more common than on the Internet, so that it shows.

use std::time::Duration;

use super::model::{Book, Door, FOR_EVER, Greylist, Habit, Limit, Model, ORDINARY, PLAIN, Strikes};

const VERIFYING: &str =
    "450 4.1.1 Recipient address rejected: unverified address: Address verification in progress";
const LISTED: &str = "550 5.7.1 Service unavailable; client host blocked using a blocklist";

/// Every model, in the order in which they are shown.
pub static MODELS: &[Model] = &[
    Model {
        name: "plain",
        does: "Accepts what is there and refuses what is not.",
        source: "RFC 5321 section 3.3",
        share: 525,
        ..ORDINARY
    },
    Model {
        name: "full",
        does: "Some of its mailboxes are full.",
        source: "RFC 5321 section 4.2.2; RFC 3463 section 3.3, X.2.2",
        share: 20,
        full_permille: 500,
        ..ORDINARY
    },
    Model {
        name: "accept-all",
        does: "Accepts every recipient.",
        source: "RFC 5321 section 4.2.5",
        share: 120,
        tells: false,
        primary: Habit {
            book: Book::AcceptsAll,
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "accept-all-grey",
        does: "Greylists for 5 minutes, then accepts every recipient.",
        source: "RFC 6647 section 2.4 in front of a gateway",
        share: 20,
        tells: false,
        primary: Habit {
            greylist: Some(Greylist {
                window: Duration::from_mins(5),
                lifetime: Duration::from_hours(48),
                by_client: false,
                restarts: false,
                reply: "451 4.7.1 Greylisting in effect, please try again later",
            }),
            book: Book::AcceptsAll,
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "tarpit",
        does: "Thinks 8 seconds longer about every further recipient of a session.",
        source: "Exchange Server, TarpitInterval; Exim, smtp_ratelimit_rcpt",
        share: 10,
        per_domain: 10,
        primary: Habit {
            tarpit: Duration::from_secs(8),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "greylist-1m",
        does: "Greylists for 1 minute, the least that RFC 6647 names.",
        source: "RFC 6647 section 5",
        share: 10,
        primary: Habit {
            greylist: Some(Greylist {
                window: Duration::from_mins(1),
                lifetime: Duration::from_hours(24),
                by_client: false,
                restarts: false,
                reply: "451 4.7.1 Greylisted, please try again later",
            }),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "greylist-5m",
        does: "Greylists for 5 minutes; the first try is remembered for 2 days.",
        source: "Postgrey: --delay=300, --retry-window=2",
        share: 40,
        primary: Habit {
            greylist: Some(Greylist {
                window: Duration::from_mins(5),
                lifetime: Duration::from_hours(48),
                by_client: false,
                restarts: false,
                reply: "450 4.2.0 Recipient address rejected: Greylisted, see the help page",
            }),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "greylist-5m-named",
        does: "Greylists for 5 minutes and says how many seconds are left.",
        source: "Postgrey: --greylist-text with %s",
        share: 10,
        primary: Habit {
            greylist: Some(Greylist {
                window: Duration::from_mins(5),
                lifetime: Duration::from_hours(48),
                by_client: false,
                restarts: false,
                reply: "450 4.2.0 Greylisted for {s} seconds",
            }),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "greylist-10m",
        does: "Greylists for 10 minutes; the first try is remembered for 4 hours.",
        source: "cPanel: initial_block_time_mins 10, must_try_time_mins 240",
        share: 20,
        primary: Habit {
            greylist: Some(Greylist {
                window: Duration::from_mins(10),
                lifetime: Duration::from_hours(4),
                by_client: false,
                restarts: false,
                reply: "451 4.7.1 Temporarily rejected. Try again later.",
            }),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "greylist-15m-late",
        does: "Greylists for 15 minutes, and begins anew when asked too early.",
        source: "observed: greylisters that count from the last try",
        share: 5,
        primary: Habit {
            greylist: Some(Greylist {
                window: Duration::from_mins(15),
                lifetime: Duration::from_hours(24),
                by_client: false,
                restarts: true,
                reply: "451 4.7.1 Greylisted, try again later",
            }),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "greylist-25m",
        does: "Greylists for 25 minutes; the first try is remembered for 4 hours.",
        source: "OpenBSD spamd: PASSTIME 25 min, GREYEXP 4 h",
        share: 5,
        primary: Habit {
            greylist: Some(Greylist {
                window: Duration::from_mins(25),
                lifetime: Duration::from_hours(4),
                by_client: false,
                restarts: false,
                reply: "451 Temporary failure, please try again later.",
            }),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "greylist-30m-named",
        does: "Greylists for 30 minutes and says how long as 00:30:00.",
        source: "milter-greylist: greylist 30m, and its usual report",
        share: 5,
        primary: Habit {
            greylist: Some(Greylist {
                window: Duration::from_mins(30),
                lifetime: Duration::from_hours(120),
                by_client: false,
                restarts: false,
                reply: "451 4.7.1 Greylisting in action, please come back in {clock}",
            }),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "greylist-1h",
        does: "Greylists for 1 hour.",
        source: "RFC 6647 section 5; milter-greylist, greylist 1h",
        share: 5,
        primary: Habit {
            greylist: Some(Greylist {
                window: Duration::from_hours(1),
                lifetime: Duration::from_hours(24),
                by_client: false,
                restarts: false,
                reply: "451 4.7.1 Greylisted, please try again later",
            }),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "greylist-4h",
        does: "Greylists for 4 hours.",
        source: "cPanel: initial_block_time_mins, greatest value 240",
        share: 5,
        primary: Habit {
            greylist: Some(Greylist {
                window: Duration::from_hours(4),
                lifetime: Duration::from_hours(24),
                by_client: false,
                restarts: false,
                reply: "451 4.7.1 Temporarily rejected. Try again later.",
            }),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "postscreen",
        does: "Puts every client off once, and knows it in the next session.",
        source: "Postfix POSTSCREEN_README, tests after the 220 greeting",
        share: 20,
        primary: Habit {
            greylist: Some(Greylist {
                window: Duration::ZERO,
                lifetime: Duration::from_hours(24),
                by_client: true,
                restarts: false,
                reply: "450 4.3.2 Service currently unavailable",
            }),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "rate-sessions",
        does: "Takes 5 sessions a minute, and greets the next with 421.",
        source: "Postfix: smtpd_client_connection_rate_limit, anvil_rate_time_unit 60s",
        share: 10,
        per_domain: 100,
        primary: Habit {
            limit: Some(Limit {
                count: 5,
                per: Duration::from_mins(1),
                sessions: true,
                penalty: Duration::from_mins(1),
                reply: "421 4.7.0 Error: too many connections from your address",
            }),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "rate-recipients",
        does: "Takes 20 recipients in 10 minutes, then refuses with 450.",
        source: "Postfix: smtpd_client_recipient_rate_limit",
        share: 10,
        per_domain: 100,
        primary: Habit {
            limit: Some(Limit {
                count: 20,
                per: Duration::from_mins(10),
                sessions: false,
                penalty: Duration::from_mins(10),
                reply: "450 4.7.1 Error: too many recipients from your address",
            }),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "rate-penalty",
        does: "Takes 30 recipients an hour; refuses for an hour, then two, then four.",
        source: "observed: consumer providers, 421 4.7.0 with growing holds",
        share: 10,
        per_domain: 100,
        primary: Habit {
            limit: Some(Limit {
                count: 30,
                per: Duration::from_hours(1),
                sessions: false,
                penalty: Duration::from_hours(1),
                reply: "421 4.7.0 Rate limit exceeded, try again later",
            }),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "rate-as-550",
        does: "Takes 20 recipients in 10 minutes, then refuses with 550.",
        source: "observed: hosters that answer a rate limit with a permanent code",
        share: 5,
        per_domain: 100,
        primary: Habit {
            limit: Some(Limit {
                count: 20,
                per: Duration::from_mins(10),
                sessions: false,
                penalty: Duration::from_mins(10),
                reply: "550 5.7.1 Too many connections from your host, rate limit exceeded",
            }),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "strikes-421",
        does: "Closes a session after 3 unknown recipients.",
        source: "Postfix: smtpd_hard_error_limit, with a low value",
        share: 10,
        per_domain: 20,
        primary: Habit {
            strikes: Some(Strikes {
                after: 3,
                reply: "421 4.7.0 Error: too many errors",
            }),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "strikes-550",
        does: "Refuses everybody else in a session after 3 unknown recipients.",
        source: "observed: directory harvest protection of gateways",
        share: 5,
        per_domain: 20,
        primary: Habit {
            strikes: Some(Strikes {
                after: 3,
                reply: "550 5.7.1 Too many invalid recipients in this session",
            }),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "flaky",
        does: "Of ten sessions three fail: no answer, a closed connection, 451.",
        source: "RFC 5321 section 4.5.4.1: why clients have queues",
        share: 20,
        primary: Habit {
            door: Door::Flaky(300),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "outage-20m",
        does: "Refuses connections for 20 minutes: a restart.",
        source: "RFC 5321 section 4.5.4.1",
        share: 10,
        primary: Habit {
            door: Door::Refusing(Duration::from_mins(20)),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "outage-3h",
        does: "Has trouble of its own for 3 hours, and says so.",
        source: "RFC 5321 section 4.2.2, 451; RFC 3463 section 3.4, X.3.0",
        share: 10,
        primary: Habit {
            book: Book::RefusesAll(
                "451 4.3.0 Temporary lookup failure",
                Duration::from_hours(3),
            ),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "dead",
        does: "Never answers.",
        source: "RFC 5321 section 4.5.4.1",
        share: 20,
        tells: false,
        primary: Habit {
            door: Door::Silent(FOR_EVER),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "backup-denies",
        does: "Its first exchange is down for 2 hours; the second does not serve it.",
        source: "observed: stale MX records; RFC 3463 section 3.8, X.7.1",
        share: 5,
        primary: Habit {
            door: Door::Silent(Duration::from_hours(2)),
            ..PLAIN
        },
        backup: Some(Habit {
            book: Book::RefusesAll("554 5.7.1 Relay access denied", FOR_EVER),
            ..PLAIN
        }),
        ..ORDINARY
    },
    Model {
        name: "backup-accepts",
        does: "Its first exchange is down for 2 hours; the second accepts everything.",
        source: "RFC 5321 section 5.1: a backup that queues",
        share: 5,
        primary: Habit {
            door: Door::Refusing(Duration::from_hours(2)),
            ..PLAIN
        },
        backup: Some(Habit {
            book: Book::AcceptsAll,
            ..PLAIN
        }),
        ..ORDINARY
    },
    Model {
        name: "soft-unknown",
        does: "Says of what is not there that it is not there, with 450, for ever.",
        source: "Postfix: unknown_local_recipient_reject_code = 450",
        share: 10,
        primary: Habit {
            book: Book::Honest("450 4.1.1 Recipient address rejected: User unknown"),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "verifies",
        does: "Asks another server first and says so with 450; then tells.",
        source: "Postfix ADDRESS_VERIFICATION_README, reject code 550",
        share: 10,
        primary: Habit {
            book: Book::Verifies {
                takes: Duration::from_secs(30),
                pending: VERIFYING,
                absent: "550 5.1.1 Recipient address rejected: undeliverable address: User unknown",
            },
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "verifies-soft",
        does: "Asks another server first; what is not there has 450 for ever.",
        source: "Postfix: unverified_recipient_reject_code = 450, the default",
        share: 5,
        primary: Habit {
            book: Book::Verifies {
                takes: Duration::from_secs(30),
                pending: VERIFYING,
                absent: "450 4.1.1 Recipient address rejected: undeliverable address: User unknown",
            },
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "listed-3h",
        does: "Refuses us for 3 hours.",
        source: "Spamhaus: listings end; RFC 3463 section 3.8, X.7.1",
        share: 5,
        primary: Habit {
            book: Book::RefusesAll(LISTED, Duration::from_hours(3)),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "listed",
        does: "Refuses us for ever, in its greeting.",
        source: "Postfix: postscreen_denylist_action, postscreen_dnsbl_action",
        share: 5,
        tells: false,
        primary: Habit {
            door: Door::Greeting(
                "554 5.7.1 Your address is on a blocklist, contact your postmaster",
                FOR_EVER,
            ),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "mute",
        does: "Puts everybody off with the same 451, for ever.",
        source: "observed: parked and abandoned domains",
        share: 5,
        tells: false,
        primary: Habit {
            book: Book::RefusesAll("451 4.7.1 Please try again later", FOR_EVER),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "wants-tls",
        does: "Takes mail over TLS only, and offers none in a rehearsal.",
        source: "RFC 3207 section 4",
        share: 5,
        tells: false,
        primary: Habit {
            book: Book::RefusesAll("530 5.7.0 Must issue a STARTTLS command first", FOR_EVER),
            ..PLAIN
        },
        ..ORDINARY
    },
    Model {
        name: "dns-5m",
        does: "Its name servers fail for 5 minutes.",
        source: "RFC 2308 section 7.1: SERVFAIL",
        share: 5,
        names_fail_for: Duration::from_mins(5),
        ..ORDINARY
    },
    Model {
        name: "dns-2h",
        does: "Its name servers fail for 2 hours.",
        source: "RFC 2308 section 7.1: SERVFAIL",
        share: 5,
        names_fail_for: Duration::from_hours(2),
        ..ORDINARY
    },
    Model {
        name: "dns-broken",
        does: "Its name servers fail for ever.",
        source: "RFC 2308 section 7.1: SERVFAIL",
        share: 5,
        tells: false,
        names_fail_for: FOR_EVER,
        ..ORDINARY
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_have_names_of_their_own_sentences_and_sources() {
        for (at, model) in MODELS.iter().enumerate() {
            let is_first = MODELS[..at].iter().all(|other| other.name != model.name);
            assert!(is_first, "{} is there twice", model.name);
            assert!(model.does.ends_with('.'), "{}", model.name);
            assert!(!model.source.is_empty(), "{}", model.name);
            assert!(
                model.name.len() <= 20,
                "{} is wider than its column",
                model.name
            );
        }
    }

    #[test]
    fn the_shares_are_the_whole() {
        let sum: u32 = MODELS.iter().map(|model| model.share).sum();
        assert_eq!(sum, 1000);
    }
}
