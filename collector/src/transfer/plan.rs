//! From what files say to what must be done: each entry is a row that is there, or one to be made.
//!
//! Kinds go in the order of [`SHEETS`], so that whatever a row names is known before it. An entry of which something is
//! wrong is left out with all that hangs on it, and only the first of it is told.

mod attached;
mod names;

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value as Json, json};

use self::names::Names;
use super::{
    book::{Above, At, Book, Known, Label},
    problem::{Problem, Spot},
    read::{Cell, Entry, Reading, Says},
    sheet::{Named, SHEETS, Sheet, of_kind},
};
use crate::{
    edit::{
        Expected, Operation, Verb,
        form::{Form, Rule},
        rule,
    },
    store::{Db, StoreError, Value},
};

/// What must be done.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) operations: Vec<Operation>,
    /// The entry of each operation.
    pub(super) of: Vec<usize>,
    pub(super) problems: Vec<Problem>,
    /// What each entry is called: nothing when something of it is wrong.
    pub(super) titles: Vec<Option<Title>>,
    /// The largest numbers of the kinds that rows are made of.
    pub(super) seen: Vec<(&'static Form, i64)>,
    pub(super) book: Book,
}

/// What an entry is called.
#[derive(Clone, Debug)]
pub(super) enum Title {
    /// A row of the book.
    Row(At),
    /// Something on a row of the book.
    On(At, String),
    /// Something on a row that has no name here.
    Other(String),
}

impl Plan {
    /// What an entry is called, for people.
    pub(super) fn title(&self, entry: usize) -> String {
        match self.titles.get(entry).and_then(Option::as_ref) {
            None => String::new(),
            Some(Title::Row(at)) => self.book.path(*at),
            Some(Title::On(at, what)) => format!("{what} on {}", self.book.path(*at)),
            Some(Title::Other(what)) => what.clone(),
        }
    }
}

/// How entries are matched with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matching {
    /// By what rows are called.
    Names,
    /// By their numbers, where they are given.
    Numbers,
}

/// Plans what must be done.
pub(super) async fn plan(db: &Db, reading: &Reading, matching: Matching) -> Result<Plan, StoreError> {
    let book = Book::read(db).await?;
    let seen = SHEETS
        .iter()
        .enumerate()
        .filter(|(_, sheet)| sheet.named != Named::Attached)
        .map(|(at, sheet)| (sheet.form, book.largest(at)))
        .collect();
    let mut planner = Planner {
        reading,
        matching,
        book,
        numbers: HashMap::new(),
        names: Names::default(),
        operations: Vec::with_capacity(reading.entries.len()),
        of: Vec::with_capacity(reading.entries.len()),
        problems: Vec::new(),
        titles: vec![None; reading.entries.len()],
    };
    let mut by_sheet = vec![Vec::new(); SHEETS.len()];
    for (index, entry) in reading.entries.iter().enumerate() {
        by_sheet[entry.sheet].push(index);
        if let Some(id) = entry.id {
            planner.numbers.entry((entry.sheet, id)).or_insert(index);
        }
    }
    for (sheet, entries) in by_sheet.into_iter().enumerate() {
        if SHEETS[sheet].named == Named::Attached {
            planner.attached(db, sheet, &entries).await?;
            continue;
        }
        // One that only names a row must not be taken for the one that says what it is.
        let only_names = |index: &usize| reading.entries[*index].only_names();
        let (last, first): (Vec<usize>, Vec<usize>) = entries.into_iter().partition(only_names);
        let mut paired = Vec::new();
        for index in first.into_iter().chain(last) {
            planner.named(index, &mut paired);
        }
        paired.into_iter().for_each(|(index, cell)| planner.pair(index, cell));
    }
    let Planner { book, operations, of, problems, titles, .. } = planner;
    Ok(Plan { operations, of, problems, titles, seen, book })
}

struct Planner<'a> {
    reading: &'a Reading,
    matching: Matching,
    book: Book,
    /// Entries by the number that their row has where it comes from.
    numbers: HashMap<(usize, i64), usize>,
    names: Names,
    operations: Vec<Operation>,
    of: Vec<usize>,
    problems: Vec<Problem>,
    titles: Vec<Option<Title>>,
}

/// What a cell names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Target {
    Row(At),
    /// A row of a kind that files do not hold.
    Foreign(i64),
}

/// Something is wrong with an entry; it was told.
struct Spoiled;

impl<'a> Planner<'a> {
    fn wrong(
        &mut self,
        spot: Spot,
        field: &str,
        code: &'static str,
        value: Option<&str>,
        reason: String,
        expected: impl Into<String>,
    ) -> Spoiled {
        let problem = self.reading.problem(spot, Some(field), code, value, reason, expected);
        self.problems.push(problem);
        Spoiled
    }

    /// The row of an earlier entry.
    fn row_of(&self, entry: usize) -> Result<At, Spoiled> {
        match self.titles.get(entry) {
            Some(Some(Title::Row(at))) => Ok(*at),
            _ => Err(Spoiled),
        }
    }

