//! From a checked rule and a resource to a conclusion.

use std::collections::{BTreeMap, BTreeSet};

use regex::{Regex, RegexBuilder};
use serde_json::Value as Json;

use super::{Condition, Environments, Evidence, EvidenceKind, Matching, Operator, Rule, RuleKind, Subject};
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
    pub(super) tests: Vec<Test>,
}

/// One condition, ready.
#[derive(Clone, Debug)]
pub(super) struct Test {
    pub(super) condition: Condition,
    pub(super) how: How,
}

/// How a text is compared; everything but a pattern in small letters.
#[derive(Clone, Debug)]
pub(super) enum How {
    Equals(Vec<String>),
    Prefix(String),
    Suffix(String),
    Contains(String),
    Pattern(Regex),
}

/// A tag that a rule gives a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTag {
    /// Its value.
    pub value: String,
    /// The rule.
    pub rule_id: i64,
    /// Its name.
    pub rule_name: String,
}

/// Tags that rules give a resource, by key.
pub type RuleTags = BTreeMap<String, RuleTag>;

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

    /// Whether it tags and is in force.
    #[must_use]
    pub fn tags(&self) -> bool {
        self.rule.enabled && self.rule.kind == RuleKind::Tag
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
        self.accepts(&evidence.value)
    }

    /// Whether evidence of the right kind with this value meets it.
    pub(super) fn accepts(&self, value: &str) -> bool {
        let text: String = value.chars().take(LOOKED_AT).flat_map(char::to_lowercase).collect();
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

/// Rules of one kind in the order in which they are asked: by priority, then by key.
fn in_order(rules: &[Compiled], of: impl Fn(&Compiled) -> bool) -> Vec<&Compiled> {
    let mut sorted: Vec<&Compiled> = rules.iter().filter(|rule| of(rule)).collect();
    sorted.sort_by_key(|rule| (rule.rule.priority, rule.id));
    sorted
}

/// The tags that rules give a resource: of those that match, the first by priority, then by key, for each key. A key that
/// the resource has from somebody else is left out.
#[must_use]
pub fn tags_of(rules: &[Compiled], subject: &Subject) -> RuleTags {
    let known = subject.evidence.iter().filter(|evidence| evidence.kind == EvidenceKind::Tag);
    let taken: BTreeSet<&str> = known.filter_map(|evidence| evidence.key.as_deref()).collect();
    let mut tags = RuleTags::new();
    for rule in in_order(rules, Compiled::tags) {
        if rule.decided_by(subject).is_none() {
            continue;
        }
        for (key, value) in rule.rule.tags.iter().filter(|(key, _)| !taken.contains(key.as_str())) {
            let tag = || RuleTag { value: value.clone(), rule_id: rule.id, rule_name: rule.rule.name.clone() };
            tags.entry(key.clone()).or_insert_with(tag);
        }
    }
    tags
}

/// Rules that decide a resource otherwise than the one that wins, though they have its priority: of each pair the one that
/// wins, by key, and the other one.
#[must_use]
pub fn rivals(rules: &[Compiled], subject: &Subject, environments: &Environments) -> Vec<(i64, i64)> {
    let matching = |rule: &&Compiled| rule.decided_by(subject).is_some();
    let mut found = Vec::new();
    let named = |rule: &Compiled| environments.find(subject.partner_id, &rule.rule.environment_code);
    let mut assigning = in_order(rules, Compiled::assigns).into_iter().filter(matching);
    let mut assigning = assigning.by_ref().filter_map(|rule| Some((rule, named(rule)?)));
    if let Some((winner, environment)) = assigning.next() {
        let rivals =
            assigning.filter(|(rule, other)| rule.rule.priority == winner.rule.priority && *other != environment);
        found.extend(rivals.map(|(rule, _)| (winner.id, rule.id)));
    }
    let tagging: Vec<&Compiled> = in_order(rules, Compiled::tags).into_iter().filter(matching).collect();
    for (key, tag) in tags_of(rules, subject) {
        let Some(winner) = tagging.iter().find(|rule| rule.id == tag.rule_id) else { continue };
        let differs = |rule: &&&Compiled| rule.rule.tags.get(&key).is_some_and(|value| *value != tag.value);
        let rivals = tagging.iter().filter(|rule| rule.rule.priority == winner.rule.priority).filter(differs);
        found.extend(rivals.map(|rule| (winner.id, rule.id)));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// What the rules conclude of a resource that has these tags from rules: the first by priority, then by key, that matches
/// and whose environment the resource's partner has.
#[must_use]
pub fn evaluate(
    rules: &[Compiled],
    subject: &Subject,
    tags: &RuleTags,
    environments: &Environments,
) -> Option<Conclusion> {
    let tagged;
    let subject = if tags.is_empty() {
        subject
    } else {
        tagged = with_tags(subject, tags);
        &tagged
    };
    in_order(rules, Compiled::assigns).into_iter().find_map(|rule| {
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

/// A resource with the tags that rules give it among its evidence.
fn with_tags(subject: &Subject, tags: &RuleTags) -> Subject {
    let mut subject = subject.clone();
    let evidence = |(key, tag): (&String, &RuleTag)| Evidence {
        kind: EvidenceKind::Tag,
        key: Some(key.clone()),
        value: tag.value.clone(),
    };
    subject.evidence.extend(tags.iter().map(evidence));
    subject
}
