//! Participant tokens: which identity the bearer has in which room, and what it may do there.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{ApiKey, ApiScope, CLOCK_LEEWAY_SECONDS, Role, SecretsGrant, TokenError, jwt};
use crate::clock;
use crate::sensitive::SensitiveText;
use crate::wire::{Identity, RoomName};

/// `version` of the tokens that are made here: the release of the SDKs that makes tokens of this form.
pub const TOKEN_VERSION: &str = "0.39.9";

/// The claims of a participant token (protocol, "Participant token"). They are not secret; the text that
/// [`ParticipantToken::sign`] makes of them is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParticipantToken {
    /// The bearer's identity (`name`).
    pub identity: Identity,
    /// The room that the token is for (grant `room`).
    pub room: Option<RoomName>,
    /// The bearer's role (grant `role`).
    pub role: Role,
    /// The toolkits that the bearer may use (grant `api`); without it none.
    pub api: Option<ApiScope>,
    /// The project (`sub`). [`ParticipantToken::sign`] takes it from the key.
    pub project_id: Option<String>,
    /// The API key's id (`kid`). [`ParticipantToken::sign`] takes it from the key.
    pub api_key_id: Option<String>,
    /// The version of the software that made the token (`version`).
    pub version: String,
    /// When the token expires, in Unix seconds (`exp`). Without it the token does not expire.
    pub expires_at: Option<u64>,
    /// When the token was signed, in Unix seconds (`iat`). [`ParticipantToken::sign`] takes it from the clock.
    pub issued_at: Option<u64>,
    /// The token's id (`jti`). [`ParticipantToken::sign`] makes a new one.
    pub token_id: Option<String>,
}

impl ParticipantToken {
    /// A token of the role `user` that does not expire.
    pub fn new(identity: Identity, room: RoomName, api: ApiScope) -> Self {
        Self {
            identity,
            room: Some(room),
            role: Role::User,
            api: Some(api),
            project_id: None,
            api_key_id: None,
            version: TOKEN_VERSION.to_owned(),
            expires_at: None,
            issued_at: None,
            token_id: None,
        }
    }

    /// The same token, to expire `lifetime` from now.
    #[must_use]
    pub fn valid_for(self, lifetime: Duration) -> Self {
        Self {
            expires_at: Some(clock::now().saturating_add(lifetime.as_secs())),
            ..self
        }
    }

    /// Signs the token. The claims `kid` and `sub` are the key's id and project, `jti` is a new random UUID, and `iat`
    /// is the time [`CLOCK_LEEWAY_SECONDS`] ago: a server whose clock is behind would refuse a token of the future.
    ///
    /// # Errors
    /// [`TokenError::TooLong`] for more than [`MAX_TOKEN_BYTES`](super::MAX_TOKEN_BYTES).
    pub fn sign(&self, key: &ApiKey) -> Result<SensitiveText, TokenError> {
        let mut grants = Vec::new();
        if let Some(api) = &self.api {
            let scope = serde_json::to_value(api).map_err(|_| TokenError::BadGrant("api"))?;
            grants.push(json!({"name": "api", "scope": scope}));
        }
        if let Some(room) = &self.room {
            grants.push(json!({"name": "room", "scope": room}));
        }
        if self.role != Role::User {
            grants.push(json!({"name": "role", "scope": self.role}));
        }
        let mut claims = Map::from_iter([
            ("name".to_owned(), json!(self.identity)),
            ("grants".to_owned(), grants.into()),
            ("sub".to_owned(), key.project_id().to_string().into()),
            ("kid".to_owned(), key.id().to_string().into()),
            ("version".to_owned(), self.version.as_str().into()),
            ("jti".to_owned(), Uuid::new_v4().to_string().into()),
            (
                "iat".to_owned(),
                clock::now().saturating_sub(CLOCK_LEEWAY_SECONDS).into(),
            ),
        ]);
        if let Some(expires_at) = self.expires_at {
            claims.insert("exp".to_owned(), expires_at.into());
        }
        jwt::sign(&claims, key.signing_key())
    }

