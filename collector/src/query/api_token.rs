//! API tokens, without their secrets.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Context, Filter, Key, Resource, Sort, Test, Time, time};
use crate::store::{Row, StoreError, Value};

/// What lets a person or a program use the API. Its secret was shown once and is not kept.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiToken {
    /// Identifier.
    pub id: String,
    /// Who or what it is for.
    pub name: String,
    /// `viewer`, `operator` or `admin`.
    pub role: String,
    /// `active`, `expired` or `revoked`.
    pub state: String,
    /// When it was made.
    pub created_at: Time,
    /// When it ends; `null` when it does not.
    pub expires_at: Option<Time>,
    /// When it was withdrawn.
    pub revoked_at: Option<Time>,
}

fn state(context: &Context) -> String {
    let now = context.now.as_micros();
    format!(
        "CASE WHEN t.revoked_at_us IS NOT NULL THEN 'revoked' WHEN t.expires_at_us <= {now} THEN 'expired' \
         ELSE 'active' END"
    )
}

impl Resource for ApiToken {
    const LIST: &'static str = "api-tokens";
    const ONE: &'static str = "API token";
    const ABOUT: &'static str = "What lets people and programs use the API, without the secrets.";
    const KEYS: &'static [Key] = &[Key::text("id", "t.id")];
    const SORTS: &'static [Sort] =
        &[Sort::int("createdAt", "t.created_at_us"), Sort::int("expiresAt", "t.expires_at_us")];
    const FILTERS: &'static [Filter] = &[
        Filter::new("name", Test::Text("t.name"), "Exactly this name."),
        Filter::new("role", Test::Text("t.role"), "viewer, operator or admin."),
        Filter::new("state", Test::Computed(state), "active, expired or revoked.").or("status"),
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.name, t.role, {} AS token_state, t.created_at_us, t.expires_at_us, t.revoked_at_us \
             FROM api_tokens t",
            state(context),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            role: row.get("role")?,
            state: row.get("token_state")?,
            created_at: time::read(row, "created_at_us")?,
            expires_at: time::read_opt(row, "expires_at_us")?,
            revoked_at: time::read_opt(row, "revoked_at_us")?,
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.as_str().into()]
    }
}
