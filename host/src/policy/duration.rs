//! Durations as people write them: `250ms`, `30s`, `5m`, `1h30m`, `2d`.
//!
//! Promises: what [`format`] writes, [`parse`] reads back to the same value. Without a unit there
//! is no duration, but for 0: whether `30` means seconds or minutes is nobody's to guess.

/// The units, longest first, in milliseconds. Each may occur once, in this order.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Milliseconds, if this is a duration of at most `u32::MAX` milliseconds (about 49 days).
pub(crate) fn parse(text: &str) -> Option<u32> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut total: u64 = 0;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_lowercase).count();
        let unit = &rest[..letters];
        rest = &rest[letters..];
        let (_, milliseconds) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(count.checked_mul(*milliseconds)?)?;
    }
    if text.is_empty() {
        return None;
    }
    u32::try_from(total).ok()
}

/// The duration in the fewest units.
pub(crate) fn format(milliseconds: u32) -> String {
    let mut rest = u64::from(milliseconds);
    let mut text = String::new();
    for (unit, size) in UNITS {
        let count = rest / size;
        rest %= size;
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_form_is_read() {
        for (text, milliseconds) in [
            ("0", 0),
            ("0s", 0),
            ("250ms", 250),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1m500ms", 60_500),
            ("90m", 5_400_000),
            ("2d", 172_800_000),
        ] {
            assert_eq!(parse(text), Some(milliseconds), "{text}");
        }
    }

    #[test]
    fn what_could_be_misread_is_refused() {
        for text in [
            "", "30", "s", "5 m", "-5s", "1.5h", "30m1h", "5m5m", "5M", "1h30", "50d",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("99999999999999999999s"), None);
        assert_eq!(parse("18446744073709551615d"), None);
    }

    #[test]
    fn what_is_written_is_read_back() {
        for milliseconds in [0, 1, 999, 1_000, 61_001, 5_400_000, u32::MAX] {
            assert_eq!(parse(&format(milliseconds)), Some(milliseconds));
        }
        assert_eq!(format(5_400_000), "1h30m");
    }
}
