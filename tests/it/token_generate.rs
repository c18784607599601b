//! Participant tokens: what the command makes, and what the server takes.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{FakeServer, TestEnv, TestServer, read_request, request, respond, upgrade};

/// A token of any header and claims, signed with any key.
pub(crate) fn forge(header: &Value, claims: &Value, key: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// What a token claims.
pub(crate) fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// The grants of a token by name.
fn grants(token: &str) -> BTreeMap<String, Value> {
    let claims = claims(token);
    let grants = claims["grants"].as_array().unwrap().iter();
    grants
        .map(|grant| (grant["name"].as_str().unwrap().to_owned(), grant["scope"].clone()))
        .collect()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The secret in an API key.
pub(crate) fn signing_key(api_key: &str) -> Vec<u8> {
    api_key.splitn(4, '-').nth(3).unwrap().as_bytes().to_vec()
}

#[test]
fn tokens_that_are_not_good_are_refused() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let key = signing_key(&server.api_key());
    let hs256 = json!({"alg": "HS256", "typ": "JWT"});
    let good = claims(&server.token("bob", "room", false));
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let stranger = "11111111-2222-4333-8444-555555555555";
    let unsigned = forge(&json!({"alg": "none"}), &good, &key);
    let (unsigned, _) = unsigned.rsplit_once('.').unwrap();
    let refused = [
        ("expired", forge(&hs256, &with("exp", json!(now() - 60)), &key)),
        ("exp is text", forge(&hs256, &with("exp", json!("never")), &key)),
        ("not yet", forge(&hs256, &with("nbf", json!(now() + 600)), &key)),
        (
            "from the future",
            forge(&hs256, &with("iat", json!(now() + 600)), &key),
        ),
        ("alg none", format!("{unsigned}.")),
        ("alg none, signed", forge(&json!({"alg": "none"}), &good, &key)),
        ("alg HS512", forge(&json!({"alg": "HS512"}), &good, &key)),
        (
            "crit",
            forge(&json!({"alg": "HS256", "crit": ["b64"]}), &good, &key),
        ),
        ("another key", forge(&hs256, &good, b"another key")),
        ("the empty key", forge(&hs256, &good, b"")),
        ("unknown kid", forge(&hs256, &with("kid", json!(stranger)), &key)),
        (
            "another project",
            forge(&hs256, &with("sub", json!(stranger)), &key),
        ),
        ("no name", forge(&hs256, &with("name", json!(null)), &key)),
        (
            "a name with a newline",
            forge(&hs256, &with("name", json!("a\nb")), &key),
        ),
        (
            "two room grants",
            forge(
                &hs256,
                &with(
                    "grants",
                    json!([{"name": "room", "scope": "other"}, {"name": "room", "scope": "room"}]),
                ),
                &key,
            ),
        ),
        ("garbage", "garbage".to_owned()),
        ("more garbage", "a.b.c".to_owned()),
    ];
    for (what, token) in refused {
        let way = server.with_this_token(&token, "room");
        let ran = way.secret(["list"]).run();
        assert_eq!(ran.status.code(), Some(4), "{what}: {}", ran.err());
        assert!(!ran.refuses(4).err().contains(&token), "{what}");
    }
    assert!(!server.log().contains("joined"), "{}", server.log());
    let forged = server.with_this_token(&forge(&hs256, &good, &key), "room");
    forged.secret(["list"]).run().succeeds();
    server.stop();
}

#[test]
fn a_token_opens_its_room_and_no_other() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    for token in [
        server.token("bob", "other", false),
        server.token("bob", "Room", true),
    ] {
        let ran = server.with_this_token(&token, "room").secret(["list"]).run();
        ran.refuses(4).says("does not admit to this room");
        let bearer = format!("Bearer {token}");
        let answer = upgrade(server.address(), "/rooms/room", &[("Authorization", &bearer)]);
        assert_eq!(answer.status, 403);
    }
    let key = signing_key(&server.api_key());
    let no_room = json!({"name": "bob", "grants": [{"name": "api", "scope": {"secrets": {}}}]});
    let token = forge(&json!({"alg": "HS256"}), &no_room, &key);
    server
        .with_this_token(&token, "room")
        .secret(["list"])
        .run()
        .refuses(4);
    server.stop();
}

