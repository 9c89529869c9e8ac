//! The engine: one per process, shared by every policy.
//!
//! Promises: nothing that a policy does not need is switched on; the clock of deadlines always
//! ticks; where the machine refuses a convenience (address space for the pool, a private cache
//! directory) the engine works without it and says so once, in [`PolicyEngine::warnings`].
//!
//! Read next: `limits.rs` for the numbers, `cache.rs`, `load.rs`, and `decisions/` for the reasons.

use std::{
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use wasmtime::{
    Cache, Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    UpdateDeadline, WasmBacktraceDetails, WasmFeatures,
    component::{Component, InstancePre, Linker},
};

use super::{
    cache,
    limits::{
        CORE_INSTANCES_MAX, Limiter, MEMORIES_MAX, PolicyLimits, RETURN_BYTES_MAX, STACK_BYTES_MAX,
        TABLE_ELEMENTS_MAX, TABLES_MAX,
    },
};

/// The length of a tick of the deadline clock. A deadline is late by one tick at most, and two
/// hundred wake-ups a second cost nothing that can be measured.
const TICK: Duration = Duration::from_millis(5);

/// Instances alive at once, at most; further decisions wait for one of them to end. A decision of a
/// native guest takes tens of microseconds, so that these serve more cores than any machine has;
/// the pool reserves the address space of all their memories.
const INSTANCES_AT_ONCE_MAX: u32 = 32;

/// Address space of a roomy slot: all that a 32-bit address can reach, so that the guard pages
/// behind it stand in for a check of every access. It makes the guest a tenth quicker and takes no
/// memory.
const ROOMY_SLOT: u64 = 1 << 32;

/// Memories kept resident in each slot of the pool that was used before: what a small guest
/// touches. Measured; see `decisions/fresh-instance.md`.
const MEMORY_KEEP_RESIDENT: usize = 256 * 1024;

/// The same for tables.
const TABLE_KEEP_RESIDENT: usize = 64 * 1024;

/// Slots that keep their pages while nobody uses them.
const WARM_SLOTS_MAX: u32 = 32;

/// Bytes of wasmtime's own records of one instance. Interpreters have many functions.
const INSTANCE_RECORD_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Bytes of address space in one piece.
const PAGE: usize = 64 * 1024;

/// Everything a policy is compiled and run with. Cloning shares it.
#[derive(Clone)]
pub struct PolicyEngine {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    /// Empty and never changed: a policy imports nothing.
    linker: Linker<StoreData>,
    limits: PolicyLimits,
    warnings: Vec<EngineWarning>,
    cache: Option<Cache>,
    seats: Seats,
    counting: bool,
}

/// How an engine is made.
#[derive(Clone, Debug, Default)]
pub struct EngineOptions {
    /// What a policy may use.
    pub limits: PolicyLimits,
    /// Where compiled policies are kept; absent for nowhere. See [`super::cache_directory`].
    pub cache: Option<PathBuf>,
    /// How instances get their memory.
    pub allocation: Allocation,
    /// Whether the instructions of guests are counted, which makes them slower: for figures that
    /// are the same on every machine. See [`super::measure`].
    pub counting: bool,
}

/// How instances get their memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Allocation {
    /// From a pool of slots that are reserved once, where the machine has the address space.
    #[default]
    Pooled,
    /// From the system, anew for every instance.
    OnDemand,
}

/// A convenience that an engine works without.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineWarning {
    /// No cache of compiled policies.
    #[error(
        "compiled policies are not kept, every start compiles anew: {reason}; make {} a directory \
         of your own with mode 0700, or choose another one",
        directory.display()
    )]
    NoCache {
        /// The directory that was asked for.
        directory: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No pool of instances.
    #[error(
        "policies run slower than they could: no address space for a pool of instances ({reason}); \
         raise the limit on virtual memory (ulimit -v)"
    )]
    NoPool {
        /// What the system said.
        reason: String,
    },
}

/// No engine can be made on this machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot start the WebAssembly runtime: {reason}; check that this machine is supported by \
     wasmtime and lets a program map executable memory"
)]
pub struct EngineError {
    /// What wasmtime said.
    pub reason: String,
}

/// What a store carries.
pub(crate) struct StoreData {
    pub(crate) limiter: Limiter,
    /// Ticks in which the guest may still be seen running.
    ticks_left: u64,
}

impl PolicyEngine {
    /// Makes the engine and starts its clock. The clock ends with the last clone.
    pub fn new(options: EngineOptions) -> Result<Self, EngineError> {
        let limits = options.limits;
        let mut warnings = Vec::new();
        let cache = options.cache.and_then(|directory| {
            let reason = match cache::open(&directory) {
                Ok(cache) => return Some(cache),
                Err(reason) => reason.to_string(),
            };
            warnings.push(EngineWarning::NoCache { directory, reason });
            None
        });
        let slots = match options.allocation {
            Allocation::Pooled => Some(INSTANCES_AT_ONCE_MAX * MEMORIES_MAX),
            Allocation::OnDemand => None,
        };
        let config = config(cache.clone(), options.counting);
        let engine = new_engine(config, &limits, slots, &mut warnings)?;
        start_clock(&engine)?;
        Ok(Self {
            shared: Arc::new(Shared {
                linker: Linker::new(&engine),
                engine,
                limits,
                warnings,
                cache,
                seats: Seats::new(INSTANCES_AT_ONCE_MAX),
                counting: options.counting,
            }),
        })
    }

