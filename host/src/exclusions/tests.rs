//! Lists as operators write them, and what they may not write.

use std::io::Cursor;
use std::net::IpAddr;
use std::path::Path;

use super::read::ROOM;
use super::*;
use crate::list_lines::{LIST_LINE_MAX, Room};

fn list(text: &str) -> Exclusions {
    let mut exclusions = Exclusions::default();
    take_in(&mut exclusions, "list", text).unwrap();
    exclusions
}

fn take_in(exclusions: &mut Exclusions, name: &str, text: &str) -> Result<(), ExclusionError> {
    let reader = Cursor::new(text.as_bytes());
    exclusions.take_in(Path::new(name), reader, &mut { ROOM })
}

fn problem(text: &str) -> String {
    let mut exclusions = Exclusions::default();
    let error = take_in(&mut exclusions, "list", text).unwrap_err();
    error.to_string()
}

fn of_mailbox(exclusions: &Exclusions, mailbox: &str) -> Option<String> {
    let mailbox = Mailbox::parse(mailbox).unwrap();
    exclusions
        .of_mailbox(&mailbox)
        .map(|found| found.to_string())
}

fn of_address(exclusions: &Exclusions, address: &str) -> Option<String> {
    let address: IpAddr = address.parse().unwrap();
    exclusions
        .of_address(address)
        .map(|found| found.to_string())
}

#[test]
fn a_mailbox_is_excluded_in_any_case_of_letters() {
    let exclusions = list("# opted out\n\nAna@Example.COM  # by letter\nbob@bücher.example\n");
    let place = Some("ana@example.com (list line 3)".to_owned());
    for mailbox in ["ana@example.com", "ANA@EXAMPLE.com", "\"ana\"@example.com"] {
        assert_eq!(of_mailbox(&exclusions, mailbox), place, "{mailbox}");
    }
    assert!(of_mailbox(&exclusions, "bob@xn--bcher-kva.example").is_some());
    for other in [
        "ana+shop@example.com",
        "anna@example.com",
        "ana@example.net",
    ] {
        assert_eq!(of_mailbox(&exclusions, other), None, "{other}");
    }
}

/// The hash is what `printf %s ana@example.com | sha256sum` prints.
#[test]
fn a_hashed_mailbox_needs_no_address_on_the_list() {
    let digits = "8e43ca37701228e74983efdbd0cff5c16b3b1e5d4e29a7c05626d4d25a018e11";
    for digits in [digits.to_owned(), digits.to_uppercase()] {
        let exclusions = list(&format!("sha256:{digits}\n"));
        let found = of_mailbox(&exclusions, "Ana@EXAMPLE.com");
        assert_eq!(found.as_deref(), Some("ana@example.com (list line 1)"));
        assert_eq!(of_mailbox(&exclusions, "bob@example.com"), None);
        assert_eq!(exclusions.len(), 1);
    }
}

#[test]
fn a_domain_is_meant_alone_and_a_dot_adds_what_lies_below() {
    let exclusions = list("example.com\n.Example.NET\n.bücher.example\n");
    for (mailbox, entry) in [
        ("ana@example.com", Some("example.com (list line 1)")),
        ("ana@sub.example.com", None),
        ("ana@example.net", Some(".example.net (list line 2)")),
        ("ana@a.b.example.net", Some(".example.net (list line 2)")),
        ("ana@notexample.net", None),
        ("ana@example.net.test", None),
        (
            "ana@shop.xn--bcher-kva.example",
            Some(".xn--bcher-kva.example (list line 3)"),
        ),
    ] {
        assert_eq!(
            of_mailbox(&exclusions, mailbox).as_deref(),
            entry,
            "{mailbox}"
        );
    }
}

#[test]
fn exchanges_are_another_matter_than_domains() {
    let exclusions = list("mx:mx.example.com\nmx:.example.net\nexample.org\n");
    let of_exchange = |name: &str| exclusions.of_exchange(name).map(|found| found.to_string());
    let exact = Some("mx:mx.example.com (list line 1)".to_owned());
    let below = Some("mx:.example.net (list line 2)".to_owned());
    assert_eq!(of_exchange("mx.example.com"), exact);
    assert_eq!(of_exchange("a.mx.example.com"), None);
    assert_eq!(of_exchange("in.mail.example.net"), below);
    assert_eq!(of_exchange("example.net"), below);
    assert_eq!(of_exchange("example.org"), None);
    assert_eq!(of_mailbox(&exclusions, "ana@example.net"), None);
}

#[test]
fn an_address_is_excluded_in_every_form_that_leads_there() {
    let text = "192.0.2.0/24\n198.51.100.7\n2001:db8::/32\n192.0.2.8/29\n::ffff:203.0.113.0/120";
    let exclusions = list(text);
    for (address, entry) in [
        ("192.0.2.0", Some("192.0.2.0/24 (list line 1)")),
        ("192.0.2.255", Some("192.0.2.0/24 (list line 1)")),
        ("192.0.2.9", Some("192.0.2.8/29 (list line 4)")),
        ("192.0.3.0", None),
        ("198.51.100.7", Some("198.51.100.7/32 (list line 2)")),
        ("198.51.100.8", None),
        ("2001:db8:ffff::1", Some("2001:db8::/32 (list line 3)")),
        ("2001:db9::1", None),
        ("::ffff:192.0.2.1", Some("192.0.2.0/24 (list line 1)")),
        ("::192.0.2.1", Some("192.0.2.0/24 (list line 1)")),
        ("64:ff9b::192.0.2.1", Some("192.0.2.0/24 (list line 1)")),
        ("64:ff9b:1:c000:2:100::", Some("192.0.2.0/24 (list line 1)")),
        ("2002:c000:201::1", Some("192.0.2.0/24 (list line 1)")),
        // The client of a Teredo address is inverted; then the server.
        (
            "2001:0:c633:6401::3fff:fdfe",
            Some("192.0.2.0/24 (list line 1)"),
        ),
        (
            "2001:0:c000:201::f5ff:fffe",
            Some("192.0.2.0/24 (list line 1)"),
        ),
        ("203.0.113.7", Some("203.0.113.0/24 (list line 5)")),
        ("64:ff9b::203.0.114.1", None),
    ] {
        assert_eq!(
            of_address(&exclusions, address).as_deref(),
            entry,
            "{address}"
        );
    }
    let literal = of_mailbox(&exclusions, "ana@[192.0.2.1]");
    assert_eq!(literal.as_deref(), Some("192.0.2.0/24 (list line 1)"));
}

