//! Writes the seeds of every target into folders, for libFuzzer: `vrfy-fuzz-seeds FOLDER`.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

use vrfy_fuzz::{JUDGE, TARGETS, seeds};

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1) else {
        eprintln!("vrfy-fuzz-seeds: write the folder that the seeds are to be written to");
        return ExitCode::from(2);
    };
    match write(Path::new(&folder)) {
        Ok(count) => {
            println!("{count} seeds");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("vrfy-fuzz-seeds: {}: {error}", Path::new(&folder).display());
            ExitCode::FAILURE
        }
    }
}

/// Writes seeds and regressions of each target into a folder of its name.
fn write(folder: &Path) -> io::Result<usize> {
    let mut count = 0;
    let names = TARGETS.iter().map(|target| target.name);
    for target in names.chain([JUDGE]) {
        let folder = folder.join(target);
        fs::create_dir_all(&folder)?;
        let seeds = seeds::of(target).into_iter();
        for (name, input) in seeds.chain(seeds::regressions(target)) {
            fs::write(folder.join(name), input)?;
            count += 1;
        }
    }
    Ok(count)
}
