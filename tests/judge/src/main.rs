//! `vrfy-judge [FILE...]`: how often the default policy is right about the project's replies and
//! those in the files.

use std::path::Path;
use std::process::ExitCode;

use vrfy_judge::corpus;
use vrfy_judge::dialogue;

fn main() -> ExitCode {
    let mut rows = match corpus::project() {
        Ok(rows) => rows,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    for file in std::env::args().skip(1) {
        if !Path::new(&file).exists() {
            println!("skipped: {file} is not there");
            continue;
        }
        match corpus::load(Path::new(&file)) {
            Ok(more) => rows.extend(more),
            Err(problem) => {
                eprintln!("{problem}");
                return ExitCode::from(2);
            }
        }
    }
    let mut wrong = 0;
    for row in &rows {
        let judged = dialogue::judge(row);
        if judged.class() != row.truth {
            println!(
                "{} is {} and taken for {judged}\n    {}",
                row.id, row.truth, row.text
            );
            wrong += 1;
        }
    }
    println!("{} replies, {wrong} read wrong", rows.len());
    ExitCode::SUCCESS
}
