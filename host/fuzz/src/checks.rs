//! What every transcript of a session must be like, whatever the server did. Panics where it is
//! not.
//!
//! The model here is made again from the standards, as plainly as can be, and shares no code with
//! the session: a bug must not hide in both.

use std::collections::{BTreeSet, VecDeque};

use vrfy_proto::command::{COMMAND_LINE_MAX, Command, SMTPUTF8_EXTRA_MAX};
use vrfy_proto::limits::{LINE_KEPT_MAX, Limits, RECEIVED_BYTES_MAX};
use vrfy_proto::reply::{Line, LineEnd, LineRole, Reply};
use vrfy_proto::stage::Stage;
use vrfy_proto::transcript::{Event, RecipientKind, Transcript};

/// All commands that a probe may ever send; never DATA, VRFY, EXPN or AUTH.
const COMMANDS: [&[u8]; 7] = [
    b"EHLO ",
    b"HELO ",
    b"STARTTLS",
    b"MAIL FROM:<",
    b"RCPT TO:<",
    b"RSET",
    b"QUIT",
];

/// What is handed out at once is whole command lines, grouped as RFC 2920 section 3.1 allows: EHLO,
/// STARTTLS and QUIT stand alone here, so they are last in their group.
///
/// # Panics
///
/// Where it is not.
pub fn check_group(bytes: &[u8]) {
    let group = bytes.strip_suffix(b"\r\n").expect("whole lines are sent");
    let lines: Vec<&[u8]> = group.split(|byte| *byte == b'\n').collect();
    for (index, line) in lines.iter().enumerate() {
        let line = match line.strip_suffix(b"\r") {
            Some(line) => line,
            None if index + 1 == lines.len() => line,
            None => panic!("a command ends with a lone LF"),
        };
        check_command(line);
        let command = Command::parse(line).expect("only our commands are sent");
        let is_alone = !matches!(
            command.stage(),
            Stage::MailFrom | Stage::RcptTo | Stage::Rset
        );
        assert!(
            !is_alone || lines.len() == 1,
            "{command:?} stands in a group"
        );
    }
}

fn check_command(line: &[u8]) {
    let is_known = COMMANDS.iter().any(|command| line.starts_with(command));
    assert!(is_known, "{:?} is sent", line.escape_ascii().to_string());
    let has_control = line.iter().any(u8::is_ascii_control);
    assert!(!has_control, "a control character is sent");
    assert!(line.len() + 2 <= COMMAND_LINE_MAX + SMTPUTF8_EXTRA_MAX);
}

/// How many bytes of the server the record accounts for: in lines, cut off from lines, dropped.
#[must_use]
pub fn accounted_bytes(transcript: &Transcript) -> u64 {
    let bytes = |(_, event)| match event {
        Event::Received(line) => {
            line.bytes.len() as u64 + u64::from(line.dropped) + end_length(line)
        }
        Event::Dropped { bytes, .. } => bytes,
        _ => 0,
    };
    transcript.events().map(bytes).sum()
}

fn end_length(line: Line<'_>) -> u64 {
    match line.end {
        LineEnd::CrLf => 2,
        LineEnd::Lf => 1,
        LineEnd::Missing => 0,
    }
}

/// No more than the limit is kept, and no line is longer than what is kept of one.
///
/// # Panics
///
/// Where that does not hold.
pub fn check_memory(transcript: &Transcript, limits: Limits) {
    let mut taken = 0;
    for (_, event) in transcript.events() {
        if let Event::Received(line) = event {
            assert!(line.bytes.len() <= LINE_KEPT_MAX);
            taken += line.bytes.len() as u64 + u64::from(line.dropped) + end_length(line);
        }
    }
    let most = limits.received_bytes.min(RECEIVED_BYTES_MAX) as u64;
    assert!(
        taken <= most,
        "{taken} bytes are in lines, {most} are allowed"
    );
}

/// Both written forms are read back as the same value.
///
/// # Panics
///
/// Where they are not.
pub fn check_forms(transcript: &Transcript) {
    let from_text = Transcript::from_text(&transcript.to_text());
    assert_eq!(from_text.as_ref(), Ok(transcript));
    let from_json = Transcript::from_json_lines(&transcript.to_json_lines());
    assert_eq!(from_json.as_ref(), Ok(transcript));
}

/// Every reply in the record is the answer to one command, by order, or nobody asked for it; and
/// an answer to RCPT belongs to the recipient whom the command named.
///
/// # Panics
///
/// Where that does not hold.
pub fn check_answers(transcript: &Transcript) {
    let mut asked: VecDeque<Option<String>> = VecDeque::new();
    let mut answered: Vec<(Option<String>, Option<Reply>)> = Vec::new();
    let mut unsolicited = Vec::new();
    let mut lines = Vec::new();
    if transcript.connect_failure().is_none() {
        asked.push_back(None);
    }
    let listed = &transcript.head.recipients;
    let is_listed = |address: &String| listed.iter().any(|one| one.address == *address);
    for (_, event) in transcript.events() {
        match event {
            Event::Sent(line) => asked.push_back(named_recipient(line).filter(is_listed)),
            Event::Received(line) => {
                lines.push(line);
                if let LineRole::Completes(_) = line.role() {
                    let reply = Reply::from_lines(lines.drain(..));
                    match asked.pop_front() {
                        Some(recipient) => answered.push((recipient, reply)),
                        None => unsolicited.extend(reply),
                    }
                }
            }
            _ => {}
        }
    }
    answered.extend(asked.into_iter().map(|recipient| (recipient, None)));
    let told = transcript.answers().into_iter().map(|answer| {
        let place = answer.recipient;
        let recipient = place.map(|place| transcript.head.recipients[place].address.clone());
        (recipient, answer.reply)
    });
    assert_eq!(told.collect::<Vec<_>>(), answered);
    let told = transcript.unsolicited().into_iter().map(|(_, reply)| reply);
    assert_eq!(told.collect::<Vec<_>>(), unsolicited);
}

fn named_recipient(line: &[u8]) -> Option<String> {
    let address = line.strip_prefix(b"RCPT TO:<")?.strip_suffix(b">")?;
    Some(String::from_utf8_lossy(address).into_owned())
}

/// No more is asked than the limits say, every recipient is one of the head's, and a decoy comes
/// after every mailbox.
///
/// # Panics
///
/// Where that does not hold.
pub fn check_manners(transcript: &Transcript, limits: Limits) {
    let mut recipients = 0;
    let mut rejections = 0;
    let mut seen = BTreeSet::new();
    let mut decoy_asked = false;
    for answer in transcript.answers() {
        if answer.stage != Stage::RcptTo {
            continue;
        }
        recipients += 1;
        let is_rejection = answer.reply.is_some_and(|reply| reply.code.is_permanent());
        rejections += usize::from(is_rejection && answer.void.is_none());
        let place = answer.recipient.expect("only whom the head lists is asked");
        let is_decoy = transcript.head.recipients[place].kind == RecipientKind::Decoy;
        let is_new = seen.insert(place);
        assert!(
            is_decoy || !decoy_asked || !is_new,
            "a decoy comes before a mailbox"
        );
        decoy_asked |= is_decoy;
    }
    assert!(recipients <= limits.recipients);
    assert!(rejections <= limits.rejections);
}