    /// Verifies a token: the key signed it, and it is valid at `now`, in Unix seconds.
    ///
    /// The signature is verified before the claims are read. Then:
    /// - `kid` and `sub` must be the key's, if they are present.
    /// - `exp` must not have passed, and `nbf` and `iat` must not be in the future, with
    ///   [`CLOCK_LEEWAY_SECONDS`] of leeway.
    /// - No two grants may have the same name.
    ///
    /// Unknown claims and grants are ignored.
    ///
    /// # Errors
    /// The first rule that the token breaks.
    pub fn verify(jwt: &str, key: &ApiKey, now: u64) -> Result<Self, TokenError> {
        let claims = jwt::verify(jwt, key.signing_key())?;
        let is_another = |claim: &'static str, id: Uuid| {
            let named = optional_text(&claims, claim)?;
            Ok(named.is_some_and(|named| Uuid::parse_str(&named) != Ok(id)))
        };
        if is_another("kid", key.id())? {
            return Err(TokenError::UnknownKey);
        }
        if is_another("sub", key.project_id())? {
            return Err(TokenError::WrongProject);
        }
        check_times(&claims, now)?;
        Self::from_claims(&claims)
    }

    /// What a token says, though nobody may have signed it: to show it, and never to admit its bearer.
    ///
    /// # Errors
    /// [`TokenError::Malformed`] and others if it cannot be read.
    pub fn unverified(jwt: &str) -> Result<Self, TokenError> {
        let claims = jwt::unverified_claims(jwt).ok_or(TokenError::Malformed)?;
        Self::from_claims(&claims)
    }

    fn from_claims(claims: &Map<String, Value>) -> Result<Self, TokenError> {
        let grants = grants(claims)?;
        let name = claims
            .get("name")
            .and_then(Value::as_str)
            .ok_or(TokenError::BadClaim("name"))?;
        Ok(Self {
            identity: Identity::new(name).map_err(|_| TokenError::BadClaim("name"))?,
            room: grant(&grants, "room")?,
            role: grant(&grants, "role")?.unwrap_or_default(),
            api: api_grant(&grants)?,
            project_id: optional_text(claims, "sub")?,
            api_key_id: optional_text(claims, "kid")?,
            version: optional_text(claims, "version")?.unwrap_or_else(|| TOKEN_VERSION.to_owned()),
            expires_at: numeric_date(claims, "exp")?,
            issued_at: numeric_date(claims, "iat")?,
            token_id: optional_text(claims, "jti")?,
        })
    }

    /// Verifies a token as [`ParticipantToken::verify`] does, by the key of `keys` that its claim `kid` names, or else
    /// by the one that signed it. Returns that key too.
    ///
    /// # Errors
    /// Those of [`ParticipantToken::verify`]; [`TokenError::UnknownKey`] if `kid` names none of the keys.
    pub fn verify_by_any<'k>(
        jwt: &str,
        keys: &'k [ApiKey],
        now: u64,
    ) -> Result<(Self, &'k ApiKey), TokenError> {
        // Not verified yet: it only chooses the key.
        let claims = jwt::unverified_claims(jwt);
        let named = claims.and_then(|claims| optional_text(&claims, "kid").ok()?);
        let candidates = keys.iter().filter(|key| {
            let id = named.as_deref();
            id.is_none_or(|id| Uuid::parse_str(id) == Ok(key.id()))
        });
        let mut refused = TokenError::UnknownKey;
        for key in candidates {
            match Self::verify(jwt, key, now) {
                Ok(token) => return Ok((token, key)),
                Err(TokenError::BadSignature) => refused = TokenError::BadSignature,
                Err(error) => return Err(error),
            }
        }
        Err(refused)
    }

    /// When a token expires, in Unix seconds, for its bearer, who has no key to verify it with. None if it does not, or
    /// if the text is not a token.
    pub fn unverified_expiry(jwt: &str) -> Option<u64> {
        numeric_date(&jwt::unverified_claims(jwt)?, "exp").ok()?
    }

    /// Verifies a token as [`ParticipantToken::verify`] does, and that it is for this room.
    ///
    /// # Errors
    /// Those of [`ParticipantToken::verify`], and [`TokenError::WrongRoom`].
    pub fn verify_for_room(jwt: &str, key: &ApiKey, now: u64, room: &RoomName) -> Result<Self, TokenError> {
        let token = Self::verify(jwt, key, now)?;
        token.check_room(room)?;
        Ok(token)
    }

    /// Whether the token is for this room.
    ///
    /// # Errors
    /// [`TokenError::WrongRoom`].
    pub fn check_room(&self, room: &RoomName) -> Result<(), TokenError> {
        if self.room.as_ref() == Some(room) {
            Ok(())
        } else {
            Err(TokenError::WrongRoom)
        }
    }
}

