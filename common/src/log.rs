//! Sets up what the program tells about itself: one line or one JSON object per event, on standard error.
//!
//! It knows nothing of what is logged. Standard output stays free for what a command prints.

use std::{
    fmt,
    io::{self, IsTerminal as _},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

/// The `[log]` section of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// A level (`error`, `warn`, `info`, `debug`, `trace`), or levels by module: `info,orchestrix_agent::link=debug`.
    pub level: String,
    /// How an event is written.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Human }
    }
}

/// How an event is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line for people, coloured on a terminal.
    #[default]
    Human,
    /// A JSON object per line.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level is not one.
    #[error("not a log level: {0:?}; expected for example `info` or `warn,orchestrix_agent::link=debug`")]
    Level(String),
    /// Something else in this process set it up before.
    #[error("logging was set up twice")]
    Twice,
    /// The level cannot be changed any more.
    #[error("the log is closed")]
    Closed,
}

/// Changes what is told while the program runs.
pub struct LogControl(Box<dyn Fn(EnvFilter) -> Result<(), LogError> + Send + Sync>);

impl fmt::Debug for LogControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogControl")
    }
}

impl LogControl {
    /// Tells from now on what the configuration's level asks for. The form stays as it was at the start.
    ///
    /// # Errors
    /// When the level cannot be read.
    pub fn set_level(&self, config: &LogConfig) -> Result<(), LogError> {
        (self.0)(config.filter()?)
    }
}

impl LogConfig {
    /// Checks the level without setting anything up.
    ///
    /// # Errors
    /// When the level cannot be read.
    pub fn check(&self) -> Result<(), LogError> {
        self.filter().map(drop)
    }

    fn filter(&self) -> Result<EnvFilter, LogError> {
        EnvFilter::try_new(&self.level).map_err(|_| LogError::Level(self.level.clone()))
    }
}

/// Starts logging for the whole process, and gives what changes its level later.
///
/// # Errors
/// When the level cannot be read, or logging was set up before.
pub fn init(config: &LogConfig) -> Result<LogControl, LogError> {
    let events = tracing_subscriber::fmt().with_env_filter(config.filter()?).with_writer(io::stderr);
    // The two forms have types of their own, and so have the handles of their filters.
    macro_rules! started {
        ($events:expr) => {{
            let events = $events.with_filter_reloading();
            let handle = events.reload_handle();
            events.try_init().map_err(|_| LogError::Twice)?;
            LogControl(Box::new(move |filter| handle.reload(filter).map_err(|_| LogError::Closed)))
        }};
    }
    Ok(match config.format {
        LogFormat::Human => started!(events.with_ansi(io::stderr().is_terminal()).with_target(false)),
        LogFormat::Json => started!(events.json().flatten_event(true).with_current_span(false)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_checked_before_use() {
        let with = |level: &str| LogConfig { level: level.to_owned(), ..LogConfig::default() };
        for good in ["info", "warn,orchestrix_agent::link=debug", "off"] {
            assert!(with(good).check().is_ok(), "{good}");
        }
        for bad in ["loud=very", "a=b=c"] {
            assert!(with(bad).check().is_err(), "{bad}");
        }
    }
}
