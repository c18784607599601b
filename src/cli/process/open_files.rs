//! How many files the process may have open; each connection is one.

/// Raises the limit of open files to `wanted`, or as far as the hard limit allows. Returns the limit then; None if
/// there is none.
#[cfg(unix)]
pub(in crate::cli) fn raise_open_files(wanted: usize) -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let soft = current?;
    let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
    let raised = maximum.map_or(wanted, |hard| hard.min(wanted));
    let limit = Rlimit {
        current: Some(raised),
        maximum,
    };
    // It is never lowered.
    let reached = if raised > soft && setrlimit(Resource::Nofile, limit).is_ok() {
        raised
    } else {
        soft
    };
    Some(usize::try_from(reached).unwrap_or(usize::MAX))
}

/// How many files a process may have open if it asks for as many as it may; None if there is no limit.
#[cfg(unix)]
pub(in crate::cli) fn open_files_limit() -> Option<usize> {
    use rustix::process::{Resource, getrlimit};
    let hard = getrlimit(Resource::Nofile).maximum?;
    Some(usize::try_from(hard).unwrap_or(usize::MAX))
}

/// There is no such limit.
#[cfg(not(unix))]
pub(in crate::cli) const fn open_files_limit() -> Option<usize> {
    None
}

/// There is no such limit.
#[cfg(not(unix))]
pub(in crate::cli) const fn raise_open_files(_wanted: usize) -> Option<usize> {
    None
}
