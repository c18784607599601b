//! A provider's token endpoint, scripted by the test.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};
use url::form_urlencoded;

use super::{FakeServer, read_request};

/// What the endpoint was asked.
#[derive(Debug, Clone)]
pub(crate) struct TokenCall {
    /// The request's head.
    pub(crate) head: String,
    /// The form.
    pub(crate) form: BTreeMap<String, String>,
    /// What HTTP Basic carried, `id:secret`, each still form-encoded.
    pub(crate) basic: Option<String>,
}

impl TokenCall {
    fn read(request: &str) -> Self {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let basic = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("authorization"))
            .map(|(_, value)| STANDARD.decode(value.strip_prefix("Basic ").unwrap()).unwrap());
        Self {
            head: head.to_owned(),
            form: form_urlencoded::parse(body.as_bytes()).into_owned().collect(),
            basic: basic.map(|pair| String::from_utf8(pair).unwrap()),
        }
    }
}

/// A token endpoint. Its threads end with the test.
pub(crate) struct TokenEndpoint {
    server: FakeServer,
    calls: Arc<Mutex<Vec<TokenCall>>>,
}

impl TokenEndpoint {
    /// `answer` makes the bytes that a call is answered with; it gets the call's number, from 1, too.
    pub(crate) fn start(answer: impl Fn(usize, &TokenCall) -> String + Send + Sync + 'static) -> Self {
        Self::serve(answer, |stream| stream)
    }

    /// The same by TLS.
    pub(crate) fn start_tls(
        config: Arc<ServerConfig>,
        answer: impl Fn(usize, &TokenCall) -> String + Send + Sync + 'static,
    ) -> Self {
        Self::serve(answer, move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            StreamOwned::new(connection, stream)
        })
    }

    fn serve<S: Read + Write>(
        answer: impl Fn(usize, &TokenCall) -> String + Send + Sync + 'static,
        secure: impl Fn(TcpStream) -> S + Send + Sync + 'static,
    ) -> Self {
        let calls = Arc::<Mutex<Vec<TokenCall>>>::default();
        let record = Arc::clone(&calls);
        let server = FakeServer::start(move |_, stream| {
            let mut stream = secure(stream);
            let request = read_request(&mut stream);
            if request.is_empty() {
                // Whoever was here did not like the certificate.
                return;
            }
            let call = TokenCall::read(&request);
            let number = {
                let mut calls = record.lock().unwrap();
                calls.push(call.clone());
                calls.len()
            };
            // Whoever asked may be gone.
            let _ = stream.write_all(answer(number, &call).as_bytes());
            let _ = stream.flush();
        });
        Self { server, calls }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/token", self.server.url())
    }

    /// Its address by https and the name of this machine.
    pub(crate) fn https_url(&self) -> String {
        self.url().replace("http://127.0.0.1", "https://localhost")
    }

    /// What it was asked so far.
    pub(crate) fn calls(&self) -> Vec<TokenCall> {
        self.calls.lock().unwrap().clone()
    }
}
