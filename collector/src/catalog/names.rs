//! Names as people type them.

/// Names compare without case and underscores, so that `displayName` and `display_name` are one.
pub(crate) fn fold(name: &str) -> String {
    letters(name).collect()
}

/// Whether two names are one. It is asked for each field of each row that is written, and makes no text.
pub(crate) fn alike(one: &str, other: &str) -> bool {
    one == other || letters(one).eq(letters(other))
}

fn letters(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase)
}

/// The valid names that are nearest to a name that is none: three to five, the nearest first.
pub(crate) fn nearest<'a>(name: &str, valid: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut near: Vec<(usize, &str)> =
        valid.into_iter().map(|word| (strsim::damerau_levenshtein(&fold(name), &fold(word)), word)).collect();
    near.sort_unstable();
    near.dedup();
    let close = near.iter().filter(|(distance, word)| *distance * 2 <= word.len().max(name.len())).count();
    near.iter().take(close.clamp(3, 5)).map(|(_, word)| *word).collect()
}
