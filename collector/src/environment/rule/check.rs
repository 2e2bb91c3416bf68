//! Whether a rule makes sense; all that does not is told together, each with its field.

use super::{Compiled, Condition, INFERRED, Operator, Rule, RuleKind};

/// Characters of a name.
const NAME: usize = 100;
/// Characters of a description.
const DESCRIPTION: usize = 255;
/// Characters of a code.
const CODE: usize = 64;
/// Conditions of a rule.
const CONDITIONS: usize = 50;
/// Values of one condition.
const VALUES: usize = 200;
/// Characters of a value or a key.
const TEXT: usize = 256;
/// The last priority.
const PRIORITY: i64 = 1_000_000;

/// Tags of a rule.
const TAGS: usize = 20;
/// Characters of the key of a tag that is set.
const TAG_KEY: usize = 100;
/// Characters of its value.
const TAG_VALUE: usize = 255;

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Place in the rule, for example `conditions[0].values`.
    pub field: String,
    /// What is wrong there.
    pub reason: String,
    /// What would be right.
    pub expected: String,
}

/// Checks a rule and makes it ready.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check(id: i64, rule: Rule) -> Result<Compiled, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut wrong = |holds: bool, field: &str, reason: &str, expected: &str| {
        if !holds {
            problems.push(Problem {
                field: field.to_owned(),
                reason: reason.to_owned(),
                expected: expected.to_owned(),
            });
        }
    };
    let sized = |text: &str, most: usize| !text.trim().is_empty() && text.chars().count() <= most;
    wrong(sized(&rule.name, NAME), "name", "is empty or too long", "1 to 100 characters");
    let short = rule.description.as_ref().is_none_or(|text| text.chars().count() <= DESCRIPTION);
    wrong(short, "description", "is too long", "at most 255 characters");
    wrong((0..=PRIORITY).contains(&rule.priority), "priority", "is out of range", "a whole number from 0 to 1000000");
    wrong((0..=100).contains(&rule.confidence), "confidence", "is out of range", "a number from 0 to 1");
    let (tags, assigns) = (rule.kind == RuleKind::Tag, rule.kind == RuleKind::Assign);
    if tags {
        let none = rule.environment_code.is_empty();
        wrong(none, "environmentCode", "does not apply to a rule that tags", "none");
        wrong((1..=TAGS).contains(&rule.tags.len()), "tags", "are none or too many", "1 to 20 tags");
    } else {
        let code = sized(&rule.environment_code, CODE);
        wrong(code, "environmentCode", "is empty or too long", "the code of an environment");
        wrong(rule.tags.is_empty(), "tags", "do not apply to this kind of rule", "none");
    }
    for (key, value) in rule.tags.iter().take(TAGS) {
        // As people may enter them: without blanks around the key, and on one line.
        let plain = |text: &str| !text.chars().any(char::is_control);
        let fits = sized(key, TAG_KEY) && key.trim() == key && plain(key);
        wrong(fits, "tags", &format!("hold the key {key:?}, which is none"), "keys of 1 to 100 characters on one line");
        let fits = value.chars().count() <= TAG_VALUE && plain(value);
        wrong(fits, &format!("tags.{key}"), "is too long or on several lines", "at most 255 characters on one line");
    }
    let inferable = rule.scope.resource_types.iter().all(|word| INFERRED.iter().any(|kind| kind.as_str() == word));
    let kinds = INFERRED.map(super::ResourceType::as_str).join(", ");
    wrong(inferable, "scope.resourceTypes", "holds a type that rules do not reach", &format!("any of {kinds}"));
    match rule.kind {
        RuleKind::Separate => {
            let other = rule.other_code.as_deref().unwrap_or_default();
            wrong(sized(other, CODE), "otherCode", "is empty or too long", "the code of the other environment");
            let differ = !other.eq_ignore_ascii_case(&rule.environment_code);
            wrong(differ, "otherCode", "is the same environment", "the code of another environment");
            wrong(rule.conditions.is_empty(), "conditions", "do not apply to a rule that separates", "none");
        }
        RuleKind::Assign | RuleKind::Tag => {
            let reason = format!("does not apply to a rule that {}", if assigns { "assigns" } else { "tags" });
            wrong(rule.other_code.is_none(), "otherCode", &reason, "null");
            let count = (1..=CONDITIONS).contains(&rule.conditions.len());
            wrong(count, "conditions", "are none or too many", "1 to 50 conditions");
        }
    }
    for (index, condition) in rule.conditions.iter().take(CONDITIONS).enumerate() {
        problems.extend(of_condition(index, condition));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Compiled::new(id, rule).map_err(|(index, reason)| {
        let expected = "a pattern that compiles, for example (^|-)prod(-|$)".to_owned();
        vec![Problem { field: format!("conditions[{index}].values"), reason, expected }]
    })
}

fn of_condition(index: usize, condition: &Condition) -> Vec<Problem> {
    let Condition { evidence, key, operator, values } = condition;
    let at = |field: &str, reason: &str, expected: &str| Problem {
        field: format!("conditions[{index}].{field}"),
        reason: reason.to_owned(),
        expected: expected.to_owned(),
    };
    let sized = |text: &String| !text.is_empty() && text.chars().count() <= TEXT;
    let mut problems = Vec::new();
    match (evidence.has_key(), key) {
        (true, None) => problems.push(at("key", "is missing", "the key of the label or tag")),
        (true, Some(key)) if !sized(key) => problems.push(at("key", "is empty or too long", "1 to 256 characters")),
        (false, Some(_)) => problems.push(at("key", "does not apply to this evidence", "none")),
        _ => {}
    }
    let most = if *operator == Operator::In { VALUES } else { 1 };
    if values.is_empty() || values.len() > most {
        let expected = if *operator == Operator::In { "1 to 200 values" } else { "one value" };
        problems.push(at("values", "are none or too many", expected));
    } else if !values.iter().all(sized) {
        problems.push(at("values", "hold one that is empty or too long", "1 to 256 characters each"));
    }
    problems
}