    /// What the engine works without, for the operator to be told once.
    pub fn warnings(&self) -> &[EngineWarning] {
        &self.shared.warnings
    }

    /// What a policy may use.
    pub fn limits(&self) -> &PolicyLimits {
        &self.shared.limits
    }

    /// How many policies were found compiled in the cache; absent without a cache.
    pub fn cache_hits(&self) -> Option<usize> {
        self.shared.cache.as_ref().map(Cache::cache_hits)
    }

    pub(crate) fn inner(&self) -> &Engine {
        &self.shared.engine
    }

    pub(crate) fn link(
        &self,
        component: &Component,
    ) -> Result<InstancePre<StoreData>, wasmtime::Error> {
        self.shared.linker.instantiate_pre(component)
    }

    /// Waits until there is room for one more instance.
    pub(crate) fn take_seat(&self) -> Seat<'_> {
        self.shared.seats.take()
    }

    /// A store with every limit set, which ends its guest after it ran for `time`.
    ///
    /// Counted are the ticks in which the guest was seen running. On a machine that gives the
    /// thread its share, that is the time that passes; where other programs take the processor away
    /// for long, a policy is not blamed for the time in which it stood still.
    pub(crate) fn store(&self, time: Duration) -> wasmtime::Store<StoreData> {
        let data = StoreData {
            limiter: Limiter::new(self.shared.limits.memory_bytes),
            ticks_left: ticks(time),
        };
        let mut store = wasmtime::Store::new(&self.shared.engine, data);
        store.limiter(|data| &mut data.limiter);
        store.set_hostcall_fuel(RETURN_BYTES_MAX);
        if self.shared.counting {
            let all = store.set_fuel(u64::MAX);
            all.expect("the engine counts");
        }
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| {
            let data = context.data_mut();
            data.ticks_left = data.ticks_left.saturating_sub(1);
            Ok(match data.ticks_left {
                0 => UpdateDeadline::Interrupt,
                _ => UpdateDeadline::Continue(1),
            })
        });
        store
    }
}

impl std::fmt::Debug for PolicyEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PolicyEngine")
            .field("limits", &self.shared.limits)
            .field("warnings", &self.shared.warnings)
            .finish_non_exhaustive()
    }
}

/// The WebAssembly that a policy may use: what every toolchain emits by default, and nothing whose
/// outcome depends on the machine.
pub(crate) fn features() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::CALL_INDIRECT_OVERLONG
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::BULK_MEMORY_OPT
        | WasmFeatures::SIMD
        | WasmFeatures::FLOATS
        | WasmFeatures::TAIL_CALL
        | WasmFeatures::MULTI_MEMORY
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::COMPONENT_MODEL
}

/// The engine, with a pool of so many memories (of all instances together) if possible: of roomy
/// slots, else of tight ones, else without a pool.
fn new_engine(
    mut config: Config,
    limits: &PolicyLimits,
    slots: Option<u32>,
    warnings: &mut Vec<EngineWarning>,
) -> Result<Engine, EngineError> {
    let tight = memory_slot(limits) as u64;
    if let Some(slots) = slots {
        let pool = InstanceAllocationStrategy::Pooling(pool(limits, slots));
        config.allocation_strategy(pool);
        config.memory_reservation(tight.max(ROOMY_SLOT));
        if let Ok(engine) = Engine::new(&config) {
            return Ok(engine);
        }
        config.memory_reservation(tight);
        match Engine::new(&config) {
            Ok(engine) => return Ok(engine),
            Err(error) => warnings.push(EngineWarning::NoPool {
                reason: super::fault::message_of(&format!("{error:#}")),
            }),
        }
        config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    }
    config.memory_reservation(tight);
    Engine::new(&config).map_err(|error| EngineError {
        reason: super::fault::message_of(&format!("{error:#}")),
    })
}

fn config(cache: Option<Cache>, counting: bool) -> Config {
    let mut config = Config::new();
    config
        .cache(cache)
        .wasm_features(WasmFeatures::all(), false)
        .wasm_features(features(), true)
        .concurrency_support(false)
        .epoch_interruption(true)
        .consume_fuel(counting)
        .max_wasm_stack(STACK_BYTES_MAX)
        .memory_may_move(true)
        .cranelift_opt_level(OptLevel::Speed)
        // A NaN has many forms, and which one an operation gives is the processor's choice.
        .cranelift_nan_canonicalization(true)
        // Line numbers where the guest carries them; release builds of guests usually do not.
        .wasm_backtrace_details(WasmBacktraceDetails::Enable);
    config
}

