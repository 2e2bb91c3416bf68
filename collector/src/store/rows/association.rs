//! Which resource belongs to which environment, and who says so.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::store::{Dialect, Executor, Row, StoreError, Tx, Value};

/// Where an association came from; the first stands above the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A person said so.
    Person,
    /// A rule inferred it from evidence.
    Rule,
    /// It was copied from the existing inventory's column.
    Legacy,
    /// What runs on the resource was measured.
    Measured,
}

impl Origin {
    /// Word in the inventory.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Rule => "rule",
            Self::Legacy => "legacy",
            Self::Measured => "measured",
        }
    }

    /// The origin with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Person, Self::Rule, Self::Legacy, Self::Measured].into_iter().find(|origin| origin.as_str() == word)
    }

    /// Reads the column `origin`.
    ///
    /// # Errors
    /// When it holds another word.
    pub fn read(row: &Row) -> Result<Self, StoreError> {
        let word: String = row.get("origin")?;
        Self::from_word(&word).ok_or(StoreError::Content {
            column: "environment_associations.origin",
            content: word,
            expected: "person, rule, legacy or measured",
        })
    }
}

/// What a rule concluded, and from what.
#[derive(Clone, Debug, PartialEq)]
pub struct Inference {
    /// The rule; it may be gone by now.
    pub rule_id: i64,
    /// What it was called.
    pub rule_name: String,
    /// What it decided by: a list of evidence, key and value.
    pub evidence: Json,
    /// From 0 to 1, in hundredths.
    pub confidence: i64,
}

/// An association. Percentages are in hundredths of a per cent, 0 to 10000; `None` is not known.
#[derive(Clone, Debug, PartialEq)]
pub struct AssociationRow {
    /// Its key; `None` until it is stored.
    pub id: Option<i64>,
    /// The environment.
    pub environment_id: i64,
    /// It is the resource's main one.
    pub primary: bool,
    /// Where it came from.
    pub origin: Origin,
    /// What a rule concluded; kept when a person accepts it.
    pub inference: Option<Inference>,
    /// What a person declared.
    pub declared: Option<i64>,
    /// What was measured.
    pub measured: Option<i64>,
    /// What holds: declared, else measured, within 100 per cent in all.
    pub allocated: Option<i64>,
    /// For programs and people.
    pub metadata: Option<Json>,
}

const COLUMNS: [&str; 11] = [
    "environment_id",
    "is_primary",
    "origin",
    "rule_id",
    "rule_name",
    "evidence",
    "confidence",
    "declared_percentage",
    "measured_percentage",
    "allocated_percentage",
    "metadata",
];

fn select(dialect: Dialect) -> String {
    let columns: Vec<String> = COLUMNS
        .iter()
        .map(|column| match *column {
            "confidence" | "declared_percentage" | "measured_percentage" | "allocated_percentage" => {
                format!("{} AS {column}", dialect.decimal(column))
            }
            "evidence" | "metadata" => format!("{} AS {column}", dialect.json_text(column)),
            _ => (*column).to_owned(),
        })
        .collect();
    format!("SELECT id, resource_type, resource_id, {} FROM environment_associations WHERE", columns.join(", "))
}

/// Hundredths of what a column holds.
#[allow(clippy::cast_possible_truncation, reason = "percentages and confidences are at most 100")]
fn hundredths(row: &Row, column: &str) -> Result<Option<i64>, StoreError> {
    Ok(row.get::<Option<f64>>(column)?.map(|value| (value * 100.0).round() as i64))
}

/// The column's value of hundredths.
#[allow(clippy::cast_precision_loss, reason = "at most 10000")]
fn whole(hundredths: Option<i64>) -> Value {
    hundredths.map(|value| value as f64 / 100.0).into()
}

