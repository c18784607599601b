//! Reads the user's profile and projects from the API.

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use reqwest::{Method, Request, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use super::AccountError;
use crate::net::{HttpClient, authority, bearer};
use crate::sensitive::SensitiveText;
use crate::settings::{Api, Profile};

/// Largest response that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
}

#[derive(Deserialize)]
struct ProjectList {
    projects: Vec<Project>,
}

#[derive(Deserialize)]
struct ProfileAnswer {
    id: String,
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
}

/// Reads the user's profile.
///
/// # Errors
/// [`AccountError::Refused`] if the API does not accept the credential.
pub async fn profile(
    http: &HttpClient,
    api: &Api,
    credential: &SensitiveText,
) -> Result<Profile, AccountError> {
    let answer: ProfileAnswer = get(http, &api.profile(), credential).await?;
    Ok(Profile {
        id: answer.id,
        first_name: answer.first_name,
        last_name: answer.last_name,
        email: answer.email,
    })
}

/// Reads the user's projects, in the API's order.
///
/// # Errors
/// As [`profile`].
pub async fn projects(
    http: &HttpClient,
    api: &Api,
    credential: &SensitiveText,
) -> Result<Vec<Project>, AccountError> {
    let answer: ProjectList = get(http, &api.projects(), credential).await?;
    Ok(answer.projects)
}

/// Reads JSON. Redirects are not followed, because the credential is meant for this address alone.
async fn get<T: DeserializeOwned>(
    http: &HttpClient,
    url: &Url,
    credential: &SensitiveText,
) -> Result<T, AccountError> {
    let mut request = Request::new(Method::GET, url.clone());
    let headers = request.headers_mut();
    headers.insert(AUTHORIZATION, bearer(credential)?);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let answer = http.send(request, MAX_ANSWER_BYTES).await?;
    let (host, status) = (authority(url), answer.status);
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        let status = status.to_string();
        return Err(AccountError::Refused { host, status });
    }
    let read = (status == StatusCode::OK).then(|| serde_json::from_slice(&answer.body));
    let Some(Ok(value)) = read else {
        let status = status.to_string();
        return Err(AccountError::BadResponse { host, status });
    };
    Ok(value)
}
