//! All tags as one table: ours, and those of the existing inventory's own `tags`, which are read and never written.
//!
//! A tag of ours with the same key on the same resource hides the existing one. Where the existing table holds a key
//! twice, the newer row counts.

use crate::{catalog::Kind, store::Dialect};

/// The origin of a tag of the existing inventory.
pub(crate) const LEGACY: &str = "legacy";

/// What a statement reads the rows of a kind from, to be followed by an alias.
pub(super) fn table_of(kind: &Kind, dialect: Dialect) -> String {
    if kind.name == "tag" { tag_rows(dialect) } else { kind.table.to_owned() }
}

/// The derived table of all tags, with the columns of `resource_tags`.
pub(crate) fn tag_rows(dialect: Dialect) -> String {
    // Character sets and collations of an existing table are its own; ours tell capital letters from small ones.
    let text = |sql: &str| match dialect {
        Dialect::Sqlite => sql.to_owned(),
        Dialect::MySql => format!("CONVERT({sql} USING utf8mb4) COLLATE utf8mb4_bin"),
    };
    let word = text("CASE UPPER(l.entity_type) WHEN 'AZ' THEN 'availability_zone' ELSE LOWER(l.entity_type) END");
    let (key, value, newer) = (text("l.key_name"), text("l.value"), text("n.key_name"));
    // Keys may be unsigned there; both halves must have one type.
    let id = match dialect {
        Dialect::Sqlite => "l.entity_id",
        Dialect::MySql => "CAST(l.entity_id AS SIGNED)",
    };
    format!(
        "(SELECT o.resource_type, o.resource_id, o.tag_key, o.tag_value, o.origin FROM resource_tags o \
         UNION ALL SELECT {word}, {id}, {key}, {value}, 'legacy' FROM tags l \
         WHERE NOT EXISTS (SELECT 1 FROM resource_tags r WHERE r.resource_type = {word} AND r.resource_id = {id} \
         AND r.tag_key = {key}) \
         AND NOT EXISTS (SELECT 1 FROM tags n WHERE n.entity_type = l.entity_type AND n.entity_id = l.entity_id \
         AND {newer} = {key} AND n.id > l.id))"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::query::resource::After;
    use crate::{
        query::{
            Context, ListRequest, Tag, get, list,
            nested::{self, Limits},
            testing::{now, on_both, places, run},
        },
        store::Db,
    };

    on_both!(
        tags_of_the_existing_inventory_are_listed_and_paged,
        a_tag_of_ours_hides_the_existing_one,
        a_nested_query_finds_them,
    );

    async fn seeded(db: &Db) {
        places(db).await;
        let sql = "INSERT INTO tags (key_name, value, entity_type, entity_id) VALUES ('owner', 'old', 'DATACENTER', 1), \
                   ('owner', 'platform', 'DATACENTER', 1), ('Owner', 'another key', 'DATACENTER', 1), \
                   ('tier', 'gold', 'AZ', 1)";
        run(db, sql, vec![]).await;
        let sql = "INSERT INTO resource_tags (resource_type, resource_id, tag_key, tag_value) VALUES \
                   ('datacenter', 1, 'room', '7'), ('cloud', 1, 'owner', 'x')";
        run(db, sql, vec![]).await;
    }

    async fn tags(db: &Db, parameters: &[(&str, &str)]) -> Vec<String> {
        let parameters: Vec<_> =
            parameters.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let context = Context::of(db, now());
        let mut request = ListRequest::parse::<Tag>(&context, &parameters).unwrap();
        request.limit = 2;
        let mut found = Vec::new();
        loop {
            let page = list::<Tag>(db, now(), &request).await.unwrap();
            let shown = |tag: &Tag| {
                let Tag { resource_type, resource_id, tag_key, tag_value, origin } = tag;
                format!("{resource_type} {resource_id} {tag_key}={tag_value} {origin}")
            };
            found.extend(page.items.iter().map(shown));
            if page.next.is_none() {
                return found;
            }
            request.after =
                page.items.last().map(|tag| After { compared: Vec::new(), key: crate::query::Resource::key(tag) });
        }
    }

    async fn tags_of_the_existing_inventory_are_listed_and_paged(db: &Db) {
        seeded(db).await;
        let all = [
            "availability_zone 1 tier=gold legacy",
            "cloud 1 owner=x person",
            "datacenter 1 Owner=another key legacy",
            "datacenter 1 owner=platform legacy",
            "datacenter 1 room=7 person",
        ];
        assert_eq!(tags(db, &[]).await, all);
        assert_eq!(tags(db, &[("origin", LEGACY), ("key", "tier")]).await, all[..1]);
        assert_eq!(tags(db, &[("resourceType", "datacenter"), ("resourceId", "1")]).await, all[2..]);
        let one = get::<Tag>(db, now(), vec!["availability_zone".into(), 1_i64.into(), "tier".into()]).await.unwrap();
        assert_eq!(one.map(|tag| tag.tag_value).as_deref(), Some("gold"));
    }

    async fn a_tag_of_ours_hides_the_existing_one(db: &Db) {
        seeded(db).await;
        let sql = "INSERT INTO resource_tags (resource_type, resource_id, tag_key, tag_value) VALUES ('datacenter', 1, 'owner', 'ours')";
        run(db, sql, vec![]).await;
        let found = tags(db, &[("resourceType", "datacenter"), ("key", "owner")]).await;
        assert_eq!(found, ["datacenter 1 owner=ours person"]);
    }

    async fn a_nested_query_finds_them(db: &Db) {
        seeded(db).await;
        let query = json!({
            "kind": "datacenter", "select": ["name"],
            "include": [{ "kind": "tag", "select": ["tagKey", "tagValue"], "criteria": { "origin": LEGACY }, "sort": ["tagKey"] }],
        });
        let plan = nested::parse(&query, Limits::default()).unwrap();
        let answer = nested::run(db, &plan).await.unwrap();
        assert_eq!(answer.statements, 2);
        let mut found: Vec<Json> = answer.data[0]["tags"].as_array().unwrap().clone();
        found.sort_by_key(|tag| tag["tagValue"].to_string());
        assert_eq!(
            found,
            [
                json!({ "tagKey": "Owner", "tagValue": "another key" }),
                json!({ "tagKey": "owner", "tagValue": "platform" })
            ]
        );
    }
}
