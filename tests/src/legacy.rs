//! An existing Orchestrix database, as production has it, on the real MariaDB; and pictures of it to compare.
//!
//! The dump lies beside the project (`shared/fixtures`). Installations differ in what they grew up with, so it comes in
//! variants: other widths of keys, other character sets, another engine.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::{Map, Value};

use crate::{mariadb::RealMariaDb, part};

/// Tables of an existing inventory.
pub const TABLES: [&str; 11] = [
    "partners",
    "environments",
    "clouds",
    "regions",
    "availability_zones",
    "datacenters",
    "resource_pools",
    "computes",
    "containers",
    "tags",
    "network_devices",
];

/// In what an existing inventory differs from the dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// In nothing: keys are INT and BIGINT, texts utf8mb4, the engine is InnoDB.
    AsItStands,
    /// Every key, and what refers to one, is BIGINT UNSIGNED.
    UnsignedKeys,
    /// Texts are in the older, shorter UTF-8.
    Utf8mb3,
    /// Texts are in Latin-1.
    Latin1,
    /// `computes` and `containers` are tables of MyISAM.
    MyIsam,
}

impl Variant {
    /// The dump in this variant.
    fn of(self, dump: &str) -> String {
        match self {
            Self::AsItStands => dump.to_owned(),
            Self::UnsignedKeys => dump.lines().map(unsigned).collect::<Vec<_>>().join("\n"),
            Self::Utf8mb3 => dump.replace("\n);", "\n) DEFAULT CHARSET = utf8mb3;"),
            Self::Latin1 => dump.replace("\n);", "\n) DEFAULT CHARSET = latin1;"),
            Self::MyIsam => {
                let parts = dump.split_inclusive("\n);").map(|part| {
                    let ours = ["CREATE TABLE computes (", "CREATE TABLE containers ("];
                    match ours.iter().any(|table| part.contains(table)) {
                        true => part.replace("\n);", "\n) ENGINE = MyISAM;"),
                        false => part.to_owned(),
                    }
                });
                parts.collect()
            }
        }
    }
}

/// A line of a definition in which a key, or what refers to one, is unsigned and wide.
fn unsigned(line: &str) -> String {
    let mut words = line.split_whitespace();
    let (name, kind) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_key = name == "id" || name.ends_with("_id") || name == "dr_paired_with";
    let whole = kind.trim_end_matches(',');
    if is_key && (whole == "INT" || whole == "BIGINT") {
        return line.replacen(whole, "BIGINT UNSIGNED", 1);
    }
    line.to_owned()
}

/// Loads the dump into a database of its own; `None` after telling what cannot be had.
///
/// # Panics
/// When the server does not take it.
#[must_use]
pub fn load(variant: Variant) -> Option<RealMariaDb> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut places = here.ancestors().map(|folder| folder.join("shared/fixtures/legacy-orchestrix.sql"));
    let Some(place) = places.find(|place| place.exists()) else {
        part::skip("legacy dump", "no shared/fixtures/legacy-orchestrix.sql beside the project");
        return None;
    };
    let dump = fs::read_to_string(&place).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
    let database = RealMariaDb::create()?;
    database.ask(&variant.of(&dump));
    let there: BTreeSet<String> = database.ask("SHOW TABLES").lines().map(str::to_owned).collect();
    assert_eq!(there, TABLES.iter().map(|table| (*table).to_owned()).collect(), "TABLES lists what the dump makes");
    Some(database)
}

/// Everything that can be seen of the tables of an existing inventory.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture(BTreeMap<&'static str, TablePicture>);

/// A table.
#[derive(Clone, Debug, PartialEq)]
struct TablePicture {
    /// As `SHOW CREATE TABLE` prints it, without the number of the next row.
    definition: String,
    /// As `CHECKSUM TABLE` prints it.
    checksum: String,
    /// Rows by key, each as an object of its columns.
    rows: BTreeMap<i64, Map<String, Value>>,
}

