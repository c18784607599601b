//! Other systems have no sd_notify(3).

/// There is no service manager to tell.
pub(in crate::cli) const fn ready(_status: &str) {}

/// There is no service manager to tell.
pub(in crate::cli) const fn reloading() {}

/// There is no service manager to tell.
pub(in crate::cli) const fn stopping() {}

/// There is no service manager to tell. Never completes.
pub(in crate::cli) async fn watch<E>(_check: impl AsyncFn() -> Result<(), E>) {
    std::future::pending().await
}
