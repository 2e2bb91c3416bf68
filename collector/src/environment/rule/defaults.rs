//! The rules that an installation starts with. People edit and delete them as their own.

use super::{Condition, EvidenceKind, Matching, Operator, Rule};

/// Codes that installations use for an environment, with the words that name it in labels and names.
struct Family {
    /// Names its rules.
    key: &'static str,
    code: &'static str,
    words: &'static [&'static str],
}

const FAMILIES: [Family; 6] = [
    Family { key: "prod", code: "PROD", words: &["prod", "production", "prd"] },
    Family { key: "stg", code: "STG", words: &["stg", "staging", "stage", "preprod", "uat"] },
    Family { key: "staging", code: "STAGING", words: &["stg", "staging", "stage", "preprod", "uat"] },
    Family { key: "test", code: "TEST", words: &["test", "testing", "qa"] },
    Family { key: "dev", code: "DEV", words: &["dev", "development", "devel", "sandbox"] },
    Family { key: "dr", code: "DR", words: &["dr", "disaster-recovery", "failover"] },
];

/// Keys of labels and tags that name an environment outright.
const KEYS: [&str; 7] = [
    "environment",
    "env",
    "orchestrix.environment",
    "com.orchestrix.environment",
    "app.kubernetes.io/environment",
    "environment.name",
    "stage",
];

/// The default set: a name for each that stays when people edit the rule, and the rule. A partner that has no environment
/// with the code is passed over, so that what is not used does no harm.
#[must_use]
pub fn defaults() -> Vec<(String, Rule)> {
    let mut rules = Vec::new();
    for (index, family) in FAMILIES.iter().enumerate() {
        let rank = i64::try_from(index).unwrap_or(0);
        let Family { key, code, words } = family;
        let alternatives = words.iter().map(|word| regex::escape(word)).collect::<Vec<_>>().join("|");
        let named = format!("(^|[-_.])({alternatives})([-_.0-9]|$)");
        let rule = |name: String, description: &str, priority: i64, confidence, conditions| Rule {
            name,
            description: Some(description.to_owned()),
            priority: priority + rank,
            environment_code: (*code).to_owned(),
            confidence,
            r#match: Matching::Any,
            conditions,
            ..Rule::default()
        };
        let explicit = [EvidenceKind::Label, EvidenceKind::Tag].into_iter().flat_map(|evidence| {
            KEYS.into_iter().map(move |key| Condition {
                evidence,
                key: Some(key.to_owned()),
                operator: Operator::In,
                values: words.iter().map(|word| (*word).to_owned()).collect(),
            })
        });
        let matches =
            |evidence| Condition { evidence, key: None, operator: Operator::Regex, values: vec![named.clone()] };
        let about = "A label or a tag names the environment.";
        rules.push((
            format!("{key}-label"),
            rule(format!("{code} by label or tag"), about, 100, 95, explicit.collect()),
        ));
        let about = "The namespace, the compose project or a domain is named after the environment.";
        let groups = [EvidenceKind::Namespace, EvidenceKind::ComposeProject, EvidenceKind::VhostDomain];
        let groups = groups.into_iter().map(matches).collect();
        rules.push((format!("{key}-group"), rule(format!("{code} by namespace or project"), about, 200, 85, groups)));
        let about = "The name of the workload, its unit or its user is named after the environment.";
        let names =
            [EvidenceKind::WorkloadName, EvidenceKind::Unit, EvidenceKind::User].into_iter().map(matches).collect();
        rules.push((format!("{key}-name"), rule(format!("{code} by name"), about, 300, 60, names)));
        let about = "The host or the compute is named after the environment.";
        let mut hosts = rule(
            format!("{code} by host name"),
            about,
            400,
            70,
            [EvidenceKind::HostName, EvidenceKind::ComputeName].into_iter().map(matches).collect(),
        );
        hosts.scope.resource_types = vec!["compute".to_owned()];
        rules.push((format!("{key}-host"), hosts));
    }
    rules
}
