//! JSON Lines: one record, one line, nothing lost.
//!
//! Promises: what is written is JSON of the schema in `docs/record.schema.json`, one line a record,
//! and safe to look at: characters that a terminal obeys, or that hide, stand there as JSON escapes
//! (`\u009b`), which read back as the character itself. The line is faithful and harmless.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::clean::is_unsafe;
use crate::record::Record;

/// Appends the record to the line, with its line feed.
pub(crate) fn append(record: &Record, line: &mut Vec<u8>) -> serde_json::Result<()> {
    record.serialize(&mut Serializer::with_formatter(&mut *line, Harmless))?;
    line.push(b'\n');
    Ok(())
}

/// A JSON text on one line, with every unsafe character escaped.
pub(crate) fn to_text(value: &impl Serialize) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut bytes, Harmless))?;
    Ok(String::from_utf8(bytes).expect("serde_json writes UTF-8"))
}

/// The compact form, with more escapes than JSON asks for.
struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        // Nearly all text is printable ASCII, and goes out in one piece.
        if fragment.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut from = 0;
        for (at, character) in fragment.char_indices() {
            if !is_unsafe(character) {
                continue;
            }
            writer.write_all(&fragment.as_bytes()[from..at])?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            from = at + character.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[from..])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::output::sample;

    #[test]
    fn a_record_is_one_line_that_reads_back() {
        let mut line = Vec::new();
        append(&sample::refused(), &mut line).unwrap();
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        assert!(line.ends_with(b"\n"));
        let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(value, serde_json::to_value(sample::refused()).unwrap());
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_not_lost() {
        let text = "\u{9b}2J \x7f \u{202e} \u{2028} \u{e0041} 用户";
        let json = to_text(&text).unwrap();
        assert_eq!(
            json,
            "\"\\u009b2J \\u007f \\u202e \\u2028 \\udb40\\udc41 用户\""
        );
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    proptest! {
        #[test]
        fn any_text_reads_back_and_none_is_unsafe(text in any::<String>()) {
            let json = to_text(&text).unwrap();
            prop_assert!(!json.chars().any(is_unsafe));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
