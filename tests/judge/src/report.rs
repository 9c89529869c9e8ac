//! What `make judge` prints.

use vrfy_policy_default::{Usage, study};

use crate::baselines::BASELINES;
use crate::calibration;
use crate::corpus::{Class, Row};
use crate::dialogue;
use crate::leave_out::{self, LeftOut};
use crate::reliability::{self, BUCKETS, Share};
use crate::tally::{Case, Matrix, by, percent, wilson};
use crate::vary;

/// The figures, in short; with `verbose` those of every source, provider, code class, language and
/// reason, and every reply that the verdict differs on with a source left out.
#[must_use]
pub fn report(rows: &[Row], verbose: bool) -> String {
    let all: Vec<Case<'_>> = rows.iter().map(Case::of).collect();
    let clear: Vec<Case<'_>> = all
        .iter()
        .filter(|case| !case.row.borderline)
        .cloned()
        .collect();
    let left_out = leave_out::each(&all);
    let mut out = String::new();
    out += &format!(
        "{} replies of {} sources, {} of them borderline\n",
        all.len(),
        left_out.len(),
        all.len() - clear.len()
    );
    matrix(
        &mut out,
        "without borderline rows",
        &Matrix::of_cases(&clear),
    );
    matrix(&mut out, "all rows", &Matrix::of_cases(&all));
    baselines(&mut out, &clear);
    sources_left_out(&mut out, &left_out, verbose);
    confidences(&mut out, &all, &left_out);
    if verbose {
        breakdowns(&mut out, &all);
        reasons(&mut out, &all, &left_out);
        kinds(&mut out, &left_out);
    }
    variations(&mut out, rows, verbose);
    misread(&mut out, &all);
    idle_rules(&mut out, &all, verbose);
    if !verbose {
        out +=
            "\nMore with VERBOSE=1 (--verbose): by source, provider, code, language and reason\n";
    }
    out
}

fn heading(out: &mut String, text: &str) {
    *out += &format!("\n{text}\n");
}

fn matrix(out: &mut String, title: &str, matrix: &Matrix) {
    heading(out, &format!("{title}: truth down, verdict across"));
    *out += &format!("  {:<12}", "");
    for verdict in Class::ALL {
        *out += &format!("{verdict:>12}");
    }
    *out += "\n";
    for truth in Class::ALL {
        *out += &format!("  {truth:<12}");
        for verdict in Class::ALL {
            *out += &format!("{:>12}", matrix.at(truth, verdict));
        }
        *out += "\n";
    }
    *out += &format!(
        "  condemned {} and blessed {} wrongly: {:.2} % of {}\n",
        matrix.condemned(),
        matrix.blessed(),
        matrix.wrong_percent(),
        matrix.total()
    );
    *out += &format!(
        "  not_exists found: {:.1} %; exists not condemned: {:.1} %\n",
        matrix.found_percent(),
        matrix.spared_percent()
    );
}

fn columns(out: &mut String, first: &str) {
    *out += &format!(
        "  {first:<44}{:>6}{:>11}{:>9}{:>9}{:>9}\n",
        "rows", "condemned", "blessed", "wrong", "found"
    );
}

fn figures(out: &mut String, name: &str, matrix: &Matrix) {
    let name: String = name.chars().take(43).collect();
    let found = match matrix.of_truth(Class::NotExists) {
        0 => "-".to_owned(),
        _ => format!("{:.1} %", matrix.found_percent()),
    };
    *out += &format!(
        "  {name:<44}{:>6}{:>11}{:>9}{:>9}{found:>9}\n",
        matrix.total(),
        matrix.condemned(),
        matrix.blessed(),
        format!("{:.1} %", matrix.wrong_percent()),
    );
}

