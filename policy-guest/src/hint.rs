//! Times in replies: "try again in 300 seconds", "come back in 00:05:00", "dans 5 minutes".
//!
//! Read is a number before a unit of time, in the languages that servers answer in, and a time as
//! hours, minutes and seconds behind a word that makes it a span. Not read are times of day ("after
//! 14:35"), spans that lie behind ("in the last 10 minutes", "timed out after 30 s"), and numbers
//! of any other kind. What is read wrongly costs little: `retry.rs` holds it within bounds.

use crate::text::TEXT_MAX;

/// The time that a reply's text names first, in milliseconds.
pub(crate) fn time(text: &str) -> Option<u64> {
    let bytes = &text.as_bytes()[..text.len().min(TEXT_MAX)];
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let length = digits(&bytes[at..]);
        if starts(bytes, at)
            && let Some(found) = clock(bytes, at).or_else(|| span(bytes, at))
        {
            return Some(found);
        }
        at += length;
    }
    None
}

/// Digits that a number has at most to be a time: a million seconds are eleven days.
const DIGITS_MAX: usize = 7;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Beginnings of the names of units, in small letters. Languages: English, German, French, Spanish,
/// Italian, Portuguese, Dutch, Polish, Russian, Chinese, Japanese, Korean.
const UNITS: [(&str, u64); 27] = [
    ("sec", SECOND),
    ("sek", SECOND),
    ("seg", SECOND),
    ("сек", SECOND),
    ("秒", SECOND),
    ("초", SECOND),
    ("min", MINUTE),
    ("мин", MINUTE),
    ("分", MINUTE),
    ("분", MINUTE),
    ("hour", HOUR),
    ("hrs", HOUR),
    ("stunde", HOUR),
    ("std", HOUR),
    ("heure", HOUR),
    ("hora", HOUR),
    ("uur", HOUR),
    ("uren", HOUR),
    ("godz", HOUR),
    ("час", HOUR),
    ("小时", HOUR),
    ("時間", HOUR),
    ("시간", HOUR),
    ("day", DAY),
    ("tage", DAY),
    ("jour", DAY),
    ("дн", DAY),
];

/// Units that are a whole word: as the beginning of one they would be found in too many.
const WORDS: [(&str, u64); 7] = [
    ("s", SECOND),
    ("m", MINUTE),
    ("h", HOUR),
    ("hr", HOUR),
    ("ora", HOUR),
    ("ore", HOUR),
    ("tag", DAY),
];

/// Words before a number that make it something other than a time to wait.
const BEHIND: [&str; 8] = [
    "last",
    "past",
    "than",
    "took",
    "letzten",
    "dernières",
    "últimos",
    "последние",
];

/// Words before hours, minutes and seconds that make them a span and not a time of day.
const AHEAD: [&str; 10] = [
    "in",
    "for",
    "within",
    "wait",
    "another",
    "dans",
    "en",
    "fra",
    "через",
    "noch",
];

/// A number with its unit, and what follows as part of it: "1 hour and 30 minutes", "4m32s".
fn span(bytes: &[u8], start: usize) -> Option<u64> {
    if is_behind(bytes, start) {
        return None;
    }
    let (mut total, mut unit, mut at) = part(bytes, start)?;
    while let Some(next) = joined(bytes, at)
        && let Some((more, smaller, end)) = part(bytes, next)
        && smaller < unit
    {
        total = total.saturating_add(more);
        (unit, at) = (smaller, end);
    }
    Some(total)
}

/// A number and its unit: milliseconds, the unit, and where they end.
fn part(bytes: &[u8], start: usize) -> Option<(u64, u64, usize)> {
    let length = digits(&bytes[start..]);
    let number = number(&bytes[start..start + length])?;
    let mut at = start + length;
    if matches!(bytes.get(at), Some(b' ' | b'-')) {
        at += 1;
    }
    let rest = &bytes[at..];
    let word = rest.iter().take_while(|byte| byte.is_ascii_alphabetic());
    let word = &rest[..word.count()];
    let whole = WORDS
        .iter()
        .find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, unit)| (*unit, word.len()));
    let (unit, length) = whole.or_else(|| {
        let begins =
            |name: &[u8]| rest.len() >= name.len() && rest[..name.len()].eq_ignore_ascii_case(name);
        let (_, unit) = UNITS.iter().find(|(name, _)| begins(name.as_bytes()))?;
        let letters = rest.iter().take_while(|byte| is_letter(**byte));
        Some((*unit, letters.count()))
    })?;
    Some((number.saturating_mul(unit), unit, at + length))
}

/// Where the next part of a span begins, if it is joined to the one that ended.
fn joined(bytes: &[u8], end: usize) -> Option<usize> {
    let mut at = end;
    while matches!(bytes.get(at), Some(b' ' | b',' | b'.')) {
        at += 1;
    }
    for word in ["and ", "und ", "et ", "y ", "e ", "en ", "и "] {
        if bytes[at..].starts_with(word.as_bytes()) {
            at += word.len();
            break;
        }
    }
    bytes.get(at)?.is_ascii_digit().then_some(at)
}

/// Hours, minutes and seconds, such as 00:05:00, behind a word that makes them a span.
fn clock(bytes: &[u8], start: usize) -> Option<u64> {
    let mut total = 0_u64;
    let mut at = start;
    for (place, unit) in [HOUR, MINUTE, SECOND].into_iter().enumerate() {
        if place > 0 {
            if bytes.get(at) != Some(&b':') {
                return None;
            }
            at += 1;
        }
        let length = digits(bytes.get(at..)?);
        if !(1..=2).contains(&length) {
            return None;
        }
        let number = number(&bytes[at..at + length])?;
        if place > 0 && number > 59 {
            return None;
        }
        total += number * unit;
        at += length;
    }
    let ends = !bytes
        .get(at)
        .is_some_and(|byte| is_letter(*byte) || *byte == b':');
    (ends && is_ahead(bytes, start)).then_some(total)
}

