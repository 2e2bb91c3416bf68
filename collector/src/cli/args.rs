//! The flags that most subcommands share.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use orchestrix_common::config::{Loader, Problems};

use super::output::Output;
use crate::{
    config::{self, Config},
    store::{self, Db},
};

/// Where the configuration is.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigArgs {
    /// Configuration file; without any of these three flags /etc/orchestrix/collector.toml is read if it exists
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder for the embedded database, the sealing key and the admin token
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// `sqlite://PATH` or `mysql://USER:PASSWORD@HOST/NAME` [default: sqlite://DIR/inventory.db]
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
}

impl ConfigArgs {
    /// Gathers the file, the environment and these flags; a subcommand adds its own flags and calls [`config::load`].
    #[must_use]
    pub fn loader(&self) -> Loader {
        // Who names a folder or a database means that one, and not whatever a package once installed.
        let named = self.data_dir.is_some() || self.database_url.is_some();
        let default = Path::new(config::DEFAULT_FILE);
        let file = self.config.as_deref().or_else(|| (!named && default.exists()).then_some(default));
        let loader = file.into_iter().fold(Loader::new(), Loader::file);
        // A variable that is not Unicode cannot be one of ours.
        let variables =
            env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)));
        // What the unit passes on as credentials lies here; a command of an administrator finds it in its place.
        let in_place = ("CREDENTIALS_DIRECTORY".to_owned(), config::SECRETS.to_owned());
        let in_place = (!named && env::var_os(&in_place.0).is_none()).then_some(in_place);
        let variables = variables.chain(in_place);
        let data_dir = self.data_dir.as_ref().map(|dir| dir.to_string_lossy().into_owned());
        loader.environment(variables).flag("--data-dir", "data_dir", data_dir).flag(
            "--database-url",
            "database_url",
            self.database_url.clone(),
        )
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(&self) -> Result<Config, Problems> {
        config::load(self.loader()).map(|(config, _)| config)
    }
}

/// Flags of the subcommands that read the database themselves.
#[derive(Clone, Debug, Default, Args)]
pub struct DatabaseArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Flags of a command that only has commands below it, all of which need the database.
#[derive(Clone, Debug, Args)]
pub struct GroupArgs<C: Subcommand> {
    /// Which of them.
    #[command(subcommand)]
    pub command: C,
    /// Where the database is.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Form of the result
    #[arg(short, long, global = true, value_enum, default_value_t)]
    pub output: Output,
}

impl DatabaseArgs {
    /// Opens the database that the configuration names. It makes none: a typing error must not leave a file behind.
    ///
    /// # Errors
    /// When the configuration is wrong or there is no such database.
    pub async fn open(&self) -> anyhow::Result<(Config, Db)> {
        let config = self.config.load()?;
        if let Some(path) = config.database_url.strip_prefix("sqlite://")
            && !Path::new(path).exists()
        {
            anyhow::bail!("no inventory at {path}: start the collector first, or name its folder with --data-dir");
        }
        let db = store::open(&config.database_url).await.context("open the database")?;
        Ok((config, db))
    }

    /// Opens the database and makes sure that its tables are those of this version.
    ///
    /// # Errors
    /// When it cannot be opened, or migrations are missing.
    pub async fn open_current(&self) -> anyhow::Result<(Config, Db)> {
        let (config, db) = self.open().await?;
        let plan = store::migration_plan(&db).await.context("read the inventory")?;
        anyhow::ensure!(
            plan.pending.is_empty(),
            "the tables are not up to date (missing: {}); start the collector, or run migrate",
            plan.pending.join(", ")
        );
        Ok((config, db))
    }
}
