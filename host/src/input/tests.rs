use std::fs;
use std::io::Read;

use serde_json::json;

use super::*;

fn options(format: Option<InputFormat>, column: Option<&str>) -> InputOptions {
    InputOptions {
        format,
        column: column.map(str::to_owned),
    }
}

fn rows_of(text: impl AsRef<[u8]>, options: &InputOptions) -> Vec<Row> {
    let rows = read("list", text.as_ref(), options).unwrap_or_else(|error| panic!("{error}"));
    rows.map(Result::unwrap).collect()
}

fn detected(text: impl AsRef<[u8]>) -> Vec<Row> {
    rows_of(text, &InputOptions::default())
}

/// Line and address of good rows, line and code of bad ones.
fn summary(rows: &[Row]) -> Vec<(u64, &str)> {
    rows.iter()
        .map(|row| match &row.address {
            Ok(address) => (row.number, address.as_str()),
            Err(problem) => (row.number, problem.code()),
        })
        .collect()
}

fn error_of(text: &str, options: &InputOptions) -> InputError {
    match read("list.csv", text.as_bytes(), options) {
        Ok(_) => panic!("{text:?} was accepted"),
        Err(error) => error,
    }
}

fn problem(row: &Row) -> &RowProblem {
    row.address.as_ref().unwrap_err()
}

#[test]
fn plain_lists_have_one_address_a_line_with_blanks_and_comments_skipped_and_counted() {
    let text = "\u{feff}# customers\r\na@x.test\r\n\r\n  b@x.test \t\n   \n # more\n\"#c\"@x.test";
    let mut rows = read("list", text.as_bytes(), &InputOptions::default()).unwrap();
    let all: Vec<Row> = rows.by_ref().map(Result::unwrap).collect();
    assert_eq!(
        summary(&all),
        [(2, "a@x.test"), (4, "b@x.test"), (7, "\"#c\"@x.test")]
    );
    assert_eq!(all[1].raw, "  b@x.test \t");
    assert_eq!(
        rows.skipped(),
        Skipped {
            blank: 2,
            comments: 2
        }
    );
    assert_eq!(rows.format(), InputFormat::Lines);
}

#[test]
fn an_empty_list_has_no_rows() {
    assert_eq!(detected(""), []);
    assert_eq!(detected("\n\n"), []);
    assert_eq!(
        rows_of("", &options(Some(InputFormat::JsonLines), None)),
        []
    );
}

#[test]
fn a_line_that_is_not_utf_8_names_its_line_and_column_and_the_rest_goes_on() {
    let rows = detected(b"a@x.test\nj\xc3\xb6rg\xf6@x.test\nb@x.test\n");
    assert_eq!(
        summary(&rows),
        [(1, "a@x.test"), (2, "invalid-utf8"), (3, "b@x.test")]
    );
    assert_eq!(
        (problem(&rows[1]).line(), problem(&rows[1]).column()),
        (2, 5)
    );
    assert_eq!(rows[1].raw, "jörg\u{fffd}@x.test");
}

#[test]
fn addresses_with_control_characters_reach_the_parser_as_they_are() {
    let rows = detected("a\0@x.test\na\rb@x.test\n");
    assert_eq!(summary(&rows), [(1, "a\0@x.test"), (2, "a\rb@x.test")]);
}

/// Gives a line of ten million octets in pieces, without ever holding it.
fn ten_megabytes_then(rest: &'static str) -> impl BufRead {
    BufReader::new(io::repeat(b'x').take(10_000_000).chain(rest.as_bytes()))
}

#[test]
fn a_line_of_ten_megabytes_is_one_bad_row_and_is_not_held() {
    for (format, rest, after) in [
        (InputFormat::Lines, "\nb@x.test\n", "b@x.test"),
        (
            InputFormat::JsonLines,
            "\n{\"email\":\"b@x.test\"}\n",
            "b@x.test",
        ),
    ] {
        let mut rows = read(
            "list",
            ten_megabytes_then(rest),
            &options(Some(format), None),
        )
        .unwrap();
        let all: Vec<Row> = rows.by_ref().map(Result::unwrap).collect();
        assert_eq!(summary(&all), [(1, "line-too-long"), (2, after)]);
        assert_eq!(
            problem(&all[0]),
            &RowProblem::LineTooLong {
                line: 1,
                octets: 10_000_000
            }
        );
        assert_eq!(all[0].raw.len(), RAW_MAX);
        assert!(rows.line.bytes.capacity() <= 2 * LINE_MAX);
    }
}

