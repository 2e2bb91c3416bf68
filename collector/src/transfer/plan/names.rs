//! Names that are near to one that is not there. Comparing costs, so the same name is compared once, and not too many are.

use std::collections::HashMap;

use super::super::{book::Book, path::Path, sheet::SHEETS};
use crate::catalog::nearest;

/// Names that are compared; behind them only the kind is told.
const MOST: usize = 50;

#[derive(Debug, Default)]
pub(super) struct Names {
    told: HashMap<(usize, String), String>,
}

impl Names {
    /// What would be right, where a path leads nowhere.
    pub(super) fn nearest(&mut self, book: &Book, sheet: usize, text: &str) -> String {
        let plain = format!("the path or the name of a {} that is there or in the files", SHEETS[sheet].one());
        let key = (sheet, text.to_owned());
        if let Some(known) = self.told.get(&key) {
            return known.clone();
        }
        if self.told.len() >= MOST {
            return plain;
        }
        let last = Path::read(text).and_then(|path| path.steps.into_iter().last());
        let last = last.map_or_else(|| text.to_owned(), |step| step.name);
        let near = nearest(&last, book.names(sheet)).into_iter().map(|name| format!("{name:?}")).collect::<Vec<_>>();
        let told = if near.is_empty() { plain } else { format!("one that is there, for example {}", near.join(", ")) };
        self.told.insert(key, told.clone());
        told
    }
}
