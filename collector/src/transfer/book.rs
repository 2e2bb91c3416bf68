//! The names of what is there and of what is going to be: rows are found in it by path, by name and by what they stand in.
//!
//! It knows nothing of files and of what else a row says. Rows keep their order: those that are stored by their number,
//! then those to be made in the order in which they were entered.

use std::{collections::HashMap, sync::Arc};

use super::{
    path::{self, Path, Step},
    sheet::{Named, SHEETS, Sheet},
};
use crate::store::{
    Db, StoreError,
    rows::naming::{NamingRow, naming_list},
};

/// Candidates of a name that are looked at one by one, where no index helps.
const MOST: usize = 10_000;

/// A row: the number of its sheet, and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct At {
    pub(super) sheet: usize,
    pub(super) row: usize,
}

/// What is known of a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Its number, if it is stored.
    pub(super) id: Option<i64>,
    /// The operation that makes it, if it is to be made.
    pub(super) made_by: Option<usize>,
    /// The entry of a file that speaks of it.
    pub(super) entry: Option<usize>,
    pub(super) name: Arc<str>,
    pub(super) code: Option<Arc<str>>,
    /// The rows that it stands in, by the levels of its sheet.
    pub(super) above: [Option<usize>; LEVELS],
}

/// The most levels of a sheet.
const LEVELS: usize = 3;