    /// What a cell names among the rows of a sheet.
    fn target(&mut self, sheet: usize, cell: &Cell) -> Result<At, Spoiled> {
        let one = SHEETS[sheet].one();
        match &cell.says {
            Says::Entry(entry) => self.row_of(*entry),
            Says::Number(id) => match self.numbers.get(&(sheet, *id)) {
                Some(entry) => self.row_of(*entry),
                None => match self.book.by_id(sheet, *id) {
                    Some(row) => Ok(At { sheet, row }),
                    None => {
                        let reason = format!("there is no {one} {id}");
                        let expected = format!("the number, the path or the name of a {one}");
                        let value = id.to_string();
                        Err(self.wrong(cell.spot, cell.field.name, "unknown-reference", Some(&value), reason, expected))
                    }
                },
            },
            Says::Path(path) => match self.book.find(sheet, path)[..] {
                [row] => Ok(At { sheet, row }),
                [] => {
                    let expected = self.names.nearest(&self.book, sheet, path);
                    let reason = format!("there is no {one} {path:?}");
                    Err(self.wrong(cell.spot, cell.field.name, "unknown-reference", Some(path), reason, expected))
                }
                ref several => {
                    let told = several.iter().take(3).map(|row| self.book.path(At { sheet, row: *row }));
                    let told = told.collect::<Vec<_>>().join(" or ");
                    let reason = format!("{path:?} is the name of {} {}", several.len(), SHEETS[sheet].form.kind.list);
                    let expected = format!("a longer path, for example {told}");
                    Err(self.wrong(cell.spot, cell.field.name, "ambiguous-reference", Some(path), reason, expected))
                }
            },
            Says::Value(_) => Err(Spoiled),
        }
    }

    /// How a row stands in the data of an operation.
    fn reference(&self, at: At) -> Result<Json, Spoiled> {
        let known = self.book.known(at);
        match (known.id, known.made_by) {
            (Some(id), _) => Ok(id.into()),
            (None, Some(operation)) => Ok(json!({ "$ref": operation })),
            (None, None) => Err(Spoiled),
        }
    }

