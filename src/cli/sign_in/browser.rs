//! The browser on this machine, if there is one.

use std::future::pending;

use crate::wire::HttpEndpoint;
use tokio::task::spawn_blocking;

use crate::cli::context::Context;
use crate::cli::ui::terminal::Console;
use crate::oauth::browser::Surroundings;
use crate::settings::Environment;

/// Whether a browser that is started here is one that the user sees.
pub(in crate::cli) fn is_here(environment: &Environment) -> bool {
    surroundings(environment).have_browser()
}

/// What the environment tells of where the user sits.
fn surroundings(environment: &Environment) -> Surroundings<'_> {
    let is_set = |name| environment.get(name).is_some();
    let has_windows = cfg!(any(windows, target_os = "macos"));
    Surroundings {
        browser: environment.get("BROWSER"),
        ssh: is_set("SSH_CONNECTION") || is_set("SSH_TTY"),
        display: has_windows || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY"),
    }
}

/// Opens the browser; returns only when that has failed.
pub(super) async fn failed(context: &Context, console: &Console, url: &HttpEndpoint) {
    let environment = &context.environment;
    let opened = surroundings(environment).open(url, &environment.inheritable());
    let problem = match opened {
        Ok(mut child) => {
            console.note(&format!(
                "Your browser opens, for you to sign in. If it does not, go to:\n  {url}"
            ));
            // It may stay open as long as it likes.
            let ended = spawn_blocking(move || child.wait()).await;
            if matches!(ended, Ok(Ok(status)) if status.success()) {
                return pending().await;
            }
            "the browser could not be opened".to_owned()
        }
        Err(error) => error.to_string(),
    };
    console.note(&context.ui.warning(&problem));
}

/// Says where to go. It is no mere note: without it nothing goes on.
pub(super) fn invite(console: &Console, url: &HttpEndpoint) {
    console.say(&format!(
        "Go to this address in a browser, and sign in:\n\n  {url}\n"
    ));
}
