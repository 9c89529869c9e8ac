//! Looks at a file before it is compiled, and says in plain words why it is no policy.
//!
//! Promises: the whole file is read and validated before a compiler sees it; a file that passes is
//! a component without imports that exports our interface, within the limits on what it starts
//! with. What it does not do: compare the types of the functions; wasmtime does that when the
//! component is first instantiated.

use wasmparser::{
    Chunk, Encoding, MemoryType, Parser, Payload, TableType, Validator, WasmFeatures,
};

use super::{
    limits::{COMPONENT_BYTES_MAX, TABLE_ELEMENTS_MAX},
    load_error::LoadCause,
    text::one_line,
};

/// The interface that a policy exports.
pub(crate) const EXPORT: &str = "vrfy:policy/judge@0.1.0";

/// The same without its version.
const EXPORT_NAME: &str = "vrfy:policy/judge";

/// What to do about WASI, by the tools that bring it in.
pub(crate) const WASI_REMEDY: &str = "build it without WASI: in Rust for wasm32-unknown-unknown \
     and not wasm32-wasip1 or wasm32-wasip2, in C for wasm32-unknown-unknown with -nostdlib, in \
     JavaScript with componentize-qjs --stub-wasi, in Python with componentize-py --stub-wasi";

/// Bytes of a name out of the file that a message quotes.
const QUOTED_MAX: usize = 120;

/// Names of imports and exports that are remembered for a message.
const NAMES_MAX: usize = 100;

/// Bytes of a page of linear memory.
const PAGE: u64 = 65_536;

/// Checks the file. The first thing that is wrong is told.
pub(crate) fn check(bytes: &[u8], memory_max: usize) -> Result<(), LoadCause> {
    if bytes.len() > COMPONENT_BYTES_MAX {
        return Err(LoadCause::TooLarge { bytes: bytes.len() });
    }
    check_header(bytes)?;
    let outline = Outline::of(bytes)?;
    validate(bytes)?;
    outline.check(memory_max)
}

fn check_header(bytes: &[u8]) -> Result<(), LoadCause> {
    if bytes.is_empty() {
        return Err(LoadCause::Empty);
    }
    let Some(rest) = bytes.strip_prefix(b"\0asm") else {
        return Err(not_wasm(bytes));
    };
    match rest {
        [0x01, 0, 0, 0, ..] => Err(LoadCause::CoreModule),
        [0x0d, 0, 1, 0, ..] => Ok(()),
        [a, b, c, d, ..] => Err(LoadCause::UnknownVersion {
            found: format!("{a:02x} {b:02x} {c:02x} {d:02x}"),
        }),
        _ => Err(LoadCause::Truncated {
            bytes: bytes.len(),
            within: "its header",
        }),
    }
}

fn not_wasm(bytes: &[u8]) -> LoadCause {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]);
    let code = start.trim_start_matches('\u{feff}').trim_start();
    let is_text_format = ["(component", "(module", ";;", "(;"]
        .iter()
        .any(|opening| code.starts_with(opening));
    if is_text_format {
        return LoadCause::TextFormat;
    }
    let found = match bytes {
        [0x1f, 0x8b, ..] => "it is compressed with gzip",
        [b'P', b'K', 3, 4, ..] => "it is a zip archive",
        [0x7f, b'E', b'L', b'F', ..] => "it is a native program",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "it is compressed with zstd",
        _ if std::str::from_utf8(bytes).is_ok() => "it is a text, perhaps source code",
        _ => "it begins with other bytes",
    };
    LoadCause::NotWasm { found }
}

/// What a component says of itself outside its code.
#[derive(Default)]
struct Outline {
    imports: Vec<String>,
    exports: Vec<String>,
    memory_bytes: u64,
    table_elements: u64,
}

impl Outline {
    /// Walks the sections of the component and of everything nested in it.
    fn of(bytes: &[u8]) -> Result<Self, LoadCause> {
        let mut outline = Self::default();
        let mut parents: Vec<Parser> = Vec::new();
        let mut parser = Parser::new(0);
        let mut rest = bytes;
        loop {
            let is_end = rest.is_empty();
            let parsed = parser.parse(rest, is_end);
            let payload = match parsed.map_err(|error| invalid(&error))? {
                Chunk::NeedMoreData(_) => return Err(truncated(bytes, &parents)),
                Chunk::Parsed { consumed, payload } => {
                    rest = &rest[consumed..];
                    payload
                }
            };
            match payload {
                Payload::ModuleSection { parser: inner, .. }
                | Payload::ComponentSection { parser: inner, .. } => {
                    parents.push(std::mem::replace(&mut parser, inner));
                }
                Payload::CodeSectionStart { size, .. } => {
                    let Some(after) = rest.get(size as usize..) else {
                        return Err(truncated(bytes, &parents));
                    };
                    rest = after;
                    parser.skip_section();
                }
                Payload::End(_) => match parents.pop() {
                    Some(parent) => parser = parent,
                    None => return Ok(outline),
                },
                other => outline
                    .note(other, parents.len())
                    .map_err(|error| invalid(&error))?,
            }
        }
    }