fn pool(limits: &PolicyLimits, slots: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    // Every knob that counts is set, so that no default of another version of wasmtime can
    // surprise.
    pool.total_component_instances(INSTANCES_AT_ONCE_MAX)
        .total_core_instances(INSTANCES_AT_ONCE_MAX * CORE_INSTANCES_MAX)
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .max_component_instance_size(INSTANCE_RECORD_BYTES_MAX)
        .max_core_instance_size(INSTANCE_RECORD_BYTES_MAX)
        .total_memories(slots)
        .max_memories_per_component(MEMORIES_MAX)
        .max_memories_per_module(MEMORIES_MAX)
        .max_memory_size(memory_slot(limits))
        .linear_memory_keep_resident(MEMORY_KEEP_RESIDENT)
        .total_tables(INSTANCES_AT_ONCE_MAX * TABLES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .max_tables_per_module(TABLES_MAX)
        .table_elements(TABLE_ELEMENTS_MAX)
        .table_keep_resident(TABLE_KEEP_RESIDENT)
        .max_unused_warm_slots(WARM_SLOTS_MAX)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Bytes of a memory's slot: the limit, in whole pages.
fn memory_slot(limits: &PolicyLimits) -> usize {
    limits.memory_bytes.next_multiple_of(PAGE)
}

/// Deadline in ticks: one more, because the current tick has already begun.
fn ticks(time: Duration) -> u64 {
    let ticks = time.as_nanos().div_ceil(TICK.as_nanos());
    u64::try_from(ticks)
        .unwrap_or(u64::MAX - 1)
        .saturating_add(1)
}

/// A thread that lets the engine's clock tick for as long as the engine lives. A thread of the
/// system and not a task: a runtime whose workers are all busy would not run it. One tick follows a
/// sleep, so ticks that come late are not caught up with: after a stall no guest is ended for the
/// host's sin.
#[expect(
    clippy::disallowed_methods,
    reason = "the clock of deadlines is a sleep: it waits for nothing but time"
)]
fn start_clock(engine: &Engine) -> Result<(), EngineError> {
    let engine = engine.weak();
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    };
    std::thread::Builder::new()
        .name("policy-clock".to_owned())
        .spawn(tick)
        .map(drop)
        .map_err(|error| EngineError {
            reason: format!("cannot start the thread of the deadline clock: {error}"),
        })
}

/// Room for instances, so that the pool cannot run dry.
struct Seats {
    free: Mutex<u32>,
    freed: Condvar,
}

/// Room for one instance, given back when dropped.
pub(crate) struct Seat<'s>(&'s Seats);

impl Seats {
    const fn new(count: u32) -> Self {
        Self {
            free: Mutex::new(count),
            freed: Condvar::new(),
        }
    }

    fn take(&self) -> Seat<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.freed.wait_while(free, |free| *free == 0);
        *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
        Seat(self)
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_address_space_for_the_pool_the_engine_works_and_says_so() {
        let limits = PolicyLimits::default();
        let mut warnings = Vec::new();
        // 16 million memories of 64 MiB: a petabyte, more than an x86-64 or ARM64 process has.
        let engine = new_engine(config(None, false), &limits, Some(1 << 24), &mut warnings);
        assert!(engine.is_ok());
        assert!(
            matches!(&warnings[..], [EngineWarning::NoPool { .. }]),
            "{warnings:?}"
        );
        assert!(warnings[0].to_string().contains("ulimit -v"));
    }

    #[test]
    fn without_address_space_for_roomy_slots_the_pool_has_tight_ones() {
        let limits = PolicyLimits {
            memory_bytes: PAGE,
            ..PolicyLimits::default()
        };
        let mut warnings = Vec::new();
        // 256 TiB if roomy, which no process has; a twentieth of that if tight (with its guards).
        let engine =
            new_engine(config(None, false), &limits, Some(1 << 16), &mut warnings).unwrap();
        assert_eq!(warnings, []);
        assert_eq!(engine.get_memory_reservation(), PAGE as u64);
    }

    #[test]
    fn a_usual_machine_has_room_for_the_pool() {
        let engine = PolicyEngine::new(EngineOptions::default()).unwrap();
        assert_eq!(engine.warnings(), []);
    }

    #[test]
    fn a_directory_that_cannot_be_private_costs_the_cache_and_nothing_else() {
        let options = EngineOptions {
            cache: Some(PathBuf::from("relative/directory")),
            ..EngineOptions::default()
        };
        let engine = PolicyEngine::new(options).unwrap();
        assert_eq!(engine.cache_hits(), None);
        assert!(matches!(engine.warnings(), [EngineWarning::NoCache { .. }]));
    }

    #[test]
    fn a_deadline_counts_the_tick_that_has_begun() {
        assert_eq!(ticks(Duration::from_millis(100)), 21);
        assert_eq!(ticks(Duration::from_millis(1)), 2);
        assert!(ticks(Duration::MAX) > 1 << 60);
    }

    #[test]
    fn seats_run_out_and_come_back() {
        let seats = Seats::new(1);
        let seat = seats.take();
        assert_eq!(*seats.free.lock().unwrap(), 0);
        drop(seat);
        assert_eq!(*seats.free.lock().unwrap(), 1);
    }
}