#[test]
fn a_csv_line_of_ten_megabytes_is_one_bad_row() {
    let head = BufReader::new("email,n\na@x.test,1\n".as_bytes());
    let list = head.chain(ten_megabytes_then(",\"\nb@x.test,2\n"));
    let all: Vec<Row> = read("list", list, &InputOptions::default())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        summary(&all),
        [(2, "a@x.test"), (3, "line-too-long"), (4, "b@x.test")]
    );
}

#[test]
fn the_longest_line_is_read_and_one_octet_more_is_not() {
    for end in ["\n", "\r\n", ""] {
        let longest = detected(format!("{}{end}", "x".repeat(LINE_MAX)));
        assert_eq!(longest[0].raw.len(), LINE_MAX, "{end:?}");
        assert!(longest[0].address.is_ok(), "{end:?}");
        let longer = detected(format!("{}{end}", "x".repeat(LINE_MAX + 1)));
        let octets = LINE_MAX as u64 + 1;
        assert_eq!(
            problem(&longer[0]),
            &RowProblem::LineTooLong { line: 1, octets },
            "{end:?}"
        );
    }
}

#[test]
fn csv_takes_the_column_address_or_email_and_carries_the_others_in_order() {
    let rows = detected("id,Email,name\r\n7,a@x.test,\"Ana, B.\"\r\n\r\n8, b@x.test ,\r\n");
    assert_eq!(summary(&rows), [(2, "a@x.test"), (4, "b@x.test")]);
    let carried = [
        ("id".to_owned(), json!("7")),
        ("name".to_owned(), json!("Ana, B.")),
    ];
    assert_eq!(rows[0].carried, carried);
    assert_eq!(detected("email,address\na,b\n")[0].raw, "b");
}

#[test]
fn a_csv_column_is_chosen_by_name_or_by_number() {
    let text = "first,Second,2\na,b,c\n";
    for (column, address) in [
        ("first", "a"),
        ("second", "b"),
        (" Second", "b"),
        ("1", "a"),
        ("2", "c"),
        ("3", "c"),
    ] {
        let column = column.trim();
        let rows = rows_of(text, &options(Some(InputFormat::Csv), Some(column)));
        assert_eq!(summary(&rows), [(2, address)], "{column}");
    }
}

#[test]
fn semicolons_and_tabs_are_found_in_the_header() {
    for text in [
        "email;name\na@x.test;A\n",
        "email\tname\na@x.test\tA\n",
        "\"email\",\"a;b;c\"\na@x.test,A\n",
    ] {
        let rows = detected(text);
        assert_eq!(summary(&rows), [(2, "a@x.test")], "{text:?}");
        assert_eq!(rows[0].carried[0].1, json!("A"));
    }
}

#[test]
fn quoted_fields_may_contain_delimiters_quotes_and_line_ends() {
    let rows = detected("email,note\r\na@x.test,\"x,\r\n\"\"y\"\"\"\r\n\"\"\"b c\"\"@x.test\",z\n");
    assert_eq!(summary(&rows), [(2, "a@x.test"), (4, "\"b c\"@x.test")]);
    assert_eq!(rows[0].carried[0].1, json!("x,\n\"y\""));
}

#[test]
fn ragged_csv_rows_are_bad_and_the_rest_goes_on() {
    let rows = detected("email,name\na@x.test\nb@x.test,B,extra\nc@x.test,C\n");
    assert_eq!(
        summary(&rows),
        [
            (2, "csv-field-count"),
            (3, "csv-field-count"),
            (4, "c@x.test")
        ]
    );
    assert_eq!(
        problem(&rows[1]).to_string(),
        "line 3: 3 fields where the header has 2; quote fields that contain the delimiter"
    );
}

#[test]
fn a_stray_quote_costs_one_row_and_swallows_no_address() {
    let closed_later = "email,name\na@x.test,\"A\nb@x.test,B\nc@x.test,\"C\"\nd@x.test,D\n";
    assert_eq!(
        summary(&detected(closed_later)),
        [
            (2, "csv-text-after-quote"),
            (3, "b@x.test"),
            (4, "c@x.test"),
            (5, "d@x.test")
        ]
    );
    let never_closed = "email,name\na@x.test,\"A\nb@x.test,B\nc@x.test,C\n";
    assert_eq!(
        summary(&detected(never_closed)),
        [
            (2, "csv-quote-not-closed"),
            (3, "b@x.test"),
            (4, "c@x.test")
        ]
    );
}

