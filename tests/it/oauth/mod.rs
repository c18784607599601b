//! OAuth: in the server, and by the commands, which ask and sign in.

mod delegation;
mod endpoint;
mod flags;
mod from_participant;
mod library;
mod own_token;
mod processes;
mod prompt;
mod refresh;
mod request;

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use meshagent::oauth::PkceVerifier;
use meshagent::wire::Content;
use meshagent::wire::secrets::tool;
use serde_json::{Value, json};

use crate::support::{
    Browser, Call, Participant, TestEnv, TestServer, TokenCall, TokenEndpoint, Way, respond,
};

/// Where somebody signs in; nobody goes there in these tests.
const AUTHORIZE: &str = "https://provider.example/authorize";

const REDIRECT: &str = "http://127.0.0.1:7/callback";

/// A server that calls token endpoints on this machine.
fn serve(env: &TestEnv) -> TestServer<'_> {
    TestServer::start_with(env, &["--allow-insecure-token-endpoint", "-vvv"])
}

fn join(server: &TestServer<'_>, identity: &str) -> Participant {
    Participant::join(server.address(), "room", &server.token(identity, "room", false))
}

/// The one who asks and the one who signs in.
fn agent_and_bob(server: &TestServer<'_>) -> (Participant, Participant) {
    (join(server, "agent"), join(server, "bob"))
}

/// The client of these tests at this token endpoint.
fn client(token_endpoint: &str) -> Value {
    json!({
        "client_id": "client", "client_secret": "canary-secret", "authorization_endpoint": AUTHORIZE,
        "token_endpoint": token_endpoint, "no_pkce": false, "scopes": ["read", "write"],
    })
}

/// The input of `request_oauth_token` that asks this participant.
fn asking(client: &Value, participant_id: &str) -> Value {
    json!({
        "connector": null, "oauth": client, "redirect_uri": REDIRECT, "participant_id": participant_id,
        "timeout": 60, "delegate_to": null,
    })
}

fn content(input: &Value) -> Content {
    Content::json(input).unwrap()
}

/// Signs in: answers the request that was pushed with this code. Gives the request.
fn sign_in(participant: &mut Participant, code: &str) -> Value {
    let request = pushed(participant);
    let answer = json!({"request_id": request["request_id"], "code": code, "error": null});
    is_done(&participant.call(tool::PROVIDE_OAUTH, content(&answer)));
    request
}

fn pushed(participant: &mut Participant) -> Value {
    participant.pushed("secrets.request_oauth_token")
}

#[track_caller]
fn is_done(answer: &Content) {
    assert!(matches!(answer, Content::Empty), "{}", error_text(answer));
}

/// The one answer that is due.
fn answer(participant: &mut Participant) -> Content {
    participant.answers(1).into_values().next().unwrap()
}

/// The access token in an answer; none if it says that there is none.
#[track_caller]
fn token(answer: Content) -> Option<String> {
    let text = error_text(&answer);
    let Content::Json(json) = answer else {
        panic!("{text}")
    };
    assert_eq!(json.len(), 1);
    json["access_token"].as_str().map(str::to_owned)
}

fn error_text(answer: &Content) -> String {
    match answer {
        Content::Error { text, code } => format!("{code:?} {text}"),
        Content::Rejected { text } => format!("rejected {text}"),
        other => other.kind().to_owned(),
    }
}

/// The call failed with this code, and says this.
#[track_caller]
fn fails(answer: &Content, code: i64, says: &str) {
    let Content::Error {
        text,
        code: Some(found),
    } = answer
    else {
        panic!("no error but {}", error_text(answer))
    };
    assert_eq!(found.number(), code, "{text}");
    assert!(text.contains(says), "`{text}` does not say `{says}`");
}

fn ok(body: &Value) -> String {
    respond("200 OK", "application/json", &body.to_string())
}

fn refused(error: &str) -> String {
    let body = json!({"error": error, "error_description": "canary-description"});
    respond("400 Bad Request", "application/json", &body.to_string())
}

/// Tokens that carry the call's number, good for so many seconds.
fn numbered(expires_in: u64) -> impl Fn(usize, &TokenCall) -> String + Send + Sync {
    move |number, _| {
        ok(&json!({
            "access_token": format!("canary-access-{number}"), "token_type": "Bearer",
            "refresh_token": format!("canary-refresh-{number}"), "expires_in": expires_in,
        }))
    }
}

/// An endpoint that holds calls of one kind until it is told to go on.
struct Held {
    endpoint: TokenEndpoint,
    called: Receiver<()>,
    go_on: Sender<()>,
}

impl Held {
    /// Holds calls with this grant; what they bring lasts an hour, and what others bring is over at once.
    fn start(grant: &'static str) -> Self {
        let (call, called) = channel();
        let (go_on, gone_on) = channel();
        let gone_on = Mutex::new(gone_on);
        let endpoint = TokenEndpoint::start(move |number, asked| {
            if asked.form["grant_type"] != grant {
                return numbered(0)(number, asked);
            }
            call.send(()).unwrap();
            gone_on.lock().unwrap().recv().unwrap();
            numbered(3600)(number, asked)
        });
        Self {
            endpoint,
            called,
            go_on,
        }
    }

    fn client(&self) -> Value {
        client(&self.endpoint.url())
    }

    /// Waits until it is called.
    fn called(&self) {
        self.called.recv().unwrap();
    }

    fn go_on(&self) {
        self.go_on.send(()).unwrap();
    }
}

/// Asks for a token and has it signed in for by `asked`.
fn obtain(requester: &mut Participant, asked: &mut Participant, client: &Value) -> Option<String> {
    requester.ask(tool::REQUEST_OAUTH, content(&asking(client, &asked.id)));
    sign_in(asked, "canary-code");
    token(answer(requester))
}

fn offline(participant: &mut Participant, client: &Value) -> Content {
    participant.call(
        tool::OFFLINE_OAUTH,
        content(&json!({"connector": null, "oauth": client})),
    )
}

/// The challenge of a verifier that a token call carried.
fn challenge_of(call: &TokenCall) -> String {
    let verifier = PkceVerifier::from_text(call.form["code_verifier"].clone().into());
    verifier.challenge().as_str().to_owned()
}

/// What a command needs that signs in: a server, a provider and a browser.
struct Stage<'a> {
    server: TestServer<'a>,
    endpoint: TokenEndpoint,
    browser: Browser<'a>,
}

impl<'a> Stage<'a> {
    fn new(env: &'a TestEnv) -> Self {
        Self {
            server: serve(env),
            endpoint: TokenEndpoint::start(numbered(3600)),
            browser: Browser::new(env),
        }
    }
}

/// `room secret oauth` for the client `client` at this token endpoint.
fn oauth(way: &Way<'_>, endpoint: &TokenEndpoint, flags: &[&str]) -> Call {
    client_oauth(way, endpoint, &["--client-id", "client"]).args(flags)
}

/// The same for the client that the flags name.
fn client_oauth(way: &Way<'_>, endpoint: &TokenEndpoint, flags: &[&str]) -> Call {
    let url = endpoint.url();
    let endpoints = [
        "oauth",
        "--authorization-endpoint",
        AUTHORIZE,
        "--token-endpoint",
        &url,
    ];
    way.secret(endpoints).args(flags)
}

/// The command opens this browser.
fn opening(browser: &Browser<'_>, call: Call) -> Call {
    call.env("BROWSER", &browser.program)
}
