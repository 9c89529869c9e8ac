//! A strategy: a name for settings of the policy.

use vrfy_proto::evidence::Setting;

use crate::policy::{GivenSetting, Manifest, SettingError, resolve};

/// Strategies of one rehearsal, at most: a table that nobody can read helps nobody.
pub const STRATEGIES_MAX: usize = 20;

/// The policy as it is, with what was given for all strategies.
const DEFAULTS: &str = "defaults";

/// What is compared with the defaults of the built-in policy where nothing else was asked for.
const USUAL: [&str; 3] = [
    "once:retry-delays=",
    "hasty:retry-delays=1m,5m",
    "patient:retry-delays=15m,1h,4h,8h,8h",
];

/// Settings with a name.
#[derive(Clone, Debug)]
pub struct Strategy {
    /// By which it is shown.
    pub name: String,
    /// What differs from the policy's own defaults.
    pub given: Vec<GivenSetting>,
    pub(super) settings: Vec<Setting>,
}

/// What is wrong with the strategies that were asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StrategyError {
    /// No name, or one that would not fit into the table.
    #[error(
        "the strategy {0:?} has no name; write NAME:KEY=VALUE,KEY=VALUE with a name of 1 to \
         {NAME_MAX} letters, digits and hyphens"
    )]
    Name(String),
    /// Two with one name.
    #[error("the strategy {0} is there twice; give each a name of its own")]
    Twice(String),
    /// More than a table can show.
    #[error("{0} strategies are too many to compare; give at most {STRATEGIES_MAX}")]
    TooMany(usize),
    /// A setting of it is wrong.
    #[error("the strategy {name}: {error}")]
    Setting {
        /// The strategy.
        name: String,
        /// What is wrong.
        error: SettingError,
    },
}

/// Letters of a name: what a column of the table has room for.
const NAME_MAX: usize = 16;

/// The strategies to compare: the policy's defaults first, then those that were asked for, else,
/// for the built-in policy, the usual ones.
pub fn strategies(
    manifest: &Manifest,
    common: &[GivenSetting],
    asked: &[String],
    is_built_in: bool,
) -> Result<Vec<Strategy>, StrategyError> {
    let usual = USUAL.map(str::to_owned);
    let asked = match asked.is_empty() && is_built_in {
        true => &usual[..],
        false => asked,
    };
    if asked.len() + 1 > STRATEGIES_MAX {
        return Err(StrategyError::TooMany(asked.len() + 1));
    }
    let mut all = vec![strategy(manifest, common, DEFAULTS, "")?];
    for text in asked {
        let (name, settings) = text.split_once(':').unwrap_or((text, ""));
        let is_name = (1..=NAME_MAX).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_name {
            return Err(StrategyError::Name(text.clone()));
        }
        if all.iter().any(|other: &Strategy| other.name == name) {
            return Err(StrategyError::Twice(name.to_owned()));
        }
        all.push(strategy(manifest, common, name, settings)?);
    }
    Ok(all)
}

fn strategy(
    manifest: &Manifest,
    common: &[GivenSetting],
    name: &str,
    settings: &str,
) -> Result<Strategy, StrategyError> {
    let wrong = |error| StrategyError::Setting {
        name: name.to_owned(),
        error,
    };
    let mut given: Vec<GivenSetting> = Vec::new();
    for piece in pieces(settings) {
        given.push(GivenSetting::parse(&piece).map_err(wrong)?);
    }
    let own = given.clone();
    given.extend(
        common
            .iter()
            .filter(|one| own.iter().all(|own| own.key != one.key))
            .cloned(),
    );
    Ok(Strategy {
        name: name.to_owned(),
        settings: resolve(manifest, &given).map_err(wrong)?,
        given,
    })
}

/// The settings of a strategy. A piece without `=` belongs to the list that the one before began:
/// `retry-delays=1m,5m,attempts=3` has two.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for piece in text.split(',').filter(|_| !text.is_empty()) {
        match pieces.last_mut() {
            Some(before) if !piece.contains('=') => {
                before.push(',');
                before.push_str(piece);
            }
            _ => pieces.push(piece.to_owned()),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_values_goes_on_until_the_next_key() {
        assert_eq!(
            pieces("retry-delays=1m,5m,attempts=3"),
            ["retry-delays=1m,5m", "attempts=3"]
        );
        assert_eq!(pieces("retry-delays="), ["retry-delays="]);
        assert!(pieces("").is_empty());
    }
}
