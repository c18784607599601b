//! What a rule matches of a request to sign in.

use super::mismatch::Mismatch;
use super::oauth_request::OAuthRequest;
use super::pattern::{HostPattern, Pattern};
use crate::wire::HttpEndpoint;

/// Patterns for a request to sign in. The host, path, query and port of each of the two endpoints must match.
#[derive(Debug, Default)]
pub(super) struct OAuthPatterns {
    pub(super) client_id: Option<Pattern>,
    /// One must match the host of each endpoint; empty for all hosts.
    pub(super) hosts: Vec<HostPattern>,
    /// One must match the path of each endpoint; empty for all paths.
    pub(super) paths: Vec<Pattern>,
    pub(super) queries: Option<Vec<Pattern>>,
    pub(super) ports: Option<Ports>,
    /// One must match each scope.
    pub(super) scopes: Option<Vec<Pattern>>,
    /// What is not named is at its safe default: no query, the default port, no scopes, https and PKCE. A rule that says
    /// yes has this. In other rules, what is not named matches everything.
    pub(super) is_strict: bool,
    /// Exceptions from that.
    pub(super) allow_http: bool,
    pub(super) allow_no_pkce: bool,
}

/// Ports of endpoints.
#[derive(Debug)]
pub(super) enum Ports {
    Any,
    These(Vec<u16>),
}

impl OAuthPatterns {
    /// Whether the request matches.
    ///
    /// # Errors
    /// The first thing that does not.
    pub(super) fn check(&self, received: &OAuthRequest) -> Result<(), Mismatch> {
        let client = &received.client;
        if self
            .client_id
            .as_ref()
            .is_some_and(|pattern| !pattern.matches(&client.client_id))
        {
            return Err(Mismatch::ClientId);
        }
        if self.names_endpoints() {
            for endpoint in [&client.authorization_endpoint, &client.token_endpoint] {
                self.check_endpoint(&HttpEndpoint::parse(endpoint.as_str())?)?;
            }
        }
        if self.is_strict && !self.allow_no_pkce && received.challenge.is_none() {
            return Err(Mismatch::NoPkce);
        }
        self.check_scopes(client.scopes.as_deref().unwrap_or_default())
    }

    /// Whether an endpoint has to be looked at: it may be one that cannot be read.
    fn names_endpoints(&self) -> bool {
        self.is_strict
            || !self.hosts.is_empty()
            || !self.paths.is_empty()
            || self.queries.is_some()
            || self.ports.is_some()
    }

    fn check_endpoint(&self, endpoint: &HttpEndpoint) -> Result<(), Mismatch> {
        let url = endpoint.url();
        let host = endpoint.host();
        if !self.hosts.is_empty() && !self.hosts.iter().any(|pattern| pattern.matches(host)) {
            return Err(Mismatch::Host(host.to_owned()));
        }
        if self.is_strict && !self.allow_http && url.scheme() != "https" {
            return Err(Mismatch::Http(host.to_owned()));
        }
        let port = url.port_or_known_default().unwrap_or_default();
        let port_fits = match &self.ports {
            Some(Ports::Any) => true,
            Some(Ports::These(ports)) => ports.contains(&port),
            // Without the default port, that is.
            None => !self.is_strict || url.port().is_none(),
        };
        if !port_fits {
            return Err(Mismatch::Port(port));
        }
        if !self.paths.is_empty() && !self.paths.iter().any(|pattern| pattern.matches(url.path())) {
            return Err(Mismatch::Path(url.path().to_owned()));
        }
        let query_fits = |query: &str| match &self.queries {
            Some(patterns) => patterns.iter().any(|pattern| pattern.matches(query)),
            None => !self.is_strict,
        };
        match url.query() {
            // A query can ask for more than the scopes say, such as `user_scope` or `request_uri`.
            Some(query) if !query_fits(query) => Err(Mismatch::Query(query.to_owned())),
            _ => Ok(()),
        }
    }

