//! The checklist of `vrfy doctor`, for people.
//!
//! Promises: a line for every check, the outcome first; where something is to be done, it stands
//! below. Texts of others are cleaned, and no line is wider than the screen.

use anstyle::{AnsiColor, Style};

use super::clean::clean_capped;
use super::layout::{fit, wrap};
use super::screen::{FAINT, STRONG, Screen};
use crate::doctor::{Examination, Examined, Finding, Outcome};

/// The checklist as text.
pub fn render(examination: &Examination, explain: bool, screen: Screen) -> String {
    let mut page = Page {
        text: String::new(),
        screen,
        explain,
    };
    page.head("This host");
    for finding in &examination.host {
        page.finding(finding);
    }
    for egress in &examination.egresses {
        page.text.push('\n');
        page.head(&head_of(egress));
        for finding in &egress.checks {
            page.finding(finding);
        }
    }
    page.text.push('\n');
    page.line(0, &summary(examination));
    page.text
}

struct Page {
    text: String,
    screen: Screen,
    explain: bool,
}

impl Page {
    fn head(&mut self, text: &str) {
        for line in wrap(text, self.screen.width) {
            let line = self.screen.paint(STRONG, &line);
            self.text.push_str(&line);
            self.text.push('\n');
        }
    }

    fn finding(&mut self, finding: &Finding) {
        let entry = finding.check.entry();
        let word = fit(finding.outcome.as_str(), WORD);
        let word = self.screen.paint(style(finding.outcome), &word);
        let name = fit(entry.name, NAME);
        let seen = clean_capped(&finding.seen, SEEN_MAX);
        let width = self.screen.width.saturating_sub(INDENT + WORD + NAME);
        for (index, line) in wrap(&seen, width).iter().enumerate() {
            if index == 0 {
                self.text
                    .push_str(&format!("{:INDENT$}{word}{name}{line}", ""));
            } else {
                self.text
                    .push_str(&format!("{:1$}{line}", "", INDENT + WORD + NAME));
            }
            self.text.push('\n');
        }
        let is_trouble = matches!(
            finding.outcome,
            Outcome::Warning | Outcome::Failed | Outcome::Unknown
        );
        if is_trouble || self.explain {
            // What the sentence does not say already.
            let untold = finding.facts.iter();
            for fact in untold.filter(|fact| !finding.seen.contains(&fact.value)) {
                let value = clean_capped(&fact.value, SEEN_MAX);
                self.line(
                    INDENT + WORD + NAME,
                    &format!("saw: {}, {value}", fact.name),
                );
            }
            self.line(INDENT + WORD + NAME, &format!("why: {}", finding.why));
        }
        if let Some(remedy) = &finding.remedy {
            self.line(
                INDENT + WORD + NAME,
                &format!("do: {}", clean_capped(remedy, SEEN_MAX)),
            );
        }
    }

    fn line(&mut self, indent: usize, text: &str) {
        for line in wrap(text, self.screen.width.saturating_sub(indent)) {
            let line = match indent {
                0 => line,
                _ => self.screen.paint(FAINT, &line),
            };
            self.text.push_str(&format!("{:indent$}{line}\n", ""));
        }
    }
}

fn head_of(egress: &Examined) -> String {
    let address = egress.address.as_deref().unwrap_or("an unknown address");
    let ehlo_name = &egress.ehlo_name;
    let reverse_path = clean_capped(&egress.reverse_path, SEEN_MAX);
    let name = egress
        .egress
        .as_deref()
        .map(|name| format!("{name}: "))
        .unwrap_or_default();
    format!("{name}From {address}, EHLO {ehlo_name}, MAIL FROM:<{reverse_path}>")
}

fn summary(examination: &Examination) -> String {
    let Examination {
        failed,
        warnings,
        unknown,
        ..
    } = examination;
    format!("{failed} failed, {warnings} warnings, {unknown} could not be told")
}

fn style(outcome: Outcome) -> Style {
    let colour = match outcome {
        Outcome::Ok => AnsiColor::Green,
        Outcome::Failed => AnsiColor::Red,
        Outcome::Warning => AnsiColor::Yellow,
        Outcome::Unknown => AnsiColor::Magenta,
        Outcome::Note => AnsiColor::Cyan,
        Outcome::Skipped => return FAINT,
    };
    Style::new().bold().fg_color(Some(colour.into()))
}

const INDENT: usize = 2;

/// Cells of the column of outcomes.
const WORD: usize = 9;

/// Cells of the column of names.
const NAME: usize = 19;

/// Characters of a text of others that are shown.
const SEEN_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::super::screen::Colour;
    use super::*;
    use crate::doctor::{CATALOGUE, Check};

    fn examination(findings: Vec<Finding>) -> Examination {
        let egress = Examined {
            egress: None,
            address: Some("192.0.2.1".to_owned()),
            ehlo_name: "mail.example.com".to_owned(),
            reverse_path: "probe@example.com".to_owned(),
            checks: findings,
        };
        Examination::new(
            vec![Finding::ok(Check::ResolverAnswers, "fine")],
            vec![egress],
        )
    }

    #[test]
    fn every_check_is_a_line_and_trouble_tells_why_and_what_to_do() {
        let failed = Finding::failed(Check::ReverseDns, "192.0.2.1 has no PTR record");
        let fine = Finding::ok(Check::EhloName, "mail.example.com is a full name");
        let text = render(&examination(vec![failed, fine]), false, Screen::PAGE);
        assert!(
            text.contains("  ok       resolver-answers   fine\n"),
            "{text}"
        );
        assert!(
            text.contains("  failed   reverse-dns        192.0.2.1 has no PTR"),
            "{text}"
        );
        assert_eq!(text.matches("why: ").count(), 1, "{text}");
        assert_eq!(text.matches("do: ").count(), 1, "{text}");
        assert!(
            text.ends_with("\n1 failed, 0 warnings, 0 could not be told\n"),
            "{text}"
        );
        assert!(text.contains("From 192.0.2.1, EHLO mail.example.com, MAIL FROM:<probe@"));
    }

    #[test]
    fn explained_every_check_tells_why() {
        let fine = Finding::ok(Check::EhloName, "mail.example.com is a full name");
        let text = render(&examination(vec![fine]), true, Screen::PAGE);
        assert_eq!(text.matches("why: ").count(), 2, "{text}");
    }

    #[test]
    fn texts_of_others_are_cleaned_and_no_line_is_wider_than_the_screen() {
        let hostile = format!("\x1b[2J\u{202e}{}", "x ".repeat(3_000));
        let finding = Finding::failed(Check::Blocklist, hostile.clone()).remedy(hostile);
        let screen = Screen {
            width: 60,
            colour: Colour::Off,
        };
        let text = render(&examination(vec![finding]), false, screen);
        assert!(
            !text.contains('\x1b') && !text.contains('\u{202e}'),
            "{text}"
        );
        assert!(
            text.lines().all(|line| line.chars().count() <= 60),
            "{text}"
        );
        assert!(text.len() < 8_000);
    }

    #[test]
    fn every_name_fits_into_its_column() {
        assert!(CATALOGUE.iter().all(|entry| entry.name.len() < NAME));
        assert!(
            Outcome::ALL
                .iter()
                .all(|outcome| outcome.as_str().len() < WORD)
        );
    }
}
