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

fn reasons(manifest: &Manifest, out: &mut String) {
    let width = manifest
        .reasons
        .iter()
        .map(|reason| reason.name.len())
        .max();
    out.push_str("\nReasons\n\n");
    for reason in &manifest.reasons {
        let width = width.unwrap_or(0);
        let _ = writeln!(out, "  {:width$}  {}", reason.name, reason.summary);
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
