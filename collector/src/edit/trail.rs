//! What a change leaves behind: an entry in the history and one in the audit log.

use serde_json::json;

use super::{By, EditError, form::Form, write::key_text};
use crate::store::{
    Tx, Value,
    rows::{
        audit::{AuditEntry, audit_insert_in_tx},
        cut,
        history::{HistoryKind, HistoryRow, history_insert_in_tx},
        record::Record,
        row_change::RowChange,
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

async fn audit_entry(
    tx: &mut Tx,
    by: By<'_>,
    form: &'static Form,
    key: &[Value],
    entry: &HistoryRow,
) -> Result<(), EditError> {
    let verb = match entry.kind {
        HistoryKind::Appeared => "create",
        HistoryKind::Ended => "delete",
        _ => "update",
    };
    let key = key_text(key);
    let audit = AuditEntry {
        at: by.at,
        actor_kind: by.actor.kind,
        actor_id: cut(&by.actor.id, 64),
        action: &format!("{}.{verb}", form.word().replace('_', "-")),
        resource_type: form.word(),
        resource_id: cut(&key, 64),
        detail: json!({ "before": entry.before, "after": entry.after }),
    };
    audit_insert_in_tx(tx, &audit).await?;
    Ok(())
}
