use std::fs;

use super::super::SettingsErrorKind as Kind;
use super::*;

const KEY: &str = "ma-..8.f75vS_uc__suWwob_g-AZXWwP_7fu._v30Kf1s8EQ-test-only";
const KEYS_PROJECT: &str = "0195d6c0-fffb-7eef-bfbf-7d0a7f5b3c11";

/// Where a settings file is that names an API, a project and a session.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".meshagent")).unwrap();
    let text = r#"{"active_user_id": "u", "users": {"u": {"api_url": "https://file.test",
        "session": {"access_token": "session"}, "project": {"active_project": "fp"}}}}"#;
    fs::write(home.path().join(".meshagent/settings.json"), text).unwrap();
    home
}

fn exposed(credential: &Credential) -> &str {
    match credential {
        Credential::Given(text) => text.expose(),
        Credential::Session(stored) => stored.session.access_token.expose(),
    }
}

/// Flags as in `room=r identity=i project=p api=u local`.
fn flags(text: &str) -> Overrides {
    let mut flags = Overrides::default();
    for flag in text.split_whitespace() {
        let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
        let value = Some(value.to_owned());
        match name {
            "room" => flags.room = value,
            "identity" => flags.identity = value,
            "project" => flags.project_id = value,
            "api" => flags.api_url = value,
            "local" => flags.local = true,
            _ => panic!("{name}"),
        }
    }
    flags
}

/// Variables as in `ROOM=r TOKEN=t`, less their `MESHAGENT_`; `HOME` and `USER` are themselves.
fn env(text: &str) -> Environment {
    let pairs = text.split_whitespace().map(|pair| {
        let (name, value) = pair.split_once('=').unwrap();
        let prefix = if matches!(name, "HOME" | "USER") {
            ""
        } else {
            "MESHAGENT_"
        };
        (format!("{prefix}{name}"), value)
    });
    let pairs: Vec<_> = pairs.collect();
    Environment::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), *value)))
}

/// The way in, as text.
fn way(overrides: &Overrides, env: &Environment) -> String {
    match resolve(overrides, env).unwrap().access {
        Access::Token { room_url, token } => format!("token {room_url} {}", token.expose()),
        Access::Sign {
            room_url,
            token,
            api_key,
        } => {
            assert_eq!(api_key.text().expose(), KEY);
            let room = token.room.unwrap();
            format!(
                "sign {room_url} {} {room} {}",
                token.identity,
                token.api.unwrap().admin
            )
        }
        Access::Connect {
            connect_url,
            credential,
            room_url,
        } => {
            format!("connect {connect_url} {room_url} {}", exposed(&credential))
        }
        Access::Local {
            data_dir,
            identity,
            explicit_identity,
        } => {
            format!("local {} {identity} {explicit_identity}", data_dir.display())
        }
    }
}

