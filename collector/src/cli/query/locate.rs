//! Finds the place in a JSON text that a path like `include[0].criteria.status` names.
//!
//! The text is valid JSON: whoever asks has parsed it. serde_json tells places of syntax errors only.

/// Where something is in a text: bytes from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The name of the member; the value itself at the top and in lists.
    pub(super) name: usize,
    /// The value.
    pub(super) value: usize,
}

/// The deepest place that the path reaches.
pub(super) fn locate(text: &str, path: &str) -> Place {
    let start = blank(text, 0);
    let mut place = Place { name: start, value: start };
    let mut rest = path;
    while let Some((next, left)) = step(text, place.value, rest) {
        place = next;
        rest = left;
    }
    place
}

/// Line and column, from 1; a column counts characters.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    (line, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1)
}

/// One step down the path: where it leads, and what is left of the path.
fn step<'a>(text: &str, at: usize, path: &'a str) -> Option<(Place, &'a str)> {
    let inside = blank(text, at + 1);
    match text.as_bytes().get(at)? {
        b'{' => members(text, inside).find_map(|(name, value)| {
            let key: String = serde_json::from_str(text.get(name..string_end(text, name))?).ok()?;
            let left = path.strip_prefix(&key)?;
            let left = left.strip_prefix('.').or_else(|| (left.is_empty() || left.starts_with('[')).then_some(left))?;
            Some((Place { name, value }, left))
        }),
        b'[' => {
            let (index, left) = path.strip_prefix('[')?.split_once(']')?;
            let value = elements(text, inside).nth(index.parse().ok()?)?;
            Some((Place { name: value, value }, left.strip_prefix('.').unwrap_or(left)))
        }
        _ => None,
    }
}

/// Places of the names and values of an object, from its first member.
fn members(text: &str, mut at: usize) -> impl Iterator<Item = (usize, usize)> {
    std::iter::from_fn(move || {
        (text.as_bytes().get(at)? == &b'"').then_some(())?;
        let name = at;
        let colon = blank(text, string_end(text, name));
        let value = blank(text, colon + 1);
        at = next(text, value);
        Some((name, value))
    })
}

/// Places of the elements of a list, from its first one.
fn elements(text: &str, mut at: usize) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (*text.as_bytes().get(at)? != b']').then_some(())?;
        let value = at;
        at = next(text, value);
        Some(value)
    })
}

/// What follows the comma behind a value, or the bracket.
fn next(text: &str, value: usize) -> usize {
    let end = blank(text, value_end(text, value));
    if text.as_bytes().get(end) == Some(&b',') { blank(text, end + 1) } else { end }
}

fn value_end(text: &str, value: usize) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (value, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_end(text, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return if depth == 1 { at + 1 } else { at },
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    at
}

fn string_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

fn blank(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{
  "kind": "partner", "a.b": {"ü\"]": [1, {"x": [true, "two, three"]}]},
  "include": [
    {"kind": "cloud", "criteria": {"$or": [{"name": 1}, {"statsu": "ACTIVE"}]}}
  ]
}"#;

    #[track_caller]
    fn found(path: &str) -> (&'static str, &'static str) {
        let Place { name, value } = locate(TEXT, path);
        (&TEXT[name..(name + 6).min(TEXT.len())], &TEXT[value..value + 6])
    }

    #[test]
    fn a_path_leads_to_its_place() {
        assert_eq!(found("kind"), (r#""kind""#, r#""partn"#));
        assert_eq!(found("include[0].criteria.$or[1].statsu"), (r#""stats"#, r#""ACTIV"#));
        assert_eq!(found("include[0].criteria.$or[0].name"), (r#""name""#, "1}, {\""));
        assert_eq!(found("a.b.ü\"][1].x[1]").1, r#""two, "#);
        let (line, column) = line_and_column(TEXT, locate(TEXT, "include[0].criteria.$or[1].statsu").name);
        assert_eq!((line, column), (4, 58));
    }

    #[test]
    fn what_is_missing_leads_to_what_it_is_missing_from() {
        assert_eq!(locate(TEXT, "include[0].page.limit"), locate(TEXT, "include[0]"));
        assert_eq!(locate(TEXT, "include[7]"), locate(TEXT, "include"));
        assert_eq!(locate(TEXT, ""), Place { name: 0, value: 0 });
    }

    #[test]
    fn no_text_makes_it_panic() {
        for end in (0..TEXT.len()).filter(|end| TEXT.is_char_boundary(*end)) {
            locate(&TEXT[..end], "include[0].criteria.$or[1].statsu");
            line_and_column(&TEXT[..end], end);
        }
    }
}
