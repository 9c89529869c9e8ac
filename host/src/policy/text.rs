//! Text that came out of a guest, made fit for a terminal and a log.
//!
//! Promises: no control character survives, nothing is longer than asked for. The guest's own
//! values (facts, reasons) are not touched here: they are checked in `convert` and cleaned where
//! printed.

/// What a cut text ends in.
const CUT: &str = " [cut]";

/// The text in one line: every run of control characters becomes a space.
pub(crate) fn one_line(text: &str, bytes_max: usize) -> String {
    cut(clean(text, |_| false), bytes_max)
}

/// The text with its line feeds; every other control character becomes a space.
pub(crate) fn lines(text: &str, bytes_max: usize) -> String {
    cut(clean(text, |character| character == '\n'), bytes_max)
}

fn clean(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for character in text.trim_start().chars() {
        if !is_unsafe(character) || keep(character) {
            cleaned.push(character);
        } else if !cleaned.ends_with(' ') {
            cleaned.push(' ');
        }
    }
    cleaned.truncate(cleaned.trim_end().len());
    cleaned
}

/// Control characters, and those that turn the direction of the text around them: with the latter a
/// line can be made to read as what it does not say.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

fn cut(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max));
        text.push_str(CUT);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_reach_a_terminal() {
        assert_eq!(one_line("a\u{1b}[31m\r\n\nb\u{9b}c", 99), "a [31m b c");
    }

    #[test]
    fn direction_overrides_are_removed() {
        assert_eq!(one_line("exe.\u{202e}txt", 99), "exe. txt");
    }

    #[test]
    fn a_backtrace_keeps_its_lines() {
        assert_eq!(lines("0: a\n1: b\u{7}\n", 99), "0: a\n1: b");
    }

    #[test]
    fn long_text_is_cut_between_characters_and_says_so() {
        assert_eq!(one_line("größe", 3), "gr [cut]");
        assert_eq!(one_line("größe", 7), "größe");
    }
}
