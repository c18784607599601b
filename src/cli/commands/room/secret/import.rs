//! `meshagent room secret import`

use std::collections::HashMap;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::Args;
use futures_util::{StreamExt, stream};

use super::parse_delegate;
use super::read_many::{CALLS_IN_FLIGHT, SecretToRead, fetch_each};
use super::sources::Sources;
use crate::cli::args::input::{Limit, NamedContent, read_file_or_stdin};
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::formats::{Format, Record, read, refuse_twins};
use crate::cli::room::{JoinedRoom, Target, in_room};
use crate::cli::ui::Ui;
use crate::cli::ui::progress::Progress;
use crate::cli::ui::text::{count, escape_name};
use crate::secrets::{Secret, SetOptions};
use crate::wire::{Identity, SecretId};

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Look what would change, then store:
    $ meshagent room secret import .env --dry-run
    $ meshagent room secret import .env

  Take over what another tool prints:
    $ vault kv get -format=json -field=data secret/app \\
        | meshagent room secret import -";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, mut_arg("timeout", |timeout| timeout.default_value("1h")))]
pub(in crate::cli) struct ImportArgs {
    /// File to read, or `-` for stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Form of the file; if it is not given, JSON is told from variables by how it starts
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Let this identity read them too
    #[arg(long, value_name = "IDENTITY", value_parser = parse_delegate)]
    delegated_to: Option<Identity>,
    #[command(flatten)]
    room: RoomArgs,
}

pub(super) async fn run(context: &Context, args: ImportArgs) -> anyhow::Result<Outcome> {
    let mut records = args.read().await?;
    let changes = in_room(context, Target::resolve(context, &args.room)?, async |room| {
        let there = Present::list(room).await?;
        for record in &mut records {
            there.complete(record);
        }
        if args.dry_run {
            return Ok(Some(compare(room, &there, &records).await?));
        }
        store(&context.ui, room, &there, records).await?;
        Ok(None)
    })
    .await?;
    if let Some(changes) = changes {
        context.ui.answer_table(&changes.rows, Changes::ID).await?;
        context.ui.note(&changes.summary);
    }
    Ok(Outcome::Done)
}

impl ImportArgs {
    async fn read(&self) -> anyhow::Result<Vec<Record>> {
        if self.file == Path::new("-") && io::stdin().is_terminal() {
            return Err(CommandError::new(Kind::Usage, "stdin is a terminal")
                .hint("name a file, or pipe it in")
                .into());
        }
        let NamedContent {
            content: file,
            name: shown,
        } = read_file_or_stdin(&self.file, Limit::File).await?;
        let format = self.format.unwrap_or_else(|| Format::guess(file.expose()));
        let mut records = read(format, &file, &shown)?;
        // In JSON an empty list is a list; elsewhere something went wrong with what wrote it.
        if records.is_empty() && !matches!(format, Format::Json) {
            return Err(
                CommandError::new(Kind::Failed, format!("{shown}: there is no secret in it"))
                    .hint("a line is NAME=VALUE; a JSON list may be empty")
                    .into(),
            );
        }
        if let Some(delegated_to) = &self.delegated_to {
            for record in &mut records {
                record.delegated_to = Some(delegated_to.clone());
            }
        }
        refuse_twins(&records, &shown)?;
        Ok(records)
    }
}

/// What is there before the import, without values.
struct Present(HashMap<(String, Option<String>), (String, String)>);

impl Present {
    async fn list(room: &JoinedRoom) -> anyhow::Result<Self> {
        let list = room.secrets().list_secrets().await?;
        let entry = |info: crate::wire::secrets::SecretInfo| {
            ((info.id, info.delegated_to), (info.secret_type, info.name))
        };
        let own = list.into_iter().filter(|info| info.owner.is_none());
        Ok(Self(own.map(entry).collect()))
    }

    fn of(&self, record: &Record) -> Option<&(String, String)> {
        let delegated_to = record.delegated_to.as_ref().map(ToString::to_string);
        self.0.get(&(record.id.to_string(), delegated_to))
    }

    /// A file that says nothing of type and name leaves those of a secret as they are.
    fn complete(&self, record: &mut Record) {
        if let Some((secret_type, name)) = self.of(record).cloned() {
            record.secret_type.get_or_insert(secret_type);
            record.name.get_or_insert(name);
        }
    }
}

