//! A table for people: one line a record, columns aligned.
//!
//! Promises: the columns are laid out once, from the width of the screen alone, so a list of
//! millions streams through without being held; no line is wider than the screen. What it does not
//! do: show everything. What does not fit is cut with an ellipsis; a table is for eyes, JSON Lines
//! and CSV are for programs.

use super::clean::clean_capped;
use super::layout::fit;
use super::screen::{FAINT, STRONG, Screen, status_sign, status_style};
use crate::record::{INPUT_MESSAGE, Record, RecordStatus};

/// The layout of one table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    screen: Screen,
    address: usize,
    reason: usize,
    reply: usize,
}

impl Table {
    pub(crate) fn new(screen: Screen) -> Self {
        let rest = screen
            .width
            .saturating_sub(STATUS + CONFIDENCE + 4 * GAP.len());
        // The address is what people look for, the reply is what they read last.
        let address = (rest * 2 / 5).clamp(ADDRESS_MIN, ADDRESS_MAX);
        // On a narrow screen the address alone is left.
        let reason = match rest / 4 {
            too_narrow if too_narrow < REASON_MIN => 0,
            reason => reason.min(REASON_MAX),
        };
        // A reply of a few letters says nothing; the address can use the room.
        let (address, reply) = match rest.saturating_sub(address + reason) {
            too_narrow if too_narrow < REPLY_MIN => (address + too_narrow + GAP.len(), 0),
            reply => (address, reply),
        };
        Self {
            screen,
            address,
            reason,
            reply,
        }
    }

    pub(crate) fn header(&self) -> String {
        let names = ["STATUS", "ADDRESS", "REASON", "SURE", "REPLY"].map(str::to_owned);
        let line = self.line(names, |_, cell| self.screen.paint(STRONG, cell));
        format!("{line}\n")
    }

    pub(crate) fn row(&self, record: &Record) -> String {
        let sure = match record.confidence {
            0 => String::new(),
            percent => format!("{percent:>3}%"),
        };
        let cells = [
            format!("{} {}", status_sign(record.status), record.status.as_str()),
            clean_capped(&record.address, CELL_MAX),
            clean_capped(&record.reason, CELL_MAX),
            sure,
            clean_capped(&last_word(record), CELL_MAX),
        ];
        let line = self.line(cells, |column, cell| match column {
            0 => self.screen.paint(status_style(record.status), cell),
            4 => self.screen.paint(FAINT, cell),
            _ => cell.to_owned(),
        });
        format!("{line}\n")
    }

    /// Cells fitted and painted; blanks at the end of the line are left out.
    fn line(&self, cells: [String; 5], paint: impl Fn(usize, &str) -> String) -> String {
        let widths = [STATUS, self.address, self.reason, CONFIDENCE, self.reply];
        let shown = |(cell, width): (&String, usize)| width > 0 && !cell.is_empty();
        let last = cells.iter().zip(widths).rposition(shown).unwrap_or(0);
        let mut line = String::new();
        for (column, (cell, width)) in cells.iter().zip(widths).enumerate().take(last + 1) {
            if width == 0 {
                continue;
            }
            if column > 0 {
                line.push_str(GAP);
            }
            let fitted = fit(cell, width);
            let shown = if column == last {
                fitted.trim_end()
            } else {
                &fitted
            };
            line.push_str(&paint(column, shown));
        }
        line
    }
}

/// When it is due, or what decided: the reply where there is one, else the cause in words.
fn last_word(record: &Record) -> String {
    if let (RecordStatus::Pending, Some(due)) = (record.status, &record.due) {
        return format!("due {due}");
    }
    if let Some(fault) = &record.fault {
        return fault.kind.clone();
    }
    let Some(because) = record.because.first() else {
        let problem = record.facts.iter().find(|fact| fact.name == INPUT_MESSAGE);
        return problem.map_or_else(String::new, |fact| fact.value.clone());
    };
    match &because.reply {
        Some(reply) => super::reply_line(reply),
        None => because.text.clone(),
    }
}

const GAP: &str = "  ";

/// The sign, a blank and the longest status.
const STATUS: usize = 2 + "undeliverable".len();

const CONFIDENCE: usize = "100%".len();

const ADDRESS_MIN: usize = 12;

/// Longer addresses are rare, and the reply needs the room.
const ADDRESS_MAX: usize = 40;

const REASON_MIN: usize = 8;

const REASON_MAX: usize = 24;

/// `550 5.1.1` and an ellipsis.
const REPLY_MIN: usize = 10;

/// Characters of a text that are looked at before it is fitted: more than any screen shows, and
/// little enough that a reply at its limit costs nothing.
const CELL_MAX: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::layout::cells;
    use crate::output::sample;
    use crate::output::screen::Colour;

    fn screen(width: usize) -> Screen {
        Screen {
            width,
            colour: Colour::Off,
        }
    }

    #[test]
    fn columns_stand_under_their_names() {
        let table = Table::new(screen(100));
        assert_eq!(
            table.header() + &table.row(&sample::accepted()) + &table.row(&sample::refused()),
            "\
STATUS           ADDRESS                        REASON              SURE  REPLY
✓ deliverable    ana@example.com                accepted             92%  250 2.1.5 Ok
✗ undeliverable  nobody@example.com             no-such-user         97%  550 5.1.1 <nobody@example…
"
        );
    }

    #[test]
    fn a_pending_record_says_when_it_is_due() {
        let row = Table::new(screen(100)).row(&sample::greylisted());
        assert!(row.contains("… pending"), "{row}");
        assert!(row.contains("due 2030-01-01T00:05:00Z"), "{row}");
    }

    #[test]
    fn a_narrow_screen_leaves_its_room_to_the_address() {
        let row = Table::new(screen(40)).row(&sample::refused());
        assert_eq!(row, "✗ undeliverable  nobody@example…   97%\n");
    }

    #[test]
    fn no_line_is_wider_than_the_screen_whatever_stands_in_it() {
        let mut record = sample::refused();
        record.address = "用户".repeat(50) + "\x1b[2J@example.com";
        record.reason = "r".repeat(500);
        for width in [40, 60, 80, 132, 300] {
            let table = Table::new(screen(width));
            for line in [
                table.header(),
                table.row(&record),
                table.row(&sample::accepted()),
            ] {
                assert!(cells(line.trim_end()) <= width, "{width}: {line}");
                assert!(!line.trim_end().chars().any(char::is_control));
            }
        }
    }
}