fn baselines(out: &mut String, clear: &[Case<'_>]) {
    heading(
        out,
        "simple judges on the same rows, without borderline rows",
    );
    columns(out, "judge");
    for (name, judge) in BASELINES {
        let pairs = clear.iter().map(|case| (case.row.truth, judge(case.row)));
        figures(out, name, &Matrix::of(pairs));
    }
    figures(out, "the default policy", &Matrix::of_cases(clear));
}

fn sources_left_out(out: &mut String, left_out: &[LeftOut<'_>], verbose: bool) {
    heading(
        out,
        "leave one source out: its replies, without what no other source shows (phrases, rules)\n\
         (without borderline rows; a lower bound for sources never seen)",
    );
    columns(out, "source");
    let clear = |left: &LeftOut<'_>| {
        let cases = left.cases.iter().filter(|case| !case.row.borderline);
        cases
            .map(|case| (case.row.truth, case.judged.class()))
            .collect::<Vec<_>>()
    };
    let mut small = Vec::new();
    let mut few = 0;
    for left in left_out {
        let pairs = clear(left);
        if pairs.len() < ROWS_SHOWN_MIN && !verbose {
            few += 1;
            small.extend(pairs);
            continue;
        }
        let off = left.phrases.len() + left.rules.len();
        let name = format!("{} ({off} off)", left.source);
        figures(out, &name, &Matrix::of(pairs));
    }
    if few > 0 {
        let name = format!("{few} sources of fewer than {ROWS_SHOWN_MIN} rows");
        figures(out, &name, &Matrix::of(small));
    }
    let all = left_out.iter().flat_map(clear);
    figures(out, "together", &Matrix::of(all));
    if verbose {
        for case in left_out.iter().flat_map(|left| &left.cases) {
            if !case.is_right() {
                wrong_row(out, case);
            }
        }
    }
}

/// A source with fewer replies has no line of its own in the short form.
const ROWS_SHOWN_MIN: usize = 10;

fn confidences(out: &mut String, all: &[Case<'_>], left_out: &[LeftOut<'_>]) {
    heading(
        out,
        "confidence, and the share that is right (Wilson, 95 %), all rows",
    );
    *out += &format!(
        "  {:<12}{:>8}{:>9}{:>16}   with its source left out\n",
        "confidence", "rows", "right", ""
    );
    let seen = reliability::by_confidence(all);
    let unseen = reliability::by_confidence(left_out.iter().flat_map(|left| &left.cases));
    for (at, least) in BUCKETS.iter().enumerate() {
        if seen[at].all + unseen[at].all == 0 {
            continue;
        }
        let most = BUCKETS.get(at + 1).map_or(100, |next| next - 1);
        *out += &format!("  {:<12}", format!("{least} to {most}"));
        *out += &format!("{}   {}\n", share(seen[at]), share(unseen[at]));
    }
}

fn share(share: Share) -> String {
    let (low, high) = wilson(share.right, share.all);
    let right = percent(share.right, share.all);
    match share.all {
        0 => format!("{:>8}{:>9}{:>16}", 0, "-", ""),
        all => format!(
            "{all:>8}{:>9}{:>16}",
            format!("{right:.1} %"),
            format!("{low:.1} to {high:.1}")
        ),
    }
}

fn reasons(out: &mut String, all: &[Case<'_>], left_out: &[LeftOut<'_>]) {
    heading(
        out,
        "reason, its confidence in the plain case, and the share that is right, all rows",
    );
    let seen = reliability::by_reason(all);
    let unseen = reliability::by_reason(left_out.iter().flat_map(|left| &left.cases));
    for (name, _, confidence) in study::reasons() {
        let of = |shares: &std::collections::BTreeMap<String, Share>| {
            shares.get(name).copied().unwrap_or_default()
        };
        if of(&seen).all + of(&unseen).all > 0 {
            let (seen, unseen) = (share(of(&seen)), share(of(&unseen)));
            *out += &format!("  {name:<26}{confidence:>4}{seen}   {unseen}\n");
        }
    }
}

fn kinds(out: &mut String, left_out: &[LeftOut<'_>]) {
    heading(
        out,
        "what verdicts claim, and what replies with their source left out bear out, in percent",
    );
    for kind in calibration::kinds(left_out) {
        let words = if kind.is_plain { "plain" } else { "weak" };
        let (claim, borne_out) = (kind.confidence, kind.borne_out());
        *out += &format!(
            "  {:<26}{words:<6}{claim:>4}{borne_out:>4}{}\n",
            kind.reason,
            share(kind.share)
        );
    }
}

fn breakdowns(out: &mut String, all: &[Case<'_>]) {
    let provider = |case: &Case<'_>| match case.row.provider.as_str() {
        "" => "(not known)".to_owned(),
        name => name.to_owned(),
    };
    let code = |case: &Case<'_>| {
        let subject = case.row.leading_code();
        let subject = subject.map_or_else(
            || "none".to_owned(),
            |(_, subject, _)| format!("x.{subject}"),
        );
        format!("{}yz, enhanced {subject}", case.row.code / 100)
    };
    let language = |case: &Case<'_>| {
        let language = case.row.language.clone();
        language.unwrap_or_else(|| "(not given)".to_owned())
    };
    group(out, "source", all, |case| case.row.collection().to_owned());
    group(out, "provider", all, provider);
    group(
        out,
        "reply code and subject of the enhanced code",
        all,
        code,
    );
    group(out, "language", all, language);
    group(out, "kind of reason", all, |case| case.row.reason.clone());
}

