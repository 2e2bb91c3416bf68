//! What changes in the database.

use std::{collections::BTreeMap, process::Command, time::Duration};

use orchestrix_tests::{installation::Installation, part, programs};

/// The database's rows, by table.
pub(crate) struct Rows(BTreeMap<String, Vec<String>>);

impl Rows {
    /// Reads all tables with SQLite's own command; none when it is not installed.
    pub(crate) fn read(installation: &Installation) -> Self {
        let database = installation.data_dir().join("inventory.db");
        let mut command = Command::new("sqlite3");
        command.arg("-readonly").arg(&database).arg(".dump");
        let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if part::program("sqlite3").is_none() {
            part::skip("sqlite3", "sqlite3 is not installed");
            return Self(tables);
        }
        let ran = programs::run_command(command, Duration::from_secs(60));
        for line in ran.ok().lines().filter_map(|line| line.strip_prefix("INSERT INTO ")) {
            let table = line.split([' ', '(']).next().unwrap_or_default().trim_matches('"');
            tables.entry(table.to_owned()).or_default().push(line.to_owned());
        }
        Self(tables)
    }

    /// How many rows differ, by table.
    pub(crate) fn changes(&self, later: &Self) -> String {
        let none = Vec::new();
        let changed = later.0.iter().filter_map(|(table, rows)| {
            let before = self.0.get(table).unwrap_or(&none);
            let count = rows.iter().filter(|row| !before.contains(row)).count();
            (count > 0).then(|| format!("{table} {count}"))
        });
        let changed: Vec<_> = changed.collect();
        if changed.is_empty() { "no row changed".to_owned() } else { format!("rows changed: {}", changed.join(", ")) }
    }
}
