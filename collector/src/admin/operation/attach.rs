//! What people attach to a resource: tags, environments, targets.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{
    record::Record,
    report::{OperationReport, ValueConflict},
};
use crate::store::{
    Executor as _, StoreError, Tx, Value,
    rows::{
        hanging::{ATTACHED, HangingKey, hanging_list_in_tx},
        shape::ASSOCIATIONS,
    },
};

/// Moves what is attached to one resource to another one of the same type. What that has already stays behind, and is
/// told where it says something else.
pub(super) async fn attach_in_tx(
    tx: &mut Tx,
    record: &mut Record,
    report: &mut OperationReport,
    resource_type: &'static str,
    from: i64,
    to: i64,
) -> Result<(), StoreError> {
    for hanging in ATTACHED {
        if hanging.name == "environment associations" {
            associate_in_tx(tx, record, report, resource_type, from, to).await?;
            continue;
        }
        let (moved, kept) = record.move_all_in_tx(tx, &hanging, resource_type, from, to).await?;
        report.moved(hanging.name, moved);
        report.stayed(hanging.name, kept.len());
        if hanging.name == "tags" && !kept.is_empty() {
            tag_conflicts_in_tx(tx, report, resource_type, from, to, &kept).await?;
        }
    }
    Ok(())
}

async fn tag_conflicts_in_tx(
    tx: &mut Tx,
    report: &mut OperationReport,
    resource_type: &'static str,
    from: i64,
    to: i64,
    keys: &[HangingKey],
) -> Result<(), StoreError> {
    let mut values: BTreeMap<i64, BTreeMap<String, String>> = BTreeMap::new();
    for id in [from, to] {
        let bound = keys.iter().flatten().map(|key| Value::from(key.as_str())).collect();
        let select = "SELECT tag_key, tag_value FROM resource_tags WHERE resource_type = ? AND resource_id = ? AND";
        for row in tx.fetch_in(select, "tag_key", vec![resource_type.into(), id.into()], bound).await? {
            values.entry(id).or_default().insert(row.get("tag_key")?, row.get("tag_value")?);
        }
    }
    for (key, kept) in values.remove(&to).unwrap_or_default() {
        let other = values.get(&from).and_then(|tags| tags.get(&key)).cloned();
        if other.as_ref().is_some_and(|other| *other != kept) {
            report.conflicts.push(ValueConflict {
                resource_type: resource_type.to_owned(),
                resource_id: to,
                field: format!("tag {key}"),
                kept: kept.into(),
                other: other.into(),
            });
        }
    }
    Ok(())
}

/// Moves environments, as long as there is one primary one and the shares stay within 100 %.
async fn associate_in_tx(
    tx: &mut Tx,
    record: &mut Record,
    report: &mut OperationReport,
    resource_type: &'static str,
    from: i64,
    to: i64,
) -> Result<(), StoreError> {
    let hanging = ATTACHED.into_iter().find(|hanging| hanging.name == "environment associations");
    let Some(hanging) = hanging else { return Ok(()) };
    let (free, kept) = hanging_list_in_tx(tx, &hanging, resource_type, from, to).await?;
    report.stayed(hanging.name, kept.len());
    if free.is_empty() {
        return Ok(());
    }
    let (there, has_primary) = shares_in_tx(tx, resource_type, to, None).await?;
    let (come, _) = shares_in_tx(tx, resource_type, from, Some(&free)).await?;
    // Hundredths, so that three thirds are not above the whole.
    if ((there + come) * 100.0).round() > 10_000.0 {
        report.stayed(hanging.name, free.len());
        report.conflicts.push(ValueConflict {
            resource_type: resource_type.to_owned(),
            resource_id: to,
            field: "environments".to_owned(),
            kept: json!(there),
            other: json!(come),
        });
        return Ok(());
    }
    if has_primary {
        for key in free.iter().filter_map(|key| key.first()) {
            let wanted = [("is_primary".to_owned(), Json::from(0))].into_iter().collect();
            record.alter_in_tx(tx, &ASSOCIATIONS, key.clone(), wanted).await?;
        }
    }
    report.moved(hanging.name, free.len());
    record.move_in_tx(tx, &hanging, resource_type, (from, to), free).await
}

/// The sum of what is allocated of a resource, and whether it has a primary environment.
async fn shares_in_tx(
    tx: &mut Tx,
    resource_type: &str,
    id: i64,
    only: Option<&[HangingKey]>,
) -> Result<(f64, bool), StoreError> {
    let share = tx.dialect().decimal("allocated_percentage");
    let sql = format!(
        "SELECT id, is_primary, {share} AS share FROM environment_associations WHERE resource_type = ? AND resource_id = ?"
    );
    let (mut sum, mut primary) = (0.0, false);
    for row in tx.fetch(sql, vec![resource_type.into(), id.into()]).await? {
        let key = [Json::from(row.get::<i64>("id")?)];
        if only.is_none_or(|only| only.iter().any(|one| one.as_slice() == key)) {
            sum += row.get::<Option<f64>>("share")?.unwrap_or(0.0);
            primary |= row.get::<bool>("is_primary")?;
        }
    }
    Ok((sum, primary))
}