    fn note(&mut self, payload: Payload<'_>, depth: usize) -> wasmparser::Result<()> {
        match payload {
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    remember(&mut self.imports, import?.name.name);
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    remember(&mut self.exports, export?.name.name);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    let MemoryType { initial, .. } = memory?;
                    let bytes = initial.saturating_mul(PAGE);
                    self.memory_bytes = self.memory_bytes.saturating_add(bytes);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    let TableType { initial, .. } = table?.ty;
                    self.table_elements = self.table_elements.max(initial);
                }
            }
            // Validated later; here only what is nested and what is declared counts.
            Payload::Version {
                encoding: Encoding::Module | Encoding::Component,
                ..
            } => {}
            _ => {}
        }
        Ok(())
    }

    fn check(self, memory_max: usize) -> Result<(), LoadCause> {
        if !self.imports.is_empty() {
            return Err(LoadCause::Imports {
                imports: self.imports,
            });
        }
        if !self.exports.iter().any(|name| name == EXPORT) {
            let ours = self.exports.iter().find(|name| is_other_version(name));
            return Err(match ours {
                Some(found) => LoadCause::OtherVersion {
                    found: found.clone(),
                },
                None => LoadCause::OtherWorld {
                    exports: self.exports,
                },
            });
        }
        if self.memory_bytes > memory_max as u64 {
            return Err(LoadCause::MemoryLimit {
                wanted: self.memory_bytes,
                limit: memory_max,
            });
        }
        if self.table_elements > TABLE_ELEMENTS_MAX as u64 {
            return Err(LoadCause::TableLimit {
                wanted: self.table_elements,
            });
        }
        Ok(())
    }
}

fn remember(names: &mut Vec<String>, name: &str) {
    if names.len() < NAMES_MAX {
        names.push(one_line(name, QUOTED_MAX));
    }
}

fn is_other_version(name: &str) -> bool {
    name.strip_prefix(EXPORT_NAME)
        .is_some_and(|version| version.is_empty() || version.starts_with('@'))
}

fn truncated(bytes: &[u8], parents: &[Parser]) -> LoadCause {
    LoadCause::Truncated {
        bytes: bytes.len(),
        within: if parents.is_empty() {
            "the component"
        } else {
            "a module inside it"
        },
    }
}

fn validate(bytes: &[u8]) -> Result<(), LoadCause> {
    // Every feature that we know is tried only to tell "switched off" from "wrong".
    let allowed = features();
    let Err(error) = Validator::new_with_features(allowed).validate_all(bytes) else {
        return Ok(());
    };
    match Validator::new_with_features(WasmFeatures::all()).validate_all(bytes) {
        Ok(_) => Err(LoadCause::FeatureOff {
            message: one_line(&error.to_string(), QUOTED_MAX),
        }),
        Err(_) => Err(invalid(&error)),
    }
}

/// The engine's features in the words of this version of the parser; wasmtime re-exports the same
/// type.
fn features() -> WasmFeatures {
    super::engine::features()
}

