//! `vrfy-guest-build PACKAGE_DIR OUT.wasm [TARGET_DIR]`: builds a Rust policy as a file.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use vrfy_guest_build::{Built, GuestBuildError, GuestCrate, build};

const USAGE: &str = "usage: vrfy-guest-build PACKAGE_DIR OUT.wasm [TARGET_DIR]\n\
    Compiles the Rust policy in PACKAGE_DIR and writes it as a component to OUT.wasm.\n\
    What cargo compiles is kept in TARGET_DIR, else in PACKAGE_DIR/target/guest.\n\
    VRFY_GUEST_TOOLCHAIN=rustup|debian picks the toolchain.";

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let (package, out, target_dir) = match arguments.as_slice() {
        [package, out] => (package, out, package.join("target/guest")),
        [package, out, target_dir] => (package, out, target_dir.clone()),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match build_to(package, out, &target_dir) {
        Ok(built) => {
            println!("{}: compiled by {}", out.display(), built.toolchain);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("vrfy-guest-build: {error}");
            ExitCode::FAILURE
        }
    }
}

fn build_to(package: &Path, out: &Path, target_dir: &Path) -> Result<Built, GuestBuildError> {
    let target_dir = make(target_dir)?;
    let built = build(&GuestCrate {
        manifest_dir: find(package)?,
        out_dir: target_dir.join("components"),
        target_dir,
    })?;
    fs::copy(&built.component, out).map_err(failed("write", out))?;
    Ok(built)
}

/// The folder's absolute path; cargo runs in another one.
fn find(folder: &Path) -> Result<PathBuf, GuestBuildError> {
    fs::canonicalize(folder).map_err(failed("find", folder))
}

fn make(folder: &Path) -> Result<PathBuf, GuestBuildError> {
    fs::create_dir_all(folder).map_err(failed("create", folder))?;
    find(folder)
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> GuestBuildError {
    let path = path.to_owned();
    move |source| GuestBuildError::File {
        doing,
        path,
        source,
    }
}
