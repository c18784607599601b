//! Both sides by the library.

use meshagent::room::RoomError;
use meshagent::secrets::{IncomingRequest, OAuthTokenOptions, SecretsClient, SecretsError};
use meshagent::wire::secrets::oauth::OAuthClientConfig;
use meshagent::wire::secrets::request::OAuthTokenRequest;
use meshagent::wire::{ErrorCode, Identity, ParticipantId};

use super::*;
use crate::request_library::join as join_by_library;

#[tokio::test]
async fn a_token_is_asked_for_signed_in_for_and_read_offline() {
    let env = TestEnv::new();
    let server = serve(&env);
    let endpoint = TokenEndpoint::start(numbered(3600));
    let client: OAuthClientConfig = serde_json::from_value(client(&endpoint.url())).unwrap();
    let agent = join_by_library(&server, "agent").await;
    let bob = join_by_library(&server, "bob").await;
    let (asks, answers) = (SecretsClient::new(&agent), SecretsClient::new(&bob));
    let mut incoming = answers.incoming_requests();
    let id = ParticipantId::new(bob.participant().participant_id.clone()).unwrap();
    let offline = asks.get_offline_oauth_token(&client, None, None).await;
    assert!(offline.unwrap().is_none());

    let answering = async {
        let request: OAuthTokenRequest = next(&mut incoming).await;
        answers
            .reject_oauth_authorization(&request.request_id, "access_denied")
            .await
            .unwrap();
    };
    let asking = asks.request_oauth_token(&id, &client, OAuthTokenOptions::default());
    let (token, ()) = tokio::join!(asking, answering);
    let Err(SecretsError::Room(RoomError::Rejected(text))) = token else {
        panic!("not rejected")
    };
    assert!(text.ends_with(": access_denied"), "{text}");

    let answering = async {
        let request: OAuthTokenRequest = next(&mut incoming).await;
        let requester = request.requester.unwrap();
        assert_eq!(requester.name, "agent");
        assert_eq!(request.request.redirect_uri, None);
        let used = Some("http://127.0.0.1:9/cb".to_owned());
        let code = "canary-code".to_owned().into();
        let provided = answers.provide_oauth_authorization(&request.request_id, code, used);
        provided.await.unwrap();
        let again = answers.reject_oauth_authorization(&request.request_id, "").await;
        assert_eq!(again.unwrap_err().code(), Some(ErrorCode::NotFound));
    };
    let asking = asks.request_oauth_token(&id, &client, OAuthTokenOptions::default());
    let (token, ()) = tokio::join!(asking, answering);
    assert_eq!(token.unwrap().expose(), "canary-access-1");
    assert_eq!(endpoint.calls()[0].form["redirect_uri"], "http://127.0.0.1:9/cb");

    let [to, by] = ["agent", "bob"].map(|name| Identity::new(name).unwrap());
    let offline = asks.get_offline_oauth_token(&client, Some(&to), Some(&by)).await;
    assert_eq!(offline.unwrap().unwrap().expose(), "canary-access-1");
    agent.close().await;
    bob.close().await;
}

async fn next(incoming: &mut meshagent::secrets::IncomingRequests) -> OAuthTokenRequest {
    match incoming.next().await.unwrap() {
        IncomingRequest::OAuth(request) => request,
        other => panic!("no OAuth request but {other:?}"),
    }
}
