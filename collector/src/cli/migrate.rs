//! `migrate`: brings the database's tables up to date, or tells what that would do.

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::{
    ConfigArgs,
    exit::Pending,
    output::{self, Output},
    text::{Paint, plain},
};
use crate::store::{self, Action, Owner, Preview, TablePreview};

const NAME: usize = 64;
const NOTE: usize = 160;

/// Flags of `migrate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orchestrix-collector migrate --dry-run       what would be done to the configured database, table by table
  orchestrix-collector migrate
  orchestrix-collector migrate --dry-run -o json --database-url mysql://user@host/orchestrix | jq .pending

Tables of an existing inventory are never altered: only what is missing is made. A run that was cut short is taken up
again by the next one. The collector migrates by itself when it starts.

Ends with 0 when nothing is pending, with 2 when --dry-run found something to do, with 1 when it cannot be done.")]
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

/// What was done, or would be.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    /// Nothing was changed.
    dry_run: bool,
    #[serde(flatten)]
    preview: Preview,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let config = args.config.load()?;
    let nothing_yet = config.database_url.strip_prefix("sqlite://").is_some_and(|path| !Path::new(path).exists());
    let preview = if args.dry_run && nothing_yet {
        // Opening it would make it.
        store::migration_preview_of_nothing().await?
    } else {
        let db = store::open(&config.database_url).await.context("open the database")?;
        let preview = store::migration_preview(&db).await.context("read the tables");
        if !args.dry_run {
            store::migrate(&db).await?;
        }
        db.close().await;
        preview?
    };
    let shown = Shown { dry_run: args.dry_run, preview };
    match args.output {
        Output::Json => output::print_json(&shown)?,
        Output::Table => output::print(&draw(&shown, Paint::for_stdout()))?,
    }
    let Preview { pending, obstacles, .. } = &shown.preview;
    anyhow::ensure!(obstacles.is_empty(), "the database cannot be migrated: {}", obstacles.join("; "));
    if args.dry_run && !pending.is_empty() {
        return Err(Pending(format!("{} pending: {}", pending.len(), pending.join(", "))).into());
    }
    Ok(())
}

fn draw(shown: &Shown, paint: Paint) -> String {
    let Shown { dry_run, preview } = shown;
    let mut table = output::table(&["TABLE", "OF", "ROWS", "WHAT"]);
    for shown in &preview.tables {
        let TablePreview { table: name, owner, action, rows, adds, notes } = shown;
        let owner = match owner {
            Owner::Inventory => "inventory",
            Owner::Discovery => "discovery",
            Owner::Other => "others",
        };
        let what = match (action, dry_run) {
            (Action::Keep, _) => paint.soft("left as it is"),
            (Action::Create, true) => paint.good("would be made"),
            (Action::Create, false) => paint.good("made"),
            (Action::Extend, true) => paint.warn(&format!("would get {}", adds.join(", "))),
            (Action::Extend, false) => paint.warn(&format!("got {}", adds.join(", "))),
        };
        let rows = rows.map_or(String::new(), |rows| rows.to_string());
        let lines: Vec<_> = [what].into_iter().chain(notes.iter().map(|note| plain(note, NOTE))).collect();
        table.add_row([plain(name, NAME), owner.to_owned(), rows, lines.join("\n")]);
    }
    let mut out = vec![table.to_string()];
    for copy in preview.copies.iter().filter(|copy| copy.rows > 0) {
        out.push(format!(
            "{} of {} become rows of {} when the collector runs; the column stays as it is.",
            copy.rows, copy.from, copy.to
        ));
    }
    out.extend(preview.obstacles.iter().map(|obstacle| paint.bad(&format!("In the way: {obstacle}"))));
    let (applied, pending) = (preview.applied.len(), preview.pending.join(", "));
    out.push(match (preview.pending.is_empty(), dry_run) {
        (true, _) => format!("Up to date: {applied} migrations are in force, nothing is pending."),
        (false, true) => format!("Nothing was changed. Pending: {pending}."),
        (false, false) => format!("Applied: {pending}."),
    });
    out.join("\n\n")
}

#[cfg(test)]
mod tests {
    use crate::store::CopyPreview;

    use super::*;

    fn table(table: &str, owner: Owner, action: Action, rows: Option<i64>) -> TablePreview {
        TablePreview { table: table.to_owned(), owner, action, rows, adds: Vec::new(), notes: Vec::new() }
    }

    #[test]
    fn what_would_be_done_is_told_table_by_table() {
        let preview = Preview {
            applied: vec!["0001_inventory"],
            pending: vec!["0002_discovery", "0004_environments"],
            tables: vec![
                table("computes", Owner::Inventory, Action::Keep, Some(3)),
                TablePreview {
                    adds: vec!["column origin".to_owned(), "index idx_origin".to_owned()],
                    ..table("environment_associations", Owner::Discovery, Action::Extend, Some(0))
                },
                TablePreview {
                    notes: vec!["compute_id is bigint(20) unsigned, as the key of computes is".to_owned()],
                    ..table("compute_facts", Owner::Discovery, Action::Create, None)
                },
                table("evil\u{1b}[2J", Owner::Other, Action::Keep, Some(1)),
            ],
            copies: vec![CopyPreview { from: "datacenters.environment_id", to: "environment_associations", rows: 3 }],
            obstacles: vec!["table history belongs to something else".to_owned()],
        };
        let text = draw(&Shown { dry_run: true, preview }, Paint::OFF);
        insta::assert_snapshot!("dry_run", text);
    }
}
