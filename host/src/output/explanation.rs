//! Why the answer is what it is, for people, under the answer.
//!
//! Promises: prints what the policy said of itself (its facts) and what it answered when it was
//! asked again, and concludes nothing. Every text of others is cleaned, and no line is wider than
//! the screen.
//!
//! Read next: `explain.rs` (where this comes from), `docs/explain.md`.

use std::collections::BTreeSet;
use std::time::Duration;

use vrfy_proto::evidence::Cause;

use super::clean::{clean, clean_capped};
use super::person::{
    ADDRESS_SHOWN_MAX, INDENT, Page, REASON_SHOWN_MAX, Sentences, TEXT_SHOWN_MAX, sentence_of,
};
use super::screen::{STRONG, Screen};
use super::words;
use crate::record::{Explained, Judged, Record, RecordStatus};

/// The explanation as text, with a blank line before and a line feed at its end.
pub(super) fn render(
    record: &Record,
    explained: &Explained,
    sentences: &Sentences,
    screen: Screen,
) -> String {
    let mut page = Page {
        screen,
        text: String::new(),
    };
    let title = screen.paint(STRONG, "Why");
    page.line("");
    page.line(&format!("{:INDENT$}{title}", ""));
    origin(&mut page, record, explained);
    decided(&mut page, record);
    rule(&mut page, record);
    decoy(&mut page, record);
    beaten(&mut page, record, sentences);
    changes(&mut page, explained);
    next(&mut page, record, explained);
    page.text
}

/// Where the evidence was saved, and whether the record there said the same.
fn origin(page: &mut Page, record: &Record, explained: &Explained) {
    if let Some(origin) = &explained.origin {
        let file = clean_capped(&origin.file, ADDRESS_SHOWN_MAX);
        page.entry("Evidence", &format!("{file}, line {}", origin.line));
    }
    let Some(recorded) = &explained.recorded else {
        return;
    };
    let is_same = recorded.status == record.status.as_str() && recorded.reason == record.reason;
    let verdict = in_short(recorded);
    page.entry(
        "",
        &match (is_same, recorded.status.as_str()) {
            (true, _) => "the record says the same".to_owned(),
            (false, "pending") => format!("the record is {verdict}: the probe was not over"),
            (false, _) => format!("the record says otherwise: {verdict}"),
        },
    );
}

/// Which attempt and which reply decided.
fn decided(page: &mut Page, record: &Record) {
    let count = record.attempts.len();
    let attempt = |index: u32| {
        let attempt = usize::try_from(index)
            .ok()
            .and_then(|at| record.attempts.get(at));
        let round = attempt.map_or(0, |attempt| attempt.round);
        match (count, round) {
            (1, _) => "the only attempt".to_owned(),
            (_, round) => format!(
                "attempt {} of {count} (round {round})",
                u64::from(index) + 1
            ),
        }
    };
    let Some(because) = record.because.first() else {
        return page.entry("Decided", "nothing that was heard");
    };
    let text = match (because.cause, &because.reply) {
        (Cause::Reply { attempt: index, .. }, Some(reply)) => format!(
            "the reply {} in {}",
            match reply.stage {
                vrfy_proto::stage::Stage::Connect | vrfy_proto::stage::Stage::Greeting =>
                    "that greeted us".to_owned(),
                stage => format!("to {}", crate::words::stage(stage)),
            },
            attempt(index)
        ),
        (Cause::Attempt(index), _) => format!(
            "how {} ended: {}",
            attempt(index),
            clean_capped(&because.text, TEXT_SHOWN_MAX)
        ),
        (Cause::Lookup(_), _) => "what the look-up came to".to_owned(),
        (Cause::Decoy(_), _) => "what the decoy was answered".to_owned(),
        (Cause::Address, _) => "the address itself".to_owned(),
        (Cause::Tag(_) | Cause::Reply { .. }, _) => clean_capped(&because.text, TEXT_SHOWN_MAX),
    };
    page.entry("Decided", &text);
}

/// The rule that fired, the words that matched, and where the knowledge comes from.
fn rule(page: &mut Page, record: &Record) {
    let Some(rule) = fact(record, "rule") else {
        return page.entry("Rule", "none was needed, or the policy names none");
    };
    page.entry("Rule", &clean_capped(rule, REASON_SHOWN_MAX));
    let matched = record.facts.iter().filter(|fact| fact.name == "matched");
    let matched: Vec<String> = matched
        .map(|fact| format!("\"{}\"", clean_capped(fact.value.trim(), TEXT_SHOWN_MAX)))
        .collect();
    if !matched.is_empty() {
        page.entry("Words", &matched.join(", "));
    }
    if let Some(source) = fact(record, "rule-source") {
        page.entry("Source", &clean_capped(source, TEXT_SHOWN_MAX));
    }
}

fn fact<'a>(record: &'a Record, name: &str) -> Option<&'a str> {
    let fact = record.facts.iter().find(|fact| fact.name == name)?;
    Some(&fact.value)
}

/// What the decoy's answer meant.
fn decoy(page: &mut Page, record: &Record) {
    let text = match fact(record, "decoy-says") {
        None => return,
        Some("accepts-all") => {
            "it was accepted, so the server accepts whatever is asked: a yes proves nothing"
                .to_owned()
        }
        Some("tells-apart") => {
            "it was refused as a recipient that is not there: the server tells mailboxes apart"
                .to_owned()
        }
        Some("undecided") => {
            "it was put off, or refused for what we are: that tells nothing about the server"
                .to_owned()
        }
        Some("alike") => {
            "it was refused in the very words that the mailbox got: the server may refuse us"
                .to_owned()
        }
        Some("form") => {
            "it was refused for its form, which other mailboxes do not have: that tells nothing"
                .to_owned()
        }
        Some("elsewhere") => {
            "another exchange refused it, and this one was not asked: that tells little".to_owned()
        }
        Some(other) => clean_capped(other, TEXT_SHOWN_MAX),
    };
    page.entry("Decoy", &text);
}

