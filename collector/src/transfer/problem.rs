//! What is wrong with a file: where, what, and what would be right.

use std::fmt;

use serde::Serialize;

/// A place in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    /// Number of the file.
    pub(crate) file: usize,
    /// From 1; zero when it is about the whole file.
    pub(crate) line: usize,
    /// Number of the cell in its row, or of the letter in its line, from 1; zero when it is about the whole line.
    pub(crate) column: usize,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The file, as it was named; `-` is standard input.
    pub file: String,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The cell of the row, or the letter of the line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What the column is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Stable word for programs.
    pub code: &'static str,
    /// What is wrong with it.
    pub reason: String,
    /// What would be right.
    pub expected: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, field, value, code: _, reason, expected } = self;
        f.write_str(file)?;
        if let Some(line) = line {
            write!(f, ":{line}")?;
        }
        match (column, field.as_ref().filter(|field| !field.is_empty())) {
            (Some(column), Some(field)) => write!(f, ": column {column} ({field})")?,
            (Some(column), None) => write!(f, ": column {column}")?,
            (None, Some(field)) => write!(f, ": {field}")?,
            (None, None) => {}
        }
        // Most reasons hold the value already.
        match value {
            Some(value) if !reason.contains(&format!("{value:?}")) => write!(f, " {value:?}")?,
            _ => {}
        }
        write!(f, ": {reason}; expected {expected}")
    }
}

/// Characters of a value that are shown.
const SHOWN: usize = 64;

/// Cuts a value short for an error.
pub(crate) fn shortened(value: &str) -> String {
    value.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_file_line_column_value_and_what_is_right() {
        let problem = Problem {
            file: "computes.csv".into(),
            line: Some(12),
            column: Some(5),
            field: Some("ipAddress".into()),
            value: Some("10.0.0.300".into()),
            code: "malformed",
            reason: "is \"10.0.0.300\"".into(),
            expected: "an IPv4 or IPv6 address".into(),
        };
        assert_eq!(
            problem.to_string(),
            "computes.csv:12: column 5 (ipAddress): is \"10.0.0.300\"; expected an IPv4 or IPv6 address"
        );
        let long = Problem { reason: "has 300 characters".into(), value: Some("xxx".into()), ..problem };
        assert!(long.to_string().contains("(ipAddress) \"xxx\": has 300 characters;"), "{long}");
    }
}
