//! Saved transcripts, which anybody may have written.
//!
//! Input: the text of the human form, or of JSON Lines. Holds: reading never panics and names a
//! line of the text where it fails; what was read is printed in both forms and read back the same;
//! the size of the printed form is bounded by that of the text; answers, views and what a policy is
//! shown can be made of it.

use vrfy_proto::evidence::Attempt;
use vrfy_proto::transcript::{ParseTranscriptError, Transcript};

use crate::checks;
use crate::session::check_views;

/// Bytes of the printed form for each of the text at most. JSON writes an empty event in 40 bytes
/// where the text has 4, and a byte that is escaped twice in 6.
const GROWTH_MAX: usize = 40;

/// Bytes of a printed form without anything in it, at most.
const EMPTY_MAX: usize = 512;

/// Checks one input in the form that people read.
///
/// # Panics
///
/// Where the reader does not keep its promises.
pub fn check_text(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    check(&text, Transcript::from_text(&text));
}

/// Checks one input in the form of JSON Lines.
///
/// # Panics
///
/// Where the reader does not keep its promises.
pub fn check_json(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    check(&text, Transcript::from_json_lines(&text));
}

/// Checks what a policy is shown of a saved transcript: its evidence can be written and read back.
///
/// # Panics
///
/// Where the view does not keep its promises.
pub fn check_view(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Ok(transcript) = Transcript::from_text(&text) else {
        return;
    };
    for attempt in check_views(&transcript) {
        let written = serde_json::to_string(&attempt).expect("an attempt is JSON");
        let read: Attempt = serde_json::from_str(&written).expect("it was written a moment ago");
        assert_eq!(read, attempt);
        for reply in &attempt.replies {
            assert!(reply.code.is_some_and(|code| code <= 999));
        }
    }
    let _ = transcript.extensions();
}

fn check(text: &str, read: Result<Transcript, ParseTranscriptError>) {
    let transcript = match read {
        Ok(transcript) => transcript,
        Err(error) => {
            assert!(error.line >= 1);
            assert!(error.line <= text.lines().count().max(1), "{error}");
            return;
        }
    };
    let most = text.len() * GROWTH_MAX + EMPTY_MAX;
    assert!(transcript.to_text().len() <= most);
    assert!(transcript.to_json_lines().len() <= most);
    checks::check_forms(&transcript);
    checks::check_answers(&transcript);
    let _ = (transcript.ending(), transcript.elapsed());
    let _ = check_views(&transcript);
}
