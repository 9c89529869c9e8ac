//! Which rules and phrases decide, and which never do: for who tends the rules, not for verdicts.
//!
//! It is not part of the component. A rule is used by a reply that it decides; a phrase, by a reply
//! that has it and that its rule decides.

use std::fmt;

use crate::contract::{EnhancedStatusCode, Reply, Stage};
use crate::rules::{self, PHRASES, Phrases, Rule};

include!(concat!(env!("OUT_DIR"), "/cases.rs"));

/// A reply that exactly one rule must decide, as the rule file has it.
pub(crate) struct Case {
    rule: &'static str,
    line: u32,
    given: &'static str,
    stage: &'static str,
    exchange: &'static str,
    code: u16,
    enhanced: Option<(u8, u16, u16)>,
    text: &'static str,
}

impl Case {
    fn reply(&self) -> Reply {
        let enhanced = |(class, subject, detail)| EnhancedStatusCode {
            class,
            subject,
            detail,
        };
        Reply {
            stage: match self.stage {
                "greeting" => Stage::Greeting,
                "ehlo" => Stage::Ehlo,
                "helo" => Stage::Helo,
                "start-tls" => Stage::StartTls,
                "ehlo-after-tls" => Stage::EhloAfterTls,
                "mail-from" => Stage::MailFrom,
                "rcpt-to" => Stage::RcptTo,
                other => Stage::Other(other.to_owned()),
            },
            code: Some(self.code),
            enhanced: self.enhanced.map(enhanced),
            text: self.text.to_owned(),
            elapsed_ms: 0,
        }
    }

    /// What is wrong with it, if another rule decides it.
    fn fault(&self) -> Option<String> {
        let found = rules::find(&self.reply(), self.exchange).map_or("no rule", |rule| rule.id);
        (found != self.rule).then(|| {
            let Self {
                rule, line, given, ..
            } = self;
            format!("rules.toml:{line}: `{given}` is a case of `{rule}`, but `{found}` decides it")
        })
    }
}

/// Every case of the rule file that another rule decides than the one that it stands at, told with
/// its line.
pub fn misplaced_cases() -> Vec<String> {
    CASES.iter().filter_map(Case::fault).collect()
}

/// Counts of what decided. Begins with the cases of the rule file itself.
#[derive(Debug)]
pub struct Usage {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    rule: &'static Rule,
    cases: u32,
    replies: u32,
    /// Of the rule's phrases that may be in a text, those that were.
    seen: Vec<u16>,
}

impl Usage {
    /// What the cases of the rule file use.
    pub fn of_cases() -> Self {
        let row = |rule| Row {
            rule,
            cases: 0,
            replies: 0,
            seen: Vec::new(),
        };
        let mut usage = Self {
            rows: rules::all().iter().map(row).collect(),
        };
        for case in &CASES {
            if let Some(row) = usage.see(&case.reply(), case.exchange) {
                row.cases += 1;
            }
        }
        usage
    }

    /// Counts a reply of `exchange`; one that no rule decides (a positive one) counts nowhere.
    pub fn count(&mut self, reply: &Reply, exchange: &str) {
        if let Some(row) = self.see(reply, exchange) {
            row.replies += 1;
        }
    }

    fn see(&mut self, reply: &Reply, exchange: &str) -> Option<&mut Row> {
        let decided = rules::find(reply, exchange)?;
        let row = self.rows.iter_mut().find(|row| row.rule.id == decided.id)?;
        let phrases = Phrases::of(&reply.text);
        for phrase in decided.any() {
            if phrases.has(*phrase) && !row.seen.contains(phrase) {
                row.seen.push(*phrase);
            }
        }
        Some(row)
    }

    /// How many replies each rule decided, its own cases not counted, in the order of precedence.
    pub fn replies(&self) -> impl Iterator<Item = (&'static str, u32)> {
        self.rows.iter().map(|row| (row.rule.id, row.replies))
    }

    /// The rules that decided nothing but their own cases.
    pub fn idle_rules(&self) -> impl Iterator<Item = &'static str> {
        let idle = self.replies().filter(|(_, replies)| *replies == 0);
        idle.map(|(rule, _)| rule)
    }

    /// The phrases that neither a case nor a reply had, each with its rule.
    pub fn idle_phrases(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.rows.iter().flat_map(|row| {
            let idle = row
                .rule
                .any()
                .iter()
                .filter(|phrase| !row.seen.contains(phrase));
            idle.map(|phrase| (row.rule.id, PHRASES[usize::from(*phrase)]))
        })
    }
}

/// The report: idle rules, then idle phrases by rule.
impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let idle: Vec<&str> = self.idle_rules().collect();
        let all = self.rows.len();
        writeln!(
            f,
            "{} of {all} rules decide nothing but their own cases",
            idle.len()
        )?;
        for rule in idle {
            writeln!(f, "  {rule}")?;
        }
        let all: usize = self.rows.iter().map(|row| row.rule.any().len()).sum();
        let idle: Vec<(&str, &str)> = self.idle_phrases().collect();
        writeln!(
            f,
            "{} of {all} phrases never decide, nor are in a case",
            idle.len()
        )?;
        for group in idle.chunk_by(|a, b| a.0 == b.0) {
            write!(f, "  {}:", group[0].0)?;
            for (at, (_, phrase)) in group.iter().enumerate() {
                write!(f, "{} `{phrase}`", if at == 0 { "" } else { "," })?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_decided_by_the_rule_that_it_stands_at() {
        let wrong = misplaced_cases();
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }

    #[test]
    fn every_rule_decides_a_case() {
        let usage = Usage::of_cases();
        for row in &usage.rows {
            assert!(row.cases > 0, "{}", row.rule.id);
        }
    }

    #[test]
    fn a_reply_that_a_rule_decides_makes_it_and_the_phrase_busy() {
        let mut usage = Usage::of_cases();
        let before = usage.idle_rules().count();
        assert_eq!(before, usage.rows.len());
        let case = CASES
            .iter()
            .find(|case| case.rule == "unknown-user")
            .unwrap();
        let mut reply = case.reply();
        usage.count(&reply, "mx.example.com");
        assert_eq!(usage.idle_rules().count(), before - 1);
        assert!(usage.idle_rules().all(|rule| rule != "unknown-user"));
        reply.code = Some(250);
        usage.count(&reply, "mx.example.com");
        assert_eq!(usage.replies().map(|(_, replies)| replies).sum::<u32>(), 1);
        let told = usage.to_string();
        assert!(
            told.starts_with(&format!("{} of {} rules", before - 1, before)),
            "{told}"
        );
    }
}
