//! Writes the reference of all metrics from their descriptions.

use std::fmt::Write as _;

use super::Metric;

/// What a reference says besides the metrics.
#[derive(Clone, Copy, Debug)]
pub struct MetricReference<'a> {
    /// The program, which is the heading.
    pub program: &'a str,
    /// What stands below it.
    pub introduction: &'a str,
    /// Sections with their metrics.
    pub sections: &'a [(&'a str, &'a [Metric])],
}

impl MetricReference<'_> {
    /// Writes the metrics as Markdown, a table for each section.
    #[must_use]
    pub fn markdown(&self) -> String {
        let Self { program, introduction, sections } = self;
        let mut text = format!("## {program}\n\n{introduction}\n");
        // Writing to a string cannot fail.
        for (title, metrics) in *sections {
            let _ = write!(
                text,
                "\n### {title}\n\n| metric | type, unit | labels | meaning | look when |\n| --- | --- | --- | --- | --- |\n"
            );
            for metric in *metrics {
                let unit = metric.unit().map(|unit| format!(", {unit}")).unwrap_or_default();
                let labels: Vec<_> =
                    metric.labels.iter().map(|(label, values)| format!("`{label}`: {}", cell(values))).collect();
                let _ = writeln!(
                    text,
                    "| `{}` | {}{unit} | {} | {} | {} |",
                    metric.name,
                    metric.kind.as_str(),
                    labels.join("<br>"),
                    cell(metric.help),
                    cell(metric.alert.unwrap_or_default())
                );
            }
        }
        text
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_a_row() {
        let metrics = [
            Metric::counter("orchestrix_x_bytes_total", "Bytes.").by(&[("a", "x|y"), ("b", "z")]).alert("it rises"),
            Metric::gauge("orchestrix_y", "Why."),
        ];
        let reference =
            MetricReference { program: "prog", introduction: "Words.", sections: &[("Things", metrics.as_slice())] };
        let expected = r"## prog

Words.

### Things

| metric | type, unit | labels | meaning | look when |
| --- | --- | --- | --- | --- |
| `orchestrix_x_bytes_total` | counter, bytes | `a`: x\|y<br>`b`: z | Bytes. | it rises |
| `orchestrix_y` | gauge |  | Why. |  |
";
        assert_eq!(reference.markdown(), expected);
    }
}
