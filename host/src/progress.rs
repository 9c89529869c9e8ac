//! Progress of a run, for the person who waits for it.
//!
//! Promises: numbers only, taken from what was reported; the rate is that of the last
//! [`RATE_WINDOW`], and a time left is only told where the total is known and something moves. The
//! line fits the screen, whatever it must leave out. No clock is read here: every call brings
//! `now`, the time since the run began.
//!
//! What it does not do: write. It hands out text for standard error; standard output belongs to the
//! records. On a terminal the line is redrawn in place; before anything else is written there,
//! write [`Display::clear`].

use std::collections::VecDeque;
use std::time::Duration;

use crate::output::{Colour, FAINT, Screen, cut, duration, status_sign, status_style};
use crate::record::RecordStatus;

/// What is known about a run so far.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    total: Option<u64>,
    counts: [u64; RecordStatus::ALL.len()],
    sessions: u64,
    waiting: u64,
    /// How many were finished in each slice of the window, oldest first.
    slices: VecDeque<(u64, u64)>,
}

impl Progress {
    /// A run that has finished nothing yet; of so many addresses, where that is known.
    pub fn new(total: Option<u64>) -> Self {
        Self {
            total,
            ..Self::default()
        }
    }

    /// One address has its record.
    pub fn finished(&mut self, status: RecordStatus, now: Duration) {
        self.counts[index(status)] += 1;
        let slice = slice_at(now);
        match self.slices.back_mut() {
            Some((last, count)) if *last >= slice => *count += 1,
            _ => self.slices.push_back((slice, 1)),
        }
        while self.slices.len() > SLICES {
            self.slices.pop_front();
        }
    }

    /// The total has become known, such as when the list has been read to its end.
    pub fn total_known(&mut self, total: u64) {
        self.total = Some(total);
    }

    /// So many sessions are open.
    pub fn sessions_open(&mut self, sessions: u64) {
        self.sessions = sessions;
    }

    /// So many addresses wait to be asked again.
    pub fn retries_waiting(&mut self, waiting: u64) {
        self.waiting = waiting;
    }

    /// How many addresses have their record.
    pub fn done(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many addresses came to this.
    pub fn count(&self, status: RecordStatus) -> u64 {
        self.counts[index(status)]
    }

    /// Addresses finished in a second, over the last [`RATE_WINDOW`].
    pub fn rate(&self, now: Duration) -> f64 {
        let newest = slice_at(now);
        let oldest = (newest + 1).saturating_sub(SLICES as u64);
        let finished: u64 = self
            .slices
            .iter()
            .filter(|(slice, _)| *slice >= oldest)
            .map(|(_, count)| count)
            .sum();
        let begin = SLICE * u32::try_from(oldest).unwrap_or(u32::MAX);
        // Less than a slice is too little to tell a rate from.
        let seconds = now.saturating_sub(begin).max(SLICE).as_secs_f64();
        finished as f64 / seconds
    }

    /// How long the rest will take at this rate. Addresses that wait to be asked again may take
    /// longer: their time is set by the policy.
    pub fn left(&self, now: Duration) -> Option<Duration> {
        let rest = self.total?.checked_sub(self.done())?;
        let rate = self.rate(now);
        if rest == 0 || rate <= 0.0 {
            return None;
        }
        Duration::try_from_secs_f64(rest as f64 / rate).ok()
    }

    /// One line of at most the screen's width.
    pub fn render(&self, now: Duration, screen: Screen) -> String {
        // The last cell stays free: some terminals go to the next line when it is written.
        let mut room = screen.width.saturating_sub(1);
        let mut line = String::new();
        for (status, text) in self.parts(now) {
            let gap = if line.is_empty() { "" } else { "  " };
            // What does not fit is left out, and so is what stands behind it.
            let needed = gap.len() + text.chars().count();
            if needed > room {
                if line.is_empty() {
                    line = cut(&text, room);
                }
                break;
            }
            room -= needed;
            line.push_str(gap);
            line.push_str(&match status {
                Some(status) => screen.paint(status_style(status), &text),
                None => text,
            });
        }
        line
    }

    /// What the line says, the most important first.
    fn parts(&self, now: Duration) -> Vec<(Option<RecordStatus>, String)> {
        let mut parts = vec![(None, self.share())];
        for status in RecordStatus::ALL {
            let count = self.count(status);
            if count > 0 {
                let text = format!(
                    "{} {} {}",
                    status_sign(status),
                    grouped(count),
                    status.as_str()
                );
                parts.push((Some(status), text));
            }
        }
        parts.push((None, format!("{}/s", rate_text(self.rate(now)))));
        match self.left(now) {
            Some(left) => parts.push((None, format!("about {} left", duration(left)))),
            None => parts.push((None, duration(now))),
        }
        parts.push((None, plural(self.sessions, "session", "sessions")));
        if self.waiting > 0 {
            parts.push((None, format!("{} to ask again", grouped(self.waiting))));
        }
        parts
    }

    fn share(&self) -> String {
        let done = self.done();
        match self.total {
            Some(total) if total > 0 => {
                let percent = done.saturating_mul(100) / total;
                format!("{} of {} ({percent}%)", grouped(done), grouped(total))
            }
            _ => format!("{} done", grouped(done)),
        }
    }

    /// What the run came to, for its end: every status, also those without an address.
    pub fn summary(&self, now: Duration, screen: Screen) -> String {
        let seconds = now.as_secs_f64();
        let rate = if seconds > 0.0 {
            self.done() as f64 / seconds
        } else {
            0.0
        };
        let mut text = format!(
            "{} in {} ({}/s)\n",
            plural(self.done(), "address", "addresses"),
            duration(now),
            rate_text(rate),
        );
        for status in RecordStatus::ALL {
            let count = self.count(status);
            let style = if count > 0 {
                status_style(status)
            } else {
                FAINT
            };
            let line = format!(
                "{} {:<13} {:>9}",
                status_sign(status),
                status.as_str(),
                grouped(count)
            );
            text.push_str(&format!("  {}\n", screen.paint(style, &line)));
        }
        let missing = self
            .total
            .map_or(0, |total| total.saturating_sub(self.done()));
        if missing > 0 {
            text.push_str(&format!("  {} without a record\n", grouped(missing)));
        }
        text
    }
}

/// When and how progress is shown.
#[derive(Clone, Debug)]
pub struct Display {
    mode: Mode,
    drawn: Option<Duration>,
    /// A line stands on the terminal that has not been ended.
    open: bool,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One line, redrawn in place: for a terminal.
    InPlace(Screen),
    /// A line now and then: for a log.
    Lines,
    /// Nothing at all: `--quiet`.
    Quiet,
}

impl Display {
    /// A display that has shown nothing yet.
    pub const fn new(mode: Mode) -> Self {
        Self {
            mode,
            drawn: None,
            open: false,
        }
    }

