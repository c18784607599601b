//! What becomes of one request: from the rules, or the person at the terminal, to the answer that is sent.

use std::pin::{Pin, pin};

use tokio::sync::Semaphore;

use super::conversation::Reply;
use super::decision::{Decision, NOT_SIGNED_IN};
use super::oauth_request::OAuthAsked;
use super::prompt::{NotAsked, Prompt, Turn};
use super::request::{Asked, What, shown};
use super::rules::{Action, Origin, Rule, Rules};
use super::sign_in::Signing;
use crate::cli::args::input::without_newline;
use crate::cli::error::Failure;
use crate::cli::sign_in::Pasting;
use crate::cli::ui::terminal::Console;
use crate::cli::ui::text::{escape, escape_name};
use crate::secrets::{SecretsClient, SecretsError};
use crate::sensitive::SecretValue;
use crate::wire::RequestId;

/// What whoever asked is told where nobody could say yes.
const NOBODY_THERE: &str = "the participant has no rule for this, and nobody is there to ask";
/// What whoever asked is told where the value could not be had. Why is not theirs to know.
const NO_VALUE: &str = "the participant could not get the value";

/// What whoever asked for a secret is told where only OAuth requests are asked about.
const OAUTH_ALONE: &str = "the participant answers OAuth requests alone";

/// What becomes of the other requests where one alone is answered.
pub(super) const ONE_WAS_ANSWERED: &str = "left, another request was answered";

/// Commands that run at once; more wait for one to end.
const MAX_COMMANDS: usize = 64;

/// Answers requests.
#[derive(Debug)]
pub(super) struct Answering<'a> {
    signing: Signing<'a>,
    rules: &'a Rules,
    prompt: &'a Prompt<'a>,
    /// The person is asked to sign in, and for nothing else.
    oauth_alone: bool,
    /// Places for commands that run at once.
    commands: Semaphore,
    /// The place of the one answer there is, where there is but one. It is closed once that was given.
    one: Option<Semaphore>,
}

impl<'a> Answering<'a> {
    pub(super) fn new(
        signing: Signing<'a>,
        rules: &'a Rules,
        prompt: &'a Prompt<'a>,
        oauth_alone: bool,
        once: bool,
    ) -> Self {
        Self {
            signing,
            rules,
            prompt,
            oauth_alone,
            commands: Semaphore::new(MAX_COMMANDS),
            one: once.then(|| Semaphore::new(1)),
        }
    }

    /// What is said is said through this.
    pub(super) const fn console(&self) -> &Console {
        self.signing.console
    }

    /// Warns of stored secrets that are to be given and are not there. They may still come.
    pub(super) async fn warn_of_missing(&self, secrets: &SecretsClient) {
        for (place, id) in self.rules.ids() {
            match secrets.exists(id, None, None).await {
                Ok(true) => {}
                Ok(false) => {
                    let missing = format!(
                        "you have no secret `{}` for {place} to give",
                        escape_name(id.as_str())
                    );
                    self.console().note(&self.signing.context.ui.warning(&missing));
                }
                // It is told to whom it matters: where the secret is asked for.
                Err(error) => tracing::info!(%error, "whether a secret is there is not known"),
            }
        }
    }