fn invalid(error: &wasmparser::Error) -> LoadCause {
    LoadCause::Invalid {
        message: one_line(&error.to_string(), QUOTED_MAX * 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY_MAX: usize = 64 * 1024 * 1024;

    fn checked(text: &str) -> Result<(), LoadCause> {
        check(&wat::parse_str(text).unwrap(), MEMORY_MAX)
    }

    /// A component that exports the interface, with this inside.
    fn exporting(inner: &str) -> String {
        format!(
            r#"(component {inner}
                (component $empty) (instance $i (instantiate $empty))
                (export "{EXPORT}" (instance $i)))"#
        )
    }

    #[test]
    fn a_component_with_our_export_and_no_import_passes() {
        assert_eq!(checked(&exporting("")), Ok(()));
    }

    #[test]
    fn what_is_no_wasm_is_told_by_what_it_is() {
        let cause = |bytes: &[u8]| check(bytes, MEMORY_MAX).unwrap_err();
        assert_eq!(cause(b""), LoadCause::Empty);
        assert_eq!(cause(b"\n(component)"), LoadCause::TextFormat);
        assert_eq!(cause(b";; a policy\n(module)"), LoadCause::TextFormat);
        for (bytes, part) in [
            (&b"\x1f\x8b\x08"[..], "gzip"),
            (b"PK\x03\x04", "zip"),
            (b"\x7fELF\x02", "native program"),
            (b"export function decide() {}", "source code"),
            (b"\xff\xfe\0", "other bytes"),
        ] {
            assert!(cause(bytes).to_string().contains(part), "{part}");
        }
    }

    #[test]
    fn a_file_above_the_limit_is_not_even_read() {
        let bytes = vec![0; COMPONENT_BYTES_MAX + 1];
        assert!(matches!(
            check(&bytes, MEMORY_MAX),
            Err(LoadCause::TooLarge { .. })
        ));
    }

    #[test]
    fn a_core_module_is_told_apart() {
        assert_eq!(checked("(module)"), Err(LoadCause::CoreModule));
    }

    #[test]
    fn another_binary_version_is_told_apart() {
        let cause = check(b"\0asm\x0a\0\x01\0", MEMORY_MAX).unwrap_err();
        assert_eq!(
            cause,
            LoadCause::UnknownVersion {
                found: "0a 00 01 00".to_owned()
            }
        );
    }

    #[test]
    fn a_component_cut_off_anywhere_is_an_error() {
        // Without names, which would make a section of their own at the end that may be missing.
        let text = format!(
            r#"(component (core module (memory 1) (func nop)) (component)
                (instance (instantiate 0)) (export "{EXPORT}" (instance 0)))"#
        );
        let whole = wat::parse_str(text).unwrap();
        assert_eq!(check(&whole, MEMORY_MAX), Ok(()));
        for length in 0..whole.len() {
            assert!(
                check(&whole[..length], MEMORY_MAX).is_err(),
                "cut at {length}"
            );
        }
        let half = check(&whole[..whole.len() / 2], MEMORY_MAX).unwrap_err();
        assert!(matches!(half, LoadCause::Truncated { .. }), "{half}");
    }

    #[test]
    fn every_import_is_named_and_wasi_has_its_remedy() {
        let wasi = r#"(import "wasi:clocks/wall-clock@0.2.0" (instance))"#;
        let message = checked(&exporting(wasi)).unwrap_err().to_string();
        assert!(
            message.contains("wasi:clocks/wall-clock@0.2.0"),
            "{message}"
        );
        assert!(message.contains("--stub-wasi"), "{message}");
        let other = r#"(import "log" (func))"#;
        let message = checked(&exporting(other)).unwrap_err().to_string();
        assert!(message.contains("it imports log"), "{message}");
        assert!(!message.contains("wasi"), "{message}");
    }

    #[test]
    fn an_import_of_something_nested_is_not_an_import_of_the_policy() {
        let inner = r#"(component $inner (import "a" (func)))"#;
        assert_eq!(checked(&exporting(inner)), Ok(()));
    }

    #[test]
    fn another_world_and_another_version_are_told_apart() {
        assert!(matches!(
            checked("(component)"),
            Err(LoadCause::OtherWorld { .. })
        ));
        let later = exporting("").replace("@0.1.0", "@0.2.0");
        let cause = checked(&later).unwrap_err();
        assert!(
            cause.to_string().contains("vrfy:policy/judge@0.2.0"),
            "{cause}"
        );
        assert!(matches!(cause, LoadCause::OtherVersion { .. }));
    }

    #[test]
    fn features_that_are_off_are_told_apart_from_rubbish() {
        for module in [
            "(core module (memory 1 1 shared))",
            "(core module (memory i64 1))",
            "(core module (tag))",
        ] {
            let cause = checked(&exporting(module)).unwrap_err();
            assert!(
                matches!(cause, LoadCause::FeatureOff { .. }),
                "{module}: {cause}"
            );
        }
        let mistyped = exporting("(core module (func (result i32)))");
        assert!(matches!(checked(&mistyped), Err(LoadCause::Invalid { .. })));
    }

    #[test]
    fn what_it_starts_with_is_limited() {
        let memories = exporting("(core module (memory 1000)) (core module (memory 25))");
        assert!(matches!(
            checked(&memories),
            Err(LoadCause::MemoryLimit { .. })
        ));
        let table = exporting("(core module (table 20001 funcref))");
        assert!(matches!(
            checked(&table),
            Err(LoadCause::TableLimit { wanted: 20_001 })
        ));
    }
}
