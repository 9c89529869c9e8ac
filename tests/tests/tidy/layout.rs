//! What rustfmt's layout tells of Rust without parsing it.

/// Lines of the body of the function that begins at the first line, if one begins there.
pub(crate) fn function_length(lines: &[&str]) -> Option<usize> {
    let first = lines.first()?;
    let indent = &first[..first.len() - first.trim_start().len()];
    let words = first.split_whitespace();
    let before_name = words.take_while(|word| *word != "fn");
    let is_qualifier = |word: &str| {
        word.starts_with("pub") || ["const", "async", "unsafe", "extern", "\"C\""].contains(&word)
    };
    if !first.contains("fn ") || !before_name.into_iter().all(is_qualifier) {
        return None;
    }
    let opening = lines
        .iter()
        .position(|line| line.ends_with(['{', '}', ';']))?;
    if lines[opening].ends_with(';') {
        return None;
    }
    if lines[opening].ends_with('}') {
        return Some(0);
    }
    let body = &lines[opening + 1..];
    let end = body
        .iter()
        .position(|line| line.strip_prefix(indent) == Some("}"))?;
    let is_counted = |line: &&&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    Some(body[..end].iter().filter(is_counted).count())
}

/// Whether the line has this name as a whole, not as a part of a longer one.
pub(crate) fn names(line: &str, name: &str) -> bool {
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        !before.is_some_and(is_of_word) && (name.ends_with('{') || !after.is_some_and(is_of_word))
    })
}
