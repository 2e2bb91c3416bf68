//! Levels that are not read now: the answer holds a key with which they can be asked for later.
//!
//! A key is the request of that level for one parent, in base64url. It grants nothing: it is parsed and checked like
//! every other request.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value as Json, json};

use super::{
    QueryError,
    parse::{AS_OF, Level},
};
use crate::catalog::{Kind, Link};

/// Member of a request that holds a key instead of everything else.
pub(super) const MEMBER: &str = "lazyLoadKey";

/// Makes the key for the rows of `include` below the row of `above` whose key is given; null where there are none.
/// As of the past, the key is as of the same change.
pub(super) fn key(
    above: &'static Kind,
    include: &Level,
    request: &Map<String, Json>,
    parent: Option<i64>,
    past: Option<i64>,
) -> Json {
    let Some(parent) = parent else { return Json::Null };
    let mut request = request.clone();
    request.remove("lazy");
    let own = request.remove("criteria").filter(Json::is_object).unwrap_or_else(|| json!({}));
    let hung = match include.link {
        Some(Link::Below { column }) => json!({ field_of(include.kind, column): parent }),
        Some(Link::Above { .. }) => json!({ field_of(include.kind, include.kind.key): parent }),
        Some(Link::Attached { kind_column, id_column }) => json!({
            field_of(include.kind, kind_column): above.resource_type,
            field_of(include.kind, id_column): parent,
        }),
        None => json!({}),
    };
    request.insert("criteria".to_owned(), json!({ "$and": [own, hung] }));
    request.extend(past.map(|sequence| (AS_OF.to_owned(), sequence.into())));
    URL_SAFE_NO_PAD.encode(Json::Object(request).to_string()).into()
}

/// The request that a key stands for.
pub(super) fn request(key: &Json) -> Result<Json, QueryError> {
    let wrong = || QueryError::invalid("malformed", MEMBER, "is not a key of an earlier answer");
    let bytes = key.as_str().and_then(|key| URL_SAFE_NO_PAD.decode(key).ok()).ok_or_else(wrong)?;
    serde_json::from_slice(&bytes).map_err(|_| wrong())
}

/// Name of the field that shows a column; every column of a link is one (see the test of the catalog).
fn field_of(kind: &'static Kind, column: &str) -> &'static str {
    kind.fields.iter().find(|field| field.column == column).map_or("id", |field| field.name)
}
