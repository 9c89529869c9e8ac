//! Mail back to us: whether the sender's domain has exchanges, and whether they take mail for the
//! reverse path, for postmaster and for abuse.
//!
//! The exchanges are asked as a receiving server would ask them: with `MAIL FROM:<>`, up to RCPT.

use std::sync::Arc;
use std::time::Duration;

use vrfy_proto::domain::Domain;
use vrfy_proto::ehlo_name::EhloName;
use vrfy_proto::evidence::{Attempt, LookupOutcome, Reply};
use vrfy_proto::mailbox::Mailbox;
use vrfy_proto::mx::PlannedExchange;
use vrfy_proto::reverse_path::ReversePath;
use vrfy_proto::stage::Stage;

use super::catalogue::Check;
use super::finding::{Finding, Outcome};
use super::port::Contact;
use super::source;
use crate::egress::Egress;
use crate::exclusions::Exclusions;
use crate::lookup::LookupReport;
use crate::permit::{Ask, Asked, Executor, Permit};
use crate::words;

/// How long a session with our own exchanges may be put off by ones that do not answer.
const EXPIRY: Duration = Duration::from_mins(2);

/// Decides the order of exchanges of equal preference: the same in every examination.
pub(crate) const SEED: u64 = 0;

/// What was seen of the sender's exchanges.
pub(crate) struct Correspondence {
    /// The findings about the domain and its mailboxes.
    pub(crate) findings: Vec<Finding>,
    /// What every try at an exchange met.
    pub(crate) contacts: Vec<Contact>,
}

/// Looks the sender's domain up, and asks its exchanges.
pub(crate) async fn examine(
    executor: &impl Executor,
    exclusions: &Exclusions,
    egress: &Arc<Egress>,
) -> Correspondence {
    let Some(sender) = Sender::of(egress) else {
        let why = "the null reverse path, and no EHLO name in its place";
        return Correspondence {
            findings: all().map(|check| Finding::skipped(check, why)).to_vec(),
            contacts: Vec::new(),
        };
    };
    let report = executor.look_up(&sender.domain, SEED).await;
    let first = sender.soften(domain_finding(&sender.domain, &report));
    let (asks, excluded) = sender.mailboxes(exclusions);
    let mut findings = vec![first];
    findings.extend(excluded);
    if sender.mailbox.is_none() {
        let why = "the null reverse path takes no mail";
        findings.push(Finding::skipped(Check::SenderMailbox, why));
    }
    let mut exchanges = report.plan.exchanges.iter();
    let is_reachable = exchanges.any(|exchange| !exchange.addresses.is_empty());
    if asks.is_empty() || !is_reachable {
        let why = format!("{} has no exchange to ask", sender.domain);
        let skipped = asks
            .iter()
            .map(|(check, _)| Finding::skipped(*check, why.clone()));
        findings.extend(skipped);
        return Correspondence {
            findings,
            contacts: Vec::new(),
        };
    }
    let asked = dialogue(executor, egress, report.plan.exchanges, &asks).await;
    for (check, mailbox) in &asks {
        let of_check = asked.iter().find(|asked| asked.probe == *check as u64);
        let attempts = of_check.map_or(&[][..], |asked: &Asked| &asked.attempts);
        findings.push(sender.soften(mailbox_finding(*check, mailbox, attempts)));
    }
    let attempts = asked.first().map_or(&[][..], |asked| &asked.attempts);
    let destination = sender.domain.to_string();
    let contacts = attempts
        .iter()
        .filter_map(|attempt| Contact::of(&destination, attempt));
    Correspondence {
        findings,
        contacts: contacts.collect(),
    }
}

/// Asks all mailboxes in one session, as a server that has a report to send would.
async fn dialogue(
    executor: &impl Executor,
    egress: &Arc<Egress>,
    exchanges: Vec<PlannedExchange>,
    asks: &[(Check, Mailbox)],
) -> Vec<Asked> {
    let asks = asks.iter().map(|(check, mailbox)| ask(*check, mailbox));
    let permit = Permit {
        exchanges: Arc::new(exchanges),
        first_exchange: 0,
        asks: asks.collect(),
        egress: Arc::new(Egress {
            reverse_path: ReversePath::Null,
            ..Egress::clone(egress)
        }),
        expires_in: EXPIRY,
    };
    executor.execute(permit).await.asked
}

fn all() -> [Check; 4] {
    [
        Check::SenderDomain,
        Check::SenderMailbox,
        Check::Postmaster,
        Check::Abuse,
    ]
}

/// Who gets mail back.
struct Sender {
    domain: Domain,
    /// None for the null reverse path.
    mailbox: Option<Mailbox>,
}

impl Sender {
    /// The mailbox of the reverse path; with the null path, whoever is behind the EHLO name (RFC
    /// 7208 section 2.4 does the same).
    fn of(egress: &Egress) -> Option<Self> {
        match &egress.reverse_path {
            ReversePath::Mailbox(mailbox) => Some(Self {
                domain: mailbox.domain().clone(),
                mailbox: Some(mailbox.clone()),
            }),
            ReversePath::Null => {
                let leg = source::legs(egress).into_iter().next()?.0;
                let domain = leg.ehlo_name.as_ref().map(EhloName::domain)?;
                domain.name().is_some().then(|| Self {
                    domain: domain.clone(),
                    mailbox: None,
                })
            }
        }
    }

