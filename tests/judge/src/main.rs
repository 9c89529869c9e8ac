//! `vrfy-judge [--verbose] [FILE...]`: how often the default policy is right about the project's
//! replies and those in the files. docs/judging.md says what the figures mean.

use std::path::Path;
use std::process::ExitCode;

use vrfy_judge::{corpus, report};

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
    }
}

fn run(words: impl Iterator<Item = String>) -> Result<String, String> {
    let mut rows = corpus::project()?;
    let mut verbose = false;
    let mut notes = String::new();
    for word in words {
        let file = Path::new(&word);
        match word.as_str() {
            "--verbose" => verbose = true,
            _ if word.starts_with('-') => {
                return Err(format!(
                    "{word} is unknown: vrfy-judge [--verbose] [FILE...]"
                ));
            }
            _ if !file.exists() => notes += &format!("skipped: there is no file {word}\n"),
            _ => rows.extend(corpus::load(file)?),
        }
    }
    Ok(notes + &report::report(&rows, verbose))
}
