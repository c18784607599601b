//! What the API tells of an account.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, HOST, USER_AGENT};
use hyper::{Request, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::{Position, Url};

use super::AccountError;
use crate::net::{CLIENT_NAME, NetError, authority, bearer, dial, exchange};
use crate::sensitive::SensitiveText;
use crate::settings::{Api, Profile};

/// Largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// What its owner calls it.
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

/// Who the user is.
pub async fn profile(api: &Api, credential: &SensitiveText) -> Result<Profile, AccountError> {
    let answer: ProfileAnswer = get(&api.profile(), credential).await?;
    Ok(Profile {
        id: answer.id,
        first_name: answer.first_name,
        last_name: answer.last_name,
        email: answer.email,
    })
}

/// The user's projects, as the API orders them.
pub async fn projects(api: &Api, credential: &SensitiveText) -> Result<Vec<Project>, AccountError> {
    let answer: ProjectList = get(&api.projects(), credential).await?;
    Ok(answer.projects)
}

/// Redirects are not followed: the credential goes to the address it was given for.
async fn get<T: DeserializeOwned>(url: &Url, credential: &SensitiveText) -> Result<T, AccountError> {
    let request = request(url, credential)?;
    let answer = exchange(dial(url).await?, request, MAX_ANSWER_BYTES).await?;
    let (host, status) = (authority(url), answer.status());
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        let status = status.to_string();
        return Err(AccountError::Refused { host, status });
    }
    let read = (status == StatusCode::OK).then(|| serde_json::from_slice(answer.body()));
    let Some(Ok(value)) = read else {
        let status = status.to_string();
        return Err(AccountError::BadAnswer { host, status });
    };
    Ok(value)
}

fn request(url: &Url, credential: &SensitiveText) -> Result<Request<Full<Bytes>>, NetError> {
    Request::builder()
        .uri(&url[Position::BeforePath..Position::AfterQuery])
        .header(HOST, authority(url))
        .header(AUTHORIZATION, bearer(credential)?)
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, CLIENT_NAME)
        .body(Full::default())
        .map_err(|_| NetError::BadAddress {
            address: authority(url),
            reason: "it cannot be put into a request",
        })
}
