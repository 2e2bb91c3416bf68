//! How many sockets a network namespace has, from `/proc/PID/net/sockstat` and `sockstat6` (proc(5)): where that did not
//! change, a question for the sockets themselves can wait. It costs a tenth of one.
//!
//! A socket that opens while another one closes leaves the number as it is, so the number is no proof; who asks by it has
//! to ask once in a while all the same.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

/// Longer than either file ever is.
const BYTES: usize = 1024;

/// Sockets that are in use, of TCP and UDP over IPv4 and over IPv6: listening, connected, bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::inspect::process) struct Tally([u64; 4]);

impl Tally {
    /// Adds what a file tells; `None` when it has another form.
    fn add(&mut self, text: &str) -> Option<()> {
        const NAMES: [&str; 4] = ["TCP:", "UDP:", "TCP6:", "UDP6:"];
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let slot = words.next().and_then(|word| NAMES.iter().position(|name| *name == word));
            if let Some(slot) = slot.and_then(|at| self.0.get_mut(at)) {
                *slot = words.nth(1)?.parse().ok()?;
            }
        }
        Some(())
    }
}

/// The files of one namespace, open.
#[derive(Debug)]
pub(super) struct Counter {
    version_4: File,
    /// `None` where the kernel has no IPv6.
    version_6: Option<File>,
}

impl Counter {
    /// Opens the files of the namespace that a process is in.
    pub(super) fn open(proc: &Path, process: &str) -> io::Result<Self> {
        let folder: PathBuf = proc.join(process).join("net");
        let version_4 = File::open(folder.join("sockstat"))?;
        let version_6 = match File::open(folder.join("sockstat6")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            opened => Some(opened?),
        };
        Ok(Self { version_4, version_6 })
    }

    /// Counts; `None` when that is not told.
    pub(super) fn count(&self) -> Option<Tally> {
        let mut tally = Tally::default();
        for file in [Some(&self.version_4), self.version_6.as_ref()].into_iter().flatten() {
            let mut bytes = [0; BYTES];
            let length = file.read_at(&mut bytes, 0).ok()?;
            tally.add(std::str::from_utf8(bytes.get(..length)?).ok()?)?;
        }
        Some(tally)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};

    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_namespace() {
        let mut tally = Tally::default();
        tally.add("sockets: used 130\nTCP: inuse 15 orphan 0 tw 5 alloc 15 mem 373\nUDP: inuse 3 mem 0\n").unwrap();
        tally.add("TCP6: inuse 2\nUDP6: inuse 0\nUDPLITE6: inuse 9\n").unwrap();
        assert_eq!(tally, Tally([15, 3, 2, 0]));
        assert_eq!(Tally::default().add("TCP: used"), None);
    }

    #[test]
    fn a_listener_is_counted() {
        let counter = Counter::open(Path::new("/proc"), "self").unwrap();
        let before = counter.count().unwrap();
        // Others open and close sockets at the same time: so many at once are seen all the same.
        let listeners: Vec<_> = (0..50).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
        let after = counter.count().unwrap();
        assert!(after.0[0] > before.0[0], "{before:?} {after:?}");
        drop(listeners);
        if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
            assert!(counter.version_6.is_some());
        }
    }
}
