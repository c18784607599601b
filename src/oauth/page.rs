//! The pages that the loopback listener shows in the browser. They are static: nothing of a request is in them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use sha2::{Digest, Sha256};

/// How a sign-in ended, for the last page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInOutcome {
    /// The user is signed in.
    SignedIn,
    /// The user or the provider refused.
    Denied,
    /// It failed after the callback.
    Failed,
}

const STYLE: &str = "\
:root{color-scheme:light dark;--back:#f6f5f2;--card:#fff;--text:#1d1d1f;--soft:#5f5f66;--line:#e2e0da;--good:#18794e;--bad:#b42318}\
@media(prefers-color-scheme:dark){:root{--back:#161618;--card:#1f1f22;--text:#f0eff2;--soft:#a6a5ad;--line:#333338;--good:#4cc38a;--bad:#ff8a7a}}\
*{box-sizing:border-box}\
body{margin:0;min-height:100vh;display:grid;align-content:center;justify-items:center;gap:1.25rem;padding:1.5rem;\
background:var(--back);color:var(--text);text-align:center;text-wrap:balance;\
font:1.0625rem/1.55 system-ui,-apple-system,'Segoe UI',Roboto,Cantarell,'DejaVu Sans',sans-serif}\
main{max-width:30rem;width:100%;padding:2.5rem 2.25rem 1.5rem;background:var(--card);border:1px solid var(--line);border-radius:1rem;\
box-shadow:0 .5rem 2rem rgb(0 0 0/.06)}\
svg{width:3.5rem;height:3.5rem;fill:none;stroke:currentColor;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}\
.good{color:var(--good)}.bad{color:var(--bad)}.note{color:var(--soft)}\
h1{font-size:1.5rem;line-height:1.25;margin:1rem 0 .75rem}p{margin:0}\
.close{margin-top:1.5rem;padding-top:1.25rem;border-top:1px solid var(--line)}.close,footer{font-size:.9375rem;color:var(--soft)}";

const TICK: &str = "<circle cx=\"12\" cy=\"12\" r=\"10\"/><path d=\"m7.5 12.5 3 3 6-7\"/>";
const CROSS: &str = "<circle cx=\"12\" cy=\"12\" r=\"10\"/><path d=\"m8.5 8.5 7 7m0-7-7 7\"/>";
const BANG: &str = "<circle cx=\"12\" cy=\"12\" r=\"10\"/><path d=\"M12 7v6m0 3.5v.01\"/>";

/// A page: what happened and what to do next. Every page also says that the tab can be closed.
struct Page {
    status: StatusCode,
    /// Class of the icon: `good`, `bad` or `note`.
    mood: &'static str,
    icon: &'static str,
    title: &'static str,
    text: &'static str,
}

/// The page at the end of a sign-in.
pub(super) fn outcome(outcome: SignInOutcome) -> Response<String> {
    let (mood, icon, title, text) = match outcome {
        SignInOutcome::SignedIn => (
            "good",
            TICK,
            "You are signed in",
            "Your terminal goes on from here.",
        ),
        SignInOutcome::Denied => (
            "bad",
            CROSS,
            "Access was not granted",
            "Nothing was stored. If that was a mistake, start the sign-in again from your terminal.",
        ),
        SignInOutcome::Failed => (
            "bad",
            CROSS,
            "The sign-in did not work",
            "Your terminal says why. Put that right, and start the sign-in again from there.",
        ),
    };
    respond(&Page {
        status: StatusCode::OK,
        mood,
        icon,
        title,
        text,
    })
}

/// The page for a callback that does not belong to this sign-in, which goes on.
pub(super) fn not_the_answer() -> Response<String> {
    respond(&Page {
        status: StatusCode::BAD_REQUEST,
        mood: "note",
        icon: BANG,
        title: "This answer was not expected",
        text: "It may belong to an earlier attempt. Sign in at the address that your terminal shows.",
    })
}

/// The page for a callback after the first.
pub(super) fn answered_already() -> Response<String> {
    respond(&Page {
        status: StatusCode::GONE,
        mood: "note",
        icon: BANG,
        title: "This has been answered already",
        text: "Your terminal says how it went.",
    })
}

/// The page for other requests.
pub(super) fn refusal(status: StatusCode) -> Response<String> {
    let mut response = respond(&Page {
        status,
        mood: "note",
        icon: BANG,
        title: "There is nothing here",
        text: "Sign in at the address that your terminal shows.",
    });
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET"));
    }
    response
}

/// Redirects the browser to `path`, so that code and state do not stay in its address bar and history.
pub(super) fn redirect(path: &str) -> Response<String> {
    let mut response = bare(StatusCode::SEE_OTHER, String::new());
    if let Ok(location) = HeaderValue::try_from(path) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

fn respond(page: &Page) -> Response<String> {
    let Page {
        mood,
        icon,
        title,
        text,
        ..
    } = page;
    let body = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <title>{title} – meshagent</title>\n<style>{STYLE}</style>\n\
         <main>\n<svg class=\"{mood}\" viewBox=\"0 0 24 24\" aria-hidden=\"true\">{icon}</svg>\n\
         <h1>{title}</h1>\n<p>{text}</p>\n<p class=\"close\">You can close this tab.</p>\n</main>\n\
         <footer>meshagent</footer>\n</html>\n"
    );
    bare(page.status, body)
}

/// A response with the headers of all pages: no script, no other resource, no frame, no cache, no referrer.
fn bare(status: StatusCode, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let fixed: [(HeaderName, &'static str); 5] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONNECTION, "close"),
    ];
    for (name, value) in fixed {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::try_from(policy()) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn policy() -> String {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}
