//! The answer about one address, for people.
//!
//! Promises: the first line is the answer; below it stand the reason, how sure the policy is, the
//! reply that decided it with who gave it, what each attempt came to, and what the answer does not
//! say. Every text of others is cleaned, and no line but the first is wider than the screen.
//!
//! What it does not do: conclude. It never softens a status, guesses a cause or counts replies; a
//! caveat depends on the status and on whether a server was heard, on nothing else.
//!
//! Read next: `words.rs` (endings, stages and look-ups in words).

use std::collections::BTreeMap;
use std::time::Duration;

use vrfy_proto::enhanced_code::Nearness;
use vrfy_proto::evidence::{Cause, Fact, Reply};

use super::clean::{clean, clean_capped};
use super::layout::{cells, wrap};
use super::screen::{FAINT, STRONG, Screen, status_sign, status_style};
use super::words;
use crate::explain::EXPLAINING;
use crate::record::{Because, HOST_REASONS, Record, RecordStatus};

/// What each reason means, in one sentence: those of the policy's manifest, and the host's own.
#[derive(Clone, Debug, Default)]
pub struct Sentences {
    of_policy: BTreeMap<String, String>,
}

impl Sentences {
    /// The sentence about this reason, if the manifest or the host has one.
    pub fn of(&self, reason: &str) -> Option<&str> {
        let of_host = HOST_REASONS.iter().find(|(name, _)| *name == reason);
        of_host.map_or_else(
            || self.of_policy.get(reason).map(String::as_str),
            |(_, sentence)| Some(*sentence),
        )
    }
}

impl FromIterator<(String, String)> for Sentences {
    /// From name and summary of every reason in a manifest.
    fn from_iter<I: IntoIterator<Item = (String, String)>>(reasons: I) -> Self {
        Self {
            of_policy: reasons.into_iter().collect(),
        }
    }
}

/// The answer as text, with a line feed at its end.
pub fn render(record: &Record, sentences: &Sentences, screen: Screen) -> String {
    let mut page = Page {
        screen,
        text: String::new(),
    };
    head(&mut page, record, sentences);
    page.gap();
    decisive(&mut page, record);
    due(&mut page, record);
    decoy(&mut page, record);
    history(&mut page, record);
    tags(&mut page, record);
    facts(&mut page, record);
    fault(&mut page, record);
    clamps(&mut page, record);
    page.gap();
    caveat(&mut page, record);
    page.faint(&signature(record));
    page.text
}

/// The lines as they are put together: labels at the left, texts beside them.
pub(super) struct Page {
    pub(super) screen: Screen,
    pub(super) text: String,
}

impl Page {
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn gap(&mut self) {
        if !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// A text beside its label, wrapped into its column.
    pub(super) fn entry(&mut self, label: &str, text: &str) {
        let width = self.screen.width.saturating_sub(INDENT + LABEL);
        for (index, line) in wrap(text, width).iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let label = self.screen.paint(FAINT, &format!("{label:<LABEL$}"));
            self.line(&format!("{:INDENT$}{label}{line}", ""));
        }
    }

    fn faint(&mut self, text: &str) {
        for line in wrap(text, self.screen.width.saturating_sub(INDENT)) {
            let painted = self.screen.paint(FAINT, &line);
            self.line(&format!("{:INDENT$}{painted}", ""));
        }
    }
}

/// The answer, the reason and its sentence, and how sure the policy is.
fn head(page: &mut Page, record: &Record, sentences: &Sentences) {
    let screen = page.screen;
    let style = status_style(record.status);
    let sign = screen.paint(style, status_sign(record.status));
    let status = screen.paint(style, record.status.as_str());
    let address = clean_capped(&record.address, ADDRESS_SHOWN_MAX);
    let is_long = cells(&address) + record.status.as_str().len() + 7 > screen.width;
    let address = screen.paint(STRONG, &address);
    let verb = match record.status {
        RecordStatus::Unknown => "stays",
        _ => "is",
    };
    if is_long {
        page.line(&format!("{sign} {address}"));
        page.line(&format!("{:INDENT$}{verb} {status}", ""));
    } else {
        page.line(&format!("{sign} {address} {verb} {status}"));
    }

    let reason = clean_capped(&record.reason, REASON_SHOWN_MAX);
    let sure = if HOST_REASONS.iter().any(|(name, _)| *name == record.reason) {
        "no policy judged this".to_owned()
    } else if record.status == RecordStatus::Pending {
        "the policy wants to ask again".to_owned()
    } else {
        format!("{} percent sure", record.confidence)
    };
    let width = screen.width.saturating_sub(INDENT);
    if let Some(sentence) = sentences.of(&record.reason) {
        for line in wrap(&sentence_of(sentence), width) {
            page.line(&format!("{:INDENT$}{line}", ""));
        }
    }
    page.faint(&format!("{reason}, {sure}"));
}

