//! A decision out of the contract's types, every rule checked.

use vrfy_proto::evidence::{
    Cause, Decision, DecoyChoice, Evidence, ExchangeChoice, Fact, Plan, Status, Verdict,
};

use super::super::{
    bindings::exports::vrfy::policy::judge as wit,
    fault::{DecisionRule, FaultCause, message_of},
    manifest::Manifest,
    names::is_name,
};

/// Causes of a verdict or a plan at most: more than these no reader weighs.
pub(crate) const CAUSES_MAX: usize = 8;

/// Facts of a verdict, or wishes of a plan, at most.
pub(crate) const FACTS_MAX: usize = 32;

/// Bytes of a fact's value at most: the longest reply line (RFC 5321 section 4.5.3.1.5) twice.
pub(crate) const FACT_BYTES_MAX: usize = 1024;

/// The confidence of what is certain, in percent.
const CONFIDENCE_MAX: u8 = 100;

/// The decision, if it keeps every rule.
pub(crate) fn decision(
    decision: wit::Decision,
    evidence: &Evidence,
    manifest: &Manifest,
) -> Result<Decision, FaultCause> {
    let checks = Checks { evidence, manifest };
    match decision {
        wit::Decision::Settle(verdict) => checks.verdict("verdict", verdict).map(Decision::Settle),
        wit::Decision::Probe(plan) => checks.plan(plan).map(Decision::Probe),
    }
}

/// What a decision is checked against.
struct Checks<'c> {
    evidence: &'c Evidence,
    manifest: &'c Manifest,
}

impl Checks<'_> {
    fn verdict(&self, place: &str, verdict: wit::Verdict) -> Result<Verdict, FaultCause> {
        self.reason(place, &verdict.reason)?;
        if verdict.confidence > CONFIDENCE_MAX {
            let found = verdict.confidence;
            return Err(broken(
                DecisionRule::ConfidenceRange,
                format!("the {place} has a confidence of {found} percent"),
            ));
        }
        Ok(Verdict {
            status: status(verdict.status),
            because: self.causes(place, &verdict.because)?,
            facts: facts(place, "facts", verdict.facts)?,
            reason: verdict.reason,
            confidence: verdict.confidence,
            hold_lane_ms: verdict.hold_lane_ms,
        })
    }

    fn plan(&self, plan: wit::Plan) -> Result<Plan, FaultCause> {
        self.reason("plan", &plan.reason)?;
        Ok(Plan {
            wait_ms: plan.wait_ms,
            exchange: match plan.exchange {
                wit::ExchangeChoice::Planned => ExchangeChoice::Planned,
                wit::ExchangeChoice::Same => ExchangeChoice::Same,
                wit::ExchangeChoice::Next => ExchangeChoice::Next,
            },
            decoy: match plan.decoy {
                wit::DecoyChoice::None => DecoyChoice::None,
                wit::DecoyChoice::IfUnknown => DecoyChoice::IfUnknown,
                wit::DecoyChoice::Always => DecoyChoice::Always,
            },
            hold_lane_ms: plan.hold_lane_ms,
            because: self.causes("plan", &plan.because)?,
            otherwise: self.verdict("plan's otherwise", plan.otherwise)?,
            wishes: facts("plan", "wishes", plan.wishes)?,
            reason: plan.reason,
        })
    }

    fn reason(&self, place: &str, reason: &str) -> Result<(), FaultCause> {
        if !is_name(reason) {
            return Err(broken(
                DecisionRule::ReasonIsName,
                format!("the {place} has the reason {reason:?}, which is not a name"),
            ));
        }
        if !self.manifest.declares_reason(reason) {
            return Err(broken(
                DecisionRule::ReasonIsDeclared,
                format!("the {place} has the reason {reason:?}, which its manifest lacks"),
            ));
        }
        Ok(())
    }

    fn causes(&self, place: &str, causes: &[wit::Cause]) -> Result<Vec<Cause>, FaultCause> {
        if causes.len() > CAUSES_MAX {
            let count = causes.len();
            return Err(broken(
                DecisionRule::CauseCount,
                format!("the {place} has {count} causes, and {CAUSES_MAX} are allowed"),
            ));
        }
        causes.iter().map(|one| self.cause(place, one)).collect()
    }

    fn cause(&self, place: &str, cause: &wit::Cause) -> Result<Cause, FaultCause> {
        let evidence = self.evidence;
        let within = |list: &str, index: u32, length: usize| {
            if (index as usize) < length {
                return Ok(());
            }
            Err(broken(
                DecisionRule::CauseInEvidence,
                format!("the {place} points to {list} {index}, and the evidence has {length}"),
            ))
        };
        Ok(match *cause {
            wit::Cause::Address => Cause::Address,
            wit::Cause::Lookup(index) => {
                within("look-up", index, evidence.lookups.len())?;
                Cause::Lookup(index)
            }
            wit::Cause::Attempt(index) => {
                within("attempt", index, evidence.attempts.len())?;
                Cause::Attempt(index)
            }
            wit::Cause::Reply(wit::ReplyReference { attempt, reply }) => {
                within("attempt", attempt, evidence.attempts.len())?;
                let replies = evidence.attempts[attempt as usize].replies.len();
                within("reply", reply, replies)?;
                Cause::Reply { attempt, reply }
            }
            wit::Cause::Decoy(index) => {
                within("decoy", index, evidence.decoys.len())?;
                Cause::Decoy(index)
            }
            wit::Cause::Tag(index) => {
                within("tag", index, evidence.tags.len())?;
                Cause::Tag(index)
            }
        })
    }
}