#[test]
fn the_header_wins_over_the_query() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let good = server.token("bob", "room", false);
    let join = |query: &str, header: Option<&str>| {
        let path = format!("/rooms/room?v=0.39.9{query}");
        let bearer = header.map(|token| format!("Bearer {token}"));
        let headers: Vec<(&str, &str)> = bearer.iter().map(|b| ("Authorization", b.as_str())).collect();
        upgrade(server.address(), &path, &headers).status
    };
    assert_eq!(join(&format!("&token={good}"), None), 101);
    assert_eq!(join("", Some(&good)), 101);
    assert_eq!(join("&token=bad", Some(&good)), 101);
    assert_eq!(join(&format!("&token={good}"), Some("bad")), 403);
    assert_eq!(join("&token=", None), 403);
    assert_eq!(join("", None), 403);
    server.stop();
}

#[test]
fn the_api_key_is_for_the_connect_call_alone() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (key, project) = (server.api_key(), &server.client_env()["MESHAGENT_PROJECT_ID"]);
    let bearer = format!("Bearer {key}");
    let answer = upgrade(server.address(), "/rooms/room", &[("Authorization", &bearer)]);
    assert_eq!(answer.status, 403);
    let path = format!("/accounts/projects/{project}/rooms/my%20room/connect");
    let answer = request(server.address(), "POST", &path, &[("Authorization", &bearer)]);
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("cache-control: no-store"), "{}", answer.head);
    let connection: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(connection["room_name"], "my room");
    assert_eq!(connection["project_id"], project.as_str());
    assert_eq!(
        connection["room_url"],
        format!("ws://{}/rooms/my%20room", server.address())
    );
    let token = connection["jwt"].as_str().unwrap();
    assert_eq!(claims(token)["name"], "alice");
    assert_eq!(grants(token)["room"], "my room");
    assert!(grants(token)["api"]["admin"].is_object());
    let claimed = claims(token);
    let (issued, expires) = (claimed["iat"].as_u64().unwrap(), claimed["exp"].as_u64().unwrap());
    assert!(issued <= now() && expires <= now() + 24 * 60 * 60, "{claimed}");
    assert!(expires > now() + 23 * 60 * 60, "{claimed}");
    assert!(claimed["jti"].is_string(), "{claimed}");
    server.stop();
}

/// Whatever listens on the server's port gets a token that expires, and not the key.
#[test]
fn the_api_key_is_not_sent_where_the_server_is_known() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let variables = server.client_env();
    let (key, secret) = (server.api_key(), signing_key(&server.api_key()));
    let secret = String::from_utf8(secret).unwrap();
    server.stop();
    let (heard, requests) = channel();
    let heard = Mutex::new(heard);
    let listener = FakeServer::start(move |_, mut stream| {
        heard.lock().unwrap().send(read_request(&mut stream)).unwrap();
        let answer = respond("401 Unauthorized", "text/plain", "no");
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let list = |more: &[&str]| {
        let mut call = env.call(["room", "secret", "list", "--room", "room"]).args(more);
        for (name, value) in &variables {
            call = call.env(name, value);
        }
        call.env("MESHAGENT_API_URL", listener.url())
    };
    for (more, name, lifetime) in [
        (&[][..], "alice", 660),
        (&["--identity", "bob"], "bob", 660),
        (&["--timeout", "7200"], "alice", 7860),
    ] {
        list(more).run().refuses(4);
        let request = requests.recv().unwrap();
        assert!(request.starts_with("GET /rooms/room?"), "{request}");
        assert!(!request.contains(&secret), "{request}");
        let (_, token) = request.split_once("Bearer ").unwrap();
        let claimed = claims(token.lines().next().unwrap());
        assert_eq!(claimed["name"], name);
        let expires = claimed["exp"].as_u64().unwrap();
        assert!((now()..now() + lifetime).contains(&expires), "{claimed}");
    }
    // Without the owner's name, as in the file of an older server, the connect call has the key.
    list(&[]).without("MESHAGENT_SERVER_OWNER").run().refuses(4);
    let request = requests.recv().unwrap();
    assert!(
        request.starts_with("POST ") && request.contains(&key),
        "{request}"
    );
}

#[test]
fn generate_makes_what_the_flags_say() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let token = server.token_with(&["--identity", "bob", "--room", "r"], &["--expires-in", "1h"]);
    let claimed = claims(&token);
    assert_eq!(claimed["name"], "bob");
    assert_eq!(
        claimed["sub"],
        server.client_env()["MESHAGENT_PROJECT_ID"].as_str()
    );
    let expires = claimed["exp"].as_u64().unwrap();
    assert!((now() + 3500..=now() + 3600).contains(&expires), "{expires}");
    assert_eq!(grants(&token)["room"], "r");
    assert!(grants(&token)["api"]["secrets"].is_object());
    assert!(grants(&token)["api"].get("admin").is_none());
    assert!(!grants(&token).contains_key("role"));
    let agent = server.token_with(
        &["--identity", "bob", "--room", "r"],
        &["--role", "agent", "--admin"],
    );
    assert_eq!(grants(&agent)["role"], "agent");
    assert!(grants(&agent)["api"]["admin"].is_object());
    assert!(claims(&agent).get("exp").is_none());
    server.stop();
}

