//! From stored rows to rows of files.

use super::*;

/// An export under way.
pub(super) struct Exporter<'a> {
    db: &'a Db,
    book: Book,
    discovered: bool,
    pub(super) rows: Vec<Row>,
    pub(super) left_out: BTreeMap<&'static str, usize>,
    /// Rows that are not written.
    hidden: HashSet<At>,
    /// Clouds of places, which need not be said again of what stands in them.
    clouds: HashMap<At, i64>,
}

impl<'a> Exporter<'a> {
    pub(super) fn new(db: &'a Db, book: Book, discovered: bool) -> Self {
        Self {
            db,
            book,
            discovered,
            rows: Vec::new(),
            left_out: BTreeMap::new(),
            hidden: HashSet::new(),
            clouds: HashMap::new(),
        }
    }

    /// Writes all rows of a sheet, by place and name: two inventories that hold the same make the same file, whatever their numbers.
    pub(super) async fn sheet(&mut self, sheet: usize) -> Result<(), StoreError> {
        let first = self.rows.len();
        self.records(sheet).await?;
        let Self { rows, book, .. } = self;
        // Rows of the same name at the same place keep their order, by which they are counted.
        rows[first..].sort_by_cached_key(|row| {
            let known = row.at.map(|at| book.known(at));
            (row.above.map(|at| book.path(at)), known.map(|known| (known.name.clone(), known.code.clone())))
        });
        Ok(())
    }

