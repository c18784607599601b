//! `meshagent room secret set`

use clap::Args;

use super::{IdArgs, parse_delegate};
use crate::cli::args::input::InputArgs;
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::Outcome;
use crate::cli::room::{Target, in_room};
use crate::cli::ui::text::escape_name;
use crate::secrets::SetOptions;
use crate::wire::Identity;

/// Shown at the end of `--help`.
const EXAMPLES: &str = "\
Examples:
  Be asked for the value; what you type is not shown:
    $ meshagent room secret set db/password --room demo

  Store what another program prints, without the newline at its end:
    $ openssl rand -base64 32 \\
        | meshagent room secret set api/key --strip-newline

  Store a file, and let Bob read it too:
    $ meshagent room secret set tls/key --in tls.key \\
        --type application/x-pem-file --delegated-to bob";

#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in crate::cli) struct SetArgs {
    #[command(flatten)]
    id: IdArgs,
    /// Type of the value, like text/plain [default: application/octet-stream]
    #[arg(long = "type", value_name = "TYPE")]
    secret_type: Option<String>,
    /// Name of the secret [default: its id]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Let this identity read it too
    #[arg(long, value_name = "IDENTITY", value_parser = parse_delegate)]
    delegated_to: Option<Identity>,
    /// Store it for another identity; needs the admin grant
    #[arg(long, value_name = "IDENTITY", value_parser = parse_delegate)]
    for_identity: Option<Identity>,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    room: RoomArgs,
}

pub(super) async fn run(context: &Context, args: SetArgs) -> anyhow::Result<Outcome> {
    let id = args.id.new_id()?;
    let shown = escape_name(id.as_str());
    let target = Target::resolve(context, &args.room)?;
    let value = args
        .input
        .read(&context.ui, &format!("Value of {shown} (not shown): "))
        .await?;
    let bytes = value.expose().len();
    let delegate = args.delegated_to.as_ref();
    let delegate = delegate.map_or_else(String::new, |name| {
        format!(", for {} too", escape_name(name.as_str()))
    });
    let options = SetOptions {
        secret_type: args.secret_type,
        name: args.name,
        delegated_to: args.delegated_to,
        for_identity: args.for_identity,
    };
    let unit = if bytes == 1 { "byte" } else { "bytes" };
    in_room(context, target, async |room| {
        context
            .ui
            .busy()
            .doing(format!("Storing {bytes} {unit} as {shown}"));
        room.secrets().set_secret(&id, value, options).await?;
        context.ui.note(&format!(
            "Stored {bytes} {unit} as {shown} in room {}{delegate}.",
            room.shown_name()
        ));
        Ok(Outcome::Done)
    })
    .await
}
