//! `meshagent room secret …`

mod audit;
mod delete;
mod delete_requested;
mod exists;
mod export;
mod get;
mod git_credential;
mod import;
mod inject;
mod list;
mod oauth;
mod provide;
pub(in crate::cli) mod read_many;
mod request;
pub(in crate::cli) mod request_secret;
mod run;
mod set;
pub(in crate::cli) mod sources;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use crate::cli::args::deferred::Deferred;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Kind, Outcome};
use crate::cli::ui::text::escape_name;
use crate::wire::{Identity, NameError, SecretId};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SecretCommand {
    /// List the secrets that you may see
    #[command(visible_alias = "ls")]
    List(Deferred<list::ListArgs>),
    /// Store a secret
    Set(Deferred<set::SetArgs>),
    /// Read a secret
    Get(Deferred<get::GetArgs>),
    /// Say whether a secret is there
    Exists(Deferred<exists::ExistsArgs>),
    /// Say who had access to a secret of yours, and when
    ///
    /// Reads and attempts to read, changes, and what was done with what you delegated, the newest first, as long as the
    /// server keeps its audit log. Only the owner of a secret is told.
    Audit(Deferred<audit::AuditArgs>),
    /// Delete secrets
    #[command(visible_alias = "rm")]
    Delete(Deferred<delete::DeleteArgs>),
    /// Ask another participant for a secret
    Request(Deferred<request::RequestArgs>),
    /// Stay in the room and answer what others ask
    Provide(Deferred<provide::ProvideArgs>),
    /// Delete what a participant answered earlier, so that it is asked again
    DeleteRequested(Deferred<delete_requested::DeleteRequestedArgs>),
    /// Get an OAuth access token: the room's, or by signing in
    ///
    /// The room holds the credential. If it has one that covers the scopes, its access token is the answer,
    /// refreshed if need be, and nobody is asked. Otherwise somebody signs in with a browser: you, or the
    /// participant that --from names. The room server gets the tokens from the provider and keeps them; what is
    /// printed is the access token alone.
    ///
    /// Without a browser here, as over ssh, the address is printed. Open it anywhere, sign in, and paste the
    /// address that the browser ends on.
    #[command(name = "oauth")]
    OAuth(Deferred<Box<oauth::OAuthArgs>>),
    /// Run a command with secrets in its environment
    ///
    /// All secrets are read, over one connection, before the command starts. If one is missing, nothing runs.
    /// On Unix the command then takes the place of this program: signals, the terminal and the exit code are
    /// its own. It inherits the environment without MESHAGENT_API_KEY, MESHAGENT_TOKEN, MESHAGENT_KEY and
    /// MESHAGENT_OAUTH_CLIENT_SECRET. --timeout limits the reading, and not the command.
    ///
    /// Exit codes are the command's own. 126 says that it cannot be run, and 127 that it is not there.
    Run(Deferred<run::RunArgs>),
    /// Write secrets to a file of variables, or as JSON
    ///
    /// Three forms: env comes back the same through `import`, through `source` in sh and bash, and through
    /// `run --env-file`; docker is for `docker run --env-file`, which knows no quotes; json holds binary values,
    /// types, names and delegations as well. What a form cannot hold is an error. A variable is named as the
    /// secret's id is; --env-secret gives it another name. Without ids, everything that you own is exported,
    /// and what the owners that --delegated-by names delegated to you. Variables that programs obey, such as PATH
    /// and LD_PRELOAD, are not set to what another identity chose: they are left out with a note, or an error where
    /// you ask for one. `run` does not set them either.
    Export(Deferred<export::ExportArgs>),
    /// Store the secrets of a file
    ///
    /// Reads what `export` writes, other files of variables (quotes, `export`, comments, values of several lines),
    /// and JSON: a list as `export` writes it, or an object of ids and texts. Nothing in a file is expanded or
    /// run. A fault in it names line and column, and nothing is stored. A secret that is there is replaced; its
    /// type and name stay if the file does not say them. If it is stopped on the way, it says how far it came.
    Import(Deferred<import::ImportArgs>),
    /// Put secrets into their places in a text
    ///
    /// A place is {{ secret "ID" }}. All else stays as it is, byte for byte, other braces too. In the id, \" is a
    /// quote and \\ a backslash; \{{ keeps a place as text. Values are put in as they are: nothing is quoted for
    /// the format around them. If a secret is missing, nothing is written.
    Inject(Deferred<inject::InjectArgs>),
    /// Give git the credentials it asks for, as its credential helper
    ///
    /// Git asks on stdin and is answered on stdout. A credential is a secret of the type git, the JSON object
    /// {"username", "password"}; its id is the server's address, such as https://example.com. Git says the path too
    /// if credential.useHttpPath is set. Git has what let it in stored, and what did not erased.
    /// Only a credential of the same user is ever replaced, and only a credential erased. What another identity
    /// delegated is given to git only if --delegated-by names the owner, after your own.
    ///
    /// With --from another participant is asked, by that address and the type git, as with `request`. It can say
    /// yes or no, and git waits. The server keeps the answer for the next time; git has it erased if it did not
    /// let it in.
    GitCredential(Deferred<git_credential::GitCredentialArgs>),
}

