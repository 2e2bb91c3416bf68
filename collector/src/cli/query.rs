//! `query`: the nested query from the command line.

mod locate;

use std::{
    io::{self, Read as _},
    path::PathBuf,
};

use anyhow::Context as _;
use orchestrix_common::time::{Clock as _, SystemClock};
use serde_json::{Map, Value as Json};

use self::locate::{line_and_column, locate};
use super::{
    DatabaseArgs, UsageError,
    output::{self, Output},
    text::plain,
};
use crate::query::{
    as_of::AsOf,
    nested::{self, Limits, QueryError},
};

/// Characters of a cell of the table.
const CELL: usize = 48;
/// Characters of the line that is shown with an error, on each side of the place.
const AROUND: usize = 60;

/// Flags of `query`.
#[derive(Debug, clap::Args)]
#[command(after_help = r#"Examples:
  orchestrix-collector query '{"kind": "compute", "select": ["name", "status"], "sort": ["name"]}'
  orchestrix-collector query --file query.json -o json | jq '.[].clouds'
  echo '{"kind": "partner", "include": [{"kind": "cloud"}]}' | orchestrix-collector query
  orchestrix-collector query --as-of 2026-03-01T12:00:00Z '{"kind": "datacenter"}'

The form is that of POST /api/v1/query: kind, criteria, select, sort, page, include. As a table, what was included stands
indented under its parent; -o json prints it as it is."#)]
pub struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The query as JSON; without it, and without --file, it is read from standard input
    #[arg(conflicts_with = "file")]
    request: Option<String>,
    /// File that holds the query; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The inventory as it was: a time like 2026-03-01T12:00:00Z, or the number of a change
    #[arg(long, value_name = "TIME|SEQUENCE", value_parser = super::tree::point)]
    as_of: Option<AsOf>,
    /// Form of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let text = text(args.request.as_deref(), args.file.as_ref())?;
    let mut request: Json = serde_json::from_str(&text).map_err(|error| {
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default();
        UsageError(pointed(&text, error.line(), error.column().max(1), what))
    })?;
    if let (Some(point), Some(members)) = (args.as_of, request.as_object_mut()) {
        let point = match point {
            AsOf::Time(time) => Json::from(time.to_string()),
            AsOf::Sequence(sequence) => Json::from(sequence),
        };
        members.insert("asOf".to_owned(), point);
    }
    let (_, db) = args.database.open_current().await?;
    let answer = nested::answer(&db, SystemClock.now(), &request, Limits::default()).await;
    let answer = answer.map_err(|error| explained(&text, error))?;
    match args.output {
        Output::Json => output::print_json(&answer.data),
        Output::Table => output::print(&draw(&answer.data)),
    }
}

fn text(request: Option<&str>, file: Option<&PathBuf>) -> anyhow::Result<String> {
    match (request, file) {
        (Some(request), _) if request != "-" => Ok(request.to_owned()),
        (None, Some(file)) if file.as_os_str() != "-" => {
            std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))
        }
        _ => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).context("read the query from standard input")?;
            Ok(text)
        }
    }
}

/// An error of a query with its place in the text.
fn explained(text: &str, error: QueryError) -> anyhow::Error {
    let QueryError::Invalid { code, field, message } = &error else { return error.into() };
    let place = locate(text, field);
    // A name that is wrong is to blame itself; kinds and fields of a list are values.
    let named = matches!(*code, "unknown-field" | "unknown-member" | "unknown-operator");
    let (line, column) = line_and_column(text, if named { place.name } else { place.value });
    let what = if field.is_empty() { message.clone() } else { format!("{field}: {message}") };
    UsageError(pointed(text, line, column, &what)).into()
}

/// A message with the line that it is about, and a caret under the column.
fn pointed(text: &str, line: usize, column: usize, what: &str) -> String {
    let letters: Vec<char> = text.lines().nth(line.saturating_sub(1)).unwrap_or_default().chars().collect();
    let from = column.saturating_sub(1 + AROUND);
    let shown = |range: &[char]| plain(&range.iter().collect::<String>(), 4 * AROUND);
    let middle = (column - 1).min(letters.len());
    let before = shown(letters.get(from..middle).unwrap_or_default());
    let after = shown(letters.get(middle..(middle + AROUND).min(letters.len())).unwrap_or_default());
    let mark = " ".repeat(before.chars().count());
    format!("line {line}, column {column}: {what}\n  {before}{after}\n  {mark}^")
}

