//! Rules on evidence made up for the purpose.

use proptest::prelude::*;

use super::*;

fn condition(evidence: EvidenceKind, operator: Operator, values: &[&str]) -> Condition {
    let key = evidence.has_key().then(|| "environment".to_owned());
    Condition { evidence, key, operator, values: values.iter().map(|value| (*value).to_owned()).collect() }
}

fn rule(name: &str, code: &str, priority: i64, conditions: Vec<Condition>) -> Rule {
    Rule { name: name.to_owned(), environment_code: code.to_owned(), priority, conditions, ..Rule::default() }
}

fn subject(evidence: Vec<Evidence>) -> Subject {
    Subject {
        kind: ResourceType::Workload,
        id: 1,
        name: "web".to_owned(),
        partner_id: Some(1),
        cloud_id: Some(1),
        datacenter_id: Some(1),
        evidence,
        rule_tags: BTreeMap::new(),
    }
}

fn environments() -> Environments {
    let mut environments = Environments::default();
    environments.insert(Some(1), "PROD", 1);
    environments.insert(Some(1), "DEV", 2);
    environments.insert(Some(2), "TEST", 3);
    environments.insert(None, "SHARED", 4);
    environments
}

fn concluded(rules: &[Rule], evidence: Vec<Evidence>) -> Option<(i64, String)> {
    let rules: Vec<Compiled> = rules.iter().zip(1..).map(|(rule, id)| check(id, rule.clone()).unwrap()).collect();
    let found = evaluate(&rules, &subject(evidence), &RuleTags::new(), &environments());
    found.map(|found| (found.environment_id, found.inference.evidence.to_string()))
}

fn holds(operator: Operator, value: &str, text: &str) -> bool {
    let rule = rule("r", "PROD", 1, vec![condition(EvidenceKind::WorkloadName, operator, &[value])]);
    concluded(&[rule], vec![Evidence::new(EvidenceKind::WorkloadName, text)]).is_some()
}

#[test]
fn each_operator_compares_regardless_of_case() {
    let cases = [
        (Operator::Equals, "Web", "wEB", true),
        (Operator::Equals, "web", "web-1", false),
        (Operator::Prefix, "prod-", "PROD-web", true),
        (Operator::Prefix, "prod-", "web-prod-", false),
        (Operator::Suffix, "-prod", "web-PROD", true),
        (Operator::Contains, "prod", "my-prod-web", true),
        (Operator::Glob, "*-prod-?", "web-prod-1", true),
        (Operator::Glob, "*-prod-?", "web-prod-12", false),
        (Operator::Glob, "a.c", "abc", false),
        (Operator::Glob, "*", "", true),
        (Operator::Regex, "^(web|db)-", "DB-1", true),
        (Operator::Regex, "^(web|db)-", "my-db-1", false),
        (Operator::In, "prod", "Prod", true),
    ];
    for (operator, value, text, expected) in cases {
        assert_eq!(holds(operator, value, text), expected, "{operator:?} {value} {text}");
    }
}