#[test]
fn an_open_quote_is_given_up_after_its_limit_and_costs_linear_time() {
    let filler = "b@x.test,B\n".repeat(40_000);
    let rows = detected(format!("email,name\na@x.test,\"A\n{filler}"));
    assert_eq!(rows.len(), 40_001);
    assert_eq!(
        summary(&rows[..2]),
        [(2, "csv-quote-not-closed"), (3, "b@x.test")]
    );
    assert_eq!(rows[40_000].number, 40_002);
    // Every record takes in the line after it and is then found to be ragged.
    let all_open = "a@x.test,\"\n".repeat(40_000);
    assert_eq!(detected(format!("email,name,id\n{all_open}")).len(), 40_000);
}

#[test]
fn a_csv_row_that_is_not_utf_8_names_its_line_and_column() {
    let rows = detected(b"email,name\na@x.test,\"J\n\xf6rg\"\nb@x.test,B\n");
    assert_eq!(summary(&rows)[0], (2, "invalid-utf8"));
    assert_eq!(
        (problem(&rows[0]).line(), problem(&rows[0]).column()),
        (3, 1)
    );
    assert_eq!(rows.last().unwrap().raw, "b@x.test");
}

#[test]
fn more_fields_than_any_table_has_are_one_bad_row() {
    let rows = detected(format!("email,name\n{}\nb@x.test,B\n", ",".repeat(5_000)));
    assert_eq!(
        summary(&rows),
        [(2, "csv-too-many-fields"), (3, "b@x.test")]
    );
}

#[test]
fn columns_without_a_name_or_with_the_same_name_can_be_told_apart() {
    let rows = detected("email,,n,n,n_2\na@x.test,1,2,3,4\n");
    let names: Vec<&str> = rows[0]
        .carried
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["column_2", "n", "n_2", "n_2_2"]);
}

#[test]
fn a_csv_list_without_the_column_is_refused_with_the_columns_that_exist() {
    let chosen = error_of("id,mail\n1,a@x.test\n", &options(None, Some("email")));
    assert_eq!(
        chosen.to_string(),
        "list.csv has no column \"email\"; choose one of its columns with --column: \
         1 \"id\", 2 \"mail\""
    );
    for column in ["0", "3", "-1", "99999999999999999999"] {
        let error = error_of("id,mail\n1,a@x.test\n", &options(None, Some(column)));
        assert_eq!(error.code(), "column-missing", "{column}");
    }
    assert_eq!(
        error_of("id,mail\n", &InputOptions::default()).code(),
        "column-unknown"
    );
    let many = "c,".repeat(500);
    let message = error_of(&many, &InputOptions::default()).to_string();
    assert!(message.ends_with("20 \"c\", and 481 more"), "{message}");
}

#[test]
fn a_csv_list_without_a_header_is_refused_before_its_first_address_is_lost() {
    let csv = options(Some(InputFormat::Csv), None);
    assert_eq!(
        error_of("a@x.test,A\nb@x.test,B\n", &csv).code(),
        "csv-header-is-data"
    );
    assert_eq!(error_of("", &csv).code(), "csv-header-missing");
    assert_eq!(
        error_of("email,\"name\n", &csv).code(),
        "csv-header-invalid"
    );
    let long = "x".repeat(LINE_MAX + 1);
    assert_eq!(error_of(&long, &csv).code(), "csv-header-invalid");
}

#[test]
fn json_lines_take_address_before_email_and_carry_the_rest_in_order() {
    let text = "{\"z\":1,\"email\":\"b@x.test\",\"address\":\" a@x.test\",\"a\":[null]}\r\n\n\
                {\"email\":\"c@x.test\"}";
    let rows = detected(text);
    assert_eq!(summary(&rows), [(1, "a@x.test"), (3, "c@x.test")]);
    let names: Vec<&str> = rows[0]
        .carried
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["z", "email", "a"]);
    assert_eq!(rows[0].carried[2].1, json!([null]));
    let chosen = rows_of(text, &options(None, Some("email")));
    assert_eq!(summary(&chosen), [(1, "b@x.test"), (3, "c@x.test")]);
}

#[test]
fn bad_json_rows_name_their_fault_and_the_rest_goes_on() {
    let text = "{\"email\":\"a@x.test\"}\n{\"ü\":tru}\n[1]\n{\"mail\":1}\n{\"email\":null}\n\
                {\"email\":\"b@x.test\"} x\n{\"email\"\n{\"email\":\"c@x.test\"}\n";
    let rows = detected(text);
    assert_eq!(
        summary(&rows),
        [
            (1, "a@x.test"),
            (2, "json-malformed"),
            (3, "json-not-an-object"),
            (4, "json-field-missing"),
            (5, "json-field-not-text"),
            (6, "json-malformed"),
            (7, "json-malformed"),
            (8, "c@x.test"),
        ]
    );
    assert_eq!(
        problem(&rows[1]).to_string(),
        "line 2, column 9: malformed JSON (expected ident); write one object a line"
    );
    assert_eq!(
        problem(&rows[3]).to_string(),
        "line 4: the object has no field \"address\" or \"email\"; choose another with --column"
    );
}