    /// Some providers take a comma between scopes, so that `read,delete` is two of them.
    fn check_scopes(&self, scopes: &[String]) -> Result<(), Mismatch> {
        let patterns = match &self.scopes {
            Some(patterns) => patterns.as_slice(),
            None if self.is_strict => &[],
            None => return Ok(()),
        };
        for scope in scopes.iter().flat_map(|scope| scope.split(',')) {
            if !patterns.iter().any(|pattern| pattern.matches(scope)) {
                return Err(Mismatch::Scope(scope.to_owned()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::oauth_request::tests::oauth;
    use super::*;

    const AUTHORIZE: &str = "https://idp.example/o/authorize";
    const TOKEN: &str = "https://tokens.example/o/token";

    /// A rule that says yes to the client `app` at these two hosts.
    fn rule(change: impl FnOnce(&mut OAuthPatterns)) -> OAuthPatterns {
        let mut patterns = OAuthPatterns {
            client_id: Some("app-*".parse().unwrap()),
            hosts: vec!["*.example".parse().unwrap()],
            is_strict: true,
            ..OAuthPatterns::default()
        };
        change(&mut patterns);
        patterns
    }

    fn received(authorization: &str, token: &str, scopes: &[&str]) -> OAuthRequest {
        let mut received = oauth("app-1", authorization, token);
        received.challenge = Some("challenge".to_owned());
        received.client.scopes = Some(scopes.iter().map(|scope| (*scope).to_owned()).collect());
        received
    }

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_yes_means_https_the_default_port_pkce_no_query_and_no_scopes() {
        let plain = rule(|_| {});
        assert_eq!(plain.check(&received(AUTHORIZE, TOKEN, &[])), Ok(()));
        let port = "https://idp.example:8443/o/authorize";
        let http = "http://idp.example/o/authorize";
        let query = "https://idp.example/o/authorize?user_scope=admin";
        for (request, why) in [
            (received(port, TOKEN, &[]), Mismatch::Port(8443)),
            (
                received(AUTHORIZE, "https://tokens.example:1/", &[]),
                Mismatch::Port(1),
            ),
            (
                received(http, TOKEN, &[]),
                Mismatch::Http("idp.example".to_owned()),
            ),
            (
                received(query, TOKEN, &[]),
                Mismatch::Query("user_scope=admin".to_owned()),
            ),
            (
                received(AUTHORIZE, TOKEN, &["repo"]),
                Mismatch::Scope("repo".to_owned()),
            ),
            (
                received("https://evil.test/", TOKEN, &[]),
                Mismatch::Host("evil.test".to_owned()),
            ),
            (
                received(AUTHORIZE, "https://evil.test/", &[]),
                Mismatch::Host("evil.test".to_owned()),
            ),
            (
                received("https://a.example@evil.test/", TOKEN, &[]),
                Mismatch::Endpoint(crate::wire::EndpointError::UserInfo),
            ),
        ] {
            assert_eq!(plain.check(&request), Err(why), "{request:?}");
        }
        let mut no_pkce = received(AUTHORIZE, TOKEN, &[]);
        no_pkce.challenge = None;
        assert_eq!(plain.check(&no_pkce), Err(Mismatch::NoPkce));
        let allowing = rule(|rule| rule.allow_no_pkce = true);
        assert_eq!(allowing.check(&no_pkce), Ok(()));
        let allowing = rule(|rule| rule.allow_http = true);
        assert_eq!(allowing.check(&received(http, TOKEN, &[])), Ok(()));
        let allowing = rule(|rule| rule.ports = Some(Ports::These(vec![443, 8443])));
        assert_eq!(allowing.check(&received(port, TOKEN, &[])), Ok(()));
        assert!(
            allowing
                .check(&received("https://idp.example:8444/", TOKEN, &[]))
                .is_err()
        );
        let allowing = rule(|rule| rule.ports = Some(Ports::Any));
        assert_eq!(allowing.check(&received(port, TOKEN, &[])), Ok(()));
        let allowing = rule(|rule| rule.queries = Some(patterns(&["user_scope=*"])));
        assert_eq!(allowing.check(&received(query, TOKEN, &[])), Ok(()));
    }

    #[test]
    fn each_scope_must_be_named() {
        let naming = rule(|rule| rule.scopes = Some(patterns(&["repo", "read:*"])));
        for (scopes, refused) in [
            (&[][..], None),
            (&["repo"], None),
            (&["repo", "read:org"], None),
            (&["repo,read:org"], None),
            (&["repo", "delete_repo"], Some("delete_repo")),
            (&["read:org,delete_repo"], Some("delete_repo")),
            (&["REPO"], Some("REPO")),
        ] {
            let expected = refused.map_or(Ok(()), |scope| Err(Mismatch::Scope(scope.to_owned())));
            assert_eq!(
                naming.check(&received(AUTHORIZE, TOKEN, scopes)),
                expected,
                "{scopes:?}"
            );
        }
    }

    #[test]
    fn each_path_must_be_named_where_one_is() {
        let naming = rule(|rule| rule.paths = patterns(&["/o/*"]));
        assert_eq!(naming.check(&received(AUTHORIZE, TOKEN, &[])), Ok(()));
        for path in ["/x", "/o/a/b", "/o/../x"] {
            let endpoint = format!("https://idp.example{path}");
            assert!(matches!(
                naming.check(&received(&endpoint, TOKEN, &[])),
                Err(Mismatch::Path(_))
            ));
        }
    }

    #[test]
    fn a_rule_that_says_no_takes_in_what_it_does_not_name() {
        let rejecting = OAuthPatterns {
            client_id: Some("app-*".parse().unwrap()),
            ..OAuthPatterns::default()
        };
        let mut request = received("http://evil.test:1/?q", "javascript:x", &["all"]);
        request.challenge = None;
        assert_eq!(rejecting.check(&request), Ok(()));
    }

    #[test]
    fn what_others_wrote_is_escaped_in_a_reason() {
        let why = Mismatch::Scope("\x1b[2J".to_owned()).to_string();
        assert!(!why.contains('\x1b'), "{why}");
    }
}
