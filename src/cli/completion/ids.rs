//! Secret ids at TAB: asked from the room that the words before name, or not at all.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use clap::{ArgMatches, CommandFactory};
use clap_complete::CompletionCandidate;
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::cli::args::{Cli, GlobalArgs};
use crate::cli::context::Context;
use crate::cli::key_source::KeyArgs;
use crate::cli::room::list_quietly;
use crate::cli::text::escape;
use crate::cli::ui::Ui;
use crate::net::HttpClient;
use crate::server::store::KeySource;
use crate::settings::{Access, Environment, Overrides, resolve};
use crate::wire::secrets::SecretInfo;

/// The longest that TAB may take.
const DEADLINE: Duration = Duration::from_millis(400);

/// The ids that start with what was typed, with their types. Nothing where the room cannot be asked at
/// once and without a prompt.
pub(in crate::cli) fn secret_ids(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else {
        return Vec::new();
    };
    let mut secrets = ask(&words()).unwrap_or_default();
    // A secret that is delegated to several is there several times.
    secrets.dedup_by(|a, b| a.id == b.id);
    secrets
        .into_iter()
        // What would have to be escaped cannot be put onto a command line either.
        .filter(|secret| secret.id.starts_with(typed) && escape(&secret.id) == secret.id)
        .map(|secret| CompletionCandidate::new(secret.id).help(Some(escape(&secret.secret_type).into())))
        .collect()
}

/// The words of the command line that is being completed: those after `--`, without the one that is
/// still empty.
fn words() -> Vec<OsString> {
    let typed = std::env::args_os().skip_while(|word| word != "--").skip(1);
    typed.filter(|word| !word.is_empty()).collect()
}

fn ask(words: &[OsString]) -> Option<Vec<SecretInfo>> {
    let context = Context {
        http: HttpClient::from_env(),
        ui: Ui::new(&GlobalArgs::silent()),
        environment: Environment::from_process(),
    };
    let settings = resolve(&overrides(words), &context.environment).ok()?;
    if let Access::Local { data_dir, .. } = &settings.access {
        let key = KeyArgs::default().resolve(&context).ok()?;
        // A passphrase takes longer to stretch than TAB may; and TAB makes no data directory.
        if matches!(key, KeySource::Passphrase(_)) || !data_dir.exists() {
            return None;
        }
    }
    let runtime = Builder::new_current_thread().enable_all().build().ok()?;
    let listed = runtime.block_on(async { timeout(DEADLINE, list_quietly(&context, settings)).await });
    // A thread may still be opening the store.
    runtime.shutdown_background();
    listed.ok()?.ok()
}

/// What the words before say about the room, however unfinished the line is.
fn overrides(words: &[OsString]) -> Overrides {
    let parsed = Cli::command().ignore_errors(true).try_get_matches_from(words);
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