/// A summary as a sentence: the manifest's may begin small and end without a full stop.
pub(super) fn sentence_of(summary: &str) -> String {
    let summary = clean_capped(summary, SENTENCE_SHOWN_MAX);
    let mut characters = summary.chars();
    let Some(first) = characters.next() else {
        return summary;
    };
    let mut sentence: String = first.to_uppercase().collect();
    sentence.push_str(characters.as_str());
    if !sentence.ends_with(['.', '!', '?', ']']) {
        sentence.push('.');
    }
    sentence
}

/// What decided: the reply with who gave it, or the cause in words; then the other causes.
fn decisive(page: &mut Page, record: &Record) {
    for (index, because) in record.because.iter().take(CAUSES_SHOWN_MAX).enumerate() {
        match (&because.reply, index) {
            (Some(reply), 0) => {
                page.entry("Asked", &who(because, reply));
                page.entry("Reply", &reply_block(reply));
                if let Some(meaning) = meaning(reply) {
                    page.entry("Code", &meaning);
                }
            }
            (_, 0) => page.entry("Because", &clean_capped(&because.text, TEXT_SHOWN_MAX)),
            // Decoys have an entry of their own.
            (_, _) if matches!(because.cause, Cause::Decoy(_)) => {}
            (_, _) => page.entry("and", &clean_capped(&because.text, TEXT_SHOWN_MAX)),
        }
    }
    if record.because.len() > CAUSES_SHOWN_MAX {
        let more = record.because.len() - CAUSES_SHOWN_MAX;
        page.entry("", &format!("and {more} more causes in the JSON record"));
    }
}

/// The reply in its own lines, code first.
fn reply_block(reply: &Reply) -> String {
    let code = reply
        .code
        .map_or_else(|| "(no code)".to_owned(), |code| format!("{code:03}"));
    let lines: Vec<String> = reply
        .text
        .split('\n')
        .take(REPLY_LINES_SHOWN_MAX)
        .map(|line| format!("{code} {}", clean_capped(line, TEXT_SHOWN_MAX)))
        .collect();
    let more = reply.text.split('\n').count() - lines.len();
    let mut block = lines.join("\n");
    if more > 0 {
        block.push_str(&format!("\n[... {more} more lines]"));
    }
    block
}

/// What the enhanced status code of a refusal is registered as. Nothing where the code says no more
/// than its class, is not registered, or contradicts the reply's own code.
fn meaning(reply: &Reply) -> Option<String> {
    let code = reply.enhanced?;
    let (nearness, row) = code.registered();
    let is_refusal = reply.code? / 100 == u16::from(code.class) && code.class != 2;
    let is_telling = nearness == Nearness::Exact && row.detail != 0;
    let text = || format!("{code} is registered as: {}", row.name);
    (is_refusal && is_telling).then(text)
}

fn who(because: &Because, reply: &Reply) -> String {
    let how = words::asked(reply.stage);
    // A dialogue that was cut out by hand does not name its exchange.
    let exchange = because.exchange.as_deref().filter(|name| !name.is_empty());
    let exchange = exchange.unwrap_or("the server");
    format!("{}, {how}", clean_capped(exchange, ADDRESS_SHOWN_MAX))
}

fn due(page: &mut Page, record: &Record) {
    if let Some(due) = &record.due {
        page.entry("Next", &format!("due {}", clean(due)));
    }
}

/// What the last decoy was answered: it is what makes an acceptance worth something, or nothing.
fn decoy(page: &mut Page, record: &Record) {
    if let Some(decoy) = record.decoys.last() {
        let reply = clean_capped(&super::reply_line(&decoy.reply), DECOY_SHOWN_MAX);
        let text = format!("a made-up address of the domain was answered {reply}");
        page.entry("Decoy", &text);
    }
}