#[test]
fn all_or_any_of_the_conditions_must_hold_and_what_held_is_kept() {
    let conditions = vec![
        condition(EvidenceKind::Unit, Operator::Suffix, &[".service"]),
        condition(EvidenceKind::User, Operator::Equals, &["deploy"]),
    ];
    let unit = Evidence::new(EvidenceKind::Unit, "web.service");
    let user = Evidence::new(EvidenceKind::User, "deploy");
    let all = rule("r", "PROD", 1, conditions);
    assert_eq!(concluded(std::slice::from_ref(&all), vec![unit.clone()]), None);
    let evidence = r#"[{"evidence":"unit","value":"web.service"},{"evidence":"user","value":"deploy"}]"#;
    assert_eq!(concluded(std::slice::from_ref(&all), vec![user.clone(), unit]), Some((1, evidence.to_owned())));
    let any = Rule { r#match: Matching::Any, ..all };
    let evidence = r#"[{"evidence":"user","value":"deploy"}]"#;
    assert_eq!(concluded(&[any], vec![user]), Some((1, evidence.to_owned())));
}

#[test]
fn a_label_is_found_by_its_key() {
    let rule = rule("r", "PROD", 1, vec![condition(EvidenceKind::Label, Operator::In, &["prod", "production"])]);
    let label =
        |key: &str| Evidence { kind: EvidenceKind::Label, key: Some(key.to_owned()), value: "Production".into() };
    assert!(concluded(std::slice::from_ref(&rule), vec![label("Environment")]).is_some());
    assert!(concluded(&[rule], vec![label("stage")]).is_none());
}

#[test]
fn an_environment_that_the_partner_lacks_is_passed_over() {
    let named =
        |code: &str, priority| rule(code, code, priority, vec![condition(EvidenceKind::Image, Operator::Glob, &["*"])]);
    let image = || vec![Evidence::new(EvidenceKind::Image, "nginx")];
    assert_eq!(concluded(&[named("TEST", 1), named("dev", 2)], image()).unwrap().0, 2, "TEST is another partner's");
    assert_eq!(concluded(&[named("shared", 1)], image()).unwrap().0, 4, "one without partner is everybody's");
}

#[test]
fn a_rule_applies_within_its_scope_only() {
    let mut rule = rule("r", "PROD", 1, vec![condition(EvidenceKind::Image, Operator::Glob, &["*"])]);
    let image = || vec![Evidence::new(EvidenceKind::Image, "nginx")];
    for (scope, expected) in [
        (Scope { resource_types: vec!["workload".into()], partner_id: Some(1), ..Scope::default() }, true),
        (Scope { resource_types: vec!["compute".into()], ..Scope::default() }, false),
        (Scope { datacenter_id: Some(2), ..Scope::default() }, false),
        (Scope { cloud_id: Some(1), ..Scope::default() }, true),
    ] {
        rule.scope = scope;
        assert_eq!(concluded(std::slice::from_ref(&rule), image()).is_some(), expected, "{:?}", rule.scope);
    }
}

#[test]
fn everything_that_is_wrong_is_told_with_its_field() {
    let bad = Rule {
        name: " ".into(),
        priority: -1,
        confidence: 101,
        conditions: vec![
            Condition { key: None, ..condition(EvidenceKind::Label, Operator::Equals, &["a", "b"]) },
            Condition { key: Some("k".into()), ..condition(EvidenceKind::Unit, Operator::Equals, &[""]) },
        ],
        scope: Scope { resource_types: vec!["cloud".into()], ..Scope::default() },
        ..Rule::default()
    };
    let fields: Vec<String> = check(0, bad).unwrap_err().into_iter().map(|problem| problem.field).collect();
    assert_eq!(
        fields,
        [
            "name",
            "priority",
            "confidence",
            "environmentCode",
            "scope.resourceTypes",
            "conditions[0].key",
            "conditions[0].values",
            "conditions[1].key",
            "conditions[1].values",
        ]
    );
    for pattern in ["(", "(?:a{1000}){1000}", r"\p{Nope}"] {
        let bad = rule("r", "PROD", 1, vec![condition(EvidenceKind::Unit, Operator::Regex, &[pattern])]);
        assert_eq!(check(0, bad).unwrap_err()[0].field, "conditions[0].values", "{pattern}");
    }
    let apart = Rule { kind: RuleKind::Separate, name: "s".into(), environment_code: "A".into(), ..Rule::default() };
    assert_eq!(check(0, apart.clone()).unwrap_err()[0].field, "otherCode");
    assert_eq!(
        check(0, Rule { other_code: Some("a".into()), ..apart }).unwrap_err()[0].reason,
        "is the same environment"
    );
}

#[test]
fn the_default_rules_are_sound_and_know_the_usual_names() {
    let rules = defaults();
    let mut names: Vec<&str> = rules.iter().map(|(key, _)| key.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), rules.len());
    let rules: Vec<Rule> = rules.into_iter().map(|(_, rule)| rule).collect();
    let of = |evidence| concluded(&rules, vec![evidence]).map(|(environment, _)| environment);
    let label = |value: &str| Evidence { kind: EvidenceKind::Label, key: Some("env".into()), value: value.into() };
    assert_eq!(of(label("Production")), Some(1));
    assert_eq!(of(label("development")), Some(2));
    for (name, expected) in [("shop-prod", Some(1)), ("dev-db-1", Some(2)), ("producer", None), ("devotion", None)] {
        assert_eq!(of(Evidence::new(EvidenceKind::Namespace, name)), expected, "{name}");
        assert_eq!(of(Evidence::new(EvidenceKind::WorkloadName, name)), expected, "{name}");
    }
    let both = vec![label("dev"), Evidence::new(EvidenceKind::WorkloadName, "shop-prod")];
    assert_eq!(concluded(&rules, both).unwrap().0, 2, "a label says it outright");
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let operators =
        [Operator::Equals, Operator::Prefix, Operator::Suffix, Operator::Contains, Operator::Glob, Operator::In];
    (0..4_i64, 0..3_usize, 0..operators.len(), "[ab*]{1,2}", any::<bool>(), any::<bool>()).prop_map(
        move |(priority, code, operator, value, enabled, all)| Rule {
            enabled,
            r#match: if all { Matching::All } else { Matching::Any },
            ..rule(
                "r",
                ["PROD", "DEV", "TEST"][code],
                priority,
                vec![condition(EvidenceKind::Image, operators[operator], &[value.as_str()])],
            )
        },
    )
}

