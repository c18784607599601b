//! The grants of a participant token (protocol, "Participant token").

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::oauth_grant::{EndpointGrantError, OAuthEndpointGrant};

/// The role of a participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A person, or a program that acts for one. Tokens without the grant `role` have this role.
    #[default]
    User,
    /// An agent.
    Agent,
    /// A tool.
    Tool,
}

/// Access to the `secrets` toolkit. A member that is not known is refused: a misspelt list would otherwise allow all
/// clients.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretsGrant {
    /// The OAuth clients whose tokens may be requested. Without a list all are allowed, with an empty list none.
    #[serde(default, alias = "requestOauthToken", skip_serializing_if = "Option::is_none")]
    pub request_oauth_token: Option<Vec<OAuthEndpointGrant>>,
}

impl SecretsGrant {
    /// Whether tokens of this client at these endpoints may be requested (protocol, "OAuth").
    pub fn allows_oauth(&self, client_id: &str, authorization_endpoint: &str, token_endpoint: &str) -> bool {
        self.request_oauth_token.as_ref().is_none_or(|entries| {
            entries
                .iter()
                .any(|entry| entry.allows(client_id, authorization_endpoint, token_endpoint))
        })
    }

    /// Checks that each entry of the list can match a request.
    ///
    /// # Errors
    /// [`EndpointGrantError`] for the first that cannot.
    pub fn check(&self) -> Result<(), EndpointGrantError> {
        self.request_oauth_token
            .iter()
            .flatten()
            .try_for_each(OAuthEndpointGrant::check)
    }
}

/// Access to the toolkits that participants host. Absent members mean true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "the grant's members on the wire")]
pub struct AgentsGrant {
    /// May host a toolkit that the others see.
    #[serde(deserialize_with = "null_is_true", skip_serializing_if = "is_true")]
    pub register_public_toolkit: bool,
    /// May host a toolkit that only those find who know its name.
    #[serde(deserialize_with = "null_is_true", skip_serializing_if = "is_true")]
    pub register_private_toolkit: bool,
    /// May call others.
    #[serde(deserialize_with = "null_is_true", skip_serializing_if = "is_true")]
    pub call: bool,
    /// May call the toolkits of others.
    #[serde(deserialize_with = "null_is_true", skip_serializing_if = "is_true")]
    pub use_tools: bool,
    /// The toolkits that it may call. Without a list it may call all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_toolkits: Option<Vec<String>>,
    /// Members that mean nothing here, unchanged.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

impl Default for AgentsGrant {
    fn default() -> Self {
        Self {
            register_public_toolkit: true,
            register_private_toolkit: true,
            call: true,
            use_tools: true,
            allowed_toolkits: None,
            others: Map::new(),
        }
    }
}

impl AgentsGrant {
    /// Whether the toolkit of that name may be called.
    pub fn allows_toolkit(&self, name: &str) -> bool {
        let listed = self.allowed_toolkits.as_ref();
        self.call
            && self.use_tools
            && listed.is_none_or(|listed| listed.iter().any(|allowed| allowed == name))
    }
}

/// Access to the `messaging` toolkit. Absent members mean true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MessagingGrant {
    /// May send messages to all participants.
    #[serde(deserialize_with = "null_is_true", skip_serializing_if = "is_true")]
    pub broadcast: bool,
    /// May see the other participants.
    #[serde(deserialize_with = "null_is_true", skip_serializing_if = "is_true")]
    pub list: bool,
    /// May send messages to one participant.
    #[serde(deserialize_with = "null_is_true", skip_serializing_if = "is_true")]
    pub send: bool,
}

impl Default for MessagingGrant {
    fn default() -> Self {
        Self {
            broadcast: true,
            list: true,
            send: true,
        }
    }
}

fn null_is_true<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(true))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
const fn is_true(value: &bool) -> bool {
    *value
}

/// The toolkits that a participant may use: the scope of the grant `api`.
///
/// The participant has no access to a toolkit whose member is absent or null.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ApiScope {
    /// Access to the `secrets` toolkit.
    #[serde(
        default,
        deserialize_with = "object_or_null",
        skip_serializing_if = "Option::is_none"
    )]
    pub secrets: Option<SecretsGrant>,
    /// Access to the `messaging` toolkit.
    #[serde(
        default,
        deserialize_with = "object_or_null",
        skip_serializing_if = "Option::is_none"
    )]
    pub messaging: Option<MessagingGrant>,
    /// Access to the toolkits that participants host.
    #[serde(
        default,
        deserialize_with = "object_or_null",
        skip_serializing_if = "Option::is_none"
    )]
    pub agents: Option<AgentsGrant>,
    /// May act for other identities. It is written as `"admin": {}`; any object as `admin` is read as true.
    #[serde(default, with = "presence", skip_serializing_if = "is_false")]
    pub admin: bool,
    /// The members for other toolkits, unchanged.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl ApiScope {
    /// Full access to the `secrets` and `messaging` toolkits and to those of other participants.
    pub fn participant() -> Self {
        Self {
            secrets: Some(SecretsGrant::default()),
            messaging: Some(MessagingGrant::default()),
            agents: Some(AgentsGrant::default()),
            ..Self::default()
        }
    }

    /// Like [`ApiScope::participant`], with the right to act for other identities.
    pub fn administrator() -> Self {
        Self {
            admin: true,
            ..Self::participant()
        }
    }
}

