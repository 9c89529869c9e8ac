use std::fs;
use std::io::Cursor;
use std::path::Path;

use proptest::prelude::*;
use vrfy_proto::mailbox::Lengths;

use super::entry::Entry;
use super::*;
use crate::list_lines::LIST_LINE_MAX;

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse_within(text, Lengths::Sendable).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn tags_of(tags: &Tags, text: &str) -> String {
    tags.of(&mailbox(text)).join(" ")
}

/// Built-in lists and these, one `NAME=LINES` each.
fn with(tags: Tags, lists: &[(&str, &str)]) -> Result<Tags, TagError> {
    let folder = tempfile::tempdir().unwrap();
    let files = lists.iter().enumerate().map(|(index, (name, lines))| {
        let path = folder.path().join(format!("{index}.txt"));
        fs::write(&path, lines).unwrap();
        let name = (*name).to_owned();
        TagFile { name, path }
    });
    tags.with_files(&files.collect::<Vec<_>>())
}

fn read(lines: &[u8], room: &mut Room) -> Result<Vec<Entry>, TagError> {
    let mut entries = Vec::new();
    let take = |entry| entries.push(entry);
    read::lines(Path::new("own.txt"), Cursor::new(lines), room, take)?;
    Ok(entries)
}

#[test]
fn built_in_lists_are_sorted_and_every_entry_is_written_as_it_is_searched_for() {
    for (name, list) in BUILT_IN {
        let entries: Vec<&str> = list.entries().collect();
        assert!(entries.len() > 500, "{name}: {} entries", entries.len());
        assert!(entries.is_sorted_by(|a, b| a < b), "{name} is not sorted");
        for text in entries {
            let entry = entry::parse(text).unwrap().unwrap();
            assert_eq!(&*entry.text, text, "{name}");
            assert!(
                !entry.is_exception && list.has(text.chars()),
                "{name}: {text}"
            );
        }
    }
}

