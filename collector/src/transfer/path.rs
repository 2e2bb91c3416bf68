//! How a row is named in a file: by a path from the top, `self/Main Cloud/Europe/eu-a/Frankfurt/web-1`, or by the end of it.
//! Pure.
//!
//! A `/` in front says that the path begins at the top. `\` takes the special meaning from the letter behind it. `#2` at
//! the end of a name says which one of several of that name at the same place.

/// A path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// It begins at the top.
    pub(crate) whole: bool,
    pub(crate) steps: Vec<Step>,
}

/// One name of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) name: String,
    /// Which one of several, from 1.
    pub(crate) nth: Option<usize>,
}

impl Path {
    /// Reads a path; `None` when it has an empty step.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let (whole, text) = text.strip_prefix('/').map_or((false, text), |rest| (true, rest));
        let (mut steps, mut name, mut mark) = (Vec::new(), String::new(), None);
        let mut letters = text.chars();
        loop {
            match letters.next() {
                Some('\\') => name.extend(letters.next()),
                Some('#') => {
                    mark = Some(name.len());
                    name.push('#');
                }
                Some('/') => steps.push(step(&std::mem::take(&mut name), mark.take())?),
                Some(letter) => name.push(letter),
                None => break,
            }
        }
        steps.push(step(&name, mark)?);
        Some(Self { whole, steps })
    }

    /// A path of one name.
    pub(crate) fn of_name(name: &str) -> Self {
        Self { whole: false, steps: vec![Step { name: name.trim().to_owned(), nth: None }] }
    }
}

fn step(name: &str, mark: Option<usize>) -> Option<Step> {
    let numbered = mark.and_then(|mark| {
        let nth = name.get(mark + 1..)?.trim_end().parse().ok().filter(|nth| *nth > 0)?;
        Some(Step { name: name.get(..mark)?.trim().to_owned(), nth: Some(nth) })
    });
    let step = numbered.unwrap_or_else(|| Step { name: name.trim().to_owned(), nth: None });
    (!step.name.is_empty()).then_some(step)
}

/// Writes one name of a path.
pub(crate) fn written(name: &str, nth: Option<usize>) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        if matches!(letter, '/' | '\\' | '#') {
            text.push('\\');
        }
        text.push(letter);
    }
    if let Some(nth) = nth {
        text.push_str(&format!("#{nth}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(text: &str) -> Vec<(String, Option<usize>)> {
        Path::read(text).unwrap().steps.into_iter().map(|step| (step.name, step.nth)).collect()
    }

    #[test]
    fn a_path_is_read_by_its_names() {
        assert_eq!(names("self / Main Cloud"), [("self".into(), None), ("Main Cloud".into(), None)]);
        assert_eq!(names(r"a\/b/c\#2/d#2"), [("a/b".into(), None), ("c#2".into(), None), ("d".into(), Some(2))]);
        assert_eq!(names("rack #a/#"), [("rack #a".into(), None), ("#".into(), None)]);
        assert_eq!(names("web#0"), [("web#0".into(), None)]);
        assert!(Path::read("/a").unwrap().whole && !Path::read("a").unwrap().whole);
        for text in ["", " ", "a//b", "a/", "/"] {
            assert_eq!(Path::read(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(name in "[a-c/#\\\\1 ]{0,5}[a-c/#\\\\1]", nth in proptest::option::of(1..9_usize)) {
            let name = name.trim().to_owned();
            let read = Path::read(&format!("x/{}", written(&name, nth))).unwrap();
            prop_assert_eq!(&read.steps[1], &Step { name, nth });
        }
    }
}
