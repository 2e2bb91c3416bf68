//! Rules that infer environments, as people wrote them.

use orchestrix_common::time::Timestamp;
use serde_json::Value as Json;

use crate::store::{Dialect, Executor, Row, StoreError, Tx, Value};

/// A rule. What its conditions and scope mean is not known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRow {
    /// Its key; zero until it is stored.
    pub id: i64,
    /// `assign`, `separate` or `tag`.
    pub kind: String,
    /// Name, unique.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// The smallest comes first.
    pub priority: i64,
    /// Whether it is in force.
    pub enabled: bool,
    /// Code of an environment; empty for a rule that tags.
    pub environment_code: String,
    /// Code of the environment to keep apart.
    pub other_code: Option<String>,
    /// From 0 to 1, in hundredths.
    pub confidence: i64,
    /// Tags that it sets; `None` when it sets none.
    pub tags: Option<Json>,
    /// What must hold.
    pub conditions: Json,
    /// Where it applies.
    pub scope: Json,
    /// Which rule of the default set it is.
    pub default_key: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last altered.
    pub changed_at: Timestamp,
}

const COLUMNS: [&str; 14] = [
    "kind",
    "name",
    "description",
    "priority",
    "enabled",
    "environment_code",
    "other_code",
    "confidence",
    "tags",
    "conditions",
    "scope",
    "default_key",
    "created_at_us",
    "changed_at_us",
];

/// Selects whole rows of the table, which the statement calls `t`.
#[must_use]
pub fn rule_select(dialect: Dialect) -> String {
    format!(
        "SELECT t.id, t.kind, t.name, t.description, t.priority, t.enabled, t.environment_code, t.other_code, \
         {} AS confidence, {} AS tags, {} AS conditions, {} AS scope, t.default_key, t.created_at_us, t.changed_at_us \
         FROM environment_rules t",
        dialect.decimal("t.confidence"),
        dialect.json_text("t.tags"),
        dialect.json_text("t.conditions"),
        dialect.json_text("t.scope"),
    )
}

/// Reads a row of [`rule_select`].
///
/// # Errors
/// When a column holds something else.
#[allow(clippy::cast_possible_truncation, reason = "at most 1")]
pub fn rule_read(row: &Row) -> Result<RuleRow, StoreError> {
    Ok(RuleRow {
        id: row.get("id")?,
        kind: row.get("kind")?,
        name: row.get("name")?,
        description: row.get("description")?,
        priority: row.get("priority")?,
        enabled: row.get("enabled")?,
        environment_code: row.get("environment_code")?,
        other_code: row.get("other_code")?,
        confidence: (row.get::<f64>("confidence")? * 100.0).round() as i64,
        tags: row.json("tags")?,
        conditions: row.json("conditions")?.unwrap_or(Json::Null),
        scope: row.json("scope")?.unwrap_or(Json::Null),
        default_key: row.get("default_key")?,
        created_at: row.time("created_at_us")?,
        changed_at: row.time("changed_at_us")?,
    })
}

#[allow(clippy::cast_precision_loss, reason = "at most 100")]
fn values(row: &RuleRow) -> Vec<Value> {
    let RuleRow {
        id: _,
        kind,
        name,
        description,
        priority,
        enabled,
        environment_code,
        other_code,
        confidence,
        tags,
        conditions,
        scope,
        default_key,
        created_at,
        changed_at,
    } = row;
    vec![
        kind.into(),
        name.into(),
        description.as_deref().into(),
        (*priority).into(),
        (*enabled).into(),
        environment_code.into(),
        other_code.as_deref().into(),
        (*confidence as f64 / 100.0).into(),
        tags.as_ref().into(),
        conditions.into(),
        scope.into(),
        default_key.as_deref().into(),
        (*created_at).into(),
        (*changed_at).into(),
    ]
}

/// Reads all rules, the first in force first. Their number is bounded by who writes them.
///
/// # Errors
/// When the statement fails.
pub async fn rule_list(from: &mut impl Executor, dialect: Dialect) -> Result<Vec<RuleRow>, StoreError> {
    let sql = format!("{} ORDER BY t.priority, t.id", rule_select(dialect));
    from.fetch(sql, vec![]).await?.iter().map(rule_read).collect()
}

/// Reads a rule and keeps others from changing it until the transaction ends.
///
/// # Errors
/// When the statement fails.
pub async fn rule_lock_in_tx(tx: &mut Tx, id: i64) -> Result<Option<RuleRow>, StoreError> {
    let sql = format!("{} WHERE t.id = ?{}", rule_select(tx.dialect()), tx.dialect().for_update());
    tx.fetch_optional(sql, vec![id.into()]).await?.as_ref().map(rule_read).transpose()
}

/// Finds the rule that has a name.
///
/// # Errors
/// When the statement fails.
pub async fn rule_named(from: &mut impl Executor, name: &str) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT id FROM environment_rules WHERE name = ?";
    from.fetch_optional(sql.to_owned(), vec![name.into()]).await?.map(|row| row.get("id")).transpose()
}

/// Stores a new rule; returns its key.
///
/// # Errors
/// When the statement fails.
pub async fn rule_insert_in_tx(tx: &mut Tx, row: &RuleRow) -> Result<i64, StoreError> {
    let marks = vec!["?"; COLUMNS.len()].join(", ");
    tx.insert(format!("INSERT INTO environment_rules ({}) VALUES ({marks})", COLUMNS.join(", ")), values(row)).await
}

/// Stores a rule over the one that has its key.
///
/// # Errors
/// When the statement fails.
pub async fn rule_update_in_tx(tx: &mut Tx, row: &RuleRow) -> Result<(), StoreError> {
    let mut values = values(row);
    values.push(row.id.into());
    let sql = format!("UPDATE environment_rules SET {} = ? WHERE id = ?", COLUMNS.join(" = ?, "));
    tx.execute(sql, values).await.map(drop)
}

/// Removes a rule.
///
/// # Errors
/// When the statement fails.
pub async fn rule_delete_in_tx(tx: &mut Tx, id: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM environment_rules WHERE id = ?", vec![id.into()]).await.map(drop)
}
