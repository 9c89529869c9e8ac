//! What would change a verdict: the policy is asked again with one thing otherwise.
//!
//! Promises: what is told is the policy's answer to evidence that differs in the one thing that is
//! named, never a guess of ours; at most [`QUESTIONS_MAX`] questions are asked.

use vrfy_proto::enhanced_code::EnhancedStatusCode;
use vrfy_proto::evidence::{Cause, DecoyFinding, Evidence, Reply, Setting, SettingValue, Verdict};
use vrfy_proto::stage::Stage;

use super::Explainer;
use crate::policy::SettingKind;
use crate::record::{Change, Judged};

/// Questions for one explanation. The built-in policy has a dozen worth asking and answers each in
/// well under a millisecond; one with many settings is not asked for ever.
pub(super) const QUESTIONS_MAX: usize = 48;

/// What would change the verdict, and to what.
pub(super) fn of(explainer: &Explainer, evidence: &Evidence, verdict: &Verdict) -> Vec<Change> {
    let mut questions = about_reply(evidence, verdict);
    questions.extend(about_decoy(evidence, verdict));
    questions.extend(about_rounds(evidence));
    let own = |evidence| (evidence, explainer.settings.clone());
    let questions = questions
        .into_iter()
        .map(|(what, evidence)| (what, own(evidence)));
    let settings = about_settings(explainer)
        .into_iter()
        .map(|(what, settings)| (what, (evidence.clone(), settings)));
    let now = (verdict.status, verdict.reason.as_str());
    let changes =
        questions
            .chain(settings)
            .take(QUESTIONS_MAX)
            .filter_map(|(what, (evidence, settings))| {
                let then = explainer.settle(evidence, settings).ok()?;
                ((then.status, then.reason.as_str()) != now).then(|| Change {
                    what,
                    verdict: Judged::of(&then),
                })
            });
    changes.collect()
}

/// The reply that decided with another code, or with fewer words.
fn about_reply(evidence: &Evidence, verdict: &Verdict) -> Vec<(String, Evidence)> {
    let Some((attempt, reply)) = decisive(evidence, verdict) else {
        return Vec::new();
    };
    let with = |change: &dyn Fn(&mut Reply)| {
        let mut evidence = evidence.clone();
        change(&mut evidence.attempts[attempt].replies[reply]);
        evidence
    };
    let said = &evidence.attempts[attempt].replies[reply];
    let mut questions = Vec::new();
    let Some(code) = said.code.filter(|code| (400..600).contains(code)) else {
        return questions;
    };
    let bare = bare_text(said);
    if !bare.is_empty() {
        let what = match said.enhanced {
            Some(enhanced) => format!("had the reply been {code} {enhanced} without a word"),
            None => format!("had the reply been {code} without a word"),
        };
        questions.push((
            what,
            with(&|reply| reply.text = enhanced_text(reply.enhanced)),
        ));
    }
    if said.enhanced.is_some() && !bare.is_empty() {
        let change = |reply: &mut Reply| {
            reply.text = bare_text(reply);
            reply.enhanced = None;
        };
        questions.push((
            "had the reply had no enhanced code".to_owned(),
            with(&change),
        ));
    }
    let other = if code < 500 { code + 100 } else { code - 100 };
    let (from, to) = if code < 500 { (4, 5) } else { (5, 4) };
    let change = |reply: &mut Reply| {
        let bare = bare_text(reply);
        reply.code = Some(other);
        if let Some(enhanced) = &mut reply.enhanced
            && enhanced.class == from
        {
            enhanced.class = to;
            reply.text = format!("{} {bare}", enhanced_text(reply.enhanced));
        }
    };
    questions.push((
        format!("had the reply been {other}, not {code}"),
        with(&change),
    ));
    questions
}

/// The reply that decided, by its places.
fn decisive(evidence: &Evidence, verdict: &Verdict) -> Option<(usize, usize)> {
    let Some(Cause::Reply { attempt, reply }) = verdict.because.first().copied() else {
        return None;
    };
    let attempt = usize::try_from(attempt).ok()?;
    let reply = usize::try_from(reply).ok()?;
    evidence.attempts.get(attempt)?.replies.get(reply)?;
    Some((attempt, reply))
}