    /// How often to call [`Display::poll`]; `None` where nothing will be shown.
    pub const fn every(&self) -> Option<Duration> {
        match self.mode {
            Mode::InPlace(_) => Some(REDRAW_EVERY),
            Mode::Lines => Some(LINE_EVERY),
            Mode::Quiet => None,
        }
    }

    /// What to write now, if it is time. May be called as often as one likes.
    pub fn poll(&mut self, progress: &Progress, now: Duration) -> Option<String> {
        let every = self.every()?;
        let last = self.drawn.unwrap_or_default();
        let is_first_in_place = self.drawn.is_none() && matches!(self.mode, Mode::InPlace(_));
        if now < last + every && !is_first_in_place {
            return None;
        }
        self.drawn = Some(now);
        match self.mode {
            Mode::InPlace(screen) => {
                self.open = true;
                Some(format!("{ERASE}{}", progress.render(now, screen)))
            }
            Mode::Lines => Some(progress.render(now, LOG) + "\n"),
            Mode::Quiet => None,
        }
    }

    /// What to write before anything else goes to the terminal; the next poll draws again.
    pub fn clear(&mut self) -> &'static str {
        self.drawn = match self.mode {
            Mode::InPlace(_) => None,
            Mode::Lines | Mode::Quiet => self.drawn,
        };
        if std::mem::take(&mut self.open) {
            ERASE
        } else {
            ""
        }
    }

    /// What to write at the end of the run.
    pub fn finish(&mut self, progress: &Progress, now: Duration) -> Option<String> {
        let screen = match self.mode {
            Mode::InPlace(screen) => screen,
            Mode::Lines => LOG,
            Mode::Quiet => return None,
        };
        Some(format!("{}{}", self.clear(), progress.summary(now, screen)))
    }
}

fn index(status: RecordStatus) -> usize {
    RecordStatus::ALL
        .iter()
        .position(|other| *other == status)
        .expect("ALL holds every status")
}

fn slice_at(now: Duration) -> u64 {
    u64::try_from(now.as_millis() / SLICE.as_millis()).unwrap_or(u64::MAX)
}

/// A number with its thousands set apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn plural(count: u64, one: &str, many: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!("{} {noun}", grouped(count))
}

/// A rate with as many digits as mean something.
fn rate_text(rate: f64) -> String {
    if rate < 10.0 {
        format!("{rate:.1}")
    } else {
        grouped(rate.round() as u64)
    }
}

/// Back to the first cell, and the line is emptied. Terminals that know neither are no terminals
/// to us: progress is written to them in lines.
const ERASE: &str = "\r\x1b[2K";

/// A log has no width worth keeping to and no colour.
const LOG: Screen = Screen {
    width: 400,
    colour: Colour::Off,
};

/// Four times a second: quick enough to look alive, slow enough to be read and to cost nothing.
pub const REDRAW_EVERY: Duration = Duration::from_millis(250);

/// In a log every line stays, so they come seldom.
pub const LINE_EVERY: Duration = Duration::from_secs(10);

