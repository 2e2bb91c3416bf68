//! Format of `/proc/net/{tcp,tcp6,udp,udp6}` (proc(5)): addresses are hexadecimal words in the host's byte order.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
};

use super::{Socket, Transport};

/// States of the kernel's `tcp_states.h`: an unconnected UDP socket counts as closed.
const LISTEN: &str = "0A";
const CLOSE: &str = "07";

/// Reads the listening sockets of a table; lines of another form are passed over.
pub(super) fn parse(text: &str, transport: Transport, namespace: u64) -> Vec<Socket> {
    text.lines().skip(1).filter_map(|line| parse_line(line, transport, namespace)).collect()
}

fn parse_line(line: &str, transport: Transport, namespace: u64) -> Option<Socket> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (address, port) = fields.next()?.split_once(':')?;
    let state = fields.nth(1)?;
    let wanted = match transport {
        Transport::Tcp => LISTEN,
        Transport::Udp => CLOSE,
    };
    if state != wanted {
        return None;
    }
    let user_id = fields.nth(3)?.parse().ok()?;
    let inode = fields.nth(1)?.parse().ok()?;
    let port = u16::from_str_radix(port, 16).ok()?;
    Some(Socket { port, transport, address: parse_address(address)?, namespace, inode, user_id })
}

fn parse_address(text: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(text.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    match text.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for (at, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(at * 8)?);
            }
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

/// Reads `ip_local_port_range`.
pub(super) fn parse_range(text: &str) -> Option<RangeInclusive<u16>> {
    let mut ends = text.split_ascii_whitespace();
    Some(ends.next()?.parse().ok()?..=ends.next()?.parse().ok()?)
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    const TCP: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000    33        0 21345 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 02:00000A3B 00000000    33        0 21399 2 0000000000000000 20 4 30 10 -1
   2: garbage
";
    const TCP6: &str = "\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 777 1 0000000000000000 100 0 0 10 0
";
    const UDP: &str = "\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  300: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 4455 2 0000000000000000 0
  301: 0A00000A:D431 08080808:0035 01 00000000:00000000 00:00000000 00000000   101        0 4456 2 0000000000000000 0
";

    #[test]
    fn only_listening_sockets_are_kept() {
        let tcp = parse(TCP, Transport::Tcp, 5);
        let expected = Socket {
            port: 8080,
            transport: Transport::Tcp,
            address: Ipv4Addr::LOCALHOST.into(),
            namespace: 5,
            inode: 21_345,
            user_id: 33,
        };
        assert_eq!(tcp, [expected]);
        let tcp6 = parse(TCP6, Transport::Tcp, 5);
        assert_eq!((tcp6[0].address, tcp6[0].port), (Ipv6Addr::LOCALHOST.into(), 22));
        let udp = parse(UDP, Transport::Udp, 5);
        assert_eq!(udp.iter().map(|socket| (socket.port, socket.inode)).collect::<Vec<_>>(), [(68, 4_455)]);
    }

    #[test]
    fn a_range_is_two_numbers() {
        assert_eq!(parse_range("32768\t60999\n"), Some(32_768..=60_999));
        assert_eq!(parse_range("1"), None);
    }
}