    /// Plans an entry of a kind that has names.
    fn named(&mut self, index: usize, paired: &mut Vec<(usize, &'a Cell)>) {
        let reading: &'a Reading = self.reading;
        let entry = &reading.entries[index];
        let sheet = &SHEETS[entry.sheet];
        let (mut data, mut above, mut sound) = (Map::new(), Vec::new(), !entry.spoiled);
        for cell in &entry.cells {
            let level = sheet.level(cell.field);
            match (&cell.says, sheet.form.input(cell.field.name).map(|(input, _)| input.rule)) {
                (Says::Value(value), _) => {
                    above.extend(level.filter(|_| value.is_null()).map(|level| (level, None)));
                    data.insert(cell.field.name.to_owned(), value.clone());
                }
                (_, Some(Rule::Reference(kind))) if kind == sheet.form.kind.name => paired.push((index, cell)),
                (_, Some(Rule::Reference(kind))) => {
                    let target = of_kind(kind).ok_or(Spoiled).and_then(|other| self.target(other, cell));
                    match target.and_then(|at| Ok((at, self.reference(at)?))) {
                        Ok((at, value)) => {
                            above.extend(level.map(|level| (level, Some(at.row))));
                            data.insert(cell.field.name.to_owned(), value);
                        }
                        Err(Spoiled) => sound = false,
                    }
                }
                _ => {}
            }
        }
        let Ok(found) = self.match_row(index, entry, &above) else { return };
        match found {
            Some(at) => self.found(index, at, data, sound),
            None => self.made(index, data, &above, sound),
        }
    }

    /// The row of an entry, if it is there or was entered before.
    fn match_row(&mut self, index: usize, entry: &Entry, above: &[Above]) -> Result<Option<At>, Spoiled> {
        let sheet = &SHEETS[entry.sheet];
        if let Some(id) = entry.id.filter(|_| self.matching == Matching::Numbers) {
            return match self.book.by_id(entry.sheet, id) {
                Some(row) => Ok(Some(At { sheet: entry.sheet, row })),
                None => {
                    let reason = format!("there is no {} {id}", sheet.one());
                    let expected = "the number of one that is there; leave it out to make a new one";
                    Err(self.wrong(entry.spot, "id", "unknown-reference", None, reason, expected))
                }
            };
        }
        let Some((label, everywhere)) = label(entry, sheet) else {
            if entry.spoiled {
                return Err(Spoiled);
            }
            let (field, rule) =
                sheet.form.input("name").map_or(("name", Rule::Line(255)), |(input, field)| (field.name, input.rule));
            return Err(self.wrong(entry.spot, field, "required", None, "is missing".into(), rule::expected(rule)));
        };
        let candidates = self.book.candidates(entry.sheet, label, if everywhere { &[] } else { above });
        let row = |row: usize| Ok(Some(At { sheet: entry.sheet, row }));
        match (candidates.len(), entry.nth) {
            (0, None | Some(1)) => Ok(None),
            (1, None | Some(1)) => row(candidates[0]),
            (count, Some(nth)) if nth <= count => row(candidates[nth - 1]),
            (count, Some(nth)) if nth == count + 1 => Ok(None),
            (count, Some(nth)) => {
                let reason = format!("is {nth}, but there are {count} of this name");
                Err(self.wrong(entry.spot, "nth", "out-of-range", None, reason, format!("1 to {}", count + 1)))
            }
            (count, None) => {
                let (Label::Name(text) | Label::Code(text)) = label;
                let reason = format!("{text:?} is the name of {count} {}", sheet.form.kind.list);
                let places: Vec<String> =
                    candidates.iter().take(3).map(|row| self.book.path(At { sheet: entry.sheet, row: *row })).collect();
                let expected =
                    format!("what it stands in, or which one of them in a column nth: {}", places.join(", "));
                let spot = entry.cell("name").map_or(self.reading.entries[index].spot, |cell| cell.spot);
                Err(self.wrong(spot, "name", "ambiguous", Some(text), reason, expected))
            }
        }
    }

    /// The row is there, or another entry makes it.
    fn found(&mut self, index: usize, at: At, data: Map<String, Json>, sound: bool) {
        let entry = &self.reading.entries[index];
        if let Some(first) = self.book.known(at).entry {
            let other = &self.reading.entries[first];
            if !entry.only_names() && !other.only_names() {
                let line = match other.spot.file == entry.spot.file {
                    true => format!("line {}", other.spot.line),
                    false => format!("line {} of {}", other.spot.line, self.reading.name_of(other.spot)),
                };
                let reason = format!("is the same {} as in {line}", SHEETS[at.sheet].one());
                let expected = "one row for each; a column nth tells apart those of the same name at the same place";
                let _ = self.wrong(entry.spot, "name", "duplicate", None, reason, expected);
                return;
            }
        }
        self.titles[index] = Some(Title::Row(at));
        let known = self.book.known_mut(at);
        if known.entry.is_none() || !entry.only_names() {
            known.entry = Some(index);
        }
        let Some(id) = known.id.filter(|_| sound) else { return };
        let verb = Verb::Update { key: vec![id.into()], data: Json::Object(data), expected: Expected::default() };
        self.operation(index, SHEETS[at.sheet].form, verb);
    }

    fn made(&mut self, index: usize, data: Map<String, Json>, above: &[Above], sound: bool) {
        let entry = &self.reading.entries[index];
        let text = |name: &str| data.get(name).and_then(Json::as_str).map(|text| Arc::from(text.trim()));
        let mut known = Known {
            made_by: sound.then_some(self.operations.len()),
            entry: Some(index),
            name: text("name").unwrap_or_else(|| Arc::from("")),
            code: text("code"),
            ..Known::default()
        };
        for (level, row) in above {
            known.above[*level] = *row;
        }
        let at = self.book.enter(entry.sheet, known);
        self.titles[index] = Some(Title::Row(at));
        if sound {
            self.operation(index, SHEETS[entry.sheet].form, Verb::Create { data: Json::Object(data) });
        }
    }

    /// Plans what an entry says of another row of its own kind.
    fn pair(&mut self, index: usize, cell: &Cell) {
        let sheet = self.reading.entries[index].sheet;
        let Ok(at) = self.row_of(index) else { return };
        let Ok(value) = self.target(sheet, cell).and_then(|other| self.reference(other)) else { return };
        let known = self.book.known(at);
        let (key, of) = match (known.id, known.made_by) {
            (Some(id), _) => (vec![Value::Int(id)], None),
            (None, Some(operation)) => (vec![Value::Null], Some(operation)),
            (None, None) => return,
        };
        let data = json!({ cell.field.name: value });
        let verb = Verb::Update { key, data, expected: Expected::default() };
        self.operation(index, SHEETS[sheet].form, verb);
        if let Some(operation) = self.operations.last_mut() {
            operation.of = of;
        }
    }

    fn operation(&mut self, index: usize, form: &'static Form, verb: Verb) {
        self.operations.push(Operation::new(form, verb));
        self.of.push(index);
    }
}

/// What an entry is found by, and whether that is so wherever it stands.
fn label<'a>(entry: &'a Entry, sheet: &Sheet) -> Option<(Label<'a>, bool)> {
    let text = |name: &str| match &entry.cell(name)?.says {
        Says::Value(Json::String(text)) => Some(text.trim()).filter(|text| !text.is_empty()),
        _ => None,
    };
    let code = if sheet.has_code() { text("code") } else { None };
    match code {
        Some(code) => Some((Label::Code(code), sheet.named == Named::ByOnlyCode)),
        None => Some((Label::Name(text("name")?), sheet.above.is_empty())),
    }
}
