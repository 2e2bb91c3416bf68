//! Slows down whoever fails to enrol again and again.
//!
//! Only failures count, so ten thousand hosts behind one address may enrol at once. A burst of 10, then one in 6 s.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use orchestrix_common::time::Timestamp;

const BURST: f64 = 10.0;
const REFILL: Duration = Duration::from_secs(6);
/// Addresses that are remembered. When all are in use a further one is not slowed down: who has that many is not
/// stopped by counting addresses, and the limit on calls in flight still holds.
const ADDRESSES: usize = 4096;

/// Failures by address.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<HashMap<IpAddr, Bucket>>);

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Timestamp,
}

impl Bucket {
    fn left(self, now: Timestamp) -> f64 {
        (self.left + now.since(self.at).as_secs_f64() / REFILL.as_secs_f64()).min(BURST)
    }
}

impl Failures {
    /// Whether the address may try.
    pub(super) fn allow(&self, address: IpAddr, now: Timestamp) -> bool {
        let buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.get(&network(address)).is_none_or(|bucket| bucket.left(now) >= 1.0)
    }

    /// Notes that a try failed.
    pub(super) fn record(&self, address: IpAddr, now: Timestamp) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let address = network(address);
        if buckets.len() >= ADDRESSES && !buckets.contains_key(&address) {
            buckets.retain(|_, bucket| bucket.left(now) < BURST);
            if buckets.len() >= ADDRESSES {
                return;
            }
        }
        let left = buckets.get(&address).map_or(BURST, |bucket| bucket.left(now));
        buckets.insert(address, Bucket { left: (left - 1.0).max(0.0), at: now });
    }
}

/// One customer of a network has a /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_use_up_a_burst_and_time_gives_it_back() {
        let failures = Failures::default();
        let (address, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let start = Timestamp::from_secs(1_000);
        for _ in 0..10 {
            assert!(failures.allow(address, start));
            failures.record(address, start);
        }
        assert!(!failures.allow(address, start));
        assert!(failures.allow(other, start));
        assert!(!failures.allow(address, start.plus(Duration::from_secs(5))));
        assert!(failures.allow(address, start.plus(Duration::from_secs(7))));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let failures = Failures::default();
        let now = Timestamp::from_secs(1_000);
        for host in 0..10_u16 {
            failures.record(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, host).into(), now);
        }
        assert!(!failures.allow("2001:db8:0:1:ffff::".parse().unwrap(), now));
        assert!(failures.allow("2001:db8:0:2::".parse().unwrap(), now));
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), "192.0.2.1".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn memory_is_bounded() {
        let failures = Failures::default();
        let now = Timestamp::from_secs(1_000);
        for host in 0..10_000_u32 {
            failures.record(IpAddr::from(host.to_be_bytes()), now);
        }
        assert_eq!(failures.0.lock().unwrap().len(), ADDRESSES);
        failures.record("192.0.2.1".parse().unwrap(), now.plus(Duration::from_secs(60)));
        assert_eq!(failures.0.lock().unwrap().len(), 1, "those that may try again anyway are forgotten");
    }
}
