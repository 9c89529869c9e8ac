use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::command::{COMMAND_LINE_MAX, Command};

fn wire(text: &str) -> String {
    Mailbox::parse(text)
        .unwrap_or_else(|error| panic!("{text:?}: {error}"))
        .to_string()
}

/// Code and column of the error that a text gives.
fn fault(text: &str) -> (&'static str, usize) {
    match Mailbox::parse(text) {
        Ok(mailbox) => panic!("{text:?} was read as {mailbox}"),
        Err(error) => (error.code(), error.column()),
    }
}

#[test]
fn valid_addresses_go_on_the_wire_as_written() {
    for text in [
        "a@x.test",
        "User.Name+tag@x.test",
        "!#$%&'*+-/=?^_`{|}~@x.test",
        "u%d.test@r.test",
        "host.test!user@r.test",
        "u@ai",
        "0@0.x.test",
        "\"a b\"@x.test",
        "\"a\\\"b\"@x.test",
        "\"a\\\\b\"@x.test",
        "\"a@b\"@x.test",
        "\".\"@x.test",
        "\"a..b\"@x.test",
        "\"\"@x.test",
        "\"<@\"@x.test",
        "\"(c)\"@x.test",
        "用户@x.test",
        "u@[192.0.2.1]",
        "u@[IPv6:2001:db8::1]",
        "u@[x400:c=xx;a=yy@z]",
    ] {
        assert_eq!(wire(text), text);
        assert_eq!(Mailbox::parse(text).unwrap().original(), text);
    }
}

#[test]
fn quoting_that_is_not_needed_is_left_out() {
    for (text, sent) in [
        ("\"ab\"@x.test", "ab@x.test"),
        ("\"a.b\"@x.test", "a.b@x.test"),
        ("\"\\a\\b\"@x.test", "ab@x.test"),
        ("\"a\\ b\"@x.test", "\"a b\"@x.test"),
        ("\"\\@\"@x.test", "\"@\"@x.test"),
        ("\"用户\"@x.test", "用户@x.test"),
    ] {
        assert_eq!(wire(text), sent, "{text}");
        assert_eq!(Mailbox::parse(text).unwrap(), Mailbox::parse(sent).unwrap());
    }
}

#[test]
fn the_domain_is_sent_in_lower_case_a_labels_and_the_local_part_untouched() {
    for (text, sent) in [
        ("User@X.TEST", "User@x.test"),
        ("u@bücher.test", "u@xn--bcher-kva.test"),
        ("U@BÜCHER。test", "U@xn--bcher-kva.test"),
        ("u@straße.test", "u@xn--strae-oqa.test"),
        ("u@XN--BCHER-KVA.test", "u@xn--bcher-kva.test"),
        ("e\u{301}@x.test", "e\u{301}@x.test"),
        ("u@[ipv6:2001:DB8:0:0::1]", "u@[IPv6:2001:db8::1]"),
    ] {
        assert_eq!(wire(text), sent, "{text}");
    }
}

#[test]
fn text_that_only_headers_allow_is_refused_at_its_column() {
    for (text, expected) in [
        ("", ("empty", 1)),
        ("a(c)@x.test", ("comment", 2)),
        ("a @x.test", ("white-space", 2)),
        (" a@x.test", ("white-space", 1)),
        ("N <a@x.test>", ("angle-bracket", 3)),
        ("\"N\" <a@x.test>", ("angle-bracket", 5)),
        ("<a@x.test>", ("angle-bracket", 1)),
        ("<a@x.test", ("angle-bracket", 1)),
        ("<@a.test,@b.test:u@c.test>", ("source-route", 2)),
        ("@a.test:u@c.test", ("source-route", 1)),
        ("a@x.test (c)", ("domain-unexpected-character", 9)),
        ("a@x.test, b@x.test", ("second-at", 12)),
        ("a;b@x.test", ("unexpected-character", 2)),
        ("a\u{a0}b@x.test", ("white-space", 2)),
        ("a\u{200b}@x.test", ("invisible-character", 2)),
        ("\u{feff}a@x.test", ("invisible-character", 1)),
    ] {
        assert_eq!(fault(text), expected, "{text:?}");
    }
}

#[test]
fn faults_of_the_local_part_name_their_column() {
    for (text, expected) in [
        ("@x.test", ("local-part-empty", 1)),
        (".a@x.test", ("misplaced-dot", 1)),
        ("a.@x.test", ("misplaced-dot", 2)),
        ("ä..b@x.test", ("misplaced-dot", 3)),
        (".@x.test", ("misplaced-dot", 1)),
        ("a", ("missing-at", 2)),
        ("\"a\"", ("missing-at", 4)),
        ("a\"b\"@x.test", ("unexpected-character", 2)),
        ("\"a\"b@x.test", ("text-after-quote", 4)),
        ("\"a\".b@x.test", ("text-after-quote", 4)),
        ("\"a@x.test", ("unclosed-quote", 1)),
        ("\"a\\\"@x.test", ("unclosed-quote", 1)),
        ("\"\\", ("unclosed-quote", 1)),
        ("\"a\\ä\"@x.test", ("escaped-non-ascii", 4)),
    ] {
        assert_eq!(fault(text), expected, "{text:?}");
    }
}

