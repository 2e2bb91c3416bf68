//! Mounted file systems on block devices.
//!
//! One entry for each device: of several mounts (bind mounts, btrfs subvolumes) the one of the whole file system with
//! the shortest path. Loop devices and the volumes of pods are left out, as they come and go. Format: proc(5).

use std::{collections::BTreeMap, path::Path};

use orchestrix_common::model::Disk;

use super::{HostRoot, read_text};

/// Folders in which engines mount for their containers.
const ENGINES: [&str; 5] =
    ["/var/lib/kubelet/", "/var/lib/docker/", "/var/lib/containers/", "/run/containerd/", "/var/lib/containerd/"];

/// Reads the mounted file systems, sorted by mount point.
pub(super) fn read(root: &HostRoot) -> Vec<Disk> {
    let process = if root.is_mounted() { "1" } else { "self" };
    let text = read_text(root.proc.join(process).join("mountinfo")).unwrap_or_default();
    let size = |mount_point: &str| {
        let stat = rustix::fs::statvfs(mount_point).ok()?;
        stat.f_blocks.checked_mul(stat.f_frsize)
    };
    let mut disks = parse(&text);
    for disk in &mut disks {
        // What a pool of ZFS shares changes with its neighbours; elsewhere the path is another file system here.
        let is_fixed = !root.is_mounted() && disk.file_system.as_deref() != Some("zfs");
        disk.size_bytes = is_fixed.then(|| size(&disk.mount_point)).flatten();
    }
    // A single file that was mounted into a container is no place for files.
    disks.retain(|disk| root.is_mounted() || !Path::new(&disk.mount_point).is_file());
    disks
}

/// Reads mountinfo; sizes are not in it.
fn parse(text: &str) -> Vec<Disk> {
    let mut best: BTreeMap<String, (bool, usize, Disk)> = BTreeMap::new();
    for line in text.lines() {
        let Some((mount, system)) = line.split_once(" - ") else { continue };
        let (mount, system): (Vec<&str>, Vec<&str>) = (mount.split(' ').collect(), system.split(' ').collect());
        let ([_, _, _, root, mount_point, ..], [file_system, device, ..]) = (mount.as_slice(), system.as_slice())
        else {
            continue;
        };
        let mount_point = unescaped(mount_point);
        let is_block = (device.starts_with("/dev/") && !device.starts_with("/dev/loop")) || *file_system == "zfs";
        if !is_block || ENGINES.iter().any(|folder| mount_point.starts_with(folder)) {
            continue;
        }
        let disk = Disk {
            device: unescaped(device),
            file_system: Some((*file_system).to_owned()),
            size_bytes: None,
            mount_point,
        };
        let candidate = (*root != "/", disk.mount_point.len(), disk);
        let held = best.entry(candidate.2.device.clone()).or_insert_with(|| candidate.clone());
        if candidate < *held {
            *held = candidate;
        }
    }
    let mut disks: Vec<Disk> = best.into_values().map(|(_, _, disk)| disk).collect();
    disks.sort();
    disks
}

/// Blanks and the like are written as a backslash and three octal digits.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(&part.as_bytes()[3..]);
            }
            None => {
                bytes.push(b'\\');
                bytes.extend_from_slice(part.as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_listed_once_by_its_shortest_whole_mount() {
        let text = "\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
44 27 254:0 /srv/x /a rw shared:3 - ext4 /dev/vda rw
45 27 254:1 / /mnt/my\\040disk rw shared:3 - xfs /dev/mapper/vg-data rw
46 27 254:1 / /mnt/my\\040disk/again rw - xfs /dev/mapper/vg-data rw
47 27 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro
48 27 0:22 / /proc rw - proc proc rw
49 27 0:39 / /merged rw - overlay overlay rw
50 27 8:1 / /var/lib/kubelet/pods/1/volumes/x rw - ext4 /dev/rbd0 rw
51 27 0:50 /@ /pool rw - btrfs /dev/sdb rw
52 27 0:50 /@home /home rw - btrfs /dev/sdb rw
53 27 0:60 / /tank rw - zfs tank rw
nonsense
";
        let disks = parse(text);
        let listed: Vec<_> = disks.iter().map(|disk| (disk.mount_point.as_str(), disk.device.as_str())).collect();
        let expected =
            [("/", "/dev/vda"), ("/home", "/dev/sdb"), ("/mnt/my disk", "/dev/mapper/vg-data"), ("/tank", "tank")];
        assert_eq!(listed, expected);
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(unescaped("a\\040b\\134c\\"), "a b\\c\\");
    }
}
