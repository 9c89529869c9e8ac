//! `vrfy run FILE`: a list of any length, read, probed and written as a stream.
//!
//! Three parties: a thread that reads rows, the dispatcher, and a thread that writes records. The
//! channels between them are short, so that memory holds what is being worked on and not the list.

use std::io::{BufRead, IsTerminal};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::Map;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::check::{CHANNEL, surroundings};
use super::stop;
use crate::args::{ListFormat, RecordFormat, RunArgs};
use crate::clock::rfc3339;
use crate::config::Config;
use crate::dispatch::{self, Channels, Input, RunEnd, Settled, Snapshot, Task};
use crate::error::UserError;
use crate::input::{self, InputError, InputFormat, InputOptions, Row, Rows};
use crate::judge::Judge;
use crate::output::{Carried, Existing, Form, Others, Screen, Sink, WriteError, Writer, say};
use crate::progress::{Display, Mode, Progress};
use crate::record::{INPUT_MESSAGE, INPUT_PROBLEM, InputRow, PolicyIdentity, Record, RecordStatus};

/// Runs the command.
pub async fn run(args: RunArgs) -> anyhow::Result<u8> {
    let mut config = Config::resolve(&args.probe, args.retry)?;
    config.make_room(config.limits.sessions);
    let rows = open_list(&args)?;
    super::warn(&config);
    let writer = open_output(&args, &rows)?;
    let (input, input_receiver) = mpsc::channel(CHANNEL);
    let (output, settled) = mpsc::channel(CHANNEL);
    let (stop_sender, stop_receiver) =
        stop::on_interrupt("stopping: open sessions may end; press Ctrl-C again to leave at once");
    let (snapshot, snapshots) = watch::channel(Snapshot::default());
    let by = config.judge.identity();
    let now = config.clock;
    let reader = thread::spawn(move || read_rows(rows, &input, &by, || rfc3339(now.now())));
    let writing = thread::spawn(move || write_records(writer, settled, &stop_sender));
    let shown = tokio::spawn(show_progress(display(&args), snapshots));
    let channels = Channels {
        input: input_receiver,
        output,
        stop: stop_receiver,
        snapshot,
    };
    let end = dispatch::run(surroundings(&config, args.transcript), channels).await;
    let written = writing.join().expect("the writing thread does not panic");
    let (mut display, progress, took) = shown.await?;
    let written = match written {
        Ok(written) => written,
        Err(WriteError::ReaderGone) => {
            say(display.clear());
            return Ok(0);
        }
        Err(error) => {
            say(display.clear());
            return Err(error.into());
        }
    };
    say(&display.finish(&progress, took).unwrap_or_default());
    say(&early_end(end, &written));
    // A reader that is blocked on a terminal or pipe is left behind when the run was stopped.
    if end == RunEnd::Complete || reader.is_finished() {
        reader.join().expect("the reading thread does not panic")?;
    }
    Ok(super::exit_code(end))
}

/// What a run that ended early has to tell: why, and which part of the list it never took up. Rows
/// are taken up in the order of the list, and each one that was has its record.
fn early_end(end: RunEnd, written: &Written) -> String {
    let why = match (end, &written.fault) {
        (RunEnd::Complete, _) => return String::new(),
        (RunEnd::PolicyFault, Some(fault)) => format!("stopped by a policy fault: {fault}"),
        (RunEnd::PolicyFault | RunEnd::Stopped, _) => "stopped".to_owned(),
    };
    format!(
        "vrfy: {why}\nvrfy: the list was taken up as far as line {}; later lines have no record\n",
        written.last_line
    )
}

type List = Rows<Box<dyn BufRead + Send>>;

fn open_list(args: &RunArgs) -> Result<List, UserError> {
    let options = InputOptions {
        format: args.input_format.map(|format| match format {
            ListFormat::Plain => InputFormat::Lines,
            ListFormat::Csv => InputFormat::Csv,
            ListFormat::Jsonl => InputFormat::JsonLines,
        }),
        column: args.column.clone(),
    };
    Ok(input::open(&args.list, &options)?)
}

fn open_output(args: &RunArgs, rows: &List) -> Result<Writer<Sink>, UserError> {
    let to_stdout = args.output == Path::new("-");
    let existing = match args.force {
        true => Existing::Replace,
        false => Existing::Keep,
    };
    let on_terminal = to_stdout && std::io::stdout().is_terminal();
    let format = args.format.unwrap_or(match on_terminal {
        true => RecordFormat::Table,
        false => RecordFormat::Jsonl,
    });
    let form = match format {
        RecordFormat::Jsonl => Form::JsonLines,
        RecordFormat::Csv => Form::Csv(carried(rows)),
        RecordFormat::Table if to_stdout => Form::Table(Screen::of_stdout()),
        RecordFormat::Table => Form::Table(Screen::PAGE),
    };
    let sink = match to_stdout {
        true => Sink::stdout(),
        false if is_same_file(&args.list, &args.output) => {
            return Err(UserError::OutputIsList(args.output.clone()));
        }
        false => Sink::file(&args.output, existing)?,
    };
    Ok(Writer::new(sink, form))
}

