//! Reply text as the rules see it.
//!
//! One pass, nothing allocated: every byte of the normalised text is handed to a consumer.
//! - ASCII letters become lower case, except in links and host names, where they become upper case:
//!   `quota` in a link must not count as a word, and a rule that wants the link can still have it.
//! - White space of any length, line ends included, is one space; there is one at both ends.
//! - A mailbox is `@`, so that one called `spam@` or `full.house@` trips no rule.
//! - The enhanced status code that leads a line is dropped: it would tear apart phrases that run
//!   over two lines, and the evidence has it in a field of its own.
//!
//! It does not decode: bytes beyond ASCII pass as they are.

/// Longer texts are judged by their beginning. RFC 5321 section 4.5.3.1.5 allows 512 octets a line;
/// the longest real replies, in six lines with links, have less than 2,000.
pub(crate) const TEXT_MAX: usize = 4_096;

/// Hands the normalised form of `text` to `feed`.
pub(crate) fn normalise(text: &str, feed: &mut impl FnMut(u8)) {
    let bytes = &text.as_bytes()[..text.len().min(TEXT_MAX)];
    let mut out = Output { feed, space: false };
    out.put(b' ');
    let mut at = leading_code(bytes);
    while at < bytes.len() {
        let byte = bytes[at];
        if is_delimiter(byte) {
            out.put(if byte <= b' ' { b' ' } else { byte });
            at += 1;
            if byte == b'\n' {
                at += leading_code(&bytes[at..]);
            }
        } else {
            let end = run_end(bytes, at);
            out.run(&bytes[at..end]);
            at = end;
        }
    }
    out.put(b' ');
}

struct Output<'a, F> {
    feed: &'a mut F,
    /// The last byte handed over was a space.
    space: bool,
}

impl<F: FnMut(u8)> Output<'_, F> {
    fn put(&mut self, byte: u8) {
        let space = byte == b' ';
        if !(space && self.space) {
            (self.feed)(byte);
        }
        self.space = space;
    }

    fn lower(&mut self, word: &[u8]) {
        word.iter()
            .for_each(|byte| self.put(byte.to_ascii_lowercase()));
    }

    /// A run of bytes without delimiters: a word, a mailbox, a link or a host name.
    fn run(&mut self, run: &[u8]) {
        match kind(run) {
            Kind::Word => self.lower(run),
            Kind::Name => run
                .iter()
                .for_each(|byte| self.put(byte.to_ascii_uppercase())),
            Kind::Mailbox => {
                let sign = run.iter().rposition(|byte| *byte == b'@').unwrap_or(0);
                // `found:ana@example.com`, `ana@example.com...User`
                let start = run[..sign].iter().rposition(|byte| *byte == b':');
                let (before, domain) = (&run[..start.map_or(0, |at| at + 1)], &run[sign + 1..]);
                self.lower(before);
                self.put(b'@');
                self.lower(&domain[domain_end(domain)..]);
            }
        }
    }
}

/// Where the domain at the begin of `run` ends: dots after it belong to the sentence.
fn domain_end(run: &[u8]) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80 || b"-_".contains(byte);
    let mut end = 0;
    for (at, byte) in run.iter().enumerate() {
        match byte {
            b'.' if end == at => {}
            part if is_part(part) => end = at + 1,
            _ => break,
        }
    }
    end
}

enum Kind {
    Word,
    Mailbox,
    Name,
}

/// What a run is. A dot between letters makes a name, unless a capital that a small letter follows
/// begins a new sentence after it.
fn kind(run: &[u8]) -> Kind {
    let mut kind = Kind::Word;
    for (at, byte) in run.iter().enumerate() {
        if CLASS[usize::from(*byte)] != Class::Sign {
            continue;
        }
        let before = at
            .checked_sub(1)
            .is_some_and(|before| run[before].is_ascii_alphanumeric());
        let after = run.get(at + 1).copied().unwrap_or(b' ');
        match byte {
            b'@' if at > 0 && after.is_ascii_alphanumeric() => return Kind::Mailbox,
            b':' if run[at..].starts_with(b"://") => return Kind::Name,
            b'.' if before && after.is_ascii_alphabetic() => {
                let second = run.get(at + 2).copied().unwrap_or(b' ');
                if !(after.is_ascii_uppercase() && second.is_ascii_lowercase()) {
                    kind = Kind::Name;
                }
            }
            _ => {}
        }
    }
    kind
}