    /// Answers a request, and says so in a line. `gone` says why nobody waits any more. True
    /// if it was answered on purpose: not where it was rejected for want of an answer.
    pub(super) async fn answer(
        &self,
        secrets: &SecretsClient,
        request_id: &RequestId,
        asked: &Asked,
        gone: impl Future<Output = String>,
    ) -> bool {
        // The turn at the terminal ends when what became of the request was said.
        let (decision, _turn) = self.decide(secrets, asked, pin!(gone)).await;
        // Several may be decided before the first of them is sent, and one alone may be.
        let place = match &self.one {
            Some(one) if decision.is_an_answer() => one.acquire().await.map(Some),
            _ => Ok(None),
        };
        let Ok(_place) = place else {
            self.console().note(&asked.became(ONE_WAS_ANSWERED));
            return false;
        };
        let (outcome, answered) = match decision {
            Decision::Give(value, how) => match secrets.provide_secret(request_id, value).await {
                Ok(()) => (format!("given, {how}"), true),
                Err(error) => {
                    // Nobody waits for nothing: where the value was refused, the request still stands.
                    let _ = secrets.reject_secret(request_id, NO_VALUE).await;
                    (format!("not given: {}", escape(&error.to_string())), false)
                }
            },
            Decision::Authorize(authorized, how) => match authorized.hand_on(secrets, request_id).await {
                Ok(()) => (format!("signed in, {how}"), true),
                Err(error) => {
                    // The server takes no code of this form.
                    let _ = secrets
                        .reject_oauth_authorization(request_id, NOT_SIGNED_IN)
                        .await;
                    (format!("not signed in: {}", escape(&error.to_string())), false)
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
            Decision::Gone(reason) => (shown(&reason), false),
            Decision::TakenBack => return false,
        };
        if answered && let Some(one) = &self.one {
            one.close();
        }
        self.console().note(&asked.became(&outcome));
        answered
    }

    /// Decides what is done, with the turn at the terminal where that was needed.
    async fn decide(
        &self,
        secrets: &SecretsClient,
        asked: &Asked,
        gone: Pin<&mut impl Future<Output = String>>,
    ) -> (Decision<'a>, Option<Turn<'a>>) {
        let rule = self.rules.find(asked);
        let decision = match rule.map(|rule| (rule, &rule.action)) {
            Some((rule, Action::Reject(reason))) => Decision::reject(reason, format!("by {}", rule.place)),
            Some((rule, Action::Authorize)) => match &asked.what {
                What::OAuth(oauth) => return self.sign_in(asked, oauth, gone, &rule.place).await,
                // Rules match what they are for.
                What::Secret { .. } => Decision::unable(NO_VALUE, "no rule matches"),
            },
            None if self.oauth_alone && matches!(asked.what, What::Secret { .. }) => {
                Decision::unable(OAUTH_ALONE, "as --oauth has it")
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
            Some((_, Action::Ask)) | None => return self.ask(secrets, asked, gone, rule).await,
        };
        (decision, None)
    }

    /// The value of a rule and where it came from; else why there is none, fit to be shown.
    async fn value(
        &self,
        secrets: &SecretsClient,
        asked: &Asked,
        from: &Origin,
    ) -> Result<(SecretValue, String), String> {
        match from {
            Origin::Source(source) => match source.read(self.signing.context, secrets).await {
                Ok(value) => Ok((value, source.to_string())),
                Err(error) => Err(escape(&Failure::of(&error).message)),
            },
            Origin::Command(command) => {
                // It cannot be closed.
                let _place = self.commands.acquire().await.map_err(|error| error.to_string())?;
                match command.run(asked, &self.signing.context.environment).await {
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
        asked: &Asked,
        mut gone: Pin<&mut impl Future<Output = String>>,
        rule: Option<&Rule>,
    ) -> (Decision<'a>, Option<Turn<'a>>) {
        // Nobody says yes to what cannot be done.
        if let What::OAuth(oauth) = &asked.what
            && let Err(why) = oauth.wanted()
        {
            let how = format!("as nobody can sign in for it: {why}");
            return (Decision::unable(NOT_SIGNED_IN, how), None);
        }
        let not_asked = |why| {
            let asks = rule.map_or_else(
                || "no rule matches".to_owned(),
                |rule| format!("{} asks", rule.place),
            );
            not_asked(why, NOBODY_THERE, &asks)
        };
        let turn = match self.prompt.turn(gone.as_mut()).await {
            Ok(turn) => turn,
            Err(why) => return (not_asked(why), None),
        };
        let decision = match self.prompt.ask(&turn, asked, secrets, gone).await {
            Ok(Reply::Authorize(authorized)) => Decision::Authorize(authorized, "by you".to_owned()),
            Ok(Reply::Denied(code)) => Decision::denied(&code),
            Ok(Reply::Give(value, origin)) => Decision::Give(value, origin),
            Ok(Reply::Reject(reason)) => Decision::reject(&reason, "by you"),
            Ok(Reply::Ignore) => Decision::Ignore,
            Err(why) => not_asked(why),
        };
        (decision, Some(turn))
    }

    /// Signs in as a rule says. A browser on this machine needs nobody's turn at the terminal.
    async fn sign_in(
        &self,
        asked: &Asked,
        oauth: &OAuthAsked,
        mut gone: Pin<&mut impl Future<Output = String>>,
        place: &str,
    ) -> (Decision<'a>, Option<Turn<'a>>) {
        self.console()
            .note(&asked.begins(&format!("signing in, by {place}")));
        let prepared = match self.signing.prepare(oauth).await {
            Ok(prepared) => prepared,
            Err(error) => return (Decision::unauthorized(error, place), None),
        };
        let mut turn = None;
        let signed_in = if prepared.needs_paste() && self.signing.context.ui.can_ask_beside_stdin() {
            let not_asked = |why| not_asked(why, NOT_SIGNED_IN, &format!("{place} signs in"));
            let turn = match self.prompt.turn(gone.as_mut()).await {
                Ok(its) => turn.insert(its),
                Err(why) => return (not_asked(why), None),
            };
            match self.prompt.sign_in(turn, asked, prepared, gone).await {
                Ok(signed_in) => signed_in,
                Err(why) => return (not_asked(why), None),
            }
        } else {
            tokio::select! {
                biased;
                reason = &mut gone => return (Decision::Gone(reason), None),
                signed_in = prepared.authorize(Pasting::Nobody) => signed_in,
            }
        };
        let decision = match signed_in {
            Ok(authorized) => Decision::Authorize(Box::new(authorized), format!("by {place}")),
            Err(error) => Decision::unauthorized(error, place),
        };
        (decision, turn)
    }
}

/// What is done where the person was not asked, or did not answer. Whoever asked is `told` that; `asks` says what
/// would have them asked.
fn not_asked<'a>(why: NotAsked, told: &str, asks: &str) -> Decision<'a> {
    match why {
        NotAsked::Gone(reason) => Decision::Gone(reason),
        NotAsked::TakenBack => Decision::TakenBack,
        NotAsked::NobodyThere => Decision::unable(told, format!("{asks} and nobody can be asked")),
        NotAsked::Unreadable(error) => {
            Decision::unable(told, format!("{asks} and the terminal cannot be read: {error}"))
        }
    }
}

/// Rejects a request, of whichever kind it is.
async fn reject(
    secrets: &SecretsClient,
    request_id: &RequestId,
    asked: &Asked,
    reason: &str,
) -> Result<(), SecretsError> {
    match asked.what {
        What::Secret { .. } => secrets.reject_secret(request_id, reason).await,
        What::OAuth(_) => secrets.reject_oauth_authorization(request_id, reason).await,
    }
}
