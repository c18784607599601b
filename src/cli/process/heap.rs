//! The C library's heap. The one place in this package with unsafe code.

/// Makes glibc give large buffers back to the system when they are freed.
///
/// glibc maps a buffer from the system, and unmaps it when it is freed, if the buffer has at least a threshold of bytes.
/// By default the threshold rises to the size of every such buffer that is freed, up to 32 MiB; from then on buffers of
/// that size are cut from a heap that hardly ever shrinks. Setting the thresholds fixes them (mallopt(3)). Other C libraries
/// have no such rule.
///
/// Called before the process has threads, because mallopt(3) must not run beside other threads' allocations.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(in crate::cli) fn return_large_buffers() {
    /// The default of both thresholds in glibc.
    const THRESHOLD_BYTES: libc::c_int = 128 << 10;
    for parameter in [libc::M_MMAP_THRESHOLD, libc::M_TRIM_THRESHOLD] {
        // It gives 0 where it fails: then the default stays, which costs memory and breaks nothing.
        #[expect(unsafe_code, reason = "there is no safe function for it")]
        // SAFETY: mallopt takes two integers, and its only condition is that no other thread runs.
        let _ = unsafe { libc::mallopt(parameter, THRESHOLD_BYTES) };
    }
}

/// Does nothing: only glibc keeps large buffers.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(in crate::cli) const fn return_large_buffers() {}