fn group(out: &mut String, title: &str, all: &[Case<'_>], key: impl Fn(&Case<'_>) -> String) {
    heading(out, &format!("by {title}, all rows"));
    columns(out, "");
    for (name, cases) in by(all, key) {
        figures(out, &name, &Matrix::of_cases(cases));
    }
}

fn variations(out: &mut String, rows: &[Row], verbose: bool) {
    let (judged, changed) = vary::changed(rows);
    let share = 100.0 - percent(judged - changed.len(), judged);
    *out += &format!(
        "\nwritten otherwise (case, stops, lines, mailbox, host, link, queue id): {} of {judged} \
         replies are taken for something else, {share:.2} %\n",
        changed.len()
    );
    for change in changed.iter().filter(|_| verbose) {
        let vary::Changed {
            name,
            row,
            judged,
            before,
        } = change;
        let words = row.words().replace('\n', " / ");
        *out += &format!("  {} {name}: {before} -> {judged}\n", row.id);
        *out += &format!("      {} {words}\n", row.code);
    }
}

fn misread(out: &mut String, all: &[Case<'_>]) {
    let misread: Vec<&Case<'_>> = all.iter().filter(|case| !case.is_right()).collect();
    if misread.is_empty() {
        *out += "\nno reply is misread\n";
        return;
    }
    heading(out, "replies that are not read for what they are");
    for case in misread {
        wrong_row(out, case);
    }
}

fn wrong_row(out: &mut String, case: &Case<'_>) {
    let Case { row, judged } = case;
    let mark = if row.borderline { ", borderline" } else { "" };
    *out += &format!("  {} is {}{mark}, judged {judged}\n", row.id, row.truth);
    *out += &format!("      {} {}\n", row.code, row.words().replace('\n', " / "));
}

/// What tends the rules: those that decide nothing here, and phrases that no case has either.
fn idle_rules(out: &mut String, all: &[Case<'_>], verbose: bool) {
    let mut usage = Usage::of_cases();
    for case in all {
        for attempt in dialogue::evidence(case.row).attempts {
            let answer = attempt.replies.last();
            answer.inspect(|answer| usage.count(answer, &attempt.exchange_name));
        }
    }
    if verbose {
        *out += &format!("\n{usage}");
    } else {
        let (rules, phrases) = (usage.idle_rules().count(), usage.idle_phrases().count());
        *out += &format!(
            "\n{rules} of {} rules decide none of these replies, and {phrases} phrases are in no \
             case and no reply that they decide\n",
            study::rules().count()
        );
    }
}
