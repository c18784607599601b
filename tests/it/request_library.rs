//! The library on both sides of a request.

use std::time::Duration;

use meshagent::net::HttpClient;
use meshagent::room::{PresenceChange, RoomClient, RoomError};
use meshagent::secrets::{IncomingRequest, IncomingRequests, RequestOptions, SecretsClient, SecretsError};
use meshagent::sensitive::SecretValue;
use meshagent::wire::secrets::request::SecretRequest;
use meshagent::wire::{ErrorCode, Identity, ParticipantId};

use crate::support::{TestEnv, TestServer};

pub(crate) async fn join(server: &TestServer<'_>, identity: &str) -> RoomClient {
    let url = format!("ws://{}/rooms/room", server.address()).parse().unwrap();
    let token = server.token(identity, "room", false).into();
    RoomClient::join(&HttpClient::from_env(), &url, &token)
        .await
        .unwrap()
}

async fn asked(requests: &mut IncomingRequests) -> SecretRequest {
    match requests.next().await.unwrap() {
        IncomingRequest::Secret(request) => request,
        other => panic!("no request for a secret but {other:?}"),
    }
}

fn id_of(room: &RoomClient) -> ParticipantId {
    room.participant_id().unwrap()
}

#[tokio::test]
async fn one_asks_and_the_other_gives_or_does_not() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let (asking, giving) = (SecretsClient::new(&ada), SecretsClient::new(&bob));
    let mut requests = giving.incoming_requests();
    let options = RequestOptions {
        secret_type: Some("text/plain".to_owned()),
        delegate_to: Some(Identity::new("ada").unwrap()),
        timeout: Some(Duration::from_millis(59_500)),
    };
    for value in [b"\0value".to_vec(), Vec::new(), vec![7; 5 << 20]] {
        let give = async {
            let request = asked(&mut requests).await;
            assert_eq!(request.requester.unwrap().name, "ada");
            assert_eq!(request.request.timeout, Some(60));
            let value = SecretValue::new(value.clone());
            giving.provide_secret(&request.request_id, value).await.unwrap();
        };
        let bob = id_of(&bob);
        let (secret, ()) = tokio::join!(asking.request_secret(&bob, "u", options.clone()), give);
        let secret = secret.unwrap();
        assert_eq!(
            (secret.name.as_str(), secret.secret_type.as_str()),
            ("u", "text/plain")
        );
        assert_eq!(secret.value.expose(), &value);
        asking
            .delete_requested_secret("u", Some("text/plain"), None)
            .await
            .unwrap();
    }
    let gone = asking
        .delete_requested_secret("u", Some("text/plain"), None)
        .await;
    assert_eq!(gone.unwrap_err().code(), Some(ErrorCode::NotFound));

    let refuse = async {
        let request = asked(&mut requests).await;
        giving
            .reject_secret(&request.request_id, "not today")
            .await
            .unwrap();
        let twice = giving.reject_secret(&request.request_id, "not today").await;
        assert_eq!(twice.unwrap_err().code(), Some(ErrorCode::NotFound));
    };
    let of_bob = id_of(&bob);
    let (refused, ()) = tokio::join!(
        asking.request_secret(&of_bob, "u", RequestOptions::default()),
        refuse
    );
    let Err(SecretsError::Room(RoomError::Rejected(reason))) = refused else {
        panic!("not rejected: {refused:?}")
    };
    assert_eq!(reason, "the participant rejected the request: not today");
    server.stop();
}

#[tokio::test]
async fn a_request_is_taken_back_when_its_connection_ends() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let (asking, giving) = (SecretsClient::new(&ada), SecretsClient::new(&bob));
    let mut requests = giving.incoming_requests();
    let of_bob = id_of(&bob);
    let request = tokio::select! {
        request = asked(&mut requests) => request,
        answer = asking.request_secret(&of_bob, "u", RequestOptions::default()) => panic!("{answer:?}"),
    };
    drop(ada);
    let IncomingRequest::Withdrawn(withdrawn) = requests.next().await.unwrap() else {
        panic!("not withdrawn")
    };
    assert_eq!(withdrawn.request_id, request.request_id);
    bob.close().await;
    assert!(matches!(requests.next().await, Err(RoomError::Closed(_))));
    server.stop();
}

#[tokio::test]
async fn others_are_known_by_name() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let ada = join(&server, "ada").await;
    let mut seen = ada.participants().await.unwrap();
    assert_eq!(seen.all().count(), 0);
    let (bob, hidden) = (join(&server, "bob").await, join(&server, "carol").await);
    let others = bob.participants().await.unwrap();
    let name = others.get(&id_of(&ada)).and_then(|other| other.name()).unwrap();
    assert_eq!(name, "ada");
    let PresenceChange::Present(came) = seen.changed().await.unwrap() else {
        panic!("nobody came")
    };
    assert_eq!((came.id.clone(), came.name()), (id_of(&bob), Some("bob")));
    let named: Vec<_> = seen.named("bob").map(|other| other.id.clone()).collect();
    assert_eq!(named, [id_of(&bob)]);
    bob.leave_participants().await.unwrap();
    assert_eq!(seen.changed().await.unwrap(), PresenceChange::Left(came));
    assert_eq!(seen.all().count(), 0);
    drop(hidden);
    server.stop();
    let ended = seen.changed().await.unwrap_err();
    assert!(matches!(ended, RoomError::Closed(_)), "{ended}");
}
