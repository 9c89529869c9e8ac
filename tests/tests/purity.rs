//! `vrfy-proto` runs on bare WebAssembly: no socket, no clock, no randomness, nothing imported.

use vrfy_guest_build::{GuestCrate, build_core};
use vrfy_tests::program::root;
use wasmparser::{Parser, Payload};

/// A library that uses every entry point of the protocol, so that nothing is left out as unused.
const USER: &str = r#"
use std::time::Duration;
use vrfy_proto::{attempt_view, decoy, mailbox, mx, session, transcript};

#[unsafe(no_mangle)]
pub extern "C" fn run(seed: u64) -> usize {
    let text = seed.to_string();
    let mailbox = mailbox::Mailbox::parse(&text);
    let decoy = mailbox.as_ref().map(|one| decoy::local_part(&[1], one.domain()));
    let recipients = vec![session::Recipient {
        address: text.clone(),
        kind: session::RecipientKind::Mailbox,
        needs_smtputf8: false,
    }];
    let mut session = session::Session::new(session::SessionConfig::default(), recipients);
    session.handle_bytes(text.as_bytes(), Duration::from_millis(seed));
    let output = format!("{:?}", session.poll_output());
    let transcript = session.into_transcript();
    let view = attempt_view::SessionView::new(&transcript);
    let place = attempt_view::Place { round: 1, exchange: 0 };
    let lines = transcript.to_json_lines();
    let read = transcript::Transcript::from_text(&transcript.to_text()).is_ok();
    let caps = mx::MxCaps::default().exchanges;
    lines.len() + caps + usize::from(read) + output.len()
        + view.attempt(0, place).replies.len()
        + decoy.map_or(0, |decoy| decoy.len())
}
"#;

#[test]
fn the_protocol_compiles_to_bare_webassembly_and_imports_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let package = scratch.path();
    std::fs::create_dir(package.join("src")).unwrap();
    std::fs::write(package.join("src/lib.rs"), USER).unwrap();
    std::fs::write(package.join("Cargo.toml"), manifest()).unwrap();
    std::fs::copy(root().join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    let module = build_core(&GuestCrate {
        manifest_dir: package.to_owned(),
        out_dir: package.join("out"),
        target_dir: root().join("target/guest"),
    });
    let bytes = std::fs::read(module.unwrap()).unwrap();
    let mut exports = Vec::new();
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.unwrap() {
            Payload::ImportSection(imports) => panic!("imports: {imports:?}"),
            Payload::ExportSection(section) => {
                exports.extend(
                    section
                        .into_iter()
                        .map(|export| export.unwrap().name.to_owned()),
                );
            }
            _ => {}
        }
    }
    assert!(exports.contains(&"run".to_owned()), "{exports:?}");
}

fn manifest() -> String {
    let proto = root().join("host/proto");
    format!(
        "[package]\nname = \"purity\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
         [lib]\ncrate-type = [\"cdylib\"]\n\
         [dependencies]\nvrfy-proto = {{ path = {proto:?} }}\n\
         [workspace]\n"
    )
}
