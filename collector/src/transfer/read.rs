//! Reads files into entries: what each row says, cell by cell, with its place. What a value means for the inventory is not
//! known here.

mod csv;
mod json;

use serde_json::Value as Json;

use super::{
    problem::{Problem, Spot, shortened},
    sheet::SHEETS,
};
use crate::catalog::Field;

/// A file.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name, as it was given; `-` is standard input.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// What is said of all files.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// Kind of the rows that do not say theirs.
    pub(crate) sheet: Option<usize>,
    /// What parts the cells; guessed when not given.
    pub(crate) delimiter: Option<u8>,
}

/// A file whose places are told.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    name: String,
    /// Names of the columns of a spreadsheet.
    header: Vec<String>,
}

/// Everything that files say.
#[derive(Debug, Default)]
pub(super) struct Reading {
    sources: Vec<Source>,
    pub(super) entries: Vec<Entry>,
    pub(super) problems: Vec<Problem>,
    /// Lists of things that no person enters, and how many there were.
    pub(super) left_out: std::collections::BTreeMap<&'static str, usize>,
}

/// What a row of a file says.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its kind.
    pub(super) sheet: usize,
    pub(super) spot: Spot,
    /// Its number where it comes from.
    pub(super) id: Option<i64>,
    /// Which one of several of its name, from 1.
    pub(super) nth: Option<usize>,
    pub(super) cells: Vec<Cell>,
    /// It stands in a tree, where a row may be there for what is in it only.
    pub(super) tree: bool,
    /// Something of it could not be read: it is not carried out, and nothing more is said of what hangs on it.
    pub(super) spoiled: bool,
}

/// What an entry says of a field.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) field: &'static Field,
    pub(super) says: Says,
    pub(super) spot: Spot,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Says {
    /// This value; null empties the field.
    Value(Json),
    /// The row that this path leads to.
    Path(String),
    /// The row with this number: in the files, or else in the inventory.
    Number(i64),
    /// The row of this entry.
    Entry(usize),
}

/// Reads files; `progress` is told how many bytes were read.
pub(super) fn read(inputs: &[Input], manner: Manner, progress: &dyn Fn(usize)) -> Reading {
    let mut reading = Reading::default();
    let mut done = 0;
    for input in inputs {
        let file = reading.sources.len();
        reading.sources.push(Source { name: input.name.clone(), header: Vec::new() });
        let bytes = input.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&input.bytes);
        if let Some(reason) = foreign(bytes) {
            reading.wrong(Spot { file, ..Spot::default() }, "not-utf-8", None, reason, "a file that is saved as UTF-8");
        } else if bytes.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| b"[{".contains(byte)) {
            json::read(&mut reading, file, bytes, manner);
        } else {
            csv::read(&mut reading, file, bytes, manner, &|read| progress(done + read));
        }
        done += input.bytes.len();
        progress(done);
    }
    reading
}

/// What other encodings begin with.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let zeros = bytes.iter().take(64).filter(|byte| **byte == 0).count();
    if utf16 || zeros > 8 {
        Some("is UTF-16")
    } else if bytes.starts_with(b"PK\x03\x04") {
        Some("is a workbook or an archive")
    } else {
        None
    }
}

impl Reading {
    /// Notes something that is wrong at a place.
    pub(super) fn wrong(
        &mut self,
        spot: Spot,
        code: &'static str,
        value: Option<&str>,
        reason: impl Into<String>,
        expected: impl Into<String>,
    ) {
        let problem = self.problem(spot, None, code, value, reason, expected);
        self.problems.push(problem);
    }

    /// Something that is wrong at a place; `field` is told where the place does not name one.
    pub(super) fn problem(
        &self,
        spot: Spot,
        field: Option<&str>,
        code: &'static str,
        value: Option<&str>,
        reason: impl Into<String>,
        expected: impl Into<String>,
    ) -> Problem {
        let source = self.sources.get(spot.file);
        let some = |number: usize| (number > 0).then_some(number);
        let header = source.and_then(|source| source.header.get(spot.column.checked_sub(1)?));
        Problem {
            file: source.map(|source| source.name.clone()).unwrap_or_default(),
            line: some(spot.line),
            column: some(spot.column),
            field: header.map(String::as_str).filter(|name| !name.is_empty()).or(field).map(shortened),
            value: value.filter(|value| !value.is_empty()).map(shortened),
            code,
            reason: reason.into(),
            expected: expected.into(),
        }
    }

    /// The name of a file.
    pub(super) fn name_of(&self, spot: Spot) -> &str {
        self.sources.get(spot.file).map_or("", |source| source.name.as_str())
    }
}