#[test]
fn faults_of_the_domain_are_counted_from_the_beginning_of_the_text() {
    for (text, expected) in [
        ("a@", ("domain-empty", 3)),
        ("a@x.test.", ("domain-trailing-dot", 9)),
        ("a@x..test", ("domain-label-empty", 5)),
        ("a@.x.test", ("domain-label-empty", 3)),
        ("ü@-x.test", ("domain-label-hyphen", 3)),
        ("a@x.test ", ("domain-unexpected-character", 9)),
        ("a@my_host.test", ("domain-unexpected-character", 5)),
        ("a@b@x.test", ("second-at", 4)),
        ("a@192.0.2.1", ("domain-numeric-top-level", 11)),
        ("a@[192.0.2.1", ("literal-unclosed", 13)),
        ("a@[192.0.2.1].test", ("literal-unclosed", 14)),
        ("a@[2001:db8::1]", ("literal-ipv6-tag-missing", 3)),
        ("a@x.xn--zzzzzzzzzzz", ("domain-a-label-invalid", 5)),
    ] {
        assert_eq!(fault(text), expected, "{text:?}");
    }
}

#[test]
fn what_could_end_the_command_line_is_refused() {
    for (text, column) in [
        ("a@x.test\r\nRCPT TO:<b@x.test>", 9),
        ("a\r\n@x.test", 2),
        ("\"a\nb\"@x.test", 3),
        ("a\0@x.test", 2),
        ("\"a\tb\"@x.test", 3),
        ("\"\\\r\"@x.test", 3),
        ("a\u{7f}@x.test", 2),
        ("a\u{85}@x.test", 2),
        ("\u{1b}[31ma@x.test", 1),
    ] {
        assert_eq!(fault(text), ("control-character", column), "{text:?}");
    }
}

#[test]
fn a_local_part_has_at_most_64_octets_of_its_wire_form() {
    assert_eq!(wire(&format!("{}@x.test", "a".repeat(64))).len(), 71);
    assert_eq!(
        fault(&format!("{}@x.test", "a".repeat(65))),
        ("local-part-too-long", 1)
    );
    assert_eq!(wire(&format!("{}@x.test", "ü".repeat(32))).len(), 71);
    assert_eq!(
        fault(&format!("{}@x.test", "ü".repeat(33))),
        ("local-part-too-long", 1)
    );
    // Quotes and backslashes count only where they are sent.
    assert_eq!(wire(&format!("\"{}\"@x.test", "\\a".repeat(64))).len(), 71);
    assert_eq!(wire(&format!("\"{} \"@x.test", "a".repeat(61))).len(), 71);
    assert_eq!(
        fault(&format!("\"{} \"@x.test", "a".repeat(62))),
        ("local-part-too-long", 1)
    );
}

#[test]
fn an_address_has_at_most_254_octets_with_its_domain_in_a_labels() {
    let domain = |octets: usize| {
        let labels = format!("{0}.{0}.{0}.", "d".repeat(60));
        let last = "d".repeat(octets - labels.len());
        labels + &last
    };
    let longest = format!("{}@{}", "a".repeat(20), domain(233));
    assert_eq!(wire(&longest).len(), 254);
    let mailbox = format!("{}@{}", "a".repeat(21), domain(233));
    assert_eq!(fault(&mailbox), ("address-too-long", 1));
    // Within the limit in characters, beyond it once the domain is in A-labels.
    let converted = format!("{}@{}.{}", "a".repeat(20), "ü".repeat(10), domain(219));
    assert_eq!(converted.chars().count(), 251);
    assert_eq!(fault(&converted), ("address-too-long", 1));
}

#[test]
fn longer_addresses_are_let_through_where_that_is_wanted_up_to_a_command_line() {
    let long = |text: &str| Mailbox::parse_within(text, Lengths::Sendable);
    let of_length = |octets: usize| format!("{}@x.test", "a".repeat(octets - "@x.test".len()));
    for octets in [72, 255, LONG_ADDRESS_MAX] {
        let text = of_length(octets);
        assert!(Mailbox::parse(&text).is_err());
        assert_eq!(long(&text).unwrap().to_string(), text);
    }
    let error = long(&of_length(LONG_ADDRESS_MAX + 1)).unwrap_err();
    assert_eq!((error.code(), error.column()), ("address-unsendable", 1));
    let mut line = Vec::new();
    let longest = of_length(LONG_ADDRESS_MAX);
    assert_eq!(Command::RcptTo(&longest).encode(&mut line), Ok(()));
    assert_eq!(line.len(), COMMAND_LINE_MAX);
    // Everything else holds as it does for the others.
    assert_eq!(long("a(c)@x.test").unwrap_err().code(), "comment");
    let label = format!("a@{}.test", "d".repeat(64));
    assert_eq!(long(&label).unwrap_err().code(), "domain-label-too-long");
}

