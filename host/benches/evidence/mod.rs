//! What a policy is shown in the benchmarks: the calls that a list is made of.

#![allow(dead_code, reason = "each benchmark shows some of it")]

use vrfy::policy::{GivenSetting, Policy, resolve};
use vrfy_proto::{
    enhanced_code::EnhancedStatusCode,
    evidence::{
        Address, Attempt, Budget, Clock, DecoyFinding, Ending, Evidence, Exchange, Fact, Lookup,
        LookupOutcome, MailboxFacts, Reply, Tls,
    },
    stage::Stage,
};

const START_MS: u64 = 1_700_000_000_000;

/// Every call by its name.
pub(crate) fn all(policy: &Policy) -> Vec<(&'static str, Evidence)> {
    vec![
        ("the first call, nothing asked yet", first(policy)),
        ("refused as unknown, in four lines", refused(policy)),
        ("accepted beside a decoy", accepted(policy)),
        ("blocked, in words of many lines", blocked(policy)),
        ("greylisted for the fourth time", greylisted(policy)),
        ("unknown user in Russian", localised(policy)),
    ]
}

/// Nothing is known but the address.
fn first(policy: &Policy) -> Evidence {
    Evidence {
        lookups: vec![],
        attempts: vec![],
        ..refused(policy)
    }
}

/// Refused at a large provider: four replies, fourteen reply lines.
pub(crate) fn refused(policy: &Policy) -> Evidence {
    let defaults: &[GivenSetting] = &[];
    Evidence {
        address: Address {
            given: "ana.example@example.com".to_owned(),
            mailbox: Ok(MailboxFacts {
                wire: "ana.example@example.com".to_owned(),
                local_part: "ana.example".to_owned(),
                domain: "example.com".to_owned(),
                unicode_domain: "example.com".to_owned(),
                needs_smtputf8: false,
            }),
        },
        lookups: vec![lookup()],
        attempts: vec![attempt()],
        decoys: vec![],
        tags: vec!["free-provider".to_owned()],
        facts: vec![Fact::new("provider", "example")],
        clock: Clock {
            now_ms: START_MS + 800,
            probe_started_ms: START_MS,
        },
        budget: Budget {
            rounds_left: 7,
            deadline_ms: Some(START_MS + 172_800_000),
        },
        settings: resolve(policy.manifest(), defaults).expect("defaults are allowed"),
    }
}

/// Accepted, with a decoy that was refused.
fn accepted(policy: &Policy) -> Evidence {
    let decoy = DecoyFinding {
        asked_ms: START_MS + 700,
        exchange_name: "alt1.mx.example.com".to_owned(),
        attempt: Some(0),
        reply: answer_refused(),
    };
    let text = "2.1.5 OK 4fb4d7f45d1cf-5c8b5ca7a6csi123456a12.1 - gsmtp";
    Evidence {
        decoys: vec![decoy],
        ..answered(policy, reply(Stage::RcptTo, 250, code(2, 1, 5), text))
    }
}

/// Refused for our address, in a text as long as they get.
fn blocked(policy: &Policy) -> Evidence {
    let text = "5.7.1 [198.51.100.7] Our system has detected that this message is likely\n\
                5.7.1 suspicious due to the very low reputation of the sending IP address.\n\
                5.7.1 To best protect our users from spam, the message has been blocked.\n\
                5.7.1 Please visit https://support.example.com/mail/answer/188131 for more\n\
                5.7.1 information. Contact the administrator of your network, and ask for\n\
                5.7.1 the reasons why 198.51.100.7 is on the list. 4fb4d7f45d1cf-5c8b - gsmtp";
    answered(policy, reply(Stage::RcptTo, 550, code(5, 7, 1), text))
}

/// Refused in a language and an alphabet of its own.
fn localised(policy: &Policy) -> Evidence {
    let text = "Пользователь с таким адресом не существует: ana.example@example.com";
    answered(policy, reply(Stage::RcptTo, 550, None, text))
}