/// What a row is looked for by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label<'a> {
    Name(&'a str),
    Code(&'a str),
}

/// A level and the row of it: `None` says that there is none.
pub(super) type Above = (usize, Option<usize>);

#[derive(Debug, Default)]
struct Shelf {
    rows: Vec<Known>,
    by_label: HashMap<Arc<str>, Vec<usize>>,
    by_place: HashMap<(Arc<str>, usize, usize), Vec<usize>>,
    by_id: HashMap<i64, usize>,
}

/// All names.
#[derive(Debug, Default)]
pub(super) struct Book {
    shelves: Vec<Shelf>,
    /// Where paths lead. A sheet is complete before another one's rows name rows of it.
    led: HashMap<(usize, String), Vec<usize>>,
}

impl Book {
    /// Reads the names of everything that is stored.
    pub(super) async fn read(db: &Db) -> Result<Self, StoreError> {
        let mut book = Self::default();
        for (sheet, described) in SHEETS.iter().enumerate() {
            book.shelves.push(Shelf::default());
            if described.named == Named::Attached {
                continue;
            }
            let columns: Vec<&str> = described.above.iter().filter_map(|name| column(described, name)).collect();
            for NamingRow { id, name, code, above } in
                naming_list(db, described.form.kind.table, described.has_code(), &columns).await?
            {
                let mut known =
                    Known { id: Some(id), name: name.into(), code: code.map(Arc::from), ..Known::default() };
                for (level, id) in above.into_iter().enumerate().take(LEVELS) {
                    let other = described.kind_above(level);
                    known.above[level] = id.zip(other).and_then(|(id, other)| book.by_id(other, id));
                }
                book.enter(sheet, known);
            }
        }
        Ok(book)
    }

    /// Enters a row behind the others.
    pub(super) fn enter(&mut self, sheet: usize, known: Known) -> At {
        let shelf = &mut self.shelves[sheet];
        let row = shelf.rows.len();
        let code = known.code.iter().filter(|code| **code != known.name);
        for label in [&known.name].into_iter().chain(code) {
            shelf.by_label.entry(Arc::clone(label)).or_default().push(row);
            for (level, above) in known.above.iter().enumerate() {
                if let Some(above) = above {
                    shelf.by_place.entry((Arc::clone(label), level, *above)).or_default().push(row);
                }
            }
        }
        shelf.by_id.extend(known.id.map(|id| (id, row)));
        shelf.rows.push(known);
        At { sheet, row }
    }

    pub(super) fn known(&self, at: At) -> &Known {
        &self.shelves[at.sheet].rows[at.row]
    }

    pub(super) fn known_mut(&mut self, at: At) -> &mut Known {
        &mut self.shelves[at.sheet].rows[at.row]
    }

    pub(super) fn by_id(&self, sheet: usize, id: i64) -> Option<usize> {
        self.shelves[sheet].by_id.get(&id).copied()
    }

    /// The largest number that is stored.
    pub(super) fn largest(&self, sheet: usize) -> i64 {
        self.shelves[sheet].rows.iter().filter_map(|known| known.id).max().unwrap_or(0)
    }

    /// How many rows there are.
    #[cfg(test)]
    pub(super) fn len(&self, sheet: usize) -> usize {
        self.shelves[sheet].rows.len()
    }

    /// The rows of a label that stand where it is said.
    pub(super) fn candidates(&self, sheet: usize, label: Label<'_>, above: &[Above]) -> Vec<usize> {
        let shelf = &self.shelves[sheet];
        let (Label::Name(text) | Label::Code(text)) = label;
        let placed = above.iter().find_map(|(level, row)| Some((*level, (*row)?)));
        let found = match placed {
            Some((level, row)) => shelf.by_place.get(&(Arc::from(text), level, row)),
            None => shelf.by_label.get(text),
        };
        let fits = |row: &&usize| {
            let known = &shelf.rows[**row];
            let named = match label {
                Label::Name(name) => &*known.name == name,
                Label::Code(code) => known.code.as_deref() == Some(code),
            };
            named && above.iter().all(|(level, row)| known.above[*level] == *row)
        };
        found.into_iter().flatten().filter(fits).copied().collect()
    }

    /// The rows that a path may mean: one when it is clear.
    pub(super) fn find(&mut self, sheet: usize, text: &str) -> Vec<usize> {
        let key = (sheet, text.trim().to_owned());
        if let Some(known) = self.led.get(&key) {
            return known.clone();
        }
        let mut found = Path::read(text).map(|path| self.lead(sheet, &path)).unwrap_or_default();
        if found.is_empty() {
            // A name may hold what means something in a path.
            found = self.lead(sheet, &Path::of_name(text));
        }
        self.led.insert(key, found.clone());
        found
    }

    fn lead(&mut self, sheet: usize, path: &Path) -> Vec<usize> {
        let Path { whole, steps } = path;
        let Some((last, before)) = steps.split_last() else { return Vec::new() };
        let mut found = if before.is_empty() {
            let all = self.shelves[sheet].by_label.get(last.name.as_str()).cloned().unwrap_or_default();
            let is_top = |row: &usize| self.shelves[sheet].rows[*row].above.iter().all(Option::is_none);
            if *whole { all.into_iter().filter(is_top).collect() } else { all }
        } else {
            self.below(sheet, *whole, before, &last.name)
        };
        if found.is_empty() && !before.is_empty() && !whole {
            found = self.far_below(sheet, before, &last.name);
        }
        if let Some(nth) = last.nth {
            found.retain(|row| self.rank(At { sheet, row: *row }) == nth);
        }
        found
    }

    /// Rows of a name that stand in what the steps before it lead to. Those for which that is the nearest go first.
    fn below(&mut self, sheet: usize, whole: bool, before: &[Step], name: &str) -> Vec<usize> {
        let (mut near, mut far) = (Vec::new(), Vec::new());
        for level in 0..SHEETS[sheet].above.len() {
            let Some(other) = SHEETS[sheet].kind_above(level) else { continue };
            let mut text: Vec<String> = before.iter().map(|step| path::written(&step.name, step.nth)).collect();
            if whole {
                text.insert(0, String::new());
            }
            for above in self.find(other, &text.join("/")) {
                let shelf = &self.shelves[sheet];
                for row in shelf.by_place.get(&(Arc::from(name), level, above)).into_iter().flatten() {
                    let nearest = shelf.rows[*row].above.iter().position(Option::is_some) == Some(level);
                    if nearest { near.push(*row) } else { far.push(*row) }
                }
            }
        }
        let mut found = if near.is_empty() && !whole { far } else { near };
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Rows of a name above which the steps stand somewhere, in their order.
    fn far_below(&self, sheet: usize, before: &[Step], name: &str) -> Vec<usize> {
        let rows = self.shelves[sheet].by_label.get(name).into_iter().flatten().take(MOST);
        let fits = |row: &usize| {
            let mut wanted = before.iter().rev().peekable();
            for above in self.line(At { sheet, row: *row }).into_iter().skip(1) {
                let known = self.known(above);
                let is = |step: &&Step| *known.name == *step.name || known.code.as_deref() == Some(step.name.as_str());
                let _ = wanted.next_if(|step| is(step));
            }
            wanted.peek().is_none()
        };
        rows.copied().filter(fits).collect()
    }

    /// A row and what it stands in, from itself to the top.
    fn line(&self, at: At) -> Vec<At> {
        let mut line = vec![at];
        let mut at = at;
        while let Some(above) = self.above(at) {
            line.push(above);
            at = above;
        }
        line
    }

    /// What a row stands in: the nearest.
    pub(super) fn above(&self, at: At) -> Option<At> {
        let (level, row) = self.known(at).above.iter().enumerate().find_map(|(level, row)| Some((level, (*row)?)))?;
        Some(At { sheet: SHEETS[at.sheet].kind_above(level)?, row })
    }

    /// The rows of the same name at the same place, the row itself among them.
    fn alike(&self, at: At) -> Vec<usize> {
        let known = self.known(at);
        let same = |row: &&usize| {
            let other = &self.shelves[at.sheet].rows[**row];
            let place = |known: &Known| known.above.iter().enumerate().find_map(|(level, row)| Some((level, (*row)?)));
            other.name == known.name && place(other) == place(known)
        };
        let shelf = &self.shelves[at.sheet];
        let placed = known.above.iter().enumerate().find_map(|(level, row)| Some((level, (*row)?)));
        let rows = match placed {
            Some((level, row)) => shelf.by_place.get(&(Arc::clone(&known.name), level, row)),
            None => shelf.by_label.get(&known.name),
        };
        rows.into_iter().flatten().filter(same).copied().collect()
    }

    /// Which one of the rows of its name at its place a row is, from 1.
    fn rank(&self, at: At) -> usize {
        self.alike(at).iter().position(|row| *row == at.row).map_or(0, |place| place + 1)
    }

    /// A path from the top that people read, and that leads to the row in most cases.
    pub(super) fn path(&self, at: At) -> String {
        let names: Vec<String> = self.line(at).into_iter().rev().map(|at| self.step(at)).collect();
        names.join("/")
    }

    fn step(&self, at: At) -> String {
        let known = self.known(at);
        // An environment is known by its code.
        let by_code = SHEETS[at.sheet].form.kind.name == "environment";
        match &known.code {
            Some(code) if by_code => path::written(code, None),
            code => {
                let alike = self.alike(at);
                match code {
                    _ if alike.len() < 2 => path::written(&known.name, None),
                    Some(code) => path::written(code, None),
                    None => path::written(&known.name, Some(self.rank(at))),
                }
            }
        }
    }

    /// A path that leads to the row and to no other; `None` when its names do not tell it from another one.
    pub(super) fn clear_path(&mut self, at: At) -> Option<String> {
        let path = self.path(at);
        if self.find(at.sheet, &path) == [at.row] {
            return Some(path);
        }
        let whole = format!("/{path}");
        (self.find(at.sheet, &whole) == [at.row]).then_some(whole)
    }

    /// Names of a sheet, for those that look for one that is not there.
    pub(super) fn names(&self, sheet: usize) -> impl Iterator<Item = &str> {
        self.shelves[sheet].rows.iter().take(MOST).map(|known| &*known.name)
    }
}

fn column(sheet: &Sheet, name: &str) -> Option<&'static str> {
    sheet.form.kind.field(name).map(|field| field.column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::sheet;

    /// Two partners with a zone each of the same name, a datacenter in one of them and one beside it, computes.
    fn book() -> Book {
        let mut book = Book { shelves: SHEETS.iter().map(|_| Shelf::default()).collect(), led: HashMap::new() };
        let mut enter = |kind: &str, id: i64, name: &str, code: Option<&str>, above: [Option<usize>; 3]| {
            let known = Known { id: Some(id), name: name.into(), code: code.map(Arc::from), above, ..Known::default() };
            book.enter(sheet::find(kind).unwrap(), known);
        };
        enter("partner", 1, "self", None, [None; 3]);
        enter("partner", 2, "other", None, [None; 3]);
        enter("environment", 1, "Production", Some("PROD"), [Some(0), None, None]);
        enter("environment", 2, "Production", Some("PROD"), [None; 3]);
        enter("cloud", 1, "main", None, [Some(0), None, None]);
        enter("cloud", 2, "main", None, [Some(1), None, None]);
        enter("region", 1, "Europe", Some("eu"), [Some(0), None, None]);
        enter("region", 2, "Europe", Some("eu-2"), [Some(0), None, None]);
        enter("availability zone", 1, "a", Some("eu-a"), [Some(0), None, None]);
        enter("datacenter", 1, "fra", None, [Some(0), Some(0), Some(0)]);
        enter("datacenter", 2, "fra", None, [None, Some(0), Some(0)]);
        enter("datacenter", 3, "AC/DC #1", None, [None, Some(1), Some(1)]);
        enter("compute", 1, "web", None, [Some(0), Some(0), None]);
        enter("compute", 2, "web", None, [Some(0), Some(0), None]);
        enter("compute", 3, "web", None, [None, Some(0), None]);
        enter("compute", 4, "alone", None, [None; 3]);
        book
    }

    fn zone() -> usize {
        sheet::find("availability_zone").unwrap()
    }

    #[test]
    fn a_path_leads_to_a_row_by_its_end_or_from_the_top() {
        let mut book = book();
        let mut led = |kind: &str, text: &str| {
            let sheet = if kind == "zone" { zone() } else { sheet::find(kind).unwrap() };
            let rows = book.find(sheet, text);
            rows.iter().map(|row| book.known(At { sheet, row: *row }).id.unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(led("partner", "self"), [1]);
        assert_eq!(led("cloud", "main"), [1, 2]);
        assert_eq!(led("cloud", "other/main"), [2]);
        assert_eq!(led("region", "eu-2"), [2]);
        assert_eq!(led("zone", "self/main/Europe/a"), [1]);
        assert_eq!(led("zone", "eu/eu-a"), [1]);
        assert_eq!(led("zone", "self/a"), [1], "steps may be left out");
        assert_eq!(led("datacenter", "a/fra"), [1]);
        assert_eq!(led("datacenter", "self/main/fra"), [2], "the nearest goes first");
        assert_eq!(led("datacenter", "fra"), [1, 2]);
        assert_eq!(led("datacenter", "AC/DC #1"), [3], "a name may hold what means something in a path");
        assert_eq!(led("environment", "PROD"), [1, 2]);
        assert_eq!(led("environment", "/PROD"), [2]);
        assert_eq!(led("environment", "self/Production"), [1]);
        assert_eq!(led("compute", "a/fra/web"), [1, 2]);
        assert_eq!(led("compute", "a/fra/web#2"), [2]);
        assert_eq!(led("compute", "a/fra/web#3"), [0_i64; 0]);
        assert_eq!(led("compute", "/self/main/web"), [3]);
        assert_eq!(led("compute", "nowhere/web"), [0_i64; 0]);
    }

    #[test]
    fn every_row_has_a_path_of_its_own() {
        let mut book = book();
        for sheet in 0..SHEETS.len() {
            for row in 0..book.len(sheet) {
                let at = At { sheet, row };
                let path = book.clear_path(at).unwrap_or_else(|| panic!("{}", book.path(at)));
                assert_eq!(book.find(sheet, &path), [row], "{path}");
            }
        }
        let compute = sheet::find("compute").unwrap();
        assert_eq!(book.path(At { sheet: compute, row: 1 }), "self/main/Europe/a/fra/web#2".replace("Europe", "eu"));
    }

    #[test]
    fn candidates_stand_where_it_is_said() {
        let book = book();
        let compute = sheet::find("compute").unwrap();
        let web = Label::Name("web");
        assert_eq!(book.candidates(compute, web, &[]), [0, 1, 2]);
        assert_eq!(book.candidates(compute, web, &[(0, Some(0))]), [0, 1]);
        assert_eq!(book.candidates(compute, web, &[(1, Some(0))]), [0, 1, 2]);
        assert_eq!(book.candidates(compute, web, &[(0, None), (1, Some(0))]), [2]);
        assert_eq!(book.candidates(compute, web, &[(0, None), (1, None)]), [0_usize; 0]);
        let region = sheet::find("region").unwrap();
        assert_eq!(book.candidates(region, Label::Code("eu"), &[]), [0]);
        assert_eq!(book.candidates(region, Label::Code("Europe"), &[]), [0_usize; 0]);
    }
}
