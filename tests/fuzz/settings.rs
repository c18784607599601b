//! The settings file.

use std::fs;

use super::SettingsFile;
use crate::fuzz::{check, debug_hides, hides};

#[test]
fn settings_file() {
    let seeds = [
        r#"{"session": {"access_token": "canary", "refresh_token": "canary", "expires_at": 1}, "active_project": "p"}"#,
        "{}",
        "[\"canary\"]",
        "{\n  \"a\": {\"b\": \"canary\"",
    ];
    check!(seeds, |input| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("settings.json");
        fs::write(&path, input).unwrap();
        match SettingsFile::load(&path) {
            Ok(file) => {
                debug_hides(&file);
                fs::write(&path, serde_json::to_vec_pretty(&file.root).unwrap()).unwrap();
                assert_eq!(SettingsFile::load(&path).unwrap().root, file.root);
            }
            Err(error) => hides(&error),
        }
    });
}