/// Rows as tables: the root's, and under each row what was included, indented.
fn draw(rows: &[Json]) -> String {
    if rows.is_empty() {
        return "Nothing found.".to_owned();
    }
    let mut out = String::new();
    level(rows, "", &mut out);
    out.push_str(&format!("\n{} row{}\n", rows.len(), if rows.len() == 1 { "" } else { "s" }));
    out
}

fn level(rows: &[Json], indent: &str, out: &mut String) {
    let empty = Map::new();
    let rows: Vec<&Map<String, Json>> = rows.iter().map(|row| row.as_object().unwrap_or(&empty)).collect();
    // An included level is a list of objects; a list of anything else is a value.
    let is_level = |value: &Json| value.as_array().is_some_and(|list| list.iter().all(Json::is_object));
    let is_lazy = |value: &Json| value.get("lazyLoadKey").is_some();
    let mut columns: Vec<&str> = Vec::new();
    for row in &rows {
        for (name, value) in *row {
            let known = columns.contains(&name.as_str());
            // A column without any value in it tells nothing.
            if !known && !is_level(value) && !is_lazy(value) && !value.is_null() {
                columns.push(name);
            }
        }
    }
    let mut table = output::table(&columns);
    for row in &rows {
        table.add_row(columns.iter().map(|name| cell(row.get(*name))));
    }
    let lines: Vec<String> = table.lines().collect();
    let mut lines = lines.iter();
    let mut push = |line: Option<&String>| {
        if let Some(line) = line {
            out.push_str(&format!("{indent}{}\n", line.trim_end()));
        }
    };
    push(lines.next());
    for row in rows {
        push(lines.next());
        for (name, value) in row {
            if is_level(value) && value.as_array().is_some_and(|list| !list.is_empty()) {
                let below = format!("{indent}    ");
                let mut text = String::new();
                level(value.as_array().map(Vec::as_slice).unwrap_or_default(), &below, &mut text);
                push(Some(&format!("  {name}")));
                for line in text.lines() {
                    push(Some(&line.strip_prefix(indent).unwrap_or(line).to_owned()));
                }
            }
        }
    }
}

fn cell(value: Option<&Json>) -> String {
    match value {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => plain(text, CELL),
        Some(value) => plain(&value.to_string(), CELL),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_points_to_its_place() {
        let text = "{\n  \"kind\": \"compute\",\n  \"criteria\": {\"größe\": 1, \"statsu\": \"ACTIVE\"}\n}";
        let request: Json = serde_json::from_str(text).unwrap();
        let error = nested::parse(&request, Limits::default()).unwrap_err();
        let told = explained(text, error).to_string();
        assert!(told.starts_with("line 3, column 16: criteria.größe: there is no"), "{told}");
        let [_, shown, caret] = told.lines().collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(shown.chars().nth(caret.chars().count() - 1), Some('"'), "{told}");
    }

    #[test]
    fn a_syntax_error_points_to_its_place_and_hostile_text_is_harmless() {
        let told = pointed("{\"a\u{1b}\": }", 1, 8, "expected value");
        assert_eq!(told, "line 1, column 8: expected value\n  {\"a\\u{1b}\": }\n              ^");
    }

    #[test]
    fn included_rows_stand_under_their_parent() {
        let rows = [
            json!({ "name": "self", "roles": ["owner"], "note": null, "clouds": [
                { "name": "private", "regions": [{ "code": "north" }, { "code": "south" }] },
                { "name": "public", "regions": [] },
            ] }),
            json!({ "name": "other\u{1b}[2J", "roles": null, "note": null, "clouds": [] }),
        ];
        insta::assert_snapshot!("nested_rows", draw(&rows));
    }
}