proptest! {
    /// The same rules and evidence in any order give the same conclusion, and it is the first by priority that matches
    /// by itself; what it decided by is evidence of the resource.
    #[test]
    fn the_first_by_priority_wins_in_whatever_order(
        rules in proptest::collection::vec(any_rule(), 0..6),
        images in proptest::collection::vec("[ab]{0,3}", 0..3),
    ) {
        let evidence: Vec<Evidence> = images.iter().map(|image| Evidence::new(EvidenceKind::Image, image)).collect();
        let compiled: Vec<Compiled> =
            rules.iter().zip(1..).map(|(rule, id)| check(id, rule.clone()).unwrap()).collect();
        let none = RuleTags::new();
        let found = evaluate(&compiled, &subject(evidence.clone()), &none, &environments());
        let turned: Vec<Compiled> = compiled.iter().rev().cloned().collect();
        prop_assert_eq!(&evaluate(&turned, &subject(evidence.clone()), &none, &environments()), &found);
        let mut alone: Vec<(i64, i64)> = compiled
            .iter()
            .filter(|rule| evaluate(std::slice::from_ref(rule), &subject(evidence.clone()), &none, &environments()).is_some())
            .map(|rule| (rule.rule.priority, rule.id))
            .collect();
        alone.sort_unstable();
        prop_assert_eq!(found.as_ref().map(|found| found.inference.rule_id), alone.first().map(|(_, id)| *id));
        if let Some(found) = found {
            prop_assert_ne!(found.environment_id, 3, "another partner's");
            for one in found.inference.evidence.as_array().unwrap() {
                prop_assert!(images.iter().any(|image| one["value"] == image.as_str()));
            }
        }
    }
}

fn tagger(name: &str, priority: i64, conditions: Vec<Condition>, tags: &[(&str, &str)]) -> Rule {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Rule { kind: RuleKind::Tag, name: name.to_owned(), priority, conditions, tags, ..Rule::default() }
}

