//! Whether the source addresses of egresses are this machine's, and which addresses are.

use std::io;
use std::net::{IpAddr, UdpSocket};

use thiserror::Error;

use super::Egresses;

/// A source address that cannot be used. Nothing was sent.
#[derive(Debug, Error)]
#[error(
    "cannot use the source address {address}{}: {error}; `ip address` lists those that this \
     machine has",
    egress.as_ref().map(|name| format!(" of the egress {name:?}")).unwrap_or_default()
)]
pub struct SourceError {
    address: IpAddr,
    egress: Option<String>,
    error: io::Error,
}

/// Binds every source address once, for a socket that sends nothing, so that an address which this
/// machine does not have is noticed before anybody is asked.
pub fn check_sources(egresses: &Egresses) -> Result<(), SourceError> {
    for egress in egresses.iter() {
        for address in egress.sources() {
            UdpSocket::bind((address, 0)).map_err(|error| SourceError {
                address,
                egress: egress.name.clone(),
                error,
            })?;
        }
    }
    Ok(())
}

/// The addresses of this machine's interfaces. An exchange at one of them would be ourselves.
pub fn interface_addresses() -> io::Result<Vec<IpAddr>> {
    let interfaces = if_addrs::get_if_addrs()?;
    Ok(interfaces.iter().map(if_addrs::Interface::ip).collect())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use vrfy_proto::reverse_path::ReversePath;

    use super::super::Egress;
    use super::*;

    fn from(address: &str) -> Egresses {
        Egress::single(Some(address.parse().unwrap()), None, ReversePath::Null).into()
    }

    #[test]
    fn an_address_of_this_machine_can_be_a_source() {
        assert!(check_sources(&from("127.0.0.2")).is_ok());
    }

    #[test]
    fn an_address_of_another_machine_is_named() {
        let told = check_sources(&from("192.0.2.1")).unwrap_err().to_string();
        assert!(
            told.starts_with("cannot use the source address 192.0.2.1: "),
            "{told}"
        );
        let egress = Egress {
            name: Some("blue".to_owned()),
            ..from("192.0.2.1").get(0).as_ref().clone()
        };
        let told = check_sources(&egress.into()).unwrap_err().to_string();
        assert!(
            told.contains("192.0.2.1 of the egress \"blue\": "),
            "{told}"
        );
    }

    #[test]
    fn the_loopback_is_among_the_addresses_of_this_machine() {
        let all = interface_addresses().unwrap();
        assert!(all.contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)), "{all:?}");
    }
}
