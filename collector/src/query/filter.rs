//! From the parameters of a list to conditions. What is not understood is refused, with the nearest name that is.

use super::{
    Context, Key, Resource, cursor,
    resource::After,
    search::escaped,
    sort::{self, SORT, SortBy},
};
use crate::{
    catalog::Kind,
    environment::{ResourceType, sql::Wanted},
    store::{Dialect, Value},
};

/// Parameter that names a point in the past. It says which database is asked, and narrows nothing.
pub const AS_OF: &str = "asOf";

/// Whether a list can be read as of the past: its rows are of a kind whose every change is in the history. What is worth
/// knowing of an agent changes without.
#[must_use]
pub fn has_past<R: Resource>() -> bool {
    Kind::find(R::OF).is_some_and(|kind| kind.name != "agent")
}

/// Rows of a page when no limit is given.
pub const DEFAULT_LIMIT: usize = 100;
/// Rows of the largest page.
pub const MAX_LIMIT: usize = 1_000;
/// Ends the name of a parameter that looks for a part of a text: `name~=web`.
pub const PART: char = '~';
/// Values of one repeated parameter.
const MAX_VALUES: usize = 100;

/// Something that a list can be narrowed by.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    /// Name of the parameter.
    pub name: &'static str,
    /// A second name of it.
    pub also: Option<&'static str>,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// How a row is tested.
    pub test: Test,
}

