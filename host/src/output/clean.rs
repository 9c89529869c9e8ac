//! Text of others, made fit for a terminal.
//!
//! Replies, exchange names, messages of a policy and rows of a list are written by strangers, and a
//! terminal obeys control characters: they can move the cursor, rewrite what stands above, change
//! the title or make text run backwards so that a verdict reads as its opposite.
//!
//! Promises: what comes out holds no control character, nothing invisible and nothing that changes
//! the direction of writing; each of them stands there as an escape that can be read (`\n`, `\x1b`,
//! `\u{202e}`). At most [`MARKS_MAX`] marks sit on one letter, so that no text grows over its
//! neighbours. Everything else passes unchanged.
//!
//! What it does not do: convert back. A backslash passes as it is, so the result is for eyes;
//! JSON Lines keeps the text itself, and the transcript keeps the bytes.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

/// The whole text on one line, every unsafe character escaped.
pub fn clean(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut marks = 0;
    for character in text.chars() {
        let is_mark = character.width() == Some(0);
        marks = if is_mark { marks + 1 } else { 0 };
        if is_unsafe(character) || marks > MARKS_MAX {
            escape_into(&mut shown, character);
        } else {
            shown.push(character);
        }
    }
    shown
}

/// As [`clean`], cut after `characters_max` characters of the original; a mark says how many are
/// missing.
pub fn clean_capped(text: &str, characters_max: usize) -> String {
    let Some((cut, _)) = text.char_indices().nth(characters_max) else {
        return clean(text);
    };
    let missing = text[cut..].chars().count();
    format!("{} [... {missing} more characters]", clean(&text[..cut]))
}

/// The text with nothing but control characters and changes of direction escaped, for a cell that
/// a program will read: joiners inside a name belong to the name there.
pub(crate) fn clean_cell(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_control(character) || is_direction(character) {
            escape_into(&mut shown, character);
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether a terminal, or an eye, could be misled by this character.
pub fn is_unsafe(character: char) -> bool {
    // Nearly every character of a reply is one of these.
    if matches!(character, ' '..='~') {
        return false;
    }
    is_control(character)
        || is_direction(character)
        || INVISIBLE
            .iter()
            .any(|&(first, last)| (first..=last).contains(&character))
}

/// C0, DEL, C1 (which some terminals obey even as UTF-8) and the two separators that some programs
/// take for the end of a line.
fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// What sets, embeds, overrides or isolates the direction of writing.
fn is_direction(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

fn escape_into(shown: &mut String, character: char) {
    let written = match character {
        '\n' => write!(shown, "\\n"),
        '\r' => write!(shown, "\\r"),
        '\t' => write!(shown, "\\t"),
        '\0'..='\x7f' => write!(shown, "\\x{:02x}", u32::from(character)),
        _ => write!(shown, "\\u{{{:x}}}", u32::from(character)),
    };
    written.expect("a String takes every text");
}

/// Marks of no width of their own that may follow one another. Four carry every living
/// orthography; a hundred on one letter paint over the lines around it.
pub const MARKS_MAX: usize = 4;

/// Characters that show nothing where they stand, or a blank that is no space.
const INVISIBLE: [(char, char); 18] = [
    ('\u{ad}', '\u{ad}'),       // soft hyphen
    ('\u{34f}', '\u{34f}'),     // combining grapheme joiner
    ('\u{115f}', '\u{1160}'),   // Hangul fillers
    ('\u{17b4}', '\u{17b5}'),   // Khmer inherent vowels
    ('\u{180b}', '\u{180f}'),   // Mongolian selectors and separator
    ('\u{200b}', '\u{200d}'),   // zero-width space and joiners
    ('\u{2060}', '\u{2065}'),   // word joiner and invisible operators
    ('\u{206a}', '\u{206f}'),   // deprecated format characters
    ('\u{2800}', '\u{2800}'),   // braille blank
    ('\u{3164}', '\u{3164}'),   // Hangul filler
    ('\u{fe00}', '\u{fe0f}'),   // variation selectors
    ('\u{feff}', '\u{feff}'),   // byte order mark
    ('\u{ffa0}', '\u{ffa0}'),   // half-width Hangul filler
    ('\u{fff0}', '\u{fffb}'),   // interlinear annotation
    ('\u{13430}', '\u{1343f}'), // hieroglyph joiners
    ('\u{1bca0}', '\u{1bca3}'), // shorthand format controls
    ('\u{1d173}', '\u{1d17a}'), // musical format controls
    ('\u{e0000}', '\u{e0fff}'), // tags and further variation selectors
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_text_of_any_language_passes_unchanged() {
        for text in [
            "550 5.1.1 <ana@example.com>: no such user",
            "Empfänger unbekannt",
            "メールボックスがありません",
            "لا يوجد مستخدم",
            "נמען לא ידוע",
            "C:\\mail\\box",
        ] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn controls_become_escapes_that_can_be_read() {
        assert_eq!(clean("a\r\nb\tc\0"), "a\\r\\nb\\tc\\x00");
        assert_eq!(clean("\x1b[2Jgone\x7f"), "\\x1b[2Jgone\\x7f");
        assert_eq!(clean("\u{9b}2J"), "\\u{9b}2J");
        assert_eq!(clean("\u{2028}\u{2029}"), "\\u{2028}\\u{2029}");
    }

    #[test]
    fn nothing_can_turn_the_direction_of_writing_or_hide() {
        assert_eq!(clean("\u{202e}dilav"), "\\u{202e}dilav");
        assert_eq!(clean("ad\u{200b}min"), "ad\\u{200b}min");
        assert_eq!(clean("\u{feff}\u{e0041}"), "\\u{feff}\\u{e0041}");
    }

    #[test]
    fn marks_piled_on_one_letter_are_shown_as_escapes_from_the_fifth_on() {
        let piled = format!("a{}b", "\u{301}".repeat(MARKS_MAX + 1));
        let shown = clean(&piled);
        assert_eq!(shown.matches('\u{301}').count(), MARKS_MAX);
        assert!(shown.ends_with("\\u{301}b"));
    }

    #[test]
    fn a_long_text_is_cut_and_says_how_much_is_missing() {
        assert_eq!(clean_capped("abcdef", 6), "abcdef");
        assert_eq!(clean_capped("abcdef", 2), "ab [... 4 more characters]");
        assert_eq!(clean_capped("ä\nö", 2), "ä\\n [... 1 more characters]");
    }

    #[test]
    fn a_cell_keeps_the_joiners_that_belong_to_a_name() {
        assert_eq!(clean_cell("می\u{200c}خواهم\n"), "می\u{200c}خواهم\\n");
        assert_eq!(clean_cell("\u{202e}x"), "\\u{202e}x");
    }

    proptest! {
        #[test]
        fn no_unsafe_character_ever_comes_out(text in any::<String>()) {
            prop_assert!(!clean(&text).chars().any(is_unsafe));
        }

        #[test]
        fn no_control_byte_ever_comes_out_of_bytes(
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
            characters_max in 0_usize..80,
        ) {
            let text = String::from_utf8_lossy(&bytes);
            for shown in [clean(&text), clean_capped(&text, characters_max), clean_cell(&text)] {
                prop_assert!(!shown.chars().any(char::is_control), "{shown:?}");
            }
        }

        #[test]
        fn clean_text_stays_as_it_is(text in any::<String>()) {
            let shown = clean(&text);
            prop_assert_eq!(clean(&shown), shown);
        }
    }
}
