//! What becomes of one request: from the rules, or the person at the terminal, to the answer that is sent.

use std::pin::{Pin, pin};

use tokio::sync::Semaphore;

use super::asked::{Asked, What, shown};
use super::prompt::{Asking, Prompt, Reply};
use super::rules::{Action, Origin, Rule, Rules};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::input::without_newline;
use crate::cli::terminal::Console;
use crate::cli::text::escape;
use crate::secrets::{SecretsClient, SecretsError};
use crate::sensitive::SecretValue;
use crate::wire::RequestId;

/// What whoever asked is told where no reason was given.
const REJECTED: &str = "the participant said no";
/// What whoever asked is told where nobody could say yes.
const NOBODY_THERE: &str = "the participant has no rule for this, and nobody is there to ask";
/// What whoever asked is told where the value could not be had. Why is not theirs to know.
const NO_VALUE: &str = "the participant could not get the value";

/// What whoever asked is told who wants an OAuth authorization.
const CANNOT_SIGN_IN: &str = "the participant cannot sign in for others";

/// Commands that run at once; more wait for one to end.
const MAX_COMMANDS: usize = 64;

/// Answers requests.
#[derive(Debug)]
pub(super) struct Answering<'a> {
    context: &'a Context,
    console: &'a Console,
    rules: &'a Rules,
    prompt: &'a Prompt<'a>,
    /// Places for commands that run at once.
    commands: Semaphore,
}

/// What is done about a request, and how that came.
#[derive(Debug)]
enum Decision {
    Give(SecretValue, String),
    Reject {
        told: String,
        how: String,
        /// A rule or a person wants it so.
        on_purpose: bool,
    },
    Ignore,
    Gone(String),
    /// It is gone, and that was said.
    TakenBack,
}

impl Decision {
    /// Rejects because a rule or a person says so.
    fn reject(reason: &str, how: impl Into<String>) -> Self {
        let told = if reason.trim().is_empty() {
            REJECTED
        } else {
            reason
        };
        Self::Reject {
            told: told.to_owned(),
            how: how.into(),
            on_purpose: true,
        }
    }

    /// Rejects for want of an answer.
    fn unable(told: &str, how: impl Into<String>) -> Self {
        Self::Reject {
            told: told.to_owned(),
            how: how.into(),
            on_purpose: false,
        }
    }
}

impl<'a> Answering<'a> {
    pub(super) fn new(
        context: &'a Context,
        console: &'a Console,
        rules: &'a Rules,
        prompt: &'a Prompt<'a>,
    ) -> Self {
        Self {
            context,
            console,
            rules,
            prompt,
            commands: Semaphore::new(MAX_COMMANDS),
        }
    }

    /// What is said is said through this.
    pub(super) const fn console(&self) -> &Console {
        self.console
    }

    /// Answers a request for a secret, and says so in a line. `gone` says why nobody waits any more. True
    /// if it was answered on purpose: not where it was rejected for want of an answer.
    pub(super) async fn answer(
        &self,
        secrets: &SecretsClient<'_>,
        request_id: &RequestId,
        asked: &Asked,
        gone: impl Future<Output = String>,
    ) -> bool {
        let decision = self.decide(secrets, asked, pin!(gone)).await;
        let (outcome, answered) = match decision {
            Decision::Give(value, how) => match secrets.provide_secret(request_id, value).await {
                Ok(()) => (format!("given, {how}"), true),
                Err(error) => {
                    // Nobody waits for nothing: where the value was refused, the request still stands.
                    let _ = secrets.reject_secret(request_id, NO_VALUE).await;
                    (format!("not given: {}", escape(&error.to_string())), false)
                }
            },
            Decision::Reject {
                told,
                how,
                on_purpose,
            } => match reject(secrets, request_id, asked, &told).await {
                Ok(()) => (format!("rejected, {how}"), on_purpose),
                Err(error) => (format!("not rejected: {}", escape(&error.to_string())), false),
            },
            Decision::Ignore => ("ignored".to_owned(), false),
            Decision::Gone(reason) => (format!("taken back, {}", shown(&reason)), false),
            Decision::TakenBack => return false,
        };
        self.console.note(&asked.became(&outcome));
        answered
    }

