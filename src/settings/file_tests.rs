use serde_json::json;

use super::super::{Profile, Session};
use super::*;
use crate::sensitive::SensitiveText;

fn file(root: Value) -> SettingsFile {
    let Value::Object(root) = root else {
        panic!("no object")
    };
    SettingsFile { root }
}

fn session(token: &str) -> Session {
    Session {
        access_token: SensitiveText::new(token.to_owned()),
        expires_at: Some(9),
        ..Session::default()
    }
}

#[test]
fn a_missing_file_is_empty() {
    let directory = tempfile::tempdir().unwrap();
    let loaded = SettingsFile::load(&directory.path().join("none/settings.json")).unwrap();
    assert!(loaded.root.is_empty() && loaded.session().is_none() && loaded.api_url().is_none());
}

#[test]
fn unknown_members_survive() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("settings.json");
    let mut expected = json!({
        "active_user_id": "u1", "theme": {"a": [1, null]},
        "users": {
            "u0": {"session": {"access_token": "other"}},
            "u1": {
                "api_url": null, "new": true, "profile": {"id": "u1"},
                "session": {"access_token": "old", "custom": 1},
                "project": {"active_project": "p0", "active_api_keys": {"p0": "ma-x"}, "llm_proxy_bearer_token": null},
            },
        },
    });
    fs::write(&path, expected.to_string()).unwrap();
    let mut loaded = SettingsFile::load(&path).unwrap();
    loaded.set_active_project("p1");
    loaded.set_session(&session("new"));
    loaded.set_api_url(Some("https://h"));
    loaded.save(&path).unwrap();
    let user = &mut expected["users"]["u1"];
    user["project"]["active_project"] = json!("p1");
    user["api_url"] = json!("https://h");
    user["session"] = json!({"access_token": "new", "refresh_token": null, "id_token": null, "expires_at": 9,
        "scope": null, "token_type": "Bearer", "custom": 1});
    let written: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(written, expected);
    let again = SettingsFile::load(&path).unwrap();
    assert_eq!(again.active_user_id(), Some("u1"));
    assert_eq!(
        (again.api_url(), again.active_project()),
        (Some("https://h"), Some("p1"))
    );
    assert_eq!(again.session().unwrap().access_token.expose(), "new");
}

#[test]
fn a_login_from_nothing_and_a_logout() {
    let mut settings = SettingsFile::default();
    settings.clear_session();
    assert!(settings.root.is_empty());
    settings.set_session(&session("t"));
    assert_eq!(settings.active_user_id(), Some("__local__"));
    let profile = Profile {
        id: "u1".to_owned(),
        email: Some("a@b".to_owned()),
        ..Profile::default()
    };
    settings.set_profile(&profile);
    assert_eq!(
        (settings.active_user_id(), settings.profile()),
        (Some("u1"), Some(profile))
    );
    assert_eq!(settings.session().unwrap().expires_at, Some(9));
    assert!(settings.root["users"].get("__local__").is_none());
    settings.clear_session();
    assert!(settings.session().is_none() && settings.profile().is_some());
    assert!(settings.root["users"]["u1"]["session"].is_null());
}

#[test]
fn another_user_does_not_inherit_a_session() {
    let mut settings = SettingsFile::default();
    settings.set_profile(&Profile {
        id: "u1".to_owned(),
        ..Profile::default()
    });
    settings.set_session(&session("t"));
    settings.set_profile(&Profile {
        id: "u2".to_owned(),
        ..Profile::default()
    });
    assert!(settings.session().is_none());
    settings.set_profile(&Profile {
        id: "u1".to_owned(),
        ..Profile::default()
    });
    assert!(settings.session().is_some());
}

#[test]
fn whoever_signs_in_without_a_profile_is_nobody_who_was_known() {
    let mut settings = SettingsFile::default();
    let ada = Profile {
        id: "u1".to_owned(),
        ..Profile::default()
    };
    settings.sign_in(Some(&ada), &session("adas"), "https://h");
    settings.sign_in(None, &session("somebodys"), "https://h");
    assert_eq!(settings.active_user_id(), Some("__local__"));
    assert_eq!(settings.session().unwrap().access_token.expose(), "somebodys");
    settings.sign_in(Some(&ada), &session("new"), "https://h");
    assert_eq!(settings.session().unwrap().access_token.expose(), "new");
    assert_eq!(settings.api_url(), Some("https://h"));
}