/// Every attempt with how it ended; without any, what the look-up came to.
fn history(page: &mut Page, record: &Record) {
    let Some(first) = record.attempts.first() else {
        if let Some(lookup) = record.lookups.last() {
            page.entry("Look-up", &words::lookup(&lookup.outcome));
        }
        return;
    };
    let count = record.attempts.len();
    let skipped = count.saturating_sub(ATTEMPTS_SHOWN_MAX);
    for (index, attempt) in record.attempts.iter().enumerate().skip(skipped) {
        let label = if index == skipped { "Attempts" } else { "" };
        let after = Duration::from_millis(attempt.started_ms.saturating_sub(first.started_ms));
        let text = words::attempt(attempt, after);
        page.entry(label, &format!("{}. {text}", index + 1));
    }
    if skipped > 0 {
        page.entry("", &format!("{skipped} earlier ones in the JSON record"));
    }
}

fn fault(page: &mut Page, record: &Record) {
    let Some(fault) = &record.fault else {
        return;
    };
    let message = clean_capped(&fault.message, FAULT_SHOWN_MAX);
    page.entry("Fault", &format!("{}: {message}", clean(&fault.kind)));
    // The signature names the policy of the record; a fallback may have failed instead.
    if fault.digest != record.policy.digest {
        page.entry("", &format!("in the component {}", clean(&fault.digest)));
    }
}

/// What lists say about the address, in words.
fn tags(page: &mut Page, record: &Record) {
    if record.tags.is_empty() {
        return;
    }
    let words = record.tags.iter().map(|tag| tag.replace('-', " "));
    let words: Vec<String> = words.collect();
    page.entry("Tagged", &clean_capped(&words.join(", "), TEXT_SHOWN_MAX));
}

/// What else the policy wanted recorded.
fn facts(page: &mut Page, record: &Record) {
    // What explains the verdict is shown with the explanation.
    let is_shown = |fact: &&Fact| record.explained.is_none() || !EXPLAINING.contains(&&*fact.name);
    let facts = record.facts.iter().filter(is_shown);
    for (index, fact) in facts.take(CAUSES_SHOWN_MAX).enumerate() {
        let label = if index == 0 { "Noted" } else { "" };
        let text = format!("{}: {}", fact.name, fact.value);
        page.entry(label, &clean_capped(&text, TEXT_SHOWN_MAX));
    }
}

fn clamps(page: &mut Page, record: &Record) {
    for (index, clamp) in record.clamps.iter().take(CAUSES_SHOWN_MAX).enumerate() {
        let label = if index == 0 { "Limited" } else { "" };
        let text = format!(
            "{}: the policy asked for {}, the host did {}",
            clamp.wish, clamp.asked, clamp.done
        );
        page.entry(label, &clean_capped(&text, TEXT_SHOWN_MAX));
    }
}

/// What the answer does not say.
fn caveat(page: &mut Page, record: &Record) {
    if record.fault.is_some() {
        return;
    }
    let heard = record.because.iter().any(|because| because.reply.is_some());
    let text = match record.status {
        RecordStatus::Deliverable => {
            "Accepted is not delivered: no message was sent, and a server that says yes may still \
             return or drop one."
        }
        RecordStatus::Undeliverable if heard => {
            "This is the word of the server that was asked, at the time it was asked."
        }
        RecordStatus::Undeliverable => return,
        RecordStatus::Risky => "Mail may arrive, or may not: what was learned does not settle it.",
        RecordStatus::Unknown => {
            "Neither a yes nor a no: nothing was learned that tells whether the mailbox exists."
        }
        RecordStatus::Pending => "Not settled yet: this says nothing about the mailbox.",
    };
    page.faint(text);
}

/// Which policy it was, and how long it took.
fn signature(record: &Record) -> String {
    let policy = &record.policy;
    let digest: String = clean(&policy.digest).chars().take(DIGEST_SHOWN).collect();
    format!(
        "Policy {} {} ({digest}), {}",
        clean_capped(&policy.name, REASON_SHOWN_MAX),
        clean_capped(&policy.version, REASON_SHOWN_MAX),
        words::duration(Duration::from_millis(record.elapsed_ms)),
    )
}

/// Cells before everything that belongs to an answer.
pub(super) const INDENT: usize = 2;

/// Cells of a label: the longest, `Attempts`, and a gap.
const LABEL: usize = 10;

/// Characters of an address or an exchange: the longest legal path has 256 (RFC 5321 section
/// 4.5.3.1.3); what is longer is none, and its beginning tells what it is.
pub(super) const ADDRESS_SHOWN_MAX: usize = 256;

/// Characters of a reason, a policy's name or its version. Longer ones are no names.
pub(super) const REASON_SHOWN_MAX: usize = 64;

/// Characters of a sentence about a reason.
const SENTENCE_SHOWN_MAX: usize = 400;

