//! `tree`: the whole inventory at a glance.

mod draw;

use anyhow::Context as _;
use orchestrix_common::time::{Clock as _, SystemClock, Timestamp};

use self::draw::Part;
use super::{
    DatabaseArgs, UsageError,
    output::{self, Output},
    text::Paint,
};
use crate::{
    catalog::nearest,
    query::{
        Datacenter, Environment, Partner,
        as_of::{self, AsOf},
        every,
        tree::{self, Narrow, Tree},
    },
    store::Db,
};

/// Flags of `tree`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orchestrix-collector tree                    everything in the configured inventory
  orchestrix-collector tree --depth 6          down to the computes, without what runs on them
  orchestrix-collector tree --env PROD         what belongs to production, by itself or inherited
  orchestrix-collector tree --datacenter Dhaka-DC1 --as-of 2026-03-01T12:00:00Z
  orchestrix-collector tree -o json | jq .summary
  orchestrix-collector tree --data-dir .orchestrix

[PROD 60 %] is a thing's own environment with its share, (PROD) one that it inherits from what it stands under. A
question mark stands for what is not known. `unknown` is a workload whose compute is silent, `stale` one whose source
cannot be looked at now: both are shown as they were last seen.")]
pub struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Levels to show: 1 partners, 2 clouds, 3 regions, 4 zones, 5 datacenters, 6 computes, 7 everything
    #[arg(long, value_name = "N", default_value_t = tree::LEVELS, value_parser = clap::value_parser!(u8).range(1..=7))]
    depth: u8,
    /// Only what belongs to the environment with this code, by itself or inherited
    #[arg(long, value_name = "CODE")]
    env: Option<String>,
    /// Only what stands under this partner (name or id)
    #[arg(long, value_name = "NAME")]
    partner: Option<String>,
    /// Only this datacenter (name or id)
    #[arg(long, value_name = "NAME")]
    datacenter: Option<String>,
    /// The inventory as it was: a time like 2026-03-01T12:00:00Z, or the number of a change
    #[arg(long, value_name = "TIME|SEQUENCE", value_parser = point)]
    as_of: Option<AsOf>,
    /// Form of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (_, db) = args.database.open_current().await?;
    let now = SystemClock.now();
    let past = match args.as_of {
        Some(point) => Some(as_of::open(&db, now, point).await.context("--as-of")?),
        None => None,
    };
    let db = past.as_ref().unwrap_or(&db);
    let narrow = Narrow { environment: args.env, partner: args.partner, datacenter: args.datacenter };
    let part = match past {
        Some(_) => Part::Past,
        None if narrow.is_nothing() => Part::Whole,
        None => Part::Some,
    };
    let tree = read(db, now, args.depth, &narrow).await?;
    as_of::confirm(db).await?;
    match args.output {
        Output::Json => output::print_json(&tree),
        Output::Table => output::print(&draw::draw(&tree, part, now, Paint::for_stdout())),
    }
}

/// Reads a point in the past.
pub(super) fn point(text: &str) -> Result<AsOf, String> {
    AsOf::parse(text).ok_or_else(|| format!("expected {}", AsOf::EXPECTED))
}

async fn read(db: &Db, now: Timestamp, depth: u8, narrow: &Narrow) -> anyhow::Result<Tree> {
    if narrow.is_nothing() {
        return Ok(tree::tree(db, now, depth).await?);
    }
    let names: Vec<_> = every::<Environment>(db, now).await?.into_iter().map(|it| (it.id, it.code)).collect();
    known("environment", narrow.environment.as_deref(), &names)?;
    let names: Vec<_> = every::<Partner>(db, now).await?.into_iter().map(|it| (it.id, it.name)).collect();
    known("partner", narrow.partner.as_deref(), &names)?;
    let names: Vec<_> = every::<Datacenter>(db, now).await?.into_iter().map(|it| (it.id, it.name)).collect();
    known("datacenter", narrow.datacenter.as_deref(), &names)?;
    // What is on a compute decides whether the compute is shown, at any depth.
    let mut tree = tree::narrowed(db, now, narrow).await?;
    tree.cut(depth);
    Ok(tree)
}

/// Refuses a name that is none, with those that are nearest.
fn known(what: &str, wanted: Option<&str>, names: &[(i64, String)]) -> Result<(), UsageError> {
    let Some(wanted) = wanted else { return Ok(()) };
    let by_id = what != "environment";
    if names.iter().any(|(id, name)| name.to_lowercase() == wanted.to_lowercase() || by_id && id.to_string() == wanted)
    {
        return Ok(());
    }
    let near = nearest(wanted, names.iter().map(|(_, name)| name.as_str()));
    let near = if near.is_empty() { "there is none".to_owned() } else { format!("nearest: {}", near.join(", ")) };
    Err(UsageError(format!("no {what} is called {wanted:?}; {near}")))
}

#[cfg(test)]
mod tests;
