//! The history entry of a change of one row of the catalog, made from the row before and after.

use orchestrix_common::time::Timestamp;
use serde_json::{Map, Value as Json};

use super::{
    history::{Actor, HistoryKind, HistoryRow},
    stored::Stored,
};
use crate::{
    catalog::{FieldKind, Kind},
    connection,
};

/// Columns that are not worth an entry: they follow another change, or are measured anew all the time.
const FOLLOWING: [&str; 3] = ["updated_at", "connected_at_us", "reported_at_us"];
/// Columns that name a resource, the first one that holds something.
const NAMES: [&str; 8] =
    ["name", "workload_name", "hostname", "tag_key", "capability_type", "host", "resource_type", "id"];

/// A row before and after a change; an empty one is not there.
#[derive(Debug)]
pub(crate) struct RowChange {
    pub(crate) kind: &'static Kind,
    pub(crate) before: Stored,
    pub(crate) after: Stored,
}

impl RowChange {
    /// The entry that tells of it: what differs, and the whole row before. `None` when nothing worth telling differs.
    pub(crate) fn entry(self, actor: &Actor, at: Timestamp) -> Option<HistoryRow> {
        let Self { kind, before, after } = self;
        let changed = |column: &str| !FOLLOWING.contains(&column) && before.get(column) != after.get(column);
        if !kind.fields.iter().any(|field| changed(field.column)) {
            return None;
        }
        let row = if after.is_empty() { &before } else { &after };
        let (resource_id, resource_key) = kind.history_key(row);
        let name = NAMES.iter().find_map(|name| row.get(*name).and_then(Json::as_str));
        let compute_column = if kind.name == "compute" { kind.key } else { "compute_id" };
        Some(HistoryRow {
            happened_at: at,
            actor: actor.clone(),
            kind: match (before.is_empty(), after.is_empty()) {
                (true, _) => HistoryKind::Appeared,
                (_, true) => HistoryKind::Ended,
                _ => HistoryKind::Altered,
            },
            resource_type: kind.history_type(),
            resource_id,
            resource_key,
            resource_name: name.unwrap_or_default().to_owned(),
            compute_id: row.get(compute_column).and_then(Json::as_i64),
            source: None,
            before: told(kind, &before, changed),
            after: told(kind, &after, changed),
            before_row: Some(before),
        })
    }
}

/// The columns that differ, by field; `None` when there is no row.
fn told(kind: &Kind, row: &Stored, changed: impl Fn(&str) -> bool) -> Option<Json> {
    let fields = kind.fields.iter().filter(|field| changed(field.column));
    let told: Map<String, Json> =
        fields.map(|field| (field.name.to_owned(), shown(field.kind, row.get(field.column)))).collect();
    (!row.is_empty()).then_some(Json::Object(told))
}

/// A stored value as people read it.
fn shown(kind: FieldKind, value: Option<&Json>) -> Json {
    let Some(value) = value else { return Json::Null };
    match (kind, value) {
        (FieldKind::Bool, Json::Number(number)) => (number.as_i64() != Some(0)).into(),
        (FieldKind::Micros, Json::Number(number)) => {
            number.as_i64().map(|micros| Timestamp::from_micros(micros).to_string()).into()
        }
        (FieldKind::DateTime, Json::String(text)) => format!("{}Z", text.replacen(' ', "T", 1)).into(),
        (FieldKind::Json, Json::String(text)) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        (FieldKind::Connection, Json::String(text)) => {
            connection::masked(&serde_json::from_str(text).unwrap_or_else(|_| value.clone()))
        }
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::AGENT;

    fn row(json: &Json) -> Stored {
        json.as_object().unwrap().clone()
    }

    fn entry(kind: &'static Kind, before: &Json, after: &Json) -> Option<HistoryRow> {
        let change = RowChange { kind, before: row(before), after: row(after) };
        change.entry(&Actor::collector("test"), Timestamp::from_secs(1))
    }

    #[test]
    fn an_entry_tells_what_differs_and_keeps_the_whole_row() {
        let before = json!({ "id": "0190", "compute_id": 7, "hostname": "web", "reachable": 1 });
        let after = json!({ "id": "0190", "compute_id": 7, "hostname": "web", "reachable": 0 });
        let entry = entry(&AGENT, &before, &after).unwrap();
        assert_eq!(
            (entry.before, entry.after),
            (Some(json!({ "reachable": true })), Some(json!({ "reachable": false })))
        );
        assert_eq!((entry.resource_id, entry.resource_key.as_str(), entry.compute_id), (7, "0190", Some(7)));
        assert_eq!(entry.before_row, Some(row(&before)));
    }

    #[test]
    fn what_only_follows_other_changes_is_not_worth_an_entry() {
        let agent = |reported: i64| json!({ "id": "0190", "reported_at_us": reported });
        assert!(entry(&AGENT, &agent(1), &agent(2)).is_none());
    }

    #[test]
    fn a_row_that_comes_or_goes_has_one_side() {
        let tag = json!({ "resource_type": "compute", "resource_id": 7, "tag_key": "owner", "tag_value": "web" });
        let appeared = entry(Kind::find("tag").unwrap(), &json!({}), &tag).unwrap();
        assert_eq!(
            (appeared.kind, appeared.before, appeared.before_row),
            (HistoryKind::Appeared, None, Some(Stored::new()))
        );
        let ended = entry(Kind::find("tag").unwrap(), &tag, &json!({})).unwrap();
        assert_eq!((ended.kind, ended.after, ended.resource_name.as_str()), (HistoryKind::Ended, None, "owner"));
    }
}
