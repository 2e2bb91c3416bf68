//! What systemd's journal gets: a socket of the test's own stands where the journal listens, in a mount namespace that
//! only the program under test is in.

use std::{os::unix::net::UnixDatagram, process::Command, time::Duration};

use orchestrix_tests::{
    daemon::Daemon,
    part,
    programs::{self, COLLECTOR},
    wait,
};

const SOON: Duration = Duration::from_secs(30);

/// Puts the folder `$0` where the journal's socket is, tells that standard error is connected with it, and goes on.
const IN_FRONT: &str = "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && \
                        mount --bind \"$0\" /run/systemd/journal && \
                        JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec \"$@\"";

#[test]
fn a_unit_writes_entries_with_priority_and_fields() {
    let folder = tempfile::tempdir().unwrap();
    let probe = ["-m", "sh", "-c", "mount -t tmpfs tmpfs /run"];
    let mut command = Command::new("unshare");
    command.args(probe);
    if part::program("unshare").is_none() || programs::run_command(command, SOON).code != Some(0) {
        part::skip("mount namespaces", "unshare -m with a mount in it does not work here");
        return;
    }
    let journal = UnixDatagram::bind(folder.path().join("socket")).unwrap();
    journal.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", IN_FRONT]).arg(folder.path()).arg(programs::path(COLLECTOR));
    command.args(["serve", "--config", "/dev/null", "--agents", "127.0.0.1:0", "--api", "127.0.0.1:0", "--data-dir"]);
    command.arg(folder.path().join("data"));
    let log = folder.path().join("log");
    let mut collector = Daemon::start(command, &log);
    let mut entries: Vec<String> = Vec::new();
    let next = |entries: &mut Vec<String>| {
        let mut buffer = vec![0; 1 << 18];
        while let Ok(bytes) = journal.recv(&mut buffer) {
            entries.push(String::from_utf8(buffer[..bytes].to_vec()).unwrap());
        }
    };
    let started = wait::until("the entry of the start", SOON, || {
        next(&mut entries);
        let entry = entries.iter().find(|entry| entry.contains("MESSAGE=started "));
        entry.cloned().ok_or_else(|| format!("{entries:#?}\n{}", collector.log_tail()))
    });
    let has = |line: &str| started.lines().any(|other| other == line);
    for line in ["PRIORITY=6", "SYSLOG_IDENTIFIER=orchestrix-collector", "TARGET=orchestrix_collector::serve"] {
        assert!(has(line), "{line} in\n{started}");
    }
    let api = started.lines().find_map(|line| line.strip_prefix("ORCHESTRIX_API=")).expect("a field of its own");
    assert!(started.contains(&format!("api={api}")), "the message tells it as well: {started}");
    collector.stop();
    next(&mut entries);
    assert!(entries.iter().any(|entry| entry.contains("MESSAGE=stopped\n")), "{entries:#?}");
    assert_eq!(collector.log_tail().trim(), "", "nothing goes to standard error");
}
