//! What can be said of rules without any resource: that nothing can ever match one, and that one matches wherever another
//! one does. Pure, and careful: where it cannot tell, it says no.

use std::collections::BTreeMap;

use super::{
    Compiled, EvidenceKind, INFERRED, Matching, Operator, ResourceType,
    matcher::{How, Test},
};

/// Types of workloads that discovery tells.
const WORKLOAD_TYPES: [&str; 5] = ["container", "vm", "k8s_pod", "process", "vhost"];

impl EvidenceKind {
    /// Whether resources of a type ever have it.
    fn is_of(self, kind: ResourceType) -> bool {
        match kind {
            ResourceType::Compute => matches!(self, Self::ComputeName | Self::HostName | Self::Tag),
            ResourceType::K8sNamespace => matches!(self, Self::Namespace | Self::Label | Self::Tag),
            ResourceType::Container => {
                matches!(self, Self::WorkloadName | Self::Image | Self::ComputeName | Self::HostName | Self::Tag)
            }
            _ => true,
        }
    }

    /// Word in the API.
    fn word(self) -> String {
        serde_json::to_value(self).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

impl Compiled {
    /// Why no resource can ever match it; `None` when one may.
    #[must_use]
    pub fn never_matches(&self) -> Option<String> {
        if self.tests.is_empty() {
            return None;
        }
        let types = self.types();
        let offered = |kind: &ResourceType| {
            let mut each = self.tests.iter().map(|test| test.condition.evidence.is_of(*kind));
            match self.rule.r#match {
                Matching::All => each.all(|is| is),
                Matching::Any => each.any(|is| is),
            }
        };
        if !types.iter().any(offered) {
            let looked_at: Vec<String> = self.tests.iter().map(|test| test.condition.evidence.word()).collect();
            let types: Vec<&str> = types.into_iter().map(ResourceType::as_str).collect();
            return Some(format!("a {} has no {}", types.join(" or "), looked_at.join(" and ")));
        }
        let impossible = |test: &Test| {
            let type_of = test.condition.evidence == EvidenceKind::WorkloadType;
            type_of && !WORKLOAD_TYPES.iter().any(|word| test.accepts(word))
        };
        let no_type = || Some(format!("workloadType is only ever one of {}", WORKLOAD_TYPES.join(", ")));
        match self.rule.r#match {
            Matching::All if self.tests.iter().any(impossible) => no_type(),
            Matching::Any if self.tests.iter().all(impossible) => no_type(),
            Matching::All => self.contradicts_itself(),
            Matching::Any => None,
        }
    }

    /// Conditions on one value that exclude each other.
    fn contradicts_itself(&self) -> Option<String> {
        let mut groups: BTreeMap<(EvidenceKind, Option<String>), Vec<&Test>> = BTreeMap::new();
        for test in &self.tests {
            // A resource may have several domains, and one value of everything else.
            if test.condition.evidence != EvidenceKind::VhostDomain {
                groups.entry(looked_at(test)).or_default().push(test);
            }
        }
        let (kind, key) = groups.into_iter().find(|(_, tests)| exclude_each_other(tests))?.0;
        let key = key.map_or_else(String::new, |key| format!(" {key}"));
        Some(format!("its conditions on {}{key} exclude each other", kind.word()))
    }

    /// Whether it matches every resource that `other` matches.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.types(), other.types());
        let within = |wanted: Option<i64>, is: Option<i64>| wanted.is_none() || wanted == is;
        let scope = theirs.iter().all(|kind| ours.contains(kind))
            && within(self.rule.scope.partner_id, other.rule.scope.partner_id)
            && within(self.rule.scope.cloud_id, other.rule.scope.cloud_id)
            && within(self.rule.scope.datacenter_id, other.rule.scope.datacenter_id);
        if !scope || self.tests.is_empty() || other.tests.is_empty() {
            return false;
        }
        // What is known of a resource that the other one matches: all of its conditions, or only one of them.
        let known: Vec<Vec<&Test>> = match other.rule.r#match {
            Matching::All => vec![other.tests.iter().collect()],
            Matching::Any => other.tests.iter().map(|test| vec![test]).collect(),
        };
        known.iter().all(|known| {
            let mut met = self.tests.iter().map(|ours| known.iter().any(|theirs| implies(theirs, ours)));
            match self.rule.r#match {
                Matching::All => met.all(|met| met),
                Matching::Any => met.any(|met| met),
            }
        })
    }

    fn types(&self) -> Vec<ResourceType> {
        let named = &self.rule.scope.resource_types;
        INFERRED.into_iter().filter(|kind| named.is_empty() || named.iter().any(|word| word == kind.as_str())).collect()
    }
}

fn looked_at(test: &Test) -> (EvidenceKind, Option<String>) {
    (test.condition.evidence, test.condition.key.as_deref().map(str::to_lowercase))
}

/// Whether no single value meets all of them.
fn exclude_each_other(tests: &[&Test]) -> bool {
    let exact = tests.iter().find_map(|test| if let How::Equals(values) = &test.how { Some(values) } else { None });
    if let Some(values) = exact {
        return !values.iter().any(|value| tests.iter().all(|test| test.accepts(value)));
    }
    let pairs =
        tests.iter().enumerate().flat_map(|(index, one)| tests[index + 1..].iter().map(move |other| (one, other)));
    pairs.into_iter().any(|(one, other)| match (&one.how, &other.how) {
        (How::Prefix(one), How::Prefix(other)) => !one.starts_with(other) && !other.starts_with(one),
        (How::Suffix(one), How::Suffix(other)) => !one.ends_with(other) && !other.ends_with(one),
        _ => false,
    })
}

