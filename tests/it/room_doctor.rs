//! `room doctor`: what it finds, and that its report has no secret in it and its look changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::SystemTime;

use serde_json::Value;

use crate::secrecy::is_clean;
use crate::support::{Authority, Call, FakeServer, TestEnv, TestServer, read_request};

/// Looks like nothing else in a report.
const CANARY: &str = "canary-7d02b9-canary-7d02b9-canary";

fn doctor(env: &TestEnv) -> Call {
    env.call(["room", "doctor", "--output", "json"])
}

/// What was found, by check; the worst where there is more than one.
fn findings(report: &Value) -> BTreeMap<String, (String, String)> {
    let mut found = BTreeMap::new();
    for finding in report["findings"].as_array().unwrap() {
        let text = |name: &str| finding[name].as_str().unwrap().to_owned();
        let finding = (text("level"), text("text"));
        match finding.0.as_str() {
            "ok" => {
                found.entry(text("check")).or_insert(finding);
            }
            _ => {
                found.insert(text("check"), finding);
            }
        }
    }
    found
}

#[track_caller]
fn has(report: &Value, check: &str, level: &str, part: &str) {
    let found = findings(report);
    let (found_level, text) = found.get(check).unwrap_or_else(|| panic!("no {check}: {report}"));
    assert_eq!(found_level, level, "{check}: {text}");
    assert!(text.contains(part), "{check}: {text}");
}

#[test]
fn doctor_finds_nothing_wrong_where_there_is_nothing() {
    let env = TestEnv::new();
    let report = doctor(&env).run().succeeds().says_nothing().json();
    assert_eq!(
        (&report["problems"], &report["warnings"]),
        (&0.into(), &0.into()),
        "{report}"
    );
    has(&report, "data-dir.directory", "ok", "does not exist");
    has(&report, "client.join", "ok", "no room was given");
    assert!(!env.data_dir().exists());
    let text = env.call(["room", "doctor"]).run().succeeds();
    assert!(
        text.out().ends_with("\n0 problems, 0 warnings\n"),
        "{}",
        text.out()
    );
}

#[test]
fn doctor_looks_at_a_store_and_at_the_server_that_runs() {
    let env = TestEnv::new();
    env.local().set("a", "x");
    let report = doctor(&env).run().succeeds().json();
    has(&report, "store.database", "ok", "1 row");
    has(&report, "store.key", "ok", "opens it");
    has(&report, "server.running", "ok", "no server runs");
    let server = TestServer::start(&env);
    server.with_key("room").set("b", "x");
    let mut call = doctor(&env).arg("--room").arg("room");
    for (name, value) in server.client_env() {
        call = call.env(&name, value);
    }
    let report = call.run().succeeds().json();
    has(&report, "store.database", "ok", "2 rows");
    has(&report, "server.running", "ok", "server.sock");
    for check in ["server.healthz", "server.readyz", "network.api"] {
        has(&report, check, "ok", "200");
    }
    has(&report, "server.version", "ok", "it is this version");
    has(&report, "client.api-url", "ok", "(MESHAGENT_API_URL)");
    has(
        &report,
        "client.credential",
        "ok",
        "an API key (MESHAGENT_API_KEY)",
    );
    has(&report, "client.room", "ok", "set (--room)");
    has(&report, "client.join", "ok", "is there");
    has(&report, "network.clock", "ok", "differ by");
    server.stop();
}

#[test]
fn doctor_tells_how_long_a_certificate_is_valid_or_why_it_is_not_trusted() {
    let env = TestEnv::new();
    let authority = Authority::new();
    let root = env.write("root.pem", authority.pem());
    let (certificate, key) = (env.file("cert.pem"), env.file("key.pem"));
    authority.write_pair("127.0.0.1", &certificate, &key);
    let flags = [
        "--tls-cert",
        certificate.to_str().unwrap(),
        "--tls-key",
        key.to_str().unwrap(),
    ];
    let server = TestServer::start_with(&env, &flags);
    let report = doctor(&env).env("SSL_CERT_FILE", &root).run().succeeds().json();
    has(&report, "server.certificate", "ok", "is valid until 4096-");
    let report = doctor(&env).run().succeeds().json();
    has(&report, "server.certificate", "warning", "TLS");
    server.stop();
}

