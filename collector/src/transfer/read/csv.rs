//! Spreadsheets as text: cells parted by commas, semicolons or tabs, the first line names the columns.

use std::{collections::HashMap, path::Path};

use csv::{ByteRecord, ReaderBuilder};
use serde_json::Value as Json;

use super::{Cell, Entry, Manner, Reading, Says, kinds};
use crate::{
    catalog::nearest,
    edit::{form::Rule, rule},
    transfer::{
        cell::{self, Decimal, Said},
        problem::Spot,
        sheet::{self, SHEETS, Slot, folded},
    },
};

/// What may part cells, the likeliest first.
const DELIMITERS: [u8; 4] = *b",;\t|";
/// Bytes between two signs of progress.
const STEP: usize = 1 << 20;

/// A file under way.
struct Table<'a> {
    reading: &'a mut Reading,
    file: usize,
    decimal: Decimal,
    /// Kind of the rows that do not say theirs.
    sheet: Option<usize>,
    /// The column that says the kind.
    kind: Option<usize>,
    columns: Vec<Column>,
    /// What the columns hold in rows of each kind.
    slots: HashMap<usize, Vec<Option<Slot>>>,
}

/// What is to become of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Column {
    /// It is read.
    Named(String),
    /// It has no name: it must be empty.
    Blank,
    /// It is left out: its name begins with `#`, or it was complained of already.
    Ignored,
}

pub(super) fn read(reading: &mut Reading, file: usize, bytes: &[u8], manner: Manner, progress: &dyn Fn(usize)) {
    let (bytes, skipped, told) = without_hint(bytes);
    let delimiter = manner.delimiter.or(told).unwrap_or_else(|| delimiter(bytes));
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(bytes);
    let sheet = manner.sheet.or_else(|| sheet_of_file(reading.sources[file].name.as_str()));
    let decimal = if delimiter == b',' { Decimal::Point } else { Decimal::Comma };
    let mut table = Table { reading, file, decimal, sheet, kind: None, columns: Vec::new(), slots: HashMap::new() };
    let mut record = ByteRecord::new();
    let (mut begun, mut next) = (false, STEP);
    loop {
        let (start, line) = (place(reader.position().byte()), place(reader.position().line()) + skipped);
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            // Reading from memory cannot fail.
            Ok(false) | Err(_) => break,
        }
        let rest = bytes.get(start..).unwrap_or_default();
        // Ends of lines in front of a record are skipped with it.
        let ends = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
        let line = line + ends.filter(|byte| **byte == b'\n').count();
        if place(reader.position().byte()) >= bytes.len() && is_open(rest.trim_ascii_start()) {
            let expected = "a \" at the end of the text; one within a text is written twice";
            table.wrong(line, 0, "open-quote", None, "begins a quoted text that does not end", expected);
            break;
        }
        if !begun {
            begun = true;
            if !table.header(&record, line) {
                return;
            }
        } else {
            table.row(&record, line);
        }
        let read = place(reader.position().byte());
        if read >= next {
            progress(read);
            next = read + STEP;
        }
    }
    if !begun {
        table.wrong(0, 0, "empty", None, "is empty", "a first line that names the columns");
    }
}

fn place(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Takes away a first line `sep=;`, which some programs write.
fn without_hint(bytes: &[u8]) -> (&[u8], usize, Option<u8>) {
    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1);
    match bytes[..end].to_ascii_lowercase().trim_ascii_end() {
        [b's', b'e', b'p', b'=', delimiter] => (&bytes[end..], 1, Some(*delimiter)),
        _ => (bytes, 0, None),
    }
}

