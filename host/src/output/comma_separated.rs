//! Comma-separated values (RFC 4180), for spreadsheets.
//!
//! Promises: the columns are [`COLUMNS`] and then those of the list, in its order, the same in
//! every row; one record is one line; and no cell can start a formula. A spreadsheet takes a cell
//! for a formula when it begins with `=`, `+`, `-`, `@`, their full-width forms, a tab or a line
//! break, also behind blanks; formulas can fetch addresses and start programs, and anyone who runs
//! a mail server can put one into a reply. So such a cell gets a `'` in front. Each cell is quoted,
//! and because spreadsheets of many countries split at `;` whatever the quotes say, the same is
//! done behind each `;`.
//!
//! What it does not do: keep everything. Line breaks and control characters become escapes, guarded
//! cells keep their `'`, and of the attempts only a count remains. JSON Lines is the faithful form.

use serde_json::{Map, Value};

use super::clean::clean_cell;
use super::json_lines;
use crate::record::{DID_YOU_MEAN, Record};

/// The columns that every file has, in this order.
pub const COLUMNS: [&str; 15] = [
    "address",
    "status",
    "reason",
    "confidence",
    "code",
    "enhanced",
    "reply",
    "exchange",
    "attempts",
    "due",
    "tags",
    "did_you_mean",
    "policy",
    "policy_version",
    "policy_digest",
];

/// Which columns of the list are carried into the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Their names, in the order of the list.
    pub names: Vec<String>,
    /// What becomes of fields that `names` does not know.
    pub others: Others,
}

/// What becomes of the fields of a row that have no column of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Others {
    /// There are none: every row of the list has the same columns.
    #[default]
    None,
    /// They stand as a JSON object in a last column, `other_columns`. For JSON Lines, where every
    /// row may bring new names.
    AsJson,
}

/// Name of the last column where the list may bring new names.
pub const OTHER_COLUMNS: &str = "other_columns";

/// Appends the line that names the columns.
pub(crate) fn append_header(carried: &Carried, line: &mut Vec<u8>) -> csv::Result<()> {
    let mut cells: Vec<String> = COLUMNS.map(str::to_owned).to_vec();
    let last = match carried.others {
        Others::None => None,
        Others::AsJson => Some(OTHER_COLUMNS.to_owned()),
    };
    for name in carried.names.iter().cloned().chain(last) {
        cells.push(free_name(name, &cells));
    }
    append_row(&cells, line)
}

/// Appends one record.
pub(crate) fn append(record: &Record, carried: &Carried, line: &mut Vec<u8>) -> csv::Result<()> {
    let decisive = record.because.first();
    let reply = decisive.and_then(|because| because.reply.as_ref());
    let text = |value: Option<String>| value.unwrap_or_default();
    let mut cells = vec![
        record.address.clone(),
        record.status.as_str().to_owned(),
        record.reason.clone(),
        record.confidence.to_string(),
        text(
            reply
                .and_then(|reply| reply.code)
                .map(|code| code.to_string()),
        ),
        text(
            reply
                .and_then(|reply| reply.enhanced)
                .map(|code| code.to_string()),
        ),
        text(reply.map(|reply| reply.text.clone())),
        text(decisive.and_then(|because| because.exchange.clone())),
        record.attempts.len().to_string(),
        text(record.due.clone()),
        record.tags.join(" "),
        text(suggestion(record).map(str::to_owned)),
        record.policy.name.clone(),
        record.policy.version.clone(),
        record.policy.digest.clone(),
    ];
    append_carried(record, carried, &mut cells);
    append_row(&cells, line)
}

/// The address that was probably meant.
fn suggestion(record: &Record) -> Option<&str> {
    let mut facts = record.facts.iter();
    let fact = facts.find(|fact| fact.name == DID_YOU_MEAN)?;
    Some(&fact.value)
}

fn append_carried(record: &Record, carried: &Carried, cells: &mut Vec<String>) {
    let none = Map::new();
    let columns = record.input.as_ref().map_or(&none, |row| &row.columns);
    for name in &carried.names {
        cells.push(columns.get(name).map(value_text).unwrap_or_default());
    }
    if carried.others == Others::None {
        return;
    }
    let others: Map<String, Value> = columns
        .iter()
        .filter(|(name, _)| !carried.names.contains(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    cells.push(if others.is_empty() {
        String::new()
    } else {
        json_text(&Value::Object(others))
    });
}

/// A text as it is, nothing for null, everything else as JSON writes it.
fn value_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => json_text(other),
    }
}

fn json_text(value: &Value) -> String {
    json_lines::to_text(value).expect("a JSON value can be written as JSON")
}

fn append_row(cells: &[String], line: &mut Vec<u8>) -> csv::Result<()> {
    let mut writer = csv::WriterBuilder::new()
        .quote_style(csv::QuoteStyle::Always)
        .from_writer(line);
    writer.write_record(cells.iter().map(|cell| guard(&clean_cell(cell))))?;
    Ok(writer.flush()?)
}

/// The cell with a `'` wherever a spreadsheet could see the beginning of a formula.
fn guard(cell: &str) -> String {
    let mut guarded = String::with_capacity(cell.len() + 1);
    for (index, part) in cell.split(';').enumerate() {
        if index > 0 {
            guarded.push(';');
        }
        if part
            .chars()
            .find(|c| !is_skipped(*c))
            .is_some_and(starts_formula)
        {
            guarded.push('\'');
        }
        guarded.push_str(part);
    }
    guarded
}

/// What a spreadsheet may skip before it looks for a formula: blanks, quotes, what shows nothing.
fn is_skipped(character: char) -> bool {
    character.is_whitespace() || character == '"' || super::clean::is_unsafe(character)
}