/// The rate is taken over this time: long enough that one slow server does not show, short enough
/// that a stall does.
pub const RATE_WINDOW: Duration = Duration::from_secs(10);

const SLICE: Duration = Duration::from_millis(500);

/// Slices in the window.
const SLICES: usize = (RATE_WINDOW.as_millis() / SLICE.as_millis()) as usize;

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: Screen = Screen {
        width: 100,
        colour: Colour::Off,
    };

    const fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn after(finished: u64, every: Duration) -> (Progress, Duration) {
        let mut progress = Progress::new(Some(1000));
        let mut now = Duration::ZERO;
        for _ in 0..finished {
            now += every;
            progress.finished(RecordStatus::Deliverable, now);
        }
        (progress, now)
    }

    #[test]
    fn the_line_tells_share_counts_rate_and_time_left() {
        let (mut progress, now) = after(200, at(100));
        progress.finished(RecordStatus::Undeliverable, now);
        progress.sessions_open(48);
        progress.retries_waiting(3);
        assert_eq!(
            progress.render(
                now,
                Screen {
                    width: 140,
                    ..SCREEN
                }
            ),
            "201 of 1,000 (20%)  ✓ 200 deliverable  ✗ 1 undeliverable  10/s  \
             about 1 min 18 s left  48 sessions  3 to ask again"
        );
    }

    #[test]
    fn an_unknown_total_has_neither_share_nor_time_left() {
        let mut progress = Progress::new(None);
        progress.finished(RecordStatus::Risky, at(500));
        assert_eq!(
            progress.render(at(1000), SCREEN),
            "1 done  ! 1 risky  1.0/s  1.0 s  0 sessions"
        );
        progress.total_known(4);
        assert!(
            progress
                .render(at(1000), SCREEN)
                .starts_with("1 of 4 (25%)")
        );
    }

    #[test]
    fn the_rate_forgets_what_is_older_than_the_window() {
        let (progress, now) = after(100, at(100));
        assert!((progress.rate(now) - 10.0).abs() < 1.0);
        assert!(progress.rate(now + RATE_WINDOW / 2) < 6.0);
        assert_eq!(progress.rate(now + RATE_WINDOW + SLICE), 0.0);
        assert_eq!(progress.left(now + RATE_WINDOW + SLICE), None);
    }

    #[test]
    fn the_window_holds_no_more_however_long_the_run() {
        let (progress, _) = after(10_000, at(70));
        assert!(progress.slices.len() <= SLICES);
    }

    #[test]
    fn the_line_fits_every_screen() {
        let (mut progress, now) = after(900, at(3));
        for status in RecordStatus::ALL {
            progress.finished(status, now);
        }
        for width in 1..200 {
            let line = progress.render(now, Screen { width, ..SCREEN });
            assert!(line.chars().count() < width.max(1), "{width}: {line}");
        }
    }

    #[test]
    fn a_terminal_is_redrawn_in_place_at_most_four_times_a_second() {
        let progress = Progress::new(None);
        let mut display = Display::new(Mode::InPlace(SCREEN));
        let drawn: Vec<u64> = (0..2000)
            .step_by(10)
            .filter(|now| display.poll(&progress, at(*now)).is_some())
            .collect();
        assert_eq!(drawn, [0, 250, 500, 750, 1000, 1250, 1500, 1750]);
        assert!(
            display
                .poll(&progress, at(2000))
                .unwrap()
                .starts_with(ERASE)
        );
        assert_eq!(display.clear(), ERASE);
        assert_eq!(display.clear(), "");
    }

    #[test]
    fn a_log_gets_a_line_now_and_then() {
        let progress = Progress::new(None);
        let mut display = Display::new(Mode::Lines);
        let lines: Vec<(u64, String)> = (0..30)
            .filter_map(|second| Some((second, display.poll(&progress, at(second * 1000))?)))
            .collect();
        assert_eq!(
            lines.iter().map(|(second, _)| *second).collect::<Vec<_>>(),
            [10, 20]
        );
        assert!(
            lines
                .iter()
                .all(|(_, line)| line.ends_with('\n') && !line.contains('\x1b'))
        );
        assert_eq!(display.clear(), "");
    }

    #[test]
    fn quiet_is_quiet_to_the_end() {
        let (progress, now) = after(10, at(1000));
        let mut display = Display::new(Mode::Quiet);
        assert_eq!(display.every(), None);
        assert_eq!(display.poll(&progress, now), None);
        assert_eq!(display.finish(&progress, now), None);
    }

    #[test]
    fn the_summary_names_every_status_and_what_is_missing() {
        let (progress, now) = after(999, at(10));
        let mut display = Display::new(Mode::Lines);
        assert_eq!(
            display.finish(&progress, now).unwrap(),
            "\
999 addresses in 9.9 s (100/s)
  ✓ deliverable         999
  ✗ undeliverable         0
  ! risky                 0
  ? unknown               0
  … pending               0
  1 without a record
"
        );
    }

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
