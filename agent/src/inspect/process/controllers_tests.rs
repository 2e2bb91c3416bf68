//! Mount tables and control group files of the three kinds of hosts.

use std::fs;

use super::*;
use crate::inspect::process::membership;

const V1: &str = "\
32 31 0:29 / {sys}/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / {sys}/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / {sys}/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / {sys}/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";
const V2: &str = "\
27 1 254:0 / / rw,relatime - ext4 /dev/vda1 rw
33 23 0:28 / {sys}/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate
";

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, content) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

fn controllers(mountinfo: &str, sys: &Path) -> Controllers {
    Controllers::parse(&mountinfo.replace("{sys}", sys.to_str().unwrap()), sys)
}

#[test]
fn version_1_files_tell_limits_and_use() {
    let sys = tempfile::tempdir().unwrap();
    write(
        &sys.path().join("fs/cgroup"),
        &[
            ("cpu,cpuacct/system.slice/a.service/cpu.cfs_quota_us", "50000\n"),
            ("cpu,cpuacct/system.slice/a.service/cpu.cfs_period_us", "100000\n"),
            ("cpu,cpuacct/system.slice/a.service/cpuacct.usage", "7000123\n"),
            ("memory/system.slice/a.service/memory.limit_in_bytes", "67108864\n"),
            ("memory/system.slice/a.service/memory.usage_in_bytes", "5000000\n"),
            ("memory/system.slice/a.service/memory.stat", "inactive_file 1\ntotal_inactive_file 1000000\n"),
            ("memory/free.service/memory.limit_in_bytes", "9223372036854771712\n"),
            ("cpu,cpuacct/free.service/cpu.cfs_quota_us", "-1\n"),
            ("cpu,cpuacct/free.service/cpu.cfs_period_us", "100000\n"),
        ],
    );
    let controllers = controllers(V1, sys.path());
    let of = |path: &str| {
        membership::parse(&format!("3:memory:{path}\n2:cpu,cpuacct:{path}\n1:name=systemd:{path}\n0::/"), None)
    };
    let service = of("/system.slice/a.service");
    assert_eq!(controllers.limits(&service), Limits { cpu_millicores: Some(500), memory_bytes: Some(67_108_864) });
    let used = GroupUse { cpu_micros: Some(7_000), memory_bytes: Some(4_000_000) };
    assert_eq!(controllers.usage(&service), Some(used));
    assert_eq!(controllers.limits(&of("/free.service")), Limits::default());
    assert_eq!(controllers.usage(&of("/gone.service")), None);
}

#[test]
fn version_2_files_tell_limits_and_use() {
    let sys = tempfile::tempdir().unwrap();
    write(
        &sys.path().join("fs/cgroup/system.slice/a.service"),
        &[
            ("cpu.max", "150000 100000\n"),
            ("cpu.stat", "usage_usec 123456\nuser_usec 1\nsystem_usec 2\n"),
            ("memory.max", "1048576\n"),
            ("memory.current", "900000\n"),
            ("memory.stat", "anon 5\ninactive_file 300000\n"),
        ],
    );
    write(&sys.path().join("fs/cgroup/free.service"), &[("cpu.max", "max 100000\n"), ("memory.max", "max\n")]);
    let controllers = controllers(V2, sys.path());
    let service = membership::parse("0::/system.slice/a.service/inner", None);
    assert_eq!(controllers.limits(&service), Limits { cpu_millicores: Some(1_500), memory_bytes: Some(1_048_576) });
    let used = GroupUse { cpu_micros: Some(123_456), memory_bytes: Some(600_000) };
    assert_eq!(controllers.usage(&service), Some(used));
    assert_eq!(controllers.limits(&membership::parse("0::/free.service", None)), Limits::default());
}

#[test]
fn a_mount_of_a_part_is_entered_below_its_root() {
    let table = "1 1 0:1 /docker/ab /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                 2 1 0:1 /docker/ab /elsewhere rw - cgroup cgroup rw,memory\n\
                 3 1 0:2 / /elsewhere rw - cgroup2 cgroup2 rw\n";
    let controllers = Controllers::parse(table, Path::new("/sys"));
    let mount = controllers.memory.unwrap();
    assert_eq!(mount.folder("/docker/ab/x.service").unwrap(), Path::new("/sys/fs/cgroup/memory/x.service"));
    assert_eq!(mount.folder("/docker/abc"), None);
    assert_eq!(controllers.unified.unwrap().at, Path::new("/elsewhere"));
}
