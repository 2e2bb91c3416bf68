//! How many values go into one statement. Few sizes make few statements: each is prepared once and kept, whatever the
//! number of rows, and is not pushed out by others that differ in their length only.

use super::Dialect;

/// Numbers up to this are sizes of their own; above it only powers of two are.
const SMALL: usize = 4;

/// The keys of one condition: the last one is repeated until there are as many as one of the sizes.
pub(crate) fn padded<T>(keys: &[T]) -> Vec<&T> {
    let size = if keys.len() <= SMALL { keys.len() } else { keys.len().next_power_of_two() };
    keys.iter().chain(keys.last().into_iter().cycle()).take(size).collect()
}

/// How many of the rows that are left the next statement takes: the largest size that is not more.
pub(super) const fn portion(left: usize) -> usize {
    if left <= SMALL {
        left
    } else if left >= Dialect::ROWS_PER_STATEMENT {
        Dialect::ROWS_PER_STATEMENT
    } else {
        1 << left.ilog2()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn conditions_of_many_lengths_are_few_statements() {
        let mut sizes = BTreeSet::new();
        for count in 1..=Dialect::ROWS_PER_STATEMENT {
            let keys: Vec<usize> = (0..count).collect();
            let padded = padded(&keys);
            assert!(padded.len() < 2 * count, "{count}");
            assert!(padded[..count].iter().copied().eq(&keys), "{count}");
            assert!(padded[count..].iter().all(|key| **key == count - 1), "{count}");
            sizes.insert(padded.len());
        }
        assert_eq!(sizes.len(), 10, "1 to 4, and the powers of two up to 256");
        assert_eq!(padded::<u8>(&[]), Vec::<&u8>::new());
    }

    #[test]
    fn rows_are_portioned_without_a_rest() {
        let mut sizes = BTreeSet::new();
        for count in 0..2_000 {
            let (mut left, mut statements) = (count, 0);
            while left > 0 {
                sizes.insert(portion(left));
                left -= portion(left);
                statements += 1;
            }
            assert!(statements <= count / Dialect::ROWS_PER_STATEMENT + 7, "{count}: {statements}");
        }
        assert_eq!(sizes.len(), 10);
    }
}
