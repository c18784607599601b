//! Being signed in: the session is kept fresh, told, used and forgotten.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::{AccountApi, Call, TestEnv, now};

const EXPIRED: i64 = -1;

/// An API that takes each refresh token once, and gives out the next.
fn rotating() -> AccountApi {
    AccountApi::start(|number, form| {
        assert_eq!(form["grant_type"], "refresh_token");
        if form["refresh_token"] != format!("refresh-{}", number - 1) {
            return ("400 Bad Request", json!({"error": "invalid_grant"}));
        }
        let body = json!({
            "access_token": format!("good-{number}"), "refresh_token": format!("refresh-{number}"),
            "token_type": "Bearer", "expires_in": 3600, "scope": "a",
        });
        ("200 OK", body)
    })
}

/// An API at which no sign-in can be prolonged.
fn revoking() -> AccountApi {
    AccountApi::start(|_, _| {
        (
            "400 Bad Request",
            json!({"error": "invalid_grant", "error_description": "canary"}),
        )
    })
}

fn token(api: &AccountApi, env: &TestEnv) -> Call {
    api.call(env, &["auth", "token"])
}

#[test]
fn a_session_is_refreshed_before_its_end_and_stored() {
    for left in [EXPIRED, 0, 200, 298] {
        let (env, api) = (TestEnv::new(), rotating());
        env.sign_in("good-0", left);
        let ran = token(&api, &env).run().succeeds().says_nothing();
        assert_eq!(ran.out(), "good-1\n");
        let session = env.session();
        assert_eq!(session["access_token"], "good-1");
        assert_eq!(session["refresh_token"], "refresh-1");
        assert_eq!(
            (&session["scope"], &session["id_token"]),
            (&json!("a"), &json!("id"))
        );
        assert!(session["expires_at"].as_u64().unwrap() > now() + 3000);
        // What is not ours stays.
        assert_eq!(
            (&session["custom"], &env.settings()["theme"]),
            (&json!(1), &json!("dark"))
        );
        // It is good now.
        assert_eq!(token(&api, &env).run().succeeds().out(), "good-1\n");
        assert_eq!(api.token_calls().len(), 1);
    }
}

#[test]
fn a_session_with_time_left_is_used_as_it_is() {
    let (env, api) = (TestEnv::new(), rotating());
    env.sign_in("good-0", 360);
    assert_eq!(token(&api, &env).run().succeeds().out(), "good-0\n");
    // So is one that does not say when it ends.
    let mut settings = env.settings();
    settings["users"]["u1"]["session"]["expires_at"] = json!(null);
    env.write_settings(&settings);
    assert_eq!(token(&api, &env).run().succeeds().out(), "good-0\n");
    assert!(api.token_calls().is_empty());
}

#[test]
fn processes_that_refresh_at_once_refresh_once() {
    let (env, api) = (TestEnv::new(), rotating());
    env.sign_in("good-0", EXPIRED);
    let children: Vec<_> = (0..4).map(|_| token(&api, &env).spawn()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(output.stdout, b"good-1\n");
    }
    assert_eq!(api.token_calls().len(), 1);
    assert_eq!(env.session()["refresh_token"], "refresh-1");
}

#[test]
fn commands_refresh_what_they_use() {
    let (env, api) = (TestEnv::new(), rotating());
    env.sign_in("good-0", EXPIRED);
    let arguments = ["room", "secret", "list", "--room", "room"];
    // The room is closed to everybody; what matters is the token that it was asked with.
    api.call(&env, &arguments).run().refuses(4);
    let asked = api.requests("POST /accounts/projects/p1/rooms/room/connect ");
    assert_eq!(asked.len(), 1);
    assert!(asked[0].to_lowercase().contains("bearer good-1"), "{}", asked[0]);
}

#[test]
fn a_token_that_is_refused_before_its_time_is_renewed_once() {
    // The clock was wrong at the sign-in: by the file it is good for a year.
    let (env, api) = (TestEnv::new(), rotating());
    env.sign_in("over-0", 365 * 24 * 3600);
    let list = api.call(&env, &["project", "list"]).run().succeeds();
    assert_eq!(list.json()[0]["id"], "p1");
    assert_eq!(api.token_calls().len(), 1);
    assert_eq!(env.session()["access_token"], "good-1");
    // The same where a room is asked for.
    let (env, api) = (TestEnv::new(), rotating());
    env.sign_in("over-0", 365 * 24 * 3600);
    let arguments = ["room", "secret", "list", "--room", "room"];
    api.call(&env, &arguments).run().refuses(4);
    assert_eq!(api.requests("POST /accounts/").len(), 2);
    // A fresh one that is refused too is the end of it.
    let (env, api) = (
        TestEnv::new(),
        AccountApi::start(|_, _| ("200 OK", json!({"access_token": "over-1"}))),
    );
    env.sign_in("over-0", 3600);
    let ran = api.call(&env, &["project", "list"]).run().refuses(4);
    assert!(ran.err().contains("meshagent auth login"), "{}", ran.err());
    assert_eq!(api.token_calls().len(), 1);
}

