//! The exit codes are those that the page and the source tell, in the same words.

use std::fs;

use vrfy_tests::program::root;

/// The rows of a table of codes: lines such as `| 3 | the list ... |`.
fn rows(text: &str, prefix: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(prefix));
    let rows = lines.filter(|line| {
        let code = line
            .strip_prefix("| ")
            .and_then(|rest| rest.split(' ').next());
        code.is_some_and(|code| code.parse::<u8>().is_ok())
    });
    rows.map(str::to_owned).collect()
}

#[test]
fn the_page_tells_the_exit_codes_of_the_source() {
    let source = fs::read_to_string(root().join("host/src/error.rs")).unwrap();
    let page = fs::read_to_string(root().join("docs/output.md")).unwrap();
    let codes = rows(&source, "//! ");
    assert_eq!(codes.len(), 9, "{codes:?}");
    assert_eq!(rows(&page, ""), codes);
}