/// How a row is tested. SQL in here is a column or an expression.
#[derive(Clone, Copy, Debug)]
pub enum Test {
    /// It equals one of the whole numbers.
    Int(&'static str),
    /// It is one of the computes, or one that was merged into one of them.
    Compute(&'static str),
    /// It equals one of the texts.
    Text(&'static str),
    /// It is true or false.
    Flag(&'static str),
    /// It is larger than the number.
    Above(&'static str),
    /// An expression that depends on the time equals one of the texts.
    Computed(fn(&Context) -> String),
    /// A JSON object of texts holds the key, or the key with this value (`key=value`); all that are given.
    Label(&'static str),
    /// One of the columns contains one of the texts, regardless of case.
    Contains(&'static [&'static str]),
    /// One of several words, each with its condition; an empty one narrows nothing.
    Word(&'static [(&'static str, &'static str)]),
    /// It belongs to the environment with one of the codes; rows are of this kind and called so in the statement.
    Environment(ResourceType, &'static str),
    /// Goes with [`Self::Environment`]: whether what is inherited counts.
    Inherited,
}

impl Filter {
    /// A filter without a second name.
    #[must_use]
    pub const fn new(name: &'static str, test: Test, about: &'static str) -> Self {
        Self { name, also: None, about, test }
    }

    /// Gives it a second name.
    #[must_use]
    pub const fn or(self, also: &'static str) -> Self {
        Self { also: Some(also), ..self }
    }
}

/// A parameter is not one of the list's, or not of the right form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parameter {field}: {problem}; expected {expected}")]
pub struct ParameterError {
    /// Stable word for programs.
    pub code: &'static str,
    /// The parameter.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
    /// What would be right.
    pub expected: String,
}

/// A condition with the values that are bound in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

/// A question to a list.
#[derive(Clone, Debug)]
pub struct ListRequest {
    pub(super) limit: usize,
    pub(super) sort: Vec<SortBy>,
    pub(super) after: Option<After>,
    pub(super) conditions: Vec<Condition>,
    pub(super) environment: Option<EnvironmentTest>,
    /// Labels of workloads, keys with values, that are among the conditions; see [`LabelIndex`](super::LabelIndex).
    pub(super) labels: Vec<(String, String)>,
}

/// Rows must belong to one of some environments.
#[derive(Clone, Debug)]
pub(super) struct EnvironmentTest {
    pub(super) kind: ResourceType,
    pub(super) alias: &'static str,
    pub(super) wanted: Wanted,
    pub(super) inherited: bool,
}

impl ListRequest {
    /// Reads the parameters of a list.
    ///
    /// # Errors
    /// When one is unknown or of another form.
    pub fn parse<R: Resource>(context: &Context, parameters: &[(String, String)]) -> Result<Self, ParameterError> {
        let mut request = Self { limit: DEFAULT_LIMIT, ..Self::all() };
        let mut given: Vec<(&Filter, Vec<&str>)> = Vec::new();
        let mut contained: Vec<(&Filter, &'static str, Vec<&str>)> = Vec::new();
        let mut cursor = None;
        for (name, text) in parameters {
            match name.as_str() {
                "limit" => request.limit = limit(text)?,
                AS_OF if has_past::<R>() => {}
                // The first page, for those who always give one.
                "cursor" if text.is_empty() => {}
                "cursor" => cursor = Some(text),
                SORT => request.sort = sort::parse::<R>(context, text)?,
                _ => {
                    let part = name.strip_suffix(PART);
                    let plain = part.unwrap_or(name);
                    let filter = R::FILTERS.iter().find(|filter| filter.name == plain || filter.also == Some(plain));
                    let filter = filter.ok_or_else(|| unknown(name, R::FILTERS))?;
                    if part.is_some() {
                        let Test::Text(column) = filter.test else { return Err(unknown(name, R::FILTERS)) };
                        match contained.iter_mut().find(|(known, ..)| known.name == filter.name) {
                            Some((.., values)) => values.push(text),
                            None => contained.push((filter, column, vec![text])),
                        }
                        continue;
                    }
                    match given.iter_mut().find(|(known, _)| known.name == filter.name) {
                        Some((_, values)) => values.push(text),
                        None => given.push((filter, vec![text])),
                    }
                }
            }
        }
        if let Some(text) = cursor {
            let order = sort::spelled(&request.sort);
            let after = cursor::read(R::LIST, R::KEYS, (&order, request.sort.len()), text);
            request.after = Some(after.ok_or_else(not_a_cursor)?);
        }
        let names: Vec<_> = given.iter().map(|(filter, _)| filter.name).collect();
        request.conditions.extend(R::implied(&names).map(|sql| Condition { sql: sql.to_owned(), values: Vec::new() }));
        let inherited = inherited(&given)?;
        for (filter, values) in given {
            if values.len() > MAX_VALUES {
                return Err(invalid(filter.name, "is given too often", &format!("at most {MAX_VALUES} values")));
            }
            if let Test::Label("w.labels") = filter.test {
                let pairs = values.iter().filter_map(|label| label.split_once('='));
                request.labels.extend(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())));
            }
            if let Test::Environment(kind, alias) = filter.test {
                let wanted =
                    Wanted { codes: values.iter().map(|code| (*code).to_owned()).collect(), ..Wanted::default() };
                request.environment = Some(EnvironmentTest { kind, alias, wanted, inherited });
            }
            condition(context, filter, &values, &mut request.conditions)?;
        }
        for (filter, column, values) in contained {
            if values.len() > MAX_VALUES {
                return Err(invalid(filter.name, "is given too often", &format!("at most {MAX_VALUES} values")));
            }
            request.conditions.push(contains(&[column], &values));
        }
        Ok(request)
    }

    /// A question for whole pages without filters.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            limit: MAX_LIMIT,
            sort: Vec::new(),
            after: None,
            conditions: Vec::new(),
            environment: None,
            labels: Vec::new(),
        }
    }

    /// A question for whole pages with nothing but what the list implies.
    #[must_use]
    pub fn implied<R: Resource>() -> Self {
        let implied = R::implied(&[]).map(|sql| Condition { sql: sql.to_owned(), values: Vec::new() });
        Self { conditions: implied.into_iter().collect(), ..Self::all() }
    }
}

fn condition(
    context: &Context,
    filter: &Filter,
    values: &[&str],
    conditions: &mut Vec<Condition>,
) -> Result<(), ParameterError> {
    match filter.test {
        // Which form suits it depends on the inventory.
        Test::Environment(..) | Test::Inherited => {}
        Test::Int(column) => {
            let numbers = values.iter().map(|text| number(filter.name, text)).collect::<Result<Vec<_>, _>>()?;
            conditions.push(one_of(column, numbers));
        }
        Test::Compute(column) => {
            let numbers = values.iter().map(|text| number(filter.name, text)).collect::<Result<Vec<_>, _>>()?;
            let Condition { sql, values } = one_of(column, numbers);
            let merged = one_of("m.into_compute_id", values.clone()).sql;
            let sql = format!("({sql} OR {column} IN (SELECT m.compute_id FROM merged_computes m WHERE {merged}))");
            conditions.push(Condition { sql, values: [values.clone(), values].concat() });
        }
        Test::Text(column) => conditions.push(one_of(column, texts(values))),
        Test::Computed(expression) => conditions.push(one_of(&expression(context), texts(values))),
        Test::Above(column) => {
            for text in values {
                conditions.push(Condition { sql: format!("{column} > ?"), values: vec![number(filter.name, text)?] });
            }
        }
        Test::Flag(column) => {
            let flags = values.iter().map(|text| flag(filter.name, text)).collect::<Result<Vec<_>, _>>()?;
            conditions.push(one_of(column, flags));
        }
        Test::Label(column) => {
            for text in values {
                conditions.push(label(context.dialect, column, filter.name, text)?);
            }
        }
        Test::Contains(columns) => conditions.push(contains(columns, values)),
        Test::Word(words) => {
            for text in values {
                let Some((_, sql)) = words.iter().find(|(word, _)| word == text) else {
                    let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                    return Err(invalid(filter.name, &format!("is {}", quoted(text)), &known.join(", ")));
                };
                if !sql.is_empty() {
                    conditions.push(Condition { sql: (*sql).to_owned(), values: Vec::new() });
                }
            }
        }
    }
    Ok(())
}

/// One of the columns contains one of the texts, regardless of case.
fn contains(columns: &[&str], texts: &[&str]) -> Condition {
    let ways = columns.iter().map(|column| format!("LOWER({column}) LIKE ? ESCAPE '!'"));
    let any = vec![format!("({})", ways.collect::<Vec<_>>().join(" OR ")); texts.len()].join(" OR ");
    let pattern = |text: &str| Value::from(format!("%{}%", escaped(&text.to_lowercase())));
    let values = texts.iter().flat_map(|text| vec![pattern(text); columns.len()]).collect();
    Condition { sql: format!("({any})"), values }
}

/// The limit and the key behind which to go on, of a list that takes nothing else.
///
/// # Errors
/// When a parameter is unknown or of another form.
pub fn page_of(
    parameters: &[(String, String)],
    (list, keys): (&str, &[Key]),
    default: usize,
    most: usize,
) -> Result<(usize, Option<Vec<Value>>), ParameterError> {
    let (mut limit, mut behind) = (default, None);
    for (name, text) in parameters {
        match name.as_str() {
            "limit" => {
                let given = text.parse().ok().filter(|limit| (1..=most).contains(limit));
                let expected = format!("a whole number from 1 to {most}");
                limit = given.ok_or_else(|| invalid("limit", &format!("is {}", quoted(text)), &expected))?;
            }
            "cursor" if text.is_empty() => {}
            "cursor" => {
                let after = cursor::read(list, keys, ("", 0), text);
                behind = Some(after.ok_or_else(not_a_cursor)?.key);
            }
            _ => return Err(unknown(name, &[])),
        }
    }
    Ok((limit, behind))
}

/// The cursor behind a key of such a list.
#[must_use]
pub fn cursor_behind((list, _): (&str, &[Key]), key: Vec<Value>) -> String {
    cursor::write(list, "", &After { compared: Vec::new(), key })
}

fn not_a_cursor() -> ParameterError {
    ParameterError {
        code: "invalid-cursor",
        field: "cursor".to_owned(),
        problem: "is not a cursor of this list in this order".to_owned(),
        expected: "the `next` of a page of the same list, with the same `sort`".to_owned(),
    }
}

/// Whether a filter by environment heeds what is inherited; says nothing without one.
fn inherited(given: &[(&Filter, Vec<&str>)]) -> Result<bool, ParameterError> {
    let asked = given.iter().find(|(filter, _)| matches!(filter.test, Test::Inherited));
    let Some((filter, values)) = asked else { return Ok(true) };
    match values.as_slice() {
        ["true"] => Ok(true),
        ["false"] => Ok(false),
        _ => Err(invalid(filter.name, "is not one truth value", "true or false")),
    }
}

fn one_of(column: &str, values: Vec<Value>) -> Condition {
    let marks = vec!["?"; values.len()].join(", ");
    Condition { sql: format!("{column} IN ({marks})"), values }
}

fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|text| Value::from(*text)).collect()
}

fn label(dialect: Dialect, column: &str, name: &str, text: &str) -> Result<Condition, ParameterError> {
    let (key, value) = text.split_once('=').map_or((text, None), |(key, value)| (key, Some(value)));
    if key.is_empty() {
        return Err(invalid(name, "has no key", "key or key=value"));
    }
    // The key is data, so it never becomes part of a JSON path, whose quoting differs between servers.
    let exact = match (dialect, value) {
        (Dialect::Sqlite, Some(value)) => Condition {
            sql: format!("EXISTS (SELECT 1 FROM json_each({column}) j WHERE j.key = ? AND j.value = ?)"),
            values: vec![Value::from(key), Value::from(value)],
        },
        (Dialect::Sqlite, None) => Condition {
            sql: format!("EXISTS (SELECT 1 FROM json_each({column}) j WHERE j.key = ?)"),
            values: vec![Value::from(key)],
        },
        (Dialect::MySql, Some(value)) => Condition {
            sql: format!("JSON_CONTAINS({column}, ?)"),
            values: vec![Value::from(&serde_json::json!({ key: value }))],
        },
        (Dialect::MySql, None) => Condition {
            sql: format!("JSON_CONTAINS(JSON_KEYS({column}), ?)"),
            values: vec![Value::from(&serde_json::json!(key))],
        },
    };
    Ok(behind_text(dialect, column, [Some(key), value], exact))
}

/// Looks for the words in the text of a JSON column before its content is taken apart, which takes many times as long. Words
/// that JSON may write in more than one way are not looked for.
fn behind_text(dialect: Dialect, column: &str, words: [Option<&str>; 2], exact: Condition) -> Condition {
    let plain = |word: &&str| word.chars().all(|letter| matches!(letter, ' '..='~') && !matches!(letter, '"' | '\\'));
    let words: Vec<Value> =
        words.into_iter().flatten().filter(plain).map(|word| format!("\"{word}\"").into()).collect();
    let one = format!("INSTR({}, ?) > 0 AND ", dialect.json_text(column));
    Condition { sql: format!("({}{})", one.repeat(words.len()), exact.sql), values: [words, exact.values].concat() }
}

fn limit(text: &str) -> Result<usize, ParameterError> {
    text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| {
        invalid("limit", &format!("is {}", quoted(text)), &format!("a whole number from 1 to {MAX_LIMIT}"))
    })
}

fn number(name: &str, text: &str) -> Result<Value, ParameterError> {
    let number = text.parse::<i64>().map(Value::Int);
    number.map_err(|_| invalid(name, &format!("is {}", quoted(text)), "a whole number"))
}

fn flag(name: &str, text: &str) -> Result<Value, ParameterError> {
    let flag = text.parse::<bool>().map(Value::from);
    flag.map_err(|_| invalid(name, &format!("is {}", quoted(text)), "true or false"))
}

pub(super) fn invalid(name: &str, problem: &str, expected: &str) -> ParameterError {
    ParameterError {
        code: "invalid-parameter",
        field: name.to_owned(),
        problem: problem.to_owned(),
        expected: expected.to_owned(),
    }
}

fn unknown(name: &str, filters: &[Filter]) -> ParameterError {
    let known = || {
        let filters = filters.iter().flat_map(|filter| [Some(filter.name), filter.also]).flatten();
        ["limit", "cursor", SORT].into_iter().chain(filters)
    };
    let of_texts = filters.iter().filter(|filter| matches!(filter.test, Test::Text(_)));
    let of_texts = of_texts.flat_map(|filter| [Some(filter.name), filter.also]).flatten();
    let (nearest, all) = match name.strip_suffix(PART) {
        Some(part) => {
            let all: Vec<_> = of_texts.map(|name| format!("{name}{PART}")).collect();
            (nearest(part, all.iter().map(String::as_str)).unwrap_or_default().to_owned(), all)
        }
        None => {
            let all: Vec<_> = known().map(str::to_owned).collect();
            (nearest(name, known()).unwrap_or("limit").to_owned(), all)
        }
    };
    ParameterError {
        code: "unknown-parameter",
        field: name.chars().take(64).collect(),
        problem: format!("is not known here, did you mean {nearest}?"),
        expected: format!("one of {}", all.join(", ")),
    }
}

/// The name that somebody probably meant.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known.min_by_key(|known| distance(name, known))
}

