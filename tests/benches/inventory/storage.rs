//! What it takes to keep a workload, against the content of its row.
//!
//! The yardstick is the sum of what stands in the columns of the workloads, without anything that a database needs to find
//! it again. Of the tables that hold a row per workload, pages and indexes count in full.

use orchestrix_tests::part;

use crate::{compare::word, raw::Raw};

/// Tables with a row for each workload that an agent tells of.
const TABLES: [&str; 3] = ["compute_workloads", "agent_entities", "workload_usage"];
/// Columns of a workload that hold texts.
const TEXTS: [&str; 12] = [
    "workload_type",
    "workload_name",
    "workload_id",
    "ip_address",
    "ports",
    "isolation_method",
    "isolation_details",
    "status",
    "source",
    "image",
    "labels",
    "evidence",
];
/// Bytes that all its other columns take at least.
const NUMBERS: i64 = 40;

/// Prints how many bytes there are for each workload; `goal` is what there should be at most.
#[allow(clippy::cast_precision_loss, reason = "bytes of an inventory are few enough")]
pub(crate) fn measure(raw: &mut Raw, goal: f64) {
    let workloads = raw.numbers("SELECT COUNT(*) FROM compute_workloads", &[])[0];
    let texts = TEXTS.map(|column| {
        if raw.is_sqlite() {
            format!("COALESCE(LENGTH(CAST({column} AS BLOB)), 0)")
        } else {
            format!("COALESCE(OCTET_LENGTH({column}), 0)")
        }
    });
    let content = format!("SELECT CAST(SUM({}) AS {}) FROM compute_workloads", texts.join(" + "), raw.integer());
    let content = raw.numbers(&content, &[])[0] + NUMBERS * workloads;
    let sizes = sizes(raw);
    let of = |name: &str| sizes.iter().filter(|(table, _)| table == name).map(|(_, bytes)| bytes).sum::<i64>();
    let each = |bytes: i64| bytes as f64 / workloads as f64;
    let all: i64 = TABLES.iter().map(|table| of(table)).sum();
    part::measured(&format!(
        "  storage: {:.0} bytes per workload with indexes, {:.2}x its content ({:.0} bytes); with what its agent reports and \
         uses {:.0} (goal {goal:.0}: {})",
        each(of(TABLES[0])),
        each(of(TABLES[0])) / each(content),
        each(content),
        each(all),
        word(each(all) <= goal),
    ));
}

/// Bytes by table, of each index on its own.
fn sizes(raw: &mut Raw) -> Vec<(String, i64)> {
    if raw.is_sqlite() {
        return raw.pairs(
            "SELECT m.tbl_name, s.pgsize FROM dbstat s JOIN sqlite_master m ON m.name = s.name WHERE s.aggregate = TRUE",
        );
    }
    for table in TABLES {
        raw.rows(&format!("ANALYZE TABLE {table}"), &[]);
    }
    raw.pairs(
        "SELECT table_name, CAST(data_length + index_length AS SIGNED) FROM information_schema.tables \
         WHERE table_schema = DATABASE()",
    )
}
