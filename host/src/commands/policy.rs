//! `vrfy policy [FILE]`: what a policy is, which settings it takes, which reasons it can give.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use vrfy_proto::evidence::SettingValue;

use crate::args::PolicyArgs;
use crate::config;
use crate::policy::{Manifest, Policy, PolicyLimits};

/// Runs the command.
pub fn policy(args: &PolicyArgs) -> anyhow::Result<u8> {
    let engine = config::engine(PolicyLimits::default().decision)?;
    let policy = config::load_policy(&engine, args.file.as_ref())?;
    let text = match args.json {
        true => json(&policy)?,
        false => text(&policy),
    };
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(0),
    }
}

fn json(policy: &Policy) -> anyhow::Result<String> {
    let mut manifest = serde_json::to_value(policy.manifest())?;
    manifest["digest"] = policy.digest().into();
    Ok(format!("{manifest:#}\n"))
}

fn text(policy: &Policy) -> String {
    let manifest = policy.manifest();
    let mut out = String::new();
    let _ = writeln!(out, "{} {}", manifest.name, manifest.version);
    let _ = writeln!(out, "  {}", manifest.summary);
    let _ = writeln!(out, "  {}", policy.digest());
    for author in &manifest.authors {
        let _ = writeln!(out, "  by {author}");
    }
    if !manifest.licence.is_empty() {
        let _ = writeln!(out, "  licence {}", manifest.licence);
    }
    for fact in &manifest.facts {
        let _ = writeln!(out, "  {} {}", fact.name, fact.value);
    }
    settings(manifest, &mut out);
    reasons(manifest, &mut out);
    out
}

fn settings(manifest: &Manifest, out: &mut String) {
    if manifest.settings.is_empty() {
        return;
    }
    out.push_str("\nSettings (--set KEY=VALUE)\n");
    for setting in &manifest.settings {
        let default = value_text(&setting.default);
        let _ = writeln!(out, "\n  {} = {default}", setting.key);
        let _ = writeln!(out, "      {}", setting.doc.replace('\n', "\n      "));
        let _ = writeln!(out, "      allowed: {}", setting.kind.allowed());
    }
}

/// What the published names of `about` mean to who reads the list, in its order.
const ABOUT: [(&str, &str); 5] = [
    ("mailbox", "about the mailbox"),
    ("domain", "about its domain"),
    (
        "us",
        "about us: our address, sender, reputation or settings",
    ),
    ("load", "about what the server can or will do for now"),
    ("dialogue", "about how the asking went"),
];

fn reasons(manifest: &Manifest, out: &mut String) {
    let names = manifest.reasons.iter().map(|reason| reason.name.len());
    let width = names.max().unwrap_or(0);
    let mut groups: Vec<(&str, &str)> = ABOUT.to_vec();
    for reason in &manifest.reasons {
        if !groups.iter().any(|(about, _)| *about == reason.about) {
            groups.push((&reason.about, ""));
        }
    }
    for (about, heading) in groups {
        let mut all = manifest.reasons.iter().filter(|one| one.about == about);
        let mut next = all.next();
        if next.is_some() {
            let _ = match (heading, about) {
                ("", "") => writeln!(out, "\nReasons about anything else\n"),
                ("", about) => writeln!(out, "\nReasons about {about}\n"),
                (heading, _) => writeln!(out, "\nReasons {heading}\n"),
            };
        }
        while let Some(reason) = next {
            let (name, status) = (&reason.name, reason.status.as_str());
            let _ = writeln!(out, "  {name:width$}  {status:13}  {}", reason.summary);
            next = all.next();
        }
    }
}

/// A value as `--set` takes it.
fn value_text(value: &SettingValue) -> String {
    match value {
        SettingValue::Flag(true) => "on".to_owned(),
        SettingValue::Flag(false) => "off".to_owned(),
        SettingValue::Integer(number) => number.to_string(),
        SettingValue::Text(text) => text.clone(),
        SettingValue::Duration(time) => duration_text(*time),
        SettingValue::Durations(times) => {
            let times: Vec<String> = times.iter().map(|time| duration_text(*time)).collect();
            times.join(",")
        }
        SettingValue::Texts(texts) => texts.join(","),
    }
}

/// Milliseconds in the units in which a person would write them.
fn duration_text(time: u32) -> String {
    let units = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let mut rest = time;
    let mut text = String::new();
    for (unit, length) in units {
        if rest >= length {
            let _ = write!(text, "{}{unit}", rest / length);
            rest %= length;
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}
