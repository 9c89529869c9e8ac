//! From what was typed to what is run: every choice resolved once, and checked before anything
//! begins.
//!
//! Promises: an error here means that nothing was sent to the network; it says which argument is
//! at fault and what to write instead.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use vrfy_proto::ehlo_name::EhloName;
use vrfy_proto::evidence::Setting;
use vrfy_proto::limits::Limits;
use vrfy_proto::mailbox::Lengths;
use vrfy_proto::reverse_path::ReversePath;
use vrfy_proto::session::StartTlsUse;

pub use self::doctor::doctor;

use crate::args::{
    EgressArgs, NetworkArgs, PolicyFaultChoice, ProbeArgs, Retry, TagArgs, TimeoutChoice, Tls,
};
use crate::clock::Clock;
use crate::connect::{AddressGuard, Sockets};
use crate::dispatch::{DispatchLimits, RetryMode};
use crate::egress::{Egress, Egresses, check_sources, interface_addresses};
use crate::error::UserError;
use crate::exclusions::Exclusions;
use crate::executor::InProcess;
use crate::judge::{OnFault, PolicyJudge, Seat};
use crate::lookup::{Lookup, LookupConfig};
use crate::open_files::make_room;
use crate::policy::limits::COMPONENT_BYTES_MAX;
use crate::policy::{
    EngineOptions, GivenSetting, Policy, PolicyEngine, PolicyLimits, cache_directory, resolve,
};
use crate::tags::Tags;
use crate::tls::TlsClient;

mod doctor;

/// Everything that `check` and `run` need, ready to use.
pub struct Config {
    /// Who looks up and connects.
    pub executor: Arc<InProcess>,
    /// Who judges.
    pub judge: Arc<PolicyJudge>,
    /// The policy, for its sentences.
    pub policy: Policy,
    /// Who asks.
    pub egresses: Arc<Egresses>,
    /// Who is not asked.
    pub exclusions: Arc<Exclusions>,
    /// What lists say about addresses.
    pub tags: Arc<Tags>,
    /// The bounds.
    pub limits: DispatchLimits,
    /// What to do with later attempts.
    pub retry: RetryMode,
    /// The time.
    pub clock: Clock,
    /// What works less well than it could, for people.
    pub warnings: Vec<String>,
}

impl Config {
    /// Sees to it that so many sessions can be open at once, or lowers the bound and warns.
    pub fn make_room(&mut self, sessions: usize) {
        self.limits.sessions = sessions;
        if let Err(too_few) = make_room(sessions) {
            self.limits.sessions = too_few.room;
            self.warnings.push(too_few.to_string());
        }
    }

    /// Resolves what was typed.
    pub fn resolve(args: &ProbeArgs, retry: Retry) -> Result<Self, UserError> {
        let engine = engine(args.decision_time)?;
        let policy = load_policy(&engine, args.choice.policy.as_ref())?;
        let judge = judge(args, &engine, &policy)?;
        let clock = Clock::system();
        let egresses = egresses(&args.who, &args.network)?;
        let mut warnings: Vec<String> = engine.warnings().iter().map(ToString::to_string).collect();
        let own = own_addresses(&egresses, &mut warnings);
        let exclusions = exclusions(&args.network)?;
        let tags = tags(&args.tags)?;
        let executor = InProcess {
            lookup: Lookup::new(LookupConfig {
                resolver: args.network.resolver,
                clock,
                ..LookupConfig::default()
            })?,
            network: Sockets,
            guard: guard(&args.network, own, &exclusions),
            tls: TlsClient::new(),
            port: args.network.port,
            start_tls: match args.tls {
                Tls::Never => StartTlsUse::Never,
                Tls::Opportunistic => StartTlsUse::Opportunistic,
                Tls::Required => StartTlsUse::Required,
            },
            timeouts: TimeoutChoice::resolve(&args.network.timeout),
            limits: Limits::default(),
            clock,
        };
        Ok(Self {
            executor: Arc::new(executor),
            judge: Arc::new(judge),
            policy,
            egresses: Arc::new(egresses),
            exclusions,
            tags,
            limits: DispatchLimits {
                sessions: args.sessions as usize,
                sessions_per_lane: args.sessions_per_lane as usize,
                sessions_per_destination: args
                    .sessions_per_destination
                    .unwrap_or(2 * args.sessions_per_lane)
                    as usize,
                mailboxes_per_session: args.per_session as usize,
                rounds: args.budget.rounds,
                give_up_after: args.budget.give_up_after,
                lengths: match args.long_addresses {
                    true => Lengths::Sendable,
                    false => Lengths::Standard,
                },
                ..DispatchLimits::default()
            },
            retry: match retry {
                Retry::Now => RetryMode::Now,
                Retry::Wait => RetryMode::Wait,
                Retry::Never => RetryMode::Never,
            },
            clock,
            warnings,
        })
    }
}

