//! Opens the connection to an exchange, if its address may be connected to at all.
//!
//! **Promises.** The address that is checked is the address that is connected to: there is no name
//! in between that could resolve to something else a moment later. What is not public, by the IANA
//! registries, is refused before a packet leaves, unless the operator allows the range; so is what
//! an exclusion list names, and this machine itself. Refused, silent and unreachable stay apart.
//!
//! The guard and the time limit stand in front of the [`Network`]: whatever takes the place of
//! sockets, no address gets there unchecked.
//!
//! **Does not** choose among addresses, try again, or count connections.
//!
//! Read next: `connect/guard.rs`, `vrfy_proto::address_safety`, [`crate::drive`].

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use vrfy_proto::evidence::ConnectFailure;

pub use self::guard::AddressGuard;

mod guard;

/// Opens connections: over sockets, or over what takes their place in a simulation.
pub trait Network: Send + Sync + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Send + 'static;

    /// Opens a connection to an address that the guard let pass, from `source` if one is given.
    /// Takes as long as the network does; [`connect_over`] has the time limit.
    fn open(
        &self,
        target: SocketAddr,
        source: Option<IpAddr>,
    ) -> impl Future<Output = Result<Connection<Self::Stream>, ConnectFailure>> + Send;
}

/// An open connection.
#[derive(Debug)]
pub struct Connection<S> {
    /// What is read from and written to.
    pub stream: S,
    /// The address that it comes from, where that is known.
    pub source: Option<IpAddr>,
}

/// The network of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sockets;

impl Network for Sockets {
    type Stream = TcpStream;

    async fn open(
        &self,
        target: SocketAddr,
        source: Option<IpAddr>,
    ) -> Result<Connection<TcpStream>, ConnectFailure> {
        let socket = socket(target, source)?;
        let stream = socket.connect(target).await;
        let stream = stream.map_err(|error| failure(&error, target, source))?;
        // A dialogue is short lines back and forth: waiting to fill a segment only costs round
        // trips.
        stream
            .set_nodelay(true)
            .map_err(|error| failure(&error, target, source))?;
        let source = stream.local_addr().ok().map(|local| local.ip());
        Ok(Connection { stream, source })
    }
}

/// Connects to the address over sockets, from `source` if one is given, and gives up after
/// `timeout`.
pub async fn connect(
    target: SocketAddr,
    source: Option<IpAddr>,
    timeout: Duration,
    guard: &AddressGuard,
) -> Result<TcpStream, ConnectFailure> {
    let connection = connect_over(&Sockets, target, source, timeout, guard).await?;
    Ok(connection.stream)
}

/// Connects to the address over that network, from `source` if one is given, and gives up after
/// `timeout`.
pub async fn connect_over<N: Network>(
    network: &N,
    target: SocketAddr,
    source: Option<IpAddr>,
    timeout: Duration,
    guard: &AddressGuard,
) -> Result<Connection<N::Stream>, ConnectFailure> {
    guard.check(target.ip())?;
    match tokio::time::timeout(timeout, network.open(target, source)).await {
        Ok(connected) => connected,
        Err(_) => Err(ConnectFailure::TimedOut),
    }
}

fn socket(target: SocketAddr, source: Option<IpAddr>) -> Result<TcpSocket, ConnectFailure> {
    let socket = match target {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    };
    let socket = socket.map_err(|error| failure(&error, target, source))?;
    let Some(source) = source else {
        return Ok(socket);
    };
    if source.is_ipv4() != target.is_ipv4() {
        let what = format!(
            "source address {source} is of another family than {}",
            target.ip()
        );
        return Err(ConnectFailure::Other(what));
    }
    socket.bind(SocketAddr::new(source, 0)).map_err(|error| {
        ConnectFailure::Other(format!("cannot use source address {source}: {error}"))
    })?;
    Ok(socket)
}

fn failure(error: &io::Error, target: SocketAddr, source: Option<IpAddr>) -> ConnectFailure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ConnectFailure::Refused,
        io::ErrorKind::TimedOut => ConnectFailure::TimedOut,
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::NetworkUnreachable => ConnectFailure::Unreachable,
        // A machine without IPv6 has no address to connect from, or does not know the family. For
        // IPv4, or with a source address, the same error speaks of exhausted ports.
        io::ErrorKind::AddrNotAvailable if target.is_ipv6() && source.is_none() => {
            ConnectFailure::Unreachable
        }
        _ if error.raw_os_error() == Some(ADDRESS_FAMILY_UNKNOWN) => ConnectFailure::Unreachable,
        _ => ConnectFailure::Other(error.to_string()),
    }
}

/// `EAFNOSUPPORT` on Linux, where the kernel was started without IPv6; it has no kind of its own.
const ADDRESS_FAMILY_UNKNOWN: i32 = 97;

#[cfg(test)]
mod tests;
