//! A dialogue in its text form, for a terminal.
//!
//! Promises: without colour the text comes out as it went in, so that what is saved is a fixture
//! and can be replayed; with colour only the look changes. The text form is printable ASCII by
//! itself; should it ever hold anything else, that is escaped.
//!
//! Read next: `vrfy_proto::transcript` (the text form).

use anstyle::{AnsiColor, Style};

use super::clean::clean;
use super::screen::{FAINT, STRONG, Screen};

/// The dialogue, line by line, each with a line feed.
pub fn render(text: &str, screen: Screen) -> String {
    text.lines()
        .map(|line| screen_line(line, screen) + "\n")
        .collect()
}

fn screen_line(line: &str, screen: Screen) -> String {
    let line = clean(line);
    match line.as_bytes() {
        [b'S', b':', ..] => server_line(&line, screen),
        [b'C', b':', ..] => screen.paint(CLIENT, &line),
        [b'@' | b'#', ..] => screen.paint(FAINT, &line),
        [b'-', b'-', b'-', ..] => screen.paint(STRONG, &line),
        _ => line,
    }
}

/// The first digit of a code tells what kind of reply it is (RFC 5321 section 4.2.1).
fn server_line(line: &str, screen: Screen) -> String {
    let Some(code) = line.get(3..6) else {
        return line.to_owned();
    };
    let colour = match code.as_bytes()[0] {
        b'2' | b'3' => AnsiColor::Green,
        b'4' => AnsiColor::Yellow,
        b'5' => AnsiColor::Red,
        _ => return line.to_owned(),
    };
    let style = Style::new().fg_color(Some(colour.into()));
    format!("{}{}{}", &line[..3], screen.paint(style, code), &line[6..])
}

/// What we said.
const CLIENT: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan)));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::screen::Colour;

    const DIALOGUE: &str = "\
# Refuses a mailbox that it does not have.
S: 220 mx.example.com ESMTP
C: RCPT TO:<nobody@example.com>
@ +30s
S: 550 5.1.1 No such user
S: x
--- expected
ended: completed
";

    #[test]
    fn without_colour_the_text_is_unchanged() {
        assert_eq!(render(DIALOGUE, Screen::PAGE), DIALOGUE);
    }

    #[test]
    fn colour_changes_the_look_and_not_the_text() {
        let screen = Screen {
            width: 80,
            colour: Colour::On,
        };
        let shown = render(DIALOGUE, screen);
        assert!(shown.contains("S: \x1b[31m550\x1b[0m 5.1.1"), "{shown:?}");
        assert_eq!(anstream::adapter::strip_str(&shown).to_string(), DIALOGUE);
    }

    #[test]
    fn an_escape_sequence_in_a_dialogue_does_not_reach_the_terminal() {
        let shown = render("S: 220 \x1b[2J\nS: é\u{9b}\n", Screen::PAGE);
        assert_eq!(shown, "S: 220 \\x1b[2J\nS: é\\u{9b}\n");
    }
}
