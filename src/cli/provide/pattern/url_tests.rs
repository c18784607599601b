use proptest::prelude::*;
use url::Url;

use super::*;

fn matches(pattern: &str, url: &str) -> bool {
    let pattern: UrlPattern = pattern
        .parse()
        .unwrap_or_else(|error| panic!("{pattern}: {error}"));
    pattern.matches(url).unwrap_or(false)
}

#[test]
fn the_parts_of_a_url_are_matched() {
    for (pattern, url) in [
        ("https://a.example", "https://a.example"),
        ("https://a.example", "https://a.example/"),
        ("https://a.example", "HTTPS://A.example:443"),
        ("https://A.example:443/", "https://a.example"),
        ("https://*.example/*", "https://a.b.example/x"),
        ("https://*.example/**", "https://a.example/x/y?z=[1]#f"),
        ("https://*.example/**", "https://a.example"),
        ("https://*.example:8443/**", "https://a.example:8443/x"),
        ("https://*.example:*/**", "https://a.example:8443/x"),
        ("https://*.example:*/**", "https://a.example/x"),
        ("http*://a.example/**", "http://a.example/x"),
        ("*://a.example/**", "ssh://a.example/x"),
        ("https://**", "https://a.example:1/x/y?z#f"),
        ("https://*/**", "https://a.example/x"),
        ("https://a.example/x*", "https://a.example/x1?q"),
        ("https://a.example/x?q=*", "https://a.example/x?q=1"),
        ("https://a.example/x?q=1", "https://a.example/x?q=1"),
        ("https://a.example/x#*", "https://a.example/x#f"),
        ("https://a.example/%7ex/**", "https://a.example/~x/y"),
        ("https://a.example/b\u{fc}/*", "https://a.example/b%c3%bc/1"),
        ("https://[::1]/?a={b}", "https://[0::1]/?a={b}"),
        ("https://[::1]:*/**", "https://[::1]:8443/x"),
        ("postgres://*.example/main", "postgres://db.example/main"),
        (
            "postgres://*.example:5432/main",
            "postgres://db.example:5432/main",
        ),
        ("file:///etc/*", "file:///etc/x"),
        ("**", "https://a.example/x"),
        ("**", ""),
        ("**", "any/thing"),
        ("***", "any/thing"),
        ("db-*", "db-1"),
        ("team/**", "team/a/b"),
        ("*.example/**", "a.example/x"),
        ("a?c", "a?c"),
    ] {
        assert!(matches(pattern, url), "{pattern} {url}");
    }
    for (pattern, url) in [
        ("https://a.example", "https://a.example/x"),
        ("https://a.example", "https://a.example/?q"),
        ("https://a.example/x", "https://a.example/X"),
        ("https://*.example/*", "https://a.example/x/y"),
        ("https://*.example/**", "http://a.example/x"),
        ("https://*.example/**", "https://example/x"),
        ("https://*.example/**", "https://a.example:8443/x"),
        ("https://*.example:8443/**", "https://a.example/x"),
        ("https://a.example/**/x", "https://a.example/y?/x"),
        ("https://a.example/**/x", "https://a.example/y#/x"),
        ("https://a.example/x?q=*", "https://a.example/x"),
        ("https://a.example/x", "https://a.example/x#f"),
        ("https://a.example/public/**", "https://a.example/public/../admin"),
        (
            "https://a.example/public/**",
            "https://a.example/public/%2e%2e/admin",
        ),
        (
            "https://a.example/public/**",
            "https://a.example/public/..%2fadmin",
        ),
        ("https://a.example/*", "https://a.example/x%2fy/z"),
        ("db-*", "https://a.example"),
        ("*", "https://a.example"),
        ("*/**", "https://a.example/x"),
        ("a*", "ba"),
    ] {
        assert!(!matches(pattern, url), "{pattern} {url}");
    }
}

/// The host that a client would call is none of the pattern's.
const TRICKS: [&str; 16] = [
    "https://evil.test?.example/x",
    "https://evil.test#.example/x",
    "https://evil.test/.example/x",
    "https://evil.test\\.example/x",
    "https://evil.test\\@a.example/x",
    "https://u:p@evil.test/.example/x",
    "https://a.example@evil.test/x",
    "https://a.example:p@evil.test/x",
    "https://a.example:443@evil.test/x",
    "https://evil.test:443#@a.example/x",
    "https://evil.test%2f.example/x",
    "https://evil.test%23.example/x",
    "https://evil.test\t.example/x",
    "https://evil.test\u{ff0f}.example/x",
    "https:evil.test/https://a.example/x",
    "https:///evil.test/a.example/x",
];

