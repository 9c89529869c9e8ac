//! Rows of JSON Lines.

use serde_json::{Map, Value};

use super::Row;
use super::format::ADDRESS_NAMES;
use super::line_reader::Line;
use super::problem::RowProblem;

/// The fields in which the address may be, the first that exists counts.
pub(super) struct JsonFields {
    names: Vec<String>,
}

impl JsonFields {
    pub(super) fn new(chosen: Option<&str>) -> Self {
        let names = match chosen {
            Some(name) => vec![name.to_owned()],
            None => ADDRESS_NAMES.map(str::to_owned).to_vec(),
        };
        Self { names }
    }

    pub(super) fn row(&self, line: &Line) -> Row {
        match self.read(line) {
            Ok((address, carried)) => Row::good(line.number, &address, carried),
            Err(problem) => Row::bad(line.number, &line.bytes, problem),
        }
    }

    fn read(&self, line: &Line) -> Result<(String, Vec<(String, Value)>), RowProblem> {
        let number = line.number;
        let mut object = object(line.text()?, number)?;
        let Some(name) = self.names.iter().find(|name| object.contains_key(*name)) else {
            let quoted: Vec<String> = self.names.iter().map(|name| format!("{name:?}")).collect();
            return Err(RowProblem::FieldMissing {
                line: number,
                field: quoted.join(" or "),
            });
        };
        // The order of the other fields stays.
        match object.shift_remove(name) {
            Some(Value::String(address)) => Ok((address, object.into_iter().collect())),
            other => Err(RowProblem::FieldNotText {
                line: number,
                field: name.clone(),
                found: kind(&other.unwrap_or_default()),
            }),
        }
    }
}

fn object(text: &str, line: u64) -> Result<Map<String, Value>, RowProblem> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(RowProblem::NotAnObject {
            line,
            found: kind(&other),
        }),
        Err(error) => {
            // The parser counts octets.
            let before = text.floor_char_boundary(error.column().saturating_sub(1));
            let column = text[..before].chars().count() + 1;
            let what = error.to_string();
            let what = what
                .split(" at line ")
                .next()
                .unwrap_or_default()
                .to_owned();
            Err(RowProblem::MalformedJson { line, column, what })
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
