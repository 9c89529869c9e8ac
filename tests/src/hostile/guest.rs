//! Guests by hand: a core module in text, its data laid out as the canonical ABI wants it.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The interface that a policy exports.
pub(super) const JUDGE: &str = "vrfy:policy/judge@0.1.0";

/// The contract.
pub(super) const WIT: &str = include_str!("../../../wit/policy.wit");

/// Where the data of a guest begins in its memory.
const DATA: u32 = 1024;

/// Bytes of a decision in memory: that of its larger case, a plan, and the case itself.
const DECISION_BYTES: usize = 76;

/// A guest: what is not given is as in a good one.
pub(super) struct Guest {
    /// Its name.
    pub(super) name: &'static str,
    /// Pages of memory that it starts with.
    pub(super) pages: u32,
    /// More fields of the core module.
    pub(super) more: &'static str,
    /// The body of `describe`; `MANIFEST` stands for the address of its manifest.
    pub(super) describe: &'static str,
    /// The body of `decide`; `DECISION` stands for the address of its decision.
    pub(super) decide: &'static str,
    /// Whom its reason speaks about, and the number of the status that this usually leads to.
    pub(super) taxonomy: (&'static str, u32),
    /// The decision in its data.
    pub(super) settle: Settle,
}

/// A verdict as it lies in memory.
pub(super) struct Settle {
    /// The case of the decision: 0 settles.
    pub(super) case: u8,
    /// The reason.
    pub(super) reason: Vec<u8>,
    /// Address and length to give instead of the reason's own.
    pub(super) reason_at: Option<(u32, u32)>,
    /// The confidence.
    pub(super) confidence: u8,
    /// The causes.
    pub(super) because: Vec<Cause>,
    /// The facts.
    pub(super) facts: Vec<(&'static str, String)>,
}

/// A cause as it lies in memory.
#[derive(Clone)]
pub(super) enum Cause {
    Address,
    Attempt(u32),
    Reply(u32, u32),
}

impl Default for Settle {
    fn default() -> Self {
        Self {
            case: 0,
            reason: b"sample".to_vec(),
            reason_at: None,
            confidence: 1,
            because: vec![Cause::Address],
            facts: vec![("rule", "sample".to_owned())],
        }
    }
}

impl Default for Guest {
    fn default() -> Self {
        Self {
            name: "sample",
            pages: 48,
            more: "",
            describe: "(i32.const MANIFEST)",
            decide: "(i32.const DECISION)",
            taxonomy: ("dialogue", 3),
            settle: Settle::default(),
        }
    }
}

impl Guest {
    /// A guest with this `decide`.
    pub(super) fn deciding(decide: &'static str) -> Self {
        Self {
            decide,
            ..Self::default()
        }
    }

    /// A guest with this `describe`.
    pub(super) fn describing(describe: &'static str) -> Self {
        Self {
            describe,
            ..Self::default()
        }
    }

    /// A guest with more fields in its core module.
    pub(super) fn with(more: &'static str) -> Self {
        Self {
            more,
            ..Self::default()
        }
    }

    /// A guest that settles so.
    pub(super) fn settling(settle: Settle) -> Self {
        Self {
            settle,
            ..Self::default()
        }
    }

    /// The component.
    pub(super) fn component(&self) -> Vec<u8> {
        encode(&self.core_text(), WIT)
    }

    /// The core module.
    pub(super) fn core(&self) -> Vec<u8> {
        wat::parse_str(self.core_text()).expect("the text is WebAssembly")
    }