impl SecretCommand {
    pub(in crate::cli) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self {
            Self::List(Deferred(args)) => list::run(context, args).await,
            Self::Set(Deferred(args)) => set::run(context, args).await,
            Self::Get(Deferred(args)) => get::run(context, args).await,
            Self::Exists(Deferred(args)) => exists::run(context, args).await,
            Self::Audit(Deferred(args)) => audit::run(context, args).await,
            Self::Delete(Deferred(args)) => delete::run(context, args).await,
            Self::Request(Deferred(args)) => request::run(context, args).await,
            Self::Provide(Deferred(args)) => provide::run(context, args).await,
            Self::DeleteRequested(Deferred(args)) => delete_requested::run(context, args).await,
            Self::OAuth(Deferred(args)) => oauth::run(context, args).await,
            Self::Run(Deferred(args)) => run::run(context, args).await,
            Self::Export(Deferred(args)) => export::run(context, args).await,
            Self::Import(Deferred(args)) => import::run(context, args).await,
            Self::Inject(Deferred(args)) => inject::run(context, args).await,
            Self::GitCredential(Deferred(args)) => git_credential::run(context, args).await,
        }
    }
}

/// A secret's id, as an argument or as a flag.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct IdArgs {
    /// Id of the secret
    #[arg(value_name = "ID", value_parser = parse_id, allow_hyphen_values = false)]
    positional: Option<SecretId>,
    /// The same as ID
    #[arg(long = "id", value_name = "ID", value_parser = parse_id, allow_hyphen_values = true, hide_short_help = true)]
    flag: Option<SecretId>,
}

impl IdArgs {
    fn id(self) -> anyhow::Result<SecretId> {
        let missing =
            || CommandError::new(Kind::Usage, "no id was given").hint("name the secret: ID or --id ID");
        Ok(self.positional.or(self.flag).ok_or_else(missing)?)
    }

    /// The id of a secret that is to be stored.
    fn new_id(self) -> anyhow::Result<SecretId> {
        let id = self.id()?;
        id.check_new().context("no secret can be stored under this id")?;
        Ok(id)
    }
}

fn parse_id(text: &str) -> Result<SecretId, NameError> {
    SecretId::new(text)
}

fn parse_identity(text: &str) -> Result<Identity, NameError> {
    Identity::new(text)
}

/// An identity that is given something.
fn parse_delegate(text: &str) -> Result<Identity, NameError> {
    Identity::create(text)
}

/// The delegate of the secrets, as the question names it.
fn delegated(to: Option<&Identity>) -> String {
    to.map(|identity| format!(", delegated to {},", escape_name(identity.as_str())))
        .unwrap_or_default()
}

/// One secret or more that are not there.
fn not_found_all(
    ids: &[SecretId],
    delegated_to: Option<&Identity>,
    delegated_by: &[Identity],
) -> CommandError {
    let shown: Vec<String> = ids
        .iter()
        .map(|id| format!("`{}`", escape_name(id.as_str())))
        .collect();
    let (verb, noun) = if ids.len() == 1 {
        ("is", "secret")
    } else {
        ("are", "secrets")
    };
    let what = format!("there {verb} no {noun} {}", shown.join(", "));
    let names = |identities: &mut dyn Iterator<Item = &Identity>| {
        let shown: Vec<String> = identities
            .map(|identity| format!("`{}`", escape_name(identity.as_str())))
            .collect();
        shown.join(" or ")
    };
    let to = names(&mut delegated_to.into_iter());
    let by = names(&mut delegated_by.iter());
    let which = match (to.as_str(), by.as_str()) {
        ("", "") => " of yours".to_owned(),
        ("", by) => format!(" of yours, or that {by} delegated to you"),
        (to, "") => format!(" delegated to {to}"),
        (to, by) => format!(" that {by} delegated to {to}"),
    };
    CommandError::new(Kind::NotFound, format!("{what}{which}"))
        .hint("`meshagent room secret list` shows what you may see")
}
