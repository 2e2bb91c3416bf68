//! Writes measurements in Prometheus' text format 0.0.4, for programs that hold their figures themselves.

use std::fmt::Write as _;

use super::{Metric, PROCESS};
use crate::process::ProcessUse;

/// Gathers samples; those of one metric come one after another.
#[derive(Debug, Default)]
pub struct MetricText {
    text: String,
    last: &'static str,
}

impl MetricText {
    /// MIME type of the text.
    pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// Adds a sample. The values of labels may hold anything.
    pub fn sample(&mut self, metric: &Metric, labels: &[(&str, &str)], value: f64) {
        let Metric { name, kind, help, .. } = metric;
        // Writing to a string cannot fail.
        if self.last != *name {
            self.last = name;
            let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {}", kind.as_str());
        }
        self.text.push_str(name);
        for (index, (label, value)) in labels.iter().enumerate() {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.text, "{}{label}=\"{value}\"", if index == 0 { '{' } else { ',' });
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }

    /// Adds what is known of the process.
    pub fn process(&mut self, used: &ProcessUse) {
        let ProcessUse {
            cpu_seconds,
            resident_bytes,
            virtual_bytes,
            open_files,
            max_files,
            threads,
            started_at_seconds,
        } = *used;
        // Exact below 2^53 bytes.
        let whole = |number: Option<u64>| number.map(|number| number as f64);
        let values = [
            cpu_seconds,
            whole(resident_bytes),
            whole(virtual_bytes),
            whole(open_files),
            whole(max_files),
            whole(threads),
            started_at_seconds,
        ];
        for (metric, value) in PROCESS.iter().zip(values) {
            if let Some(value) = value {
                self.sample(metric, &[], value);
            }
        }
    }

    /// The whole text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{metric::problems_of_text, process};

    #[test]
    fn samples_of_one_metric_share_their_head_and_hostile_labels_are_escaped() {
        const ONE: Metric = Metric::gauge("orchestrix_x_items", "Items.").by(&[("name", "names")]);
        let mut text = MetricText::default();
        text.sample(&ONE, &[("name", "a\"b\\c\nd")], 1.0);
        text.sample(&ONE, &[("name", "e")], 2.5);
        let text = text.into_text();
        let expected = "# HELP orchestrix_x_items Items.\n# TYPE orchestrix_x_items gauge\n\
                        orchestrix_x_items{name=\"a\\\"b\\\\c\\nd\"} 1\norchestrix_x_items{name=\"e\"} 2.5\n";
        assert_eq!(text, expected);
        assert_eq!(problems_of_text(&[ONE], &text), Vec::<String>::new());
    }

    #[test]
    fn the_process_is_told_whole() {
        let mut text = MetricText::default();
        text.process(&process::measure());
        let text = text.into_text();
        for metric in PROCESS {
            assert!(text.contains(&format!("\n{} ", metric.name)), "{}\n{text}", metric.name);
        }
        assert_eq!(problems_of_text(PROCESS, &text), Vec::<String>::new());
    }
}
