//! The data directory: whether it is private, and where it is.

use std::fs;
use std::path::Path;

use tokio::task::spawn_blocking;

use super::report::Report;
use crate::cli::args::data_dir::DataDirArgs;
use crate::cli::context::Context;
use crate::fs::private;
use crate::server::data_dir::{DataDirInspection, inspect};

/// Looks at the data directory; None if there is none, or it cannot be used.
pub(super) async fn check(
    context: &Context,
    args: &DataDirArgs,
    report: &mut Report,
) -> anyhow::Result<Option<DataDirInspection>> {
    const CHECK: &str = "data-dir.directory";
    let path = args.path(context)?;
    let found = {
        let path = path.clone();
        spawn_blocking(move || inspect(&path)).await?
    };
    let directory = match found {
        Err(error) => {
            report.error(CHECK, error);
            return Ok(None);
        }
        Ok(None) => {
            report.ok(
                CHECK,
                format!("{} does not exist: the first use makes it", path.display()),
            );
            return Ok(None);
        }
        Ok(Some(directory)) => directory,
    };
    report.ok(CHECK, format!("{} is yours", directory.path.display()));
    open_files_in(&directory.path, report);
    #[cfg(target_os = "linux")]
    super::file_system::check(&directory.path, report);
    Ok(Some(directory))
}

/// Files that others have access to.
fn open_files_in(directory: &Path, report: &mut Report) {
    const CHECK: &str = "data-dir.files";
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            let text = format!("{} cannot be read: {error}", directory.display());
            report.problem(CHECK, text, "look at its permissions");
            return;
        }
    };
    let mut open: Vec<String> = entries
        .flatten()
        .filter(|entry| {
            // Symbolic links and sockets are no files of the store.
            let metadata = entry.metadata().ok().filter(fs::Metadata::is_file);
            metadata.is_some_and(|metadata| private::check_file(&metadata).is_err())
        })
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    if open.is_empty() {
        report.ok(CHECK, "its files are yours alone");
        return;
    }
    open.sort_unstable();
    report.warning(
        CHECK,
        format!("others have access to {}, or own it", open.join(", ")),
        "make them yours alone (chmod 600, chown)",
    );
}