    async fn records(&mut self, sheet: usize) -> Result<(), StoreError> {
        let form = SHEETS[sheet].form;
        let dialect = self.db.dialect();
        let table = if form.kind.name == "tag" { tag_rows(dialect) } else { form.kind.table.to_owned() };
        let listing = Listing { kind: form.kind, table: &table, key: form.key };
        let said = self.resources_with_a_persons_word(sheet).await?;
        let mut after: Vec<Value> = Vec::new();
        loop {
            let mut reader = self.db;
            let page = record_page(&mut reader, dialect, listing, &after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = form.key.iter().map(|column| key_value(&last.shown[column])).collect();
            let filled = self.filled(sheet, &page).await?;
            for record in &page {
                let own = record.shown.get("id").and_then(Json::as_i64).and_then(|id| filled.get(&id));
                self.record(sheet, record, own, &said);
            }
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// What discovery wrote into the rows of a page, when that is to be left out.
    async fn filled(&self, sheet: usize, page: &[Record]) -> Result<HashMap<i64, Columns>, StoreError> {
        let ids = || page.iter().filter_map(|record| record.shown["id"].as_i64()).map(Value::from).collect();
        match SHEETS[sheet].form.kind.name {
            "compute" => filled_of_computes(self.db, ids()).await,
            "container" => filled_of_containers(self.db, ids()).await,
            _ => Ok(HashMap::new()),
        }
    }

    /// Resources whose environments a person named: what the existing inventory says of them is told with it, since it
    /// decides which one is the primary.
    async fn resources_with_a_persons_word(&self, sheet: usize) -> Result<HashSet<(String, i64)>, StoreError> {
        use crate::store::Executor as _;
        if SHEETS[sheet].form.kind.name != "environmentassociation" {
            return Ok(HashSet::new());
        }
        let mut reader = self.db;
        let sql = "SELECT DISTINCT resource_type, resource_id FROM environment_associations WHERE origin = 'person'";
        let rows = reader.fetch(sql.to_owned(), vec![]).await?;
        rows.iter().map(|row| Ok((row.get("resource_type")?, row.get("resource_id")?))).collect()
    }

    fn record(&mut self, sheet: usize, record: &Record, filled: Option<&Columns>, said: &HashSet<(String, i64)>) {
        let described = &SHEETS[sheet];
        if described.named == Named::Attached {
            return self.attached(sheet, record, said);
        }
        let Some(row) = record.shown["id"].as_i64().and_then(|id| self.book.by_id(sheet, id)) else { return };
        let at = At { sheet, row };
        let above = self.book.above(at);
        let kind = described.form.kind.name;
        let merged = kind == "compute" && record.shown["status"].as_str() == Some(MERGED);
        let made_by_discovery = kind == "container"
            && !self.discovered
            && filled.is_some_and(|filled| filled.get("name").is_some_and(|name| *name == record.shown["name"]));
        if merged || made_by_discovery || above.is_some_and(|above| self.hidden.contains(&above)) {
            self.hidden.insert(at);
            return;
        }
        let mut cells = Vec::new();
        for (column, input, field) in described.columns() {
            let value = &record.shown[field.column];
            let own = filled.filter(|_| !self.discovered).and_then(|filled| filled.get(field.column));
            if own.is_some_and(|own| is_discovered(kind, field.column, own, value)) {
                continue;
            }
            let tells = match input.rule {
                Rule::Reference(_) if value.is_null() => continue,
                Rule::Reference(other) => match self.reference(described, other, field, value, at, above) {
                    Some(tells) => tells,
                    None => continue,
                },
                _ if value.is_null() => {
                    if input.need != Need::Optional || !WITH_DEFAULT.contains(&field.column) {
                        continue;
                    }
                    Tells::Value(Json::Null)
                }
                // That a host does not answer is no person's word.
                _ if field.column == "status" && value.as_str() == Some(UNREACHABLE) => Tells::Value(ACTIVE.into()),
                _ => Tells::Value(value.clone()),
            };
            cells.push(Cell { column, rule: input.rule, tells });
        }
        if let Some(cloud) = record.shown.get("cloud_id").and_then(Json::as_i64) {
            self.clouds.insert(at, cloud);
        }
        let nth = self.tell_apart(described, at, &mut cells);
        self.rows.push(Row { sheet, at: Some(at), above, nth, cells });
    }

    /// What is told of a row that another one names.
    fn reference(
        &mut self,
        sheet: &Sheet,
        kind: &str,
        field: &'static crate::catalog::Field,
        value: &Json,
        at: At,
        above: Option<At>,
    ) -> Option<Tells> {
        let other = of_kind(kind)?;
        let id = value.as_i64()?;
        let target = At { sheet: other, row: self.book.by_id(other, id)? };
        if self.hidden.contains(&target) {
            return None;
        }
        // The cloud follows from the place.
        let follows = field.column == "cloud_id"
            && above.is_some_and(|above| above != target && self.clouds.get(&above) == Some(&id));
        if follows && sheet.level(field).is_some() {
            return None;
        }
        let path = self.book.clear_path(target)?;
        let is_above = above == Some(target) && sheet.level(field).is_some() && target.sheet != at.sheet;
        Some(if is_above { Tells::Above(path) } else { Tells::Row(path) })
    }

    /// Sees to it that a row is told from others of its name as an import finds it: by saying that there is nothing above
    /// it where others have something, and by its rank where nothing else helps.
    fn tell_apart(&self, sheet: &Sheet, at: At, cells: &mut Vec<Cell>) -> Option<usize> {
        let known = self.book.known(at);
        let code = if sheet.has_code() { known.code.as_deref() } else { None };
        let (label, everywhere) = match code {
            Some(code) => (Label::Code(code), sheet.named == Named::ByOnlyCode),
            None => (Label::Name(&known.name), sheet.above.is_empty()),
        };
        if everywhere {
            return self.rank(&self.book.candidates(at.sheet, label, &[]), at);
        }
        let told = |cells: &[Cell], level: usize| {
            let (_, field) = sheet.form.input(sheet.above[level])?;
            let column = sheet.columns().find(|(_, _, other)| other.name == field.name)?.0;
            let cell = cells.iter().find(|cell| cell.column == column)?;
            Some((level, if matches!(cell.tells, Tells::Value(_)) { None } else { known.above[level] }))
        };
        let above = |cells: &[Cell]| (0..sheet.above.len()).filter_map(|level| told(cells, level)).collect::<Vec<_>>();
        let mut candidates = self.book.candidates(at.sheet, label, &above(cells));
        for level in 0..sheet.above.len() {
            if candidates == [at.row] {
                return None;
            }
            if known.above[level].is_none() {
                let Some((_, field)) = sheet.form.input(sheet.above[level]) else { continue };
                let Some((column, input, _)) = sheet.columns().find(|(_, _, other)| other.name == field.name) else {
                    continue;
                };
                cells.push(Cell { column, rule: input.rule, tells: Tells::Value(Json::Null) });
                candidates = self.book.candidates(at.sheet, label, &above(cells));
            }
        }
        self.rank(&candidates, at)
    }

    /// The place of a row among several.
    fn rank(&self, candidates: &[usize], at: At) -> Option<usize> {
        if candidates.len() < 2 {
            return None;
        }
        candidates.iter().position(|row| *row == at.row).map(|place| place + 1)
    }

    /// What stands on a resource.
    fn attached(&mut self, sheet: usize, record: &Record, said: &HashSet<(String, i64)>) {
        let form = SHEETS[sheet].form;
        let kind = form.kind.name;
        let origin = record.shown.get("origin").and_then(Json::as_str).unwrap_or("person");
        let resource = match form.attached() {
            Some((type_column, id_column)) => {
                (record.shown[type_column].as_str().unwrap_or_default().to_owned(), record.shown[id_column].as_i64())
            }
            None => ("compute".to_owned(), record.shown["compute_id"].as_i64()),
        };
        let (word, Some(id)) = resource else { return };
        let entered = match origin {
            "person" => true,
            LEGACY if kind == "tag" => true,
            "legacy" => said.contains(&(word.clone(), id)),
            _ => false,
        };
        if !entered {
            return;
        }
        let on = super::super::sheet::find(&word)
            .and_then(|other| Some(At { sheet: other, row: self.book.by_id(other, id)? }))
            .filter(|on| !self.hidden.contains(on));
        let Some((on, path)) = on.and_then(|on| Some((on, self.book.clear_path(on)?))) else {
            *self.left_out.entry(kind).or_default() += 1;
            return;
        };
        let mut cells = Vec::new();
        for (column, input, field) in SHEETS[sheet].columns() {
            let value = match (kind, field.column) {
                // What a person declared, and not what was measured.
                ("environmentassociation", "allocated_percentage") => &record.shown["declared_percentage"],
                _ => &record.shown[field.column],
            };
            let is_resource = form.attached().map_or("compute_id", |(_, column)| column) == field.column;
            let tells = match input.rule {
                _ if is_resource => Tells::Above(path.clone()),
                Rule::Reference(other) => {
                    let target = of_kind(other)
                        .and_then(|other| Some(At { sheet: other, row: self.book.by_id(other, value.as_i64()?)? }));
                    match target.and_then(|target| self.book.clear_path(target)) {
                        Some(path) => Tells::Row(path),
                        None => continue,
                    }
                }
                // The first association of a resource is its primary one without a word.
                Rule::Bool if *value == Json::Bool(false) => continue,
                _ if value.is_null() => continue,
                _ => Tells::Value(value.clone()),
            };
            cells.push(Cell { column, rule: input.rule, tells });
        }
        self.rows.push(Row { sheet, at: None, above: Some(on), nth: None, cells });
    }
}

/// Whether a column holds what discovery wrote there. What a row is called is told in any case.
fn is_discovered(kind: &str, column: &str, own: &Json, value: &Json) -> bool {
    let fills = if kind == "compute" { compute::is_filled(column) } else { container::is_filled(column) };
    let same = match value {
        // Truth values are stored as numbers.
        Json::Bool(flag) => own.as_i64() == Some(i64::from(*flag)),
        value => own == value,
    };
    column != "name" && fills && same
}

fn key_value(shown: &Json) -> Value {
    match shown {
        Json::Number(number) => number.as_i64().into(),
        Json::String(text) => text.into(),
        _ => Value::Null,
    }
}