/// The text without the enhanced code that leads its lines.
fn bare_text(reply: &Reply) -> String {
    let code = enhanced_text(reply.enhanced);
    let lines = reply.text.split('\n');
    let bare = lines.map(|line| {
        line.strip_prefix(code.as_str())
            .unwrap_or(line)
            .trim_start()
    });
    bare.collect::<Vec<_>>().join("\n")
}

fn enhanced_text(enhanced: Option<EnhancedStatusCode>) -> String {
    enhanced.map_or_else(String::new, |code| code.to_string())
}

/// Another answer to the decoy, or none.
fn about_decoy(evidence: &Evidence, verdict: &Verdict) -> Vec<(String, Evidence)> {
    let Some(last) = evidence.attempts.last() else {
        return Vec::new();
    };
    let attempt = match decisive(evidence, verdict) {
        Some((attempt, _)) => &evidence.attempts[attempt],
        None => last,
    };
    let answered = |code: u16, text: &str| DecoyFinding {
        asked_ms: evidence.clock.now_ms,
        exchange_name: attempt.exchange_name.clone(),
        attempt: None,
        reply: Reply {
            stage: Stage::RcptTo,
            code: Some(code),
            enhanced: EnhancedStatusCode::from_text(text.as_bytes()),
            text: text.to_owned(),
            elapsed_ms: 0,
        },
    };
    let with = |decoys: Vec<DecoyFinding>| Evidence {
        decoys,
        ..evidence.clone()
    };
    let accepted = answered(250, "2.1.5 OK");
    let refused = answered(550, "5.1.1 No such user here");
    let mut questions = vec![
        (
            "had the decoy been accepted".to_owned(),
            with(vec![accepted]),
        ),
        (
            "had the decoy been refused as unknown (550 5.1.1)".to_owned(),
            with(vec![refused]),
        ),
    ];
    if !evidence.decoys.is_empty() {
        questions.push(("had no decoy been asked".to_owned(), with(Vec::new())));
    }
    questions
}

/// Had nobody asked again.
fn about_rounds(evidence: &Evidence) -> Vec<(String, Evidence)> {
    let rounds = evidence.attempts.last().map_or(0, |attempt| attempt.round);
    if rounds < 2 {
        return Vec::new();
    }
    let mut first = evidence.clone();
    first.attempts.retain(|attempt| attempt.round < 2);
    let Some(end) = first.attempts.last().map(|attempt| {
        let elapsed = u64::from(attempt.elapsed_ms);
        attempt.started_ms.saturating_add(elapsed)
    }) else {
        return Vec::new();
    };
    first.decoys.retain(|decoy| decoy.asked_ms <= end);
    first.lookups.truncate(1);
    vec![(
        "had nobody asked again after the first round".to_owned(),
        first,
    )]
}

/// Each setting that has few values, with each of the others.
fn about_settings(explainer: &Explainer) -> Vec<(String, Vec<Setting>)> {
    let manifest = explainer.policy.manifest();
    let mut questions = Vec::new();
    for (index, definition) in manifest.settings.iter().enumerate() {
        let Some(current) = explainer.settings.get(index) else {
            continue;
        };
        let others: Vec<(String, SettingValue)> = match &definition.kind {
            SettingKind::Flag => [("on", true), ("off", false)]
                .map(|(name, on)| (name.to_owned(), SettingValue::Flag(on)))
                .into(),
            SettingKind::Choice(names) => names
                .iter()
                .map(|name| (name.clone(), SettingValue::Text(name.clone())))
                .collect(),
            _ => continue,
        };
        for (name, value) in others {
            if value != current.value {
                let mut settings = explainer.settings.clone();
                settings[index].value = value;
                questions.push((format!("with --set {}={name}", definition.key), settings));
            }
        }
    }
    questions
}
