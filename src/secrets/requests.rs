//! Requests for secrets to other participants (protocol, "Requests").

use std::time::Duration;

use super::{Secret, SecretsClient, SecretsError, expect_done, expect_file};
use crate::wire::secrets::request::{DeleteRequestedSecret, RequestSecret};
use crate::wire::secrets::{DEFAULT_TYPE, tool};
use crate::wire::{Content, Identity, ParticipantId};

/// Options of [`SecretsClient::request_secret`].
#[derive(Debug, Clone, Default)]
pub struct RequestOptions {
    /// Type. Default: `application/octet-stream`.
    pub secret_type: Option<String>,
    /// Identity, beside the provider's, that may read the answer. Default: the caller's.
    pub delegate_to: Option<Identity>,
    /// Time to answer, rounded up to whole seconds. Default: five minutes; the server accepts up to a day.
    pub timeout: Option<Duration>,
}

impl SecretsClient {
    /// Requests the secret for `url` from the participant `from`, and waits for its answer. `url` must keep the rules
    /// of a [`SecretUrl`](crate::wire::SecretUrl).
    ///
    /// An earlier answer for the same URL, type and identities is returned at once; the participant is not asked
    /// again. Dropping the future does not withdraw the request: it is withdrawn when its time has passed, or when the
    /// connection ends.
    ///
    /// # Errors
    /// - [`RoomError::Rejected`](crate::room::RoomError::Rejected) if the participant rejects the request.
    /// - Code 1003 if there is no such participant, 1008 if it leaves, 1009 if it does not answer in time, 1002 for a
    ///   URL, type or time that breaks a rule.
    pub async fn request_secret(
        &self,
        from: &ParticipantId,
        url: &str,
        options: RequestOptions,
    ) -> Result<Secret, SecretsError> {
        let input = RequestSecret {
            url: url.to_owned(),
            // Other servers refuse null.
            secret_type: Some(options.secret_type.unwrap_or_else(|| DEFAULT_TYPE.to_owned())),
            participant_id: from.to_string(),
            timeout: options.timeout.map(whole_seconds),
            delegate_to: options.delegate_to.map(Into::into),
        };
        let answer = self.call(tool::REQUEST, Content::json(&input)?).await?;
        expect_file(tool::REQUEST, answer)
    }

    /// Deletes answers for `url` and type that the caller gave or was given: those delegated to `delegated_to`, or all
    /// of them. The next request is put to the participant again.
    ///
    /// # Errors
    /// Code 1003 if there is no such answer.
    pub async fn delete_requested_secret(
        &self,
        url: &str,
        secret_type: Option<&str>,
        delegated_to: Option<&Identity>,
    ) -> Result<(), SecretsError> {
        let input = DeleteRequestedSecret {
            url: url.to_owned(),
            secret_type: Some(secret_type.unwrap_or(DEFAULT_TYPE).to_owned()),
            delegated_to: delegated_to.map(ToString::to_string),
        };
        let answer = self.call(tool::DELETE_REQUESTED, Content::json(&input)?).await?;
        expect_done(tool::DELETE_REQUESTED, answer)
    }
}

/// A time in whole seconds, rounded up, as the protocol has them.
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
