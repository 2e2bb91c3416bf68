//! Hosts made of files, and the real one.

use std::{fs, os::unix::fs::symlink, path::Path};

use super::*;
use crate::inspect::kubernetes::NodeIdentity;

fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, content) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// A bare-metal host, to be altered by a test.
fn fixture() -> (tempfile::TempDir, HostRoot) {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(
        at,
        &[
            ("proc/sys/kernel/hostname", "web1\n"),
            ("proc/sys/kernel/osrelease", "6.1.0-18-amd64\n"),
            ("proc/sys/kernel/random/boot_id", "9e88a0ee-2556-4945-baa0-6550d354fb2d\n"),
            ("proc/self/cgroup", "0::/system.slice/orchestrix-agent.service\n"),
            ("proc/meminfo", "MemTotal: 1024 kB\nMemAvailable: 512 kB\nSwapTotal: 0 kB\n"),
            ("proc/stat", "cpu  1 2 3 4 5 6 7 8\nbtime 1700000000\n"),
            (
                "proc/net/if_inet6",
                "20010db8000000000000000000000007 02 40 00 80     eth0\nfe80000000000000000000fffe000001 02 40 20 80     eth0\n20010db80000000000000000000000ff 02 40 00 01     eth0\n",
            ),
            ("sys/class/dmi/id/product_uuid", "4C4C4544-0042-3510-8051-B4C04F4E3132\n"),
            ("sys/class/dmi/id/product_serial", "Default string\n"),
            ("sys/class/dmi/id/sys_vendor", "Dell Inc.\n"),
            ("sys/class/dmi/id/product_name", "PowerEdge R640\n"),
            ("sys/class/net/lo/address", "00:00:00:00:00:00\n"),
            ("sys/class/net/eth0/address", "02:FC:00:00:00:01\n"),
            ("sys/class/net/docker0/address", "02:42:00:00:00:01\n"),
            ("sys/class/net/veth12ab/address", "aa:bb:cc:dd:ee:ff\n"),
            ("etc/machine-id", "3d1219c7c4c5404aaa1f6d2a48adfda4\n"),
            ("etc/os-release", "NAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_ID=\"12\"\n"),
        ],
    );
    let root =
        HostRoot { proc: at.join("proc"), sys: at.join("sys"), etc: at.join("etc"), own: at.to_owned(), node: None };
    (folder, root)
}

#[test]
fn a_bare_host_is_described_by_its_files() {
    let (_folder, root) = fixture();
    let host = read(&root).unwrap();
    let machine = &host.machine;
    assert_eq!(machine.hostname, "web1");
    assert_eq!(machine.machine_id.as_deref(), Some("3d1219c7c4c5404aaa1f6d2a48adfda4"));
    assert_eq!(machine.product_uuid.as_deref(), Some("4c4c4544-0042-3510-8051-b4c04f4e3132"));
    assert_eq!(machine.product_serial, None, "a filler is no serial number");
    assert_eq!(machine.mac_addresses, ["02:fc:00:00:00:01"]);
    assert_eq!(machine.addresses, ["2001:db8::7"], "neither link-local nor temporary ones");
    assert!(!machine.in_container);
    let names: Vec<&str> = host.interfaces.iter().map(|interface| interface.name.as_str()).collect();
    assert_eq!(names, ["docker0", "eth0"], "what comes and goes with containers is left out");
    assert_eq!(host.virtualization.as_deref(), Some("none"));
    assert_eq!(
        (host.vendor.as_deref(), host.memory_bytes, host.swap_bytes),
        (Some("Dell Inc."), Some(1 << 20), Some(0))
    );
    assert_eq!((host.os_id.as_deref(), host.os_version.as_deref()), (Some("debian"), Some("12")));
}

#[test]
fn a_bridge_counts_when_hardware_is_plugged_into_it() {
    let (folder, root) = fixture();
    let net = folder.path().join("sys/class/net");
    write(&net, &[("br0/address", "02:00:00:00:00:0a\n"), ("vmlan/address", "02:00:00:00:00:0b\n")]);
    write(&net, &[("br0/brif/eth0/port_no", "1"), ("vmlan/brif/veth12ab/port_no", "1"), ("eth0/device/vendor", "1")]);
    assert_eq!(machine_at(&root).mac_addresses, ["02:00:00:00:00:0a", "02:fc:00:00:00:01"]);
}

