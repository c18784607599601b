//! Answers one request: the rules or the person at the terminal decide, and the answer is sent.

use std::pin::{Pin, pin};

use tokio::sync::Semaphore;

use super::oauth_request::OAuthRequest;
use super::outcome::{NOT_SIGNED_IN, Outcome};
use super::prompt::{Prompt, PromptError, Turn};
use super::request::{ReceivedRequest, RequestKind, Tense, shown};
use super::rules::{Action, Origin, Rule, Rules};
use super::sign_in::Authorizer;
use crate::cli::args::input::without_newline;
use crate::cli::error::Failure;
use crate::cli::sign_in::Pasting;
use crate::cli::ui::terminal::Console;
use crate::cli::ui::text::{escape, escape_name};
use crate::secrets::{ExistsOptions, SecretsClient, SecretsError};
use crate::sensitive::SecretValue;
use crate::wire::RequestId;

/// The reason that the requester gets where no rule matches and no person is at the terminal.
const NO_PERSON: &str = "the participant has no rule for this, and nobody is there to ask";
/// The reason that the requester gets where the value could not be read. The cause is not for the requester.
const NO_VALUE: &str = "the participant could not get the value";

/// The reason that the requester of a secret gets under `--oauth`.
const OAUTH_ONLY: &str = "the participant answers OAuth requests alone";

/// The outcome of the other requests under `--once`.
pub(super) const ONE_WAS_ANSWERED: &str = "left, another request was answered";

/// Largest number of commands that run at the same time.
const MAX_COMMANDS: usize = 64;

/// Answers requests.
#[derive(Debug)]
pub(super) struct Responder<'a> {
    authorizer: Authorizer<'a>,
    rules: &'a Rules,
    prompt: &'a Prompt<'a>,
    /// Under `--oauth`, the person is asked about OAuth requests alone.
    oauth_only: bool,
    /// One permit for each command that may run.
    commands: Semaphore,
    /// Under `--once`, the permit for the only answer. It is closed when the answer was sent.
    once: Option<Semaphore>,
}

impl<'a> Responder<'a> {
    pub(super) fn new(
        authorizer: Authorizer<'a>,
        rules: &'a Rules,
        prompt: &'a Prompt<'a>,
        oauth_only: bool,
        once: bool,
    ) -> Self {
        Self {
            authorizer,
            rules,
            prompt,
            oauth_only,
            commands: Semaphore::new(MAX_COMMANDS),
            once: once.then(|| Semaphore::new(1)),
        }
    }

    /// The terminal that lines are written to.
    pub(super) const fn console(&self) -> &Console {
        self.authorizer.console
    }

    /// Warns of stored secrets that rules name and that do not exist yet.
    pub(super) async fn warn_of_missing(&self, secrets: &SecretsClient) {
        for (place, id) in self.rules.ids() {
            match secrets.exists(id, ExistsOptions::default()).await {
                Ok(true) => {}
                Ok(false) => {
                    let missing = format!(
                        "you have no secret `{}` for {place} to give",
                        escape_name(id.as_str())
                    );
                    self.console().note(&self.authorizer.context.ui.warning(&missing));
                }
                // The error shows again where the secret is requested.
                Err(error) => tracing::info!(%error, "whether a secret exists is not known"),
            }
        }
    }

    /// Answers a request, and shows a line about it. `withdrawn` resolves with the reason when the requester no
    /// longer waits. Returns true for a deliberate answer, and false for a rejection for want of a value.
    pub(super) async fn answer(
        &self,
        secrets: &SecretsClient,
        request_id: &RequestId,
        received: &ReceivedRequest,
        withdrawn: impl Future<Output = String>,
    ) -> bool {
        // The turn at the terminal ends after the outcome was shown.
        let (outcome, _turn) = self.decide(secrets, received, pin!(withdrawn)).await;
        // Several requests may be decided before the first answer is sent; under `--once` one answer is sent.
        let permit = match &self.once {
            Some(once) if outcome.is_an_answer() => once.acquire().await.map(Some),
            _ => Ok(None),
        };
        let Ok(_permit) = permit else {
            self.show(received, ONE_WAS_ANSWERED);
            return false;
        };
        let (status, is_answered) = send(secrets, request_id, received, outcome).await;
        if is_answered && let Some(once) = &self.once {
            once.close();
        }
        if let Some(status) = status {
            self.show(received, &status);
        }
        is_answered
    }

