//! Asks the room that the words before the cursor name, or nothing at all.

use std::time::Duration;

use clap::{ArgMatches, Command};
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::cli::args::store_key::KeyArgs;
use crate::cli::context::Context;
use crate::cli::room::{JoinedRoom, visit_quietly};
use crate::cli::ui::Ui;
use crate::cli::ui::options::GlobalArgs;
use crate::net::HttpClient;
use crate::server::store::KeySource;
use crate::settings::{Access, Environment, Overrides, resolve};
use crate::wire::secrets::SecretInfo;

/// The longest that TAB may take: two round trips of a slow network, and a connection.
const DEADLINE: Duration = Duration::from_secs(1);

/// The secrets that the user may see.
pub(super) fn secrets(overrides: &Overrides) -> Option<Vec<SecretInfo>> {
    ask(overrides, async |room| Ok(room.secrets().list_secrets().await?))
}

/// The other participants: the id of each, and its name.
pub(super) fn participants(overrides: &Overrides) -> Option<Vec<(String, Option<String>)>> {
    ask(overrides, async |room| {
        let present = room.client().participants().await?;
        let named = |found: &crate::room::RoomParticipant| {
            (found.id.as_str().to_owned(), found.name().map(str::to_owned))
        };
        Ok(present.all().map(named).collect())
    })
}

/// What the room answers to `question`, if it can be asked at once and without a prompt.
fn ask<T>(overrides: &Overrides, question: impl AsyncFnOnce(&JoinedRoom) -> anyhow::Result<T>) -> Option<T> {
    let context = Context {
        http: HttpClient::from_env(),
        ui: Ui::new(&GlobalArgs::silent()),
        environment: Environment::from_process(),
    };
    let settings = resolve(overrides, &context.environment).ok()?;
    if let Access::Local { data_dir, .. } = &settings.access {
        let key = KeyArgs::default().resolve(&context).ok()?;
        // A passphrase takes longer to stretch than TAB may, and a command may ask for a password; and TAB makes no data
        // directory.
        if matches!(key, KeySource::Passphrase(_) | KeySource::Command(_)) || !data_dir.exists() {
            return None;
        }
    }
    let runtime = Builder::new_current_thread().enable_all().build().ok()?;
    let visit = async { timeout(DEADLINE, visit_quietly(&context, settings, DEADLINE, question)).await };
    let answered = runtime.block_on(visit);
    // A thread may still be opening the store.
    runtime.shutdown_background();
    answered.ok()?.ok()
}

/// What the words before the cursor say about the room, however unfinished the line is.
pub(super) fn overrides(command: &Command, before: &[String]) -> Overrides {
    let command = command.clone().ignore_errors(true);
    let parsed = command.try_get_matches_from(before);
    let Ok(mut matches) = parsed else {
        return Overrides::default();
    };
    while let Some((_, deeper)) = matches.remove_subcommand() {
        matches = deeper;
    }
    let text = |name: &str| value(&matches, name);
    Overrides {
        room: text("room"),
        project_id: text("project_id"),
        api_url: text("api_url"),
        identity: text("identity"),
        local: matches
            .try_get_one::<bool>("local")
            .ok()
            .flatten()
            .copied()
            .unwrap_or_default(),
    }
}

fn value(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.try_get_one::<String>(name).ok().flatten().cloned()
}
