//! Environments on real databases.

mod association;
mod effective;
mod inference;

use crate::{
    query::testing::{compute, places, run},
    store::Db,
};

/// An environment of partner 1.
pub(super) async fn environment(db: &Db, id: i64, code: &str) {
    let sql = "INSERT INTO environments (id, name, code, type, partner_id) VALUES (?, ?, ?, 'X', 1)";
    run(db, sql, vec![id.into(), code.into(), code.into()]).await;
}

/// Production (1) and development (2), in a hierarchy whose places all have the id 1.
pub(super) async fn installation(db: &Db) {
    places(db).await;
    environment(db, 1, "PROD").await;
    environment(db, 2, "DEV").await;
    compute(db, 1, "web-1", Some(1)).await;
}

/// An association as another program would write it.
pub(super) async fn associate(db: &Db, environment: i64, kind: &str, resource: i64, origin: &str) {
    let sql = "INSERT INTO environment_associations (environment_id, resource_type, resource_id, is_primary, origin) \
               VALUES (?, ?, ?, 1, ?)";
    run(db, sql, vec![environment.into(), kind.into(), resource.into(), origin.into()]).await;
}
