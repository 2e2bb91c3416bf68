//! Ways through a tree of TOML values: a key, an element of a list, a key in that, …

use serde_path_to_error::Segment;
use toml::{Table, Value};

/// One step of a way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A key of a table.
    Key(String),
    /// An element of a list.
    Index(usize),
}

/// The way to a key in dotted notation, as the environment and flags name it.
pub(super) fn of_key(key: &str) -> Vec<Step> {
    key.split('.').map(|name| Step::Key(name.to_owned())).collect()
}

/// The way to what could not be deserialised.
pub(super) fn of_error(path: &serde_path_to_error::Path) -> Vec<Step> {
    let steps = path.iter().map_while(|segment| match segment {
        Segment::Map { key } => Some(Step::Key(key.clone())),
        Segment::Seq { index } => Some(Step::Index(*index)),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    steps.collect()
}

/// The nearest key that a key stands in: `a.b[0].c`, `a.b[0]`, `a.b`, `a`.
pub(super) fn parent(key: &str) -> Option<&str> {
    key.rfind(['.', '[']).map(|end| &key[..end])
}

/// Puts a value in its place and makes the tables on the way.
pub(super) fn insert(table: &mut Table, steps: &[Step], value: Value) {
    let [Step::Key(key), rest @ ..] = steps else { return };
    if rest.is_empty() {
        table.insert(key.clone(), value);
        return;
    }
    let slot = table.entry(key.clone()).or_insert_with(|| Value::Table(Table::new()));
    let mut steps = rest;
    let mut slot = slot;
    while let [Step::Index(index), rest @ ..] = steps {
        let Some(element) = slot.get_mut(*index) else { return };
        (slot, steps) = (element, rest);
    }
    if steps.is_empty() {
        *slot = value;
        return;
    }
    if !slot.is_table() {
        *slot = Value::Table(Table::new());
    }
    if let Value::Table(table) = slot {
        insert(table, steps, value);
    }
}

/// Takes away what stands at the end of the way; false when there is nothing.
pub(super) fn remove(table: &mut Table, steps: &[Step]) -> bool {
    let [Step::Key(key), rest @ ..] = steps else { return false };
    if rest.is_empty() {
        return table.remove(key).is_some();
    }
    table.get_mut(key).is_some_and(|value| remove_in(value, rest))
}

fn remove_in(value: &mut Value, steps: &[Step]) -> bool {
    match (value, steps) {
        (Value::Table(table), steps) => remove(table, steps),
        (Value::Array(items), [Step::Index(index)]) => {
            let is_there = *index < items.len();
            if is_there {
                items.remove(*index);
            }
            is_there
        }
        (Value::Array(items), [Step::Index(index), rest @ ..]) => {
            items.get_mut(*index).is_some_and(|item| remove_in(item, rest))
        }
        _ => false,
    }
}

/// Puts the later table over the earlier one, key by key.
pub(super) fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(into)), Value::Table(from)) => merge(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}