impl Entry {
    fn new(sheet: usize, spot: Spot) -> Self {
        Self { sheet, spot, id: None, nth: None, cells: Vec::new(), tree: false, spoiled: false }
    }

    /// What it says of a field.
    pub(super) fn cell(&self, name: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.field.name == name)
    }

    /// Whether it may be there for what is in it only: it says no more than which row it is.
    pub(super) fn only_names(&self) -> bool {
        if !self.tree || self.nth.is_some() {
            return false;
        }
        let sheet = &SHEETS[self.sheet];
        let names = |cell: &Cell| matches!(cell.field.name, "name" | "code") || sheet.level(cell.field).is_some();
        self.cells.iter().all(names)
    }
}

/// Names of kinds, for those who wrote another one.
fn kinds(near: &str) -> String {
    let names = SHEETS.iter().map(|sheet| sheet.form.kind.name);
    crate::catalog::nearest(near, names).join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reading(text: &[u8], name: &str) -> Reading {
        let input = Input { name: name.into(), bytes: text.to_vec() };
        read(&[input], Manner::default(), &|_| {})
    }

    fn told(reading: &Reading) -> Vec<String> {
        reading.problems.iter().map(ToString::to_string).collect()
    }

    fn cells(entry: &Entry) -> Vec<(&'static str, Json)> {
        let shown = |says: &Says| match says {
            Says::Value(value) => value.clone(),
            Says::Path(path) => json!({ "path": path }),
            Says::Number(number) => json!({ "number": number }),
            Says::Entry(entry) => json!({ "entry": entry }),
        };
        entry.cells.iter().map(|cell| (cell.field.name, shown(&cell.says))).collect()
    }

    #[test]
    fn spreadsheets_come_in_many_forms() {
        let expected = [
            ("name", json!("web, \"1\"")),
            ("datacenterId", json!({ "path": "a/b" })),
            ("cpuCores", json!(4)),
            ("notes", json!("two\r\nlines")),
            ("isPhysical", json!(true)),
        ];
        let row = "\"web, \"\"1\"\"\",a/b,4,\"two\r\nlines\",yes\r\n";
        let comma = format!("name,datacenter,cpuCores,Notes,is physical\r\n{row}");
        let semicolon =
            "sep=;\nname;datacenter;cpu_cores;notes;isPhysical\n\"web, \"\"1\"\"\";a/b;4;\"two\r\nlines\";1\n";
        let tab = "name\tdatacenter\tcpuCores\tnotes\tisPhysical\n\"web, \"\"1\"\"\"\ta/b\t4\t\"two\r\nlines\"\ttrue\n";
        let marked = [b"\xef\xbb\xbf", comma.as_bytes()].concat();
        for text in [comma.as_bytes(), semicolon.as_bytes(), tab.as_bytes(), &marked] {
            let reading = reading(text, "in/01_computes.csv");
            assert_eq!(told(&reading), [""; 0]);
            assert_eq!(reading.entries.len(), 1);
            assert_eq!(cells(&reading.entries[0]), expected);
        }
    }

    #[test]
    fn everything_that_is_wrong_with_a_spreadsheet_has_its_place() {
        let text = b"kind,name,cpuCores,ipAdress,latitude,,#note\n\
            compute,web-1,many,10.0.0.1,,,left out\n\
            \n\
            computer,web-2,,,,,\n\
            region,north,,,1,,\n\
            compute,\"caf\xe9\",,,,,\n\
            ,web-3,,,,,\n\
            compute,web-4,1,,,x,,more\n\
            compute,\"web-5\n,1\ncompute,web-6\n";
        let reading = reading(text, "all.csv");
        let told = told(&reading);
        for expected in [
            "all.csv:1: column 4 (ipAdress): is no column that any kind has; expected ipAddress",
            "all.csv:2: column 3 (cpuCores): is \"many\"; expected a whole number from 0",
            "all.csv:4: column 1 (kind): is \"computer\"; expected one of compute",
            "all.csv:5: column 5 (latitude) \"1\": is no column of a region; expected an empty cell",
            "all.csv:6: column 2 (name) \"caf\u{fffd}\": is no UTF-8; expected",
            "all.csv:7: column 1 (kind): is empty; expected one of",
            "all.csv:8: column 6 \"x\": stands in a column without a name",
            "all.csv:8: column 8 \"more\": stands behind the last column",
            "all.csv:9: begins a quoted text that does not end; expected",
        ] {
            assert!(told.iter().any(|line| line.starts_with(expected)), "{expected}\n{told:#?}");
        }
        assert_eq!(told.len(), 9, "{told:#?}");
    }

    #[test]
    fn files_that_are_no_text_are_told_apart() {
        for (bytes, word) in [
            (&b"\xff\xfen\0a\0"[..], "UTF-16"),
            (b"PK\x03\x04rest", "workbook"),
            (b"", "is empty"),
            (b"[", "is no JSON"),
        ] {
            let reading = reading(bytes, "computes.csv");
            let told = told(&reading);
            assert!(told.len() == 1 && told[0].contains(word), "{told:?}");
        }
        let headless = reading(b"web-1,10.0.0.1\n", "computes.csv");
        assert!(told(&headless)[0].contains("names no column"), "{:?}", told(&headless));
        let unknown = reading(b"name\nweb\n", "things.csv");
        assert!(told(&unknown)[0].contains("kind"), "{:?}", told(&unknown));
    }

    #[test]
    fn a_tree_is_taken_apart_into_rows_that_name_their_parents() {
        let text = json!({ "success": true, "count": 1, "data": [{
            "id": 7, "name": "self", "createdAt": "2026-01-01T00:00:00Z", "clouds": [
                { "id": 3, "name": "main", "partnerId": 7, "datacenters": [{ "name": "fra", "environmentId": 9, "isDrSite": null,
                    "tags": [{ "tagKey": "a", "tagValue": "b", "origin": "person" }],
                    "computes": [{ "name": "web", "workloads": [{ "workloadName": "x" }, {}] }] }] },
            ],
            "environments": [{ "id": 9, "code": "PROD", "environmentassociations": [{ "resourceType": "cloud", "resourceId": 3 }] }],
        }] });
        let reading = reading(text.to_string().as_bytes(), "-");
        assert_eq!(told(&reading), [""; 0]);
        let of = |kind: &str| {
            let at = reading.entries.iter().position(|entry| SHEETS[entry.sheet].form.kind.name == kind).unwrap();
            (at, cells(&reading.entries[at]))
        };
        let (partner, cells) = of("partner");
        assert_eq!(cells, [("name", json!("self"))]);
        let (cloud, cells) = of("cloud");
        assert_eq!(cells, [("partnerId", json!({ "entry": partner })), ("name", json!("main"))]);
        let (datacenter, cells) = of("datacenter");
        let expected = [
            ("cloudId", json!({ "entry": cloud })),
            ("environmentId", json!({ "number": 9 })),
            ("isDrSite", Json::Null),
            ("name", json!("fra")),
        ];
        assert_eq!(cells, expected);
        assert_eq!(of("compute").1[0], ("datacenterId", json!({ "entry": datacenter })));
        let (environment, _) = of("environment");
        let expected = [
            ("environmentId", json!({ "entry": environment })),
            ("resourceId", json!({ "number": 3 })),
            ("resourceType", json!("cloud")),
        ];
        assert_eq!(of("environmentassociation").1, expected);
        let expected = [
            ("resourceType", json!("datacenter")),
            ("resourceId", json!({ "entry": datacenter })),
            ("tagKey", json!("a")),
            ("tagValue", json!("b")),
        ];
        assert_eq!(of("tag").1, expected);
        assert_eq!(reading.left_out, [("workload", 2)].into());
    }

    #[test]
    fn everything_that_is_wrong_with_json_has_its_place() {
        let text = "[\n  {\"kind\": \"compute\", \"nmae\": \"x\", \"name\": \"a\", \"name\": \"b\"},\n  {\"kind\": \"computer\"},\n  7,\n  {\"kind\": \"tag\", \"resource\": {\"a\": 1}, \"nth\": \"x\"}\n]";
        let reading = reading(text.as_bytes(), "in.json");
        let told = told(&reading);
        for expected in [
            "in.json:2: column 31 (nmae) \"\\\"x\\\"\": is not known of a compute; expected one of name",
            "in.json:2: column 57 (name)",
            "in.json:3: column 12 (kind) \"\\\"computer\\\"\"",
            "in.json:4: column 3 \"7\": is no object",
            "in.json:5: column 31 (resource)",
            "in.json:5: column 48 (nth)",
        ] {
            assert!(told.iter().any(|line| line.starts_with(expected)), "{expected}\n{told:#?}");
        }
        let broken = super::read(
            &[Input { name: "in.json".into(), bytes: b"[{\"kind\": \"tag\",\n}]".to_vec() }],
            Manner::default(),
            &|_| {},
        );
        assert!(broken.problems[0].to_string().starts_with("in.json:2: column 1: is no JSON"), "{:?}", broken.problems);
    }
}
