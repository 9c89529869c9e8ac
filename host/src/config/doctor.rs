//! What `vrfy doctor` needs, from what was typed.

use std::sync::Arc;

use vrfy_proto::domain::Domain;
use vrfy_proto::ehlo_name::EhloName;
use vrfy_proto::limits::Limits;
use vrfy_proto::reverse_path::ReversePath;
use vrfy_proto::session::StartTlsUse;

use super::{check_names, exclusion_lists, variable};
use crate::args::{DoctorArgs, TimeoutChoice};
use crate::clock::Clock;
use crate::connect::{AddressGuard, Sockets};
use crate::doctor::Doctor;
use crate::egress::{Egress, Egresses, check_sources};
use crate::error::UserError;
use crate::exclusions::Exclusions;
use crate::executor::InProcess;
use crate::lookup::{LOOKUP_TIMEOUT, Lookup, LookupConfig};
use crate::tls::TlsClient;

/// Resolves what was typed.
pub fn doctor(args: &DoctorArgs, chance: u64) -> Result<Doctor, UserError> {
    let egresses = egresses(args)?;
    let lookup_timeout = args
        .timeout
        .map_or(LOOKUP_TIMEOUT, |time| time.min(LOOKUP_TIMEOUT));
    let resolvers = match args.resolver {
        Some(resolver) => vec![resolver],
        None => Lookup::system_servers()?,
    };
    let executor = InProcess {
        lookup: Lookup::new(LookupConfig {
            resolver: args.resolver,
            timeout: lookup_timeout,
            ..LookupConfig::default()
        })?,
        network: Sockets,
        guard: AddressGuard {
            allow: args.allow_special.clone(),
            nat64: Vec::new(),
            // Exchanges on this host are asked like others: they may well be the sender's.
            own: Vec::new(),
            exclusions: Arc::new(Exclusions::read(exclusion_lists(&args.exclude))?),
        },
        tls: TlsClient::new(),
        port: args.port,
        start_tls: StartTlsUse::Opportunistic,
        timeouts: TimeoutChoice::resolve(args.timeout.map(TimeoutChoice::Every).as_slice()),
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

/// The egresses of the file, or the one of the command line.
fn egresses(args: &DoctorArgs) -> Result<Egresses, UserError> {
    let egresses = match &args.egress {
        Some(path) => Egresses::load(path)?,
        None => {
            let helo = args.helo.clone().or_else(|| variable("VRFY_HELO"));
            let mail_from = args.mail_from.clone();
            let mail_from = mail_from.or_else(|| variable("VRFY_MAIL_FROM"));
            let reverse_path = ReversePath::parse(&mail_from.unwrap_or_default());
            let ehlo_name = helo.as_deref().map(EhloName::parse).transpose()?;
            let reverse_path = reverse_path.map_err(UserError::MailFrom)?;
            Egress::single(args.bind, ehlo_name, reverse_path).into()
        }
    };
    if args.resolver.is_none() {
        egresses.iter().try_for_each(check_names)?;
    }
    check_sources(&egresses)?;
    Ok(egresses)
}
