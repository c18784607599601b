//! The settings file's active user: profile, session, API and project (protocol, "Settings file").

use std::fmt;

use serde_json::{Map, Value, json};

use super::SettingsFile;
use crate::sensitive::SensitiveText;

/// The user's id until the profile is known.
const LOCAL_USER: &str = "__local__";

/// A session: the tokens that the token endpoint gave. `Debug` shows no token.
#[derive(Debug, Clone, Default)]
pub struct Session {
    /// The access token.
    pub access_token: SensitiveText,
    /// The refresh token, for the next access token.
    pub refresh_token: Option<SensitiveText>,
    /// The id token of OpenID Connect, unverified.
    pub id_token: Option<SensitiveText>,
    /// When the access token expires, in Unix seconds.
    pub expires_at: Option<u64>,
    /// The granted scopes, with spaces between them.
    pub scope: Option<String>,
}

/// The user's profile at the API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// The user's id.
    pub id: String,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Email address.
    pub email: Option<String>,
}

impl fmt::Display for Profile {
    /// Name and email address, else the id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [&self.first_name, &self.last_name];
        let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
        match (names.join(" ").trim(), &self.email) {
            ("", None) => f.write_str(&self.id),
            ("", Some(email)) => f.write_str(email),
            (name, None) => f.write_str(name),
            (name, Some(email)) => write!(f, "{name} <{email}>"),
        }
    }
}

impl SettingsFile {
    /// The id of the active user.
    pub fn active_user_id(&self) -> Option<&str> {
        text(&self.root, "active_user_id")
    }

    /// The active user's API URL.
    pub fn api_url(&self) -> Option<&str> {
        text(self.user()?, "api_url")
    }

    /// The active user's project.
    pub fn active_project(&self) -> Option<&str> {
        text(object(self.user()?, "project")?, "active_project")
    }

    /// The active user's profile, once it is known.
    pub fn profile(&self) -> Option<Profile> {
        let profile = object(self.user()?, "profile")?;
        let member = |name| text(profile, name).map(str::to_owned);
        Some(Profile {
            id: member("id")?,
            first_name: member("first_name"),
            last_name: member("last_name"),
            email: member("email"),
        })
    }

    /// The active user's session, if there is one with an access token.
    pub fn session(&self) -> Option<Session> {
        let session = object(self.user()?, "session")?;
        let secret = |name| text(session, name).map(|text| SensitiveText::new(text.to_owned()));
        let expires_at = session.get("expires_at");
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the cast saturates, which is what is meant"
        )]
        let fractional = || expires_at.and_then(Value::as_f64).map(|seconds| seconds as u64);
        Some(Session {
            access_token: secret("access_token")?,
            refresh_token: secret("refresh_token"),
            id_token: secret("id_token"),
            expires_at: expires_at.and_then(Value::as_u64).or_else(fractional),
            scope: text(session, "scope").map(str::to_owned),
        })
    }

    /// Sets the active user's session.
    pub fn set_session(&mut self, session: &Session) {
        let secret = |text: &Option<SensitiveText>| json!(text.as_ref().map(SensitiveText::expose));
        self.edit_user(|user| {
            edit(user, "session", |members| {
                members.insert("access_token".to_owned(), json!(session.access_token.expose()));
                members.insert("refresh_token".to_owned(), secret(&session.refresh_token));
                members.insert("id_token".to_owned(), secret(&session.id_token));
                members.insert("expires_at".to_owned(), json!(session.expires_at));
                members.insert("scope".to_owned(), json!(session.scope));
                members.insert("token_type".to_owned(), json!("Bearer"));
            });
        });
    }

    /// Makes the user who has signed in at `api_url` the active user, with this session. Without a profile the user
    /// is unknown, and becomes none of the known ones.
    pub fn sign_in(&mut self, profile: Option<&Profile>, session: &Session, api_url: &str) {
        match profile {
            Some(profile) => self.set_profile(profile),
            None => {
                self.root.insert("active_user_id".to_owned(), json!(LOCAL_USER));
            }
        }
        self.set_session(session);
        self.set_api_url(Some(api_url));
    }

    /// Removes the active user's session. Profile and project stay.
    pub fn clear_session(&mut self) {
        if self.user().is_some() {
            self.edit_user(|user| {
                edit(user, "session", super::file::wipe_members);
                user.insert("session".to_owned(), Value::Null);
            });
        }
    }

    /// Sets the profile, and makes its user the active one. Settings from before a profile was known become this
    /// user's; those of other users stay.
    pub fn set_profile(&mut self, profile: &Profile) {
        if self.active_user_id().is_none_or(|id| id == LOCAL_USER) {
            edit(&mut self.root, "users", |users| {
                if let Some(Value::Object(local)) = users.remove(LOCAL_USER) {
                    edit(users, &profile.id, |user| user.extend(local));
                }
            });
        }
        self.root.insert("active_user_id".to_owned(), json!(profile.id));
        self.edit_user(|user| {
            edit(user, "profile", |members| {
                members.insert("id".to_owned(), json!(profile.id));
                members.insert("first_name".to_owned(), json!(profile.first_name));
                members.insert("last_name".to_owned(), json!(profile.last_name));
                members.insert("email".to_owned(), json!(profile.email));
            });
        });
    }

    /// Sets the active user's API URL; `None` means the default.
    pub fn set_api_url(&mut self, api_url: Option<&str>) {
        self.edit_user(|user| {
            user.insert("api_url".to_owned(), json!(api_url));
        });
    }

    /// Sets the active user's project.
    pub fn set_active_project(&mut self, project_id: &str) {
        self.edit_user(|user| {
            edit(user, "project", |members| {
                members.insert("active_project".to_owned(), json!(project_id));
            });
        });
    }

    fn user(&self) -> Option<&Map<String, Value>> {
        object(object(&self.root, "users")?, self.active_user_id()?)
    }

    fn edit_user(&mut self, change: impl FnOnce(&mut Map<String, Value>)) {
        let id = self.active_user_id().unwrap_or(LOCAL_USER).to_owned();
        edit(&mut self.root, "users", |users| edit(users, &id, change));
        self.root.insert("active_user_id".to_owned(), id.into());
    }
}

/// A member that is a text and not empty.
fn text<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    map.get(name)?.as_str().filter(|text| !text.is_empty())
}

fn object<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    map.get(name)?.as_object()
}

/// Changes a member that is an object. If it is missing or something else, it becomes an empty object first.
fn edit(map: &mut Map<String, Value>, name: &str, change: impl FnOnce(&mut Map<String, Value>)) {
    let mut member = match map.remove(name) {
        Some(Value::Object(member)) => member,
        _ => Map::new(),
    };
    change(&mut member);
    map.insert(name.to_owned(), member.into());
}