pub(super) fn status(status: wit::Status) -> Status {
    match status {
        wit::Status::Deliverable => Status::Deliverable,
        wit::Status::Undeliverable => Status::Undeliverable,
        wit::Status::Risky => Status::Risky,
        wit::Status::Unknown => Status::Unknown,
    }
}

fn facts(place: &str, what: &str, facts: Vec<wit::FactResult>) -> Result<Vec<Fact>, FaultCause> {
    if facts.len() > FACTS_MAX {
        let count = facts.len();
        return Err(broken(
            DecisionRule::FactCount,
            format!("the {place} has {count} {what}, and {FACTS_MAX} are allowed"),
        ));
    }
    for fact in &facts {
        if !is_name(&fact.name) {
            return Err(broken(
                DecisionRule::FactIsNamed,
                format!("the {place} has {what} with the name {:?}", fact.name),
            ));
        }
        if fact.value.len() > FACT_BYTES_MAX {
            let (name, bytes) = (&fact.name, fact.value.len());
            return Err(broken(
                DecisionRule::FactLength,
                format!(
                    "in the {place}, {name} has {bytes} bytes, and {FACT_BYTES_MAX} are allowed"
                ),
            ));
        }
    }
    Ok(facts.into_iter().map(super::manifest::fact).collect())
}

