//! `export`: the inventory as spreadsheets or JSON that `import` reads.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::ValueEnum;

use super::{DatabaseArgs, UsageError};
use crate::{
    catalog::nearest,
    transfer::{
        self, Export,
        sheet::{self, SHEETS},
    },
};

/// The form of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Spreadsheets.
    #[default]
    Csv,
    /// A tree.
    Json,
}

/// Flags of `export`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orchestrix-collector export > inventory.csv               everything, with a column for the kind
  orchestrix-collector export --to inventory/               a CSV file for each kind
  orchestrix-collector export --kind compute --kind tag > computes.csv
  orchestrix-collector export -o json --to inventory.json

What import reads, this writes: exported, imported into an empty inventory and exported again, it is the same. Values that
discovery wrote by itself are left out, since imported they would be a person's and never follow the host again;
--discovered writes them, too. Workloads, agents, measurements and credentials are never written.

A text that a spreadsheet would take for a formula gets a ' in front; import takes it away.")]
pub struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Only rows of this kind; may be repeated
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// Also what discovery wrote by itself
    #[arg(long)]
    discovered: bool,
    /// File to write; a folder gets a CSV file for each kind [default: standard output]
    #[arg(long, value_name = "PATH")]
    to: Option<PathBuf>,
    /// Form of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let Args { database, kind, discovered, to, output } = args;
    let kinds = kind.iter().map(|kind| named(kind)).collect::<Result<Vec<_>, _>>()?;
    let (_, db) = database.open_current().await?;
    let export = transfer::export(&db, &kinds, discovered).await.context("read the inventory")?;
    for (kind, count) in &export.left_out {
        let _ = writeln!(io::stderr(), "left out: {count} of {kind}, on something that no person enters");
    }
    match to {
        None => print(&rendered(&export, output)?),
        Some(path) if path.is_dir() || path.as_os_str().to_string_lossy().ends_with('/') => {
            folder(&export, output, &path)
        }
        Some(path) => write(&path, &rendered(&export, output)?),
    }
}

fn named(kind: &str) -> Result<usize, UsageError> {
    sheet::find(kind).ok_or_else(|| {
        let near = nearest(kind, SHEETS.iter().map(|sheet| sheet.form.kind.name)).join(", ");
        UsageError(format!("{kind:?} is no kind that can be exported; nearest: {near}"))
    })
}

fn rendered(export: &Export, output: Form) -> anyhow::Result<Vec<u8>> {
    match output {
        Form::Csv => export.csv().map_err(anyhow::Error::msg).context("write CSV"),
        Form::Json => {
            let mut text = serde_json::to_vec_pretty(&export.json()).context("write JSON")?;
            text.push(b'\n');
            Ok(text)
        }
    }
}

fn folder(export: &Export, output: Form, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    if output == Form::Json {
        return write(&folder.join("inventory.json"), &rendered(export, output)?);
    }
    for (kind, text) in export.sheets().map_err(anyhow::Error::msg).context("write CSV")? {
        write(&folder.join(format!("{kind}.csv")), &text)?;
    }
    Ok(())
}

/// Writes a file whole or not at all.
fn write(path: &Path, text: &[u8]) -> anyhow::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let written = fs::write(&part, text).and_then(|()| fs::rename(&part, path));
    written.with_context(|| format!("write {}", path.display()))
}

fn print(text: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.context("write to standard output"),
    }
}