#[test]
fn generate_takes_the_key_of_this_machine() {
    let env = TestEnv::new();
    let flags = ["token", "generate", "--identity", "bob", "--room", "room"];
    let before = env.call(flags).arg("--local").run().succeeds();
    let server = TestServer::start(&env);
    let data_dir = env.data_dir();
    let during = env
        .call(flags)
        .arg("--data-dir")
        .arg(&data_dir)
        .without("MESHAGENT_DATA_DIR");
    let during = during.run().succeeds();
    for token in [before.out(), during.out()] {
        assert_eq!(token.lines().count(), 1);
        let way = server.with_this_token(token.trim_end(), "room");
        way.secret(["list"]).run().succeeds();
    }
    server.stop();
}

#[test]
fn generate_reads_a_specification() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let spec = "version: v1\nkind: ParticipantToken\nidentity: bob\nroom: room\nrole: agent\napi:\n  secrets: {}\n  admin: {}\n";
    env.write("spec.yaml", spec);
    let token = server.token_with(&["--input", "spec.yaml"], &["--expires-in", "600"]);
    assert_eq!(claims(&token)["name"], "bob");
    assert_eq!(grants(&token)["role"], "agent");
    assert!(grants(&token)["api"]["admin"].is_object());
    assert!(claims(&token)["exp"].is_u64());
    server
        .with_this_token(&token, "room")
        .secret(["list"])
        .run()
        .succeeds();
    let generate = |arguments: &[&str]| {
        let call = env.call(["token", "generate"]).args(arguments);
        call.env("MESHAGENT_API_KEY", server.api_key())
    };
    let from_stdin = generate(&["--input", "-", "--room", "other"])
        .stdin(spec)
        .run()
        .succeeds();
    assert_eq!(grants(from_stdin.out().trim_end())["room"], "other");
    for bad in [
        "version: v2\nkind: ParticipantToken\nidentity: bob\nroom: room\n",
        "version: v1\nkind: Agent\nidentity: bob\nroom: room\n",
        "version: v1\nkind: ParticipantToken\nroom: room\n",
        "version: v1\nkind: ParticipantToken\nidentity: bob\nroom: room\nunknown: 1\n",
        "version: v1\nkind: ParticipantToken\nidentity: bob\nroom: a/b\n",
        "- not\n- this\n",
        "",
    ] {
        let ran = generate(&["--input", "-"]).stdin(bad).run().ends_with(2);
        assert!(
            ran.out().is_empty() && ran.err().starts_with("error: "),
            "{}",
            ran.err()
        );
    }
    server.stop();
}

