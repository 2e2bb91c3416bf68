//! `restore`: puts a backup back, checks one, or takes note that a database was put back by its own tools.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use orchestrix_common::time::{Clock as _, SystemClock, Timestamp};

use super::{
    DatabaseArgs, UsageError,
    backup::{Server, told},
    operator,
    output::{self, Output},
};
use crate::{
    backup::{self, Restored, Target},
    config::Config,
    pki::SEALING_KEY_FILE,
};

/// Flags of `restore`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orchestrix-collector restore --from backup --check     looks at it, touches nothing; the collector may run
  orchestrix-collector restore --from backup             with the collector stopped, into an empty data folder
  orchestrix-collector restore --from backup --force     the files that are there get the ending .before-restore-TIME
  orchestrix-collector restore --as-of 2026-03-01T04:00:00Z
                                                         MariaDB was put back by its own tools, to its state of then

Agents that are ahead of the restored inventory come back by themselves: certificates that they renewed since the backup
are recognised, and what they report is made whole. Who enrolled since the backup enrols again. Revoke again what was
revoked since.")]
pub struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The backup
    #[arg(long, value_name = "DIR", required_unless_present = "as_of", conflicts_with = "as_of")]
    from: Option<PathBuf>,
    /// Only checks the backup
    #[arg(long, requires = "from")]
    check: bool,
    /// Sets files aside that are in the way
    #[arg(long, requires = "from", conflicts_with = "check")]
    force: bool,
    /// The sealing key, where it is neither in the backup nor in the data folder
    #[arg(long, value_name = "FILE", requires = "from")]
    key: Option<PathBuf>,
    /// Only notes that the database was put back by other means: when the copy was made that is in force now
    #[arg(long, value_name = "TIME", value_parser = time)]
    as_of: Option<Timestamp>,
    /// Form of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| "expected a time like 2026-03-01T04:00:00Z".to_owned())
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    match (&args.from, args.as_of) {
        (Some(from), _) if args.check => check(from, &args).await,
        (Some(from), _) => restore(from, &args).await,
        (None, Some(as_of)) => note(as_of, &args).await,
        (None, None) => Err(UsageError("name the backup with --from".to_owned()).into()),
    }
}

async fn check(from: &Path, args: &Args) -> anyhow::Result<()> {
    let manifest = backup::verify(from, args.key.as_deref()).await?;
    match args.output {
        Output::Json => output::print_json(&manifest),
        Output::Table => {
            let unchecked = manifest.sealing_key.is_none() && args.key.is_none();
            let key =
                if unchecked { "\nThe sealing key is not in it and was not checked; name it with --key." } else { "" };
            output::print(&format!("{} is good: {}{key}", from.display(), told(&manifest)))
        }
    }
}

async fn restore(from: &Path, args: &Args) -> anyhow::Result<()> {
    let Config { data_dir, database_url, .. } = args.database.config.load()?;
    let Some(database) = database_url.strip_prefix("sqlite://").map(Path::new) else {
        let server = Server::of(&database_url);
        return Err(UsageError(format!(
            "this inventory is not an embedded one; with every collector stopped, put it back with `mariadb {server} < \
             orchestrix.sql` and run `restore --as-of TIME` with the time of the dump"
        ))
        .into());
    };
    let actor = operator();
    let target = Target { data_dir: &data_dir, database, key: args.key.as_deref(), force: args.force, actor: &actor };
    let restored = backup::restore(from, &target, SystemClock.now()).await?;
    match args.output {
        Output::Json => output::print_json(&restored),
        Output::Table => output::print(&text(&restored, &data_dir)),
    }
}

fn text(restored: &Restored, data_dir: &Path) -> String {
    let Restored { backup, set_aside, migrated } = restored;
    let mut lines = vec![format!("Restored to {}: {}", data_dir.display(), told(backup))];
    if !migrated.is_empty() {
        lines.push(format!("Brought up to date: {}.", migrated.join(", ")));
    }
    lines.extend(set_aside.iter().map(|path| format!("What was there is kept as {}.", path.display())));
    lines.push(
        "Start the collector. Agents that enrolled since then enrol again; what was revoked since then must be revoked again."
            .to_owned(),
    );
    lines.join("\n")
}

async fn note(as_of: Timestamp, args: &Args) -> anyhow::Result<()> {
    let now = SystemClock.now();
    anyhow::ensure!(as_of <= now, "{as_of} is in the future");
    let (config, db) = args.database.open_current().await?;
    let noted = backup::note_set_back(&db, as_of, &operator(), now).await;
    db.close().await;
    noted?;
    let key = config.data_dir.join(SEALING_KEY_FILE);
    key.metadata().with_context(|| format!("noted; but the sealing key is not at {}", key.display()))?;
    match args.output {
        Output::Json => output::print_json(&serde_json::json!({ "from": as_of, "until": now })),
        Output::Table => output::print(&format!(
            "Noted: what was committed from {as_of} to {now} is gone. Agents that renewed their certificates meanwhile are \
             recognised."
        )),
    }
}
