//! `api-token`: tokens for people and programs that use the API.

use std::time::Duration;

use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use orchestrix_common::time::{Clock as _, SystemClock, Timestamp};
use serde::Serialize;

use super::{
    GroupArgs, operator,
    output::{self, Output},
    text::plain,
    token::duration,
};
use crate::{
    admin::{self, Role},
    store::rows::api_token::api_token_list,
};

/// How long an API token lasts unless somebody says otherwise.
const DEFAULT_LIFE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// Tokens that are listed.
const MOST: u32 = 10_000;

/// Flags of `api-token`.
pub(super) type Args = GroupArgs<Command>;

/// What stands below the help of `api-token`.
pub(super) const EXAMPLES: &str = "\
Examples:
  orchestrix-collector api-token create --name grafana              may read, for 90 days
  orchestrix-collector api-token create --name deploys --role operator --expires 7d
  orchestrix-collector api-token list
  orchestrix-collector api-token revoke 9d0c55e1aa27b103";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes an API token and shows it once
    Create {
        /// Who or what it is for; history and audit log name it
        #[arg(long)]
        name: String,
        /// What it allows
        #[arg(long, value_enum, default_value_t = RoleName::Viewer)]
        role: RoleName,
        /// How long it lasts, for example 12h or 90d [default: 90d]
        #[arg(long, value_name = "TIME", value_parser = duration)]
        expires: Option<Duration>,
    },
    /// Lists API tokens, without their secrets
    List,
    /// Withdraws an API token
    Revoke {
        /// The token's id, as `api-token list` shows it
        id: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoleName {
    /// Reads the inventory
    Viewer,
    /// Also lets hosts enrol and decides about them
    Operator,
    /// Also decides about identities and reads the audit log
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Viewer => Self::Viewer,
            RoleName::Operator => Self::Operator,
            RoleName::Admin => Self::Admin,
        }
    }
}

/// An API token, as it is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    id: String,
    name: String,
    role: String,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let (_, db) = args.database.open_current().await?;
    match args.command {
        Command::Create { name, role, expires } => {
            let length = name.chars().count();
            anyhow::ensure!((1..=64).contains(&length), "the name has {length} characters, expected 1 to 64");
            let ends = now.plus(expires.unwrap_or(DEFAULT_LIFE));
            let made = admin::create_api_token(&db, now, &name, role.into(), Some(ends), &operator()).await?;
            let token = made.token.as_str();
            match args.output {
                Output::Json => output::print_json(&serde_json::json!({
                    "id": made.id, "token": token, "role": Role::from(role), "expiresAt": ends,
                })),
                Output::Table => output::print(&format!(
                    "{token}\n\nAPI token {} of {}, until {ends}. It is not shown again.",
                    made.id,
                    plain(&name, 64)
                )),
            }
        }
        Command::List => {
            let rows = api_token_list(&mut &db, "", MOST).await.context("read the API tokens")?;
            let lines = rows.into_iter().map(|row| Line {
                id: row.id,
                name: row.name,
                role: row.role,
                created_at: row.created_at,
                expires_at: row.expires_at,
                revoked_at: row.revoked_at,
            });
            show(&lines.collect::<Vec<_>>(), now, args.output)
        }
        Command::Revoke { id } => {
            admin::revoke_api_token(&db, now, &id, &operator()).await?;
            output::print(&format!("API token {id} is revoked"))
        }
    }
}

fn show(lines: &[Line], now: Timestamp, output: Output) -> anyhow::Result<()> {
    if output == Output::Json {
        return output::print_json(&lines);
    }
    let mut table = output::table(&["ID", "NAME", "ROLE", "STATE", "EXPIRES"]);
    for line in lines {
        let state = match (line.revoked_at, line.expires_at) {
            (Some(_), _) => "revoked",
            (None, Some(at)) if at <= now => "expired",
            (None, _) => "in force",
        };
        let expires = line.expires_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        table.add_row([plain(&line.id, 32), plain(&line.name, 64), plain(&line.role, 16), state.to_owned(), expires]);
    }
    output::print(&table.to_string())
}