#[test]
fn no_pattern_gives_to_another_host() {
    for pattern in [
        "https://*.example/**",
        "https://a.example/**",
        "https://*.example:*/**",
        "*://*.example/**",
    ] {
        for url in TRICKS {
            assert!(!matches(pattern, url), "{pattern} {url}");
        }
    }
}

#[test]
fn a_url_with_a_user_name_matches_nothing_but_its_exact_text() {
    let url = "https://u:p@a.example/x";
    for pattern in ["**", "https://**", "https://a.example/x"] {
        let pattern: UrlPattern = pattern.parse().unwrap();
        assert_eq!(pattern.matches(url), Err(AmbiguousUrl::UserInfo), "{pattern:?}");
    }
    assert_eq!(UrlPattern::exactly(url).matches(url), Ok(true));
    assert_eq!(
        UrlPattern::exactly("https://a.example/x").matches(url),
        Err(AmbiguousUrl::UserInfo)
    );
}

#[test]
fn exactly_one_url_however_it_is_written() {
    let exactly = UrlPattern::exactly("https://a.example");
    for (url, fits) in [
        ("https://a.example", true),
        ("https://A.EXAMPLE:443/", true),
        ("https://a.example/x", false),
        ("http://a.example", false),
    ] {
        assert_eq!(exactly.matches(url), Ok(fits), "{url}");
    }
    let exactly = UrlPattern::exactly("a*");
    assert_eq!(
        (exactly.matches("a*"), exactly.matches("ab")),
        (Ok(true), Ok(false))
    );
}

#[test]
fn what_cannot_be_a_pattern_says_what_to_write() {
    for (pattern, says) in [
        ("", "cannot be empty"),
        ("**.example/**", "write `https://HOST/**`"),
        ("http**", "write `https://HOST/**`"),
        ("https://*db.example/**", "write `*.`"),
        ("https://db.*/**", "write it out"),
        ("https://u@a.example/", "user name"),
        ("https://a.example\\x", "backslash"),
        ("https://a.example/a b", "a space"),
        ("https://%61.example/", "percent sign"),
        ("https:a.example", "must follow the scheme"),
        ("https:///x", "a host must follow"),
        ("https://a.example:x/", "a port is a number"),
        ("https://a.example:99999/", "a port is a number"),
        ("https://a.example/x/../y", "no `.` and `..` segments"),
        ("https://a.example/*/%2e%2e/y", "no `.` and `..` segments"),
        ("https://a..example/", "not a host"),
    ] {
        let error = pattern.parse::<UrlPattern>().unwrap_err().to_string();
        assert!(error.contains(says), "{pattern}: {error}");
    }
}

proptest! {
    /// Whatever text fits a pattern for one domain, a URL parser finds a host of that domain in it.
    #[test]
    fn what_fits_a_host_is_called_at_that_host(
        start in "https?:?[/\\\\]{0,3}",
        text in prop::collection::vec(
            prop::sample::select(vec![
                "evil.test", ".example", "a.example", "a", ".", "/", "?", "#", "@", ":", "\\", "%2f", "%40", "443", "u:p@",
                "..", "*", "\t", "\u{ff0f}", "\u{3002}",
            ]),
            0..8,
        ),
    ) {
        let url = format!("{start}{}", text.concat());
        for pattern in ["https://*.example/**", "http*://*.example:*/**"] {
            if matches(pattern, &url) {
                let parsed = Url::parse(&url).unwrap();
                prop_assert!(parsed.host_str().unwrap().ends_with(".example"), "{} {}", pattern, url);
                prop_assert!(parsed.username().is_empty() && parsed.password().is_none(), "{} {}", pattern, url);
            }
        }
    }

    /// A pattern without stars matches the URL that it is.
    #[test]
    fn a_url_without_stars_matches_itself(
        host in "[a-z]{1,5}(\\.[a-z]{1,5}){0,2}", path in "(/[a-z]{1,4}){0,3}", query in "(\\?[a-z=&]{0,5})?",
    ) {
        let url = format!("https://{host}{path}{query}");
        prop_assert!(matches(&url, &url), "{}", url);
        prop_assert!(!matches(&url, &format!("https://x{host}{path}{query}")), "{}", url);
        prop_assert!(!matches(&url, &format!("https://{host}.evil.test{path}{query}")), "{}", url);
    }
}
