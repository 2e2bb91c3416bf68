//! Whether descriptions keep to Prometheus' rules, and whether a text holds only what is described. For tests.

use std::collections::{BTreeMap, BTreeSet};

use super::{Metric, MetricKind};

/// Words that stand for units other than the base units, or for what labels say.
const NO_UNITS: [&str; 12] =
    ["ms", "millis", "milliseconds", "us", "micros", "minutes", "hours", "days", "kb", "mb", "kilobytes", "percent"];

/// What is wrong with descriptions; empty when they keep to the rules.
#[must_use]
pub fn problems_of_names(metrics: &[Metric]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for metric in metrics {
        let Metric { name, kind, labels, help, alert } = metric;
        let mut wrong = |what: &str| problems.push(format!("{name}: {what}"));
        if !seen.insert(name) {
            wrong("is described twice");
        }
        if !is_name(name) || !["orchestrix_", "process_"].iter().any(|prefix| name.starts_with(prefix)) {
            wrong("expected lower case letters, digits and underscores behind orchestrix_ or process_");
        }
        if (*kind == MetricKind::Counter) != name.ends_with("_total") {
            wrong("counters, and only they, end with _total");
        }
        if ["_count", "_sum", "_bucket"].iter().any(|ending| name.ends_with(ending)) {
            wrong("has an ending that belongs to histograms");
        }
        if name.ends_with("_info") && *kind != MetricKind::Gauge {
            wrong("information is a gauge that is 1");
        }
        if *kind == MetricKind::Histogram && metric.unit().is_none() {
            wrong("a distribution needs a unit");
        }
        if name.split('_').any(|word| NO_UNITS.contains(&word)) {
            wrong("is not in a base unit: seconds, bytes or ratio");
        }
        for (label, values) in *labels {
            if !is_name(label) || label.starts_with("__") || ["le", "quantile", "job", "instance"].contains(label) {
                wrong("has a label that is not free");
            }
            if values.is_empty() {
                wrong("has a label whose values are not told");
            }
        }
        if !help.ends_with('.') || help.contains('\n') || help.contains('\\') {
            wrong("its help is not a sentence in one line");
        }
        if alert.is_some_and(str::is_empty) {
            wrong("an alert says when");
        }
    }
    problems
}

/// What is wrong with measurements in the text format; empty when there are only such as are described.
#[must_use]
pub fn problems_of_text(metrics: &[Metric], text: &str) -> Vec<String> {
    let known: BTreeMap<&str, &Metric> = metrics.iter().map(|metric| (metric.name, metric)).collect();
    let mut problems = Vec::new();
    let (mut helps, mut types, mut series) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    for line in text.lines().filter(|line| !line.is_empty()) {
        let mut wrong = |what: &str| problems.push(format!("{line}: {what}"));
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            if helps.insert(name, help).is_some() {
                wrong("a second help");
            }
            continue;
        }
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            if types.insert(name, kind).is_some() {
                wrong("a second type");
            }
            match known.get(name) {
                None => wrong("is not described"),
                Some(metric) if metric.kind.as_str() != kind => wrong("has another type than is described"),
                Some(metric) if helps.get(name) != Some(&metric.help) => wrong("has another help than is described"),
                Some(_) => {}
            }
            continue;
        }
        let Some((head, value)) = line.rsplit_once(' ') else {
            wrong("no value");
            continue;
        };
        if value.parse::<f64>().is_err() {
            wrong("the value is no number");
        }
        if !series.insert(head) {
            wrong("a second sample of one series");
        }
        let (name, labels) = head.split_once('{').map_or((head, ""), |(name, rest)| (name, rest.trim_end_matches('}')));
        let mut families = ["_bucket", "_sum", "_count"].iter().filter_map(|ending| name.strip_suffix(ending));
        let family = families.find(|family| types.get(family) == Some(&"histogram")).unwrap_or(name);
        if !types.contains_key(family) {
            wrong("no type in front of it");
        }
        if let Some(metric) = known.get(family) {
            let described = |label: &str| label == "le" || metric.labels.iter().any(|(name, _)| *name == label);
            if label_names(labels).any(|label| !described(label)) {
                wrong("has a label that is not described");
            }
        }
    }
    problems
}

/// Names in `a="x",b="y"`.
fn label_names(labels: &str) -> impl Iterator<Item = &str> {
    let mut rest = labels;
    std::iter::from_fn(move || {
        let (name, behind) = rest.split_once("=\"")?;
        let mut escaped = false;
        let end = behind.find(|letter| {
            let ends = letter == '"' && !escaped;
            escaped = letter == '\\' && !escaped;
            ends
        })?;
        rest = behind[end + 1..].trim_start_matches(',');
        Some(name)
    })
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_the_rules_is_told() {
        let good = Metric::counter("orchestrix_x_things_total", "Things.").by(&[("kind", "a or b")]);
        assert_eq!(problems_of_names(&[good]), Vec::<String>::new());
        let cases = [
            (Metric::counter("orchestrix_x_things", "Things."), "_total"),
            (Metric::gauge("orchestrix_x_things_total", "Things."), "_total"),
            (Metric::gauge("orchestrix_x_wait_ms", "Wait."), "base unit"),
            (Metric::gauge("things", "Things."), "behind orchestrix_"),
            (Metric::gauge("orchestrix_things", "Things"), "sentence"),
            (Metric::gauge("orchestrix_things", "Things.").by(&[("job", "any")]), "not free"),
            (Metric::histogram("orchestrix_things", "Things."), "needs a unit"),
        ];
        for (metric, what) in cases {
            let problems = problems_of_names(&[metric]);
            assert!(problems.len() == 1 && problems[0].contains(what), "{what}: {problems:?}");
        }
        assert_eq!(problems_of_names(&[good, good]).len(), 1);
    }

    #[test]
    fn a_text_with_something_else_in_it_is_noticed() {
        let known =
            [Metric::gauge("orchestrix_a", "A.").by(&[("x", "any")]), Metric::histogram("orchestrix_b_seconds", "B.")];
        let good = "# HELP orchestrix_a A.\n# TYPE orchestrix_a gauge\norchestrix_a{x=\"1,le=\\\"\"} 1\n\n\
                    # HELP orchestrix_b_seconds B.\n# TYPE orchestrix_b_seconds histogram\n\
                    orchestrix_b_seconds_bucket{le=\"+Inf\"} 1\norchestrix_b_seconds_sum 0.5\n\
                    orchestrix_b_seconds_count 1\n";
        assert_eq!(problems_of_text(&known, good), Vec::<String>::new());
        for (bad, what) in [
            ("# HELP orchestrix_c C.\n# TYPE orchestrix_c gauge\n", "not described"),
            ("orchestrix_a 1\n", "no type"),
            ("# HELP orchestrix_a A.\n# TYPE orchestrix_a counter\n", "another type"),
            ("# TYPE orchestrix_a gauge\n", "another help"),
            ("# HELP orchestrix_a A.\n# TYPE orchestrix_a gauge\norchestrix_a{y=\"1\"} 1\n", "label"),
            ("# HELP orchestrix_a A.\n# TYPE orchestrix_a gauge\norchestrix_a 1\norchestrix_a 2\n", "second sample"),
        ] {
            let problems = problems_of_text(&known, bad);
            assert!(problems.len() == 1 && problems[0].contains(what), "{what}: {problems:?}");
        }
    }
}
