//! What a policy may use: the numbers, and the limiter that holds the ones about memory.
//!
//! Promises: the limiter is in the store before anything is instantiated, counts all memories of an
//! instance together, and ends the guest at the instruction that asked for too much, so that the
//! backtrace names it.

use std::{fmt, time::Duration};

use wasmtime::ResourceLimiter;

/// Bytes of a component file at most. The largest guest that a usual toolchain makes (Python) has
/// 18 MiB; compiling grows with the size, and nothing else bounds it.
pub const COMPONENT_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Bytes that a guest may hand over in one call, counted as Rust values. The largest valid manifest
/// has a quarter of it.
pub const RETURN_BYTES_MAX: usize = 1024 * 1024;

/// Elements of one table at most: four times what the largest measured guest (Python) needs.
pub const TABLE_ELEMENTS_MAX: usize = 20_000;

/// Core instances of one component at most; a Python guest has 38.
pub const CORE_INSTANCES_MAX: u32 = 64;

/// Memories of one component at most; a QuickJS guest has 3.
pub const MEMORIES_MAX: u32 = 8;

/// Tables of one component at most.
pub const TABLES_MAX: u32 = 16;

/// Bytes of stack of a guest. It runs on the caller's stack, and the smallest of those has 2 MiB.
pub const STACK_BYTES_MAX: usize = 512 * 1024;

/// The limits that an operator may set; the others are constants of this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyLimits {
    /// Time that the guest may run for one decision, start functions included.
    pub decision: Duration,
    /// Time that it may run for `describe`, start functions included.
    pub description: Duration,
    /// Bytes of linear memory of one instance, all its memories together. Pages have 64 KiB.
    pub memory_bytes: usize,
}

impl Default for PolicyLimits {
    /// A decision costs a native guest 20 microseconds and an interpreter 2 milliseconds: 100
    /// milliseconds are far above both and far below a dialogue. `describe` runs once, and may warm
    /// up an interpreter. 64 MiB are five times what a Python guest starts with.
    fn default() -> Self {
        Self {
            decision: Duration::from_millis(100),
            description: Duration::from_secs(1),
            memory_bytes: 64 * 1024 * 1024,
        }
    }
}

/// Holds the limits on memory for one store.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory_max: usize,
    memory_used: usize,
    last_growth: usize,
}

/// The limit that ended a guest; travels through wasmtime as an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitHit {
    Memory { wanted: usize, limit: usize },
    TableElements { wanted: usize, limit: usize },
}

impl Limiter {
    pub(crate) const fn new(memory_max: usize) -> Self {
        Self {
            memory_max,
            memory_used: 0,
            last_growth: 0,
        }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let growth = desired.saturating_sub(current);
        let wanted = self.memory_used.saturating_add(growth);
        if wanted > self.memory_max {
            let limit = self.memory_max;
            return Err(LimitHit::Memory { wanted, limit }.into());
        }
        // The guest's own maximum: it is told "no", as the standard says, and nothing was used.
        if maximum.is_some_and(|maximum| desired > maximum) {
            self.last_growth = 0;
            return Ok(false);
        }
        self.memory_used = wanted;
        self.last_growth = growth;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory_used -= self.last_growth;
        self.last_growth = 0;
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > TABLE_ELEMENTS_MAX {
            return Err(LimitHit::TableElements {
                wanted: desired,
                limit: TABLE_ELEMENTS_MAX,
            }
            .into());
        }
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX as usize
    }

    fn tables(&self) -> usize {
        TABLES_MAX as usize
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX as usize
    }
}

impl fmt::Display for LimitHit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory { wanted, limit } => {
                write!(f, "wanted {wanted} bytes of memory of {limit} allowed")
            }
            Self::TableElements { wanted, limit } => {
                write!(f, "wanted {wanted} table elements of {limit} allowed")
            }
        }
    }
}

impl std::error::Error for LimitHit {}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 65_536;

    #[test]
    fn all_memories_of_an_instance_count_together() {
        let mut limiter = Limiter::new(4 * PAGE);
        assert!(limiter.memory_growing(0, 2 * PAGE, None).unwrap());
        assert!(limiter.memory_growing(0, 2 * PAGE, None).unwrap());
        let error = limiter.memory_growing(0, PAGE, None).unwrap_err();
        assert_eq!(
            error.downcast_ref(),
            Some(&LimitHit::Memory {
                wanted: 5 * PAGE,
                limit: 4 * PAGE
            })
        );
    }

    #[test]
    fn a_growth_that_did_not_happen_is_not_counted() {
        let mut limiter = Limiter::new(4 * PAGE);
        assert!(!limiter.memory_growing(0, 3 * PAGE, Some(2 * PAGE)).unwrap());
        assert!(limiter.memory_growing(0, 3 * PAGE, None).unwrap());
        limiter
            .memory_grow_failed(wasmtime::Error::msg("no memory"))
            .unwrap();
        assert!(limiter.memory_growing(0, 4 * PAGE, None).unwrap());
    }

    #[test]
    fn a_table_has_its_limit() {
        let mut limiter = Limiter::new(PAGE);
        assert!(limiter.table_growing(0, TABLE_ELEMENTS_MAX, None).unwrap());
        assert!(!limiter.table_growing(0, 2, Some(1)).unwrap());
        assert!(
            limiter
                .table_growing(0, TABLE_ELEMENTS_MAX + 1, None)
                .is_err()
        );
    }
}