/// A value of an existing row that is another one than before: table, key, column.
pub type Changed = (&'static str, i64, String);

impl Picture {
    /// Looks at the tables of the inventory.
    ///
    /// # Panics
    /// When one of them is not there.
    #[must_use]
    pub fn of(database: &RealMariaDb) -> Self {
        Self(TABLES.iter().map(|table| (*table, TablePicture::of(database, table))).collect())
    }

    /// The values of rows that were there before, and are other ones or gone; new rows do not count. Definitions must be
    /// the same to the letter.
    ///
    /// # Panics
    /// When a definition differs or a row is gone.
    #[track_caller]
    #[must_use]
    pub fn changes(&self, after: &Self) -> BTreeSet<Changed> {
        let mut changes = BTreeSet::new();
        for (table, before) in &self.0 {
            let now = &after.0[table];
            assert_eq!(now.definition, before.definition, "the definition of {table}");
            for (id, row) in &before.rows {
                let present = now.rows.get(id).unwrap_or_else(|| panic!("row {id} of {table} is gone"));
                let columns: BTreeSet<&String> = row.keys().chain(present.keys()).collect();
                let other = columns.into_iter().filter(|column| row.get(*column) != present.get(*column));
                changes.extend(other.map(|column| (*table, *id, column.clone())));
            }
        }
        changes
    }

    /// A value.
    #[must_use]
    pub fn value(&self, table: &str, id: i64, column: &str) -> &Value {
        &self.0[table].rows[&id][column]
    }

    /// Tables of which nothing differs, new rows included.
    #[must_use]
    pub fn untouched(&self, after: &Self) -> BTreeSet<&'static str> {
        self.0.iter().filter(|(table, before)| after.0[*table] == **before).map(|(table, _)| *table).collect()
    }
}

impl TablePicture {
    fn of(database: &RealMariaDb, table: &str) -> Self {
        let shown = database.ask(&format!("SHOW CREATE TABLE {table}"));
        let words = shown.split_once('\t').map_or(shown.as_str(), |(_, definition)| definition);
        // The counter of rows is no part of what was defined.
        let words: Vec<&str> = words.split(' ').filter(|word| !word.starts_with("AUTO_INCREMENT=")).collect();
        let sum = database.ask(&format!("CHECKSUM TABLE {table} EXTENDED"));
        let columns = database.ask(&format!(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() \
             AND table_name = '{table}' ORDER BY ordinal_position"
        ));
        let members: Vec<String> = columns.lines().map(|column| format!("'{column}', {column}")).collect();
        let rows = database.ask(&format!("SELECT id, JSON_OBJECT({}) FROM {table} ORDER BY id", members.join(", ")));
        let row = |line: &str| {
            let (id, row) = line.split_once('\t').expect("a key and a row");
            let row: Value = serde_json::from_str(row).unwrap_or_else(|error| panic!("{row}: {error}"));
            (id.parse().expect("a key is a number"), row.as_object().expect("an object").clone())
        };
        Self {
            definition: words.join(" "),
            checksum: sum.trim().rsplit('\t').next().unwrap_or_default().to_owned(),
            rows: rows.lines().map(row).collect(),
        }
    }
}

/// Every table of a database with its definition, and every row of it: that nothing at all was changed is that this is
/// the same.
///
/// # Panics
/// When the server does not answer.
#[must_use]
pub fn everything(database: &RealMariaDb) -> String {
    let tables = database.ask("SHOW TABLES");
    let all = tables.lines().map(|table| {
        let definition = database.ask(&format!("SHOW CREATE TABLE {table}"));
        format!("{definition}{}", database.ask(&format!("CHECKSUM TABLE {table} EXTENDED")))
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_alter_definitions_and_no_rows() {
        let dump = "CREATE TABLE computes (\n    id INT AUTO_INCREMENT,\n    dc_id BIGINT,\n    name_id VARCHAR(9)\n);\n\
                    CREATE TABLE tags (\n    id BIGINT\n);\nINSERT INTO tags VALUES\n    (1);\n";
        let unsigned = Variant::UnsignedKeys.of(dump);
        assert!(unsigned.contains("id BIGINT UNSIGNED AUTO_INCREMENT") && unsigned.contains("dc_id BIGINT UNSIGNED,"));
        assert!(unsigned.contains("name_id VARCHAR(9)"), "{unsigned}");
        let engine = Variant::MyIsam.of(dump);
        assert_eq!(engine.matches("MyISAM").count(), 1, "{engine}");
        let set = Variant::Latin1.of(dump);
        assert_eq!((set.matches("latin1").count(), set.ends_with("\n    (1);\n")), (2, true), "{set}");
    }
}
