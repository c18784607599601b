//! The process itself: hardened against leaks, told to stop by [`signals`], and replaced by what it launches.

mod heap;
pub(in crate::cli) mod launch;
mod obeyed;
mod open_files;
#[cfg_attr(not(target_os = "linux"), path = "service_manager_elsewhere.rs")]
pub(in crate::cli) mod service_manager;
mod signals;

use std::panic::PanicHookInfo;
use std::sync::OnceLock;

pub(super) use self::heap::{return_freed_memory, return_large_buffers};
pub(super) use self::obeyed::obeyed;
pub(super) use self::open_files::{open_files_limit, raise_open_files};
pub(super) use self::signals::{Interruptions, fail_at_file_size_limit, interrupted, interruption};

/// What [`harden`] changed that a command would inherit which takes this process's place.
static BEFORE: OnceLock<Before> = OnceLock::new();

/// Keeps secrets out of core dumps and panic messages.
pub(super) fn harden() {
    std::panic::set_hook(Box::new(|panic| {
        super::ui::stderr::error_line(&format!("error: {}", meaning(panic)));
    }));
    BEFORE.get_or_init(no_core_dump);
}

/// Has panics logged, as a server's log has everything that goes wrong.
pub(super) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| tracing::error!("{}", meaning(panic))));
}

/// What a panic means to the user. Its own message may hold what the code was working on; the place alone does not.
fn meaning(panic: &PanicHookInfo<'_>) -> String {
    if let Some(resource) = exhausted(panic) {
        return format!(
            "the system gives this process no more {resource}: raise its limit, or try again when less runs"
        );
    }
    let place = panic
        .location()
        .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
    format!("this is a bug in meshagent{place}; please report it")
}

/// What the system refused to a library that panics then: it starts threads and signal handlers that way.
fn exhausted(panic: &PanicHookInfo<'_>) -> Option<&'static str> {
    let payload = panic.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied())?;
    [
        ("Too many open files", "file descriptors (ulimit -n)"),
        ("Resource temporarily unavailable", "threads (ulimit -u)"),
        ("Cannot allocate memory", "memory"),
    ]
    .into_iter()
    .find_map(|(said, resource)| text.contains(said).then_some(resource))
}

/// Gives a command that takes this process's place the limits that this process was started with. What
/// else [`harden`] changed does not outlive it.
#[cfg(unix)]
pub(super) fn restore_limits() {
    if let Some(core) = BEFORE.get() {
        // It can be no higher than what was allowed before.
        let _ = rustix::process::setrlimit(rustix::process::Resource::Core, *core);
    }
}

#[cfg(unix)]
type Before = rustix::process::Rlimit;

#[cfg(not(unix))]
type Before = ();

/// Forbids core dumps; what was allowed before.
#[cfg(unix)]
fn no_core_dump() -> Before {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = getrlimit(Resource::Core);
    // Refused only where the limit is lower already.
    let _ = setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: before.maximum,
        },
    );
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
    before
}

#[cfg(not(unix))]
const fn no_core_dump() -> Before {}
