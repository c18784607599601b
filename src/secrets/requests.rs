//! Asking another participant for a secret.

use std::time::Duration;

use super::{Secret, SecretsClient, SecretsError, expect_done, expect_file};
use crate::wire::secrets::request::{DeleteRequestedSecret, RequestSecret};
use crate::wire::secrets::tool;
use crate::wire::{Content, Identity, ParticipantId};

/// How a participant is asked for a secret, beside what for.
#[derive(Debug, Clone, Default)]
pub struct RequestOptions {
    /// Type; `application/octet-stream` if there is none.
    pub secret_type: Option<String>,
    /// Identity that may read the answer beside the one who provides it; the caller's if there is none.
    pub delegate_to: Option<Identity>,
    /// How long the participant has to answer: whole seconds, begun ones count; five minutes if there is
    /// none. The server takes at most a day.
    pub timeout: Option<Duration>,
}

impl SecretsClient {
    /// Asks a participant for the secret for `url`, and waits for its answer. An answer that it gave
    /// earlier to the same identity for the same URL and type is the answer, and nobody is asked.
    ///
    /// The wait ends when the participant's time is over. To take the request back earlier, end the
    /// connection.
    ///
    /// # Errors
    /// [`RoomError::Rejected`](crate::room::RoomError::Rejected) if the participant says no; code 1003 if
    /// there is no such participant, 1008 if it leaves, 1009 if it does not answer in time.
    pub async fn request_secret(
        &self,
        from: &ParticipantId,
        url: &str,
        options: RequestOptions,
    ) -> Result<Secret, SecretsError> {
        let input = RequestSecret {
            url: url.to_owned(),
            secret_type: options.secret_type,
            participant_id: from.to_string(),
            timeout: options.timeout.map(whole_seconds),
            delegate_to: options.delegate_to.map(Into::into),
        };
        let answer = self.call(tool::REQUEST, Content::json(&input)?).await?;
        expect_file(tool::REQUEST, answer)
    }

    /// Deletes answers that the caller gave or was given for `url`: those delegated to `delegated_to`, or
    /// all of them. The next request asks anew.
    ///
    /// # Errors
    /// Code 1003 if there is none.
    pub async fn delete_requested_secret(
        &self,
        url: &str,
        secret_type: Option<&str>,
        delegated_to: Option<&Identity>,
    ) -> Result<(), SecretsError> {
        let input = DeleteRequestedSecret {
            url: url.to_owned(),
            secret_type: secret_type.map(str::to_owned),
            delegated_to: delegated_to.map(ToString::to_string),
        };
        let answer = self.call(tool::DELETE_REQUESTED, Content::json(&input)?).await?;
        expect_done(tool::DELETE_REQUESTED, answer)
    }
}

/// The wire knows whole seconds: nobody is given less time than was said.
pub(super) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_begun_second_counts() {
        assert_eq!(whole_seconds(Duration::from_secs(3)), 3);
        assert_eq!(whole_seconds(Duration::from_millis(3001)), 4);
        assert_eq!(whole_seconds(Duration::MAX), u64::MAX);
    }
}