/// A claim that must be text, null or absent.
fn optional_text(claims: &Map<String, Value>, name: &'static str) -> Result<Option<String>, TokenError> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(TokenError::BadClaim(name)),
    }
}

/// Checks `exp`, `nbf` and `iat` (RFC 7519, sections 4.1.4 to 4.1.6).
fn check_times(claims: &Map<String, Value>, now: u64) -> Result<(), TokenError> {
    let expires_at = numeric_date(claims, "exp")?;
    if expires_at.is_some_and(|at| now >= at.saturating_add(CLOCK_LEEWAY_SECONDS)) {
        return Err(TokenError::Expired);
    }
    for name in ["nbf", "iat"] {
        if numeric_date(claims, name)?.is_some_and(|at| at > now.saturating_add(CLOCK_LEEWAY_SECONDS)) {
            return Err(TokenError::NotYetValid);
        }
    }
    Ok(())
}

/// A `NumericDate` (RFC 7519, section 2) in whole seconds. A fraction is cut off; a time before 1970 counts as 1970.
fn numeric_date(claims: &Map<String, Value>, name: &'static str) -> Result<Option<u64>, TokenError> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let Value::Number(number) = value else {
        return Err(TokenError::BadClaim(name));
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, which is what is meant"
    )]
    let seconds = number
        .as_u64()
        .or_else(|| number.as_f64().map(|seconds| seconds as u64));
    seconds.map(Some).ok_or(TokenError::BadClaim(name))
}

/// The scopes of the grants by name; none if the claim `grants` is absent.
fn grants(claims: &Map<String, Value>) -> Result<Map<String, Value>, TokenError> {
    let list = match claims.get("grants") {
        None | Some(Value::Null) => return Ok(Map::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(TokenError::BadClaim("grants")),
    };
    let mut grants = Map::new();
    for grant in list {
        let name = grant
            .get("name")
            .and_then(Value::as_str)
            .ok_or(TokenError::BadClaim("grants"))?;
        let scope = grant.get("scope").cloned().unwrap_or_default();
        if grants.insert(name.to_owned(), scope).is_some() {
            return Err(TokenError::DuplicateGrant);
        }
    }
    Ok(grants)
}

/// The scope of a grant, if the token has the grant.
fn grant<T: DeserializeOwned>(
    grants: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<T>, TokenError> {
    let scope = grants.get(name).map(T::deserialize).transpose();
    scope.map_err(|_| TokenError::BadGrant(name))
}

/// The grant `api`. An error in its `secrets` member is told apart, for its text to say what may be there.
fn api_grant(grants: &Map<String, Value>) -> Result<Option<ApiScope>, TokenError> {
    grant(grants, "api").map_err(|error| {
        let secrets = grants.get("api").and_then(|scope| scope.get("secrets"));
        match secrets {
            Some(secrets) if secrets.is_object() => {
                match serde_json::from_value::<SecretsGrant>(secrets.clone()) {
                    Ok(_) => error,
                    Err(_) => TokenError::BadSecretsGrant,
                }
            }
            _ => error,
        }
    })
}

#[cfg(test)]
#[path = "participant_tests.rs"]
mod tests;
