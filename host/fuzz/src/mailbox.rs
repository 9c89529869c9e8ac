//! Texts that people and lists give: addresses, domains, literals, reverse paths, EHLO names.
//!
//! Input: the text. Holds: reading never panics; what was read is printed as ASCII where it must
//! be, without control characters, within the lengths of RFC 5321, and printing and reading again
//! changes nothing; an error names a place within the text.

use std::fmt;
use std::str::FromStr;

use vrfy_proto::command::Command;
use vrfy_proto::domain::{AddressLiteral, DOMAIN_NAME_MAX, Domain, DomainName, LABEL_MAX};
use vrfy_proto::ehlo_name::EhloName;
use vrfy_proto::mailbox::{ADDRESS_MAX, LOCAL_PART_MAX, Mailbox};
use vrfy_proto::reverse_path::ReversePath;

/// Checks one input.
///
/// # Panics
///
/// Where a reader does not keep its promises.
pub fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    check_mailbox(&text);
    check_domain(&text);
    if let Ok(literal) = AddressLiteral::parse(&text) {
        let printed = literal.to_string();
        check_printed(&printed);
        assert_eq!(AddressLiteral::parse(&printed), Ok(literal));
    }
    if let Ok(path) = ReversePath::parse(&text) {
        check_printed(&path.to_string());
        assert_eq!(ReversePath::parse(&path.address()), Ok(path));
    }
    if let Ok(name) = EhloName::parse(&text) {
        let printed = name.to_string();
        assert!(printed.is_ascii());
        check_sendable(Command::Ehlo(&printed));
        same_again(&name, &printed);
    }
}

fn check_mailbox(text: &str) {
    match Mailbox::parse(text) {
        Ok(mailbox) => {
            let printed = mailbox.to_string();
            check_printed(&printed);
            assert_eq!(mailbox.original(), text);
            assert!(mailbox.local_part().len() <= LOCAL_PART_MAX);
            assert!(printed.len() <= ADDRESS_MAX);
            assert!(mailbox.domain().to_string().is_ascii());
            assert_eq!(mailbox.needs_smtputf8(), !printed.is_ascii());
            same_again(&mailbox, &printed);
            let read = Mailbox::parse(&printed).expect("it was read a moment ago");
            assert_eq!(read.local_part(), mailbox.local_part());
            check_sendable(Command::RcptTo(&printed));
        }
        Err(error) => {
            assert!(error.column() >= 1);
            assert!(error.column() <= text.chars().count() + 1, "{error:?}");
            assert!(!error.code().is_empty());
            let _ = error.to_string();
        }
    }
}

fn check_domain(text: &str) {
    match Domain::parse(text) {
        Ok(domain) => {
            let printed = domain.to_string();
            check_printed(&printed);
            assert!(printed.is_ascii());
            same_again_with(&domain, &printed, Domain::parse);
            if let Domain::Name(name) = &domain {
                check_name(name);
            }
        }
        Err(error) => {
            assert!(error.column() >= 1);
            assert!(error.column() <= text.chars().count() + 1, "{error:?}");
            let _ = error.to_string();
        }
    }
}

fn check_name(name: &DomainName) {
    assert!(name.as_str().len() <= DOMAIN_NAME_MAX);
    for label in name.labels() {
        let is_ldh = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        assert!((1..=LABEL_MAX).contains(&label.len()));
        assert!(label.bytes().all(is_ldh), "{label:?}");
        assert!(!label.starts_with('-') && !label.ends_with('-'));
    }
    let _ = name.special_use();
    // What is shown to people is the same name.
    let shown = name.to_unicode();
    assert!(!shown.chars().any(char::is_control));
    same_again(name, &shown);
}

/// Nothing that could end a line or steer a terminal.
fn check_printed(printed: &str) {
    assert!(!printed.chars().any(char::is_control), "{printed:?}");
}

fn check_sendable(command: Command<'_>) {
    let mut line = Vec::new();
    command
        .encode(&mut line)
        .expect("it fits into a command line");
    let line = line.strip_suffix(b"\r\n").expect("a line has an end");
    assert_eq!(Command::parse(line), Some(command));
}

fn same_again<T>(value: &T, printed: &str)
where
    T: FromStr + PartialEq + fmt::Debug,
    T::Err: fmt::Debug,
{
    same_again_with(value, printed, T::from_str);
}

fn same_again_with<T, E>(value: &T, printed: &str, read: impl Fn(&str) -> Result<T, E>)
where
    T: PartialEq + fmt::Debug,
    E: fmt::Debug,
{
    match read(printed) {
        Ok(again) => assert_eq!(&again, value, "from {printed:?}"),
        Err(error) => panic!("{printed:?} is not read again: {error:?}"),
    }
}
