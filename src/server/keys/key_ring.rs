//! The key ring: the API keys by which tokens are verified, and which tokens are revoked.

use std::collections::{HashMap, HashSet};

use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::sensitive::SensitiveText;
use crate::server::caller::TokenOrigin;
use crate::server::store::{RevokedTokens, StoreError, StoredKeyRing};
use crate::token::{ApiKey, ParticipantToken, TokenError};
use crate::wire::Identity;

/// API keys and revocations, of which one version is in force at a time.
#[derive(Debug)]
pub struct KeyRing {
    version: u64,
    /// The key that `client.env` names.
    current: ApiKey,
    api_keys: Vec<ApiKey>,
    revoked_ids: HashSet<String>,
    /// When an identity's tokens, or those that an API key signed, were revoked, in Unix seconds.
    revoked_identities: HashMap<Identity, u64>,
    revoked_by_key: HashMap<Uuid, u64>,
}

impl KeyRing {
    /// The key ring that is stored as `stored`.
    ///
    /// # Errors
    /// [`StoreError::Corrupted`] if no key is the current one.
    pub fn new(stored: StoredKeyRing) -> Result<Self, StoreError> {
        let current = stored.api_keys.iter().find(|stored| stored.current);
        let current = current.map(|stored| stored.key.clone());
        let mut ring = Self {
            version: stored.version,
            current: current.ok_or_else(|| StoreError::Corrupted("no API key is the current one".into()))?,
            api_keys: stored.api_keys.into_iter().map(|stored| stored.key).collect(),
            revoked_ids: HashSet::new(),
            revoked_identities: HashMap::new(),
            revoked_by_key: HashMap::new(),
        };
        for revocation in stored.revocations {
            let at = revocation.revoked_at;
            match revocation.tokens {
                RevokedTokens::WithId(id) => drop(ring.revoked_ids.insert(id)),
                RevokedTokens::OfIdentity(identity) => drop(ring.revoked_identities.insert(identity, at)),
                RevokedTokens::OfApiKey(id) => drop(ring.revoked_by_key.insert(id, at)),
            }
        }
        Ok(ring)
    }

    /// Counts the changes.
    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    /// The current API key, which `client.env` names.
    pub const fn current(&self) -> &ApiKey {
        &self.current
    }

    /// The API key that is `text`, compared in constant time.
    pub(in crate::server) fn api_key(&self, text: &SensitiveText) -> Option<&ApiKey> {
        let text = text.expose().as_bytes();
        let mut keys = self.api_keys.iter();
        keys.find(|key| bool::from(key.text().expose().as_bytes().ct_eq(text)))
    }

    /// Verifies a token at `now`, in Unix seconds, by the key that signed it: see
    /// [`ParticipantToken::verify_by_any`].
    ///
    /// # Errors
    /// The first rule that the token breaks; [`TokenError::Revoked`].
    pub fn verify(&self, jwt: &str, now: u64) -> Result<(ParticipantToken, TokenOrigin), TokenError> {
        let (token, key) = ParticipantToken::verify_by_any(jwt, &self.api_keys, now)?;
        let origin = TokenOrigin {
            api_key_id: key.id(),
            token_id: token.token_id.clone(),
            issued_at: token.issued_at,
        };
        self.check(&token.identity, &origin)?;
        Ok((token, origin))
    }

