//! `provide` whose participant token expires.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use meshagent::token::{ApiKey, ParticipantToken};
use meshagent::wire::secrets::request::SECRET_REQUEST;
use meshagent::wire::secrets::tool;
use meshagent::wire::{Message, RoomName};
use serde_json::json;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use uuid::Uuid;

use crate::support::{
    FakeServer, Provider, TestEnv, Way, answer_calls, greet, now, read_request, respond, send,
    take_participant,
};

/// The longest that something is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn it_joins_again_with_a_new_token_when_its_session_expires() {
    let env = TestEnv::new();
    let (joined, tokens) = channel();
    let joined = Mutex::new(joined);
    let server = FakeServer::start(move |number, stream| {
        let (token, mut socket) = take_participant(stream).unwrap();
        joined.lock().unwrap().send(token).unwrap();
        greet(&mut socket);
        if number == 1 {
            let frame = CloseFrame {
                code: CloseCode::Policy,
                reason: "the token has expired".into(),
            };
            socket.close(Some(frame)).unwrap();
        }
        answer_calls(&mut socket, |_, _| {});
    });
    let key = ApiKey::generate(Uuid::new_v4()).unwrap();
    let variables = [
        ("MESHAGENT_API_URL", server.url()),
        ("MESHAGENT_API_KEY", key.text().expose().clone()),
        ("MESHAGENT_SERVER_OWNER", "alice".to_owned()),
    ];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let provider = Provider::start(&Way::new(&env, &variables, &["--room", "room"]), &[]);
    let room = RoomName::new("room").unwrap();
    let next = || {
        let token = tokens.recv_timeout(PATIENCE).unwrap();
        ParticipantToken::verify_for_room(&token, &key, now(), &room).unwrap()
    };
    let (first, second) = (next(), next());
    assert_ne!(first.token_id, second.token_id);
    for token in [first, second] {
        assert_eq!(token.identity.as_str(), "alice");
        assert!(token.expires_at.unwrap() <= now() + 24 * 60 * 60);
    }
    let said = provider.stop();
    assert!(
        said.iter().any(|line| line.contains("the token has expired")),
        "{said:?}"
    );
}

/// What happens at a server, in its order.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    Joined,
    Provided,
}

/// The token of the connect call has a few seconds. It is due for renewal while a request is answered, which takes longer.
#[test]
fn it_joins_again_before_its_token_expires_and_when_no_request_waits() {
    let env = TestEnv::new();
    let (happened, events) = channel();
    let happened = Mutex::new(happened);
    let server = FakeServer::start(move |number, mut stream| {
        let tell = |event| happened.lock().unwrap().send(event).unwrap();
        if number % 2 == 1 {
            read_request(&mut stream);
            let claims = URL_SAFE_NO_PAD.encode(json!({"exp": now() + 3}).to_string());
            let connection =
                json!({"jwt": format!("a.{claims}.c"), "room_name": "room", "project_id": "project"});
            let answer = respond("200 OK", "application/json", &connection.to_string());
            std::io::Write::write_all(&mut stream, answer.as_bytes()).unwrap();
            return;
        }
        let (_, mut socket) = take_participant(stream).unwrap();
        tell(Event::Joined);
        greet(&mut socket);
        answer_calls(&mut socket, |socket, called| {
            if called == tool::PROVIDE {
                tell(Event::Provided);
            } else if number == 2 {
                let request = json!({
                    "request_id": "r",
                    "request": {"url": "slow", "participant_id": "p", "timeout": 60},
                });
                send(
                    socket,
                    &Message::new(4, SECRET_REQUEST, &request, Vec::new().into()).unwrap(),
                );
            }
        });
    });
    env.write(
        "rules.toml",
        "[[rule]]\nurl = \"slow\"\ncommand = [\"sh\", \"-c\", \"sleep 3; echo x\"]\n",
    );
    let way = server.connecting(&env);
    let provider = Provider::start(&way, &["--rules", "rules.toml"]);
    for expected in [Event::Joined, Event::Provided, Event::Joined] {
        assert_eq!(events.recv_timeout(PATIENCE).unwrap(), expected);
    }
    let said = provider.stop();
    assert!(
        said.iter()
            .any(|line| line.contains("the token is due for renewal")),
        "{said:?}"
    );
}
