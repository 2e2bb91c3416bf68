//! `import`: an inventory from spreadsheets and JSON.

mod bar;
mod draw;

use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use orchestrix_common::time::SystemClock;

use self::bar::Bar;
use super::{
    DatabaseArgs, UsageError, operator,
    output::{self, Output},
    text::Paint,
};
use crate::{
    store::Commits,
    transfer::{self, ImportError, Input, Options},
};

/// Problems that are printed one by one; all of them are in the JSON.
const PROBLEMS: usize = 1_000;

/// Flags of `import`.
#[derive(Debug, clap::Args)]
#[command(after_help = r#"Examples:
  orchestrix-collector import --dry-run computes.csv        what would be made, changed and left
  orchestrix-collector import inventory/                    every CSV and JSON file of a folder, as one
  orchestrix-collector import --columns compute             the columns of a kind, and what each takes
  orchestrix-collector query -o json '{"kind": "partner", "include": [{"kind": "cloud"}]}' | orchestrix-collector import -

A CSV file holds rows of one kind and is named after it (computes.csv; --kind for others), or has a column `kind`. The first
line names the columns. What a row stands in is named by its path or its name, for example in the column `datacenter`:
"self/Main Cloud/Europe/eu-a/Frankfurt", or "Frankfurt" where there is but one. An empty cell leaves what is stored, NULL
empties it. A row that is there already is found by its name and what it stands in (environments, regions and zones by
their code) and changed only where it differs: importing the same again changes nothing.

JSON is a tree in the form of the nested query's answers, or a list of rows: [{"kind": "compute", "name": "web-1", …}].

All of it is done, or nothing. What is wrong is told with its file, line and column, and the command ends with 1."#)]
pub struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Files, or folders of files; `-` is standard input
    #[arg(value_name = "FILE", required_unless_present = "columns")]
    files: Vec<PathBuf>,
    /// Only tell what would be done
    #[arg(long)]
    dry_run: bool,
    /// Kind of the rows that do not say theirs
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Rows with an `id` are the rows with that number in this inventory
    #[arg(long)]
    by_id: bool,
    /// Take words that are neither usual nor in use, for example in the column `status`
    #[arg(long)]
    any_word: bool,
    /// What parts the cells of a CSV file; guessed from its first line when not given
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Show the columns of a kind, or of all, and what each takes; reads no file
    #[arg(long, value_name = "KIND", num_args = 0..=1, default_missing_value = "", conflicts_with = "files")]
    columns: Option<String>,
    /// Form of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" | b"tab" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && *byte != b'"' => Ok(*byte),
        _ => Err("expected one character such as , ; | or \\t".to_owned()),
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let Args { database, files, dry_run, kind, by_id, any_word, delimiter, columns, output } = args;
    if let Some(kind) = columns {
        return draw::columns(&kind, output);
    }
    let inputs = inputs(&files)?;
    let (_, db) = database.open_current().await?;
    let options = Options { dry_run, by_id, any_word, kind, delimiter };
    let bar = Bar::on_stderr();
    let clock = Arc::new(SystemClock);
    let report = transfer::import(&db, clock, Commits::default(), &operator(), &inputs, &options, &bar).await;
    bar.finish();
    let report = report.map_err(|error| match error {
        ImportError::Kind { .. } => UsageError(error.to_string()).into(),
        error => anyhow::Error::new(error),
    })?;
    match output {
        Output::Json => output::print_json(&report)?,
        Output::Table if report.problems.is_empty() => output::print(&draw::report(&report, Paint::for_stdout()))?,
        Output::Table => {}
    }
    if report.problems.is_empty() {
        return Ok(());
    }
    let mut stderr = io::stderr().lock();
    for problem in report.problems.iter().take(PROBLEMS) {
        // Nobody is left to tell when standard error is closed.
        let _ = writeln!(stderr, "{}", draw::harmless(&problem.to_string()));
    }
    let more = report.problems.len().saturating_sub(PROBLEMS);
    if more > 0 {
        let _ = writeln!(stderr, "… and {more} more; -o json tells all of them");
    }
    let count = report.problems.len();
    anyhow::bail!("{count} problem{}; nothing was imported", if count == 1 { "" } else { "s" })
}

/// Reads the files, and those of the folders.
fn inputs(files: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for file in files {
        if file.as_os_str() == "-" {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).context("read standard input")?;
            inputs.push(Input { name: "-".to_owned(), bytes });
        } else if file.is_dir() {
            let found = folder(file)?;
            if found.is_empty() {
                return Err(UsageError(format!(
                    "{}: holds no file that ends with .csv, .tsv or .json",
                    file.display()
                ))
                .into());
            }
            inputs.extend(found);
        } else {
            inputs.push(input(file)?);
        }
    }
    Ok(inputs)
}

fn folder(folder: &Path) -> anyhow::Result<Vec<Input>> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    let mut files: Vec<PathBuf> =
        entries.collect::<Result<Vec<_>, _>>()?.into_iter().map(|entry| entry.path()).collect();
    files.sort();
    let wanted = |file: &&PathBuf| {
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        file.is_file() && matches!(ending.as_str(), "csv" | "tsv" | "json")
    };
    files.iter().filter(wanted).map(|file| input(file)).collect()
}

fn input(file: &Path) -> anyhow::Result<Input> {
    let bytes = fs::read(file).with_context(|| format!("read {}", file.display()))?;
    Ok(Input { name: file.display().to_string(), bytes })
}
