//! What the environment says of proxies.

use std::ffi::OsString;

use url::Url;

use super::no_proxy::NoProxy;
use super::proxy::Proxies;
use crate::fuzz::{check_text, debug_hides};

#[test]
fn no_proxy() {
    let seeds = [
        "*",
        "h.example,.h.example:8080 10.0.0.0/8",
        "[::1]:80,::1,127.0.0.1",
        "fe80::/10",
    ];
    check_text!(seeds, |text| {
        let Ok(entries) = NoProxy::parse(text) else { return };
        let everything = text.split([',', ' ', '\t']).any(|entry| entry == "*");
        let contains = entries.contains(&Url::parse("https://other.invalid/").unwrap());
        assert!(contains || !everything);
    });
}

#[test]
fn proxy() {
    let seeds = [
        "http://ada:canary@proxy.example:3128",
        "socks5h://ada:canary@127.0.0.1",
        "proxy.example:3128/",
        "https://[::1]:1",
    ];
    check_text!(seeds, |text| {
        // A host may be named as the secret of the seed is.
        let named = text.rsplit('@').next().unwrap_or_default().contains("canary");
        if !named {
            debug_hides(&Proxies::read(|_| Some(OsString::from(text))));
        }
    });
}
