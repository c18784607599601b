//! One HTTP/1.1 request and its answer. Redirects are not followed: what a request carries goes to
//! the address it was made for.

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::HeaderValue;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::{NetError, Stream, reason};
use crate::sensitive::SensitiveText;

/// Sends `request` over `stream` and reads the answer, whose body may have `limit` bytes. The stream
/// is closed afterwards. There is no time limit: wrap it in [`tokio::time::timeout`].
pub async fn exchange(
    stream: Box<dyn Stream>,
    request: Request<Full<Bytes>>,
    limit: usize,
) -> Result<Response<Bytes>, NetError> {
    let broken = |error: hyper::Error| {
        if error.is_parse() {
            NetError::NotHttp(reason(&error))
        } else {
            NetError::Closed(reason(&error))
        }
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let answered = async {
        let answer = sender.send_request(request).await.map_err(broken)?;
        read(answer, limit).await
    };
    tokio::pin!(answered);
    tokio::select! {
        answer = &mut answered => answer,
        // The connection is done when the server closed it; what it sent before is still to be read.
        _ = connection => answered.await,
    }
}

async fn read(answer: Response<Incoming>, limit: usize) -> Result<Response<Bytes>, NetError> {
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, limit).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            NetError::TooLong { limit }
        } else {
            NetError::Closed(format!("in the middle of its answer: {}", reason(&*error)))
        }
    })?;
    Ok(Response::from_parts(head, body.to_bytes()))
}

/// The `Authorization` header for a bearer credential.
pub fn bearer(credential: &SensitiveText) -> Result<HeaderValue, NetError> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", credential.expose()))
        .map_err(|_| NetError::BadCredential)?;
    value.set_sensitive(true);
    Ok(value)
}
