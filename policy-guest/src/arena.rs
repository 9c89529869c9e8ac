//! The component's allocator: an arena that is filled from its start and emptied as a whole.
//!
//! A decision is a few dozen small allocations in an instance that is thrown away after it. The
//! usual allocator would ask for a further memory page first, which costs more than the decision.
//! This one hands out a static arena from its start, takes pages only when that is used up, and
//! gives nothing back until nothing is in use any more; then it starts anew, so that an instance
//! that is called again does not grow.
//!
//! It is for one thread, as a component is, and is compiled for wasm alone.
#![allow(unsafe_code, reason = "an allocator deals in raw memory")]

use std::alloc::{GlobalAlloc, Layout};
use std::arch::wasm32;
use std::cell::UnsafeCell;
use std::ptr;

/// Evidence of a few attempts and its decision have less.
const ARENA_BYTES: usize = 32 * 1024;

/// The unit in which a memory grows.
const PAGE_BYTES: usize = 64 * 1024;

/// See the head of this file.
pub(crate) struct Arena {
    space: UnsafeCell<[u8; ARENA_BYTES]>,
    state: UnsafeCell<State>,
}

/// Where the next block goes: into the arena, or into the pages that were taken beyond it.
struct State {
    next: usize,
    end: usize,
    /// Blocks in use; with none, the next block goes to the begin of the arena.
    in_use: usize,
    /// The pages, from start to end; empty until the first are needed.
    pages: (usize, usize),
}

// SAFETY: a component has one thread.
unsafe impl Sync for Arena {}

impl Arena {
    pub(crate) const fn new() -> Self {
        Self {
            space: UnsafeCell::new([0; ARENA_BYTES]),
            state: UnsafeCell::new(State {
                next: 0,
                end: 0,
                in_use: 0,
                pages: (0, 0),
            }),
        }
    }

    /// Room for `layout`, if there is any: the start of the block.
    fn place(&self, state: &mut State, layout: Layout) -> Option<usize> {
        if state.in_use == 0 {
            state.next = self.space.get() as usize;
            state.end = state.next + ARENA_BYTES;
        }
        if let Some(start) = state.fit(layout) {
            return Some(start);
        }
        if state.end != state.pages.1 {
            (state.next, state.end) = state.pages;
            if let Some(start) = state.fit(layout) {
                return Some(start);
            }
        }
        state.grow(layout)?;
        state.fit(layout)
    }
}

impl State {
    /// The start of the next block, where it ends before the end.
    fn fit(&self, layout: Layout) -> Option<usize> {
        let start = self.next.checked_add(layout.align() - 1)? & !(layout.align() - 1);
        let room = self.end.checked_sub(start)?;
        (layout.size() <= room).then_some(start)
    }

    /// Takes pages for `layout`, which lie behind those that were taken before.
    fn grow(&mut self, layout: Layout) -> Option<()> {
        let wanted = layout
            .size()
            .checked_add(layout.align())?
            .div_ceil(PAGE_BYTES);
        let before = wasm32::memory_grow(0, wanted);
        // A memory that cannot grow answers with the greatest number, which overflows.
        let start = before.checked_mul(PAGE_BYTES)?;
        let end = start.checked_add(wanted.checked_mul(PAGE_BYTES)?)?;
        if self.pages.1 != start {
            (self.next, self.pages.0) = (start, start);
        }
        (self.end, self.pages.1) = (end, end);
        Some(())
    }
}

// SAFETY: blocks are aligned, lie within the arena or within pages that `memory.grow` gave to this
// allocator alone, and do not overlap: `next` only moves up while any block is in use.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread, and no reference to the state outlives a method.
        let state = unsafe { &mut *self.state.get() };
        let Some(start) = self.place(state, layout) else {
            return ptr::null_mut();
        };
        state.next = start + layout.size();
        state.in_use += 1;
        start as *mut u8
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {
        // SAFETY: as above.
        let state = unsafe { &mut *self.state.get() };
        state.in_use -= 1;
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        let state = unsafe { &mut *self.state.get() };
        let start = block as usize;
        let is_last = start + layout.size() == state.next;
        if is_last && size <= state.end - start {
            state.next = start + size;
            return block;
        }
        // SAFETY: the caller keeps `realloc`'s contract, which holds for the new size too.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}
