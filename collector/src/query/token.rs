//! Join tokens, without their secrets.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Context, Filter, Key, Resource, Sort, Test, Time, time, value};
use crate::store::{Row, StoreError, Value};

/// What lets a host enrol. Its secret was shown once and is not kept.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JoinToken {
    /// Identifier, the public part of the token.
    pub id: String,
    /// For people.
    pub description: String,
    /// `usable`, `used`, `expired` or `revoked`.
    pub state: String,
    /// How many hosts may enrol with it.
    pub uses_allowed: i64,
    /// How many still may.
    pub uses_left: i64,
    /// The datacenter that enrolling hosts are placed in.
    pub datacenter_id: Option<i64>,
    /// Tags that enrolling hosts get.
    pub tags: BTreeMap<String, String>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Time,
    /// When it ends.
    pub expires_at: Time,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
}

fn state(context: &Context) -> String {
    let now = context.now.as_micros();
    format!(
        "CASE WHEN t.revoked_at_us IS NOT NULL THEN 'revoked' WHEN t.uses_left <= 0 THEN 'used' \
         WHEN t.expires_at_us <= {now} THEN 'expired' ELSE 'usable' END"
    )
}

impl Resource for JoinToken {
    const LIST: &'static str = "join-tokens";
    const ONE: &'static str = "join token";
    const ABOUT: &'static str = "What lets hosts enrol, without the secrets.";
    const KEYS: &'static [Key] = &[Key::text("id", "t.id")];
    const SORTS: &'static [Sort] = &[
        Sort::int("createdAt", "t.created_at_us"),
        Sort::int("expiresAt", "t.expires_at_us"),
        Sort::int("usesLeft", "t.uses_left"),
        Sort::text("description", "t.description"),
    ];
    const FILTERS: &'static [Filter] = &[
        Filter::new("state", Test::Computed(state), "usable, used, expired or revoked.").or("status"),
        Filter::new("createdBy", Test::Text("t.created_by"), "Made by this one."),
        Filter::new("datacenterId", Test::Int("t.datacenter_id"), "Those for this datacenter."),
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.description, {} AS token_state, t.uses_allowed, t.uses_left, t.datacenter_id, {} AS tags, \
             t.created_by, t.created_at_us, t.expires_at_us, t.revoked_at_us FROM join_tokens t",
            state(context),
            context.dialect.json_text("t.tags"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            description: row.get("description")?,
            state: row.get("token_state")?,
            uses_allowed: row.get("uses_allowed")?,
            uses_left: row.get("uses_left")?,
            datacenter_id: row.get("datacenter_id")?,
            tags: value::read_ours(row, "tags")?,
            created_by: row.get("created_by")?,
            created_at: time::read(row, "created_at_us")?,
            expires_at: time::read(row, "expires_at_us")?,
            revoked_at: time::read_opt(row, "revoked_at_us")?,
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.as_str().into()]
    }
}