#[test]
fn deeply_nested_json_is_a_bad_row() {
    let rows = detected(format!(
        "{{\"a\":{}\n{{\"email\":\"a@x.test\"}}",
        "[".repeat(60_000)
    ));
    assert_eq!(summary(&rows), [(1, "json-malformed"), (2, "a@x.test")]);
}

#[test]
fn the_first_line_tells_the_format_where_nothing_else_does() {
    for (first, format) in [
        ("a@x.test", InputFormat::Lines),
        ("a@x.test,b", InputFormat::Lines),
        ("# a, b", InputFormat::Lines),
        ("anything", InputFormat::Lines),
        ("EMAIL", InputFormat::Csv),
        ("id,email", InputFormat::Csv),
        ("id;email", InputFormat::Csv),
        (" {\"email\":\"a@x.test\"}", InputFormat::JsonLines),
    ] {
        let rows = read("list", first.as_bytes(), &InputOptions::default()).unwrap();
        assert_eq!(rows.format(), format, "{first}");
    }
}

#[test]
fn what_is_no_text_is_refused_with_the_way_to_convert_it() {
    for (start, word) in [
        (b"\xff\xfea\0@\0".as_slice(), "UTF-16"),
        (b"\xfe\xff\0a\0@", "UTF-16"),
        (b"PK\x03\x04\x14\0", "spreadsheet"),
        (b"\x1f\x8b\x08", "compressed"),
    ] {
        let Err(error) = read("list", start, &InputOptions::default()) else {
            panic!("{word} was accepted")
        };
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn a_json_array_and_a_column_of_plain_lines_are_refused() {
    let json = options(Some(InputFormat::JsonLines), None);
    assert_eq!(
        error_of("[{\"email\":\"a@x.test\"}]", &json).code(),
        "json-array"
    );
    let column = options(None, Some("email"));
    assert_eq!(error_of("a@x.test\n", &column).code(), "column-of-lines");
}

#[test]
fn a_directory_and_a_missing_file_are_refused_by_name() {
    let place = tempfile::tempdir().unwrap();
    let code = |path: &Path| match open(path, &InputOptions::default()) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => {
            assert!(
                error.to_string().contains(&path.display().to_string()),
                "{error}"
            );
            error.code()
        }
    };
    assert_eq!(code(place.path()), "list-is-directory");
    assert_eq!(code(&place.path().join("absent.csv")), "list-not-found");
}

#[test]
fn the_extension_of_a_file_tells_its_format() {
    let place = tempfile::tempdir().unwrap();
    for (name, text, format) in [
        ("a.CSV", "email\na@x.test\n", InputFormat::Csv),
        ("a.tsv", "email\tn\na@x.test\t1\n", InputFormat::Csv),
        (
            "a.ndjson",
            "{\"email\":\"a@x.test\"}\n",
            InputFormat::JsonLines,
        ),
        ("a.txt", "a@x.test\n", InputFormat::Lines),
        ("a.dat", "a@x.test\n", InputFormat::Lines),
    ] {
        let path = place.path().join(name);
        fs::write(&path, text).unwrap();
        let rows = open(&path, &InputOptions::default()).unwrap();
        assert_eq!(rows.format(), format, "{name}");
        let rows: Vec<Row> = rows.map(Result::unwrap).collect();
        assert_eq!(rows[0].raw, "a@x.test", "{name}");
    }
}

/// Fails after its text.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("medium gone")),
            count => Ok(count),
        }
    }
}

#[test]
fn a_list_that_breaks_off_gives_its_rows_then_one_error_then_nothing() {
    let list = BufReader::with_capacity(9, Failing(b"a@x.test\nb@x.test\n"));
    let mut rows = read("list", list, &InputOptions::default()).unwrap();
    assert_eq!(rows.next().unwrap().unwrap().raw, "a@x.test");
    assert_eq!(rows.next().unwrap().unwrap().raw, "b@x.test");
    let error = rows.next().unwrap().unwrap_err();
    assert!(error.to_string().contains("medium gone"), "{error}");
    assert!(rows.next().is_none());
}
