//! Stays in a room and answers until told to stop; joins again when the connection drops.

use std::future::pending;
use std::pin::{Pin, pin};
use std::time::{Duration, Instant};

use futures_util::future::FusedFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::time::{sleep, timeout};

use super::open_requests::{OpenRequest, OpenRequests, TIME_IS_OVER};
use super::request::shown;
use super::responder::{ONE_WAS_ANSWERED, Responder};
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Failure, Kind, Outcome};
use crate::cli::room::deadline::joined_within;
use crate::cli::room::{JoinedRoom, Target, join_shared};
use crate::cli::ui::text::{escape, escape_name, shell_word};
use crate::room::Backoff;
use crate::secrets::SecretsClient;
use crate::wire::RequestId;
use crate::wire::secrets::request::OAUTH_TOKEN_REQUEST;

/// Time after a request's deadline within which the server should have withdrawn it. Other servers may not do so,
/// and this program then does.
const GRACE: Duration = Duration::from_secs(2);

/// The reason that the requester gets for a request that cannot be read.
const UNREADABLE: &str = "the participant does not understand the request";

/// Longest wait for the list of participants, which the program can do without.
const ANNOUNCEMENT: Duration = Duration::from_secs(10);

/// The outcome of the open requests at the end of `--for`.
const STOPPED: &str = "left, the time of --for is over";

/// Longest wait for answers that are being sent when the command ends.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A connection that lasted this long was a good one: the backoff starts over after it.
const GOOD_CONNECTION: Duration = Duration::from_secs(30);

/// Answers the requests of one room, over one connection after the other.
#[derive(Debug)]
pub(super) struct Session<'a> {
    pub(super) context: &'a Context,
    pub(super) room: &'a RoomArgs,
    pub(super) responder: Responder<'a>,
    /// Stop after the first request that was answered.
    pub(super) once: bool,
    /// How long to stay; without it, until told to stop.
    pub(super) stay: Option<Duration>,
    /// The URL in the example that is shown.
    pub(super) example_url: &'a str,
}

/// Why the work over one connection ended.
enum SessionEnd {
    /// Under `--once`, the request was answered.
    Done,
    /// The time of `--for` is over.
    Stopped,
    /// The connection was lost, for this reason.
    Lost(String),
}