/// Put off in every one of four rounds.
fn greylisted(policy: &Policy) -> Evidence {
    let text = "4.7.1 Greylisted, please try again in 300 seconds";
    let one = answered(policy, reply(Stage::RcptTo, 451, code(4, 7, 1), text));
    let rounds = (1..=4).map(|round| Attempt {
        round,
        ..one.attempts[0].clone()
    });
    let attempts = rounds.collect();
    Evidence { attempts, ..one }
}

/// One attempt, with that answer to RCPT.
fn answered(policy: &Policy, answer: Reply) -> Evidence {
    let mut evidence = refused(policy);
    let replies = &mut evidence.attempts[0].replies;
    replies.pop();
    replies.push(answer);
    evidence
}

fn lookup() -> Lookup {
    let exchange = |index: u8, preference| Exchange {
        name: format!("alt{index}.mx.example.com"),
        preference,
        addresses: vec![format!("192.0.2.{index}"), format!("2001:db8::{index}")],
    };
    Lookup {
        started_ms: START_MS,
        elapsed_ms: 23,
        outcome: LookupOutcome::Exchanges,
        exchanges: vec![exchange(1, 5), exchange(2, 10), exchange(3, 20)],
        facts: vec![],
    }
}

fn attempt() -> Attempt {
    Attempt {
        round: 1,
        started_ms: START_MS + 25,
        elapsed_ms: 640,
        exchange: 0,
        exchange_name: "alt1.mx.example.com".to_owned(),
        remote_address: Some("192.0.2.1".to_owned()),
        local_address: "198.51.100.7".to_owned(),
        ehlo_name: "probe.example.net".to_owned(),
        reverse_path: String::new(),
        tls: Some(Tls {
            version: "TLSv1.3".to_owned(),
            cipher_suite: "TLS_AES_256_GCM_SHA384".to_owned(),
            problems: vec![],
        }),
        replies: replies(),
        ending: Ending::Completed,
        asked_before: 0,
        refused_before: 0,
        facts: vec![],
    }
}

/// One line of greeting, eight of EHLO, one of MAIL and four of RCPT.
fn replies() -> Vec<Reply> {
    vec![
        reply(
            Stage::Greeting,
            220,
            None,
            "mx.example.com ESMTP 4fb4d7f45d1cf-5c8b5ca7a6csi123456a12.1 - gsmtp",
        ),
        reply(
            Stage::EhloAfterTls,
            250,
            None,
            "mx.example.com at your service, [198.51.100.7]\nSIZE 157286400\n8BITMIME\n\
             ENHANCEDSTATUSCODES\nPIPELINING\nCHUNKING\nDSN\nSMTPUTF8",
        ),
        reply(
            Stage::MailFrom,
            250,
            code(2, 1, 0),
            "2.1.0 OK 4fb4d7f45d1cf-5c8b5ca7a6csi123456a12.1 - gsmtp",
        ),
        answer_refused(),
    ]
}

fn answer_refused() -> Reply {
    reply(
        Stage::RcptTo,
        550,
        code(5, 1, 1),
        "5.1.1 The email account that you tried to reach does not exist. Please try\n\
         5.1.1 double-checking the recipient's email address for typos or\n\
         5.1.1 unnecessary spaces. For more information, go to\n\
         5.1.1 https://support.example.com/mail/?p=NoSuchUser 4fb4d7f45d1cf-5c8b - gsmtp",
    )
}

fn reply(stage: Stage, code: u16, enhanced: Option<EnhancedStatusCode>, text: &str) -> Reply {
    Reply {
        stage,
        code: Some(code),
        enhanced,
        text: text.to_owned(),
        elapsed_ms: 120,
    }
}

fn code(class: u8, subject: u16, detail: u16) -> Option<EnhancedStatusCode> {
    Some(EnhancedStatusCode {
        class,
        subject,
        detail,
    })
}