/// Whether both names lead to one file, by whatever links.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| {
        let metadata = std::fs::metadata(path).ok()?;
        metadata
            .is_file()
            .then(|| (MetadataExt::dev(&metadata), metadata.ino()))
    };
    place(one).is_some_and(|one| place(other) == Some(one))
}

fn carried(rows: &List) -> Carried {
    Carried {
        names: rows.carried_names(),
        others: match rows.format() {
            InputFormat::JsonLines => Others::AsJson,
            InputFormat::Lines | InputFormat::Csv => Others::None,
        },
    }
}

/// Feeds the rows to the dispatcher until there are no more, or nobody wants them.
fn read_rows(
    rows: List,
    input: &mpsc::Sender<Input>,
    by: &PolicyIdentity,
    now: impl Fn() -> String,
) -> Result<(), InputError> {
    for (index, row) in (0..).zip(rows) {
        let next = input_of(index, row?, by, &now);
        if input.blocking_send(next).is_err() {
            break;
        }
    }
    Ok(())
}

fn input_of(index: u64, row: Row, by: &PolicyIdentity, now: impl Fn() -> String) -> Input {
    let place = InputRow {
        line: row.number,
        columns: row.carried.into_iter().collect::<Map<_, _>>(),
    };
    match row.address {
        Ok(given) => Input::Task(Task {
            index,
            given,
            row: Some(place),
        }),
        Err(problem) => {
            let fact = |name: &str, value: String| vrfy_proto::evidence::Fact::new(name, value);
            let record = Record {
                address: row.raw,
                status: RecordStatus::Unknown,
                reason: "input-invalid".to_owned(),
                confidence: 0,
                because: Vec::new(),
                attempts: Vec::new(),
                policy: by.clone(),
                mailbox: None,
                due: None,
                lookups: Vec::new(),
                decoys: Vec::new(),
                tags: Vec::new(),
                facts: vec![
                    fact(INPUT_PROBLEM, problem.code().to_owned()),
                    fact(INPUT_MESSAGE, problem.to_string()),
                ],
                clamps: Vec::new(),
                fault: None,
                started: now(),
                elapsed_ms: 0,
                input: Some(place),
                transcripts: None,
                explained: None,
            };
            Input::Broken {
                index,
                record: Box::new(record),
            }
        }
    }
}

/// What was written.
#[derive(Default)]
struct Written {
    /// The last line of the list that has a record; 0 before the first.
    last_line: u64,
    /// The first policy fault.
    fault: Option<String>,
}

/// Writes records as they come. When they can no longer be written, the run is stopped.
fn write_records(
    mut writer: Writer<Sink>,
    mut settled: mpsc::Receiver<Settled>,
    stop: &watch::Sender<bool>,
) -> Result<Written, WriteError> {
    let mut written = Written::default();
    while let Some(Settled { record, .. }) = settled.blocking_recv() {
        if let Err(error) = writer.write(&record) {
            stop.send_replace(true);
            return Err(error);
        }
        let line = record.input.map_or(0, |input| input.line);
        written.last_line = written.last_line.max(line);
        let fault = record.fault.map(|fault| fault.message);
        written.fault = written.fault.or(fault);
    }
    writer.finish()?.finish()?;
    Ok(written)
}

fn display(args: &RunArgs) -> Display {
    let on_terminal = std::io::stderr().is_terminal();
    // A table on the same terminal shows how far the run is; a line that is redrawn under it
    // would only break it.
    let table_below = args.output == Path::new("-") && std::io::stdout().is_terminal();
    Display::new(match (args.quiet, on_terminal && !table_below) {
        (true, _) => Mode::Quiet,
        (false, true) => Mode::InPlace(Screen::of_stderr()),
        (false, false) => Mode::Lines,
    })
}

/// Shows the counts until the dispatcher is gone; gives them back, and how long it took, for the
/// summary that follows the last record.
async fn show_progress(
    mut display: Display,
    mut snapshots: watch::Receiver<Snapshot>,
) -> (Display, Progress, Duration) {
    let began = Instant::now();
    let mut progress = Progress::new(None);
    let every = display.every().unwrap_or(Duration::from_hours(1));
    let mut tick = tokio::time::interval(every);
    loop {
        let more = tokio::select! {
            _ = tick.tick() => true,
            changed = gone(&mut snapshots) => changed,
        };
        let snapshot = snapshots.borrow().clone();
        take_snapshot(&mut progress, &snapshot, began.elapsed());
        if !more {
            break;
        }
        if let Some(text) = display.poll(&progress, began.elapsed()) {
            say(&text);
        }
    }
    (display, progress, began.elapsed())
}

/// Ends when the dispatcher is gone; changes alone do not matter, they are read on every tick.
async fn gone(snapshots: &mut watch::Receiver<Snapshot>) -> bool {
    while snapshots.changed().await.is_ok() {}
    false
}

fn take_snapshot(progress: &mut Progress, snapshot: &Snapshot, now: Duration) {
    for (status, count) in RecordStatus::ALL.into_iter().zip(snapshot.settled) {
        for _ in progress.count(status)..count {
            progress.finished(status, now);
        }
    }
    progress.sessions_open(snapshot.sessions_open as u64);
    progress.retries_waiting(snapshot.waiting as u64);
    if snapshot.input_closed {
        let open = snapshot.active + snapshot.waiting;
        progress.total_known(progress.done() + open as u64);
    }
}
