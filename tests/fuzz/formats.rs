//! Files of variables, JSON of secrets, templates, and what git says to a credential helper.

use std::collections::BTreeMap;

use super::dotenv::{self, Assignment, Unwritable, docker};
use super::git_credential::{Credential, Description};
use super::syntax::SyntaxError;
use super::template::Template;
use super::{Record, json};
use crate::fuzz::{CANARY, check, debug_hides, hides};
use crate::sensitive::SecretValue;

/// The place of a fault is one in the file.
#[track_caller]
fn check_place(input: &[u8], error: SyntaxError) {
    hides(&error);
    let line = error.line.checked_sub(1).expect("lines count from 1");
    let lines: Vec<_> = input.split(|byte| *byte == b'\n').collect();
    assert!(error.column > 0, "{error}");
    let text = String::from_utf8_lossy(lines.get(line).expect("the line is in the file"));
    assert!(error.column <= text.chars().count() + 1, "{error}: {text:?}");
}

/// Writes what was read and reads it again.
#[track_caller]
fn check_variables(
    variables: &[Assignment],
    write: fn(&mut SecretValue, &str, &[u8]) -> Result<(), Unwritable>,
    parse: fn(&[u8]) -> Result<Vec<Assignment>, SyntaxError>,
) {
    debug_hides(
        &variables
            .iter()
            .map(|variable| &variable.value)
            .collect::<Vec<_>>(),
    );
    for variable in variables {
        let mut file = SecretValue::default();
        if write(&mut file, &variable.name, variable.value.expose().as_bytes()).is_err() {
            continue;
        }
        let again = parse(file.expose()).unwrap();
        let [again] = again.as_slice() else {
            panic!("{} variables for one", again.len());
        };
        assert_eq!(again.name, variable.name);
        assert_eq!(again.value.expose(), variable.value.expose());
    }
}

#[test]
fn dotenv_file() {
    let seeds = [
        "# a comment\nexport A=canary\nB='it is\ncanary' # end\r\nC=\"a\\\"b\\$\\`\\\\\" \n\nD=\n",
        "\u{feff}A_1=a/b:c@d%e+f,g=h\r\nB=\"é\n\"\r\n",
        "A=canary\nA=canary\n",
        "A=\"canary",
    ];
    check!(seeds, |input| {
        let parse = |file: &[u8]| dotenv::parse(file, dotenv::Names::Ids);
        match parse(input) {
            Ok(variables) => check_variables(&variables, dotenv::write, parse),
            Err(error) => check_place(input, error),
        }
    });
}

#[test]
fn docker_env_file() {
    let seeds = [
        "# a comment\n A=canary # no comment\r\nB='x'\n\nC=\n",
        "\u{feff}A\nB=canary",
    ];
    check!(seeds, |input| {
        match docker::parse(input) {
            Ok(variables) => check_variables(&variables, docker::write, docker::parse),
            Err(error) => check_place(input, error),
        }
    });
}

#[test]
fn json_of_secrets() {
    let seeds = [
        r#"[{"id": "a", "type": "t", "name": "n", "delegated_to": "b", "value": "canary"}, {"id": "c", "base64": "AAH/"}]"#,
        r#"{"a": "canary", "b": ""}"#,
        r#"[{"id": "a", "value": "canary", "base64": "canary"}]"#,
        "\u{feff}[]",
    ];
    check!(seeds, |input| {
        match json::read(input) {
            Ok(records) => {
                let again = json::read(json::write(&records).unwrap().expose()).unwrap();
                let content = |record: &Record| {
                    let Record {
                        id,
                        secret_type,
                        name,
                        delegated_to,
                        value,
                    } = record.clone();
                    (id, secret_type, name, delegated_to, value.into_exposed())
                };
                assert!(again.iter().map(content).eq(records.iter().map(content)));
            }
            // An id is shown, and an edit may put the secret into it.
            Err(error) => assert!(
                error.starts_with("the secret `") || !error.contains(CANARY),
                "{error}"
            ),
        }
    });
}

#[test]
fn template() {
    let seeds = [
        "password: {{ secret \"db/password\" }}\n{{ .Values.a }} \\{{ secret \"a\" }}",
        "{{secret \"a\\\"b\\\\c\"}}\\\\{{ secret \"d\" }}}}",
        "canary {{ secret",
    ];
    check!(seeds, |input| {
        match Template::parse(input) {
            Ok(template) => {
                let filled = template.fill(&BTreeMap::new());
                assert!(filled.expose().len() <= input.len());
                if !input.windows(2).any(|two| two == b"{{") {
                    assert_eq!(filled.expose(), input);
                }
            }
            Err(error) => {
                hides(&error);
                assert!(error.line > 0 && error.column > 0, "{error}");
            }
        }
    });
}

/// What a git is answered that takes all that there is.
fn answer_of(credential: &Credential) -> String {
    let description = Description::parse(&b"capability[]=authtype\n".to_vec().into()).unwrap();
    String::from_utf8(description.answer(credential).into_exposed()).unwrap()
}

#[test]
fn git_credential_description() {
    let seeds = [
        "protocol=https\nhost=h:8080\npath=a/b.git\nusername=u\npassword=canary\n\n",
        "capability[]=authtype\nwwwauth[]=Basic realm=x\nprotocol=https\nhost=h\n",
    ];
    check!(seeds, |input| {
        match Description::parse(&input.to_vec().into()) {
            Ok(description) => {
                // An edit may have moved the word into an attribute that is shown.
                let mut lines = input.split(|byte| *byte == b'\n');
                let moved = |line: &[u8]| {
                    line != b"password=canary" && String::from_utf8_lossy(line).contains(CANARY)
                };
                if !lines.any(moved) {
                    debug_hides(&description.credential);
                }
                if let Ok(ids) = description.ids() {
                    let url = description.url().unwrap();
                    let last = ids.last().unwrap().as_str();
                    assert!(last == url || url.len() > 255, "{last}");
                }
                if let Some(credential) = description.into_credential() {
                    let value = credential.to_value().unwrap();
                    if let Some(again) = Credential::from_value(&value) {
                        assert_eq!(answer_of(&again), answer_of(&credential));
                    }
                }
            }
            Err(error) => hides(&error),
        }
    });
}

#[test]
fn git_credential_value() {
    let seeds = [
        r#"{"username": "ada", "password": "canary"}"#,
        r#"{"authtype": "Bearer", "credential": "canary", "password_expiry_utc": "1"}"#,
    ];
    check!(seeds, |input| {
        let Some(credential) = Credential::from_value(&input.to_vec().into()) else {
            return;
        };
        // Git reads one member from each line.
        let answer = answer_of(&credential);
        let members = [
            "username=",
            "password",
            "oauth_refresh_token=",
            "authtype=",
            "credential=",
            "capability[]=",
        ];
        let is_member = |line: &str| members.iter().any(|member| line.starts_with(member));
        assert!(answer.split_terminator('\n').all(is_member));
        let again = Credential::from_value(&credential.to_value().unwrap()).unwrap();
        assert_eq!(answer_of(&again), answer);
    });
}
