//! Where a compute stands: the default hierarchy for hosts whose token names no place.

use orchestrix_common::time::Timestamp;

use super::{
    cut,
    history::{Actor, history_insert_in_tx},
    row_change::RowChange,
    stored::{Stored, stored_many_in_tx},
};
use crate::{
    catalog::{AVAILABILITY_ZONE, CLOUD, DATACENTER, Kind, PARTNER, REGION},
    store::{Executor, StoreError, Tx, Value},
};

/// Setting that remembers the default datacenter, so that people may rename it.
const SETTING: &str = "default-datacenter";
/// Setting whose row serialises matching: two hosts are never matched at the same time.
const MATCHING: &str = "matching";

/// A datacenter and the cloud it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The datacenter.
    pub datacenter_id: i64,
    /// Its cloud, when it has one.
    pub cloud_id: Option<i64>,
}

/// Keeps others from matching hosts or making the default place until the transaction ends.
///
/// # Errors
/// When a statement fails.
pub async fn matching_lock_in_tx(tx: &mut Tx) -> Result<(), StoreError> {
    let sql = format!("SELECT name FROM discovery_settings WHERE name = ?{}", tx.dialect().for_update());
    if tx.fetch_optional(sql.clone(), vec![MATCHING.into()]).await?.is_none() {
        let ending = tx.dialect().on_conflict(&["name"], &[]);
        let row = vec![MATCHING.into(), "".into()];
        tx.insert_many("discovery_settings", &["name", "content"], vec![row], &ending).await?;
        tx.fetch_optional(sql, vec![MATCHING.into()]).await?;
    }
    Ok(())
}

/// Finds a datacenter.
///
/// # Errors
/// When the statement fails.
pub async fn place_get(from: &mut impl Executor, datacenter_id: i64) -> Result<Option<Place>, StoreError> {
    let sql = "SELECT id, cloud_id FROM datacenters WHERE id = ?";
    let row = from.fetch_optional(sql.to_owned(), vec![datacenter_id.into()]).await?;
    row.map(|row| Ok(Place { datacenter_id: row.get("id")?, cloud_id: row.get("cloud_id")? })).transpose()
}

