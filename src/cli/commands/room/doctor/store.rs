//! The store: whether its key is there and opens it, and what it holds. It is looked at without a change.

use tokio::task::spawn_blocking;

use super::report::Report;
use crate::cli::args::data_dir::DataDirArgs;
use crate::cli::context::Context;
use crate::cli::ui::text::count;
use crate::server::data_dir::DataDirInspection;
use crate::server::store::{KeySource, StoreInspection, inspect};

pub(super) async fn check(
    context: &Context,
    args: &DataDirArgs,
    directory: &DataDirInspection,
    report: &mut Report,
) -> anyhow::Result<()> {
    const KEY: &str = "store.key";
    const DATABASE: &str = "store.database";
    let source = match args.key.resolve(context) {
        Ok(source) => source,
        Err(error) => {
            report.error(KEY, error);
            return Ok(());
        }
    };
    let origin = source.name();
    if matches!(source, KeySource::Environment(_)) {
        report.warning(
            KEY,
            "it comes from MESHAGENT_KEY, which your other programs can read",
            "put it into a file, and name that with MESHAGENT_KEY_FILE",
        );
    }
    let path = directory.path.clone();
    let found = spawn_blocking(move || inspect(&path, &source)).await?;
    let (format, rows, keys) = match found {
        Ok(StoreInspection::Found { format, rows, keys }) => (format, rows, keys),
        Ok(StoreInspection::Absent) => {
            report.ok(DATABASE, "there is none yet: the first use makes it");
            return Ok(());
        }
        Ok(_) => {
            report.warning(
                DATABASE,
                "it was not closed, and cannot be looked at without a change",
                "let any command open it, as `meshagent api-key list` does, and look again",
            );
            return Ok(());
        }
        Err(error) => {
            report.error(DATABASE, error);
            return Ok(());
        }
    };
    let rows = count(usize::try_from(rows).unwrap_or(usize::MAX), "row");
    report.ok(DATABASE, format!("it opens: format {format}, {rows}"));
    match keys {
        Some(Ok(())) => report.ok(KEY, format!("the key from {origin} opens it")),
        Some(Err(error)) => report.error(KEY, error),
        None => report.warning(
            "store.format",
            format!("format {format} is older than this version's"),
            "make a backup; the next command that opens the store brings it to the present format",
        ),
    }
    Ok(())
}
