//! Operations of a list that speak of the rows of earlier ones: `{"$ref": 0}` is the id of what operation 0 made.

use serde_json::Value as Json;

use super::{Done, EditError, FieldProblem, Operation, Verb};
use crate::store::Value;

const MEMBER: &str = "$ref";

/// The operation that a value speaks of, if it does.
pub(crate) fn of(value: &Json) -> Option<&Json> {
    value.as_object().filter(|members| members.len() == 1)?.get(MEMBER)
}

/// The operation with the ids of earlier rows in their places; `made` tells them by the number of the operation.
pub(super) fn resolved(operation: &Operation, made: impl Fn(usize) -> Option<i64>) -> Result<Operation, EditError> {
    let mut operation = operation.clone();
    if let Some(index) = operation.of.take() {
        let id = id(&made, Some(index), "id")?;
        match &mut operation.verb {
            Verb::Create { .. } => {}
            Verb::Update { key, .. } | Verb::Put { key, .. } | Verb::Delete { key, .. } => *key = vec![Value::Int(id)],
        }
    }
    if let Verb::Create { data: Json::Object(members) }
    | Verb::Update { data: Json::Object(members), .. }
    | Verb::Put { data: Json::Object(members), .. } = &mut operation.verb
    {
        for (name, value) in members.iter_mut() {
            if let Some(index) = of(value) {
                let index = index.as_u64().and_then(|index| usize::try_from(index).ok());
                *value = id(&made, index, name)?.into();
            }
        }
    }
    Ok(operation)
}

/// The id of the row that an operation was about.
pub(super) fn made(done: &[Done], index: usize) -> Option<i64> {
    numbered(&done.get(index)?.key)
}

/// The number of a row that has one.
pub(super) fn numbered(key: &[Value]) -> Option<i64> {
    match key {
        [Value::Int(id)] => Some(*id),
        _ => None,
    }
}

/// The operations whose rows an operation speaks of.
pub(super) fn spoken_of(operation: &Operation) -> impl Iterator<Item = usize> {
    let data = match &operation.verb {
        Verb::Create { data } | Verb::Update { data, .. } | Verb::Put { data, .. } => data.as_object(),
        Verb::Delete { .. } => None,
    };
    let named = data.into_iter().flatten().filter_map(|(_, value)| usize::try_from(of(value)?.as_u64()?).ok());
    operation.of.into_iter().chain(named)
}

fn id(made: impl Fn(usize) -> Option<i64>, index: Option<usize>, field: &str) -> Result<i64, EditError> {
    match index.and_then(made) {
        Some(id) => Ok(id),
        None => {
            let expected = format!("{{\"{MEMBER}\": n}} with the number of an earlier operation, from 0");
            let problem = FieldProblem::new(field, "wrong-reference", "refers to no earlier operation", expected);
            Err(EditError::Invalid(vec![problem]))
        }
    }
}
