//! Rules that may not do what somebody meant by them.

use std::time::Duration;

use super::{Finding, Severity};
use crate::{
    environment::review::{Doubt, DoubtKind, doubts},
    store::{Db, StoreError},
};

/// How long resources are looked at for rules that contradict each other.
const BUDGET: Duration = Duration::from_secs(20);

/// Finds them.
pub(super) async fn doubtful(db: &Db) -> Result<Vec<Finding>, StoreError> {
    Ok(doubts(db, BUDGET).await?.into_iter().map(finding).collect())
}

fn finding(doubt: Doubt) -> Finding {
    let Doubt { kind, rule_id, detail } = doubt;
    let (code, problem, advice) = match kind {
        DoubtKind::UnknownEnvironment => (
            "rule-unknown-environment",
            "names an environment that nobody has, so that it decides nothing",
            "correct the code, make the environment, or remove the rule",
        ),
        DoubtKind::UnknownScope => {
            ("rule-unknown-scope", "applies only to a place that is not there", "correct its scope, or remove the rule")
        }
        DoubtKind::NeverMatches => (
            "rule-never-matches",
            "has conditions that no resource can meet",
            "correct the conditions, or remove the rule",
        ),
        DoubtKind::Unreachable => (
            "rule-unreachable",
            "decides nothing: a broader rule comes before it",
            "give it a smaller priority than that one, or remove it",
        ),
        DoubtKind::Disagrees => (
            "rules-disagree",
            "says something else of the same resources as another rule of its priority; the older one wins",
            "give one of them a smaller priority, or narrow their conditions",
        ),
        DoubtKind::Unfinished => (
            "rules-not-compared",
            "was compared with the others on a part of the resources only: there are too many",
            "give rules that may contradict each other different priorities",
        ),
    };
    Finding {
        code,
        severity: Severity::Warning,
        subject: format!("environment rule {rule_id}"),
        detail,
        problem,
        advice,
    }
}
