//! A plausible inventory of any size, written straight into the tables.
//!
//! Partners with environments, clouds, regions, zones and datacenters; hosts with an agent, facts, capabilities, tags and
//! use; containers, pods and processes on them; associations with environments at every level. The same scale and seed
//! give the same inventory, but for the times, which lie before the moment of writing.
//!
//! It knows the tables (`orchestrix-collector migrate` makes them) and the form of their content, and nothing of the
//! programs. Rows are made on one thread and written on another, in large statements sorted by key, without checks of
//! references: that all of them hold is a test. Times are those of a run on the same machine only; what is told is the
//! ratio to the raw limit, which is the same statements sent again into tables without any index.

use std::time::{Duration, Instant};

mod clusters;
mod environments;
mod hosts;
mod places;
mod statement;
mod words;
mod workloads;
mod write;

pub use statement::Cell;
pub use write::FillError;

use write::Writer;

/// How large an inventory is.
#[derive(Clone, Debug)]
pub struct Scale {
    /// Hosts.
    pub computes: u32,
    /// Containers, pods and processes, those that ended included.
    pub workloads: u32,
    /// What decides everything that is left to chance.
    pub seed: u64,
    /// How far in the future the last sign of life of an agent lies that answers: nobody plays these agents, and a
    /// collector that serves the inventory must not find them silent meanwhile.
    pub alive: Duration,
}

impl Scale {
    /// An inventory of this size.
    #[must_use]
    pub const fn new(computes: u32, workloads: u32) -> Self {
        Self { computes, workloads, seed: 1, alive: Duration::from_secs(3_600) }
    }
}

/// What was written, and how fast.
#[derive(Clone, Debug)]
pub struct Filled {
    /// Rows by table, in alphabetical order.
    pub tables: Vec<(&'static str, u64)>,
    /// From the first row to the last commit.
    pub took: Duration,
    /// Rows per second of all tables.
    pub rows_per_second: f64,
    /// Rows per second of the same statements, sent again into tables without keys.
    pub raw_rows_per_second: f64,
}

impl Filled {
    /// Rows of all tables.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|(_, rows)| rows).sum()
    }

    /// Rows per second as a part of the raw limit of the same run.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.rows_per_second / self.raw_rows_per_second
    }
}

/// Fills the empty inventory at `url` (`sqlite://PATH` or `mysql://…`).
///
/// # Errors
/// When the tables are missing or hold an inventory already, or a statement fails.
pub fn fill(url: &str, scale: &Scale) -> Result<Filled, FillError> {
    let mut writer = Writer::open(url)?;
    let start = Instant::now();
    let mut chance = fastrand::Rng::with_seed(scale.seed);
    let now = Now::read(scale.alive);
    let places = places::write(&mut writer, scale)?;
    environments::write(&mut writer, &places, now, &mut chance)?;
    clusters::write(&mut writer, &places, now, &mut chance)?;
    hosts::write(&mut writer, &places, scale, now, &mut chance)?;
    workloads::write(&mut writer, &places, scale, now, &mut chance)?;
    writer.finish(start)
}

/// The moment of writing, in microseconds since the epoch.
#[derive(Clone, Copy, Debug)]
struct Now {
    at_us: i64,
    alive_us: i64,
}

impl Now {
    fn read(alive: Duration) -> Self {
        let nanos = time::OffsetDateTime::now_utc().unix_timestamp_nanos();
        Self {
            at_us: i64::try_from(nanos / 1_000).unwrap_or_default(),
            alive_us: i64::try_from(alive.as_micros()).unwrap_or_default(),
        }
    }

    /// A moment at most `days` ago.
    fn ago(self, days: i64, chance: &mut fastrand::Rng) -> i64 {
        self.at_us - chance.i64(0..days * 86_400_000_000)
    }
}
