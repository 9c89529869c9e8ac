//! The directory in which compiled policies are kept.
//!
//! What is in it is machine code that wasmtime loads and trusts. Promises: it is used only if it
//! belongs to us, nobody else can read or write it, it is no symbolic link, and nobody else can put
//! another one in its place. Otherwise there is no cache; that costs the time to compile and no
//! more.
//!
//! Read next: `decisions/compiled-policies.md`.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use wasmtime::{Cache, CacheConfig};

/// The subdirectory of ours in the user's cache.
const SUBDIRECTORY: &str = "vrfy/policies";

/// The mode of a private directory.
const PRIVATE: u32 = 0o700;

/// Bytes of compiled policies that are kept: dozens of native ones, or a few interpreters.
const CACHE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CacheProblem {
    #[error("its path is not absolute")]
    NotAbsolute,
    #[error("it cannot be made: {0}")]
    NotMade(io::Error),
    #[error("it cannot be read: {0}")]
    NotRead(io::Error),
    #[error("it is not a directory, or a symbolic link to one")]
    NotADirectory,
    #[error("others may enter it (mode {0:04o})")]
    NotPrivate(u32),
    #[error("it belongs to another user")]
    NotOurs,
    #[error("everybody may replace it, because {} is writable for all", .0.display())]
    Replaceable(PathBuf),
    #[error("it cannot be written: {0}")]
    NotWritten(io::Error),
    #[error("wasmtime cannot use it: {0}")]
    Unusable(String),
}

/// Where compiled policies are kept unless the operator says otherwise, from the values of
/// `XDG_CACHE_HOME` and `HOME`. Absent where neither is an absolute path.
pub fn cache_directory(
    xdg_cache_home: Option<OsString>,
    home: Option<OsString>,
) -> Option<PathBuf> {
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    xdg_cache_home
        .and_then(absolute)
        .or_else(|| Some(home.and_then(absolute)?.join(".cache")))
        .map(|base| base.join(SUBDIRECTORY))
}

/// Opens the cache, making the directory if it does not exist.
pub(crate) fn open(directory: &Path) -> Result<Cache, CacheProblem> {
    if !directory.is_absolute() {
        return Err(CacheProblem::NotAbsolute);
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(PRIVATE)
        .create(directory)
        .map_err(CacheProblem::NotMade)?;
    let real = check(directory)?;
    let mut config = CacheConfig::new();
    config
        .with_directory(real)
        .with_files_total_size_soft_limit(CACHE_BYTES_MAX);
    Cache::new(config)
        .map_err(|error| CacheProblem::Unusable(super::fault::message_of(&format!("{error:#}"))))
}

/// The directory with every symbolic link above it resolved, if it is private.
fn check(directory: &Path) -> Result<PathBuf, CacheProblem> {
    let found = fs::symlink_metadata(directory).map_err(CacheProblem::NotRead)?;
    if !found.is_dir() {
        return Err(CacheProblem::NotADirectory);
    }
    let mode = found.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(CacheProblem::NotPrivate(mode));
    }
    if found.uid() != our_uid(directory)? {
        return Err(CacheProblem::NotOurs);
    }
    let real = directory.canonicalize().map_err(CacheProblem::NotRead)?;
    for ancestor in real.ancestors().skip(1) {
        let mode = fs::metadata(ancestor)
            .map_err(CacheProblem::NotRead)?
            .mode();
        let is_sticky = mode & 0o1000 != 0;
        if mode & 0o002 != 0 && !is_sticky {
            return Err(CacheProblem::Replaceable(ancestor.to_owned()));
        }
    }
    Ok(real)
}

/// Who we are to this file system: the owner of a file that we make there.
fn our_uid(directory: &Path) -> Result<u32, CacheProblem> {
    // One name for each thread of each process, so that none takes away another's.
    let (process, thread) = (std::process::id(), std::thread::current().id());
    let probe = directory.join(format!(".owner-{process}-{thread:?}"));
    match fs::remove_file(&probe) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(CacheProblem::NotWritten(error));
        }
        _ => {}
    }
    let file = fs::File::create_new(&probe).map_err(CacheProblem::NotWritten)?;
    let uid = file.metadata().map_err(CacheProblem::NotWritten)?.uid();
    fs::remove_file(&probe).map_err(CacheProblem::NotWritten)?;
    Ok(uid)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn problem(directory: &Path) -> String {
        open(directory).expect_err("not usable").to_string()
    }

    #[test]
    fn the_directory_follows_the_environment() {
        let directory =
            |xdg: &str, home: &str| cache_directory(Some(xdg.into()), Some(home.into()));
        assert_eq!(directory("/x", "/h"), Some("/x/vrfy/policies".into()));
        assert_eq!(directory("", "/h"), Some("/h/.cache/vrfy/policies".into()));
        assert_eq!(directory("relative", "relative"), None);
        assert_eq!(cache_directory(None, None), None);
    }

    #[test]
    fn a_new_directory_is_made_private() {
        let base = tempfile::tempdir().unwrap();
        let directory = base.path().join("a/b");
        open(&directory).unwrap();
        let mode = fs::metadata(&directory).unwrap().mode();
        assert_eq!(mode & 0o777, PRIVATE);
        open(&directory).expect("and can be used again");
    }

    #[test]
    fn a_directory_that_others_may_enter_is_refused() {
        let base = tempfile::tempdir().unwrap();
        fs::set_permissions(base.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(problem(base.path()).contains("others may enter it (mode 0755)"));
    }

    #[test]
    fn a_symbolic_link_is_refused() {
        let base = tempfile::tempdir().unwrap();
        fs::DirBuilder::new()
            .mode(PRIVATE)
            .create(base.path().join("real"))
            .unwrap();
        symlink(base.path().join("real"), base.path().join("link")).unwrap();
        assert!(problem(&base.path().join("link")).contains("symbolic link"));
    }

    #[test]
    fn a_file_is_refused() {
        let base = tempfile::tempdir().unwrap();
        fs::write(base.path().join("file"), "").unwrap();
        assert!(problem(&base.path().join("file")).contains("it cannot be made"));
    }

    #[test]
    fn a_directory_that_everybody_may_replace_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let open_to_all = base.path().join("open");
        fs::create_dir(&open_to_all).unwrap();
        fs::set_permissions(&open_to_all, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(problem(&open_to_all.join("cache")).contains("is writable for all"));
        fs::set_permissions(&open_to_all, fs::Permissions::from_mode(0o1777)).unwrap();
        open(&open_to_all.join("cache")).expect("a sticky directory such as /tmp is fine");
    }

    #[test]
    fn a_relative_path_is_refused() {
        assert!(problem(Path::new("cache")).contains("not absolute"));
    }
}
