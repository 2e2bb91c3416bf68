//! JSON: a tree in the form of the nested query's answers, or a list of rows that say their kind.
//!
//! A value is read as text first, and by what it borrows from the file its place is known.

use std::{collections::HashSet, fmt};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Value as Json, value::RawValue};

use super::{Cell, Entry, Manner, Reading, Says, kinds};
use crate::{
    catalog::{Field, Kind, Link, nearest},
    transfer::{
        problem::Spot,
        sheet::{self, SHEETS, Sheet, Slot, folded, of_kind},
    },
};

/// What the nested query tells of a row beside its fields: that is how things are, and nothing that was entered.
const INHERITED: &str = "effectiveEnvironments";

/// The members of an object, in their order, also those that are there twice.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Collect).map(Members)
    }
}

/// A file under way.
struct Document<'a, 'b> {
    reading: &'b mut Reading,
    file: usize,
    text: &'a str,
    /// Where lines begin.
    lines: Vec<usize>,
}

pub(super) fn read(reading: &mut Reading, file: usize, bytes: &[u8], manner: Manner) {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let spot = Spot { file, line, column: 0 };
            return reading.wrong(spot, "not-utf-8", None, "is no UTF-8", "JSON in UTF-8");
        }
    };
    let lines = [0].into_iter().chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let mut document = Document { reading, file, text, lines };
    match serde_json::from_str::<&RawValue>(text) {
        Ok(root) => document.root(root, manner),
        Err(error) => {
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            let spot = Spot { file, line: error.line(), column: error.column().max(1) };
            document.reading.wrong(spot, "no-json", None, format!("is no JSON: {what}"), "JSON");
        }
    }
}

fn is_list(raw: &RawValue) -> bool {
    raw.get().starts_with('[')
}

fn is_object(raw: &RawValue) -> bool {
    raw.get().starts_with('{')
}

