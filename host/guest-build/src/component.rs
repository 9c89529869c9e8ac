//! From a core module to a component that imports nothing.

use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use crate::GuestBuildError;

/// Wraps a core module, as `wit-bindgen` makes it, into a component and checks that the component
/// imports nothing.
pub fn encode(module: &[u8]) -> Result<Vec<u8>, GuestBuildError> {
    let component = ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| GuestBuildError::Encode(format!("{error:#}")))?;
    match first_import(&component)? {
        Some(name) => Err(GuestBuildError::Imports(name)),
        None => Ok(component),
    }
}

/// The first thing that the component itself imports. Imports of the modules inside it do not
/// count: the component supplies them.
fn first_import(component: &[u8]) -> Result<Option<String>, GuestBuildError> {
    let unreadable = |error: wasmparser::BinaryReaderError| {
        GuestBuildError::Encode(format!("what was encoded cannot be read back: {error}"))
    };
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(unreadable)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                if let Some(import) = section.into_iter().next() {
                    return Ok(Some(import.map_err(unreadable)?.name.name.to_owned()));
                }
            }
            _ => {}
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_without_a_world_is_refused() {
        let module = b"\0asm\x01\0\0\0";
        let encoded = encode(module).map(|_| ());
        // An empty module makes an empty component, which is no policy but imports nothing.
        assert!(encoded.is_ok(), "{encoded:?}");
        let error = encode(b"not wasm at all").unwrap_err();
        assert!(matches!(error, GuestBuildError::Encode(_)), "{error}");
    }

    #[test]
    fn a_module_that_wants_wasi_is_refused() {
        // (module (import "wasi_snapshot_preview1" "sched_yield" (func)))
        let mut module = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02\x26\x01\x16".to_vec();
        module.extend_from_slice(b"wasi_snapshot_preview1\x0bsched_yield\0\0");
        let error = encode(&module).unwrap_err();
        assert!(matches!(error, GuestBuildError::Encode(_)), "{error}");
        assert!(
            error.to_string().contains("wasi_snapshot_preview1"),
            "{error}"
        );
    }
}
