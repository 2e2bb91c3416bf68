//! What an operation changed, row by row, as it is stored: enough to put everything back, and to notice when something
//! else was changed since.

use orchestrix_common::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::store::{
    StoreError, Tx,
    rows::{
        hanging::{Hanging, HangingKey, hanging_list_in_tx, hanging_move_in_tx},
        history::Actor,
        shape::{Row, Shape, shape_delete_in_tx, shape_insert_in_tx, shape_read_in_tx, shape_write_in_tx},
    },
};

/// Everything that an operation changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Rows that hang on another resource now.
    pub(super) moved: Vec<Moved>,
    /// Rows whose columns hold something else now.
    pub(super) altered: Vec<Altered>,
    /// Newest container before the operation: rows above it were made since.
    #[serde(default)]
    pub(super) newest_container: i64,
}

/// Rows of one table that were moved from one resource to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Moved {
    /// Name of the [`Hanging`].
    pub(super) what: String,
    /// Kind of the resources, for example `compute`.
    pub(super) resource_type: String,
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) keys: Vec<HangingKey>,
}

/// One row that was altered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Altered {
    /// Name of the [`Shape`]'s table.
    pub(super) table: String,
    pub(super) key: Json,
    /// The columns that were altered, as they were; `None` when there was no row.
    pub(super) before: Option<Row>,
    /// The same columns, as they were left; `None` when the row was removed.
    pub(super) after: Option<Row>,
}

/// Who does something, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hand<'a> {
    pub(super) actor: &'a Actor,
    pub(super) now: Timestamp,
}

impl Record {
    /// Moves everything of one table that fits; returns how many rows moved, and the keys of those that stay because
    /// the other resource has the same already.
    pub(super) async fn move_all_in_tx(
        &mut self,
        tx: &mut Tx,
        hanging: &Hanging,
        resource_type: &str,
        from: i64,
        to: i64,
    ) -> Result<(usize, Vec<HangingKey>), StoreError> {
        let (free, kept) = hanging_list_in_tx(tx, hanging, resource_type, from, to).await?;
        self.move_in_tx(tx, hanging, resource_type, (from, to), free.clone()).await?;
        Ok((free.len(), kept))
    }

    /// Moves some rows of one table.
    pub(super) async fn move_in_tx(
        &mut self,
        tx: &mut Tx,
        hanging: &Hanging,
        resource_type: &str,
        (from, to): (i64, i64),
        keys: Vec<HangingKey>,
    ) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        hanging_move_in_tx(tx, hanging, resource_type, from, to, &keys).await?;
        let (what, resource_type) = (hanging.name.to_owned(), resource_type.to_owned());
        self.moved.push(Moved { what, resource_type, from, to, keys });
        Ok(())
    }

    /// Alters columns of a row; those that hold the value already are left out.
    pub(super) async fn alter_in_tx(
        &mut self,
        tx: &mut Tx,
        shape: &'static Shape,
        key: impl Into<Json>,
        wanted: Row,
    ) -> Result<(), StoreError> {
        let key = key.into();
        let Some(row) = shape_read_in_tx(tx, shape, &key).await? else { return Ok(()) };
        let differs = |(name, value): &(String, Json)| row.get(name).is_some_and(|stored| stored != value);
        let after: Row = wanted.into_iter().filter(differs).collect();
        if after.is_empty() {
            return Ok(());
        }
        shape_write_in_tx(tx, shape, &key, &after).await?;
        let before = after.keys().filter_map(|name| Some((name.clone(), row.get(name)?.clone()))).collect();
        self.altered.push(Altered { table: shape.table.to_owned(), key, before: Some(before), after: Some(after) });
        Ok(())
    }

    /// Makes a row be these columns, whether it was there or not; `None` removes it.
    pub(super) async fn replace_in_tx(
        &mut self,
        tx: &mut Tx,
        shape: &'static Shape,
        key: impl Into<Json>,
        wanted: Option<Row>,
    ) -> Result<(), StoreError> {
        let key = key.into();
        let before = shape_read_in_tx(tx, shape, &key).await?;
        match (&before, &wanted) {
            (None, None) => return Ok(()),
            (Some(_), None) => shape_delete_in_tx(tx, shape, &key).await?,
            (None, Some(row)) => shape_insert_in_tx(tx, shape, &key, row).await?,
            (Some(_), Some(row)) => shape_write_in_tx(tx, shape, &key, row).await?,
        }
        self.altered.push(Altered { table: shape.table.to_owned(), key, before, after: wanted });
        Ok(())
    }
}
