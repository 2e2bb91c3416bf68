//! Asks the kernel for sockets by `sock_diag` (sock_diag(7)).

use std::io;

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::{
    SockDiagMessage,
    constants::{AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP},
    inet::{ExtensionFlags, InetRequest, SocketId, StateFlags},
};
use netlink_sys::{Socket as NetlinkSocket, SocketAddr, protocols::NETLINK_SOCK_DIAG};

use super::{Socket, Transport};

/// The kernel's largest datagram of a dump.
const BUFFER_BYTES: usize = 64 * 1024;

/// An open question-and-answer socket; it belongs to the network namespace in which it was opened.
pub(super) struct Diagnosis {
    socket: NetlinkSocket,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Diagnosis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Diagnosis").finish_non_exhaustive()
    }
}

impl Diagnosis {
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = NetlinkSocket::new(NETLINK_SOCK_DIAG)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket, buffer: Vec::with_capacity(BUFFER_BYTES) })
    }

    /// Asks for all listening TCP and unconnected UDP sockets of the namespace.
    pub(super) fn ask(&mut self, namespace: u64) -> io::Result<Vec<Socket>> {
        let mut found = Vec::new();
        for (transport, protocol, states) in
            [(Transport::Tcp, IPPROTO_TCP, StateFlags::LISTEN), (Transport::Udp, IPPROTO_UDP, StateFlags::CLOSE)]
        {
            self.dump(AF_INET, protocol, states.clone())?;
            self.collect(transport, namespace, &mut found)?;
            match self.dump(AF_INET6, protocol, states).and_then(|()| self.collect(transport, namespace, &mut found)) {
                // A kernel without IPv6.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
        Ok(found)
    }

    fn dump(&self, family: u8, protocol: u8, states: StateFlags) -> io::Result<()> {
        let socket_id = if family == AF_INET6 { SocketId::new_v6() } else { SocketId::new_v4() };
        let request = InetRequest { family, protocol, extensions: ExtensionFlags::empty(), states, socket_id };
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_DUMP;
        let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0).map(drop)
    }

    fn collect(&mut self, transport: Transport, namespace: u64, found: &mut Vec<Socket>) -> io::Result<()> {
        loop {
            self.buffer.clear();
            let received = self.socket.recv(&mut self.buffer, 0)?;
            let mut rest = self.buffer.get(..received).ok_or(io::ErrorKind::InvalidData)?;
            while !rest.is_empty() {
                let message = NetlinkMessage::<SockDiagMessage>::deserialize(rest).map_err(io::Error::other)?;
                let length = usize::try_from(message.header.length).unwrap_or(usize::MAX);
                match message.payload {
                    NetlinkPayload::Done(_) => return Ok(()),
                    NetlinkPayload::Error(error) => return Err(error.to_io()),
                    NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) => found.push(Socket {
                        port: response.header.socket_id.source_port,
                        transport,
                        address: response.header.socket_id.source_address,
                        namespace,
                        inode: response.header.inode.into(),
                        user_id: response.header.uid,
                    }),
                    _ => {}
                }
                // Messages start at multiples of four bytes; one without a length would never end.
                let step = length.max(1).next_multiple_of(4).min(rest.len());
                rest = &rest[step..];
            }
        }
    }
}