fn tagged(rules: &[Rule], evidence: Vec<Evidence>) -> (Vec<String>, Option<i64>) {
    let rules: Vec<Compiled> = rules.iter().zip(1..).map(|(rule, id)| check(id, rule.clone()).unwrap()).collect();
    let subject = subject(evidence);
    let tags = tags_of(&rules, &subject);
    let shown = tags.iter().map(|(key, tag)| format!("{key}={} by {}", tag.value, tag.rule_name)).collect();
    (shown, evaluate(&rules, &subject, &tags, &environments()).map(|found| found.environment_id))
}

fn tag(key: &str, value: &str) -> Evidence {
    Evidence { kind: EvidenceKind::Tag, key: Some(key.to_owned()), value: value.to_owned() }
}

#[test]
fn all_rules_that_match_tag_and_for_a_key_the_first_by_priority() {
    let image = |name: &str| vec![condition(EvidenceKind::Image, Operator::Prefix, &[name])];
    let rules = [
        tagger("broad", 20, image("nginx"), &[("role", "proxy"), ("team", "web")]),
        tagger("narrow", 10, image("nginx:1.27"), &[("role", "edge")]),
        tagger("other", 5, image("redis"), &[("role", "cache")]),
        Rule { enabled: false, ..tagger("asleep", 1, image("nginx"), &[("x", "y")]) },
    ];
    let seen = vec![Evidence::new(EvidenceKind::Image, "nginx:1.27.2")];
    assert_eq!(tagged(&rules, seen.clone()).0, ["role=edge by narrow", "team=web by broad"]);
    let persons = [seen, vec![tag("role", "mine")]].concat();
    assert_eq!(tagged(&rules, persons).0, ["team=web by broad"], "what somebody set is left alone");
}

#[test]
fn tags_of_rules_are_evidence_for_environments_and_not_for_each_other() {
    let on_tag = |value: &str| vec![condition(EvidenceKind::Tag, Operator::Equals, &[value])];
    let image = vec![condition(EvidenceKind::Image, Operator::Prefix, &["shop"])];
    let rules = [
        tagger("shop", 1, image, &[("environment", "prod")]),
        tagger("echo", 2, on_tag("prod"), &[("environment", "prod"), ("echo", "yes")]),
        rule("prod", "PROD", 3, on_tag("prod")),
    ];
    let seen = vec![Evidence::new(EvidenceKind::Image, "shop:1")];
    assert_eq!(tagged(&rules, seen), (vec!["environment=prod by shop".to_owned()], Some(1)));
    let persons = (vec!["echo=yes by echo".to_owned()], Some(1));
    assert_eq!(tagged(&rules, vec![tag("environment", "prod")]), persons, "a person's tag is evidence for both");
}

#[test]
fn a_rule_that_tags_names_tags_and_no_environment() {
    let good = tagger("t", 1, vec![condition(EvidenceKind::Image, Operator::Equals, &["a"])], &[("a", "")]);
    assert!(check(1, good.clone()).is_ok());
    let long = "x".repeat(101);
    let many: Vec<(String, String)> = (0..21).map(|number| (format!("k{number}"), String::new())).collect();
    let cases: [(Rule, &[&str]); 6] = [
        (Rule { tags: BTreeMap::new(), ..good.clone() }, &["tags"]),
        (Rule { tags: many.into_iter().collect(), ..good.clone() }, &["tags"]),
        (Rule { environment_code: "PROD".into(), ..good.clone() }, &["environmentCode"]),
        (Rule { tags: [(long, "v".into()), (" k".into(), "v".into())].into(), ..good.clone() }, &["tags", "tags"]),
        (
            Rule { tags: [("k".into(), "a\nb".into())].into(), conditions: vec![], ..good.clone() },
            &["tags.k", "conditions"],
        ),
        (Rule { kind: RuleKind::Assign, environment_code: "PROD".into(), ..good }, &["tags"]),
    ];
    for (rule, fields) in cases {
        let problems = check(1, rule.clone()).unwrap_err();
        let found: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(found, fields, "{rule:?}");
    }
}