/// Who asks: the egresses of the file, or the one of the command line. Their names are their own,
/// and their source addresses are this machine's.
fn egresses(who: &EgressArgs, network: &NetworkArgs) -> Result<Egresses, UserError> {
    let egresses = match &who.egress {
        Some(path) => Egresses::load(path)?,
        None => single_egress(who)?.into(),
    };
    // With a resolver of its own, as in the lab, reserved names are as good as others.
    if network.resolver.is_none() {
        egresses.iter().try_for_each(check_names)?;
    }
    check_sources(&egresses)?;
    Ok(egresses)
}

fn single_egress(who: &EgressArgs) -> Result<Egress, UserError> {
    let helo = who.helo.clone().or_else(|| variable("VRFY_HELO"));
    let mail_from = who.mail_from.clone();
    let mail_from = mail_from.or_else(|| variable("VRFY_MAIL_FROM"));
    let reverse_path = ReversePath::parse(&mail_from.unwrap_or_default());
    Ok(Egress::single(
        who.bind,
        helo.as_deref().map(EhloName::parse).transpose()?,
        reverse_path.map_err(UserError::MailFrom)?,
    ))
}

/// Which addresses may be connected to, beside those of this machine.
fn guard(network: &NetworkArgs, own: Vec<IpAddr>, exclusions: &Arc<Exclusions>) -> AddressGuard {
    AddressGuard {
        allow: network.allow_special.clone(),
        nat64: network.nat64.clone(),
        own,
        exclusions: Arc::clone(exclusions),
    }
}

fn exclusions(network: &NetworkArgs) -> Result<Arc<Exclusions>, UserError> {
    Ok(Arc::new(Exclusions::read(exclusion_lists(
        &network.exclude,
    ))?))
}

/// What lists say about addresses.
pub fn tags(args: &TagArgs) -> Result<Arc<Tags>, UserError> {
    let tags = match args.no_built_in_tags {
        true => Tags::default(),
        false => Tags::built_in(),
    };
    Ok(Arc::new(tags.with_files(&args.files)?))
}

/// A variable that is set to something.
#[expect(
    clippy::disallowed_methods,
    reason = "stands in for an argument; clap would take it for one beside --egress"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A reserved name is nobody's to give, and some belong to somebody: `example.com` has a server.
fn check_names(egress: &Egress) -> Result<(), UserError> {
    let legs = [&egress.v4, &egress.v6].into_iter();
    let names = legs.filter_map(|leg| leg.ehlo_name.as_ref()?.domain().name());
    let names = names.map(|name| ("EHLO name", name));
    let sender = match &egress.reverse_path {
        ReversePath::Null => None,
        ReversePath::Mailbox(mailbox) => mailbox.domain().name(),
    };
    let mut names = names.chain(sender.map(|name| ("domain of the reverse path", name)));
    names.try_for_each(|(what, name)| match name.special_use() {
        None => Ok(()),
        Some(row) => Err(UserError::ReservedName {
            what,
            name: name.to_string(),
            purpose: row.purpose,
            rfc: row.rfc,
        }),
    })
}

/// The addresses of this machine, as far as it knows them: behind a translator of addresses it does
/// not know its public one.
fn own_addresses(egresses: &Egresses, warnings: &mut Vec<String>) -> Vec<IpAddr> {
    let mut own: Vec<IpAddr> = egresses.iter().flat_map(Egress::sources).collect();
    match interface_addresses() {
        Ok(addresses) => own.extend(addresses),
        Err(error) => warnings.push(format!(
            "cannot list the addresses of this machine, so an exchange that is this machine is not \
             noticed: {error}"
        )),
    }
    own
}

