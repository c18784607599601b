//! Token requests (RFC 6749, sections 2.3.1, 4.1.3 and 6).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::oauth::{OAuthError, PkceVerifier};
use crate::sensitive::SensitiveText;

/// An OAuth client: its id and secret at the provider.
#[derive(Debug, Clone)]
pub struct OAuthClient {
    /// The client's id.
    pub client_id: String,
    /// The client's secret; a public client has none.
    pub client_secret: Option<SensitiveText>,
}

/// How a client authenticates itself at the token endpoint (RFC 6749, section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// Id and secret as HTTP Basic, each form-encoded first: `client_secret_basic`.
    Basic,
    /// Id and secret in the form: `client_secret_post`.
    Post,
    /// The id alone in the form: a public client.
    None,
}

impl ClientAuthentication {
    /// The kind to try first for `client`.
    pub const fn first(client: &OAuthClient) -> Self {
        if client.client_secret.is_some() {
            Self::Basic
        } else {
            Self::None
        }
    }

    /// The kind to try if the response to this one was `invalid_client`; none for a public client.
    pub const fn other(self) -> Option<Self> {
        match self {
            Self::Basic => Some(Self::Post),
            Self::Post => Some(Self::Basic),
            Self::None => None,
        }
    }
}

/// A token request.
#[derive(Debug, Clone)]
pub enum TokenRequest {
    /// Exchanges an authorization code for tokens.
    AuthorizationCode {
        /// The code.
        code: SensitiveText,
        /// The redirect URI of the authorization request, as the same text; none if it had none.
        redirect_uri: Option<String>,
        /// The verifier of the authorization request's challenge; none if it had none.
        verifier: Option<PkceVerifier>,
    },
    /// Refreshes an access token, with the same scopes.
    RefreshToken {
        /// The refresh token.
        refresh_token: SensitiveText,
    },
}

/// Makes the HTTP request to the token endpoint `endpoint`, for [`crate::net::HttpClient::send`].
///
/// # Errors
/// [`OAuthError::BadRequest`] for an id or a secret that no header can carry.
pub fn request(
    endpoint: &Url,
    client: &OAuthClient,
    authentication: ClientAuthentication,
    asked: &TokenRequest,
) -> Result<Request, OAuthError> {
    let mut request = Request::new(Method::POST, endpoint.clone());
    let headers = request.headers_mut();
    let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(CONTENT_TYPE, form_type);
    // Without this header some providers answer with a form instead of JSON.
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let (ClientAuthentication::Basic, Some(secret)) = (authentication, &client.client_secret) {
        headers.insert(AUTHORIZATION, basic(&client.client_id, secret)?);
    }
    *request.body_mut() = Some(form(client, authentication, asked).into());
    Ok(request)
}

fn form(client: &OAuthClient, authentication: ClientAuthentication, asked: &TokenRequest) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    match asked {
        TokenRequest::AuthorizationCode {
            code,
            redirect_uri,
            verifier,
        } => {
            form.append_pair("grant_type", "authorization_code")
                .append_pair("code", code.expose());
            if let Some(redirect_uri) = redirect_uri {
                form.append_pair("redirect_uri", redirect_uri);
            }
            if let Some(verifier) = verifier {
                form.append_pair("code_verifier", verifier.text().expose());
            }
        }
        TokenRequest::RefreshToken { refresh_token } => {
            form.append_pair("grant_type", "refresh_token")
                .append_pair("refresh_token", refresh_token.expose());
        }
    }
    match (authentication, &client.client_secret) {
        (ClientAuthentication::Basic, Some(_)) => {}
        (ClientAuthentication::Post, Some(secret)) => {
            form.append_pair("client_id", &client.client_id)
                .append_pair("client_secret", secret.expose());
        }
        _ => {
            form.append_pair("client_id", &client.client_id);
        }
    }
    form.finish()
}

/// The header for HTTP Basic. Id and secret are form-encoded first (RFC 6749, section 2.3.1), because the id may have
/// a `:`.
fn basic(client_id: &str, secret: &SensitiveText) -> Result<HeaderValue, OAuthError> {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let secret = Zeroizing::new(encoded(secret.expose()));
    let pair = Zeroizing::new(format!("{}:{}", encoded(client_id), *secret));
    let header = Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair)));
    let mut value = HeaderValue::try_from(&**header)
        .map_err(|_| OAuthError::BadRequest("the client's id or secret is not usable"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(secret: Option<&str>) -> OAuthClient {
        OAuthClient {
            client_id: "my:client id".into(),
            client_secret: secret.map(|secret| secret.to_owned().into()),
        }
    }

    fn code() -> TokenRequest {
        TokenRequest::AuthorizationCode {
            code: "c/o+de".to_owned().into(),
            redirect_uri: Some("http://127.0.0.1:1/cb?a=b".into()),
            verifier: None,
        }
    }

    fn body(request: &Request) -> &str {
        let body = request.body().unwrap().as_bytes().unwrap();
        std::str::from_utf8(body).unwrap()
    }

    fn made(secret: Option<&str>, authentication: ClientAuthentication, asked: &TokenRequest) -> Request {
        let endpoint = Url::parse("https://p.example:8443/to%20ken?tenant=1#x").unwrap();
        request(&endpoint, &client(secret), authentication, asked).unwrap()
    }

    #[test]
    fn basic_encodes_id_and_secret_first() {
        let request = made(Some("s:/+% \u{e9}"), ClientAuthentication::Basic, &code());
        assert_eq!(
            request.url().as_str(),
            "https://p.example:8443/to%20ken?tenant=1#x"
        );
        let header = &request.headers()[AUTHORIZATION];
        assert!(header.is_sensitive());
        let pair = STANDARD.decode(&header.as_bytes()["Basic ".len()..]).unwrap();
        assert_eq!(pair, b"my%3Aclient+id:s%3A%2F%2B%25+%C3%A9");
        assert_eq!(
            body(&request),
            "grant_type=authorization_code&code=c%2Fo%2Bde&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb%3Fa%3Db"
        );
    }

    #[test]
    fn post_and_public_clients_are_in_the_form() {
        let refresh = TokenRequest::RefreshToken {
            refresh_token: "r".to_owned().into(),
        };
        let post = made(Some("s&"), ClientAuthentication::Post, &refresh);
        assert!(!post.headers().contains_key(AUTHORIZATION));
        assert_eq!(
            body(&post),
            "grant_type=refresh_token&refresh_token=r&client_id=my%3Aclient+id&client_secret=s%26"
        );
        let verifier = PkceVerifier::generate().unwrap();
        let asked = TokenRequest::AuthorizationCode {
            code: "c".to_owned().into(),
            redirect_uri: None,
            verifier: Some(verifier.clone()),
        };
        let public = made(None, ClientAuthentication::None, &asked);
        assert!(!public.headers().contains_key(AUTHORIZATION));
        assert_eq!(
            body(&public),
            format!(
                "grant_type=authorization_code&code=c&code_verifier={}&client_id=my%3Aclient+id",
                verifier.text().expose()
            )
        );
    }

    #[test]
    fn basic_comes_first_and_a_public_client_has_no_choice() {
        let first = ClientAuthentication::first(&client(Some("s")));
        assert_eq!(first, ClientAuthentication::Basic);
        assert_eq!(first.other(), Some(ClientAuthentication::Post));
        let public = ClientAuthentication::first(&client(None));
        assert_eq!((public, public.other()), (ClientAuthentication::None, None));
    }
}
