//! Signals end the lab and never leave its command behind. One test, because signals reach a
//! whole process, and this file's process is the one that is told to end.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;
use vrfy_lab::{Scenario, run};

async fn run_shell(script: &str) -> u8 {
    let command = ["sh", "-c", script].map(OsString::from);
    let scenario = Scenario::parse("[[domain]]\nname = \"shop.test\"").expect("it is a scenario");
    run(scenario, &command).await.expect("sh can be run")
}

#[tokio::test]
async fn an_interrupted_lab_ends_its_command() {
    let begun = Instant::now();
    let own_way = run_shell("kill -INT $PPID; sleep 0.1; exit 3").await;
    assert_eq!(
        own_way, 3,
        "after Ctrl-C the command may end in its own way"
    );

    let name = format!("vrfy-lab-interrupt-{}", std::process::id());
    let file = std::env::temp_dir().join(name);
    let script = format!(
        "trap '' TERM; echo $$ > {}; kill -TERM $PPID; exec sleep 60",
        file.display()
    );
    assert_eq!(run_shell(&script).await, 143);
    let child = std::fs::read_to_string(&file).expect("the command has written it");
    std::fs::remove_file(&file).expect("it is ours");
    assert!(
        !Path::new("/proc").join(child.trim()).exists(),
        "the command has ended"
    );

    let mut signaller = tokio::process::Command::new("sh")
        .args(["-c", "while sleep 0.1; do kill -INT $PPID; done"])
        .kill_on_drop(true)
        .spawn()
        .expect("sh can be run");
    let scenario = Scenario::parse("[[domain]]\nname = \"shop.test\"").expect("it is a scenario");
    let served = run(scenario, &[]).await.expect("it serves");
    signaller.kill().await.expect("it is ours");
    assert_eq!(served, 0, "without a command Ctrl-C is the ordinary end");
    assert!(begun.elapsed() < Duration::from_secs(30));
}
