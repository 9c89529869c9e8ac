//! The arguments that say what is told about an address besides its mail server's word.

use clap::Args as ClapArgs;

use crate::tags::TagFile;

/// Which lists give tags.
#[derive(Debug, ClapArgs)]
pub struct TagArgs {
    /// Give the tag NAME to the addresses on this list: domains, local parts, mailboxes;
    /// docs/tags.md has the format. May be given more than once. Adds to the built-in lists of
    /// role-account, disposable-domain and free-provider, or makes a tag of your own
    #[arg(long = "tag", value_name = "NAME=FILE", help_heading = "Tags")]
    pub files: Vec<TagFile>,
    /// Leave the built-in lists out, and suggestions with them
    #[arg(long, help_heading = "Tags")]
    pub no_built_in_tags: bool,
}