fn broken(rule: DecisionRule, detail: String) -> FaultCause {
    FaultCause::MalformedDecision {
        rule,
        detail: message_of(&detail),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;
    use vrfy_proto::evidence::{Address, AddressProblem, Budget, Clock};

    use super::{super::super::manifest::tests::manifest, *};

    /// Evidence of nothing but an address and one tag.
    fn evidence() -> Evidence {
        Evidence {
            address: Address {
                given: "ana".to_owned(),
                mailbox: Err(AddressProblem {
                    code: "no-at-sign".to_owned(),
                    message: "it has no @".to_owned(),
                    column: None,
                }),
            },
            lookups: vec![],
            attempts: vec![],
            decoys: vec![],
            tags: vec!["role-account".to_owned()],
            facts: vec![],
            clock: Clock {
                now_ms: 0,
                probe_started_ms: 0,
            },
            budget: Budget {
                rounds_left: 1,
                deadline_ms: None,
            },
            settings: vec![],
        }
    }

    /// A verdict that keeps every rule.
    fn verdict() -> wit::Verdict {
        wit::Verdict {
            status: wit::Status::Risky,
            reason: "accepted".to_owned(),
            confidence: 100,
            because: vec![wit::Cause::Tag(0), wit::Cause::Address],
            hold_lane_ms: u32::MAX,
            facts: vec![fact("rule", &"x".repeat(FACT_BYTES_MAX)); FACTS_MAX],
        }
    }

    fn plan() -> wit::Plan {
        wit::Plan {
            reason: "accepted".to_owned(),
            wait_ms: u32::MAX,
            exchange: wit::ExchangeChoice::Same,
            decoy: wit::DecoyChoice::IfUnknown,
            hold_lane_ms: 7,
            because: vec![wit::Cause::Address; CAUSES_MAX],
            otherwise: verdict(),
            wishes: vec![fact("wish", "")],
        }
    }

    fn fact(name: &str, value: &str) -> wit::FactResult {
        wit::FactResult {
            name: name.to_owned(),
            value: value.to_owned(),
        }
    }

    fn checked(given: wit::Decision) -> Result<Decision, FaultCause> {
        decision(given, &evidence(), &manifest())
    }

    fn broken_verdict(change: impl Fn(&mut wit::Verdict)) -> DecisionRule {
        let mut changed = verdict();
        change(&mut changed);
        // The same rules hold for the verdict that a plan ends in.
        let mut inside = plan();
        inside.otherwise = changed.clone();
        let rule = rule(wit::Decision::Settle(changed));
        assert_eq!(self::rule(wit::Decision::Probe(inside)), rule);
        rule
    }

    fn broken_plan(change: impl Fn(&mut wit::Plan)) -> DecisionRule {
        let mut changed = plan();
        change(&mut changed);
        rule(wit::Decision::Probe(changed))
    }

    fn rule(given: wit::Decision) -> DecisionRule {
        match checked(given) {
            Err(FaultCause::MalformedDecision { rule, detail }) => {
                assert!(!detail.chars().any(char::is_control), "{detail:?}");
                rule
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_verdict_at_every_limit_passes_unchanged() {
        let Ok(Decision::Settle(settled)) = checked(wit::Decision::Settle(verdict())) else {
            panic!("it is within every rule");
        };
        assert_eq!(settled.status, Status::Risky);
        assert_eq!((&*settled.reason, settled.confidence), ("accepted", 100));
        assert_eq!(settled.because, [Cause::Tag(0), Cause::Address]);
        assert_eq!(settled.facts.len(), FACTS_MAX);
    }

    #[test]
    fn a_plan_passes_unchanged_however_long_it_waits() {
        let Ok(Decision::Probe(plan)) = checked(wit::Decision::Probe(plan())) else {
            panic!("it is within every rule");
        };
        assert_eq!((plan.wait_ms, plan.hold_lane_ms), (u32::MAX, 7));
        assert_eq!(
            (plan.exchange, plan.decoy),
            (ExchangeChoice::Same, DecoyChoice::IfUnknown)
        );
        assert_eq!(plan.wishes, [Fact::new("wish", "")]);
        assert_eq!(plan.otherwise.status, Status::Risky);
    }

    #[test]
    fn reasons_are_names_from_the_manifest() {
        for (reason, rule) in [
            ("not-declared", DecisionRule::ReasonIsDeclared),
            ("Accepted", DecisionRule::ReasonIsName),
            ("", DecisionRule::ReasonIsName),
            ("accepted\u{1b}[2J", DecisionRule::ReasonIsName),
        ] {
            assert_eq!(
                broken_verdict(|verdict| verdict.reason = reason.to_owned()),
                rule
            );
            assert_eq!(broken_plan(|plan| plan.reason = reason.to_owned()), rule);
        }
    }

    #[test]
    fn a_confidence_is_a_percentage() {
        let rule = broken_verdict(|verdict| verdict.confidence = 101);
        assert_eq!(rule, DecisionRule::ConfidenceRange);
    }

    #[test]
    fn causes_are_few_and_point_into_the_evidence() {
        let nine = vec![wit::Cause::Address; CAUSES_MAX + 1];
        assert_eq!(
            broken_verdict(|verdict| verdict.because = nine.clone()),
            DecisionRule::CauseCount
        );
        assert_eq!(
            broken_plan(|plan| plan.because = nine.clone()),
            DecisionRule::CauseCount
        );
        for cause in [
            wit::Cause::Lookup(0),
            wit::Cause::Attempt(0),
            wit::Cause::Reply(wit::ReplyReference {
                attempt: 0,
                reply: 0,
            }),
            wit::Cause::Decoy(0),
            wit::Cause::Tag(1),
            wit::Cause::Tag(u32::MAX),
        ] {
            assert_eq!(
                broken_verdict(|verdict| verdict.because = vec![cause]),
                DecisionRule::CauseInEvidence
            );
        }
    }

    #[test]
    fn facts_and_wishes_are_few_named_and_short() {
        for (facts, rule) in [
            (
                vec![fact("rule", ""); FACTS_MAX + 1],
                DecisionRule::FactCount,
            ),
            (vec![fact("A rule", "")], DecisionRule::FactIsNamed),
            (
                vec![fact("rule", &"x".repeat(FACT_BYTES_MAX + 1))],
                DecisionRule::FactLength,
            ),
        ] {
            assert_eq!(
                broken_verdict(|verdict| verdict.facts = facts.clone()),
                rule
            );
            assert_eq!(broken_plan(|plan| plan.wishes = facts.clone()), rule);
        }
    }

    proptest! {
        #[test]
        fn any_decision_is_refused_or_keeps_every_rule(given in decisions()) {
            match checked(given) {
                Ok(Decision::Settle(verdict)) => check_verdict(&verdict),
                Ok(Decision::Probe(plan)) => {
                    check_verdict(&plan.otherwise);
                    check_causes(&plan.because);
                    check_facts(&plan.wishes);
                    prop_assert_eq!(plan.reason, "accepted");
                }
                Err(FaultCause::MalformedDecision { detail, .. }) => {
                    prop_assert!(!detail.chars().any(char::is_control), "{detail:?}");
                }
                Err(other) => prop_assert!(false, "{other:?}"),
            }
        }
    }

    fn check_verdict(verdict: &Verdict) {
        assert!(verdict.confidence <= CONFIDENCE_MAX);
        assert_eq!(verdict.reason, "accepted");
        check_causes(&verdict.because);
        check_facts(&verdict.facts);
    }

    /// The evidence has an address and one tag, and nothing else.
    fn check_causes(causes: &[Cause]) {
        assert!(causes.len() <= CAUSES_MAX);
        let allowed = [Cause::Address, Cause::Tag(0)];
        assert!(causes.iter().all(|cause| allowed.contains(cause)));
    }

    fn check_facts(facts: &[Fact]) {
        assert!(facts.len() <= FACTS_MAX);
        for fact in facts {
            assert!(is_name(&fact.name) && fact.value.len() <= FACT_BYTES_MAX);
        }
    }

    fn decisions() -> impl Strategy<Value = wit::Decision> {
        let settled = verdicts().prop_map(wit::Decision::Settle);
        let plans = (verdicts(), verdicts()).prop_map(|(otherwise, one)| {
            wit::Decision::Probe(wit::Plan {
                reason: one.reason,
                because: one.because,
                wishes: one.facts,
                otherwise,
                ..plan()
            })
        });
        prop_oneof![settled, plans]
    }

    fn verdicts() -> impl Strategy<Value = wit::Verdict> {
        let reasons = prop_oneof![9 => Just("accepted".to_owned()), 1 => any::<String>()];
        let facts = prop_oneof![
            9 => names_and_values(FACT_BYTES_MAX, 0..3),
            1 => names_and_values(FACT_BYTES_MAX + 2, 30..36),
        ];
        let causes = prop_oneof![9 => vec(causes(), 0..4), 1 => vec(causes(), 7..11)];
        let confidence = prop_oneof![9 => 0_u8..=100, 1 => any::<u8>()];
        (reasons, causes, facts, confidence).prop_map(|(reason, because, facts, confidence)| {
            wit::Verdict {
                reason,
                because,
                facts,
                confidence,
                ..verdict()
            }
        })
    }

    fn names_and_values(
        bytes: usize,
        count: std::ops::Range<usize>,
    ) -> impl Strategy<Value = Vec<wit::FactResult>> {
        let names = prop_oneof![20 => Just("rule".to_owned()), 1 => any::<String>()];
        let one = (names, 0..=bytes).prop_map(|(name, bytes)| fact(&name, &"x".repeat(bytes)));
        vec(one, count)
    }

    fn causes() -> impl Strategy<Value = wit::Cause> {
        let index = select(vec![0, 1, u32::MAX]);
        prop_oneof![
            10 => Just(wit::Cause::Address),
            5 => Just(wit::Cause::Tag(0)),
            1 => index.prop_flat_map(|index| select(vec![
                wit::Cause::Tag(index),
                wit::Cause::Lookup(index),
                wit::Cause::Attempt(index),
                wit::Cause::Decoy(index),
                wit::Cause::Reply(wit::ReplyReference { attempt: index, reply: index }),
            ])),
        ]
    }
}
