//! `vrfy lab SCENARIO -- COMMAND`: the command finds the lab by its environment.

use std::ffi::OsString;

use vrfy_lab::{LabError, Scenario, run};

fn scenario() -> Scenario {
    Scenario::parse("[[domain]]\nname = \"shop.test\"").expect("it is a scenario")
}

fn shell(script: &str) -> Vec<OsString> {
    ["sh", "-c", script].map(OsString::from).to_vec()
}

#[tokio::test]
async fn the_exit_code_is_the_commands() {
    assert_eq!(run(scenario(), &shell("exit 7")).await.unwrap(), 7);
    assert_eq!(run(scenario(), &shell("kill -9 $$")).await.unwrap(), 137);
}

#[tokio::test]
async fn the_command_is_told_where_the_lab_is() {
    let script = r#"
        case "$VRFY_RESOLVER" in 127.0.0.1:?*) ;; *) exit 1 ;; esac
        case "$VRFY_PORT" in [1-9]*) ;; *) exit 2 ;; esac
        [ "$VRFY_ALLOW_SPECIAL" = 127.0.0.0/8 ] || exit 3
        [ "$VRFY_HELO" = probe.lab.test ] || exit 4
        [ "${VRFY_MAIL_FROM-unset}" = "" ] || exit 5
    "#;
    assert_eq!(run(scenario(), &shell(script)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_command_that_does_not_exist_is_named() {
    let command = [OsString::from("no-such-command-in-the-lab")];
    let error = run(scenario(), &command).await.unwrap_err();
    assert!(matches!(error, LabError::Command { .. }));
    let text = error.to_string();
    assert!(
        text.starts_with("cannot run no-such-command-in-the-lab: "),
        "{text}"
    );
}
