//! What `vrfy doctor` needs, from what was typed.

use std::sync::Arc;

use vrfy_proto::domain::Domain;
use vrfy_proto::limits::Limits;
use vrfy_proto::session::StartTlsUse;

use super::{egresses, exclusions, guard};
use crate::args::{DoctorArgs, TimeoutChoice};
use crate::clock::Clock;
use crate::connect::Sockets;
use crate::doctor::Doctor;
use crate::error::UserError;
use crate::executor::InProcess;
use crate::lookup::{LOOKUP_TIMEOUT, Lookup, LookupConfig};
use crate::tls::TlsClient;

/// Resolves what was typed.
pub fn doctor(args: &DoctorArgs, chance: u64) -> Result<Doctor, UserError> {
    let DoctorArgs { who, network, .. } = args;
    let egresses = egresses(who, network)?;
    let lookup_timeout = TimeoutChoice::every(&network.timeout)
        .map_or(LOOKUP_TIMEOUT, |time| time.min(LOOKUP_TIMEOUT));
    let resolvers = match network.resolver {
        Some(resolver) => vec![resolver],
        None => Lookup::system_servers()?,
    };
    let executor = InProcess {
        lookup: Lookup::new(LookupConfig {
            resolver: network.resolver,
            timeout: lookup_timeout,
            ..LookupConfig::default()
        })?,
        network: Sockets,
        // Exchanges on this host are asked like others: they may well be the sender's.
        guard: guard(network, Vec::new(), &exclusions(network)?),
        tls: TlsClient::new(),
        port: network.port,
        start_tls: StartTlsUse::Opportunistic,
        timeouts: TimeoutChoice::resolve(&network.timeout),
        limits: Limits::default(),
        clock: Clock::system(),
    };
    Ok(Doctor {
        executor,
        resolvers,
        lookup_timeout,
        blocklists: args.blocklists.clone(),
        targets: args.targets.iter().cloned().map(Domain::Name).collect(),
        egresses: egresses.iter().cloned().map(Arc::new).collect(),
        public_address: args.public_address,
        chance,
    })
}
