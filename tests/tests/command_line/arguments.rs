//! Wrong arguments are named with the remedy, once, before anything is sent.

use vrfy_tests::program::Run;

/// Checks one address with some arguments that are wrong.
fn refused(arguments: &[&str], code: i32, words: &[&str]) {
    let run = Run::plain().args(["check", "ana@shop.example"]);
    let outcome = run.args(arguments).run().exits(code);
    assert_eq!(outcome.stdout, "", "{outcome:#?}");
    for word in words {
        let times = outcome.stderr.matches(word).count();
        assert_eq!(times, 1, "{word:?} is there {times} times in {outcome:#?}");
    }
}

#[test]
fn an_unknown_setting_is_named_with_the_one_that_was_meant() {
    let words = [
        "--set: ",
        "has no setting \"retry-dleays\"",
        "did you mean \"retry-delays\"?",
        "accept-all, attempts, decoy",
    ];
    refused(&["--set", "retry-dleays=3s"], 4, &words);
}

#[test]
fn a_setting_out_of_its_range_is_told_what_is_allowed() {
    let words = [
        "\"attempts\" cannot be \"0\"",
        "a whole number from 1 to 20",
    ];
    refused(&["--set", "attempts=0"], 4, &words);
    refused(
        &["--set", "accept-all=maybe"],
        4,
        &["one of risky, unknown, deliverable"],
    );
    refused(&["--set", "decoy=maybe"], 4, &["it must be on or off"]);
    refused(
        &["--set", "retry-delays=5"],
        4,
        &["\"retry-delays\" cannot be \"5\""],
    );
    refused(&["--set", "attempts"], 4, &["write key=value"]);
}

#[test]
fn a_helo_name_that_says_nothing_to_others_is_refused() {
    let remedy = "such as probe.example.com";
    refused(
        &["--helo", "probe"],
        2,
        &["\"probe\" is a single label", remedy],
    );
    refused(
        &["--helo", "localhost"],
        2,
        &["\"localhost\" means this very host", remedy],
    );
    refused(
        &["--helo", "a b.example"],
        2,
        &["--helo: ", "cannot be in a domain"],
    );
}

#[test]
fn a_reverse_path_is_an_address_or_nothing() {
    let words = [
        "--mail-from: ",
        "write local-part@domain, or leave it empty",
    ];
    refused(&["--mail-from", "probe"], 2, &words);
    refused(
        &["--mail-from", "a@b@\r\nRCPT TO:<c@d>"],
        2,
        &["--mail-from: "],
    );
}

#[test]
fn numbers_times_and_addresses_say_how_they_are_written() {
    let socket = "such as 192.0.2.53:53 or [2001:db8::53]:53";
    refused(
        &["--resolver", "192.0.2.53"],
        2,
        &["--resolver <IP:PORT>", socket],
    );
    refused(&["--resolver", "dns.example"], 2, &[socket]);
    refused(&["--allow-special", "lan"], 2, &["such as 192.0.2.0/24"]);
    refused(&["--port", "0"], 2, &["1..=65535"]);
    refused(&["--timeout", "5"], 2, &["such as 250ms, 30s, 5m or 1h30m"]);
    refused(&["--timeout", "0s"], 2, &["longer than no time"]);
    refused(&["--decision-time", "0s"], 2, &["longer than no time"]);
    refused(
        &["--retry", "later"],
        2,
        &["[possible values: now, wait, never]"],
    );
    refused(&["--sessions", "0"], 2, &["1..=20000"]);
}

#[test]
fn a_policy_that_cannot_be_read_is_named() {
    refused(
        &["--policy", "no/such.wasm"],
        4,
        &["no/such.wasm", "No such file"],
    );
    refused(
        &["--policy", "tests"],
        4,
        &["policy tests", "Is a directory", "the .wasm file"],
    );
}

#[test]
fn without_arguments_the_help_is_shown() {
    let outcome = Run::plain().run().exits(2);
    assert!(outcome.stderr.contains("Commands:"), "{outcome:#?}");
    for command in ["check", "run", "policy", "lab"] {
        let help = Run::plain().args([command, "--help"]).run().exits(0);
        assert!(help.stdout.contains("Usage: vrfy "), "{help:#?}");
        let widest = help.stdout.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{widest:?} columns: {help:#?}");
    }
}

#[test]
fn what_the_environment_gives_is_checked_as_arguments_are() {
    let run = Run::plain().args(["check", "ana@shop.example"]);
    let outcome = run.env("VRFY_HELO", "localhost").run().exits(2);
    let _ = outcome.complains("means this very host");
}