    /// Whom to ask, and what is said about those whom nobody may ask.
    fn mailboxes(&self, exclusions: &Exclusions) -> (Vec<(Check, Mailbox)>, Vec<Finding>) {
        let at = |local_part: &str| Mailbox::parse(&format!("{local_part}@{}", self.domain)).ok();
        let own = [("postmaster", Check::Postmaster), ("abuse", Check::Abuse)];
        let own = own
            .into_iter()
            .filter_map(|(name, check)| Some((check, at(name)?)));
        let sender = self.mailbox.clone();
        let sender = sender.map(|mailbox| (Check::SenderMailbox, mailbox));
        let (mut asks, mut excluded) = (Vec::new(), Vec::new());
        for (check, mailbox) in sender.into_iter().chain(own) {
            match exclusions.of_mailbox(&mailbox) {
                None => asks.push((check, mailbox)),
                Some(entry) => {
                    let seen = format!("<{mailbox}> is not asked: excluded by {entry}");
                    excluded.push(Finding::skipped(check, seen));
                }
            }
        }
        (asks, excluded)
    }

    /// A host that sends nothing but `<>` need not take mail: what fails is a warning.
    fn soften(&self, finding: Finding) -> Finding {
        if self.mailbox.is_some() || finding.outcome != Outcome::Failed {
            return finding;
        }
        Finding {
            outcome: Outcome::Warning,
            ..finding
        }
        .remedy(
            "give a mailbox that is read with --mail-from, or let the EHLO name take mail for \
             postmaster: whoever is troubled by the probes has nowhere to write to",
        )
    }
}

fn ask(check: Check, mailbox: &Mailbox) -> Ask {
    Ask {
        probe: check as u64,
        mailbox: mailbox.clone(),
        round: 1,
        decoy: None,
    }
}

fn domain_finding(domain: &Domain, report: &LookupReport) -> Finding {
    let check = Check::SenderDomain;
    let seen = format!("{domain}: {}", words::lookup_outcome(&report.facts.outcome));
    let finding = match &report.facts.outcome {
        LookupOutcome::Exchanges => Finding::ok(check, seen),
        LookupOutcome::ImplicitMx | LookupOutcome::AddressLiteral => {
            Finding::new(check, Outcome::Note, seen)
        }
        LookupOutcome::NullMx => Finding::failed(check, seen).remedy(
            "use a domain that takes mail with --mail-from, or replace its null MX: mail from a \
             domain that takes none is refused (RFC 7505 section 4.2)",
        ),
        LookupOutcome::NxDomain
        | LookupOutcome::NoData
        | LookupOutcome::NoUsableExchange
        | LookupOutcome::SpecialUse(_) => Finding::failed(check, seen),
        LookupOutcome::NoUsableExchangeNow
        | LookupOutcome::ServFail
        | LookupOutcome::Refused
        | LookupOutcome::TimedOut
        | LookupOutcome::Other(_) => Finding::unknown(check, seen),
    };
    report
        .facts
        .exchanges
        .iter()
        .fold(finding, |finding, exchange| {
            let addresses = exchange.addresses.join(" ");
            let mx = format!("{} {} {addresses}", exchange.preference, exchange.name);
            finding.with("mx", mx.trim_end())
        })
}

fn mailbox_finding(check: Check, mailbox: &Mailbox, attempts: &[Attempt]) -> Finding {
    let replies = || {
        attempts
            .iter()
            .flat_map(|attempt| attempt.replies.iter().map(move |reply| (attempt, reply)))
    };
    let Some((attempt, reply)) = replies().rfind(|(_, reply)| reply.stage == Stage::RcptTo) else {
        return unasked(check, mailbox, attempts);
    };
    let exchange = &attempt.exchange_name;
    let text = line(reply);
    let finding = match reply.code.map(|code| code / 100) {
        Some(2) => Finding::ok(
            check,
            format!("{exchange} takes mail for <{mailbox}>: {text}"),
        ),
        Some(5) => {
            let seen = format!("{exchange} refuses <{mailbox}>: {text}");
            match check {
                Check::Abuse => Finding::warning(check, seen),
                _ => Finding::failed(check, seen),
            }
        }
        Some(4) => {
            let seen = format!("{exchange} puts <{mailbox}> off: {text}");
            Finding::unknown(check, seen).remedy("ask again later, as the reply says")
        }
        _ => Finding::unknown(
            check,
            format!("{exchange} answered for <{mailbox}>: {text}"),
        ),
    };
    finding.with("reply", text)
}

