//! The egress file: several egresses, one `[[egress]]` table each.
//!
//! Promises: what is read can be used as far as the file alone can tell; every error names the
//! line, the column and what is allowed there.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;
use vrfy_proto::ehlo_name::EhloName;
use vrfy_proto::reverse_path::ReversePath;

use super::{Egress, Egresses, Leg, Source};

/// Largest file in bytes: more than [`EGRESSES_MAX`] tables with comments need.
pub const EGRESS_FILE_BYTES_MAX: u64 = 1 << 20;

/// Egresses of a run: a whole IPv4 /24. Whoever has more should look after fewer.
pub const EGRESSES_MAX: usize = 256;

/// Characters of a name.
const NAME_MAX: usize = 64;

/// The greatest weight.
const WEIGHT_MAX: u32 = 1_000;

/// Why an egress file cannot be used.
#[derive(Debug, Error)]
pub enum EgressFileError {
    /// It cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is too large.
    #[error("{}: it has more than {EGRESS_FILE_BYTES_MAX} bytes", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// The text breaks a rule of the format.
    #[error("{} line {line}, column {column}: {message}", path.display())]
    Text {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// In characters from 1.
        column: usize,
        /// What is wrong, and what is allowed.
        message: String,
    },
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    #[serde(default)]
    egress: Vec<Spanned<Table>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Table {
    name: Spanned<String>,
    source_v4: Option<Spanned<String>>,
    source_v6: Option<Spanned<String>>,
    helo: Option<Spanned<String>>,
    helo_v4: Option<Spanned<String>>,
    helo_v6: Option<Spanned<String>>,
    mail_from: Option<Spanned<String>>,
    weight: Option<Spanned<u32>>,
}

impl Egresses {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self, EgressFileError> {
        let read = |error| EgressFileError::Read {
            path: path.to_owned(),
            error,
        };
        let mut text = String::new();
        let file = File::open(path).map_err(read)?;
        let mut file = file.take(EGRESS_FILE_BYTES_MAX + 1);
        file.read_to_string(&mut text).map_err(read)?;
        if text.len() as u64 > EGRESS_FILE_BYTES_MAX {
            let path = path.to_owned();
            return Err(EgressFileError::TooLarge { path });
        }
        parse(&text).map_err(|mistake| mistake.locate(path, &text))
    }
}

fn parse(text: &str) -> Result<Egresses, Mistake> {
    let tables: Tables = toml::from_str(text)
        .map_err(|error| Mistake::new(error.span().unwrap_or_default(), error.message()))?;
    let tables = tables.egress;
    let Some(first) = tables.first() else {
        return Err(Mistake::new(0..0, "there is no [[egress]] table"));
    };
    if tables.len() > EGRESSES_MAX {
        let message = format!("there are more than {EGRESSES_MAX} egresses");
        return Err(Mistake::new(first.span(), message));
    }
    let mut seen = Seen::default();
    let mut all = Vec::with_capacity(tables.len());
    for table in tables {
        let span = table.span();
        let egress = egress(table.into_inner(), span, &mut seen)?;
        all.push(Arc::new(egress));
    }
    Ok(Egresses { all })
}

/// What must not occur twice.
#[derive(Default)]
struct Seen {
    names: HashSet<String>,
    /// Each with the name of its egress.
    sources: HashMap<IpAddr, String>,
}

fn egress(table: Table, span: Range<usize>, seen: &mut Seen) -> Result<Egress, Mistake> {
    let name = name(&table.name, seen)?;
    let v4: Option<Ipv4Addr> = source(table.source_v4.as_ref(), "192.0.2.10")?;
    let v6: Option<Ipv6Addr> = source(table.source_v6.as_ref(), "2001:db8::10")?;
    if v4.is_none() && v6.is_none() {
        let message = format!("the egress {name:?} needs source-v4, source-v6 or both");
        return Err(Mistake::new(span, message));
    }
    let sources = [
        (v4.map(IpAddr::V4), table.source_v4.as_ref()),
        (v6.map(IpAddr::V6), table.source_v6.as_ref()),
    ];
    for (address, written) in sources {
        let (Some(address), Some(written)) = (address, written) else {
            continue;
        };
        if let Some(other) = seen.sources.insert(address, name.clone()) {
            let message = format!(
                "{address} is the source of the egress {other:?} too; servers know an address by \
                 one EHLO name, so each egress needs its own"
            );
            return Err(Mistake::new(written.span(), message));
        }
    }
    let leg = |source: Option<IpAddr>, own: Option<Spanned<String>>| {
        if let (None, Some(own)) = (source, &own) {
            let message = "an EHLO name for a family without a source address";
            return Err(Mistake::new(own.span(), message));
        }
        let written = own.as_ref().or(table.helo.as_ref());
        Ok(Leg {
            source: source.map_or(Source::None, Source::Address),
            ehlo_name: written.map(ehlo_name).transpose()?,
        })
    };
    Ok(Egress {
        v4: leg(v4.map(IpAddr::V4), table.helo_v4)?,
        v6: leg(v6.map(IpAddr::V6), table.helo_v6)?,
        name: Some(name),
        reverse_path: reverse_path(table.mail_from.as_ref())?,
        weight: weight(table.weight.as_ref())?,
    })
}

fn name(written: &Spanned<String>, seen: &mut Seen) -> Result<String, Mistake> {
    let name = written.get_ref();
    let is_plain = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit();
    let is_sound = (1..=NAME_MAX).contains(&name.len())
        && name.bytes().all(|octet| is_plain(octet) || octet == b'-');
    if !is_sound {
        let message = format!(
            "the name {name:?} may have 1 to {NAME_MAX} lower-case letters, digits and hyphens"
        );
        return Err(Mistake::new(written.span(), message));
    }
    if !seen.names.insert(name.clone()) {
        let message = format!("there are two egresses with the name {name:?}");
        return Err(Mistake::new(written.span(), message));
    }
    Ok(name.clone())
}

fn source<A: std::str::FromStr + Into<IpAddr> + Copy>(
    written: Option<&Spanned<String>>,
    such_as: &str,
) -> Result<Option<A>, Mistake> {
    let Some(written) = written else {
        return Ok(None);
    };
    let text = written.get_ref();
    let wrong = || {
        let message = format!("{text:?} is no source address; write one such as {such_as}");
        Mistake::new(written.span(), message)
    };
    let address: A = text.parse().map_err(|_| wrong())?;
    let ip: IpAddr = address.into();
    let is_none = ip.is_unspecified() || ip.is_multicast() || ip.to_canonical() != ip;
    match is_none {
        true => Err(wrong()),
        false => Ok(Some(address)),
    }
}

fn ehlo_name(written: &Spanned<String>) -> Result<EhloName, Mistake> {
    let name = EhloName::parse(written.get_ref());
    name.map_err(|error| Mistake::new(written.span(), error.to_string()))
}

fn reverse_path(written: Option<&Spanned<String>>) -> Result<ReversePath, Mistake> {
    let Some(written) = written else {
        return Ok(ReversePath::Null);
    };
    ReversePath::parse(written.get_ref()).map_err(|error| {
        let message = format!("mail-from: {error}, or leave it out for the null path");
        Mistake::new(written.span(), message)
    })
}

fn weight(written: Option<&Spanned<u32>>) -> Result<u32, Mistake> {
    let Some(written) = written else {
        return Ok(1);
    };
    match written.get_ref() {
        weight @ 1..=WEIGHT_MAX => Ok(*weight),
        weight => {
            let message = format!("the weight {weight} is not within 1 to {WEIGHT_MAX}");
            Err(Mistake::new(written.span(), message))
        }
    }
}

/// A broken rule, and the place in the text where it was broken.
#[derive(Debug)]
struct Mistake {
    span: Range<usize>,
    message: String,
}

impl Mistake {
    fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
        }
    }

    fn locate(self, path: &Path, text: &str) -> EgressFileError {
        let before = text.get(..self.span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        EgressFileError::Text {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: self.message.trim().replace('\n', ", "),
        }
    }
}

#[cfg(test)]
mod tests;