/// Whether a cell that begins so is a formula to some spreadsheet.
const fn starts_formula(character: char) -> bool {
    matches!(
        character,
        '=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}' | '\u{2212}'
    )
}

/// The name itself, or `input_` before it as often as it takes to be unlike those before.
fn free_name(name: String, taken: &[String]) -> String {
    let mut name = name;
    while taken.contains(&name) {
        name.insert_str(0, "input_");
    }
    name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use vrfy_proto::evidence::Fact;

    use super::*;
    use crate::output::sample;

    fn rows(records: &[Record], carried: &Carried) -> Vec<Vec<String>> {
        let mut bytes = Vec::new();
        append_header(carried, &mut bytes).unwrap();
        for record in records {
            append(record, carried, &mut bytes).unwrap();
        }
        csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(&bytes[..])
            .records()
            .map(|row| row.unwrap().iter().map(str::to_owned).collect())
            .collect()
    }

    fn carried(names: &[&str], others: Others) -> Carried {
        Carried {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            others,
        }
    }

    #[test]
    fn the_header_is_stable_and_the_reply_stands_in_its_columns() {
        let mut record = sample::refused();
        record.tags = ["role-account", "free-provider"].map(str::to_owned).into();
        let meant = Fact::new(DID_YOU_MEAN, "=a@example.com");
        record.facts = vec![Fact::new("rule", "r"), meant];
        let rows = rows(&[record], &Carried::default());
        assert_eq!(rows[0], COLUMNS);
        assert_eq!(
            rows[1],
            [
                "nobody@example.com",
                "undeliverable",
                "no-such-user",
                "97",
                "550",
                "5.1.1",
                "5.1.1 <nobody@example.com>: Recipient address rejected:\\n\
                 User unknown in virtual mailbox table",
                "mx1.example.com",
                "1",
                "",
                "role-account free-provider",
                "'=a@example.com",
                "default",
                "0.1.0",
                sample::DIGEST,
            ]
        );
    }

    #[test]
    fn columns_of_the_list_follow_in_its_order_as_text() {
        let record = sample::with_columns(json!({
            "name": "Ana", "age": 41, "vip": true, "note": null, "tags": ["a", "b"],
        }));
        let carried = carried(
            &["note", "name", "tags", "vip", "age", "gone"],
            Others::None,
        );
        let rows = rows(&[record], &carried);
        assert_eq!(
            rows[0][COLUMNS.len()..],
            ["note", "name", "input_tags", "vip", "age", "gone"]
        );
        assert_eq!(
            rows[1][COLUMNS.len()..],
            ["", "Ana", "[\"a\",\"b\"]", "true", "41", ""]
        );
    }

    #[test]
    fn a_field_without_a_column_is_not_lost() {
        let record = sample::with_columns(json!({ "name": "Ana", "late": 7 }));
        let rows = rows(
            &[record, sample::refused()],
            &carried(&["name"], Others::AsJson),
        );
        assert_eq!(rows[0][COLUMNS.len()..], ["name", OTHER_COLUMNS]);
        assert_eq!(rows[1][COLUMNS.len()..], ["Ana", "{\"late\":7}"]);
        assert_eq!(rows[2][COLUMNS.len()..], ["", ""]);
    }

    #[test]
    fn a_column_of_the_list_never_hides_one_of_ours() {
        let rows = rows(
            &[],
            &carried(&["status", "input_status", "=cmd"], Others::None),
        );
        assert_eq!(
            rows[0][COLUMNS.len()..],
            ["input_status", "input_input_status", "'=cmd"]
        );
    }

    #[test]
    fn no_cell_starts_a_formula() {
        for (cell, guarded) in [
            ("=1+1", "'=1+1"),
            ("+49 30 1234", "'+49 30 1234"),
            ("-5", "'-5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("  =1", "'  =1"),
            ("\u{a0}=1", "'\u{a0}=1"),
            ("＝1", "'＝1"),
            ("＠x", "'＠x"),
            ("\"=1\"", "'\"=1\""),
            ("a;=1; b", "a;'=1; b"),
            ("250 ok", "250 ok"),
            ("a=b", "a=b"),
            ("'=1", "'=1"),
            ("", ""),
        ] {
            assert_eq!(guard(cell), guarded);
        }
        assert_eq!(guard(&clean_cell("\t=1")), "\\t=1");
        assert_eq!(guard(&clean_cell("\r\n=1")), "\\r\\n=1");
    }

    proptest! {
        #[test]
        fn whatever_a_server_says_a_row_is_one_line_without_a_formula(
            text in "[ -~\\t\\r\\n\u{ff1d}\u{ff20}\u{200b}\u{a0}]{0,40}",
            column in any::<String>(),
        ) {
            let mut record = sample::with_columns(json!({ "note": column }));
            record.because[0].reply.as_mut().unwrap().text = text;
            let mut bytes = Vec::new();
            append(&record, &carried(&["note"], Others::None), &mut bytes).unwrap();
            prop_assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 1);
            let row = String::from_utf8(bytes).unwrap();
            // Also where a spreadsheet splits at semicolons before it looks at quotes.
            for part in row.split(';').skip(1) {
                let first = part.chars().find(|c| !is_skipped(*c));
                prop_assert!(!first.is_some_and(starts_formula), "{row:?}");
            }
            for cell in csv::ReaderBuilder::new().has_headers(false).from_reader(row.as_bytes())
                .records().next().unwrap().unwrap().iter()
            {
                for part in cell.split(';') {
                    let first = part.chars().find(|c| !is_skipped(*c));
                    prop_assert!(!first.is_some_and(starts_formula), "{cell:?}");
                }
            }
        }
    }
}
