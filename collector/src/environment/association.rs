//! What people decide about associations, in the caller's transaction.
//!
//! Each function locks the resource, so that the sum of its shares holds whoever else writes, and refuses in words that
//! name the field. Nothing is written before everything was checked.

use orchestrix_common::time::Timestamp;
use serde_json::Value as Json;

use super::{
    ResourceType,
    set::{self, Association, Origin, Refused, Statement},
    write::{By, Target, codes_in_tx, lock_in_tx, write_in_tx},
};
use crate::store::{
    StoreError, Tx,
    rows::{
        association::{association_list, association_resource},
        history::{Actor, history_insert_in_tx},
        refusal::{RefusalRow, refusal_set_in_tx},
    },
};

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}; expected {expected}")]
pub struct Refusal {
    /// The field that is to blame.
    pub field: &'static str,
    /// Stable word for programs.
    pub code: &'static str,
    /// What is wrong.
    pub reason: String,
    /// What would be right.
    pub expected: String,
}

/// What a transaction came to: done, or refused with nothing written.
pub type Outcome<T> = Result<Result<T, Refusal>, StoreError>;

/// An association that a person makes.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAssociation {
    /// The environment.
    pub environment_id: i64,
    /// Type of the resource.
    pub resource_type: ResourceType,
    /// The resource.
    pub resource_id: i64,
    /// What else is said of it.
    pub statement: Statement,
}

/// Says that a resource belongs to an environment; returns the association's key. What rules inferred on the resource
/// goes; an association that was only inferred becomes the person's.
///
/// # Errors
/// When the database fails. Refused are an unknown environment or resource, shares that do not fit, and an association
/// that a person made already.
pub async fn association_set_in_tx(tx: &mut Tx, actor: &Actor, at: Timestamp, new: &NewAssociation) -> Outcome<i64> {
    let NewAssociation { environment_id, resource_type, resource_id, statement } = new;
    let Some(subject) = Subject::open(tx, *resource_type, *resource_id).await? else {
        return Ok(Err(no_resource(*resource_type, *resource_id)));
    };
    let stated = |row: &&Association| row.environment_id == *environment_id && row.origin == Origin::Person;
    if let Some(row) = subject.before.iter().find(stated) {
        return Ok(Err(Refusal {
            field: "environmentId",
            code: "exists",
            reason: format!("the resource has this environment already (association {})", row.id.unwrap_or(0)),
            expected: "another environment, or a change of that association".to_owned(),
        }));
    }
    subject.state_in_tx(tx, By { actor, at }, *environment_id, statement).await
}

/// Changes an association that is there; it becomes the person's. `environment_id`: to another environment.
///
/// # Errors
/// When the database fails. Refused are an association that is not there, and what [`association_set_in_tx`] refuses.
pub async fn association_change_in_tx(
    tx: &mut Tx,
    actor: &Actor,
    at: Timestamp,
    id: i64,
    environment_id: Option<i64>,
    statement: &Statement,
) -> Outcome<i64> {
    let Some(mut subject) = Subject::of(tx, id).await? else { return Ok(Err(no_association(id))) };
    let Some(index) = subject.before.iter().position(|row| row.id == Some(id)) else {
        return Ok(Err(no_association(id)));
    };
    let current = subject.before[index].environment_id;
    let wanted = environment_id.unwrap_or(current);
    if wanted == current {
        return subject.state_in_tx(tx, By { actor, at }, wanted, statement).await;
    }
    if subject.before.iter().any(|row| row.environment_id == wanted && row.origin == Origin::Person) {
        return Ok(Err(Refusal {
            field: "environmentId",
            code: "exists",
            reason: "the resource has this environment already".to_owned(),
            expected: "another environment".to_owned(),
        }));
    }
    // The row stays and names the other environment; what was known of the former does not hold for it.
    let mut moved = subject.before.clone();
    moved.retain(|row| row.environment_id != wanted);
    if let Some(row) = moved.iter_mut().find(|row| row.id == Some(id)) {
        (row.environment_id, row.inference, row.measured) = (wanted, None, None);
    }
    subject.moved = Some(moved);
    subject.state_in_tx(tx, By { actor, at }, wanted, statement).await
}

