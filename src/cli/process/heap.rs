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

/// Gives back, every ten seconds, what the heaps of a server's threads keep of small blocks that were freed, if the
/// process has more than 32 MiB in memory. A heap shrinks by itself only from its end, and after many long lists what is
/// still used is spread over it. Never returns.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(in crate::cli) async fn return_freed_memory() {
    use std::time::Duration;

    const INTERVAL: Duration = Duration::from_secs(10);
    /// 32 MiB, with pages of 4 KiB.
    const RESIDENT_PAGES: u64 = 8 << 10;
    loop {
        tokio::time::sleep(INTERVAL).await;
        if resident_pages().is_some_and(|pages| pages > RESIDENT_PAGES) {
            let _ = tokio::task::spawn_blocking(trim).await;
        }
    }
}

/// Pages of the process that are in memory (proc_pid_statm(5)).
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn resident_pages() -> Option<u64> {
    let sizes = std::fs::read_to_string("/proc/self/statm").ok()?;
    sizes.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn trim() {
    #[expect(unsafe_code, reason = "there is no safe function for it")]
    // SAFETY: malloc_trim takes an integer, and may run beside other threads' allocations (malloc_trim(3)).
    let _ = unsafe { libc::malloc_trim(0) };
}

/// Never returns, and does nothing: only glibc has this function.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(in crate::cli) async fn return_freed_memory() {
    std::future::pending().await
}

/// Does nothing: only glibc keeps large buffers.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(in crate::cli) const fn return_large_buffers() {}