/// Reads a grant, which must be an object or null. `serde` would also read an array, as the members of a struct in
/// their order, so that `[]` would grant the whole toolkit.
fn object_or_null<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let map = Option::<Map<String, Value>>::deserialize(deserializer)?;
    map.map(|map| T::deserialize(Value::Object(map)))
        .transpose()
        .map_err(D::Error::custom)
}

/// A bool in the form of an object that is present or absent.
mod presence {
    use super::{Deserialize, Deserializer, Map, Serialize, Value};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: serde::Serializer>(present: &bool, serializer: S) -> Result<S::Ok, S::Error> {
        present.then(Map::<String, Value>::new).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
        Ok(Option::<Map<String, Value>>::deserialize(deserializer)?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secrets(value: Value) -> SecretsGrant {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn oauth_needs_an_entry_where_there_is_a_list() {
        let allows = |grant: Value, client: &str| {
            secrets(grant).allows_oauth(client, "https://p/authorize", "https://p/token")
        };
        assert!(allows(json!({}), "c"));
        assert!(allows(json!({"request_oauth_token": null}), "c"));
        assert!(!allows(json!({"request_oauth_token": []}), "c"));
        let some = json!({"request_oauth_token": [
            {"endpoint": "https://q/*", "client_id": "c"},
            {"endpoint": "https://p/*", "client_id": "d"},
        ]});
        assert!(allows(some.clone(), "d"));
        assert!(!allows(some.clone(), "c"));
        assert!(!allows(some, ""));
    }

    #[test]
    fn the_sdks_other_spelling_restricts_too() {
        let grant = secrets(json!({"requestOauthToken": [
            {"endpoint": "https://p/a", "clientId": "c", "tokenEndpoint": "https://q/t"},
        ]}));
        assert!(grant.allows_oauth("c", "https://p/a", "https://q/t"));
        assert!(!grant.allows_oauth("c", "https://p/a", "https://p/t"));
        let both = json!({"requestOauthToken": null, "request_oauth_token": []});
        assert!(serde_json::from_value::<SecretsGrant>(both).is_err());
    }

    #[test]
    fn a_misspelt_member_of_the_secrets_grant_is_no_grant() {
        let entry =
            |member: &str| json!({"endpoint": "https://p/a", "client_id": "c", member: "https://q/t"});
        assert!(
            serde_json::from_value::<SecretsGrant>(json!({"request_oauth_token": [entry("token_endpoint")]}))
                .is_ok()
        );
        for wrong in [
            json!({"request_oauth_tokens": []}),
            json!({"request_oauth_token": [entry("token_endpiont")]}),
        ] {
            assert!(
                serde_json::from_value::<SecretsGrant>(wrong.clone()).is_err(),
                "{wrong}"
            );
        }
        // Other toolkits have members that are not known here.
        assert!(serde_json::from_value::<ApiScope>(json!({"secrets": {}, "llm": {"x": 1}, "y": 2})).is_ok());
    }

    #[test]
    fn a_toolkit_is_open_only_when_its_member_is_there() {
        let none: ApiScope = serde_json::from_value(json!({"secrets": null, "admin": null})).unwrap();
        assert_eq!(none, ApiScope::default());
        let all: ApiScope = serde_json::from_value(
            json!({"secrets": {}, "admin": {}, "messaging": {"list": false, "send": null}}),
        )
        .unwrap();
        assert!(all.admin && all.secrets.is_some());
        assert_eq!(
            all.messaging,
            Some(MessagingGrant {
                list: false,
                ..MessagingGrant::default()
            })
        );
        for wrong in [
            json!({"secrets": true}),
            json!({"admin": true}),
            json!({"messaging": {"list": "no"}}),
        ] {
            assert!(
                serde_json::from_value::<ApiScope>(wrong.clone()).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn scopes_are_written_as_the_sdks_read_them() {
        assert_eq!(
            serde_json::to_value(ApiScope::participant()).unwrap(),
            json!({"secrets": {}, "messaging": {}, "agents": {}})
        );
        let administrator = serde_json::to_value(ApiScope::administrator()).unwrap();
        assert_eq!(
            administrator,
            json!({"secrets": {}, "messaging": {}, "agents": {}, "admin": {}})
        );
        let others = json!({"llm": {"models": ["m"]}, "queues": null});
        let scope: ApiScope = serde_json::from_value(others.clone()).unwrap();
        assert_eq!(serde_json::to_value(&scope).unwrap(), others);
    }
}