    fn show(&self, received: &ReceivedRequest, status: &str) {
        self.console().note(&received.status_line(Tense::Past, status));
    }

    /// Decides the outcome. The turn at the terminal comes with it where the person was asked.
    async fn decide(
        &self,
        secrets: &SecretsClient,
        received: &ReceivedRequest,
        withdrawn: Pin<&mut impl Future<Output = String>>,
    ) -> (Outcome<'a>, Option<Turn<'a>>) {
        let rule = self.rules.find(received);
        let outcome = match rule.map(|rule| (rule, &rule.action)) {
            Some((rule, Action::Reject(told))) => Outcome::reject(told, format!("by {}", rule.place)),
            Some((rule, Action::Authorize)) => match &received.kind {
                RequestKind::OAuth(oauth) => {
                    return self.sign_in(received, oauth, withdrawn, &rule.place).await;
                }
                // A rule that authorizes matches no request for a secret.
                RequestKind::Secret { .. } => Outcome::unable(NO_VALUE, "no rule matches"),
            },
            None if self.oauth_only && matches!(received.kind, RequestKind::Secret { .. }) => {
                Outcome::unable(OAUTH_ONLY, "as --oauth has it")
            }
            Some((rule, Action::Give { from, strip_newline })) => tokio::select! {
                biased;
                reason = withdrawn => Outcome::withdrawn(reason),
                value = self.value(secrets, received, from) => match value {
                    Ok((value, origin)) => {
                        let value = if *strip_newline { without_newline(value) } else { value };
                        Outcome::Provide(value, format!("by {} from {origin}", rule.place))
                    }
                    Err(why) => Outcome::unable(NO_VALUE, format!("by {}: {why}", rule.place)),
                },
            },
            Some((_, Action::Ask)) | None => return self.ask(secrets, received, withdrawn, rule).await,
        };
        (outcome, None)
    }

    /// Reads the value of a rule, and says where it comes from. The error is escaped.
    async fn value(
        &self,
        secrets: &SecretsClient,
        received: &ReceivedRequest,
        from: &Origin,
    ) -> Result<(SecretValue, String), String> {
        match from {
            Origin::Source(source) => match source.read(self.authorizer.context, secrets).await {
                Ok(value) => Ok((value, source.to_string())),
                Err(error) => Err(escape(&Failure::of(&error).message)),
            },
            Origin::Command(command) => {
                // This semaphore is never closed.
                let _permit = self.commands.acquire().await.map_err(|error| error.to_string())?;
                match command.run(received, &self.authorizer.context.environment).await {
                    Ok(value) => Ok((value, format!("command {}", command.shown()))),
                    Err(error) => Err(error.to_string()),
                }
            }
        }
    }

    /// Asks the person at the terminal.
    async fn ask(
        &self,
        secrets: &SecretsClient,
        received: &ReceivedRequest,
        mut withdrawn: Pin<&mut impl Future<Output = String>>,
        rule: Option<&Rule>,
    ) -> (Outcome<'a>, Option<Turn<'a>>) {
        // The person is not asked about a sign-in that cannot work.
        if let RequestKind::OAuth(oauth) = &received.kind
            && let Err(why) = oauth.parameters()
        {
            let reason = format!("as nobody can sign in for it: {why}");
            return (Outcome::unable(NOT_SIGNED_IN, reason), None);
        }
        let not_asked = |error: PromptError| {
            let asks = rule.map_or_else(
                || "no rule matches".to_owned(),
                |rule| format!("{} asks", rule.place),
            );
            Outcome::unable(NO_PERSON, format!("{asks} and {error}"))
        };
        if !self.prompt.is_available() {
            return (not_asked(PromptError::NoTerminal), None);
        }
        let turn = match self.prompt.turn(withdrawn.as_mut()).await {
            Ok(turn) => turn,
            Err(reason) => return (Outcome::withdrawn(reason), None),
        };
        let outcome = self.prompt.ask(&turn, received, secrets, withdrawn).await;
        (outcome.unwrap_or_else(not_asked), Some(turn))
    }

