//! Rows as a tree: each stands in what it is in, as in the answers of the nested query.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use super::{
    super::{book::At, sheet::SHEETS},
    Row, Tells,
};

/// The tree. Rows that stand in nothing, or in something that is not written, are at the top.
pub(super) fn tree(rows: &[Row]) -> Json {
    let written: HashMap<At, usize> =
        rows.iter().enumerate().filter_map(|(index, row)| Some((row.at?, index))).collect();
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); rows.len()];
    let mut top = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        match row.above.and_then(|above| written.get(&above)) {
            Some(above) => below[*above].push(index),
            None => top.push(index),
        }
    }
    let mut root = Map::new();
    hang(&mut root, rows, &below, &top, false);
    Json::Object(root)
}

/// Puts rows into lists of their kinds.
fn hang(into: &mut Map<String, Json>, rows: &[Row], below: &[Vec<usize>], which: &[usize], nested: bool) {
    for index in which {
        let row = &rows[*index];
        let mut shown = Map::new();
        for cell in &row.cells {
            let value = match &cell.tells {
                Tells::Value(value) => value.clone(),
                Tells::Above(_) if nested => continue,
                Tells::Row(path) | Tells::Above(path) => path.as_str().into(),
            };
            // What a tag stands on is where it stands.
            if !(nested && row.at.is_none() && matches!(cell.column, "resourceType" | "targetType")) {
                shown.insert(cell.column.to_owned(), value);
            }
        }
        shown.extend(row.nth.map(|nth| ("nth".to_owned(), nth.into())));
        hang(&mut shown, rows, below, &below[*index], true);
        let list = into.entry(SHEETS[row.sheet].form.kind.plural).or_insert_with(|| Json::Array(Vec::new()));
        if let Json::Array(list) = list {
            list.push(Json::Object(shown));
        }
    }
}
