//! From a checked rule and a resource to a conclusion.

use regex::{Regex, RegexBuilder};
use serde_json::Value as Json;

use super::{Condition, Environments, Evidence, Matching, Operator, Rule, RuleKind, Subject};
use crate::environment::set::Inference;

/// Bytes that a compiled pattern may take.
const PATTERN_BYTES: usize = 1 << 18;
/// Characters of evidence that are looked at.
const LOOKED_AT: usize = 1_024;

/// A rule that is ready to match.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Its key; zero for a draft.
    pub id: i64,
    /// As people wrote it.
    pub rule: Rule,
    tests: Vec<Test>,
}

/// One condition, ready.
#[derive(Clone, Debug)]
struct Test {
    condition: Condition,
    how: How,
}

#[derive(Clone, Debug)]
enum How {
    Equals(Vec<String>),
    Prefix(String),
    Suffix(String),
    Contains(String),
    Pattern(Regex),
}

/// What a rule concludes of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Conclusion {
    /// The environment.
    pub environment_id: i64,
    /// The rule and what it decided by.
    pub inference: Inference,
}

impl Compiled {
    /// Makes a rule ready.
    ///
    /// # Errors
    /// The number of the condition whose pattern is none, with the reason.
    pub fn new(id: i64, rule: Rule) -> Result<Self, (usize, String)> {
        let tests = rule.conditions.iter().enumerate().map(|(index, condition)| {
            let how = how(condition).map_err(|error| (index, error))?;
            Ok(Test { condition: condition.clone(), how })
        });
        let tests = tests.collect::<Result<_, _>>()?;
        Ok(Self { id, rule, tests })
    }

    /// Whether it assigns and is in force.
    #[must_use]
    pub fn assigns(&self) -> bool {
        self.rule.enabled && self.rule.kind == RuleKind::Assign
    }

    /// The evidence by which the rule matches; `None` when it does not.
    fn decided_by<'a>(&self, subject: &'a Subject) -> Option<Vec<&'a Evidence>> {
        if !self.applies(subject) {
            return None;
        }
        let mut found = self.tests.iter().map(|test| subject.evidence.iter().find(|evidence| test.holds(evidence)));
        match self.rule.r#match {
            Matching::Any => found.flatten().next().map(|evidence| vec![evidence]),
            Matching::All if self.tests.is_empty() => None,
            Matching::All => found.by_ref().collect(),
        }
    }

    fn applies(&self, subject: &Subject) -> bool {
        let scope = &self.rule.scope;
        let within = |wanted: Option<i64>, is: Option<i64>| wanted.is_none() || wanted == is;
        (scope.resource_types.is_empty() || scope.resource_types.iter().any(|word| word == subject.kind.as_str()))
            && within(scope.partner_id, subject.partner_id)
            && within(scope.cloud_id, subject.cloud_id)
            && within(scope.datacenter_id, subject.datacenter_id)
    }
}

impl Test {
    fn holds(&self, evidence: &Evidence) -> bool {
        let key = |key: &Option<String>| key.as_deref().map(str::to_lowercase);
        if evidence.kind != self.condition.evidence || key(&evidence.key) != key(&self.condition.key) {
            return false;
        }
        let text: String = evidence.value.chars().take(LOOKED_AT).flat_map(char::to_lowercase).collect();
        match &self.how {
            How::Equals(values) => values.contains(&text),
            How::Prefix(value) => text.starts_with(value),
            How::Suffix(value) => text.ends_with(value),
            How::Contains(value) => text.contains(value),
            How::Pattern(pattern) => pattern.is_match(&text),
        }
    }
}

fn how(condition: &Condition) -> Result<How, String> {
    let lower = |value: &String| value.to_lowercase();
    let first = || condition.values.first().map(lower).unwrap_or_default();
    Ok(match condition.operator {
        Operator::Equals | Operator::In => How::Equals(condition.values.iter().map(lower).collect()),
        Operator::Prefix => How::Prefix(first()),
        Operator::Suffix => How::Suffix(first()),
        Operator::Contains => How::Contains(first()),
        Operator::Glob => How::Pattern(pattern(&glob(&first()))?),
        Operator::Regex => How::Pattern(pattern(condition.values.first().map_or("", String::as_str))?),
    })
}

fn pattern(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text).case_insensitive(true).size_limit(PATTERN_BYTES).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "is too large a pattern".to_owned(),
        // The library draws the place with an arrow over several lines; the last line says it in words.
        error => error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    })
}

/// The regular expression of a glob.
fn glob(text: &str) -> String {
    let mut pattern = "^".to_owned();
    for letter in text.chars() {
        match letter {
            '*' => pattern.push_str("(?s:.*)"),
            '?' => pattern.push_str("(?s:.)"),
            letter => pattern.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4]))),
        }
    }
    pattern.push('$');
    pattern
}

/// What the rules conclude of a resource: the first by priority, then by key, that matches and whose environment the
/// resource's partner has.
#[must_use]
pub fn evaluate(rules: &[Compiled], subject: &Subject, environments: &Environments) -> Option<Conclusion> {
    let mut sorted: Vec<&Compiled> = rules.iter().filter(|rule| rule.assigns()).collect();
    sorted.sort_by_key(|rule| (rule.rule.priority, rule.id));
    sorted.into_iter().find_map(|rule| {
        let environment_id = environments.find(subject.partner_id, &rule.rule.environment_code)?;
        let evidence = rule.decided_by(subject)?;
        let inference = Inference {
            rule_id: rule.id,
            rule_name: rule.rule.name.clone(),
            evidence: evidence.iter().filter_map(|one| serde_json::to_value(one).ok()).collect::<Json>(),
            confidence: rule.rule.confidence,
        };
        Some(Conclusion { environment_id, inference })
    })
}
