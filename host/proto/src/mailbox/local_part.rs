//! The left-hand side: a dot-string or a quoted string, with the extensions of RFC 6531.

use super::column_at;
use super::error::ParseMailboxError;

/// Reads the local part at the beginning of an address. Gives its wire form and the offset of the
/// `@` that follows it.
pub(super) fn parse(text: &str) -> Result<(String, usize), ParseMailboxError> {
    if text.starts_with('"') {
        quoted(text)
    } else {
        dot_string(text)
    }
}

fn dot_string(text: &str) -> Result<(String, usize), ParseMailboxError> {
    let mut previous_is_dot = true;
    for (offset, found) in text.char_indices() {
        let column = || column_at(text, offset);
        match found {
            '@' if offset == 0 => return Err(ParseMailboxError::EmptyLocalPart),
            '@' if previous_is_dot => {
                return Err(ParseMailboxError::MisplacedDot {
                    column: column() - 1,
                });
            }
            '@' => return Ok((text[..offset].to_owned(), offset)),
            '.' if previous_is_dot => {
                return Err(ParseMailboxError::MisplacedDot { column: column() });
            }
            '.' => previous_is_dot = true,
            _ if is_atom_character(found) => previous_is_dot = false,
            _ => return Err(unexpected(found, column())),
        }
    }
    Err(ParseMailboxError::MissingAt {
        column: text.chars().count() + 1,
    })
}

fn quoted(text: &str) -> Result<(String, usize), ParseMailboxError> {
    let mut content = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((offset, found)) = characters.next() {
        match found {
            '"' => return after_quote(text, offset + 1).map(|at| (least_quoted(&content), at)),
            '\\' => match characters.next() {
                Some((_, escaped)) if escaped.is_ascii() => content.push(escaped),
                Some((offset, _)) => {
                    let column = column_at(text, offset);
                    return Err(ParseMailboxError::EscapedNonAscii { column });
                }
                None => break,
            },
            _ => content.push(found),
        }
    }
    Err(ParseMailboxError::UnclosedQuote)
}

fn after_quote(text: &str, offset: usize) -> Result<usize, ParseMailboxError> {
    let column = || column_at(text, offset);
    match text[offset..].chars().next() {
        Some('@') => Ok(offset),
        Some(found) => Err(ParseMailboxError::TextAfterQuote {
            found,
            column: column(),
        }),
        None => Err(ParseMailboxError::MissingAt { column: column() }),
    }
}

/// The form that RFC 5321 section 4.1.2 asks for: no quotes where a dot-string says the same, no
/// backslash before what needs none.
fn least_quoted(content: &str) -> String {
    let is_dot_string = content
        .split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(is_atom_character));
    if is_dot_string {
        return content.to_owned();
    }
    let mut wire = String::with_capacity(content.len() + 2);
    wire.push('"');
    for character in content.chars() {
        if matches!(character, '"' | '\\') {
            wire.push('\\');
        }
        wire.push(character);
    }
    wire.push('"');
    wire
}

/// `atext`, and with RFC 6531 everything outside of ASCII but what cannot be seen.
fn is_atom_character(found: char) -> bool {
    match found {
        _ if found.is_ascii_alphanumeric() => true,
        _ if found.is_ascii() => "!#$%&'*+-/=?^_`{|}~".contains(found),
        _ => !found.is_whitespace() && !is_invisible(found),
    }
}

/// Characters that copying leaves behind: zero-width spaces, soft hyphens, byte order marks and
/// direction marks. Joiners are not among them, because some scripts are written with them.
fn is_invisible(found: char) -> bool {
    matches!(
        found,
        '\u{ad}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    )
}

fn unexpected(found: char, column: usize) -> ParseMailboxError {
    match found {
        '(' | ')' => ParseMailboxError::Comment { column },
        '<' | '>' => ParseMailboxError::AngleBracket { column },
        _ if found.is_whitespace() => ParseMailboxError::WhiteSpace { found, column },
        _ if is_invisible(found) => ParseMailboxError::InvisibleCharacter { found, column },
        _ => ParseMailboxError::UnexpectedCharacter { found, column },
    }
}
