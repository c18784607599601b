//! Several processes that work on one data directory, as commands of local mode do.

use std::sync::Arc;
use std::time::Duration;

use meshagent::room::RoomClient;
use meshagent::secrets::SecretsClient;
use meshagent::server::data_dir::{DataDir, LocalAccess};
use meshagent::server::oauth::TokenEndpointRules;
use meshagent::server::store::{KeySource, SqliteStore};
use meshagent::server::{Server, ServerConfig, ServerKeys, local_token};
use meshagent::wire::secrets::oauth::OAuthClientConfig;
use meshagent::wire::{Identity, RoomName};

use super::*;

/// What a command of local mode has in it.
struct Local {
    _data_dir: DataDir,
    server: Server,
    room: RoomClient,
}

impl Local {
    async fn start(env: &TestEnv) -> Self {
        let LocalAccess::Here(data_dir) = DataDir::open_local(&env.data_dir()).unwrap() else {
            panic!("no server runs there")
        };
        let store = Arc::new(SqliteStore::open(&data_dir, &KeySource::Default).unwrap());
        let keys = ServerKeys::load(store.clone()).await.unwrap();
        let (bob, room) = (Identity::new("bob").unwrap(), RoomName::new("room").unwrap());
        let token = local_token(
            keys.ring().current(),
            bob.clone(),
            room,
            false,
            Duration::from_mins(10),
        )
        .unwrap();
        let config = ServerConfig {
            token_endpoints: TokenEndpointRules {
                allow_insecure: true,
                allow_private: false,
            },
            ..ServerConfig::default()
        };
        let server = Server::new(config, keys, bob, store);
        let stream = Box::new(server.connect_in_memory());
        let url = "ws://localhost/rooms/room".parse().unwrap();
        let room = RoomClient::join_over(stream, &url, &token).await.unwrap();
        Self {
            _data_dir: data_dir,
            server,
            room,
        }
    }

    async fn end(self) {
        self.room.close().await;
        self.server.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_that_two_need_at_once_reaches_the_provider_once() {
    let env = TestEnv::new();
    let held = Held::start("refresh_token");
    let client = held.client();
    let server = serve(&env);
    obtain(&mut join(&server, "agent"), &mut join(&server, "bob"), &client);
    server.stop();

    let (one, other) = tokio::join!(Local::start(&env), Local::start(&env));
    let client: OAuthClientConfig = serde_json::from_value(client).unwrap();
    let (first, second) = (SecretsClient::new(&one.room), SecretsClient::new(&other.room));
    let opened = async {
        // Answered after the calls before them have begun.
        first.list_secrets().await.unwrap();
        second.list_secrets().await.unwrap();
        held.called();
        held.go_on();
    };
    let (first, second, ()) = tokio::join!(
        first.get_offline_oauth_token(&client, None, None),
        second.get_offline_oauth_token(&client, None, None),
        opened,
    );
    for token in [first, second] {
        assert_eq!(token.unwrap().unwrap().expose(), "canary-access-2");
    }
    assert_eq!(held.endpoint.calls().len(), 2);
    one.end().await;
    other.end().await;
}
