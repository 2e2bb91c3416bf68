//! Reads our own migration files: which tables, columns and indexes each statement adds.
//!
//! The files are ours and plain (a test reads every one of them), so this is no parser of SQL: it knows comments, quotes,
//! brackets, and the three statements that add something. A library for all of SQL would be the collector's largest
//! dependency, for a dozen files.

/// One statement of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// `CREATE TABLE`.
    Create(Create),
    /// `ALTER TABLE`.
    Alter {
        /// The table.
        table: String,
        /// What follows its name, one change each.
        changes: Vec<Change>,
    },
    /// `CREATE INDEX`.
    Index {
        /// Name of the index.
        name: String,
        /// The table.
        table: String,
        /// The statement as it is written.
        sql: String,
    },
    /// Anything else: rows.
    Rows(String),
}

/// A `CREATE TABLE`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Create {
    pub(super) table: String,
    /// Columns and constraints in their order.
    pub(super) items: Vec<Item>,
    /// What follows the closing bracket.
    pub(super) options: String,
}

/// A line of a `CREATE TABLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Column {
        name: String,
        kind: String,
        /// `NOT NULL` and the like.
        rest: String,
    },
    Foreign {
        column: String,
        parent: String,
        key: String,
        text: String,
    },
    Other(String),
}

/// A change of an `ALTER TABLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Column { name: String, text: String },
    Index { name: String, text: String },
    Other(String),
}

/// Takes a file apart.
pub(super) fn read(file: &str) -> Vec<Statement> {
    split(&without_comments(file), ';').iter().map(|text| statement(text)).collect()
}

fn statement(text: &str) -> Statement {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["CREATE", "TABLE", ..] => Statement::Create(create(text)),
        ["ALTER", "TABLE", table, ..] => {
            let changes = text.split_once(table).map_or("", |(_, changes)| changes);
            let changes = split(changes, ',').iter().map(|text| change(text)).collect();
            Statement::Alter { table: (*table).to_owned(), changes }
        }
        ["CREATE", "INDEX", rest @ ..] | ["CREATE", "UNIQUE", "INDEX", rest @ ..] => {
            let rest = rest.strip_prefix(&["IF", "NOT", "EXISTS"]).unwrap_or(rest);
            let name = rest.first().copied().unwrap_or_default().to_owned();
            let table = rest.get(2).map_or("", |word| word.split('(').next().unwrap_or_default()).to_owned();
            Statement::Index { name, table, sql: text.to_owned() }
        }
        _ => Statement::Rows(text.to_owned()),
    }
}

fn create(text: &str) -> Create {
    let (head, body) = text.split_once('(').unwrap_or((text, ""));
    let (body, options) = body.rsplit_once(')').unwrap_or((body, ""));
    Create {
        table: head.split_whitespace().last().unwrap_or_default().to_owned(),
        items: split(body, ',').iter().map(|text| item(text)).collect(),
        options: options.trim().to_owned(),
    }
}

fn item(text: &str) -> Item {
    match text.split_whitespace().next().unwrap_or_default() {
        "FOREIGN" => {
            let mut names = text.split(['(', ')']).map(str::trim);
            let column = names.nth(1).unwrap_or_default().to_owned();
            let parent = names.next().unwrap_or_default().trim_start_matches("REFERENCES").trim().to_owned();
            let key = names.next().unwrap_or_default().to_owned();
            Item::Foreign { column, parent, key, text: text.to_owned() }
        }
        "PRIMARY" | "UNIQUE" | "KEY" | "INDEX" | "CHECK" | "CONSTRAINT" => Item::Other(text.to_owned()),
        name => {
            let rest = text[name.len()..].trim_start();
            // `DECIMAL(5, 2) NOT NULL`: the type ends at the first blank outside of brackets.
            let mut depth = 0_i32;
            let end = rest.find(|letter: char| {
                depth += i32::from(letter == '(') - i32::from(letter == ')');
                depth == 0 && letter.is_whitespace()
            });
            let (kind, rest) = rest.split_at(end.unwrap_or(rest.len()));
            Item::Column { name: name.to_owned(), kind: kind.to_owned(), rest: rest.trim().to_owned() }
        }
    }
}