/// Finds or makes the default place: partner `self`, with a cloud, a region, a zone and a datacenter named `default`.
/// The caller holds [`matching_lock_in_tx`].
///
/// # Errors
/// When a statement fails.
pub async fn place_default_in_tx(tx: &mut Tx, at: Timestamp) -> Result<Place, StoreError> {
    let sql = "SELECT content FROM discovery_settings WHERE name = ?";
    if let Some(row) = tx.fetch_optional(sql.to_owned(), vec![SETTING.into()]).await?
        && let Ok(id) = row.get::<String>("content")?.parse()
        && let Some(place) = place_get(tx, id).await?
    {
        return Ok(place);
    }
    let now = tx.dialect().now_datetime();
    let partner = find_or_insert(
        tx,
        (&PARTNER, at),
        ("SELECT id FROM partners WHERE name = ?", vec!["self".into()]),
        (
            "INSERT INTO partners (name, display_name, type, roles) VALUES (?, ?, ?, ?)".to_owned(),
            vec!["self".into(), "Self".into(), "both".into(), r#"["cloud-provider","vendor"]"#.into()],
        ),
    )
    .await?;
    let cloud = find_or_insert(
        tx,
        (&CLOUD, at),
        (
            "SELECT id FROM clouds WHERE partner_id = ? AND name = ? ORDER BY id LIMIT 1",
            vec![partner.into(), "default".into()],
        ),
        (
            format!(
                "INSERT INTO clouds (name, client_name, partner_id, created_at, updated_at) VALUES (?, ?, ?, {now}, {now})"
            ),
            vec!["default".into(), "self".into(), partner.into()],
        ),
    )
    .await?;
    let region = region(tx, cloud, at).await?;
    let zone = find_or_insert(
        tx,
        (&AVAILABILITY_ZONE, at),
        ("SELECT id FROM availability_zones WHERE region_id = ? AND code = ?", vec![region.into(), "default".into()]),
        (
            "INSERT INTO availability_zones (name, code, region_id, is_default) VALUES (?, ?, ?, ?)".to_owned(),
            vec!["default".into(), "default".into(), region.into(), true.into()],
        ),
    )
    .await?;
    let datacenter = find_or_insert(
        tx,
        (&DATACENTER, at),
        (
            "SELECT id FROM datacenters WHERE availability_zone_id = ? AND name = ? ORDER BY id LIMIT 1",
            vec![zone.into(), "default".into()],
        ),
        (
            "INSERT INTO datacenters (name, partner_id, cloud_id, availability_zone_id) VALUES (?, ?, ?, ?)".to_owned(),
            vec!["default".into(), partner.into(), cloud.into(), zone.into()],
        ),
    )
    .await?;
    let ending = tx.dialect().on_conflict(&["name"], &["content"]);
    let row = vec![SETTING.into(), datacenter.to_string().into()];
    tx.insert_many("discovery_settings", &["name", "content"], vec![row], &ending).await?;
    Ok(Place { datacenter_id: datacenter, cloud_id: Some(cloud) })
}

/// Where a compute stands; `None` when it has no datacenter.
///
/// # Errors
/// When the statement fails.
pub async fn place_of_compute_in_tx(tx: &mut Tx, compute: i64) -> Result<Option<Place>, StoreError> {
    let sql = "SELECT datacenter_id, cloud_id FROM computes WHERE id = ? AND datacenter_id IS NOT NULL";
    let row = tx.fetch_optional(sql.to_owned(), vec![compute.into()]).await?;
    row.map(|row| Ok(Place { datacenter_id: row.get("datacenter_id")?, cloud_id: row.get("cloud_id")? })).transpose()
}

/// Puts a compute somewhere else.
///
/// # Errors
/// When the statement fails.
pub async fn place_set_in_tx(tx: &mut Tx, compute: i64, place: Place) -> Result<(), StoreError> {
    let now = tx.dialect().now_datetime();
    let sql = format!("UPDATE computes SET datacenter_id = ?, cloud_id = ?, updated_at = {now} WHERE id = ?");
    tx.execute(sql, vec![place.datacenter_id.into(), place.cloud_id.into(), compute.into()]).await?;
    Ok(())
}

/// Finds the datacenter of a zone by the codes that a provider gives its regions and zones. What is missing is made in
/// the cloud of the default place. The caller holds [`matching_lock_in_tx`].
///
/// # Errors
/// When a statement fails.
pub async fn place_of_zone_in_tx(
    tx: &mut Tx,
    default: Place,
    region: &str,
    zone: &str,
    at: Timestamp,
) -> Result<Place, StoreError> {
    let (region, zone) = (cut(region, 50), cut(zone, 50));
    let cloud = default.cloud_id;
    let sql = "SELECT id, cloud_id FROM regions WHERE code = ?";
    let (region_id, cloud) = match tx.fetch_optional(sql.to_owned(), vec![region.into()]).await? {
        Some(row) => (row.get("id")?, row.get("cloud_id")?),
        None => {
            let sql = "INSERT INTO regions (name, code, cloud_id) VALUES (?, ?, ?)".to_owned();
            (insert(tx, (&REGION, at), sql, vec![region.into(), region.into(), cloud.into()]).await?, cloud)
        }
    };
    let zone_id = find_or_insert(
        tx,
        (&AVAILABILITY_ZONE, at),
        ("SELECT id FROM availability_zones WHERE region_id = ? AND code = ?", vec![region_id.into(), zone.into()]),
        (
            "INSERT INTO availability_zones (name, code, region_id) VALUES (?, ?, ?)".to_owned(),
            vec![zone.into(), zone.into(), region_id.into()],
        ),
    )
    .await?;
    let datacenter_id = find_or_insert(
        tx,
        (&DATACENTER, at),
        ("SELECT id FROM datacenters WHERE availability_zone_id = ? ORDER BY id LIMIT 1", vec![zone_id.into()]),
        (
            "INSERT INTO datacenters (name, cloud_id, availability_zone_id) VALUES (?, ?, ?)".to_owned(),
            vec![zone.into(), cloud.into(), zone_id.into()],
        ),
    )
    .await?;
    Ok(Place { datacenter_id, cloud_id: cloud })
}

/// A region's code is unique in the whole inventory, and `default` may be taken by another cloud.
async fn region(tx: &mut Tx, cloud: i64, at: Timestamp) -> Result<i64, StoreError> {
    let sql = "SELECT id FROM regions WHERE cloud_id = ? AND name = ? ORDER BY id LIMIT 1";
    if let Some(row) = tx.fetch_optional(sql.to_owned(), vec![cloud.into(), "default".into()]).await? {
        return row.get("id");
    }
    let sql = "SELECT id FROM regions WHERE code = ?";
    let taken = tx.fetch_optional(sql.to_owned(), vec!["default".into()]).await?.is_some();
    let code = if taken { format!("default-{cloud}") } else { "default".to_owned() };
    let sql = "INSERT INTO regions (name, code, cloud_id) VALUES (?, ?, ?)".to_owned();
    insert(tx, (&REGION, at), sql, vec!["default".into(), code.into(), cloud.into()]).await
}

async fn find_or_insert(
    tx: &mut Tx,
    of: (&'static Kind, Timestamp),
    (find, keys): (&str, Vec<Value>),
    (insert, values): (String, Vec<Value>),
) -> Result<i64, StoreError> {
    match tx.fetch_optional(find.to_owned(), keys).await? {
        Some(row) => row.get("id"),
        None => self::insert(tx, of, insert, values).await,
    }
}

/// Inserts a row of a kind, with history.
async fn insert(
    tx: &mut Tx,
    (kind, at): (&'static Kind, Timestamp),
    sql: String,
    values: Vec<Value>,
) -> Result<i64, StoreError> {
    let id = tx.insert(sql, values).await?;
    let after = stored_many_in_tx(tx, kind, [id]).await?.remove(&id).unwrap_or_default();
    let change = RowChange { kind, before: Stored::new(), after };
    let entry = change.entry(&Actor::collector("default-place"), at);
    history_insert_in_tx(tx, at, entry.as_slice()).await?;
    Ok(id)
}
