//! Rules that infer environments, as they are listed.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Context, Filter, Key, Resource, Sort, Test, Time};
use crate::{
    environment::rule::Rule,
    store::{
        Row, StoreError, Value,
        rows::environment_rule::{RuleRow, rule_read, rule_select},
    },
};

/// A rule, with its key.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentRule {
    /// Identifier.
    pub id: i64,
    /// What people wrote.
    #[serde(flatten)]
    pub rule: Rule,
    /// It belongs to the default set; `null` when a person made it.
    pub default_key: Option<String>,
    /// When it was made.
    pub created_at: Time,
    /// When it was last altered.
    pub changed_at: Time,
}

impl Resource for EnvironmentRule {
    const LIST: &'static str = "environment-rules";
    const ONE: &'static str = "environment rule";
    const ABOUT: &'static str = "Rules that infer environments or tags from evidence, or keep two environments apart. \
        Of those that match a resource the one with the smallest priority wins, of those that tag for each key; what a \
        person set is never touched.";
    const KEYS: &'static [Key] = &[Key::int("id", "t.id")];
    const SORTS: &'static [Sort] = &[
        Sort::int("priority", "t.priority"),
        Sort::int("createdAt", "t.created_at_us"),
        Sort::int("changedAt", "t.changed_at_us"),
    ];
    const FILTERS: &'static [Filter] = &[
        Filter::new("name", Test::Text("t.name"), "Exactly this name."),
        Filter::new("kind", Test::Text("t.kind"), "assign, separate or tag."),
        Filter::new("enabled", Test::Flag("t.enabled"), "Those in force, or those that are not."),
        Filter::new("environmentCode", Test::Text("t.environment_code"), "Those with this code."),
    ];

    fn select(context: &Context) -> String {
        rule_select(context.dialect)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let row = rule_read(row)?;
        Self::of(row)
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }

    fn row_tag(&self) -> Option<String> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        Some(blake3::hash(&text).to_hex().chars().take(16).collect())
    }
}

impl EnvironmentRule {
    /// The view of a row.
    ///
    /// # Errors
    /// When its JSON is of another form.
    pub fn of(row: RuleRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            rule: Rule::from_row(&row)?,
            default_key: row.default_key,
            created_at: Time(row.created_at),
            changed_at: Time(row.changed_at),
        })
    }
}
