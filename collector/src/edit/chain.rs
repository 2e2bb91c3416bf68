//! Operations of a list that speak of the rows of earlier ones: `{"$ref": 0}` is the id of what operation 0 made.

use serde_json::Value as Json;

use super::{Done, EditError, FieldProblem, Operation, Verb};
use crate::store::Value;

const MEMBER: &str = "$ref";

/// The operation that a value speaks of, if it does.
pub(crate) fn of(value: &Json) -> Option<&Json> {
    value.as_object().filter(|members| members.len() == 1)?.get(MEMBER)
}

/// The operation with the ids of earlier rows in their places.
pub(super) fn resolved(operation: &Operation, done: &[Done]) -> Result<Operation, EditError> {
    let mut operation = operation.clone();
    if let Some(index) = operation.of.take() {
        let id = id(done, Some(index), "id")?;
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
                *value = id(done, index, name)?.into();
            }
        }
    }
    Ok(operation)
}

fn id(done: &[Done], index: Option<usize>, field: &str) -> Result<i64, EditError> {
    match index.and_then(|index| done.get(index)).and_then(|done| done.key.first()) {
        Some(Value::Int(id)) => Ok(*id),
        _ => {
            let expected = format!("{{\"{MEMBER}\": n}} with the number of an earlier operation, from 0");
            let problem = FieldProblem::new(field, "wrong-reference", "refers to no earlier operation", expected);
            Err(EditError::Invalid(vec![problem]))
        }
    }
}