#[test]
fn a_profile_is_shown_by_what_is_known() {
    let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    for (first, last, email, shown) in [
        ("Ada", "L.", "a@b", "Ada L. <a@b>"),
        ("", "L.", "", "L."),
        ("", "", "a@b", "a@b"),
        ("", "", "", "u1"),
    ] {
        let profile = Profile {
            id: "u1".to_owned(),
            first_name: text(first),
            last_name: text(last),
            email: text(email),
        };
        assert_eq!(profile.to_string(), shown);
    }
}

#[test]
fn changes_at_the_same_time_are_all_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(".meshagent/settings.json");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let add = |file: &mut SettingsFile| file.root.insert(format!("m{number}"), json!(number));
                SettingsFile::update(path, add).unwrap();
            });
        }
    });
    assert_eq!(SettingsFile::load(&path).unwrap().root.len(), 8);
}

#[test]
fn members_of_the_wrong_type_are_unset() {
    let user = json!({"api_url": 1, "session": {"access_token": ""}, "project": []});
    let settings = file(json!({"active_user_id": "u", "users": {"u": user}}));
    assert!(
        settings.api_url().is_none() && settings.session().is_none() && settings.active_project().is_none()
    );
    let user = json!({"session": {"access_token": "t", "expires_at": 1.5}});
    let settings = file(json!({"active_user_id": "u", "users": {"u": user}}));
    assert_eq!(settings.session().unwrap().expires_at, Some(1));
}

#[test]
fn a_mistake_is_placed_and_nothing_is_repeated() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("settings.json");
    for (text, place) in [
        ("{\n \"a\": canary}", (2, 7)),
        ("\"canary\"", (0, 0)),
        ("", (1, 0)),
    ] {
        fs::write(&path, text).unwrap();
        let error = SettingsFile::load(&path).unwrap_err();
        let SettingsError::Malformed {
            path: named,
            line,
            column,
        } = &error
        else {
            panic!("{error}")
        };
        assert_eq!((named, (*line, *column)), (&path, place), "{text}");
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
    fs::write(&path, vec![b' '; (1 << 20) + 1]).unwrap();
    assert!(matches!(
        SettingsFile::load(&path),
        Err(SettingsError::File { .. })
    ));
}

#[test]
fn debug_shows_nothing() {
    let mut settings = SettingsFile::default();
    settings.set_session(&session("canary"));
    assert!(!format!("{settings:?} {:?}", settings.session()).contains("canary"));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(".meshagent/settings.json");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    SettingsFile::default().save(&path).unwrap();
    assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    SettingsFile::default().save(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (target, path) = (
        directory.path().join("target"),
        directory.path().join("settings.json"),
    );
    fs::write(&target, "{}").unwrap();
    std::os::unix::fs::symlink(&target, &path).unwrap();
    let refused = SettingsFile::default().save(&path);
    assert!(matches!(refused, Err(SettingsError::NotRegular { .. })));
    assert_eq!(fs::read_to_string(&target).unwrap(), "{}");
}

#[cfg(unix)]
#[test]
fn a_directory_that_cannot_be_written_is_an_error() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("settings.json");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o500)).unwrap();
    // Root may write anywhere.
    if fs::write(directory.path().join("probe"), "").is_err() {
        let error = SettingsFile::default().save(&path).unwrap_err();
        assert!(matches!(
            error,
            SettingsError::File {
                action: "written",
                ..
            }
        ));
    }
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let in_a_file = directory.path().join("file");
    fs::write(&in_a_file, "").unwrap();
    let error = SettingsFile::default()
        .save(&in_a_file.join("settings.json"))
        .unwrap_err();
    assert!(matches!(
        error,
        SettingsError::File {
            action: "written",
            ..
        }
    ));
}