#[test]
fn lists_add_up_and_the_first_of_equal_entries_is_told() {
    let mut exclusions = list("example.com\n");
    take_in(&mut exclusions, "second", "example.com\nexample.net").unwrap();
    let found = of_mailbox(&exclusions, "ana@example.com");
    assert_eq!(found.as_deref(), Some("example.com (list line 1)"));
    let found = of_mailbox(&exclusions, "ana@example.net");
    assert_eq!(found.as_deref(), Some("example.net (second line 2)"));
    assert_eq!(exclusions.len(), 2);
    assert!(list("# nobody\n\n   \r\n").is_empty());
}

#[test]
fn a_sign_inside_of_a_local_part_begins_no_comment() {
    let exclusions = list("a#b@example.com #comment\r\n");
    assert!(of_mailbox(&exclusions, "a#b@example.com").is_some());
}

#[test]
fn a_line_that_is_not_understood_is_named_with_what_is_allowed() {
    for (line, message) in [
        ("ana@", "line 1: "),
        ("@example.com", "such as ana@example.com"),
        ("*.example.com", "without a *"),
        ("mx:*.example.com", "without a *"),
        ("exa mple.com", ".example.com for what lies below"),
        ("example..com", ".example.com for what lies below"),
        ("mx:", ".example.com for what lies below"),
        (".", ".example.com for what lies below"),
        ("192.0.2.0/33", "is no address and no range"),
        ("192.0.2/24", "is no address and no range"),
        ("2001:db8::g", "is no address and no range"),
        ("fe80::1%eth0", "is no address and no range"),
        ("192.0.2.1/24", "write 192.0.2.0/24 or one address"),
        ("192.0.2.256", "the last label \"256\" is a number"),
        ("sha256:abc", "64 hexadecimal digits"),
        (
            &format!("sha256:{}", "g".repeat(64)),
            "64 hexadecimal digits",
        ),
        (
            "example.com, example.net",
            ".example.com for what lies below",
        ),
    ] {
        let told = problem(line);
        assert!(told.starts_with("list line 1: "), "{line}: {told}");
        assert!(told.contains(message), "{line}: {told}");
    }
    assert!(problem("example.com\n\n# x\nana@\n").starts_with("list line 4: "));
    let prose = problem(&"somebody wrote a letter ".repeat(100));
    assert!(prose.contains("…\": ") && prose.len() < 400, "{prose}");
}

#[test]
fn bytes_that_are_no_text_are_named_with_their_line() {
    let mut exclusions = Exclusions::default();
    let reader = Cursor::new(b"example.com\nex\xffample.com\n");
    let read = exclusions.take_in(Path::new("list"), reader, &mut { ROOM });
    assert_eq!(
        read.unwrap_err().to_string(),
        "list line 2: it is not UTF-8"
    );
}

#[test]
fn a_list_within_the_limits_is_read_and_one_beyond_is_not() {
    let comment = |length: usize| format!("#{}\n", "x".repeat(length - 2));
    let longest = comment(LIST_LINE_MAX);
    assert!(list(&longest).is_empty());
    let told = problem(&format!("\n{}", comment(LIST_LINE_MAX + 1)));
    assert_eq!(told, "list line 2: it has more than 4096 bytes");

    let read = |text: &str, mut room: Room| {
        let mut exclusions = Exclusions::default();
        exclusions.take_in(Path::new("list"), Cursor::new(text.to_owned()), &mut room)
    };
    let text = "a.test\nb.test\n";
    let room = |lines, bytes| Room { lines, bytes };
    assert!(read(text, room(2, 14)).is_ok());
    let told = read(text, room(1, 14)).unwrap_err().to_string();
    assert!(told.contains("more than 20000000 lines"), "{told}");
    let told = read(text, room(2, 13)).unwrap_err().to_string();
    assert!(told.contains("more than 2000000000 bytes"), "{told}");
}

#[test]
fn a_list_that_cannot_be_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let told = Exclusions::read([&missing]).unwrap_err().to_string();
    assert!(told.contains("missing"), "{told}");
    assert!(Exclusions::read([folder.path()]).is_err());
}

#[test]
fn a_long_path_is_shown_by_its_end() {
    let mut exclusions = Exclusions::default();
    let name = format!("{}/opt-out", "é".repeat(300));
    take_in(&mut exclusions, &name, "example.com").unwrap();
    let found = of_mailbox(&exclusions, "ana@example.com").unwrap();
    assert!(
        found.contains("…é") && found.contains("/opt-out line 1"),
        "{found}"
    );
    assert!(found.len() < 400, "{found}");
}