/// Characters of one line of a reply, or of a cause: the longest legal reply line has 510 (RFC 5321
/// section 4.5.3.1.5).
pub(super) const TEXT_SHOWN_MAX: usize = 510;

/// Characters of a decoy's reply; it is compared, not studied.
const DECOY_SHOWN_MAX: usize = 120;

/// Characters of a fault: its message names cause and remedy and may carry a guest's backtrace.
const FAULT_SHOWN_MAX: usize = 2000;

/// Lines of one reply. Servers that explain themselves use up to six.
const REPLY_LINES_SHOWN_MAX: usize = 10;

/// Causes, facts and clamps that are listed, of each.
const CAUSES_SHOWN_MAX: usize = 5;

/// Attempts that are listed, the last ones: those that the answer rests on.
const ATTEMPTS_SHOWN_MAX: usize = 8;

/// Characters of a digest: `sha256:` and enough to tell two policies apart.
const DIGEST_SHOWN: usize = 7 + 12;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vrfy_proto::enhanced_code::EnhancedStatusCode;
    use vrfy_proto::evidence::Ending;

    use super::*;
    use crate::output::clean::is_unsafe;
    use crate::output::sample;
    use crate::output::screen::Colour;

    const NARROW: Screen = Screen {
        width: 72,
        colour: Colour::Off,
    };

    fn sentences() -> Sentences {
        [
            (
                "accepted",
                "The server accepts mail for this mailbox, and not for any other name.",
            ),
            (
                "no-such-user",
                "the server says that it has no such mailbox",
            ),
        ]
        .map(|(name, summary)| (name.to_owned(), summary.to_owned()))
        .into_iter()
        .collect()
    }

    fn answer(record: &Record) -> String {
        render(record, &sentences(), NARROW)
    }

    #[test]
    fn an_acceptance_tells_what_it_does_not_promise() {
        assert_eq!(
            answer(&sample::accepted()),
            "\
✓ ana@example.com is deliverable
  The server accepts mail for this mailbox, and not for any other name.
  accepted, 92 percent sure

  Asked     mx1.example.com, with RCPT TO
  Reply     250 2.1.5 Ok
  Decoy     a made-up address of the domain was answered 550 5.1.1 User
            unknown
  Attempts  1. mx1.example.com [192.0.2.25], TLSv1.3, 412 ms: 250 to
            RCPT TO

  Accepted is not delivered: no message was sent, and a server that says
  yes may still return or drop one.
  Policy default 0.1.0 (sha256:9f86d081884c), 437 ms
"
        );
    }

    #[test]
    fn a_refusal_shows_the_reply_in_its_own_lines() {
        assert_eq!(
            answer(&sample::refused()),
            "\
✗ nobody@example.com is undeliverable
  The server says that it has no such mailbox.
  no-such-user, 97 percent sure

  Asked     mx1.example.com, with RCPT TO
  Reply     550 5.1.1 <nobody@example.com>: Recipient address rejected:
            550 User unknown in virtual mailbox table
  Code      5.1.1 is registered as: bad destination mailbox address
  Attempts  1. mx1.example.com [192.0.2.25], 412 ms: 550 to RCPT TO

  This is the word of the server that was asked, at the time it was
  asked.
  Policy default 0.1.0 (sha256:9f86d081884c), 437 ms
"
        );
    }

    #[test]
    fn an_enhanced_code_is_explained_where_it_says_something_of_its_own() {
        let told = |code: u16, enhanced: &str| {
            let mut record = sample::refused();
            let reply = record.because[0].reply.as_mut().unwrap();
            reply.code = Some(code);
            reply.enhanced = EnhancedStatusCode::from_text(enhanced.as_bytes());
            let answer = answer(&record);
            let line = answer
                .lines()
                .find_map(|line| line.strip_prefix("  Code      "));
            line.map(str::to_owned)
        };
        let full = told(452, "4.2.2");
        assert_eq!(
            full.as_deref(),
            Some("4.2.2 is registered as: mailbox full")
        );
        // No code, no more than a class, another class, not registered, no refusal.
        for (code, enhanced) in [
            (550, ""),
            (550, "5.7.0"),
            (550, "4.2.2"),
            (550, "5.7.606"),
            (250, "2.1.5"),
        ] {
            assert_eq!(told(code, enhanced), None, "{code} {enhanced}");
        }
    }

    #[test]
    fn a_pending_answer_says_when_it_is_due_and_what_was_limited() {
        assert_eq!(
            answer(&sample::greylisted()),
            "\
… bo@example.com is pending
  greylisted, the policy wants to ask again

  Asked     mx1.example.com, with RCPT TO
  Reply     450 4.2.0 Greylisted, see you in 300 seconds
  Next      due 2030-01-01T00:05:00Z
  Attempts  1. mx1.example.com [192.0.2.25], 412 ms: 450 to RCPT TO
            2. mx1.example.com [192.0.2.25], 1 min 0 s later, 412 ms:
            450 to RCPT TO
  Limited   wait-ms: the policy asked for 10, the host did 60000

  Not settled yet: this says nothing about the mailbox.
  Policy default 0.1.0 (sha256:9f86d081884c), 437 ms
"
        );
    }

    #[test]
    fn without_a_reply_the_cause_stands_in_words() {
        assert_eq!(
            answer(&sample::unreachable()),
            "\
? eve@example.org stays unknown
  unreachable, 80 percent sure

  Because   no answer to the connection to mx1.example.com
  Attempts  1. mx1.example.com, 412 ms: no answer to the connection

  Neither a yes nor a no: nothing was learned that tells whether the
  mailbox exists.
  Policy default 0.1.0 (sha256:9f86d081884c), 437 ms
"
        );
    }

    #[test]
    fn without_an_attempt_the_look_up_is_told() {
        assert_eq!(
            answer(&sample::null_mx()),
            "\
✗ any@example.net is undeliverable
  null-mx, 80 percent sure

  Because   example.net publishes a null MX
  Look-up   null MX: the domain says that it takes no mail

  Policy default 0.1.0 (sha256:9f86d081884c), 437 ms
"
        );
    }

    #[test]
    fn a_fault_is_told_with_its_remedy_and_judges_nothing() {
        let mut record = sample::faulty();
        let told = answer(&record);
        assert!(
            told.contains("policy-fault, no policy judged this"),
            "{told}"
        );
        assert!(
            told.contains("Fault     deadline: the policy ran"),
            "{told}"
        );
        assert!(!told.contains("percent sure"), "{told}");
        assert!(!told.contains("in the component"), "{told}");

        record.fault.as_mut().unwrap().digest = "sha256:other".to_owned();
        assert!(answer(&record).contains("in the component sha256:other"));
    }

    #[test]
    fn facts_of_the_policy_are_noted() {
        let mut record = sample::accepted();
        record.facts.push(Fact::new("provider", "example\x1b"));
        assert!(answer(&record).contains("Noted     provider: example\\x1b"));
    }

    #[test]
    fn colour_changes_the_look_and_not_the_text() {
        let colour = Screen {
            colour: Colour::On,
            ..NARROW
        };
        let shown = render(&sample::accepted(), &sentences(), colour);
        assert!(shown.starts_with("\x1b[1m\x1b[32m✓\x1b[0m "), "{shown:?}");
        let plain = anstream::adapter::strip_str(&shown).to_string();
        assert_eq!(plain, answer(&sample::accepted()));
    }

    #[test]
    fn many_lines_causes_and_attempts_are_cut_and_counted() {
        let mut record = sample::refused();
        record.because[0].reply.as_mut().unwrap().text = "line\n".repeat(99);
        record.because = vec![record.because[0].clone(); 9];
        record.attempts = vec![record.attempts[0].clone(); 30];
        let told = answer(&record);
        assert!(told.contains("[... 90 more lines]"), "{told}");
        assert!(
            told.contains("and 4 more causes in the JSON record"),
            "{told}"
        );
        assert!(told.contains("23. mx1.example.com"), "{told}");
        assert!(
            told.contains("22 earlier ones in the JSON record"),
            "{told}"
        );
    }

    proptest! {
        #[test]
        fn whatever_others_write_the_answer_is_clean_and_fits(
            text in any::<String>(),
            long in "[!-~]{0,600}",
            width in 40_usize..140,
        ) {
            let mut record = sample::greylisted();
            let reply = record.because[0].reply.as_mut().unwrap();
            reply.text = format!("{text}\n{long}");
            record.address = text.clone();
            record.reason = text.clone();
            record.attempts[0].exchange_name = long;
            record.attempts[1].ending = Ending::Violation(text.clone());
            record.clamps[0].done = text.clone();
            record.facts.push(Fact::new("said", text));
            let screen = Screen { width, ..NARROW };
            let told = render(&record, &sentences(), screen);
            for (number, line) in told.lines().enumerate() {
                prop_assert!(!line.chars().any(is_unsafe), "{line:?}");
                // The address stands whole on its line, so that it can be copied.
                prop_assert!(number == 0 || cells(line) <= width, "{line:?}");
            }
        }
    }
}
