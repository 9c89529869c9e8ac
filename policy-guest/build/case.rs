//! Reads a case: a reply that exactly one rule must decide.
//!
//! ```text
//! [STAGE] [EXCHANGE] CODE TEXT
//! ```
//!
//! `rcpt-to` and `mx.example.com` unless said otherwise; ` // ` in the text is a line end.

/// The steps of the dialogue that a rule or a case can name.
pub(crate) const STAGES: [&str; 8] = [
    "greeting",
    "ehlo",
    "helo",
    "start-tls",
    "ehlo-after-tls",
    "mail-from",
    "rcpt-to",
    "other",
];

/// A case as it is written, taken apart.
pub(crate) struct Case {
    /// Its line in the rule file.
    pub(crate) line: usize,
    pub(crate) given: String,
    pub(crate) stage: String,
    pub(crate) exchange: String,
    pub(crate) code: u16,
    pub(crate) enhanced: Option<(u8, u16, u16)>,
    pub(crate) text: String,
}

impl Case {
    /// Reads a case that stands in `line`.
    pub(crate) fn read(given: &str, line: usize) -> Result<Self, String> {
        let mut stage = "rcpt-to";
        let mut exchange = "mx.example.com";
        let mut rest = given;
        loop {
            let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
            if STAGES.contains(&word) {
                stage = word;
            } else if word.contains('.') && word.bytes().any(|b| b.is_ascii_lowercase()) {
                exchange = word;
            } else {
                break;
            }
            rest = after;
        }
        let code = rest.get(..3).and_then(|code| code.parse().ok());
        let Some(code) = code.filter(|code| (400..600).contains(code)) else {
            return Err(format!(
                "the case `{given}` must begin with a stage, an exchange or a code from 400 to 599"
            ));
        };
        let prefix = &rest[..3];
        let lines: Vec<&str> = rest
            .split(" // ")
            .map(|line| line.strip_prefix(prefix).unwrap_or(line))
            .map(|line| line.trim_start_matches(['-', ' ']))
            .collect();
        Ok(Self {
            line,
            given: given.to_owned(),
            stage: stage.to_owned(),
            exchange: exchange.to_owned(),
            code,
            enhanced: enhanced(lines[0]),
            text: lines.join("\n"),
        })
    }
}

/// The enhanced status code that a text begins with.
fn enhanced(text: &str) -> Option<(u8, u16, u16)> {
    let mut parts = text.split(' ').next()?.split('.');
    let code = (
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
    );
    parts.next().is_none().then_some(code)
}
