//! Deleting a row, and what becomes of what hangs on it.
//!
//! Nothing hangs in the air and nothing goes silently: a row that others name is not deleted, although some foreign
//! keys of the existing tables would cascade. On request the deletion cascades, and leaves an entry for each row.
//! What only says something of the row (tags, associations, targets) goes with it, and is in the history.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{
    By, Done, EditError, FieldProblem, Hung, Key, Outcome, association,
    form::{Cascade, Form, Hanging},
    forms::{self, form_of},
    trail,
    write::value,
};
use crate::{
    catalog::Kind,
    store::{
        Executor as _, Tx, Value,
        rows::{
            agent::agent_leave_in_tx,
            record::{
                Record, record_count, record_delete_in_tx, record_lock_in_tx, record_lock_where_in_tx,
                record_update_in_tx,
            },
        },
    },
};

/// Rows of the largest cascade.
const MOST: u64 = 20_000;
/// Rows that are read at once.
const CHUNK: usize = 500;

/// Deletes a row that the caller has locked.
pub(super) async fn delete(
    tx: &mut Tx,
    by: By<'_>,
    form: &'static Form,
    key: &Key,
    record: Record,
    cascade: bool,
) -> Result<Done, EditError> {
    let mut sweep = Sweep { by, also: BTreeMap::new(), rows: 0 };
    if !cascade {
        let mut hanging = Vec::from_iter(agents(tx, form, key).await?);
        for hung in form.hanging {
            hanging.extend(count(tx, hung, key).await?);
        }
        if !hanging.is_empty() {
            return Err(EditError::Hanging { what: form.one, hanging });
        }
    }
    sweep.row(tx, form, key, &record).await?;
    let also = sweep.also.into_iter().map(|((kind, field, cascade), count)| Hung { kind, field, count, cascade });
    Ok(Done { form, key: key.clone(), outcome: Outcome::Deleted, record, also: also.collect() })
}

async fn count(tx: &mut Tx, hanging: &Hanging, key: &Key) -> Result<Option<Hung>, EditError> {
    let (Some(kind), Some(id)) = (Kind::find(hanging.kind), key.first()) else { return Ok(None) };
    let count = record_count(tx, kind.table, &[(hanging.column, id.clone())]).await?;
    Ok((count > 0).then(|| hung(kind, hanging, count)))
}

fn hung(kind: &'static Kind, hanging: &Hanging, count: u64) -> Hung {
    let field = kind.fields.iter().find(|field| field.column == hanging.column).map_or("", |field| field.name);
    Hung { kind: kind.list, field, count, cascade: word(hanging.cascade) }
}

const fn word(cascade: Cascade) -> &'static str {
    match cascade {
        Cascade::Delete => "delete",
        Cascade::Clear => "clear",
    }
}

/// Agents that still speak for a compute: it would come back with their next report.
async fn agents(tx: &mut Tx, form: &'static Form, key: &Key) -> Result<Option<Hung>, EditError> {
    let Some(id) = key.first().filter(|_| form.word() == "compute") else { return Ok(None) };
    let sql = "SELECT COUNT(*) AS found FROM agents WHERE compute_id = ? AND state <> 'REVOKED'".to_owned();
    let row = tx.fetch_optional(sql, vec![id.clone()]).await?;
    let count: u64 = row.map_or(Ok(0), |row| row.get("found"))?;
    Ok((count > 0).then_some(Hung { kind: "agents", field: "computeId", count, cascade: "refuse" }))
}

/// A deletion under way.
struct Sweep<'a> {
    by: By<'a>,
    /// What is gone or was emptied beside the row itself.
    also: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    rows: u64,
}

impl Sweep<'_> {
    /// Deletes a row after everything below it.
    async fn row(&mut self, tx: &mut Tx, form: &'static Form, key: &Key, record: &Record) -> Result<(), EditError> {
        self.rows += 1;
        if self.rows > MOST {
            let reason = format!("would delete more than {MOST} rows");
            let problem = FieldProblem::new("cascade", "too-many", reason, "delete parts of it first");
            return Err(EditError::Invalid(vec![problem]));
        }
        if let Some(agents) = agents(tx, form, key).await? {
            return Err(EditError::Hanging { what: form.one, hanging: vec![agents] });
        }
        for hanging in form.hanging {
            self.hanging(tx, hanging, key).await?;
        }
        for attached in [&forms::TAG, &forms::ENVIRONMENT_ASSOCIATION, &forms::AUTOMATION_TARGET] {
            self.attached(tx, form, attached, key).await?;
        }
        for (table, column) in form.belongings {
            tx.execute(format!("DELETE FROM {table} WHERE {column} = ?"), key.clone()).await?;
        }
        if form.word() == "compute" {
            agent_leave_in_tx(tx, key.clone(), self.by.actor, self.by.at).await?;
        }
        record_delete_in_tx(tx, form.kind.table, &form.columns_of(key)).await?;
        trail::leave(tx, self.by, form, key, Some(record), None).await
    }

    /// Deletes or clears what names a row.
    async fn hanging(&mut self, tx: &mut Tx, hanging: &Hanging, key: &Key) -> Result<(), EditError> {
        let (Some(kind), Some(id)) = (Kind::find(hanging.kind), key.first()) else { return Ok(()) };
        let Some(form) = form_of(kind) else { return Ok(()) };
        loop {
            let rows = record_lock_where_in_tx(tx, kind, &[(hanging.column, id.clone())], CHUNK).await?;
            for record in &rows {
                let named = hung(kind, hanging, 1);
                *self.also.entry((named.kind, named.field, named.cascade)).or_default() += 1;
                let below = key_of(form, record);
                match hanging.cascade {
                    Cascade::Delete if form.kind.name == forms::ENVIRONMENT_ASSOCIATION.kind.name => {
                        association::sweep(tx, self.by, &below).await?;
                    }
                    Cascade::Delete => Box::pin(self.row(tx, form, &below, record)).await?,
                    Cascade::Clear => {
                        let cleared = vec![(hanging.column, Value::Null)];
                        record_update_in_tx(tx, kind.table, &form.columns_of(&below), cleared).await?;
                        let after = record_lock_in_tx(tx, kind, &form.columns_of(&below)).await?;
                        trail::leave(tx, self.by, form, &below, Some(record), after.as_ref()).await?;
                    }
                }
            }
            if rows.len() < CHUNK {
                return Ok(());
            }
        }
    }

    /// Deletes what is attached to a row.
    async fn attached(
        &mut self,
        tx: &mut Tx,
        form: &'static Form,
        attached: &'static Form,
        key: &Key,
    ) -> Result<(), EditError> {
        let (Some((type_column, id_column)), Some(id)) = (attached.attached(), key.first()) else { return Ok(()) };
        let resource_type = form.kind.resource_type;
        if resource_type.is_empty() {
            return Ok(());
        }
        let holds = [(type_column, Value::from(resource_type)), (id_column, id.clone())];
        for record in record_lock_where_in_tx(tx, attached.kind, &holds, CHUNK).await? {
            let below = key_of(attached, &record);
            record_delete_in_tx(tx, attached.kind.table, &attached.columns_of(&below)).await?;
            trail::leave(tx, self.by, attached, &below, Some(&record), None).await?;
            let named = (attached.kind.list, attached.name_of(id_column), word(Cascade::Delete));
            *self.also.entry(named).or_default() += 1;
        }
        Ok(())
    }
}

/// The key of a row.
fn key_of(form: &'static Form, record: &Record) -> Key {
    form.key.iter().map(|column| value(record.shown.get(column).unwrap_or(&Json::Null))).collect()
}
