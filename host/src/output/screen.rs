//! What is printed on: how wide it is and whether it shows colour.
//!
//! Promises: colour is only asked for on a terminal, and never against `NO_COLOR`, `TERM=dumb` or
//! `CLICOLOR=0`. Every meaning that a colour carries also stands there as a word, so nothing is
//! lost without it.

use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};

use crate::record::RecordStatus;

/// How wide the paper is, and whether it shows colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Cells in a line.
    pub width: usize,
    /// Whether escape sequences for colour may be written.
    pub colour: Colour,
}

/// Whether escape sequences for colour may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// They may.
    On,
    /// They may not.
    Off,
}

impl Screen {
    /// What a file or a pipe is: a wide page without colour.
    pub const PAGE: Self = Self {
        width: PAGE_WIDTH,
        colour: Colour::Off,
    };

    /// What standard output is. Looks at the environment and at the terminal: call it once.
    pub fn of_stdout() -> Self {
        let stdout = std::io::stdout();
        Self::of(stdout.is_terminal(), anstream::AutoStream::choice(&stdout))
    }

    /// What standard error is. Looks at the environment and at the terminal: call it once.
    pub fn of_stderr() -> Self {
        let stderr = std::io::stderr();
        Self::of(stderr.is_terminal(), anstream::AutoStream::choice(&stderr))
    }

    fn of(is_terminal: bool, choice: anstream::ColorChoice) -> Self {
        if !is_terminal {
            return Self::PAGE;
        }
        let width = terminal_size::terminal_size().map_or(TERMINAL_WIDTH, |(width, _)| {
            usize::from(width.0).max(WIDTH_MIN)
        });
        let colour = match choice {
            anstream::ColorChoice::Never => Colour::Off,
            _ => Colour::On,
        };
        Self { width, colour }
    }

    /// The text in this style, or plain where there is no colour.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        match self.colour {
            Colour::On => format!("{style}{text}{style:#}"),
            Colour::Off => text.to_owned(),
        }
    }
}

/// How a status looks.
pub(crate) fn status_style(status: RecordStatus) -> Style {
    let colour = match status {
        RecordStatus::Deliverable => AnsiColor::Green,
        RecordStatus::Undeliverable => AnsiColor::Red,
        RecordStatus::Risky => AnsiColor::Yellow,
        RecordStatus::Unknown => AnsiColor::Magenta,
        RecordStatus::Pending => AnsiColor::Cyan,
    };
    Style::new().bold().fg_color(Some(colour.into()))
}

/// The sign of a status.
pub(crate) const fn status_sign(status: RecordStatus) -> &'static str {
    match status {
        RecordStatus::Deliverable => "✓",
        RecordStatus::Undeliverable => "✗",
        RecordStatus::Risky => "!",
        RecordStatus::Unknown => "?",
        RecordStatus::Pending => "…",
    }
}

/// What is worth the eye's first stop.
pub(crate) const STRONG: Style = Style::new().bold();

/// What need not be read at once.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// A page that is no terminal: wide enough for an address and a reply beside each other.
const PAGE_WIDTH: usize = 132;

/// A terminal that does not tell its width: that of the VT100, which every program assumes.
const TERMINAL_WIDTH: usize = 80;

/// Narrower terminals are written to as if they were this wide; columns need some room.
const WIDTH_MIN: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_carries_no_escape_sequence() {
        assert_eq!(Screen::PAGE.paint(STRONG, "text"), "text");
    }

    #[test]
    fn paint_is_closed_behind_the_text() {
        let screen = Screen {
            width: 80,
            colour: Colour::On,
        };
        assert_eq!(screen.paint(STRONG, "text"), "\x1b[1mtext\x1b[0m");
    }

    #[test]
    fn colour_follows_the_choice_and_only_on_a_terminal() {
        let always = anstream::ColorChoice::Always;
        let never = anstream::ColorChoice::Never;
        assert_eq!(Screen::of(false, always).colour, Colour::Off);
        assert_eq!(Screen::of(true, never).colour, Colour::Off);
        assert_eq!(Screen::of(true, always).colour, Colour::On);
    }
}