fn run_end(bytes: &[u8], start: usize) -> usize {
    let length = bytes[start..].iter().position(|byte| is_delimiter(*byte));
    length.map_or(bytes.len(), |length| start + length)
}

fn is_delimiter(byte: u8) -> bool {
    CLASS[usize::from(byte)] == Class::Delimiter
}

/// What a byte can mean to a run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Ends it.
    Delimiter,
    /// May tell its kind.
    Sign,
    /// Belongs to it.
    Other,
}

/// The class of every byte.
static CLASS: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte <= b' ' as usize {
        classes[byte] = Class::Delimiter;
        byte += 1;
    }
    let delimiters = b"<>()[]\",;|";
    let mut at = 0;
    while at < delimiters.len() {
        classes[delimiters[at] as usize] = Class::Delimiter;
        at += 1;
    }
    classes[b'@' as usize] = Class::Sign;
    classes[b':' as usize] = Class::Sign;
    classes[b'.' as usize] = Class::Sign;
    classes
};

/// The length of an enhanced status code and the space after it, at the start of a line.
fn leading_code(line: &[u8]) -> usize {
    let [b'2' | b'4' | b'5', b'.', rest @ ..] = line else {
        return 0;
    };
    let subject = digits(rest);
    let Some((b'.', rest)) = rest
        .get(subject..)
        .and_then(<[u8]>::split_first)
        .map(|(d, r)| (*d, r))
    else {
        return 0;
    };
    let detail = digits(rest);
    if subject == 0 || detail == 0 || rest.get(detail) != Some(&b' ') {
        return 0;
    }
    2 + subject + 1 + detail + 1
}

fn digits(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take(3)
        .take_while(|byte| byte.is_ascii_digit())
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalised(text: &str) -> String {
        let mut bytes = Vec::new();
        normalise(text, &mut |byte| bytes.push(byte));
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn words_are_lower_case_with_single_spaces_and_one_at_both_ends() {
        assert_eq!(normalised("User  Unknown"), " user unknown ");
        assert_eq!(normalised(""), " ");
        assert_eq!(normalised(" \t "), " ");
    }

    #[test]
    fn the_code_that_leads_a_line_does_not_tear_a_phrase_apart() {
        let text = "5.1.1 The account that you tried to\n5.1.1 reach does not exist.";
        assert_eq!(
            normalised(text),
            " the account that you tried to reach does not exist. "
        );
        assert_eq!(normalised("5.1 no code"), " 5.1 no code ");
        assert_eq!(normalised("5.1.1"), " 5.1.1 ");
    }

    #[test]
    fn mailboxes_are_masked_with_or_without_brackets() {
        assert_eq!(normalised("<full.house@example.com>: Bad"), " <@>: bad ");
        assert_eq!(normalised("user spam@example.com: bad."), " user @: bad. ");
        assert_eq!(
            normalised("User not found:spam@example.com"),
            " user not found:@ "
        );
        assert_eq!(
            normalised("full.house@example.com...User unknown"),
            " @...user unknown "
        );
    }

    #[test]
    fn links_and_host_names_are_upper_case() {
        assert_eq!(
            normalised("see https://example.com/quota now"),
            " see HTTPS://EXAMPLE.COM/QUOTA now "
        );
        assert_eq!(
            normalised("from full.example.com"),
            " from FULL.EXAMPLE.COM "
        );
    }

    #[test]
    fn a_missing_space_after_a_sentence_makes_no_host_name() {
        assert_eq!(
            normalised("user unknown.Contact us"),
            " user unknown.contact us "
        );
    }

    #[test]
    fn a_text_without_end_is_cut() {
        let mut count = 0;
        normalise(&"a ".repeat(TEXT_MAX), &mut |_| count += 1);
        assert!(count <= TEXT_MAX + 2);
    }
}
