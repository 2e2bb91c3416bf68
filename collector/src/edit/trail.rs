//! What a change leaves behind: an entry in the history and one in the audit log.

use serde_json::json;

use super::{By, EditError, form::Form, write::key_text};
use crate::store::{
    Tx, Value,
    rows::{
        audit::{AuditEntry, audit_insert_in_tx, audit_insert_many_in_tx},
        cut,
        history::{HistoryKind, HistoryRow, history_insert_in_tx},
        record::Record,
        row_change::RowChange,
        stored::Stored,
    },
};

/// Writes down that a row came, changed or went.
pub(super) async fn leave(
    tx: &mut Tx,
    by: By<'_>,
    form: &'static Form,
    key: &[Value],
    before: Option<&Record>,
    after: Option<&Record>,
) -> Result<(), EditError> {
    let Some(entry) = entry(by, form, before, after) else { return Ok(()) };
    audit_entry(tx, by, form, key, &entry).await?;
    history_insert_in_tx(tx, by.at, &[entry]).await?;
    Ok(())
}

/// The same for a row whose history somebody else has written.
pub(super) async fn audit(
    tx: &mut Tx,
    by: By<'_>,
    form: &'static Form,
    key: &[Value],
    before: Option<&Record>,
    after: Option<&Record>,
) -> Result<(), EditError> {
    match entry(by, form, before, after) {
        Some(entry) => audit_entry(tx, by, form, key, &entry).await,
        None => Ok(()),
    }
}

fn entry(by: By<'_>, form: &'static Form, before: Option<&Record>, after: Option<&Record>) -> Option<HistoryRow> {
    let stored = |record: Option<&Record>| record.map(|record| record.stored.clone()).unwrap_or_default();
    let change = RowChange { kind: form.kind, before: stored(before), after: stored(after) };
    change.entry(by.actor, by.at)
}

/// Writes down that many rows came, in their order.
pub(super) async fn leave_many(
    tx: &mut Tx,
    by: By<'_>,
    form: &'static Form,
    made: Vec<(Vec<Value>, Stored)>,
) -> Result<(), EditError> {
    let (mut named, mut history) = (Vec::with_capacity(made.len()), Vec::with_capacity(made.len()));
    for (key, stored) in made {
        let change = RowChange { kind: form.kind, before: Stored::new(), after: stored };
        if let Some(entry) = change.entry(by.actor, by.at) {
            named.push((key_text(&key), action(form, &entry)));
            history.push(entry);
        }
    }
    let audit: Vec<AuditEntry<'_>> =
        named.iter().zip(&history).map(|((key, action), entry)| audited(by, form, key, action, entry)).collect();
    audit_insert_many_in_tx(tx, &audit).await?;
    history_insert_in_tx(tx, by.at, &history).await?;
    Ok(())
}

async fn audit_entry(
    tx: &mut Tx,
    by: By<'_>,
    form: &'static Form,
    key: &[Value],
    entry: &HistoryRow,
) -> Result<(), EditError> {
    audit_insert_in_tx(tx, &audited(by, form, &key_text(key), &action(form, entry), entry)).await?;
    Ok(())
}

fn action(form: &Form, entry: &HistoryRow) -> String {
    let verb = match entry.kind {
        HistoryKind::Appeared => "create",
        HistoryKind::Ended => "delete",
        _ => "update",
    };
    format!("{}.{verb}", form.word().replace('_', "-"))
}

fn audited<'a>(by: By<'a>, form: &Form, key: &'a str, action: &'a str, entry: &HistoryRow) -> AuditEntry<'a> {
    AuditEntry {
        at: by.at,
        actor_kind: by.actor.kind,
        actor_id: cut(&by.actor.id, 64),
        action,
        resource_type: form.word(),
        resource_id: cut(key, 64),
        detail: json!({ "before": entry.before, "after": entry.after }),
    }
}