#[test]
fn a_sign_in_that_was_revoked() {
    let (env, api) = (TestEnv::new(), revoking());
    env.sign_in("good-0", EXPIRED);
    let before = env.settings();
    for arguments in [&["auth", "token"][..], &["project", "list"]] {
        let ran = api.call(&env, arguments).run().refuses(4);
        let ran = ran.says("error: your sign-in is over\nhint: sign in again with `meshagent auth login`\n");
        assert!(!ran.err().contains("canary"));
    }
    assert_eq!(env.settings(), before);
    // While it is good, it is used.
    env.sign_in("good-0", 100);
    assert_eq!(token(&api, &env).run().succeeds().out(), "good-0\n");
}

#[test]
fn a_sign_in_that_cannot_be_refreshed() {
    let (env, api) = (TestEnv::new(), rotating());
    env.sign_in("good-0", EXPIRED);
    let mut settings = env.settings();
    settings["users"]["u1"]["session"]["refresh_token"] = json!(null);
    env.write_settings(&settings);
    token(&api, &env).run().refuses(4).says("your sign-in is over");
    assert!(api.token_calls().is_empty());
}

#[test]
fn a_refresh_token_goes_to_its_own_api_alone() {
    let (env, home, other) = (TestEnv::new(), rotating(), rotating());
    env.sign_in("good-0", EXPIRED);
    let mut settings = env.settings();
    settings["users"]["u1"]["api_url"] = json!(home.url());
    env.write_settings(&settings);
    token(&other, &env).run().refuses(4).says("your sign-in is over");
    assert!(other.requests("").is_empty());
    let ran = env.call(["auth", "token"]).run().succeeds();
    assert_eq!(ran.out(), "good-1\n");
    assert_eq!(home.token_calls().len(), 1);
}

#[test]
fn nobody_is_signed_in() {
    let (env, api) = (TestEnv::new(), rotating());
    for arguments in [
        &["auth", "token"][..],
        &["project", "list"],
        &["project", "activate", "p1"],
    ] {
        let ran = api.call(&env, arguments).run().refuses(4);
        ran.says("not signed in").says("meshagent auth login");
    }
    let ran = api.call(&env, &["auth", "status"]).run().ends_with(4);
    assert_eq!(ran.json()["signed_in"], json!(false));
    let ran = api.call(&env, &["auth", "logout"]).run().succeeds();
    ran.says("You were not signed in.");
    assert!(!env.settings_path().exists());
}

#[test]
fn signing_out_forgets_the_session_alone() {
    let (env, api) = (TestEnv::new(), rotating());
    env.sign_in("good-0", 3600);
    let ran = api.call(&env, &["auth", "logout"]).env("MESHAGENT_TOKEN", "t");
    ran.run()
        .succeeds()
        .says("Signed out")
        .says("MESHAGENT_TOKEN is still set");
    let settings = env.settings();
    let user = &settings["users"]["u1"];
    assert_eq!(
        (&user["session"], &user["project"]["active_project"]),
        (&json!(null), &json!("p1"))
    );
    let text = fs::read_to_string(env.settings_path()).unwrap();
    assert!(!text.contains("good-0") && !text.contains("refresh-0"));
    token(&api, &env).run().refuses(4);
}

