//! `migrate`: brings the database's tables up to date.

use anyhow::Context as _;
use serde::Serialize;

use super::{
    ConfigArgs,
    output::{self, Output},
};
use crate::store::{self, MigrationPlan};

/// Flags of `migrate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Shows what would be done and changes nothing
    #[arg(long)]
    dry_run: bool,
    /// Form of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// One migration, as it is shown.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Line {
    migration: &'static str,
    state: &'static str,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let config = args.config.load()?;
    let db = store::open(&config.database_url).await.context("open the database")?;
    let before = store::migration_plan(&db).await?;
    if !args.dry_run {
        store::migrate(&db).await?;
    }
    db.close().await;
    let lines = lines(&before, if args.dry_run { "pending" } else { "applied now" });
    match args.output {
        Output::Json => output::print_json(&lines),
        Output::Table => {
            let mut table = output::table(&["MIGRATION", "STATE"]);
            for Line { migration, state } in lines {
                table.add_row([migration, state]);
            }
            output::print(&table.to_string())
        }
    }
}

fn lines(plan: &MigrationPlan, pending: &'static str) -> Vec<Line> {
    let applied = plan.applied.iter().map(|name| Line { migration: name, state: "applied" });
    applied.chain(plan.pending.iter().map(|name| Line { migration: name, state: pending })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pending_migrations_come_after_applied_ones() {
        let plan = MigrationPlan { applied: vec!["0001_a"], pending: vec!["0002_b"] };
        let lines = lines(&plan, "pending");
        assert_eq!(
            lines,
            [Line { migration: "0001_a", state: "applied" }, Line { migration: "0002_b", state: "pending" }]
        );
    }
}
