//! Text in columns: widths, padding, cutting, wrapping.
//!
//! Promises: widths are counted in terminal cells, so that wide characters stay aligned; no line
//! that comes out is wider than it may be. What it does not do: clean. Give it text that went
//! through [`super::clean`], because a control character has no width.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Cells that the text takes on a terminal.
pub(crate) fn cells(text: &str) -> usize {
    text.width()
}

/// The text, filled with blanks up to `width` cells, or cut to it with an ellipsis.
pub(crate) fn fit(text: &str, width: usize) -> String {
    let mut fitted = cut(text, width);
    let missing = width.saturating_sub(cells(&fitted));
    fitted.extend(std::iter::repeat_n(' ', missing));
    fitted
}

/// The text, cut to `width` cells; an ellipsis stands for what is missing.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if cells(text) <= width {
        return text.to_owned();
    }
    let mut kept = prefix(text, width.saturating_sub(1)).to_owned();
    if width > 0 {
        kept.push('…');
    }
    kept
}

/// The text in lines of at most `width` cells, broken between words where that is possible. Line
/// feeds in the text end a line. Never empty: an empty text is one empty line.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(WRAP_MIN);
    text.split('\n')
        .flat_map(|line| wrap_line(line, width))
        .collect()
}

fn wrap_line(line: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        if !current.is_empty() && cells(&current) + 1 + cells(word) > width {
            lines.push(std::mem::take(&mut current));
        }
        if !current.is_empty() {
            current.push(' ');
        }
        let mut rest = word;
        while cells(rest) > width {
            let piece = prefix(rest, width);
            lines.push(piece.to_owned());
            rest = &rest[piece.len()..];
        }
        current.push_str(rest);
    }
    if !current.is_empty() || lines.is_empty() {
        lines.push(current);
    }
    lines
}

/// The longest beginning of the text that takes at most `width` cells.
fn prefix(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, character) in text.char_indices() {
        used += character.width().unwrap_or(0);
        if used > width {
            return &text[..at];
        }
    }
    text
}

/// A line narrower than this cannot be read; the terminal may break it as it likes.
const WRAP_MIN: usize = 20;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_text_is_filled_and_a_long_one_cut_with_an_ellipsis() {
        assert_eq!(fit("ab", 4), "ab  ");
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(cut("abcd", 4), "abcd");
        assert_eq!(cut("abcd", 0), "");
    }

    #[test]
    fn wide_characters_count_as_two_cells() {
        assert_eq!(fit("用户", 5), "用户 ");
        assert_eq!(fit("用户名", 4), "用… ");
    }

    #[test]
    fn words_stay_whole_and_line_feeds_end_lines() {
        assert_eq!(
            wrap("one two three four five six\nnext", 20),
            ["one two three four", "five six", "next"]
        );
        assert_eq!(wrap("", 20), [""]);
        assert_eq!(wrap("a\n\nb", 20), ["a", "", "b"]);
    }

    #[test]
    fn a_word_longer_than_the_line_is_broken() {
        assert_eq!(wrap(&"x".repeat(45), 20).len(), 3);
        assert_eq!(wrap(&format!("ab {}", "x".repeat(25)), 20).len(), 3);
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_it_may_be(text in "[ a-z用é\n]{0,200}", width in 20_usize..60) {
            for line in wrap(&text, width) {
                prop_assert!(cells(&line) <= width, "{line:?}");
            }
            prop_assert_eq!(cells(&fit(&text.replace('\n', " "), width)), width);
        }

        #[test]
        fn wrapping_loses_nothing_but_blanks(text in "[ a-z用é\n]{0,200}", width in 20_usize..60) {
            let keep = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(keep(&wrap(&text, width).join(" ")), keep(&text));
        }
    }
}