#[test]
fn precedence() {
    let home = home();
    let host = "wss://api.meshagent.com";
    let default = "https://api.meshagent.com/accounts/projects";
    let cases = [
        ("", "ROOM=r TOKEN=t", format!("token {host}/rooms/r t")),
        (
            "",
            "ROOM=r TOKEN=t HOME=H",
            "token wss://file.test/rooms/r t".to_owned(),
        ),
        (
            "room=r",
            "ROOM=r TOKEN=t ROOM_URL=https://s/b",
            "token wss://s/b/rooms/r t".to_owned(),
        ),
        (
            "api=https://f",
            "ROOM=r TOKEN=t API_URL=https://e",
            "token wss://f/rooms/r t".to_owned(),
        ),
        (
            "",
            &format!("ROOM=r TOKEN=t API_KEY={KEY}"),
            format!("token {host}/rooms/r t"),
        ),
        (
            "room=q project=p",
            "ROOM=r TOKEN=t",
            format!("connect {default}/p/rooms/q/connect {host}/rooms/q t"),
        ),
        (
            "room=q",
            &format!("TOKEN=t API_KEY={KEY}"),
            format!("connect {default}/{KEYS_PROJECT}/rooms/q/connect {host}/rooms/q {KEY}"),
        ),
        (
            "room=q",
            &format!("PROJECT_ID=e API_KEY={KEY}"),
            format!("connect {default}/e/rooms/q/connect {host}/rooms/q {KEY}"),
        ),
        (
            "room=q project=f",
            "PROJECT_ID=e TOKEN=t HOME=H",
            "connect https://file.test/accounts/projects/f/rooms/q/connect wss://file.test/rooms/q t"
                .to_owned(),
        ),
        (
            "room=q",
            "HOME=H API_URL=http://localhost:1/b/ ROOM_URL=wss://s",
            "connect http://localhost:1/b/accounts/projects/fp/rooms/q/connect wss://s/rooms/q session"
                .to_owned(),
        ),
        (
            "room=r local",
            "USER=u DATA_DIR=/d TOKEN=t",
            "local /d u false".to_owned(),
        ),
        (
            "identity=i",
            "ROOM=r LOCAL=1 USER=u DATA_DIR=/d",
            "local /d i true".to_owned(),
        ),
        (
            "",
            "ROOM=r TOKEN=t LOCAL=0 API_URL=https://e",
            "token wss://e/rooms/r t".to_owned(),
        ),
    ];
    for (overrides, variables, expected) in cases {
        let variables = variables.replace("HOME=H", &format!("HOME={}", home.path().display()));
        assert_eq!(
            way(&flags(overrides), &env(&variables)),
            expected,
            "{overrides} / {variables}"
        );
    }
}

#[test]
fn an_identity_is_signed_for_here() {
    let env = env(&format!("ROOM=r TOKEN=t API_KEY={KEY}"));
    assert_eq!(
        way(&flags("identity=bob"), &env),
        "sign wss://api.meshagent.com/rooms/r bob r false"
    );
}

/// The API key is not sent to the server that `client.env` describes. Other servers get a connect call.
#[test]
fn the_key_signs_for_the_owner_of_a_known_server() {
    let known = format!("SERVER_OWNER=o API_URL=http://localhost:1 API_KEY={KEY}");
    let (signed, connect) = ("sign ws://localhost:1/rooms/q o q true", "connect ");
    let cases = [
        ("room=q", known.clone(), signed),
        ("room=q", format!("{known} PROJECT_ID={KEYS_PROJECT}"), signed),
        (
            "room=q",
            format!("{known} ROOM_URL=wss://s"),
            "sign wss://s/rooms/q o q true",
        ),
        ("room=q", format!("{known} ROOM=q TOKEN=t"), "token "),
        (
            "room=q identity=i",
            known.clone(),
            "sign ws://localhost:1/rooms/q i q false",
        ),
        ("room=q", format!("{known} PROJECT_ID=other"), connect),
        ("room=q project=other", known.clone(), connect),
        ("room=q api=http://localhost:1", known.clone(), connect),
        (
            "room=q",
            format!("API_URL=http://localhost:1 API_KEY={KEY}"),
            connect,
        ),
        ("room=q", format!("SERVER_OWNER=o API_KEY={KEY}"), connect),
    ];
    for (overrides, variables, expected) in cases {
        let way = way(&flags(overrides), &env(&variables));
        assert!(way.starts_with(expected), "{overrides} / {variables}: {way}");
    }
    let bad = env(&known.replace("OWNER=o", "OWNER=canary\u{7f}"));
    let error = resolve(&flags("room=q"), &bad).unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
    assert!(!error.to_string().contains("canary"), "{error}");
}

#[test]
fn names_are_encoded() {
    let mut overrides = flags("project=p%2F");
    overrides.room = Some("a b?#%2e".to_owned());
    let way = way(&overrides, &env("TOKEN=t"));
    assert!(
        way.contains("/projects/p%252F/rooms/a%20b%3F%23%252e/connect "),
        "{way}"
    );
}