fn change(text: &str) -> Change {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = text.to_owned();
    match words.as_slice() {
        ["ADD", "COLUMN", "IF", "NOT", "EXISTS", name, ..] | ["ADD", "COLUMN", name, ..] => {
            Change::Column { name: (*name).to_owned(), text }
        }
        ["ADD", "KEY" | "INDEX", name, ..] | ["ADD", "UNIQUE", "KEY" | "INDEX", name, ..] => {
            Change::Index { name: (*name).split('(').next().unwrap_or_default().to_owned(), text }
        }
        _ => Change::Other(text),
    }
}

impl Create {
    /// The statement that makes the table where it is missing.
    pub(super) fn sql(&self) -> String {
        let item = |item: &Item| match item {
            Item::Column { name, kind, rest } => format!("    {name} {kind} {rest}").trim_end().to_owned(),
            Item::Foreign { text, .. } | Item::Other(text) => format!("    {text}"),
        };
        let items: Vec<_> = self.items.iter().map(item).collect();
        format!("CREATE TABLE IF NOT EXISTS {} (\n{}\n) {}", self.table, items.join(",\n"), self.options)
    }

    /// Its columns, each with its type.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&str, &str)> {
        self.items.iter().filter_map(|item| match item {
            Item::Column { name, kind, .. } => Some((name.as_str(), kind.as_str())),
            _ => None,
        })
    }
}

fn without_comments(file: &str) -> String {
    // No text of ours holds two dashes.
    file.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Splits at a mark that stands in neither brackets nor quotes; blank parts are left out.
fn split(text: &str, mark: char) -> Vec<String> {
    let (mut parts, mut part, mut depth, mut quoted) = (Vec::new(), String::new(), 0_i32, false);
    for letter in text.chars() {
        quoted ^= letter == '\'';
        if !quoted {
            depth += i32::from(letter == '(') - i32::from(letter == ')');
        }
        if letter == mark && depth == 0 && !quoted {
            parts.push(std::mem::take(&mut part));
        } else {
            part.push(letter);
        }
    }
    parts.push(part);
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_apart() {
        let file = "-- What it adds; and why.\nCREATE TABLE IF NOT EXISTS shares (\n    id BIGINT AUTO_INCREMENT PRIMARY KEY,\n    \
                    compute_id BIGINT NOT NULL,\n    part DECIMAL(5, 2) DEFAULT 0, -- of all\n    \
                    FOREIGN KEY (compute_id) REFERENCES computes (id) ON DELETE CASCADE,\n    CHECK (part IN (1, 2))\n) ENGINE = InnoDB;\n\
                    ALTER TABLE shares ADD COLUMN note VARCHAR(9) DEFAULT ';', ADD UNIQUE KEY one (note);\n\
                    CREATE INDEX idx_part ON shares (part);\nUPDATE shares SET part = 1;\n";
        let statements = read(file);
        let [
            Statement::Create(create),
            Statement::Alter { table, changes },
            Statement::Index { name, table: on, .. },
            Statement::Rows(_),
        ] = statements.as_slice()
        else {
            panic!("{statements:#?}")
        };
        let columns: Vec<_> = create.columns().collect();
        assert_eq!(columns, [("id", "BIGINT"), ("compute_id", "BIGINT"), ("part", "DECIMAL(5, 2)")]);
        let foreign = create.items.iter().find_map(|item| match item {
            Item::Foreign { column, parent, key, .. } => Some((column.as_str(), parent.as_str(), key.as_str())),
            _ => None,
        });
        assert_eq!(foreign, Some(("compute_id", "computes", "id")));
        assert_eq!(table, "shares");
        assert!(matches!(&changes[0], Change::Column { name, text } if name == "note" && text.ends_with("';'")));
        assert!(matches!(&changes[1], Change::Index { name, .. } if name == "one"));
        assert_eq!((name.as_str(), on.as_str()), ("idx_part", "shares"));
        assert!(create.sql().contains("    part DECIMAL(5, 2) DEFAULT 0,\n"), "{}", create.sql());
        assert_eq!(read(&create.sql()), [Statement::Create(create.clone())], "what is written reads the same");
    }
}