/// Whether evidence that meets `one` meets `other`.
fn implies(one: &Test, other: &Test) -> bool {
    if looked_at(one) != looked_at(other) {
        return false;
    }
    match (&one.how, &other.how) {
        (How::Equals(values), _) => values.iter().all(|value| other.accepts(value)),
        (How::Prefix(one), How::Prefix(other)) => one.starts_with(other),
        (How::Suffix(one), How::Suffix(other)) => one.ends_with(other),
        (How::Prefix(one) | How::Suffix(one) | How::Contains(one), How::Contains(other)) => one.contains(other),
        _ => {
            let (one, other) = (&one.condition, &other.condition);
            let anything = other.operator == Operator::Glob && other.values.iter().all(|value| value == "*");
            anything || (one.operator == other.operator && one.values == other.values)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Condition, Rule, RuleKind, Scope, check},
        *,
    };

    fn on(evidence: EvidenceKind, operator: Operator, values: &[&str]) -> Condition {
        let key = evidence.has_key().then(|| "Environment".to_owned());
        Condition { evidence, key, operator, values: values.iter().map(|value| (*value).to_owned()).collect() }
    }

    fn rule(r#match: Matching, types: &[&str], conditions: Vec<Condition>) -> Compiled {
        let scope = Scope { resource_types: types.iter().map(|word| (*word).to_owned()).collect(), ..Scope::default() };
        let rule =
            Rule { name: "r".into(), environment_code: "PROD".into(), r#match, conditions, scope, ..Rule::default() };
        check(1, rule).unwrap()
    }

    #[test]
    fn conditions_that_nothing_meets_are_told_with_the_reason() {
        use EvidenceKind::{HostName, Image, Label, VhostDomain, WorkloadType};
        let told = |r#match, types: &[&str], conditions| rule(r#match, types, conditions).never_matches();
        let all = |conditions: Vec<Condition>| told(Matching::All, &[], conditions);
        let image = on(Image, Operator::Prefix, &["a"]);
        let image_of_compute = told(Matching::All, &["compute"], vec![image.clone()]);
        assert_eq!(image_of_compute.as_deref(), Some("a compute has no image"));
        let any = told(Matching::Any, &["compute"], vec![image.clone(), on(HostName, Operator::Prefix, &["a"])]);
        assert_eq!(any, None, "one of them is enough");
        let typed = all(vec![on(WorkloadType, Operator::Equals, &["docker"])]).unwrap();
        assert!(typed.contains("container, vm, k8s_pod"), "{typed}");
        assert_eq!(all(vec![on(WorkloadType, Operator::Glob, &["k8s_*"])]), None);
        let twice = all(vec![on(Label, Operator::Equals, &["prod"]), on(Label, Operator::In, &["dev", "test"])]);
        assert_eq!(twice.as_deref(), Some("its conditions on label environment exclude each other"));
        assert_eq!(all(vec![on(Label, Operator::Equals, &["PROD"]), on(Label, Operator::Prefix, &["pr"])]), None);
        assert!(all(vec![image.clone(), on(Image, Operator::Prefix, &["b"])]).is_some());
        assert_eq!(all(vec![image, on(Image, Operator::Prefix, &["ab"])]), None);
        let domains = vec![on(VhostDomain, Operator::Equals, &["a"]), on(VhostDomain, Operator::Equals, &["b"])];
        assert_eq!(all(domains), None, "a server may have both");
    }

    #[test]
    fn a_broader_rule_covers_a_narrower_one_and_not_the_other_way_round() {
        use EvidenceKind::{HostName, Image};
        let all = |conditions| rule(Matching::All, &[], conditions);
        let any = |conditions| rule(Matching::Any, &[], conditions);
        let image = |operator, value| on(Image, operator, &[value]);
        let (broad, narrow) = (image(Operator::Contains, "shop"), image(Operator::Prefix, "shop-web"));
        let host = on(HostName, Operator::Suffix, &[".example.org"]);
        let pairs = [
            (all(vec![broad.clone()]), all(vec![narrow.clone()])),
            (all(vec![narrow.clone()]), all(vec![narrow.clone(), host.clone()])),
            (any(vec![narrow.clone(), host.clone()]), all(vec![narrow.clone()])),
            (any(vec![broad.clone(), host.clone()]), any(vec![narrow.clone(), host.clone()])),
            (all(vec![image(Operator::Glob, "*")]), all(vec![image(Operator::Regex, "^a+$")])),
            (all(vec![image(Operator::Regex, "^shop")]), all(vec![image(Operator::Equals, "Shop-1")])),
            (all(vec![broad.clone()]), rule(Matching::All, &["workload"], vec![broad.clone()])),
        ];
        for (broader, narrower) in &pairs {
            assert!(broader.covers(narrower), "{broader:?} {narrower:?}");
            assert!(!narrower.covers(broader), "{broader:?} {narrower:?}");
        }
        assert!(!any(vec![narrow.clone()]).covers(&any(vec![narrow.clone(), host])), "the other condition is enough");
        let elsewhere = Compiled {
            rule: Rule { scope: Scope { partner_id: Some(1), ..Scope::default() }, ..all(vec![broad.clone()]).rule },
            ..all(vec![broad.clone()])
        };
        assert!(!elsewhere.covers(&all(vec![narrow])), "it reaches only one partner's");
        let apart = Rule {
            kind: RuleKind::Separate,
            name: "s".into(),
            environment_code: "A".into(),
            other_code: Some("B".into()),
            ..Rule::default()
        };
        assert!(!check(2, apart).unwrap().covers(&all(vec![broad])));
    }
}
