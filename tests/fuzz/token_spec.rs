//! The specification of a participant token, in YAML.

use super::{Spec, fault};
use crate::fuzz::check;

#[test]
fn token_specification() {
    let seeds = [
        "version: v1\nkind: ParticipantToken\nidentity: ada\nroom: demo\nrole: agent\napi:\n  secrets:\n    request_oauth_token: []\n",
        "{version: v1, kind: ParticipantToken, identity: ada, api: {admin: {}, llm: {models: [m]}}}",
        "a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nidentity: *c\n",
    ];
    check!(seeds, |input| {
        if let Err(error) = serde_saphyr::from_slice::<Spec>(input) {
            let error = fault("token.yaml", &error).to_string();
            assert!(
                error.starts_with("token.yaml") && !error.contains('\n'),
                "{error}"
            );
        }
    });
}
