//! An egress: a source address with its EHLO name and its reverse path.
//!
//! Greylisting servers know a client by these three and the recipient (RFC 6647 section 2), so a
//! probe keeps its egress from the first attempt to the last.

use std::net::IpAddr;

use vrfy_proto::ehlo_name::EhloName;
use vrfy_proto::reverse_path::ReversePath;

/// Who asks.
#[derive(Clone, Debug)]
pub struct Egress {
    /// The source address to bind; the system's choice where absent.
    pub source: Option<IpAddr>,
    /// The name for EHLO. Where absent, the address literal of the connection's source address is
    /// given (RFC 5321 section 4.1.4).
    pub ehlo_name: Option<EhloName>,
    /// The reverse path for MAIL FROM.
    pub reverse_path: ReversePath,
}
