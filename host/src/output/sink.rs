//! Where records go: standard output, or a file that grows record by record.
//!
//! Promises: a file holds complete records only. Each is appended at once, so that Ctrl-C, or any
//! other end of the process, loses none that was handed over; when a write fails half-way, as on a
//! full disk, the half is taken back. [`Sink::finish`] returns when the file has reached its
//! device. An existing file is never replaced unasked: the list behind it may have taken hours, and
//! probing again to get it back is a nuisance to every server in it.
//!
//! What it does not do: outlive a loss of power in the middle of a run, when the last seconds may
//! be missing and the last line may be cut; a reader should leave a last line
//! without line feed alone. Write to a temporary file first: a long run could then
//! not be watched, and an interrupted one would leave nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Stdout, Write};
use std::path::{Path, PathBuf};

/// Where records go.
#[derive(Debug)]
pub enum Sink {
    /// Standard output.
    Stdout(Stdout),
    /// A file that grows, with the length that its complete records take.
    File {
        /// The open file.
        file: File,
        /// Bytes of complete records; `None` for what has no length, such as a pipe or a device.
        complete: Option<u64>,
    },
}

/// What to do with a file that exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it alone and fail.
    Keep,
    /// Empty it: `--force`.
    Replace,
}

impl Sink {
    /// Standard output.
    pub fn stdout() -> Self {
        Self::Stdout(io::stdout())
    }

    /// A file of this name, created. Pipes and devices (`/dev/null`) are written to as they are.
    ///
    /// # Errors
    /// [`OpenError::Exists`] where a file of that name would be lost, and [`OpenError::Failed`]
    /// where it cannot be created.
    pub fn file(path: &Path, existing: Existing) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Failed {
            path: path.to_owned(),
            source,
        };
        let found = match std::fs::metadata(path) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        if found.is_some_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
            let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
            return Ok(Self::File {
                file,
                complete: None,
            });
        }
        let mut options = OpenOptions::new();
        options.write(true);
        match existing {
            // Decided by the system in one step: of two runs with one name, one fails.
            Existing::Keep => options.create_new(true),
            Existing::Replace => options.create(true).truncate(true),
        };
        match options.open(path) {
            Ok(file) => Ok(Self::File {
                file,
                complete: Some(0),
            }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(OpenError::Exists(path.to_owned()))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Ends the output; returns when a file has reached its device.
    ///
    /// # Errors
    /// What the system says about the device.
    pub fn finish(self) -> io::Result<()> {
        match self {
            Self::Stdout(mut stdout) => stdout.flush(),
            Self::File {
                file,
                complete: Some(_),
            } => file.sync_all(),
            Self::File { mut file, .. } => file.flush(),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    /// Appends a record, or nothing of it.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.write_all(bytes),
            Self::File { file, complete } => append_whole(file, complete.as_mut(), bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.flush(),
            Self::File { file, .. } => file.flush(),
        }
    }
}

fn append_whole(file: &mut File, complete: Option<&mut u64>, bytes: &[u8]) -> io::Result<()> {
    let written = file.write_all(bytes);
    let Some(complete) = complete else {
        return written;
    };
    match written {
        Ok(()) => {
            *complete += bytes.len() as u64;
            Ok(())
        }
        Err(error) => {
            take_back(file, *complete);
            Err(error)
        }
    }
}

/// Cuts the file to its complete records. The write that failed before is what the operator must
/// hear of, so a failure here is not told.
fn take_back(file: &mut File, complete: u64) {
    let _ = file.set_len(complete);
    let _ = file.seek(SeekFrom::Start(complete));
}

/// Why a file for the records cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It exists, and replacing it was not asked for.
    #[error("`{}` exists already; choose another name, or replace it with --force", .0.display())]
    Exists(PathBuf),
    /// The system refuses.
    #[error("cannot create `{}`: {source}", .path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_kept_unless_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.jsonl");
        std::fs::write(&path, "hours of work\n").unwrap();
        let refused = Sink::file(&path, Existing::Keep).unwrap_err();
        assert!(matches!(refused, OpenError::Exists(_)));
        assert!(refused.to_string().contains("--force"), "{refused}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "hours of work\n");

        let mut sink = Sink::file(&path, Existing::Replace).unwrap();
        sink.write_all(b"new\n").unwrap();
        sink.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new\n");
    }

    #[test]
    fn a_record_can_be_read_before_the_run_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.jsonl");
        let mut sink = Sink::file(&path, Existing::Keep).unwrap();
        sink.write_all(b"{}\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{}\n");
    }

    #[test]
    fn a_folder_or_a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for path in [
            folder.path().to_owned(),
            folder.path().join("no/such.jsonl"),
        ] {
            let failed = Sink::file(&path, Existing::Replace).unwrap_err();
            assert!(matches!(failed, OpenError::Failed { .. }));
            assert!(failed.to_string().contains(&path.display().to_string()));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_written_to_and_a_full_one_fails() {
        Sink::file(Path::new("/dev/null"), Existing::Keep)
            .unwrap()
            .write_all(b"{}\n")
            .unwrap();
        let full = Sink::file(Path::new("/dev/full"), Existing::Keep)
            .unwrap()
            .write_all(b"{}\n")
            .unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn the_half_of_a_record_that_could_not_be_finished_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.jsonl");
        std::fs::write(&path, "{}\n{\"half").unwrap();
        // A file opened for reading alone refuses the write, as a full disk does; what is
        // taken back is shown with a second, writable one.
        let mut reader = File::open(&path).unwrap();
        assert!(append_whole(&mut reader, Some(&mut 3), b"{}\n").is_err());
        let mut file = OpenOptions::new().write(true).open(&path).unwrap();
        take_back(&mut file, 3);
        file.write_all(b"[]\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{}\n[]\n");
    }
}
