use proptest::prelude::*;

use super::*;

fn name(text: &str) -> String {
    DomainName::parse(text)
        .unwrap_or_else(|error| panic!("{text:?}: {error}"))
        .to_string()
}

fn fault(text: &str) -> (&'static str, usize) {
    match Domain::parse(text) {
        Ok(domain) => panic!("{text:?} was read as {domain}"),
        Err(error) => (error.code(), error.column()),
    }
}

#[test]
fn names_become_lower_case_a_labels() {
    for (text, ascii) in [
        ("EXAMPLE.com", "example.com"),
        ("ai", "ai"),
        ("3com.test", "3com.test"),
        ("ab--cd.test", "ab--cd.test"),
        ("bücher.test", "xn--bcher-kva.test"),
        ("BÜCHER.TEST", "xn--bcher-kva.test"),
        ("bu\u{308}cher.test", "xn--bcher-kva.test"),
        ("ｂｕｃｈ.test", "buch.test"),
        ("a。b．c｡test", "a.b.c.test"),
        ("so\u{ad}ft.test", "soft.test"),
        ("faß.test", "xn--fa-hia.test"),
        ("Xn--Fa-hia.test", "xn--fa-hia.test"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("क्\u{200d}ष.test", "xn--11b2ezcw70k.test"),
    ] {
        assert_eq!(name(text), ascii, "{text}");
    }
}

#[test]
fn a_name_can_be_shown_in_its_own_script() {
    let shown = |text: &str| DomainName::parse(text).unwrap().to_unicode().into_owned();
    assert_eq!(shown("xn--bcher-kva.test"), "bücher.test");
    assert_eq!(shown("BÜCHER.test"), "bücher.test");
    assert_eq!(shown("example.com"), "example.com");
}

#[test]
fn what_is_no_host_name_is_refused_at_its_column() {
    for (text, expected) in [
        ("", ("domain-empty", 1)),
        (".", ("domain-label-empty", 1)),
        ("x.test.", ("domain-trailing-dot", 7)),
        ("x。", ("domain-trailing-dot", 2)),
        ("x..test", ("domain-label-empty", 3)),
        (".test", ("domain-label-empty", 1)),
        ("x.\u{ad}.test", ("domain-label-empty", 3)),
        ("-x.test", ("domain-label-hyphen", 1)),
        ("a.x-.test", ("domain-label-hyphen", 3)),
        ("a_b.test", ("domain-unexpected-character", 2)),
        ("a b.test", ("domain-unexpected-character", 2)),
        ("ä/b.test", ("domain-unexpected-character", 2)),
        ("a\u{0}b.test", ("domain-unexpected-character", 2)),
        ("a\u{3000}b.test", ("domain-unexpected-character", 2)),
        ("192.0.2.1", ("domain-numeric-top-level", 9)),
        ("a.123", ("domain-numeric-top-level", 3)),
        ("١.٢", ("domain-label-invalid", 1)),
    ] {
        assert_eq!(fault(text), expected, "{text:?}");
    }
}

#[test]
fn internationalised_labels_obey_uts_46_and_bidi() {
    for (text, expected) in [
        // Unassigned, disallowed, a leading mark, a joiner without its context.
        ("a.\u{378}.test", ("domain-label-invalid", 3)),
        ("\u{2ff0}.test", ("domain-label-invalid", 1)),
        ("\u{301}a.test", ("domain-label-invalid", 1)),
        ("a\u{200d}b.test", ("domain-label-invalid", 1)),
        // Maps to letters with a slash between them.
        ("\u{2100}.test", ("domain-label-invalid", 1)),
        // Hyphens in the third and fourth place of a U-label.
        ("äb--c.test", ("domain-label-invalid", 1)),
        // A right-to-left label may not begin with a digit; as a neighbour it forbids one.
        ("1א.test", ("domain-label-invalid", 1)),
        ("1a.א.test", ("domain-mixed-directions", 1)),
        // Does not decode; stands for ASCII; decodes to a capital letter and to an accent that
        // stands apart from its letter.
        ("a.xn--999999999.test", ("domain-a-label-invalid", 3)),
        ("xn--.test", ("domain-label-hyphen", 1)),
        ("xn--abc-.test", ("domain-label-hyphen", 1)),
        ("xn--bcher-2pa.test", ("domain-a-label-invalid", 1)),
        ("xn--ea-8tb.test", ("domain-a-label-invalid", 1)),
    ] {
        assert_eq!(fault(text), expected, "{text:?}");
    }
}

#[test]
fn labels_have_at_most_63_octets_and_names_253() {
    let label = "d".repeat(63);
    assert_eq!(name(&format!("{label}.test")).len(), 68);
    assert_eq!(
        fault(&format!("a.{label}d.test")),
        ("domain-label-too-long", 3)
    );
    let longest = format!("{label}.{label}.{label}.{}", "d".repeat(61));
    assert_eq!(name(&longest).len(), DOMAIN_NAME_MAX);
    assert_eq!(fault(&format!("{longest}d")), ("domain-too-long", 1));
    // 58 letters as written, and more than 63 octets as an A-label.
    let mixed: String = (0..58)
        .map(|n| char::from_u32(0x4e00 + n * 37).unwrap())
        .collect();
    assert_eq!(
        fault(&format!("{mixed}.test")),
        ("domain-label-too-long", 1)
    );
}

#[test]
fn longer_text_than_any_name_is_refused_unread() {
    for text in [
        "d".repeat(DOMAIN_INPUT_MAX + 1),
        format!("[{}", "1".repeat(DOMAIN_INPUT_MAX)),
    ] {
        assert_eq!(fault(&text), ("domain-input-too-long", 1));
    }
    assert_eq!(
        fault(&"d".repeat(DOMAIN_INPUT_MAX)),
        ("domain-label-too-long", 1)
    );
}

#[test]
fn literals_carry_an_address() {
    for (text, sent, ip) in [
        ("[192.0.2.1]", "[192.0.2.1]", Some("192.0.2.1")),
        (
            "[IPv6:2001:db8::1]",
            "[IPv6:2001:db8::1]",
            Some("2001:db8::1"),
        ),
        (
            "[IPV6:2001:DB8:0::0:1]",
            "[IPv6:2001:db8::1]",
            Some("2001:db8::1"),
        ),
        (
            "[IPv6:::ffff:192.0.2.1]",
            "[IPv6:::ffff:192.0.2.1]",
            Some("::ffff:192.0.2.1"),
        ),
        ("[x-400:abc]", "[x-400:abc]", None),
    ] {
        let domain = Domain::parse(text).unwrap();
        assert_eq!(domain.to_string(), sent);
        assert_eq!(domain.ip(), ip.map(|ip| ip.parse().unwrap()));
        assert_eq!(domain.name(), None);
    }
}

#[test]
fn literals_of_doubtful_form_are_refused() {
    for (text, expected) in [
        ("[]", ("literal-invalid", 1)),
        ("[192.0.2]", ("literal-invalid", 1)),
        ("[192.0.2.01]", ("literal-invalid", 1)),
        ("[0x7f.0.0.1]", ("literal-invalid", 1)),
        ("[3221225985]", ("literal-invalid", 1)),
        ("[192.0.2.1:25]", ("literal-invalid", 1)),
        ("[ 192.0.2.1]", ("literal-invalid", 1)),
        ("[:abc]", ("literal-invalid", 1)),
        ("[tag:]", ("literal-invalid", 1)),
        ("[tag-:abc]", ("literal-invalid", 1)),
        ("[tag:a\\b]", ("literal-invalid", 1)),
        ("[tag:ä]", ("literal-invalid", 1)),
        ("[IPv6:]", ("literal-ipv6-invalid", 1)),
        ("[IPv6:fe80::1%eth0]", ("literal-ipv6-invalid", 1)),
        ("[IPv6:192.0.2.1]", ("literal-ipv6-invalid", 1)),
        ("[::1]", ("literal-ipv6-tag-missing", 1)),
        ("[192.0.2.1", ("literal-unclosed", 11)),
        ("[192.0.2.1]x", ("literal-unclosed", 12)),
        ("[192.0.2.1]]", ("literal-unclosed", 12)),
    ] {
        assert_eq!(fault(text), expected, "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_text_gives_an_ascii_name_that_parses_to_itself_or_an_error(text in "\\PC{0,40}") {
        if let Ok(name) = DomainName::parse(&text) {
            prop_assert!(name.as_str().is_ascii());
            prop_assert!(name.as_str().len() <= DOMAIN_NAME_MAX);
            prop_assert!(name.labels().all(|label| (1..=LABEL_MAX).contains(&label.len())));
            prop_assert_eq!(&DomainName::parse(name.as_str()).unwrap(), &name);
            prop_assert_eq!(&DomainName::parse(&name.to_unicode()).unwrap(), &name);
        }
    }

    #[test]
    fn scripts_and_joiners_give_a_name_that_parses_to_itself_or_an_error(
        text in "[a-z0-9.\u{ad}\u{200c}\u{200d}äßאبक्ष用。ｱ-]{1,12}(\\.test)?"
    ) {
        if let Ok(name) = DomainName::parse(&text) {
            prop_assert_eq!(&DomainName::parse(name.as_str()).unwrap(), &name);
            prop_assert_eq!(&DomainName::parse(&name.to_unicode()).unwrap(), &name);
        }
    }
}