fn is_behind(bytes: &[u8], start: usize) -> bool {
    let before = word_before(bytes, start);
    if before.eq_ignore_ascii_case(b"after") {
        let verb = &bytes[..start - before.len() - 1];
        let verb = word_before(verb, verb.len());
        return [&b"out"[..], b"timeout", b"closed", b"failed"]
            .iter()
            .any(|word| verb.eq_ignore_ascii_case(word));
    }
    is_one_of(before, &BEHIND)
}

fn is_ahead(bytes: &[u8], start: usize) -> bool {
    is_one_of(word_before(bytes, start), &AHEAD)
}

fn is_one_of(word: &[u8], words: &[&str]) -> bool {
    words
        .iter()
        .any(|one| word.eq_ignore_ascii_case(one.as_bytes()))
}

/// The word before `end`, one space between.
fn word_before(bytes: &[u8], end: usize) -> &[u8] {
    let Some((b' ', before)) = bytes[..end].split_last().map(|(last, rest)| (*last, rest)) else {
        return b"";
    };
    let letters = before.iter().rev().take_while(|byte| is_letter(**byte));
    &before[before.len() - letters.count()..]
}

/// Whether a number that begins here is one by itself, or the end of a range such as "5-10".
fn starts(bytes: &[u8], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| bytes[before]) else {
        return true;
    };
    let is_range = before == b'-' && at >= 2 && bytes[at - 2].is_ascii_digit();
    let is_part = before.is_ascii_alphanumeric()
        || matches!(
            before,
            b'.' | b'-' | b'_' | b'@' | b'#' | b'=' | b':' | b'/'
        );
    is_range || !is_part
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

fn digits(bytes: &[u8]) -> usize {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    digits.count()
}

/// The number, absent where it is too long to be a time.
fn number(digits: &[u8]) -> Option<u64> {
    (digits.len() <= DIGITS_MAX).then(|| {
        digits
            .iter()
            .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_with_a_unit_is_a_time() {
        for (text, seconds) in [
            ("4.7.1 Greylisted, please try again in 300 seconds", 300),
            ("Greylisted for 5 minutes", 300),
            ("in 5 min.", 300),
            ("try again in 1 hour", 3600),
            ("retry in 90s", 90),
            ("a 10-minute delay", 600),
            ("in 5-10 minutes", 600),
            ("Greylisted for 298 sec (see the help page)", 298),
            ("retry after 2 hrs", 7200),
            ("wait 1 day", 86_400),
            ("IN 5 MINUTES", 300),
        ] {
            assert_eq!(time(text), Some(seconds * SECOND), "{text}");
        }
    }

    #[test]
    fn times_are_read_in_the_languages_of_servers() {
        for (text, seconds) in [
            ("Bitte in 60 Sekunden erneut versuchen", 60),
            ("in 2 Stunden", 7200),
            ("Réessayez dans 5 minutes", 300),
            ("dans 1 heure", 3600),
            ("intenta en 10 minutos", 600),
            ("en 30 segundos", 30),
            ("en 2 horas", 7200),
            ("riprovare tra 5 minuti", 300),
            ("tra 1 ora", 3600),
            ("over 5 minuten", 300),
            ("over 2 uur", 7200),
            ("Повторите через 5 минут", 300),
            ("через 30 сек.", 30),
            ("через 1 час", 3600),
            ("请在5分钟后重试", 300),
            ("30秒後", 30),
            ("5분 후에", 300),
            ("za 2 godziny", 7200),
        ] {
            assert_eq!(time(text), Some(seconds * SECOND), "{text}");
        }
    }

    #[test]
    fn parts_of_a_time_are_added() {
        for (text, seconds) in [
            ("in 1 hour and 30 minutes", 5400),
            ("in 4m32s", 272),
            ("1h 5m", 3900),
            ("in 2 hours, 5 minutes", 7500),
            ("5 minutes, 10 hours at most", 300),
        ] {
            assert_eq!(time(text), Some(seconds * SECOND), "{text}");
        }
    }

    #[test]
    fn hours_minutes_and_seconds_are_a_time_where_a_word_says_so() {
        let text = "Greylisting in action, please come back in 00:05:00";
        assert_eq!(time(text), Some(300 * SECOND));
        assert_eq!(time("через 1:00:00"), Some(HOUR));
        for text in [
            "try again after 14:35",
            "try again after 14:35:00",
            "since 2024-01-02 14:35:00",
            "in 14:35",
            "in 00:99:00",
            "in 00:05:00:00",
            "in 00:05:00Z",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn other_numbers_are_no_times() {
        for text in [
            "",
            "12",
            "4.7.1 try later",
            "192.0.2.1 s",
            "id a12m3",
            "id=12m",
            "code 451 mailbox",
            "421 mx1 Service unavailable",
            "limit of 100 messages",
            "5 more tries",
            "too many errors in the last 10 minutes",
            "timed out after 30 seconds",
            "more than 20 seconds",
            "in 99999999999999999999 hours",
            "1.5 hours",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn any_text_is_read_without_harm() {
        for text in [
            "1",
            "1 ",
            "1-",
            "9999999 hours",
            "after 1 s",
            " 1:",
            "1:1:",
            "é1 s",
            "1é",
        ] {
            let _ = time(text);
        }
    }
}