    async fn decide(
        &self,
        secrets: &SecretsClient<'_>,
        asked: &Asked,
        mut gone: Pin<&mut impl Future<Output = String>>,
    ) -> Decision {
        let rule = self.rules.find(asked);
        match rule.map(|rule| (rule, &rule.action)) {
            Some((rule, Action::Reject(reason))) => Decision::reject(reason, format!("by {}", rule.place)),
            _ if matches!(asked.what, What::OAuth(_)) => {
                Decision::unable(CANNOT_SIGN_IN, "as this version cannot sign in")
            }
            Some((rule, Action::Give { from, strip_newline })) => tokio::select! {
                biased;
                reason = gone => Decision::Gone(reason),
                value = self.value(secrets, asked, from) => match value {
                    Ok((value, origin)) => {
                        let value = if *strip_newline { without_newline(value) } else { value };
                        Decision::Give(value, format!("by {} from {origin}", rule.place))
                    }
                    Err(why) => Decision::unable(NO_VALUE, format!("by {}: {why}", rule.place)),
                },
            },
            Some((_, Action::Ask | Action::Authorize)) | None => {
                self.ask(secrets, asked, gone.as_mut(), rule).await
            }
        }
    }

    /// The value of a rule and where it came from; else why there is none, fit to be shown.
    async fn value(
        &self,
        secrets: &SecretsClient<'_>,
        asked: &Asked,
        from: &Origin,
    ) -> Result<(SecretValue, String), String> {
        match from {
            Origin::Source(source) => match source.read(self.context, secrets).await {
                Ok(value) => Ok((value, source.to_string())),
                Err(error) => Err(escape(&Failure::of(&error).message)),
            },
            Origin::Command(command) => {
                // It cannot be closed.
                let _place = self.commands.acquire().await.map_err(|error| error.to_string())?;
                match command.run(asked, &self.context.environment).await {
                    Ok(value) => Ok((value, format!("command {}", command.shown()))),
                    Err(error) => Err(error.to_string()),
                }
            }
        }
    }

    async fn ask(
        &self,
        secrets: &SecretsClient<'_>,
        asked: &Asked,
        gone: Pin<&mut impl Future<Output = String>>,
        rule: Option<&Rule>,
    ) -> Decision {
        match self.prompt.ask(asked, secrets, gone).await {
            Ok(Asking::Answered(Reply::Give(value, origin))) => Decision::Give(value, origin),
            Ok(Asking::Answered(Reply::Reject(reason))) => Decision::reject(&reason, "by you"),
            Ok(Asking::Answered(Reply::Ignore)) => Decision::Ignore,
            Ok(Asking::Gone(reason)) => Decision::Gone(reason),
            Ok(Asking::TakenBack) => Decision::TakenBack,
            Ok(Asking::NobodyThere) => {
                let how = rule.map_or_else(
                    || "no rule matches and nobody can be asked".to_owned(),
                    |rule| format!("{} asks and nobody can be asked", rule.place),
                );
                Decision::unable(NOBODY_THERE, how)
            }
            Err(error) => Decision::unable(NOBODY_THERE, format!("the terminal cannot be read: {error}")),
        }
    }
}

/// Rejects a request, of whichever kind it is.
async fn reject(
    secrets: &SecretsClient<'_>,
    request_id: &RequestId,
    asked: &Asked,
    reason: &str,
) -> Result<(), SecretsError> {
    match asked.what {
        What::Secret { .. } => secrets.reject_secret(request_id, reason).await,
        What::OAuth(_) => secrets.reject_oauth_authorization(request_id, reason).await,
    }
}