impl<'a> Document<'a, '_> {
    /// The place of a value in the file.
    fn spot(&self, raw: &RawValue) -> Spot {
        let at = (raw.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let line = self.lines.partition_point(|start| *start <= at);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let column = self.text.get(start..at).map_or(0, |before| before.chars().count()) + 1;
        Spot { file: self.file, line, column }
    }

    fn wrong(&mut self, raw: &RawValue, field: &str, code: &'static str, reason: &str, expected: impl Into<String>) {
        let field = (!field.is_empty()).then_some(field);
        let problem = self.reading.problem(self.spot(raw), field, code, Some(raw.get()), reason, expected);
        self.reading.problems.push(problem);
    }

    fn root(&mut self, root: &'a RawValue, manner: Manner) {
        if is_list(root) {
            return self.rows(root, manner.sheet);
        }
        let Some(members) = self.members(root) else { return };
        let member = |name: &str| members.iter().find(|(key, _)| key == name).map(|(_, raw)| *raw);
        if let (Some(data), true) = (member("data").filter(|data| is_list(data)), member("success").is_some()) {
            // An answer of the nested query.
            return self.rows(data, manner.sheet);
        }
        if member("kind").is_some() || manner.sheet.is_some() {
            return self.one(root, manner.sheet);
        }
        for (name, raw) in members {
            match sheet::find(&name).filter(|_| is_list(raw)) {
                Some(sheet) => self.rows(raw, Some(sheet)),
                None if Kind::find(&name).is_some() => self.left_out(&name, raw),
                None => {
                    let near = nearest(&name, SHEETS.iter().map(|sheet| sheet.form.kind.plural));
                    let expected = format!("lists of kinds, for example {}", near.join(", "));
                    self.wrong(raw, &name, "unknown-kind", "is no list of a kind", expected);
                }
            }
        }
    }

    fn rows(&mut self, list: &'a RawValue, sheet: Option<usize>) {
        for raw in serde_json::from_str::<Vec<&'a RawValue>>(list.get()).unwrap_or_default() {
            self.one(raw, sheet);
        }
    }

    /// Reads a row that may say its kind.
    fn one(&mut self, raw: &'a RawValue, sheet: Option<usize>) {
        let Some(members) = self.members(raw) else { return };
        let named = members.iter().find(|(name, _)| folded(name) == "kind").map(|(_, raw)| *raw);
        let text = named.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        let found = match (named, &text) {
            (None, _) => sheet.or_else(|| of_kind("partner")),
            (Some(_), Some(text)) => sheet::find(text),
            (Some(_), None) => None,
        };
        match (found, named) {
            (Some(sheet), _) => {
                self.row(sheet, raw, members, Vec::new());
            }
            (None, Some(named)) => {
                let near = kinds(text.as_deref().unwrap_or_default());
                self.wrong(named, "kind", "unknown-kind", "is no kind that can be imported", format!("one of {near}"));
            }
            (None, None) => {}
        }
    }

    fn members(&mut self, raw: &'a RawValue) -> Option<Vec<(String, &'a RawValue)>> {
        if !is_object(raw) {
            self.wrong(raw, "", "wrong-type", "is no object", "an object");
            return None;
        }
        serde_json::from_str::<Members<'a>>(raw.get()).ok().map(|members| members.0)
    }

    /// Reads a row and what is in it; `given` is what follows from where it stands.
    fn row(
        &mut self,
        sheet: usize,
        raw: &'a RawValue,
        members: Vec<(String, &'a RawValue)>,
        given: Vec<(&'static Field, Says)>,
    ) -> usize {
        let (index, spot) = (self.reading.entries.len(), self.spot(raw));
        let mut entry = Entry { tree: true, ..Entry::new(sheet, spot) };
        entry.cells = given.into_iter().map(|(field, says)| Cell { field, says, spot }).collect();
        let implied = entry.cells.len();
        self.reading.entries.push(entry.clone());
        let mut seen = HashSet::new();
        let mut below = Vec::new();
        for (name, raw) in members {
            if !seen.insert(folded(&name)) {
                self.wrong(raw, &name, "given-twice", "is given twice", "one value");
                entry.spoiled = true;
                continue;
            }
            let known = &SHEETS[sheet];
            let nested = is_list(raw) || is_object(raw);
            match (known.slot(&name), Kind::find(&name).filter(|_| nested)) {
                (slot @ Some(Slot::Field(..) | Slot::Kind | Slot::Id | Slot::Nth | Slot::ReadOnly), _) => {
                    entry.spoiled |= !self.value(&mut entry, slot, &name, raw, implied);
                }
                (_, Some(kind)) => match related(known, kind) {
                    Some(how) => below.push((kind, how, raw)),
                    None => self.left_out(&name, raw),
                },
                (slot @ Some(_), None) => entry.spoiled |= !self.value(&mut entry, slot, &name, raw, implied),
                (None, None) if nested && (is_lazy(raw) || name == INHERITED) => {}
                (None, None) => {
                    let near = nearest(&name, known.columns().map(|(name, ..)| name)).join(", ");
                    let reason = format!("is not known of a {}", known.one());
                    self.wrong(raw, &name, "unknown-field", &reason, format!("one of {near}"));
                    entry.spoiled = true;
                }
            }
        }
        for (kind, how, raw) in below {
            self.below(&mut entry, index, kind, how, raw);
        }
        self.reading.entries[index] = entry;
        index
    }

    /// Reads rows that stand within another one.
    fn below(&mut self, entry: &mut Entry, index: usize, kind: &'static Kind, how: Link, raw: &'a RawValue) {
        let rows = if is_list(raw) {
            serde_json::from_str::<Vec<&'a RawValue>>(raw.get()).unwrap_or_default()
        } else {
            vec![raw]
        };
        let Some(sheet) = of_kind(kind.name) else {
            *self.reading.left_out.entry(kind.name).or_default() += rows.len();
            return;
        };
        let column = |kind: &'static Kind, column: &str| kind.fields.iter().find(|field| field.column == column);
        for raw in rows {
            let Some(members) = self.members(raw) else {
                entry.spoiled = true;
                continue;
            };
            match how {
                Link::Below { column: name } => {
                    let given = column(kind, name).map(|field| (field, Says::Entry(index)));
                    self.row(sheet, raw, members, given.into_iter().collect());
                }
                Link::Attached { kind_column, id_column } => {
                    let word = SHEETS[entry.sheet].form.kind.resource_type;
                    let kind_of = column(kind, kind_column).map(|field| (field, Says::Value(word.into())));
                    let row_of = column(kind, id_column).map(|field| (field, Says::Entry(index)));
                    self.row(sheet, raw, members, kind_of.into_iter().chain(row_of).collect());
                }
                Link::Above { column: name } => {
                    let spot = self.spot(raw);
                    let above = self.row(sheet, raw, members, Vec::new());
                    let field = column(SHEETS[entry.sheet].form.kind, name);
                    if let Some(field) = field.filter(|field| entry.cell(field.name).is_none()) {
                        entry.cells.push(Cell { field, says: Says::Entry(above), spot });
                    }
                }
            }
        }
    }

    /// Reads a member of a row; false when it cannot be. What follows from where the row stands is not heeded again.
    fn value(&mut self, entry: &mut Entry, slot: Option<Slot>, name: &str, raw: &'a RawValue, implied: usize) -> bool {
        let value: Json = serde_json::from_str(raw.get()).unwrap_or(Json::Null);
        let says = |value: Json| match value {
            Json::Null => Some(Says::Value(Json::Null)),
            Json::Number(number) => number.as_i64().map(Says::Number),
            Json::String(path) => Some(Says::Path(path)),
            _ => None,
        };
        let (field, says) = match slot {
            None | Some(Slot::Kind | Slot::ReadOnly) => return true,
            Some(Slot::Id) => {
                entry.id = value.as_i64();
                return true;
            }
            Some(Slot::Nth) => {
                entry.nth = value.as_u64().and_then(|nth| usize::try_from(nth).ok()).filter(|nth| *nth > 0);
                if entry.nth.is_none() && !value.is_null() {
                    self.wrong(raw, name, "wrong-type", "is no such number", "a whole number from 1");
                }
                return entry.nth.is_some() || value.is_null();
            }
            Some(Slot::Field(_, field)) => (field, Some(Says::Value(value))),
            Some(Slot::Path(field) | Slot::Number(field) | Slot::Resource(field) | Slot::ResourceNumber(field)) => {
                (field, says(value))
            }
        };
        let Some(says) = says else {
            self.wrong(raw, name, "wrong-type", "names no row", "a path, a name or a number");
            return false;
        };
        if entry.cells[..implied].iter().any(|cell| cell.field.name == field.name) {
            return true;
        }
        entry.cells.push(Cell { field, says, spot: self.spot(raw) });
        true
    }

    /// Counts what is discovered and not entered.
    fn left_out(&mut self, name: &str, raw: &'a RawValue) {
        let Some(kind) = Kind::find(name) else { return };
        let count = serde_json::from_str::<Vec<&RawValue>>(raw.get()).map_or(1, |rows| rows.len());
        *self.reading.left_out.entry(kind.name).or_default() += count;
    }
}

/// How rows of a kind hang on one of a sheet.
fn related(sheet: &Sheet, kind: &'static Kind) -> Option<Link> {
    of_kind(kind.name)?;
    sheet.form.kind.relation(kind).map(|relation| relation.link)
}

/// A level that an answer leaves for later.
fn is_lazy(raw: &RawValue) -> bool {
    serde_json::from_str::<Json>(raw.get()).is_ok_and(|value| value.get("lazyLoadKey").is_some())
}