#[test]
fn a_head_says_where_a_list_comes_from() {
    for list in [
        "disposable-domains",
        "free-providers",
        "role-accounts",
        "top-level-domains",
    ] {
        let path = format!("{}/data/lists/{list}.txt", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(path).unwrap();
        let head = text.lines().take_while(|line| line.starts_with('#'));
        let sources = head.filter(|line| line.starts_with("# From ")).count();
        assert!(sources > 0, "{list} names no package");
        let rest = text.lines().skip_while(|line| line.starts_with('#'));
        assert!(rest.clone().all(|line| !line.starts_with('#')), "{list}");
    }
}

#[test]
fn no_big_provider_and_no_relay_is_disposable() {
    let relays = include_str!("../../data/lists/relays.txt");
    let relays = relays.lines().filter(|line| !line.starts_with('#'));
    let tags = Tags::built_in();
    for domain in typo::big_providers().chain(relays.clone()) {
        let found = tags_of(&tags, &format!("ana@{domain}"));
        assert!(!found.contains(DISPOSABLE_DOMAIN), "{domain}: {found}");
    }
    assert!(typo::big_providers().count() > 80 && relays.count() > 5);
}

#[test]
fn every_big_provider_is_one() {
    let tags = Tags::built_in();
    for domain in typo::big_providers() {
        assert_eq!(tags_of(&tags, &format!("ana@{domain}")), FREE_PROVIDER);
        assert_eq!(tags.suggestion(&mailbox(&format!("ana@{domain}"))), None);
    }
}

#[test]
fn tags_are_what_the_built_in_lists_say() {
    let tags = Tags::built_in();
    for (address, expected) in [
        ("ana@example.com", ""),
        ("info@example.com", "role-account"),
        ("Info@EXAMPLE.com", "role-account"),
        ("POSTMASTER@example.com", "role-account"),
        ("support+case-7@example.com", "role-account"),
        ("\"info\"@example.com", "role-account"),
        ("info@[192.0.2.1]", "role-account"),
        ("information.desk@example.com", ""),
        ("paris@example.com", ""),
        ("ana@mailinator.com", "disposable-domain"),
        ("ana@Any.Thing.MAILINATOR.com", "disposable-domain"),
        ("ana@mailinator.com.example.org", ""),
        ("ana@gmail.com", "free-provider"),
        ("ana@GMAIL.com", "free-provider"),
        ("ana@staff.gmail.com", ""),
        ("sales@gmx.de", "free-provider role-account"),
        ("ana@facebook.com", ""),
    ] {
        assert_eq!(tags_of(&tags, address), expected, "{address}");
    }
    assert_eq!(tags_of(&Tags::default(), "info@mailinator.com"), "");
}

#[test]
fn own_lists_add_correct_and_make_tags() {
    let lists = [
        (
            "customer",
            "shop.test\n.group.test # and all shops\nAna@other.test\n",
        ),
        ("customer", "Bücher.test\n!new.group.test"),
        ("role-account", "rezeption@\n!info@\n!sales@kept.test\n"),
        ("disposable-domain", ".thrown.test\n!.mailinator.com\n"),
        ("empty", "\u{feff}# nobody\n\n"),
    ];
    let tags = with(Tags::built_in(), &lists).unwrap();
    for (address, expected) in [
        ("bob@shop.test", "customer"),
        ("bob@a.shop.test", ""),
        ("bob@group.test", "customer"),
        ("bob@a.b.group.test", "customer"),
        ("bob@new.group.test", ""),
        ("ana@other.test", "customer"),
        ("bob@other.test", ""),
        ("bob@xn--bcher-kva.test", "customer"),
        ("Rezeption@example.com", "role-account"),
        ("info@example.com", ""),
        ("sales@kept.test", ""),
        ("sales@example.com", "role-account"),
        ("bob@x.thrown.test", "disposable-domain"),
        ("bob@mailinator.com", ""),
        ("sales@group.test", "customer role-account"),
    ] {
        assert_eq!(tags_of(&tags, address), expected, "{address}");
    }
    let tags = with(Tags::default(), &lists).unwrap();
    assert_eq!(tags_of(&tags, "sales@group.test"), "customer");
    assert_eq!(tags_of(&tags, "ana@gmail.com"), "");
}

#[test]
fn a_suggestion_is_a_big_provider_one_slip_away() {
    let tags = Tags::built_in();
    let meant = |text: &str| tags.suggestion(&mailbox(text));
    for (domain, expected) in [
        // A letter too many, too few, another one, two that changed places.
        ("gmaill.com", "gmail.com"),
        ("ggmail.com", "gmail.com"),
        ("gmai.com", "gmail.com"),
        ("gnail.com", "gmail.com"),
        ("gamil.com", "gmail.com"),
        ("GMIAL.com", "gmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("otmail.com", "hotmail.com"),
        ("outlok.com", "outlook.com"),
        ("yaho.com", "yahoo.com"),
        ("yahooo.co.uk", "yahoo.co.uk"),
        ("iclound.com", "icloud.com"),
        ("protonmial.com", "protonmail.com"),
        ("t-onlin.de", "t-online.de"),
        ("gmaíl.com", "gmail.com"),
        // An ending that does not exist, for short names too.
        ("gmail.con", "gmail.com"),
        ("gmail.cmo", "gmail.com"),
        ("gmail.comm", "gmail.com"),
        ("web.ed", "web.de"),
        ("gmx.dee", "gmx.de"),
        ("aol.con", "aol.com"),
        ("yahoo.co.ik", "yahoo.co.uk"),
        // One that exists and is not meant.
        ("yahoo.co", "yahoo.com"),
        ("gmail.cm", "gmail.com"),
        ("hotmail.om", "hotmail.com"),
        ("comcast.ne", "comcast.net"),
        // Both at once, and no dot at all.
        ("hotmial.con", "hotmail.com"),
        ("gmai.co", "gmail.com"),
        ("gmailcom", "gmail.com"),
    ] {
        let expected = format!("Ana.B@{expected}");
        assert_eq!(
            meant(&format!("Ana.B@{domain}")),
            Some(expected),
            "{domain}"
        );
    }
}

#[test]
fn domains_that_are_somebody_elses_are_not_suspected() {
    let tags = Tags::built_in();
    for domain in [
        "example.com",
        "mail.com",
        "ymail.com",
        "email.com",
        "gmx.de",
        "gmx.net",
        "gmx.at",
        "gmx.org",
        "hotmail.de",
        "hotmail.gr",
        "yahoo.pl",
        "gmail.de",
        "gmail.net",
        "googlemail.com",
        "inbox.lv",
        "rocketmail.com",
        // Short names, one letter away from a provider.
        "aon.com",
        "msd.com",
        "att.com",
        "me.co",
        "web.dev",
        "line.com",
        "mall.com",
        "ski.com",
        // Another first letter is another name.
        "jmail.com",
        "fmail.com",
        "mymail.com",
        "myoutlook.com",
        "slive.example",
        // Below and above.
        "gmai.com.example.org",
        "mail.gmai.com",
        "gmail.com.test",
        "com",
        "xn--bcher-kva.example",
    ] {
        let found = tags.suggestion(&mailbox(&format!("ana@{domain}")));
        assert_eq!(found, None, "{domain}");
    }
    let mistyped = mailbox("ana@gmai.com");
    assert_eq!(tags.suggestion(&mailbox("ana@[192.0.2.1]")), None);
    assert_eq!(Tags::default().suggestion(&mistyped), None);
    let known = with(Tags::built_in(), &[(FREE_PROVIDER, "gmai.com")]).unwrap();
    assert_eq!(known.suggestion(&mistyped), None);
}

#[test]
fn a_line_that_is_not_understood_is_an_error_with_its_place() {
    for (lines, expected) in [
        (
            "a.test\n*.b.test\n",
            "own.txt line 2: \"*.b.test\": write .example.com",
        ),
        (
            "info\n",
            "own.txt line 1: \"info\" has no dot: write info@ for a local part",
        ),
        ("a..test\n", "own.txt line 1: \"a..test\": "),
        ("\n\na@b@c\n", "own.txt line 3: "),
        ("ana@\nbo b@\n", "own.txt line 2: "),
        ("@example.com\n", "own.txt line 1: "),
        ("!\n", "own.txt line 1: "),
        ("a.test b.test\n", "own.txt line 1: "),
    ] {
        let error = read(lines.as_bytes(), &mut { read::ROOM }).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with(expected), "{lines:?}: {text}");
        assert!(text.lines().count() == 1 && text.len() < 400, "{text}");
    }
    let error = read(b"a.test\n\xff.test\n", &mut { read::ROOM }).unwrap_err();
    assert_eq!(error.to_string(), "own.txt line 2: it is not UTF-8");
}

#[test]
fn lists_of_any_size_end_at_a_named_limit() {
    let long = format!("a.test # {}\n", "x".repeat(LIST_LINE_MAX));
    let error = read(long.as_bytes(), &mut { read::ROOM }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "own.txt line 1: it has more than 4096 bytes"
    );
    let endless = vec![b'a'; 3 * LIST_LINE_MAX];
    let error = read(&endless, &mut { read::ROOM }).unwrap_err();
    assert!(matches!(error, TagError::LineTooLong { line: 1, .. }));

    let three = b"a.test\nb.test\nc.test\n";
    let room = |lines, bytes| Room { lines, bytes };
    assert_eq!(read(three, &mut room(3, 21)).unwrap().len(), 3);
    let error = read(three, &mut room(2, 21)).unwrap_err();
    assert!(matches!(error, TagError::TooManyLines { .. }), "{error}");
    let error = read(three, &mut room(3, 20)).unwrap_err();
    assert!(matches!(error, TagError::TooLarge { .. }), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.txt");
    fs::write(&path, "a.test\nb.test\n").unwrap();
    let one = |name: String| TagFile {
        name,
        path: path.clone(),
    };
    // The room is that of all files together.
    let files = [one("a".to_owned()), one("b".to_owned())];
    assert!(Tags::default().with(&files, &mut room(4, 28)).is_ok());
    let error = Tags::default().with(&files, &mut room(3, 28)).unwrap_err();
    assert!(matches!(error, TagError::TooManyLines { .. }), "{error}");

    let names = |count| (0..count).map(|index| one(format!("tag-{index}")));
    let most: Vec<TagFile> = names(TAG_NAMES_MAX).collect();
    assert_eq!(Tags::default().with_files(&most).unwrap().tags.len(), 32);
    let error = Tags::built_in().with_files(&most).unwrap_err();
    assert!(matches!(error, TagError::TooManyNames), "{error}");
}

#[test]
fn an_argument_is_a_name_and_a_file() {
    let file: TagFile = "own-tag=a=b.txt".parse().unwrap();
    assert_eq!(
        (file.name.as_str(), file.path),
        ("own-tag", "a=b.txt".into())
    );
    for text in [
        "own.txt",
        "=own.txt",
        "tag=",
        "Tag=own.txt",
        "a--b=own.txt",
        "a b=own.txt",
    ] {
        let error = text.parse::<TagFile>().unwrap_err().to_string();
        assert!(error.contains("write NAME=FILE"), "{text}: {error}");
    }
    let missing = TagFile {
        name: "a".to_owned(),
        path: "missing.txt".into(),
    };
    let error = Tags::default().with_files(&[missing]).unwrap_err();
    assert!(error.to_string().contains("missing.txt"), "{error}");
}

proptest! {
    /// A sorted text finds what a set of texts finds.
    #[test]
    fn a_sorted_list_has_its_entries_and_no_others(
        entries in prop::collection::vec("[a-cé.@]{1,4}", 0..40),
        others in prop::collection::vec("[a-cé.@]{0,5}", 0..40),
    ) {
        let list = Sorted::of(entries.iter().map(|entry| entry.as_str().into()).collect());
        for text in entries.iter().chain(&others) {
            let expected = entries.contains(text);
            prop_assert_eq!(list.has(text.chars()), expected, "{}", text);
        }
    }

    /// Whatever stands in a list, reading it ends, and what is an entry is found.
    #[test]
    fn any_line_is_an_entry_or_an_error(line in "\\PC{0,30}") {
        if let Ok(Some(entry)) = entry::parse(&line) {
            let again = entry::parse(&entry.text);
            prop_assert_eq!(again.unwrap().unwrap().text, entry.text);
        }
    }

    /// A domain one slip away from a long name is suggested back, unless it is another provider's.
    #[test]
    fn any_doubled_letter_is_found(big in 0..90_usize, at in 1..5_usize) {
        let domain = typo::big_providers().nth(big).unwrap();
        let (name, ending) = domain.split_once('.').unwrap();
        prop_assume!(name.len() > 4);
        let doubled = format!("{}{}", &name[..at], &name[at - 1..]);
        let address = mailbox(&format!("ana@{doubled}.{ending}"));
        let tags = Tags::built_in();
        prop_assume!(tags.of(&address).is_empty());
        prop_assert_eq!(tags.suggestion(&address), Some(format!("ana@{domain}")));
    }
}
