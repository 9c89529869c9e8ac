//! Connections on loopback, and addresses that must not be connected to.

use std::net::{Ipv4Addr, Ipv6Addr};

use tokio::net::TcpListener;

use super::*;

const TIMEOUT: Duration = Duration::from_secs(5);

fn loopback() -> AddressGuard {
    AddressGuard {
        allow: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        ..AddressGuard::default()
    }
}

async fn try_at(target: &str, guard: &AddressGuard) -> Result<TcpStream, ConnectFailure> {
    connect(target.parse().unwrap(), None, TIMEOUT, guard).await
}

#[tokio::test]
async fn an_address_that_is_not_public_is_refused_by_the_name_of_its_block() {
    let guard = AddressGuard::default();
    for (target, block) in [
        ("127.0.0.1:25", "Loopback"),
        ("10.0.0.1:25", "Private-Use"),
        ("169.254.169.254:25", "Link Local"),
        ("0.0.0.0:25", "This host"),
        ("224.0.0.1:25", "Multicast"),
        ("[::1]:25", "Loopback"),
        ("[::]:25", "Unspecified"),
        ("[fe80::1]:25", "Link-Local"),
        ("[::ffff:10.0.0.1]:25", "Private-Use"),
        ("[::ffff:127.0.0.1]:25", "Loopback"),
        ("[64:ff9b::a9fe:a9fe]:25", "Link Local"),
    ] {
        match try_at(target, &guard).await {
            Err(ConnectFailure::NotPublic(name)) => {
                assert!(name.starts_with(block), "{target}: {name}");
            }
            other => panic!("{target}: {other:?}"),
        }
    }
}

#[test]
fn public_addresses_need_no_permission() {
    let guard = AddressGuard::default();
    // Registered for a purpose, but reachable from anywhere.
    for address in ["192.0.0.9", "2001:1::1"] {
        assert_eq!(guard.check(address.parse().unwrap()), Ok(()));
    }
}

#[tokio::test]
async fn an_open_port_is_connected_to_from_the_source_that_is_asked_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap();
    let source = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
    let stream = connect(target, Some(source), TIMEOUT, &loopback())
        .await
        .unwrap();
    assert_eq!(stream.local_addr().unwrap().ip(), source);
    assert_eq!(listener.accept().await.unwrap().1.ip(), source);
    assert!(stream.nodelay().unwrap());
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = listener.local_addr().unwrap();
    drop(listener);
    let failed = connect(target, None, TIMEOUT, &loopback()).await;
    assert_eq!(failed.unwrap_err(), ConnectFailure::Refused);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_after_the_time_limit() {
    // Nobody accepts, and once the queue is full the kernel drops what else arrives.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let target = listener.local_addr().unwrap();
    let short = Duration::from_millis(100);
    let mut held = Vec::new();
    let failed = loop {
        assert!(held.len() < 50, "the queue never fills");
        match connect(target, None, short, &loopback()).await {
            Ok(stream) => held.push(stream),
            Err(failure) => break failure,
        }
    };
    assert_eq!(failed, ConnectFailure::TimedOut);
}

#[tokio::test]
async fn a_source_that_cannot_be_used_is_named() {
    for (source, what) in [
        ("192.0.2.1", "cannot use source address 192.0.2.1"),
        ("::1", "source address ::1 is of another family"),
    ] {
        let target = "127.0.0.1:25".parse().unwrap();
        let source = Some(source.parse().unwrap());
        match connect(target, source, TIMEOUT, &loopback()).await {
            Err(ConnectFailure::Other(message)) => assert!(message.starts_with(what), "{message}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn each_kind_of_error_stays_what_it_is() {
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, 25));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, 25));
    let source = Some(IpAddr::V6(Ipv6Addr::LOCALHOST));
    let kinds = |kind: io::ErrorKind, target, source| failure(&kind.into(), target, source);
    use io::ErrorKind::*;
    assert_eq!(kinds(ConnectionRefused, v4, None), ConnectFailure::Refused);
    assert_eq!(kinds(TimedOut, v4, None), ConnectFailure::TimedOut);
    for kind in [HostUnreachable, NetworkUnreachable, NetworkDown] {
        assert_eq!(kinds(kind, v4, None), ConnectFailure::Unreachable);
    }
    assert_eq!(
        kinds(AddrNotAvailable, v6, None),
        ConnectFailure::Unreachable
    );
    let family = io::Error::from_raw_os_error(ADDRESS_FAMILY_UNKNOWN);
    assert_eq!(failure(&family, v6, None), ConnectFailure::Unreachable);
    for (target, source) in [(v4, None), (v6, source)] {
        let other = kinds(AddrNotAvailable, target, source);
        assert!(matches!(other, ConnectFailure::Other(_)));
    }
}
