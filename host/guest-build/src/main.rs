//! `vrfy-guest-build PACKAGE_DIR OUT.wasm`: builds a Rust policy as a file.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use vrfy_guest_build::{Built, GuestBuildError, GuestCrate, build};

const USAGE: &str = "usage: vrfy-guest-build PACKAGE_DIR OUT.wasm\n\
    Compiles the Rust policy in PACKAGE_DIR and writes it as a component to OUT.wasm.\n\
    VRFY_GUEST_TOOLCHAIN=rustup|debian picks the toolchain.";

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [package, out] = arguments.as_slice() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match build_to(package, out) {
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

fn build_to(package: &Path, out: &Path) -> Result<Built, GuestBuildError> {
    let absolute = fs::canonicalize(package).map_err(|source| GuestBuildError::File {
        doing: "find",
        path: package.to_owned(),
        source,
    })?;
    let target_dir = absolute.join("target/guest");
    let built = build(&GuestCrate {
        manifest_dir: absolute,
        out_dir: target_dir.join("components"),
        target_dir,
    })?;
    fs::copy(&built.component, out).map_err(|source| GuestBuildError::File {
        doing: "write",
        path: out.to_owned(),
        source,
    })?;
    Ok(built)
}
