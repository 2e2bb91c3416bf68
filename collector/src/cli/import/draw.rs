//! What an import did, as lines for people; and the columns that files may have.

use std::fmt::Write as _;

use serde::Serialize;

use super::super::{
    UsageError,
    output::{self, Output},
    text::{Paint, plain},
};
use crate::{
    catalog::nearest,
    edit::{
        form::{Need, Rule},
        rule,
    },
    transfer::{
        Report, RowReport,
        sheet::{self, SHEETS},
    },
};

/// Rows that are told one by one.
const ROWS: usize = 200;
/// Characters of a path, of a value and of a problem.
const PATH: usize = 120;
const VALUE: usize = 48;
const PROBLEM: usize = 600;

/// What was done, or would be.
pub(super) fn report(report: &Report, paint: Paint) -> String {
    let mut out = String::new();
    let news: Vec<&RowReport> = report.rows.iter().filter(|row| row.action != "left").collect();
    for row in news.iter().take(ROWS) {
        let action = if row.action == "made" { paint.good("made   ") } else { paint.warn("changed") };
        let _ = write!(out, "{action}  {:<22}  {}", row.kind, plain(&row.path, PATH));
        for (field, change) in &row.changes {
            let value = |value: &serde_json::Value| plain(&value.to_string(), VALUE);
            let _ = write!(out, "  {field}: {} → {}", value(&change.before), value(&change.after));
        }
        out.push('\n');
    }
    if news.len() > ROWS {
        let _ = writeln!(out, "… and {} more; -o json tells all of them", news.len() - ROWS);
    }
    if !news.is_empty() {
        out.push('\n');
    }
    let mut table = output::table(&["KIND", "MADE", "CHANGED", "LEFT"]);
    for counts in &report.counts {
        let number = |count: usize| count.to_string();
        table.add_row([counts.kind.to_owned(), number(counts.made), number(counts.changed), number(counts.left)]);
    }
    if report.counts.is_empty() {
        out.push_str("The files hold no rows.\n");
    } else {
        let _ = writeln!(out, "{table}");
    }
    for (kind, count) in &report.left_out {
        let _ = writeln!(out, "Not read: {count} of {kind}, which no person enters.");
    }
    out.push_str(match (report.changed(), report.dry_run) {
        (0, _) => "Nothing to do: the inventory holds all of it.",
        (_, true) => "Nothing was written: this was a dry run.",
        (_, false) => "Done.",
    });
    out
}

/// A problem that cannot drive the terminal.
pub(super) fn harmless(problem: &str) -> String {
    plain(problem, PROBLEM)
}

/// A column of a file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Column {
    kind: &'static str,
    column: &'static str,
    needed: bool,
    takes: String,
}

/// The columns of a kind, or of all.
pub(super) fn columns(kind: &str, output: Output) -> anyhow::Result<()> {
    let only = match kind {
        "" => None,
        name => Some(sheet::find(name).ok_or_else(|| {
            let near = nearest(name, SHEETS.iter().map(|sheet| sheet.form.kind.name)).join(", ");
            UsageError(format!("{name:?} is no kind that can be imported; nearest: {near}"))
        })?),
    };
    let mut columns = Vec::new();
    for (at, sheet) in SHEETS.iter().enumerate().filter(|(at, _)| only.is_none_or(|only| only == *at)) {
        let resource = sheet.form.attached().map(|(_, column)| column);
        for (column, input, field) in sheet.columns() {
            let takes = match input.rule {
                Rule::Reference(kind) => format!("the path or the name of a {}", rule::title(kind)),
                _ if resource == Some(field.column) => "the path or the name of what it stands on".to_owned(),
                rule => rule::expected(rule),
            };
            let needed = input.need == Need::Needed;
            columns.push(Column { kind: SHEETS[at].form.kind.name, column, needed, takes });
        }
    }
    match output {
        Output::Json => output::print_json(&columns),
        Output::Table => {
            let mut table = output::table(&["KIND", "COLUMN", "NEEDED", "TAKES"]);
            for Column { kind, column, needed, takes } in &columns {
                table.add_row([*kind, *column, if *needed { "yes" } else { "" }, takes.as_str()]);
            }
            output::print(&table.to_string())
        }
    }
}