impl Session<'_> {
    /// Answers until `stop`, or under `--once` until a request was answered. Fails if the room cannot be joined, and
    /// if `stop` comes before the answer of `--once`.
    pub(super) async fn run(&self, stop: impl Future<Output = ()>) -> anyhow::Result<Outcome> {
        let mut stop = pin!(stop);
        let mut backoff = Backoff::default();
        let mut room = tokio::select! {
            room = self.join() => room?,
            () = stop.as_mut() => return Err(out_of_time("the room could not be joined")),
        };
        loop {
            let joined = Instant::now();
            let ended = self.serve(&room, stop.as_mut()).await;
            room.leave().await;
            let reason = match ended {
                SessionEnd::Lost(reason) => reason,
                SessionEnd::Done => return Ok(Outcome::Done),
                SessionEnd::Stopped => return self.stopped(),
            };
            if joined.elapsed() > GOOD_CONNECTION {
                backoff = Backoff::default();
            }
            let joined_again = self.join_again(reason, &mut backoff);
            room = tokio::select! {
                room = joined_again => room?,
                () = stop.as_mut() => return self.stopped(),
            };
        }
    }

    /// The end of `--for`: a failure under `--once`.
    fn stopped(&self) -> anyhow::Result<Outcome> {
        if self.once {
            return Err(out_of_time("no request was answered"));
        }
        Ok(Outcome::Done)
    }

    async fn join(&self) -> anyhow::Result<JoinedRoom> {
        // The target is resolved each time: a session of the settings file may have been refreshed since.
        let target = Target::resolve(self.context, self.room)?;
        joined_within(
            &self.context.http,
            target.timeout,
            join_shared(self.context, target, self.stay),
        )
        .await
    }

    /// Joins again until it works, or until an error says that trying again is of no use.
    async fn join_again(&self, mut reason: String, backoff: &mut Backoff) -> anyhow::Result<JoinedRoom> {
        let console = self.responder.console();
        loop {
            let pause = backoff.next_delay();
            console.note(&format!(
                "Not in the room any more: {reason}. Joining again in {} s.",
                pause.as_secs_f32()
            ));
            sleep(pause).await;
            match self.join().await {
                Ok(room) => return Ok(room),
                Err(error) => {
                    let failure = Failure::of(&error);
                    if !failure.retryable {
                        return Err(error);
                    }
                    reason = escape(&failure.message);
                }
            }
        }
    }

    /// Becomes visible to others, and shows this participant's name, the command with which others ask, and warnings.
    async fn introduce(&self, room: &JoinedRoom) {
        match timeout(ANNOUNCEMENT, room.client().participants()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::info!(%error, "others cannot see this participant"),
            Err(_) => tracing::info!("the server does not send the list of participants"),
        }
        let me = room.client().participant();
        let name = me.name().unwrap_or("somebody");
        let console = self.responder.console();
        console.note(&format!(
            "In room {} as {}, participant {}. Others ask with:",
            escape_name(room.name.as_str()),
            escape_name(name),
            escape_name(&me.participant_id),
        ));
        let local = if room.is_local { " --local" } else { "" };
        console.note(&format!(
            "  meshagent room secret request --room {}{local} --from-participant-id {} --url {}",
            shell_word(room.name.as_str()),
            shell_word(&me.participant_id),
            shell_word(self.example_url),
        ));
        self.responder.warn_of_missing(&room.secrets()).await;
    }

    async fn serve(&self, room: &JoinedRoom, mut stop: Pin<&mut impl Future<Output = ()>>) -> SessionEnd {
        let secrets = room.secrets();
        let mut incoming = secrets.incoming_requests();
        let mut introduced = pin!(self.introduce(room).fuse());
        let mut renewal = pin!(async {
            match room.renew_after {
                Some(time) => sleep(time).await,
                None => pending().await,
            }
        });
        let mut open = OpenRequests::default();
        let mut answers = FuturesUnordered::new();
        let ended = loop {
            tokio::select! {
                request = incoming.next() => match request {
                    Ok(request) => {
                        if let Some(request) = open.accept(request, self.responder.console()) {
                            answers.push(self.answer(&secrets, request));
                        }
                    }
                    Err(reason) => break SessionEnd::Lost(shown(&reason.to_string())),
                },
                Some((request_id, answered)) = answers.next() => {
                    open.close(&request_id);
                    if answered && self.once {
                        break SessionEnd::Done;
                    }
                }
                // A request that is being answered is finished with this token.
                () = &mut renewal, if answers.is_empty() => {
                    break SessionEnd::Lost("the token is due for renewal".to_owned());
                }
                () = &mut introduced, if !introduced.is_terminated() => {}
                () = stop.as_mut() => break SessionEnd::Stopped,
            }
        };
        match &ended {
            SessionEnd::Lost(reason) => open.withdraw_all(&format!("taken back, {reason}")),
            SessionEnd::Done => open.withdraw_all(ONE_WAS_ANSWERED),
            SessionEnd::Stopped => open.withdraw_all(STOPPED),
        }
        // A person who is typing an answer is still told, and the outcome of what was sent is still shown.
        let mut answered_last = false;
        let rest = async {
            while let Some((_, answered)) = answers.next().await {
                answered_last |= answered;
            }
        };
        if matches!(ended, SessionEnd::Lost(_)) {
            rest.await;
        } else if timeout(LAST_WORDS, rest).await.is_err() {
            tracing::info!("the server does not say what became of the last answers");
        }
        if answered_last && self.once {
            return SessionEnd::Done;
        }
        ended
    }

    /// Answers one request. True if it was answered.
    async fn answer(&self, secrets: &SecretsClient, request: OpenRequest) -> (RequestId, bool) {
        let OpenRequest {
            id,
            received,
            withdrawal,
        } = request;
        let received = match received {
            Ok(received) => received,
            Err(message_type) => {
                let rejected = if message_type == OAUTH_TOKEN_REQUEST {
                    secrets.reject_oauth_authorization(&id, UNREADABLE).await
                } else {
                    secrets.reject_secret(&id, UNREADABLE).await
                };
                // The request may be withdrawn already.
                drop(rejected);
                return (id, false);
            }
        };
        let withdrawn = async {
            let time_is_over = sleep(received.left() + GRACE);
            tokio::select! {
                Ok(reason) = withdrawal => reason,
                () = time_is_over => TIME_IS_OVER.to_owned(),
            }
        };
        let answered = self.responder.answer(secrets, &id, &received, withdrawn).await;
        (id, answered)
    }
}

/// `--for` ended before the purpose of the command.
fn out_of_time(what: &str) -> anyhow::Error {
    CommandError::new(Kind::TimedOut, format!("{what} in the time of --for"))
        .hint("allow more time with --for DURATION")
        .into()
}
