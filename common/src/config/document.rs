//! Reads a TOML document with the line of each key, and goes on behind a mistake of syntax.

use std::{borrow::Cow, collections::BTreeMap, ops::Range};

use serde::Deserialize as _;
use toml::{
    Spanned, Table,
    de::{DeTable, DeValue, Deserializer},
};

/// What a document holds, as far as it could be read.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) table: Table,
    /// Line of each key, counted from 1; `kubernetes[0].issuer` for a key in a list.
    pub(super) lines: BTreeMap<String, usize>,
    /// Mistakes of syntax, each with its line.
    pub(super) mistakes: Vec<(usize, String)>,
}

impl Document {
    pub(super) fn read(text: &str) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let at = |span: Range<usize>| line(text, span.start);
        let mut mistakes: Vec<(usize, String)> =
            errors.iter().map(|error| (error.span().map_or(1, at), error.message().to_owned())).collect();
        mistakes.sort();
        mistakes.dedup_by_key(|(line, _)| *line);
        let mut lines = BTreeMap::new();
        note_table(text, "", root.get_ref(), &mut lines);
        let table = Table::deserialize(Deserializer::from(root)).unwrap_or_else(|error| {
            // A value that the grammar lets through and no type holds, such as a number of fifty digits.
            mistakes.push((error.span().map_or(1, at), error.message().to_owned()));
            Table::new()
        });
        Self { table, lines, mistakes }
    }
}

fn note_table(text: &str, prefix: &str, table: &DeTable<'_>, lines: &mut BTreeMap<String, usize>) {
    for (key, value) in table.iter() {
        let name: &Cow<'_, str> = key.get_ref();
        let path = if prefix.is_empty() { name.to_string() } else { format!("{prefix}.{name}") };
        lines.insert(path.clone(), line(text, key.span().start));
        note_value(text, &path, value, lines);
    }
}

fn note_value(text: &str, path: &str, value: &Spanned<DeValue<'_>>, lines: &mut BTreeMap<String, usize>) {
    match value.get_ref() {
        DeValue::Table(table) => note_table(text, path, table, lines),
        DeValue::Array(array) => {
            for (index, item) in array.iter().enumerate() {
                let path = format!("{path}[{index}]");
                lines.insert(path.clone(), line(text, item.span().start));
                note_value(text, &path, item, lines);
            }
        }
        _ => {}
    }
}

fn line(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_line() {
        let text = "a = 1\n\n[log]\nlevel = 'x' # comment\n[[k]]\nn = 1\n[[k]]\nn = [\n 1,\n 2]\n";
        let Document { lines, mistakes, table } = Document::read(text);
        let expected = [
            ("a", 1),
            ("k", 5),
            ("k[0]", 5),
            ("k[0].n", 6),
            ("k[1]", 7),
            ("k[1].n", 8),
            ("k[1].n[0]", 9),
            ("k[1].n[1]", 10),
            ("log", 3),
            ("log.level", 4),
        ];
        assert_eq!(lines.iter().map(|(key, line)| (key.as_str(), *line)).collect::<Vec<_>>(), expected);
        assert_eq!((mistakes, table.len()), (Vec::new(), 3));
    }

    #[test]
    fn every_mistake_of_syntax_is_found_and_the_rest_is_read() {
        let Document { table, mistakes, .. } = Document::read("good = 1\na = \nb = 'x\nlast = 2\n");
        assert_eq!(mistakes.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3], "{mistakes:?}");
        assert_eq!(table.get("good").and_then(toml::Value::as_integer), Some(1));
        assert_eq!(table.get("last").and_then(toml::Value::as_integer), Some(2));
    }
}
