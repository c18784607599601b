//! A browser that goes nowhere by itself: the test sits before it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use url::Url;

use super::{Answer, TestEnv, request};

/// Where the browser notes the address that it is sent to, and where its environment.
const ADDRESS: &str = "url";
const ENVIRONMENT: &str = "environment";

/// A program for `BROWSER`.
pub(crate) struct Browser<'a> {
    env: &'a TestEnv,
    pub(crate) program: PathBuf,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(env: &'a TestEnv) -> Self {
        let script = format!(
            "#!/bin/sh\nenv > {ENVIRONMENT}\nprintf %s \"$1\" > {ADDRESS}.new\nmv {ADDRESS}.new {ADDRESS}\n"
        );
        let program = env.write("browser", script);
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        Self { env, program }
    }

    /// Waits until it is opened, anew if it was before.
    pub(crate) fn opens(&self) -> Visit {
        self.env.awaits(ADDRESS);
        let address = fs::read_to_string(self.env.file(ADDRESS)).unwrap();
        fs::remove_file(self.env.file(ADDRESS)).unwrap();
        Visit::new(&address)
    }

    pub(crate) fn was_opened(&self) -> bool {
        self.env.file(ADDRESS).exists()
    }

    /// The variables that it was started with.
    pub(crate) fn environment(&self) -> String {
        fs::read_to_string(self.env.file(ENVIRONMENT)).unwrap()
    }
}

/// A user at a provider.
pub(crate) struct Visit {
    /// Where the browser was sent.
    pub(crate) url: Url,
}

impl Visit {
    pub(crate) fn new(address: &str) -> Self {
        let url = Url::parse(address).unwrap();
        Self { url }
    }

    /// The one parameter of this name.
    pub(crate) fn parameter(&self, name: &str) -> String {
        self.find(name).unwrap()
    }

    /// The one parameter of this name, if there is one.
    pub(crate) fn find(&self, name: &str) -> Option<String> {
        let mut found = self.url.query_pairs().filter(|(found, _)| found == name);
        let value = found.next().map(|(_, value)| value.into_owned());
        assert!(found.next().is_none(), "{name} is there twice");
        value
    }

    /// The address that the provider sends the browser back to, with this in it. `S` is the state.
    pub(crate) fn callback(&self, query: &str) -> String {
        let query = query.replace("state=S", &format!("state={}", self.parameter("state")));
        format!("{}?{query}", self.parameter("redirect_uri"))
    }

    /// The browser comes back with this.
    pub(crate) fn comes_back(&self, query: &str) -> Answer {
        let callback = Url::parse(&self.callback(query)).unwrap();
        self.get(&format!("{}?{}", callback.path(), callback.query().unwrap()))
    }

    /// The page that the browser is sent on to, by a callback that is taken.
    pub(crate) fn page(&self, query: &str) -> String {
        let answer = self.comes_back(query);
        assert_eq!(answer.status, 303, "{}", answer.head);
        let page = self.get(&answer.location.unwrap());
        assert_eq!(page.status, 200, "{}", page.head);
        page.body
    }

    fn get(&self, path: &str) -> Answer {
        let redirect_uri = Url::parse(&self.parameter("redirect_uri")).unwrap();
        let port = redirect_uri.port().unwrap();
        let host = format!("{}:{port}", redirect_uri.host_str().unwrap());
        request(&format!("127.0.0.1:{port}"), "GET", path, &[("Host", &host)])
    }
}