    /// The core module as text.
    pub(super) fn core_text(&self) -> String {
        let mut data = Data(Vec::new());
        let manifest = data.manifest(self.name, self.taxonomy).to_string();
        let decision = data.decision(&self.settle).to_string();
        let Self { pages, more, .. } = self;
        let describe = self.describe.replace("MANIFEST", &manifest);
        let decide = self.decide.replace("DECISION", &decision);
        let top = DATA + u32::try_from(data.0.len()).expect("data is small");
        let bytes: String = data.0.iter().map(|byte| format!("\\{byte:02x}")).collect();
        format!(
            r#"(module
                (memory (export "memory") {pages})
                (global $top (mut i32) (i32.const {top}))
                (data (i32.const {DATA}) "{bytes}")
                {more}
                (func (export "cabi_realloc")
                    (param $old i32) (param $old_size i32) (param $align i32) (param $size i32)
                    (result i32) (local $at i32)
                    (local.set $at (i32.and
                        (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
                        (i32.sub (i32.const 0) (local.get $align))))
                    (global.set $top (i32.add (local.get $at) (local.get $size)))
                    (local.get $at))
                (func $describe (export "{JUDGE}#describe") (result i32) {describe})
                (func $decide (export "{JUDGE}#decide") (param i32) (result i32) {decide}))"#
        )
    }
}

/// A core module as a component of the world `policy` of this WIT text.
pub(super) fn encode(core_text: &str, wit: &str) -> Vec<u8> {
    let mut module = wat::parse_str(core_text).expect("the text is WebAssembly");
    let mut resolve = Resolve::default();
    let package = resolve
        .push_str("policy.wit", wit)
        .expect("the contract parses");
    let world = resolve
        .select_world(&[package], Some("policy"))
        .expect("the contract has the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("the world can be written down");
    let mut encoder = ComponentEncoder::default()
        .module(&module)
        .expect("the module is one");
    encoder.encode().expect("the module fits the world")
}

/// Data of a guest as it grows, from the address [`DATA`] on.
struct Data(Vec<u8>);

impl Data {
    /// Puts bytes at the next multiple of four and returns their address.
    fn put(&mut self, bytes: &[u8]) -> u32 {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        let address = DATA + u32::try_from(self.0.len()).expect("data is small");
        self.0.extend_from_slice(bytes);
        address
    }

    fn put_words(&mut self, words: &[u32]) -> u32 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.put(&bytes)
    }

    /// Address and length.
    fn text(&mut self, text: &[u8]) -> [u32; 2] {
        [
            self.put(text),
            u32::try_from(text.len()).expect("data is small"),
        ]
    }

    /// `manifest`: eight pairs of address and length.
    fn manifest(&mut self, name: &str, (about, status): (&str, u32)) -> u32 {
        let mut words = Vec::new();
        for text in [name, "1.0.0", "A guest for tests."] {
            words.extend(self.text(text.as_bytes()));
        }
        let mut reason = Vec::new();
        for text in ["sample", "It always says this.", about] {
            reason.extend(self.text(text.as_bytes()));
        }
        reason.push(status);
        let reasons = self.put_words(&reason);
        // No authors, no licence, no settings; one reason; no facts.
        words.extend([0, 0, 0, 0, 0, 0, reasons, 1, 0, 0]);
        self.put_words(&words)
    }

    /// `decision`: a case, and at offset 4 a verdict of 36 bytes.
    fn decision(&mut self, settle: &Settle) -> u32 {
        let own = self.text(&settle.reason);
        let [reason, reason_length] = settle.reason_at.map_or(own, |(at, length)| [at, length]);
        let causes: Vec<u32> = settle
            .because
            .iter()
            .flat_map(|cause| match *cause {
                Cause::Address => [0, 0, 0],
                Cause::Attempt(index) => [2, index, 0],
                Cause::Reply(attempt, reply) => [3, attempt, reply],
            })
            .collect();
        let causes = self.put_words(&causes);
        let mut facts = Vec::new();
        for (name, value) in &settle.facts {
            facts.extend(self.text(name.as_bytes()));
            facts.extend(self.text(value.as_bytes()));
        }
        let facts = self.put_words(&facts);
        let count = |length: usize| u32::try_from(length).expect("data is small");
        // Status 3 is `unknown`.
        let words = [
            u32::from(settle.case),
            3,
            reason,
            reason_length,
            u32::from(settle.confidence),
            causes,
            count(settle.because.len()),
            // Holds no lane.
            0,
            facts,
            count(settle.facts.len()),
        ];
        let address = self.put_words(&words);
        self.0.resize((address - DATA) as usize + DECISION_BYTES, 0);
        address
    }
}
