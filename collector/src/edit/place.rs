//! Places agree: what stands in a datacenter belongs to the datacenter's cloud, and a datacenter to its zone's.
//!
//! The existing tables say the cloud of a compute and of a datacenter twice: by its place and in a column of its own.
//! A cloud that is not given is filled in from the place; one that contradicts it is refused; and when a place moves to
//! another cloud, what stands in it moves along.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::{By, EditError, FieldProblem, check::Given, form::Form, forms, problem::INCONSISTENT_PLACE, trail};
use crate::store::{
    Executor as _, Tx, Value,
    rows::record::{Shown, record_lock_in_tx, record_update_in_tx},
};

/// Rows that are read at once.
const CHUNK: usize = 500;

/// Where a kind says its place, and how the cloud of that place is found.
struct Standing {
    column: &'static str,
    place: &'static str,
    sql: &'static str,
}

const COMPUTE: Standing = Standing {
    column: "datacenter_id",
    place: "datacenter",
    sql: "SELECT COALESCE(d.cloud_id, r.cloud_id) AS cloud FROM datacenters d \
          LEFT JOIN availability_zones z ON z.id = d.availability_zone_id \
          LEFT JOIN regions r ON r.id = z.region_id WHERE d.id = ?",
};

const DATACENTER: Standing = Standing {
    column: "availability_zone_id",
    place: "availability zone",
    sql: "SELECT r.cloud_id AS cloud FROM availability_zones z JOIN regions r ON r.id = z.region_id WHERE z.id = ?",
};

fn standing(form: &Form) -> Option<&'static Standing> {
    match form.word() {
        "compute" => Some(&COMPUTE),
        "datacenter" => Some(&DATACENTER),
        _ => None,
    }
}

/// The clouds of places and the partners of clouds that were read already.
#[derive(Debug, Default)]
pub(super) struct Clouds {
    of_places: HashMap<i64, Option<i64>>,
    partners: HashMap<i64, Option<i64>>,
}

impl Clouds {
    async fn of_place(&mut self, tx: &mut Tx, standing: &Standing, place: i64) -> Result<Option<i64>, EditError> {
        if let Some(known) = self.of_places.get(&place) {
            return Ok(*known);
        }
        let row = tx.fetch_optional(standing.sql.to_owned(), vec![place.into()]).await?;
        let cloud: Option<i64> = row.map(|row| row.get("cloud")).transpose()?.flatten();
        self.of_places.insert(place, cloud);
        Ok(cloud)
    }

    async fn partner(&mut self, tx: &mut Tx, cloud: i64) -> Result<Option<i64>, EditError> {
        if let Some(known) = self.partners.get(&cloud) {
            return Ok(*known);
        }
        let sql = "SELECT partner_id FROM clouds WHERE id = ?".to_owned();
        let row = tx.fetch_optional(sql, vec![cloud.into()]).await?;
        let partner: Option<i64> = row.map(|row| row.get("partner_id")).transpose()?.flatten();
        self.partners.insert(cloud, partner);
        Ok(partner)
    }
}

/// Fills in the cloud that follows from the place, or says that the given one contradicts it. `clouds` serves one form
/// as long as no place moves.
pub(super) async fn agree(
    tx: &mut Tx,
    form: &'static Form,
    given: &mut Given,
    current: Option<&Shown>,
    clouds: &mut Clouds,
) -> Result<(), EditError> {
    let Some(standing) = standing(form) else { return Ok(()) };
    if !given.columns.contains_key(standing.column) && !given.columns.contains_key("cloud_id") {
        return Ok(());
    }
    let Some(place) = given.future(standing.column, current).as_i64() else { return Ok(()) };
    let Some(cloud) = clouds.of_place(tx, standing, place).await? else { return Ok(()) };
    match given.columns.get("cloud_id").and_then(Json::as_i64) {
        Some(other) if other != cloud => {
            let reason = format!("is {other}, but {} {place} belongs to cloud {cloud}", standing.place);
            let expected = format!("{cloud}, or leave it out; or another {}", standing.place);
            given.problem(FieldProblem::new("cloudId", INCONSISTENT_PLACE, reason, expected));
        }
        Some(_) => {}
        None => drop(given.columns.insert("cloud_id", cloud.into())),
    }
    if form.word() == "datacenter" && given.future("partner_id", current).is_null() {
        given.columns.insert("partner_id", clouds.partner(tx, cloud).await?.into());
    }
    Ok(())
}

/// Moves what stands in a place along to the place's new cloud.
pub(super) async fn follow(
    tx: &mut Tx,
    by: By<'_>,
    form: &'static Form,
    before: &Shown,
    after: &Shown,
) -> Result<(), EditError> {
    let changed = |column: &str| before.get(column) != after.get(column);
    let Some(id) = after.get("id").and_then(Json::as_i64) else { return Ok(()) };
    match form.word() {
        "datacenter" if changed("cloud_id") => {
            let Some(cloud) = after.get("cloud_id").and_then(Json::as_i64) else { return Ok(()) };
            moved(tx, by, &forms::COMPUTE, ("datacenter_id", id), cloud).await
        }
        "availability_zone" if changed("region_id") => {
            let sql = "SELECT cloud_id FROM regions WHERE id = ?".to_owned();
            let region = after.get("region_id").and_then(Json::as_i64);
            let Some(row) = tx.fetch_optional(sql, vec![region.into()]).await? else { return Ok(()) };
            moved(tx, by, &forms::DATACENTER, ("availability_zone_id", id), row.get("cloud_id")?).await
        }
        "region" if changed("cloud_id") => {
            let Some(cloud) = after.get("cloud_id").and_then(Json::as_i64) else { return Ok(()) };
            let sql = "SELECT id FROM availability_zones WHERE region_id = ? ORDER BY id".to_owned();
            for row in tx.fetch(sql, vec![id.into()]).await? {
                moved(tx, by, &forms::DATACENTER, ("availability_zone_id", row.get("id")?), cloud).await?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Gives the rows of a place another cloud, and what stands in them.
async fn moved(
    tx: &mut Tx,
    by: By<'_>,
    form: &'static Form,
    (column, place): (&'static str, i64),
    cloud: i64,
) -> Result<(), EditError> {
    let sql = format!(
        "SELECT id FROM {} WHERE {column} = ? AND (cloud_id IS NULL OR cloud_id <> ?) ORDER BY id LIMIT {CHUNK}",
        form.kind.table
    );
    loop {
        let rows = tx.fetch(sql.clone(), vec![place.into(), cloud.into()]).await?;
        for row in &rows {
            let key = vec![Value::Int(row.get("id")?)];
            let named = form.columns_of(&key);
            let Some(before) = record_lock_in_tx(tx, form.kind, &named).await? else { continue };
            record_update_in_tx(tx, form.kind.table, &named, vec![("cloud_id", cloud.into())]).await?;
            let Some(after) = record_lock_in_tx(tx, form.kind, &named).await? else { continue };
            trail::leave(tx, by, form, &key, Some(&before), Some(&after)).await?;
            Box::pin(follow(tx, by, form, &before.shown, &after.shown)).await?;
        }
        if rows.len() < CHUNK {
            return Ok(());
        }
    }
}
