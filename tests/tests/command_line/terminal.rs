//! What a terminal shows: colour, widths, progress, and never what a server wants it to obey.

use vrfy_tests::program::{Outcome, Run};

/// The lines of a terminal without their colours.
fn plain_lines(shown: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut rest = shown;
    while let Some(at) = rest.find("\x1b[") {
        plain.push_str(&rest[..at]);
        let end = rest[at + 2..]
            .find(|c: char| c.is_ascii_alphabetic())
            .unwrap();
        rest = &rest[at + 2 + end + 1..];
    }
    plain.push_str(rest);
    plain
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

#[test]
fn colour_is_for_terminals_and_not_against_no_color() {
    let check = "$0 check nobody@ordinary.test";
    let shown = Run::on_terminal("first", 80, check).run().exits(0);
    assert!(shown.stdout.contains("\x1b["), "{shown:#?}");
    let run = Run::on_terminal("first", 80, check).env("NO_COLOR", "1");
    let shown = run.run().exits(0);
    assert!(!shown.stdout.contains('\x1b'), "{shown:#?}");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let line = "$0 check ana@accept-all.test ana@inward.test; \
                printf 'ana@accept-all.test\\nana@inward.test\\n' | $0 run -";
    for columns in [40, 61, 100] {
        let shown = Run::on_terminal("first", columns, line).run().exits(0);
        let lines = plain_lines(&shown.stdout);
        assert!(lines.len() > 20, "{shown:#?}");
        for line in lines {
            let width = line.chars().count();
            assert!(
                width <= usize::from(columns),
                "{width} > {columns}: {line:?}"
            );
        }
    }
}

#[test]
fn the_summary_follows_the_last_record() {
    let line = "printf 'x\\ny\\nana@ordinary.test\\n' | $0 run -";
    for _ in 0..3 {
        let shown = Run::on_terminal("first", 100, line).run().exits(0);
        let lines = plain_lines(&shown.stdout);
        let place = |words: &str| lines.iter().position(|line| line.contains(words));
        let summary = place("3 addresses in ").expect("a summary");
        let records = [
            "undeliverable  x",
            "undeliverable  y",
            "deliverable    ana@",
        ];
        for record in records {
            assert!(
                place(record).is_some_and(|at| at < summary),
                "{record} in {lines:#?}"
            );
        }
    }
}

#[test]
fn progress_is_redrawn_in_place_and_leaves_the_summary() {
    let line = "printf 'ana@tarpit.test\\n' | $0 run - --output /dev/null";
    let shown = Run::on_terminal("first", 100, line).run().exits(0);
    assert!(shown.stdout.matches('\r').count() > 2, "{shown:#?}");
    assert!(shown.stdout.contains("1 address in "), "{shown:#?}");
}

/// Fails where a character could make a terminal do something.
fn assert_harmless(outcome: &Outcome) {
    for stream in [&outcome.stdout, &outcome.stderr] {
        let harmful =
            |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!stream.contains(harmful), "{outcome:#?}");
    }
}

/// `ana@control.test` answers with escape sequences, a bell, a backspace and a NUL.
#[test]
fn what_a_server_sends_never_moves_the_cursor() {
    let shown = r"550 5.1.1 \x1b[2J\x1b]0;owned\x07 <ana@control.test> \x00\x08 unknown";
    let check = ["check", "ana@control.test", "--transcript"];
    let outcome = Run::in_lab("hostile")
        .args(check)
        .run()
        .exits(0)
        .says(shown);
    assert_harmless(&outcome);
    for format in ["table", "csv"] {
        let run = Run::in_lab("hostile").args(["run", "-", "--format", format]);
        let outcome = run.input("ana@control.test\n").run().exits(0);
        assert_harmless(&outcome.says(r"5.1.1 \x1b[2J"));
    }
    let run = Run::in_lab("hostile").args(["run", "-"]);
    let outcome = run.input("ana@control.test\n").run().exits(0);
    assert_harmless(&outcome);
    let record = outcome.record("ana@control.test");
    let text = record["because"][0]["reply"]["text"].as_str().unwrap();
    assert!(
        text.contains("\x1b[2J\x1b]0;owned\x07"),
        "JSON keeps it: {text:?}"
    );
}

#[test]
fn what_a_list_holds_never_moves_the_cursor() {
    for format in ["table", "csv", "jsonl"] {
        let run = Run::plain().args(["run", "-", "--format", format]);
        let input = "\x1b[2J@shop.example\n\u{202e}moc.elpmaxe@ana\n\x07\n";
        assert_harmless(&run.input(input).run().exits(0));
    }
    let outcome = Run::plain().args(["check", "\x1b[2J@shop.example"]).run();
    assert_harmless(&outcome.exits(0));
}
