//! When the database was put back to an earlier state, which it cannot know by itself.

use std::time::Duration;

use orchestrix_common::time::Timestamp;
use serde_json::{Value as Json, json};

use crate::store::{Executor, StoreError, Tx};

/// What was committed in this time is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetBack {
    /// When the copy was made that is in force now.
    pub from: Timestamp,
    /// When it was put in the place of the database.
    pub until: Timestamp,
}

impl SetBack {
    /// Whether something that happened at `at` may be gone. Clocks may be apart by `slack`.
    #[must_use]
    pub fn may_have_lost(&self, at: Timestamp, slack: Duration) -> bool {
        self.from.minus(slack) <= at && at <= self.until.plus(slack)
    }
}

const SETTING: &str = "set-back";
/// Older ones are forgotten: certificates of before them ended long ago, or were taken over.
const KEPT: usize = 16;

/// Reads when the database was set back, oldest first; a handful.
///
/// # Errors
/// When the statement fails.
pub async fn set_back_list(from: &mut impl Executor) -> Result<Vec<SetBack>, StoreError> {
    list(from, "").await
}

/// Notes that the database was set back.
///
/// # Errors
/// When a statement fails.
pub async fn set_back_add_in_tx(tx: &mut Tx, set_back: SetBack) -> Result<(), StoreError> {
    let lock = tx.dialect().for_update();
    let mut all = list(tx, lock).await?;
    all.push(set_back);
    let kept = all.iter().skip(all.len().saturating_sub(KEPT));
    let content: Vec<Json> =
        kept.map(|it| json!({ "fromUs": it.from.as_micros(), "untilUs": it.until.as_micros() })).collect();
    let ending = tx.dialect().on_conflict(&["name"], &["content"]);
    let row = vec![SETTING.into(), Json::from(content).to_string().into()];
    tx.insert_many("discovery_settings", &["name", "content"], vec![row], &ending).await
}

async fn list(from: &mut impl Executor, lock: &str) -> Result<Vec<SetBack>, StoreError> {
    let sql = format!("SELECT content FROM discovery_settings WHERE name = ?{lock}");
    let Some(row) = from.fetch_optional(sql, vec![SETTING.into()]).await? else { return Ok(Vec::new()) };
    let content: Json = row.json("content")?.unwrap_or(Json::Null);
    let time = |it: &Json, name: &str| it[name].as_i64().map(Timestamp::from_micros);
    let read = |it: &Json| Some(SetBack { from: time(it, "fromUs")?, until: time(it, "untilUs")? });
    Ok(content.as_array().into_iter().flatten().filter_map(read).collect())
}
