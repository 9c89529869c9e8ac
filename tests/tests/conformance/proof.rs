//! Whether what a rule names as its test is there.

use std::fs;

use vrfy_tests::program::root;

/// Lines of attributes in front of a test at most.
const ATTRIBUTES_MAX: usize = 8;

/// What shows a rule must be a test function, a policy case, a dialogue, a fuzz target, or a part
/// of the program that tests against real servers.
pub(crate) fn check(reference: &str) -> Result<(), &'static str> {
    let (path, name) = match reference.split_once("::") {
        Some((path, name)) => (path, Some(name)),
        None => (reference, None),
    };
    let text = fs::read_to_string(root().join(path)).map_err(|_| "no such file")?;
    match name {
        Some(name) if path.ends_with(".rs") => match has_test(&text, name) {
            true => Ok(()),
            false => Err("no such test"),
        },
        Some(name) if path.starts_with("tests/data/policies/") => {
            let line = format!("name = \"{name}\"");
            let is_there = text.lines().any(|one| one == line);
            is_there.then_some(()).ok_or("no such case")
        }
        None if path.ends_with(".smtp") => Ok(()),
        None if path.contains("/fuzz/") => Ok(()),
        None if path.starts_with("tests/tests/real_servers/") => Ok(()),
        _ => Err("neither a test nor a dialogue"),
    }
}

/// Whether a function of that name stands there behind an attribute that makes it a test.
fn has_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let heads = ["fn ", "async fn "].map(|head| format!("{head}{name}("));
    let is_head = |line: &str| heads.iter().any(|head| line.starts_with(head.as_str()));
    let is_test = |line: &&str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    (0..lines.len()).filter(|at| is_head(lines[*at])).any(|at| {
        let before = lines[..at].iter().rev().take(ATTRIBUTES_MAX);
        before.take_while(|line| **line != "}").any(is_test)
    })
}