/// Quotes what somebody sent, cut short: it is shown in errors and logs.
pub(super) fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(64).collect::<String>())
}

/// Number of letters to insert, delete or replace (Levenshtein), regardless of case.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().flat_map(char::to_lowercase).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().flat_map(char::to_lowercase).take(64).enumerate() {
        let mut diagonal = index;
        row[0] = index + 1;
        for (column, &wanted) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != wanted);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_proposed() {
        let filters = [
            Filter::new("computeId", Test::Int("compute_id"), "…"),
            Filter::new("workloadType", Test::Text("workload_type"), "…").or("type"),
        ];
        for (typed, meant) in [
            ("compute_id", "computeId"),
            ("tpye", "type"),
            ("curser", "cursor"),
            ("lim", "limit"),
            ("srot", "sort"),
            ("tpye~", "type~"),
        ] {
            let error = unknown(typed, &filters);
            assert_eq!(error.problem, format!("is not known here, did you mean {meant}?"));
            assert_eq!(error.code, "unknown-parameter");
        }
    }

    #[test]
    fn a_key_of_a_label_is_always_data() {
        let hostile = r#"a"'),(--=x"#;
        for dialect in [Dialect::Sqlite, Dialect::MySql] {
            let condition = label(dialect, "labels", "label", hostile).unwrap();
            assert!(!condition.sql.contains("--"), "{condition:?}");
        }
        assert_eq!(label(Dialect::MySql, "labels", "label", "=x").unwrap_err().code, "invalid-parameter");
    }
}
