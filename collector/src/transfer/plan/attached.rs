//! Entries without a name of their own: tags, targets, associations and capabilities are found by what they stand on and a
//! key.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value as Json};

use super::{
    super::{
        read::{Cell, Entry, Says},
        sheet::{self, SHEETS, of_kind},
    },
    Planner, Spoiled, Target, Title,
};
use crate::{
    catalog::KINDS,
    edit::{Expected, Key, Verb, form::Rule, rule},
    query::tag_rows::{LEGACY, tag_rows},
    store::{
        Db, Executor as _, StoreError, Value,
        rows::{
            association::{Origin, association_list},
            attached::{capability_names, target_names},
        },
    },
};

/// An entry whose resource is known.
struct Standing {
    index: usize,
    /// Type of what it stands on.
    word: String,
    on: Target,
    /// What tells it from others there: a key, a name, an environment.
    part: String,
    data: Map<String, Json>,
}

/// What stands on resources already: by type, resource and part its key, and its value where that decides.
type There = HashMap<(String, i64, String), (Option<Key>, Option<String>)>;

impl Planner<'_> {
    /// Plans the entries of a kind that is attached to others.
    pub(super) async fn attached(&mut self, db: &Db, sheet: usize, entries: &[usize]) -> Result<(), StoreError> {
        let mut standing = Vec::with_capacity(entries.len());
        for index in entries {
            standing.extend(self.stand(*index).ok());
        }
        let there = self.there(db, sheet, &standing).await?;
        let mut seen: HashMap<(String, Target, String), usize> = HashMap::new();
        for Standing { index, word, on, part, data } in standing {
            let key = (word, on, part);
            if let Some(first) = seen.get(&key) {
                let (spot, other) = (self.reading.entries[index].spot, self.reading.entries[*first].spot);
                let file = if spot.file == other.file { "" } else { self.reading.name_of(other) };
                let reason = format!("is the same {} as in line {} {file}", SHEETS[sheet].one(), other.line);
                let _ = self.wrong(spot, "", "duplicate", None, reason.trim_end().to_owned(), "one row for each");
                continue;
            }
            let (word, on, part) = &key;
            self.titles[index] = Some(title(sheet, word, *on, part));
            let known = self.number(*on).and_then(|id| there.get(&(word.clone(), id, part.clone())));
            let form = SHEETS[sheet].form;
            match known {
                // The existing inventory says so already.
                Some((None, value)) if value.as_deref() == data.get("tagValue").and_then(Json::as_str) => {}
                Some((Some(key), _)) => {
                    let (key, data) = (key.clone(), Json::Object(data));
                    self.operation(index, form, Verb::Update { key, data, expected: Expected::default() });
                }
                Some((None, _)) | None => self.operation(index, form, Verb::Create { data: Json::Object(data) }),
            }
            seen.insert(key, index);
        }
        Ok(())
    }

    /// The number of a resource that is stored.
    fn number(&self, on: Target) -> Option<i64> {
        match on {
            Target::Row(at) => self.book.known(at).id,
            Target::Foreign(id) => Some(id),
        }
    }

    /// Finds what an entry stands on.
    fn stand(&mut self, index: usize) -> Result<Standing, Spoiled> {
        let entry = &self.reading.entries[index];
        let form = SHEETS[entry.sheet].form;
        let mut data = Map::new();
        let mut sound = if entry.spoiled { Err(Spoiled) } else { Ok(()) };
        let mut named: Option<(String, Target)> = None;
        let mut environment = None;
        for cell in &entry.cells {
            let resource = form.attached().is_some_and(|(_, column)| column == cell.field.column);
            let found = match (&cell.says, form.input(cell.field.name).map(|(input, _)| input.rule)) {
                (says, _) if resource && !matches!(says, Says::Value(_)) => {
                    self.resource(entry, cell).map(|(word, on)| named = Some((word, on)))
                }
                (Says::Value(value), _) => {
                    data.insert(cell.field.name.to_owned(), value.clone());
                    Ok(())
                }
                (_, Some(Rule::Reference(kind))) => {
                    let target = of_kind(kind).ok_or(Spoiled).and_then(|other| self.target(other, cell));
                    target.map(|at| match kind {
                        "environment" => environment = Some(at),
                        _ => named = Some((kind.to_owned(), Target::Row(at))),
                    })
                }
                _ => Ok(()),
            };
            sound = sound.and(found);
        }
        sound?;
        let (word, on) = match named {
            Some(named) => named,
            None => return Err(self.missing(index)),
        };
        let number = match on {
            Target::Row(at) => self.reference(at)?,
            Target::Foreign(id) => id.into(),
        };
        if let Some((type_column, id_column)) = form.attached() {
            data.insert(form.name_of(type_column).to_owned(), word.as_str().into());
            data.insert(form.name_of(id_column).to_owned(), number);
        } else {
            data.insert("computeId".to_owned(), number);
        }
        let part = match environment {
            Some(at) => {
                let value = self.reference(at)?;
                let part = value.to_string();
                data.insert("environmentId".to_owned(), value);
                part
            }
            None => {
                let key = ["tagKey", "name", "capabilityType"].iter().find_map(|name| data.get(*name)?.as_str());
                key.unwrap_or_default().trim().to_owned()
            }
        };
        Ok(Standing { index, word, on, part, data })
    }

    /// Neither a resource nor an environment is named: the form would only miss a number.
    fn missing(&mut self, index: usize) -> Spoiled {
        let entry = &self.reading.entries[index];
        let sheet = &SHEETS[entry.sheet];
        let column = sheet.columns().find(|(name, _, field)| *name != field.name && *name != "environment");
        let name = column.map_or("resource", |(name, ..)| name);
        self.wrong(
            entry.spot,
            name,
            "required",
            None,
            "is missing".to_owned(),
            "the path or the name of what it stands on",
        )
    }

    /// What a resource's cell names.
    fn resource(&mut self, entry: &Entry, cell: &Cell) -> Result<(String, Target), Spoiled> {
        let form = SHEETS[entry.sheet].form;
        let type_name = form.attached().map_or("", |(column, _)| form.name_of(column));
        let said = entry.cell(type_name).map(|cell| (cell.spot, &cell.says));
        let Some((spot, Says::Value(Json::String(text)))) = said else {
            if let Says::Entry(other) = &cell.says {
                let at = self.row_of(*other)?;
                return Ok((SHEETS[at.sheet].form.kind.resource_type.to_owned(), Target::Row(at)));
            }
            let expected = words(entry);
            return Err(self.wrong(entry.spot, type_name, "required", None, "is missing".to_owned(), expected));
        };
        let found = sheet::find(text).filter(|found| !SHEETS[*found].form.kind.resource_type.is_empty());
        if let Some(found) = found {
            let word = SHEETS[found].form.kind.resource_type.to_owned();
            return self.target(found, cell).map(|at| (word, Target::Row(at)));
        }
        let folded = sheet::folded(text);
        let Some(kind) = KINDS.iter().find(|kind| sheet::folded(kind.resource_type) == folded && !folded.is_empty())
        else {
            let expected = words(entry);
            return Err(self.wrong(spot, type_name, "unknown-word", Some(text), format!("is {text:?}"), expected));
        };
        match &cell.says {
            Says::Number(id) => Ok((kind.resource_type.to_owned(), Target::Foreign(*id))),
            says => {
                let value = if let Says::Path(path) = says { Some(path.as_str()) } else { None };
                let reason = format!("a {} has no path", kind.name);
                let expected = "its number, in the column with Id";
                Err(self.wrong(cell.spot, cell.field.name, "unknown-reference", value, reason, expected))
            }
        }
    }

    /// Reads what stands on the resources already.
    async fn there(&self, db: &Db, sheet: usize, standing: &[Standing]) -> Result<There, StoreError> {
        let mut wanted: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
        for Standing { word, on, .. } in standing {
            if let Some(id) = self.number(*on) {
                wanted.entry(word.as_str()).or_default().insert(id);
            }
        }
        let (mut there, mut executor, dialect) = (There::new(), db, db.dialect());
        for (word, ids) in wanted {
            let keys: Vec<Value> = ids.iter().map(|id| Value::from(*id)).collect();
            match SHEETS[sheet].form.kind.name {
                "tag" => {
                    let select = format!(
                        "SELECT t.resource_id, t.tag_key, t.tag_value, t.origin FROM {} t WHERE t.resource_type = ? AND",
                        tag_rows(dialect)
                    );
                    for row in executor.fetch_in(&select, "t.resource_id", vec![word.into()], keys).await? {
                        let (id, part): (i64, String) = (row.get("resource_id")?, row.get("tag_key")?);
                        let ours = row.get::<String>("origin")? != LEGACY;
                        let key = ours.then(|| vec![word.into(), id.into(), part.as_str().into()]);
                        there.insert((word.to_owned(), id, part), (key, Some(row.get("tag_value")?)));
                    }
                }
                "automationtarget" => {
                    for (id, resource, name) in target_names(&mut executor, word, keys).await? {
                        there.insert((word.to_owned(), resource, name), (Some(vec![id.into()]), None));
                    }
                }
                "capability" => {
                    for (compute, name) in capability_names(&mut executor, keys).await? {
                        let key = vec![compute.into(), name.as_str().into()];
                        there.insert((word.to_owned(), compute, name), (Some(key), None));
                    }
                }
                _ => {
                    for (resource, rows) in association_list(&mut executor, dialect, word, ids).await? {
                        for row in rows.iter().filter(|row| row.origin == Origin::Person) {
                            let key = row.id.map(|id| vec![id.into()]);
                            let part = row.environment_id.to_string();
                            there.insert((word.to_owned(), resource, part), (key, None));
                        }
                    }
                }
            }
        }
        Ok(there)
    }
}

/// What a type may be, for an entry.
fn words(entry: &Entry) -> String {
    let form = SHEETS[entry.sheet].form;
    let input = form.attached().and_then(|(column, _)| form.input(form.name_of(column)));
    input.map(|(input, _)| rule::expected(input.rule)).unwrap_or_default()
}

fn title(sheet: usize, word: &str, on: Target, part: &str) -> Title {
    let one = SHEETS[sheet].one();
    // An association is told by what it stands on; its environment is a number here.
    let what = if one == "environment association" { one.to_owned() } else { format!("{one} {part}") };
    match on {
        Target::Row(at) => Title::On(at, what),
        Target::Foreign(id) => Title::Other(format!("{what} on {word} {id}")),
    }
}