/// Nobody got as far as RCPT: the last word stands for it.
fn unasked(check: Check, mailbox: &Mailbox, attempts: &[Attempt]) -> Finding {
    let Some(attempt) = attempts.last() else {
        return Finding::unknown(check, format!("<{mailbox}> was not asked for"));
    };
    let exchange = &attempt.exchange_name;
    let how = words::ending(&attempt.ending);
    let seen = match attempt.replies.last() {
        Some(reply) => format!(
            "<{mailbox}> was not asked for at {exchange}: {how}, {} said {}",
            words::stage(reply.stage),
            line(reply)
        ),
        None => format!("<{mailbox}> was not asked for at {exchange}: {how}"),
    };
    Finding::unknown(check, seen).remedy("see the checks of port 25, and ask again later")
}

/// A reply on one line, code first.
pub(crate) fn line(reply: &Reply) -> String {
    let text = reply.text.replace('\n', " ");
    match reply.code {
        Some(code) => format!("{code:03} {text}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use vrfy_proto::evidence::{ConnectFailure, Ending};

    use super::*;

    fn attempt(replies: &[(Stage, u16, &str)], ending: Ending) -> Attempt {
        let replies = replies.iter().map(|(stage, code, text)| Reply {
            stage: *stage,
            code: Some(*code),
            enhanced: None,
            text: (*text).to_owned(),
            elapsed_ms: 1,
        });
        Attempt {
            round: 1,
            started_ms: 0,
            elapsed_ms: 1,
            exchange: 0,
            exchange_name: "mx.a.test".to_owned(),
            remote_address: Some("192.0.2.25".to_owned()),
            local_address: String::new(),
            ehlo_name: String::new(),
            reverse_path: String::new(),
            tls: None,
            replies: replies.collect(),
            ending,
            asked_before: 0,
            refused_before: 0,
            facts: Vec::new(),
        }
    }

    fn outcome(check: Check, attempts: &[Attempt]) -> Outcome {
        let mailbox = Mailbox::parse("postmaster@a.test").unwrap();
        let finding = mailbox_finding(check, &mailbox, attempts);
        assert!(finding.seen.contains("<postmaster@a.test>"), "{finding:?}");
        finding.outcome
    }

    #[test]
    fn a_reply_to_rcpt_decides_by_its_first_digit() {
        for (check, code, expected) in [
            (Check::Postmaster, 250, Outcome::Ok),
            (Check::Postmaster, 251, Outcome::Ok),
            (Check::Postmaster, 450, Outcome::Unknown),
            (Check::Postmaster, 550, Outcome::Failed),
            (Check::SenderMailbox, 553, Outcome::Failed),
            (Check::Abuse, 550, Outcome::Warning),
            (Check::Postmaster, 354, Outcome::Unknown),
        ] {
            let asked = attempt(&[(Stage::RcptTo, code, "said")], Ending::Completed);
            assert_eq!(outcome(check, &[asked]), expected, "{check:?} {code}");
        }
    }

    #[test]
    fn what_was_said_before_rcpt_is_no_answer_about_the_mailbox() {
        let refused = attempt(&[(Stage::MailFrom, 550, "go away")], Ending::Completed);
        assert_eq!(outcome(Check::Postmaster, &[refused]), Outcome::Unknown);
        let failure = Ending::NotConnected(ConnectFailure::Refused);
        assert_eq!(
            outcome(Check::Postmaster, &[attempt(&[], failure)]),
            Outcome::Unknown
        );
        assert_eq!(outcome(Check::Postmaster, &[]), Outcome::Unknown);
    }

    #[test]
    fn the_exchange_that_answered_counts_not_the_one_that_was_silent() {
        let silent = attempt(&[], Ending::NotConnected(ConnectFailure::TimedOut));
        let answered = attempt(&[(Stage::RcptTo, 250, "ok")], Ending::Completed);
        assert_eq!(outcome(Check::Postmaster, &[silent, answered]), Outcome::Ok);
    }

    fn sender(ehlo_name: Option<&str>, reverse_path: &str) -> Option<Sender> {
        let ehlo_name = ehlo_name.map(|name| EhloName::parse(name).unwrap());
        let reverse_path = ReversePath::parse(reverse_path).unwrap();
        Sender::of(&Egress::single(None, ehlo_name, reverse_path))
    }

    #[test]
    fn the_null_path_is_answered_for_by_the_ehlo_name_and_less_severely() {
        let mailbox = sender(Some("mail.a.test"), "probe@b.test").unwrap();
        assert_eq!(mailbox.domain.to_string(), "b.test");
        assert_eq!(mailbox.mailboxes(&Exclusions::default()).0.len(), 3);
        let null = sender(Some("mail.a.test"), "").unwrap();
        assert_eq!(null.domain.to_string(), "mail.a.test");
        assert_eq!(null.mailboxes(&Exclusions::default()).0.len(), 2);
        let failed = Finding::failed(Check::Postmaster, "refused");
        assert_eq!(mailbox.soften(failed.clone()).outcome, Outcome::Failed);
        assert_eq!(null.soften(failed).outcome, Outcome::Warning);
        assert!(sender(None, "").is_none());
        assert!(sender(Some("[192.0.2.1]"), "").is_none());
    }
}
