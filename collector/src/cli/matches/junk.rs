//! `matches junk`: values that identify nothing.

use anyhow::Context as _;
use clap::Subcommand;
use orchestrix_common::time::Timestamp;

use crate::{
    admin,
    cli::{
        operator,
        output::{self, Output},
        text::{ago, plain},
    },
    query::{self, JunkValue},
    reconcile::identity::Evidence,
    store::Db,
};

/// Flags of `matches junk`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Has matching leave out a value; hosts that are matched already stay as they are
    Add {
        /// Kind of evidence
        #[arg(value_parser = evidence)]
        evidence: Evidence,
        /// The value; case and byte order do not matter
        content: String,
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
    },
    /// Has matching believe a value again
    Remove {
        /// The entry, as `matches junk` shows it
        id: i64,
    },
}

fn evidence(word: &str) -> Result<Evidence, String> {
    Evidence::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = Evidence::ORDER.iter().map(|kind| kind.word()).collect();
        format!("expected one of {}", words.join(", "))
    })
}

pub(super) async fn run(db: &Db, now: Timestamp, args: Args, output: Output) -> anyhow::Result<()> {
    match args.command {
        None => {}
        Some(Command::Add { evidence, content, note }) => {
            anyhow::ensure!(note.chars().count() <= 255, "the note has more than 255 characters");
            admin::add_junk(db, now, evidence, &content, &note, &operator()).await?;
        }
        Some(Command::Remove { id }) => admin::remove_junk(db, now, id, &operator()).await?,
    }
    let values = query::every::<JunkValue>(db, now).await.context("read the list")?;
    match output {
        Output::Json => output::print_json(&values),
        Output::Table if values.is_empty() => output::print("Nobody entered a junk value."),
        Output::Table => {
            let mut table = output::table(&["ID", "EVIDENCE", "VALUE", "NOTE", "BY", "SINCE"]);
            for value in &values {
                table.add_row([
                    value.id.to_string(),
                    plain(&value.evidence, 32),
                    plain(&value.content, 80),
                    plain(&value.note, 80),
                    plain(&value.created_by, 64),
                    format!("{} ago", ago(now, value.created_at.0)),
                ]);
            }
            output::print(&table.to_string())
        }
    }
}