/// What an import would change.
struct Changes {
    /// A table, with its header.
    rows: Vec<Vec<String>>,
    /// All of it in a sentence.
    summary: String,
}

impl Changes {
    /// The column of the ids.
    const ID: usize = 1;
}

/// Finds for each secret whether it is new, changed or the same.
async fn compare(room: &JoinedRoom, there: &Present, records: &[Record]) -> anyhow::Result<Changes> {
    let wanted = records
        .iter()
        .filter(|record| there.of(record).is_some())
        .map(|record| SecretToRead {
            id: record.id.clone(),
            sources: Sources {
                delegated_to: record.delegated_to.clone(),
                delegated_by: Vec::new(),
            },
        });
    let found = fetch_each(room, wanted).await?;
    let found: HashMap<(SecretId, Option<Identity>), Secret> = found
        .into_iter()
        .filter_map(|(wanted, secret)| Some(((wanted.id, wanted.sources.delegated_to), secret?)))
        .collect();
    let (mut new, mut changed) = (0_usize, 0_usize);
    let mut rows = vec![["CHANGE", "ID", "DELEGATED TO"].map(str::to_owned).to_vec()];
    for record in records {
        let change = match found.get(&(record.id.clone(), record.delegated_to.clone())) {
            None => {
                new += 1;
                "new"
            }
            Some(secret) if is_same(record, secret) => "same",
            Some(_) => {
                changed += 1;
                "changed"
            }
        };
        let delegated_to = record.delegated_to.as_ref().map_or("", Identity::as_str);
        rows.push(vec![
            change.to_owned(),
            escape_name(record.id.as_str()),
            escape_name(delegated_to),
        ]);
    }
    let summary = format!(
        "Of {}, {new} would be new in room {} and {changed} changed; nothing was stored.",
        count(records.len(), "secret"),
        room.shown_name(),
    );
    Ok(Changes { rows, summary })
}

fn is_same(record: &Record, secret: &Secret) -> bool {
    record.value.expose() == secret.value.expose()
        && record
            .secret_type
            .as_ref()
            .is_none_or(|secret_type| *secret_type == secret.secret_type)
        && record.name.as_ref().is_none_or(|name| *name == secret.name)
}

/// Stores them over one connection, many at a time, and answered for in the order of the file.
async fn store(ui: &Ui, room: &JoinedRoom, there: &Present, records: Vec<Record>) -> anyhow::Result<()> {
    let new = records.iter().filter(|record| there.of(record).is_none()).count();
    let total = records.len();
    let mut tally = Tally {
        ui,
        room: room.shown_name(),
        total,
        stored: 0,
        last: None,
        progress: Progress::new(ui, "Storing", total),
    };
    let secrets = room.secrets();
    let mut outcomes = stream::iter(records)
        .map(async |record| {
            let options = SetOptions {
                secret_type: record.secret_type,
                name: record.name,
                delegated_to: record.delegated_to,
                for_identity: None,
            };
            let outcome = secrets.set_secret(&record.id, record.value, options).await;
            (record.id, outcome)
        })
        .buffered(CALLS_IN_FLIGHT);
    while let Some((id, outcome)) = outcomes.next().await {
        outcome.map_err(|error| {
            anyhow::Error::from(error).context(format!("{} was not stored", escape_name(id.as_str())))
        })?;
        tally.stored += 1;
        tally.last = Some(id);
        tally.progress.step();
    }
    drop(tally);
    ui.note(&format!(
        "Stored {} in room {}: {new} new, {} replaced.",
        count(total, "secret"),
        room.shown_name(),
        total - new,
    ));
    Ok(())
}

/// How far an import is. If it is dropped before the end, by an error or because the command is to stop,
/// it says so.
struct Tally<'a> {
    ui: &'a Ui,
    room: String,
    total: usize,
    stored: usize,
    last: Option<SecretId>,
    progress: Progress,
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        if self.stored == self.total {
            return;
        }
        self.progress.clear();
        let (total, room) = (count(self.total, "secret"), &self.room);
        // More may have been on their way.
        self.ui.warn(&match &self.last {
            None => format!("of {total}, none is known to be stored in room {room}"),
            Some(last) => format!(
                "at least {} of {total} are stored in room {room}, up to `{}`; import the file again for the rest",
                self.stored,
                escape_name(last.as_str()),
            ),
        });
    }
}