/// An engine with the default limits, but for the time of a decision.
pub fn engine(decision_time: Duration) -> Result<PolicyEngine, UserError> {
    let options = EngineOptions {
        limits: PolicyLimits {
            decision: decision_time,
            ..PolicyLimits::default()
        },
        cache: policy_cache(),
        ..EngineOptions::default()
    };
    PolicyEngine::new(options).map_err(UserError::Engine)
}

/// Where compiled policies are kept.
#[expect(
    clippy::disallowed_methods,
    reason = "the place of a cache is the system's to say; there is no argument for it"
)]
fn policy_cache() -> Option<PathBuf> {
    cache_directory(std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME"))
}

/// The lists of a run: those that hold for every run on this machine, and its own. A run can add
/// to the former and not do without them, so that nobody who asked to be left alone is forgotten.
#[expect(
    clippy::disallowed_methods,
    reason = "a variable adds lists to those of the arguments, which could replace a default"
)]
fn exclusion_lists(given: &[PathBuf]) -> Vec<PathBuf> {
    let machine = Path::new(MACHINE_EXCLUSIONS);
    let here = std::env::var_os("VRFY_EXCLUDE").unwrap_or_default();
    let mut lists = exclusion_lists_of(machine, &here);
    lists.extend(given.iter().cloned());
    lists
}

fn exclusion_lists_of(machine: &Path, here: &OsStr) -> Vec<PathBuf> {
    // A list that is there and cannot be read is an error later on; only one that is not there is
    // none.
    let is_absent = || matches!(machine.try_exists(), Ok(false));
    let machine = (!is_absent()).then(|| machine.to_owned());
    let here = std::env::split_paths(here).filter(|path| !path.as_os_str().is_empty());
    machine.into_iter().chain(here).collect()
}

/// The list that holds for every run on this machine, where it exists.
const MACHINE_EXCLUSIONS: &str = "/etc/vrfy/exclusions";

/// The policy of that file, or the built-in one.
pub fn load_policy(engine: &PolicyEngine, file: Option<&PathBuf>) -> Result<Policy, UserError> {
    let Some(path) = file else {
        return Ok(Policy::built_in(engine)?);
    };
    let bytes = read_policy(path).map_err(|error| UserError::PolicyFile {
        path: path.clone(),
        error,
    })?;
    Ok(Policy::load(engine, &bytes, &path.display().to_string())?)
}

/// Reads a policy, but not more of it than a policy can have.
fn read_policy(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = COMPONENT_BYTES_MAX as u64 + 1;
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Every setting of the policy with the value in force.
pub fn settings(policy: &Policy, given: &[String]) -> Result<Vec<Setting>, UserError> {
    let given = given.iter().map(|text| GivenSetting::parse(text));
    let given: Vec<GivenSetting> = given.collect::<Result<_, _>>()?;
    Ok(resolve(policy.manifest(), &given)?)
}

fn judge(
    args: &ProbeArgs,
    engine: &PolicyEngine,
    policy: &Policy,
) -> Result<PolicyJudge, UserError> {
    let resolved = settings(policy, &args.choice.settings)?;
    let on_fault = match args.on_policy_fault {
        PolicyFaultChoice::Record => OnFault::Record,
        PolicyFaultChoice::BuiltIn => OnFault::BuiltIn,
        PolicyFaultChoice::Stop => OnFault::Stop,
    };
    let built_in = match on_fault {
        OnFault::BuiltIn => {
            let policy = load_policy(engine, None)?;
            let defaults = resolve(policy.manifest(), &[])?;
            Some(Seat::new(policy, defaults))
        }
        OnFault::Record | OnFault::Stop => None,
    };
    let first = Seat::new(policy.clone(), resolved);
    Ok(PolicyJudge::new(first, built_in, on_fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_of_the_machine_hold_for_every_run() {
        let folder = tempfile::tempdir().unwrap();
        let machine = folder.path().join("exclusions");
        let here = OsStr::new("one.txt::two.txt");
        let lists = ["one.txt", "two.txt"].map(PathBuf::from);
        assert_eq!(exclusion_lists_of(&machine, here), lists);
        std::fs::write(&machine, "example.com").unwrap();
        let all = [machine.clone(), lists[0].clone(), lists[1].clone()];
        assert_eq!(exclusion_lists_of(&machine, here), all);
        assert_eq!(exclusion_lists_of(&machine, OsStr::new("")), [machine]);
    }
}
