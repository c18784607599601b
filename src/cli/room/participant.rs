//! Which participant is asked.

use std::time::Duration;

use clap::Args;

use super::JoinedRoom;
use crate::cli::error::{CommandError, Kind};
use crate::cli::ui::text::escape_name;
use crate::secrets::SecretsError;
use crate::wire::{ErrorCode, Identity, NameError, ParticipantId};

/// The participant that is asked, by id or by name.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(in crate::cli) struct FromArgs {
    /// Ask the participant of this name
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    from: Option<Identity>,
    /// Ask the participant of this id
    #[arg(long, value_name = "ID", value_parser = parse_participant_id)]
    from_participant_id: Option<ParticipantId>,
}

fn parse_name(text: &str) -> Result<Identity, NameError> {
    Identity::new(text)
}

fn parse_participant_id(text: &str) -> Result<ParticipantId, NameError> {
    ParticipantId::new(text)
}

/// A participant that was chosen.
#[derive(Debug)]
pub(in crate::cli) struct Chosen {
    pub(in crate::cli) id: ParticipantId,
    /// How it is called when it is spoken of: its name, else its id.
    pub(in crate::cli) shown: String,
}

/// What helps where a participant is not found.
const WHO_IS_HERE: &str = "`meshagent room participant list` shows who is here";

impl FromArgs {
    /// Whether anybody is named.
    pub(in crate::cli) const fn names_somebody(&self) -> bool {
        self.from.is_some() || self.from_participant_id.is_some()
    }

    /// The participant that is meant. An id is taken as it is; a name is looked up among those present.
    pub(in crate::cli) async fn choose(&self, room: &JoinedRoom) -> anyhow::Result<Chosen> {
        let Some(name) = &self.from else {
            let id = self.from_participant_id.clone().ok_or_else(|| {
                CommandError::new(Kind::Usage, "nobody was named").hint("name a participant: --from NAME")
            })?;
            let shown = escape_name(id.as_str());
            return Ok(Chosen { id, shown });
        };
        let shown = escape_name(name.as_str());
        let present = room.client().participants().await?;
        let mut named: Vec<ParticipantId> = present
            .named(name.as_str())
            .map(|found| found.id.clone())
            .collect();
        match (named.pop(), named.is_empty()) {
            (Some(id), true) => Ok(Chosen { id, shown }),
            (None, _) => Err(not_there(&shown, room).into()),
            (Some(last), false) => {
                named.push(last);
                let ids: Vec<String> = named.iter().map(|id| escape_name(id.as_str())).collect();
                let message = format!("{shown} is here {} times: {}", ids.len(), ids.join(", "));
                Err(CommandError::new(Kind::Failed, message)
                    .hint("say which with --from-participant-id ID")
                    .into())
            }
        }
    }
}

impl Chosen {
    /// Why this participant gave no answer. `hint` is for a request that the server does not take.
    pub(in crate::cli) fn explain(
        &self,
        error: SecretsError,
        room: &JoinedRoom,
        timeout: Duration,
        hint: &str,
    ) -> anyhow::Error {
        let shown = &self.shown;
        let explained = match error.code() {
            Some(ErrorCode::NotFound) => not_there(shown, room),
            Some(ErrorCode::Timeout) => {
                let message = format!("{shown} did not answer within {} s", timeout.as_secs());
                CommandError::new(Kind::TimedOut, message).hint("allow more time with --timeout SECONDS")
            }
            Some(ErrorCode::OperationFailed) => {
                let message = format!("{shown} gave no answer: {error}");
                CommandError::new(Kind::Failed, message).hint(WHO_IS_HERE)
            }
            Some(ErrorCode::InvalidRequest) => CommandError::new(Kind::Usage, error.to_string()).hint(hint),
            _ => return error.into(),
        };
        explained.into()
    }
}

/// There is no such participant.
fn not_there(shown: &str, room: &JoinedRoom) -> CommandError {
    let message = format!(
        "there is no participant `{shown}` in room {}",
        escape_name(room.name.as_str())
    );
    CommandError::new(Kind::NotFound, message).hint(WHO_IS_HERE)
}
