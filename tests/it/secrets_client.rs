//! The library's client of the `secrets` toolkit.

use std::time::Duration;

use meshagent::room::RoomError;
use meshagent::secrets::{
    ExistsOptions, GetOptions, RequestOptions, SecretFilter, SecretsClient, SecretsError, SetOptions,
};
use meshagent::wire::{ErrorCode, Identity, SecretId};

use crate::request_library::join;
use crate::support::{TestEnv, TestServer};

fn of_type(secret_type: &str) -> SecretFilter {
    SecretFilter {
        secret_type: Some(secret_type.to_owned()),
        ..SecretFilter::default()
    }
}

#[tokio::test]
async fn find_secret_looks_by_type_name_and_delegate() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let (ada, bob) = (SecretsClient::new(&ada), SecretsClient::new(&bob));
    let to_bob = Identity::new("bob").unwrap();
    for (id, secret_type, name, delegated_to) in [
        ("1", "text/plain", "db", None),
        ("2", "text/plain", "mail", None),
        ("3", "git", "code", Some(to_bob.clone())),
    ] {
        let options = SetOptions {
            secret_type: Some(secret_type.to_owned()),
            name: Some(name.to_owned()),
            delegated_to,
            for_identity: None,
        };
        let id = SecretId::new(id).unwrap();
        let value = name.as_bytes().to_vec().into();
        ada.set_secret(&id, value, options).await.unwrap();
    }
    let found = async |secrets: &SecretsClient, filter| {
        let secret = secrets.find_secret(filter).await?;
        Ok::<_, SecretsError>(secret.map(|secret| (secret.name, secret.secret_type)))
    };
    let several = found(&ada, of_type("text/plain")).await.unwrap_err();
    assert_eq!(several.code(), Some(ErrorCode::Conflict));
    let one = SecretFilter {
        name: Some("mail".to_owned()),
        ..of_type("text/plain")
    };
    let mail = ("mail".to_owned(), "text/plain".to_owned());
    assert_eq!(found(&ada, one.clone()).await.unwrap(), Some(mail));
    assert_eq!(found(&ada, of_type("image/png")).await.unwrap(), None);
    assert_eq!(found(&bob, one).await.unwrap(), None);
    let delegated = SecretFilter {
        delegated_to: Some(to_bob.clone()),
        ..of_type("git")
    };
    let code = ("code".to_owned(), "git".to_owned());
    assert_eq!(found(&bob, delegated).await.unwrap(), Some(code));
}

#[tokio::test]
async fn create_secret_returns_the_id_that_the_server_made() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let room = join(&server, "ada").await;
    let secrets = SecretsClient::new(&room);
    let mut ids = Vec::new();
    for value in ["x", "y"] {
        let stored = secrets.create_secret(value.as_bytes().to_vec().into(), SetOptions::default());
        let id = stored.await.unwrap();
        let secret = secrets
            .get_secret(&id, GetOptions::default())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (secret.value.expose().as_slice(), secret.name),
            (value.as_bytes(), id.to_string())
        );
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_client_works_in_tasks_until_the_connection_is_dropped() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let (id, of_bob) = (SecretId::new("a").unwrap(), bob.participant_id().unwrap());
    let secrets = SecretsClient::new(&ada);
    let (in_task, key) = (secrets.clone(), id.clone());
    let set = tokio::spawn(async move {
        in_task
            .set_secret(&key, b"x".to_vec().into(), SetOptions::default())
            .await
    });
    set.await.unwrap().unwrap();
    assert!(secrets.exists(&id, ExistsOptions::default()).await.unwrap());

    let mut requests = SecretsClient::new(&bob).incoming_requests();
    let waiting = secrets.clone();
    let request = tokio::spawn(async move {
        waiting
            .request_secret(&of_bob, "u", RequestOptions::default())
            .await
    });
    requests.next().await.unwrap();
    drop(ada);
    let ended = tokio::time::timeout(Duration::from_secs(20), request)
        .await
        .expect("the call outlived its connection");
    for error in [
        ended.unwrap().unwrap_err(),
        secrets.exists(&id, ExistsOptions::default()).await.unwrap_err(),
    ] {
        assert!(
            matches!(error, SecretsError::Room(RoomError::Closed(_))),
            "{error:?}"
        );
    }
}
