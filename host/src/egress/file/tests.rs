//! Egress files as operators write them, and what is refused when they are read.

use super::*;

fn told(text: &str) -> String {
    let mistake = parse(text).expect_err("it is refused");
    mistake.locate(Path::new("egress.toml"), text).to_string()
}

#[test]
fn every_key_is_read() {
    let text = r#"
        [[egress]]
        name = "blue"
        source-v4 = "192.0.2.10"
        source-v6 = "2001:db8::10"
        helo = "Blue.Example.COM"
        helo-v6 = "blue6.example.com"
        mail-from = "probe@bücher.example"
        weight = 3

        [[egress]]
        name = "green-2"
        source-v6 = "2001:db8::11"
    "#;
    let egresses = parse(text).unwrap();
    let [blue, green] = &egresses.iter().collect::<Vec<_>>()[..] else {
        panic!("{egresses:?}");
    };
    let shown = |leg: &Leg| leg.ehlo_name.as_ref().map(ToString::to_string);
    assert_eq!(blue.name.as_deref(), Some("blue"));
    assert_eq!(
        blue.v4.source,
        Source::Address("192.0.2.10".parse().unwrap())
    );
    assert_eq!(
        blue.v6.source,
        Source::Address("2001:db8::10".parse().unwrap())
    );
    assert_eq!(shown(&blue.v4).as_deref(), Some("blue.example.com"));
    assert_eq!(shown(&blue.v6).as_deref(), Some("blue6.example.com"));
    assert_eq!(
        blue.reverse_path.to_string(),
        "<probe@xn--bcher-kva.example>"
    );
    assert_eq!(blue.weight, 3);
    assert_eq!(green.v4.source, Source::None);
    assert_eq!(shown(&green.v6), None);
    assert_eq!(green.reverse_path, ReversePath::Null);
    assert_eq!(green.weight, 1);
}

#[test]
fn the_shipped_example_can_be_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/egress.toml");
    let egresses = Egresses::load(&path).unwrap();
    assert!(egresses.iter().count() > 1);
}

/// What stands behind a sound table, where it is wrong, and a part of what is told.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("halo = \"a.example.com\"", "line 4, column 1: ", "helo"),
    (
        "helo = \"localhost\"",
        "line 4, column 8: ",
        "this very host",
    ),
    ("helo = \"probe\"", "line 4, column 8: ", "single label"),
    ("helo = \"192.0.2.1\"", "line 4, column 8: ", "not valid"),
    (
        "helo-v6 = \"a.example.com\"",
        "line 4, column 11: ",
        "without a source",
    ),
    ("mail-from = \"probe\"", "line 4, column 13: ", "null path"),
    ("weight = 0", "line 4, column 10: ", "1 to 1000"),
    ("weight = 1001", "line 4, column 10: ", "1 to 1000"),
    ("weight = -1", "line 4, column 10: ", "u32"),
    (
        "source-v6 = \"192.0.2.1\"",
        "line 4, column 13: ",
        "2001:db8::10",
    ),
    ("source-v6 = \"::\"", "line 4, column 13: ", "2001:db8::10"),
    (
        "source-v6 = \"::ffff:192.0.2.2\"",
        "line 4, column 13: ",
        "2001:db8::10",
    ),
    (
        "source-v6 = \"ff02::1\"",
        "line 4, column 13: ",
        "2001:db8::10",
    ),
    (
        "[[egress]]\nname = \"b\"",
        "line 4, column 1: ",
        "needs source-v4",
    ),
    (
        "[[egress]]\nname = \"a\"",
        "line 5, column 8: ",
        "two egresses",
    ),
    (
        "[[egress]]\nname = \"B\"",
        "line 5, column 8: ",
        "lower-case",
    ),
    (
        "[[egress]]\nname = \"\"",
        "line 5, column 8: ",
        "lower-case",
    ),
    (
        "[[egress]]\nname = \"b\"\nsource-v4 = \"192.0.2.1\"",
        "line 6, column 13: ",
        "is the source of the egress \"a\" too",
    ),
    (
        "[[egress]]\nsource-v4 = \"192.0.2.2\"",
        "line 4, column 1: ",
        "name",
    ),
];

#[test]
fn a_mistake_is_told_with_its_line_and_column() {
    let one = "[[egress]]\nname = \"a\"\nsource-v4 = \"192.0.2.1\"\n";
    for (more, line, message) in MISTAKES {
        let told = told(&format!("{one}{more}\n"));
        assert!(
            told.starts_with(&format!("egress.toml {line}")),
            "{more}: {told}"
        );
        assert!(told.contains(message), "{more}: {told}");
    }
    assert!(told("# nothing\n").contains("no [[egress]] table"));
}

#[test]
fn a_name_has_a_longest() {
    let text = |length| {
        let name = "a".repeat(length);
        format!("[[egress]]\nname = \"{name}\"\nsource-v4 = \"192.0.2.1\"")
    };
    assert!(parse(&text(NAME_MAX)).is_ok());
    assert!(told(&text(NAME_MAX + 1)).contains("1 to 64"));
}

#[test]
fn a_file_has_a_size_and_a_number_of_egresses_that_it_may_not_exceed() {
    let table =
        |n: usize| format!("[[egress]]\nname = \"e{n}\"\nsource-v6 = \"2001:db8::{n:x}\"\n");
    let text: String = (1..=EGRESSES_MAX).map(table).collect();
    assert_eq!(parse(&text).unwrap().iter().count(), EGRESSES_MAX);
    let more = text + &table(EGRESSES_MAX + 1);
    assert!(told(&more).contains("more than 256"));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("egress.toml");
    let size = usize::try_from(EGRESS_FILE_BYTES_MAX).unwrap();
    let padded = |size: usize| format!("{}{}", table(1), "#".repeat(size - table(1).len()));
    std::fs::write(&file, padded(size)).unwrap();
    assert!(Egresses::load(&file).is_ok());
    std::fs::write(&file, padded(size + 1)).unwrap();
    let told = Egresses::load(&file).unwrap_err().to_string();
    assert!(told.contains("more than 1048576 bytes"), "{told}");
}
