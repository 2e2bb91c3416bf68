//! `drift`: where entered and discovered values differ, and which one stays.

use anyhow::Context as _;
use clap::Subcommand;
use orchestrix_common::time::{Clock as _, SystemClock, Timestamp};
use serde_json::Value as Json;

use super::{
    DatabaseArgs, operator,
    output::{self, Output},
    text::{Paint, UNKNOWN, ago, plain},
};
use crate::{
    admin::operation::{DriftDecision, DriftPick, decide_drifts},
    query::{self, Drift, ListRequest},
    store::Db,
};

/// Flags of `drift`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orchestrix-collector drift                          what waits for a decision
  orchestrix-collector drift --compute 7 --state any
  orchestrix-collector drift take 3 4                 the discovered values become the values
  orchestrix-collector drift keep 5                   what was entered stays, until discovery sees something else
  orchestrix-collector drift take --all --field osVersion

A decision is one operation: computes operations lists it, computes undo takes it back.")]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    which: Which,
    /// Form of the result
    #[arg(short, long, value_enum, default_value_t, global = true)]
    output: Output,
}

/// Which drifts.
#[derive(Debug, clap::Args)]
struct Which {
    /// Those of this compute and its containers
    #[arg(long, value_name = "ID", global = true)]
    compute: Option<i64>,
    /// Those of this field, for example operatingSystem
    #[arg(long, value_name = "NAME", global = true)]
    field: Option<String>,
    /// open, kept or any
    #[arg(long, value_name = "STATE", default_value = "open", global = true)]
    state: String,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists drifts, as without a subcommand
    List,
    /// The discovered value becomes the value, and discovery follows it from then on
    Take(Picked),
    /// The entered value stays; the drift is told again when the discovered value changes
    Keep(Picked),
}

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("picked").required(true))]
struct Picked {
    /// The drifts, as `drift` shows them
    #[arg(value_name = "ID", group = "picked")]
    ids: Vec<i64>,
    /// All that --compute, --field and --state leave
    #[arg(long, group = "picked")]
    all: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (_, db) = args.database.open_current().await?;
    let now = SystemClock.now();
    let (decision, picked) = match args.command {
        None | Some(Command::List) => {
            let drifts = list(&db, now, &args.which).await?;
            return show(&drifts, now, args.output);
        }
        Some(Command::Take(picked)) => (DriftDecision::Take, picked),
        Some(Command::Keep(picked)) => (DriftDecision::Keep, picked),
    };
    let picks: Vec<DriftPick> = if picked.all {
        let drifts = list(&db, now, &args.which).await?;
        // What was listed is what is decided about: a value that changed in between is not taken unseen.
        drifts.into_iter().map(|drift| DriftPick { id: drift.id, seen: drift.discovered }).collect()
    } else {
        picked.ids.into_iter().map(|id| DriftPick { id, seen: None }).collect()
    };
    anyhow::ensure!(!picks.is_empty(), "there is no such drift");
    let done = decide_drifts(&db, now, decision, &picks, &operator()).await?;
    match args.output {
        Output::Json => output::print_json(&done),
        Output::Table => {
            let id = done.operation_id.map_or_else(|| UNKNOWN.to_owned(), |id| id.to_string());
            output::print(&format!("{}\nOperation {id}; computes undo {id} takes it back.", plain(&done.summary, 240)))
        }
    }
}

async fn list(db: &Db, now: Timestamp, which: &Which) -> anyhow::Result<Vec<Drift>> {
    let context = query::Context { dialect: db.dialect(), now, past: false };
    let mut parameters = vec![("state".to_owned(), which.state.clone()), ("limit".to_owned(), "1000".to_owned())];
    parameters.extend(which.compute.map(|id| ("computeId".to_owned(), id.to_string())));
    parameters.extend(which.field.clone().map(|field| ("field".to_owned(), field)));
    let mut drifts = Vec::new();
    loop {
        let request = ListRequest::parse::<Drift>(&context, &parameters)
            .map_err(|error| super::UsageError(error.to_string().replace("parameter ", "--")))?;
        let page = query::list::<Drift>(db, now, &request).await.context("read the drifts")?;
        drifts.extend(page.items);
        let Some(next) = page.next else { return Ok(drifts) };
        parameters.retain(|(name, _)| name != "cursor");
        parameters.push(("cursor".to_owned(), next));
    }
}

fn show(drifts: &[Drift], now: Timestamp, output: Output) -> anyhow::Result<()> {
    match output {
        Output::Json => output::print_json(&drifts),
        Output::Table if drifts.is_empty() => output::print("What was entered and what is discovered agree."),
        Output::Table => output::print(&table(drifts, now, Paint::for_stdout())),
    }
}

fn table(drifts: &[Drift], now: Timestamp, paint: Paint) -> String {
    let mut table = output::table(&["ID", "RESOURCE", "FIELD", "ENTERED", "DISCOVERED", "SINCE", "STATE"]);
    for drift in drifts {
        let name = drift.resource_name.as_deref().unwrap_or(UNKNOWN);
        let state = match &drift.kept_by {
            Some(by) => format!("kept by {}", plain(by, 40)),
            None => paint.warn(&drift.state),
        };
        table.add_row([
            drift.id.to_string(),
            plain(&format!("{} {} {name}", drift.resource_type, drift.resource_id), 64),
            plain(&drift.field, 32),
            shown(drift.value.as_ref()),
            shown(drift.discovered.as_ref()),
            ago(now, drift.since.0),
            state,
        ]);
    }
    table.to_string()
}

fn shown(value: Option<&Json>) -> String {
    match value {
        None | Some(Json::Null) => UNKNOWN.to_owned(),
        Some(Json::String(text)) => plain(text, 48),
        Some(other) => plain(&other.to_string(), 48),
    }
}
