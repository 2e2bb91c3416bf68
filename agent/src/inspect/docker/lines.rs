//! Lines out of a stream of bytes.

/// Bytes of one line; an event carries all labels of its container.
const LINE_LIMIT: usize = 8 << 20;

/// Cuts a stream of bytes into lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pending: Vec<u8>,
    too_long: bool,
}

impl Lines {
    /// The lines that `bytes` completes; `None` stands for one that was too long.
    pub(super) fn split(&mut self, bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
        let mut lines = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.too_long || self.pending.len() + part.len() > LINE_LIMIT {
                self.too_long = true;
                self.pending = Vec::new();
            } else {
                self.pending.extend_from_slice(part);
            }
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.pending);
                if std::mem::take(&mut self.too_long) {
                    lines.push(None);
                } else if !line.trim_ascii().is_empty() {
                    lines.push(Some(line));
                }
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_across_chunks_and_bounded() {
        let mut lines = Lines::default();
        assert_eq!(lines.split(b"{\"a\":"), Vec::<Option<Vec<u8>>>::new());
        assert_eq!(lines.split(b"1}\n\n{}\n{"), vec![Some(b"{\"a\":1}\n".to_vec()), Some(b"{}\n".to_vec())]);
        for _ in 0..9 {
            assert_eq!(lines.split(&vec![b'x'; 1 << 20]).len(), 0);
        }
        assert!(lines.pending.is_empty(), "what is too long is not kept");
        assert_eq!(lines.split(b"\n{}\n"), vec![None, Some(b"{}\n".to_vec())]);
    }
}