#[test]
fn longer_text_than_any_address_is_refused_unread() {
    let text = format!("{}@x.test", "\\".repeat(MAILBOX_INPUT_MAX));
    assert_eq!(fault(&text), ("input-too-long", 1));
    let just_read = format!("{}@x.test", "a".repeat(MAILBOX_INPUT_MAX - 7));
    assert_eq!(fault(&just_read), ("local-part-too-long", 1));
}

#[test]
fn local_parts_keep_case_domains_do_not_and_postmaster_is_special() {
    let same = |a: &str, b: &str| {
        let (a, b) = (Mailbox::parse(a).unwrap(), Mailbox::parse(b).unwrap());
        assert_eq!(a == b, HashSet::from([&a, &b]).len() == 1);
        a == b
    };
    assert!(same("A@X.test", "A@x.TEST"));
    assert!(!same("a@x.test", "A@x.test"));
    assert!(same("Postmaster@x.test", "postMASTER@x.test"));
    assert!(!same("postmaster@x.test", "postmaster@y.test"));
    assert!(same("\"a\"@x.test", "a@x.test"));
    assert!(same("a@bücher.test", "a@xn--bcher-kva.test"));
    assert_eq!(wire("PostMaster@x.test"), "PostMaster@x.test");
}

#[test]
fn only_local_parts_outside_of_ascii_need_smtputf8() {
    for (text, needed) in [
        ("a@x.test", false),
        ("a@bücher.test", false),
        ("ä@x.test", true),
        ("\"ä b\"@x.test", true),
    ] {
        assert_eq!(
            Mailbox::parse(text).unwrap().needs_smtputf8(),
            needed,
            "{text}"
        );
    }
}

#[test]
fn a_message_shows_control_characters_escaped() {
    let error = Mailbox::parse("a\u{1b}@x.test").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the control character '\\u{1b}' cannot be in an address; remove it"
    );
}

/// Strings that are addresses or nearly are: pieces of the grammar in any order.
fn nearly_an_address() -> impl Strategy<Value = String> {
    let pieces = |pieces: &[&'static str]| prop::sample::select(pieces.to_vec());
    let marks = pieces(&["@", ".", "\"", "\\", "-", "[", "]", ":", "<", ">", " "]);
    let words = pieces(&[
        "xn--",
        "IPv6:",
        "192.0.2.1",
        "ü",
        "。",
        "\u{ad}",
        "\u{200d}",
    ]);
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9]{1,5}",
        2 => marks.prop_map(str::to_owned),
        1 => words.prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Any content of a local part in quotes, at any domain.
fn quoted_address() -> impl Strategy<Value = String> {
    let domain = prop::sample::select(vec!["x.test", "BÜCHER.test", "[192.0.2.1]", "[IPv6:::1]"]);
    ("[ -~äß用]{0,20}", domain).prop_map(|(content, domain)| {
        let escaped = content.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{escaped}\"@{domain}")
    })
}

fn check_round_trip(text: &str) -> Result<(), TestCaseError> {
    match Mailbox::parse(text) {
        Ok(mailbox) => {
            let printed = mailbox.to_string();
            let again = Mailbox::parse(&printed).unwrap();
            prop_assert_eq!(&again, &mailbox);
            prop_assert_eq!(again.to_string(), printed);
            prop_assert_eq!(mailbox.original(), text);
            prop_assert!(mailbox.to_string().len() <= ADDRESS_MAX);
            prop_assert!(!mailbox.to_string().chars().any(char::is_control));
        }
        Err(error) => {
            let columns = text.chars().count() + 1;
            prop_assert!(
                (1..=columns).contains(&error.column()),
                "{:?}: {}",
                text,
                error
            );
            prop_assert!(!error.to_string().chars().any(char::is_control));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_gives_a_mailbox_or_an_error(text in any::<String>()) {
        check_round_trip(&text)?;
    }

    #[test]
    fn pieces_of_addresses_give_a_mailbox_or_an_error(text in nearly_an_address()) {
        check_round_trip(&text)?;
    }

    #[test]
    fn whatever_stands_in_quotes_survives_printing(text in quoted_address()) {
        prop_assert!(Mailbox::parse(&text).is_ok(), "{}", text);
        check_round_trip(&text)?;
    }
}
