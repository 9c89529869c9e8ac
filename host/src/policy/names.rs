//! The two grammars that a policy's names and versions follow.

/// Bytes of a name at most, as `wit/policy.wit` promises: long enough for a sentence without
/// spaces, short enough for a column.
pub(crate) const NAME_MAX: usize = 64;

/// Whether this is a name: kebab-case ASCII, groups of `[a-z0-9]+` joined by single hyphens.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= NAME_MAX
        && text.split('-').all(|group| {
            !group.is_empty()
                && group
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

/// Whether this is a version as semantic versioning 2.0.0 writes it.
pub(crate) fn is_version(text: &str) -> bool {
    let (text, build) = match text.split_once('+') {
        Some((text, build)) => (text, Some(build)),
        None => (text, None),
    };
    let (core, pre_release) = match text.split_once('-') {
        Some((core, pre_release)) => (core, Some(pre_release)),
        None => (text, None),
    };
    core.split('.').count() == 3
        && core.split('.').all(is_number)
        && pre_release.is_none_or(|pre| {
            pre.split('.')
                .all(|part| is_identifier(part) && (is_number(part) || !is_digits(part)))
        })
        && build.is_none_or(|build| build.split('.').all(is_identifier))
}

/// A number without leading zeros.
fn is_number(text: &str) -> bool {
    is_digits(text) && (text == "0" || !text.starts_with('0'))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_groups_joined_by_single_hyphens() {
        for good in ["a", "unknown-user", "x509", "552-means-full", "0"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "A", "a_b", "a b", "größe", "a.b"] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_name_has_at_most_64_bytes() {
        assert!(is_name(&"a".repeat(NAME_MAX)));
        assert!(!is_name(&"a".repeat(NAME_MAX + 1)));
    }

    #[test]
    fn versions_are_those_of_semantic_versioning() {
        for good in [
            "0.1.0",
            "1.4.0-rc.1",
            "1.0.0+build.7",
            "2.0.0-a-b.0+001",
            "10.20.30",
        ] {
            assert!(is_version(good), "{good}");
        }
        for bad in [
            "", "1", "1.0", "1.0.0.0", "v1.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+",
        ] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