/// A misspelt list would allow every client: it is refused where a token is made and where one is read.
#[test]
fn a_secrets_grant_with_an_unknown_member_is_refused() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let spec = |secrets: &str| {
        format!(
            "version: v1\nkind: ParticipantToken\nidentity: bob\nroom: room\napi:\n  secrets:\n    {secrets}\n"
        )
    };
    let entry =
        |more: &str| format!("request_oauth_token: [{{endpoint: 'https://p/*', client_id: c, {more}}}]");
    for (secrets, says) in [
        (
            "request_oauth_tokens: []".to_owned(),
            "unknown field `request_oauth_tokens`",
        ),
        (
            entry("token_endpiont: 'https://p/t'"),
            "unknown field `token_endpiont`",
        ),
        (entry("token_endpoint: '*'"), "`*` stands for the rest of a path"),
    ] {
        let call = env.call(["token", "generate", "--local", "--input", "-"]);
        call.stdin(spec(&secrets)).run().refuses(2).says(says);
    }
    let key = signing_key(&server.api_key());
    let mut claims = claims(&server.token("bob", "room", false));
    claims["grants"] = json!([
        {"name": "room", "scope": "room"},
        {"name": "api", "scope": {"secrets": {"request_oauth_tokens": []}}},
    ]);
    let token = forge(&json!({"alg": "HS256"}), &claims, &key);
    let bearer = format!("Bearer {token}");
    let answer = upgrade(server.address(), "/rooms/room", &[("Authorization", &bearer)]);
    assert_eq!(answer.status, 403);
    let joins = server.with_this_token(&token, "room").secret(["list"]).run();
    joins.refuses(4).says("it may have `request_oauth_token`");
    // What other toolkits are granted is not this server's to know.
    claims["grants"][1]["scope"] =
        json!({"secrets": {}, "llm": {"models": ["m"]}, "containers": {"x": true}});
    let token = forge(&json!({"alg": "HS256"}), &claims, &key);
    let joins = server.with_this_token(&token, "room").secret(["list"]).run();
    joins.succeeds();
}

#[test]
fn a_fault_of_a_specification_is_one_line_with_its_place() {
    let env = TestEnv::new();
    let generate = |file: &str| env.call(["token", "generate", "--input", file]);
    let bad = "version: v1\nkind: ParticipantToken\nidentity: bob\nunknown: 1\n";
    env.write("s.yaml", bad);
    for (file, shown) in [("s.yaml", "s.yaml"), ("-", "stdin")] {
        let ran = generate(file).stdin(bad).run().refuses(2);
        let start = format!("error: {shown}, line 4: unknown field");
        assert!(ran.err().starts_with(&start), "{}", ran.err());
        assert!(!ran.err().contains("\\u{a}"), "{}", ran.err());
    }
    generate("gone.yaml")
        .run()
        .refuses(1)
        .says("gone.yaml cannot be read")
        .says("check the path");
}

#[test]
fn generate_says_what_is_missing() {
    let env = TestEnv::new();
    let generate = |arguments: &[&str]| env.call(["token", "generate"]).args(arguments);
    let who = ["--identity", "bob", "--room", "room"];
    generate(&who).run().refuses(4).says("MESHAGENT_API_KEY");
    generate(&["--identity", "bob", "--local"])
        .run()
        .refuses(2)
        .says("--room");
    generate(&["--room", "room", "--local"])
        .run()
        .ends_with(2)
        .says("--identity");
    generate(&[]).run().ends_with(2);
    for time in ["0", "-1", "soon"] {
        let expires = format!("--expires-in={time}");
        generate(&who).arg("--local").arg(expires).run().ends_with(2);
    }
    assert!(!env.data_dir().exists());
    generate(&["--identity", "a\nb", "--room", "room", "--local"])
        .run()
        .ends_with(2);
    generate(&["--identity", "bob", "--room", "..", "--local"])
        .run()
        .ends_with(2);
}

/// The flags of the Python command line.
#[test]
fn generate_takes_a_key_and_writes_a_file() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let (key, project) = (server.api_key(), &server.client_env()["MESHAGENT_PROJECT_ID"]);
    let generate = |flags: &[&str]| {
        let name = ["token", "generate", "--identity", "bob", "--room", "room"];
        env.call(name).args(flags).run()
    };
    let flags = ["--key", &key, "--project-id", project, "-o", "token"];
    let ran = generate(&flags).succeeds();
    assert_eq!(ran.out(), "");
    let token = std::fs::read_to_string(env.file("token")).unwrap();
    let bearer = format!("Bearer {}", token.trim_end());
    let answer = upgrade(server.address(), "/rooms/room", &[("Authorization", &bearer)]);
    assert_eq!(answer.status, 101);
    // A file that is there stays, and a key signs for its own project.
    generate(&flags).refuses(1).says("--force");
    generate(&[&flags[..], &["--force"]].concat()).succeeds();
    let other = ["--key", &key, "--project-id", "another"];
    generate(&other).refuses(2).says("another project");
    server.stop();
}