fn association(row: &Row) -> Result<AssociationRow, StoreError> {
    let inference = match row.get::<Option<i64>>("rule_id")? {
        Some(rule_id) => Some(Inference {
            rule_id,
            rule_name: row.get::<Option<String>>("rule_name")?.unwrap_or_default(),
            evidence: row.json("evidence")?.unwrap_or(Json::Null),
            confidence: hundredths(row, "confidence")?.unwrap_or(0),
        }),
        None => None,
    };
    Ok(AssociationRow {
        id: Some(row.get("id")?),
        environment_id: row.get("environment_id")?,
        primary: row.get("is_primary")?,
        origin: Origin::read(row)?,
        inference,
        declared: hundredths(row, "declared_percentage")?,
        measured: hundredths(row, "measured_percentage")?,
        allocated: hundredths(row, "allocated_percentage")?,
        metadata: row.json("metadata")?,
    })
}

fn values(row: &AssociationRow) -> Vec<Value> {
    let AssociationRow { id: _, environment_id, primary, origin, inference, declared, measured, allocated, metadata } =
        row;
    let inference = inference.as_ref();
    vec![
        (*environment_id).into(),
        (*primary).into(),
        origin.as_str().into(),
        inference.map(|it| it.rule_id).into(),
        inference.map(|it| it.rule_name.as_str()).into(),
        inference.map(|it| &it.evidence).into(),
        whole(inference.map(|it| it.confidence)),
        whole(*declared),
        whole(*measured),
        whole(*allocated),
        metadata.as_ref().into(),
    ]
}

/// Reads the associations of some resources of a type, by resource and in the order of their keys.
///
/// # Errors
/// When a statement fails.
pub async fn association_list(
    from: &mut impl Executor,
    dialect: Dialect,
    resource_type: &str,
    resources: impl IntoIterator<Item = i64> + Send,
) -> Result<BTreeMap<i64, Vec<AssociationRow>>, StoreError> {
    let keys = resources.into_iter().map(Value::from).collect();
    let select = format!("{} resource_type = ? AND", select(dialect));
    let mut found: BTreeMap<i64, Vec<AssociationRow>> = BTreeMap::new();
    for row in from.fetch_in(&select, "resource_id", vec![resource_type.into()], keys).await? {
        found.entry(row.get("resource_id")?).or_default().push(association(&row)?);
    }
    for rows in found.values_mut() {
        rows.sort_by_key(|row| row.id);
    }
    Ok(found)
}

/// Tells on what an association is made: type and key of the resource.
///
/// # Errors
/// When the statement fails.
pub async fn association_resource(from: &mut impl Executor, id: i64) -> Result<Option<(String, i64)>, StoreError> {
    let sql = "SELECT resource_type, resource_id FROM environment_associations WHERE id = ?";
    let row = from.fetch_optional(sql.to_owned(), vec![id.into()]).await?;
    row.map(|row| Ok((row.get("resource_type")?, row.get("resource_id")?))).transpose()
}

/// Stores a new association; returns its key.
///
/// # Errors
/// When the statement fails.
pub async fn association_insert_in_tx(
    tx: &mut Tx,
    resource_type: &str,
    resource: i64,
    row: &AssociationRow,
) -> Result<i64, StoreError> {
    let marks = vec!["?"; COLUMNS.len() + 2].join(", ");
    let sql = format!(
        "INSERT INTO environment_associations ({}, resource_type, resource_id) VALUES ({marks})",
        COLUMNS.join(", ")
    );
    let mut values = values(row);
    values.extend([resource_type.into(), resource.into()]);
    tx.insert(sql, values).await
}

/// Stores an association over the one that has its key.
///
/// # Errors
/// When the statement fails.
pub async fn association_update_in_tx(tx: &mut Tx, id: i64, row: &AssociationRow) -> Result<(), StoreError> {
    let sql = format!("UPDATE environment_associations SET {} = ? WHERE id = ?", COLUMNS.join(" = ?, "));
    let mut values = values(row);
    values.push(id.into());
    tx.execute(sql, values).await.map(drop)
}

/// Removes an association.
///
/// # Errors
/// When the statement fails.
pub async fn association_delete_in_tx(tx: &mut Tx, id: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM environment_associations WHERE id = ?", vec![id.into()]).await.map(drop)
}
