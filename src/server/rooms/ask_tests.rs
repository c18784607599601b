use std::future::pending;
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::Value;
use tokio::sync::oneshot;

use super::*;
use crate::sensitive::SecretValue;
use crate::server::caller::Caller;
use crate::server::caller::TokenOrigin;
use crate::server::config::Limits;
use crate::server::rooms::{Presence, Rooms};
use crate::token::{ApiScope, Role};
use crate::wire::room::Accepts;
use crate::wire::{Identity, RoomName};

const KIND: &str = "secrets.request_secret";

/// A participant that can be asked, until this is dropped.
fn participant() -> Presence {
    let caller = Caller {
        identity: Identity::new("bob").unwrap(),
        role: Role::User,
        api: ApiScope::participant(),
        token: TokenOrigin {
            api_key_id: uuid::Uuid::nil(),
            token_id: None,
            issued_at: None,
        },
        expires_at: None,
    };
    let room = RoomName::new("r").unwrap();
    Rooms::default().enter(room, &caller, Accepts::ALL, &Limits::default())
}

/// The identity that asks.
fn ada() -> Identity {
    Identity::new("ada").unwrap()
}

fn new_request(timeout: Duration) -> NewRequest<impl FnOnce(RequestId) -> Value> {
    NewRequest {
        message_type: KIND,
        header: |id| serde_json::json!({ "request_id": id }),
        keep_as: None,
        timeout,
    }
}

/// The id of the request that is pushed to the participant next.
fn asked(member: &Member) -> RequestId {
    let message = member.outbox.next().now_or_never().unwrap();
    let (header, _): (Value, _) = message.read().unwrap();
    RequestId::new(header["request_id"].as_str().unwrap()).unwrap()
}

fn provided(reply: Result<Reply, RequestError>) -> SecretValue {
    match reply {
        Ok(Reply::Provided(value)) => value,
        other => panic!("nothing provided but {other:?}"),
    }
}

const LONG: Duration = Duration::from_hours(1);

/// A reply takes the request first, and its value is stored then. If the time is over or the requester leaves
/// in between, it is kept all the same, and the participant is not told that the request was withdrawn.
#[tokio::test]
async fn a_request_that_is_being_replied_to_is_not_withdrawn() {
    for (timeout, leaves) in [(Duration::from_millis(1), false), (LONG, true)] {
        let bob = participant();
        let member = Arc::clone(&bob.member);
        let (connected, left) = oneshot::channel::<()>();
        let requester_left = left.map(|_| ());
        let ada = ada();
        let mut reply = pin!(ask(&member, &ada, new_request(timeout), requester_left));
        assert!((&mut reply).now_or_never().is_none());
        let taken = member.pending.take(&asked(&member), KIND).unwrap();
        let _connected = (!leaves).then_some(connected);
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert!((&mut reply).now_or_never().is_none());
        taken.reply(Reply::Provided(b"value".to_vec().into()));
        assert_eq!(provided(reply.await).expose(), b"value");
        assert!(member.outbox.is_empty());
    }
}

#[tokio::test]
async fn a_request_that_was_not_pushed_yet_is_withdrawn_without_a_message() {
    let bob = participant();
    let timed_out = ask(
        &bob.member,
        &ada(),
        new_request(Duration::from_millis(1)),
        pending(),
    )
    .await;
    assert_eq!(timed_out.unwrap_err(), RequestError::TimedOut);
    assert!(bob.member.outbox.is_empty());
}

#[tokio::test]
async fn dropping_the_future_withdraws_the_request() {
    let bob = participant();
    {
        let ada = ada();
        let mut reply = pin!(ask(&bob.member, &ada, new_request(LONG), pending()));
        assert!((&mut reply).now_or_never().is_none());
        asked(&bob.member);
    }
    let message = bob.member.outbox.next().now_or_never().unwrap();
    assert_eq!(message.kind, REQUEST_WITHDRAWN);
}
