//! `meshagent project activate`

use clap::Args;

use crate::account::{Project, projects};
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::room::account::{ApiArgs, ApiTimeArgs, ask, change_settings};
use crate::cli::ui::text::{escape, escape_name};

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Commands are about this project from now on:
    $ meshagent project activate 0195d6c0-fffb-7eef-bfbf-7d0a7f5b3c11

  The same by its name, if no other of yours has it:
    $ meshagent project activate \"My project\"";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct ActivateArgs {
    /// Id of the project, or its name
    #[arg(value_name = "PROJECT")]
    project: String,
    #[command(flatten)]
    api: ApiArgs,
    #[command(flatten)]
    time: ApiTimeArgs,
}

pub(super) async fn run(context: &Context, args: ActivateArgs) -> anyhow::Result<Outcome> {
    let account = args.api.account(context)?;
    let listed = ask(context, &account, async |token| {
        projects(&context.http, &account.api, token).await
    });
    let project = find(args.time.limit(listed).await?, &args.project)?;
    let id = project.id.clone();
    change_settings(&account, move |file| file.set_active_project(&id)).await?;
    let ui = &context.ui;
    ui.note(&format!(
        "Project {} ({}) is active.",
        escape_name(&project.id),
        escape_name(&project.name)
    ));
    if let Some(project) = account
        .project
        .filter(|project| project.origin != "settings.json")
    {
        ui.note(&format!("note: {} is set, and goes before it", project.origin));
    }
    Ok(Outcome::Done)
}

/// The project of this id, else the only one of this name.
fn find(projects: Vec<Project>, wanted: &str) -> anyhow::Result<Project> {
    if let Some(project) = projects.iter().find(|project| project.id == wanted) {
        return Ok(project.clone());
    }
    let mut named = projects.into_iter().filter(|project| project.name == wanted);
    let shown = escape(wanted);
    match (named.next(), named.next()) {
        (Some(project), None) => Ok(project),
        (None, _) => Err(
            CommandError::new(Kind::NotFound, format!("you have no project `{shown}`"))
                .hint("`meshagent project list` shows your projects")
                .into(),
        ),
        (Some(one), Some(other)) => {
            let ids: Vec<String> = [one, other]
                .into_iter()
                .chain(named)
                .map(|project| escape_name(&project.id))
                .collect();
            Err(CommandError::new(
                Kind::Usage,
                format!("several projects are called `{shown}`: {}", ids.join(", ")),
            )
            .hint("give the id")
            .into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_id_or_by_a_name_that_is_one_projects_alone() {
        let projects = || {
            [("1", "a"), ("2", "b"), ("3", "b"), ("a", "c")]
                .map(|(id, name)| Project {
                    id: id.to_owned(),
                    name: name.to_owned(),
                })
                .to_vec()
        };
        let id = |wanted| find(projects(), wanted).map(|project| project.id);
        assert_eq!(id("2").unwrap(), "2");
        assert_eq!(id("c").unwrap(), "a");
        assert_eq!(id("a").unwrap(), "a", "an id goes before a name");
        assert!(id("b").unwrap_err().to_string().contains("2, 3"));
        assert!(id("x").is_err());
    }
}
