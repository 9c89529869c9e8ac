//! `vrfy explain FILE...`: saved evidence judged again, in the order in which it stands there.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use crate::args::ExplainArgs;
use crate::config;
use crate::error::EXIT_EVIDENCE;
use crate::explain::{Cases, Explainer, Wanted};
use crate::output::{Form, Screen, Sink, WriteError, Writer, clean::clean, say};

/// Runs the command.
pub fn explain(args: &ExplainArgs) -> anyhow::Result<u8> {
    let engine = config::engine(args.decision_time)?;
    let policy = config::load_policy(&engine, args.choice.policy.as_ref())?;
    let settings = config::settings(&policy, &args.choice.settings)?;
    let tags = config::tags(&args.tags)?;
    let form = match args.json {
        true => Form::JsonLines,
        false => Form::Person(Screen::of_stdout(), super::check::sentences(&policy)),
    };
    let explainer = Explainer::new(policy, settings);
    let mut writer = Writer::new(Sink::stdout(), form);
    let wanted = Wanted::only(&args.addresses);
    let mut code = 0;
    for path in &args.saved {
        let name = path.display().to_string();
        let reader = match open(path) {
            Ok(reader) => reader,
            Err(error) => {
                say(&format!("vrfy: cannot read {}: {error}\n", clean(&name)));
                code = EXIT_EVIDENCE;
                continue;
            }
        };
        for case in Cases::new(reader, &name, wanted.clone()) {
            let record = match case {
                Ok(mut case) => {
                    case.tag(&tags);
                    explainer.explain(case)
                }
                Err(problem) => {
                    say(&format!("vrfy: {}\n", clean(&problem.to_string())));
                    code = EXIT_EVIDENCE;
                    continue;
                }
            };
            match writer.write(&record) {
                Ok(()) => {}
                Err(WriteError::ReaderGone) => return Ok(0),
                Err(error) => return Err(error.into()),
            }
        }
    }
    match writer.finish() {
        Ok(sink) => sink.finish()?,
        Err(WriteError::ReaderGone) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(code)
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(BufReader::new(File::open(path)?)))
}
