//! The vendor's API, as far as an account goes: sign-in, tokens, profile and projects.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Call, FakeServer, TestEnv, read_request, respond};

/// A form that the token endpoint was sent.
pub(crate) type Form = BTreeMap<String, String>;

/// An API whose token endpoint is scripted by the test. It accepts access tokens that start with `good`.
pub(crate) struct AccountApi {
    server: FakeServer,
    requests: Arc<Mutex<Vec<String>>>,
}

impl AccountApi {
    /// `token` makes the status and the body of a token answer; it gets the call's number, from 1, too.
    pub(crate) fn start(
        token: impl Fn(usize, &Form) -> (&'static str, Value) + Send + Sync + 'static,
    ) -> Self {
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let record = Arc::clone(&requests);
        let server = FakeServer::start(move |_, mut stream| {
            let request = read_request(&mut stream);
            let number = {
                let mut requests = record.lock().unwrap();
                requests.push(request.clone());
                requests.iter().filter(|request| is_token_call(request)).count()
            };
            let (status, body) = if is_token_call(&request) {
                token(number, &form(&request))
            } else {
                answer(&request)
            };
            // Whoever asked may be gone.
            let _ = stream.write_all(respond(status, "application/json", &body.to_string()).as_bytes());
        });
        Self { server, requests }
    }

    /// One that gives out `good-1`, `good-2` and so on, for whatever it is sent.
    pub(crate) fn generous() -> Self {
        Self::start(|number, _| {
            let body = json!({
                "access_token": format!("good-{number}"), "refresh_token": format!("refresh-{number}"),
                "token_type": "Bearer", "expires_in": 3600,
            });
            ("200 OK", body)
        })
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// The requests so far that start with this.
    pub(crate) fn requests(&self, start: &str) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let found = requests.iter().filter(|request| request.starts_with(start));
        found.cloned().collect()
    }

    /// The forms that the token endpoint was sent.
    pub(crate) fn token_calls(&self) -> Vec<Form> {
        let calls = self.requests("POST /oauth/token ");
        calls.iter().map(|request| form(request)).collect()
    }

    /// `meshagent` with these arguments, for this API.
    pub(crate) fn call(&self, env: &TestEnv, arguments: &[&str]) -> Call {
        env.call(arguments).env("MESHAGENT_API_URL", self.url())
    }
}

fn is_token_call(request: &str) -> bool {
    request.starts_with("POST /oauth/token ")
}

fn form(request: &str) -> Form {
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

fn answer(request: &str) -> (&'static str, Value) {
    let authorized = request
        .lines()
        .any(|line| line.to_lowercase().starts_with("authorization: bearer good"));
    if !authorized {
        return ("401 Unauthorized", json!({"error": "canary"}));
    }
    match request.split(' ').nth(1) {
        Some("/accounts/profiles/me") => (
            "200 OK",
            json!({"id": "u1", "first_name": "Ada", "last_name": "L.", "email": "ada@example.com"}),
        ),
        Some("/accounts/projects") => (
            "200 OK",
            json!({"projects": [{"id": "p1", "name": "One"}, {"id": "p2", "name": "Two"}]}),
        ),
        // Who may ask is refused here: a test of the account needs no room.
        Some(path) if path.ends_with("/connect") => ("403 Forbidden", json!({})),
        _ => ("404 Not Found", json!({})),
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

impl TestEnv {
    pub(crate) fn settings_path(&self) -> PathBuf {
        self.root().join("home/.meshagent/settings.json")
    }

    pub(crate) fn settings(&self) -> Value {
        serde_json::from_slice(&fs::read(self.settings_path()).unwrap()).unwrap()
    }

    /// The session of the user `u1`.
    pub(crate) fn session(&self) -> Value {
        self.settings()["users"]["u1"]["session"].clone()
    }

    pub(crate) fn write_settings(&self, settings: &Value) {
        let path = self.settings_path();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, settings.to_string()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The user `u1` is signed in, with this access token and this many seconds left.
    pub(crate) fn sign_in(&self, access_token: &str, seconds_left: i64) {
        let expires_at = i64::try_from(now()).unwrap() + seconds_left;
        self.write_settings(&json!({
            "active_user_id": "u1", "theme": "dark",
            "users": {"u1": {
                "profile": {"id": "u1", "email": "ada@example.com"}, "api_url": null,
                "session": {"access_token": access_token, "refresh_token": "refresh-0", "id_token": "id",
                    "expires_at": expires_at, "token_type": "Bearer", "scope": "a b", "custom": 1},
                "project": {"active_project": "p1"},
            }},
        }));
    }
}
