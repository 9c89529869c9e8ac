//! Bytes as printable ASCII and back.
//!
//! Printable ASCII stands for itself, but for the backslash, which is doubled, and for a space at
//! the end, which editors like to remove. Every other byte is `\xNN` in lower case.

/// The escaped form.
pub(super) fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    escape_into(&mut out, bytes);
    out
}

/// Appends the escaped form.
pub(super) fn escape_into(out: &mut String, bytes: &[u8]) {
    for (index, &byte) in bytes.iter().enumerate() {
        let is_last = index + 1 == bytes.len();
        match byte {
            b'\\' => out.push_str("\\\\"),
            b' ' if is_last => push_hex(out, byte),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => push_hex(out, byte),
        }
    }
}

/// The escaped form without any space, for a value among words.
pub(super) fn escape_word(text: &str) -> String {
    escape(text.as_bytes()).replace(' ', "\\x20")
}

/// The bytes behind an escaped text; none when an escape is malformed. Unescaped bytes stand for
/// themselves.
pub(super) fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        match after {
            [b'\\', after @ ..] => {
                bytes.push(b'\\');
                rest = after;
            }
            [b'x', high, low, after @ ..] => {
                bytes.push(hex(*high)? << 4 | hex(*low)?);
                rest = after;
            }
            _ => return None,
        }
    }
    Some(bytes)
}

/// The text behind an escaped text, when it is UTF-8.
pub(super) fn unescape_text(text: &str) -> Option<String> {
    String::from_utf8(unescape(text.as_bytes())?).ok()
}

fn push_hex(out: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push_str("\\x");
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .map(|value| u8::try_from(value).expect("a digit is less than 16"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_in_every_place() {
        for byte in 0..=u8::MAX {
            for bytes in [
                vec![byte],
                vec![b'a', byte],
                vec![byte, b'b'],
                vec![byte, byte],
            ] {
                let escaped = escape(&bytes);
                assert!(escaped.bytes().all(|b| (b' '..=b'~').contains(&b)));
                assert!(!escaped.ends_with(' '));
                assert_eq!(unescape(escaped.as_bytes()), Some(bytes));
            }
        }
    }

    #[test]
    fn a_word_has_no_space() {
        assert_eq!(escape_word("a b "), "a\\x20b\\x20");
        assert_eq!(unescape_text("a\\x20b\\x20").as_deref(), Some("a b "));
    }

    #[test]
    fn malformed_escapes_are_refused() {
        for text in ["\\", "\\n", "\\x", "\\x4", "\\xg0", "a\\", "\\{lf}"] {
            assert_eq!(unescape(text.as_bytes()), None, "{text}");
        }
        assert_eq!(unescape_text("\\xff"), None);
    }
}
