//! The specification of a participant token, in YAML.

use super::Spec;
use crate::fuzz::check;

#[test]
fn token_specification() {
    let seeds = [
        "version: v1\nkind: ParticipantToken\nidentity: ada\nroom: demo\nrole: agent\napi:\n  secrets:\n    request_oauth_token: []\n",
        "{version: v1, kind: ParticipantToken, identity: ada, api: {admin: {}, llm: {models: [m]}}}",
        "a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nidentity: *c\n",
    ];
    check!(seeds, |input| {
        if let Err(fault) = Spec::parse(input) {
            let error = fault.error("token.yaml").to_string();
            assert!(
                error.starts_with("token.yaml, line ") && !error.contains('\n'),
                "{error}"
            );
        }
    });
}
