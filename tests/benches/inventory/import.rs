//! What it costs to bring an inventory along: a spreadsheet of hosts, against a loop that inserts the same rows.
//!
//! The yardstick writes the hosts and nothing else, 256 in a statement and all in one transaction, prepared. A second one
//! also writes an entry of the history for each, as every change of the inventory has one. An import besides reads the
//! file, checks each value, finds what stands there already, and names what each row stands in. Both begin with the same
//! tables; what the yardstick wrote is taken away before the import.

use std::{fmt::Write as _, fs, time::Duration};

use orchestrix_tests::{
    generate::Cell,
    installation::Installation,
    part,
    programs::{self, COLLECTOR},
};

use crate::{compare::timed, raw::Raw};

/// Rows of one statement of the yardstick, as ours.
const CHUNK: i64 = 256;
/// How long an import may take.
const PATIENCE: Duration = Duration::from_secs(600);

const PLACES: [(&str, &str); 5] = [
    ("partners.csv", "name,displayName,type\nself,Ourselves,both\n"),
    ("clouds.csv", "partner,name\nself,Main\n"),
    ("regions.csv", "cloud,name,code\nMain,Europe,eu\n"),
    ("availability-zones.csv", "region,name,code\neu,a,eu-a\n"),
    ("datacenters.csv", "zone,name\neu-a,Frankfurt\n"),
];

/// Measures the import of so many hosts on a database of its own.
pub(crate) fn measure(name: &str, mut installation: Installation, count: i64) {
    let books = installation.folder().join("books");
    fs::create_dir_all(&books).unwrap();
    for (file, content) in PLACES {
        fs::write(books.join(file), content).unwrap();
    }
    installation.stop();
    let folder = books.display().to_string();
    import(&installation, &[&folder]);
    let hosts = installation.folder().join("computes.csv");
    fs::write(&hosts, spreadsheet(count)).unwrap();

    let mut raw = Raw::open(&installation.database_url());
    let bare = timed(|| insert(&mut raw, count, false)).0;
    clear(&mut raw);
    let whole = timed(|| insert(&mut raw, count, true)).0;
    clear(&mut raw);
    let file = hosts.display().to_string();
    let ours = timed(|| import(&installation, &[&file])).0;
    assert_eq!(raw.numbers("SELECT COUNT(*) FROM computes", &[]), [count], "all of them are there");
    let again = timed(|| import(&installation, &[&file])).0;
    let seconds = |time: Duration| time.as_secs_f64();
    let rows = f64::from(i32::try_from(count).unwrap());
    part::measured(&format!(
        "import of {count} hosts on {name}: {:.1} s, {:.0} rows/s, {:.1}x a bulk insert of the rows ({:.1} s), {:.1}x one \
         that writes their history too ({:.1} s); the same file again, which changes nothing: {:.1} s",
        seconds(ours),
        rows / seconds(ours),
        seconds(ours) / seconds(bare),
        seconds(bare),
        seconds(ours) / seconds(whole),
        seconds(whole),
        seconds(again),
    ));
}

fn import(installation: &Installation, files: &[&str]) {
    let mut arguments = vec!["import".to_owned(), "-o".to_owned(), "json".to_owned()];
    arguments.extend(files.iter().map(|file| (*file).to_owned()));
    arguments.extend(installation.place());
    let _ = programs::run(COLLECTOR, &arguments, PATIENCE).ok();
}

/// A host: its name, its address, and what it is.
fn host(number: i64) -> (String, String) {
    (format!("host-{number:06}"), format!("10.{}.{}.{}", number >> 16, (number >> 8) & 255, number & 255))
}

fn spreadsheet(count: i64) -> String {
    let mut text = "datacenter,name,hostname,ipAddress,operatingSystem,cpuCores,memoryGb\n".to_owned();
    for number in 1..=count {
        let (name, address) = host(number);
        let _ = writeln!(text, "Frankfurt,{name},{name}.example.org,{address},Debian 12,16,64");
    }
    text
}

fn insert(raw: &mut Raw, count: i64, history: bool) {
    let columns = "name, hostname, ip_address, operating_system, cpu_cores, memory_gb, status, datacenter_id";
    let told = "recorded_at_us, happened_at_us, actor_kind, actor_id, change_kind, resource_type, resource_id, \
                resource_key, resource_name, compute_id, after_state, before_row";
    raw.run("BEGIN");
    let mut first = 1;
    while first <= count {
        let chunk = first..(first + CHUNK).min(count + 1);
        let (mut cells, mut entries) = (Vec::new(), Vec::new());
        for number in chunk {
            let (name, address) = host(number);
            let hostname = format!("{name}.example.org");
            if history {
                let state = format!(
                    "{{\"name\":\"{name}\",\"hostname\":\"{hostname}\",\"ipAddress\":\"{address}\",\
                     \"operatingSystem\":\"Debian 12\",\"cpuCores\":16,\"memoryGb\":64,\"status\":\"ACTIVE\",\
                     \"datacenterId\":1}}"
                );
                entries.extend([Cell::Int(1), Cell::Int(1), Cell::Word("person"), Cell::Word("bench")]);
                entries.extend([Cell::Word("appeared"), Cell::Word("compute"), Cell::Int(number), Cell::Word("")]);
                entries.extend([Cell::Text(name.clone()), Cell::Int(number), Cell::Text(state), Cell::Word("{}")]);
            }
            cells.extend([Cell::Text(name), Cell::Text(hostname), Cell::Text(address), Cell::Word("Debian 12")]);
            cells.extend([Cell::Int(16), Cell::Int(64), Cell::Word("ACTIVE"), Cell::Int(1)]);
        }
        raw.insert("computes", columns, &cells);
        if history {
            raw.insert("history", told, &entries);
        }
        first += CHUNK;
    }
    raw.run("COMMIT");
}

/// Takes away what the yardstick wrote.
fn clear(raw: &mut Raw) {
    raw.run("DELETE FROM computes");
    raw.run("DELETE FROM history WHERE actor_id = 'bench'");
}