#[test]
fn a_broken_file_matters_only_where_it_is_read() {
    let home = home();
    fs::write(home.path().join(".meshagent/settings.json"), "{").unwrap();
    let home = format!("HOME={}", home.path().display());
    for variables in [
        "ROOM=r TOKEN=t API_URL=https://e",
        "ROOM=r TOKEN=t ROOM_URL=wss://e",
        "ROOM=r LOCAL=1 USER=u",
    ] {
        assert!(
            resolve(&Overrides::default(), &env(&format!("{variables} {home}"))).is_ok(),
            "{variables}"
        );
    }
    let error = resolve(&flags("room=r"), &env(&home)).unwrap_err();
    assert!(matches!(error, SettingsError::Malformed { .. }), "{error}");
}

#[test]
fn what_is_wrong_is_said_and_nothing_repeated() {
    let cases = [
        ("", "TOKEN=canary", Kind::Usage, "no room was given"),
        ("local", "USER=u", Kind::Usage, "no room was given"),
        ("room=..", "", Kind::Usage, "the room's name is not valid: a room"),
        (
            "room=",
            "ROOM=r",
            Kind::Usage,
            "the room's name is not valid: it is empty",
        ),
        ("room=r identity=", "", Kind::Usage, "the identity is not valid"),
        (
            "room=r identity=i",
            "TOKEN=canary",
            Kind::Usage,
            "`--identity` needs an API key",
        ),
        (
            "room=r local",
            "DATA_DIR=/d",
            Kind::Usage,
            "it is not known who you are",
        ),
        (
            "room=r local",
            "USER=u",
            Kind::Failed,
            "the home directory is not known",
        ),
        ("room=r", "LOCAL=yes", Kind::Usage, "MESHAGENT_LOCAL is neither"),
        (
            "room=r",
            "ALLOW_INSECURE=y",
            Kind::Usage,
            "MESHAGENT_ALLOW_INSECURE is neither",
        ),
        ("room=r", "", Kind::NotSignedIn, "not signed in"),
        (
            "room=r",
            "API_KEY=ma-canary",
            Kind::NotSignedIn,
            "MESHAGENT_API_KEY is not valid",
        ),
        (
            "room=r",
            "TOKEN=canaryé",
            Kind::NotSignedIn,
            "MESHAGENT_TOKEN is not valid",
        ),
        ("room=r", "TOKEN=canary", Kind::Usage, "no project was given"),
        (
            "room=r project=..",
            "TOKEN=canary",
            Kind::Usage,
            "the project's id is not valid",
        ),
        (
            "room=r project=p api=canary",
            "TOKEN=t",
            Kind::Usage,
            "the URL in --api-url",
        ),
        (
            "room=r project=p",
            "TOKEN=t API_URL=wss://canary",
            Kind::Usage,
            "the URL in MESHAGENT_API_URL",
        ),
        (
            "",
            "ROOM=r TOKEN=t ROOM_URL=http://canary",
            Kind::Usage,
            "the URL in MESHAGENT_ROOM_URL is",
        ),
    ];
    for (overrides, variables, kind, start) in cases {
        let error = resolve(&flags(overrides), &env(variables)).unwrap_err();
        assert_eq!(error.kind(), kind, "{overrides} / {variables}: {error}");
        assert!(
            error.to_string().starts_with(start),
            "{overrides} / {variables}: {error}"
        );
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[test]
fn hints_say_what_to_do() {
    let hint = resolve(&flags(""), &env("")).unwrap_err().hint().unwrap();
    assert!(hint.contains("--room NAME"), "{hint}");
    assert!(hint.contains("MESHAGENT_ROOM"), "{hint}");
}

#[test]
fn a_credential_travels_in_clear_only_when_allowed() {
    let env = env("ROOM=r TOKEN=t ROOM_URL=http://h ALLOW_INSECURE=1");
    assert!(resolve(&flags(""), &env).is_ok());
}