    /// Signs in as the rule at `place` wants. A browser on this machine needs no turn at the terminal.
    async fn sign_in(
        &self,
        received: &ReceivedRequest,
        oauth: &OAuthRequest,
        mut withdrawn: Pin<&mut impl Future<Output = String>>,
        place: &str,
    ) -> (Outcome<'a>, Option<Turn<'a>>) {
        let status = format!("signing in, by {place}");
        self.console()
            .note(&received.status_line(Tense::Present, &status));
        let prepared = match self.authorizer.prepare(oauth).await {
            Ok(prepared) => prepared,
            Err(error) => return (Outcome::sign_in_failed(error, place), None),
        };
        if !(prepared.needs_paste() && self.prompt.is_available()) {
            let outcome = tokio::select! {
                biased;
                reason = withdrawn => Outcome::withdrawn(reason),
                outcome = prepared.authorize_by_rule(Pasting::Nobody, place) => outcome,
            };
            return (outcome, None);
        }
        let turn = match self.prompt.turn(withdrawn.as_mut()).await {
            Ok(turn) => turn,
            Err(reason) => return (Outcome::withdrawn(reason), None),
        };
        let outcome = self
            .prompt
            .sign_in(&turn, received, prepared, place, withdrawn)
            .await;
        let outcome = outcome
            .unwrap_or_else(|error| Outcome::unable(NOT_SIGNED_IN, format!("{place} signs in and {error}")));
        (outcome, Some(turn))
    }
}

/// Sends an outcome to the requester. Returns the status to show, and whether the request was answered on purpose.
async fn send(
    secrets: &SecretsClient,
    request_id: &RequestId,
    received: &ReceivedRequest,
    outcome: Outcome<'_>,
) -> (Option<String>, bool) {
    let (status, is_answered) = match outcome {
        Outcome::Provide(value, reason) => match secrets.provide_secret(request_id, value).await {
            Ok(()) => (format!("given, {reason}"), true),
            Err(error) => {
                // A request whose value the server refused is still open: the requester must not wait on.
                let _ = secrets.reject_secret(request_id, NO_VALUE).await;
                (format!("not given: {}", escape(&error.to_string())), false)
            }
        },
        Outcome::Authorize(authorized, reason) => match authorized.send(secrets, request_id).await {
            Ok(()) => (format!("signed in, {reason}"), true),
            Err(error) => {
                // As above: the server refuses a code of this form.
                let _ = secrets
                    .reject_oauth_authorization(request_id, NOT_SIGNED_IN)
                    .await;
                (format!("not signed in: {}", escape(&error.to_string())), false)
            }
        },
        Outcome::Reject {
            told,
            reason,
            is_deliberate,
        } => match reject(secrets, request_id, received, &told).await {
            Ok(()) => (format!("rejected, {reason}"), is_deliberate),
            Err(error) => (format!("not rejected: {}", escape(&error.to_string())), false),
        },
        Outcome::Ignore => ("ignored".to_owned(), false),
        Outcome::Withdrawn { is_shown: true, .. } => return (None, false),
        Outcome::Withdrawn { reason, .. } => (shown(&reason), false),
    };
    (Some(status), is_answered)
}

/// Rejects a request of either kind.
async fn reject(
    secrets: &SecretsClient,
    request_id: &RequestId,
    received: &ReceivedRequest,
    told: &str,
) -> Result<(), SecretsError> {
    match received.kind {
        RequestKind::Secret { .. } => secrets.reject_secret(request_id, told).await,
        RequestKind::OAuth(_) => secrets.reject_oauth_authorization(request_id, told).await,
    }
}
