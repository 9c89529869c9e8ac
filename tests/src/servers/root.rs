//! The private root folder that `tests/tools/install-servers.sh` unpacks the servers into.
//!
//! Holding a [`Root`] is holding its lock: OpenSMTPD has a fixed place for its queue and its
//! socket, so two runs in one root folder would meet.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::catalogue::{SERVERS, Server};

/// The folder of a run, inside the root folder.
const RUN: &str = "/srv/vrfy-run";
/// How long another run may hold the root folder: the whole matrix takes less.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(120);

/// The root folder, ours alone for as long as this value lives.
pub struct Root {
    folder: PathBuf,
    _lock: File,
}

/// Why there are no servers to test against.
#[derive(Debug)]
pub struct NotInstalled {
    folder: PathBuf,
}

impl fmt::Display for NotInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = self.folder.display();
        write!(
            f,
            "no mail servers in {folder}: run `tests/tools/install-servers.sh`"
        )
    }
}

impl Root {
    /// Looks where the script puts the servers: `$VRFY_SERVERS`, else the user's cache folder.
    /// Waits for another run to end.
    pub fn open() -> Result<Result<Self, NotInstalled>> {
        let folder = folder();
        if !folder.join("installed").is_file() {
            return Ok(Err(NotInstalled { folder }));
        }
        let lock = File::options()
            .write(true)
            .open(folder.join("lock"))
            .with_context(|| format!("cannot open the lock in {}", folder.display()))?;
        let deadline = Instant::now() + LOCK_WAIT_MAX;
        while lock.try_lock().is_err() {
            ensure!(
                Instant::now() < deadline,
                "another run holds {} for too long",
                folder.display()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(Ok(Self {
            folder: folder.join("root"),
            _lock: lock,
        }))
    }

    /// Whether the daemon of `server` is there.
    pub fn holds(&self, server: &Server) -> bool {
        self.outside(server.program).is_file()
    }

    /// A command that runs `program` as root inside the root folder, with an empty environment.
    pub fn command(&self, program: &[&str]) -> Command {
        let words = self.words(program);
        let mut command = as_root(&words[0]);
        command.args(&words[1..]);
        command
    }

    /// The same for whoever is root already.
    pub(super) fn words(&self, program: &[&str]) -> Vec<OsString> {
        let enter = [OsStr::new("chroot"), self.folder.as_os_str()];
        let inside = ["/usr/bin/env", "-i", "PATH=/usr/bin:/bin", "LC_ALL=C"];
        let inside = inside.iter().chain(program).map(OsStr::new);
        enter
            .into_iter()
            .chain(inside)
            .map(OsStr::to_owned)
            .collect()
    }

    /// Writes a file into the folder of `name` in this run.
    pub(super) fn write(&self, name: &str, file: &str, text: &str) -> Result<()> {
        let path = self.outside(&run_folder(name)).join(file);
        let parent = path.parent().expect("a file in a folder");
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Removes what an earlier run left. Files of servers belong to their users, hence the detour.
    pub(super) fn clear_run(&self) -> Result<()> {
        self.run_script("set -eu; rm -rf \"$1\" /var/run/smtpd.sock /var/spool/smtpd")
    }

    /// Makes the certificate, the queues and their owners.
    pub(super) fn prepare_run(&self) -> Result<()> {
        let mut script = include_str!("prepare.sh").to_owned();
        for server in SERVERS.iter().filter(|server| self.holds(server)) {
            // A shell of its own: it may change folder and settings.
            let name = server.name;
            script += &format!("(\ncd {name}\n[ ! -e prepare.sh ] || . ./prepare.sh\n)\n");
        }
        self.run_script(&script)
    }

    /// The path of a file of the root folder, as seen from outside it.
    pub(super) fn outside(&self, path: &str) -> PathBuf {
        self.folder.join(path.trim_start_matches('/'))
    }

    fn run_script(&self, script: &str) -> Result<()> {
        let output = self
            .command(&["/bin/sh", "-c", script, "sh", RUN])
            .stdin(Stdio::null())
            .output()
            .context(
                "cannot enter the root folder of the mail servers, which needs root or sudo",
            )?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "cannot prepare the mail servers: {errors}"
        );
        Ok(())
    }
}

/// The folder of one server in this run, as the server sees it.
pub(super) fn run_folder(name: &str) -> String {
    format!("{RUN}/{name}")
}

/// `program` as root: through sudo where we are somebody else.
pub(super) fn as_root(program: impl AsRef<OsStr>) -> Command {
    let we_are_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if we_are_root {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.arg("-n").arg(program);
    command
}

fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("VRFY_SERVERS") {
        return PathBuf::from(folder);
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
    cache
        .unwrap_or_else(|| home().join(".cache"))
        .join(Path::new("vrfy/servers"))
}