    /// Whether a token of `identity` is accepted. A token that does not say when it was issued counts as older than
    /// any revocation.
    ///
    /// # Errors
    /// [`TokenError::Revoked`]; [`TokenError::UnknownKey`] if its API key was deleted.
    pub(super) fn check(&self, identity: &Identity, token: &TokenOrigin) -> Result<(), TokenError> {
        if !self.api_keys.iter().any(|key| key.id() == token.api_key_id) {
            return Err(TokenError::UnknownKey);
        }
        let issued_at = token.issued_at.unwrap_or_default();
        let is_before = |revoked_at: Option<&u64>| revoked_at.is_some_and(|at| issued_at <= *at);
        let by_id = token
            .token_id
            .as_ref()
            .is_some_and(|id| self.revoked_ids.contains(id));
        if by_id
            || is_before(self.revoked_identities.get(identity))
            || is_before(self.revoked_by_key.get(&token.api_key_id))
        {
            return Err(TokenError::Revoked);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::store::{Revocation, StoredApiKey};
    use crate::token::{ApiScope, CLOCK_LEEWAY_SECONDS};
    use crate::wire::RoomName;

    fn stored(keys: &[&ApiKey], revoked: &[(RevokedTokens, u64)]) -> StoredKeyRing {
        let api_keys = keys.iter().enumerate().map(|(index, key)| StoredApiKey {
            key: (*key).clone(),
            name: String::new(),
            created_at: 0,
            current: index == 0,
        });
        let revocations = revoked.iter().map(|(tokens, revoked_at)| Revocation {
            tokens: tokens.clone(),
            revoked_at: *revoked_at,
            expires_at: None,
        });
        StoredKeyRing {
            version: 1,
            api_keys: api_keys.collect(),
            revocations: revocations.collect(),
        }
    }

    fn ring(keys: &[&ApiKey], revoked: &[(RevokedTokens, u64)]) -> KeyRing {
        KeyRing::new(stored(keys, revoked)).unwrap()
    }

    fn identity(name: &str) -> Identity {
        Identity::new(name).unwrap()
    }

    fn keys() -> (ApiKey, ApiKey) {
        let generate = || ApiKey::generate(Uuid::from_u128(7)).unwrap();
        (generate(), generate())
    }

    fn token(name: &str, key: &ApiKey) -> String {
        let room = RoomName::new("room").unwrap();
        let token = ParticipantToken::new(identity(name), room, ApiScope::participant());
        token.sign(key).unwrap().expose().clone()
    }

    #[test]
    fn tokens_of_each_key_are_verified_and_of_a_deleted_one_refused() {
        let (one, two) = keys();
        let now = crate::clock::now();
        let both = ring(&[&one, &two], &[]);
        for key in [&one, &two] {
            let (found, origin) = both.verify(&token("bob", key), now).unwrap();
            assert_eq!((found.identity.as_str(), origin.api_key_id), ("bob", key.id()));
            assert_eq!(both.api_key(&key.text()).unwrap().id(), key.id());
        }
        let without = ring(&[&two], &[]);
        assert_eq!(
            without.verify(&token("bob", &one), now).unwrap_err(),
            TokenError::UnknownKey
        );
        assert!(without.api_key(&one.text()).is_none());
        let (_, origin) = both.verify(&token("bob", &one), now).unwrap();
        assert_eq!(
            without.check(&identity("bob"), &origin),
            Err(TokenError::UnknownKey)
        );
        let mut none_current = stored(&[&one], &[]);
        none_current.api_keys[0].current = false;
        assert!(KeyRing::new(none_current).is_err());
    }

    #[test]
    fn a_revocation_covers_tokens_issued_until_then_and_no_others() {
        let (one, two) = keys();
        let origin = |key: &ApiKey, id: Option<&str>, issued_at| TokenOrigin {
            api_key_id: key.id(),
            token_id: id.map(str::to_owned),
            issued_at,
        };
        let check = |revoked: RevokedTokens, name: &str, origin: &TokenOrigin| {
            ring(&[&one, &two], &[(revoked, 100)])
                .check(&identity(name), origin)
                .is_ok()
        };
        let bob = || RevokedTokens::OfIdentity(identity("bob"));
        assert!(!check(bob(), "bob", &origin(&one, Some("a"), Some(100))));
        assert!(!check(bob(), "bob", &origin(&two, None, None)));
        assert!(check(bob(), "bob", &origin(&one, Some("a"), Some(101))));
        assert!(check(bob(), "carol", &origin(&one, Some("a"), Some(50))));
        let by_key = || RevokedTokens::OfApiKey(one.id());
        assert!(!check(by_key(), "bob", &origin(&one, None, Some(99))));
        assert!(check(by_key(), "bob", &origin(&one, None, Some(101))));
        assert!(check(by_key(), "bob", &origin(&two, None, Some(99))));
        let by_id = || RevokedTokens::WithId("a".into());
        assert!(!check(by_id(), "bob", &origin(&one, Some("a"), Some(500))));
        assert!(check(by_id(), "bob", &origin(&one, Some("b"), Some(50))));
        assert!(check(by_id(), "bob", &origin(&one, None, Some(50))));
    }

    #[test]
    fn a_revoked_token_is_not_verified() {
        let (one, _) = keys();
        let now = crate::clock::now();
        let signed = token("bob", &one);
        let (found, _) = ring(&[&one], &[]).verify(&signed, now).unwrap();
        let by_id = RevokedTokens::WithId(found.token_id.unwrap());
        let of_bob = RevokedTokens::OfIdentity(identity("bob"));
        for revoked in [(by_id, 0), (of_bob.clone(), now)] {
            let refused = ring(&[&one], &[revoked]).verify(&signed, now);
            assert_eq!(refused.unwrap_err(), TokenError::Revoked);
        }
        let earlier = (of_bob, now - CLOCK_LEEWAY_SECONDS - 5);
        assert!(ring(&[&one], &[earlier]).verify(&signed, now).is_ok());
    }
}