#[test]
fn inside_a_container_the_hardware_is_not_ours() {
    let id = "c6f1ab64d8b0c0d2f0a9f4c27d6e1f0ba1d2c3e4f5061728394a5b6c7d8e9f00";
    for (file, content) in [
        ("run/.containerenv", String::new()),
        ("run/systemd/container", "lxc\n".into()),
        ("proc/self/cgroup", format!("0::/system.slice/docker-{id}.scope\n")),
    ] {
        let (folder, root) = fixture();
        write(folder.path(), &[(file, &content)]);
        let host = read(&root).unwrap();
        assert!(host.machine.in_container, "{file}");
        assert_eq!((host.machine.product_uuid, host.vendor), (None, None), "{file}");
        assert_ne!(host.virtualization.as_deref(), Some("none"), "{file}");
    }
}

#[test]
fn a_marker_that_an_image_left_behind_makes_no_container() {
    let (folder, root) = fixture();
    write(folder.path(), &[(".dockerenv", "")]);
    fs::create_dir_all(root.proc.join("self/ns")).unwrap();
    symlink("pid:[4026531836]", root.proc.join("self/ns/pid")).unwrap();
    symlink("cgroup:[4026531835]", root.proc.join("self/ns/cgroup")).unwrap();
    assert!(!machine_at(&root).in_container);
    fs::remove_file(root.proc.join("self/ns/pid")).unwrap();
    symlink("pid:[4026532177]", root.proc.join("self/ns/pid")).unwrap();
    assert!(machine_at(&root).in_container);
}

#[test]
fn fillers_identify_nothing() {
    for junk in
        ["Default string", "To be filled by O.E.M.", "00000000-0000-0000-0000-000000000000", "", "...", "FFFFFFFF", "0"]
    {
        assert!(identity::is_junk(junk), "{junk}");
    }
    for value in ["4c4c4544-0042-3510-8051-b4c04f4e3132", "J8F2K13", "VMware-56 4d 11"] {
        assert!(!identity::is_junk(value), "{value}");
    }
}

#[test]
fn in_kubernetes_the_node_names_the_host() {
    let (_folder, root) = fixture();
    let node = NodeIdentity { name: "node-7".into(), system_uuid: Some("0F-1".into()), ..NodeIdentity::default() };
    let machine = machine_at(&HostRoot { node: Some(node), ..root.clone() });
    assert_eq!((machine.hostname.as_str(), machine.product_uuid.as_deref()), ("node-7", Some("0F-1")));
    assert_eq!((machine.machine_id, machine.mac_addresses), (None, Vec::new()), "the files tell of the pod");
    let (folder, root) = fixture();
    write(folder.path(), &[("etc/machine-id", "uninitialized\n")]);
    assert_eq!(machine_at(&root).machine_id, None);
}

#[test]
fn virtual_machines_are_known_by_vendor_and_clock() {
    let (folder, root) = fixture();
    write(folder.path(), &[("sys/class/dmi/id/sys_vendor", "QEMU\n")]);
    assert_eq!(surroundings::virtualization(&root, true).as_deref(), Some("qemu"));
    write(folder.path(), &[("sys/class/dmi/id/sys_vendor", "Amazon EC2\n")]);
    #[cfg(target_arch = "x86_64")]
    assert_eq!(surroundings::virtualization(&root, false).as_deref(), Some("none"), "a rented bare machine");
    assert_eq!(surroundings::virtualization(&root, true).as_deref(), Some("amazon"));
    fs::remove_dir_all(root.sys.join("class/dmi")).unwrap();
    let clock = "sys/devices/system/clocksource/clocksource0/available_clocksource";
    write(folder.path(), &[(clock, "kvm-clock tsc acpi_pm\n")]);
    assert_eq!(surroundings::virtualization(&root, true).as_deref(), Some("kvm"));
}

#[tokio::test]
async fn this_machine_is_seen_and_stays_the_same() {
    let inspector = HostInspector::new(HostRoot::default());
    let look = || inspector.inspect(Duration::from_secs(5));
    let first = look().await.unwrap();
    let Observation::Complete(entities) = &first else { panic!("{first:?}") };
    let [Entity { native_id, body: Body::Host(host), .. }] = entities.as_slice() else { panic!("{entities:?}") };
    assert_eq!(native_id, HOST_ID);
    assert!(!host.machine.hostname.is_empty() && host.boot_id.is_some() && host.kernel_release.is_some());
    assert!(host.memory_bytes > Some(64 << 20) && host.cpu_threads >= Some(1));
    assert_eq!(machine().hostname, host.machine.hostname);
    assert_eq!(look().await.unwrap(), first, "nothing volatile is in it");
    assert_eq!(inspector.measure().await[0].cpu_millicores, None, "the first measurement has no rate");
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(50) {
        std::hint::spin_loop();
    }
    let usage = inspector.measure().await;
    assert!(usage[0].cpu_millicores > Some(0) && usage[0].memory_bytes > Some(1 << 20), "{usage:?}");
}