#[test]
fn doctor_finds_what_is_wrong_and_ends_with_1() {
    let env = TestEnv::new();
    env.local().set("a", "x");
    let ends = |call: Call| {
        let ran = call.run().ends_with(1).says("problem");
        ran.json()
    };
    let key = env.data_dir().join("store.key");
    let other = env.data_dir().join("other.key");
    fs::rename(&key, &other).unwrap();
    has(&ends(doctor(&env)), "store.key", "problem", "is missing");
    fs::rename(&other, &key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let report = ends(doctor(&env));
    has(&report, "store.key", "problem", "other users have access");
    has(&report, "data-dir.files", "warning", "store.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(env.data_dir(), fs::Permissions::from_mode(0o777)).unwrap();
    has(
        &ends(doctor(&env)),
        "data-dir.directory",
        "problem",
        "is not private",
    );
    fs::set_permissions(env.data_dir(), fs::Permissions::from_mode(0o700)).unwrap();
    let wrong = ends(
        doctor(&env)
            .env("MESHAGENT_API_KEY", "wrong")
            .env("MESHAGENT_APIKEY", "x"),
    );
    has(&wrong, "credentials.api-key", "problem", "an API key starts with");
    has(&wrong, "client.variables", "warning", "MESHAGENT_APIKEY");
    let url = ends(doctor(&env).env("MESHAGENT_API_URL", "http://rooms.example"));
    has(&url, "client.settings", "problem", "is not encrypted");
    let nowhere = doctor(&env).env("MESHAGENT_API_URL", "http://127.0.0.1:1");
    has(&ends(nowhere), "network.api", "problem", "could not reach");
    fs::write(env.data_dir().join("store.db"), "").unwrap();
    has(&ends(doctor(&env)), "store.database", "problem", "empty");
}

#[test]
fn doctor_says_what_a_token_is_for_and_how_long() {
    let env = TestEnv::new();
    let make = |lifetime: &str| {
        let call = env.call([
            "token",
            "generate",
            "--identity",
            "bob",
            "--room",
            "room",
            "--local",
        ]);
        let made = call.args(["--expires-in", lifetime]).run().succeeds();
        made.out().trim_end().to_owned()
    };
    let look = |token: &str, room: &str| {
        let call = doctor(&env)
            .env("MESHAGENT_TOKEN", token)
            .env("MESHAGENT_ROOM", room);
        // Nothing listens there.
        call.env("MESHAGENT_API_URL", "http://127.0.0.1:1")
            .run()
            .ends_with(1)
            .json()
    };
    let report = look(&make("12h"), "room");
    has(&report, "credentials.token", "ok", "secrets");
    has(&report, "credentials.token-expiry", "ok", "in 1");
    has(&report, "credentials.token-room", "ok", "the room that is set");
    let report = look(&make("10m"), "other");
    has(&report, "credentials.token-expiry", "warning", "in ");
    has(&report, "credentials.token-room", "problem", "another room");
}

#[test]
fn doctor_compares_the_clocks() {
    let env = TestEnv::new();
    let server = FakeServer::start(|_, mut stream| {
        read_request(&mut stream);
        let answer = "HTTP/1.1 200 OK\r\nDate: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n";
        std::io::Write::write_all(&mut stream, answer.as_bytes()).unwrap();
    });
    let report = doctor(&env)
        .env("MESHAGENT_API_URL", server.url())
        .run()
        .ends_with(1)
        .json();
    has(&report, "network.clock", "problem", "tokens may be refused");
}

/// The files of a directory: what is in them and when they were written.
fn snapshot(directory: &Path) -> BTreeMap<String, (SystemTime, Vec<u8>)> {
    let mut files = BTreeMap::new();
    files.insert(
        ".".to_owned(),
        (fs::metadata(directory).unwrap().modified().unwrap(), Vec::new()),
    );
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        let content = if metadata.is_file() {
            fs::read(entry.path()).unwrap()
        } else {
            Vec::new()
        };
        let name = entry.file_name().into_string().unwrap();
        files.insert(name, (metadata.modified().unwrap(), content));
    }
    files
}

#[track_caller]
fn changes_nothing(env: &TestEnv, rows: &str) {
    let before = snapshot(&env.data_dir());
    let report = doctor(env).run().succeeds().json();
    has(&report, "store.database", "ok", rows);
    has(&report, "store.key", "ok", "opens it");
    assert!(before == snapshot(&env.data_dir()), "{report}");
}

#[test]
fn doctor_makes_and_changes_nothing_in_the_data_directory() {
    let env = TestEnv::new();
    env.local().set("a", "x");
    changes_nothing(&env, "1 row");
    for file in ["store.db-wal", "store.db-shm"] {
        fs::remove_file(env.data_dir().join(file)).unwrap();
    }
    changes_nothing(&env, "1 row");
    let server = TestServer::start(&env);
    server.with_key("room").set("b", "x");
    // The server itself writes to its files.
    let names = || snapshot(&env.data_dir()).into_keys().collect::<Vec<_>>();
    let before = names();
    has(
        &doctor(&env).run().succeeds().json(),
        "store.database",
        "ok",
        "2 rows",
    );
    assert_eq!(names(), before);
    server.kill();
    // What was stored last is in the log alone.
    assert!(fs::metadata(env.data_dir().join("store.db-wal")).unwrap().len() > 0);
    changes_nothing(&env, "2 rows");
    fs::remove_file(env.data_dir().join("store.db-shm")).unwrap();
    let before = snapshot(&env.data_dir());
    let report = doctor(&env).run().succeeds().json();
    has(&report, "store.database", "warning", "was not closed");
    assert!(before == snapshot(&env.data_dir()));
    assert_eq!(env.local().get("b"), b"x");
}

#[test]
fn doctor_leaves_a_store_of_an_older_format_as_it_is() {
    let env = TestEnv::new();
    fs::create_dir(env.data_dir()).unwrap();
    fs::set_permissions(env.data_dir(), fs::Permissions::from_mode(0o700)).unwrap();
    let vector = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/vectors/store-format-2/default");
    for name in ["store.db", "store.key"] {
        let copy = env.data_dir().join(name);
        fs::copy(vector.join(name), &copy).unwrap();
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let before = snapshot(&env.data_dir());
    let report = doctor(&env).run().succeeds().json();
    has(&report, "store.database", "ok", "format 2");
    has(&report, "store.format", "warning", "older");
    assert!(before == snapshot(&env.data_dir()));
}

/// Whatever it finds, and with whatever of it is broken.
#[test]
fn the_report_of_doctor_has_no_secret_in_it() {
    let env = TestEnv::new();
    let passphrase = env.write("passphrase", CANARY);
    fs::set_permissions(&passphrase, fs::Permissions::from_mode(0o600)).unwrap();
    let by_passphrase = ["--key-passphrase-file", passphrase.to_str().unwrap()];
    let server = TestServer::start_with(&env, &by_passphrase);
    let (key, token) = (server.api_key(), server.token("bob", CANARY, false));
    server.with_key("room").set(CANARY, CANARY);
    let settings = env.root().join("home/.meshagent");
    fs::create_dir(&settings).unwrap();
    let session = format!(
        r#"{{"session":{{"access_token":"{CANARY}","refresh_token":"{CANARY}"}},"active_project":"{CANARY}","api_url":"https://{CANARY}@h"}}"#
    );
    fs::write(settings.join("settings.json"), &session).unwrap();
    let key_secret = key.splitn(4, '-').nth(3).unwrap();
    let secrets = [CANARY, key_secret, token.rsplit_once('.').unwrap().1];
    let url = format!("https://user:{CANARY}@127.0.0.1:1/{CANARY}?{CANARY}");
    let proxy = format!("http://user:{CANARY}@127.0.0.1:1");
    let sets: [&[(&str, &str)]; 8] = [
        &[
            ("MESHAGENT_API_URL", &server.url),
            ("MESHAGENT_API_KEY", &key),
            ("MESHAGENT_ROOM", CANARY),
        ],
        &[
            ("MESHAGENT_API_URL", &server.url),
            ("MESHAGENT_TOKEN", &token),
            ("MESHAGENT_ROOM", CANARY),
        ],
        &[
            ("MESHAGENT_API_KEY", CANARY),
            ("MESHAGENT_KEY", CANARY),
            ("MESHAGENT_PROJECT_ID", CANARY),
        ],
        &[("MESHAGENT_TOKEN", CANARY), ("MESHAGENT_API_URL", &url)],
        &[
            ("MESHAGENT_OAUTH_CLIENT_ID", CANARY),
            ("MESHAGENT_OAUTH_CLIENT_SECRET", CANARY),
        ],
        &[
            ("HTTPS_PROXY", &proxy),
            ("MESHAGENT_API_URL", "https://rooms.example"),
            ("MESHAGENT_TOKEN", &token),
        ],
        &[
            ("MESHAGENT_ROOM_URL", &url),
            ("MESHAGENT_SERVER_OWNER", CANARY),
            ("MESHAGENT_API_KEY", &key),
        ],
        &[
            ("MESHAGENT_KEY_FILE", passphrase.to_str().unwrap()),
            ("MESHAGENT_TOKEN", &format!("{token} {CANARY}")),
        ],
    ];
    for variables in sets {
        for flags in [
            &[][..],
            &by_passphrase,
            &["--identity", CANARY],
            &["--output", "text", "-vvv"],
        ] {
            let mut call = env.call(["room", "doctor"]).args(flags);
            for (name, value) in variables {
                call = call.env(name, value);
            }
            let ran = call.run();
            assert!(
                matches!(ran.status.code(), Some(0 | 1)),
                "{}: {}",
                ran.line,
                ran.err()
            );
            assert!(
                ran.out().contains("program.version"),
                "{}: {}",
                ran.line,
                ran.out()
            );
            is_clean(&format!("{variables:?}"), &ran.stdout, &secrets);
            is_clean(&format!("{variables:?}"), &ran.stderr, &secrets);
        }
    }
    server.stop();
}
