use std::future::pending;
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::Value;
use tokio::sync::oneshot;

use super::*;
use crate::sensitive::SecretValue;
use crate::server::caller::Caller;
use crate::server::config::Limits;
use crate::server::rooms::{Presence, Rooms};
use crate::token::{ApiScope, Role};
use crate::wire::{Identity, RoomName};

const KIND: &str = "secrets.request_secret";

/// A participant that can be asked, until this is dropped.
fn participant() -> Presence {
    let caller = Caller {
        identity: Identity::new("bob").unwrap(),
        role: Role::User,
        api: ApiScope::participant(),
        expires_at: None,
    };
    Rooms::default().enter(RoomName::new("r").unwrap(), &caller, &Limits::default())
}

fn question(timeout: Duration) -> Question<impl FnOnce(RequestId) -> Value> {
    Question {
        message_type: KIND,
        header: |id| serde_json::json!({ "request_id": id }),
        keep_as: None,
        timeout,
    }
}

/// The request that goes out to the participant now.
fn asked(member: &Member) -> RequestId {
    let message = member.outbox.next().now_or_never().unwrap();
    let (header, _): (Value, _) = message.read().unwrap();
    RequestId::new(header["request_id"].as_str().unwrap()).unwrap()
}

fn provided(answer: Result<Answer, Unanswered>) -> SecretValue {
    match answer {
        Ok(Answer::Provided(value)) => value,
        other => panic!("nothing provided but {other:?}"),
    }
}

const LONG: Duration = Duration::from_hours(1);

/// An answer is taken first and stored then. If the time is over or the requester leaves in between, it is
/// an answer still: it is kept, and nobody is told that it was not wanted.
#[tokio::test]
async fn what_is_being_answered_is_not_taken_back() {
    for (timeout, leaves) in [(Duration::from_millis(1), false), (LONG, true)] {
        let bob = participant();
        let member = Arc::clone(&bob.member);
        let (here, left) = oneshot::channel::<()>();
        let gone = left.map(|_| ());
        let mut answer = pin!(ask(&member, question(timeout), gone));
        assert!((&mut answer).now_or_never().is_none());
        let taken = member.pending.take(&asked(&member), KIND).unwrap();
        let _here = (!leaves).then_some(here);
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert!((&mut answer).now_or_never().is_none());
        taken.answer(Answer::Provided(b"value".to_vec().into()));
        assert_eq!(provided(answer.await).expose(), b"value");
        assert!(member.outbox.is_empty());
    }
}

#[tokio::test]
async fn a_request_that_did_not_go_out_is_taken_back_in_silence() {
    let bob = participant();
    let timed_out = ask(&bob.member, question(Duration::from_millis(1)), pending()).await;
    assert_eq!(timed_out.unwrap_err(), Unanswered::TimedOut);
    assert!(bob.member.outbox.is_empty());
}

#[tokio::test]
async fn whoever_stops_waiting_takes_the_request_back() {
    let bob = participant();
    {
        let mut answer = pin!(ask(&bob.member, question(LONG), pending()));
        assert!((&mut answer).now_or_never().is_none());
        asked(&bob.member);
    }
    let message = bob.member.outbox.next().now_or_never().unwrap();
    assert_eq!(message.kind, REQUEST_WITHDRAWN);
}