/// The rules that would have held, too, and what they would have said.
fn beaten(page: &mut Page, record: &Record, sentences: &Sentences) {
    let facts = record.facts.iter();
    let beaten = facts.filter(|fact| fact.name == "alternative");
    let mut label = "Beaten";
    let mut told = BTreeSet::new();
    for fact in beaten {
        let (rule, reason) = fact.value.split_once(' ').unwrap_or((&fact.value, ""));
        let mut text = clean_capped(rule, REASON_SHOWN_MAX);
        if reason == record.reason {
            text.push_str(", which says the same");
        } else if !reason.is_empty() {
            text.push_str(&format!(", {}", clean_capped(reason, REASON_SHOWN_MAX)));
            let sentence = sentences.of(reason).filter(|_| told.insert(reason));
            text.extend(sentence.map(|sentence| format!(": {}", sentence_of(sentence))));
        }
        page.entry(label, &text);
        label = "";
    }
}

/// What would change the verdict: the policy was asked.
fn changes(page: &mut Page, explained: &Explained) {
    let mut label = "Changes";
    for change in &explained.changes {
        let what = clean_capped(&change.what, TEXT_SHOWN_MAX);
        page.entry(label, &format!("{what}: {}", in_short(&change.verdict)));
        label = "";
    }
    if explained.changes.is_empty() {
        page.entry("Changes", "nothing that was tried would change the verdict");
    }
}

/// What the policy would ask next.
fn next(page: &mut Page, record: &Record, explained: &Explained) {
    let Some(next) = &explained.next else {
        return page.entry("Next", "nothing: the policy asks no more");
    };
    let wait = Duration::from_millis(next.wait_ms.into());
    let when = match next.wait_ms {
        0 => "at once".to_owned(),
        _ => format!("in {}", words::duration(wait)),
    };
    let reason = clean_capped(&next.reason, REASON_SHOWN_MAX);
    page.entry(
        "Next",
        &format!("with budget left, the policy would ask again {when}: {reason}"),
    );
    if let (RecordStatus::Pending, Some(otherwise)) = (record.status, &explained.otherwise) {
        page.entry(
            "",
            &format!("if nobody asks again: {}", in_short(otherwise)),
        );
    }
}

fn in_short(judged: &Judged) -> String {
    let status = clean(&judged.status);
    let reason = clean_capped(&judged.reason, REASON_SHOWN_MAX);
    match judged.status.as_str() {
        "pending" => format!("{status} ({reason})"),
        _ => format!("{status} ({reason}, {} percent sure)", judged.confidence),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vrfy_proto::evidence::{ExchangeChoice, Fact};

    use super::*;
    use crate::output::clean::is_unsafe;
    use crate::output::layout::cells;
    use crate::output::sample;
    use crate::output::screen::Colour;
    use crate::record::{Change, NextAsk, Origin};

    fn screen(width: usize) -> Screen {
        Screen {
            width,
            colour: Colour::Off,
        }
    }

    fn judged(status: &str, reason: &str) -> Judged {
        Judged {
            status: status.to_owned(),
            reason: reason.to_owned(),
            confidence: 60,
        }
    }

    fn explained(text: &str) -> Explained {
        Explained {
            origin: Some(Origin {
                file: text.to_owned(),
                line: 3,
            }),
            recorded: Some(judged("pending", text)),
            otherwise: None,
            next: Some(NextAsk {
                reason: text.to_owned(),
                wait_ms: 300_000,
                hold_lane_ms: 0,
                exchange: ExchangeChoice::Same,
            }),
            changes: vec![Change {
                what: text.to_owned(),
                verdict: judged(text, text),
            }],
        }
    }

    fn facts(text: &str) -> Vec<Fact> {
        [
            "rule",
            "matched",
            "rule-source",
            "alternative",
            "decoy-says",
        ]
        .map(|name| Fact::new(name, text))
        .into()
    }

    #[test]
    fn the_explanation_tells_rule_words_source_and_what_was_beaten() {
        let mut record = sample::refused();
        record.facts = facts("tells-apart");
        record.facts[3].value = "code-5yz refused-unclear".to_owned();
        let sentences: Sentences = [("refused-unclear", "the server does not say why")]
            .map(|(name, summary)| (name.to_owned(), summary.to_owned()))
            .into_iter()
            .collect();
        let told = render(&record, &explained("greylisted"), &sentences, screen(72));
        assert_eq!(
            told,
            "
  Why
  Evidence  greylisted, line 3
            the record is pending (greylisted): the probe was not over
  Decided   the reply to RCPT TO in the only attempt
  Rule      tells-apart
  Words     \"tells-apart\"
  Source    tells-apart
  Decoy     it was refused as a recipient that is not there: the server
            tells mailboxes apart
  Beaten    code-5yz, refused-unclear: The server does not say why.
  Changes   greylisted: greylisted (greylisted, 60 percent sure)
  Next      with budget left, the policy would ask again in 5 min 0 s:
            greylisted
"
        );
    }

    proptest! {
        #[test]
        fn nothing_of_others_reaches_the_terminal_raw_or_breaks_the_width(
            text in any::<String>(),
            width in 40_usize..120,
        ) {
            let mut record = sample::refused();
            record.facts = facts(&text);
            let told = render(&record, &explained(&text), &Sentences::default(), screen(width));
            for line in told.lines() {
                prop_assert!(!line.chars().any(is_unsafe), "{line:?}");
                prop_assert!(cells(line) <= width, "{line:?}");
            }
        }
    }
}