/// Removes an association. One that was inferred or measured stays refused while its evidence is the same.
///
/// # Errors
/// When the database fails. Refused is an association that is not there.
pub async fn association_remove_in_tx(tx: &mut Tx, actor: &Actor, at: Timestamp, id: i64) -> Outcome<()> {
    let Some(subject) = Subject::of(tx, id).await? else { return Ok(Err(no_association(id))) };
    let Some(row) = subject.before.iter().find(|row| row.id == Some(id)) else { return Ok(Err(no_association(id))) };
    if matches!(row.origin, Origin::Rule | Origin::Measured) {
        let refusal = RefusalRow {
            resource_type: subject.target.kind.as_str(),
            resource_id: subject.target.id,
            environment_id: row.environment_id,
            evidence_hash: evidence_hash(row.inference.as_ref().map_or(&Json::Null, |inference| &inference.evidence)),
        };
        refusal_set_in_tx(tx, &refusal, &actor.id, at).await?;
    }
    let after = set::without(&subject.before, id);
    subject.write_in_tx(tx, By { actor, at }, &after).await?;
    Ok(Ok(()))
}

/// Takes what was inferred or measured for the person's word.
///
/// # Errors
/// When the database fails. Refused is an association that is not there.
pub async fn association_accept_in_tx(tx: &mut Tx, actor: &Actor, at: Timestamp, id: i64) -> Outcome<i64> {
    association_change_in_tx(tx, actor, at, id, None, &Statement::default()).await
}

/// Names evidence: as long as it is the same, what was refused stays refused.
#[must_use]
pub fn evidence_hash(evidence: &Json) -> String {
    blake3::hash(evidence.to_string().as_bytes()).to_hex().to_string()
}

/// A locked resource with its associations.
struct Subject {
    target: Target,
    before: Vec<Association>,
    /// What a statement applies to, where that is not `before`.
    moved: Option<Vec<Association>>,
}

impl Subject {
    async fn open(tx: &mut Tx, kind: ResourceType, id: i64) -> Result<Option<Self>, StoreError> {
        let Some(target) = lock_in_tx(tx, kind, &[id]).await?.remove(&id) else { return Ok(None) };
        let dialect = tx.dialect();
        let before = association_list(tx, dialect, kind.as_str(), [id]).await?.remove(&id).unwrap_or_default();
        Ok(Some(Self { target, before, moved: None }))
    }

    async fn of(tx: &mut Tx, association: i64) -> Result<Option<Self>, StoreError> {
        let Some((word, id)) = association_resource(tx, association).await? else { return Ok(None) };
        match ResourceType::from_word(&word) {
            Some(kind) => Self::open(tx, kind, id).await,
            None => Ok(None),
        }
    }

    async fn state_in_tx(self, tx: &mut Tx, by: By<'_>, environment: i64, statement: &Statement) -> Outcome<i64> {
        if codes_in_tx(tx, [environment]).await?.is_empty() {
            return Ok(Err(Refusal {
                field: "environmentId",
                code: "unknown-reference",
                reason: format!("there is no environment {environment}"),
                expected: "the id of an environment".to_owned(),
            }));
        }
        let after = match set::stated(self.moved.as_ref().unwrap_or(&self.before), environment, statement) {
            Ok(after) => after,
            Err(refused) => return Ok(Err(share_refusal(&refused))),
        };
        let (kind, resource) = (self.target.kind, self.target.id);
        self.write_in_tx(tx, by, &after).await?;
        let dialect = tx.dialect();
        let rows =
            association_list(tx, dialect, kind.as_str(), [resource]).await?.remove(&resource).unwrap_or_default();
        let found = rows.iter().find(|row| row.environment_id == environment).and_then(|row| row.id);
        Ok(found.ok_or_else(|| no_resource(kind, resource)))
    }

    async fn write_in_tx(self, tx: &mut Tx, by: By<'_>, after: &[Association]) -> Result<(), StoreError> {
        let environments = self.before.iter().chain(after).map(|row| row.environment_id);
        let codes = codes_in_tx(tx, environments.chain(self.target.stated_environment)).await?;
        let history = write_in_tx(tx, by, &self.target, &self.before, after, &codes).await?;
        history_insert_in_tx(tx, by.at, &history).await
    }
}

fn share_refusal(refused: &Refused) -> Refusal {
    let expected = match refused {
        Refused::OutOfRange => "a number from 0 to 100".to_owned(),
        Refused::AboveWhole { left, .. } => format!("at most {}", set::percent(*left)),
    };
    Refusal { field: "allocatedPercentage", code: "out-of-range", reason: refused.to_string(), expected }
}

fn no_resource(kind: ResourceType, id: i64) -> Refusal {
    Refusal {
        field: "resourceId",
        code: "unknown-reference",
        reason: format!("there is no {} {id}", kind.title()),
        expected: format!("the id of a {}", kind.title()),
    }
}

fn no_association(id: i64) -> Refusal {
    Refusal {
        field: "id",
        code: "not-found",
        reason: format!("there is no environment association {id}"),
        expected: "the id of an environment association".to_owned(),
    }
}