/// What parts the names of the first line.
fn delimiter(bytes: &[u8]) -> u8 {
    let mut counts = [0_usize; DELIMITERS.len()];
    let mut quoted = false;
    for byte in bytes {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            byte if !quoted => {
                if let Some(at) = DELIMITERS.iter().position(|delimiter| delimiter == byte) {
                    counts[at] += 1;
                }
            }
            _ => {}
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    counts.iter().position(|count| *count == most).map_or(b',', |at| DELIMITERS[at])
}

/// Whether the last record of a file is one that swallowed the rest of it.
fn is_open(record: &[u8]) -> bool {
    record.contains(&b'\n') && record.iter().filter(|byte| **byte == b'"').count() % 2 == 1
}

/// The kind that a file is named after: `computes.csv`, `02_availability-zones.csv`.
fn sheet_of_file(name: &str) -> Option<usize> {
    let stem = Path::new(name).file_stem()?.to_str()?;
    sheet::find(
        stem.trim_start_matches(|letter: char| letter.is_ascii_digit() || matches!(letter, '-' | '_' | ' ' | '.')),
    )
}

impl Table<'_> {
    fn wrong(
        &mut self,
        line: usize,
        column: usize,
        code: &'static str,
        value: Option<&str>,
        reason: impl Into<String>,
        expected: impl Into<String>,
    ) {
        let spot = Spot { file: self.file, line, column };
        self.reading.wrong(spot, code, value, reason, expected);
    }

    /// Reads the names of the columns; false when nothing can be read by them.
    fn header(&mut self, record: &ByteRecord, line: usize) -> bool {
        let names: Vec<String> = record.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
        self.reading.sources[self.file].header.clone_from(&names);
        self.kind = names.iter().position(|name| folded(name) == "kind");
        if self.kind.is_none() && self.sheet.is_none() {
            let reason = "says nowhere which kind of rows it holds";
            let expected = "a column named kind, a file named after a kind (computes.csv), or --kind";
            self.wrong(line, 0, "unknown-kind", None, reason, expected);
            return false;
        }
        let sheets: Vec<usize> = match (self.kind, self.sheet) {
            (None, Some(sheet)) => vec![sheet],
            _ => (0..SHEETS.len()).collect(),
        };
        let known = |name: &str| sheets.iter().any(|sheet| SHEETS[*sheet].slot(name).is_some());
        if !names.iter().any(|name| known(name)) {
            let expected = format!("a first line such as {}", example(sheets[0]));
            self.wrong(line, 0, "no-header", None, "names no column", expected);
            return false;
        }
        for (at, name) in names.iter().enumerate() {
            let twice = names[..at].iter().any(|other| folded(other) == folded(name));
            let column = if name.is_empty() {
                Column::Blank
            } else if name.starts_with('#') {
                Column::Ignored
            } else if !known(name) {
                let near =
                    nearest(name, sheets.iter().flat_map(|sheet| SHEETS[*sheet].columns().map(|(name, ..)| name)));
                let of = if sheets.len() == 1 {
                    format!("a {} has", SHEETS[sheets[0]].one())
                } else {
                    "any kind has".into()
                };
                let expected = format!("{}; or # in front of the name, to leave it out", near.join(", "));
                self.wrong(line, at + 1, "unknown-column", None, format!("is no column that {of}"), expected);
                Column::Ignored
            } else if twice {
                self.wrong(line, at + 1, "given-twice", None, "is there twice", "one column of this name");
                Column::Ignored
            } else {
                Column::Named(name.clone())
            };
            self.columns.push(column);
        }
        true
    }

    fn row(&mut self, record: &ByteRecord, line: usize) {
        if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
            return;
        }
        let Some(sheet) = self.sheet_of(record, line) else { return };
        let mut entry = Entry::new(sheet, Spot { file: self.file, line, column: 0 });
        let slots = self.slots.remove(&sheet).unwrap_or_else(|| self.slots_of(sheet));
        for (at, bytes) in record.iter().enumerate() {
            if bytes.is_empty() || self.columns.get(at) == Some(&Column::Ignored) {
                continue;
            }
            let sound = match std::str::from_utf8(bytes) {
                Ok(text) => self.cell(&mut entry, slots.get(at).copied().flatten(), text, line, at),
                Err(_) => {
                    let shown = String::from_utf8_lossy(bytes).into_owned();
                    let expected = "UTF-8: save the file as \"CSV UTF-8\"";
                    self.wrong(line, at + 1, "not-utf-8", Some(&shown), "is no UTF-8", expected);
                    false
                }
            };
            entry.spoiled |= !sound;
        }
        self.slots.insert(sheet, slots);
        self.reading.entries.push(entry);
    }

    fn slots_of(&self, sheet: usize) -> Vec<Option<Slot>> {
        let slot = |column: &Column| match column {
            Column::Named(name) => SHEETS[sheet].slot(name),
            Column::Blank | Column::Ignored => None,
        };
        self.columns.iter().map(slot).collect()
    }

    fn sheet_of(&mut self, record: &ByteRecord, line: usize) -> Option<usize> {
        let Some(column) = self.kind else { return self.sheet };
        let text = String::from_utf8_lossy(record.get(column).unwrap_or_default()).trim().to_owned();
        if text.is_empty() && self.sheet.is_some() {
            return self.sheet;
        }
        let found = sheet::find(&text);
        if found.is_none() {
            let reason = if text.is_empty() { "is empty".to_owned() } else { format!("is {text:?}") };
            self.wrong(line, column + 1, "unknown-kind", Some(&text), reason, format!("one of {}", kinds(&text)));
        }
        found
    }

    /// Reads a cell into an entry; false when it cannot be.
    fn cell(&mut self, entry: &mut Entry, slot: Option<Slot>, text: &str, line: usize, at: usize) -> bool {
        let rule = match slot {
            Some(Slot::Field(input, _)) => input.rule,
            _ => Rule::Line(0),
        };
        let text = match cell::said(text, rule) {
            Said::Nothing => return true,
            Said::Clear => None,
            Said::Text(text) => Some(text),
        };
        let spot = Spot { file: self.file, line, column: at + 1 };
        let field = match slot {
            None => {
                let text = text.unwrap_or_default();
                self.misplaced(entry.sheet, line, at, &text);
                return false;
            }
            Some(Slot::Kind | Slot::ReadOnly) => return true,
            Some(Slot::Id | Slot::Nth) => return self.number(entry, slot, text.as_deref(), spot),
            Some(
                Slot::Field(_, field)
                | Slot::Path(field)
                | Slot::Number(field)
                | Slot::Resource(field)
                | Slot::ResourceNumber(field),
            ) => field,
        };
        let says = match (slot, text) {
            (_, None) => Says::Value(Json::Null),
            (Some(Slot::Path(_) | Slot::Resource(_)), Some(text)) => Says::Path(text),
            (Some(Slot::Number(_) | Slot::ResourceNumber(_)), Some(text)) => {
                match cell::value(Rule::Int(1, i64::MAX), &text, self.decimal).ok().and_then(|value| value.as_i64()) {
                    Some(number) => Says::Number(number),
                    None => {
                        self.reading.wrong(
                            spot,
                            "wrong-type",
                            Some(&text),
                            format!("is {text:?}"),
                            "a number; a path or a name stands in a column without Id",
                        );
                        return false;
                    }
                }
            }
            (_, Some(text)) => match cell::value(rule, &text, self.decimal) {
                Ok(value) => Says::Value(value),
                Err(reason) => {
                    self.reading.wrong(spot, "wrong-type", Some(&text), reason, rule::expected(rule));
                    return false;
                }
            },
        };
        entry.cells.push(Cell { field, says, spot });
        true
    }

    fn number(&mut self, entry: &mut Entry, slot: Option<Slot>, text: Option<&str>, spot: Spot) -> bool {
        let Some(text) = text else { return true };
        let number = cell::value(Rule::Int(1, i64::MAX), text, self.decimal).ok().and_then(|value| value.as_i64());
        let Some(number) = number.filter(|number| *number > 0) else {
            self.reading.wrong(spot, "wrong-type", Some(text), format!("is {text:?}"), "a whole number from 1");
            return false;
        };
        match slot {
            Some(Slot::Id) => entry.id = Some(number),
            _ => entry.nth = usize::try_from(number).ok(),
        }
        true
    }

    fn misplaced(&mut self, sheet: usize, line: usize, at: usize, text: &str) {
        let one = SHEETS[sheet].one();
        let (code, reason) = match self.columns.get(at) {
            None => ("too-many-cells", "stands behind the last column".to_owned()),
            Some(Column::Named(_)) => ("unknown-column", format!("is no column of a {one}")),
            Some(_) => ("no-header", "stands in a column without a name".to_owned()),
        };
        self.wrong(line, at + 1, code, Some(text), reason, "an empty cell");
    }
}

/// A first line for a kind.
fn example(sheet: usize) -> String {
    SHEETS[sheet].columns().take(4).map(|(name, ..)| name).collect::<Vec<_>>().join(",")
}
