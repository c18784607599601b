//! Stays in a room and answers until told to stop; joins again when the connection drops.

use std::pin::{Pin, pin};
use std::time::{Duration, Instant};

use futures_util::future::FusedFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::time::{sleep, timeout};

use super::open_requests::{OpenRequest, OpenRequests, TIME_IS_OVER};
use super::request::shown;
use super::responder::{Answering, ONE_WAS_ANSWERED};
use crate::cli::args::room::RoomArgs;
use crate::cli::context::Context;
use crate::cli::error::{CommandError, Failure, Kind, Outcome};
use crate::cli::room::deadline::within;
use crate::cli::room::{JoinedRoom, Target, join_shared};
use crate::cli::ui::text::{escape, escape_name, shell_word};
use crate::room::Backoff;
use crate::secrets::SecretsClient;
use crate::wire::RequestId;
use crate::wire::secrets::request::OAUTH_TOKEN_REQUEST;

/// Time after a request's deadline within which a server should have taken it back. Those of others do
/// not, and this program does it for them.
const GRACE: Duration = Duration::from_secs(2);

/// What whoever asked is told where the request makes no sense.
const UNREADABLE: &str = "the participant does not understand the request";

/// Longest time for a server to say who else is in the room, which this program does not depend on.
const ANNOUNCEMENT: Duration = Duration::from_secs(10);

/// What becomes of the requests that are open when the time of the command is over.
const STOPPED: &str = "left, the time of --for is over";

/// Longest time for what is on its way when the last request was answered, or the time is over.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A connection that lasted so long was a good one: what comes after it starts over.
const GOOD_CONNECTION: Duration = Duration::from_secs(30);

/// Answers the requests of one room, over one connection after the other.
#[derive(Debug)]
pub(super) struct Session<'a> {
    pub(super) context: &'a Context,
    pub(super) room: &'a RoomArgs,
    pub(super) answering: Answering<'a>,
    /// Stop after the first request that was answered.
    pub(super) once: bool,
    /// The URL in the example that is shown.
    pub(super) example_url: &'a str,
}

/// Why a connection is over.
enum Ended {
    /// The one request was answered that was to be.
    Done,
    /// The time is over.
    Stopped,
    /// It broke.
    Lost(String),
}

impl Session<'_> {
    /// Answers until `stop`, or until everything is done. Fails if the room cannot be joined at first, or
    /// never again, and if the one request did not come that was to be answered.
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
                Ended::Lost(reason) => reason,
                Ended::Done => return Ok(Outcome::Done),
                Ended::Stopped => return self.stopped(),
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

    /// The time is over. That is the end, unless a request was to be answered first.
    fn stopped(&self) -> anyhow::Result<Outcome> {
        if self.once {
            return Err(out_of_time("no request was answered"));
        }
        Ok(Outcome::Done)
    }

    async fn join(&self) -> anyhow::Result<JoinedRoom> {
        // Resolved each time: a token that was signed for the last session may be over.
        let target = Target::resolve(self.context, self.room)?;
        within(target.timeout, join_shared(self.context, target)).await
    }

    /// Tries until it works, or fails in a way that will not pass.
    async fn join_again(&self, mut reason: String, backoff: &mut Backoff) -> anyhow::Result<JoinedRoom> {
        let console = self.answering.console();
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

    /// Becomes visible to others, says who this is and how others ask, and what cannot be given.
    async fn introduce(&self, room: &JoinedRoom) {
        match timeout(ANNOUNCEMENT, room.client().participants()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::info!(%error, "others cannot see this participant"),
            Err(_) => tracing::info!("the server does not say who else is here"),
        }
        let me = room.client().participant();
        let name = me.name().unwrap_or("somebody");
        let console = self.answering.console();
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
        self.answering.warn_of_missing(&room.secrets()).await;
    }

    async fn serve(&self, room: &JoinedRoom, mut stop: Pin<&mut impl Future<Output = ()>>) -> Ended {
        let secrets = room.secrets();
        let mut incoming = secrets.incoming_requests();
        let mut introduced = pin!(self.introduce(room).fuse());
        let mut open = OpenRequests::default();
        let mut answers = FuturesUnordered::new();
        let ended = loop {
            tokio::select! {
                request = incoming.next() => match request {
                    Ok(request) => {
                        if let Some(request) = open.accept(request, self.answering.console()) {
                            answers.push(self.answer(&secrets, request));
                        }
                    }
                    Err(reason) => break Ended::Lost(shown(&reason.to_string())),
                },
                Some((request_id, answered)) = answers.next() => {
                    open.close(&request_id);
                    if answered && self.once {
                        break Ended::Done;
                    }
                }
                () = &mut introduced, if !introduced.is_terminated() => {}
                () = stop.as_mut() => break Ended::Stopped,
            }
        };
        match &ended {
            Ended::Lost(reason) => open.withdraw_all(&format!("taken back, {reason}")),
            Ended::Done => open.withdraw_all(ONE_WAS_ANSWERED),
            Ended::Stopped => open.withdraw_all(STOPPED),
        }
        // Who types an answer is still to be told, and what was sent is to be noted.
        let mut answered_last = false;
        let rest = async {
            while let Some((_, answered)) = answers.next().await {
                answered_last |= answered;
            }
        };
        if matches!(ended, Ended::Lost(_)) {
            rest.await;
        } else if timeout(LAST_WORDS, rest).await.is_err() {
            tracing::info!("the server does not say what became of the last answers");
        }
        if answered_last && self.once {
            return Ended::Done;
        }
        ended
    }

    /// Answers one request. True if it was answered.
    async fn answer(&self, secrets: &SecretsClient, request: OpenRequest) -> (RequestId, bool) {
        let OpenRequest {
            id,
            asked,
            taken_back,
        } = request;
        let asked = match asked {
            Ok(asked) => asked,
            Err(message_type) => {
                let rejected = if message_type == OAUTH_TOKEN_REQUEST {
                    secrets.reject_oauth_authorization(&id, UNREADABLE).await
                } else {
                    secrets.reject_secret(&id, UNREADABLE).await
                };
                // It may be over already.
                drop(rejected);
                return (id, false);
            }
        };
        let gone = async {
            let time_is_over = sleep(asked.left() + GRACE);
            tokio::select! {
                Ok(reason) = taken_back => reason,
                () = time_is_over => TIME_IS_OVER.to_owned(),
            }
        };
        let answered = self.answering.answer(secrets, &id, &asked, gone).await;
        (id, answered)
    }
}

/// The time of the command was over before what it was for.
fn out_of_time(what: &str) -> anyhow::Error {
    CommandError::new(Kind::TimedOut, format!("{what} in the time of --for"))
        .hint("allow more time with --for DURATION")
        .into()
}
