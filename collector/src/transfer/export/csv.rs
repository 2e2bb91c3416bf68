//! Rows as spreadsheets: commas, CRLF, and a mark in front of what a spreadsheet would take for a formula.

use csv::{Terminator, WriterBuilder};
use serde_json::Value as Json;

use super::{
    super::{
        cell::{CLEAR, guarded, written},
        sheet::SHEETS,
    },
    Cell, Row, Tells,
};

/// One spreadsheet of all rows. Columns that no row fills are left out.
pub(super) fn one(rows: &[Row]) -> Result<Vec<u8>, String> {
    let mut columns: Vec<&'static str> = Vec::new();
    for sheet in &SHEETS {
        for (name, ..) in sheet.columns() {
            let filled = || rows.iter().any(|row| row.cells.iter().any(|cell| cell.column == name));
            if !columns.contains(&name) && filled() {
                columns.push(name);
            }
        }
    }
    let rows: Vec<&Row> = rows.iter().collect();
    table(&rows, &columns, true)
}

/// A spreadsheet for each kind, with all columns of the kind; one without rows is there to be filled.
pub(super) fn each(rows: &[Row]) -> Result<Vec<(&'static str, Vec<u8>)>, String> {
    let mut files = Vec::new();
    for (at, sheet) in SHEETS.iter().enumerate() {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.sheet == at).collect();
        let columns: Vec<&str> = sheet.columns().map(|(name, ..)| name).collect();
        files.push((sheet.form.kind.list, table(&rows, &columns, false)?));
    }
    Ok(files)
}

fn table(rows: &[&Row], columns: &[&'static str], with_kind: bool) -> Result<Vec<u8>, String> {
    let nth = rows.iter().any(|row| row.nth.is_some());
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    let told = |error: csv::Error| error.to_string();
    let header = with_kind.then_some("kind").into_iter().chain(columns.iter().copied()).chain(nth.then_some("nth"));
    writer.write_record(header).map_err(told)?;
    for row in rows {
        let mut record: Vec<String> = Vec::with_capacity(columns.len() + 2);
        if with_kind {
            record.push(SHEETS[row.sheet].form.kind.name.to_owned());
        }
        for column in columns {
            record.push(row.cells.iter().find(|cell| cell.column == *column).map(text).unwrap_or_default());
        }
        if nth {
            record.push(row.nth.map(|nth| nth.to_string()).unwrap_or_default());
        }
        writer.write_record(&record).map_err(told)?;
    }
    writer.into_inner().map_err(|error| error.to_string())
}

fn text(cell: &Cell) -> String {
    match &cell.tells {
        Tells::Value(Json::Null) => CLEAR.to_owned(),
        Tells::Value(value) => written(cell.rule, value),
        Tells::Row(path) | Tells::Above(path) => guarded(path),
    }
}
