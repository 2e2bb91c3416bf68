//! Between a rule and its row.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Condition, Matching, Rule, RuleKind};
use crate::store::{StoreError, rows::environment_rule::RuleRow};

/// The column `conditions`.
#[derive(Serialize, Deserialize)]
struct Conditions {
    r#match: Matching,
    conditions: Vec<Condition>,
}

impl Rule {
    /// Writes the rule into a row.
    #[must_use]
    pub fn into_row(self, row: RuleRow) -> RuleRow {
        let Self {
            kind,
            name,
            description,
            priority,
            enabled,
            environment_code,
            other_code,
            confidence,
            tags,
            r#match,
            conditions,
            scope,
        } = self;
        let json = |content| serde_json::to_value(content).unwrap_or_default();
        RuleRow {
            kind: kind.as_str().to_owned(),
            name,
            description,
            priority,
            enabled,
            environment_code,
            other_code,
            confidence,
            tags: if tags.is_empty() { None } else { Some(json!(tags)) },
            conditions: json(&Conditions { r#match, conditions }),
            scope: serde_json::to_value(scope).unwrap_or_default(),
            ..row
        }
    }

    /// Reads the rule from a row.
    ///
    /// # Errors
    /// When its JSON is of another form, as a newer version may write it.
    pub fn from_row(row: &RuleRow) -> Result<Self, StoreError> {
        let malformed = |column: &str| {
            let column = format!("environment_rules.{column}");
            move |source| StoreError::Json { column, source }
        };
        let Conditions { r#match, conditions } =
            serde_json::from_value(row.conditions.clone()).map_err(malformed("conditions"))?;
        Ok(Self {
            kind: kind(&row.kind)?,
            name: row.name.clone(),
            description: row.description.clone(),
            priority: row.priority,
            enabled: row.enabled,
            environment_code: row.environment_code.clone(),
            other_code: row.other_code.clone(),
            confidence: row.confidence,
            tags: row
                .tags
                .clone()
                .map(serde_json::from_value)
                .transpose()
                .map_err(malformed("tags"))?
                .unwrap_or_default(),
            r#match,
            conditions,
            scope: serde_json::from_value(row.scope.clone()).map_err(malformed("scope"))?,
        })
    }
}

fn kind(word: &str) -> Result<RuleKind, StoreError> {
    let kinds = [RuleKind::Assign, RuleKind::Separate, RuleKind::Tag];
    kinds.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| StoreError::Content {
        column: "environment_rules.kind",
        content: word.to_owned(),
        expected: "assign, separate or tag",
    })
}
