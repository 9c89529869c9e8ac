//! `vrfy lab` and `vrfy policy`.

use std::fs;

use vrfy_tests::program::Run;

#[test]
fn a_missing_scenario_is_named() {
    let outcome = Run::plain()
        .args(["lab", "no/such.toml", "--", "true"])
        .run()
        .exits(5);
    let _ = outcome.complains("no/such.toml").complains("No such file");
}

#[test]
fn a_broken_scenario_is_told_with_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        (
            "[[domain]]\nname = \"x.test\"\nmailboxs = []\n",
            "line 3, column 1",
            "`mailboxes`",
        ),
        (
            "[lab]\nlatency_ms = \"soon\"\n",
            "line 2, column 14",
            "\"soon\"",
        ),
        ("[[domain]\n", "line 1, column", ""),
    ];
    for (text, place, words) in cases {
        let file = folder.path().join("broken.toml");
        fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        let outcome = Run::plain()
            .args(["lab", file, "--", "true"])
            .run()
            .exits(5);
        let told = format!("{file}, {place}");
        assert_eq!(
            outcome.stderr.matches(&told).count(),
            1,
            "{told:?} in {outcome:#?}"
        );
        assert!(outcome.stderr.contains(words), "{outcome:#?}");
    }
}

#[test]
fn the_exit_code_of_the_command_becomes_that_of_the_lab() {
    for code in [0, 7] {
        let exit = format!("exit {code}");
        let _ = Run::around("first")
            .args(["sh", "-c", &exit])
            .run()
            .exits(code);
    }
    let killed = Run::around("first").args(["sh", "-c", "kill -9 $$"]).run();
    let _ = killed.exits(137);
    let missing = Run::around("first")
        .args(["no-such-command"])
        .run()
        .exits(5);
    let _ = missing.complains("cannot run no-such-command");
}

#[test]
fn the_built_in_policy_shows_its_settings_and_reasons() {
    let text = Run::plain().args(["policy"]).run().exits(0);
    let json = Run::plain().args(["policy", "--json"]).run().exits(0);
    let manifest: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let settings = manifest["settings"].as_array().unwrap();
    let reasons = manifest["reasons"].as_array().unwrap();
    assert!(settings.len() > 4 && reasons.len() > 10, "{manifest:#}");
    for setting in settings {
        let key = setting["key"].as_str().unwrap();
        assert!(
            text.stdout.contains(&format!("\n  {key} = ")),
            "{key} in {text:#?}"
        );
    }
    for reason in reasons {
        let name = reason["name"].as_str().unwrap();
        let status = reason["status"].as_str().unwrap();
        let mut lines = text.stdout.lines();
        let told = lines.any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(name) && words.next() == Some(status)
        });
        assert!(told, "{name} in {text:#?}");
        let about = reason["about"].as_str().unwrap();
        let known = ["mailbox", "domain", "us", "load", "dialogue"];
        assert!(known.contains(&about), "{name} is about {about:?}");
    }
    for heading in ["the mailbox", "its domain", "us: our address"] {
        assert!(
            text.stdout.contains(&format!("\nReasons about {heading}")),
            "{text:#?}"
        );
    }
    let digest = manifest["digest"].as_str().unwrap();
    assert!(text.stdout.contains(digest), "{text:#?}");
    let record = Run::plain()
        .args(["check", "--json", "x"])
        .run()
        .exits(0)
        .record("x");
    assert_eq!(
        record["policy"]["digest"], digest,
        "records name the same policy"
    );
}

/// Whatever `vrfy policy` shows as a default can be given back with `--set`.
#[test]
fn the_defaults_as_shown_are_settings_as_taken() {
    let text = Run::plain().args(["policy"]).run().exits(0);
    let shown = text.stdout.lines().filter_map(|line| {
        let line = line.strip_prefix("  ")?;
        let (key, value) = line.split_once(" = ")?;
        (!key.contains(' ')).then(|| format!("--set={key}={value}"))
    });
    let shown: Vec<String> = shown.collect();
    assert!(shown.len() > 4, "{text:#?}");
    let _ = Run::plain().args(["check", "x"]).args(shown).run().exits(0);
}
