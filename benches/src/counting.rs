//! An allocator that counts, for the measures that ask for it.
#![allow(
    unsafe_code,
    reason = "an allocator cannot be written without; each function only passes its arguments on"
)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed},
};

#[global_allocator]
static COUNTING: Counting = Counting;

/// Off most of the time, so that the other measures pay only for this look.
static ON: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);

/// What was allocated while something ran.
pub struct Counted {
    /// Calls for new or more memory.
    pub allocations: u64,
    /// Bytes that were asked for and are not freed yet. What the system's allocator needs for itself is not counted.
    pub bytes: i64,
    /// The most of them at one time.
    pub peak: i64,
}

/// Runs the work, and counts what all threads allocate meanwhile.
pub fn count<T>(work: impl FnOnce() -> T) -> (T, Counted) {
    ALLOCATIONS.store(0, Relaxed);
    BYTES.store(0, Relaxed);
    PEAK.store(0, Relaxed);
    ON.store(true, Relaxed);
    let result = work();
    ON.store(false, Relaxed);
    let (allocations, bytes) = (ALLOCATIONS.load(Relaxed), BYTES.load(Relaxed));
    (result, Counted { allocations, bytes, peak: PEAK.load(Relaxed) })
}

struct Counting;

impl Counting {
    fn note(allocations: u64, more: usize, less: usize) {
        if ON.load(Relaxed) {
            ALLOCATIONS.fetch_add(allocations, Relaxed);
            let change = more as i64 - less as i64;
            PEAK.fetch_max(BYTES.fetch_add(change, Relaxed) + change, Relaxed);
        }
    }
}

// SAFETY: all memory comes from the system's allocator, which gets every argument unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::note(1, layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::note(1, layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::note(1, size, layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        Self::note(0, 0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}
