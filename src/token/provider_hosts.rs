//! OAuth providers whose token endpoint is on another host than their authorization endpoint.

use crate::wire::HttpEndpoint;

/// The host of the authorization endpoint, and the host of the token endpoint that belongs to it.
///
/// A provider has a place here if both hosts are its own and both are in its documentation or in its discovery document
/// (RFC 8414). Providers with one host for both need none: GitHub, GitLab, Slack, Microsoft Entra, Atlassian and others.
const PAIRS: &[(&str, &str)] = &[
    // https://accounts.google.com/.well-known/openid-configuration
    ("accounts.google.com", "oauth2.googleapis.com"),
    // Package golang.org/x/oauth2/endpoints: Facebook, Amazon, PayPal, Fitbit, Feishu, Lark
    ("www.facebook.com", "graph.facebook.com"),
    ("www.amazon.com", "api.amazon.com"),
    ("www.paypal.com", "api.paypal.com"),
    ("www.fitbit.com", "api.fitbit.com"),
    ("accounts.feishu.cn", "open.feishu.cn"),
    ("accounts.larksuite.com", "open.larksuite.com"),
    // https://developers.dropbox.com/oauth-guide
    ("www.dropbox.com", "api.dropboxapi.com"),
    // https://developer.box.com/reference/get-authorize, https://developer.box.com/reference/post-oauth2-token
    ("account.box.com", "api.box.com"),
    // https://developers.hubspot.com/docs/api/oauth-quickstart-guide
    ("app.hubspot.com", "api.hubapi.com"),
    // https://developer.api.intuit.com/.well-known/openid_configuration
    ("appcenter.intuit.com", "oauth.platform.intuit.com"),
    // https://identity.xero.com/.well-known/openid-configuration
    ("login.xero.com", "identity.xero.com"),
    // https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code
    ("x.com", "api.x.com"),
    ("twitter.com", "api.twitter.com"),
    // https://linear.app/developers/oauth-2-0-authentication
    ("linear.app", "api.linear.app"),
    // https://developers.figma.com/docs/rest-api/authentication
    ("www.figma.com", "api.figma.com"),
];

/// Whether a token endpoint is known to belong to the provider of an authorization endpoint: scheme, host and port are
/// the same, or the hosts are a well-known pair over https on the default port.
pub fn is_same_provider(authorization: &HttpEndpoint, token: &HttpEndpoint) -> bool {
    if authorization.url().origin() == token.url().origin() {
        return true;
    }
    let is_usual = |endpoint: &HttpEndpoint| {
        let url = endpoint.url();
        url.scheme() == "https" && url.port().is_none()
    };
    is_usual(authorization) && is_usual(token) && PAIRS.contains(&(authorization.host(), token.host()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_has_one_origin_or_a_known_pair_of_hosts() {
        for (authorization, token, same) in [
            ("https://github.com/login", "https://github.com/token", true),
            ("https://github.com/login", "https://GitHub.com:443/token", true),
            ("http://127.0.0.1:7/a", "http://127.0.0.1:7/t", true),
            (
                "https://accounts.google.com/o",
                "https://oauth2.googleapis.com/token",
                true,
            ),
            ("https://github.com/login", "https://github.com:8443/token", false),
            ("https://github.com/login", "http://github.com/token", false),
            ("https://github.com/login", "https://api.github.com/token", false),
            (
                "https://oauth2.googleapis.com/o",
                "https://accounts.google.com/token",
                false,
            ),
            (
                "https://accounts.google.com:1/o",
                "https://oauth2.googleapis.com/token",
                false,
            ),
            (
                "https://accounts.google.com/o",
                "http://oauth2.googleapis.com/token",
                false,
            ),
            (
                "https://accounts.google.com/o",
                "https://oauth2.googleapis.com.evil.test/",
                false,
            ),
            (
                "https://accounts.google.com.evil.test/o",
                "https://oauth2.googleapis.com/",
                false,
            ),
        ] {
            let [authorization, token] =
                [authorization, token].map(|text| HttpEndpoint::parse(text).unwrap());
            assert_eq!(
                is_same_provider(&authorization, &token),
                same,
                "{authorization} {token}"
            );
        }
    }
}
