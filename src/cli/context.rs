//! What every command gets.

use std::path::Path;

use super::ui::Ui;
use crate::net::HttpClient;
use crate::settings::Environment;

/// What every command gets: a way to speak, the environment it was started in, and the HTTP client,
/// so that all its requests share connections.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) ui: Ui,
    pub(super) environment: Environment,
    pub(super) http: HttpClient,
}

impl Context {
    /// Says so if others than its owner may use a file that holds `what`.
    pub(super) fn warn_if_open(&self, file: &Path, what: &str) {
        if is_open_to_others(file) {
            self.ui.warn(&format!(
                "others can read {path}, which holds {what}; `chmod 600 {path}` ends that",
                path = file.display()
            ));
        }
    }
}

#[cfg(unix)]
pub(super) fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).is_ok_and(|found| found.mode() & 0o077 != 0)
}

/// A home directory is private by inheritance.
#[cfg(not(unix))]
pub(super) const fn is_open_to_others(_path: &Path) -> bool {
    false
}