#[test]
fn the_status_says_what_is_from_where() {
    let (env, api) = (TestEnv::new(), rotating());
    env.sign_in("good-0", 3600);
    let status = |call: Call| call.run().succeeds().says_nothing().json();
    let found = status(api.call(&env, &["auth", "status"]));
    assert_eq!(found["signed_in"], json!(true));
    assert_eq!(found["user"]["email"], "ada@example.com");
    assert_eq!(
        found["credential"],
        json!({"kind": "session", "from": "settings.json"})
    );
    assert_eq!(
        found["api_url"],
        json!({"value": api.url(), "from": "MESHAGENT_API_URL"})
    );
    assert_eq!(
        found["project_id"],
        json!({"value": "p1", "from": "settings.json"})
    );
    assert_eq!(found["session"]["can_be_refreshed"], json!(true));
    let until = found["session"]["expires_at"].as_str().unwrap();
    assert!(until.ends_with('Z') && until.len() == 20, "{until}");
    let call = env.call(["auth", "status", "--api-url", "https://flag.test"]);
    let call = call
        .env("MESHAGENT_TOKEN", "canary")
        .env("MESHAGENT_ROOM", "r")
        .env("MESHAGENT_PROJECT_ID", "p9");
    let found = status(call);
    assert_eq!(
        found["credential"],
        json!({"kind": "token", "from": "MESHAGENT_TOKEN"})
    );
    assert_eq!(
        found["api_url"],
        json!({"value": "https://flag.test", "from": "--api-url"})
    );
    assert_eq!(found["room"], json!({"value": "r", "from": "MESHAGENT_ROOM"}));
    assert_eq!(found["project_id"]["from"], "MESHAGENT_PROJECT_ID");
    let found = status(env.call(["auth", "status"]).env("MESHAGENT_LOCAL", "1"));
    assert_eq!(found["local"]["from"], "MESHAGENT_LOCAL");
    // As a table, and without a credential in any form.
    let call = api.call(&env, &["auth", "status", "--output", "table"]);
    let ran = call.run().succeeds();
    assert!(ran.out().contains("ada@example.com"), "{}", ran.out());
    assert!(!ran.out().contains("good-0") && !ran.out().contains("refresh-0"));
    assert!(api.requests("").is_empty(), "nobody was asked");
}

#[test]
fn projects_are_listed_and_one_is_chosen() {
    let (env, api) = (TestEnv::new(), rotating());
    env.sign_in("good-0", 3600);
    let list = api.call(&env, &["project", "list"]).run().succeeds().json();
    assert_eq!(
        list,
        json!([{"id": "p1", "name": "One", "active": true}, {"id": "p2", "name": "Two", "active": false}])
    );
    for (wanted, id) in [("p2", "p2"), ("One", "p1")] {
        let call = api.call(&env, &["project", "activate", wanted]);
        call.run().succeeds().says(&format!("Project {id} "));
        assert_eq!(env.settings()["users"]["u1"]["project"]["active_project"], id);
    }
    let call = api.call(&env, &["project", "activate", "p2"]);
    call.env("MESHAGENT_PROJECT_ID", "p1")
        .run()
        .succeeds()
        .says("goes before it");
    api.call(&env, &["project", "activate", "nothing\u{1b}"])
        .run()
        .refuses(3)
        .says("`nothing\\u{1b}`");
    assert_eq!(env.settings()["users"]["u1"]["project"]["active_project"], "p2");
}

#[test]
fn a_settings_file_that_others_can_read_is_noticed() {
    let (env, api) = (TestEnv::new(), rotating());
    env.sign_in("good-0", 3600);
    for mode in [0o640, 0o604] {
        fs::set_permissions(env.settings_path(), fs::Permissions::from_mode(mode)).unwrap();
        for arguments in [&["auth", "status"][..], &["project", "list"]] {
            let ran = api.call(&env, arguments).run().succeeds();
            ran.says("warning: others can read ").says("chmod 600 ");
        }
        let ran = api.call(&env, &["room", "secret", "list", "--room", "r"]).run();
        ran.ends_with(4).says("warning: others can read ");
    }
    // Whatever writes it closes it.
    api.call(&env, &["project", "activate", "p2"]).run().succeeds();
    let mode = fs::metadata(env.settings_path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn an_api_that_is_none() {
    let env = TestEnv::new();
    env.sign_in("good-0", 3600);
    let html = crate::support::respond("200 OK", "text/html", "<html>canary</html>");
    let server = crate::support::FakeServer::answering(html);
    let ran = env
        .call(["project", "list", "--api-url", &server.url()])
        .run()
        .refuses(7);
    assert!(!ran.err().contains("canary"));
    env.sign_in("good-0", EXPIRED);
    let ran = env.call(["auth", "token", "--api-url", &server.url()]).run();
    assert!(!ran.refuses(1).err().contains("canary"));
    let call = env.call(["auth", "token", "--api-url", "http://127.0.0.1:1"]);
    call.run().refuses(7);
    let call = env.call(["auth", "token", "--api-url", "http://host.test"]);
    call.run().refuses(2).says("not encrypted");
}
